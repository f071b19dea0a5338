"""Landed pages read again, held against the archive: what differs, and the versions that bring it up to date.

Batches come newest landing first. Posts are held against the archive many at a time, by a join that lets through only
those that differ; threads, which are put together from many pages, at the end. What counts as a difference is decided
in storage.differences. Nothing is written here: `Archive.commit` takes the `Changes`.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import duckdb
import msgspec
import pyarrow as pa
from msgspec import structs

from crawler.receipt import REPARSE_PREFIX
from crawler.records import Poll, Status, Thread
from storage.archive import Archive
from storage.batch import Batch, Figures, PostSighting
from storage.canonical import month_of
from storage.columns import Merge
from storage.dedupe import THREAD_COUNTERS, Changes, dedupe, merged, poll_row
from storage.differences import Differences, compared, keeps_untold, overlay, thread_overlay
from storage.hiding import Privacy, masked_in
from storage.known import GONE, Known, KnownPost, Row, ThreadRecord
from storage.schema import POST_VERSIONS, THREAD_VERSIONS, UNKNOWN_MONTH
from storage.tables import arrow_table
from storage.views import quoted

CHANGE = "reparsed"
"""What the column `change` says of versions that a reparse made."""
_ROWS_AT_ONCE = 50_000
_COLUMNS = compared(POST_VERSIONS)
_THREAD_COLUMNS = compared(THREAD_VERSIONS)
_LATER = KnownPost("", "", Status.VISIBLE, 1, None, UNKNOWN_MONTH, datetime.max.replace(tzinfo=UTC))
_KEY = re.compile(r"\ba[a-z2-7]{26}\b")


def reparse_id(instant: datetime) -> str:
    """The crawl id of the reparse that began at an instant (aware, UTC)."""
    return f"{REPARSE_PREFIX}{instant:%Y%m%dT%H%M%S.%fZ}"


class _ThreadReading(NamedTuple):
    """A thread as the pages of one landing show it."""

    before: Row | None
    """As it was read when they came; a row of `thread_versions`, as all that follows."""
    after: Row
    engine: str

    @property
    def seen_at(self) -> datetime:
        """When its last page was fetched."""
        seen_at: datetime = self.after["observed_at"]
        return seen_at


@dataclass
class _Found:
    """A post that differs from its last version."""

    held: Row
    engine: str
    values: Row = field(default_factory=dict)
    content_hash: str | None = None
    """The new one, where it is another one."""


class Rereading:
    """One site's landed pages, read again."""

    def __init__(self, archive: Archive, site: str) -> None:
        self.archive, self.site = archive, site
        self.differences = Differences()
        self.new_posts: dict[str, Row] = {}
        """Posts that were on the pages and are not in the archive, by their ids."""
        self.new_threads: dict[str, Row] = {}
        self._met: dict[str, datetime] = {}
        self._found: dict[str, _Found] = {}
        self._threads: dict[str, list[_ThreadReading]] = {}
        self._thread_rows: list[Row] = []
        self._authors: dict[str, Row] = {}
        self._waiting: list[pa.Table] = []

    def take(self, before: Batch, after: Batch, changed: Collection[datetime], engine: str, privacy: Privacy) -> None:
        """Takes a landing's records, as its engine read them then, and as they are read today.

        Args:
            before: needs to hold the threads only.
            changed: when the pages came that are to be compared; the archive says what all the others do.
            engine: the engine of today and the site's version of the software, for the account.
            privacy: of the site.
        """
        unchanged = {post_id: seen_at for post_id, (_, seen_at) in after.posts.items() if seen_at not in changed}
        for post_id, seen_at in unchanged.items():
            self._met[post_id] = max(seen_at, self._met.get(post_id, seen_at))
        if not changed:
            return
        # What is known from later on gets no row, and still tells names that others' texts hide.
        known = Known(posts=dict.fromkeys(unchanged, _LATER))
        rows = dedupe(self._with_instants(after), known, self.archive.pseudonyms, privacy).rows
        table = arrow_table("post_versions", rows["post_versions"])
        newest = []
        ids: list[Any] = table.column("post_id").to_pylist()
        instants: list[Any] = table.column("observed_at").to_pylist()
        for post_id, seen_at in zip(ids, instants, strict=True):
            is_newest = post_id not in self._met or self._met[post_id] <= seen_at
            newest.append(is_newest)
            if is_newest:
                self._met[post_id] = seen_at
        table = table.append_column("newest", pa.array(newest, pa.bool_()))
        self._waiting.append(table.append_column("engine", pa.array([engine] * len(newest), pa.string())))
        told = dedupe(before, Known(), self.archive.pseudonyms, privacy).rows["thread_versions"]
        then = {row["thread_id"]: row for row in told}
        for row in rows["thread_versions"]:
            reading = _ThreadReading(then.get(row["thread_id"]), row, engine)
            self._threads.setdefault(row["thread_id"], []).append(reading)
        for row in rows["authors"]:
            self._authors[row["author_key"]] = row
        if sum(each.num_rows for each in self._waiting) >= _ROWS_AT_ONCE:
            self._compare_posts()

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """One with the archive's views, made when something has to be looked up."""
        return self.archive.connect()

    def finish(self) -> None:
        """All landings are taken: the differences are complete then."""
        self._compare_posts()
        for post_id, found in self._found.items():
            self.differences.add(found.engine, "post", post_id, found.held, found.values)
        self._compare_threads()

    @property
    def is_empty(self) -> bool:
        """Whether the archive says all that the pages do."""
        return not (self._found or self._thread_rows or self.new_posts or self.new_threads)

    def changes(self, instant: datetime) -> Changes:
        """What a commit has to append; to be called under the site's commit lock.

        A record of which another version was committed meanwhile is left out: it was read since.

        Args:
            instant: when the reparse began (aware, UTC); its versions are observed then.
        """
        origin = {"change": CHANGE, "observed_at": instant, "crawl_id": reparse_id(instant)}
        posts = [_next_version(found.held, found.values, found.content_hash) for found in self._found.values()]
        with self.archive.connect() as connection:
            posts = _still_last(connection, self.site, "post", [*posts, *self.new_posts.values()])
            threads = _still_last(connection, self.site, "thread", [*self._thread_rows, *self.new_threads.values()])
            known_authors = _strings(connection, f"SELECT author_key FROM authors WHERE site = {quoted(self.site)}")  # noqa: S608 - ours
        observations = [
            {**_sighting(row), "crawl_id": origin["crawl_id"]} for row in [*posts, *threads] if row["version"] == 1
        ]
        rows = {
            "authors": [self._authors[key] | origin for key in sorted(self._named(posts, threads) - known_authors)],
            "boards": [],
            "thread_versions": [row | origin for row in threads],
            "post_versions": [row | origin for row in posts],
            "observations": observations,
        }
        nothing = ("edited", "deleted", "restored", "moved", "seen", "threads_seen", "boards_seen")
        counts = dict.fromkeys(nothing, 0) | {
            "new": sum(row["version"] == 1 for row in posts),
            "threads_new": sum(row["version"] == 1 for row in threads),
            "threads_changed": sum(row["version"] > 1 for row in threads),
            "reparsed": sum(row["version"] > 1 for row in posts),
        }
        generation = self.archive.known(Batch(self.site, reparse_id(instant), {})).generation + 1
        return Changes(self.site, reparse_id(instant), generation, Figures(), rows, counts)

    def _with_instants(self, batch: Batch) -> Batch:
        """The batch, with what is known of when its posts were written where their pages do not tell it."""
        untold = {post_id: sighting for post_id, sighting in batch.posts.items() if sighting.post.created_at is None}
        if untold:
            known = self.archive.known(Batch(self.site, batch.crawl_id, {}, posts=untold)).posts
            for post_id, (post, seen_at) in untold.items():
                if post_id in known and (created_at := known[post_id].created_at):
                    batch.posts[post_id] = PostSighting(structs.replace(post, created_at=created_at), seen_at)
        return batch

    def _compare_posts(self) -> None:
        if not self._waiting:
            return
        self.connection.register("reread", pa.concat_tables(self._waiting))
        self._waiting.clear()
        for pair in self.connection.sql(_pairs(self.site)).to_arrow_table().to_pylist():
            read, held = pair["read"], pair["held"]
            post_id, is_newest = read["post_id"], read["newest"] and read["observed_at"] == self._met[read["post_id"]]
            if held is None or held["version"] is None:
                if is_newest:
                    self.new_posts[post_id] = _first_version(read)
                continue
            content_at = held["content_at"]
            is_own_page = read["observed_at"] == content_at if content_at else is_newest
            counts = is_newest and (content_at is None or read["observed_at"] >= content_at)
            values = overlay(held, read, _COLUMNS, is_own_page=is_own_page, is_newest=counts)
            if values:
                found = self._found.setdefault(post_id, _Found(held, read["engine"]))
                # What the newest page says goes before what an older one does, in whatever order they come.
                found.values = {**found.values, **values} if counts else {**values, **found.values}
                if counts and read["content_hash"] != held["content_hash"]:
                    found.content_hash = read["content_hash"]
        self.connection.unregister("reread")

    def _compare_threads(self) -> None:
        if not self._threads:
            return
        held = _last_versions(self.connection, self.site, "thread", self._threads)
        for thread_id, readings in self._threads.items():
            readings.sort(key=lambda reading: reading.seen_at)
            last, row = readings[-1], held.get(thread_id)
            after = _together(reading.after for reading in readings)
            before = _together(reading.before for reading in readings if reading.before is not None) or after
            if row is None:
                self.new_threads[thread_id] = _first_thread(after, last)
                continue
            is_newest = row["content_at"] is None or last.seen_at >= row["content_at"]
            values = thread_overlay(row, before, after, _THREAD_COLUMNS, is_newest=is_newest)
            if values:
                self.differences.add(last.engine, "thread", thread_id, row, values)
                self._thread_rows.append(_next_version(row, values, _record(row | values).content_hash()))
        boards = {thread_id: row["board_id"] for thread_id, row in (held | self.new_threads).items()}
        for post in self.new_posts.values():
            post["board_id"] = post["board_id"] or boards.get(post["thread_id"])

    def _named(self, posts: list[Row], threads: list[Row]) -> set[str]:
        """Pseudonyms in rows that are new, of people whose names these pages gave."""
        keys = {row["author_key"] for row in [*posts, *threads]}
        for row in posts:
            keys |= {quote["author_key"] for quote in row["quotes"]}
            keys.update(_KEY.findall(row["body_text"]))
        return keys & self._authors.keys()


def _pairs(site: str) -> str:
    """Rows that were read again and may differ, each with its last version."""
    distinct, gained = [], []
    for name, merge in _COLUMNS.items():
        untold = f"r.{name} IS NOT NULL AND " if keeps_untold(name, merge) else ""
        if merge is not Merge.COUNTER:
            distinct.append(f"({untold}r.{name} IS DISTINCT FROM h.{name})")
        gained.append(f"(h.{name} IS NULL AND r.{name} IS NOT NULL)")
    gone = ", ".join(quoted(status) for status in sorted(GONE))
    return (
        f"WITH {_heads(site, 'post', 'reread')} "  # noqa: S608 - ours
        "SELECT r AS read, h AS held FROM reread AS r LEFT JOIN held AS h USING (post_id) "
        f"WHERE h.version IS NULL OR (h.status NOT IN ({gone}) AND ({' OR '.join(gained)} "
        "OR (r.newest AND r.content_hash <> h.content_hash) "
        f"OR ((r.observed_at = h.content_at OR h.content_at IS NULL) AND ({' OR '.join(distinct)}))))"
    )


def _heads(site: str, kind: str, wanted: str) -> str:
    """`held`: the last version of each record named in a relation, and when a page last changed it (`content_at`)."""
    table, key = f"{kind}_versions", f"{kind}_id"
    return (
        f"heads AS (SELECT {key}, max(version) AS version, "  # noqa: S608 - ours
        f"max(observed_at) FILTER (WHERE change <> '{CHANGE}') AS content_at FROM {table} "
        f"WHERE site = {quoted(site)} AND {key} IN (SELECT {key} FROM {wanted}) GROUP BY {key}), "
        f"held AS (SELECT v.*, heads.content_at FROM {table} AS v JOIN heads USING ({key}, version) "
        f"WHERE v.site = {quoted(site)})"
    )


def _last_versions(connection: duckdb.DuckDBPyConnection, site: str, kind: str, ids: Iterable[str]) -> dict[str, Row]:
    key = f"{kind}_id"
    connection.register("wanted", pa.table({key: pa.array(list(ids), pa.string())}))
    rows = connection.sql(f"WITH {_heads(site, kind, 'wanted')} FROM held").to_arrow_table().to_pylist()
    connection.unregister("wanted")
    return {row[key]: row for row in rows}


def _still_last(connection: duckdb.DuckDBPyConnection, site: str, kind: str, rows: list[Row]) -> list[Row]:
    """The rows whose version follows the last one that the archive now has."""
    key = f"{kind}_id"
    connection.register("wanted", pa.table({key: pa.array([row[key] for row in rows], pa.string())}))
    query = f"WITH {_heads(site, kind, 'wanted')} SELECT {key}, version FROM heads"  # noqa: S608 - ours
    found = connection.sql(query).to_arrow_table()
    connection.unregister("wanted")
    last = dict(zip(found.column(0).to_pylist(), found.column(1).to_pylist(), strict=True))
    return [row for row in rows if row["version"] == last.get(row[key], 0) + 1]


def _strings(connection: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    found: list[Any] = connection.sql(query).to_arrow_table().column(0).to_pylist()
    return set(found)


def _next_version(held: Row, values: Row, content_hash: str | None) -> Row:
    row = {**held, **values, "version": held["version"] + 1, "content_hash": content_hash or held["content_hash"]}
    row["month"] = month_of(row["created_at"], UNKNOWN_MONTH)
    row["previous_month"] = held["month"] if held["month"] != row["month"] else None
    return row


def _first_version(read: Row) -> Row:
    return {**read, "seen_at": read["observed_at"], "version": 1, "previous_month": None}


def _first_thread(record: Row, last: _ThreadReading) -> Row:
    row = {**last.after, **record, "seen_at": last.seen_at, "version": 1, "previous_month": None}
    row["month"] = month_of(row["created_at"], UNKNOWN_MONTH)
    row["content_hash"] = _record(row).content_hash()
    return row


def _together(rows: Iterable[Row]) -> Row:
    """The lasting values that several landings tell of one thread, oldest first; empty without any."""
    record = None
    for row in rows:
        told = {name: value for name, value in row.items() if name in Thread.__struct_fields__}
        thread = Thread(**told | {"poll": msgspec.convert(row["poll"], Poll | None)})
        record = merged(record, thread, row["author_key"])
    if record is None:
        return {}
    return {**structs.asdict(record), "poll": poll_row(record.poll), "masked": masked_in(record)}


def _record(row: Row) -> ThreadRecord:
    lasting = {name: row[name] for name in ThreadRecord.__struct_fields__}
    return msgspec.convert(lasting, ThreadRecord)


def _sighting(row: Row) -> Row:
    """The observation of a record that is new: it was on its page when that was fetched."""
    names = ("score", "reactions") if "post_id" in row else THREAD_COUNTERS
    return {
        "site": row["site"],
        "month": month_of(row["seen_at"], UNKNOWN_MONTH),
        "kind": "post" if "post_id" in row else "thread",
        "thread_id": row["thread_id"],
        "post_id": row.get("post_id"),
        "record_month": row["month"],
        "observed_at": row["seen_at"],
        **{name: row[name] for name in names},
    }
