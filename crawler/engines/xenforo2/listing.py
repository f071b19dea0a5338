"""Rows of threads: boards, what's-new pages (`structItem--thread`), article previews, results of a search or tag."""

import re
from datetime import datetime

from crawler.engines.html import (
    TAG,
    absolute,
    attribute,
    closing,
    element,
    elements,
    inline_text,
    instant_of,
    number_of,
)
from crawler.engines.xenforo2.addresses import board_id_of, first_page, thread_id_of
from crawler.engines.xenforo2.document import Document, split_prefix
from crawler.engines.xenforo2.threads import tags_of
from crawler.records import Status, Thread

_ANCHOR = re.compile(r"<a\b([^>]*)>(.*?)</a>", re.DOTALL)
_TIME = re.compile(r"<time\b([^>]*)>(.*?)</time>", re.DOTALL)
_USER = re.compile(r'<(a|span)\b[^>]*\sclass="username[^>]*>')
_USER_ID = re.compile(r'\sdata-user-id="(\d+)"')
_ITEM = re.compile(r"<li[^>]*>(.*?)</li>", re.DOTALL)
_SCORE = re.compile(r'class="contentVote-score[^>]*\sdata-score="(-?\d+)"')
_PRIMARY = "data-tp-primary"
_STATUS = re.compile(r"structItem-status--(\w+)")
_TYPES = ("redirect", "poll", "question", "article", "suggestion")
_FORUM_TYPE = re.compile(r"forum_view_type_(\w+)")
_GROUP = "structItemContainer-group"


def read_rows(document: Document, board_id: str | None) -> list[Thread]:
    """Every thread that the page lists in its own list, not in widgets; `board_id` is the page's own board."""
    markup = document.markup
    starts = _row_starts(markup, document.body_start)
    if not starts:
        return _search_rows(document)
    document.content = starts[0][0], starts[-1][1]
    sticky = _sticky_range(markup, document.body_start, starts[0][0])
    kind = _FORUM_TYPE.search(document.template)
    rows: dict[str, Thread] = {}
    widgets: list[tuple[int, int]] = []
    has_widgets = document.template != "whats_new"  # which is made of them
    if has_widgets and markup.find("data-widget-", document.body_start, starts[0][0]) >= 0:
        widgets = _widgets(markup, document.body_start)
    for index, (start, behind, number) in enumerate(starts):
        if widgets and any(first <= start < last for first, last in widgets):
            continue
        end = limit = starts[index + 1][0] if index + 1 < len(starts) else len(markup)
        if index + 1 == len(starts) and (name := TAG.match(markup, start)):
            end = closing(markup, name[2], behind, limit)
        row = _Row(document, markup[start:behind], markup[behind:end], number)
        thread = row.read(board_id, kind[1] if kind else None, in_sticky_group=sticky[0] <= start < sticky[1])
        if thread is not None:
            rows.setdefault(thread.thread_id, thread)
        if has_widgets and not widgets and "data-widget-" in row.latest:  # the next rows are a widget's
            widgets = _widgets(markup, document.body_start)
    return list(rows.values())


def _row_starts(markup: str, start: int) -> list[tuple[int, int, str | None]]:
    """(start, end of the start tag, thread id) of each row."""
    found: list[tuple[int, int, str | None]] = []
    for sign in ("js-threadListItem-", "structItem--thread"):
        width = len(sign)
        at = markup.find(sign, start)
        while at >= 0:
            opened, closed = markup.rfind("<", start, at), markup.find(">", at)
            following = at + width
            named = markup.rfind('class="', opened, at) if 0 <= opened < closed else -1
            if named > 0 and markup[named - 1].isspace():
                number = (markup[following : markup.find('"', following, closed)].split() or [""])[0]
                found.append((opened, closed + 1, number if number.isdecimal() else None))
            at = markup.find(sign, following)
        if found:
            break
    return found


def _sticky_range(markup: str, start: int, first_row: int) -> tuple[int, int]:
    """Bounds of the group of threads held at the top: it is the first one."""
    first = markup.find(f"{_GROUP}--sticky", start, first_row)
    if first < 0:
        return 0, 0
    following = markup.find(f'class="{_GROUP}', first)
    return first, following if following >= 0 else len(markup)


def _widgets(markup: str, start: int) -> list[tuple[int, int]]:
    """Bounds of the widgets that stand around the page's own list."""
    found = []
    at = markup.find("data-widget-", start)
    while at >= 0:
        opened = markup.rfind("<", start, at)
        tag = TAG.match(markup, opened) if opened >= 0 else None
        end = at
        if tag is not None and tag[2] and tag.end() > at:
            end = closing(markup, tag[2], tag.end(), len(markup))
            found.append((opened, end))
        at = markup.find("data-widget-", max(end, at + 12))
    return found


class _Row:
    """One row of a list of threads: its cells, each looked through for what it holds."""

    def __init__(self, document: Document, tag: str, content: str, number: str | None) -> None:
        self.document = document
        self.tag = tag
        self.number = number
        self.content = content
        main = content.find("structItem-cell--main")
        meta = content.find("structItem-cell--meta", max(main, 0))
        latest = content.find("structItem-cell--latest", max(meta, 0))
        if 0 <= main < meta < latest:
            self.main, self.meta, self.latest = content[main:meta], content[meta:latest], content[latest:]
        else:  # a skin with cells of its own, or an article's preview
            self.main = self.meta = self.latest = content

    def read(self, board_id: str | None, forum_type: str | None, *, in_sticky_group: bool) -> Thread | None:
        prefix, title, url = self._title()
        number = self.number or (thread_id_of(url, renamed=True) if url else None)
        if number is None:
            return None
        statuses = set(_STATUS.findall(self.main)) if "structItem-status--" in self.main else set()
        author, author_id = self._author()
        replies, views = self._counts()
        latest = _time(self.latest, "structItem-latestDate")
        created = _time(self.main, "structItem-startDate") or _time(self.main, "articlePreview-meta") or (None, None)
        return Thread(
            site=self.document.site,
            thread_id=number,
            title=title,
            prefix=prefix,
            author=author,
            author_id=author_id,
            board_id=board_id or self._board(),
            created_at=created[0],
            created_text=created[1],
            last_post_at=latest[0] if latest else None,
            reply_count=replies,
            view_count=views,
            score=int(score[1]) if forum_type and (score := _SCORE.search(self.content)) else None,
            tags=tags_of(self.main),
            is_sticky=in_sticky_group or "sticky" in statuses,
            is_locked="locked" in statuses,
            thread_type=next((kind for kind in _TYPES if kind in statuses), forum_type) if statuses else forum_type,
            page_count=self._page_count(),
            status=self._status(statuses),
            url=url,
        )

    def _title(self) -> tuple[str | None, str | None, str | None]:
        tag, content = self._heading()
        links = [link for link in _ANCHOR.findall(content) if "labelLink" not in link[0] and "prefix_id" not in link[0]]
        if not links:  # the title is the link, or there is none: the thread is not for us
            own = attribute(tag, "href")
            return *split_prefix(content), first_page(absolute(self.document.base, own)) if own else None
        chosen = links[0] if len(links) == 1 else next((link for link in links if _PRIMARY in link[0]), links[0])
        prefix = split_prefix(content)[0] if "label" in content else None
        return prefix, split_prefix(chosen[1])[1], self._address(chosen[0])

    def _heading(self) -> tuple[str, str]:
        """Start tag and content of what holds prefix and title."""
        at = self.main.find('class="structItem-title"')
        if at >= 0:
            start = self.main.find(">", at) + 1
            opened = self.main.rfind("<", 0, at)
            end = self.main.find("</div" if self.main.startswith("<div", opened) else "</h", start)
            return self.main[opened:start], self.main[start:end]
        for name in ("structItem-title", "articlePreview-headline", "articlePreview-title"):
            if (found := element(self.main, name)) is not None:
                return found
        return "", ""

    def _address(self, tag: str) -> str | None:
        """The thread's own address, without "unread"; that of its preview where the link leads through goto/."""
        href = attribute(tag, "href")
        if href is None:
            return None
        if "goto/" in href:
            href = attribute(tag, "data-preview-url") or href
        return first_page(absolute(self.document.base, href))

    def _author(self) -> tuple[str | None, str | None]:
        stated = attribute(self.tag, "data-author") or None
        main = self.main
        at = main.find("structItem-parts")
        at = at if at >= 0 else max(main.find("articlePreview-by"), 0)
        user = main.find('class="username', at)
        if user < 0:
            return stated, None
        opened, behind = main.rfind("<", 0, user), main.find(">", user)
        end = main.find("</a" if main.startswith("<a", opened) else "</li", behind)
        number = _USER_ID.search(main, opened, behind)
        shown = inline_text(main[behind + 1 : end])
        return shown or stated, number[1] if number and number[1] != "0" else None

    def _counts(self) -> tuple[int | None, int | None]:
        """Replies and views; the views stand in the smaller line."""
        replies = views = None
        for pair in self.meta.split("<dl")[1:]:
            attributes, _, content = pair.partition(">")
            count = number_of(inline_text(content.partition("<dd")[2].partition("</dd")[0].partition(">")[2]))
            if "structItem-minor" in attributes:
                views = count if views is None else views
            elif replies is None:
                replies = count
            elif views is None:
                views = count
        if replies is None and views is None and "<dl" not in self.meta:  # cells of a skin: a bare number in each
            shown = [inline_text(content) for _, content in elements(self.meta, "pairs")]
            numbers = [number_of(text) for text in shown if text and text[0].isdecimal()]
            replies, views = [*numbers, None, None][:2]
        return replies, views

    def _board(self) -> str | None:
        parts = element(self.main, "structItem-parts")
        for tag, _ in _ANCHOR.findall(parts[1]) if parts else ():
            href = attribute(tag, "href") or ""
            if "forums/" in href or "categories/" in href:
                return board_id_of(href)
        return None

    def _page_count(self) -> int | None:
        if "structItem-pageJump" not in self.main:
            return None
        jump = element(self.main, "structItem-pageJump")
        numbers = [number_of(inline_text(name)) for _, name in _ANCHOR.findall(jump[1])] if jump else []
        return max((number for number in numbers if number), default=None)

    def _status(self, statuses: set[str]) -> Status:
        if "is-deleted" in self.tag or "deleted" in statuses:
            return Status.DELETED
        return Status.HIDDEN if "is-moderated" in self.tag or "moderated" in statuses else Status.VISIBLE


def _time(cell: str, class_name: str) -> tuple[datetime | None, str | None] | None:
    at = cell.find(class_name)
    opened = cell.rfind("<", 0, at) if at >= 0 else -1
    if opened >= 0 and not cell.startswith("<time", opened):
        opened = cell.find("<time", at)
    if opened < 0:
        return None
    start = cell.find(">", opened)
    return instant_of(cell[opened:start]), inline_text(cell[start + 1 : cell.find("</time", start)]) or None


def _search_rows(document: Document) -> list[Thread]:
    """Threads that results of a search or tag lead to; of a result that is a reply, only what it says of the thread."""
    rows: dict[str, Thread] = {}
    widgets = _widgets(document.markup, document.body_start) if document.template != "whats_new" else []
    place = document.body_start
    for tag, content in elements(document.markup, "block-row", place):
        start = document.markup.find(tag, place)
        place = start + len(tag) + len(content)
        if any(first <= start < last for first, last in widgets):
            continue
        title = element(content, "contentRow-title")
        link = _ANCHOR.search(title[1]) if title else None
        if link is None:
            continue
        href = attribute(link[1], "href") or ""
        number = thread_id_of(href, renamed="#post-" not in href and "/post-" not in href)
        if number is None or number in rows:
            continue
        rows[number] = _search_row(document, number, href, link[2], tag, content)
    return list(rows.values())


def _search_row(document: Document, number: str, href: str, title: str, tag: str, content: str) -> Thread:
    prefix, shown = split_prefix(title)
    minor = element(content, "contentRow-minor")
    items = _ITEM.findall(minor[1]) if minor else []
    texts = [inline_text(item) for item in items if "<" not in item]
    is_reply = "post-" in href or any("#" in text for text in texts)
    board = next((board_id_of(found) for item in items if (found := _forum_link(item))), None)
    thread = Thread(
        site=document.site,
        thread_id=number,
        title=shown,
        prefix=prefix,
        board_id=board,
        url=first_page(absolute(document.base, href)),
    )
    if not is_reply:
        user, time = _USER.search(content), _TIME.search(minor[1] if minor else "")
        member = _USER_ID.search(user[0]) if user else None
        shown = content[user.end() : content.find(f"</{user[1]}", user.end())] if user else ""
        thread.author = attribute(tag, "data-author") or inline_text(shown) or None
        thread.author_id = member[1] if member and member[1] != "0" else None
        if time:
            thread.created_at, thread.created_text = instant_of(time[1]), inline_text(time[2])
        thread.reply_count = next((count for text in texts if (count := number_of(text)) is not None), None)
        thread.tags = tags_of(content)
    return thread


def _forum_link(item: str) -> str | None:
    link = _ANCHOR.search(item)
    href = attribute(link[1], "href") if link else None
    return href if href and "forums/" in href else None
