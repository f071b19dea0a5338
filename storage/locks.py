"""Locks between processes that work on one archive: a file each, freed by the system when its holder dies."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from crawler.errors import BusyError
from storage.files import Files


@contextmanager
def hold(files: Files, folder: Path, name: str, patience: timedelta, busy: str) -> Iterator[None]:
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
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock", timeout=patience.total_seconds())
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(busy) from None
    try:
        yield
    finally:
        lock.release()
