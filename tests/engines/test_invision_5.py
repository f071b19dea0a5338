"""Invision Community 5: own pages in the software's markup."""

import re

from crawler.records import Poll, PollOption, Quote
from tests.engines.invision_pages import PAGES, own, parse, topic, utc


def test_a_topic_of_version_5() -> None:
    parsed = own("thread-5")
    assert (parsed.page_kind, parsed.engine_version, parsed.thread_id, parsed.board_id) == ("thread", "5", "88", "4")
    (thread,) = parsed.threads
    assert (thread.title, thread.tags, thread.is_sticky) == ("Dosing in renal failure", ["dose"], True)
    assert (thread.solution_post_id, thread.thread_type) == ("701", "poll")
    options = [PollOption(text="Agent one", votes=6), PollOption(text="Agent two", votes=3)]
    assert thread.poll == Poll(question="First choice", options=options, voters=9)
    first, second = parsed.posts
    assert (first.author, first.author_id, first.is_opening, first.reactions) == ("Eve", "21", True, 3)
    assert first.body_text == "Half the dose, or twice the interval?"
    assert first.edited_at == utc("2025-01-01T12:00")
    assert second.quotes == [Quote(post_id="700", author="Eve", text="Half the dose?")]
    assert second.url == "https://clinic.example/community/topic/88-dosing-in-renal-failure/#findComment-701"


def test_times_of_version_5_in_two_lengths() -> None:
    page = (PAGES / "thread-5.html").read_text(encoding="utf-8")
    lengths = r"\1<span class='ipsTime__long'>\2</span><span class='ipsTime__short'>1 yr</span></time>"
    twice = re.sub(r"(<time\b[^<>]*>)([^<]*)</time>", lengths, page)
    assert twice.count("ipsTime__long") > 2
    assert parse(twice) == parse(page)


def test_the_first_post_repeated_on_page_two_keeps_its_place() -> None:
    navigation = (
        "<ul class='ipsPagination' data-pages='2' data-ipsPagination-perPage='20'><li class='ipsPagination__page "
        "ipsPagination__active'><a data-page='2'>2</a></li></ul>"
    )
    page = (
        topic("First.", "Twenty-first.")
        .replace("<h1", navigation + "<h1")
        .replace("cPost", "cPost' data-ips-first-post x='", 1)
    )
    posts = parse(page).posts
    assert [(post.position, post.is_opening) for post in posts] == [(1, True), (21, False)]


def test_a_board_of_version_5() -> None:
    parsed = own("board-5")
    assert (parsed.page_kind, parsed.engine_version, parsed.board_id) == ("board", "5", "4")
    assert parsed.boards[0].description == "Kidneys."
    (row,) = parsed.threads
    assert (row.thread_id, row.title, row.author, row.author_id) == ("88", "Dosing in renal failure", "Eve", "21")
    assert (row.reply_count, row.view_count, row.tags, row.is_locked) == (1, 1200, ["dose"], True)
    assert (row.created_at, row.last_post_at) == (utc("2025-01-01T10:00"), utc("2025-01-02T10:00"))
