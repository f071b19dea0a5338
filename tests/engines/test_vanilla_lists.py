"""Vanilla Forums: lists in the software's markup, pages without content, and answers of the API."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.vanilla import Vanilla
from crawler.records import PageKind, ParsedPage

ENGINE = Vanilla()
PAGES = Path(__file__).parent / "pages" / "vanilla"
THREAD = "https://ward.example/forum/discussion/12/tapering-prednisolone"


def parse(body: str | bytes, url: str = THREAD, *, status: int = 200, **headers: str) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status, headers=headers))


def own(name: str, url: str) -> ParsedPage:
    return parse((PAGES / f"{name}.html").read_bytes(), url)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def page(*content: str, classes: str = "Vanilla Discussion isDesktop index", url: str = THREAD) -> ParsedPage:
    return parse(f'<html><body class="{classes}"><ul>{"".join(content)}</ul></body></html>', url)


# -- lists --------------------------------------------------------------------------------------------------------


def test_board() -> None:
    parsed = own("board-hl", "https://ward.example/categories/cardiology")
    assert (parsed.page_kind, parsed.board_id, parsed.page, parsed.last_page) == ("board", "cardiology", 1, 2)
    assert parsed.next_url == "https://ward.example/categories/cardiology/p2"
    board, child = parsed.boards
    assert (board.board_id, board.title, board.parent_id) == ("cardiology", "Cardiology", "medicine")
    assert board.description == "Hearts & vessels"
    assert (child.board_id, child.title, child.parent_id) == ("echo", "Echo", "cardiology")
    assert (child.thread_count, child.post_count) == (1204, 9301)
    assert [link.url for link in parsed.links] == ["https://ward.example/categories/cardiology/feed.rss"]


def test_rows() -> None:
    first, second = own("board-hl", "https://ward.example/categories/cardiology").threads
    assert (first.thread_id, first.title, first.author, first.author_id) == ("900", "Read me & weep", "Jun", "11")
    assert (first.is_sticky, first.is_locked, first.board_id) == (True, True, "cardiology")
    assert (first.reply_count, first.view_count, first.score) == (0, 46446, -1)
    assert first.created_at == first.last_post_at == utc("2019-05-04T01:42:26")
    assert (second.title, second.author, second.author_id) == ("Which scale?", "Kay", "12")
    assert (second.reply_count, second.view_count, second.thread_type) == (27422, 304, "question")
    assert (second.created_at, second.last_post_at) == (None, utc("2019-06-01T01:00:00"))
    assert (second.board_id, second.is_sticky) == ("echo", False)
    assert second.url == "https://ward.example/discussion/901/which-scale"


def test_index() -> None:
    parsed = own("index-2.3", "https://ward.example/categories")
    assert parsed.page_kind is PageKind.INDEX
    assert [(board.board_id, board.parent_id, board.thread_count) for board in parsed.boards] == [
        ("medicine", None, None),
        ("cardiology", "medicine", 64),
        ("echo", "cardiology", None),
        ("ecg", "cardiology", None),
        ("lounge", None, None),
        ("off-topic", "lounge", 12),
    ]
    cardiology = parsed.boards[1]
    assert (cardiology.title, cardiology.description, cardiology.post_count) == ("Cardiology", "Hearts", 2210)
    assert cardiology.url == "https://ward.example/categories/cardiology"


def test_rows_of_2_0_have_no_id_and_count_the_opening_post() -> None:
    row = (
        '<ul class="DataList Discussions"><li class="Item Announcement"><div class="ItemContent Discussion">'
        '<a class="Title" href="/discussion/5/night-float">Night float</a><div class="Meta">'
        '<span class="CommentCount">3 comments</span><span class="LastCommentBy">Most recent by '
        '<a href="/profile/4/Ivo">Ivo</a></span><span class="LastCommentDate">May 2011</span></div></div></li></ul>'
    )
    script = '<script src="/js/global.js?v=2.0.18.4"></script>'
    parsed = parse(f'<html>{script}<body class="Vanilla Discussions index">{row}</body></html>', "https://r.example/")
    (thread,) = parsed.threads
    assert (thread.thread_id, thread.title, thread.reply_count) == ("5", "Night float", 2)
    assert (thread.author, thread.is_sticky) == (None, True)


def test_a_category_without_discussions_is_a_board() -> None:
    classes, url = "Vanilla Categories isDesktop index Section-Category-x", "https://w.example/categories/x"
    none = '<div class="Empty">No discussions were found.</div>'
    parsed = page(none, classes=classes, url=url)
    assert (parsed.page_kind, parsed.board_id, len(parsed.boards)) == ("board", "x", 1)
    assert page(none, classes="Vanilla Discussions isDesktop index").page_kind is PageKind.EMPTY
    assert page(classes=classes, url=url).page_kind is PageKind.UNKNOWN


GROUPED = (
    '<div id="CategoryGroup-wards" class="CategoryGroup Category-wards"><h2 class="H categoryList-heading">Wards</h2>'
    '<table class="DataTable CategoryTable"><tbody><tr class="Item night x Depth2"><td class="CategoryName">'
    '<div class="Wrap"><a href="//w.example/categories/night" class="Item-Icon PhotoWrap"><span class="sr-only">Expand'
    "</span></a><h3 aria-level='3' class='CategoryNameHeading'><a href=\"https://w.example/categories/night\">Nights</a>"
    '</h3></div></td><td class="CountDiscussions"><span title="4,877 discussions" class="Number">4.9K</span></td>'
    '<td class="LatestPost"><a href="/discussion/9/tea#latest" class="BlockTitle LatestPostTitle">Tea</a></td>'
    "</tr></tbody></table></div>"
)
PANEL = (
    '<div class="Box BoxDiscussions"><h4>Recent Discussions</h4><ul class="PanelInfo PanelDiscussions DataList">'
    '<li id="Discussion_9" class="Item ItemDiscussion"><div class="Title"><a href="/discussion/9/tea">Tea</a></div>'
    "</li></ul></div>"
)
PROMOTED = (
    '<div class="PanelInfo DataList"><div id="Promoted_Discussion_8" class="Item ItemDiscussion"><div class="Title">'
    '<a href="/discussion/8/rota" class="DiscussionLink">Rota</a></div></div></div>'
)


def test_an_index_of_tables_with_boxes_of_discussions_around_it_is_an_index() -> None:
    classes = "Vanilla Categories isDesktop index Section-CategoryList isHome"
    parsed = page(PROMOTED, GROUPED, PANEL, classes=classes, url="https://w.example/")
    assert (parsed.page_kind, parsed.threads) == ("index", [])
    group, board = parsed.boards
    assert (group.board_id, group.title, group.url) == ("wards", "Wards", None)
    assert (board.board_id, board.title, board.parent_id, board.thread_count) == ("night", "Nights", "wards", 4877)


@pytest.mark.parametrize("classes", ["Dashboard Profile isDesktop index", "Dashboard Activity isDesktop index"])
def test_a_box_of_discussions_makes_no_board(classes: str) -> None:
    assert page(PANEL, classes=classes, url="https://w.example/profile/4/ivo").page_kind is PageKind.UNKNOWN


def test_results_of_a_search() -> None:
    hit = '<li class="Item Item-Search"><h3><a href="https://w.example/{}">Tea</a></h3></li>'
    hits = hit.format("discussion/9/tea") + hit.format("discussion/comment/33#Comment_33")
    classes, url = "Dashboard Search isDesktop index Section-SearchResults", "https://w.example/search?Search=tea"
    shown = '<ol id="search-results" class="DataList DataList-Search">{}</ol>'
    parsed = page(shown.format(hits), PANEL, classes=classes, url=url)
    assert (parsed.page_kind, [(thread.thread_id, thread.title) for thread in parsed.threads]) == (
        "board",
        [("9", "Tea")],
    )
    assert page(shown.format(""), PANEL, classes=classes, url=url).page_kind is PageKind.EMPTY


def test_the_name_of_a_board_is_not_the_heading_of_a_notice_above_it() -> None:
    notice = '<div class="DismissMessage"><h1>Welcome</h1></div><h1 class="H HomepageTitle">Nights </h1>'
    none = '<div class="Empty">No discussions were found.</div>'
    parsed = page(notice, none, classes="Vanilla Categories isDesktop index", url="https://w.example/categories/night")
    assert [(board.board_id, board.title) for board in parsed.boards] == [("night", "Nights")]


def test_links_for_search_engines() -> None:
    link = '<ul class="linkList"><li><a href="https://w.example/discussion/5/night-float">Night float</a></li></ul>'
    (thread,) = page(link, classes="Vanilla Discussions isDesktop index").threads
    assert (thread.thread_id, thread.title, thread.url) == (
        "5",
        "Night float",
        "https://w.example/discussion/5/night-float",
    )


# -- other pages --------------------------------------------------------------------------------------------------


SPLASH = '<div class="Center SplashInfo"><h1>Page Not Found</h1><div id="Message">It is gone.</div></div>'


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (f'<body id="dashboard_home_filenotfound">{SPLASH}', "error", "Page Not Found: It is gone."),
        (f'<body class="Custom Skin">{SPLASH}<a href="/applications/vanilla/">', "error", "Page Not Found"),
        ('<body class="Dashboard Home isDesktop permission"><h1>x</h1>', "error", "the site shows an error page"),
        ('<body class="Dashboard Entry isDesktop signin Section-Entry">', "login", "the page is a form to sign in"),
        ('<body class="Dashboard Search index Section-SearchResults">', "unknown", "(dashboard search index)"),
        ('<body class="Vanilla Discussion isDesktop index">', "unknown", "without any post"),
        ("<body><p>Hello", "unknown", "none of Vanilla"),
        ("<head><title>Just a moment...</title></head><body>", "challenge", "Cloudflare"),
    ],
)
def test_pages_without_content(body: str, kind: str, reason: str) -> None:
    parsed = parse(f"<html>{body}</body></html>")
    assert parsed.page_kind == kind
    assert parsed.reason is not None
    assert reason in parsed.reason


# -- the API ------------------------------------------------------------------------------------------------------


RECORD = {
    "discussionID": 12,
    "type": "question",
    "name": "Taper &amp; stop",
    "body": "<p>How fast?</p>",
    "categoryID": 3,
    "category": {"categoryID": 3, "url": "https://w.example/categories/steroids"},
    "dateInserted": "2024-01-02T03:04:05+00:00",
    "dateUpdated": "2024-01-03T03:04:05+00:00",
    "dateLastComment": "2024-01-04T03:04:05+00:00",
    "insertUserID": 7,
    "insertUser": {"userID": 7, "name": "Ada"},
    "pinned": True,
    "closed": False,
    "countComments": 4,
    "countViews": 90,
    "score": None,
    "tags": [{"tagID": 1, "name": "taper"}],
    "reactions": [{"name": "Like", "count": 2}, {"name": "Insightful", "count": 1}],
    "url": "https://w.example/discussion/12/taper",
}


def answer(value: object, url: str, status: int = 200, link: str = "") -> ParsedPage:
    return parse(json.dumps(value), url, status=status, link=link)


def test_discussion_of_the_api() -> None:
    parsed = answer(RECORD, "https://w.example/api/v2/discussions/12")
    (thread,), (post,) = parsed.threads, parsed.posts
    assert (thread.title, thread.thread_type, thread.board_id) == ("Taper & stop", "question", "steroids")
    assert (thread.reply_count, thread.is_sticky, thread.is_locked, thread.tags) == (4, True, False, ["taper"])
    assert (post.post_id, post.author, post.reactions, post.edited) == ("Discussion_12", "Ada", 3, True)
    assert post.created_at == utc("2024-01-02T03:04:05")


def test_comments_of_the_api() -> None:
    records = [
        {**RECORD, "commentID": 40, "parentCommentID": 31, "dateUpdated": None, "body": "<p>Slowly.</p>"},
        {**RECORD, "commentID": 41, "body": "<blockquote>x</blockquote>Yes."},
    ]
    link = '<https://w.example/api/v2/comments?discussionID=12&page=2>; rel="next"'
    parsed = answer(records, "https://w.example/api/v2/comments?discussionID=12", link=link)
    assert [(post.post_id, post.parent_id, post.edited) for post in parsed.posts] == [
        ("40", "31", False),
        ("41", None, True),
    ]
    assert parsed.next_url == "https://w.example/api/v2/comments?discussionID=12&page=2"
    assert parsed.thread_id == "12"


def test_lists_of_the_api() -> None:
    board = answer([{**RECORD, "body": None}], "https://w.example/api/v2/discussions")
    assert (board.page_kind, board.threads[0].thread_id) == ("board", "12")
    tree = [
        {"categoryID": 1, "urlcode": "a", "name": "A", "children": [{"categoryID": 2, "urlcode": "b", "name": "B"}]}
    ]
    index = answer(tree, "https://w.example/api/v2/categories")
    assert [(board.board_id, board.parent_id) for board in index.boards] == [("a", None), ("b", "a")]


@pytest.mark.parametrize(
    ("value", "status", "kind"),
    [
        ({"message": "Discussion Not Found", "status": 404}, 404, "error"),
        ({"message": "Permission Problem", "status": 403}, 403, "login"),
        ([], 200, "empty"),
        ({"a": 1}, 200, "unknown"),
        ([{"commentID": 4}], 200, "unknown"),
    ],
)
def test_refusals_of_the_api(value: object, status: int, kind: str) -> None:
    parsed = answer(value, "https://w.example/api/v2/discussions/12", status)
    assert parsed.page_kind == kind
    assert parsed.reason


def test_answers_of_the_api_are_recognised() -> None:
    url = "https://w.example/api/v2/discussions/12"
    found = ENGINE.recognise(Page(url=url, body=json.dumps(RECORD).encode(), site="w"))
    assert found is not None
    assert ENGINE.recognise(Page(url=url, body=b'{"message":"x","status":404}', site="w")) is None
