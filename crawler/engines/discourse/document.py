"""What frames a page of Discourse in HTML: the site's root, the topic it names, its place among pages, its version."""

import re
from functools import cached_property

from crawler.engines.discourse.addresses import page_parameter, root_of, slug_of, topic_of, with_page
from crawler.engines.frame import Frame
from crawler.engines.html import absolute, attribute, decoded, tag_at
from crawler.engines.page import Page
from crawler.records import PageKind, ParsedPage

_VERSION = re.compile(r"Discourse (\d[\w.+-]*)")
_GENERATOR = re.compile(r"<meta\b[^<>]*?\bname=[\"']?generator[\"']?[^<>]*?\scontent=[\"']$")
_OWN_LINKS = re.compile(
    r"<(?:link|a)\b(?=[^<>]*?(?:mainEntityOfPage|itemprop=[\"']url))[^<>]*?\shref=[\"']([^\"'<>]*)[\"']"
)
_GENERATOR_BEHIND = re.compile(r"[^\"'<>]{0,300}+[\"']\s+name=[\"']?generator\b")
_CRAWLER = re.compile(r"<body class=[\"']?crawler\b")
_HEAD = 20_000
_HEAD_END = 200_000
_MENTIONS = 30


def version_of(text: str) -> str | None:
    """What `<meta name="generator">` says: "3.3.0.beta1-dev"."""
    at = text.find("Discourse ", 0, _HEAD_END)
    for _ in range(_MENTIONS):  # a site may name Discourse in its title and description too
        if at < 0:
            break
        if _GENERATOR.match(text, text.rfind("<", max(at - 400, 0), at), at) or _GENERATOR_BEHIND.match(text, at):
            named = _VERSION.match(text, at)
            return named[1] if named else None
        at = text.find("Discourse ", at + 10, _HEAD_END)
    return None


class Document:
    """The text of a page with what frames it."""

    def __init__(self, page: Page, engine: str, markup: str) -> None:
        self.page = page
        self.engine = engine
        self.markup = markup
        self.site = page.site
        self.frame = Frame(page, markup)
        self.base = self.frame.base
        self.root = root_of(page.url)
        self.body_start = self.frame.body_start

    @cached_property
    def for_crawlers(self) -> bool:
        """Whether it is the form for crawlers, which carries no JSON and has nothing that scripts have drawn."""
        return _CRAWLER.match(self.markup, self.body_start) is not None

    @cached_property
    def content_start(self) -> int:
        """Where the page's own part starts, behind the site's header, which may have a heading of its own."""
        return max(self.markup.find("main-outlet", self.body_start), self.body_start)

    @cached_property
    def _addresses(self) -> list[str]:
        """Addresses that the page gives itself, the surest first: mirrors rewrite links, but not og:url."""
        canonical = self.frame.link("canonical")
        named = (self.frame.meta("og:url"), self.frame.meta("twitter:url"), canonical, self.page.url)
        return [url for url in named if url]

    @cached_property
    def topic(self) -> str | None:
        """Id of the topic shown."""
        for url in self._addresses:
            if (found := topic_of(url)) is not None:
                return found[0]
        for href in _OWN_LINKS.findall(self.markup[self.body_start : self.body_start + 2 * _HEAD]):
            if (found := topic_of(absolute(self.base, decoded(href)))) is not None:
                return found[0]
        return None

    @cached_property
    def slug(self) -> str | None:
        """The topic's name in addresses."""
        return next((slug for url in self._addresses if (slug := slug_of(url))), None)

    @cached_property
    def address(self) -> str:
        """The address that the page gives itself, with the host that answered."""
        declared = self._addresses[0] if self._addresses else ""
        path = declared.partition("://")[2].partition("/")[2] if "://" in declared else declared.lstrip("/")
        return f"{self.root}/{path}" if declared else self.page.url

    def target(self, href: str) -> str:
        """Where a link leads to on the site itself: mirrors write "../6.html" in place of "/c/fibroids/6"."""
        if href.startswith(("http://", "https://", "/", "#")) or not self._addresses:
            return href
        return absolute(self._addresses[0], href)

    def pages(self, first: int) -> tuple[int | None, int | None, str | None]:
        """(number of this page from 1, of the last, address of the next); `first` is what the site calls the first."""
        ahead = self._related("next")
        following = absolute(self.base, ahead) if ahead else None
        after = page_parameter(ahead or "")
        if after is not None:
            shown = after - 1
        else:
            back = self._related("prev")
            before = page_parameter(back or "")
            asked = next((page for url in self._addresses if (page := page_parameter(url)) is not None), None)
            if before is not None:
                shown = before + 1
            elif asked is not None:
                shown = asked
            else:
                shown = first + 1 if back else first
        page = max(shown - first + 1, 1)
        if following is not None and after is None:
            following = following if following != self.page.url else with_page(following, shown + 1)
        return page, (page if following is None else None), following

    def _related(self, rel: str) -> str | None:
        """Address in the head, else at the foot, that is marked as the next or previous page."""
        for quote in "\"'":
            for start, end in ((0, self.frame.head_end), (max(len(self.markup) - _HEAD, 0), len(self.markup))):
                at = self.markup.find(f"rel={quote}{rel}{quote}", start, end)
                bounds = tag_at(self.markup, at) if at >= 0 else None
                if bounds and (href := value_of(self.markup[bounds[0] : bounds[1]], "href")):
                    return href
        return None

    def page_of(self, kind: PageKind, reason: str | None = None) -> ParsedPage:
        """A page of that kind."""
        return ParsedPage(page_kind=kind, engine=self.engine, engine_version=version_of(self.markup), reason=reason)


def value_of(tag: str, name: str) -> str | None:
    """An attribute's value, whichever quotes it has: Discourse's templates use both."""
    if (value := attribute(tag, name)) is not None:
        return value
    found = re.search(rf"\s{re.escape(name)}='([^']*)'", tag)
    return decoded(found[1]) if found else None
