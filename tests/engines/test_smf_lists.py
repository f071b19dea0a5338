"""Simple Machines Forum: lists in own pages, version by version, and pages without content."""

from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.smf import Smf
from crawler.records import PageKind, ParsedPage

ENGINE = Smf()
PAGES = Path(__file__).parent / "pages" / "smf"
SCRIPT = '<script>var smf_scripturl = "https://ward.example/index.php";</script>'


def parse(body: str | bytes, url: str = "https://ward.example/index.php", status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status))


def own(name: str, url: str = "https://ward.example/saved.html") -> ParsedPage:
    return parse((PAGES / f"{name}.html").read_bytes(), url)


# -- lists --------------------------------------------------------------------------------------------------------


def test_board_of_2_0() -> None:
    board = own("board-2.0")
    assert (board.page_kind, board.board_id, board.page, board.last_page) == ("board", "6", 1, 3)
    assert board.next_url == "https://klinik.example/index.php?board=6.20"
    assert board.links[0].url == "https://klinik.example/index.php?board=6;type=rss;action=.xml"
    itself, thumb = board.boards
    assert (itself.title, itself.parent_id) == ("Hand", "5")
    assert (thumb.title, thumb.parent_id, thumb.thread_count, thumb.post_count) == ("Daumen", "6", 34, 1200)
    assert thumb.description == "Alles \u00fcber Daumen & Sattelgelenk."
    rules, poll, moved = board.threads
    assert (rules.title, rules.is_sticky, rules.is_locked, rules.reply_count) == ("Regeln & Hinweise", True, True, 0)
    assert (rules.author, rules.author_id, rules.view_count) == ("Admin", "1", 9550)
    assert (poll.thread_type, poll.author, poll.author_id, poll.page_count) == ("poll", "Gast Cem", None, 15)
    assert (poll.is_sticky, poll.is_locked, poll.last_post_at) == (False, False, None)
    assert (moved.thread_type, moved.is_locked, moved.author_id) == ("redirect", True, "2")


def test_board_of_1_1() -> None:
    board = own("board-1.1")
    assert (board.page, board.last_page, board.next_url, board.board_id) == (2, 2, None, "4")
    sodium, cysts = board.threads
    assert (sodium.reply_count, sodium.view_count, sodium.is_sticky, sodium.page_count) == (7, 1204, True, 3)
    assert (cysts.author, cysts.author_id, cysts.reply_count, cysts.is_sticky) == ("Guest Dot", None, 0, False)


def test_board_of_2_1() -> None:
    board = own("board-2.1")
    assert [(found.board_id, found.parent_id, found.thread_count) for found in board.boards] == [
        ("9", None, None),
        ("21", "9", 273),
        ("22", "21", 3),
    ]
    nights, coffee = board.threads
    assert (nights.reply_count, nights.view_count, nights.page_count) == (31, 2911, 3)
    assert (nights.is_sticky, nights.is_locked) == (True, True)
    assert (coffee.author, coffee.thread_type, coffee.is_locked) == ("Faye (guest)", "poll", False)


def test_index_of_1_1() -> None:
    index = own("index-1.1")
    assert index.page_kind is PageKind.INDEX
    clinics, kidney, dialysis, stones = index.boards
    assert (clinics.board_id, clinics.title, clinics.url) == ("c2", "Clinics", None)  # a category has no page
    assert (kidney.board_id, kidney.parent_id, kidney.description) == ("4", "c2", "Salt & water.")
    assert (kidney.thread_count, kidney.post_count) == (568, 3656)
    assert (dialysis.parent_id, dialysis.thread_count, dialysis.post_count) == ("4", 39, 172)
    assert stones.url == "http://ward.example/forum/index.php?board=16.0"


def test_index_with_addresses_of_words() -> None:
    parsed = parse(
        f'<html><head>{SCRIPT}</head><body><div id="boardindex_table"><div class="cat_bar" id="category_9">'
        '<h3 class="catbg"><a id="c9"></a>Notes</h3></div><div id="category_9_boards"><div id="board_65" '
        'class="up_contain "><div class="info"><a class="subject mobile_subject" href="https://ward.example/liver-b65.0/"'
        ' id="b65">Liver<p class="board_description mobile_display">Bile.</p></a><p class="board_description">Bile.</p>'
        '</div><div class="board_stats"><p>7 Posts<br> 1 Topics</p></div></div></div></div></body></html>'
    )
    category, liver = parsed.boards
    assert (category.board_id, category.title) == ("c9", "Notes")
    assert (liver.board_id, liver.title, liver.description, liver.thread_count) == ("65", "Liver", "Bile.", 1)


def test_counts_in_cells_of_their_own() -> None:
    parsed = parse(
        f'<html><head>{SCRIPT}</head><body><table><tr id="board_9"><td class="info"><a class="subject" '
        'href="index.php?board=9.0" name="b9">Liver</a><p class="desc">Bile.</p></td><td class="windowbg2 stats">9936'
        '</td><td class="windowbg2 stats">229</td></tr></table></body></html>'
    )
    (liver,) = parsed.boards
    assert (liver.title, liver.description, liver.post_count, liver.thread_count) == ("Liver", "Bile.", 9936, 229)


def test_recent_topics_beside_the_index_are_no_board() -> None:
    body = (PAGES / "index-1.1.html").read_text(encoding="utf-8")
    row = '<tr><td><img src="/images/topic/hot_post.gif" /></td><td><a href="index.php?topic=9.0">Recent</a></td></tr>'
    parsed = parse(body.replace('<div class="tborder"', f'<table>{row}</table><div class="tborder"', 1))
    assert (parsed.page_kind, parsed.threads, len(parsed.boards)) == (PageKind.INDEX, [], 4)


# -- pages without content ----------------------------------------------------------------------------------------


LOGIN = '<form action="index.php?action=login2" name="frmLogin" id="frmLogin" method="post"><input name="user"></form>'


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (
            '<div id="fatal_error"><div class="windowbg"><div class="padding">The topic is missing.</div></div></div>',
            "error",
            "The topic is missing.",
        ),
        (
            '<table class="tborder"><tr><td class="windowbg" style="padding: 3ex;">Not &amp; found.</td></tr></table>',
            "error",
            "Not & found.",
        ),
        (
            f'<p class="information centertext">Only registered members may.</p>{LOGIN}',
            "login",
            "Only registered members may.",
        ),
        (LOGIN, "login", "the page is a form to log in or register"),
        (
            '<form id="frmLogin"><div class="login" id="maintenance_mode"><h3>Back soon</h3></div></form>',
            "error",
            "the forum is closed for maintenance",
        ),
        (
            '<a href="https://ward.example/index.php?action=forum">Forum</a>',
            "index",
            "the site's front page is a portal: its boards are listed at the address with action=forum",
        ),
        (
            '<a href="https://ward.example/index.php?action=forum">Forum</a><div id="profileview"></div>',
            "unknown",
            "a page of Simple Machines Forum without posts or lists (action profileview)",
        ),
        (
            '<div id="messageindex"></div>',
            "unknown",
            "a page of Simple Machines Forum without posts or lists (titled X)",
        ),
    ],
)
def test_kinds(content: str, kind: str, reason: str) -> None:
    parsed = parse(f"<html><head><title>X</title>{SCRIPT}</head><body>{content}</body></html>")
    assert (parsed.page_kind, parsed.reason) == (kind, reason)


def test_empty_board_is_a_board() -> None:
    body = f'<html><head>{SCRIPT}</head><body><div id="messageindex">No topics.</div></body></html>'
    parsed = parse(body, "https://ward.example/index.php?board=3.0")
    assert (parsed.page_kind, parsed.board_id, parsed.threads) == (PageKind.BOARD, "3", [])


def test_page_of_another_software() -> None:
    assert parse("<html><body>Hello</body></html>").reason == "the page is none of Simple Machines Forum"
