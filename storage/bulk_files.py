"""The files of a release that is to be imported: all there, whole, of the form known here; what was erased in them."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from crawler.errors import UsageError
from storage.erasing import is_erased
from storage.schema import PUBLISHED, TABLES
from storage.suppressions import Suppression

_SUMS, _MANIFEST, _BOARDS = "SHA256SUMS", "manifest.json", "boards.parquet"
_PARTITIONS = "*/site=*/month=*/*.parquet"
_WITHOUT = frozenset({"site", "month", "attempt", "previous_month", "crawl_id"})
"""Columns that stand in the path, or that the import makes."""
_COLUMNS = {
    table.name: {column.name for column in table.columns if not column.later} - _WITHOUT
    for table in (*TABLES.values(), *(table for table, _ in PUBLISHED.values()))
}


def checked_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """The partitioned files of a release, or of a copy of `current/`, each with its SHA-256, in order.

    Raises:
        UsageError: a file is missing or not as the release's own checksums say, or is no such table.
    """
    told_in, sums = _sums(folder)
    for name in sorted(sums):
        if _is_read(name) and not (folder / name).is_file():
            raise UsageError(f"{folder} lacks {name}, which its {told_in} lists; get the release again.")
    for path in sorted([*folder.glob(_PARTITIONS), *folder.glob(_BOARDS)]):
        name = path.relative_to(folder).as_posix()
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if sums.get(name, found) != found:
            raise UsageError(f"{path} is not as {told_in} says; get the release again.")
        _refuse_other_columns(path, path.stem if name == _BOARDS else PurePosixPath(name).parts[0])
        if name != _BOARDS:
            yield path, found


def _sums(folder: Path) -> tuple[str, Mapping[str, str]]:
    """SHA-256 by file, as the release tells them, and where it does; none where it does not."""
    try:
        lines = (folder / _SUMS).read_text(encoding="utf-8").splitlines()
        return _SUMS, {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    except FileNotFoundError:
        pass
    try:
        files = json.loads((folder / _MANIFEST).read_bytes())["files"]
        return _MANIFEST, {name: told["sha256"] for name, told in files.items()}
    except FileNotFoundError:
        return _SUMS, {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{folder / _MANIFEST} is no manifest; get the release again.") from error


def _is_read(name: str) -> bool:
    path = PurePosixPath(name)
    return name == _BOARDS or (len(path.parts) == 4 and path.match(_PARTITIONS) and path.parts[0] in _COLUMNS)


def _refuse_other_columns(path: Path, table: str) -> None:
    try:
        names = set(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise UsageError(f"{path} is no whole Parquet file; get the release again.") from error
    if lacking := sorted(_COLUMNS.get(table, set()) - names):
        raise UsageError(f"{path} is not as this version writes {table}: it lacks {', '.join(lacking[:3])}.")


def erased_ids(paths: Iterable[Path], key: str, gone: Suppression) -> set[str]:
    """Ids of posts or threads that were erased from the archive: where one version says so, all go.

    Args:
        paths: files of last states or versions.
        key: post_id or thread_id, which the ids are of.
    """
    columns = ["thread_id"] if key == "thread_id" else ["thread_id", "post_id", "author_key"]
    ids = set()
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=columns):
                ids |= {row[key] for row in batch.to_pylist() if is_erased(row, gone)}
    return ids
