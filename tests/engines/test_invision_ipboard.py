"""IP.Board 3 and 2: own pages in the software's markup, version by version."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

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


_FRAME = """<html><head><title>Old Ward</title></head><body id='ipboard_body'><div id='ipbwrapper'>
<noscript><div class='message error'><strong>Javascript Disabled Detected</strong></div></noscript>
{content}
<div id='inline_login_form' style='display:none'><form action="http://old.example/index.php?app=core&amp;module=global
&amp;section=login&amp;do=process" method="post" id='login'><input type='password' name='ips_password' /></form></div>
</div></body></html>"""


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


@pytest.mark.parametrize(
    "line", ["Edited by Gil, Oct 04 2012, 07:20 AM.", "Bearbeitet von Gil: 04 Oktober 2012 - 07:20"]
)
def test_when_a_post_was_edited(line: str) -> None:
    page = (PAGES / "thread-3.4.html").read_text(encoding="utf-8")
    assert "Edited by Gil, 04 October 2012 - 07:20 AM." in page
    edited = parse(page.replace("Edited by Gil, 04 October 2012 - 07:20 AM.", line)).posts[0]
    assert (edited.edited, edited.edited_at) == (True, utc("2012-10-04T05:20"))


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


def test_new_posts_and_results_of_a_search() -> None:
    row = """<tr class='__topic unread expandable' id='trow_{0}' data-tid="{0}"><td class='col_f_icon altrow short'>
        <a href='http://old.example/topic/{0}-x/?view=getnewpost'><img src='f_unread.png' alt='New' /></a></td>
        <td class='col_f_content '><h4><a href='http://old.example/topic/{0}-x/' title='View result'>Case {0}</a></h4>
        <span class='desc lighter blend_links'><br />Started by <a href='http://old.example/user/31-gil/'>Gil</a>,
        05 Oct 2012</span> <a href='http://old.example/forum/5-anaesthesia/'>Anaesthesia</a></td>
        <td class='col_f_views'><ul><li>4 replies</li><li class='views desc'>20 views</li></ul></td></tr>"""
    table = f"<table class='ipb_table topic_list' id='forum_table'>{row.format(77)}{row.format(78)}</table>"
    page = _FRAME.format(content=f"<h1 class='ipsType_pagetitle'>View New Content</h1>{table}")
    parsed = parse(page, "http://old.example/index.php?app=core&module=search&do=viewNewContent&search_app=forums")
    assert parsed.page_kind == PageKind.BOARD
    rows = [(row.thread_id, row.title, row.author, row.board_id, row.reply_count) for row in parsed.threads]
    assert rows == [("77", "Case 77", "Gil", "5", 4), ("78", "Case 78", "Gil", "5", 4)]


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


# -- skins, and pages without topics ------------------------------------------------------------------------------


def test_a_message_for_browsers_without_scripts_is_no_error() -> None:
    parsed = own("index-3.4")
    assert (parsed.page_kind, parsed.engine_version) == (PageKind.INDEX, "3.4.6")
    assert [(board.board_id, board.title, board.parent_id, board.thread_count) for board in parsed.boards] == [
        ("2", "Clinical", None, None),
        ("12", "Life", None, None),
        ("5", "Anaesthesia", "2", 437),
        ("14", "Rota", "12", None),
    ]


def test_a_skin_with_date_and_author_in_one_heading() -> None:
    parsed = own("thread-3-skin")
    assert (parsed.page_kind, parsed.thread_id, parsed.board_id, parsed.containers) == ("thread", "81", "17", 2)
    first, second = parsed.posts
    assert (first.author, first.author_id, first.position, first.is_opening) == ("Ivo_K", None, 1, True)
    assert (first.created_at, first.created_text) == (utc("2022-05-11T15:41:01"), "11 Май 2022 - 18:41")
    assert (first.edited, first.edited_at) == (True, utc("2022-05-11T15:50"))
    assert first.body_text == "Снимок ниже.\n\nОставьте на неделю."  # noqa: RUF001
    (quote,) = first.quotes
    assert (quote.post_id, quote.text) == ("7990", "Шину снять?")
    assert (second.author, second.created_at) == ("Гость_Лена_*", utc("2022-05-11T19:00"))
    assert second.quotes == [Quote(post_id="8101", author="Ivo_K", text="на неделю")]
    assert second.body_text == "Спасибо."


def test_the_address_tells_how_many_posts_stand_before() -> None:
    page = (PAGES / "thread-3-skin.html").read_text(encoding="utf-8").replace("#1\n", "\n").replace(">#2<", "><")
    address = "http://alt.example/index.php?/topic/81-gips/page__st__20"
    assert [post.position for post in parse(page, address).posts] == [21, 22]
    assert [post.position for post in parse(page, address.replace("page__st__20", "")).posts] == [1, 2]


_ERROR = """<script>function contact_admin() {}</script><h1 class='ipsType_pagetitle'>An Error Occurred</h1>
<div><span class='right desc'></span><p class='ipsType_sectiontitle'>You may not <b>look</b> here.</p></div>"""
_OFFLINE = """<h1 class='ipsType_pagetitle'>Old Ward is offline</h1>
<div class='ipsType_pagedesc'>Back at nine.</div>
<br /><br />
<p>
    <a href='http://old.example/index.php?app=core&amp;module=global&amp;section=login' class='ipsButton'>Sign In</a>
</p>"""
_PASSWORD = """<form action='http://old.example/index.php?showforum=4' method='post'>
<h1 class='ipsType_pagetitle'>Secret</h1><input type="password" size="40" name="f_password" id='forum_pass' /></form>"""
_REGISTER = """<form id='register' action='http://old.example/index.php?app=core&amp;module=global&amp;section=register'>
<h1 class='ipsType_pagetitle'>Ready to register?</h1><input type='password' name='PassWord' /></form>"""
_PROFILE = """<h1 class='ipsType_pagetitle'><span class='fn nickname'>Gil</span></h1>
<div class='post_block hentry clear no_sidebar'><div class='post_wrap'>
<h3 class='row2'>In Topic: <a href='/topic/77-airway/'>Airway</a></h3>
<div class='post_body'><div class='post entry-content'>Collar off.</div></div></div></div>"""


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (_ERROR, "error", "You may not look here."),
        (_OFFLINE, "error", "Old Ward is offline Back at nine."),
        (_PASSWORD, "login", "the page is a form to log in or register"),
        (_REGISTER, "login", "the page is a form to log in or register"),
        (_PROFILE, "unknown", "a page of Invision without topic or forum (no controller named)"),
    ],
)
def test_pages_without_topics(content: str, kind: str, reason: str) -> None:
    parsed = parse(_FRAME.format(content=content), "http://old.example/index.php")
    assert (parsed.page_kind, parsed.reason) == (kind, reason)


def test_a_date_of_ip_board_1() -> None:
    page = (PAGES / "thread-2.html").read_text(encoding="utf-8")
    page = page.replace('"postdetails"> Jan 5', '"postdetails"><b>Posted:</b> Jan 5').replace("IP.Board 2.3.6", "x")
    assert parse(page).posts[0].created_text == "Jan 5 2006, 10:15 AM"


@pytest.mark.parametrize("element", ["span", "div"])
def test_a_quote_of_ip_board_1(element: str) -> None:
    page = (PAGES / "thread-2.html").read_text(encoding="utf-8")
    own_words = f"""<{element} class='postcolor'>So.<!--QuoteBegin--></{element}><table border='0' width='95%'><tr><td>
        <b>QUOTE</b> (Bea @ Jan 5 2004)</td></tr><tr><td id="QUOTE"><!--QuoteEBegin-->Said.<!--QuoteEnd--></td>
        </tr></table><{element} class='postcolor'><!--QuoteEEnd-->And more.</{element}>"""
    page = page.replace("""<div class="postcolor" id='post-901'>How do you sleep?</div>""", own_words)
    first = parse(page).posts[0]
    assert (first.quotes, first.body_text) == ([Quote(author="Bea", text="Said.")], "So.\nAnd more.")


@pytest.mark.parametrize(
    "sign",
    [
        '<input value="44" type="hidden" name="t" />',
        "<a href='http://older.example/index.php?act=post&amp;do=reply_post&amp;f=3&amp;t=44'>Reply</a>",
        "<a href='http://older.example/index.php?act=Post&CODE=02&f=3&t=44'>Reply</a>",
        "<a href='http://older.example/index.php?act=Print&amp;client=printer&amp;f=3&amp;t=44'>Print</a>",
    ],
)
def test_which_topic_a_saved_page_of_ip_board_2_is_of(sign: str) -> None:
    page = (PAGES / "thread-2.html").read_text(encoding="utf-8")
    field = '<input type="hidden" name="t" value="44" />'
    assert field in page
    assert parse(page.replace(field, sign), "https://ward.example/saved.html").thread_id == "44"
