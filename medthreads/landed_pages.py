"""Pages of a landing as a live crawl would read them: from the WARC through the engines of today, one at a time.

What happens to an answer between the WARC and its records is what the spiders and middlewares of a crawl do: see
crawler.spiders.base, crawler.middlewares.landing and crawler.middlewares.encodings. Nothing is asked of any site.
"""

import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from crawler.encodings import TooLargeError, UnknownEncodingError, decoded
from crawler.engines import FEED, Page, parse, recognise
from crawler.landing import Landing
from crawler.middlewares.guard import same_site
from crawler.page_rights import NOARCHIVE, reserved_uses
from crawler.receipt import StagedPage
from crawler.records import PageKind, ParsedPage, Thread
from crawler.settings import MAXIMUM_BYTES
from crawler.site import Site
from crawler.spiders.base import REFUSING_STATUS, ArchiveSpider, is_forums_word
from crawler.time_limit import TookTooLongError, time_limit
from crawler.warc import CHUNK_BYTES

UNUSABLE = frozenset({PageKind.UNKNOWN, PageKind.CHALLENGE, PageKind.ERROR, PageKind.LOGIN})


class _PostId(Struct):
    post_id: str


class _Line(Struct):
    url: str
    fetched_at: datetime
    parsed: msgspec.Raw


class _Parsed(Struct):
    """A page's records as far as comparing needs them: reading all of them back would cost as much as the engines."""

    page_kind: PageKind
    thread_id: str | None = None
    board_id: str | None = None
    threads: list[Thread] = field(default_factory=list)
    posts: list[_PostId] = field(default_factory=list)
    boards: list[msgspec.Raw] = field(default_factory=list)


class Staged(Struct):
    """A line of `pages.jsonl`: what a page gave when it came."""

    url: str
    fetched_at: datetime
    parsed: _Parsed
    digest: bytes = b""
    """Of `parsed` as it stands there."""

    @property
    def records(self) -> int:
        """How many."""
        return len(self.parsed.boards) + len(self.parsed.threads) + len(self.parsed.posts)


class LostPage(NamedTuple):
    """A page that gave records when it came, and gives none today."""

    url: str
    records: int
    reason: str


class LandedAnswer(NamedTuple):
    """A response of a WARC file, with its body as it came."""

    url: str
    """Without what stands behind #."""
    fetched_at: datetime
    is_truncated: bool
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class LandedPages:
    """The pages of one landing, and what became of them."""

    def __init__(self, folder: Path, site: Site, engine: str | None = None, *, compares_all: bool = True) -> None:
        """Reads what the pages gave when they came.

        Args:
            folder: the landing.
            site: as its site file was then.
            compares_all: whether all pages are to be compared with the archive; else those that read otherwise now.
            engine: the engine that was known before the first page came; None where the site file names it, or the
                pages have to tell.
        """
        self.folder, self.site = folder, site
        self._engine = engine or site.engine
        self.staged = staged_pages(folder)
        self.changed: set[datetime] = set()
        """When the pages that are to be compared with the archive came."""
        self._compares_all = compares_all
        self._encoder = msgspec.json.Encoder()
        self.pages = 0
        self.usable = 0
        self.unchanged = 0
        """Pages that give what they gave when they came, to the last byte."""
        self.engines: Counter[str] = Counter()
        """Pages by engine and version of the site's software."""
        self.lost: list[LostPage] = []
        self.missing: list[str] = []
        """Ids of posts that a page gave when it came, and does not today."""
        self._seen: set[tuple[str, datetime]] = set()

    @property
    def damaged(self) -> int:
        """Pages that were read when they came, and are in no WARC file that can be read."""
        return len(self.staged.keys() - self._seen)

    @property
    def engine(self) -> str:
        """Engine and version that most pages name."""
        return max(self.engines, key=lambda name: self.engines[name], default=self._engine)

    def as_then(self) -> Iterator[StagedPage]:
        """The pages as they were read when they came, threads only."""
        for staged in self.staged.values():
            then = staged.parsed
            parsed = ParsedPage(
                page_kind=then.page_kind, thread_id=then.thread_id, board_id=then.board_id, threads=then.threads
            )
            yield StagedPage(url=staged.url, fetched_at=staged.fetched_at, parsed=parsed)

    def as_today(self) -> Iterator[StagedPage]:
        """The pages as they are read today; those that give nothing are only counted."""
        for answer in self.answers():
            staged = self.staged.get((answer.url, answer.fetched_at))
            page = self._page(answer, staged)
            if page is None:
                continue
            parsed = self.read(page)
            self.pages += 1
            name = parsed.engine or self._engine
            self.engines[f"{name} {parsed.engine_version}" if parsed.engine_version else name] += 1
            is_usable = _is_usable(page, parsed)
            self.usable += is_usable
            if not self._compares_all and self._is_as_then(staged, parsed):
                self.unchanged += 1
                yield StagedPage(url=page.url, fetched_at=answer.fetched_at, parsed=parsed)
                continue
            self._account(staged, parsed if is_usable else None, parsed)
            if is_usable:
                self.changed.add(answer.fetched_at)
                yield StagedPage(url=page.url, fetched_at=answer.fetched_at, parsed=parsed)

    def answers(self) -> Iterator[LandedAnswer]:
        """The responses of all of its WARC files, in the order in which they came; one is read ahead in a thread."""
        answers = (answer for path in Landing(self.folder).warc_paths() for answer in read_answers(path))
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(next, answers, None)
            while (answer := coming.result()) is not None:
                # Inflating leaves Python's lock, so that it costs nothing where there is a second processor.
                coming = reader.submit(next, answers, None)
                yield answer

    def pages_to_read(self) -> Iterator[Page]:
        """The pages as the engines are given them."""
        for answer in self.answers():
            page = self._page(answer, self.staged.get((answer.url, answer.fetched_at)))
            if page is not None:
                yield page

    def read(self, page: Page) -> ParsedPage:
        """What the engine of today reads; the engine is recognised as by a crawl, by the first page that tells it."""
        try:
            with time_limit(ArchiveSpider.most_seconds):
                if self._engine in {"auto", FEED.name} and (recognition := recognise(page)):
                    self._engine = recognition.engine
                return parse(page, self._engine)
        except TookTooLongError:
            return ParsedPage(page_kind=PageKind.UNKNOWN, reason="reading it took too long")

    def _is_as_then(self, staged: Staged | None, parsed: ParsedPage) -> bool:
        return staged is not None and staged.digest == _digest(self._encoder.encode(parsed))

    def _page(self, answer: LandedAnswer, staged: Staged | None) -> Page | None:
        """What a spider would be given; None for what it never gets: robots.txt, redirects, parts, what is reserved."""
        if staged is not None:
            self._seen.add((answer.url, answer.fetched_at))
        elif not self._is_page(answer):
            return None
        encodings = [value for name, value in answer.headers if name.lower() == "content-encoding"]
        body = answer.body
        if encodings:
            try:
                body = decoded(encodings, body, MAXIMUM_BYTES).body
            except (TooLargeError, UnknownEncodingError):
                return None
        if staged is None and NOARCHIVE in reserved_uses(answer.headers, body):
            return None
        headers: dict[str, str] = {}
        for name, value in answer.headers:
            lowered = name.lower()
            if lowered != "content-encoding":
                headers[lowered] = f"{headers[lowered]}, {value}" if lowered in headers else value
        return Page(
            url=staged.url if staged is not None else answer.url,
            body=body,
            site=self.site.name,
            headers=headers,
            status=answer.status,
            fetched_at=answer.fetched_at,
        )

    def _is_page(self, answer: LandedAnswer) -> bool:
        is_redirect = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST
        if answer.is_truncated or is_redirect or answer.status in REFUSING_STATUS:
            return False
        parts = urlsplit(answer.url)
        return parts.path != "/robots.txt" and same_site(parts.hostname or "", self.site.host)

    def _account(self, staged: Staged | None, usable: ParsedPage | None, parsed: ParsedPage) -> None:
        if staged is None or not staged.records:
            return
        if usable is None or not usable.records():
            reason = parsed.reason or f"read as a page of kind {parsed.page_kind}"
            self.lost.append(LostPage(staged.url, staged.records, reason))
        else:
            today = {post.post_id for post in usable.posts}
            self.missing += [post.post_id for post in staged.parsed.posts if post.post_id not in today]


def staged_pages(folder: Path) -> dict[tuple[str, datetime], Staged]:
    """The lines of `pages.jsonl` by address and instant; a half-written last one is left out."""
    outer, inner = msgspec.json.Decoder(_Line), msgspec.json.Decoder(_Parsed)
    path = folder / "pages.jsonl"
    if not path.exists():
        return {}
    with path.open("rb") as lines:
        told = (outer.decode(line) for line in lines if line.endswith(b"\n"))
        return {
            (line.url.partition("#")[0], line.fetched_at): Staged(
                line.url, line.fetched_at, inner.decode(line.parsed), _digest(line.parsed)
            )
            for line in told
        }


def _digest(parsed: "bytes | msgspec.Raw") -> bytes:
    return blake2b(parsed, digest_size=16).digest()


def _is_usable(page: Page, parsed: ParsedPage) -> bool:
    """Whether a crawl would stage it (`ArchiveSpider.received`)."""
    if page.status in REFUSING_STATUS and not is_forums_word(page, parsed):
        return False
    return parsed.page_kind not in UNUSABLE


def read_answers(path: Path) -> Iterator[LandedAnswer]:
    """The responses of a WARC file that a landing wrote (crawler.warc); ends before a torn or damaged record.

    In place of warcio, which takes half as long again; the checksum of each gzip member is checked all the same.
    """
    for record in _records(path):
        if record.startswith(b"WARC/1.1\r\nWARC-Type: response\r\n"):
            yield _answer(record)


def _records(path: Path) -> Iterator[bytes]:
    """The whole records of a file, decompressed."""
    with path.open("rb", buffering=0) as file:
        data = file.read(CHUNK_BYTES)
        while data:
            member = zlib.decompressobj(zlib.MAX_WBITS + 16)
            pieces = []
            while not member.eof:
                if not data:
                    data = file.read(CHUNK_BYTES)
                    if not data:
                        return
                try:
                    pieces.append(member.decompress(data))
                except zlib.error:
                    return
                data = b""
            data = member.unused_data or file.read(CHUNK_BYTES)
            yield pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _answer(record: bytes) -> LandedAnswer:
    fields_end = record.index(b"\r\n\r\n")
    head_end = record.index(b"\r\n\r\n", fields_end + 4)
    fields = dict(_pairs(record[:fields_end]))
    first, _, _ = record[fields_end + 4 : head_end].partition(b"\r\n")
    end = fields_end + 4 + int(fields["Content-Length"])
    status = first[9:12]
    return LandedAnswer(
        # As answers name it: what stands behind # is asked for, and never sent.
        url=fields["WARC-Target-URI"].partition("#")[0],
        fetched_at=datetime.fromisoformat(fields["WARC-Date"]),
        is_truncated="WARC-Truncated" in fields,
        status=int(status) if status.isdigit() else 0,
        headers=list(_pairs(record[fields_end + 4 : head_end])),
        body=record[head_end + 4 : end],
    )


def _pairs(head: bytes) -> Iterator[tuple[str, str]]:
    """Names and values of the lines after the first."""
    for line in head.decode("utf-8").split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        yield name, value
