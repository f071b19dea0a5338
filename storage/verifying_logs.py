"""The log of a Delta table, held against itself: what it needs, what it has replaced, whether it is whole."""

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from storage.files import Files
from storage.tables import Tables
from storage.verifying_findings import Finding, Severity, advice_for, damaged, missing

LOG = "_delta_log"
_VERSION = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")
_LAST = "_last_checkpoint"


class TableFiles(NamedTuple):
    """What the log of a table says of its files, as paths below the archive."""

    is_readable: bool
    live: frozenset[str]
    replaced: frozenset[str]
    """Files of earlier versions that readers may still be at."""
    versions: frozenset[int]
    """Of the log entries that are there."""
    checkpoints: frozenset[int]
    reason: str = ""
    """Why it cannot be read."""

    @classmethod
    def of(cls, files: Files, name: str, listed: Collection[str]) -> "TableFiles":
        """The table as it is now, and its log as it was listed."""
        versions, checkpoints = set(), set()
        for path in listed:
            if path.startswith(f"{name}/{LOG}/"):
                file = path.rpartition("/")[2]
                if found := _VERSION.fullmatch(file):
                    versions.add(int(found[1]))
                elif found := _CHECKPOINT.fullmatch(file):
                    checkpoints.add(int(found[1]))
        held = (frozenset(versions), frozenset(checkpoints))
        try:
            delta = Tables(files).load(name)
            if delta is None:
                return cls(True, frozenset(), frozenset(), *held)
            return cls(True, live_files(name, delta), replaced_files(name, delta), *held)
        except (DeltaError, OSError, ValueError) as error:
            return cls(False, frozenset(), frozenset(), *held, " ".join(str(error).split()))

    def needs_log(self, path: str) -> bool:
        """Whether an entry of the log that is not there should be.

        Those before a checkpoint are deleted from the first on (by deltalake, after 30 days), and nobody needs them.
        """
        found = _VERSION.fullmatch(path.rpartition("/")[2])
        if found is None:
            return False  # a checkpoint: `check_log` looks at the one that is used
        version = int(found[1])
        is_expired = version <= max(self.checkpoints, default=-1) and min(self.versions, default=version) > version
        return not is_expired


def live_files(name: str, delta: DeltaTable) -> frozenset[str]:
    """Data files of the loaded version."""
    actions = pa.table(delta.get_add_actions(flatten=True))
    return frozenset(f"{name}/{unquote(str(path))}" for path in actions.column("path").to_pylist())


def replaced_files(name: str, delta: DeltaTable, hours: int = 0) -> frozenset[str]:
    """Data files that the log knows to be replaced for so long; some may be deleted already."""
    found = delta.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False)
    return frozenset(f"{name}/{unquote(path)}" for path in found) - live_files(name, delta)


def is_by_others(files: Files, name: str, path: str) -> bool:
    """Whether an entry of the log changes rows and lacks the marks of `storage.tables`; False where it is unreadable.

    Ours name their attempt or, where they replace rows, their reason. Only a crawl's own row is appended without.
    """
    try:
        entries = [msgspec.json.decode(line, type=dict[str, Any]) for line in files.read(path).splitlines()]
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    actions = {kind for entry in entries for kind in entry}
    about: dict[str, Any] = next((entry["commitInfo"] for entry in entries if "commitInfo" in entry), {})
    is_ours = "txn" in actions or "medthreads" in about or (name == "crawls" and "remove" not in actions)
    return bool(actions & {"add", "remove"}) and not is_ours


def check_log(files: Files, name: str, table: TableFiles, recorded: Collection[str]) -> Iterator[Finding]:
    """Whether the table can be read, its log has no gap, and its last checkpoint is what it says."""
    if not table.is_readable:
        where = f"{name}/{LOG}"
        yield Finding(
            Severity.DAMAGE, "unreadable", where, f"the table cannot be read: {table.reason}.", advice_for(where)
        )
    if table.versions:
        first, last = min(table.versions), max(table.versions)
        for version in sorted(set(range(first, last + 1)) - table.versions):
            path = f"{name}/{LOG}/{version:020d}.json"
            if path not in recorded and not files.exists(path):
                yield missing(path, "the table's log has a gap.")
        if first > 0 and not any(version >= first - 1 for version in table.checkpoints):
            yield missing(f"{name}/{LOG}/{0:020d}.json", "the beginning of the table's log is not there any more.")
    yield from _check_last(files, name)


class _Last(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    size: int
    sizeInBytes: int  # noqa: N815 - Delta's name
    numOfAddFiles: int  # noqa: N815 - Delta's name


def _check_last(files: Files, name: str) -> Iterator[Finding]:
    """`_last_checkpoint` is replaced all the time, and tells of one file: all of it can be held against that."""
    path = f"{name}/{LOG}/{_LAST}"
    try:
        content = files.read(path)
    except FileNotFoundError:
        return
    what = "it does not fit the checkpoint that it names."
    advice = "Delete it: it only saves time, and the next checkpoint makes it again."
    finding = damaged(path, what)._replace(advice=advice)
    try:
        last = msgspec.json.decode(content, type=_Last)
    except (msgspec.DecodeError, UnicodeDecodeError):
        yield finding
        return
    checkpoint = f"{name}/{LOG}/{last.version:020d}.checkpoint.parquet"
    try:
        size = len(files.read(checkpoint))
        held = files.parquet(checkpoint)
        added = held.read(columns=["add"], use_threads=False).column("add")
    except (OSError, pa.ArrowException):
        yield finding
        return
    fits = (last.size, last.sizeInBytes, last.numOfAddFiles) == (
        held.metadata.num_rows,
        size,
        len(added) - added.null_count,
    )
    if not fits or content.strip() != msgspec.json.encode(last):
        yield finding
