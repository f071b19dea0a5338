"""Rows of a board's list of topics, of unread topics, and the poll of a topic."""

import re
from typing import NamedTuple

from crawler.engines.html import attribute, closing, element, elements, inline_text, number_of
from crawler.engines.html_tags import CLASS
from crawler.engines.smf.addresses import board_of, first_page, topic_of, user_of
from crawler.engines.smf.document import Document, leading_number, marked
from crawler.records import Poll, PollOption, Status, Thread

_OLD_ROW = re.compile(r'src="[^"<>]{1,300}/topic/(\w+?)(?:_post)?[\w]*\.(?:gif|png)"')
_CELL = re.compile(r"<td\b([^<>]*)>")
_ANCHOR = re.compile(r"<a\b([^<>]*)>(.{0,2000}?)</a>", re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>|</p>|</li>|</span>")
_STATISTICS = re.compile(r'class="(?:[\w-]+ ){0,3}(?:stats|board_stats|topic_stats|topic_statistics|topic_icons)\b')
_ICON = re.compile(r"/topic/(\w+)\.(?:gif|png|svg)")
_PAGES = re.compile(r'<(small|span|ul)\b[^<>]{0,100} id="pages\d+"[^<>]{0,100}>')
_MOVED = re.compile(r"/post/moved\.|main_icons move|i-moved|icon-moved")
_START = re.compile(
    r'<tr\b|<li\b|<div\b[^<>]{0,40} class="(?:[\w-]+ ){0,3}(?:windowbg|approvebg|locked|sticky|topic_row)'
)
# What a row is, in the classes of its cells; in ids and names of its icons.
_KIND = re.compile(r"(?:^|[ _])(sticky|lock|poll|pinned)")
_KIND_ICON = re.compile(r'(?:id="|/quick_|/show_)(sticky|lock|poll)')
_BEGUN = re.compile(r"<p\b[^<>]*>(.{0,4000}?)(?:<small|</p>|<br)", re.DOTALL)
_ROW_REACH = 4_000


class Row(NamedTuple):
    """Where a topic's row stands, and its markup."""

    start: int
    content: str
    link: str
    """Markup from its title on."""


def rows(markup: str, start: int, limit: int) -> list[Row]:
    """The rows between two offsets."""
    marks = [at for _, at in marked(markup, ' id="msg_', start, limit) if _is_span(markup, at)]
    if not marks:
        return _old_rows(markup, start, limit)
    starts = []
    previous = start
    for at in marks:
        begins = markup.rfind("<tr", max(previous, at - _ROW_REACH), at)
        if begins < 0:
            found_at = None
            for found_at in _START.finditer(markup, max(previous, at - _ROW_REACH), at):  # noqa: B007 - the last one
                continue
            begins = found_at.start() if found_at else at
        starts.append(begins)
        previous = at
    found = []
    for index, at in enumerate(marks):
        end = starts[index + 1] if index + 1 < len(marks) else _end(markup, at, limit)
        found.append(Row(starts[index], markup[starts[index] : end], markup[at:end]))
    return found


def _is_span(markup: str, at: int) -> bool:
    return markup.startswith("<span", markup.rfind("<", 0, at))


def _old_rows(markup: str, start: int, limit: int) -> list[Row]:
    """Rows of 1.0 and of lists of unread topics, whose titles have no mark: a table's row with a topic's icon."""
    found: list[Row] = []
    if "/topic/" not in markup:
        return found
    for icon in _OLD_ROW.finditer(markup, start, limit):
        begins = markup.rfind("<tr", start, icon.start())
        end = markup.find("</tr", icon.end(), limit)
        if begins < 0 or end < 0:
            continue
        content = markup[begins:end]
        title = next((link for link in _ANCHOR.finditer(content) if _is_title(link)), None)
        if title is not None:
            found.append(Row(begins, content, content[title.start() :]))
    return found


def _is_title(link: re.Match[str]) -> bool:
    return topic_of(attribute(link[1], "href") or "") is not None and bool(inline_text(link[2]))


def _end(markup: str, at: int, limit: int) -> int:
    row = markup.find("</tr", at, limit)
    if row >= 0 and row - at < _ROW_REACH * 3:
        return row
    following = markup.find('id="topic_icons"', at, limit)
    pages = markup.find('class="pagesection', at, limit)
    return min((end for end in (following, pages) if end >= 0), default=min(at + _ROW_REACH, limit))


def read_row(document: Document, row: Row, board_id: str | None) -> Thread | None:
    """The topic in a row; None where its title leads to none."""
    for title in _ANCHOR.finditer(row.link):
        href = attribute(title[1], "href") or ""
        if (number := topic_of(href)) is not None and (name := inline_text(title[2])):
            break
    else:
        return None
    behind = row.link[title.end() :]
    statistics = _STATISTICS.search(behind)
    author, author_id = _starter(behind, behind.rfind("<", 0, statistics.start()) if statistics else -1)
    replies, views = _counts(behind, statistics)
    content = row.content
    before = content[: -len(row.link)]
    kinds = _kinds(content, before)
    is_moved = "move" in content and _MOVED.search(content) is not None
    return Thread(
        site=document.site,
        thread_id=number,
        title=name,
        author=author,
        author_id=author_id,
        board_id=board_id or _board(content),
        reply_count=replies,
        view_count=views,
        is_sticky="sticky" in kinds or "pinned" in kinds,
        is_locked="lock" in kinds,
        thread_type="redirect" if is_moved else "poll" if "poll" in kinds else "discussion",
        page_count=_pages(behind),
        status=Status.HIDDEN if "approvebg" in before or "approvetbg" in before else Status.VISIBLE,
        url=first_page(document.address(href)),
    )


def _pages(behind: str) -> int | None:
    """The highest page number linked behind a title; None where the topic has one page."""
    at = behind.find(' id="pages')
    if at < 0 or behind.startswith("></", behind.find('"', at + 10) + 1):
        return None
    opened = _PAGES.search(behind)
    links = behind[opened.end() : closing(behind, opened[1], opened.end(), len(behind))] if opened else ""
    shown = [number_of(inline_text(text)) for _, text in _ANCHOR.findall(links)]
    return max((page for page in shown if page), default=None)


def _board(content: str) -> str | None:
    """The board that a row names, on lists of topics of several boards."""
    hrefs = (attribute(tag, "href") or "" for tag, _ in _ANCHOR.findall(content))
    return next((found for href in hrefs if (found := board_of(href)) is not None and topic_of(href) is None), None)


def _kinds(content: str, before: str) -> str:
    """Words that say what a row is: a picture's file, classes, and what stands before the title."""
    icon = _ICON.search(content)
    kinds = [icon[1]] if icon else []
    classes = " ".join(CLASS.findall(content))
    if "sticky" in classes or "lock" in classes or "poll" in classes or "pinned" in classes:
        kinds += _KIND.findall(classes)
    if "quick_" in before or "show_" in before or 'id="sticky' in before or 'id="lock' in before:
        kinds += _KIND_ICON.findall(before)
    return " ".join(kinds)


def _starter(behind: str, statistics: int) -> tuple[str | None, str | None]:
    """Who opened the topic: the link below its title (2.x), or the next cell (1.x); guests have no link.

    `statistics` is the offset of the row's counts, -1 where they are not marked.
    """
    next_cell = behind.find("<td")
    own = behind[: next_cell if next_cell >= 0 else statistics if statistics >= 0 else len(behind)]
    if (starter := _member(own)) is not None:
        return starter
    cells = [cell.start() for cell in _CELL.finditer(behind)]
    other = behind[cells[0] : cells[1]] if len(cells) > 1 else ""
    if (starter := _member(other)) is not None:
        return starter
    line = element(own, "floatleft") or element(own, "smalltext")
    begun = _BEGUN.search(own) if line is None else None
    said = inline_text(line[1] if line else begun[1] if begun else "")
    if said:
        return said.split(" by ", 1)[-1].split(" von ", 1)[-1].split(" par ", 1)[-1] if " " in said else said, None
    if len(cells) > 2 and _STATISTICS.search(other) is None:
        shown = inline_text(other)
        return (shown or None, None) if not shown.isdecimal() else (None, None)
    return None, None


def _member(part: str) -> tuple[str, str | None] | None:
    """Name and id of the first member that a part of a row links to; 0 is a guest's id."""
    for tag, text in _ANCHOR.findall(part):
        if (number := user_of(attribute(tag, "href") or "")) is not None and (name := inline_text(text)):
            return name, number if number != "0" else None
    return None


def _counts(behind: str, statistics: re.Match[str] | None) -> tuple[int | None, int | None]:
    """Replies and views: two lines of one cell, or two cells that hold a number each."""
    if statistics is not None:
        start = behind.find(">", statistics.end()) + 1
        ends = behind.find("</td", start), behind.find("</div", start)
        close = min(ends) if min(ends) >= 0 else max(ends)
        lines = _BREAK.split(behind[start : close if close >= 0 else len(behind)])
        numbers = [number for line in lines if (number := leading_number(line)) is not None]
        if len(numbers) > 1:
            return numbers[0], numbers[1]
    numbers = []
    cells = list(_CELL.finditer(behind))
    for index, cell in enumerate(cells):
        end = cells[index + 1].start() if index + 1 < len(cells) else len(behind)
        shown = inline_text(behind[cell.end() : end])
        if shown and all(letter.isdigit() or letter in ",.\xa0 '" for letter in shown):
            numbers.append(number_of(shown) or 0)
    return (numbers[0], numbers[1]) if len(numbers) > 1 else (None, None)


def read_poll(markup: str, start: int, limit: int) -> Poll | None:
    """The poll above the posts of 2.x: as results, or as the form of somebody who may vote."""
    at = markup.find('id="poll"', start, limit)
    if at < 0:
        return None
    block = markup[at:limit]
    heading = element(block, "catbg")
    listed = element(block, "options")
    if listed is None:
        return None
    options = [
        PollOption(text=inline_text(answer), votes=_votes(result))
        for answer, result in re.findall(
            r"<dt\b[^<>]*>(.{0,4000}?)</dt>\s*<dd\b[^<>]*>(.{0,4000}?)</dd>", listed[1], re.DOTALL
        )
    ]
    if not options:
        labels = re.findall(r"<label\b[^<>]*>(.{0,4000}?)</label>", listed[1], re.DOTALL)
        options = [PollOption(text=inline_text(label)) for label in labels]
    behind = block.find(listed[1]) + len(listed[1])
    total = next((inline_text(content) for content in re.findall(r"<p\b[^<>]*>(.{0,4000}?)</p>", block[behind:])), "")
    named = re.search(r'id="pollquestion"[^<>]*>([^<>]*)', block)
    question = inline_text(named[1]) if named else inline_text(heading[1]) if heading else None
    voters = number_of(total) if any(option.votes is not None for option in options) else None
    return Poll(question=question or None, options=options, voters=voters) if options else None


def _votes(result: str) -> int | None:
    found = next((content for _, content in elements(result, "percentage")), None)
    return number_of(inline_text(found)) if found else None
