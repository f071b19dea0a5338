"""NodeBB: own answers and pages in the software's form, other pages, keys, addresses, and recognition."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.nodebb import NodeBB
from crawler.engines.nodebb.data import answer_of
from crawler.engines.nodebb.fields import unknown_keys
from crawler.engines.page import Page
from crawler.records import Attachment, PageKind, ParsedPage, Post, Quote, Status
from tests.engines.real_pages import verify_never_hangs, verify_survives_anything

ENGINE = NodeBB()
PAGES = Path(__file__).parent / "pages" / "nodebb"
FORUM = "https://ward.example/forum"


def parse(body: str | bytes, url: str = f"{FORUM}/topic/31/x", *, status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status))


def own(name: str, url: str) -> ParsedPage:
    return parse((PAGES / name).read_bytes(), url)


@pytest.fixture
def topic() -> ParsedPage:
    """Page 2 of a topic, as the API gives it: the main post stands above the posts of each page."""
    return own("topic-3.json", f"{FORUM}/api/topic/31/dose-weight/21?page=2")


# -- topics -------------------------------------------------------------------------------------------------------


def test_topic(topic: ParsedPage) -> None:
    assert (topic.page_kind, topic.page, topic.last_page, topic.containers) == ("thread", 2, 3, 6)
    assert topic.next_url == f"{FORUM}/api/topic/31/dose-weight?page=3"
    (thread,) = topic.threads  # related topics are none of the page
    assert (thread.thread_id, thread.title, thread.board_id) == ("31", "Dose & weight", "3")
    assert (thread.author, thread.author_id) == ("Ada", "5")
    assert thread.created_at == datetime(2021, 3, 1, 10, 0, 0, 250_000, tzinfo=UTC)
    assert (thread.reply_count, thread.view_count, thread.score) == (44, 1041, 1)
    assert (thread.is_sticky, thread.is_locked, thread.tags) == (True, True, ["dose", "children & teens"])
    assert thread.url == f"{FORUM}/topic/31/dose-weight"
    assert [link.url for link in topic.links] == [f"{FORUM}/topic/31.rss"]


def test_places_count_from_one_and_the_main_post_opens(topic: ParsedPage) -> None:
    assert [(post.post_id, post.position, post.is_opening) for post in topic.posts[:3]] == [
        ("700", 1, True),
        ("721", 21, False),
        ("722", 22, False),
    ]


def test_facts_of_a_post(topic: ParsedPage) -> None:
    post = topic.posts[1]
    assert (post.author, post.author_id, post.parent_id, post.score) == ("Bo", "6", "700", 2)
    assert (post.edited, post.edited_at) == (True, datetime(2021, 3, 3, 10, 0, 0, 250_000, tzinfo=UTC))
    assert post.body_text == "25 mg/kg. chart.pdf 🙂\n- twice a day"
    assert post.quotes == [Quote(post_id="700", author="Ada", text="Dose of amoxicillin & weight?")]
    assert post.attachments == [
        Attachment(url="https://ward.example/assets/uploads/files/1-chart.pdf"),
        Attachment(url=f"{FORUM}/assets/uploads/files/2.png", name="2.png"),
    ]
    assert (post.links, post.url) == ([], f"{FORUM}/post/721")
    assert not topic.posts[0].edited


def test_deleted_by_the_author_or_by_a_moderator(topic: ParsedPage) -> None:
    taken_back, taken_down = topic.posts[2:4]
    assert (taken_back.status, taken_back.author, taken_back.body_text) == (Status.DELETED, "Cem", "")
    assert taken_down.status is Status.REMOVED


def test_a_place_in_the_topic_is_a_post_where_the_page_shows_it(topic: ParsedPage) -> None:
    guest = topic.posts[4]
    assert (guest.author, guest.author_id) == ("Guest", None)
    assert guest.quotes == [
        Quote(post_id="721", author="Bo", text="25 mg/kg."),
        Quote(author="Ada", text="Dose?"),
        Quote(text="Of the guideline."),
    ]
    assert guest.body_text == "Thanks @Bo, see NICE:\na = 1\n  b"


def test_a_post_from_another_server(topic: ParsedPage) -> None:
    post = topic.posts[5]
    assert (post.post_id, post.url) == ("https://social.example/notes/9", "https://social.example/notes/9")
    assert post.author_id == "https://social.example/users/eve"


def test_other_orders_tell_no_places() -> None:
    data = json.loads((PAGES / "topic-3.json").read_bytes()) | {"sortOption": "most_votes"}
    posts = parse(json.dumps(data)).posts
    assert [(post.position, post.is_opening) for post in posts[:2]] == [(1, True), (None, False)]


def test_a_page_carries_the_same_data(topic: ParsedPage) -> None:
    data = (PAGES / "topic-3.json").read_text(encoding="utf-8").replace("</", "<\\/")
    page = f'<html><body><script id="ajaxify-data" type="application/json">{data}</script></body></html>'
    parsed = parse(page, f"{FORUM}/topic/31/dose-weight/21?page=2")
    assert parsed.posts == topic.posts
    assert parsed.next_url == f"{FORUM}/topic/31/dose-weight?page=3"


def test_posts_without_content_are_not_lost_silently() -> None:
    data = json.loads((PAGES / "topic-3.json").read_bytes())
    del data["posts"][1]["content"]
    parsed = parse(json.dumps(data))
    assert (parsed.page_kind, parsed.posts) == ("unknown", [])
    assert parsed.reason is not None
    assert "1 of 6 posts" in parsed.reason


def only(content: str, **fields: object) -> Post:
    post = {"pid": 9, "tid": 31, "uid": 5, "content": content, "index": 3, "user": {"uid": 5, "username": "Ada"}}
    (found,) = parse(json.dumps({"tid": 31, "posts": [post | fields], "template": {"topic": True}})).posts
    return found


MENTION = '<a class="plugin-mentions-user plugin-mentions-a" href="/uid/2">@Eva Lux</a>'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f'<p dir="auto">{MENTION} said in <a href="/post/8">A title</a>:</p dir="auto">', ("8", "Eva Lux")),
        (f'<p>{MENTION} <a href="/post/8">sagte</a>:</p>', ("8", "Eva Lux")),
        ('<p>@Eva Lux said in <a href="https://w.example/topic/4/x/7">A title</a>:</p>', (None, "Eva Lux")),
        ("<p>@Eva Lux said:</p>", (None, "Eva Lux")),
        ("<p>@Eva написал(а):</p>", (None, "Eva")),  # noqa: RUF001
        ("", (None, None)),
    ],
)
def test_forms_of_quotes(header: str, expected: tuple[str | None, str | None]) -> None:
    post = only(f"{header}\n<blockquote>\n<p>Words.</p>\n</blockquote>\n<p>Yes.</p>")
    (quote,) = post.quotes
    assert (quote.post_id, quote.author, quote.text) == (*expected, "Words.")
    assert post.body_text == "Yes."


def test_a_header_that_ends_a_paragraph() -> None:
    post = only(
        '<p>Two things.<br />\n@Eva said in <a href="/post/8">A</a>:</p>\n<blockquote><p>Words.</p></blockquote>'
    )
    assert (post.body_text, post.quotes[0].post_id) == ("Two things.", "8")


@pytest.mark.parametrize("words", ["<p>From the guideline:</p>", "<p>@Eva I read this:</p>", "<p>Yes.</p>"])
def test_own_words_before_a_quote_stay(words: str) -> None:
    post = only(f"{words}<blockquote><p>Words.</p></blockquote>")
    assert post.body_text == words[3:-4]
    assert post.quotes == [Quote(text="Words.")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"uid": 0, "user": {"uid": 0, "username": "[[global:former_user]]"}}, ("A Former User", None)),
        ({"user": {"uid": 5, "username": "ada", "displayname": "Ada &amp; Co"}}, ("Ada & Co", "5")),
        ({"user": None}, (None, "5")),
        ({"user": None, "uid": 0, "handle": "Walk-in"}, ("Walk-in", None)),
    ],
)
def test_authors(fields: dict[str, object], expected: tuple[str | None, str | None]) -> None:
    post = only("<p>Yes.</p>", **fields)
    assert (post.author, post.author_id) == expected


def test_reactions_and_votes() -> None:
    reactions = [{"reaction": "+1", "reactionCount": 2}, {"reaction": "heart", "reactionCount": 1}]
    assert only("x", reactions=reactions).reactions == 3
    assert only("x", upvotes=3, downvotes=5).score == -2
    assert (only("x").reactions, only("x").score) == (None, None)


# -- lists --------------------------------------------------------------------------------------------------------


def test_category() -> None:
    parsed = own("category-3.json", f"{FORUM}/api/category/3/paediatrics")
    assert (parsed.page_kind, parsed.board_id, parsed.last_page) == ("board", "3", 2)
    assert parsed.next_url == f"{FORUM}/api/category/3/paediatrics?page=2"
    board, child = parsed.boards
    assert (board.title, board.description, board.parent_id) == ("Paediatrics", "About Paediatrics", "1")
    assert (board.thread_count, board.post_count) == (12, 1204)
    assert (child.board_id, child.title, child.parent_id) == ("4", "Neonates & infants", "3")


def test_rows() -> None:
    first, second, third = own("category-3.json", f"{FORUM}/category/3/paediatrics").threads
    assert (first.title, first.is_sticky, first.is_locked, first.tags) == ("Dose & weight", True, True, ["dose"])
    assert (first.author, first.reply_count, first.view_count, first.board_id) == ("Ada", 2, 50, "3")
    assert first.last_post_at == datetime(2021, 3, 2, 10, 0, 0, 250_000, tzinfo=UTC)
    assert (second.thread_type, second.solution_post_id, second.reply_count) == ("question", "330", 0)
    assert (third.title, third.status) == (None, Status.DELETED)


def test_index() -> None:
    parsed = own("categories.json", f"{FORUM}/api/categories")
    assert (parsed.page_kind, parsed.next_url) == ("index", None)
    assert [(board.board_id, board.parent_id, board.title) for board in parsed.boards] == [
        ("1", None, "Medicine"),
        ("3", "1", "Paediatrics"),
        ("4", "3", "Neonates"),
        ("9", None, "Shop"),
    ]
    assert parsed.boards[3].url == "https://shop.example/"


def test_results_of_a_search() -> None:
    post = {"pid": 9, "tid": 31, "content": "x", "topic": {"title": "Dose", "slug": "31/dose", "cid": 3}}
    answer = {"posts": [post, post], "matchCount": 2, "template": {"name": "search", "search": True}}
    parsed = parse(json.dumps(answer), f"{FORUM}/api/search?term=x")
    assert [(thread.thread_id, thread.title) for thread in parsed.threads] == [("31", "Dose")]
    assert (parsed.page_kind, parsed.posts) == ("board", [])


# -- other pages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "kind", "reason"),
    [
        ("not-found", 404, "error", "not-found"),
        ("not-authorized", 401, "login", "not authorised"),
        ("/login?local=1", 200, "login", "the API sends to /login?local=1"),
        ({"status": {"code": "not-found", "message": "No such thing"}, "response": {}}, 404, "error", "No such thing"),
        ({"status": {"code": "not-authorised", "message": "Log in."}, "response": {}}, 401, "login", "Log in."),
        ({"path": "/topic/9", "title": "[[global:404.title]]", "bodyClass": ""}, 404, "error", "not found"),
        ({"path": "/x", "loggedIn": False, "error": "[[error:no-privileges]]"}, 403, "error", "no privileges"),
        ({"template": {"name": "403"}, "title": "x", "error": "Too young"}, 403, "error", "Too young"),
        ({"template": {"name": "login", "login": True}}, 200, "login", "the page is a form to log in or register"),
        ({"template": {"name": "recent"}, "topics": []}, 200, "empty", "the list holds no topic"),
        (
            {"template": {"name": "topic"}, "tid": 3, "posts": []},
            200,
            "unknown",
            "a topic's page of NodeBB without posts",
        ),
        ({"template": {"name": "users"}}, 200, "unknown", "a NodeBB page without topic or category (template users)"),
        ([1], 200, "unknown", "JSON that is no answer of NodeBB's API"),
    ],
)
def test_answers_without_content(answer: object, status: int, kind: str, reason: str) -> None:
    parsed = parse(json.dumps(answer), f"{FORUM}/api/topic/9", status=status)
    assert (parsed.page_kind, parsed.reason) == (kind, reason)


def test_redirects_of_the_api() -> None:
    parsed = parse('"/topic/9/a-slug"', f"{FORUM}/api/topic/9")
    assert (parsed.page_kind, [link.url for link in parsed.links]) == ("empty", [f"{FORUM}/api/topic/9/a-slug"])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('<body class="page-login page-status-200">', "login"),
        ('<body class="page-404 page-status-404"><div class="alert alert-danger">Gone.</div>', "error"),
        ('<body class="page-topic page-topic-9 page-status-200">', "unknown"),
        ("<title>Just a moment...</title>", "challenge"),
        ("<p>Hello", "unknown"),
    ],
)
def test_markup_without_content(body: str, kind: str) -> None:
    parsed = parse(f"<html>{body}</html>")
    assert parsed.page_kind == kind
    assert parsed.reason


# -- which keys are taken -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["topic-3.json", "category-3.json", "categories.json"])
def test_every_key_is_taken_or_knowingly_ignored(name: str) -> None:
    page = Page(url=FORUM, body=(PAGES / name).read_bytes(), site="w")
    assert unknown_keys(answer_of(page)) == set()


def test_a_new_key_is_noticed() -> None:
    data = json.loads((PAGES / "topic-3.json").read_bytes())
    data["posts"][0]["mood"] = data["category"]["weather"] = data["posts"][0]["user"]["shoe"] = 1
    assert unknown_keys(data) == {"post.mood", "category.weather", "user.shoe"}


# -- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://w.example/topic/31/dose?page=2", "https://w.example/api/topic/31/dose?page=2"),
        (f"{FORUM}/category/3/x", f"{FORUM}/api/category/3/x"),
        ("https://w.example/recent", "https://w.example/api/recent"),
        ("https://w.example/", "https://w.example/api/categories"),
        (FORUM, f"{FORUM}/api/categories"),
        (f"{FORUM}/api/recent", f"{FORUM}/api/recent"),
        ("https://w.example/assets/uploads/x.png", "https://w.example/assets/uploads/x.png"),
    ],
)
def test_request_url(url: str, expected: str) -> None:
    assert ENGINE.request_url(url) == expected


def test_page_and_post_url() -> None:
    assert ENGINE.page_url(f"{FORUM}/topic/31/dose/45?sort=x", 3) == f"{FORUM}/topic/31/dose?sort=x&page=3"
    assert ENGINE.page_url(f"{FORUM}/topic/31/dose?page=3", 1) == f"{FORUM}/topic/31/dose"
    assert ENGINE.post_url(f"{FORUM}/topic/31/dose", "9") == f"{FORUM}/post/9"
    assert ENGINE.post_url(f"{FORUM}/api/topic/31/dose", "9") == f"{FORUM}/api/post/9"


# -- recognition, and whatever the bytes --------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(PAGES.iterdir()), ids=lambda path: path.name)
def test_recognised(path: Path) -> None:
    found = ENGINE.recognise(Page(url=FORUM, body=path.read_bytes(), site="w"))
    assert found is not None
    assert found.confidence == 0.9


def test_the_header_is_enough() -> None:
    page = Page(url=FORUM, body=b"<html></html>", site="w", headers={"x-powered-by": "NodeBB"})
    assert ENGINE.recognise(page) is not None
    assert ENGINE.recognise(Page(url=FORUM, body=b"<html></html>", site="w")) is None


def test_survives_anything() -> None:
    verify_survives_anything(ENGINE, sorted(PAGES.iterdir()))


@pytest.mark.parametrize(("name", "place"), [("topic-markup.html", "Nine."), ("topic-3.json", "From afar")])
def test_never_hangs(name: str, place: str) -> None:
    verify_never_hangs(ENGINE, PAGES / name, place)


def test_unreadable_pages_say_so() -> None:
    assert parse('{"tid": 3, "posts": [').page_kind is PageKind.UNKNOWN
