"""Discourse: own pages in the forms for crawlers and for browsers, from 2013 to 2026."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.discourse import Discourse
from crawler.engines.html import tidy
from crawler.engines.page import Page
from crawler.records import PageKind, ParsedPage, Status
from tests.engines.real_pages import (
    SECONDS_ON_HOSTILE_INPUT,
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


def test_page_as_a_browser_saved_it_with_both_forms() -> None:
    parsed = own("saved-3.0.html", "https://disk.example/pages/which.html")
    first, hidden, answer = parsed.posts  # the drawn ones, which have ids; not the copy for browsers without scripts
    assert [post.post_id for post in parsed.posts] == ["7384", "7385", "7386"]
    assert first.body_text == "Which balloon do you take for a narrow iliac?"  # and not the answer shown below
    assert (first.author, first.created_at, first.reactions) == ("ada", utc("2023-02-01T16:35:35"), 2)
    assert (first.edited, answer.edited) == (True, False)  # a wiki's pencil has no number yet
    assert (hidden.status, hidden.body_text) == (Status.HIDDEN, "")
    # The post that it answers is shown above it.
    assert (answer.author, answer.body_text, answer.created_at) == (
        "cem_b",
        "Six millimetres.",
        utc("2023-02-01T16:39:43"),
    )
    assert (parsed.threads[0].solution_post_id, parsed.thread_id) == ("7386", "3291")


def test_posts_off_the_screen_are_read_from_the_other_form() -> None:
    text = (PAGES / "saved-3.0.html").read_text(encoding="utf-8")
    drawn = text.index('<div class="topic-post clearfix post-hidden')
    shorter = text[:drawn] + text[text.index("</body>") :]
    again = shorter[shorter.index("<div id='post_1'") : shorter.index("</noscript>")]
    both = shorter.replace("</noscript>", again.replace("post_1", "post_2").replace("</div>\n    ", "") + "</noscript>")
    assert [post.post_id for post in parse(shorter, "https://disk.example/x").posts] == ["7384"]
    assert [post.post_id for post in parse(both, "https://disk.example/x").posts] == ["3291-1", "3291-2"]


def test_page_of_2_8_in_a_mirror() -> None:
    parsed = own("crawler-2.8.html", "https://mirror.example/ward/t/knee-pain/304%3Fpage=2.html")
    assert (parsed.thread_id, parsed.board_id, parsed.page, parsed.threads[0].title) == ("304", "9", 2, "Knee pain")
    assert parsed.next_url == "https://mirror.example/ward/t/knee-pain/304%3Fpage=3.html"
    # Of the second post nothing is shown: its author's account is gone.
    first, withdrawn, flagged = parsed.posts
    assert (first.position, first.author, first.body_text) == (21, "ada", "Runner's knee:\nAgreed?")
    assert (first.reactions, first.created_text) == (1, "April 16, 2017, 1:37pm")
    assert (withdrawn.status, withdrawn.body_text, withdrawn.author) == (Status.DELETED, "", "ben")
    assert (withdrawn.edited, withdrawn.edited_at) == (True, utc("2017-04-27T18:18:44"))
    assert (flagged.status, flagged.body_text, flagged.edited) == (Status.HIDDEN, "", False)


def test_half_a_post_is_not_lost_silently() -> None:
    text = (PAGES / "crawler-2.8.html").read_text(encoding="utf-8")
    cut = text[: text.rindex("<div class='post'")]
    parsed = parse(cut, "https://ward.example/t/knee-pain/304?page=2")
    assert (parsed.page_kind, parsed.posts) == (PageKind.UNKNOWN, [])


def test_list_in_a_mirror() -> None:
    parsed = own("mirror-2.8.html", "https://mirror.example/ward/c/pelvis/142679.html")
    assert (parsed.page_kind, parsed.board_id, parsed.page) == ("board", "14", 2)
    assert parsed.next_url == "https://mirror.example/ward/c/pelvis/144658.html?page=2"
    # The heading of the site's header is not the category's; links are relative, and some have another folder before.
    assert [(board.board_id, board.title, board.parent_id) for board in parsed.boards] == [
        ("14", "Pelvis", None),
        ("17", "Fibroids", "14"),
        ("19", "Veins", "14"),
    ]
    veins, first = parsed.threads
    assert (veins.title, veins.author, veins.board_id, veins.tags) == ("Ovarian & other veins", "ada", "19", ["coils"])
    assert (veins.reply_count, veins.view_count, first.author, first.board_id) == (4, 3737, "cem_b", "14")


def test_front_page_of_a_mirror() -> None:
    text = (
        (PAGES / "mirror-2.8.html")
        .read_text(encoding="utf-8")
        .replace("ward.example/c/pelvis/14?page=1", "ward.example/")
    )
    text = (
        text.replace("../../t/", "t/")
        .replace('href="14.html"', 'href="index.html"')
        .replace("'14.html'", "'c/pelvis/14.html'")
    )
    parsed = parse(text, "https://mirror.example/ward/index.html")
    assert [(thread.thread_id, thread.board_id) for thread in parsed.threads] == [("3775", None), ("83", "14")]


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


def test_categories_of_2_1() -> None:
    parsed = own("categories-2.1.html", "https://mirror.example/categories.html")
    assert (parsed.page_kind, parsed.threads) == ("index", [])
    assert [(board.board_id, board.title, board.description) for board in parsed.boards] == [
        ("vascular", "Vascular", "See the other one too."),  # whose link is none of a category in it
        ("cardiac", "Cardiac", None),
    ]


def test_categories_as_boxes() -> None:
    parsed = own("boxes-3.2.html", "https://ward.example/categories")
    assert parsed.page_kind is PageKind.INDEX
    assert [(board.board_id, board.title, board.description, board.parent_id) for board in parsed.boards] == [
        ("6", "Vascular", "Vessels of all kinds", None),
        ("8", "Stents", None, "6"),
        ("7", "Cardiac", None, None),
    ]


def test_not_found_and_login() -> None:
    missing = own("not-found.html")
    assert (missing.page_kind, missing.threads) == ("error", [])  # it lists popular topics
    assert missing.reason == "Oops! That page doesn\u2019t exist or is private."
    assert own("login.html", "https://ward.example/").page_kind is PageKind.LOGIN


def test_version_of_a_site_about_discourse() -> None:
    head = (
        "<title>Latest Support topics - Discourse Meta</title>"
        + '<meta name="description" content="Discourse is.">' * 9
    )
    text = (
        f'<html><head>{head}<meta name="generator"\n content="Discourse 3.4.0.beta2 - x"></head><body class="crawler">'
    )
    assert parse(text).engine_version == "3.4.0.beta2"


def test_error_page_with_the_name_of_the_site_above() -> None:
    text = (PAGES / "not-found.html").read_text(encoding="utf-8")
    text = re.sub(r"<body[^>]*>", lambda body: body[0] + "<header><h1>Ward</h1></header>", text)
    assert parse(text).reason == "Oops! That page doesn\u2019t exist or is private."


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
    minified = re.sub(r"=([\"'])([\w/.:-]+)\1(?=[\s>])", r"=\2", text)
    for rewritten in (tidy(text), text.replace("\n", "\r\n"), shouted, minified):
        parsed = parse(rewritten, url)
        assert (parsed.posts, parsed.threads, parsed.boards) == (told.posts, told.threads, told.boards)


def test_never_hangs() -> None:
    verify_never_hangs(ENGINE, PAGES / "crawler-2026.html", "<p>Answer.</p>")
    verify_never_hangs(ENGINE, PAGES / "list-3.3.html", "<meta itemprop='position' content='1'>")
    verify_never_hangs(ENGINE, PAGES / "rendered-3.2.html", "Opening words")
    verify_never_hangs(ENGINE, PAGES / "categories-3.3.html", "<div itemprop='description'></div>")
    verify_never_hangs(ENGINE, PAGES / "saved-3.0.html", "Six millimetres.")
    verify_never_hangs(ENGINE, PAGES / "boxes-3.2.html", "Vessels of all kinds")
    verify_never_hangs(ENGINE, PAGES / "mirror-2.8.html", "October 18, 2017")


def test_words_of_the_markup_in_great_number() -> None:
    for words in (
        "topic-list-item ",
        "crawler-post' ",
        "<div class='topic-body crawler-post'>",
        "Discourse ",
        "edits ",
    ):
        start = time.process_time()
        parse(f"<html><body>{words * 5_000}", TOPIC)
        assert time.process_time() - start < SECONDS_ON_HOSTILE_INPUT, words
