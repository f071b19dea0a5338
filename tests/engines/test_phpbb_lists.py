"""phpBB: lists in the markup of 2.0, 3.3 and subSilver 2; pages without content; addresses, zones, recognition."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.phpbb import PhpBB
from crawler.engines.phpbb.addresses import (
    board_id_of,
    clean,
    first_page,
    post_id_of,
    start_of,
    thread_id_of,
    user_id_of,
)
from crawler.engines.phpbb.clock import stated_zone
from crawler.records import PageKind, ParsedPage
from tests.engines.real_pages import FETCHED_AT

ENGINE = PhpBB()
PAGES = Path(__file__).parent / "pages" / "phpbb"
BASE = "https://ward.example/board/"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def parse(name: str, url: str = "viewtopic.php?t=1", change: tuple[str, str] = ("", "")) -> ParsedPage:
    """An own page, with one text of it replaced by another."""
    text = (PAGES / name).read_text(encoding="utf-8")
    assert change[0] in text
    return parse_text(text.replace(*change) if change[0] else text, url)


def parse_text(text: str, url: str = "viewtopic.php?t=1") -> ParsedPage:
    return ENGINE.parse(Page(url=BASE + url, body=text.encode(), site="ward", fetched_at=FETCHED_AT))


# -- lists --------------------------------------------------------------------------------------------------------


def test_a_forum_of_3_3() -> None:
    parsed = parse("board-3.3.html", "viewforum.php?f=5")
    assert (parsed.page_kind, parsed.board_id, parsed.page, parsed.last_page) == (PageKind.BOARD, "5", 1, 3)
    assert parsed.next_url == f"{BASE}viewforum.php?f=5&start=25"
    own, sub = parsed.boards
    assert (own.board_id, own.title, own.description, own.parent_id) == ("5", "Lipids", "Statins, fibrates, diet.", "3")
    assert own.thread_count == 52
    assert (sub.board_id, sub.title, sub.parent_id, sub.description) == ("12", "Ezetimibe", "5", "Absorbed in thought")
    assert (sub.thread_count, sub.post_count) == (1204, 9001)
    assert [link.url for link in parsed.links] == ["https://ward.example/board/app.php/feed/forum/5"]


def test_rows_of_3_3() -> None:
    rules, poll, moved = parse("board-3.3.html", "viewforum.php?f=5").threads
    assert (rules.thread_id, rules.title, rules.board_id, rules.is_sticky) == ("1", "House rules", "1", True)
    assert (rules.author, rules.author_id, rules.reply_count, rules.view_count) == ("matron", "2", 0, 15912)
    assert (rules.created_at, rules.last_post_at) == (utc(2019, 1, 1), utc(2020, 1, 2, 3, 4, 5))
    assert (poll.title, poll.author, poll.author_id) == ("Statins & muscle pain", "Passing » patient", None)
    assert (poll.is_sticky, poll.is_locked, poll.thread_type, poll.page_count) == (True, True, "poll", 252)
    assert (poll.board_id, poll.created_at) == ("5", utc(2015, 5, 5, 5, 5, 5))
    assert (moved.thread_type, moved.is_sticky, moved.is_locked) == ("redirect", False, None)
    assert moved.url == f"{BASE}viewtopic.php?t=77"


def test_rows_of_subsilver_2() -> None:
    parsed = parse("board-subsilver2.html", "viewforum.php?f=6&start=25")
    assert (parsed.page, parsed.last_page, parsed.board_id) == (2, 3, "6")
    assert parsed.next_url == f"{BASE}viewforum.php?f=6&start=50"
    news, locked = parsed.threads
    assert (news.is_sticky, news.is_locked, news.reply_count, news.view_count) == (True, False, 0, 512)
    assert (news.author, news.author_id, news.created_at) == ("matron", "2", utc(2004, 10, 9, 21, 12))
    assert news.last_post_at == utc(2004, 10, 9, 21, 12)
    assert (locked.is_locked, locked.author, locked.author_id, locked.page_count) == (True, "Visitor", None, 2)
    assert (locked.reply_count, locked.view_count, locked.last_post_at) == (21, 1300, utc(2005, 1, 2, 8, 30))


def test_rows_of_phpbb_2() -> None:
    parsed = parse("board-phpbb2.html", "viewforum.php?f=9")
    assert (parsed.page, parsed.last_page, parsed.board_id) == (1, 4, "9")
    assert parsed.next_url == f"{BASE}viewforum.php?f=9&topicdays=0&start=50"
    sticky, locked = parsed.threads
    assert (sticky.thread_id, sticky.title, sticky.is_sticky, sticky.is_locked) == ("61", "Migraine diary", True, False)
    assert (sticky.author, sticky.author_id, sticky.reply_count, sticky.view_count) == (
        "Sister Aniseed",
        "18",
        37,
        4102,
    )
    assert sticky.last_post_at == utc(2004, 10, 9, 19, 35)  # 1:05 am at GMT + 5.5 Hours
    assert (sticky.created_at, sticky.page_count) == (None, 3)
    assert (locked.author, locked.author_id, locked.is_locked) == ("Visitor", None, True)


def test_an_index_with_categories_subforums_and_a_link() -> None:
    parsed = parse("index-3.3.html", "index.php")
    assert parsed.page_kind is PageKind.INDEX
    assert [(board.board_id, board.parent_id) for board in parsed.boards] == [
        ("3", None),
        ("5", "3"),
        ("12", "5"),
        ("40", "3"),
        ("8", None),
        ("9", "8"),
    ]
    lipids = parsed.boards[1]
    assert (lipids.title, lipids.description) == ("Lipids", "Statins, fibrates & diet.")
    assert (lipids.thread_count, lipids.post_count) == (52, 4310)
    assert lipids.url == f"{BASE}viewforum.php?f=5"


def test_an_index_of_phpbb_2() -> None:
    parsed = parse("index-phpbb2.html", "index.php")
    assert parsed.page_kind is PageKind.INDEX
    neurology, eyes = parsed.boards
    assert (neurology.board_id, neurology.title, neurology.description) == ("9", "Neurology", "Headache and worse.")
    assert (neurology.thread_count, neurology.post_count) == (204, 1807)
    assert (eyes.title, eyes.description, eyes.thread_count) == ("Eyes", None, 0)


def test_a_forum_without_topics_is_a_board() -> None:
    text = '<body id="phpbb" class="section-viewforum ltr"><h2><a href="./viewforum.php?f=4">Skin</a></h2>'
    text += '<a href="./posting.php?mode=post&amp;f=4">New</a><div class="panel"><strong>No topics.</strong></div>'
    parsed = parse_text(text, "viewforum.php?f=4")
    assert (parsed.page_kind, parsed.board_id, parsed.threads) == (PageKind.BOARD, "4", [])
    assert [board.title for board in parsed.boards] == ["Skin"]


def test_topics_of_a_search_name_their_forums() -> None:
    text = (PAGES / "board-3.3.html").read_text(encoding="utf-8").replace("section-viewforum", "section-search")
    parsed = parse_text(
        text.replace('viewforum.php?f=5">\n<link', 'search.php">\n<link'), "search.php?search_id=active_topics"
    )
    assert (parsed.page_kind, parsed.board_id) == (PageKind.BOARD, None)
    assert parsed.threads[0].board_id == "1"


# -- other pages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("message-3.3.html", PageKind.ERROR, "The requested topic does not exist."),
        ("message-phpbb2.html", PageKind.ERROR, "The topic or post you requested does not exist"),
        (
            "login-3.3.html",
            PageKind.LOGIN,
            "The board requires you to be registered and logged in to view this forum.",
        ),
    ],
)
def test_pages_without_content(name: str, kind: PageKind, reason: str) -> None:
    parsed = parse(name)
    assert (parsed.page_kind, parsed.reason) == (kind, reason)


def test_an_empty_search_the_print_view_and_a_stranger() -> None:
    message = (PAGES / "message-3.3.html").read_text(encoding="utf-8").replace("section-viewtopic", "section-search")
    assert parse_text(message, "search.php?keywords=x").page_kind is PageKind.EMPTY
    printed = '<body id="phpbb" class="section-viewtopic"><div class="post"><div class="content">words</div></div>'
    parsed = parse_text(printed, "viewtopic.php?t=4&view=print")
    assert (parsed.page_kind, parsed.reason) == (PageKind.UNKNOWN, "the print view of a topic: its posts carry no ids")
    stranger = parse_text("<html><body><p>A clinic.</p></body></html>", "about")
    assert (stranger.page_kind, stranger.reason) == (PageKind.UNKNOWN, "the page is none of phpBB")


def test_a_bot_check_is_a_challenge() -> None:
    text = "<html><head><title>Just a moment...</title></head><body></body></html>"
    assert parse_text(text).page_kind is PageKind.CHALLENGE


# -- addresses, zones, recognition --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "thread", "board", "start"),
    [
        ("viewtopic.php?f=14&t=510&start=30", "510", "14", 30),
        ("viewtopic.php@f=14&t=510.html", "510", "14", None),
        ("viewtopic.php%3Ff=14&t=510.html", "510", "14", None),
        ("viewtopic2bb2-2.html?f=3&t=1226&start=30", "1226", "3", 30),
        ("heart-f4/beta-blockers-t77-15.html", "77", None, 15),
        ("topic77.html", "77", None, None),
        ("cardiology-f12-25.html", None, "12", 25),
        ("viewtopic.php?t=11998,start,15", "11998", None, 15),
        ("modules.php?name=Forums&file=viewtopic&t=12&start=30", "12", None, 30),
        ("viewtopic.php?p=9#p9", None, None, None),
    ],
)
def test_addresses(url: str, thread: str | None, board: str | None, start: int | None) -> None:
    assert thread_id_of(url) == thread
    assert start_of(url) == start
    if board is not None:
        assert board_id_of(url) == board


def test_ids_of_posts_and_members() -> None:
    assert post_id_of("./viewtopic.php?p=12#p12") == "12"
    assert post_id_of("viewtopic.php@f=14&t=510.html#p1212") == "1212"
    assert post_id_of("post31.html#p31") == "31"
    assert user_id_of("memberlist3d77.html?mode=viewprofile&u=2258") == "2258"
    assert user_id_of("./memberlist.php?mode=viewprofile&u=1") is None
    assert user_id_of("malve-u33.html") == "33"


def test_session_ids_are_dropped() -> None:
    assert clean("./viewtopic.php?f=1&sid=0a1b&t=2#p3") == "./viewtopic.php?f=1&t=2#p3"
    assert clean("./index.php?sid=0a1b") == "./index.php"
    assert ENGINE.request_url(f"{BASE}viewforum.php?sid=0a1b&f=2") == f"{BASE}viewforum.php?f=2"


def test_first_pages_and_posts() -> None:
    assert first_page(f"{BASE}viewtopic.php?f=1&t=2&start=30&hilit=x#p9") == f"{BASE}viewtopic.php?f=1&t=2"
    assert first_page(f"{BASE}viewtopic.php@f=2&t=4&start=10.html") == f"{BASE}viewtopic.php@f=2&t=4.html"
    assert first_page(f"{BASE}title-t4-15.html") == f"{BASE}title-t4.html"
    assert ENGINE.page_url(f"{BASE}viewtopic.php?t=2&start=15", 1) == f"{BASE}viewtopic.php?t=2"
    assert ENGINE.page_url(f"{BASE}viewtopic.php?t=2", 3) is None
    assert ENGINE.post_url(f"{BASE}viewtopic.php?t=2", "9") == f"{BASE}viewtopic.php?p=9#p9"
    assert ENGINE.post_url("relative", "9") is None


@pytest.mark.parametrize(
    ("footer", "newer", "minutes"),
    [
        ("<li>All times are UTC </li>", False, 0),
        ("<li>All times are UTC - 5 hours [ DST ]</li>", False, -240),
        ("<li>Alle Zeiten sind UTC + 1 Stunde</li>", False, 60),
        ("<p>All times are GMT + 5.5 Hours</p>", False, 330),
        ('<p>All times are <span class="tz_time">GMT - 3.5 Hours</span></p>', False, -210),
        ('All times are <span title="UTC-6">UTC-06:00</span>', True, -360),
        ('All times are <span title="UTC">UTC</span>', True, 0),
        ("<li>All times are UTC+02:00</li>", False, None),
        ("<li>All times are UTC</li>", True, None),
        ("<script>x = 'Thu, 01 Jan 1970 00:00:00 GMT'</script><p>no zone</p>", False, None),
    ],
)
def test_zones(footer: str, newer: bool, minutes: int | None) -> None:
    zone = stated_zone("", f"<div>{footer}</div>", newer=newer)
    offset = utc(2010, 7, 1).astimezone(zone).utcoffset() if zone is not None else None
    assert (offset.total_seconds() / 60 if offset is not None else None) == minutes


def test_a_zone_named_in_another_language() -> None:
    zone = stated_zone("", 'Alle Zeiten sind <span title="Europa/Berlin">UTC+02:00</span>', newer=True)
    assert str(zone) == "Europe/Berlin"
    assert stated_zone("", 'x <span title="Mond/Krater">UTC+02:00</span>', newer=True) is None


def test_every_own_page_is_recognised() -> None:
    for path in sorted(PAGES.iterdir()):
        recognition = ENGINE.recognise(Page(url=BASE, body=path.read_bytes(), site="s"))
        assert recognition is not None, path.name
        assert recognition.confidence == 0.99, path.name


def test_rows_whose_links_an_add_on_wrote_with_single_quotes_are_not_lost() -> None:
    written = (PAGES / "board-3.3.html").read_text(encoding="utf-8")
    quoted = re.sub(r"<a\b[^<>']*>", lambda tag: tag[0].replace('"', "'"), written)
    assert "class='topictitle'" in quoted
    page = Page(url=f"{BASE}viewforum.php?f=5", body=quoted.encode(), site="ward")
    rows = [thread.thread_id for thread in ENGINE.parse(page).threads]
    assert rows == [thread.thread_id for thread in parse("board-3.3.html", "viewforum.php?f=5").threads]
    assert rows
