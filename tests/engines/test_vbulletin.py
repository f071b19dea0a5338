"""vBulletin: own pages in the software's markup, version by version."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.vbulletin import VBulletin
from crawler.records import Attachment, Link, PageKind, ParsedPage, PollOption, Quote, Status

ENGINE = VBulletin()
PAGES = Path(__file__).parent / "pages" / "vbulletin"
FETCHED_AT = datetime(2016, 11, 17, 13, 15, tzinfo=UTC)


def parse(body: str | bytes, url: str = "https://ward.example/showthread.php?t=501", status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", fetched_at=FETCHED_AT, status=status))


def own(name: str, url: str) -> ParsedPage:
    return parse((PAGES / f"{name}.html").read_bytes(), url)


@pytest.fixture
def old() -> ParsedPage:
    """Page 2 of a thread of version 3."""
    return own("thread-3", "https://ward.example/showthread.php?t=501&page=2")


@pytest.fixture
def four() -> ParsedPage:
    """A thread of version 4, in German."""
    return own("thread-4", "https://ward.example/forum/showthread.php?304-Sepsis-Quiz")


@pytest.fixture
def five() -> ParsedPage:
    """The first page of a topic of version 5."""
    return own("topic-5", "https://ward.example/forum/clinic/821-gout")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# -- version 3 ----------------------------------------------------------------------------------------------------


def test_thread_of_3(old: ParsedPage) -> None:
    assert (old.page_kind, old.engine_version, old.page, old.last_page) == ("thread", "3.8.7", 2, 1024)
    assert old.next_url == "https://ward.example/showthread.php?t=501&page=3"  # without the session
    (thread,) = old.threads
    assert (thread.thread_id, thread.title, thread.board_id) == ("501", "Statins & muscle pain", "17")
    assert (thread.tags, thread.is_locked, thread.page_count) == (["statin", "ck"], True, 1024)
    assert thread.reply_count == 5117  # of 5,118 posts
    assert thread.url == "https://ward.example/showthread.php?t=501"


def test_poll_of_3(old: ParsedPage) -> None:
    poll = old.threads[0].poll
    assert poll is not None
    assert (poll.question, poll.voters) == ("Which dose do you start with?", 1505)
    assert poll.options == [PollOption(text="10 mg", votes=1204), PollOption(text="It depends", votes=301)]


def test_post_of_3(old: ParsedPage) -> None:
    post = old.posts[0]
    assert (post.post_id, post.position, post.author, post.author_id) == ("9001", 6, "Dr. Adé & Co", "42")
    assert (post.created_text, post.created_at) == ("11-14-2015, 04:23 AM", utc("2015-11-14T09:23:00"))
    assert (post.edited, post.edited_at) == (True, utc("2015-11-14T21:41:00"))
    assert post.quotes == [Quote(post_id="8990", author="nurse_bo", text="CK was 800.\nStop it?")]
    assert post.body_text == "Not yet. Recheck in a week\n\nSee the guide."  # no quote, signature, edit note, button
    assert post.links == ["http://lipids.example/guide?a=1&b=2"]
    assert post.reactions == 2
    assert post.url == "https://ward.example/showthread.php?p=9001#post9001"


def test_guests_have_a_name_and_no_id(old: ParsedPage) -> None:
    assert (old.posts[1].author, old.posts[1].author_id) == ("visitor 7", None)


def test_code_lists_and_indents_are_own_words(old: ParsedPage) -> None:
    assert old.posts[1].body_text == "Mine.\nCK = 800\n  ALT = 40\n- first\n- second\nindented by me"
    assert old.posts[1].quotes == [Quote(text="nobody's words")]


def test_attachments_of_3(old: ParsedPage) -> None:
    assert old.posts[1].attachments == [
        Attachment(url="https://ward.example/attachment.php?attachmentid=31&d=1447500000", name="ecg.jpg"),
        Attachment(url="https://ward.example/attachment.php?attachmentid=32&d=1447500001", name="labs 2015.pdf"),
    ]


def test_placeholders_of_3(old: ParsedPage) -> None:
    removed, hidden = old.posts[2:4]
    assert (removed.status, removed.author, removed.position, removed.body_text) == (Status.REMOVED, "cy", 8, "")
    assert (hidden.status, hidden.author, hidden.author_id) == (Status.HIDDEN, "troll", "9")
    assert old.containers == len(old.posts) == 5


def test_a_post_deleted_by_its_author() -> None:
    page = (
        (PAGES / "thread-3.html").read_text(encoding="utf-8").replace("<strong>nurse_bo</strong>. <span>", "cy. <span>")
    )
    assert parse(page).posts[2].status is Status.DELETED


def test_relative_dates_refer_to_the_fetch(old: ParsedPage) -> None:
    assert (old.posts[4].created_text, old.posts[4].created_at) == ("Yesterday, 10:11 PM", utc("2016-11-17T03:11:00"))


def test_no_instant_without_a_zone_or_a_proven_order() -> None:
    page = (PAGES / "thread-3.html").read_text(encoding="utf-8")
    without_zone = parse(page.replace("All times are GMT -5. The time now is", "Now"))
    assert [post.created_at for post in without_zone.posts] == [None] * 5
    assert [post.edited for post in without_zone.posts] == [True, False, False, False, False]
    unproven = parse(re.sub("11-1[45]-2015", "11-12-2015", page))
    assert unproven.posts[0].created_at is None
    assert unproven.posts[0].created_text == "11-12-2015, 04:23 AM"


def test_opening_of_the_thread_told_to_search_engines() -> None:
    page = (PAGES / "thread-3.html").read_text(encoding="utf-8")
    told = (
        '<script type="application/ld+json">{"@type": "DiscussionForumPosting", "headline": "Statins", '
        '"datePublished": "2011-02-21T17:47:28+01:00"}</script></head>'
    )
    (thread,) = parse(page.replace("</head>", told), "https://ward.example/showthread.php?t=501&page=2").threads
    assert thread.created_at == utc("2011-02-21T16:47:28")
    (thread,) = parse(page.replace("</head>", told.replace("+01:00", ""))).threads
    assert thread.created_at is None


def test_skin_of_cards() -> None:
    parsed = own("thread-3-cards", "https://ward.example/cases/638797-chest-pain-2019.html")
    (post,) = parsed.posts
    assert (parsed.thread_id, parsed.engine_version, parsed.page, parsed.last_page) == ("638797", "3.8.11", 1, 1)
    assert (post.author, post.author_id, post.position, post.is_opening) == ("ada", "219249", 1, True)
    assert (post.created_text, post.created_at) == ("20th Feb 2021, 22:11", None)  # no zone stated
    assert post.quotes == [Quote(post_id="77", author="bo", text="Troponin?")]
    assert post.body_text == "Troponin was negative.\nSecond line."
    assert post.reactions == 3
    assert post.url == "https://ward.example/cases/638797-chest-pain-2019.html#post10994338"


def test_words_about_deleting_make_no_deleted_post() -> None:
    page = (PAGES / "thread-3.html").read_text(encoding="utf-8")
    long = "I deleted the sample. " * 40
    parsed = parse(page.replace("Reason: spam", long))
    assert parsed.page_kind is PageKind.UNKNOWN  # a post in markup that is not known


def test_a_place_with_a_few_words_and_no_message_is_a_post_that_is_not_for_us() -> None:
    page = (PAGES / "thread-3.html").read_text(encoding="utf-8")
    parsed = parse(page.replace("This message has been deleted by", "Something else by"))
    assert [post.post_id for post in parsed.posts if post.status is Status.HIDDEN] == ["9003", "9004"]
    assert parsed.containers == 5


def test_skin_that_keeps_only_the_numbered_elements() -> None:
    post = (
        '<table><tr><td><a name="post{0}"></a> 14-11-2015, 10:{0}</td></tr><tr><td><div id="postmenu_{0}"><b>'
        '<a href="member.php?u={0}">user {0}</a></b></div><a id="postcount{0}" name="{0}" href="#">x</a></td>'
        '<td id="td_post_{0}"><div id="post_message_{0}">Words of {0}.</div></td></tr></table>'
    )
    foot = '<div>Время: GMT +3, сейчас <span class="time">15:02</span></div>'
    script = '<script src="clientscript/vbulletin_global.js?v=387"></script>'
    page = f"<html><head>{script}</head><body>{{}}{foot}</body></html>"
    parsed = parse(page.format(post.format(11) + post.format(12)))
    assert [(found.post_id, found.author, found.author_id, found.position) for found in parsed.posts] == [
        ("11", "user 11", "11", 11),
        ("12", "user 12", "12", 12),
    ]
    assert parsed.posts[1].created_at == utc("2015-11-14T07:12:00")
    assert parsed.posts[1].body_text == "Words of 12."


def test_menus_and_previews_are_no_posts() -> None:
    page = (
        '<html id="vbulletin_html"><body><div id="postmenu_5"></div><a id="postcount6"></a><ol><li>x</ol></body></html>'
    )
    assert parse(page).page_kind is PageKind.UNKNOWN


@pytest.mark.parametrize(
    ("note", "edited_at"),
    [
        ("Last edited by bo; 11-14-2015 at 04:41 PM.", "2015-11-14T21:41:00"),
        ("Sửa lần cuối bởi bo; 11-14-2015 lúc 04:41 PM.", "2015-11-14T21:41:00"),
        ("Zuletzt geändert von bo (14.11.2015 um 16:41 Uhr)", "2015-11-14T21:41:00"),
        ("Последний раз редактировалось bo; 14.11.2015 в 16:41.", "2015-11-14T21:41:00"),
        ("Dernière modification par bo ; 14/11/2015 à 16:41.", "2015-11-14T21:41:00"),
        ("Última edición por bo; 14/11/2015 a las 16:41", "2015-11-14T21:41:00"),
        ("Last edited by bo; Today at 04:41 AM. Reason: 12-12-2015 at 10:00", "2016-11-17T09:41:00"),
        ("Last edited by bo.", None),
    ],
)
def test_edits_in_other_words(note: str, edited_at: str | None) -> None:
    page = (PAGES / "thread-3.html").read_text(encoding="utf-8")
    note_was = page[page.index("Last edited by") : page.index("Reason: typo") + len("Reason: typo")]
    post = parse(page.replace(note_was, note)).posts[0]
    assert (post.edited, post.edited_at) == (True, utc(edited_at) if edited_at else None)


def test_board_of_3() -> None:
    board = own("board-3", "https://ward.example/forumdisplay.php?f=17")
    assert (board.page_kind, board.board_id, board.page, board.last_page) == ("board", "17", 1, 34)
    solved, guest, moved = board.threads
    assert (solved.title, solved.prefix, solved.author, solved.author_id) == (
        "Statins & muscle pain",
        "[Solved]",
        "Dr. Adé & Co",
        "42",
    )
    assert (solved.reply_count, solved.view_count, solved.page_count) == (5117, 24734, 1024)
    assert (solved.is_sticky, solved.is_locked) == (True, True)
    assert solved.last_post_at == utc("2015-11-14T02:23:00")
    assert (guest.author, guest.author_id, guest.is_sticky, guest.is_locked) == ("visitor 7", None, False, False)
    assert (moved.thread_type, moved.reply_count) == ("redirect", None)
    assert board.links == [Link(rel="redirect", url="https://ward.example/showthread.php?t=503", thread_id="503")]
    assert [(found.board_id, found.title, found.parent_id) for found in board.boards] == [
        ("17", "Lipids", "2"),
        ("23", "Statins", "17"),
        ("24", "Rosuvastatin", "23"),
    ]
    assert (board.boards[1].thread_count, board.boards[1].post_count) == (1174, 62233)
    assert board.boards[1].description == "All about statins"


def test_index_of_3() -> None:
    index = own("index-3", "https://ward.example/index.php")
    assert (index.page_kind, index.board_id) == ("index", None)
    assert [(found.board_id, found.title, found.parent_id, found.post_count) for found in index.boards] == [
        ("95", "Obavijesti", None, None),
        ("185", "Pravila", "95", 3605),
        ("186", "Prazno", "95", 0),
    ]
    assert index.boards[0].url == "https://ward.example/forumdisplay.php?f=95"


def test_errors_and_logins() -> None:
    error = own("error-3", "https://ward.example/showthread.php?t=9")
    assert error.page_kind is PageKind.ERROR
    assert error.reason == "No Thread specified. If you followed a valid link, please notify the administrator"
    assert own("error-4", "https://ward.example/showthread.php?t=9").reason == (
        "Invalid Thread specified. If you followed a valid link, please notify the administrator"
    )
    login = own("login-3", "https://ward.example/forumdisplay.php?f=9")
    assert login.page_kind is PageKind.LOGIN
    assert (login.reason or "").startswith("You are not logged in")


def test_a_form_to_log_in_instead_of_content() -> None:
    page = '<html id="vbulletin_html"><body><input id="navbar_username" name="vb_login_username">{}</body></html>'
    assert parse(page.format("")).page_kind is PageKind.UNKNOWN
    assert parse(page.format('<input type="text" name="vb_login_username">')).page_kind is PageKind.LOGIN
    assert parse(page.format(""), status=403).page_kind is PageKind.ERROR


def test_archive_pages_name_no_post() -> None:
    archive = own("archive-3", "https://ward.example/archive/index.php/t-501.html")
    assert (archive.page_kind, archive.thread_id) == (PageKind.UNKNOWN, "501")
    assert "archive" in (archive.reason or "")


# -- version 4 ----------------------------------------------------------------------------------------------------


def test_thread_of_4(four: ParsedPage) -> None:
    assert (four.page_kind, four.engine_version, four.page, four.last_page) == ("thread", "4.1.12", 1, 1)
    (thread,) = four.threads
    assert (thread.thread_id, thread.prefix, thread.title, thread.board_id) == ("304", "[Frage]", "Sepsis-Quiz", "11")
    assert (thread.author, thread.tags) == ("Cortez", ["sepsis", "laktat"])
    assert thread.created_at == utc("2014-04-22T23:36:00")


def test_posts_of_4(four: ParsedPage) -> None:
    first, second = four.posts[:2]
    assert (first.position, first.is_opening, first.author_id) == (1, True, "364")
    assert first.body_text == "Laktat 4,2.\na < b\n  c\nWas nun?"
    assert (first.edited, first.edited_at) == (True, utc("2014-04-24T10:31:00"))
    assert first.attachments == [
        Attachment(url="https://ward.example/forum/attachment.php?attachmentid=5&d=1398200000", name="kurve.png"),
        Attachment(url="https://ward.example/forum/attachment.php?attachmentid=6&d=1398200001", name="befund.pdf"),
    ]
    assert first.url == "https://ward.example/forum/showthread.php?304-Sepsis-Quiz&p=815#post815"
    assert (second.author, second.author_id) == ("Gast 12", None)
    assert second.quotes == [
        Quote(post_id="815", author="Cortez", text="Was nun?"),
        Quote(text="namenlos"),
    ]
    assert second.body_text == "Volumen.\nJa."


def test_placeholders_of_4(four: ParsedPage) -> None:
    assert [(post.post_id, post.status, post.author) for post in four.posts[2:]] == [
        ("817", Status.REMOVED, "Di"),
        ("818", Status.HIDDEN, "Ed"),
    ]


def test_thanks_of_4() -> None:
    page = (PAGES / "thread-4.html").read_text(encoding="utf-8")
    box = (
        '<li class="postbit postbitim" id="post_thanks_box_815"><h2 class="posttitle">The Following 2 Users Say Thank '
        'You to <a href="member.php?u=364">Cortez</a>:</h2><div id="post_thanks_bit_815"><blockquote>'
        '<a href="member.php?u=7">bo</a> (1), <a href="member.php?u=8">cy</a> (2)</blockquote></div></li><!-- ad -->'
    )
    parsed = parse(page.replace("<!-- ad -->", box))
    assert [post.reactions for post in parsed.posts] == [2, None, None, None]
    assert parsed.containers == 4


def test_board_of_4() -> None:
    board = own("board-4", "https://ward.example/forumdisplay.php?11-Trainees")
    assert board.next_url == "https://ward.example/forumdisplay.php?11-Trainees/page2"
    sticky, guest = board.threads
    assert (sticky.title, sticky.prefix, sticky.is_sticky, sticky.is_locked) == ("Sepsis Quiz", "[Quiz]", True, True)
    assert (sticky.created_at, sticky.last_post_at) == (utc("2014-04-23T01:36:00"), utc("2014-05-24T20:46:00"))
    assert (sticky.reply_count, sticky.view_count, sticky.page_count) == (18, 17972, 3)
    assert (guest.author, guest.author_id, guest.prefix, guest.is_sticky) == ("Guest 3", None, None, False)
    assert [(found.board_id, found.parent_id, found.thread_count) for found in board.boards] == [
        ("11", "3", None),
        ("12", "11", 1023),
        ("13", "12", None),
    ]


# -- versions 5 and 6 ---------------------------------------------------------------------------------------------


def test_topic_of_5(five: ParsedPage) -> None:
    assert (five.page_kind, five.page, five.last_page, five.board_id) == ("thread", 1, 12, "18")
    assert five.next_url == "https://ward.example/forum/clinic/821-gout/page2"
    (thread,) = five.threads
    assert (thread.thread_id, thread.title, thread.tags) == ("821", "Gout", ["gout"])


def test_nodes(five: ParsedPage) -> None:
    first, reply, comment, gone = five.posts
    assert (first.created_at, first.created_text) == (utc("2016-09-30T20:31:12"), "09-30-2016, 12:31 PM")
    assert (first.edited, first.edited_at) == (True, utc("2016-10-04T20:47:00"))
    assert (first.reactions, first.is_opening, first.body_text) == (2, True, "Colchicine or steroids?")
    assert [found.name for found in first.attachments] == ["labs.pdf"]
    assert (reply.author, reply.author_id, reply.position, reply.body_text) == ("Guest 1", None, 2, "Both.")
    assert reply.quotes == [Quote(post_id="821", author="ada", text="Colchicine or steroids?")]
    assert (comment.parent_id, comment.position, comment.author_id) == ("826", None, "3")
    assert (comment.created_at, comment.body_text) == (utc("2016-10-04T17:00:00"), "Thank you.")
    assert (gone.status, gone.body_text) == (Status.REMOVED, "")


def test_dates_shown_at_another_offset_than_stated_are_not_read() -> None:
    page = (PAGES / "topic-5.html").read_text(encoding="utf-8").replace("GMT-8", "GMT-7")
    first, _, comment, _ = parse(page, "https://ward.example/forum/clinic/821-gout").posts
    assert first.created_at == utc("2016-09-30T20:31:12")  # the epoch
    assert (first.edited_at, comment.created_at) == (None, None)


def test_channel_of_6() -> None:
    board = own("board-5", "https://ward.example/forum/clinic/page2")
    assert (board.page_kind, board.board_id, board.page, board.last_page) == ("board", "18", 2, 3)
    rules, gout = board.threads
    assert (rules.thread_id, rules.title, rules.is_sticky, rules.is_locked) == ("900", "House rules", True, True)
    assert (rules.reply_count, rules.view_count, rules.author_id) == (3, 1210, "3")
    assert (rules.created_at, rules.last_post_at) == (utc("2016-05-14T15:08:00"), utc("2016-06-16T05:10:00"))
    assert (gout.prefix, gout.is_sticky, gout.is_locked) == (None, False, False)
    assert [(found.board_id, found.parent_id, found.post_count) for found in board.boards] == [
        ("18", None, None),
        ("19", "18", 22324),
    ]
