"""Checksums of every file of an archive: the part of a verification that needs no table to be readable.

All that looks wrong is looked at again before it is told: whoever reads an archive reads while others write.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from storage.about import ABOUT
from storage.checksums import FOLDER as CHECKSUMS
from storage.checksums import REPLACING, Checksums, Digest, Recorded, digest_of
from storage.files import Entry, Files, work_folder
from storage.locks import hold
from storage.publish import FOLDER as CURRENT
from storage.publish import is_sealed
from storage.schema import TABLES
from storage.verifying_findings import (
    Finding,
    Severity,
    Watch,
    advice_for,
    damaged,
    foreign,
    missing,
    no_ledgers,
    orphan,
    unknown,
    unsealed,
)
from storage.verifying_logs import LOG, TableFiles, check_log, is_by_others
from storage.views import MANIFEST, read_manifest

LANDING, SUMMARIES, RELEASES, ERASURES = "landing", "summaries", "releases", "erasures"
AUTHORS = "authors"
IN_THE_MAKING = timedelta(hours=1)
"""Files that are younger may be those of a process that has not come to its end."""
_LOCKS = "locks"
"""Where archives on S3 have them (storage.object_locks)."""
_LOOKS = 2
"""More looks at what looks wrong: a file may have been replaced during one look, and its line be read by the next."""
_PUBLISH_PATIENCE = timedelta(minutes=10)


class Checked(NamedTuple):
    """What came of it."""

    findings: list[Finding]
    files: int
    bytes: int


def durable_files(files: Files) -> Iterator[Entry]:
    """All files of the archive but caches, locks and what is written at the moment: those have a hidden name."""
    for entry in files.list():
        parts = entry.path.split("/")
        if parts[0] != _LOCKS and not any(part.startswith(".") for part in parts):
            yield entry


def check_files(
    files: Files,
    committed: Collection[tuple[str, str]] | None = None,
    grace: timedelta = IN_THE_MAKING,
    watch: Watch = lambda _bytes: None,
) -> Checked:
    """Reads every file of the archive and tells which are not what was written.

    Args:
        files: the archive's.
        committed: site and id of the committed crawls, whose landings should have checksums; None where not known.
        grace: age below which files without checksum are taken for files in the making.
        watch: is told of the bytes read.
    """
    entries = list(durable_files(files))
    look = _Look(files, entries, committed, grace, watch)
    suspects = [*look.sealed(), *look.absent(), *look.tables_that_fail(), *look.published(), *look.releases()]
    read, count = sum(entry.bytes for entry in entries), len(entries)
    for look_again in range(_LOOKS):
        if look_again and all(finding.severity is not Severity.DAMAGE for finding in suspects):
            break
        if not suspects:
            break
        again = _Look(files, list(durable_files(files)), committed, grace, lambda _bytes: None)
        paths = {finding.where for finding in suspects}
        areas = {path.split("/", maxsplit=1)[0] for path in paths}
        suspects = [*again.sealed(paths), *again.absent(paths), *again.tables_that_fail()]
        if CURRENT in areas:
            with _without_publishing(files):
                suspects += again.published()
        suspects += again.releases() if RELEASES in areas else []
    return Checked(suspects, count, read)


@contextmanager
def _without_publishing(files: Files) -> Iterator[None]:
    """Waits for a publish to end: between its files and their manifest nothing fits."""
    folder = work_folder(files) / ".locks"
    if not folder.is_dir():
        yield  # nobody has ever worked here: a copy that was handed on
        return
    with hold(files, folder, "publish", _PUBLISH_PATIENCE, "A publish does not end; verify again when it has."):
        yield


class _Look:
    """One look at all files."""

    def __init__(
        self,
        files: Files,
        entries: list[Entry],
        committed: Collection[tuple[str, str]] | None,
        grace: timedelta,
        watch: Watch,
    ) -> None:
        self.files = files
        self.entries = {entry.path: entry for entry in entries}
        self.committed = committed
        self.young = datetime.now(UTC) - grace
        self.watch = watch
        self.markers: dict[str, datetime | None] = {}
        self.recorded: Recorded = Checksums(files).recorded()
        self.tables = {name: TableFiles.of(files, name, self.entries) for name in TABLES}

    def sealed(self, only: Collection[str] | None = None) -> Iterator[Finding]:
        """Files that have a line in the ledgers, or should."""
        for path in sorted(self.entries.keys() if only is None else self.entries.keys() & only):
            area = path.split("/", maxsplit=1)[0]
            if area in {CURRENT, RELEASES}:
                continue
            self.watch(self.entries[path].bytes)
            if area == CHECKSUMS:
                if path in self.recorded.unsound:
                    yield damaged(path, "its seal is broken.")
            elif path in self.recorded.digests:
                yield from self._compare(path)
            else:
                yield from self._without_line(path, area)

    def _compare(self, path: str) -> Iterator[Finding]:
        try:
            held = digest_of(self.files, path)
        except FileNotFoundError:
            yield from self._missing(path)
            return
        except OSError as error:
            yield damaged(path, f"it cannot be read ({error.strerror or error}).")
            return
        if held in self.recorded.digests[path]:
            return
        if self._is_being_replaced(path):
            yield _replaced_half_way(path)
            return
        sizes = {known.bytes for known in self.recorded.digests[path]}
        if held.bytes not in sizes:
            yield damaged(path, f"it has {held.bytes:,} bytes instead of {max(sizes):,}.")
        else:
            yield damaged(path)

    def _without_line(self, path: str, area: str) -> Iterator[Finding]:
        if area in TABLES:
            table = self.tables[area]
            if LOG in path.split("/"):
                if path.endswith(".json") and is_by_others(self.files, area, path):
                    yield foreign(path)
                elif path.endswith((".json", ".parquet")):
                    yield from self._unsealed(path)
            elif table.is_readable and path not in table.live:
                if path not in table.replaced and not self._is_young(path):
                    yield orphan(path)
            else:
                yield from self._unsealed(path)
        elif area == LANDING:
            parts = path.split("/")
            if self.committed is not None and len(parts) > 3 and (parts[1], parts[2]) in self.committed:
                yield from self._unsealed(path)
        elif area in {SUMMARIES, ERASURES} or path == ABOUT:
            yield from [_replaced_half_way(path)] if self._is_being_replaced(path) else self._unsealed(path)
        else:
            yield unknown(path)

    def _unsealed(self, path: str) -> Iterator[Finding]:
        if not self._is_young(path):
            yield unsealed(path)

    def _is_young(self, path: str) -> bool:
        return self.entries[path].modified > self.young

    def absent(self, only: Collection[str] | None = None) -> Iterator[Finding]:
        """Files that have a line and are not there, and live files of the tables that are not."""
        live = {path for table in self.tables.values() for path in table.live}
        wanted = (self.recorded.digests.keys() | live | {ABOUT}) - self.entries.keys()
        if self.committed and not self.recorded.digests and not self.recorded.unsound:
            yield no_ledgers(CHECKSUMS)  # the first one was written when the archive was made
        for path in sorted(wanted if only is None else wanted & set(only)):
            if not self.files.exists(path):
                yield from self._missing(path)

    def _missing(self, path: str) -> Iterator[Finding]:
        area = path.split("/", maxsplit=1)[0]
        if area in TABLES:
            table = self.tables[area]
            if path in table.live:
                yield missing(path, "the table needs it, and it is not there any more.")
            elif LOG in path.split("/") and table.needs_log(path) and not self._may_be_dropped(path):
                yield missing(path)
        elif path not in self.recorded.gone and self._marker(path) is None and not path.endswith(".done.json"):
            yield missing(path)  # an erasure that is not done is told as such

    def _may_be_dropped(self, path: str) -> bool:
        """Whether it is of a table of authors that was dropped (docs/privacy.md), and may have begun anew since."""
        last = max(self.tables[AUTHORS].versions, default=-1)
        return path.startswith(f"{AUTHORS}/") and path > f"{AUTHORS}/{LOG}/{last:020d}.json"

    def _is_being_replaced(self, path: str) -> bool:
        """Whether it is as young as the marker that who replaces files of the folder leaves, if killed, there."""
        marker = self._marker(path)
        return marker is not None and path in self.entries and self.entries[path].modified >= marker

    def _marker(self, path: str) -> datetime | None:
        """Since when files of the folder, or of the site's part of it, are being replaced."""
        parts = path.split("/")
        for folder in (parts[0], "/".join(parts[:2])):
            if folder not in self.markers:
                found = self.files.list(folder) if self.files.exists(f"{folder}/{REPLACING}") else []
                named = {entry.path: entry.modified for entry in found}
                self.markers[folder] = named.get(f"{folder}/{REPLACING}")
            if (marker := self.markers[folder]) is not None:
                return marker
        return None

    def tables_that_fail(self) -> Iterator[Finding]:
        """Logs that cannot be read, have a gap, or whose last checkpoint is not what it should be."""
        for name, table in self.tables.items():
            yield from check_log(self.files, name, table, self.recorded.digests.keys())

    def published(self) -> Iterator[Finding]:
        """`current/` against its manifest."""
        path = f"{CURRENT}/{MANIFEST}"
        there = {path for path in self.entries if path.startswith(f"{CURRENT}/")}
        for held in there:
            self.watch(self.entries[held].bytes)
        try:
            content = self.files.read(path)
        except FileNotFoundError:
            if there:
                what = "it is not there, although files are: a first publish was killed, or it was deleted."
                yield Finding(Severity.INCONSISTENCY, "missing", path, what, advice_for(path))
            return
        if not is_sealed(content):
            yield damaged(path, "its seal is broken.")
            return
        manifest = read_manifest(self.files)
        entries = manifest["files"] if manifest else {}
        assert isinstance(entries, dict)
        for name, entry in sorted(entries.items()):
            yield from self._published_file(f"{CURRENT}/{name}", Digest(entry["bytes"], entry["sha256"]))
        for strange in sorted(there - {path} - {f"{CURRENT}/{name}" for name in entries}):
            yield orphan(strange)._replace(advice="Nothing reads it; the next `medthreads publish` deletes it.")

    def _published_file(self, path: str, known: Digest) -> Iterator[Finding]:
        try:
            held = digest_of(self.files, path)
        except FileNotFoundError:
            yield missing(path)
            return
        except OSError as error:
            yield damaged(path, f"it cannot be read ({error.strerror or error}).")
            return
        if held.bytes != known.bytes:
            yield damaged(path, f"it has {held.bytes:,} bytes instead of {known.bytes:,}.")
        elif held != known:
            yield damaged(path)

    def releases(self) -> Iterator[Finding]:
        """Each release against its own manifest."""
        from storage.release_changes import verify_release

        inside = [path for path in self.entries if path.startswith(f"{RELEASES}/")]
        folders = {"/".join(path.split("/")[:2]) for path in inside if path.count("/") > 1}
        yield from (unknown(path) for path in sorted(inside) if path.count("/") == 1)
        for folder in sorted(folders):
            for sentence in verify_release(self.files, folder):
                path, _, what = sentence.partition(" ")
                kind = "missing" if what.startswith("is missing") else "damaged"
                yield Finding(Severity.DAMAGE, kind, path, f"it {what}", advice_for(path))
        for path, entry in self.entries.items():
            if path.startswith(f"{RELEASES}/"):
                self.watch(entry.bytes)


_AGAIN = {
    SUMMARIES: "Run `medthreads summaries`: it goes on from there.",
    LANDING: "Run the erasure again (`medthreads erase`): it goes on from there.",
}


def _replaced_half_way(path: str) -> Finding:
    what = "it was replaced by a process that has not come to its end, or was killed."
    return Finding(Severity.LAGGING, "lagging", path, what, _AGAIN.get(path.split("/")[0], "Run the same again."))
