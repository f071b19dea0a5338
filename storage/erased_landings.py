"""Landings without what was erased: WARC records that hold it go as a whole, staged pages are kept without it.

Everything is written aside and renamed, so that a kill leaves each file as it was before or as it is after; what is
not touched stays byte for byte.
"""

import gzip
import os
import re
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from crawler.landing import storage_error
from crawler.receipt import StagedPage
from crawler.warc import Member, read_members
from storage.erasing import json_without, names_of, page_without, titles_of_erased
from storage.files import Files
from storage.keys import Pseudonyms
from storage.needles import Finder, readings
from storage.suppressions import Suppression, records, suppression_of

STAGED = "pages.jsonl"
_LINES = ".jsonl"
_ASIDE = ".erasing"
_LEFT_OUT = ".erased"
"""In a landing: how many erasures of the site it was cleaned for."""
_CHARSET = re.compile(rb"charset=[\"']?([A-Za-z0-9_-]+)", re.IGNORECASE)
_LARGEST = 256 * 1024 * 1024


@dataclass
class Scrubbed:
    """What was taken out of landings."""

    landings: int = 0
    """That changed."""
    warc_records: int = 0
    staged_pages: int = 0
    files: list[Path] = field(default_factory=list)
    """Written anew."""
    bytes_rewritten: int = 0


class WarcRecord(NamedTuple):
    """One record of a WARC file."""

    head: dict[bytes, bytes]
    http: bytes
    """Of a response the lines before its body."""
    payload: bytes
    """The block; of a response its body without content encoding."""
    charset: str | None

    def readings(self) -> list[str]:
        """All that it holds as text, see `storage.needles.readings`."""
        names = b" ".join(self.head.values())
        return [*readings(names), *readings(self.http), *readings(self.payload, self.charset)]


def leave_out(files: Files, pseudonyms: Pseudonyms, folder: Path, *, again: bool = False) -> None:
    """Takes out of a landing what was erased before; nothing to do where nothing of its site was.

    Args:
        files: the archive's.
        pseudonyms: the archive's.
        folder: the landing's.
        again: look at it although it was looked at before: more has come into it.

    Raises:
        DiskFullError, ArchiveError: a file cannot be written.
    """
    site = folder.parent.name
    state = str(sum(1 for record in records(files) if record.site == site and record.suppresses))
    if state == "0" or not folder.is_dir():
        return
    told = folder / _LEFT_OUT
    try:
        if not again and told.exists() and told.read_text(encoding="ascii") == state:
            return
        scrub(folder, suppression_of(files, pseudonyms, site))
        told.write_text(state, encoding="ascii")
    except OSError as error:
        raise storage_error(folder, error) from error


def scrub(folder: Path, gone: Suppression, find: Finder | None = None) -> Scrubbed:
    """Takes out of a landing's files what was erased.

    Args:
        folder: the landing's.
        gone: what was erased, as marks.
        find: finds it in plain text besides; of a later crawl nothing but marks is known.

    Raises:
        DiskFullError, ArchiveError: a file cannot be written; it stays as it was.
    """
    done = Scrubbed()
    try:
        for left in folder.glob(f".*{_ASIDE}"):  # by an erasure that was killed
            left.unlink(missing_ok=True)
        staged = _staged(folder, gone, done)
        for path in sorted(folder.glob("*.warc.gz")):
            _warc(path, staged.addresses, gone, find, done)
        # After the WARC files: it is what tells which of their records are to go.
        if staged.aside is not None:
            done.bytes_rewritten += staged.aside.stat().st_size
            done.files.append(folder / STAGED)
            staged.aside.replace(folder / STAGED)
        for path in sorted(folder.glob("*.json")):
            if (changed := json_without(path.read_bytes(), gone)) is not None:
                _replace(path, msgspec.json.format(changed, indent=2) + b"\n", done)
        for path in sorted(folder.glob(f"*{_LINES}")):
            if path.name != STAGED:
                _entries(path, gone, find, done)
    except OSError as error:
        raise storage_error(folder, error) from error
    done.landings = int(bool(done.files))
    return done


class _Staged(NamedTuple):
    addresses: set[str]
    """Of the pages that held something."""
    aside: Path | None
    """The cleaned file, where something had to go."""


def _staged(folder: Path, gone: Suppression, done: Scrubbed) -> _Staged:
    path = folder / STAGED
    if not path.exists():
        return _Staged(set(), None)
    gone.titled |= titles_of_erased(_pages(path), gone)
    for page in _pages(path):
        gone.spare(names_of(page.parsed))
    addresses: set[str] = set()

    def lines() -> Iterator[bytes]:
        for page in _pages(path):
            kept = page_without(page, gone)
            if kept is not page:
                done.staged_pages += 1
                addresses.add(page.url)
            if kept is not None:
                yield msgspec.json.encode(kept) + b"\n"

    aside = _aside(path)
    _write(aside, lines())
    if addresses:
        return _Staged(addresses, aside)
    aside.unlink()
    return _Staged(addresses, None)


def _pages(path: Path) -> Iterator[StagedPage]:
    decoder = msgspec.json.Decoder(StagedPage)
    with path.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield decoder.decode(line)


def _entries(path: Path, gone: Suppression, find: Finder | None, done: Scrubbed) -> None:
    """Entries of imported files that gave no record: those that hold something go."""
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not _holds(readings(line), gone, find)]
    if len(kept) < len(lines):
        _replace(path, b"".join(kept), done)


def _warc(path: Path, addresses: set[str], gone: Suppression, find: Finder | None, done: Scrubbed) -> None:
    drop: set[int] = set()
    dropped_ids: set[bytes] = set()
    members = []
    with path.open("rb") as file:
        for member in read_members(path):
            members.append(member)
            record = read_record(file.read(member.end - member.start))
            url = record.head.get(b"WARC-Target-URI", b"").decode("utf-8", "replace")
            is_of_dropped = record.head.get(b"WARC-Concurrent-To") in dropped_ids
            if is_of_dropped or url in addresses or _record_holds(record, url, gone, find):
                drop.add(member.start)
                dropped_ids.add(record.head.get(b"WARC-Record-ID", b""))
    if not drop:
        return
    _rewrite(path, members, drop, done)


def _rewrite(path: Path, members: list[Member], drop: set[int], done: Scrubbed) -> None:
    aside = _aside(path)
    try:
        with path.open("rb") as file:

            def kept() -> Iterator[bytes]:
                for member in members:
                    if member.start not in drop:
                        file.seek(member.start)
                        yield file.read(member.end - member.start)

            _write(aside, kept())
        done.bytes_rewritten += aside.stat().st_size
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    done.warc_records += len(drop)
    done.files.append(path)


def _record_holds(record: WarcRecord, url: str, gone: Suppression, find: Finder | None) -> bool:
    if record.head.get(b"WARC-Type") == b"warcinfo":
        return False
    is_named = gone.names_record(url) and record.head.get(b"WARC-Type") in {b"response", b"request", b"revisit"}
    return is_named or _holds(record.readings(), gone, find)


def _holds(texts: list[str], gone: Suppression, find: Finder | None) -> bool:
    if find is not None and any(True for text in texts for _ in find(text)):
        return True
    return any(gone.is_in(text) for text in texts)


def read_record(member: bytes) -> WarcRecord:
    """One gzip member as a WARC record, its body decoded."""
    content = zlib.decompress(member, zlib.MAX_WBITS + 16)
    head, _, block = content.partition(b"\r\n\r\n")
    named = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if named.get(b"WARC-Type") != b"response":
        return WarcRecord(named, b"", block, None)
    http, _, body = block.partition(b"\r\n\r\n")
    body = body.removesuffix(b"\r\n\r\n")
    charset = next(
        (found[1].decode("ascii") for line in http.split(b"\r\n") if line.lower().startswith(b"content-type:")
         for found in [_CHARSET.search(line)] if found),
        None,
    )  # fmt: skip
    encodings = [
        line.split(b":", 1)[1].strip().lower()
        for line in http.split(b"\r\n")
        if line.lower().startswith(b"content-encoding:")
    ]
    for encoding in reversed([one.strip() for line in encodings for one in line.split(b",")]):
        body = _undone(encoding, body)
    return WarcRecord(named, http, body, charset)


def _undone(encoding: bytes, body: bytes) -> bytes:
    """The body without one content encoding; as it is, where it is none that is known or is torn."""
    undo: dict[bytes, Callable[[], bytes]] = {
        b"gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(body, _LARGEST),
        b"x-gzip": lambda: gzip.decompress(body),
        b"deflate": lambda: _inflated(body),
        b"br": lambda: _library("brotli", body),
        b"zstd": lambda: _library("zstandard", body),
    }
    try:
        return undo[encoding]() if encoding in undo else body
    except (zlib.error, OSError, EOFError, ValueError):
        return body


def _inflated(body: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(body, _LARGEST)
    except zlib.error:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, _LARGEST)


def _library(name: str, body: bytes) -> bytes:
    """Brotli or zstd; only where Scrapy asked for it, which it does where the library is there."""
    try:
        if name == "brotli":
            import brotli  # type: ignore[import-untyped] # comes without types

            decoded: bytes = brotli.decompress(body)
        else:
            import zstandard

            decoded = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    except ImportError:
        return body
    return decoded


def _replace(path: Path, content: bytes, done: Scrubbed) -> None:
    aside = _aside(path)
    try:
        _write(aside, [content])
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    done.files.append(path)
    done.bytes_rewritten += len(content)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{_ASIDE}")


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with path.open("xb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
