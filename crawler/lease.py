"""One crawl of a host at a time: a lease that a dead holder loses at once, a silent one after a minute, and whose
loss every write of the one who lost it finds out (fencing), so that a zombie never writes after its successor began.

landing/.hosts/
    <host>.json            who holds it: epoch, token, process, command; replaced as a whole, never in place
    <host>.lock            locked for microseconds: around a takeover, and around each write of a holder
    <host>.<token>.alive   locked by the holder for as long as its process lives; its mtime is the heartbeat
"""

import fcntl
import glob
import logging
import os
import platform
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from crawler.errors import BusyError, SupersededError
from crawler.landing import storage_error

logger = logging.getLogger("medthreads.crawl")

BEAT_SECONDS = 5.0
SILENT_SECONDS = 60.0
"""A holder that has not beaten for so long is stopped, hung or cut off, and may be superseded."""
LOOK_SECONDS = 1.0
"""How often one who waits looks again."""


class Holder(Struct, kw_only=True, frozen=True):
    """Who holds the lease, or held it last."""

    epoch: int
    """Grows by one with each holder, whatever the clock says."""
    token: str
    pid: int
    machine: str
    """Id of the running kernel (containers share it), or the machine's name where there is none."""
    command: str
    since: datetime
    """Aware, UTC."""
    is_released: bool = False
    last_request_at: datetime | None = None
    """When the host was last asked, at the latest, by this holder or those before it (aware UTC)."""


class Lease:
    """The right to write what a crawl of one host gets, as long as nobody has taken it over."""

    def __init__(self, path: Path, lock: int, holder: Holder, alive: int) -> None:
        """For `Lease.take`: the files are open, and `holder` stands in the file."""
        self.holder = holder
        self.last_request_at = holder.last_request_at
        """When the host was last asked (aware, UTC), at the latest; whoever asks it sets this before giving it back."""
        self.further_check: Callable[[], None] = _nothing_further
        """Called before each write; raises SupersededError where something else than this lease was lost."""
        self._path = path
        self._lock = lock
        self._alive = alive
        self._written = msgspec.json.encode(holder)
        self._next_beat = time.monotonic() + BEAT_SECONDS

    @classmethod
    def take(
        cls, folder: Path, host: str, command: str, *, patience: float = 0.0, silent_after: float = SILENT_SECONDS
    ) -> "Lease":
        """Takes the lease of a host, waiting at most `patience` seconds for another holder.

        Raises:
            BusyError: a living process holds it; the sentence says which, and how to end it.
            ArchiveError: the folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / f"{host}.lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise storage_error(folder, error) from error
        with ExitStack() as held:
            held.callback(os.close, lock)
            try:
                lease = _take(folder / f"{host}.json", lock, command, patience, silent_after)
            except OSError as error:
                raise storage_error(folder, error) from error
            held.pop_all()  # the lease closes it
        return lease

    @contextmanager
    def guard(self) -> Iterator[None]:
        """What is written within is written by the holder: nobody can take the lease over meanwhile. Not to be nested.

        Raises:
            SupersededError: somebody has taken it over before.
        """
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            if _content(self._path) != self._written:
                raise SupersededError(self._sentence())
            self.further_check()
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def beat(self) -> None:
        """Says that the holder is alive, where the last time is a while ago; to be called often.

        Raises:
            SupersededError: somebody has taken it over.
        """
        if time.monotonic() < self._next_beat:
            return
        with self.guard():
            os.utime(self._alive)
        self._next_beat = time.monotonic() + BEAT_SECONDS

    def release(self) -> None:
        """Gives it back; nothing happens where it was lost."""
        with suppress(SupersededError, OSError), self.guard():
            left = replace(self.holder, is_released=True, last_request_at=self.last_request_at)
            _replace(self._path, msgspec.json.encode(left))
            _alive_file(self._path, self.holder).unlink(missing_ok=True)
        os.close(self._alive)
        os.close(self._lock)

    def _sentence(self) -> str:
        now = _holder(self._path)
        by = f"`{now.command}` (process {now.pid}, since {_clock(now.since)})" if now else "another process"
        return (
            f"This crawl of {self._path.stem} was silent for too long, and {by} has taken its place: it stops and "
            f"writes nothing more; what it had landed is not lost."
        )


def _nothing_further() -> None:
    """For a lease that stands alone."""


def _take(path: Path, lock: int, command: str, patience: float, silent_after: float) -> Lease:
    ends = time.monotonic() + patience
    seen: tuple[float, float] = (0.0, 0.0)
    is_told = False
    while True:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            holder = _holder(path)
            beat = _last_beat(path, holder)
            if beat is not None and beat != seen[0]:
                seen = (beat, time.monotonic())
            # By both clocks: that of the wall may have been set back, and would then show no silence for long.
            is_silent = beat is not None and max(time.time() - beat, time.monotonic() - seen[1]) > silent_after
            if holder is None or beat is None or is_silent:
                if is_silent and holder:
                    logger.warning("Process %s (%s) has been silent: taken over.", holder.pid, holder.command)
                return _succeed(path, lock, holder, command)
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)
        left = ends - time.monotonic()
        if left <= 0:
            raise BusyError(_busy(path, holder))
        if not is_told:
            logger.info("Waiting: %s", _busy(path, holder))
            is_told = True
        time.sleep(min(LOOK_SECONDS, left))


def _succeed(path: Path, lock: int, before: Holder | None, command: str) -> Lease:
    """Becomes the holder; to be called under the lock."""
    holder = Holder(
        epoch=before.epoch + 1 if before else 1,
        token=uuid.uuid4().hex,
        pid=os.getpid(),
        machine=machine(),
        command=command,
        since=datetime.now(UTC),
        last_request_at=_last_request(path, before),
    )
    alive = os.open(_alive_file(path, holder), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
    fcntl.flock(alive, fcntl.LOCK_EX)
    _replace(path, msgspec.json.encode(holder))
    for other in path.parent.glob(f"{glob.escape(path.stem)}.{'[0-9a-f]' * 32}.alive"):
        if other.name != _alive_file(path, holder).name:
            other.unlink()  # of those before, who could not tidy up
    return Lease(path, lock, holder, alive)


def _last_request(path: Path, before: Holder | None) -> datetime | None:
    """Of one that died without a word the last sign of life: its last request cannot have been much later."""
    if before is None or before.is_released:
        return before.last_request_at if before else None
    try:
        return datetime.fromtimestamp(_alive_file(path, before).stat().st_mtime, UTC)
    except FileNotFoundError:
        return before.last_request_at


def _last_beat(path: Path, holder: Holder | None) -> float | None:
    """When the holder last showed that it is alive (seconds since 1970); None where there is none, or it is dead."""
    if holder is None or holder.is_released:
        return None
    try:
        alive = os.open(_alive_file(path, holder), os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        if holder.machine == machine():
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                return None  # the lock of a process that has ended, however it did
        return os.fstat(alive).st_mtime
    finally:
        os.close(alive)


def machine() -> str:
    """Id of the running kernel: a lock that is free on it is free, and a process of it can be ended here."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return platform.node()


def _busy(path: Path, holder: Holder) -> str:
    where = f"`kill {holder.pid}`" if holder.machine == machine() else f"process {holder.pid} of another machine"
    return (
        f"{path.stem} is being crawled by another process: `{holder.command}`, since {_clock(holder.since)}; "
        f"wait for it to end (--wait MINUTES), or end it ({where})."
    )


def _clock(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _alive_file(path: Path, holder: Holder) -> Path:
    return path.with_name(f"{path.stem}.{holder.token}.alive")


def _content(path: Path) -> bytes:
    """The file's content; by path, as a file that was replaced is another one."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return b""
    try:
        return os.read(file, 65536)
    finally:
        os.close(file)


def _holder(path: Path) -> Holder | None:
    try:
        return msgspec.json.decode(_content(path), type=Holder)
    except msgspec.DecodeError:
        return None  # there never was one; or it is damaged, and then no token agrees with it


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(f"{path.name}.new")
    aside.write_bytes(content)
    aside.replace(path)
