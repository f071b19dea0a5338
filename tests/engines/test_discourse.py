"""Discourse: own answers of its JSON, and what all its pages have in common."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.engines.discourse import Discourse
from crawler.engines.discourse.names import IGNORED, TAKEN, unread_names
from crawler.engines.page import Page
from crawler.records import Attachment, PageKind, ParsedPage, PollOption, Status
from tests.engines.real_pages import (
    HOSTILE_PARTS,
    SECONDS_ON_HOSTILE_INPUT,
    verify_survives,
    verify_survives_anything,
)

ENGINE = Discourse()
PAGES = Path(__file__).parent / "pages" / "discourse"
TOPIC = "https://ward.example/t/stent-sizing/501"


def parse(body: str | bytes, url: str = TOPIC, status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status))


def own(name: str, url: str = TOPIC) -> ParsedPage:
    return parse((PAGES / name).read_bytes(), url)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def topic() -> ParsedPage:
    """The first page of a topic as JSON."""
    return own("topic.json", "https://ward.example/t/501.json")


def cooked(markup: str, **fields: object) -> Any:
    """The post that an answer with that text holds."""
    post = {"id": 5, "post_number": 2, "cooked": markup, "topic_id": 9, "username": "ada", **fields}
    (found,) = parse(json.dumps({"post_stream": {"posts": [post]}, "id": 9}), "https://ward.example/t/9.json").posts
    return found


# -- JSON of a topic ----------------------------------------------------------------------------------------------


def test_topic(topic: ParsedPage) -> None:
    assert (topic.page_kind, topic.thread_id, topic.board_id, topic.engine_version) == ("thread", "501", "6", None)
    (thread,) = topic.threads  # suggested topics are none that the page lists
    assert (thread.title, thread.author, thread.author_id) == ("Stent sizing & angles", "ada", "11")
    assert (thread.reply_count, thread.view_count, thread.page_count) == (21, 1234, 2)
    assert (thread.created_at, thread.last_post_at) == (utc("2024-03-01T08:00:00"), utc("2024-03-09T08:00:00"))
    assert thread.tags == ["stent", "iliac"]  # objects with a name, or names
    assert (thread.is_sticky, thread.is_locked) == (False, True)
    assert (thread.thread_type, thread.solution_post_id) == ("question", "9007")
    assert thread.url == TOPIC


def test_pages_of_a_topic(topic: ParsedPage) -> None:
    assert (topic.page, topic.last_page, topic.next_url) == (1, 2, "https://ward.example/t/501.json?page=2")


def test_posts_around_one_are_no_page_but_lead_on() -> None:
    posts = [{"id": n, "post_number": n, "cooked": "<p>x</p>"} for n in range(107, 127)]
    stream = {"stream": list(range(100, 150)), "posts": posts}
    answer = {"id": 9, "title": "T", "slug": "t", "post_stream": stream}
    parsed = parse(json.dumps(answer), "https://ward.example/t/t/9/17.json")
    assert (parsed.page, parsed.last_page, parsed.next_url) == (None, 3, "https://ward.example/t/9.json?page=2")


def test_a_huge_topic_tells_no_stream_but_how_many_posts_it_has() -> None:
    posts = [{"id": 7, "post_number": 7, "cooked": "<p>x</p>"}]
    answer = {"id": 9, "title": "T", "posts_count": 12_001, "post_stream": {"posts": posts}}
    parsed = parse(json.dumps(answer), "https://ward.example/t/9.json?page=3")
    assert (parsed.page, parsed.last_page, parsed.next_url) == (3, 601, "https://ward.example/t/9.json?page=4")


def test_a_topic_given_whole_has_no_next_page() -> None:
    posts = [{"id": n, "post_number": n, "cooked": "<p>x</p>"} for n in range(1, 46)]
    answer = {"id": 9, "title": "T", "slug": "t", "post_stream": {"stream": list(range(1, 46)), "posts": posts}}
    parsed = parse(json.dumps(answer), "https://ward.example/t/9.json?print=true")
    assert (len(parsed.posts), parsed.page, parsed.next_url) == (45, 1, None)
    answer["post_stream"] = {"stream": list(range(1, 66)), "posts": posts[:41]}
    parsed = parse(json.dumps(answer), "https://ward.example/t/9.json?print=true")
    assert parsed.next_url == "https://ward.example/t/9.json?page=3"


def test_poll(topic: ParsedPage) -> None:
    poll = topic.threads[0].poll
    assert poll is not None
    assert (poll.question, poll.voters) == ("Which size?", 5)
    assert poll.options == [PollOption(text="8 mm", votes=4), PollOption(text="9 mm", votes=1)]


def test_small_actions_are_no_posts(topic: ParsedPage) -> None:
    assert [post.post_id for post in topic.posts] == ["9001", "9002", "9004", "9005", "9006", "9007"]
    assert topic.containers == 6


def test_facts_of_a_post(topic: ParsedPage) -> None:
    post = topic.posts[0]
    assert (post.position, post.is_opening, post.author, post.author_id) == (1, True, "ada", "11")
    assert (post.created_at, post.created_text) == (utc("2024-03-01T08:00:00"), "2024-03-01T08:00:00.000Z")
    assert (post.edited, post.edited_at) == (True, utc("2024-03-01T09:30:00"))
    assert post.reactions == 7  # the plugin's count, which holds the likes
    assert post.score is None  # "score" is a rank for sorting, no votes
    assert post.url == f"{TOPIC}/1"


def test_own_text_keeps_its_form(topic: ParsedPage) -> None:
    assert topic.posts[0].body_text.split("\n") == [
        "Dear all, see @ben and the paper :smile:",
        "Doses",
        "- 8 mm",
        "- 9 mm",
        "size\tn",
        "8 mm\t3",
        "def f():",
        "    return 1 < 2",
        "",
        "dose.pdf (12 KB)",
        "News & title",
        "Seen on 2024-03-01T08:00:00Z, hidden words.",
        "The end.",
    ]


def test_files_and_links(topic: ParsedPage) -> None:
    assert topic.posts[0].attachments == [
        Attachment(url="https://cdn.example/uploads/default/original/1X/aa.png", name="angle.png"),
        Attachment(url="https://ward.example/uploads/short-url/dose.pdf", name="dose.pdf"),
    ]
    assert topic.posts[0].links == ["https://pubmed.example/1?a=1&b=2", "https://news.example/x"]


def test_quotes(topic: ParsedPage) -> None:
    own_topic, nested, later, plain, card = topic.posts[1].quotes
    assert (own_topic.post_id, own_topic.author, own_topic.text) == ("9001", "ada", "8 mm")  # on this page: its id
    assert (nested.post_id, nested.author, nested.text) == ("77-7", "zed", "Inner words.")
    assert (later.post_id, later.author) == ("501-40", "cem")  # on another page: topic and number
    assert (plain.post_id, plain.author, plain.text) == (None, None, "From a guideline.")
    assert (card.post_id, card.author, card.text) == ("88-1", None, "Which balloon?")
    assert topic.posts[1].body_text == "Agreed.\nDone."  # and nothing of the mail that was cut off
    assert topic.posts[1].links == ["https://ward.example/t/balloons/88"]


@pytest.mark.parametrize(
    ("stream", "parent"),
    [
        ([901, 902, 903, 904], "902"),  # the fourth entry has number 4: nothing is missing before it
        ([901, 903, 904], "12-2"),  # the third has number 4: one is missing, nobody knows which
        ([], "12-2"),
    ],
)
def test_a_target_on_another_page_is_named_by_the_stream_where_that_is_certain(stream: list[int], parent: str) -> None:
    posts = [{"id": 904, "post_number": 4, "topic_id": 12, "cooked": "<p>Yes.</p>", "reply_to_post_number": 2}]
    answer = {"id": 12, "title": "Stents", "post_stream": {"posts": posts, "stream": stream}}
    (post,) = parse(json.dumps(answer), "https://ward.example/t/12.json?page=2").posts
    assert (post.post_id, post.parent_id) == ("904", parent)


def test_a_quote_by_name_only() -> None:
    post = cooked(
        '<aside class="quote"><div class="title"><div class="quote-controls"></div>Dr. Zed said:</div>'
        "<blockquote><p>Words.</p></blockquote></aside><p>Own.</p>"
    )
    assert [(quote.post_id, quote.author, quote.text) for quote in post.quotes] == [(None, "Dr. Zed", "Words.")]
    assert post.body_text == "Own."


def test_replies(topic: ParsedPage) -> None:
    assert [post.parent_id for post in topic.posts] == [None, "9001", None, None, None, "501-6"]


def test_likes_without_the_plugin(topic: ParsedPage) -> None:
    assert [post.reactions for post in topic.posts] == [7, 3, 0, 0, 0, 0]


def test_posts_that_are_not_shown(topic: ParsedPage) -> None:
    hidden, withdrawn, removed = topic.posts[2:5]
    assert (hidden.status, hidden.body_text) == (Status.HIDDEN, "")  # the notice is nobody's words
    assert (withdrawn.status, withdrawn.body_text) == (Status.DELETED, "")
    assert (removed.status, removed.body_text, removed.author) == (Status.REMOVED, "", "ben")


def test_wiki_is_edited_as_its_pencil_says(topic: ParsedPage) -> None:
    assert (topic.posts[5].edited, topic.posts[5].edited_at) == (True, utc("2024-03-09T00:00:00"))
    assert not cooked("<p>x</p>", wiki=True, version=1, updated_at="2024-03-09T00:00:00.000Z").edited


def test_other_media() -> None:
    post = cooked(
        '<p>Film:</p><div class="video-container"><video controls><source src="/uploads/default/original/1X/f.mp4">'
        '<a href="/uploads/default/original/1X/f.mp4">f</a></video></div>'
        '<div class="youtube-onebox lazy-video-container" data-video-title="Stenting"><a href="https://v.example/1">'
        '<img class="youtube-thumbnail" src="/t.jpg"></a></div>'
        '<p><img src="https://elsewhere.example/wp-content/uploads/2012/02/x.gif" alt="x"> End.</p>'
    )
    assert post.body_text == "Film:\nStenting\nEnd."
    assert [file.url for file in post.attachments] == ["https://ward.example/uploads/default/original/1X/f.mp4"]
    assert post.links == ["https://v.example/1"]


def test_markup_of_older_versions() -> None:
    post = cooked(
        "<aside class='quote' data-username='ada' data-post='3' data-topic='9'><div class='title'>ada:</div>"
        "<blockquote><p>Words.</p></blockquote></aside><p>Own.</p>"
        '<div class="lazyYT" data-youtube-id="x1" data-youtube-title="Stenting" data-width="480"></div>'
    )
    assert [(quote.post_id, quote.author, quote.text) for quote in post.quotes] == [("9-3", "ada", "Words.")]
    assert post.body_text == "Own.\nStenting"


def test_footnotes_and_details_are_own_words() -> None:
    post = cooked(
        '<p>Dose<sup class="footnote-ref"><a href="#footnote-1-1" id="footnote-ref-1-1">[1]</a></sup></p>'
        "<details><summary>More</summary><p>Inside.</p></details>"
        '<hr class="footnotes-sep"><ol class="footnotes-list"><li id="footnote-1-1" class="footnote-item">'
        '<p>In adults. <a href="#footnote-ref-1-1" class="footnote-backref">\u21a9</a></p></li></ol>'
    )
    assert post.body_text == "Dose[1]\nMore\nInside.\n1. In adults."
    assert post.links == []


def test_answer_of_a_chat_and_votes_on_answers() -> None:
    post = cooked(
        '<div class="chat-transcript" data-username="zed"><div class="chat-transcript-user">zed</div>'
        '<div class="chat-transcript-messages"><p>Hello</p></div></div><p>Own.</p>',
        post_voting_vote_count=-2,
    )
    assert [(quote.author, quote.text) for quote in post.quotes] == [("zed", "Hello")]
    assert (post.body_text, post.score) == ("Own.", -2)


def test_posts_without_their_topic() -> None:
    posts = [{"id": n, "post_number": n, "topic_id": 9, "topic_slug": "t", "cooked": "<p>x</p>"} for n in range(1, 21)]
    posts[0]["posts_count"] = 31
    answer = json.dumps({"post_stream": {"posts": posts}, "id": 9})
    parsed = parse(answer, "https://ward.example/t/9/posts.json")
    assert (parsed.thread_id, len(parsed.posts), parsed.threads[0].reply_count) == ("9", 20, 30)
    assert parsed.next_url == "https://ward.example/t/9/posts.json?post_number=20&asc=true"
    # With a number alone the answer goes back from it; nothing follows.
    assert parse(answer, "https://ward.example/t/9/posts.json?post_number=21").next_url is None


def test_one_post_and_the_newest_posts() -> None:
    post = {"id": 5, "post_number": 2, "cooked": "<p>x</p>", "topic_id": 9, "topic_slug": "t", "username": "ada"}
    single = parse(json.dumps(post), "https://ward.example/posts/5.json")
    assert (single.page_kind, single.thread_id, single.posts[0].url) == ("thread", "9", "https://ward.example/t/t/9/2")
    newest = parse(json.dumps({"latest_posts": [post, {**post, "id": 6, "topic_id": 10}]}), "https://ward.example/x")
    assert (newest.page_kind, [post.thread_id for post in newest.posts]) == ("feed", ["9", "10"])


def test_a_post_without_text_is_not_lost_silently() -> None:
    parsed = parse(json.dumps({"id": 9, "post_stream": {"posts": [{"id": 5, "post_number": 1}]}}))
    assert (parsed.page_kind, parsed.posts) == (PageKind.UNKNOWN, [])
    assert parsed.reason is not None
    assert "post 5" in parsed.reason


# -- JSON of lists ------------------------------------------------------------------------------------------------


def test_category() -> None:
    parsed = own("category.json", "https://x.example/forum/c/vascular/6.json?page=1")
    assert (parsed.page_kind, parsed.board_id, parsed.page, parsed.last_page) == ("board", "6", 2, None)
    assert parsed.next_url == "https://x.example/forum/c/vascular/6/l/latest.json?page=2"
    sticky, solved, link = parsed.threads
    assert (sticky.thread_id, sticky.is_sticky, sticky.is_locked, sticky.board_id) == ("500", True, True, "6")
    assert (sticky.author, sticky.author_id, sticky.reply_count, sticky.view_count) == ("ada", "11", 2, 40)
    assert sticky.url == "https://x.example/forum/t/read-first/500"
    assert (solved.thread_type, link.thread_type, link.score) == ("question", "link", 12)


def test_list_of_an_unknown_address() -> None:
    """A saved answer tells by the address of what follows which category and page it is."""
    answer = {"topic_list": {"topics": [{"id": 9, "title": "T"}], "more_topics_url": "/c/vascular/6?page=3"}}
    parsed = parse(json.dumps(answer), "https://disk.example/saved/list.json")
    assert (parsed.board_id, parsed.page, parsed.last_page) == ("6", 3, None)


def test_categories() -> None:
    parsed = own("categories.json", "https://ward.example/categories.json")
    assert parsed.page_kind is PageKind.INDEX
    assert [(board.board_id, board.title, board.parent_id) for board in parsed.boards] == [
        ("6", "Vascular", None),
        ("8", "Stents", "6"),
        ("9", None, "6"),  # named by its parent only
        ("7", "Cardiac", None),
    ]
    first, nested = parsed.boards[:2]
    assert (first.thread_count, first.post_count, first.description) == (10, 50, "All on Vascular")
    assert nested.url == "https://ward.example/c/vascular/stents/8"
    assert [(thread.thread_id, thread.board_id) for thread in parsed.threads] == [("501", "6")]


def test_categories_with_the_latest_topics() -> None:
    answer = {
        "category_list": {"categories": [{"id": 6, "name": "Vascular", "slug": "vascular"}]},
        "topic_list": {"topics": [{"id": 9, "title": "T", "category_id": 6}]},
    }
    parsed = parse(json.dumps(answer), "https://ward.example/categories_and_latest.json")
    assert (parsed.page_kind, [board.title for board in parsed.boards]) == ("index", ["Vascular"])
    assert [thread.thread_id for thread in parsed.threads] == ["9"]


def test_search_and_empty_lists() -> None:
    found = {
        "posts": [{"id": 1, "blurb": "a cutting"}],
        "grouped_search_result": {},
        "topics": [{"id": 9, "title": "T"}],
    }
    parsed = parse(json.dumps(found), "https://ward.example/search.json?q=stent")
    assert (parsed.page_kind, [thread.title for thread in parsed.threads], parsed.posts) == ("board", ["T"], [])
    empty = parse(json.dumps({"grouped_search_result": {}, "topics": []}), "https://ward.example/search.json")
    assert empty.page_kind is PageKind.EMPTY
    assert parse('{"topic_list": {"topics": []}}', "https://ward.example/latest.json?page=9").page_kind == "empty"
    assert parse('{"topic_list": {"topics": []}}', "https://ward.example/c/new/9.json").page_kind == "board"


@pytest.mark.parametrize(
    ("error_type", "kind"),
    [("not_found", "error"), ("invalid_access", "error"), ("rate_limit", "error"), ("not_logged_in", "login")],
)
def test_refusals(error_type: str, kind: str) -> None:
    parsed = parse(json.dumps({"errors": ["Not for you."], "error_type": error_type}))
    assert (parsed.page_kind, parsed.reason) == (kind, f"{error_type}: Not for you.")


def test_json_of_something_else() -> None:
    assert parse('{"user": {"id": 1}}').page_kind is PageKind.UNKNOWN
    assert parse('{"post_stream": ').page_kind is PageKind.UNKNOWN


def test_every_name_of_own_answers_is_known() -> None:
    for name in ("topic.json", "category.json", "categories.json"):
        assert not set(unread_names(json.loads((PAGES / name).read_bytes()))), name
    assert all(not names & IGNORED[kind] for kind, names in TAKEN.items())
    assert list(unread_names({"post_stream": {"posts": [{"id": 1, "mood": "good"}]}})) == ["post.mood"]


# -- recognition, whatever the bytes ------------------------------------------------------------------------------


def test_own_pages_are_recognised() -> None:
    for path in sorted(PAGES.iterdir()):
        found = ENGINE.recognise(Page(url=TOPIC, body=path.read_bytes(), site="s"))
        assert found is not None, path.name
        assert found.confidence >= 0.9, path.name
        assert found.version == (None if path.suffix == ".json" else own(path.name).engine_version), path.name


def test_others_are_not() -> None:
    for body in ('{"posts": [], "title": "NodeBB"}', "<rss><channel><generator>Discourse 3</generator>", "<html>", ""):
        assert ENGINE.recognise(Page(url=TOPIC, body=body.encode(), site="s")) is None


def test_survives_anything() -> None:
    verify_survives_anything(ENGINE, sorted(PAGES.iterdir()))


def test_posts_of_hostile_parts_are_read_in_time() -> None:
    parts = (
        '<a class="attachment" href="x">',
        '<div class="poll"><li data-poll-option-id="1">',
        '<aside class="quote" data-post="1" data-topic="2"><div class="title">',
        '<div class="lightbox-wrapper"><a class="lightbox" href="x">',
        '<div class="onebox"><h3>',
        '<details class="elided"><video>',
        "<pre><div><li>",
    )
    for part in (*HOSTILE_PARTS, *parts):
        start = time.process_time()
        cooked(part * 5_000)
        assert time.process_time() - start < SECONDS_ON_HOSTILE_INPUT, part


def test_deep_json_is_refused() -> None:
    verify_survives(ENGINE, b"[" * 100_000)
    verify_survives(
        ENGINE, b'{"categories":' + b'[{"id":1,"subcategory_list":' * 30_000 + b"[]" + b"}]" * 30_000 + b"}"
    )
