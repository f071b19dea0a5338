"""Files of an archive on S3, and the settings under which it is reached.

S3 is reached through obstore, as its conditional writes decide which of two processes made a file first. The settings
are those of every S3 client: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL and so on.

A request that fails by the network, or with a 5xx, is sent again a few times within seconds; what cannot be sent again
blindly (a write under a condition whose answer got lost) is settled by a look at what is there.
"""

import re
import socket
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError, PreconditionError

from crawler.errors import ArchiveError, UsageError
from storage.files import Entry
from storage.s3_errors import NO_CREDENTIALS, may_pass, s3_error

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from obstore import GetOptions
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store

TIMEOUT_VARIABLE = "MEDTHREADS_S3_TIMEOUT"
"""Seconds that one request may take, with what it carries (at most 16 MiB); 60 where it is not set."""
_TIMEOUT = 60.0
_CONNECT = timedelta(seconds=5)
_RETRIES = 6
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=100), timedelta(seconds=3)
"""Before a request is sent again: 0.1, 0.2, 0.4 s and so on, shuffled; six times take 5 s in all."""
_SETTINGS = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_ENDPOINT_URL", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "AWS_SERVER_SIDE_ENCRYPTION", "AWS_SSE_KMS_KEY_ID"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"),
)
_WHO = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE")
_ROLE_OF_MACHINE = ("169.254.169.254", 80)
"""Where machines of Amazon ask for the credentials of their role."""
_PIECE = 16 << 20
"""Bytes that one request fetches of a big file."""
_TAIL = 512 << 10
"""Bytes at a Parquet file's end that its first request brings: its footer, and all of most of our files."""
_KEPT = 64 << 20
"""Bytes of such ends that are kept in memory."""
_AT_ONCE = 16
"""Requests at a time where many files are wanted."""
_FETCHED_AHEAD = 128
_NEVER_CHANGES = re.compile(r"part-\d{5}-[0-9a-f-]{36}[^/]*\.parquet$")
"""Names that deltalake gives its data files: each is written once."""


class Tagged(NamedTuple):
    """A file with what tells this version of it from any other."""

    content: bytes
    tag: str
    modified: datetime
    """By the clock of S3, aware, to the second."""


class End(NamedTuple):
    """A file's last bytes, which came with its size."""

    content: bytes
    size: int
    tag: str | None
    modified: datetime


class S3Files:
    """Files below an s3:// address."""

    def __init__(self, location: str, environ: Mapping[str, str]) -> None:
        self.location = location.rstrip("/")
        self.at_once = _AT_ONCE
        self._settings = s3_settings(environ)
        self._timeout = timeout_of(environ)
        if not location.removeprefix("s3://").split("/")[0]:
            raise ArchiveError(f"{location} names no bucket; write it like s3://bucket/folder.")
        self._opened: S3Store | None = None
        self._ends: OrderedDict[str, End] = OrderedDict()
        self._ends_lock = threading.Lock()

    @property
    def local(self) -> Path | None:
        """None."""
        return None

    @property
    def options(self) -> dict[str, str]:
        """The settings of S3, and how often and how long a request is tried."""
        return {
            **self._settings,
            "timeout": f"{self._timeout.total_seconds() * 1000:.0f}ms",
            "connect_timeout": f"{_CONNECT.total_seconds():.0f}s",
            "max_retries": str(_RETRIES),
            "retry_timeout": f"{self._retry_timeout.total_seconds():.0f}s",
            "backoff_config.init_backoff": f"{_FIRST_PAUSE.total_seconds() * 1000:.0f}ms",
            "backoff_config.max_backoff": f"{_LONGEST_PAUSE.total_seconds() * 1000:.0f}ms",
        }

    @property
    def _retry_timeout(self) -> timedelta:
        return max(2 * self._timeout, timedelta(seconds=20))

    @property
    def filesystem(self) -> "AbstractFileSystem":
        """S3 as DuckDB reads through it: its own way there is an extension that has to be downloaded."""
        from storage.s3_reading import ReadingFromS3

        return ReadingFromS3(self)

    @property
    def store(self) -> "S3Store":
        """The store of obstore, whose root is the archive.

        Raises:
            ArchiveError: there are no credentials.
        """
        if self._opened is None:
            from obstore.store import S3Store  # here: nobody else needs it, and it takes a while to load

            self._require_credentials()
            settings = dict(self._settings)
            allow_http = settings.pop("AWS_ALLOW_HTTP", "false") == "true"
            client: ClientConfig = {
                "allow_http": allow_http,
                "timeout": self._timeout,
                "connect_timeout": _CONNECT,
            }
            retry: RetryConfig = {
                "max_retries": _RETRIES,
                "retry_timeout": self._retry_timeout,
                "backoff": {"init_backoff": _FIRST_PAUSE, "max_backoff": _LONGEST_PAUSE, "base": 2},
            }
            self._opened = S3Store.from_url(
                self.location, config=cast("S3Config", settings), client_options=client, retry_config=retry
            )
        return self._opened

    def _require_credentials(self) -> None:
        """Asked of a machine that has no role, obstore would look for one for minutes."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        held = [name for name in names if name in self._settings]
        if len(held) == 1:
            [missing] = set(names) - set(held)
            raise ArchiveError(f"{held[0]} is set and {missing} is not; {self.location} needs both.")
        if held or any(name in self._settings for name in _WHO):
            return
        try:
            socket.create_connection(_ROLE_OF_MACHINE, timeout=1).close()
        except OSError:
            raise ArchiveError(NO_CREDENTIALS.format(location=self.location)) from None

    @contextmanager
    def _told(self, path: str = "") -> Iterator[None]:
        """Names the cause of what obstore raises.

        Raises:
            FileNotFoundError: there is no such file; the bucket is there.
            ArchiveError: any other cause.
        """
        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self.error(error) from error
            raise FileNotFoundError(2, "No such file", self.uri(path)) from error
        except BaseError as error:
            raise self.error(error) from error

    def error(self, error: Exception) -> ArchiveError:
        """The sentence for what a client of S3 raised."""
        return s3_error(self.location, str(error), self._settings.get("AWS_ENDPOINT_URL"))

    def uri(self, path: str = "") -> str:
        """The s3:// address."""
        return f"{self.location}/{path}" if path else self.location

    def read(self, path: str) -> bytes:
        """The whole content."""
        with self._told(path):
            return bytes(self.store.get(path).bytes())

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        try:
            with self._told(path):
                self.store.head(path)
        except FileNotFoundError:
            return False
        return True

    def write(self, path: str, content: bytes) -> None:
        """Makes or replaces the file."""
        with self._told(path):
            self.store.put(path, content)

    def create(self, path: str, content: bytes) -> bool:
        """Makes the file unless there is one; content that nobody else would write tells a lost answer's own file."""
        return self.put_if(path, content, None) is not None

    def put_if(self, path: str, content: bytes, tag: str | None) -> str | None:
        """Replaces the file if it is still the version with that tag; with None, makes it if there is none.

        Returns:
            The new version's tag; None if somebody else was faster. Where the answer got lost, what is there now
            tells: hence the content must be such as nobody else writes.
        """
        for is_last in (False, True):
            try:
                with self._told(path):
                    mode = "create" if tag is None else {"e_tag": tag}
                    put = self.store.put(path, content, mode=mode, use_multipart=False)  # type: ignore[arg-type]
                    return put["e_tag"]
            except (AlreadyExistsError, PreconditionError, ArchiveError, FileNotFoundError) as error:
                cause = error.__cause__ or error
                if isinstance(cause, FileNotFoundError) and tag is not None:
                    return None  # deleted meanwhile
                settled = isinstance(cause, AlreadyExistsError | PreconditionError)
                if not settled and not isinstance(cause, GenericError):
                    raise
                try:
                    now = self.tagged(path)
                except FileNotFoundError:
                    now = None
                if now is not None and now.content == content:
                    return now.tag
                if settled or (now is not None and now.tag != tag):
                    return None
                if is_last:
                    raise
        raise AssertionError

    def tagged(self, path: str) -> Tagged:
        """The file's content, and the tag of this version.

        Raises:
            FileNotFoundError: there is none.
        """
        with self._told(path):
            got = self.store.get(path)
            return Tagged(bytes(got.bytes()), got.meta["e_tag"] or "", got.meta["last_modified"])

    def now(self) -> datetime:
        """What S3's clock shows (aware, UTC, to the second): that of a file written for this."""
        path = f"locks/.clock-{token_hex(8)}"
        with self._told(path):
            self.store.put(path, b"")
            try:
                return self.store.head(path)["last_modified"]
            finally:
                self.delete(path)

    def take(self, path: str, source: Path) -> None:
        """Makes or replaces the file with a local one."""
        self.send(path, source)
        source.unlink()

    def send(self, path: str, source: Path) -> None:
        """Makes or replaces the file with a copy of a local one; big ones go in parts and appear as a whole."""
        with self._told(path):
            self.store.put(path, source)

    def fetch(self, path: str, target: Path) -> None:
        """Copies the file to a local one, piece by piece, all of the same version."""
        with self._told(path):
            whole = self.store.head(path)
        with target.open("wb") as file:
            for begin in range(0, whole["size"], _PIECE):
                file.write(self.piece(path, begin, min(begin + _PIECE, whole["size"]), whole["e_tag"]))

    def delete(self, path: str) -> None:
        """Deletes the file, if it is there."""
        try:
            with self._told(path):
                self.store.delete(path)
        except FileNotFoundError:
            return

    def list(self, folder: str = "") -> Iterator[Entry]:
        """All files below a folder, by path."""
        last: str | None = None
        for faults in range(_RETRIES):
            try:
                with self._told(folder):
                    for batch in self.store.list(folder or None, offset=last):
                        for found in sorted(batch, key=lambda one: one["path"]):
                            last = found["path"]
                            yield Entry(found["path"], found["size"], found["last_modified"])
            except ArchiveError as error:
                # A list that breaks off is the one answer that obstore does not ask for again.
                if faults == _RETRIES - 1 or not may_pass(str(error.__cause__)):
                    raise
            else:
                return

    def parquet(self, path: str) -> pq.ParquetFile:
        """The Parquet file, opened; fetched as a whole, as ours are small."""
        end = self.end(path)
        content = end.content if len(end.content) == end.size else self.read(path)
        return pq.ParquetFile(pa.BufferReader(content))

    def end(self, path: str) -> End:
        """The file's last bytes; of files that never change they are kept in memory for the next who asks.

        Raises:
            FileNotFoundError: there is none.
        """
        with self._ends_lock:
            if (kept := self._ends.get(path)) is not None:
                self._ends.move_to_end(path)
                return kept
        with self._told(path):
            got = self.store.get(path, options={"range": {"suffix": _TAIL}})
            end = End(bytes(got.bytes()), got.meta["size"], got.meta["e_tag"], got.meta["last_modified"])
        if _NEVER_CHANGES.search(path):
            with self._ends_lock:
                self._ends[path] = end
                while sum(len(one.content) for one in self._ends.values()) > _KEPT:
                    self._ends.popitem(last=False)
        return end

    def piece(self, path: str, begin: int, stop: int, tag: str | None) -> bytes:
        """Some bytes of that version of the file.

        Raises:
            ArchiveError: it has been replaced meanwhile.
        """
        options: GetOptions = {"range": (begin, stop)}
        if tag:
            options["if_match"] = tag
        try:
            with self._told(path):
                return bytes(self.store.get(path, options=options).bytes())
        except ArchiveError as error:
            if isinstance(error.__cause__, PreconditionError):
                raise ArchiveError(f"{self.uri(path)} was replaced while it was read; ask again.") from error
            raise

    def prepare(self, paths: Sequence[str]) -> None:
        """Fetches ends of files that never change, many at a time, as somebody is about to read them."""
        with self._ends_lock:
            wanted = [path for path in paths if path not in self._ends and _NEVER_CHANGES.search(path)]
        if len(wanted) > 1:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                for future in [pool.submit(self.end, path) for path in wanted[:_FETCHED_AHEAD]]:
                    future.exception()  # who reads the file will be told


def s3_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The AWS_ variables that obstore and deltalake know; plain http only where the address given says so."""
    settings = {name: environ[name] for name in _SETTINGS if environ.get(name)}
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or settings.get("AWS_ENDPOINT_URL", "")
    if endpoint:
        settings |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http://")).lower()}
    return settings


def timeout_of(environ: Mapping[str, str]) -> timedelta:
    """How long one request may take.

    Raises:
        UsageError: MEDTHREADS_S3_TIMEOUT is no number of seconds.
    """
    said = environ.get(TIMEOUT_VARIABLE)
    try:
        seconds = float(said) if said else _TIMEOUT
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:
        raise UsageError(f"{TIMEOUT_VARIABLE} is {said!r}; give a number of seconds, such as 60.")
    return timedelta(seconds=seconds)
