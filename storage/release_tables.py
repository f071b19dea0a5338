"""What a release holds: the archive's tables without what is for its own use, and where each stands in the folder.

<release>/
    posts/ threads/                                   the state as of the snapshot:  site=.../month=.../data.parquet
    post_versions/ thread_versions/ observations/     the history, likewise
    boards.parquet  crawls.parquet
    summaries/<table>/site=.../data.parquet           what was derived from it, where it was

Partition columns are in the path alone: in the files too, they would clash with what pyarrow makes of the path.
Never in a release: `authors`, landings, the key; nor the names that the column `author` holds of sites whose privacy
is `keep`, as who gets the release is not who was asked.
"""

import re

import msgspec
import pyarrow as pa

from crawler.receipt import Shortfall, Unavailable
from storage.columns import INSTANT, Column, Merge, Table
from storage.known import Row
from storage.schema import BOARDS, CRAWLS, OBSERVATIONS, POST_VERSIONS, POSTS, THREAD_VERSIONS, THREADS
from summaries.schema import TABLES as SUMMARIES

_LEFT_OUT = frozenset({"attempt", "previous_month", "receipt", "author"})
_PARTITIONS = re.compile(r"(?:.*/)?site=(?P<site>[^/]+)(?:/month=(?P<month>[^/]+))?/")

_REASONS = pa.list_(pa.struct([("reason", pa.string()), ("pages", pa.int64())]))
_IN_PART = pa.list_(pa.struct([("board_id", pa.string()), ("why", pa.string())]))
_UNAVAILABLE = pa.list_(pa.struct([("thread_id", pa.string()), ("cause", pa.string()), ("seen_at", INSTANT)]))
_SHORTFALLS = pa.list_(pa.struct([("thread_id", pa.string()), ("stated", pa.int64()), ("captured", pa.int64())]))


def _gap(name: str, type_: pa.DataType, doc: str) -> Column:
    return Column(name, type_, doc, Merge.CRAWL)


GAPS = (
    _gap("refused_by", _REASONS, "Pages not asked for, by reason."),
    _gap("failed_by", _REASONS, "Pages asked for without a usable answer, by reason."),
    _gap("boards_walked", pa.list_(pa.string()), "Boards whose listing was read as far as it was not known yet."),
    _gap("boards_in_part", _IN_PART, "Boards that could not be read, or not as far as wanted, each with the reason."),
    _gap("boards_unchanged", pa.int64(), "Boards not walked, as the site's index showed nothing new in them."),
    _gap("boards_by_latest", pa.int64(), "Boards not walked, as the site's one list of all threads was read instead."),
    _gap("unavailable", _UNAVAILABLE, "Known threads that were asked for and not shown, each with the cause."),
    _gap("shortfalls", _SHORTFALLS, "Threads read whole that gave another number of posts than the site states."),
    _gap("reservations", _REASONS, "Pages on which the site reserves a use, by its word for it."),
)
"""What a release keeps of the receipts beyond their columns: counts and gaps, no address and no text."""


def _released(table: Table) -> Table:
    columns = tuple(column for column in table.columns if column.name not in _LEFT_OUT)
    if table is CRAWLS:
        columns += GAPS
    return Table(
        table.name,
        table.doc,
        table.partition_by,
        table.key,
        table.sort_by,
        columns,
        row_group_size=table.row_group_size,
    )


_STATE_AND_HISTORY = (POSTS, THREADS, POST_VERSIONS, THREAD_VERSIONS, OBSERVATIONS, BOARDS, CRAWLS)
RELEASED: dict[str, Table] = {table.name: _released(table) for table in (*_STATE_AND_HISTORY, *SUMMARIES.values())}
"""The tables of a release, in the order in which its documents name them."""


def path_of(table: Table, site: str | None = None, month: str | None = None) -> str:
    """Where the rows of a partition stand in the release."""
    if not table.partition_by:
        return f"{table.name}.parquet"
    folder = f"summaries/{table.name}" if table.name in SUMMARIES else table.name
    return "/".join([folder, f"site={site}", *([f"month={month}"] if month else []), "data.parquet"])


def table_of(path: str) -> Table | None:
    """The table whose rows stand in a file of a release; None where it holds no rows."""
    if not path.endswith(".parquet"):
        return None
    return RELEASED.get(path.removeprefix("summaries/").split("/")[0].removesuffix(".parquet"))


def partition_of(path: str) -> dict[str, str]:
    """The partition columns in a path, by name."""
    found = _PARTITIONS.match(path)
    return {name: value for name, value in found.groupdict().items() if value} if found else {}


def schema_in_files(table: Table) -> pa.Schema:
    """The Arrow schema of the table's files: all columns that are not in the path."""
    return pa.schema([table.schema.field(column.name) for column in columns_in_files(table)])


def columns_in_files(table: Table) -> list[Column]:
    """The columns that stand in the table's files."""
    return [column for column in table.columns if column.name not in table.partition_by]


class _Receipt(msgspec.Struct):
    """The part of a receipt's JSON that a release keeps."""

    refused: dict[str, int] = {}
    failed: dict[str, int] = {}
    boards_walked: list[str] = []
    boards_lost: list[str] = []
    boards_missing: list[str] = []
    boards_closed: dict[str, str] = {}
    boards_cut: dict[str, str] = {}
    boards_unchanged: int = 0
    boards_by_latest: int = 0
    unavailable: list[Unavailable] = []
    shortfalls: list[Shortfall] = []
    reservations: dict[str, int] = {}


_RECEIPTS = msgspec.json.Decoder(_Receipt)


def gaps_of(receipt: str) -> Row:
    """The columns GAPS of one crawl, from its receipt as JSON."""
    read = _RECEIPTS.decode(receipt)
    in_part = dict.fromkeys(read.boards_lost, "a part of it could not be read")
    in_part |= dict.fromkeys(read.boards_missing, "the site's index does not show it")
    in_part |= read.boards_cut | read.boards_closed
    return {
        "refused_by": _by_reason(read.refused),
        "failed_by": _by_reason(read.failed),
        "boards_walked": sorted(read.boards_walked),
        "boards_in_part": [{"board_id": name, "why": why} for name, why in sorted(in_part.items())],
        "boards_unchanged": read.boards_unchanged,
        "boards_by_latest": read.boards_by_latest,
        "unavailable": [
            {"thread_id": found.thread_id, "cause": found.cause, "seen_at": found.seen_at} for found in read.unavailable
        ],
        "shortfalls": [msgspec.to_builtins(found) for found in read.shortfalls],
        "reservations": _by_reason(read.reservations),
    }


def _by_reason(counts: dict[str, int]) -> list[Row]:
    return [{"reason": reason, "pages": pages} for reason, pages in sorted(counts.items())]
