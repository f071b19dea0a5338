"""The proof of an erasure: every file of an archive searched for what was erased, in every form it may have there.

Parquet is read column by column, gzip and WARC record by record with their bodies decoded, JSON and HTML unescaped;
everything else, SQLite files too, byte by byte.
"""

import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from storage.archive import Archive
from storage.erased_landings import read_record
from storage.needles import Needles, finder, readings

_ROWS = 20_000


class Left(Struct, frozen=True):
    """Something that is still there. Never says what."""

    path: str
    finds: int
    why: str


OTHERS = "also written by others"
RAW = "left over"


def search(archive: Archive, needles: Needles) -> tuple[int, list[Left]]:
    """How many files were searched, and where something is left."""
    find = finder(needles)
    raw = [needle.encode() for needle in (*needles.names, *needles.lines) if len(needle.encode()) >= 8]
    files, left = 0, []
    for path, content in _contents(archive):
        files += 1
        # Rows and staged records that still stand are other people's: the erased ones are gone by their ids.
        is_records = path.endswith((".parquet", "/pages.jsonl"))
        found: Counter[str] = Counter()
        for text in _texts(path, content):
            found.update(find(text))
        total = found.total() or sum(needle in content for needle in raw)
        if total:
            left.append(Left(path, total, OTHERS if is_records else RAW))
    return files, left


def _contents(archive: Archive) -> Iterator[tuple[str, bytes]]:
    for entry in archive.files.list():
        try:
            yield entry.path, archive.files.read(entry.path)
        except FileNotFoundError:
            continue  # replaced meanwhile
    local = archive.files.local
    for path in sorted(archive.work.rglob("*")):
        is_listed = local is not None and not path.name.startswith(".aside-")
        if not is_listed and path.is_file():
            yield path.relative_to(archive.work).as_posix(), path.read_bytes()


def _texts(path: str, content: bytes) -> Iterator[str]:
    if path.endswith(".parquet"):
        yield from _parquet(content)
    elif path.endswith(".warc.gz"):
        yield from _warc(content)
    elif path.endswith(".gz"):
        yield from readings(_gunzipped(content))
    elif content[:16] == b"SQLite format 3\0" or path.endswith(("-wal", "-shm")):
        yield content.decode("utf-8", "ignore")
        yield content.decode("latin-1")
    else:
        yield from readings(content)


def _parquet(content: bytes) -> Iterator[str]:
    try:
        file = pq.ParquetFile(io.BytesIO(content))
    except (OSError, pa.ArrowInvalid):
        yield from readings(content)
        return
    for batch in file.iter_batches(_ROWS):
        for column, kind in zip(batch.columns, batch.schema.types, strict=True):
            if pa.types.is_string(kind) or pa.types.is_large_string(kind):
                yield "\n".join(value for value in column.to_pylist() if value)
            elif pa.types.is_nested(kind):
                yield json.dumps(column.to_pylist(), ensure_ascii=False, default=str)


def _warc(content: bytes) -> Iterator[str]:
    for member in _members(content):
        yield from read_record(member).readings()


def _members(content: bytes) -> Iterator[bytes]:
    """The gzip members; of a torn end nothing, as nobody could read it."""
    while content:
        member = zlib.decompressobj(zlib.MAX_WBITS + 16)
        try:
            member.decompress(content)
        except zlib.error:
            return
        if not member.eof:
            return
        yield content[: len(content) - len(member.unused_data)]
        content = member.unused_data


def _gunzipped(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return content
