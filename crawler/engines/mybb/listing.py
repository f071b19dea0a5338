"""Rows of a forum's list of threads and of results of searches, and the poll of a thread."""

import re
from typing import NamedTuple

from crawler.engines.html import attribute, closing, element, elements, inline_text, number_of, tag_at
from crawler.engines.mybb.addresses import first_page, forum_of, is_forum, is_profile, page_of, thread_of, user_of
from crawler.engines.mybb.document import Document, dated
from crawler.records import Poll, PollOption, Status, Thread

_ROW = re.compile(r'id="tid_(\d+)"')
_SEPARATOR = re.compile(r'<td\b[^<>]{0,60}class="(?:[\w-]+ )?trow_sep')
_CELL = re.compile(r"<td\b[^<>]*>")
_ANCHOR = re.compile(r"<a\b([^<>]*)>(.{0,2000}?)</a>", re.DOTALL)
_LOCKED = re.compile(r"\b(?:dot_)?(?:new|hot|newhot)?(?:lock|close)folder\b")
_MOVED = re.compile(r"\b(?:dot_)?(?:new)?movefolder\b")
_LABEL = re.compile(r"^[^:]{2,30}:$")
_NUMBER = re.compile(r"^\s*(?:-|\d[\d.,\s\xa0]*)\s*$")
_PLEDGED = re.compile(r"^\D{0,20}(\d[\d.,]*)\D{0,20}$")


class Row(NamedTuple):
    """A thread's row."""

    number: str
    start: int
    content: str
    title: int
    """Offset in `content` of the element that marks the title."""
    is_sticky: bool


def rows(markup: str, start: int) -> list[Row]:
    """The rows of the page, in order."""
    marks = [mark for mark in _ROW.finditer(markup, start) if tag_at(markup, mark.start()) is not None]
    if not marks:
        return []
    separators = [found.start() for found in _SEPARATOR.finditer(markup, start)]
    # "Important Threads" and "Normal Threads" stand above the two parts of the list, where there are sticky threads.
    parts = (separators[0], separators[1]) if len(separators) == 2 else (0, 0)
    found, previous = [], start
    for index, mark in enumerate(marks):
        begins = max(
            markup.rfind("<tr", previous, mark.start()), markup.rfind('class="inline_row', previous, mark.start())
        )
        if begins < 0:
            begins = previous if index else max(mark.start() - 2_000, start)
        after = marks[index + 1].start() if index + 1 < len(marks) else len(markup)
        end = markup.find("</tr", mark.end(), after)
        end = end if end >= 0 else min(after, mark.end() + 5_000)
        is_sticky = parts[0] < mark.start() < parts[1]
        found.append(Row(mark[1], begins, markup[begins:end], mark.start() - begins, is_sticky))
        previous = end
    return found


def read_row(document: Document, row: Row, board_id: str | None) -> Thread | None:
    """The thread in a row; None where its title leads nowhere."""
    content = row.content
    opened = content.rfind("<", 0, row.title)
    title = _ANCHOR.search(content, opened)
    if title is None:
        return None
    href = attribute(title[1], "href") or ""
    before = content[:opened][max(content.rfind("<td", 0, opened), 0) :]
    after = content[title.end() :]
    label, prefix = _labels(before)
    author, author_id = _starter(after)
    replies, views = _counts(after)
    begun = element(after, "thread_start_datetime")
    created = dated(begun[1]) if begun else ("", "")
    is_moved = _MOVED.search(content) is not None
    is_poll = label is not None and not is_moved
    return Thread(
        site=document.site,
        thread_id=thread_of(href) or row.number,
        title=inline_text(title[2]),
        prefix=prefix,
        author=author,
        author_id=author_id,
        board_id=board_id or _board(content),
        created_at=document.instant(created[1]),
        created_text=created[0] or None,
        last_post_at=document.instant(_last(after)),
        reply_count=replies,
        view_count=views,
        is_sticky=row.is_sticky or "forumdisplay_sticky" in content,
        is_locked=_LOCKED.search(content) is not None,
        thread_type="redirect" if is_moved else "poll" if is_poll else "discussion",
        page_count=_pages(after),
        status=Status.DELETED
        if "trow_deleted" in content
        else Status.HIDDEN
        if "trow_shaded" in content
        else Status.VISIBLE,
        url=first_page(document.address(href)),
    )


def last_dates(found: list[Row]) -> list[str]:
    """Dates of the rows' last posts in full."""
    return [date for row in found if (date := _last(row.content)) is not None]


def _last(part: str) -> str | None:
    found = element(part, "lastpost")
    if found is None:
        return None
    content = found[1]
    cut = min((at for sign in ("<br", "<a ") if (at := content.find(sign)) >= 0), default=len(content))
    return dated(content[:cut])[1] or None


def _labels(before: str) -> tuple[str | None, str | None]:
    """What stands before a title: a word with a colon ("Poll:", "Moved:"), and the thread's prefix."""
    text = _ANCHOR.sub("", before[before.find(">") + 1 :])
    if (attached := element(text, "float_right")) is not None:
        text = text.replace(attached[0] + attached[1], "")
    words = inline_text(text)
    if not words:
        return None, None
    label, colon, rest = words.partition(": ") if ": " in words else (words, "", "")
    if colon:
        return f"{label}:", rest.strip() or None
    return (words, None) if _LABEL.match(words) else (None, words)


def _starter(after: str) -> tuple[str | None, str | None]:
    found = element(after, "author")
    if found is None:
        return None, None
    for tag, text in _ANCHOR.findall(found[1]):
        href = attribute(tag, "href") or ""
        if (is_profile(href) or user_of(href)) and (name := inline_text(text)):
            return name, user_of(href)
    return inline_text(found[1]).rstrip(" ,") or None, None


def _counts(after: str) -> tuple[int | None, int | None]:
    """Replies and views: the two cells behind the title's that hold a number; a moved thread has none."""
    cells = list(_CELL.finditer(after))
    shown = []
    for index, cell in enumerate(cells):
        end = cells[index + 1].start() if index + 1 < len(cells) else len(after)
        if after.find('class="lastpost', cell.start(), end) >= 0:
            break
        text = inline_text(after[cell.end() : end])
        if _NUMBER.match(text):
            shown.append(None if text == "-" else number_of(text))
    if len(shown) < 2:
        said = [found[1] for found in map(_PLEDGED.match, map(inline_text, after.split("<td")[1:])) if found]
        shown = [number_of(number) for number in said]
    return (shown[0], shown[1]) if len(shown) > 1 else (shown[0] if shown else None, None)


def _pages(after: str) -> int | None:
    """Number of pages, by the links behind the title of a thread that has several."""
    cell = after[: after.find('class="author') if 'class="author' in after else after.find("</td")]
    numbers = [number for tag, _ in _ANCHOR.findall(cell) if (number := page_of(attribute(tag, "href") or ""))]
    return max(numbers, default=None)


def _board(content: str) -> str | None:
    hrefs = (attribute(tag, "href") or "" for tag, _ in _ANCHOR.findall(content))
    return next((found for href in hrefs if is_forum(href) and (found := forum_of(href)) is not None), None)


def read_poll(markup: str, start: int, limit: int) -> Poll | None:
    """The poll above the posts: as results, or as the form of somebody who may vote."""
    at = markup.find("polls.php", start, limit)
    if at < 0:
        return None
    begins = max(markup.rfind("<table", start, at), markup.rfind('class="poll', start, at), start)
    block = markup[begins : min(begins + 40_000, limit)]
    block = block[: closing(block, "table", block.find(">") + 1, len(block))] if block.startswith("<table") else block
    heading = element(block, "thead")
    options: list[PollOption] = []
    for row in block.split("<tr")[1:]:
        if 'class="tfoot' in row or 'class="thead' in row:
            continue
        cells = [inline_text(row[cell.end() :].partition("</td")[0]) for cell in _CELL.finditer(row)]
        if 'name="option' in row:
            label = next((text for text in cells if text), "")
            options += [PollOption(text=label)] if label else []
        elif len(cells) > 2 and cells[0] and "%" in cells[-1]:
            options.append(PollOption(text=cells[0], votes=number_of(cells[-2])))
    question = inline_text(heading[1]) if heading else ""
    if question.partition(": ")[2]:
        question = question.partition(": ")[2]
    totals = (number_of(inline_text(content)) for _, content in elements(block, "tfoot"))
    total = next((number for number in totals if number is not None), None)
    return Poll(question=question or None, options=options, voters=total) if options else None
