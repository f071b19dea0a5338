"""Upkeep of an archive: small files put together, replaced and left files deleted, old landings, missing checksums.

Nothing here can lose what another process commits at the same time: a partition is replaced only as the very version
that was read (else it is read again), and only files are deleted that no process can need any more.

Rows of a commit that did not come to its end are dropped only when that commit can never be completed. The same commit
again would find its transaction in the log, and not append the rows again; but it is the same only if its crawl is not
committed, and no other crawl of the site was committed since it was begun (the digest that names it holds that number).
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.exceptions import CommitFailedError

from crawler.errors import BusyError
from storage.archive import Archive
from storage.checksums import Recorded, digest_of
from storage.known import Row
from storage.schema import TABLES
from storage.tables import storage_errors
from storage.verifying_findings import Finding, damaged
from storage.verifying_logs import LOG, live_files, replaced_files

REPLACED_AFTER = timedelta(hours=24)
"""How long readers may be at files that were replaced: longer than any query."""
ORPHANS_AFTER = timedelta(days=7)
"""How old a file is that no process can be about to commit: a commit takes minutes, a task is stopped after hours."""
CLOCKS_AGREE = timedelta(days=1)
"""How far the clocks of two machines that write one archive may be apart."""
SMALL = 32 << 20
"""Bytes of a file below which it is worth putting together with others."""
SMALL_FILES = 8
"""So many small files a partition may have."""
LARGEST = 128 << 20
"""Bytes of a partition that is put together in memory, where it takes some five times as much."""
LOG_ENTRIES = 25
"""So many entries of a table's log are read one by one."""
_AUTOMATIC = 100
"""With each so many entries deltalake makes a checkpoint itself."""
_PATIENCE = timedelta(minutes=1)
_SITE_PATIENCE = timedelta(seconds=10)

log = logging.getLogger("medthreads")


@dataclass
class Maintained:
    """What was done, or would be done."""

    partitions_compacted: int = 0
    files_before: int = 0
    files_after: int = 0
    rows_dropped: int = 0
    """Of commits that can never be completed."""
    replaced_deleted: int = 0
    orphans_deleted: int = 0
    bytes_deleted: int = 0
    checkpoints: int = 0
    landings_deleted: list[str] = field(default_factory=list)
    """As site/crawl; their pages can no longer be read again by later engines."""
    files_sealed: int = 0
    ledgers_put_together: int = 0
    findings: list[Finding] = field(default_factory=list)
    """Files without checksum that cannot be read."""
    partitions_left: list[str] = field(default_factory=list)
    """Partitions with many small files that are too large, or were changed all the time."""

    @property
    def figures(self) -> dict[str, int]:
        """Counts by name."""
        told = msgspec.to_builtins(self)
        return {name: len(value) if isinstance(value, list) else value for name, value in told.items()}

    def __add__(self, other: "Maintained") -> "Maintained":
        """Both together."""
        names = self.__dataclass_fields__
        return Maintained(**{name: getattr(self, name) + getattr(other, name) for name in names})


def compact(
    archive: Archive, *, small_files: int = SMALL_FILES, largest: int = LARGEST, dry_run: bool = False
) -> Maintained:
    """Puts the small files of each partition together into one, in the table's order."""
    done = Maintained()
    with alone(archive):
        recorded = archive.checksums.recorded()
        for name in TABLES:
            for partition, actions in _partitions(archive, name):
                small = [action for action in actions if action["size_bytes"] < SMALL]
                if len(small) <= small_files:
                    continue
                where = "/".join([name, *(f"{column}={value}" for column, value in partition.items())])
                if sum(action["size_bytes"] for action in actions) > largest:
                    done.partitions_left.append(where)
                elif dry_run:
                    done.partitions_compacted += 1
                    done.files_before += len(actions)
                elif not _compact(archive, name, partition, actions, recorded, done):
                    done.partitions_left.append(where)
            if not dry_run:
                done.checkpoints += _checkpoint(archive, name)
    return done


@contextmanager
def alone(archive: Archive) -> Iterator[None]:
    """Only one process at a time maintains an archive.

    Raises:
        BusyError: another one does.
        DiskFullError, ArchiveError: see `storage.tables.storage_errors`.
    """
    busy = f"Another process is maintaining {archive.location}; try again when it has ended."
    with storage_errors(archive.location), archive.lock("maintenance", _PATIENCE, busy):
        yield


def _partitions(archive: Archive, name: str) -> list[tuple[dict[str, str], list[Row]]]:
    """The table's partitions with their live files."""
    delta = archive.tables.load(name)
    if delta is None:
        return []
    columns = TABLES[name].partition_by
    found: dict[tuple[str, ...], list[Row]] = {}
    for action in pa.table(delta.get_add_actions(flatten=True)).to_pylist():
        values = tuple(str(action[f"partition.{column}"]) for column in columns)
        found.setdefault(values, []).append(action)
    return [(dict(zip(columns, values, strict=True)), actions) for values, actions in sorted(found.items())]


def _compact(
    archive: Archive, name: str, partition: dict[str, str], actions: list[Row], recorded: Recorded, done: Maintained
) -> bool:
    if faults := _damage(archive, name, actions, recorded):
        done.findings += faults
        return False  # written anew it would pass for what it should be
    dead = set() if name == "crawls" else _dead_attempts(archive, name, actions)
    dropped = 0

    def living(rows: pa.Table) -> pa.Table:
        nonlocal dropped
        if not dead:
            return rows
        is_dead = pc.is_in(rows.column("attempt"), value_set=pa.array(sorted(dead), pa.string()))
        kept = rows.filter(pc.invert(is_dead))
        dropped = rows.num_rows - kept.num_rows
        return kept

    try:
        with _site_still(archive, partition.get("site")):
            rewritten = archive.tables.rewrite(name, partition, living, "compaction")
    except (CommitFailedError, BusyError):
        return False  # others are at it all the time: the next run has more luck
    if rewritten is None:
        return True
    archive.checksums.record(rewritten.written)
    done.partitions_compacted += 1
    done.files_before += len(rewritten.replaced)
    done.files_after += sum(LOG not in path for path in rewritten.written)
    done.rows_dropped += dropped
    return True


@contextmanager
def _site_still(archive: Archive, site: str | None) -> Iterator[None]:
    """Nothing of the site is erased meanwhile: that deletes data files which the log does not name yet, ours too."""
    if site is None:
        yield
        return
    with archive.lock(f"commit-{site}", _SITE_PATIENCE, f"{site} is being committed."):
        yield


def _damage(archive: Archive, name: str, actions: list[Row], recorded: Recorded) -> list[Finding]:
    found = []
    for action in actions:
        path = f"{name}/{unquote(action['path'])}"
        known = recorded.digests.get(path)
        if known and archive.files.exists(path) and digest_of(archive.files, path) not in known:
            found.append(damaged(path))
    return found


class _Attempt(NamedTuple):
    site: str
    crawl_id: str
    attempt: str


def _dead_attempts(archive: Archive, name: str, actions: list[Row]) -> set[str]:
    """Attempts among the rows of some files that can never be committed any more."""
    written: dict[_Attempt, datetime] = {}
    for action in actions:
        path = f"{name}/{unquote(action['path'])}"
        at = datetime.fromtimestamp(action["modification_time"] / 1000, UTC)
        partition = {"site": action["partition.site"]} if "partition.site" in action else {}
        columns = [column for column in ("site", "crawl_id", "attempt") if column not in partition]
        rows = archive.files.parquet(path).read(columns=columns, use_threads=False).group_by(columns).aggregate([])
        for row in rows.to_pylist():
            key = _Attempt(**row, **partition)
            written[key] = max(at, written.get(key, at))
    crawls = archive.tables.read_whole("crawls", ("site", "crawl_id", "attempt", "committed_at"))
    committed = {row["attempt"] for row in crawls}
    done = {(row["site"], row["crawl_id"]) for row in crawls}
    last: dict[str, datetime] = {}
    for row in crawls:
        last[row["site"]] = max(row["committed_at"], last.get(row["site"], row["committed_at"]))
    return {
        key.attempt
        for key, at in written.items()
        if key.attempt not in committed
        and ((key.site, key.crawl_id) in done or (key.site in last and last[key.site] > at + CLOCKS_AGREE))
    }


def _checkpoint(archive: Archive, name: str) -> int:
    """Makes a checkpoint where the log has grown since the last one."""
    delta = archive.tables.load(name)
    if delta is None or delta.version() % _AUTOMATIC == 0:
        return 0  # a checkpoint of that version is, or is being, made by who wrote it
    made = [
        int(entry.path.rpartition("/")[2][:20])
        for entry in archive.files.list(f"{name}/{LOG}")
        if entry.path.endswith(".checkpoint.parquet")
    ]
    if delta.version() - max(made, default=0) < LOG_ENTRIES:
        return 0
    delta.create_checkpoint()
    archive.checksums.record([f"{name}/{LOG}/{delta.version():020d}.checkpoint.parquet"])
    return 1


def vacuum(
    archive: Archive,
    *,
    replaced_after: timedelta = REPLACED_AFTER,
    orphans_after: timedelta = ORPHANS_AFTER,
    dry_run: bool = False,
) -> Maintained:
    """Deletes data files that were replaced so long ago, and files so old that no version of the log ever named.

    Not by deltalake's own vacuum: that adds two entries to the log each time, and tells of files that are long gone.
    """
    done = Maintained()
    now = datetime.now(UTC)
    with alone(archive):
        for name in TABLES:
            # The files first, the log after: what is committed in between is live by then.
            entries = {
                entry.path: entry for entry in archive.files.list(name) if not entry.path.startswith(f"{name}/{LOG}/")
            }
            delta = archive.tables.load(name)
            if delta is None:
                continue
            live, all_replaced = live_files(name, delta), replaced_files(name, delta)
            replaced = _replaced_for(archive, name, all_replaced, replaced_after, now)
            orphans = {
                path
                for path, entry in entries.items()
                if path not in live and path not in all_replaced and now - entry.modified >= orphans_after
            }
            for path in sorted((replaced | orphans) & entries.keys()):
                done.bytes_deleted += entries[path].bytes
                done.replaced_deleted += path in replaced
                done.orphans_deleted += path in orphans
                if not dry_run:
                    archive.files.delete(path)
    return done


def _replaced_for(archive: Archive, name: str, replaced: Collection[str], age: timedelta, now: datetime) -> set[str]:
    """Those of the replaced files that the log says were replaced so long ago."""
    whole_hours = int(age.total_seconds() // 3600)
    if age == timedelta(hours=whole_hours):
        delta = archive.tables.load(name)
        return set() if delta is None else set(replaced) & replaced_files(name, delta, whole_hours)
    # deltalake knows whole hours only.
    found = set()
    for entry in archive.files.list(f"{name}/{LOG}"):
        if not entry.path.endswith(".json"):
            continue
        for line in archive.files.read(entry.path).splitlines():
            removed = msgspec.json.decode(line).get("remove")
            if removed and now.timestamp() - removed["deletionTimestamp"] / 1000 >= age.total_seconds():
                found.add(f"{name}/{unquote(removed['path'])}")
    return found & set(replaced)


def expire_landings(
    archive: Archive, older_than: timedelta, *, dry_run: bool = False, now: datetime | None = None
) -> Maintained:
    """Deletes landings of crawls that were committed so long ago; never one that is not committed, or is at work.

    The tables keep all that was read from them. What goes is the pages as they came: a later engine cannot read them
    again (`medthreads reparse`).
    """
    done = Maintained()
    before = (now or datetime.now(UTC)) - older_than
    with alone(archive):
        crawls = archive.tables.read_whole("crawls", ("site", "crawl_id", "committed_at"))
        for row in sorted(crawls, key=lambda row: (row["site"], row["crawl_id"])):
            if row["committed_at"] >= before:
                continue
            site, crawl_id = row["site"], row["crawl_id"]
            paths = {entry.path: entry.bytes for entry in archive.files.list(f"landing/{site}/{crawl_id}")}
            if not paths:
                continue
            if not dry_run and not _delete_landing(archive, site, paths):
                continue
            done.landings_deleted.append(f"{site}/{crawl_id}")
            done.bytes_deleted += sum(paths.values())
    return done


def _delete_landing(archive: Archive, site: str, paths: Collection[str]) -> bool:
    try:
        with archive.lock(f"commit-{site}", timedelta(0), "at work"):
            archive.checksums.forget(sorted(paths))
            for path in sorted(paths):
                archive.files.delete(path)
    except BusyError:
        return False
    return True
