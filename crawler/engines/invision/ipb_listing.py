"""Lists of IP.Board 3 and 2: rows of topics (`tr#trow_N`), forums of the index (`table.ipb_table` in categories)."""

import re

from msgspec import Struct

from crawler.engines.html import absolute, inline_text, number_of
from crawler.engines.invision import addresses
from crawler.engines.invision.document import Document, title_text
from crawler.engines.invision.markup import ANCHOR, highest_page, href_of, part, parts
from crawler.engines.invision.threads import prefix_of, tags_of
from crawler.records import Board, Status, Thread

_ROW = re.compile(r"<tr\b[^>]*\sid=[\"']trow_(\d+)[\"'][^>]*+>")
_LINK = re.compile(r"tid-link-(\d+)[\"'][^>]*+>((?:[^<]++|<(?!/a>)){0,80}+)</a>")
_LOCKED = ("t_closed", "f_closed", "/closed.", "lock_icon", "topic_closed", "f_locked", "T_CLOSED")
_MOVED = ("t_moved", "f_moved", "/moved.", "T_MOVED")
_PINNED = re.compile(r"class=[\"'](?:ipsBadge ipsBadge_green|topic_prefix)[\"']")
_COMMENTS = re.compile(r"UserComments:(\d+)")
_VIEWS = re.compile(r"class=[\"']views[^>]*+>(?:<[^>]*+>)*+([^<]*+)<")
_CREATED = re.compile(r"dateCreated[^>]*+>([^<]*+)<")
_FORUM_ROW = re.compile(r"<tr\b[^>]*+>")
# 3.0 and 3.1 number the heading, 3.2 and later the block around it.
_CATEGORY = re.compile(
    r"id=(?<=\sid=)[\"']category_(\d+)[\"'][^>]*+>(?:\s*+<(?:div|h3)\b[^>]*+>){0,2}+(.{0,2000}?)</(?:h3|div)>",
    re.DOTALL,
)
_H4 = re.compile(r"<h4\b[^>]*+>(.{0,2000}?)</h4>", re.DOTALL)
_ITEM = re.compile(r"<li\b[^>]*+>(.{0,3000}?)</li>", re.DOTALL)


class _Link(Struct, frozen=True):
    """A link in a row."""

    opened: int
    """Offset of its start tag."""
    end: int
    """Offset behind it."""
    href: str
    text: str


def read_rows(document: Document, board_id: str | None) -> list[Thread]:
    """Every topic that the page lists."""
    markup = document.markup
    starts = [(found.start(), found.end(), found[1], found[0]) for found in _ROW.finditer(markup)]
    if not starts:  # 3.0 and rewritten pages: the title's link alone bears the number
        found_links = list(_LINK.finditer(markup))
        starts = [(at, at, link[1], "") for link in found_links if (at := markup.rfind("<a", 0, link.start())) >= 0]
    if starts:
        document.content_start = starts[0][0]
    rows: dict[str, Thread] = {}
    for index, (_, start, number, tag) in enumerate(starts):
        limit = starts[index + 1][0] if index + 1 < len(starts) else len(markup)
        end = markup.find("</tr", start, limit)
        content = markup[start : end if end >= 0 else limit]
        thread = _read_row(document, tag, content, number, board_id)
        if thread is not None:
            rows.setdefault(thread.thread_id, thread)
    return list(rows.values())


def _read_row(document: Document, tag: str, content: str, number: str, board_id: str | None) -> Thread | None:
    link = _title_link(content, number)
    if link is None:
        return None
    before, after = content[: link.opened], content[link.end :]
    counts = after.find("col_f_views")
    latest = after.find("col_f_post", counts)
    byline, cell = after[: counts if counts >= 0 else None], after[max(counts, 0) : latest if latest >= 0 else None]
    author, author_id = _starter(byline)
    created, views = _CREATED.search(byline), _VIEWS.search(cell)
    moved = any(sign in before for sign in _MOVED)
    prefix = _prefix(before)
    board = None if board_id else next((found for tag, _ in ANCHOR.findall(content) if (found := _forum(tag))), None)
    return Thread(
        site=document.site,
        thread_id=number,
        title=title_text(link.text),
        prefix=prefix,
        author=author,
        author_id=author_id,
        board_id=board_id or board,
        created_text=(inline_text(created[1]) or None) if created else None,
        reply_count=None if moved else _replies(cell),
        view_count=number_of(views[1].strip()) if views else None,
        tags=[name for name in tags_of(byline) if name != prefix],
        is_sticky=_PINNED.search(before) is not None or _PINNED.search(link.text) is not None,
        is_locked=any(sign in before for sign in _LOCKED),
        thread_type="redirect" if moved else "discussion",
        page_count=_page_count(byline),
        status=Status.HIDDEN if "moderated" in tag else Status.VISIBLE,
        url=addresses.first_page(absolute(document.base, link.href)) if link.href else None,
    )


def _title_link(content: str, number: str) -> _Link | None:
    """The link of a row's title; that of new posts and of results of a search does not bear the topic's number."""
    numbered = _LINK.search(content)
    opened = content.rfind("<a", 0, numbered.start()) if numbered else -1
    if numbered is not None and opened >= 0:
        return _Link(opened, numbered.end(), href_of(content[opened : numbered.end()]), numbered[2])
    for found in ANCHOR.finditer(content):
        href = href_of(found[1])
        if addresses.topic_id_of(href) == number and inline_text(found[2]):
            return _Link(found.start(), found.end(), href, found[2])
    return None


def _forum(attributes: str) -> str | None:
    return addresses.forum_id_of(href_of(attributes))


def _prefix(before: str) -> str | None:
    """The label before a title: a tag that is shown as a badge with a link."""
    if (named := prefix_of(before)) is not None or "ipsBadge" not in before:
        return named
    for attributes, text in ANCHOR.findall(before):
        if "ipsBadge" in attributes or ("ipsBadge" in text and "/tags/" in attributes):
            return inline_text(text) or None
    return None


def _starter(byline: str) -> tuple[str | None, str | None]:
    for found in ANCHOR.finditer(byline):
        number = addresses.member_id_of(href_of(found[1]))
        if number and (name := inline_text(found[2])):
            return name, number
    card = part(byline, "fn") or part(byline, "name") or part(byline, "col_f_starter")
    return (inline_text(byline[card.start : card.end]) or None) if card else None, None


def _replies(cell: str) -> int | None:
    if (counted := _COMMENTS.search(cell)) is not None:
        return int(counted[1])
    first = _ITEM.search(cell)
    return number_of(inline_text(first[1])) if first else number_of(inline_text(cell[cell.find(">") + 1 :]))


def _page_count(content: str) -> int | None:
    mini = part(content, "mini_pagination") if "mini_pagination" in content else None
    return highest_page(content[mini.start : mini.end]) if mini else None


# -- forums -------------------------------------------------------------------------------------------------------


def read_nodes(document: Document, own: str | None) -> list[Board]:
    """The forums and categories that the page lists; `own` is the forum that the page itself is of."""
    markup = document.markup
    limit = document.content_start or len(markup)
    categories = [
        (found.start(), found[1], found[2]) for found in _CATEGORY.finditer(markup, document.body_start, limit)
    ]
    boards: dict[str, Board] = {}
    for _, number, heading in categories:
        if number != own:
            boards[number] = _category(document, number, heading)
    for row in _FORUM_ROW.finditer(markup, document.body_start, limit):
        end = markup.find("</tr", row.end(), limit)
        content = markup[row.end() : end if end >= 0 else min(row.end() + 20_000, limit)]
        above = [number for start, number, _ in categories if start < row.start()]
        for board in _forum_row(document, content, above[-1] if above else own):
            if board.board_id != own:
                boards.setdefault(board.board_id, board)
    return list(boards.values())


def _category(document: Document, number: str, heading: str) -> Board:
    links = [
        (href_of(attributes), inline_text(text))
        for attributes, text in ANCHOR.findall(heading)
        if addresses.forum_id_of(href_of(attributes))
    ]
    href, title = links[-1] if links else (None, inline_text(heading))
    url = absolute(document.base, href) if href else None
    return Board(site=document.site, board_id=number, title=title or None, url=url)


def _forum_row(document: Document, content: str, parent: str | None) -> list[Board]:
    heading = _H4.search(content)
    link = ANCHOR.search(heading[1]) if heading else None
    href = href_of(link[1]) if link else None
    number = addresses.forum_id_of(href) if href else None
    if heading is None or link is None or href is None or number is None or "tid-link-" in link[1]:
        return []
    about = part(content, "__forum_desc") or part(content, "forum_desc") or part(content, "desc", heading.end())
    stats = part(content, "stats") or part(content, "col_c_stats")
    counts = [number_of(inline_text(item)) for item in _ITEM.findall(content[stats.start : stats.end])] if stats else []
    boards = [
        Board(
            site=document.site,
            board_id=number,
            title=inline_text(link[2]) or None,
            description=(inline_text(content[about.start : about.end]) or None) if about else None,
            parent_id=parent if parent != number else None,
            thread_count=counts[0] if len(counts) > 1 else None,
            post_count=counts[1] if len(counts) > 1 else None,  # replies, in its own words
            url=absolute(document.base, href),
        )
    ]
    for below in parts(content, "subforums"):
        for attributes, text in ANCHOR.findall(content[below.start : below.end]):
            child = href_of(attributes)
            if (found := addresses.forum_id_of(child)) is not None and (name := inline_text(text)):
                url = absolute(document.base, child)
                boards.append(Board(site=document.site, board_id=found, title=name, parent_id=number, url=url))
    return boards
