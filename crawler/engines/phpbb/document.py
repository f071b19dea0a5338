"""A page of phpBB as a whole: version, section, title, breadcrumb, pages, messages, clock."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from crawler.engines.dates import LocalDates
from crawler.engines.frame import Frame
from crawler.engines.html import COMMENT, attribute, decoded, element, elements, holds, inline_text, number_of, offsets
from crawler.engines.page import Page
from crawler.engines.phpbb.addresses import board_id_of, is_reordered, resolved, start_of, thread_id_of
from crawler.engines.phpbb.clock import stated_zone

_BODY = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)
_SECTION = re.compile(r"\bsection-([a-z_/]+)")
_SCRIPT_NAME = re.compile(r"/(viewtopic|viewforum|index|search|ucp|memberlist|posting|mcp|login|faq|profile)\.php")
_PAGE_OF = re.compile(r"<(strong|b)>\s*(\d{1,6})\s*</\1>[^<>\d]{1,16}<\1>\s*(\d{1,6})\s*</\1>")
_ACTIVE = re.compile(r'<li\b[^<>]*\sclass="[^"]*\bactive\b[^"]*"[^<>]*>\s*<(?:span|a)[^<>]*>\s*(\d{1,6})\s*</')
_ANCHOR = re.compile(r'<a\b([^<>]*\shref="([^"<>]*)"[^<>]*)>((?:[^<]++|<(?!/a>)){0,3000})</a>')
_HEADING = re.compile(r"<(h[1-4])\b[^<>]*>((?:[^<]++|<(?!/h[1-4]>)){1,4000})</\1>")
PREFIX = re.compile(
    r'<(span|strong|a)\b[^<>]*\sclass="[^"<>]*\b(?:topic_?-?prefix|prefix|topic-label)\b[^"<>]*"[^<>]*>'
    r"((?:[^<]++|<(?!/\1>)){0,200})</\1>"
)
_NUMBERED = re.compile(r"<a\b([^<>]*+)>\s*+(\d{1,6})\s*</a>")
_STARTED = re.compile(r'<a\b[^<>]*\shref="([^"#<>]*start[^"#<>]*)"')
_REL_NEXT = re.compile(r'<(?:a|link)\b[^<>]*\srel="next"[^<>]*>')
_SELECTED = re.compile(r'<option\s+value="(\w+)"\s+selected')
_ORDERS = re.compile(r'<select\b[^<>]*\sname="(sd|sk|st|postorder|postdays)"[^<>]*>')
_HREF = re.compile(r'href="([^"<>]*)"')
_FORUM_NAME = re.compile(r"-f\d")
_CRUMBS = ("data-forum-id=", "navlinks", "breadcrumb", 'id="pageheader"', 'class="nav"')
_ADVICE = re.compile(r'<a\b[^<>]*(?:\sclass="first-unread|\shref="[^"]*#unread")[^<>]*>[^<]*</a>\s*(?:&bull;|•)?')
_BRACKETED = re.compile(r"\[\s*(\d[\d.,\s]*)[^\d\[\]<>]{1,40}\]|\[[^\d\[\]<>]{1,40}(\d[\d.,]*)\s*\]")
_PARAGRAPH = re.compile(r"<p\b[^<>]*>((?:[^<]++|<(?!/p>)){1,4000})</p>")
_PER_PAGE = re.compile(r"[1-9]\d*")
_PASSWORD = re.compile(r'<input\b[^<>]*\stype="password"', re.IGNORECASE)
_REACH = 12_000


class Document(Frame):
    """A page of phpBB, with what its frame says."""

    def __init__(self, page: Page, markup: str) -> None:
        super().__init__(page, markup)
        self.before = markup[self.body_start :]
        """Markup from <body> to the posts or rows; of a page without any, all of it."""
        self.behind = ""
        """Markup behind the last post or row."""

    def set_content(self, start: int, end: int) -> None:
        """Says where the posts or rows are: what frames the page is before and behind them."""
        self.before, self.behind = self.markup[self.body_start : start], self.markup[end:]

    @cached_property
    def body_tag(self) -> str:
        """Start tag of <body>."""
        found = _BODY.search(self.markup, self.body_start, self.body_start + 5_000)
        return found[0] if found else ""

    @cached_property
    def section(self) -> str:
        """What the page is, as prosilver or the address names it: "viewtopic", "viewforum", "index", "ucp"."""
        found = _SECTION.search(self.body_tag)
        if found is None:
            found = _SCRIPT_NAME.search(self.declared_url or self.page.url)
        return found[1] if found else ""

    @cached_property
    def is_newer(self) -> bool:
        """Whether the page is of 3.1 or later."""
        head = self.markup[: self.body_start or 20_000]
        tail = self.markup[-8_000:]
        return "style.php?id=" not in head and (
            "assets_version" in head
            or "assets_version" in tail
            or "phpBB Limited" in tail
            or "notouch" in self.body_tag
            or holds(self.before, "dropdown-container")
        )

    @cached_property
    def version(self) -> str:
        """Version as far as told by files, copyright and markup."""
        head, tail = self.markup[: self.body_start or 20_000], self.markup[-8_000:]
        if self.is_newer:
            if "font-awesome" in head or "fa-fw" in self.markup:
                return "3.3" if "jquery-3" in tail else "3.2"
            return "3.1"
        if "phpbb" in self.body_tag or "/prosilver/" in head or "subsilver2" in head:
            return "3.0"
        return "2.0" if "templates/" in head or "phpBB 2" in tail or 'class="forumline"' in self.markup else "3.0"

    # -- where the page stands ------------------------------------------------------------------------------------

    @cached_property
    def topic_links(self) -> list[tuple[str, str, str]]:
        """(tag, address, name) of links in headings above the posts that lead to a topic."""
        found = []
        before = self.before
        for at in offsets(before, "<h"):
            heading = _HEADING.match(before, at)
            if heading is not None and "href" in heading[2]:
                for link in _ANCHOR.finditer(heading[2]):
                    href = decoded(link[2])
                    if thread_id_of(href) is not None:
                        found.append((link[1], href, link[3]))
        if not found:
            for sign in ('class="titles"', 'class="maintitle"', 'class="topic-title"'):
                at = before.find(sign) if holds(before, sign) else -1
                opened = before.rfind("<", 0, at) if at >= 0 else -1
                named = _ANCHOR.match(before, opened) if opened >= 0 else None
                if named is not None and thread_id_of(decoded(named[2])) is not None:
                    found.append((named[1], decoded(named[2]), named[3]))
        return found

    @cached_property
    def parent_board(self) -> str | None:
        """Id of the innermost forum in the breadcrumb."""
        before = self.before
        for sign in _CRUMBS:
            at = before.find(sign) if holds(before, sign) else -1
            while at >= 0:
                if sign == "data-forum-id=":
                    last = before.rfind(sign)
                    number = before[last + 15 : before.find('"', last + 15)]
                    return number if number.isdecimal() else None
                block = before[at : at + 6_000]
                stop = min(
                    (stop for tag in ("</ul>", "</p>", "</ol>", "</nav>", "</td>") if (stop := block.find(tag)) >= 0),
                    default=3_000,
                )
                found = _last_board(block[:stop])
                if found is not None:
                    return found
                at = before.find(sign, at + len(sign))
        return _last_board(before) or board_id_of(self.page.url)

    # -- pages ----------------------------------------------------------------------------------------------------

    def _numbers(self) -> tuple[int, int] | None:
        for part in (self.before, self.behind):
            for found in _PAGE_OF.finditer(part):
                page, last = int(found[2]), int(found[3])
                if 1 <= page <= last:
                    return page, last
        return None

    @cached_property
    def _links(self) -> dict[int, str]:
        """Page number -> address, of the links to other pages."""
        links: dict[int, str] = {}
        for part in (self.before, self.behind[:_REACH]):
            for tag, number in _NUMBERED.findall(part):
                href = attribute(tag, "href") or ""
                if _leads_on(href):
                    links.setdefault(int(number), href)
        return links

    def _link_to(self, page: int) -> str | None:
        """Address of the link whose text is that page's number."""
        for part in (self.before, self.behind):
            for sign in (f">{page}</a>", f"> {page} </a>"):
                at = part.find(sign)
                while at >= 0:
                    opened = part.rfind("<a", 0, at)
                    href = attribute(part[opened : at + 1], "href") if opened >= 0 else None
                    if href and _leads_on(href):
                        return href
                    at = part.find(sign, at + 1)
        return None

    @cached_property
    def per_page(self) -> int | None:
        """Posts or topics a page, as far as the page tells."""
        above = self.markup[: self.body_start + len(self.before)]
        for sign in ('data-per-page="', "var per_page = '"):
            part = next((part for part in (above, self.behind) if holds(part, sign)), "")
            at = part.find(sign) + len(sign)
            if (found := _PER_PAGE.match(part, at, at + 6)) is not None:
                return int(found[0])
        for number, href in self._links.items():
            start = start_of(href)
            if number > 1 and start and start % (number - 1) == 0:
                return start // (number - 1)
        return None

    @cached_property
    def pages(self) -> tuple[int | None, int | None, str | None]:
        """Number of this page, of the last one, and address of the next one."""
        numbers = self._numbers()
        if numbers is None:
            active = next((found for part in (self.before, self.behind) if (found := _ACTIVE.search(part))), None)
            start = start_of(self.page.url)
            if active is not None:
                page = int(active[1])
            elif start and self.per_page:
                page = start // self.per_page + 1
            elif start:
                return None, None, self._next(None)
            else:
                page = 1
            numbers = page, max([page, *self._links])
        page, last = numbers
        return page, last, self._next(page) if page < last else None

    def _next(self, page: int | None) -> str | None:
        href = self._link_to(page + 1) if page is not None else None
        if href is None:
            for part in (self.markup[: self.body_start], self.before, self.behind):
                if (found := _REL_NEXT.search(part)) is not None:
                    href = attribute(found[0], "href")
                    break
        if href is None and page is not None and self.per_page:
            for part in (self.before, self.behind):
                for found in _STARTED.finditer(part):
                    if start_of(decoded(found[1])) == page * self.per_page:
                        href = decoded(found[1])
                        break
        return resolved(self.base, href) if href else None

    @cached_property
    def first_position(self) -> int | None:
        """Number of the page's first post in its thread; None where the order or the offset is not certain."""
        if is_reordered(self.page.url):
            return None
        behind = self.behind
        at = behind.find("<select")
        while at >= 0:
            found = _ORDERS.match(behind, at)
            at = behind.find("<select", at + 7)
            if found is None:
                continue
            options = behind[found.end() : found.end() + 1_500]
            stop = options.find("</select")
            chosen = _SELECTED.search(options if stop < 0 else options[:stop])
            if chosen is not None and chosen[1] not in {"a", "asc", "t", "0"}:
                return None
        page = self.pages[0]
        start = start_of(self.page.url)
        if page == 1:
            return 1 if not start else None
        if page is not None and start:
            return start + 1
        if page is not None and self.per_page:
            return (page - 1) * self.per_page + 1
        return None

    @cached_property
    def total(self) -> int | None:
        """How many posts the thread, or topics the board, has: "147 posts • Page 2 of 10", "[ 147 posts ]"."""
        for part in (self.before, self.behind):
            for _, content in elements(part, "pagination"):
                text = _ADVICE.sub("", content)
                text = inline_text(re.split(r"<(?:strong|ul|a|b)\b", text, maxsplit=1)[0])
                words = re.split("[•·|]", text)
                for word in words:
                    if any(character.isdigit() for character in word) and (number := number_of(word)) is not None:
                        return number
            at = part.find('class="nav"')
            if at >= 0 and (found := _BRACKETED.search(part, at, at + _REACH)) is not None:
                return number_of(found[1] or found[2])
        return None

    # -- what the page says ---------------------------------------------------------------------------------------

    @cached_property
    def message(self) -> str | None:
        """What phpBB tells its reader in a box of its own instead of content."""
        markup = self.before
        if 'id="message"' not in markup and ("topictitle" in markup or "forumlink" in markup or "forumtitle" in markup):
            return None
        markup = COMMENT.sub("", markup)
        at = markup.find('id="message"')
        if at >= 0:
            block = markup[markup.find(">", at) + 1 : at + _REACH]
            paragraph = _PARAGRAPH.search(block)
            return (inline_text(paragraph[1]) if paragraph else "")[:300] or inline_text(block[:2_000])[:300] or None
        if "topictitle" not in markup and "forumlink" not in markup and "forumtitle" not in markup:
            for sign in ('class="tablebg"', 'class="forumline"'):
                if said := _boxed(markup, sign):
                    return said[:300]
        if "General Error" in (self.title or "") or "SQL ERROR" in markup[:4_000]:
            return inline_text(markup[:3_000])[:300] or "General Error"
        return None

    @property
    def login_title(self) -> str | None:
        """What the form to log in says above its fields."""
        found = element(self.markup, "login-title", self.body_start)
        return inline_text(found[1])[:300] or None if found else None

    @cached_property
    def asks_to_log_in(self) -> bool:
        """Whether the page's content is a form to log in (not the short one below an index)."""
        markup = self.markup
        if ('id="login"' in markup or 'id="login_forum"' in markup) and _PASSWORD.search(markup):
            return True
        if 'name="password"' not in markup:  # the one of a form to register is "new_password"
            return False
        if self.section == "ucp" or "login" in self.section or 'action="login.php' in markup:
            return True
        # Some styles have a short form on every page; only the long one asks whether to be hidden from others.
        return 'ucp.php?mode=login"' in markup and 'name="viewonline"' in markup

    def dates(self, samples: list[str]) -> LocalDates:
        """The reader of the page's dates in words; `samples` are some of them."""
        zone = stated_zone(self.before, self.behind, newer=self.is_newer)
        return LocalDates(zone=zone, fetched_at=self.page.fetched_at, samples=samples)


def boards_linked(markup: str) -> Iterator[str]:
    """Ids of the forums that links in this piece of the page lead to, in order."""
    return _boards(_HREF.findall(markup))


def _last_board(markup: str) -> str | None:
    """The last of `boards_linked`."""
    return next(_boards(reversed(_HREF.findall(markup))), None)


def _boards(hrefs: Iterable[str]) -> Iterator[str]:
    for href in hrefs:
        if "forum" in href or _FORUM_NAME.search(href) is not None:
            board = board_id_of(decoded(href))
            if board is not None:
                yield board


def _leads_on(href: str) -> bool:
    """Whether an address is that of a page of a topic or forum."""
    return start_of(href) is not None or thread_id_of(href) is not None or board_id_of(href) is not None


def _boxed(markup: str, sign: str) -> str | None:
    """Text of subSilver's box for messages: a table with a heading and one line, without any form."""
    at = markup.find(sign)
    while at >= 0:
        block = markup[at : at + 6_000]
        stop = block.find("</table>", max(block.find('class="gen"'), 0))
        block = block[: stop if stop >= 0 else len(block)]
        said = element(block, "gen")
        text = inline_text(said[1]) if said is not None else ""
        if text and "<form" not in block and "<input" not in block and "<th" in block:
            return text
        at = markup.find(sign, at + len(sign))
    return None


def count_in(tail: str, name: str) -> int | None:
    """The number in the column of that class."""
    sign = f'class="{name}'
    if not holds(tail, sign):
        return None
    at = tail.find(sign)
    opened = tail.find(">", at) + 1
    text = inline_text(tail[opened : tail.find("</", opened)].partition("<dfn")[0])
    return number_of(text) if text else None
