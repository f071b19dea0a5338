"""XenForo 1: own pages in the software's markup, skin by skin."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.xenforo1 import XenForo1
from crawler.engines.xenforo1.dates import Shown, date_in
from crawler.records import Attachment, Link, PageKind, ParsedPage, PollOption, Quote, Status
from tests.engines.real_pages import verify_never_hangs, verify_survives_anything

ENGINE = XenForo1()
PAGES = Path(__file__).parent / "pages" / "xenforo1"


def parse(body: str | bytes, url: str = "https://ward.example/threads/x.1/", status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status))


def text_of(name: str) -> str:
    return (PAGES / f"{name}.html").read_text(encoding="utf-8")


def own(name: str, url: str = "https://ward.example/community/threads/fever-after-stent.77/") -> ParsedPage:
    return parse(text_of(name), url)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def case() -> ParsedPage:
    return own("thread-1.5")


@pytest.fixture
def board() -> ParsedPage:
    return own("board", "https://ward.example/forums/kardiologie.5/page-2")


# -- threads ------------------------------------------------------------------------------------------------------


def test_thread(case: ParsedPage) -> None:
    assert (case.page_kind, case.thread_id, case.board_id) == ("thread", "77", "5")
    assert (case.page, case.last_page) == (1, 2)
    assert case.next_url == "https://ward.example/community/threads/fever-after-stent.77/page-2"
    (thread,) = case.threads
    assert (thread.title, thread.prefix, thread.author, thread.author_id) == (
        "Fever after stent",
        "Case",
        "Dr Quill",
        "11",
    )
    assert thread.tags == ["stent", "fever"]
    assert thread.is_locked
    assert thread.page_count == 2
    assert thread.url == "https://ward.example/community/threads/fever-after-stent.77/"


def test_a_date_in_words_is_no_instant(case: ParsedPage) -> None:
    (thread,) = case.threads
    assert (thread.created_at, thread.created_text) == (None, "Mar 2, 2014 at 9:05 PM")
    assert (case.posts[0].created_at, case.posts[0].created_text) == (None, "Mar 2, 2014 at 9:05 PM")
    assert case.posts[1].created_at == utc("2014-03-05T07:13:20")


def test_poll(case: ParsedPage) -> None:
    poll = case.threads[0].poll
    assert poll is not None
    assert poll.question == "Culture first?"
    assert poll.options == [PollOption(text="Yes & quickly", votes=1204), PollOption(text="No", votes=12)]


def test_poll_of_somebody_who_may_vote() -> None:
    page = text_of("thread-1.5")
    start, end = page.index('<ol class="pollResults">'), page.index("</ol></div></form>")
    form = '<ol class="pollOptions"><li><label><input type="radio" value="1" /> Yes</label></li>'
    thread = parse(page[:start] + form + page[end:]).threads[0]
    assert thread.poll is not None
    assert thread.poll.options == [PollOption(text="Yes")]


def test_ads_between_posts_are_none(case: ParsedPage) -> None:
    assert [post.post_id for post in case.posts] == ["900", "901", "902", "903"]
    assert case.containers == 4


def test_opening_post(case: ParsedPage) -> None:
    post = case.posts[0]
    assert post.is_opening
    assert (post.position, post.author, post.author_id) == (1, "Dr Quill", "11")
    assert post.reactions == 1117
    assert post.edited_at == utc("2014-03-05T06:13:20")
    assert post.url == "https://ward.example/community/threads/fever-after-stent.77/#post-900"


def test_own_text_keeps_its_form(case: ParsedPage) -> None:
    assert case.posts[0].body_text.split("\n") == [
        "Fever on day 2 :)",
        "",
        "Protocol: guide, thanks @Nurse Bell",
        "- CRP 120",
        "- no murmur",
        "HR  110",
        "RR   22",
        "Blood culture grew nothing.",
    ]
    assert case.posts[0].links == ["https://guide.example/fever?a=1&b=2"]


def test_attachments_in_and_below_the_text(case: ParsedPage) -> None:
    base = "https://ward.example/community/attachments"
    assert case.posts[0].attachments == [
        Attachment(url=f"{base}/ecg-png.31/", name="ecg.png"),
        Attachment(url=f"{base}/x-ray-pdf.32/", name="x-ray.pdf"),
    ]


def test_quotes_point_to_posts_only(case: ParsedPage) -> None:
    assert case.posts[1].quotes == [
        Quote(post_id="900", author="Dr Quill", text="Fever on day 2"),
        Quote(text="nested words"),
        Quote(author="Nurse Bell", text="from a profile"),
    ]
    assert case.posts[1].body_text == "Draw two sets.\nAnd wait."


@pytest.mark.parametrize("expand", ['<div class="quoteExpand">Click to expand...</div>', ""])
def test_a_quote_of_several_lines(expand: str) -> None:
    page = text_of("thread-1.5").replace('<div class="quoteExpand">Click to expand...</div>', expand)
    lines = parse(page.replace("from a profile", "from<br/>a profile<br />"))
    assert lines.posts[1].quotes[2] == Quote(author="Nurse Bell", text="from\na profile")
    listed = parse(page.replace("from a profile", "from:<ul><li>day 2</li><li>&gt; 39</li></ul>"))
    assert listed.posts[1].quotes[2] == Quote(author="Nurse Bell", text="from:\n- day 2\n- > 39")


def test_guest(case: ParsedPage) -> None:
    post = case.posts[1]
    assert (post.author, post.author_id) == ("René & Co", None)
    assert post.reactions == 0
    assert (post.edited, post.edited_at) == (True, None)


def test_deleted_and_moderated(case: ParsedPage) -> None:
    gone, waiting = case.posts[2:]
    assert (gone.status, gone.author, gone.author_id, gone.body_text) == (Status.DELETED, "Nurse Bell", "12", "")
    assert gone.created_at == utc("2014-03-05T08:13:20")  # not when it was deleted
    assert gone.position is None
    assert (waiting.status, waiting.position) == (Status.HIDDEN, 3)


def test_a_skin_in_russian() -> None:
    parsed = own("thread-uix-ru", "https://palata.example/index.php?threads/gipertenzija.55/page-3")
    assert parsed.next_url == "https://palata.example/index.php?threads/gipertenzija.55/page-4"
    assert (parsed.page, parsed.last_page) == (3, 12)
    (post,) = parsed.posts
    assert post.body_text == "Давление 150 на 90."
    assert (post.position, post.author_id, post.reactions) == (1041, "301", 5)
    assert post.created_at == utc("2017-07-14T02:40:00")
    assert post.edited_at == utc("2017-07-14T02:50:00")
    assert parsed.threads[0].url == "https://palata.example/index.php?threads/gipertenzija.55/"


def test_attributes_written_in_another_way() -> None:
    parsed = parse(text_of("thread-1.5").replace('"', "'").replace("<li id='post-901'", "<LI id=post-901"))
    assert [post.post_id for post in parsed.posts] == ["900", "901", "902", "903"]


def test_a_page_of_a_thread_that_shows_no_number() -> None:
    page = text_of("thread-1.5").replace('<link rel="canonical"', '<link rel="other"')
    renamed = parse(page, "https://ward.example/themen/fever.77/")
    assert renamed.thread_id == "77"
    assert parse(page.replace("threads/", "talks/"), "https://ward.example/").thread_id == "77"


# -- lists --------------------------------------------------------------------------------------------------------


def test_board(board: ParsedPage) -> None:
    assert (board.page_kind, board.board_id, board.page, board.last_page) == ("board", "5", 2, 9)
    assert board.next_url == "https://ward.example/forums/kardiologie.5/page-3"
    assert board.links == [Link(rel="feed", url="https://ward.example/forums/kardiologie.5/index.rss")]
    own_board, below = board.boards
    assert (own_board.board_id, own_board.parent_id, own_board.description) == ("5", "2", "Herz & Kreislauf")
    assert (below.board_id, below.parent_id, below.thread_count, below.post_count) == ("6", "5", 1921, 14013)


def test_rows(board: ParsedPage) -> None:
    sticky, moved, gone = board.threads  # rows of widgets are none of the board's
    assert (sticky.title, sticky.prefix, sticky.author_id) == ("Bitte lesen", "Regeln", "11")
    assert (sticky.is_sticky, sticky.is_locked) == (True, True)
    assert (sticky.reply_count, sticky.view_count, sticky.page_count) == (1279, 20004, 14)
    assert sticky.created_text == "1. März 2012 um 10:00 Uhr"
    assert sticky.last_post_at == utc("2014-05-13T16:53:20")
    assert sticky.url == "https://ward.example/threads/bitte-lesen.10/"
    assert (moved.thread_type, moved.reply_count, moved.author, moved.author_id) == ("redirect", None, "Gast", None)
    assert gone.status == Status.DELETED


def test_index() -> None:
    parsed = own("index", "https://ward.example/")
    assert parsed.page_kind == PageKind.INDEX
    assert parsed.threads == []
    found = [(board.board_id, board.title, board.parent_id, board.thread_count) for board in parsed.boards]
    assert found == [
        ("2", "Clinic", None, None),
        ("5", "Cardiology", "2", 9161),
        ("98", "Rhythm", "5", None),
        ("7", "Renal", "2", 15),
    ]


def test_results_of_a_search() -> None:
    parsed = own("search", "https://ward.example/search/44/?q=stent")
    assert (parsed.page_kind, parsed.next_url) == ("board", "https://ward.example/search/44/?page=2&q=stent")
    (thread,) = parsed.threads  # the reply's link does not name its thread
    assert (thread.thread_id, thread.title, thread.prefix, thread.reply_count) == (
        "77",
        "Fever after stent",
        "Case",
        1234,
    )
    assert parsed.posts == []


# -- other pages --------------------------------------------------------------------------------------------------


def test_errors_and_logins_say_why() -> None:
    assert own("error").page_kind == PageKind.ERROR
    assert own("error").reason == "The requested thread could not be found."
    assert own("login").page_kind == PageKind.LOGIN
    assert own("login").reason == "You must be logged-in to do that."


OLD_BROWSERS = '<!--[if lt IE 8]><p class="importantMessage">You are using an out of date browser.</p><![endif]-->'


def test_a_word_to_old_browsers_is_no_message() -> None:
    page = text_of("login")
    content = f'<div id="content" class="register_form">{OLD_BROWSERS}<form class="xenForm"></form></div>'
    parsed = parse(page[: page.index("<body")] + f"<body>{content}</body></html>")
    assert (parsed.page_kind, parsed.reason) == (PageKind.LOGIN, "the page is a form to log in or register")


@pytest.mark.parametrize(("status", "kind"), [(503, PageKind.ERROR), (200, PageKind.EMPTY)])
def test_a_closed_site_is_an_error(status: int, kind: PageKind) -> None:
    page = text_of("error").replace('class="error"', 'class="message_page"')
    body = page[: page.index('<div class="errorOverlay"')] + '<div class="messageContainer"><p>Back soon.</p></div>'
    parsed = parse(body, status=status)
    assert (parsed.page_kind, parsed.reason) == (kind, "Back soon.")


def test_dates_of_skins_with_time_elements() -> None:
    time = '<time class="DateTime" datetime="2015-11-14T04:23:00+00:00">Nov 14, 2015</time>'
    assert date_in(time) == Shown(datetime(2015, 11, 14, 4, 23, tzinfo=UTC), "Nov 14, 2015")
    assert date_in('<span class="DateTime" title="Nov 14, 2015 at 4:23 AM">Nov 14, 2015</span>') == Shown(
        None, "Nov 14, 2015 at 4:23 AM"
    )


def test_nothing_found() -> None:
    page = text_of("search")
    start, end = page.index("<ol class"), page.index("</ol>")
    parsed = parse(page[:start] + page[end:])
    assert (parsed.page_kind, parsed.reason) == (PageKind.EMPTY, "the list holds no thread")


def test_a_thread_page_whose_posts_cannot_be_read() -> None:
    broken = parse(text_of("thread-1.5").replace("messageText", "textOfMessage"))
    assert broken.page_kind == PageKind.UNKNOWN
    assert broken.reason == "the post 900 could not be read: its element holds no message text"
    none = parse(text_of("thread-1.5").replace('id="post-', 'id="entry-'))
    assert none.page_kind == PageKind.UNKNOWN
    assert none.reason == "a thread page of XenForo 1 without any post that could be read"


def test_a_challenge() -> None:
    parsed = parse("<html><head><title>Just a moment...</title></head><body></body></html>", status=503)
    assert parsed.page_kind == PageKind.CHALLENGE


def test_no_forum() -> None:
    parsed = parse("<html><body><p>Hello</p></body></html>")
    assert (parsed.page_kind, parsed.reason) == (PageKind.UNKNOWN, "the page is none of XenForo 1")


def test_recognition() -> None:
    for path in sorted(PAGES.iterdir()):
        found = ENGINE.recognise(Page(url="https://ward.example/", body=path.read_bytes(), site="ward"))
        assert found is not None, path.name
        assert (found.version, found.confidence) == ("1", 0.99)
    bare = text_of("thread-1.5").replace('id="XenForo"', "")
    weaker = ENGINE.recognise(Page(url="https://ward.example/", body=bare.encode(), site="ward"))
    assert weaker is not None
    assert weaker.confidence == 0.8


def test_addresses() -> None:
    url = "https://ward.example/threads/fever.77/"
    assert ENGINE.page_url(url, 3) == "https://ward.example/threads/fever.77/page-3"
    assert ENGINE.post_url(url, "900") is None
    assert ENGINE.request_url(url) == url


def test_whatever_comes() -> None:
    verify_survives_anything(ENGINE, sorted(PAGES.iterdir()))


@pytest.mark.parametrize(
    ("name", "place"),
    [("thread-1.5", "Draw two sets."), ("thread-1.5", '<h3 class="userText">'), ("board", '<div class="secondRow">')],
)
def test_hostile_pages_do_not_last(name: str, place: str) -> None:
    verify_never_hangs(ENGINE, PAGES / f"{name}.html", place)
