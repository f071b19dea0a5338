"""A page of Simple Machines Forum as a whole: version, breadcrumb, title, ids, links to its other pages."""

import re
from collections.abc import Iterator
from functools import cached_property

from crawler.engines.html import (
    absolute,
    attribute,
    closing,
    element,
    elements,
    inline_text,
    number_of,
    tag_at,
)
from crawler.engines.page_reading import ForumDocument
from crawler.engines.smf.addresses import board_of, clean, first_page, offset_of, topic_of, user_of

_POWERED = re.compile(r"SMF (\d\.\d(?:\.\d+)?)")
_SIGNS = ("Powered by SMF", ">SMF ", "SMF &copy;", "SMF ©", "Powered by Smf")
_ELK = re.compile(r"(?:Powered by\s*)?(?:ElkArte|Elkarte) (\d\.\d(?:\.\d+)?)")
_ASSET = re.compile(r"(?:\?|%3F)(?:fin|rc\d?|smf)(\d)(\d)", re.IGNORECASE)
_TRAILS = ("navigate_section", "linktree", "breadcrumb", "breadcrumbs", "navigate", "nav", "navigation")
_ANCHOR = re.compile(r"<a\b([^<>]*)>(.{0,2000}?)</a>", re.DOTALL)
_CURRENT = re.compile(
    r"\[\s*<(?:strong|b|span)[^<>]{0,60}>\s*(\d[\d.,]{0,9})\s*</|"
    r'<(?:strong|span|li|a)[^<>]{0,200}class="(?:[\w-]+ ){0,3}current_?[pP]age[^<>]{0,80}>\s*(\d[\d.,]{0,9})\s*<'
)
_NAVIGATION = re.compile(r'class="(?:[\w-]+ ){0,4}(?:pagelinks|pagesection|navPages|nav_page|current_page)[ "]')
_PAGE_LINK = re.compile(r"<a\b([^<>]{0,600})>\s*(?:<[^<>/]{0,100}>\s*)?(\d[\d.,]{0,9})\s*<")
_NEXT_LINK = re.compile(
    r'<a\b([^<>]{0,600})>\s*<span class="[^"<>]*\bnext_page\b|<a\b([^<>]{0,600})>\s*(?:»|&#187;|&raquo;)\s*</a>'
)
_OLD_ERROR = re.compile(r'<td class="windowbg"[^<>]{0,80}padding: ?3ex;?"[^<>]{0,40}>')
_NAVIGATION_SIZE = 8_000
_HEADING = 60_000
# What stands before the id of the page's own topic or board.
_OWN_TOPIC = (
    *("action=quickmod2;topic=", "iTopicId:", "action=printpage;topic=", "action=sendtopic;topic="),
    *("action=emailuser;sa=sendtopic;topic=", "action=notify;topic="),
)
_OWN_BOARD = (
    *("iCurBoardId:", "action=post;board=", "action=newpoll;board=", "action=markasread;sa=board;board="),
    "action=notifyboard;board=",
)
_TITLE_ENDING = re.compile(r"(?:\s|&nbsp;|\xa0)*\([^()\d]{0,40}(\d[\d.,]*)[^()\d]{0,30}\)\s*$")
_TOPIC_LABEL = re.compile(r"^[^\W\d_]{2,20}\s?[:：]\s*")  # noqa: RUF001


class Document(ForumDocument):
    """A page of Simple Machines Forum, with what its frame says."""

    @cached_property
    def is_ours(self) -> bool:
        """Whether the page's frame is that of Simple Machines Forum or of software that descends from it."""
        markup = self.markup
        if "smf_scripturl" in markup or "smf_theme_url" in markup or "elk_scripturl" in markup:
            return True
        return "simplemachines.org" in markup and any(sign in markup for sign in _SIGNS)

    @cached_property
    def version(self) -> str | None:
        """Version as far as told: in the footer, else by the names of the page's scripts."""
        markup = self.markup
        if (found := _POWERED.search(markup, max(len(markup) - 30_000, 0))) is not None:
            return found[1]
        if "elk_scripturl" in markup and (elk := _ELK.search(markup)) is not None:
            return f"ElkArte {elk[1]}"
        asset = _ASSET.search(markup, 0, 60_000)
        return f"{asset[1]}.{asset[2]}" if asset else None

    # -- addresses and ids --------------------------------------------------------------------------------------------

    def address(self, href: str) -> str:
        """An address of the page's markup, absolute, without session id."""
        return clean(absolute(self.base, href))

    @cached_property
    def own_address(self) -> str:
        """Address that the page gives itself, else the one it was fetched from."""
        return self.address(self.link("canonical") or self.page.url)

    def topic(self) -> str | None:
        """Id of the topic of a topic's page."""
        if (found := topic_of(self.own_address) or topic_of(self.page.url)) is not None:
            return found
        if (own := self.id_behind(_OWN_TOPIC)) is not None:
            return own
        return next((found for href, _ in reversed(self.breadcrumb) if (found := topic_of(href))), None)

    def board(self, *, listed: bool = False) -> str | None:
        """Id of the board that the page shows (`listed`) or stands in."""
        if listed and (found := board_of(self.own_address) or board_of(self.page.url)) is not None:
            return found
        for href, _ in reversed(self.breadcrumb):
            if (found := board_of(href)) is not None and topic_of(href) is None:
                return found
        own = self.id_behind(_OWN_BOARD)
        return own if own != "0" else None

    @cached_property
    def offset(self) -> int | None:
        """How many posts or topics come before this page; None where no address says."""
        declared = offset_of(self.own_address)
        return declared if declared is not None else offset_of(self.page.url)

    # -- title --------------------------------------------------------------------------------------------------------

    @cached_property
    def breadcrumb(self) -> list[tuple[str, str]]:
        """(address, name) of each step to the page, from the outside in."""
        limit = self.content[0] if self.content else len(self.markup)
        best: list[tuple[str, str]] = []
        for name in _TRAILS:
            for _, content in elements(self.markup, name, self.body_start, limit):
                steps = [
                    (href, inline_text(text))
                    for tag, text in _ANCHOR.findall(content[:20_000])
                    if (href := attribute(tag, "href")) and user_of(href) is None
                ]
                if any(topic_of(href) or board_of(href) for href, _ in steps):
                    return steps
                best = best or steps
        return best

    @cached_property
    def heading(self) -> tuple[str | None, int | None]:
        """The topic's title, and how often the page says it was read."""
        limit = self.content[0] if self.content else len(self.markup)
        start = max(self.body_start, limit - _HEADING)
        at = self.markup.find('id="top_subject"', start, limit)
        shown = self._element_at(at) if at >= 0 else None
        if shown is None and (at := self.markup.find('id="author"', start, limit)) >= 0:
            heading = self.markup.find("</h3>", at, limit)
            shown = (
                inline_text(self.markup[self.markup.find("</span>", at, limit) + 7 : heading]) if heading >= 0 else None
            )
        read = _TITLE_ENDING.search(shown) if shown else None
        title = next((name for href, name in reversed(self.breadcrumb) if name and topic_of(href)), None)
        if title is None and shown:
            title = shown[: read.start()] if read else shown
            title = _TOPIC_LABEL.sub("", title) if read else title
        return title or self.title, number_of(read[1]) if read else None

    def _element_at(self, at: int) -> str | None:
        bounds = tag_at(self.markup, at)
        if bounds is None:
            return None
        name = self.markup[bounds[0] + 1 : at].split(None, 1)[0]
        return inline_text(
            self.markup[bounds[1] : closing(self.markup, name, bounds[1], min(bounds[1] + 3_000, len(self.markup)))]
        )

    # -- pages --------------------------------------------------------------------------------------------------------

    @cached_property
    def pages(self) -> tuple[int, int, str | None]:
        """Number of this page, of the last one, and address of the next one."""
        navigation = self._navigation()
        current = _CURRENT.search(navigation)
        number = (number_of(current[1] or current[2]) if current else None) or 0
        links: dict[int, str] = {}
        for tag, text in _PAGE_LINK.findall(navigation):
            href, shown = attribute(tag, "href"), number_of(text)
            if href and shown and not href.startswith(("#", "javascript:")):
                links.setdefault(shown, href)
        if not number:
            number = self._unmarked(links)
        following = links.get(number + 1)
        if following is None and (jump := _NEXT_LINK.search(navigation)) is not None:
            following = attribute(jump[1] or jump[2] or "", "href")
        last = max([number, *links])
        if following is None and not links and (declared := self._declared_next()):
            following, last = declared, max(last, number + 1)
        return number, last, self.address(following) if following else None

    def _unmarked(self, links: dict[int, str]) -> int:
        """Number of the page where none is marked as the current one: the gap in the links, by its offset."""
        steps = [offset // (number - 1) for number, href in links.items() if number > 1 and (offset := offset_of(href))]
        return self.offset // steps[0] + 1 if steps and steps[0] and self.offset else 1

    def _declared_next(self) -> str | None:
        """rel="next" of the head, unless it means the next topic, as in many versions."""
        href = self.link("next")
        return href if href and "prev_next" not in href and offset_of(href) else None

    def _navigation(self) -> str:
        """Markup of the links to the other pages, above the posts or rows or else below them."""
        markup = self.markup
        first, last = self.content or (len(markup), len(markup))
        for start, limit in ((self.body_start, first), (last, len(markup))):
            if start < first and (near := markup.rfind('class="pagelinks', start, limit)) >= 0:
                return markup[near : min(near + _NAVIGATION_SIZE, limit)]
            found = _NAVIGATION.search(markup, start, limit)
            if found is None and (current := _CURRENT.search(markup, start, limit)) is not None:
                return markup[current.start() : min(current.start() + _NAVIGATION_SIZE, limit)]
            if found is not None:
                begin = max(found.start() - 600, start)
                if "pagelinks" in found[0] or "pagesection" in found[0]:
                    begin = found.start()
                return markup[begin : min(begin + _NAVIGATION_SIZE, limit)]
        return ""

    @cached_property
    def message(self) -> str | None:
        """What the software tells the reader instead of content: of its error page or login page."""
        markup = self.markup
        at = markup.find('id="fatal_error"', self.body_start)
        if at >= 0:
            found = element(markup, "padding", at) or element(markup, "windowbg", at)
            return inline_text(found[1])[:300] if found else None
        if "3ex" in markup and (old := _OLD_ERROR.search(markup)) is not None:
            return inline_text(markup[old.end() : closing(markup, "td", old.end(), len(markup))])[:300] or None
        return None

    def first_address(self) -> str:
        """Address of the first page of the topic or board that the page shows."""
        if topic_of(self.own_address) is None and board_of(self.own_address) is None:
            hrefs = [href for href, _ in reversed(self.breadcrumb) if topic_of(href) or board_of(href)]
            if hrefs:
                return first_page(self.address(hrefs[0]))
        return first_page(self.own_address)


def leading_number(line: str) -> int | None:
    """The number in a line such as "11 Replies"."""
    first = line.split(None, 1)[:1]
    return int(first[0][:12]) if first and first[0].isdecimal() else number_of(inline_text(line))


def first_of(markup: str, signs: tuple[str, ...], start: int = 0) -> int:
    """Offset of the sign that comes first, -1 where there is none."""
    return min((at for sign in signs if (at := markup.find(sign, start)) >= 0), default=-1)


def marked(markup: str, sign: str, start: int, limit: int | None = None) -> Iterator[tuple[str, int]]:
    """(number, offset) of each attribute that begins with a sign and ends with a number."""
    width, find = len(sign), markup.find
    limit = len(markup) if limit is None else limit
    at = find(sign, start, limit)
    while at >= 0:
        number = markup[at + width : find('"', at + width, at + width + 16)]
        if number.isdecimal():
            yield number, at
        at = find(sign, at + width, limit)
