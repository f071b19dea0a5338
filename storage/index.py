"""The index of known records: an SQLite file beside the tables, so that looking up a batch costs by the batch.

It is a cache. Each committed crawl is applied once, in the order of snapshots; where it is behind (another process
committed), absent or damaged, the rows are read from the tables again. It holds no names and no posts' text.

`absences` and `gone` hold the findings that nobody has seen the post or thread after: whatever the order in which
sightings and findings come in, what is left is the same.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock
from msgspec import structs

from crawler.receipt import BoardState
from crawler.records import Status
from crawler.state import PostState, SiteState, ThreadState
from storage.absences import SECOND_LOOK_AFTER
from storage.batch import Batch
from storage.index_filling import (
    LAYOUT,
    MICROSECOND,
    Missed,
    instant,
    json_list,
    microseconds,
    moment,
    readings_of,
    take_in,
)
from storage.known import Known, KnownPost, KnownThread, ThreadRecord

_VERSION = 5
_BUSY_SECONDS = 60.0


class Index:
    """The index of one archive."""

    def __init__(self, path: Path, archive_id: str) -> None:
        self.path = path
        self.archive_id = archive_id

    def bring_up(self, snapshot: int, since: Callable[[int], Missed]) -> None:
        """Takes in all committed crawls up to `snapshot`.

        Args:
            since: gives the crawls committed after a snapshot.
        """
        try:
            self._bring_up(snapshot, since)
        except sqlite3.OperationalError:
            raise  # locked for too long, or the disk is full: nothing that a new file would mend
        except sqlite3.DatabaseError:
            self.remove()
            self._bring_up(snapshot, since)

    def remove(self) -> None:
        """Deletes the file; the next use makes it anew from the tables."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock"), timeout=_BUSY_SECONDS):
            # The log before and after: one of before must not be taken for that of a new file.
            for suffix in ("-wal", "-shm", "", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _bring_up(self, snapshot: int, since: Callable[[int], Missed]) -> None:
        with self._open() as connection:
            if _meta(connection, "snapshot") >= snapshot:
                return
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                take_in(connection, since(_meta(connection, "snapshot")))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            self._lay_out(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        made = f"{_VERSION} {self.archive_id}"
        if _of(connection) == made:
            return
        # A lock of our own: SQLite does not wait where two processes change the journal mode of a new file at once.
        with FileLock(self.path.with_suffix(".lock"), timeout=_BUSY_SECONDS):
            if _of(connection) == made:
                return
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                self._make_tables(connection, made)

    @staticmethod
    def _make_tables(connection: sqlite3.Connection, made: str) -> None:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            connection.execute(f"DROP TABLE {name}")
        for statement in LAYOUT.split(";"):
            connection.execute(statement)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [("of", made), ("snapshot", 0)])

    def generation(self, site: str) -> int:
        """Committed crawls of the site."""
        with self._open() as connection:
            return _generation(connection, site)

    def known(self, batch: Batch, author_keys: Iterable[str]) -> Known:
        """What is known of the batch's records and of the posts in the threads that it covers; without `last_rows`.

        Args:
            author_keys: pseudonyms of the authors that the batch names.
        """
        site = batch.site
        with self._open() as connection:
            connection.execute("BEGIN")
            posts = {
                **_known_posts(connection, "post_id", site, batch.posts),
                **_known_posts(connection, "thread_id", site, batch.coverage.keys() | batch.gone.keys()),
            }
            thread_ids = {post.thread_id for post, _ in batch.posts.values()} | batch.threads.keys() | batch.gone.keys()
            targets = {finding.moved_to for finding in batch.gone.values() if finding.moved_to}
            readings = readings_of(connection, site, targets)
            known = Known(
                generation=_generation(connection, site),
                posts=posts,
                threads=_known_threads(connection, site, thread_ids),
                boards=dict(connection.execute("SELECT board_id, hash FROM boards WHERE site = ?", (site,))),
                authors=_known_authors(connection, site, author_keys),
                whole_at={thread_id: state.whole_at for thread_id, state in readings.items() if state.whole_at},
            )
            connection.execute("COMMIT")
        return known

    def state(self, site: str) -> SiteState:
        """What a crawl of the site needs to know when it starts."""
        with self._open() as connection:
            readings = connection.execute("SELECT thread_id, state FROM readings WHERE site = ?", (site,))
            thread_state = msgspec.msgpack.Decoder(ThreadState)
            threads = {thread_id: thread_state.decode(state) for thread_id, state in readings}
            _mark_findings(connection, site, threads)
            boards_at = connection.execute("SELECT board_id, state FROM boards_at WHERE site = ?", (site,))
            board_state = msgspec.msgpack.Decoder(BoardState)
            boards = {board_id: board_state.decode(state) for board_id, state in boards_at}
            walked = connection.execute("SELECT board_id FROM walked WHERE site = ?", (site,))
            return SiteState(
                threads=threads, boards_walked=frozenset(board_id for (board_id,) in walked), boards=boards
            )

    def posts_since(self, site: str, since: datetime) -> list[PostState]:
        """The site's posts written at or after that instant, but for those that their authors deleted."""
        with self._open() as connection:
            found = connection.execute(
                "SELECT post_id, thread_id, created_at, last_seen FROM posts INDEXED BY posts_by_age "
                "WHERE site = ? AND created_at >= ? AND status != ?",
                (site, microseconds(since), Status.DELETED),
            )
            return [
                PostState(post_id, thread_id, moment(created), moment(seen))
                for post_id, thread_id, created, seen in found
            ]

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, in one order: to compare two indexes."""
        with self._open() as connection:
            names = [line.split()[2] for line in LAYOUT.splitlines() if line.startswith("CREATE TABLE")]
            held = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}  # noqa: S608 - names above
        return {name: sorted(rows, key=repr) for name, rows in held.items()}


def _of(connection: sqlite3.Connection) -> str | None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
        return None
    row = connection.execute("SELECT value FROM meta WHERE key = 'of'").fetchone()
    return row and str(row[0])


def _meta(connection: sqlite3.Connection, key: str) -> int:
    return int(connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0])


def _generation(connection: sqlite3.Connection, site: str) -> int:
    row = connection.execute("SELECT max(generation) FROM crawls WHERE site = ?", (site,)).fetchone()
    return int(row[0] or 0)


# SQLite must be told the way: left to itself it reads the whole site once per value (36 s instead of 0.2 s a batch).
def _known_posts(connection: sqlite3.Connection, column: str, site: str, values: Iterable[str]) -> dict[str, KnownPost]:
    way = "INDEXED BY posts_of_thread" if column == "thread_id" else ""
    found = connection.execute(
        "SELECT post_id, thread_id, content_hash, status, version, created_at, month, last_seen, "  # noqa: S608 - ours
        "(SELECT min(found) FROM absences AS a WHERE a.site = posts.site AND a.post_id = posts.post_id) "
        f"FROM json_each(?) AS wanted CROSS JOIN posts {way} ON posts.site = ? AND posts.{column} = wanted.value",
        (json_list(values), site),
    )
    return {
        post_id: KnownPost(thread_id, hash_, status, version, instant(created), month, moment(seen), instant(missing))
        for post_id, thread_id, hash_, status, version, created, month, seen, missing in found
    }


def _known_threads(connection: sqlite3.Connection, site: str, thread_ids: Iterable[str]) -> dict[str, KnownThread]:
    decoder = msgspec.msgpack.Decoder(ThreadRecord)
    found = connection.execute(
        "SELECT thread_id, record, content_hash, version, month, last_seen, "
        "(SELECT min(found) FROM gone AS g WHERE g.site = threads.site AND g.thread_id = threads.thread_id) "
        "FROM json_each(?) AS wanted CROSS JOIN threads ON threads.site = ? AND threads.thread_id = wanted.value",
        (json_list(thread_ids), site),
    )
    return {
        thread_id: KnownThread(decoder.decode(record), hash_, version, month, moment(seen), instant(gone))
        for thread_id, record, hash_, version, month, seen, gone in found
    }


def _mark_findings(connection: sqlite3.Connection, site: str, threads: dict[str, ThreadState]) -> None:
    """Tells of threads that were found to be gone once, and of those with posts that were; leaves out what is gone."""
    doubtful = connection.execute(
        "SELECT DISTINCT p.thread_id FROM absences AS a JOIN posts AS p USING (site, post_id) "
        "WHERE a.site = ? AND p.status = ?",
        (site, Status.VISIBLE.value),
    )
    for (thread_id,) in doubtful:
        if thread_id in threads:
            threads[thread_id] = structs.replace(threads[thread_id], is_doubtful=True)
    gone = connection.execute(
        "SELECT thread_id, min(found), max(found), max(t.status) FROM gone JOIN threads AS t USING (site, thread_id) "
        "WHERE site = ? GROUP BY thread_id",
        (site,),
    )
    for thread_id, first, last, status in gone:
        if status == Status.DELETED and last - first >= SECOND_LOOK_AFTER // MICROSECOND:
            # Should it be listed again it is as new, so that all of it is read.
            threads.pop(thread_id, None)
        elif thread_id in threads:
            threads[thread_id] = structs.replace(threads[thread_id], unavailable_at=moment(first))


def _known_authors(connection: sqlite3.Connection, site: str, author_keys: Iterable[str]) -> dict[str, bool]:
    found = connection.execute(
        "SELECT author_key, has_id "
        "FROM json_each(?) AS wanted CROSS JOIN authors ON authors.site = ? AND authors.author_key = wanted.value",
        (json_list(author_keys), site),
    )
    return {key: bool(has_id) for key, has_id in found}
