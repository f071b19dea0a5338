"""Web archives: WARC files (ISO 28500), compressed or not, as any crawler writes them; our own landings' too.

Every response with HTML, JSON or XML in it is a page for the engines; pictures, scripts, redirections and the like are
passed over. WACZ files are zip files with such WARCs in their folder `archive/`.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Protocol

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from crawler.documents.pieces import Piece, Skipped
from crawler.engines import Page, parse
from crawler.records import PageKind

WACZ_MEMBER = re.compile(r"(?:.*/)?archive/[^/]+\.warc(?:\.gz)?")
_READABLE = re.compile(
    r"(?:text|application)/(?:[a-z0-9.-]+\+)?(?:html|xhtml|json|xml)\b|application/xhtml", re.IGNORECASE
)
_LARGEST_PAGE = 32 * 1024 * 1024
"""Bytes; nothing that a person reads is larger."""
_NOT_UNDERSTOOD = frozenset({PageKind.UNKNOWN, PageKind.CHALLENGE})


class _Headers(Protocol):
    """As far as warcio's is used here."""

    @property
    def headers(self) -> list[tuple[str, str]]: ...
    def get_header(self, name: str) -> str | None: ...
    def get_statuscode(self) -> str: ...


class _Record(Protocol):
    """As far as warcio's is used here."""

    @property
    def rec_headers(self) -> _Headers: ...
    @property
    def http_headers(self) -> _Headers: ...
    def content_stream(self) -> BinaryIO: ...


def read_web_archive(
    stream: BinaryIO, saved_at: datetime, site_of: Callable[[str], str | None]
) -> Iterator[Piece | Skipped]:
    """The pages of one WARC; those of no known engine are skipped, each with the reason and its site.

    Args:
        saved_at: when records without date were fetched (aware, UTC).
        site_of: name of the site of an address; None where the address has no host.
    """
    try:
        for record in ArchiveIterator(stream):
            if record.rec_type != "response" or record.http_headers is None:
                continue
            told = _read(record, saved_at, site_of)
            if told is not None:
                yield told
    except (ArchiveLoadFailed, zlib.error, EOFError) as error:
        # A kill or a broken download leaves such an end; what stands before it is whole.
        yield Skipped(place="end of the file", reason=f"the web archive is damaged or ends early ({error})")


def _read(record: _Record, saved_at: datetime, site_of: Callable[[str], str | None]) -> Piece | Skipped | None:
    """None for what is no page."""
    http = record.http_headers
    url = record.rec_headers.get_header("WARC-Target-URI") or ""
    headers = {name.lower(): value for name, value in http.headers}
    status = int(http.get_statuscode()) if http.get_statuscode().isdecimal() else 0
    if 300 <= status < 400 or not _READABLE.match(headers.get("content-type", "text/html").strip()):
        return None
    url = url.strip("<>")  # some writers of WARC 1.0 put it like that
    site = site_of(url)
    if site is None:
        return Skipped(place=url[:500], reason="its address names no site")
    body, problem = _body(record)
    if problem:
        return Skipped(place=url, reason=problem, site=site)
    fetched_at = _instant(record.rec_headers.get_header("WARC-Date")) or saved_at
    parsed = parse(Page(url=url, body=body, site=site, headers=headers, status=status, fetched_at=fetched_at))
    if parsed.page_kind in _NOT_UNDERSTOOD:
        return Skipped(place=url, reason=parsed.reason or "the page was not understood", site=site)
    return Piece(site=site, url=url, observed_at=fetched_at, parsed=parsed)


def _body(record: _Record) -> tuple[bytes, str | None]:
    """The payload without its codings, or why it cannot be had."""
    try:
        body = record.content_stream().read(_LARGEST_PAGE + 1)
    except (zlib.error, OSError, ValueError):
        return b"", "the page's coding is damaged"
    return body, f"the page has more than {_LARGEST_PAGE:,} bytes" if len(body) > _LARGEST_PAGE else None


def _instant(stated: str | None) -> datetime | None:
    try:
        instant = datetime.fromisoformat(stated or "")
    except ValueError:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
