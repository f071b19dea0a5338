"""Rows of threads: boards, new posts and threads (`li#thread-N.discussionListItem`), results of a search or a tag."""

import re

from crawler.engines.html import TAG, absolute, attribute, closing, element, elements, inline_text, number_of, tag_at
from crawler.engines.html_tags import CLASS
from crawler.engines.xenforo1.dates import Shown, date_in
from crawler.engines.xenforo1.document import Document, split_prefix
from crawler.engines.xenforo1.users import username_in
from crawler.engines.xenforo2.addresses import first_page, thread_id_of
from crawler.records import Status, Thread

_ANCHOR = re.compile(r"<a\b([^<>]*)>((?:[^<]++|<(?!/?a\b))*+)</a>")
_PAGE_LINK = re.compile(r"<a\b[^<>]*>\s*(\d{1,6})\s*</a>")
# Replies and views, as the software's own template writes them.
_COUNTS = re.compile(
    r'class="major"><dt>[^<]*+</dt>\s*+<dd>([^<]*+)</dd></dl>\s*+<dl class="minor"><dt>[^<]*+</dt>\s*+<dd>([^<]*+)</dd>'
)
_WIDGET = re.compile(r"(?:^|\s)(?:WidgetFramework_|widget(?:$|[\s_-]))")
_VISIT = re.compile(r"/(?:unread|latest|preview)/?$")
_ROW = 'id="thread-'
_RESULTS = ('id="post-', _ROW)


def read_rows(document: Document, board_id: str | None) -> list[Thread]:
    """Every thread that the page lists in its own list, not in widgets; `board_id` is the page's own board."""
    markup = document.markup
    starts = _row_starts(markup, document.body_start, "discussionListItem")
    if not starts:
        return _results(document)
    widgets = _widgets(document)
    own = [start for start in starts if not any(first <= start[0] < last for first, last in widgets)]
    # Pages of news are made of widgets; a board is not.
    kept = own if own or document.template == "forum_view" else starts
    if not kept:
        return []
    document.content = kept[0][0], kept[-1][1]
    rows: dict[str, Thread] = {}
    for index, (start, behind, number) in enumerate(kept):
        limit = kept[index + 1][0] if index + 1 < len(kept) else len(markup)
        name = None if markup.startswith("<li ", start) else TAG.match(markup, start)
        end = closing(markup, name[2] if name else "li", behind, limit)
        thread = _row(document, markup[start:behind], markup[behind:end], number, board_id)
        rows.setdefault(thread.thread_id, thread)
    return list(rows.values())


def _row_starts(markup: str, start: int, class_name: str) -> list[tuple[int, int, str]]:
    """(start, end of the start tag, thread id) of each row."""
    found = []
    at = markup.find(_ROW, start)
    while at >= 0:
        following = at + len(_ROW)
        number = markup[following : markup.find('"', following, following + 24)]
        bounds = tag_at(markup, at) if number.isdecimal() else None
        if bounds is not None and class_name in _words(markup[bounds[0] : bounds[1]]):
            found.append((*bounds, number))
        at = markup.find(_ROW, following)
    return found


def _words(tag: str) -> list[str]:
    named = CLASS.search(tag)
    return named[1].split() if named else []


def _widgets(document: Document) -> list[tuple[int, int]]:
    """Bounds of the widgets that stand around the page's own list."""
    markup = document.markup
    found: list[tuple[int, int]] = []
    at = markup.find("idget", document.body_start)
    while at >= 0:
        following = at + 5
        bounds = tag_at(markup, at)
        if bounds is not None and _WIDGET.search(" ".join(_words(markup[bounds[0] : bounds[1]]))):
            name = TAG.match(markup, bounds[0])
            following = closing(markup, name[2] if name else "div", bounds[1], len(markup))
            found.append((bounds[0], following))
        at = markup.find("idget", following)
    return found


def _row(document: Document, tag: str, content: str, number: str, board_id: str | None) -> Thread:
    """One row of a list of threads."""
    words, base = _words(tag), document.base
    stats = content.find('class="listBlock stats')
    main = content[: stats if stats >= 0 else len(content)]
    prefix, title, href = _title(main)
    signs = _within(main, 'class="iconKey', "</div")
    author, author_id = _author(tag, main)
    started = main.find("startDate")
    created = date_in(main, started) if started >= 0 else date_in(main, max(main.find("posterDate"), 0))
    latest = _latest(content)
    replies, views = _counts(content[stats:] if stats >= 0 else "")
    return Thread(
        site=document.site,
        thread_id=number,
        title=title,
        prefix=prefix,
        author=author,
        author_id=author_id,
        board_id=_board(main) or board_id,
        created_at=created.instant if created else None,
        created_text=created.text if created else None,
        last_post_at=latest.instant if latest else None,
        reply_count=replies,
        view_count=views,
        is_sticky="sticky" in words or 'class="sticky' in signs,
        is_locked="locked" in words or 'class="locked' in signs,
        thread_type="redirect" if 'class="redirect' in signs or "redirect" in words else None,
        page_count=_page_count(main),
        status=_status(words),
        url=first_page(absolute(base, href)) if href else None,
    )


def _title(main: str) -> tuple[str | None, str | None, str | None]:
    """Prefix, title and address."""
    content = _within(main, 'class="title', "</h") or main
    prefixes, chosen = [], None
    for tag, shown in _ANCHOR.findall(content):
        if "prefixLink" in tag or "prefix_id=" in tag:
            prefixes.append(inline_text(shown))
        elif "unreadLink" not in tag and chosen is None and ("PreviewTooltip" in tag or inline_text(shown)):
            chosen = tag, shown
    if chosen is None:
        prefix, title = split_prefix(content) if content is not main else (None, None)
        return ", ".join(filter(None, prefixes)) or prefix, title, None
    prefix, title = split_prefix(chosen[1])
    if prefix is None and not prefixes and content is not main and "prefix" in content:
        prefix = split_prefix(content.replace(chosen[1], "", 1))[0]
    href = attribute(chosen[0], "href") or attribute(chosen[0], "data-previewUrl")
    return ", ".join(filter(None, prefixes)) or prefix, title, _VISIT.sub("/", href) if href else None


def _author(tag: str, main: str) -> tuple[str | None, str | None]:
    stated = attribute(tag, "data-author") or None
    shown, number = username_in(main, max(main.find("posterDate"), 0)) or (None, None)
    return stated or shown, number


def _within(markup: str, sign: str, end: str) -> str:
    """What stands from behind the first tag with `sign` to `end`; "" where there is none."""
    at = markup.find(sign)
    start = markup.find(">", at) + 1 if at >= 0 else 0
    stop = markup.find(end, start) if start else -1
    return markup[start:stop] if stop >= 0 else ""


def _counts(stats: str) -> tuple[int | None, int | None]:
    """Replies and views; a moved thread has neither."""
    if (usual := _COUNTS.search(stats)) is not None:
        return number_of(inline_text(usual[1])), number_of(inline_text(usual[2]))
    replies, views = (_within(_within(stats, f'class="{name}', "</dl"), "<dd", "</dd") for name in ("major", "minor"))
    return number_of(inline_text(replies)), number_of(inline_text(views))


def _latest(content: str) -> Shown | None:
    at = content.find("lastPostInfo")
    at = at if at >= 0 else content.find("lastPost")
    return date_in(content, at) if at >= 0 else None


def _board(main: str) -> str | None:
    """The board that a list across boards names."""
    if "forumLink" not in main:
        return None
    for tag, _ in _ANCHOR.findall(main, max(main.find("containerName"), 0)):
        if "forumLink" in tag and (href := attribute(tag, "href")):
            return Document.node_of(href)
    return None


def _page_count(main: str) -> int | None:
    at = main.find("itemPageNav")
    numbers = _PAGE_LINK.findall(main, at) if at >= 0 else []
    return max((int(number) for number in numbers), default=None)


def _status(words: list[str]) -> Status:
    if "deleted" in words:
        return Status.DELETED
    return Status.HIDDEN if "moderated" in words else Status.VISIBLE


def _results(document: Document) -> list[Thread]:
    """Threads that results of a search or tag lead to; of a result that is a reply, only what it says of the thread."""
    rows: dict[str, Thread] = {}
    for tag, content in elements(document.markup, "searchResult", document.body_start):
        heading = element(content, "title")
        link = _ANCHOR.search(heading[1]) if heading else None
        href = attribute(link[1], "href") if link else None
        if link is None or not href or not any(sign in tag for sign in _RESULTS):
            continue
        named = re.search(r'id="thread-(\d+)"', tag)
        number = named[1] if named else thread_id_of(href)
        line = element(content, "meta")
        meta = line[1] if line else ""
        board = next(
            (Document.node_of(h) for t, _ in _ANCHOR.findall(meta) if "forums/" in (h := attribute(t, "href") or "")),
            None,
        )
        if named is None:  # a reply: its link leads to posts/N/, its title is the thread's
            if number is not None:
                prefix, title = split_prefix(link[2])
                rows.setdefault(
                    number, Thread(site=document.site, thread_id=number, title=title, prefix=prefix, board_id=board)
                )
            continue
        assert number is not None
        rows[number] = _result(document, number, (tag, meta), (href, link[2]), board)
    return list(rows.values())


def _result(document: Document, number: str, row: tuple[str, str], link: tuple[str, str], board: str | None) -> Thread:
    """A thread among results: `row` is its start tag and its line of facts, `link` address and title."""
    prefix, title = split_prefix(link[1])
    author, author_id = _author(row[0], row[1])
    created = date_in(row[1])
    rest = row[1].partition("DateTime")[2].partition("</")[2].partition("<a")[0]
    return Thread(
        site=document.site,
        thread_id=number,
        title=title,
        prefix=prefix,
        author=author,
        author_id=author_id,
        board_id=board,
        created_at=created.instant if created else None,
        created_text=created.text if created else None,
        reply_count=number_of(inline_text(rest.partition(">")[2])),
        url=first_page(absolute(document.base, link[0])),
    )
