"""Locks between processes that work on one archive.

In a folder a lock is a file that the system frees when its holder dies. An archive on S3 is worked on from several
machines: there it is that file on the own machine, and then an object, see `storage.object_locks`.

No table depends on a lock alone. Commits and rewritings go into Delta's log by a conditional write on the version that
they were made from, so that of two which began at the same state one fails and begins again; and a crawl's row tells
how many crawls of its site it follows. The locks keep such work from being done in vain, and keep two publishers from
replacing the same files of `current/` in turn.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from crawler.errors import BusyError
from storage.files import Files

StillHeld = Callable[[], None]
"""To be called before each write that must not come after somebody else's; raises SupersededError if it would."""


@contextmanager
def hold(files: Files, folder: Path, name: str, patience: timedelta, busy: str) -> Iterator[StillHeld]:
    """Holds a lock of the archive.

    Args:
        files: the archive's files.
        folder: local folder of the locks.
        name: which lock.
        patience: how long to wait for it.
        busy: the sentence for who waited in vain.

    Raises:
        BusyError: another process has it.
    """
    ends = time.monotonic() + patience.total_seconds()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock", timeout=patience.total_seconds())
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(busy) from None
    try:
        if files.local is not None:
            yield _held_until_death
        else:
            with hold_on_s3(files, folder, name, ends - time.monotonic(), busy) as still_held:
                yield still_held
    finally:
        lock.release()


@contextmanager
def hold_on_s3(files: Files, folder: Path, name: str, patience: float, busy: str) -> Iterator[StillHeld]:
    """Holds a lock among machines, `patience` in seconds; who calls this holds that of the machine's own folder.

    In an archive that is a folder there is nothing to hold.

    Raises:
        BusyError: another machine has it.
    """
    if files.local is not None:
        yield _held_until_death
        return
    from storage.object_locks import ObjectLock, place_of
    from storage.s3_files import S3Files

    assert isinstance(files, S3Files)
    folder.mkdir(parents=True, exist_ok=True)
    lock = ObjectLock(files, name, place_of(folder))
    lock.acquire(patience, busy)
    try:
        yield lock.check
    finally:
        lock.release()


def _held_until_death() -> None:
    """The system takes a file's lock from a process only when that has ended."""
