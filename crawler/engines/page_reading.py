"""What engines share that read a page where it stands, and tidy only what somebody rewrote: MyBB, SMF."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from crawler.engines.frame import Frame
from crawler.engines.html import absolute, attribute, tidy
from crawler.engines.html_tags import is_rewritten
from crawler.engines.page import Page
from crawler.records import Link, PageKind, ParsedPage

_ID = re.compile(r"\s*(\d+)")
_FEED_LINK = re.compile(r'<link\b[^<>]{0,100}type="application/rss\+xml"[^<>]{0,900}>')


class ForumDocument(Frame, ABC):
    """A forum's page, with what its frame says."""

    def __init__(self, page: Page, markup: str) -> None:
        super().__init__(page, markup)
        self.content: tuple[int, int] | None = None
        """Bounds of the posts or rows, once known."""

    @property
    @abstractmethod
    def is_ours(self) -> bool:
        """Whether the page's frame is that of the engine's software."""

    @property
    @abstractmethod
    def version(self) -> str | None:
        """Version of the software, as far as told."""

    @property
    @abstractmethod
    def pages(self) -> tuple[int, int, str | None]:
        """Number of this page, of the last one, and address of the next one."""

    def id_behind(self, signs: tuple[str, ...]) -> str | None:
        """The number behind the first of the signs that has one behind it."""
        for sign in signs:
            at = self.markup.find(sign, self.body_start)
            if at >= 0 and (found := _ID.match(self.markup, at + len(sign))) is not None:
                return found[1]
        return None


D = TypeVar("D", bound=ForumDocument)
P = TypeVar("P")


def document_of(page: Page, made: Callable[[Page, str], D]) -> D:
    """The page as a document; one that somebody rewrote is brought back into the software's form by a parser."""
    text = page.text()
    text = text.replace("\x00", "") if b"\x00" in page.body else text
    document = made(page, text)
    if is_rewritten(text, document.body_start) and (tidied := tidy(text)):
        return made(page, tidied)
    return document


class PageReading(Generic[D, P]):
    """One page being read."""

    def __init__(self, engine: str, document: D, places: Sequence[P]) -> None:
        """`places` are where the page's posts stand."""
        self.engine = engine
        self.document = document
        self.places = places

    def page(self, kind: PageKind, *, paged: bool = False, reason: str | None = None) -> ParsedPage:
        """The record of the page, without what is on it; `paged`: it may be one of several."""
        version = self.document.version if self.document.is_ours or self.places else None
        parsed = ParsedPage(page_kind=kind, engine=self.engine, engine_version=version, reason=reason)
        if paged:
            parsed.page, parsed.last_page, parsed.next_url = self.document.pages
        return parsed

    def feeds(self, sign: str) -> list[Link]:
        """The first feed of the page whose address has a sign in it, such as the board's id."""
        document = self.document
        tags = _FEED_LINK.findall(document.markup, 0, document.head_end)
        hrefs = [href for tag in tags if (href := attribute(tag, "href")) and sign in href]
        return [Link(rel="feed", url=absolute(document.base, href)) for href in hrefs[:1]]
