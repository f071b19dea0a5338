"""The index of near-duplicates: fingerprints of all posts that stand, a Parquet file for each partition of `posts`.

<archive>/summaries/near_duplicate_index/site=<site>/month=<month>/data.parquet

A file follows from the posts of its partition and holds no text and no author. State tells which published file (by
its SHA-256) each was made from: only partitions whose file is another one now are looked at, and in them only posts
that are new or say something else are read. Where the state is lost or does not fit the files, all is made anew, to
the same bytes. It is written last, after everything that follows from the change; so a refresh that was killed is
made again. What is gone from `posts` (deleted, erased) is gone from here after a refresh.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from storage.columns import INSTANT
from storage.files import Files
from storage.views import quoted, read_manifest
from summaries import minhash, quotations
from summaries.activity import GONE
from summaries.minhash import FINGERPRINTS, fingerprints
from summaries.near_duplicates import INSTANT_COLUMN
from summaries.schema import CROSSPOSTS, NEAR_DUPLICATES, QUOTATIONS

FOLDER = "summaries/near_duplicate_index"
STATE = f"{FOLDER}/state.json"
PRODUCTS = (NEAR_DUPLICATES, CROSSPOSTS, QUOTATIONS)
_METHOD = [minhash.METHOD, quotations.METHOD, *(name for table in PRODUCTS for name in table.column_names)]
_OF_POST = pa.schema(
    [
        ("post_id", pa.string()),
        ("thread_id", pa.string()),
        ("created_at", INSTANT),
        ("is_opening", pa.bool_()),
        ("content", pa.uint64()),
    ]
)
"""`content` is 64 bits over the post's content hash and version: a better mask makes a version, and no new hash."""
INDEX = pa.unify_schemas([_OF_POST, FINGERPRINTS])
_AT_ONCE = 4_096
_PREFIX = "posts/"


class Month(NamedTuple):
    """A site's month: a partition of `posts`, and a file of the index."""

    site: str
    month: str

    @property
    def path(self) -> str:
        """The file's path below the archive."""
        return f"{FOLDER}/{self.key}/data.parquet"

    @property
    def key(self) -> str:
        """As hive partitions."""
        return f"site={self.site}/month={self.month}"


@dataclass
class State:
    """What the files were made from, and how large they are."""

    sources: dict[str, str | None] = field(default_factory=dict)
    """SHA-256 of the published file of posts by month; null where nothing was published."""
    threads: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the published files of threads."""
    files: dict[str, int] = field(default_factory=dict)
    """Bytes of the files of the index and of what follows from it, by path."""

    def to_json(self) -> bytes:
        """As it is kept."""
        content = {"method": _METHOD, "sources": self.sources, "threads": self.threads, "files": self.files}
        return json.dumps(content, indent=1, sort_keys=True).encode()


def read_state(files: Files) -> State | None:
    """The state; None where there is none, or where it does not fit this method or the files that are there."""
    try:
        content = json.loads(files.read(STATE))
        state = State(content["sources"], content["threads"], content["files"])
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError):
        return None
    folders = (FOLDER, *(f"summaries/{table.name}" for table in PRODUCTS))
    there = {entry.path: entry.bytes for folder in folders for entry in files.list(folder) if entry.path != STATE}
    return state if content["method"] == _METHOD and there == state.files else None


def sources_of(files: Files, connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, str | None], dict[str, str]]:
    """The partitions of `posts` and the files of `threads` with their SHA-256; without, where nothing is published."""
    manifest = read_manifest(files)
    if manifest is None:
        found = connection.execute("SELECT DISTINCT site, month FROM posts").fetchall()
        return {Month(*row).key: None for row in sorted(found)}, {}
    published = manifest["files"]
    assert isinstance(published, dict)
    hashes = {path: entry["sha256"] for path, entry in published.items()}
    posts = {
        path.removeprefix(_PREFIX).rpartition("/")[0]: value
        for path, value in hashes.items()
        if path.startswith(_PREFIX)
    }
    return dict(posts), {path: value for path, value in hashes.items() if path.startswith("threads/")}


def month_of_key(key: str) -> Month:
    """The month of a path such as site=.../month=..."""
    site, month = key.split("/")
    return Month(site.removeprefix("site="), month.removeprefix("month="))


class Index:
    """The index as it was and as it will be, during one refresh.

    Leaves in the connection the relations that `near_duplicates.Clustering` wants, with `month` besides: `docs`,
    `came` and `went`.
    """

    def __init__(self, files: Files, connection: duckdb.DuckDBPyConnection, work: Path, state: State | None) -> None:
        self.files, self.connection, self.work = files, connection, work
        self.before = state
        self.sources, self.threads = sources_of(files, connection)
        self.made: dict[Month, Path] = {}
        """Files to be put in place."""
        self.gone: list[Month] = []
        self.read = 0
        """Posts whose text was read."""

    def compare(self) -> bool:
        """Finds out what changed and makes the files anew that it concerns; whether anything did."""
        known = self.before.sources if self.before else {}
        columns = ", ".join(f"NULL::{_TYPES[field.type]} AS {field.name}" for field in INDEX)
        empty = f"SELECT '' AS site, '' AS month, {columns}, 0::BIGINT AS instant WHERE false"
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE went AS {empty}")
        self.connection.execute("CREATE OR REPLACE TEMP TABLE came (site VARCHAR, post_id VARCHAR, thread_id VARCHAR)")
        for key in sorted(known.keys() - self.sources.keys()):
            month = month_of_key(key)
            self.connection.execute(f"INSERT INTO went BY NAME {self._rows(month, self.files.uri(month.path))}")
            self.gone.append(month)
        changed = bool(self.gone)
        for key, source in sorted(self.sources.items()):
            if source is None or known.get(key) != source:
                changed |= self._compare_month(month_of_key(key), is_known=key in known)
        return changed

    def load(self) -> None:
        """Makes `docs`: all posts that stand, from the files that stay and those that were made."""
        places = {month_of_key(key): self.files.uri(month_of_key(key).path) for key in self.sources}
        places |= {month: str(path) for month, path in self.made.items()}
        columns = [name for name in INDEX.names if name not in {"content", "created_at"}]
        empty = "SELECT * EXCLUDE (content, created_at) FROM went WHERE false"
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE docs AS {empty}")
        listed = [quoted(place) for place in places.values()]
        if listed:
            self.connection.execute(
                f"INSERT INTO docs BY NAME SELECT site, month, {', '.join(columns)}, {INSTANT_COLUMN} AS instant "  # noqa: S608 - ours
                f"FROM read_parquet([{', '.join(listed)}], hive_partitioning = true, "
                "hive_types = {site: VARCHAR, month: VARCHAR})"
            )

    def _compare_month(self, month: Month, *, is_known: bool) -> bool:
        """Makes the month's file anew if a post came, went or changed; whether one did."""
        connection, here = self.connection, f"site = {quoted(month.site)} AND month = {quoted(month.month)}"
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE present AS SELECT post_id, thread_id, created_at, "  # noqa: S608 - ours
            "coalesce(is_opening, false) AS is_opening, "
            "md5_number_lower(concat_ws(' ', content_hash, version)) AS content "
            f"FROM posts WHERE {here} AND coalesce(status, 'visible') NOT IN {GONE}"
        )
        held = self._rows(month, self.files.uri(month.path)) if is_known else "SELECT * FROM went WHERE false"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE held AS {held}")
        differs = " OR ".join(f"p.{name} IS DISTINCT FROM h.{name}" for name in _OF_POST.names if name != "post_id")
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE fresh AS SELECT p.post_id, p.thread_id, "  # noqa: S608 - ours
            "h.content IS DISTINCT FROM p.content AS says_else "
            f"FROM present AS p LEFT JOIN held AS h USING (post_id) WHERE h.post_id IS NULL OR {differs}"
        )
        leaves = "held ANTI JOIN present USING (post_id)"
        counts = connection.execute(f"SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM {leaves})").fetchone()  # noqa: S608
        if counts == (0, 0) and is_known:
            return False
        connection.execute(f"INSERT INTO came SELECT {quoted(month.site)}, post_id, thread_id FROM fresh")  # noqa: S608
        changed = f"SELECT * FROM held SEMI JOIN fresh USING (post_id) UNION ALL FROM {leaves}"  # noqa: S608 - ours
        connection.execute(f"INSERT INTO went BY NAME {changed}")
        self._make(month, here)
        return True

    def _make(self, month: Month, here: str) -> None:
        """The month's file: fingerprints that hold, and those of the posts that say something else."""
        connection = self.connection
        reader = connection.sql(
            "SELECT post_id, body_text FROM posts "  # noqa: S608 - ours
            f"WHERE {here} AND post_id IN (SELECT post_id FROM fresh WHERE says_else)"
        ).to_arrow_reader(_AT_ONCE)
        schema = pa.schema([pa.field("post_id", pa.string()), *FINGERPRINTS])
        batches = [schema.empty_table()]
        for batch in reader:
            made = fingerprints(batch.column(1).to_pylist())
            batches.append(made.add_column(0, schema.field(0), batch.column(0).cast(pa.string())))
            self.read += len(made)
        connection.register("computed", pa.concat_tables(batches))
        prints = ", ".join(FINGERPRINTS.names)
        rows: pa.Table = connection.sql(
            f"SELECT p.*, {prints} FROM present AS p JOIN (SELECT post_id, {prints} FROM computed UNION ALL "  # noqa: S608
            f"SELECT post_id, {prints} FROM held ANTI JOIN computed USING (post_id)) USING (post_id) ORDER BY p.post_id"
        ).to_arrow_table()
        connection.unregister("computed")
        path = self.work / month.key / "data.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Bands and keys are as good as random: dictionaries make them no smaller.
        pq.write_table(rows.cast(INDEX), path, compression="zstd", compression_level=1, use_dictionary=False)
        self.made[month] = path

    def _rows(self, month: Month, place: str) -> str:
        names = ", ".join(INDEX.names)
        return (
            f"SELECT {quoted(month.site)} AS site, {quoted(month.month)} AS month, {names}, "  # noqa: S608 - ours
            f"{INSTANT_COLUMN} AS instant FROM read_parquet([{quoted(place)}], hive_partitioning = false)"
        )

    def put(self) -> dict[str, int]:
        """Puts the files that were made in their places; bytes of all files of the index by path."""
        sizes = {
            path: size for path, size in (self.before.files if self.before else {}).items() if path.startswith(FOLDER)
        }
        for month, path in self.made.items():
            sizes[month.path] = path.stat().st_size
            self.files.take(month.path, path)
        wanted = {month_of_key(key).path for key in self.sources}
        for entry in list(self.files.list(FOLDER)):
            if entry.path not in wanted and entry.path != STATE:
                self.files.delete(entry.path)
        return {path: size for path, size in sizes.items() if path in wanted}


_TYPES: Mapping[Any, str] = {
    pa.string(): "VARCHAR", INSTANT: "TIMESTAMPTZ", pa.bool_(): "BOOLEAN", pa.uint64(): "UBIGINT",
    pa.int32(): "INTEGER", pa.int64(): "BIGINT", pa.uint32(): "UINTEGER",
}  # fmt: skip
