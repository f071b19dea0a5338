"""JSON of lists: topics (/latest.json, /c/SLUG/ID.json, /top.json, /tag/NAME.json), categories, search, the site."""

from collections.abc import Iterable, Iterator

from crawler.engines.discourse.addresses import as_json, category_of, is_json, page_parameter, root_of
from crawler.engines.discourse.fields import Fields
from crawler.engines.discourse.posts import Reading
from crawler.engines.discourse.topics import row
from crawler.engines.html import absolute, inline_text
from crawler.engines.page import Page
from crawler.records import Board, PageKind, ParsedPage, Thread

_DEEPEST = 3
"""Discourse nests categories two deep, or three where its owner allows that."""


def read_list(page: Page, answer: Fields) -> ParsedPage:
    """A list of topics; with categories beside it an index (/categories_and_latest.json)."""
    listing = answer.inner("topic_list")
    more = listing.text("more_topics_url")
    board = category_of(page.url) or category_of(more or "")
    board = board if board and board.isdecimal() else None
    threads = read_rows(page, listing.listed("topics"), answer.listed("users"))
    parsed = ParsedPage(page_kind=PageKind.BOARD, threads=threads, board_id=board)
    parsed.boards = read_categories(page, answer)
    if parsed.boards and "category_list" in answer.data:
        parsed.page_kind, parsed.page, parsed.last_page = PageKind.INDEX, 1, 1
        return parsed
    # Lists count their pages from 0: what the next one is called is the number of this from 1.
    parsed.page = page_parameter(more or "") or (page_parameter(page.url) or 0) + 1
    if more is not None:
        parsed.next_url = _next(page.url, more)
    else:
        parsed.last_page = parsed.page
    if not threads and not parsed.boards and (board is None or parsed.page > 1):
        parsed.page_kind, parsed.reason = PageKind.EMPTY, "the list holds no topic"
    return parsed


def _next(url: str, more: str) -> str:
    root = root_of(url)
    origin = absolute(url, "/").rstrip("/")
    folder = root[len(origin) :]
    if more.startswith("/") and folder and not more.startswith(f"{folder}/"):
        more = folder + more
    following = absolute(url, more)
    return as_json(following) if is_json(url) else following


def read_rows(page: Page, rows: Iterable[Fields], users: Iterable[Fields]) -> list[Thread]:
    """Topics of a list; the first of a topic's posters is the one who opened it."""
    reading = Reading(page.site, root_of(page.url), page.url, None, None)
    names = {user.integer("id"): user.text("username") for user in users}
    threads: dict[str, Thread] = {}
    for topic in rows:
        if topic.number_id("id") is None:
            continue
        thread = row(topic, reading)
        posters = topic.listed("posters")
        if posters:
            first = posters[0]
            number = first.integer("user_id") or first.inner("user").integer("id")
            thread.author = first.inner("user").text("username") or names.get(number)
            thread.author_id = str(number) if number else None
        threads.setdefault(thread.thread_id, thread)
    return list(threads.values())


def read_index(page: Page, answer: Fields) -> ParsedPage:
    """Categories, with the topics that the page features."""
    parsed = ParsedPage(page_kind=PageKind.INDEX, boards=read_categories(page, answer), page=1, last_page=1)
    rows = [
        Fields({"category_id": category.integer("id"), **topic.data})
        for category in _all_categories(answer)
        for topic in category.listed("topics")
    ]
    parsed.threads = read_rows(page, rows, answer.listed("users"))
    if not parsed.boards:
        parsed.page_kind, parsed.reason = PageKind.EMPTY, "the site shows no category"
    return parsed


def read_category(page: Page, answer: Fields) -> ParsedPage:
    """One category by itself (/c/ID/show.json)."""
    boards = read_categories(page, Fields({"categories": [answer.data["category"]]}))
    if not boards:
        return ParsedPage(page_kind=PageKind.UNKNOWN, reason="a category without id")
    return ParsedPage(page_kind=PageKind.INDEX, boards=boards, board_id=boards[0].board_id)


def _all_categories(answer: Fields) -> list[Fields]:
    found = answer.inner("category_list").listed("categories") or answer.listed("categories")
    return [inner for category in found for inner in (category, *category.listed("subcategory_list"))]


def read_categories(page: Page, answer: Fields) -> list[Board]:
    """Categories and those in them, each once, in order."""
    top = answer.inner("category_list").listed("categories") or answer.listed("categories")
    root = root_of(page.url)
    boards: dict[str, Board] = {}
    paths: dict[str | None, str] = {}
    for category, parent in _nested(top, None, 0):
        if (number := category.number_id("id")) is None:
            continue
        slug = category.text("slug")
        if slug is not None:
            paths[number] = f"{paths[parent]}/{slug}" if parent in paths else slug
        known = boards.get(number)
        if known is None or (known.title is None and category.text("name")):
            boards[number] = _board(page.site, category, number, parent)
            boards[number].url = f"{root}/c/{paths[number]}/{number}" if number in paths else f"{root}/c/{number}"
    return list(boards.values())


def _nested(categories: Iterable[Fields], parent: str | None, depth: int) -> Iterator[tuple[Fields, str | None]]:
    """Categories with the id of the one above. One that only its parent names ("subcategory_ids") has an id alone."""
    for category in categories:
        above = category.number_id("parent_category_id") or parent
        yield category, above
        own = category.number_id("id")
        if depth < _DEEPEST:
            yield from _nested(category.listed("subcategory_list"), own, depth + 1)
        for inner in category.integers("subcategory_ids"):
            yield Fields({"id": inner}), own


def _board(site: str, category: Fields, number: str, parent: str | None) -> Board:
    description = category.text("description_text") or inline_text(category.text("description") or "")
    return Board(
        site=site,
        board_id=number,
        title=category.text("name"),
        description=description or None,
        parent_id=parent,
        thread_count=category.integer("topic_count"),
        post_count=category.integer("post_count"),
    )


def read_search(page: Page, answer: Fields) -> ParsedPage:
    """Results of a search: topics; the posts there are cuttings and no posts."""
    threads = read_rows(page, answer.listed("topics"), answer.listed("users"))
    if not threads:
        return ParsedPage(page_kind=PageKind.EMPTY, reason="the search found no topic")
    return ParsedPage(page_kind=PageKind.BOARD, threads=threads, page=page_parameter(page.url) or 1)
