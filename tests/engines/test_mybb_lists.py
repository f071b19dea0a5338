"""MyBB: lists in own pages, version by version, pages without content, and addresses."""

import pytest

from crawler.records import PageKind
from tests.engines.mybb_pages import ENGINE, FETCHED_AT, SCRIPT, own, parse, utc

# -- lists --------------------------------------------------------------------------------------------------------


def test_forum_of_1_8() -> None:
    board = own("board-1.8", "https://ward.example/forumdisplay.php?fid=7", FETCHED_AT)
    assert (board.page_kind, board.board_id, board.page, board.last_page) == ("board", "7", 1, 3)
    assert board.next_url == "https://ward.example/forumdisplay.php?fid=7&page=2"
    assert board.links[0].url == "https://ward.example/syndication.php?fid=7"
    itself, fungi, candida, moulds = board.boards
    assert (itself.title, itself.parent_id, itself.url) == (
        "Infection",
        "1",
        "https://ward.example/forumdisplay.php?fid=7",
    )
    assert (fungi.title, fungi.description, fungi.parent_id) == ("Fungi", "Moulds & yeasts.", "7")
    assert (fungi.thread_count, fungi.post_count) == (1204, 20011)
    assert [(child.board_id, child.title, child.parent_id) for child in (candida, moulds)] == [
        ("9", "Candida", "8"),
        ("10", "Moulds", "8"),
    ]


def test_rows() -> None:
    rules, fever, moved = own("board-1.8", fetched_at=FETCHED_AT).threads  # the announcement is none
    assert (rules.title, rules.is_sticky, rules.is_locked, rules.reply_count) == ("Rules & tips", True, True, 0)
    assert (rules.author, rules.author_id, rules.view_count) == ("Admin", "1", 9550)
    assert rules.created_at == rules.last_post_at == utc("2014-01-13T14:00")
    assert (fever.title, fever.prefix, fever.thread_type) == ("Drug fever after day ten", "Solved", "poll")
    assert (fever.author, fever.author_id, fever.is_sticky, fever.is_locked) == ("Guest Dot", None, False, False)
    assert (fever.reply_count, fever.view_count, fever.page_count) == (113, 4310, 12)
    assert fever.last_post_at == utc("2014-05-22T23:40")
    assert (moved.thread_id, moved.title, moved.thread_type) == ("50", "Malaria", "redirect")
    assert (moved.reply_count, moved.view_count) == (None, None)


def test_index() -> None:
    index = own("index-1.8")
    assert (index.page_kind, index.board_id) == (PageKind.INDEX, None)
    clinics, infection, staff = index.boards
    assert (clinics.board_id, clinics.description, clinics.parent_id) == ("1", "What we treat.", None)
    assert (infection.parent_id, infection.thread_count, infection.post_count) == ("1", 45, 1950)
    # A theme that shows posts first says so in words.
    assert (staff.title, staff.description, staff.thread_count, staff.post_count) == ("Staff", "Rota and rest.", 5, 87)


def test_forums_within_a_forum_without_a_word_before_them() -> None:
    icon = '<img src="images/minion.gif" class="subforumicon ajax_mark_read" id="mark_read_{}" />'
    parsed = parse(
        f'<html><head>{SCRIPT}</head><body><table><tr><td class="trow1"><img class="ajax_mark_read" id="mark_read_3" />'
        f'</td><td class="trow1"><strong><a href="forum-3.html">Kidney</a></strong><div class="smalltext">Salt.\n'
        f'{icon.format(4)}<a href="forum-4.html">Stones</a>, {icon.format(5)}<a href="forum-5.html">Dialysis</a></div>'
        "</td><td>7</td><td>30</td><td>x</td></tr></table></body></html>"
    )
    assert [(found.board_id, found.title, found.parent_id, found.description) for found in parsed.boards] == [
        ("3", "Kidney", None, "Salt."),
        ("4", "Stones", "3", None),
        ("5", "Dialysis", "3", None),
    ]


# -- pages without content ----------------------------------------------------------------------------------------


TABLE = (
    '<table class="tborder"><tr><td class="thead"><strong>Ward</strong></td></tr>'
    '<tr><td class="trow1">{}</td></tr></table>'
)
FORM = (
    '<form action="member.php"><input type="hidden" name="action" value="do_login" /><input name="username" /></form>'
)
QUICK = f'<div class="modal" id="quick_login" style="display: none;">{FORM}</div>'


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (QUICK + TABLE.format("The specified thread does not exist."), "error", "The specified thread does not exist."),
        (QUICK + TABLE.format(f"You do not have permission.{FORM}"), "login", "You do not have permission."),
        (QUICK + FORM, "login", "the page is a form to log in or register"),
        ('<input type="password" name="pwverify" />', "login", "the page is a form to log in or register"),
        (QUICK, "unknown", "a MyBB page without posts or lists (memberlist)"),
        (
            f'{FORM}<input type="submit" name="loginsubmit" />',
            "unknown",
            "the site's portal, which shows beginnings of threads",
        ),
    ],
)
def test_kinds(content: str, kind: str, reason: str) -> None:
    body = f"<html><head><title>Ward</title>{SCRIPT}</head><body>{content}</body></html>"
    parsed = parse(body, "https://ward.example/memberlist.php")
    assert (parsed.page_kind, parsed.reason) == (kind, reason)


def test_empty_forum_is_a_board() -> None:
    body = f'<html><head>{SCRIPT}</head><body><a href="newthread.php?fid=7">New</a><a>Nothing yet.</a></body></html>'
    parsed = parse(body, "https://ward.example/forumdisplay.php?fid=7")
    assert (parsed.page_kind, parsed.board_id, parsed.threads) == (PageKind.BOARD, "7", [])


def test_page_that_leads_on() -> None:
    body = f'<html><head><meta http-equiv="refresh" content="2;URL=x" />{SCRIPT}</head><body>Thank you.</body></html>'
    assert parse(body).page_kind is PageKind.EMPTY


def test_page_of_another_software() -> None:
    assert parse("<html><body>Hello</body></html>").reason == "the page is none of MyBB"


# -- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "page", "expected"),
    [
        ("https://w.example/showthread.php?tid=1", 1, "https://w.example/showthread.php?tid=1"),
        ("https://w.example/showthread.php?tid=1", 3, "https://w.example/showthread.php?tid=1&page=3"),
        ("https://w.example/showthread.php?tid=1&page=2", 3, "https://w.example/showthread.php?tid=1&page=3"),
        ("https://w.example/showthread.php?tid=1&pid=5#pid5", 2, "https://w.example/showthread.php?tid=1&page=2"),
        ("https://w.example/showthread.php?tid=1&action=lastpost", 1, "https://w.example/showthread.php?tid=1"),
        ("https://w.example/forumdisplay.php?fid=1", 2, "https://w.example/forumdisplay.php?fid=1&page=2"),
        ("https://w.example/thread-1.html", 2, "https://w.example/thread-1-page-2.html"),
        ("https://w.example/thread-1-page-4.html", 2, "https://w.example/thread-1-page-2.html"),
        ("https://w.example/thread-1-post-9.html#pid9", 1, "https://w.example/thread-1.html"),
        ("https://w.example/forum-3.html", 2, "https://w.example/forum-3-page-2.html"),
        ("https://w.example/Thread-Which-kit", 2, "https://w.example/Thread-Which-kit?page=2"),
        ("https://w.example/Thread-Which-kit?page=2", 1, "https://w.example/Thread-Which-kit"),
        ("https://w.example/showthread4a2b.html?tid=1&page=2", 1, "https://w.example/showthread4a2b.html?tid=1"),
    ],
)
def test_page_url(url: str, page: int, expected: str) -> None:
    assert ENGINE.page_url(url, page) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://w.example/showthread.php?tid=1&page=2", "https://w.example/showthread.php?tid=1&pid=5#pid5"),
        ("https://w.example/thread-1.html", "https://w.example/thread-1-post-5.html#pid5"),
        ("https://w.example/Thread-Which-kit", "https://w.example/Thread-Which-kit?pid=5#pid5"),
        ("https://w.example/forum-3.html", None),
    ],
)
def test_post_url(url: str, expected: str | None) -> None:
    assert ENGINE.post_url(url, "5") == expected
