"""Discourse: own pages in the forms for crawlers and for browsers, from 2013 to 2026."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.discourse import Discourse
from crawler.engines.html import tidy
from crawler.engines.page import Page
from crawler.records import PageKind, ParsedPage
from tests.engines.real_pages import (
    verify_never_hangs,
    verify_nothing_left,
)

ENGINE = Discourse()
PAGES = Path(__file__).parent / "pages" / "discourse"
TOPIC = "https://ward.example/t/stent-sizing/501"


def parse(body: str | bytes, url: str = TOPIC, status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status))


def own(name: str, url: str = TOPIC) -> ParsedPage:
    return parse((PAGES / name).read_bytes(), url)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def topic() -> ParsedPage:
    """The first page of a topic as JSON."""
    return own("topic.json", "https://ward.example/t/501.json")


@pytest.fixture
def crawlers() -> ParsedPage:
    """Page 2 of the same topic as crawlers are shown it in 2026."""
    return own("crawler-2026.html", f"{TOPIC}?page=2")


@pytest.fixture
def oldest() -> ParsedPage:
    """A topic of 1.8, in a subfolder, in French."""
    return own("crawler-1.8.html", "https://salle.example/forum/t/vieux-cas/26")


# -- pages for crawlers -------------------------------------------------------------------------------------------


def test_page_for_crawlers(crawlers: ParsedPage) -> None:
    assert (crawlers.page_kind, crawlers.engine_version) == ("thread", "2026.7.0-latest")
    assert (crawlers.page, crawlers.last_page, crawlers.next_url) == (2, None, f"{TOPIC}?page=3")
    (thread,) = crawlers.threads
    assert (thread.thread_id, thread.title, thread.board_id) == ("501", "Stent sizing & angles", "8")
    assert (thread.tags, thread.url) == (["stent", "iliac"], TOPIC)
    assert (thread.thread_type, thread.solution_post_id) == ("question", "501-24")
    assert thread.created_at == utc("2024-03-01T08:00:00")


def test_posts_for_crawlers(crawlers: ParsedPage) -> None:
    # The line that leads to the next page has the class of a post; it is none.
    assert [(post.post_id, post.position, post.author) for post in crawlers.posts] == [
        ("501-21", 21, "ada"),
        ("501-24", 24, "cem_b"),  # posts between them were moved away
    ]
    first, second = crawlers.posts
    assert (first.created_at, first.created_text) == (utc("2024-03-02T08:00:00"), "March 2, 2024, 8:00am")
    assert (first.edited, first.edited_at) == (True, utc("2024-03-03T09:00:00"))
    assert (second.edited, second.edited_at) == (False, None)
    assert (first.reactions, second.reactions) == (23, 0)
    assert [(quote.post_id, quote.author, quote.text) for quote in first.quotes] == [("501-3", "ben", "Quoted words.")]
    assert (first.body_text, first.links) == ("See balloons.", ["https://ward.example/t/balloons/88/2"])
    assert not first.is_opening


def test_nothing_of_a_page_for_crawlers_is_left(crawlers: ParsedPage) -> None:
    page = Page(url=TOPIC, body=(PAGES / "crawler-2026.html").read_bytes(), site="ward")
    ignored = "[role=navigation], .post-likes, .crawler-linkback-list, .creator, .quote .title"
    verify_nothing_left(page, crawlers, ".topic-body.crawler-post", ignored)


def test_page_of_1_8_in_a_subfolder(oldest: ParsedPage) -> None:
    assert (oldest.engine_version, oldest.page, oldest.last_page) == ("1.8.0.beta3", 1, 1)
    first, second = oldest.posts
    assert (first.post_id, first.author, first.reactions, first.is_opening) == ("26-1", "Zoé", 4, True)
    assert (first.body_text, first.created_at) == ("Bonjour.", utc("2016-05-23T15:01:10"))
    assert (second.position, second.url) == (3, "https://salle.example/forum/t/vieux-cas/26/3")
    (thread,) = oldest.threads
    assert thread.board_id == "salle/urgences"  # these addresses have no number
    assert thread.poll is not None
    assert [option.text for option in thread.poll.options] == ["Oui", "Non"]


@pytest.mark.parametrize(
    ("name", "version"), [("shell-2.8.html", "2.8.0.beta9"), ("shell-2026.html", "2026.3.0-latest")]
)
def test_page_for_browsers_carries_json(name: str, version: str, topic: ParsedPage) -> None:
    parsed = own(name)
    assert parsed.posts == topic.posts
    assert (parsed.engine_version, parsed.next_url) == (version, f"{TOPIC}?page=2")


def test_page_as_a_browser_saved_it() -> None:
    parsed = own("rendered-3.2.html")
    first, second = parsed.posts  # "closed this topic" is none
    assert (first.post_id, first.position, first.author, first.author_id) == ("9001", 1, "ada", "11")
    assert first.created_at == utc("2024-03-01T08:00:00")
    assert (first.edited, first.edited_at, first.reactions) == (True, None, 4)
    assert (first.body_text, first.links) == ("Opening words paper.", ["https://pubmed.example/1"])
    assert second.quotes[0].post_id == "9001"
    (thread,) = parsed.threads
    assert (thread.thread_id, thread.title, thread.board_id, thread.tags) == ("501", "Stent sizing", "6", ["stent"])


def test_list_for_crawlers() -> None:
    parsed = own("list-3.3.html", "https://ward.example/c/vascular/stents/8?page=1")
    assert (parsed.page_kind, parsed.board_id, parsed.page) == ("board", "8", 2)  # lists count from 0
    assert parsed.next_url == "https://ward.example/c/vascular/stents/8?page=2"
    board, inner = parsed.boards
    assert (inner.board_id, inner.title, inner.description, inner.parent_id) == ("10", "Coated", "Drugs on stents", "8")
    assert (board.board_id, board.title, board.parent_id, board.description) == ("8", "Stents", "6", "All on stents.")
    (thread,) = parsed.threads
    assert (thread.thread_id, thread.title, thread.author) == ("501", "Stent sizing & angles", "ada")
    assert (thread.reply_count, thread.view_count, thread.tags) == (21, 1234, ["iliac"])
    assert thread.last_post_at is None  # a day without a time is no instant


def test_list_of_1_8() -> None:
    parsed = own("list-1.8.html", "https://ward.example/latest")
    assert [(thread.thread_id, thread.title, thread.reply_count, thread.board_id) for thread in parsed.threads] == [
        ("501", "Stent sizing", 21, "vascular"),
        ("88", "Balloons", 0, None),
    ]
    assert (parsed.page, parsed.next_url) == (1, "https://ward.example/latest?no_definitions=true&page=1")


def test_list_as_a_browser_saved_it() -> None:
    parsed = own("rendered-list-3.4.html", "https://station.example/c/gefaesse/6")
    assert (parsed.page_kind, parsed.board_id, parsed.boards[0].title) == ("board", "6", "Gefäße")
    (thread,) = parsed.threads
    assert (thread.title, thread.author, thread.board_id, thread.tags) == ("Zuerst lesen", "ada", "6", ["stent"])
    assert thread.url == "https://station.example/t/zuerst-lesen/500"
    assert (thread.reply_count, thread.view_count) == (1203, 12034)  # whole numbers from titles, not "1,2 Tsd."
    assert (thread.is_sticky, thread.is_locked) == (True, True)
    assert thread.last_post_at == utc("2024-03-02T08:00:00")


def test_categories_for_crawlers() -> None:
    parsed = own("categories-3.3.html", "https://ward.example/categories")
    assert (parsed.page_kind, parsed.threads) == ("index", [])
    assert [(board.board_id, board.title, board.description, board.thread_count) for board in parsed.boards] == [
        ("6", "Vascular & more", "Vessels of all kinds", 120),
        ("7", "Cardiac", None, 4),
    ]


def test_not_found_and_login() -> None:
    missing = own("not-found.html")
    assert (missing.page_kind, missing.threads) == ("error", [])  # it lists popular topics
    assert missing.reason == "Oops! That page doesn\u2019t exist or is private."
    assert own("login.html", "https://ward.example/").page_kind is PageKind.LOGIN


def test_pages_of_nothing() -> None:
    head = '<meta name="generator" content="Discourse 3.3.1">'
    assert parse(f"<html><head>{head}</head><body>", TOPIC).page_kind is PageKind.UNKNOWN
    assert parse(f"<html><head>{head}</head><body>", "https://ward.example/about", status=503).page_kind == "error"
    assert parse("<title>Just a moment...</title>").page_kind is PageKind.CHALLENGE
    assert parse("<html>").reason == "the page is none of Discourse"


# -- whatever the bytes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["crawler-2026.html", "crawler-1.8.html", "crawler-0.8.html", "list-3.3.html"])
def test_rewritten_pages_read_alike(name: str) -> None:
    url = "https://ward.example/c/vascular/stents/8" if "list" in name else "http://ward.example/t/old-case/12"
    text = (PAGES / name).read_text(encoding="utf-8")
    told = parse(text, url)
    shouted = re.sub(r"<(/?)(\w+)", lambda tag: f"<{tag[1]}{tag[2].upper()}", text)
    for rewritten in (tidy(text), text.replace("\n", "\r\n"), shouted):
        parsed = parse(rewritten, url)
        assert (parsed.posts, parsed.threads, parsed.boards) == (told.posts, told.threads, told.boards)


def test_never_hangs() -> None:
    verify_never_hangs(ENGINE, PAGES / "crawler-2026.html", "<p>Answer.</p>")
    verify_never_hangs(ENGINE, PAGES / "list-3.3.html", "<meta itemprop='position' content='1'>")
    verify_never_hangs(ENGINE, PAGES / "rendered-3.2.html", "Opening words")
    verify_never_hangs(ENGINE, PAGES / "categories-3.3.html", "<div itemprop='description'></div>")
