"""Filling the index: its tables, and how the rows of committed crawls are taken into them."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from crawler.receipt import Receipt
from crawler.state import ThreadState, readings_after
from storage.dedupe import board_hash
from storage.known import ThreadRecord

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

LAYOUT = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE posts (
    site TEXT, post_id TEXT, thread_id TEXT, content_hash TEXT, status TEXT, version INTEGER, created_at INTEGER,
    month TEXT, last_seen INTEGER, PRIMARY KEY (site, post_id)) WITHOUT ROWID;
CREATE INDEX posts_of_thread ON posts (site, thread_id);
CREATE INDEX posts_by_age ON posts (site, created_at);
CREATE TABLE threads (
    site TEXT, thread_id TEXT, record BLOB, content_hash TEXT, version INTEGER, month TEXT, last_seen INTEGER,
    status TEXT, sighted INTEGER, PRIMARY KEY (site, thread_id)) WITHOUT ROWID;
CREATE TABLE absences (site TEXT, post_id TEXT, found INTEGER, PRIMARY KEY (site, post_id, found)) WITHOUT ROWID;
CREATE TABLE gone (site TEXT, thread_id TEXT, found INTEGER, PRIMARY KEY (site, thread_id, found)) WITHOUT ROWID;
CREATE TABLE boards (site TEXT, board_id TEXT, hash TEXT, PRIMARY KEY (site, board_id)) WITHOUT ROWID;
CREATE TABLE authors (site TEXT, author_key TEXT, has_id INTEGER, PRIMARY KEY (site, author_key)) WITHOUT ROWID;
CREATE TABLE readings (site TEXT, thread_id TEXT, state BLOB, PRIMARY KEY (site, thread_id)) WITHOUT ROWID;
CREATE TABLE walked (site TEXT, board_id TEXT, PRIMARY KEY (site, board_id)) WITHOUT ROWID;
CREATE TABLE boards_at (site TEXT, board_id TEXT, state BLOB, PRIMARY KEY (site, board_id)) WITHOUT ROWID;
CREATE TABLE crawls (site TEXT, crawl_id TEXT, generation INTEGER, PRIMARY KEY (site, crawl_id)) WITHOUT ROWID;
"""


class CommittedCrawl(NamedTuple):
    """One line of the list of committed crawls."""

    snapshot: int
    generation: int
    receipt: Receipt


class Missed(NamedTuple):
    """What an index has not taken in yet."""

    crawls: list[CommittedCrawl]
    """Oldest first."""
    tables: Mapping[str, Iterable[pa.RecordBatch]]
    """Rows of these crawls by table, with at least the columns of `NEEDED`, older versions before newer ones."""


def take_in(connection: sqlite3.Connection, missed: Missed) -> None:
    """Takes in the rows and receipts of crawls, each once, in the order of their snapshots."""
    for name, take in _TAKERS.items():
        for batch in missed.tables.get(name, ()):
            take(connection, batch)
    for snapshot, generation, receipt in missed.crawls:
        site = receipt.site
        _take_readings(connection, receipt)
        findings = [(site, finding.thread_id, microseconds(finding.seen_at)) for finding in receipt.gone()]
        connection.executemany("INSERT OR IGNORE INTO gone VALUES (?, ?, ?)", findings)
        connection.executemany(
            "INSERT OR IGNORE INTO walked VALUES (?, ?)", [(site, board_id) for board_id in receipt.boards_walked]
        )
        connection.executemany(
            "DELETE FROM walked WHERE site = ? AND board_id = ?", [(site, board_id) for board_id in receipt.boards_lost]
        )
        connection.execute("INSERT INTO crawls VALUES (?, ?, ?)", (site, receipt.crawl_id, generation))
        connection.execute("UPDATE meta SET value = ? WHERE key = 'snapshot'", (snapshot,))
    _forget_findings(connection)


def _forget_findings(connection: sqlite3.Connection) -> None:
    """Drops the findings that something was seen after; only a few are ever open."""
    connection.execute(
        "DELETE FROM absences WHERE found <= (SELECT last_seen FROM posts AS p "
        "WHERE p.site = absences.site AND p.post_id = absences.post_id)"
    )
    connection.execute(
        "DELETE FROM gone WHERE found <= (SELECT sighted FROM threads AS t "
        "WHERE t.site = gone.site AND t.thread_id = gone.thread_id)"
    )


def _take_readings(connection: sqlite3.Connection, receipt: Receipt) -> None:
    """Brings what is known of the threads that a crawl read, and of the boards that it walked, up to it."""
    site, encoder = receipt.site, msgspec.msgpack.Encoder()
    known = readings_of(connection, site, (entry.thread_id for entry in receipt.coverage if entry.reaches_end))
    connection.executemany(
        "INSERT OR REPLACE INTO readings VALUES (?, ?, ?)",
        [(site, thread_id, encoder.encode(state)) for thread_id, state in readings_after(known, receipt).items()],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO boards_at VALUES (?, ?, ?)",
        [(site, board_id, encoder.encode(state)) for board_id, state in receipt.boards_at.items()],
    )


def _take_posts(connection: sqlite3.Connection, batch: pa.RecordBatch) -> None:
    names = ("site", "post_id", "thread_id", "content_hash", "status", "version", "created_at", "month")
    connection.executemany(
        "INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?, coalesce(?, 0)) ON CONFLICT DO UPDATE SET "
        "thread_id = excluded.thread_id, content_hash = excluded.content_hash, status = excluded.status, "
        "version = excluded.version, created_at = excluded.created_at, month = excluded.month, "
        "last_seen = max(last_seen, excluded.last_seen)",
        zip(*(_values(batch, name) for name in names), _seen(batch), strict=True),
    )


def _take_threads(connection: sqlite3.Connection, batch: pa.RecordBatch) -> None:
    encoder = msgspec.msgpack.Encoder()
    fields = [name for name in ThreadRecord.__struct_fields__ if name in batch.schema.names]
    records = [
        encoder.encode(msgspec.convert({name: row[name] for name in fields}, ThreadRecord))
        for row in batch.select(fields).to_pylist()
    ]
    connection.executemany(
        "INSERT INTO threads VALUES (?, ?, ?, ?, ?, ?, coalesce(?, 0), ?, NULL) "
        "ON CONFLICT DO UPDATE SET record = excluded.record, content_hash = excluded.content_hash, "
        "version = excluded.version, month = excluded.month, "
        "last_seen = max(last_seen, excluded.last_seen), status = excluded.status",
        zip(
            _values(batch, "site"),
            _values(batch, "thread_id"),
            records,
            *(_values(batch, name) for name in ("content_hash", "version", "month")),
            _seen(batch),
            _values(batch, "status"),
            strict=True,
        ),
    )


def _seen(batch: pa.RecordBatch) -> list[int | None]:
    """When a page showed each version first; None where none did, but a reparse made it."""
    instants = zip(_values(batch, "observed_at"), _values(batch, "change"), strict=True)
    return [None if change == "reparsed" else at for at, change in instants]


def _take_sightings(connection: sqlite3.Connection, batch: pa.RecordBatch) -> None:
    sighted = zip(
        *(_values(batch, name) for name in ("kind", "observed_at", "site", "thread_id", "post_id")), strict=True
    )
    posts, threads, absences = [], [], []
    for kind, seen, site, thread_id, post_id in sighted:
        if kind == "post":
            posts.append((seen, site, post_id))
        elif kind == "thread":
            threads.append((seen, seen, site, thread_id))
        else:
            absences.append((site, post_id, seen))
    connection.executemany("UPDATE posts SET last_seen = max(last_seen, ?) WHERE site = ? AND post_id = ?", posts)
    connection.executemany(
        "UPDATE threads SET last_seen = max(last_seen, ?), sighted = max(coalesce(sighted, 0), ?) "
        "WHERE site = ? AND thread_id = ?",
        threads,
    )
    connection.executemany("INSERT OR IGNORE INTO absences VALUES (?, ?, ?)", absences)


def _take_boards(connection: sqlite3.Connection, batch: pa.RecordBatch) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO boards VALUES (?, ?, ?)",
        [(row["site"], row["board_id"], board_hash(row)) for row in batch.to_pylist()],
    )


def _take_authors(connection: sqlite3.Connection, batch: pa.RecordBatch) -> None:
    connection.executemany(
        "INSERT INTO authors VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET has_id = max(has_id, excluded.has_id)",
        [(row["site"], row["author_key"], row["author_id"] is not None) for row in batch.to_pylist()],
    )


_TAKERS: dict[str, Callable[[sqlite3.Connection, pa.RecordBatch], None]] = {
    "authors": _take_authors,
    "boards": _take_boards,
    "thread_versions": _take_threads,
    "post_versions": _take_posts,
    "observations": _take_sightings,
}
NEEDED: dict[str, tuple[str, ...]] = {
    "authors": ("site", "author_key", "author_id"),
    "boards": (
        "site",
        "board_id",
        "title",
        "description",
        "parent_id",
        "thread_count",
        "post_count",
        "url",
    ),
    "thread_versions": (
        *("site", "thread_id", "content_hash", "version", "change", "month", "observed_at"),
        *ThreadRecord.__struct_fields__,
    ),
    "post_versions": (
        *("site", "post_id", "thread_id", "content_hash", "status", "version", "change"),
        *("created_at", "month", "observed_at"),
    ),
    "observations": ("kind", "observed_at", "site", "thread_id", "post_id"),
}
"""Columns that the index needs of each table."""


def readings_of(connection: sqlite3.Connection, site: str, thread_ids: Iterable[str]) -> dict[str, ThreadState]:
    decoder = msgspec.msgpack.Decoder(ThreadState)
    found = connection.execute(
        "SELECT thread_id, state FROM json_each(?) AS wanted "
        "CROSS JOIN readings ON readings.site = ? AND readings.thread_id = wanted.value",
        (json_list(thread_ids), site),
    )
    return {thread_id: decoder.decode(state) for thread_id, state in found}


def _values(batch: pa.RecordBatch, name: str) -> list[Any]:
    column = batch.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values


def moment(microseconds: int) -> datetime:
    return EPOCH + microseconds * MICROSECOND


def instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else moment(microseconds)


def microseconds(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - EPOCH) // MICROSECOND


def json_list(values: Iterable[str]) -> str:
    return msgspec.json.encode(list(values)).decode("utf-8")
