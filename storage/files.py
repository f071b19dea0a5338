"""The files of an archive, in a local folder or on S3: whole or not at all, listed, fetched, deleted.

Paths are relative to the archive, with `/`. What is written appears as a whole, and is durable when the call returns.
S3 is reached through obstore, as its conditional writes decide which of two processes made a file first. Its settings
are those of every S3 client: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL and so on.
"""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import pyarrow as pa
import pyarrow.parquet as pq

from crawler.errors import ArchiveError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from obstore.store import ClientConfig, S3Config, S3Store

WORK_VARIABLE = "MEDTHREADS_WORK"
"""Names a folder for the local files of archives on S3: crawls in the making, the index, locks."""
_S3_SETTINGS = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_ENDPOINT_URL", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "AWS_SERVER_SIDE_ENCRYPTION", "AWS_SSE_KMS_KEY_ID"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"),
)
_TIMEOUT = timedelta(seconds=60)
"""Of one request; it is sent again some times."""
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
        """Makes the file unless there is one; whether it did. Of several processes one makes it."""

    def take(self, path: str, source: Path) -> None:
        """Makes or replaces the file with a local one, which is gone after."""

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


def files_at(location: str, environ: Mapping[str, str] = os.environ) -> Files:
    """The files of the archive at a folder or an s3:// address.

    Raises:
        ArchiveError: the address is of another kind, or names no bucket.
    """
    if location.startswith("s3://"):
        return S3Files(location, environ)
    if "://" in location:
        raise ArchiveError(f"{location} is neither a folder nor an s3:// address; archives are kept in these.")
    return LocalFiles(Path(location))


class LocalFiles:
    """Files in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.location = str(self.root)

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

    def _aside(self, path: str, content: bytes) -> Path:
        final = self.root / path
        final.parent.mkdir(parents=True, exist_ok=True)
        aside = final.with_name(f"{_ASIDE}{secrets.token_hex(8)}")
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return aside


class S3Files:
    """Files below an s3:// address."""

    def __init__(self, location: str, environ: Mapping[str, str] = os.environ) -> None:
        self.location = location.rstrip("/")
        self._settings = s3_settings(environ)
        if not self.location.removeprefix("s3://").split("/")[0]:
            raise ArchiveError(f"{location} names no bucket; write it like s3://bucket/folder.")
        self._opened: S3Store | None = None

    @property
    def local(self) -> Path | None:
        """None."""
        return None

    @property
    def options(self) -> dict[str, str]:
        """The settings of S3."""
        return {**self._settings, "timeout": f"{_TIMEOUT.total_seconds():.0f}s"}

    @property
    def filesystem(self) -> "AbstractFileSystem":
        """S3 as fsspec knows it: DuckDB's own way to S3 is an extension that has to be downloaded."""
        from obstore.fsspec import FsspecStore

        settings, client = self._config()
        return FsspecStore("s3", config=settings, client_options=client)

    def _config(self) -> "tuple[S3Config, ClientConfig]":
        settings = dict(self._settings)
        allow_http = settings.pop("AWS_ALLOW_HTTP", "false") == "true"
        return cast("S3Config", settings), {"allow_http": allow_http, "timeout": _TIMEOUT}

    @property
    def store(self) -> "S3Store":
        """The store of obstore, whose root is the archive."""
        if self._opened is None:
            from obstore.store import S3Store  # here: nobody else needs it, and it takes a while to load

            settings, client = self._config()
            self._opened = S3Store.from_url(self.location, config=settings, client_options=client)
        return self._opened

    def uri(self, path: str = "") -> str:
        """The s3:// address."""
        return f"{self.location}/{path}" if path else self.location

    def read(self, path: str) -> bytes:
        """The whole content."""
        return bytes(self.store.get(path).bytes())

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        try:
            self.store.head(path)
        except FileNotFoundError:
            return False
        return True

    def write(self, path: str, content: bytes) -> None:
        """Makes or replaces the file."""
        self.store.put(path, content)

    def create(self, path: str, content: bytes) -> bool:
        """Makes the file unless there is one."""
        from obstore.exceptions import AlreadyExistsError

        try:
            self.store.put(path, content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            # An answer that got lost makes obstore send it again, and find its own.
            return self.read(path) == content
        return True

    def take(self, path: str, source: Path) -> None:
        """Makes or replaces the file with a local one."""
        self.store.put(path, source)
        source.unlink()

    def fetch(self, path: str, target: Path) -> None:
        """Copies the file to a local one."""
        with target.open("wb") as file:
            for chunk in self.store.get(path).stream():
                file.write(chunk)

    def delete(self, path: str) -> None:
        """Deletes the file, if it is there."""
        try:
            self.store.delete(path)
        except FileNotFoundError:
            return

    def list(self, folder: str = "") -> Iterator[Entry]:
        """All files below a folder, by path."""
        for batch in self.store.list(folder or None):
            for found in sorted(batch, key=lambda one: one["path"]):
                yield Entry(found["path"], found["size"], found["last_modified"])

    def parquet(self, path: str) -> pq.ParquetFile:
        """The Parquet file, opened; fetched as a whole, as ours are small."""
        return pq.ParquetFile(pa.BufferReader(self.read(path)))


def s3_settings(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The AWS_ variables that obstore and deltalake know; plain http only where the address given says so."""
    settings = {name: environ[name] for name in _S3_SETTINGS if environ.get(name)}
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or settings.get("AWS_ENDPOINT_URL", "")
    if endpoint:
        settings |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http://")).lower()}
    return settings


def work_folder(files: Files, environ: Mapping[str, str] = os.environ) -> Path:
    """The local folder for what is made on the way: the archive's own, else MEDTHREADS_WORK, else one in ~/.cache."""
    if files.local is not None:
        return files.local
    name = re.sub(r"[^a-z0-9]+", "-", files.location.lower().removeprefix("s3://")).strip("-")
    told = hashlib.blake2b(files.location.encode(), digest_size=4).hexdigest()
    base = environ.get(WORK_VARIABLE)
    return (Path(base) if base else Path.home() / ".cache" / "medthreads") / f"{name}-{told}"
