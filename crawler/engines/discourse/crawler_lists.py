"""Lists of topics and of categories as Discourse shows them to crawlers, from 1.x to the present."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest

from crawler.engines.discourse.addresses import category_of, slug_of, topic_of, topic_url, user_of
from crawler.engines.discourse.document import Document, value_of
from crawler.engines.html import absolute, closing, decoded, from_epoch, inline_text, number_of
from crawler.records import Board, PageKind, ParsedPage, Thread

_ROW = re.compile(r"<(tr|div)\b([^<>]*\bclass=[\"'][^\"'<>]*\btopic-list-item(?![\w-])[^<>]*)>")
_ITEM = re.compile(r"<(div|li)\b([^<>]*\bitemprop=[\"']?itemListElement\b[^<>]*)>")
_LINK = re.compile(r"<a\b([^<>]*)>(.{0,3000}?)</a>", re.DOTALL)
_HREF = re.compile(r"\shref=(?:\"([^\"]*)\"|'([^']*)')")
_ROUTE = re.compile(r"(?:^|/)(t|c|u|users)/")
_POSTER = re.compile(r"<img\b[^<>]*\stitle=[\"']([^\"'<>]+?) - ")
_ANCHOR = re.compile(r"<a\b([^<>]*?)\shref=(?:\"([^\"]*)\"|'([^']*)')([^<>]*)>([^<]*)")
_OLD_COUNT = re.compile(r"title=[\"'][^\"'<>]*[\"']>\((\d{1,9})\)<")
_POSTS = re.compile(
    r"<td\b([^<>]*\bclass=\"[^\"<>]*\bposts\b[^<>]*)>.{0,600}?class=\"number\"([^<>]*)>([^<]*)<", re.DOTALL
)
_VIEWS = re.compile(
    r"<td\b([^<>]*\bclass=\"[^\"<>]*\bviews\b[^<>]*)>.{0,300}?class=\"number[^\"<>]*\"([^<>]*)>([^<]*)<", re.DOTALL
)
_IN_TITLE = re.compile(r"title=\"[^\"<>\d]*([\d.,\s]*\d)")
_PINNED, _CLOSED = re.compile(r"[\s\"']pinned[\s\"']"), re.compile(r"[\s\"'](?:closed|archived)[\s\"']")
_RELATIVE = re.compile(r"\sdata-time=[\"'](\d{12,14})[\"']")
_CATEGORY_ROW = re.compile(r"<tr\b[^<>]*>")
_CATEGORY_BOX = re.compile(r"<div\b[^<>]*\bclass=[\"'](?:[^\"'<>]*\s)?category(?:-box)?[\s\"'][^<>]*>")
_HEADING = re.compile(r"<h1\b[^<>]*>(.{0,3000}?)</h1>", re.DOTALL)
_DESCRIPTION = re.compile(
    r"(?:itemprop=[\"']description[\"']|class=[\"'](?:category-)?description[\"'])[^<>]*>(.{0,4000}?)</(?:div|span)>",
    re.DOTALL,
)
_COUNT = re.compile(r"<td\b[^<>]*\bclass=[\"'][^\"'<>]*\btopics\b[^<>]*>(.{0,1000}?)</td>", re.DOTALL)
_LONGEST_ROW = 60_000


def read_listing(document: Document) -> ParsedPage | None:
    """The page as a list of topics, or of categories; None where it holds neither."""
    markup = document.markup
    threads = list({thread.thread_id: thread for thread in _rows(document)}.values())
    own = _own_category(document)
    boards = _categories(document, own) if "category-list" in markup or "category-box" in markup else []
    listed = "topic-list" in markup or "ItemList" in markup
    if boards and not own:
        parsed = document.page_of(PageKind.INDEX)
        parsed.page = parsed.last_page = 1
    elif threads or (own and listed):
        parsed = document.page_of(PageKind.BOARD)
        parsed.page, parsed.last_page, parsed.next_url = document.pages(first=0)
        boards = _own_board(document, own) + [board for board in boards if board.board_id != own]
        boards += _below(document, own, {board.board_id for board in boards})
        parsed.board_id = own
        if own:
            for thread in threads:
                thread.board_id = thread.board_id or own
    elif "topic-list" in markup and "ItemList" in markup:
        return document.page_of(PageKind.EMPTY, "the list holds no topic")
    else:
        return None
    parsed.threads, parsed.boards = threads, boards
    return parsed


def _href(tag: str) -> str:
    found = _HREF.search(tag)
    return decoded(found[1] or found[2] or "") if found else ""


# -- topics -------------------------------------------------------------------------------------------------------


def _rows(document: Document) -> Iterator[Thread]:
    markup = document.markup
    starts = list(_starts(markup, document.body_start))
    old = not starts
    if old and "itemListElement" in markup and "category-list" not in markup:
        starts = list(_ITEM.finditer(markup, document.body_start))
    for row, following in zip_longest(starts, starts[1:]):
        limit = min(following.start() if following else len(markup), row.end() + _LONGEST_ROW)
        if following is None:
            limit = closing(markup, row[1], row.end(), limit)
        content = markup[row.end() : limit]
        thread = _row(document, row[2], content, old=old)
        if thread is not None:
            yield thread


def _starts(markup: str, position: int) -> Iterator[re.Match[str]]:
    """The start tags of rows. Looking for the class and then at its tag is far faster than at every tag."""
    while (position := markup.find("topic-list-item", position)) >= 0:
        opened = markup.rfind("<", 0, position)
        row = _ROW.match(markup, opened) if opened >= 0 else None
        if row is not None and row.end() > position:
            yield row
            position = row.end()
        else:
            position += 1


def _row(document: Document, tag: str, content: str, *, old: bool) -> Thread | None:
    title, address = None, ""
    author: str | None = None
    boards: list[str | None] = []
    tags: list[str | None] = []
    rendered = "data-topic-id" in tag
    for anchor in _ANCHOR.finditer(content):
        href = decoded(anchor[2] or anchor[3] or "")
        route = _ROUTE.search(href)
        if route is None:
            if "discourse-tag" in anchor[0]:
                tags.append(inline_text(anchor[5]) or value_of(anchor[0], "data-tag-name"))
            elif not href.startswith(("http", "#")):
                boards.append(category_of(document.target(href)))
        elif route[1] == "t":
            if title is None:
                title, address = _title(content, anchor), href
        elif route[1] == "c":
            boards.append(category_of(href))
        elif author is None:
            author = user_of(href)
            if author is not None and title is not None and not rendered:
                break  # for crawlers, only those who answered follow
    found = topic_of(address)
    if found is None or title is None:
        return None
    drawn = _drawn(content) if rendered else (*_counts(content, old=old), None)
    return Thread(
        site=document.site,
        thread_id=found[0],
        title=title,
        author=author or _pictured(content),
        board_id=next((board for board in reversed(boards) if board), None),
        last_post_at=drawn[2],
        reply_count=drawn[0],
        view_count=drawn[1],
        tags=list(dict.fromkeys(filter(None, tags))),
        # Only scripts mark pinned and closed topics; crawlers are shown no such sign.
        is_sticky=_PINNED.search(tag) is not None if rendered else None,
        is_locked=_CLOSED.search(tag) is not None if rendered else None,
        thread_type="discussion",
        url=topic_url(document.root, slug_of(address), found[0]),
    )


def _title(content: str, anchor: re.Match[str]) -> str | None:
    words = anchor[5]
    if content.startswith("<", anchor.end()) and not content.startswith("</a", anchor.end()):
        words = content[anchor.start(5) : content.find("</a", anchor.end())]  # an emoji, or a <span>
    return inline_text(words) or None


def _pictured(content: str) -> str | None:
    """Who opened the topic, by the first picture's title ("ada - Original Poster"), where links lead elsewhere."""
    poster = _POSTER.search(content)
    return inline_text(poster[1]) or None if poster else None


def _counts(content: str, *, old: bool) -> tuple[int | None, int | None]:
    """Replies and views of a row for crawlers."""
    count, views = _between(content, "posts"), _between(content, "views")
    replies = number_of(count) if count is not None else None
    if old:
        # Up to 2.1 it is the number of all posts, in brackets.
        counted = _OLD_COUNT.search(content)
        replies = max(int(counted[1]) - 1, 0) if counted else replies
    return replies, number_of(views) if views is not None else None


def _between(content: str, name: str) -> str | None:
    """Text of `<span class='NAME'>`, whichever quotes it has."""
    for quote in "'\"":
        at = content.find(f"<span class={quote}{name}{quote}")
        if at >= 0:
            start = content.find(">", at) + 1
            return content[start : content.find("<", start)]
    return None


def _drawn(content: str) -> tuple[int | None, int | None, datetime | None]:
    """Replies, views and last post of a row that scripts have drawn."""
    posts, views = _POSTS.search(content), _VIEWS.search(content)
    times = _RELATIVE.findall(content)
    return (
        _whole(posts) if posts else None,
        _whole(views) if views else None,
        from_epoch(int(times[-1]) // 1000) if times else None,
    )


def _whole(found: re.Match[str]) -> int | None:
    """The whole number in a title ("this topic has been viewed 1,234 times"), else the short one shown ("1.2k")."""
    for tag in (found[2], found[1]):
        if (title := _IN_TITLE.search(tag)) is not None:
            return number_of(title[1])
    return number_of(found[3])


# -- categories ---------------------------------------------------------------------------------------------------


def _categories(document: Document, own: str | None) -> list[Board]:
    """Rows of `table.category-list`; up to 2.1 `div.category`, and boxes where a site shows such."""
    markup = document.markup
    start = max(markup.find("category-list", document.body_start), document.body_start)
    end = markup.find("</table", start)
    starts = list(_CATEGORY_ROW.finditer(markup, start, end)) if end >= 0 else []
    if not starts:
        starts, end = list(_CATEGORY_BOX.finditer(markup, document.content_start)), len(markup)
    boards: dict[str, Board] = {}
    for row, following in zip_longest(starts, starts[1:]):
        limit = following.start() if following else min(end, row.end() + _LONGEST_ROW)
        for board in _row_of_boards(document, row, markup[row.end() : limit], own):
            boards.setdefault(board.board_id, board)
    return list(boards.values())


def _row_of_boards(document: Document, row: re.Match[str], content: str, own: str | None) -> Iterator[Board]:
    """A category, and those in it, which are named beside it."""
    described = _DESCRIPTION.search(content)
    if described is not None:
        content = content[: described.start()] + content[described.end() :]
    count = _COUNT.search(content)
    # What scripts draw there is the number of new topics.
    stated = count is not None and "data-category-id" not in row[0]
    first: Board | None = None
    for link in _LINK.finditer(content):
        href, title = _href(link[1]), inline_text(link[2])
        board = category_of(document.target(href))
        if board is None or not title:
            continue
        found = Board(
            site=document.site,
            board_id=board,
            title=title,
            parent_id=first.board_id if first else own,
            url=absolute(document.base, href),
        )
        if first is None:
            first = found
            found.description = (inline_text(described[1]) or None) if described else None
            found.thread_count = number_of(inline_text(count[1])) if count and stated else None
        if found is first or board != first.board_id:
            yield found


def _below(document: Document, own: str | None, known: set[str]) -> list[Board]:
    """Categories within the one shown: links between its heading and its topics."""
    markup = document.markup
    start = markup.find("</h1", document.content_start)
    end = markup.find("topic-list", start)
    boards = []
    for link in _LINK.finditer(markup, start, end) if own is not None and 0 <= start < end else ():
        href = _href(link[1])
        board = category_of(document.target(href))
        if board is not None and board not in known and (title := inline_text(link[2])):
            known.add(board)
            following = markup[link.end() : min(end, link.end() + 5_000)].partition("<a ")[0]
            described = _DESCRIPTION.search(following)
            boards.append(
                Board(
                    site=document.site,
                    board_id=board,
                    title=title,
                    description=(inline_text(described[1]) or None) if described else None,
                    parent_id=own,
                    url=absolute(document.base, href),
                )
            )
    return boards


def _own_category(document: Document) -> str | None:
    """Id of the category whose page this is: by the page's address, else by its heading."""
    own = category_of(document.address) if "/c/" in document.address else category_of(document.page.url)
    return own or next((board for board, _ in reversed(_heading(document))), None)


def _heading(document: Document) -> list[tuple[str, str]]:
    """(id, name) of the categories that the heading leads to, the outermost first."""
    heading = _HEADING.search(document.markup, document.content_start)
    links = _LINK.finditer(heading[1]) if heading else ()
    named = ((category_of(document.target(_href(link[1]))), inline_text(link[2])) for link in links)
    return [(board, title) for board, title in named if board]


def _own_board(document: Document, own: str | None) -> list[Board]:
    """The category whose page this is, with the one above it from the heading."""
    if own is None:
        return []
    heading = _HEADING.search(document.markup, document.content_start)
    named = _heading(document)
    title = named[-1][1] if named else (inline_text(heading[1]) if heading else None)
    description = document.frame.meta("og:description")
    return [
        Board(
            site=document.site,
            board_id=own,
            title=title or None,
            description=(inline_text(description) or None) if description else None,
            parent_id=named[-2][0] if len(named) > 1 else None,
            url=document.address if "/c/" in document.address else document.page.url,
        )
    ]
