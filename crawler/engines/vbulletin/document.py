"""One page of vBulletin: its frame, version, pages, title, place in the tree of boards, and the zone of its dates."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from functools import cached_property

from crawler.engines.dates import LocalDates, zone_of
from crawler.engines.frame import Frame
from crawler.engines.html import absolute, attribute, element, elements, inline_text, number_of, tag_at
from crawler.engines.page import Page
from crawler.engines.vbulletin import addresses
from crawler.engines.vbulletin.marks import first_number

_GENERATOR = re.compile(r"vBulletin\s+(\d+(?:\.\d+)*)", re.IGNORECASE)
_POWERED = re.compile(
    r"vBulletin\s*(?:®|&reg;|&#174;|\(R\)|™|&trade;|<sup>[^<]{0,9}</sup>)?\s*(?:Forum\s+Software|Solutions)?,?\s*"
    r"(?:Version|versi\w+|Версия|v\.?)?\s*(\d+\.\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_OF = re.compile(
    r">[^<>\d]{0,30}(\d[\d.,]{0,8})\s*[^\d<>]{1,14}\s*(\d[\d.,]{0,8})[^<>\d]{0,6}</(?:td|a|span|div|strong)>"
)
# "Showing results 11 to 19 of 19", as text or on the number of the current page.
_RESULTS = re.compile(
    r'(?:<span class="(?:smallfont|selected)"[^<>"]*(?:><a [^<>]*)?title="|^)[^<>"\d]{0,40}'
    r'(\d[\d.,]*)[^<>"\d]{1,12}(\d[\d.,]*)[^<>"\d]{1,14}(\d[\d.,]*)'
)
_BLOCKS = (
    'class="pagenav',
    'class="pagination ',
    'class="threadpagenav',
    'id="pagination_bottom"',
    'id="pagination_top"',
)
_NEXT = re.compile(r'<a\b[^<>]*\srel="next"[^<>]*>')
_LINK = re.compile(r'<a\b[^<>]*\shref="([^"]*)"')
_BUTTON = re.compile(r'<a\b[^<>]*\sclass="[^"]*js-pagenav-(current|last|next)-button[^"]*"[^<>]*>')
_TOTAL = re.compile(r'class="pagetotal[^"]*">\s*(\d[\d,.]*)')
# "GMT -5", "WEZ +2", "GMT +5.5" (half past five), "GMT +05:45".
_ZONE = re.compile(
    r"(?:GMT|UTC|WEZ|UCT)\b(?:\s{0,3}(?:&nbsp;)?([+\-−])\s{0,2}(\d{1,2})(?:(:\d\d|\.(?:50?|25|75))(?!\d))?)?"  # noqa: RUF001
)
_MINUTES = {".5": ":30", ".50": ":30", ".25": ":15", ".75": ":45"}
_CLOCK = re.compile(r"\d\d?[:h.]\d\d")
_BOARD_HINTS = (
    "newthread.php?do=newthread&amp;f=",
    "forumdisplay.php?do=markread&amp;f=",
    "forumchoice[]=",
    "forumids=",
    "search.php?f=",
    "misc.php?do=showrules&amp;f=",
)
_BOARD_LATE = re.compile(r"location=(?:topic|forum)[^\"]{0,90}&amp;fid=(\d+)|<option value=\"(\d+)\" class=\"fjsel\"")
_TRAIL = ('class="navbit"', 'class="crumb-link', 'class="navbar"', 'class="breadcrumb')
_TRAIL_END = re.compile(r"</ul>|</table>|</tr>|</nav>|</ol>|<h1|</div>\s*</div>|<strong>")
_ENDS_IN_ID = re.compile(r"(?:^|/)[^/?#.]*[^/?#.\d]-(\d+)/$")
_HEAD = 60_000
# What tells on a list of threads whose it is.
_OWN_BOARD = (
    "inlinemod.php?forumid=",
    'id="threadbits_forum_',
    "newthread.php?do=newthread&amp;f=",
    "mark_forum_and_threads_read(",
    'name="f" value="',
    'name="forumid" value="',
    'name="forumchoice[]" value="',
)


def without_scripts(text: str) -> str:
    """The text with its scripts cut out, which write tags of their own; found in one pass."""
    at = text.find("<script")
    if at < 0:
        return text
    parts, position = [], 0
    while at >= 0:
        end = text.find("</script", at)
        if end < 0:
            break
        parts.append(text[position:at])
        position = text.find(">", end) + 1 or len(text)
        at = text.find("<script", position)
    parts.append(text[position:])
    return "".join(parts)


class Document(Frame):
    """A page's text without scripts, and what all of its parts need to know."""

    def __init__(self, page: Page, text: str) -> None:
        super().__init__(page, without_scripts(text))
        self.text = text
        # Offsets of the first and the last post or row: what frames a page stands around them.
        self.content: tuple[int, int] | None = None

    def find(self, sign: str) -> int:
        """Offset of a text above or below the page's posts or rows; -1 where there is none."""
        if self.content is None:
            return self.markup.find(sign, self.body_start)
        at = self.markup.find(sign, self.body_start, self.content[0])
        return at if at >= 0 else self.markup.find(sign, self.content[1])

    @cached_property
    def is_rewritten(self) -> bool:
        """Whether something has put the tags into capitals, or the quotes of attributes away."""
        if not self.body_start and self.markup.find("<BODY", 0, 200_000) >= 0:
            return True
        for sign in (" class=", " id="):
            width = len(sign)
            at, seen, odd = self.markup.find(sign, self.body_start), 0, 0
            while at >= 0 and seen < 20:
                seen, odd = seen + 1, odd + (self.markup[at + width : at + width + 1] != '"')
                at = self.markup.find(sign, at + width)
            if odd * 2 > seen:
                return True
        return False

    @cached_property
    def title(self) -> str | None:
        """Content of <title>, also where a parser that wrote the page has moved it into the body."""
        at = self.markup.find("<title", 0, 200_000)
        end = self.markup.find("</title>", at, at + 4_000) if at >= 0 else -1
        return inline_text(self.markup[self.markup.find(">", at) + 1 : end]) or None if end >= 0 else None

    @cached_property
    def is_nodes(self) -> bool:
        """Whether versions 5 or 6 wrote it, where all is a node."""
        generator = _GENERATOR.match(self.generator or "")
        if generator is not None:
            return int(generator[1].split(".")[0]) >= 5
        if "vbulletin_html" in self.html_tag:
            return False
        if self.text.find('"baseurl_core"', 0, _HEAD) >= 0:
            return True
        if self.text.find("clientscript/vbulletin", 0, _HEAD) >= 0:  # of versions 3 and 4
            return False
        return 'data-node-publishdate="' in self.markup

    @cached_property
    def version(self) -> str | None:
        """Version of the software: by the generator, the footer, or the addresses of its scripts."""
        if (found := _GENERATOR.match(self.generator or "")) is not None:
            return found[1]
        at, tries = self.text.rfind("vBulletin"), 0
        while at >= 0 and tries < 12:
            if (found := _POWERED.match(self.text, at)) is not None:
                return found[1]
            at, tries = self.text.rfind("vBulletin", 0, at), tries + 1
        digits = first_number(self.text, ".js?v=", 'SIMPLEVERSION = "', '"v=')
        return f"{digits[0]}.{digits[1]}.{digits[2:]}" if digits and len(digits) in {3, 4} else None

    # -- pages ----------------------------------------------------------------------------------------------------

    @cached_property
    def pages(self) -> tuple[int, int, str | None]:
        """Number of this page, of the last one, and the next one's address."""
        return self._node_pages() if self.is_nodes else self._old_pages()

    @cached_property
    def _navigation(self) -> str:
        for sign in reversed(_BLOCKS) if "vbulletin_html" in self.html_tag else _BLOCKS:
            at = self.find(sign)
            if at >= 0:
                return self.markup[at : at + 8_000]
        return ""

    def _old_pages(self) -> tuple[int, int, str | None]:
        block, page, last = self._navigation, 1, 1
        if (found := _OF.search(block, 0, 2_500)) is not None:
            page, last = number_of(found[1]) or 1, number_of(found[2]) or 1
        elif block:
            page = addresses.page_of(self.page.url) or 1
            last = max([page, *(number for href in _LINK.findall(block) if (number := addresses.page_of(href)))])
        else:
            page = last = addresses.page_of(self.page.url) or 1
        if not 1 <= page <= last:
            page, last = min(page, last), max(page, last)
        return page, last, self._next(block, page + 1) if page < last else None

    def total(self, shown: int) -> int | None:
        """Posts of the whole thread, as the page counts them ("Results 11 to 19 of 19") and where `shown` agrees."""
        at = self.find('class="postpagestats"')
        stats = inline_text(self.markup[at : at + 200].partition(">")[2].partition("<")[0]) if at >= 0 else ""
        found = _RESULTS.search(stats) or _RESULTS.search(self._navigation, 0, 4_000)
        if found is None:
            return None
        first, last, total = (number_of(found[index]) or 0 for index in (1, 2, 3))
        return total if last - first + 1 == shown and last <= total else None

    def _next(self, block: str, number: int) -> str | None:
        """Address of page `number`, which is the next one."""
        if (tag := _NEXT.search(block)) is not None and (href := attribute(tag[0], "href")):
            return addresses.bare(absolute(self.base, href))
        if linked := self.link("next"):
            return addresses.bare(linked)
        for href in _LINK.findall(block):  # versions up to 3.5 do not say which link is the next page's
            plain = href.replace("&amp;", "&")
            if addresses.page_of(plain) == number or plain.endswith(f"-{number}.html"):
                return addresses.bare(absolute(self.base, plain))
        return None

    def _node_pages(self) -> tuple[int, int, str | None]:
        at = self.find("js-pagenav")
        block = self.markup[at : at + 12_000] if at >= 0 else ""
        found = {button[1]: button[0] for button in reversed(list(_BUTTON.finditer(block)))}
        current = number_of(attribute(found.get("current", ""), "data-page") or "")
        page = current or int((first_number(self.text, '"pagenum": "', '"pagenum":"') or "0")[:6]) or 1
        at = self.find('class="pagetotal')
        total = _TOTAL.match(self.markup, at) if at >= 0 else None
        numbers = [number_of(attribute(found.get(name, ""), "data-page") or "") for name in ("last", "next")]
        last = max(page, (number_of(total[1]) or 0) if total else 0, *(number or 0 for number in numbers))
        if page >= last:
            return page, page, None
        href = attribute(found.get("next", ""), "href") or ""
        if href not in {"", "#"}:
            return page, last, addresses.bare(absolute(self.base, href))
        near = _NEXT.search(self.markup, at, at + 3_000) if at >= 0 else None  # arrows, in early versions
        if near is not None and (href := attribute(near[0], "href") or ""):
            return page, last, addresses.bare(absolute(self.base, href))
        return page, last, self.link("next") or addresses.page_url(self.declared_url or self.page.url, page + 1)

    # -- title and place ------------------------------------------------------------------------------------------

    @cached_property
    def heading(self) -> tuple[str | None, str | None]:
        """(prefix, title) of the thread or board that the page shows."""
        limit = self.content[0] if self.content else len(self.markup)
        at, tries = (-1 if self.is_nodes else self.markup.find("<h1", self.body_start, limit)), 0
        while at >= 0 and tries < 8:
            end = self.markup.find("</h1>", at, at + 4_000)
            part = self.markup[at : end if end >= 0 else at]
            titled = element(part, "threadtitle") or element(part, "forumtitle")
            if titled is not None:
                before, link, rest = titled[1].partition("<a")
                if not link:
                    return None, inline_text(titled[1]) or None
                return inline_text(before) or None, inline_text("<a" + rest) or None
            at, tries = self.markup.find("<h1", at + 3, limit), tries + 1
        if self.is_nodes:
            for _, text in elements(self.markup, "main-title", self.body_start, limit):
                if (title := inline_text(text)) and (self.title or "").startswith(title):
                    return None, title
            return None, None
        return None, self._old_title()

    def _old_title(self) -> str | None:
        """Version 3: what stands in bold at the end of the trail of boards, else the head's title."""
        limit = self.content[0] if self.content else len(self.markup)
        at = self.markup.find('class="navbar"', self.body_start, limit)
        last = self.markup.rfind('class="navbar"', self.body_start, at + 12_000) if at >= 0 else -1
        if last >= 0:
            strong = self.markup.find("<strong>", last, last + 1_500)
            end = self.markup.find("</strong>", strong, strong + 1_500) if strong >= 0 else -1
            shown = inline_text(self.markup[strong:end]) if end >= 0 else ""
            if shown and _folded(shown)[:30] in _folded(self.title or shown):
                return shown
        at, tries = self.markup.find("<h1", self.body_start, limit), 0
        while at >= 0 and tries < 5:
            end = self.markup.find("</h1>", at, at + 2_000)
            shown = inline_text(self.markup[at:end]) if end >= 0 else ""
            if len(shown) > 2 and _folded(self.title or "").startswith(_folded(shown)):
                return shown
            at, tries = self.markup.find("<h1", at + 3, limit), tries + 1
        named = self.meta("og:title")
        if named or not self.title:
            return named
        title = re.split(r" - (?:Page|Seite|Pagina|Página|Страница|Strona) \d", self.title)[0]
        return title.rsplit(" - ", 1)[0].strip() or None

    @cached_property
    def trail(self) -> list[str]:
        """Addresses in the trail of boards, outermost first."""
        limit = self.content[0] if self.content else len(self.markup)
        for sign in _TRAIL:
            at = self.markup.find(sign, self.body_start, limit)
            if at < 0:
                continue
            last = self.markup.rfind(sign, at, at + 12_000)
            bounds = tag_at(self.markup, at)
            start = bounds[0] if bounds else at
            end = _TRAIL_END.search(self.markup, last, last + 3_000)
            found = _LINK.findall(self.markup, start, end.start() if end else last + 600)
            if any("member.php" not in href and "login" not in href for href in found):
                return [href.replace("&amp;", "&") for href in found]
        return []

    @cached_property
    def board_id(self) -> str | None:
        """Board that a page with threads or posts shows or belongs to."""
        if self.is_nodes:
            number = first_number(self.text, '"channelid": "', '"channelid":"')
            return number if number != "0" else None
        if (number := self.trail_board) is not None:
            return number
        if (number := first_number(self.markup, *_BOARD_HINTS, start=self.body_start)) is not None:
            return number
        hint = _BOARD_LATE.search(self.markup) if "fjsel" in self.markup or "&amp;fid=" in self.markup else None
        return hint[hint.lastindex or 0] if hint else None

    @cached_property
    def own_board(self) -> str | None:
        """Board whose own page this is: by its list of threads, else by its address."""
        if self.is_nodes:
            # 1 and 2 are the site and its index, in every installation.
            return self.board_id if self.board_id not in {"1", "2"} else None
        if (number := first_number(self.markup, *_OWN_BOARD, start=self.body_start)) is not None:
            return number
        return self.addressed_board

    @cached_property
    def addressed_board(self) -> str | None:
        """Board that the page's address names."""
        urls = (self.declared_url, self.page.url)
        return next((found for url in urls if url and (found := addresses.board_id_of(url)) is not None), None)

    @cached_property
    def trail_board(self) -> str | None:
        """Innermost board that the trail names with its id."""
        for href in reversed(self.trail):
            if (number := addresses.board_id_of(href)) is not None and addresses.thread_id_of(href) is None:
                return number
        # "liver-50/", "hepatology-111/", as some rewrite them; a single one may be the name of a "category-7/".
        ids: dict[str, str] = {}
        for href in self.trail:
            found = _ENDS_IN_ID.search(href)
            if found is not None and not any(href.startswith(above) for above in ids):  # below a board: its thread
                ids[href] = found[1]
        return list(ids.values())[-1] if len(ids) > 1 else None

    # -- dates ----------------------------------------------------------------------------------------------------

    @cached_property
    def zone(self) -> tzinfo | None:
        """The zone that the foot of the page states for its times: "All times are GMT -5. The time now is ..."."""
        first = max(self.body_start, len(self.markup) - 40_000, self.content[1] if self.content else 0)
        tail = self.markup[first:]
        for sign in ("GMT", "WEZ", "UTC"):
            at, tries = tail.rfind(sign), 0
            while at >= 0 and tries < 8:
                # Only a line with the time now in it; posts speak of zones too.
                found = _ZONE.match(tail, at)
                if found is not None and (
                    _CLOCK.search(tail, found.end(), at + 120)
                    or 'class="time"' in tail[max(0, at - 120) : at]
                    or tail.endswith("All times are ", 0, at)
                ):
                    return _zone(found)
                at, tries = tail.rfind(sign, 0, at), tries + 1
        return None

    def dates(self, samples: Iterable[str], *, day_first: bool | None = None) -> LocalDates | None:
        """Reads the page's dates; None where it states no zone. `day_first` where something else proves it."""
        if self.zone is None:
            return None
        return LocalDates(
            zone=self.zone,
            fetched_at=self.page.fetched_at,
            samples=samples,
            day_first=day_first,
            language=self.language,
        )


def _zone(found: re.Match[str]) -> tzinfo | None:
    if found[1] is None:
        return UTC
    minutes = _MINUTES.get(found[3], found[3]) if found[3] else ""
    return zone_of(f"GMT {'+' if found[1] == '+' else '-'}{int(found[2])}{minutes}")


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()


def read_date(dates: LocalDates | None, text: str | None) -> datetime | None:
    """The instant that a text of the page means, where its zone and its order of day and month are known."""
    return dates.read(text) if dates is not None and text else None
