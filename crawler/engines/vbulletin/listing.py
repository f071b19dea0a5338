"""Rows of threads of versions 3 and 4: boards, results of a search, new posts.

A row is what stands around `td_threadtitle_N` or `thread_title_N` (3), or `li.threadbit#thread_N` (4).
"""

import re

from msgspec import Struct

from crawler.engines.html import TAG, absolute, attribute, closing, element, elements, inline_text, number_of
from crawler.engines.vbulletin.addresses import (
    bare,
    board_id_of,
    first_page,
    member_id_of,
    page_of,
    thread_id_of,
)
from crawler.engines.vbulletin.byline import dated, dated_in
from crawler.engines.vbulletin.document import Document
from crawler.engines.vbulletin.marks import numbered
from crawler.records import Thread

_MARK = re.compile(r'id="(?:td_)?thread(title_|_title_|statusicon_|_)(\d{1,12})"')
# What icons and classes say of a row. Previews of threads stand in attributes, where quotes are encoded.
_STICKY = (' sticky">', '"sticky"', 'class="sticky ', "/sticky.", "_sticky.")
_LOCKED = ("_lock.", "_lock_", '_lock"', "_lock ", "threadclosed", "thread_closed")
_MOVED = ("thread_moved", "thread_hot_moved", "thread_redirect")
_TITLED = re.compile(r'title="[^"\d]{1,60}(\d[\d.,]*), [^"\d]{1,60}(\d[\d.,]*)"')
_NUMBER_ALONE = re.compile(r">\s*(\d[\d.,']*)\s*</(?:a|td|div|span)>")
_NOISE = re.compile(
    r'<span class="(?:sprite|highlight)[^"]*"[^<>]*>[^<]*</span>|<a\b[^<>]*>(?:(?!</a>).){0,300}</a>|'
    r"<!--(?:(?!-->).){0,300}-->",
    re.DOTALL,
)
_OPENED = re.compile(
    r"<span\b[^<>]*onclick=\"window\.open\('([^']*)'[^<>]*>((?:(?!</span>).){1,300})</span>", re.DOTALL
)
_LINK = re.compile(r'<a\b[^<>]*\shref="([^"]*)"[^<>]*>')
_ITEM = re.compile(r"(<li\b[^<>]*>)")
_WORDS = re.compile(r"^[^:\[\]()]{1,30}:\s*")
_POST_PART = re.compile(r"&p(?:ost)?=\d+")
_LAST_ROW = 12_000


class Row(Struct):
    """A row, with the words of its dates, which are read when all of the page are known."""

    thread: Thread
    created_text: str | None
    last_text: str | None


def read_rows(document: Document, *, is_search: bool = False) -> list[Row]:
    """Every thread that the page lists, in page order; a search names the board of each."""
    markup = document.markup
    found: dict[str, int] = {}
    icons: dict[str, int] = {}
    for sign in ('id="thread', 'id="td_thread'):
        at = markup.find(sign, document.body_start)
        while at >= 0:
            mark = _MARK.match(markup, at)
            if mark is not None:
                kind, number, opened = mark[1], mark[2], max(markup.rfind("<", 0, at), 0)
                if kind == "statusicon_":
                    icons.setdefault(number, opened)
                elif kind != "_" or "threadbit" in markup[opened : markup.find(">", at)]:
                    found[number] = min(found.get(number, opened), opened)
            at = markup.find(sign, at + len(sign))
    for number in found.keys() & icons.keys():
        found[number] = min(found[number], icons[number])
    starts = sorted((start, number) for number, start in found.items())
    if starts:
        document.content = starts[0][0], starts[-1][0]
    rows = []
    for index, (start, number) in enumerate(starts):
        limit = starts[index + 1][0] if index + 1 < len(starts) else min(len(markup), start + _LAST_ROW)
        if index + 1 == len(starts):
            limit = _end(markup, start, limit)
        rows.append(_Row(document, markup[start:limit], number).read(is_search=is_search))
    return rows


def read_found_posts(document: Document) -> list[Row]:
    """The threads of a search whose results are posts: `#searchbits` (4), tables `postN` (3), each by its links."""
    markup = document.markup
    start = markup.find('id="searchbits"', document.body_start)
    sign = 'id="post_' if start >= 0 else 'id="post'
    marks = [at for at, _ in numbered(markup, sign, max(start, document.body_start))]
    rows: dict[str, Row] = {}
    for at, limit in zip(marks, [*marks[1:], len(markup)], strict=False):
        for link in _LINK.finditer(markup, at, min(limit, at + _LAST_ROW)):
            plain = link[1].replace("&amp;", "&")
            number = thread_id_of(plain)
            title = inline_text(markup[link.end() : markup.find("</a>", link.end())]).removeprefix("Re: ")
            if number is not None and title and "goto=" not in plain:
                url = first_page(absolute(document.base, _POST_PART.sub("", plain)))
                thread = Thread(site=document.site, thread_id=number, title=title, url=url)
                rows.setdefault(number, Row(thread, None, None))
                break
    return list(rows.values())


def _end(markup: str, start: int, limit: int) -> int:
    tag = TAG.match(markup, start)
    if tag is not None and tag[2] == "li":
        return closing(markup, "li", tag.end(), limit)
    end = markup.find("</tr>", start, limit)
    return end if end >= 0 else limit


class _Row:
    """One row, looked through for what it holds."""

    def __init__(self, document: Document, content: str, number: str) -> None:
        self.document = document
        self.content = content
        self.number = number
        at = content.find(f'id="thread_title_{number}"')
        opened = content.rfind("<", 0, at) if at >= 0 else -1
        if opened < 0:
            opened, tag = self._link()
        else:
            tag = TAG.match(content, opened)
        self.opened = max(opened, 0)
        self.behind = tag.end() if tag else self.opened
        self.href = attribute(tag[0], "href") if tag else None
        self.end = closing(content, tag[2], self.behind, len(content)) if tag and tag[2] else self.behind
        # Version 4 puts its counts behind all that it says of the thread's start.
        self.stats = content.find('class="threadstats', self.end)
        self.meta_end = self.stats if self.stats >= 0 else len(content)

    def _link(self) -> tuple[int, re.Match[str] | None]:
        """The title's link, where it has no id: the first one to the thread itself that has words."""
        for link in _LINK.finditer(self.content):
            if thread_id_of(link[1].replace("&amp;", "&")) != self.number or "goto=" in link[1]:
                continue
            if inline_text(self.content[link.end() : self.content.find("</a>", link.end())]):
                return link.start(), TAG.match(self.content, link.start())
        return -1, None

    def read(self, *, is_search: bool) -> Row:
        """The thread of the row."""
        head = self.content[: self.opened]
        replies, views = self._counts()
        author, author_id, created = self._author()
        words = head[: head.find(">")].replace('"', " ").split()
        moved = "moved" in words or any(sign in head for sign in _MOVED)
        sticky = "sticky" in head and any(sign in head for sign in _STICKY)
        locked = "lock" in words or any(sign in head for sign in _LOCKED)
        url = first_page(absolute(self.document.base, self.href)) if self.href and self.href != "#" else None
        thread = Thread(
            site=self.document.site,
            thread_id=self.number,
            title=inline_text(self.content[self.behind : self.end]) or None,
            prefix=self._prefix(head, flagged=sticky or locked or moved),
            author=author,
            author_id=author_id,
            board_id=self._board() if is_search else None,
            created_text=created,
            reply_count=None if moved else replies,
            view_count=None if moved else views,
            is_sticky=sticky,
            is_locked=locked,
            thread_type="redirect" if moved else None,
            page_count=self._pages(),
            url=bare(url) if url else None,
        )
        return Row(thread, dated(created) if created else None, self._last())

    def _prefix(self, head: str, *, flagged: bool) -> str | None:
        named = element(head, "prefix")
        if named is None:
            cell = head.rfind("td_threadtitle_")
            start = head.find(">", cell) + 1 if cell >= 0 else max(head.rfind("<h3"), head.rfind("<div"), 0)
            before = _NOISE.sub("", _without_floating(head[start:]))
        else:
            before = named[1]
        text = inline_text(before)
        if flagged or named is not None:
            text = _WORDS.sub("", text) if text.endswith(":") or flagged else text
        return text.rstrip(": ") or None if len(text) <= 60 else None

    def _author(self) -> tuple[str | None, str | None, str | None]:
        rest = self.content[self.end : self.meta_end]
        at = rest.find("window.open('")
        if at >= 0 and (opened := _OPENED.match(rest, rest.rfind("<", 0, at))) is not None:
            return inline_text(opened[2]) or None, _member(opened[1]), None
        label = element(rest, "author") or element(rest, "threadmeta")
        if label is not None:
            name = element(label[1], "username")
            if name is not None:
                behind = label[1][label[1].find(name[1]) + len(name[1]) :].partition("<dl")[0]
                href = attribute(name[0], "href")
                when = dated_in(behind.partition("</span")[0]) or dated_in(behind)
                when = when or dated(attribute(name[0], "title") or "")
                return inline_text(name[1]) or None, _member(href) if href else None, when
            link = _LINK.search(label[1])
            if link is not None:
                return inline_text(label[1][link.end() : label[1].find("</a>", link.end())]), _member(link[1]), None
        # In a <span>: the list of pages.
        line = next((line for line in elements(rest, "smallfont") if not line[0].startswith("<span")), None)
        if line is None:
            return None, None, None
        link = _LINK.search(line[1])
        name_text = inline_text(_without_floating(line[1]))
        member = _member(link[1]) if link and "member" in link[1] else None
        return name_text if name_text and len(name_text) <= 60 else None, member, None

    def _counts(self) -> tuple[int | None, int | None]:
        at = self.stats
        if at >= 0:
            stop = self.content.find("</ul>", at)
            parts = _ITEM.split(self.content[at : stop if stop >= 0 else at + 1_500])[1:]
            shown = [
                inline_text(text) for tag, text in zip(parts[::2], parts[1::2], strict=False) if "hidden" not in tag
            ]
            numbers = [_count(text) for text in shown[:2]]
            return [*numbers, None][0], [*numbers, None, None][1]
        if (titled := _TITLED.search(self.content, self.end)) is not None:
            return number_of(titled[1]), number_of(titled[2])
        alone = [number_of(text) for text in _NUMBER_ALONE.findall(self.content, self.end)]
        return (alone[-2], alone[-1]) if len(alone) >= 2 else (None, None)

    def _last(self) -> str | None:
        for sign, end in (('class="threadlastpost', "</dl>"), ('class="lastpost', "</td>")):
            if (at := self.content.find(sign, self.end)) >= 0:
                stop = self.content.find(end, at)
                return self._dated_in(at - 4, stop if stop >= 0 else at + 2_500)
        # Version 3: the cell behind that of the title.
        cell = self.content.find("</td>", self.end) + 1
        start = max(self.end, cell)
        stop = self.content.find("</td>", start) if cell else -1
        return self._dated_in(start, stop if stop >= 0 else start + 2_500)

    def _dated_in(self, start: int, stop: int) -> str | None:
        """The date in a part of the row, whose start may lie within a tag."""
        clock = self.content.find('<span class="time"', start, stop)
        if clock >= 0:  # the day stands right before it
            day = self.content.rfind(">", start, clock) + 1
            end = self.content.find("</span", clock, stop)
            if (text := dated(inline_text(self.content[day:end]))) is not None:
                return text
        part = self.content[start:stop].partition(">")[2]
        return dated_in(part[part.rfind("</style>") + 1 :])

    def _pages(self) -> int | None:
        listed = element(self.content, "pagination", self.end, self.meta_end)
        part = listed[1] if listed else self.content[self.end : self.content.find("</div>", self.end)]
        numbers = []
        for href in _LINK.findall(part):
            plain = href.replace("&amp;", "&")
            numbers.append(page_of(plain) or _seo_page(self.href, plain) or 0)
        return max(numbers, default=0) or None

    def _board(self) -> str | None:
        """A search's results name the board of each thread in a link of its own."""
        for link in _LINK.findall(self.content, self.end):
            plain = link.replace("&amp;", "&")
            is_board = "forumdisplay" in plain or (thread_id_of(plain) is None and not member_id_of(plain))
            if is_board and (number := board_id_of(plain)) is not None:
                return number
        return None


def _count(said: str) -> int | None:
    """The number in "Replies: 1,234"."""
    label, _, number = said.partition(": ")
    return number_of(number if label.isalpha() else said)


def _seo_page(first: str | None, href: str) -> int | None:
    """Number of the page that vBSEO's "words-3.html" is of "words.html"."""
    if not first or not first.endswith(".html") or not href.startswith(first[:-5] + "-") or not href.endswith(".html"):
        return None
    number = href[len(first) - 4 : -5]
    return int(number[:6]) if number.isdecimal() else None


def _without_floating(markup: str) -> str:
    """The markup without what floats at the right: icons, ratings."""
    at = markup.find('<span style="float:')
    while at >= 0 and (start := markup.find(">", at) + 1):
        end = closing(markup, "span", start, len(markup))
        markup = markup[:at] + markup[end + len("</span>") :]
        at = markup.find('<span style="float:')
    return markup


def _member(href: str) -> str | None:
    return member_id_of(href.replace("&amp;", "&"), rewritten=True)


def has_list(document: Document) -> bool:
    """Whether the page has a list of threads, even an empty one."""
    return any(
        document.find(sign) >= 0
        for sign in ('id="threadslist"', 'id="threadbits_forum_', 'id="threadlist"', 'id="threads" class="threads')
    )
