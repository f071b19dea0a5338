"""The files of an archive, in a local folder or on S3: whole or not at all, listed, fetched, deleted.

Paths are relative to the archive, with `/`. What is written appears as a whole, and is durable when the call returns.
Those on S3 are in storage.s3_files.
"""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pyarrow.parquet as pq

from crawler.errors import ArchiveError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

WORK_VARIABLE = "MEDTHREADS_WORK"
"""Names a folder for the local files of archives on S3: crawls in the making, the index."""
_ASIDE = ".aside-"
"""Start of the names under which a file is written before it takes its place."""


class Entry(NamedTuple):
    """A file as a listing shows it."""

    path: str
    """Below the archive."""
    bytes: int
    modified: datetime
    """Aware, UTC."""


class Files(Protocol):
    """Where the archive's files are."""

    location: str
    """The folder, or the s3:// address, without a slash at its end."""
    at_once: int
    """Calls that are worth making at a time, from threads."""

    @property
    def local(self) -> Path | None:
        """The folder, where it is one."""

    @property
    def options(self) -> dict[str, str] | None:
        """What deltalake is to be told (`storage_options`)."""

    @property
    def filesystem(self) -> "AbstractFileSystem | None":
        """What DuckDB reads them through, where it needs something for that."""

    def uri(self, path: str = "") -> str:
        """What DuckDB, deltalake, Polars or Spark call the file or folder."""

    def read(self, path: str) -> bytes:
        """The whole content.

        Raises:
            FileNotFoundError: there is none.
        """

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""

    def write(self, path: str, content: bytes) -> None:
        """Makes or replaces the file."""

    def create(self, path: str, content: bytes) -> bool:
        """Makes the file unless there is one; whether it did. Of several processes one makes it.

        The content must be such as nobody else would write: by it a file is known whose answer got lost.
        """

    def take(self, path: str, source: Path) -> None:
        """Makes or replaces the file with a local one, which is gone after."""

    def send(self, path: str, source: Path) -> None:
        """Makes or replaces the file with a copy of a local one."""

    def fetch(self, path: str, target: Path) -> None:
        """Copies the file to a local one.

        Raises:
            FileNotFoundError: there is none.
        """

    def delete(self, path: str) -> None:
        """Deletes the file, if it is there."""

    def list(self, folder: str = "") -> Iterator[Entry]:
        """All files below a folder, by path; none where there is no such folder."""

    def parquet(self, path: str) -> pq.ParquetFile:
        """The Parquet file, opened.

        Raises:
            FileNotFoundError: there is none.
        """

    def prepare(self, paths: Sequence[str]) -> None:
        """Is told which data files of tables are about to be read, and may fetch them together."""


def files_at(location: str, environ: Mapping[str, str] = os.environ) -> Files:
    """The files of the archive at a folder or an s3:// address.

    Raises:
        ArchiveError: the address is of another kind, or names no bucket.
    """
    if location.startswith("s3://"):
        from storage.s3_files import S3Files  # here: an archive in a folder does not need it, and it is slow to load

        return S3Files(location, environ)
    if "://" in location or location.startswith("s3:"):
        raise ArchiveError(f"{location} is neither a folder nor an s3:// address; archives are kept in these.")
    return LocalFiles(Path(location))


class LocalFiles:
    """Files in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.location = str(self.root)
        self.at_once = 1

    @property
    def local(self) -> Path | None:
        """The folder."""
        return self.root

    @property
    def options(self) -> None:
        """None."""
        return

    @property
    def filesystem(self) -> None:
        """None."""
        return

    def uri(self, path: str = "") -> str:
        """The path."""
        return str(self.root / path)

    def read(self, path: str) -> bytes:
        """The whole content."""
        return (self.root / path).read_bytes()

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return (self.root / path).is_file()

    def write(self, path: str, content: bytes) -> None:
        """Makes or replaces the file."""
        aside = self._aside(path, content)
        aside.replace(self.root / path)

    def create(self, path: str, content: bytes) -> bool:
        """Makes the file unless there is one."""
        aside = self._aside(path, content)
        try:
            (self.root / path).hardlink_to(aside)
        except FileExistsError:
            return False
        finally:
            aside.unlink()
        return True

    def take(self, path: str, source: Path) -> None:
        """Makes or replaces the file with a local one."""
        final = self.root / path
        final.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb+") as file:
            os.fsync(file.fileno())
        source.replace(final)

    def send(self, path: str, source: Path) -> None:
        """Makes or replaces the file with a copy of another one."""
        final = self.root / path
        final.parent.mkdir(parents=True, exist_ok=True)
        aside = final.with_name(f"{_ASIDE}{secrets.token_hex(8)}")
        shutil.copyfile(source, aside)
        self.take(path, aside)

    def fetch(self, path: str, target: Path) -> None:
        """Copies the file to another place."""
        shutil.copyfile(self.root / path, target)

    def delete(self, path: str) -> None:
        """Deletes the file, if it is there, and folders that are empty then."""
        target = self.root / path
        target.unlink(missing_ok=True)
        for folder in target.parents:
            if folder == self.root or not folder.is_dir() or any(folder.iterdir()):
                return
            try:
                folder.rmdir()
            except OSError:
                return  # somebody has put a file there meanwhile

    def list(self, folder: str = "") -> Iterator[Entry]:
        """All files below a folder, by path."""
        for path in sorted((self.root / folder).rglob("*")):
            if path.name.startswith(_ASIDE):
                continue
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue  # deleted meanwhile
            if path.is_file():
                modified = datetime.fromtimestamp(stat.st_mtime, UTC)
                yield Entry(path.relative_to(self.root).as_posix(), stat.st_size, modified)

    def parquet(self, path: str) -> pq.ParquetFile:
        """The Parquet file, opened."""
        return pq.ParquetFile(self.root / path)

    def prepare(self, paths: Sequence[str]) -> None:
        """Does nothing: they are near."""

    def _aside(self, path: str, content: bytes) -> Path:
        final = self.root / path
        final.parent.mkdir(parents=True, exist_ok=True)
        aside = final.with_name(f"{_ASIDE}{secrets.token_hex(8)}")
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return aside


def work_folder(files: Files, environ: Mapping[str, str] = os.environ) -> Path:
    """The local folder for what is made on the way: the archive's own, else MEDTHREADS_WORK, else one in ~/.cache."""
    if files.local is not None:
        return files.local
    name = re.sub(r"[^a-z0-9]+", "-", files.location.lower().removeprefix("s3://")).strip("-")
    told = hashlib.blake2b(files.location.encode(), digest_size=4).hexdigest()
    base = environ.get(WORK_VARIABLE)
    return (Path(base) if base else Path.home() / ".cache" / "medthreads") / f"{name}-{told}"
