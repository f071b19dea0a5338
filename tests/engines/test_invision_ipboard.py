"""IP.Board 3 and 2: own pages in the software's markup, version by version."""

import re
from datetime import UTC, datetime
from pathlib import Path

from crawler.engines.invision import Invision
from crawler.engines.page import Page
from crawler.records import PageKind, ParsedPage, Quote, Status

ENGINE = Invision()
PAGES = Path(__file__).parent / "pages" / "invision"


def parse(body: str | bytes, url: str = "https://ward.example/topic/1-x/") -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward"))


def own(name: str, url: str = "https://ward.example/x") -> ParsedPage:
    return parse((PAGES / f"{name}.html").read_bytes(), url)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# -- IP.Board 3 ---------------------------------------------------------------------------------------------------


def test_page_two_of_a_topic_of_ip_board_3_4() -> None:
    parsed = own("thread-3.4")
    assert (parsed.page_kind, parsed.engine_version, parsed.containers) == ("thread", "3.4.6", 4)
    assert (parsed.page, parsed.last_page, parsed.thread_id, parsed.board_id) == (2, 3, "77", "5")
    assert parsed.next_url == "http://old.example/topic/77-airway-in-trauma/page-3"
    (thread,) = parsed.threads
    assert (thread.title, thread.author, thread.author_id, thread.tags) == ("Airway in trauma", "Gil", "31", ["airway"])
    assert (thread.created_at, thread.created_text) == (utc("2012-10-03T19:54"), "Oct 03 2012 09:54 PM")
    assert (thread.reply_count, thread.is_locked, thread.page_count) == (44, True, 3)


def test_posts_of_ip_board_3_4() -> None:
    first, guest, removed, last = own("thread-3.4").posts
    assert (first.post_id, first.position, first.author, first.author_id) == ("2101", 21, "Gil", "31")
    assert (first.created_at, first.created_text) == (utc("2012-10-04T05:15"), "04 October 2012 - 07:15 AM")
    assert (first.edited, first.edited_at, first.score) == (True, utc("2012-10-04T05:20"), 3)
    assert first.body_text == "Off, with manual hold ;).\nstep 1\n  step 2"
    assert first.quotes == [Quote(post_id="2099", author="Hana", text="Collar on or off?")]
    (file,) = first.attachments
    assert (file.name, file.url.rpartition("=")[2]) == ("airway.pdf", "61")
    assert first.links == ["http://guide.example/airway"]
    assert first.url == "http://old.example/topic/77-airway-in-trauma/page-2#entry2101"
    assert (guest.author, guest.author_id, guest.reactions) == ("Guest_visitor_*", None, 6)
    assert guest.quotes == [
        Quote(post_id="2101", author="Gil", text="Off, with manual hold."),
        Quote(author="Hana", text="Collar?"),
    ]
    assert guest.body_text == "Thanks, that helps."
    assert (removed.status, removed.body_text, removed.author, removed.position) == (Status.REMOVED, "", "Hana", None)
    assert (last.position, last.edited, last.status) == (23, False, Status.VISIBLE)


def test_dates_in_words_stay_words_where_the_posts_do_not_agree_on_an_offset() -> None:
    page = (PAGES / "thread-3.4.html").read_text(encoding="utf-8")
    parsed = parse(page.replace(">04 October 2012 - 09:00 AM</abbr>", ">04 October 2012 - 11:00 AM</abbr>"))
    assert (parsed.posts[0].edited, parsed.posts[0].edited_at, parsed.threads[0].created_at) == (True, None, None)


def test_a_topic_of_ip_board_3_0() -> None:
    parsed = own("thread-3.0")
    assert (parsed.thread_id, parsed.board_id, parsed.threads[0].title) == ("12", "8", "Cast or splint")
    first, second = parsed.posts
    assert (first.position, first.is_opening, first.edited, first.body_text) == (1, True, True, "Cast, or splint?")
    assert (first.author, first.author_id) == ("Ivo", "41")
    assert (second.author, second.quotes) == ("Jun", [Quote(post_id="55", author="Ivo", text="Cast, or splint?")])


def test_a_topic_of_ip_board_3_saved_without_scripts() -> None:
    page = re.sub(r"<script.*?</script>", "", (PAGES / "thread-3.0.html").read_text(encoding="utf-8"), flags=re.DOTALL)
    parsed = parse(page, "https://ward.example/saved.html")
    assert (parsed.page_kind, parsed.thread_id, parsed.board_id, len(parsed.posts)) == ("thread", "12", "8", 2)


def test_search_results_of_ip_board_3_are_no_topic() -> None:
    page = re.sub(r"<script.*?</script>", "", (PAGES / "thread-3.0.html").read_text(encoding="utf-8"), flags=re.DOTALL)
    parsed = parse(page.replace("topic hfeed", "results"), "https://ward.example/index.php?app=core&module=search")
    assert (parsed.page_kind, parsed.reason) == ("unknown", "2 posts of no topic: the page names none")


def test_a_board_of_ip_board_3() -> None:
    parsed = own("board-3.4")
    assert (parsed.page_kind, parsed.board_id, parsed.page, parsed.last_page) == ("board", "5", 1, 11)
    assert [(board.board_id, board.title, board.thread_count, board.post_count) for board in parsed.boards] == [
        ("5", "Anaesthesia", None, None),
        ("9", "Regional", 12, 340),
    ]
    first, moved = parsed.threads
    assert (first.thread_id, first.title, first.author, first.author_id) == ("77", "Airway in trauma", "Gil", "31")
    assert (first.reply_count, first.view_count, first.page_count) == (44, 5120, 3)
    assert (first.is_sticky, first.is_locked, first.tags) == (True, True, ["airway"])
    assert (moved.thread_type, moved.author, moved.reply_count, moved.view_count) == (
        "redirect",
        "Guest_old_*",
        None,
        12,
    )


def test_an_index_of_ip_board_3() -> None:
    parsed = own("index-3")
    assert parsed.page_kind == PageKind.INDEX
    assert [(board.board_id, board.title, board.parent_id, board.thread_count) for board in parsed.boards] == [
        ("1", "Clinique", None, None),
        ("2", "Urgences", "1", 711),
        ("6", "Nuit", "2", None),
    ]


def test_a_topic_of_ip_board_2() -> None:
    parsed = own("thread-2")
    assert (parsed.engine_version, parsed.thread_id, parsed.threads[0].title) == ("2.3.6", "44", "Night shifts")
    first, second = parsed.posts
    assert (first.post_id, first.author, first.author_id, first.position) == ("901", "Kai", "51", 1)
    assert (first.created_at, first.created_text) == (None, "Jan 5 2006, 10:15 AM")
    assert (second.author, second.author_id, second.edited, second.body_text) == ("Guest_Lou_*", None, True, "By day.")
    assert second.quotes == [Quote(post_id="901", author="Kai", text="How do you sleep?")]
