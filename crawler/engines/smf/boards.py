"""Boards: those that the index or a board's page lists, and the board that a page itself shows."""

import re
from typing import NamedTuple

from crawler.engines.html import COMMENT, attribute, closing, inline_text, number_of, plain_text, tag_at
from crawler.engines.smf.addresses import board_of, first_page, topic_of
from crawler.engines.smf.document import Document, first_of, leading_number, marked
from crawler.records import Board

_STATISTICS = re.compile(r'class="(?:[\w-]+ ){0,3}(?:stats|board_stats|board_statistics|boardposts)\b')
_CHILD_LIST = re.compile(r"<b>[^<]{3,40}</b>:\s*<a ")
_CHILD_LISTS = ('_children"', 'class="children', 'class="childboards')
_DESCRIPTION = re.compile(
    r'<(?:p|div)\b[^<>]*class="[^"<>]*\bboard_description\b[^<>]*>(.{0,4000}?)</(?:p|div)>', re.DOTALL
)
_PARAGRAPH = re.compile(r"<p\b([^<>]*)>(.{0,4000}?)</p>", re.DOTALL)
_ANCHOR = re.compile(r"<a\b([^<>]*)>(.{0,2000}?)</a>", re.DOTALL)
_LINE = re.compile(r"<(?:div|p)\b[^<>]*>([^<>]{3,1000})")
_REST = re.compile(r"<(?:div|td)\b.*", re.DOTALL)
_NESTED = re.compile(r"<(p|div)\b[^<>]*>.{0,4000}?</\1>", re.DOTALL)
_PICTURE_LINK = re.compile(r"<a\b[^<>]*>\s*<img\b[^<>]*>\s*</a>")
_OLD_COUNTS = re.compile(r"<td\b[^<>]*>\s*<span\b[^<>]*>\s*(\d[^<>]{1,60}<br\s*/?>[^<>]{0,60})")
_BREAK = re.compile(r"<br\s*/?>")
_REDIRECT = re.compile(r"/redirect\.(?:png|gif)|board_redirect|class=\"[^\"]*\bredirect\b")
_PAIR = re.compile(r"\([^()\d]{1,40}?(\d[\d.,\s]*)[,،;][^()\d]{1,40}?(\d[\d.,\s]*)\)")
_MARKS = ('name="b', 'id="b')
_CATEGORY, _OLD_CATEGORIES = 'id="category_', ('id="c', 'name="', 'name="c')
_REACH = 2_500


class _Mark(NamedTuple):
    """A board's name in a list."""

    number: str
    start: int
    behind: int


def read_boards(document: Document, own: str | None, limit: int) -> list[Board]:
    """Boards listed before offset `limit`; `own` is the board that the page itself shows."""
    markup = document.markup
    marks = _marks(markup, document.body_start, limit)
    if not marks:
        return []
    found: dict[str, Board] = {}
    heads = [] if own is not None else _categories(markup, document.body_start, limit)
    titles: dict[str, str] = {}
    category: str | None = None
    for _, number, title in heads:
        if title:
            titles.setdefault(number, title)
    for index, mark in enumerate(marks):
        end = marks[index + 1].start if index + 1 < len(marks) else min(mark.behind + 8_000, limit)
        while heads and heads[0][0] < mark.start:
            category = heads.pop(0)[1]
        parent = own
        if category in titles:
            parent = f"c{category}"
            found.setdefault(parent, Board(site=document.site, board_id=parent, title=titles[category]))
        before = markup[max(mark.start - 600, 0) : mark.start]
        for board in _read(document, mark, markup[mark.behind : end], parent, before):
            found.setdefault(board.board_id, board)
    found.pop(own or "", None)
    return list(found.values())


def _marks(markup: str, start: int, limit: int) -> list[_Mark]:
    marks = []
    for sign in _MARKS:
        for number, at in marked(markup, sign, start, limit):
            opened = markup.rfind("<", start, at)
            if markup.startswith("<a ", opened) and (bounds := tag_at(markup, at)) is not None:
                marks.append(_Mark(number, opened, bounds[1]))
    return sorted(marks, key=lambda mark: mark.start)


def _categories(markup: str, start: int, limit: int) -> list[tuple[int, str, str]]:
    """(offset, id, title) of the categories, in order. They have ids of their own beside those of boards."""
    heads = [(at, number) for number, at in marked(markup, _CATEGORY, start, limit)]
    if not heads:
        heads = [
            (at, number)
            for sign in _OLD_CATEGORIES
            for number, at in marked(markup, sign, start, limit)
            if markup.startswith("<a ", markup.rfind("<", start, at))
        ]
    return [(at, number, _title(markup, at, limit)) for at, number in sorted(heads)]


def _title(markup: str, at: int, limit: int) -> str:
    """Title of the category whose mark is at `at`."""
    after = markup[at : min(at + _REACH, limit)]
    after = COMMENT.sub("", after) if "<!--" in after else after
    signs = ("</a>",) if after.startswith("name=") else ("</h3", "</h2", "</h4", 'id="board_', "_boards")
    cut = [end for sign in signs if (end := after.find(sign)) >= 0]
    head = after[after.find(">") + 1 : min(cut)] if cut else ""
    names = [name for _, text in _ANCHOR.findall(head) if (name := inline_text(text)) and len(name) > 1]
    return names[-1] if names else inline_text(head)


def _read(document: Document, mark: _Mark, content: str, parent: str | None, before: str) -> list[Board]:
    close = closing(content, "a", 0, len(content))
    tag = document.markup[mark.start : mark.behind]
    title = inline_text(_NESTED.sub("", content[:close]))
    href = attribute(tag, "href")
    if not title or (href and topic_of(href)):
        return []
    rest = content[close + 4 :]
    inner = first_of(rest, _CHILD_LISTS)
    if inner < 0 and "</b>:" in rest and (line := _CHILD_LIST.search(rest)) is not None:
        inner = line.start()
    main = rest[:inner] if inner >= 0 else rest
    posts, threads = _counts(main)
    boards = []
    if threads is not None or "redirect" not in before or not _REDIRECT.search(before):
        boards.append(
            Board(
                site=document.site,
                board_id=mark.number,
                title=title,
                description=_description(main),
                parent_id=parent,
                thread_count=threads,
                post_count=posts,
                url=first_page(document.address(href)) if href else None,
            )
        )
    return boards + (_children(document, rest[inner:], mark.number) if inner >= 0 else [])


def _counts(main: str) -> tuple[int | None, int | None]:
    """Posts and threads, which the software lists in this order."""
    lines: list[str] = []
    for found in _STATISTICS.finditer(main):  # one cell of two lines, or two cells
        start = main.find(">", found.end()) + 1
        close = first_of(main, ("</td", "</div"), start)
        lines += _BREAK.split(main[start : close if close >= 0 else len(main)])
    if not lines and (old := _OLD_COUNTS.search(main)) is not None:
        lines = _BREAK.split(old[1])
    numbers = [number for line in lines if (number := leading_number(line)) is not None]
    return (numbers[0], numbers[1]) if len(numbers) > 1 else (None, None)


def _description(main: str) -> str | None:
    if "board_description" in main and (found := _DESCRIPTION.search(main)) is not None:
        return plain_text(found[1]) or None
    limit = min((at for sign in ("</td", 'class="stats') if (at := main.find(sign)) >= 0), default=len(main))
    for tag, text in _PARAGRAPH.findall(main[:limit]):
        if "moderators" not in tag:
            return plain_text(text) or None
    text = _NESTED.sub("", _PICTURE_LINK.sub("", main[:limit]))
    said = plain_text(_REST.sub("", text))
    return said or None


def _children(document: Document, block: str, parent: str) -> list[Board]:
    """Boards within a board, in a line of links whose titles give their counts (of 1.x and 2.x: topics, posts)."""
    end = min((at for sign in ("</td", "</div", "</tr") if (at := block.find(sign)) >= 0), default=len(block))
    boards = []
    for tag, text in _ANCHOR.findall(block[:end]):
        href, title = attribute(tag, "href") or "", inline_text(text)
        number = board_of(href)
        if number is None or not title or "action=unread" in href or topic_of(href):
            continue
        pair = _PAIR.search(attribute(tag, "title") or "")
        boards.append(
            Board(
                site=document.site,
                board_id=number,
                title=title,
                parent_id=parent,
                thread_count=number_of(pair[1]) if pair else None,
                post_count=number_of(pair[2]) if pair else None,
                url=first_page(document.address(href)),
            )
        )
    return boards


def read_own_board(document: Document, own: str) -> Board:
    """The board that the page shows, as far as its frame tells."""
    steps = [(board_of(href), name) for href, name in document.breadcrumb]
    title = next((name for number, name in reversed(steps) if number == own), None)
    above = next((number for number, _ in reversed(steps) if number is not None and number != own), None)
    at = document.markup.find('id="description_board"', document.body_start)
    said = None
    if at >= 0:
        found = _LINE.search(document.markup, at, at + _REACH)
        said = inline_text(found[1]) if found else None
    return Board(
        site=document.site,
        board_id=own,
        title=title or document.title,
        description=said or None,
        parent_id=above,
        url=address if board_of(address := document.first_address()) == own else None,
    )
