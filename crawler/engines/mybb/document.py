"""A page of MyBB as a whole: template, version, clock, breadcrumb, title, links to its other pages."""

import re
from datetime import datetime
from functools import cached_property

from crawler.engines.dates import LocalDates, clock_zone, day_first_by_clock
from crawler.engines.html import absolute, attribute, closing, element, inline_text, number_of, tag_at
from crawler.engines.mybb.addresses import forum_of, is_forum, is_thread, page_of, slug_of, thread_of
from crawler.engines.page import Page
from crawler.engines.page_reading import ForumDocument

_TEMPLATE = re.compile(r"<!-- start: ([a-z]\w{2,60}) -->")
_POWERED = re.compile(
    r"Powered [bB]y\s*<a\b[^<>]{0,200}>(?:<[^<>]{0,80}>)?MyBB(?:\s*<[^<>]{0,40}>)?\s*(\d\.\d{1,2}(?:\.\d+)?)?"
)
_SCRIPT = re.compile(r"jscripts/(?:general|jquery|prototype|jeditable|thread)[\w.-]*\.js(?:\?|%3F)ver=(\d)(\d)\d{2}")
_CLOCK = re.compile(r'id="current_time"[^<>]*>(.{0,300})', re.DOTALL)
# Before 1.8 it stands beside the greeting, in the language of the board.
_CLOCK_TEXT = re.compile(
    r"(?:Current time:|float:? ?_?right;?\"[^<>]{0,40}>\s*<strong>[^<>:]{2,40}:)\s*(?:</[a-z]{1,6}>\s*){0,2}"
    r"([^<>]{4,50}\d:\d\d[^<>]{0,12})"
)
_CLOCK_LABEL = re.compile(r"^[^:]{2,60}:\s*")
_ANCHOR = re.compile(r"<a\b([^<>]*)>(.{0,2000}?)</a>", re.DOTALL)
_PAGES_SHOWN = re.compile(r'class="pages"[^<>]*>[^<>(]{0,40}\((\d[\d.,]*)\)')
_TRAILS = ("navigation", "breadcrumb", "breadcrumbs", "nav-breadcrumb")
_SPAN_TITLE = re.compile(r'<span\b[^<>]{0,200}\stitle="([^"<>]{0,60}\d[^"<>]{0,60})"[^<>]{0,200}>([^<>]{0,200})</span>')
_EMPTY = re.compile(r"<(\w+)\b[^<>]*>\s*</\1>")
_MESSAGE = re.compile(
    r'<td class="thead"[^<>]*>((?:[^<]|<(?!/td)){0,600}+)</td>\s*</tr>\s*<tr>\s*<td class="trow1"[^<>]*>', re.DOTALL
)
_TAIL = 30_000
_GREETING, _END = 12_000, 8_000  # where older versions have the clock
# What stands before the id of the page's own thread or forum.
_OWN_THREAD = (
    *('name="tid" value="', "newreply.php?tid=", "printthread.php?tid=", "sendthread.php?tid="),
    *('id="rating_thread_', 'id="thread_modes_', "addsubscription&amp;tid="),
)
_OWN_FORUM = ("newthread.php?fid=", "action=markread&amp;fid=", 'name="fid" value="', "syndication.php?fid=")
_OF_POST = re.compile(r"thread-(\d+)-post-\d|showthread\.php\?tid=(\d+)&amp;pid=\d")


class Document(ForumDocument):
    """A page of MyBB, with what its frame says."""

    def __init__(self, page: Page, markup: str) -> None:
        super().__init__(page, markup)
        self.samples: list[str] = []
        """Date texts of the page: what shows the order of day and month."""

    @cached_property
    def template(self) -> str:
        """Name of the template that made the page, where the site has template comments on; else ""."""
        found = _TEMPLATE.search(self.markup, 0, 3_000)
        return found[1] if found and found[1] not in {"headerinclude", "header", "htmldoctype"} else ""

    @cached_property
    def is_ours(self) -> bool:
        """Whether the page's frame is MyBB's."""
        markup = self.markup
        return "my_post_key" in markup or "MyBB" in markup[-_TAIL:] or self.script is not None

    @cached_property
    def script(self) -> re.Match[str] | None:
        """Address of one of the software's scripts."""
        return _SCRIPT.search(self.markup, 0, max(self.head_end, 20_000))

    @cached_property
    def version(self) -> str | None:
        """Version as far as told: in the footer, else the release that the scripts' addresses name."""
        found = _POWERED.search(self.markup, max(len(self.markup) - _TAIL, 0))
        if found and found[1]:
            return found[1]
        return f"{self.script[1]}.{self.script[2]}" if self.script else None

    # -- time ---------------------------------------------------------------------------------------------------------

    @cached_property
    def _clock(self) -> str | None:
        """What the clock of the page shows."""
        found = _CLOCK.search(self.markup)
        if found is not None:
            end = min((at for sign in ("</div", "</li", "</p") if (at := found[1].find(sign)) >= 0), default=300)
            return _CLOCK_LABEL.sub("", inline_text(found[1][:end].split("</span>")[0])) or None
        start, size = self.body_start, len(self.markup)
        text = _CLOCK_TEXT.search(self.markup, start, start + _GREETING) or _CLOCK_TEXT.search(self.markup, size - _END)
        return inline_text(text[1]) or None if text else None

    @cached_property
    def _dates(self) -> LocalDates | None:
        """Reads the page's dates; None where its clock and the time of the fetch do not tell their offset."""
        fetched_at = self.page.fetched_at
        zone = clock_zone(self._clock, fetched_at) if fetched_at is not None and self._clock else None
        if zone is None or self._clock is None:
            return None
        day_first = day_first_by_clock(self._clock, fetched_at)
        return LocalDates(zone=zone, fetched_at=fetched_at, samples=self.samples, day_first=day_first)

    def instant(self, text: str | None) -> datetime | None:
        """The instant that a date of the page means; None where the page does not tell its zone."""
        if not text or self._dates is None:
            return None
        return self._dates.read(text)

    # -- addresses and ids --------------------------------------------------------------------------------------------

    def address(self, href: str) -> str:
        """An address of the page's markup, absolute."""
        return absolute(self.base, href)

    @cached_property
    def own_address(self) -> str:
        """Address that the page gives itself, else the one it was fetched from."""
        return self.link("canonical") or self.page.url

    def thread(self) -> str | None:
        """Id of the thread that the page shows; the words of its address where the page tells no number."""
        if (found := thread_of(self.own_address) or thread_of(self.page.url)) is not None:
            return found
        if (own := self.id_behind(_OWN_THREAD)) is not None:
            return own
        if (linked := _OF_POST.search(self.markup, self.body_start)) is not None:
            return linked[1] or linked[2]
        for tag, _ in _ANCHOR.findall(self._trail):
            if (found := thread_of(attribute(tag, "href") or "")) is not None:
                return found
        return slug_of(self.own_address, "Thread") or slug_of(self.page.url, "Thread")

    def forum(self) -> str | None:
        """Id of the forum that the page shows; the words of its address where the page tells no number."""
        for url in (self.own_address, self.page.url):
            if is_forum(url) and (found := forum_of(url)) is not None:
                return found
        if (own := self.id_behind(_OWN_FORUM)) is not None:
            return own
        return slug_of(self.own_address, "Forum") or slug_of(self.page.url, "Forum")

    # -- title --------------------------------------------------------------------------------------------------------

    @cached_property
    def _trail(self) -> str:
        limit = self.content[0] if self.content else len(self.markup)
        for name in _TRAILS:
            found = element(self.markup, name, self.body_start, limit)
            if found is not None:
                return found[1]
        return ""

    @cached_property
    def parents(self) -> list[tuple[str, str]]:
        """(address, name) of the forums above the page, from the outside in."""
        steps = [(attribute(tag, "href") or "", inline_text(name)) for tag, name in _ANCHOR.findall(self._trail)]
        return [(href, name) for href, name in steps if is_forum(href) and not is_thread(href)]

    @cached_property
    def heading(self) -> tuple[str | None, str | None]:
        """Prefix and title of what the page shows; the title without prefix."""
        shown = element(self._trail, "active")
        active = inline_text(shown[1]) if shown else None
        title = self.title
        if not active:
            return None, title
        if title and active.endswith(title):
            return active[: -len(title)].strip() or None, title
        if title and active in title:
            return None, active
        prefix = re.match(r"\s*<span\b[^<>]*>([^<>]{1,60})</span>(?:&nbsp;|\s)+", shown[1]) if shown else None
        if prefix is not None:
            return inline_text(prefix[1]) or None, active[len(inline_text(prefix[1])) :].strip()
        return None, active

    # -- pages --------------------------------------------------------------------------------------------------------

    @cached_property
    def pages(self) -> tuple[int, int, str | None]:
        """Number of this page, of the last one, and address of the next one."""
        markup = self.markup
        found = element(markup, "pagination", self.body_start)
        if found is None or "page" not in found[1]:
            number = page_of(self.page.url) or 1
            return number, number, None
        navigation = found[1][:20_000]
        current = element(navigation, "pagination_current")
        number = (number_of(inline_text(current[1])) if current else None) or page_of(self.page.url) or 1
        numbers, links = [number], {}
        jump = None
        for tag, text in _ANCHOR.findall(navigation):
            href = attribute(tag, "href")
            if not href or "javascript:" in href:
                continue
            if "pagination_next" in tag:
                jump = href
            elif (shown := number_of(inline_text(text))) and "pagination_previous" not in tag:
                numbers.append(shown)
                links[shown] = href
        if (stated := _PAGES_SHOWN.search(navigation)) is not None:
            numbers.append(number_of(stated[1]) or 0)
        following = links.get(number + 1) or jump
        return number, max(numbers), self.address(following) if following else None

    # -- messages -----------------------------------------------------------------------------------------------------

    @cached_property
    def asks_to_log_in(self) -> bool:
        """Whether the page's content is a form to log in: behind the breadcrumb, and not the header's hidden one."""
        markup = self.markup
        start = max(markup.find('class="navigation"', self.body_start), self.body_start)
        at = markup.find('value="do_login"', start)
        while at >= 0:
            hidden = markup.rfind('id="quick_login"', self.body_start, at)
            bounds = tag_at(markup, hidden) if hidden >= 0 else None
            if bounds is None or closing(markup, "div", bounds[1], len(markup)) < at:
                return True
            at = markup.find('value="do_login"', at + 1)
        return False

    @cached_property
    def message(self) -> str | None:
        """What the software tells the reader instead of content: in a table that is headed as the page is titled."""
        comment = self.markup.find("<!-- start: error", 0, 4_000)
        found = _MESSAGE.search(self.markup, self.body_start)
        if found is None or (comment < 0 and inline_text(found[1]) != (self.title or "")):
            return None
        cell = self.markup[found.end() : self.markup.find("</td", found.end())]
        said = inline_text(cell.partition("<form")[0].partition("<table")[0])
        return said[:300] or None


def dated(markup: str) -> tuple[str, str]:
    """(date as worded, date in full) of a fragment: of "Yesterday" and "2 hours ago" a title tells the day or all."""
    worded = inline_text(markup)
    if "title=" not in markup:
        return worded, worded
    return worded, inline_text(_SPAN_TITLE.sub(lambda found: found[1], _EMPTY.sub("", markup)))
