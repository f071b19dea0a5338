"""Erasing an author, a post or a thread from everywhere in an archive, and proving it.

First the erasure is written down (marks only; from then on no commit takes the words in again), then landings, tables,
index, `current/`, summaries and releases are brought to what is left, then every file is searched. Each step may be
made again: an erasure that was killed is completed by the same command.
"""

import contextlib
import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec
import pyarrow as pa
from msgspec import Struct, field, structs

from crawler.errors import BusyError
from storage.archive import Archive
from storage.byte_search import Left, search
from storage.erased_landings import scrub
from storage.erasing import rows_without
from storage.erasure_scope import Scope, Subject, scope_of
from storage.files import Entry
from storage.known import Row
from storage.needles import Needles, finder
from storage.publish import publish
from storage.release_changes import rewrite_releases
from storage.schema import TABLES
from storage.suppressions import (
    FOLDER,
    Marks,
    Record,
    Suppression,
    opened,
    records,
    sealed,
    unfinished,
    write_done,
    write_record,
)
from storage.tables import storage_errors
from storage.views import quoted, reading
from summaries.refresh import refresh

logger = logging.getLogger("medthreads")

PATIENCE = timedelta(minutes=30)
_VERSIONS = ("post_versions", "thread_versions")
_LEFT_AFTER = timedelta(hours=1)
"""A data file that no log names is left over by a killed commit, where it is so old or nobody can be writing it."""

LandingHold = Callable[[Path], AbstractContextManager[None]]
"""Keeps a crawl from going on with an unfinished landing meanwhile; raises BusyError where one is at it."""
Both = TypeVar("Both", Marks, Needles)
Change = Callable[[str, pa.Table, Suppression], pa.Table]


class Account(Struct, kw_only=True):
    """What an erasure did: counts only, nothing of what was erased."""

    id: str
    site: str
    kind: str
    begun_at: datetime
    done_at: datetime | None = None
    """None where a crawl that is running holds it up."""
    posts: int = 0
    threads: int = 0
    titles: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    """Rows removed or changed, by table."""
    landings: int = 0
    warc_records: int = 0
    staged_pages: int = 0
    landings_busy: int = 0
    """Landings of crawls that are running: they leave it out when they end; run the same again then."""
    published: int = 0
    """Files of `current/` written anew or removed."""
    releases: int = 0
    """Releases that were changed."""
    bytes_rewritten: int = 0
    files_deleted: int = 0
    files_searched: int = 0
    left: list[Left] = field(default_factory=list)


def erase(archive: Archive, subject: Subject, hold: LandingHold, now: datetime | None = None) -> Account:
    """Erases a subject from the archive, or completes it.

    Raises:
        BusyError: the site is being committed, published or refreshed by others for long.
        DiskFullError, ArchiveError: something could not be written; the same call again goes on.
    """
    with site_lock(archive, subject.site), storage_errors(archive.location):
        scope = scope_of(archive, subject)
        record, needles, again = _begin(archive, subject, scope, now or datetime.now(UTC))
        run = Erasing(archive, record, needles, hold, rows_without)
        run.account.posts, run.account.threads = len(needles.posts), len(needles.threads)
        run.account.titles = len(record.marks.titles)
        run.held_part(everything=again)
    return run.open_part()


def site_lock(archive: Archive, site: str) -> AbstractContextManager[object]:
    """Nothing of the site is committed meanwhile."""
    busy = f"{site} is being committed by another process; wait for it to end, and run the same again."
    return archive.lock(f"commit-{site}", PATIENCE, busy)


def _begin(archive: Archive, subject: Subject, scope: Scope, now: datetime) -> tuple[Record, Needles, bool]:
    """Writes the erasure down; what an earlier try of the same knew is kept."""
    pseudonyms = archive.pseudonyms
    name = f"{subject.kind}-{pseudonyms.mark(subject.site, 'erasure', f'{subject.kind} {subject.value}')[:16]}"
    before = next((one for one in records(archive.files) if one.id == name), None)
    needles, marks = scope.needles, scope.marks
    if before is not None:
        marks = together(before.marks, marks)
        if before.sealed:
            held = msgspec.json.decode(opened(pseudonyms, name, before.sealed), type=Needles)
            needles = together(held, needles)
    record = Record(
        id=name,
        site=subject.site,
        kind=subject.kind,
        begun_at=before.begun_at if before else now,
        marks=marks,
        sealed=sealed(pseudonyms, name, msgspec.json.encode(needles)),
    )
    archive.files.delete(f"{FOLDER}/{name}.done.json")
    write_record(archive.files, record)
    return record, needles, before is not None


def together(before: Both, now: Both) -> Both:
    """Both, each entry once."""
    values: dict[str, object] = {}
    for name in before.__struct_fields__:
        held: Any = getattr(before, name)
        new: Any = getattr(now, name)
        values[name] = _joined(held, new) if name == "anchors" else _once([*held, *new])
    return structs.replace(now, **values)


def _joined(held: Mapping[str, list[object]], new: Mapping[str, list[object]]) -> dict[str, list[object]]:
    return {key: _once([*held.get(key, ()), *new.get(key, ())]) for key in {**held, **new}}


def _once(values: Iterable[object]) -> list[object]:
    return list(dict.fromkeys(values))


class Erasing:
    """One erasure on its way through the archive."""

    def __init__(self, archive: Archive, record: Record, needles: Needles, hold: LandingHold, change: Change) -> None:
        self.archive, self.record, self.needles, self.hold, self.change = archive, record, needles, hold, change
        self.site = record.site
        self.gone = Suppression(record.site, archive.pseudonyms, [record.marks])
        self.account = Account(id=record.id, site=record.site, kind=record.kind, begun_at=record.begun_at)
        self.months: set[str] = set()
        """Partitions of `current/` to be made anew."""

    def held_part(self, *, everything: bool) -> None:
        """What must be done while nothing of the site is committed: landings, tables, index."""
        with self.archive.checksums.replacing(f"landing/{self.site}", known_only=True):
            self._landings()
        self._tables()
        self.archive.index.remove()
        if everything:  # a try before may have changed any of them
            found = [one for name in _VERSIONS for one in self.archive.tables.partitions(name)]
            self.months |= {partition["month"] for partition in found if partition["site"] == self.site}

    def open_part(self) -> Account:
        """What follows from the tables, and the search."""
        account = self.account
        published = publish(self.archive, self.site, partitions=[(self.site, month) for month in sorted(self.months)])
        account.published = len(published.files) + len(published.removed)
        refresh(self.archive, self.site)
        account.releases = len(rewrite_releases(self.archive, lambda name, rows: self.change(name, rows, self.gone)))
        self._clear_caches()
        account.files_searched, account.left = search(self.archive, self.needles)
        if any("/_delta_log/" in left.path for left in account.left):
            # Archives of before kept ids in the statistics of their log.
            for name in TABLES:
                clear_log(self.archive, name)
            account.files_searched, account.left = search(self.archive, self.needles)
        if not account.landings_busy:
            account.done_at = datetime.now(UTC)
            write_done(self.archive.files, self.record, msgspec.json.encode(account))
        self.archive.index.remove()
        return account

    def _landings(self) -> None:
        find, landings, account = finder(self.needles), self.archive.landings, self.account
        committed = {commit.crawl_id for commit in self.archive.committed(self.site)}
        for crawl_id in sorted(landings.ids(self.site)):
            folder = landings.folder(self.site, crawl_id)
            if not folder.is_dir():
                continue
            try:
                with self.hold(folder):
                    one = scrub(folder, self.gone, find)
                    landings.keep(folder)
            except BusyError:
                account.landings_busy += 1
                continue
            if crawl_id in committed:
                if one.files:
                    self.archive.checksums.write(landings.sums(folder))
                landings.free(folder)
            account.landings += one.landings
            account.warc_records += one.warc_records
            account.staged_pages += one.staged_pages
            account.bytes_rewritten += one.bytes_rewritten

    def _tables(self) -> None:
        written: list[str] = []
        for name in TABLES:
            for partition in self._partitions(name):
                written += self._rewrite(name, partition)
        self.archive.checksums.record(written)
        for name in TABLES:
            self.account.files_deleted += len(self.archive.tables.drop_replaced(name, self.site))
            self.account.files_deleted += drop_left_over(self.archive, name, self.site)

    def _rewrite(self, name: str, partition: dict[str, str]) -> list[str]:
        changed = Counter[str]()

        def change(rows: pa.Table) -> pa.Table | None:
            changed.clear()
            after = self.change(name, rows, self.gone)
            if after is rows:
                return None
            changed[name] = _differing(rows.to_pylist(), after.to_pylist())
            return after

        done = self.archive.tables.rewrite(name, partition, change, "erasure")
        if done is None:
            return []
        self.account.rows[name] = self.account.rows.get(name, 0) + changed[name]
        self.account.bytes_rewritten += done.bytes_replaced
        if name in _VERSIONS:
            self.months.add(partition["month"])
        return done.written

    def _partitions(self, name: str) -> list[dict[str, str]]:
        """The partitions that may hold something; the tables without partitions are small and looked at as a whole."""
        if not TABLES[name].partition_by:
            return [{}]
        if name == "observations":
            where = "post_id IN (FROM posts) OR thread_id IN (FROM threads)"
        else:
            where = _THREADS_HOLD if name == "thread_versions" else _POSTS_HOLD
            for text in self._names():
                fields = "title" if name == "thread_versions" else "body_text || CAST(quotes AS VARCHAR)"
                where += f" OR contains(lower(nfc_normalize({fields})), lower(nfc_normalize({quoted(text)})))"
                where += f" OR author_key = {quoted(text)}"
        needles = self.needles
        with self.archive.connection() as connection:
            for table, ids in (
                ("posts", needles.posts), ("threads", needles.threads), ("touched", needles.touched),
            ):  # fmt: skip
                connection.register(table, pa.table({"id": pa.array(ids, pa.string())}))
            files = self.archive.tables.files(name, site=self.site)
            query = f"SELECT DISTINCT month FROM {reading(files, TABLES[name])} WHERE site = {quoted(self.site)}"  # noqa: S608 - ours
            months = connection.sql(f"{query} AND ({where})").fetchall()
        return [{"site": self.site, "month": month} for (month,) in sorted(months)]

    def _names(self) -> list[str]:
        """The author's name and pseudonym, as they may stand in a text."""
        keys = [self.archive.pseudonyms.author_key(self.site, name) for name in self.needles.names]
        return [one for one in (*self.needles.names, *keys) if one]

    def _clear_caches(self) -> None:
        """What queries and killed processes leave on the disk."""
        for pattern in ("*.tmp", "duckdb_temp*"):
            for path in self.archive.spill.glob(pattern):
                if time.time() - path.stat().st_mtime > _LEFT_AFTER.total_seconds():
                    path.unlink(missing_ok=True)
        for path in self.archive.work.rglob(".aside-*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _LEFT_AFTER.total_seconds():
                    path.unlink()
        # One that is publishing clears its folder itself.
        with contextlib.suppress(BusyError), self.archive.lock("publish", timedelta(0), "busy"):
            shutil.rmtree(self.archive.work / ".index" / "publishing", ignore_errors=True)


_POSTS_HOLD = (
    "post_id IN (FROM posts) OR thread_id IN (FROM threads) OR thread_id IN (FROM touched) "
    "OR parent_id IN (FROM posts) "
    "OR list_has_any(list_transform(quotes, lambda q: q.post_id), (SELECT coalesce(list(id), []) FROM posts))"
)
_THREADS_HOLD = (
    "thread_id IN (FROM threads) OR thread_id IN (FROM touched) OR solution_post_id IN (FROM posts) "
    "OR crosspost_of IN (FROM threads)"
)


def _differing(before: list[Row], after: list[Row]) -> int:
    held = Counter(repr(row) for row in before)
    held.subtract(repr(row) for row in after)
    return sum(count for count in held.values() if count > 0)


def drop_left_over(archive: Archive, name: str, site: str) -> int:
    """Deletes data files that no version of the table names: of killed commits and of rewrites.

    Below the site's own partitions nobody can be writing while its lock is held; elsewhere only old ones go.
    """
    live = set(archive.tables.paths(name))
    before = datetime.now(UTC) - _LEFT_AFTER
    deleted = 0
    for entry in list(archive.files.list(name)):
        if not entry.path.endswith(".parquet") or "/_delta_log/" in entry.path or unquote(entry.path) in live:
            continue
        if entry.path in live or not (_is_of(entry, name, site) or entry.modified < before):
            continue
        archive.files.delete(entry.path)
        deleted += 1
    return deleted


def _is_of(entry: Entry, name: str, site: str) -> bool:
    return entry.path.startswith(f"{name}/site={site}/")


def clear_log(archive: Archive, name: str) -> None:
    """Puts the table's log together in a checkpoint and deletes the entries before it, with their statistics."""
    delta = archive.tables.load(name)
    if delta is None:
        return
    delta.create_checkpoint()
    version = delta.version()
    for entry in list(archive.files.list(f"{name}/_delta_log")):
        number = entry.path.rpartition("/")[2].partition(".")[0]
        if number.isdigit() and int(number) < version:
            archive.files.delete(entry.path)


def erasures_in_the_making(archive: Archive) -> list[str]:
    """Sentences on erasures that did not come to their end; for `verify`."""
    return [
        f"The erasure {record.id} of {record.site} ({record.kind}) did not come to its end; run the same command again."
        for record in unfinished(archive.files)
    ]
