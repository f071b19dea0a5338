"""Releases: the archive as of a snapshot, as a folder that can be handed on, cited and checked.

<archive>/releases/<YYYY-MM-DD>-snapshot-<n>/      date and number of the snapshot, and the sites where not all
    README.md  manifest.json  SHA256SUMS  data-dictionary.md  datapackage.json      and the rows: storage.release_tables

What has no manifest.json is no release. In a folder a release is made aside and appears as a whole; on S3 its manifest
is written last. What a killed process left is cleared away by the next one. Nothing in a release depends on the clock:
the same snapshot of the same archive gives the same bytes.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as version_of
from pathlib import Path

from crawler.errors import ArchiveError, BusyError, DiskFullError, UsageError
from storage.archive import Archive, Commit
from storage.locks import StillHeld
from storage.publish import publish
from storage.release_content import ChangedMeanwhileError, write_content
from storage.release_documents import entries_of, read_release, write_documents
from storage.release_metadata import MANIFEST, SUMS, About, FileEntry, checksums_of, data_digest
from storage.tables import storage_errors
from storage.views import read_manifest as read_published

FOLDER = "releases"
MAKING = Path(".index") / "releases"
"""Where releases are put together, below the archive's local folder."""
_PATIENCE = timedelta(minutes=30)
_TRIES = 3
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,99}")
_ABANDONED = timedelta(days=1)


@dataclass(frozen=True)
class Release:
    """A release that is there."""

    name: str
    location: str
    """Its folder or s3:// address."""
    version: str
    snapshot: int
    as_of: datetime
    """When the snapshot was committed; aware, UTC."""
    sites: list[str]
    files: int
    rows: int
    bytes: int
    data_sha256: str
    """SHA-256 of the lines of SHA256SUMS that name Parquet files: what one cites."""
    sums_sha256: str
    """SHA-256 of SHA256SUMS."""
    made: bool = False
    """Whether this call made it; it may have been there before."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of a release; what is None follows from the snapshot or is left out."""

    sites: Collection[str] = ()
    """All sites of the archive where empty."""
    version: str | None = None
    """Default: the day of the snapshot's commit (UTC) and its number, such as 2026.11.22.7."""
    licence: str | None = None
    notes: str | None = None


def make_release(archive: Archive, wanted: Wanted | None = None, output: Path | None = None) -> Release:
    """Makes the release of the last snapshot, unless it is there already.

    Args:
        archive: the archive; `current/` is brought up to the last commit first.
        wanted: what is asked of it.
        output: the folder to make it in, new or empty; below `releases/` of the archive where None.

    Raises:
        UsageError: a site that the archive does not hold, a version that cannot be one, a folder that holds something
            else, or a release of the snapshot that is there with another version, licence or notes.
        BusyError: another process has been making a release for half an hour, or publishes all the time.
        DiskFullError, ArchiveError: it cannot be written, and nothing of it stays; or nothing is committed yet.
    """
    wanted = wanted or Wanted()
    _refuse(archive, wanted)
    where = str(output) if output else f"{archive.location}/{FOLDER}"
    with locked(archive) as still_held, _errors(where):
        _clear(archive)
        for _ in range(_TRIES):
            for site in sorted(set(wanted.sites)) or (None,):
                publish(archive, site)
            commits, published = _published(archive, wanted.sites)
            if not commits:
                continue
            about = _about(archive, commits, wanted)
            if (held := _held(archive, about, wanted, output)) is not None:
                return held
            making = _making(archive, about.name, output)
            try:
                about.named = write_content(archive, commits, published, making)
                _finish(archive, about, making)
                still_held()
                return _place(archive, about, making, output)
            except ChangedMeanwhileError:
                continue
            finally:
                shutil.rmtree(making, ignore_errors=True)
    raise BusyError(f"Crawls are published to {archive.location} all the time; make the release when they have ended.")


def releases(archive: Archive) -> list[Release]:
    """The releases below `releases/` of the archive, by snapshot and name."""
    with storage_errors(archive.location):
        listed = archive.files.list(FOLDER)
        names = {entry.path.split("/")[1] for entry in listed if entry.path.endswith(f"/{MANIFEST}")}
        found = [_release(archive, name) for name in names]
    return sorted(found, key=lambda release: (release.snapshot, release.name))


@contextmanager
def locked(archive: Archive) -> Iterator[StillHeld]:
    """Only one process at a time makes or changes releases of the archive.

    Raises:
        BusyError: another one has been doing so for half an hour.
    """
    busy = f"Another process is making or changing a release of {archive.location}; try again when it has ended."
    with archive.lock("releases", _PATIENCE, busy) as still_held:
        yield still_held


@contextmanager
def _errors(where: str) -> Iterator[None]:
    """Says that it is the release that has no space."""
    try:
        with storage_errors(where):
            yield
    except DiskFullError as error:
        raise DiskFullError(
            f"No space is left for the release in {where}, and nothing of it stays; free some and make it again."
        ) from error


def _refuse(archive: Archive, wanted: Wanted) -> None:
    if wanted.version is not None and not _VERSION.fullmatch(wanted.version):
        raise UsageError(f"{wanted.version!r} can be no version: letters, digits, `.`, `_`, `+` and `-` only.")
    held = {commit.site for commit in archive.committed()}
    if not held:
        raise ArchiveError(f"Nothing is committed to {archive.location} yet; crawl or import something first.")
    for site in wanted.sites:
        if site not in held:
            raise UsageError(f"The archive holds no site {site!r}; it holds {', '.join(sorted(held))}.")


def _published(archive: Archive, sites: Collection[str]) -> tuple[list[Commit], dict[str, dict[str, object]]]:
    """The commits that `current/` shows, and its files; none where it does not show all up to one of them."""
    manifest = read_published(archive.files) or {}
    shown, files = manifest.get("sites"), manifest.get("files")
    assert isinstance(shown, dict)
    assert isinstance(files, dict)
    wanted = [commit for commit in archive.committed() if not sites or commit.site in sites]
    last = max((shown.get(commit.site, 0) for commit in wanted), default=0)
    commits = [commit for commit in wanted if commit.snapshot <= last]
    is_whole = all(commit.snapshot <= shown.get(commit.site, 0) for commit in commits)
    return (commits, files) if is_whole else ([], {})


def _about(archive: Archive, commits: list[Commit], wanted: Wanted) -> About:
    number = max(commit.snapshot for commit in commits)
    as_of = next(one.committed_at for one in archive.snapshots() if one.number == number).astimezone(UTC)
    only = "".join(f"-{site}" for site in sorted(set(wanted.sites)))
    return About(
        name=f"{as_of:%Y-%m-%d}-snapshot-{number}{only}",
        version=wanted.version or f"{as_of:%Y.%m.%d}.{number}",
        snapshot=number,
        as_of=as_of,
        sites={commit.site: commit.snapshot for commit in sorted(commits, key=lambda one: (one.site, one.snapshot))},
        whole=not wanted.sites,
        software=f"medthreads {version_of('medthreads')}",
        licence=wanted.licence,
        notes=wanted.notes,
    )


def _held(archive: Archive, about: About, wanted: Wanted, output: Path | None) -> Release | None:
    """The release, where it is there already.

    Raises:
        UsageError: it says something else than is wanted, or the folder for it holds something else.
    """
    place = str(output) if output else f"{FOLDER}/{about.name}"
    if output is None:
        if not archive.files.exists(f"{place}/{MANIFEST}"):
            return None
        manifest = archive.files.read(f"{place}/{MANIFEST}")
    else:
        if not output.exists() or (output.is_dir() and not any(output.iterdir())):
            return None
        if not (output / MANIFEST).is_file():
            raise UsageError(f"{output} holds something else than a release; give an empty folder or a new one.")
        manifest = (output / MANIFEST).read_bytes()
    held, files = read_release(place, manifest)
    if held.name != about.name:
        raise UsageError(f"{output} holds the release {held.name}; give an empty folder or a new one for {about.name}.")
    for word in ("version", "licence", "notes"):
        if getattr(wanted, word) not in {None, getattr(held, word)}:
            raise UsageError(
                f"The release {held.name} is there already with other words for {word} (version {held.version}); "
                "releases do not change: give --output for another copy, or leave the option out."
            )
    location = str(output) if output else archive.files.uri(place)
    return _described(held, files, location, checksums_of(files, manifest))


def _making(archive: Archive, name: str, output: Path | None) -> Path:
    """An empty folder on the disk where the release is to be, or to be sent from."""
    making = output.with_name(f".{output.name}.making") if output else archive.work / MAKING / name
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    return making


def _finish(archive: Archive, about: About, making: Path) -> None:
    files = {path.relative_to(making).as_posix(): path for path in sorted(making.rglob("*.parquet"))}
    write_documents(about, entries_of(files), files, making, archive.spill)
    for path in sorted(making.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()  # of a partition without committed rows


def _place(archive: Archive, about: About, making: Path, output: Path | None) -> Release:
    manifest, sums = (making / MANIFEST).read_bytes(), (making / SUMS).read_bytes()
    _, files = read_release(about.name, manifest)
    place = f"{FOLDER}/{about.name}"
    local = output or (archive.files.local / place if archive.files.local else None)
    if local is not None:
        for made in making.rglob("*"):
            _sync(made)
        local.parent.mkdir(parents=True, exist_ok=True)
        if local.exists() and not output:
            shutil.rmtree(local)  # without a manifest, see _held
        making.replace(local)
        _sync(local.parent)
    else:
        wanted = {*files, SUMS, MANIFEST}
        for entry in list(archive.files.list(place)):
            if entry.path.removeprefix(f"{place}/") not in wanted:
                archive.files.delete(entry.path)
        for path in (*files, SUMS, MANIFEST):
            archive.files.take(f"{place}/{path}", making / path)
    return _described(about, files, str(local) if local else archive.files.uri(place), sums, made=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear(archive: Archive) -> None:
    """Deletes what killed processes left: the folder of what is being made, and what has no manifest.

    On S3 another machine may just be sending a release: its files are left alone for a day.
    """
    shutil.rmtree(archive.work / MAKING, ignore_errors=True)
    by_name: dict[str, list[tuple[str, datetime]]] = {}
    for entry in archive.files.list(FOLDER):
        by_name.setdefault(entry.path.split("/")[1], []).append((entry.path, entry.modified))
    for name, entries in by_name.items():
        is_release = f"{FOLDER}/{name}/{MANIFEST}" in {path for path, _ in entries}
        is_old = datetime.now(UTC) - max(modified for _, modified in entries) > _ABANDONED
        if not is_release and (archive.files.local is not None or is_old):
            for path, _ in entries:
                archive.files.delete(path)


def _release(archive: Archive, name: str) -> Release:
    place = f"{FOLDER}/{name}"
    manifest = archive.files.read(f"{place}/{MANIFEST}")
    about, files = read_release(place, manifest)
    return _described(about, files, archive.files.uri(place), checksums_of(files, manifest))


def _described(about: About, files: dict[str, FileEntry], location: str, sums: bytes, made: bool = False) -> Release:
    return Release(
        name=about.name,
        location=location,
        version=about.version,
        snapshot=about.snapshot,
        as_of=about.as_of,
        sites=sorted(about.sites),
        files=len(files) + 2,
        rows=sum(entry.rows or 0 for entry in files.values()),
        bytes=sum(entry.bytes for entry in files.values()),
        data_sha256=data_digest(files),
        sums_sha256=hashlib.sha256(sums).hexdigest(),
        made=made,
    )
