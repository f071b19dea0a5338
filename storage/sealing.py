"""Checksums for files that have none, as their process was killed before it wrote them down; ledgers put together."""

import gzip
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pyarrow as pa

from storage.archive import Archive
from storage.checksums import digest_of
from storage.maintenance import Maintained, alone, compact, expire_landings, vacuum
from storage.schema import TABLES
from storage.verification import verify
from storage.verifying_findings import damaged
from storage.verifying_logs import LOG, live_files

LEDGERS = 64
"""So many ledgers of checksums are read one by one."""


def maintain(
    archive: Archive, landings_after: timedelta | None = None, *, dry_run: bool = False, now: datetime | None = None
) -> Maintained:
    """All upkeep in turn: compact, vacuum, landings, seal.

    Args:
        archive: the archive.
        landings_after: age from which committed landings are deleted; None keeps them for ever.
        dry_run: only tell what would be done.
        now: the instant of ages; the clock's where absent.

    Raises:
        BusyError: another process is at it.
        DiskFullError, ArchiveError: see `storage.tables.storage_errors`.
    """
    done = compact(archive, dry_run=dry_run) + vacuum(archive, dry_run=dry_run)
    if landings_after is not None:
        done += expire_landings(archive, landings_after, dry_run=dry_run, now=now)
    return done + seal(archive, dry_run=dry_run)


def seal(archive: Archive, *, dry_run: bool = False, young: timedelta = timedelta(hours=1)) -> Maintained:
    """Records checksums of files that have none, if they can be read; puts ledgers together where there are many."""
    done = Maintained()
    with alone(archive):
        findings = verify(archive.location, grace=young).findings
        found = [one.where for one in findings if one.kind in {"unsealed", "foreign"}]
        sound = []
        for path in found:
            fault = _fault(archive, path)
            if fault:
                done.findings.append(damaged(path, f"it has no checksum, and cannot be read ({fault})."))
            else:
                sound.append(path)
        done.files_sealed = len(sound)
        if not dry_run:
            archive.checksums.record(sound)
            done.ledgers_put_together = _put_ledgers_together(archive, young)
    return done


def _fault(archive: Archive, path: str) -> str | None:
    """Why a file cannot be read, decoding all of it; None where it can."""
    suffix = path.rpartition(".")[2]
    try:
        if suffix == "parquet":
            file = archive.files.parquet(path)
            for number in range(file.metadata.num_row_groups):
                file.read_row_group(number, use_threads=False)
        elif suffix in _READERS:
            _READERS[suffix](archive.files.read(path))
    except (OSError, EOFError, ValueError, msgspec.DecodeError, zlib.error, pa.ArrowException) as error:
        return " ".join(str(error).split()) or type(error).__name__
    return None


def _json_lines(content: bytes) -> None:
    for line in content.splitlines():
        msgspec.json.decode(line)


def _json(content: bytes) -> None:
    try:
        msgspec.json.decode(content)
    except msgspec.DecodeError:
        _json_lines(content)  # logs of Delta tables have one object a line


_READERS: dict[str, Callable[[bytes], object]] = {"json": _json, "jsonl": _json_lines, "gz": gzip.decompress}


def _put_ledgers_together(archive: Archive, young: timedelta) -> int:
    if sum(1 for _ in archive.files.list("checksums")) < LEDGERS:
        return 0
    recorded = archive.checksums.recorded()
    live: set[str] = set()
    for name in TABLES:
        delta = archive.tables.load(name)
        live |= live_files(name, delta) if delta else set()
    needless = {
        path
        for path in recorded.digests.keys() | recorded.gone
        if not archive.files.exists(path)
        and (path in recorded.gone or (path.split("/")[0] in TABLES and LOG not in path and path not in live))
    }
    several = (path for path, digests in recorded.digests.items() if len(digests) > 1 and path not in needless)
    there = {path: digest_of(archive.files, path) for path in several if archive.files.exists(path)}
    return archive.checksums.put_together(there, needless, datetime.now(UTC) - young)
