"""Files that hold threads, opened and told apart by what they hold, never by their names."""

import gzip
import importlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, Protocol, cast
from urllib.parse import urlsplit

import msgspec

from crawler.documents import read_document
from crawler.documents.forum_dl import is_forum_dl, read_forum_dl
from crawler.documents.pieces import Piece, Skipped
from crawler.documents.reddit_dump import kind_of, read_dump
from crawler.documents.web_archive import WACZ_MEMBER, read_web_archive
from crawler.engines.json_text import NotJsonError, decode
from crawler.errors import UsageError
from crawler.site import Site, registered_name

_GZIP, _ZIP, _ZSTANDARD, _WARC = b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"WARC/"
_BOM = b"\xef\xbb\xbf"
_PACKED_OR_JSON = re.compile(rb"\x1f\x8b|\x28\xb5\x2f\xfd|(?:\xef\xbb\xbf)?\s*(?:\{|\[\s*\{)")
"""A bracket alone opens many a thread's title, too."""
_LOOKED_AT = 20
"""Lines that may be unreadable before one says what the file is."""
_LARGEST_WINDOW = 2**31
"""Bytes; Pushshift compresses with so large a window (`zstd --long=31`)."""
_CHUNK = 2**16
"""Packed bytes taken at a time."""
_NO_NAME = re.compile(r"[^a-z0-9_-]+")

SiteOf = Callable[[str], str | None]


def site_namer(sites: dict[str, Site]) -> SiteOf:
    """Names the site of an address: the registered one with that host, else the host with hyphens for its dots."""
    known: dict[str, str | None] = {}

    def site_of(url: str) -> str | None:
        try:
            host = (urlsplit(url).hostname or "").removeprefix("www.")
        except ValueError:
            return None
        if host not in known:
            known[host] = registered_name(host, sites) or _NO_NAME.sub("-", host).strip("-_")[:63] or None
        return known[host]

    return site_of


def read_file(file: Path, site_of: SiteOf) -> Iterator[Piece | Skipped]:
    """The records of a file of any known form, piece by piece.

    Raises:
        UsageError: it cannot be read, is damaged, or is in no known form; some pieces may have come before.
    """
    try:
        saved_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        with file.open("rb") as stream:
            yield from _read(stream, file.name, saved_at, site_of)
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror or error}.") from error


def _read(stream: BinaryIO, name: str, saved_at: datetime, site_of: SiteOf) -> Iterator[Piece | Skipped]:
    head = stream.read(512)
    stream.seek(0)
    if head.startswith(_ZIP):
        yield from _read_wacz(stream, name, saved_at, site_of)
        return
    if head.startswith(_WARC) or (head.startswith(_GZIP) and _unpacked_head(stream).startswith(_WARC)):
        yield from read_web_archive(stream, saved_at, site_of)
        return
    lines = _lines(stream, head, name) if _PACKED_OR_JSON.match(head) else iter(())
    looked_at = list(islice(lines, _LOOKED_AT))
    reader = _reader_of(looked_at)
    if reader == "reddit":
        yield from read_dump(chain(looked_at, lines), saved_at)
    elif reader == "forum-dl":
        yield from read_forum_dl(chain(looked_at, lines), saved_at, site_of)
    else:
        # Or nothing known: that is told there, of packed files, too.
        stream.seek(0)
        packed = head.startswith((_GZIP, _ZSTANDARD))
        document = read_document(b"packed" if packed else stream.read(), name, saved_at)
        thread = document.parsed.threads[0]
        url = thread.url or f"import:{thread.site}/{thread.thread_id}"
        yield Piece(site=thread.site, url=url, observed_at=document.observed_at, parsed=document.parsed)


def _reader_of(lines: Iterable[bytes]) -> str | None:
    """`reddit` or `forum-dl`, by the first line that says so."""
    for line in lines:
        try:
            entry = decode(line)
        except NotJsonError:
            continue
        if is_forum_dl(entry):
            return "forum-dl"
        if kind_of(entry):
            return "reddit"
    return None


def _unpacked_head(stream: BinaryIO) -> bytes:
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            return unpacked.read(len(_WARC))
    except (OSError, EOFError, zlib.error):
        return b""  # damaged; read on as lines, it is told where
    finally:
        stream.seek(0)


def _lines(stream: BinaryIO, head: bytes, name: str) -> Iterator[bytes]:
    """Lines of a file that may be packed; the elements of a file that is one JSON array."""
    number = 0
    errors: tuple[type[Exception], ...] = (gzip.BadGzipFile, zlib.error, EOFError)
    lines: Iterator[bytes] = iter(stream)
    if head.startswith(_GZIP):
        lines = iter(gzip.GzipFile(fileobj=stream))
    elif head.startswith(_ZSTANDARD):
        zstandard = _zstandard(name)
        errors = (*errors, zstandard.ZstdError)
        lines = _split(_unpacked_zstandard(stream, zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)))
    try:
        for number, line in enumerate(lines, 1):
            if number == 1 and line.removeprefix(_BOM).lstrip().startswith(b"["):
                yield from _elements(line.removeprefix(_BOM) + b"".join(lines), name)
                return
            yield line
    except errors as error:
        raise UsageError(f"{name} is damaged after line {number} ({error}); get it again.") from error


class _Decompressor(Protocol):
    """As far as that of the package `zstandard` is used here."""

    def decompressobj(self) -> "_Frame": ...


class _Frame(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _unpacked_zstandard(stream: BinaryIO, decompressor: _Decompressor) -> Iterator[bytes]:
    """Frame by frame, as the package's own readers take a file that was cut off for one that ends.

    Raises:
        EOFError: the last frame is not whole.
    """
    frame = decompressor.decompressobj()
    is_open = False
    while chunk := stream.read(_CHUNK):
        while chunk:
            yield frame.decompress(chunk)
            is_open = not frame.eof
            chunk = b""
            if frame.eof:
                chunk, frame = frame.unused_data, decompressor.decompressobj()
    if is_open:
        raise EOFError("it ends in the middle of a frame")


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks to lines."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest


def _elements(body: bytes, name: str) -> list[bytes]:
    try:
        return [bytes(element) for element in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except msgspec.MsgspecError as error:
        raise UsageError(f"{name} opens like a JSON array and is none ({error}); get it again.") from error


def _zstandard(name: str) -> ModuleType:
    try:
        return importlib.import_module("zstandard")
    except ImportError:
        raise UsageError(
            f"{name} is packed with Zstandard: install the Python package `zstandard`, or unpack the file with "
            f"`zstd -d --long=31` first."
        ) from None


def _read_wacz(stream: BinaryIO, name: str, saved_at: datetime, site_of: SiteOf) -> Iterator[Piece | Skipped]:
    try:
        with zipfile.ZipFile(stream) as archive:
            members = sorted(member for member in archive.namelist() if WACZ_MEMBER.fullmatch(member))
            if not members:
                raise UsageError(
                    f"{name} is a zip file without WARCs in a folder `archive/`, so no WACZ; unpack it and give the "
                    f"files in it."
                )
            for member in members:
                with archive.open(member) as warc:
                    yield from read_web_archive(cast("BinaryIO", warc), saved_at, site_of)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UsageError(f"{name} is a damaged or locked zip file ({error}); get it again.") from error
