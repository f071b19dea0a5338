"""XenForo 2: own pages in the software's markup, version by version."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.xenforo2 import XenForo2
from crawler.engines.xenforo2.addresses import first_page, thread_id_of
from crawler.records import Attachment, PageKind, ParsedPage, PollOption, Status

ENGINE = XenForo2()
PAGES = Path(__file__).parent / "pages" / "xenforo2"


def parse(body: str | bytes, url: str = "https://ward.example/threads/x.1/", status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status))


def own(name: str, url: str) -> ParsedPage:
    return parse((PAGES / f"{name}.html").read_bytes(), url)


@pytest.fixture
def case() -> ParsedPage:
    """Page 2 of a thread of XenForo 2.3."""
    return own("thread-2.3", "https://ward.example/threads/stent-sizing.501/page-2")


@pytest.fixture
def old() -> ParsedPage:
    """A thread of XenForo 2.0 and 2.1 in a static mirror."""
    return own("thread-2.0", "http://127.0.0.1/tti/threads/old.88/index.html")


@pytest.fixture
def board() -> ParsedPage:
    return own("board-2.3", "https://ward.example/forums/vascular.7/")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# -- posts --------------------------------------------------------------------------------------------------------


def test_thread_of_2_3(case: ParsedPage) -> None:
    assert (case.page_kind, case.engine_version, case.page, case.last_page) == ("thread", "2.3", 2, 1187)
    assert case.next_url == "https://ward.example/threads/stent-sizing.501/page-3"
    (thread,) = case.threads  # the similar threads below are none that the page lists
    assert (thread.thread_id, thread.title, thread.prefix) == ("501", "Stent sizing & angles", "Case")
    assert (thread.author, thread.author_id, thread.board_id) == ("Ada & Co", "11", "7")
    assert thread.created_at == utc("2024-03-01T08:00:00")
    assert thread.tags == ["stent", "iliac artery"]
    assert thread.is_locked
    assert thread.url == "https://ward.example/threads/stent-sizing.501/"


def test_poll(case: ParsedPage) -> None:
    poll = case.threads[0].poll
    assert poll is not None
    assert poll.question == "Which size?"
    assert poll.options == [PollOption(text="8 mm", votes=1204), PollOption(text="It's 9 mm", votes=301)]
    assert poll.voters == 1505


def test_only_elements_with_an_id_are_posts(case: ParsedPage) -> None:
    assert [post.post_id for post in case.posts] == ["9001", "9002", "9003"]
    assert case.containers == 3


def test_own_text_keeps_its_form(case: ParsedPage) -> None:
    assert case.posts[0].body_text.split("\n") == [
        "Agreed, @Ada & Co :)",
        "",
        "1 < 2 &amp;",
        "- first",
        "- second bold",
        "1. one",
        "2. two",
        "See the paper.",
        "size\tn",
        "8 mm\t3",
        "def f():",
        "",
        "    return 1",
        "Hidden words",
        "News title",
        "The end.",
    ]


def test_facts_of_a_post(case: ParsedPage) -> None:
    post = case.posts[0]
    assert (post.position, post.author, post.author_id) == (1021, "Ben", "12")
    assert post.created_at == utc("2024-03-02T19:29:00")
    assert post.created_text == "Mar 2, 2024"
    assert (post.edited, post.edited_at) == (True, utc("2024-03-03T09:00:00"))
    assert post.reactions == 1207
    assert post.links == ["https://pubmed.example/1?a=1&b=2", "https://news.example/x"]
    assert post.attachments == [
        Attachment(url="https://ward.example/attachments/angle-png.77/", name="angle.png"),
        Attachment(url="https://ward.example/attachments/dose-pdf.78/", name="dose.pdf"),
    ]
    assert post.url == "https://ward.example/threads/stent-sizing.501/post-9001"


def test_quotes_of_2_2_and_later(case: ParsedPage) -> None:
    outer, inner = case.posts[0].quotes
    assert (outer.post_id, outer.author, outer.text) == ("8990", "Ada & Co", "Outer words\non two lines.")
    assert (inner.post_id, inner.author, inner.text) == (None, "Zed", "Inner words.")


def test_quotes_of_2_0_and_2_1(old: ParsedPage) -> None:
    linked, bare = old.posts[1].quotes
    assert (linked.post_id, linked.author, linked.text) == ("1", "Ann", "Opening\nwords.")
    assert (bare.post_id, bare.author) == (None, None)
    assert old.posts[1].body_text == "Answer."
    (quote,) = old.posts[2].quotes
    assert (quote.post_id, quote.author) == ("2", "Bo van Dam")


def test_deleted_post(case: ParsedPage) -> None:
    post = case.posts[1]
    assert (post.status, post.author, post.body_text) == (Status.DELETED, "Cem", "")
    assert post.created_at == utc("2024-03-04T00:00:00")  # not the day of its deletion


def test_guest_without_shown_name_awaiting_approval(case: ParsedPage) -> None:
    post = case.posts[2]
    assert (post.author, post.author_id, post.status) == ("Guest Dot", None, Status.HIDDEN)
    assert post.created_at == utc("2024-03-04T08:00:00")


def test_reactions_count_the_reader(case: ParsedPage, old: ParsedPage) -> None:
    assert case.posts[2].reactions == 2  # You and Ada 7
    assert [post.reactions for post in old.posts] == [3, 0, None]


def test_edit_line_in_the_header_is_not_the_date(old: ParsedPage) -> None:
    post = old.posts[2]
    assert post.created_at == utc("2010-01-03T00:00:00")
    assert post.edited_at == utc("2010-02-02T00:00:00")


def test_mirror(old: ParsedPage) -> None:
    assert (old.page_kind, old.engine_version, old.thread_id) == ("thread", "2.0", "88")
    assert old.posts[1].attachments[0].url == "http://127.0.0.1/tti/attachments/map-jpg.6/map.jpg"
    assert old.posts[0].url == "http://127.0.0.1/tti/threads/old.88/index.html#post-1"
    assert [post.is_opening for post in old.posts] == [True, False, False]


def test_question_with_its_solution_on_another_page() -> None:
    parsed = own("question-2.2", "https://ward.example/threads/which-probe.60/")
    (thread,) = parsed.threads
    assert (thread.thread_type, thread.solution_post_id, thread.prefix) == ("question", "99", "Ultrasound")
    assert [(post.post_id, post.score, post.edited) for post in parsed.posts] == [
        ("70", None, False),
        ("71", -3, False),
    ]


def test_a_post_that_cannot_be_read_makes_the_page_unknown() -> None:
    body = (
        (PAGES / "thread-2.0.html").read_text(encoding="utf-8").replace("message-body", "x").replace("bbWrapper", "y")
    )
    parsed = parse(body)
    assert (parsed.page_kind, parsed.posts) == (PageKind.UNKNOWN, [])
    assert "post 1" in (parsed.reason or "")


@pytest.mark.parametrize("quote", ["'", ""])
def test_page_with_other_quotes_around_attributes(case: ParsedPage, quote: str) -> None:
    body = (PAGES / "thread-2.3.html").read_text(encoding="utf-8")
    body = re.sub(r"<li class=\"u-hidden js-embedCopy\">.*?</li>", "", body)
    for name in ("id", "data-app", "data-content", "data-author", "data-user-id", "data-template"):
        body = re.sub(rf' {name}="([\w-]+)"', rf" {name}={quote}\1{quote}", body)
    parsed = parse(body, "https://ward.example/threads/stent-sizing.501/page-2")
    assert parsed.posts == case.posts


# -- lists --------------------------------------------------------------------------------------------------------


def test_board_lists_its_own_threads_only(board: ParsedPage) -> None:
    assert (board.page_kind, board.page, board.last_page, board.board_id) == ("board", 1, 1187, "7")
    assert [thread.thread_id for thread in board.threads] == ["501", "502", "503"]
    assert board.links[0].url == "https://ward.example/forums/vascular.7/index.rss"


def test_row(board: ParsedPage) -> None:
    row = board.threads[0]
    assert (row.title, row.prefix, row.tags) == ("Stent sizing & angles", "Case", ["stent"])
    assert (row.author, row.author_id) == ("Ada", "11")
    assert row.url == "https://ward.example/threads/stent-sizing.501/"  # where it starts, not where it was left
    assert (row.reply_count, row.view_count, row.page_count) == (23701, 1_200_000, 1187)
    assert (row.is_sticky, row.is_locked, row.thread_type) == (True, True, "poll")
    assert row.created_at == utc("2024-03-01T08:00:00")
    assert row.last_post_at == utc("2024-05-01T07:00:00")


def test_row_of_a_guest_awaiting_approval_and_moved_thread(board: ParsedPage) -> None:
    guest, moved = board.threads[1:]
    assert (guest.author, guest.author_id, guest.status, guest.view_count) == ("Guest Dot", None, "hidden", 17_000)
    assert (moved.thread_type, moved.reply_count, moved.last_post_at) == ("redirect", None, None)


def test_boards_below_a_board(board: ParsedPage) -> None:
    itself, veins, legs = board.boards
    assert (itself.title, itself.description, itself.parent_id) == ("Vascular", "Vessels & stents", "3")
    assert (veins.board_id, veins.parent_id, veins.thread_count, veins.post_count) == ("21", "7", 1200, 34567)
    assert (legs.board_id, legs.title, legs.parent_id) == ("22", "Legs", "21")


def test_article_previews_are_rows() -> None:
    parsed = parse(
        '<html id="XF" data-app="public" data-template="forum_view_type_article" data-container-key="node-2"><body>'
        '<div class="message message--articlePreview js-threadListItem-9" data-author="Ada">'
        '<div class="articlePreview">'
        '<h2 class="articlePreview-headline"><a href="/threads/news.9/" class="articlePreview-title">News</a></h2>'
        '<div class="articlePreview-by"><a href="/members/ada.1/" class="username" data-user-id="1">Ada</a></div>'
        '<div class="articlePreview-meta"><time datetime="2024-01-01T00:00:00+0000">Jan 1</time></div></div></div>'
    )
    (row,) = parsed.threads
    assert parsed.page_kind is PageKind.BOARD
    assert (row.thread_id, row.title, row.author, row.thread_type) == ("9", "News", "Ada", "article")
    assert row.created_at == utc("2024-01-01T00:00:00")


# -- pages without content ----------------------------------------------------------------------------------------


def frame(template: str, content: str) -> str:
    return (
        f'<!DOCTYPE html><html id="XF" data-app="public" data-template="{template}"><body><noscript><div class='
        f'"blockMessage u-noJsOnly">JavaScript is disabled.</div></noscript>{content}</body></html>'
    )


@pytest.mark.parametrize(
    ("template", "content", "kind", "reason"),
    [
        ("error", '<div class="blockMessage">Not &amp; found.</div>', "error", "Not & found."),
        ("login", '<div class="blockMessage blockMessage--error">Log in first.</div>', "login", "Log in first."),
        ("register_form", "<form></form>", "login", "the page is a form to log in or register"),
        ("message_page", '<div class="blockMessage">No results found.</div>', "empty", "No results found."),
        ("forum_view", '<div class="structItemContainer"></div>', "board", None),
        ("member_view", "<div></div>", "unknown", "a XenForo 2 page without thread or board (template member_view)"),
        ("thread_view", "", "unknown", "a thread page of XenForo 2 without any post that could be read"),
    ],
)
def test_kinds(template: str, content: str, kind: str, reason: str | None) -> None:
    parsed = parse(frame(template, content))
    assert (parsed.page_kind, parsed.reason) == (kind, reason)


@pytest.mark.parametrize(("status", "kind"), [(503, PageKind.ERROR), (200, PageKind.EMPTY)])
def test_a_closed_site_is_an_error(status: int, kind: PageKind) -> None:
    parsed = parse(frame("message_page", '<div class="blockMessage">Back soon.</div>'), status=status)
    assert (parsed.page_kind, parsed.reason) == (kind, "Back soon.")


# -- addresses and helpers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "page", "expected"),
    [
        ("https://w.example/threads/a.1/", 1, "https://w.example/threads/a.1/"),
        ("https://w.example/threads/a.1/", 3, "https://w.example/threads/a.1/page-3"),
        ("https://w.example/threads/a.1/page-2", 3, "https://w.example/threads/a.1/page-3"),
        ("https://w.example/threads/1", 2, "https://w.example/threads/1/page-2"),
        ("https://w.example/forums/a.1/?order=title", 2, "https://w.example/forums/a.1/page-2?order=title"),
        ("https://w.example/index.php?threads/a.1/", 2, "https://w.example/index.php?threads/a.1/page-2"),
        ("https://w.example/index.php?forums/a.1/&order=x", 2, "https://w.example/index.php?forums/a.1/page-2&order=x"),
        ("http://127.0.0.1/tti/threads/a.1/index.html", 2, "http://127.0.0.1/tti/threads/a.1/page-2.html"),
        ("http://127.0.0.1/tti/threads/a.1/page-2.html", 3, "http://127.0.0.1/tti/threads/a.1/page-3.html"),
    ],
)
def test_page_url(url: str, page: int, expected: str) -> None:
    assert ENGINE.page_url(url, page) == expected


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("https://w.example/threads/a-b.12/", "12"),
        ("https://w.example/community/threads/12/page-2", "12"),
        ("https://w.example/index.php?threads/a.12/unread", "12"),
        ("../../threads/a.b.12/index.html", "12"),
        ("https://w.example/themen/a.12/", "12"),
        ("https://w.example/members/a.12/", None),
        ("https://w.example/threads/", None),
    ],
)
def test_thread_id_of(url: str, number: str | None) -> None:
    assert thread_id_of(url, renamed=True) == number


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("https://w.example/threads/a.1/page-2#post-5", "https://w.example/threads/a.1/"),
        ("https://w.example/threads/a.1/post-5", "https://w.example/threads/a.1/"),
        ("https://w.example/threads/a.1/unread?new=1", "https://w.example/threads/a.1/"),
        ("https://w.example/index.php?threads/a.1/latest", "https://w.example/index.php?threads/a.1/"),
        ("http://127.0.0.1/threads/a.1/page-2.html", "http://127.0.0.1/threads/a.1/index.html"),
    ],
)
def test_first_page(url: str, first: str) -> None:
    assert first_page(url) == first
