"""Brings the summary files of an archive up to date; with `repetition` the only one here that reads and writes.

What is recomputed: the activity rows of a board (all its days) when the hash over its posts' ids, threads, instants,
statuses and authors changed; the digest of a thread when the hash over its posts' content hashes, their places and
votes (by order of magnitude), its title and board changed. Both hashes are aggregated in SQL without reading a body.
A file in which no row changed is not touched.
"""

import errno
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from crawler.errors import ArchiveError, BusyError, DiskFullError
from storage.checksums import Checksums
from storage.columns import Table
from storage.files import Files
from storage.locks import hold_on_s3
from summaries.abstractive import Ask, Endpoint, EndpointError, abstract, ask, endpoint_of
from summaries.activity import INPUT_COLUMNS, activity, input_hash_query, replace_boards
from summaries.digests import METHOD, digest
from summaries.repetition import refresh_repetition
from summaries.schema import ACTIVITY, DIGESTS

log = logging.getLogger(__name__)

FOLDER = "summaries"
_LOCK_SECONDS = 600.0
_PATIENCE = 3
"""Failures of the endpoint in a row after which a refresh asks it no more."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# The thread knows its board better than the post: a moved thread gets a new version, its posts do not.
_POSTS = """(
    SELECT p.* REPLACE (coalesce(t.board_id, p.board_id) AS board_id), t.title
    FROM posts p LEFT JOIN (SELECT thread_id, board_id, title FROM threads WHERE site = $site) t USING (thread_id)
    WHERE p.site = $site)"""

_NOTHING = "chr(30)"
"""In place of NULL in hashed values: a character that no value holds, so that (a, NULL) and (NULL, a) differ."""

# Votes as in digests.standing_of. A sum of hashes needs no order, hence no sorting.
_DIGEST_HASHES = f"""
    SELECT thread_id, list(DISTINCT month) AS months,
        md5(concat_ws(chr(31), '{METHOD}', coalesce(min(title), {_NOTHING}), coalesce(min(board_id), {_NOTHING}),
            count(*)::VARCHAR, sum(md5_number_lower(concat_ws(chr(31), post_id,
                CASE WHEN change = 'reparsed' THEN version::VARCHAR END,
                coalesce(content_hash, {_NOTHING}), coalesce(status, {_NOTHING}), coalesce(author_key, {_NOTHING}),
                coalesce(epoch_us(created_at)::VARCHAR, {_NOTHING}), coalesce(position::VARCHAR, {_NOTHING}),
                coalesce(is_opening, false)::VARCHAR,
                length(bin(greatest(coalesce(score, reactions, 0), 0) + 1))::VARCHAR))::HUGEINT)::VARCHAR)
        ) AS input_hash
    FROM {_POSTS} GROUP BY thread_id"""  # noqa: S608 - constants of this module


class Archive(Protocol):
    """What a refresh needs of `storage.archive.Archive`."""

    files: Files
    location: str
    """The archive's folder or address."""
    work: Path
    """The archive's folder; of one on S3 the local one for what is made on the way."""

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection with the views `posts` and `threads`."""


def refresh(
    archive: Archive,
    site: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    now: datetime | None = None,
    ask: Ask = ask,
) -> dict[str, int]:
    """Recomputes what changed since the last refresh, of one site or of all, and writes the files that changed.

    Args:
        archive: Where the posts are, and the summaries go.
        site: Its name; all sites where absent.
        environ: Where an endpoint for abstractive digests may be configured (see `summaries.abstractive`).
        now: Instant for `refreshed_at`; the clock's where absent.
        ask: How the endpoint is asked.

    Returns:
        Counts: activity_boards, activity_boards_unchanged, activity_boards_removed, digests, digests_unchanged,
        digests_removed, digests_abstractive and digests_fallback (of this refresh: written by the endpoint, or not
        although it was asked), files_written (of these two tables), and those of `repetition.refresh_repetition`.

    Raises:
        UsageError: the endpoint is configured by half.
        BusyError: another refresh of the archive has been running for 10 minutes.
        DiskFullError, ArchiveError: a file cannot be written; the file before it stays as it was.
    """
    endpoint = endpoint_of(environ)
    run = _Run(archive.files, archive.work / FOLDER, now or datetime.now(UTC), endpoint, ask)
    try:
        with only_refresh(archive), archive.connect() as connection:
            for aside in run.folder.glob("*/site=*/.data.parquet.*.tmp"):  # left by a refresh that was killed
                aside.unlink()
            for name in [site] if site else _sites(connection, archive.files):
                run.activity(connection, name)
                run.digests(connection, name)
            run.counts |= refresh_repetition(archive.files, run.folder / ".repetition", connection)
    except duckdb.IOException as error:  # a publish has replaced files that the views name
        raise ArchiveError(f"The files of {archive.location} changed while they were read; refresh again.") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFullError(f"No space left for {run.folder}; free some and refresh again.") from error
        raise ArchiveError(f"Cannot write the summaries in {run.folder}: {error.strerror or error}.") from error
    return run.counts


@contextmanager
def only_refresh(archive: Archive) -> Iterator[None]:
    """Around all that replaces files of summaries: keeps other refreshes out, and marks the files as in the making.

    Raises:
        BusyError: another refresh of the archive has been running for 10 minutes.
    """
    busy = f"Another refresh of {archive.location} is running; try again when it has ended."
    folder = archive.work / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            FileLock(folder / ".refresh.lock", timeout=_LOCK_SECONDS),
            hold_on_s3(archive.files, archive.work / ".locks", "summaries", _LOCK_SECONDS, busy),
            Checksums(archive.files).replacing(FOLDER),
        ):
            yield
    except Timeout as error:
        raise BusyError(busy) from error


def summary_file(table: Table, site: str) -> str:
    """Where the rows of one site are, below the archive."""
    return f"{FOLDER}/{table.name}/site={site}/data.parquet"


class _Run:
    """One refresh: where it writes, its instant, and what it has counted."""

    def __init__(self, files: Files, folder: Path, now: datetime, endpoint: Endpoint | None, ask: Ask) -> None:
        self.files = files
        self.folder = folder
        """Local, for what stands aside."""
        self.now = now
        self.endpoint = endpoint
        self.ask = ask
        self.failures = 0
        self.counts = dict.fromkeys(
            (
                *("activity_boards", "activity_boards_unchanged", "activity_boards_removed"),
                *("digests", "digests_unchanged", "digests_removed", "digests_abstractive", "digests_fallback"),
                "files_written",
            ),
            0,
        )

    def activity(self, connection: duckdb.DuckDBPyConnection, site: str) -> None:
        """Brings the activity of one site up to date."""
        path = summary_file(ACTIVITY, site)
        existing = _read(self.files, path, ACTIVITY, site)
        had = dict(zip(existing["board_id"].to_pylist(), existing["input_hash"].to_pylist(), strict=True))
        found = connection.sql(input_hash_query(_POSTS), params={"site": site}).to_arrow_table()
        now = dict(zip(found["board_id"].to_pylist(), found["input_hash"].to_pylist(), strict=True))
        unchanged = [board for board, value in now.items() if had.get(board) == value]
        due = [board for board in now if board not in set(unchanged)]
        removed = had.keys() - now.keys()
        self.counts["activity_boards"] += len(due)
        self.counts["activity_boards_unchanged"] += len(unchanged)
        self.counts["activity_boards_removed"] += len(removed)
        if due or removed:
            rows = activity(_posts_of_boards(connection, site, due), self.now)
            self._write(path, replace_boards(existing, rows, [(site, board) for board in unchanged]))

    def digests(self, connection: duckdb.DuckDBPyConnection, site: str) -> None:
        """Brings the digests of one site up to date."""
        path = summary_file(DIGESTS, site)
        existing = _read(self.files, path, DIGESTS, site)
        method = self.endpoint.method if self.endpoint else METHOD
        kept = {
            thread_id: (value, by, row)
            for row, (thread_id, value, by) in enumerate(
                zip(*(existing[name].to_pylist() for name in ("thread_id", "input_hash", "method")), strict=True)
            )
        }
        found = connection.sql(_DIGEST_HASHES, params={"site": site}).to_arrow_table()
        now = dict(zip(found["thread_id"].to_pylist(), found["input_hash"].to_pylist(), strict=True))
        due = {thread for thread, value in now.items() if kept.get(thread, (None, None))[:2] != (value, method)}
        months = {
            month
            for thread, of_thread in zip(found["thread_id"].to_pylist(), found["months"].to_pylist(), strict=True)
            if thread in due
            for month in of_thread
        }
        changed: list[dict[str, Any]] = []
        for posts in _posts_of_threads(connection, site, due, months):
            row = self._digest(posts, now[posts[0]["thread_id"]])
            before = kept.get(row["thread_id"])
            if before is None or _but_instant(existing.slice(before[2], 1).to_pylist()[0]) != _but_instant(row):
                changed.append(row)
        removed = kept.keys() - now.keys()
        self.counts["digests"] += len(changed)
        self.counts["digests_unchanged"] += len(now) - len(changed)
        self.counts["digests_removed"] += len(removed)
        if changed or removed:
            gone = removed | {row["thread_id"] for row in changed}
            stays = pa.array([thread not in gone for thread in existing["thread_id"].to_pylist()], pa.bool_())
            rows = pa.concat_tables([existing.filter(stays), pa.Table.from_pylist(changed, DIGESTS.schema)])
            self._write(path, rows.sort_by([(column, "ascending") for column in DIGESTS.sort_by]))

    def _digest(self, posts: Sequence[Mapping[str, Any]], input_hash: str) -> dict[str, Any]:
        first = posts[0]
        title = first["title"]
        row = {"site": first["site"], "board_id": min(_known(posts, "board_id"), default=None)}
        row |= {"thread_id": first["thread_id"], "title": title, "input_hash": input_hash, "method": METHOD}
        row |= asdict(digest(posts, title)) | {"refreshed_at": self.now}
        if self.endpoint is None or not row["posts"]:
            return row
        if self.failures < _PATIENCE:
            try:
                row["digest_text"] = abstract(posts, title, self.endpoint, self.ask)
            except EndpointError as error:
                self.failures += 1
                log.warning("Thread %s keeps its extractive digest: %s.", row["thread_id"], error)
            else:
                self.failures = 0
                row["method"] = self.endpoint.method
                self.counts["digests_abstractive"] += 1
                return row
        self.counts["digests_fallback"] += 1
        return row

    def _write(self, path: str, rows: pa.Table) -> None:
        """Writes aside first: who reads meanwhile has the whole file of before, or the whole new one."""
        aside = self.folder.parent / f"{path}.{os.getpid()}.tmp"
        aside = aside.with_name(f".{aside.name}")
        aside.parent.mkdir(parents=True, exist_ok=True)
        try:
            # The site is in the path, as in current/: readers add hive partitions to the columns.
            pq.write_table(rows.drop_columns(["site"]), aside, compression="zstd", compression_level=3)
            self.files.take(path, aside)
        finally:
            aside.unlink(missing_ok=True)
        self.counts["files_written"] += 1


def _sites(connection: duckdb.DuckDBPyConnection, files: Files) -> list[str]:
    """Sites with posts, and sites with summaries whose posts may be gone."""
    posts = {name for (name,) in connection.execute("SELECT DISTINCT site FROM posts").fetchall()}
    held = (entry.path.split("/")[2:] for entry in files.list(FOLDER))
    summaries = {names[0].removeprefix("site=") for names in held if names[1:] == ["data.parquet"]}
    return sorted(posts | summaries)


def _read(files: Files, path: str, table: Table, site: str) -> pa.Table:
    """The rows as they are; none where the file is absent, or was written by another version of the schema."""
    empty = table.schema.empty_table()
    try:
        rows = files.parquet(path).read()
    except (FileNotFoundError, pa.ArrowInvalid):  # not Parquet: derived data is computed anew
        return empty
    if rows.schema.names != [name for name in table.column_names if name != "site"]:
        return empty
    with_site = rows.append_column("site", pa.array([site] * len(rows), pa.string()))
    complete: pa.Table = with_site.select(table.column_names).cast(table.schema)
    return complete


def _posts_of_boards(connection: duckdb.DuckDBPyConnection, site: str, boards: Sequence[str | None]) -> pa.Table:
    columns = ", ".join(INPUT_COLUMNS)
    query = f"""SELECT {columns} FROM {_POSTS}
        WHERE list_contains($boards, board_id) OR ($nameless AND board_id IS NULL)"""  # noqa: S608
    named = [board for board in boards if board is not None]
    params = {"site": site, "boards": named, "nameless": None in boards}
    rows: pa.Table = connection.sql(query, params=params).to_arrow_table()
    return rows


def _posts_of_threads(
    connection: duckdb.DuckDBPyConnection, site: str, threads: set[str], months: set[str]
) -> Iterator[list[dict[str, Any]]]:
    """The posts of each thread; one scan of the months that hold them, sorted by DuckDB, streamed."""
    if not threads:
        return
    connection.register("due_threads", pa.table({"thread_id": pa.array(sorted(threads), pa.string())}))
    # The months stand in the query one by one so that DuckDB skips the other partitions' files.
    wanted = {f"month{number}": month for number, month in enumerate(sorted(months))}
    query = f"""
        SELECT site, board_id, thread_id, title, post_id, position, author_key, epoch_us(created_at) AS created_at,
            body_text, score, reactions, coalesce(is_opening, false) AS is_opening, status
        FROM {_POSTS} WHERE month IN ({", ".join(f"${name}" for name in wanted)})
            AND thread_id IN (SELECT thread_id FROM due_threads)
        ORDER BY thread_id, post_id"""  # noqa: S608 - names of parameters
    reader = connection.sql(query, params={"site": site} | wanted).to_arrow_reader(4_096)
    rows = (row for batch in reader for row in batch.to_pylist())
    for _, posts in groupby(rows, key=itemgetter("thread_id")):
        yield [post | {"created_at": _instant(post["created_at"])} for post in posts]
    connection.unregister("due_threads")


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def _known(posts: Sequence[Mapping[str, Any]], name: str) -> set[Any]:
    return {post[name] for post in posts} - {None}


def _but_instant(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "refreshed_at"}
