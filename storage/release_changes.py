"""Checks releases, and changes them where something has to go from them (erasures).

A change replaces file by file; `.changing.json` in the release names the new files until all are in place. Killed in
the middle, the same change is made again: a file is then as the manifest says or as that list says.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from crawler.errors import ArchiveError
from storage.archive import Archive
from storage.columns import Table
from storage.files import Files
from storage.locks import StillHeld
from storage.publish import is_sealed, sha256_of
from storage.release import FOLDER, MAKING, locked, releases
from storage.release_content import row_groups, write_rows
from storage.release_documents import entries_of, read_release, write_documents
from storage.release_metadata import MANIFEST, SUMS, FileEntry, checksums_of, read_manifest
from storage.release_tables import partition_of, table_of
from storage.tables import storage_errors

Drop = Callable[[str, pa.Table], pa.Table]
"""Gets a table's name and some of its rows (all columns, those of the path among them); gives the rows that stay."""

_CHANGING = ".changing.json"


class _Changing(msgspec.Struct):
    """What a change that is under way puts in place."""

    written: dict[str, str]
    """SHA-256 of the new Parquet files, by path."""
    deleted: list[str]


def rewrite_releases(archive: Archive, drop: Drop, at: datetime | None = None) -> dict[str, list[str]]:
    """Changes all releases of the archive, see `rewrite_release`; the changed files of each that was changed.

    A release that is being made is waited for, so that what was dropped from the tables before is in none after.
    """
    with locked(archive) as still_held:
        shutil.rmtree(archive.work / MAKING, ignore_errors=True)  # it may hold what is to go
        changed = {release.name: _rewrite(archive, release.name, drop, at, still_held) for release in releases(archive)}
    return {name: paths for name, paths in changed.items() if paths}


def rewrite_release(archive: Archive, name: str, drop: Drop, at: datetime | None = None) -> list[str]:
    """Changes a release: its rows as `drop` gives them back, then figures, checksums and README.

    The README says that the release was changed and when, not what. Where `drop` changes nothing, nothing is written.

    Args:
        archive: the archive.
        name: the release's.
        drop: called with the rows of each row group.
        at: when, for the README (aware); now where None.

    Returns:
        Paths of the changed and deleted Parquet files in the release.

    Raises:
        ArchiveError: there is no such release, or a file of it is damaged: nothing of it was changed.
        BusyError: another process has been making a release for half an hour.
        DiskFullError: no space is left; the same call again completes the change.
    """
    with locked(archive) as still_held:
        return _rewrite(archive, name, drop, at, still_held)


def _rewrite(archive: Archive, name: str, drop: Drop, at: datetime | None, still_held: StillHeld) -> list[str]:
    with storage_errors(archive.location):
        making = archive.work / MAKING / f"{name}.changed"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        try:
            return _Rewriting(archive, name, making, still_held).run(drop, at or datetime.now(UTC))
        finally:
            shutil.rmtree(making, ignore_errors=True)


class _Rewriting:
    """One change of one release, under the lock."""

    def __init__(self, archive: Archive, name: str, making: Path, still_held: StillHeld) -> None:
        self.still_held = still_held
        self.archive, self.files, self.making = archive, archive.files, making
        self.place = f"{FOLDER}/{name}"
        if not self.files.exists(f"{self.place}/{MANIFEST}"):
            raise ArchiveError(f"There is no release {name} in {archive.location}.")
        self.about, entries = read_release(self.place, self.files.read(f"{self.place}/{MANIFEST}"))
        self.entries = {path: entry for path, entry in entries.items() if table_of(path) is not None}
        journal = f"{self.place}/{_CHANGING}"
        is_begun = self.files.exists(journal)
        self.begun = msgspec.json.decode(self.files.read(journal), type=_Changing) if is_begun else _Changing({}, [])

    def run(self, drop: Drop, at: datetime) -> list[str]:
        held: dict[str, Path] = {}
        changed, deleted = dict(self.begun.written), list(self.begun.deleted)
        for path in self.entries:
            whole = self._fetched(path)
            if whole is None:
                continue
            table = table_of(path)
            assert table is not None
            new = self.making / "new" / path
            if not _changed(whole, new, table, partition_of(path), drop):
                held[path] = whole
            elif new.exists():
                held[path], changed[path] = new, sha256_of(new)
            else:
                deleted.append(path)
        if not changed and not deleted:
            return []
        for path in deleted:
            changed.pop(path, None)
        self._put(held, changed, deleted, at)
        return sorted({*changed, *deleted})

    def _fetched(self, path: str) -> Path | None:
        """The file as a local one; None where a change before has deleted it.

        Raises:
            ArchiveError: it is neither as the manifest says nor as that change left it.
        """
        local = self.files.local
        file = local / self.place / path if local else self.making / "held" / path
        try:
            if not local:
                file.parent.mkdir(parents=True, exist_ok=True)
                self.files.fetch(f"{self.place}/{path}", file)
            found = sha256_of(file)
        except FileNotFoundError:
            if path in self.begun.deleted:
                return None
            found = "missing"
        if found not in {self.entries[path].sha256, self.begun.written.get(path)}:
            raise ArchiveError(
                f"{self.files.uri(self.place)}/{path} is damaged, so that the release cannot be changed; "
                "delete the release, or put it back from a copy."
            )
        return file

    def _put(self, held: Mapping[str, Path], changed: Mapping[str, str], deleted: list[str], at: datetime) -> None:
        self.about.changed.append(f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
        documents = self.making / "documents"
        documents.mkdir()
        write_documents(self.about, entries_of(held), held, documents, self.archive.spill)
        self.still_held()
        journal = _Changing(dict(changed), deleted)
        self.files.write(f"{self.place}/{_CHANGING}", msgspec.json.encode(journal))
        for path in deleted:
            self.files.delete(f"{self.place}/{path}")
        for path in sorted(changed):
            if held[path].is_relative_to(self.making / "new"):
                self.files.take(f"{self.place}/{path}", held[path])
        names = sorted(path.name for path in documents.iterdir())
        for document in sorted(names, key=lambda document: document == MANIFEST):
            self.files.take(f"{self.place}/{document}", documents / document)
        self.files.delete(f"{self.place}/{_CHANGING}")


def _changed(whole: Path, new: Path, table: Table, partition: Mapping[str, str], drop: Drop) -> bool:
    """Writes to `new` what `drop` leaves of a file, if anything; whether that is something else than the file."""
    if all(drop(table.name, rows).equals(rows) for rows in _whole_rows(whole, partition)):
        return False
    # As the file was: it may have been made before a column came.
    schema = pq.read_schema(whole)
    write_rows((drop(table.name, rows) for rows in _whole_rows(whole, partition)), table, new, schema)
    return True


def _whole_rows(path: Path, partition: Mapping[str, str]) -> Iterator[pa.Table]:
    """The rows of a file with the columns of its path, a row group at a time."""
    with pq.ParquetFile(path) as file:
        for rows in row_groups(file):
            for column, value in partition.items():
                rows = rows.append_column(column, pa.array([value] * len(rows), pa.string()))
            yield rows


def verify_release(files: Files, folder: str = "") -> list[str]:
    """What is wrong with a release, a sentence each; nothing where it is as it was made.

    Args:
        files: the archive's; or `files_at(...)` of a folder that was handed on.
        folder: the release's folder in it, such as `releases/2026-11-22-snapshot-7`.
    """
    place = f"{folder}/" if folder else ""
    try:
        manifest = files.read(f"{place}{MANIFEST}")
    except FileNotFoundError:
        return [f"{place}{MANIFEST} is missing: this is no release, or one that is not whole."]
    if not is_sealed(manifest):
        return [f"{place}{MANIFEST} is damaged."]
    try:
        _, entries = read_manifest(manifest)
    except ValueError as error:
        return [f"{place}{MANIFEST} is damaged: {error}."]
    there = {entry.path.removeprefix(place) for entry in files.list(folder)}
    faults = []
    if _CHANGING in there:
        faults.append(f"{place} was being changed when the process was stopped; make the same erasure again.")
    faults += [f"{place}{path} is missing." for path in sorted({*entries, SUMS} - there)]
    strange = there - {*entries, SUMS, MANIFEST, _CHANGING}
    faults += [f"{place}{path} does not belong to the release." for path in sorted(strange)]
    if SUMS in there and files.read(f"{place}{SUMS}") != checksums_of(entries, manifest):
        faults.append(f"{place}{SUMS} is damaged.")
    for path in sorted(there & entries.keys()):
        fault = _fault(files, f"{place}{path}", entries[path])
        faults += [f"{place}{path} {fault}."] if fault else []
    return faults


def _fault(files: Files, path: str, entry: FileEntry) -> str | None:
    if files.local is not None:
        file = files.local / path
        size, digest = file.stat().st_size, sha256_of(file)
    else:
        content = files.read(path)
        size, digest = len(content), hashlib.sha256(content).hexdigest()
    if size != entry.bytes:
        return f"has {size:,} bytes instead of {entry.bytes:,}"
    if digest != entry.sha256:
        return "is damaged: its SHA-256 is another one"
    if entry.rows is not None:
        rows = files.parquet(path).metadata.num_rows
        if rows != entry.rows:
            return f"holds {rows:,} rows, the manifest says {entry.rows:,}"
    return None
