"""Names the causes of what goes wrong with an archive's files, in sentences that a person can act on."""

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from deltalake.exceptions import DeltaError
from obstore.exceptions import BaseError

from crawler.errors import ArchiveError, DiskFullError
from storage.s3_errors import s3_error, told_by_duckdb

_FULL = ("No space left on device", "os error 28", "os error 122", "disk is full")
"""How deltalake, SQLite and DuckDB tell that a disk or a quota is full."""
_PERHAPS_FULL = "disk I/O error"
"""How SQLite tells it where it writes through shared memory; and how it tells of a broken disk."""
_LEAST_FREE = 1 << 20


@contextmanager
def storage_errors(root: Path | str) -> Iterator[None]:
    """Names the causes that an operator can act on; around all that reads or writes the archive's files.

    Raises:
        DiskFullError, ArchiveError: instead of what the system, deltalake, SQLite or DuckDB raised.
    """
    try:
        yield
    except duckdb.Error as error:
        if (told := told_by_duckdb(str(error))) is not None:
            raise told from error
        if not isinstance(error, duckdb.IOException):
            raise
        raise _named(root, error) from error
    except (OSError, DeltaError, sqlite3.Error, BaseError) as error:
        raise _named(root, error) from error


def _named(root: Path | str, error: Exception) -> ArchiveError:
    full = getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
    full = full or any(sign in str(error) for sign in _FULL)
    if full or (_PERHAPS_FULL in str(error) and _is_nearly_full(root)):
        return DiskFullError(f"No space is left for the archive {root}; free some and run the same again.")
    if str(root).startswith("s3://"):
        return s3_error(str(root), str(error))
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return ArchiveError(f"The archive {root} cannot be read or written: {reason}.")


def _is_nearly_full(root: Path | str) -> bool:
    try:
        return shutil.disk_usage(root).free < _LEAST_FREE
    except OSError:
        return False
