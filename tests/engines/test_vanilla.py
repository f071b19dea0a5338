"""Vanilla Forums: threads in the software's markup, version by version, addresses, and recognition."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.engines.page import Page
from crawler.engines.vanilla import Vanilla
from crawler.engines.vanilla.addresses import category_of, discussion_id_of, page_of, post_id_of
from crawler.records import Attachment, PageKind, ParsedPage, PollOption, Post, Quote, Status
from tests.engines.real_pages import verify_never_hangs, verify_survives_anything

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


@pytest.fixture
def case() -> ParsedPage:
    """The first page of a discussion of Vanilla 2.8."""
    return own("thread-2.8", THREAD)


@pytest.fixture
def hosted() -> ParsedPage:
    """The second page of a discussion of Higher Logic Vanilla, in German."""
    return own("thread-hl", "https://station.example/de/discussion/77/eisenmangel/p2")


# -- threads ------------------------------------------------------------------------------------------------------


def test_thread(case: ParsedPage) -> None:
    assert (case.page_kind, case.engine_version, case.page, case.last_page) == ("thread", "2.8.4", 1, 14)
    assert case.next_url == f"{THREAD}/p2"
    (thread,) = case.threads
    assert (thread.thread_id, thread.title, thread.board_id) == ("12", "Tapering & prednisolone", "steroids")
    assert (thread.author, thread.author_id, thread.created_at) == ("Ada Okafor", "7", utc("2018-03-12T13:49:48"))
    assert (thread.tags, thread.is_sticky, thread.is_locked) == (["taper", "GCA"], True, True)
    assert (thread.solution_post_id, thread.page_count, thread.url) == ("32", 14, THREAD)
    assert thread.poll is not None
    assert thread.poll.question == "Which step?"
    assert thread.poll.options == [PollOption(text="5 mg", votes=14), PollOption(text="1 mg", votes=3)]


def test_an_accepted_answer_counts_once_and_in_its_place(case: ParsedPage) -> None:
    assert [(post.post_id, post.position) for post in case.posts] == [
        ("Discussion_12", 1),
        ("31", 2),
        ("32", 3),
        ("40", 4),
    ]
    assert case.containers == 4


def test_own_text_of_the_opening_post(case: ParsedPage) -> None:
    assert case.posts[0].body_text.split("\n") == [
        "How fast do you taper?",
        "- 5 mg a week",
        "- 1 mg a month",
        "See the paper, @Bo :)",
        "Slowly.",
    ]


def test_facts_of_the_opening_post(case: ParsedPage) -> None:
    post = case.posts[0]
    assert (post.is_opening, post.author, post.author_id) == (True, "Ada Okafor", "7")
    assert (post.created_at, post.created_text) == (utc("2018-03-12T13:49:48"), "March 2018")
    assert post.links == ["https://pubmed.example/1?a=1&b=2"]
    assert post.reactions == 3
    assert post.attachments == [
        Attachment(url="https://ward.example/forum/uploads/editor/aa/plan.pdf", name="plan.pdf")
    ]
    assert post.url == THREAD


def test_an_edit_in_words_is_dated_by_the_clock_that_the_page_shows(case: ParsedPage) -> None:
    # All dates of the page, before the edit and after it, are five hours behind UTC.
    assert (case.posts[0].edited, case.posts[0].edited_at) == (True, utc("2018-03-15T02:05:00"))
    assert not case.posts[1].edited


def test_an_edit_in_words_that_the_page_does_not_prove_is_not_dated() -> None:
    markup = (PAGES / "thread-2.8.html").read_text(encoding="utf-8").replace('title="March 1', 'data-x="March 1')
    post = parse(markup).posts[0]
    assert (post.edited, post.edited_at) == (True, None)


def test_quotes(case: ParsedPage) -> None:
    assert case.posts[1].quotes == [Quote(post_id="Discussion_12", author="Ada Okafor", text="How fast do you taper?")]
    assert case.posts[1].body_text == "Slowly.\nVery."
    assert case.posts[3].quotes == [
        Quote(post_id="31", author="Bo", text="Slowly."),
        Quote(text="Nobody said this."),
        Quote(author="Cem", text="As in the guideline."),
    ]
    assert case.posts[3].body_text == "if dose > 10:\n    dose -= 5"


def test_an_edit_in_words_of_another_language() -> None:
    dated = '<time title="{0}. März 2021 14:00" datetime="2021-03-{0}T13:00:00+00:00">März</time>'
    note = '<span title="Bearbeitet 9. März 2021 10:05." class="DateUpdated">bearbeitet März 2021</span>'
    first = comment(5, "Ja.").replace("</time>", f"</time>{dated.format('08')}")
    second = comment(6, "Nein.").replace("</time>", f"</time>{dated.format('12')}{note}")
    post = page(first, second).posts[1]
    assert (post.edited, post.edited_at) == (True, utc("2021-03-09T09:05:00"))


def test_an_edit_by_a_clock_of_twelve_hours_without_am_and_pm_is_not_dated() -> None:
    dated = '<time title="enero {} 2021 08:21" datetime="2021-01-{}T20:21:41+00:00">enero</time>'
    note = '<span title="Editado enero 9 2021 09:00." class="DateUpdated">editado enero 9</span>'
    first = comment(5, "Sí.").replace("</time>", f"</time>{dated.format(8, '08')}")
    second = comment(6, "No.").replace("</time>", f"</time>{dated.format(12, 12)}{note}")
    post = page(first, second).posts[1]
    assert (post.edited, post.edited_at) == (True, None)


def test_an_accepted_answer_of_another_page_has_no_place() -> None:
    anchor = '<a href="/discussion/comment/5#Comment_5" class="Permalink" name="Item_{}" rel="nofollow">'
    dated = '<time title="x" datetime="2018-03-12T14:00:00+00:00">March</time></a>'
    plain = '<time datetime="2018-03-12T14:00:00+00:00">March</time>'
    answer, reply = (comment(n, "Yes.").replace(plain, anchor.format(n - 5) + dated) for n in (5, 6))
    accepted = f'<ul class="MessageList DataList AcceptedAnswers">{answer}</ul>'
    assert [post.position for post in page(accepted, reply).posts] == [None, 2]


def test_a_member_who_is_gone(case: ParsedPage) -> None:
    assert (case.posts[3].author, case.posts[3].author_id) == ("[Deleted User]", None)


def test_higher_logic(hosted: ParsedPage) -> None:
    assert (hosted.page_kind, hosted.engine_version, hosted.page, hosted.last_page) == ("thread", "2021.009", 2, 2)
    assert hosted.next_url is None
    (thread,) = hosted.threads
    assert (thread.thread_id, thread.title, thread.board_id) == ("77", "Eisenmangel nach OP", "blut")
    assert (thread.author, thread.is_locked) == (None, False)
    assert thread.url == "https://station.example/de/discussion/77/eisenmangel"


def test_posts_of_higher_logic(hosted: ParsedPage) -> None:
    first, second = hosted.posts
    assert (first.post_id, first.position, first.author, first.author_id) == ("501", 31, "Dörte", "52487")
    assert (first.created_at, first.edited_at) == (utc("2021-06-13T11:06:28"), utc("2021-06-13T11:20:00"))
    assert first.body_text == "Infusion oder Tabletten?\nhttps://leitlinie.example/"
    assert first.quotes == [Quote(post_id="499", author="Emre", text="Ferritin war 8.")]
    assert first.attachments == [Attachment(url="https://us.v-cdn.net/1/uploads/labor.png", name="labor.png")]
    assert first.links == ["https://leitlinie.example/"]
    assert second.quotes == [Quote(post_id="Discussion_77", author="Gül", text="Nach der OP.")]
    assert second.body_text == "Tabletten."


def test_version_2_0_shows_the_opening_post_as_a_comment() -> None:
    parsed = own("thread-2.0", "http://residents.example/index.php?p=/discussion/5/night-float-tips/p1")
    assert (parsed.engine_version, parsed.thread_id) == ("2.0.18.4", "5")
    first, second = parsed.posts
    assert (first.post_id, first.position, first.author, first.author_id) == ("Discussion_5", 1, "Hana", "3")
    assert (second.post_id, second.position, second.author) == ("6", 2, "Ivo")
    assert second.quotes == [Quote(author="Hana", text="Sleep first.")]
    assert second.body_text == "Coffee first."


def comment(number: int, text: str, author: str = '<a href="/profile/Bo" class="Username">Bo</a>') -> str:
    return (
        f'<li class="Item ItemComment" id="Comment_{number}"><div class="Comment"><span class="Author">{author}</span>'
        f'<span class="MItem DateCreated"><time datetime="2018-03-12T14:00:00+00:00">March</time></span>'
        f'<div class="Item-Body"><div class="Message userContent">{text}</div></div></div></li>'
    )


def page(*content: str, classes: str = "Vanilla Discussion isDesktop index", url: str = THREAD) -> ParsedPage:
    return parse(f'<html><body class="{classes}"><ul>{"".join(content)}</ul></body></html>', url)


def only(*content: str) -> Post:
    (found,) = page(*content).posts
    return found


def test_a_place_that_the_page_does_not_tell_is_none() -> None:
    assert only(comment(5, "Later.")).position is None


def test_a_comment_without_message_is_not_lost_silently() -> None:
    parsed = page(comment(5, "Yes."), '<li class="Item ItemComment" id="Comment_6">Hidden.</li>')
    assert (parsed.page_kind, parsed.posts) == ("unknown", [])
    assert parsed.reason is not None
    assert "post 6" in parsed.reason


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ('<span class="Username">Guest 5</span>', ("Guest 5", None)),
        ('<a href="/profile/8/x" class="Username Muted" data-userid="8"><b>X</b> Y</a>', ("X Y", "8")),
        ('<a title="Ann" href="/profile/9/Ann" class="PhotoWrap"><img alt="" /></a>', ("Ann", "9")),
    ],
)
def test_authors(author: str, expected: tuple[str, str | None]) -> None:
    post = only(comment(5, "Yes.", author))
    assert (post.author, post.author_id) == expected


DRAWN = (
    '<blockquote class="embedText-body"><div class="embedText-header"><a href="/profile/Ann">Ann</a>'
    '<a href="/discussion/comment/3#Comment_3"><time datetime="2021-01-01T00:00:00+00:00">Jan 1</time></a></div>'
    '<div class="userContent embedQuote-excerpt"><p>x</p></div></blockquote>'
)
UNNAMED = (
    '<blockquote class="Quote UserQuote blockquote">\n<div class="blockquote-content">\n{ann}\n wrote: '
    '<a rel="nofollow" href="/en/discussion/comment/3#Comment_3" class="QuoteLink">»</a></div>\n'
    '<div class="blockquote-content">x</div>\n</blockquote>'
)
ARROW = '<a class="QuoteLink" href="/discussion/12/p1#Discussion_12">»</a>'


def quote(header: str, attributes: str = "") -> str:
    return f'<blockquote class="Quote UserQuote" {attributes}><div class="QuoteAuthor">{header}</div>x</blockquote>'


@pytest.mark.parametrize(
    ("markup", "target", "author"),
    [
        (quote("Ann schrieb:"), None, "Ann"),
        (DRAWN, "3", "Ann"),
        (UNNAMED.format(ann='<a rel="nofollow" href="/profile/Ann">Ann</a>'), "3", "Ann"),
        (UNNAMED.format(ann="Ann"), "3", "Ann"),
        (quote('<a href="/discussion/comment/3#Comment_3">Ann Lee</a> a écrit :', 'rel="Ann Lee"'), "3", "Ann Lee"),
        (quote(f'<a href="/profile/Ann">Ann</a> said: {ARROW}'), "Discussion_12", "Ann"),
        ('<blockquote><p><a rel="nofollow" href="/profile/Ann">@Ann</a> said:<br />x</p></blockquote>', None, "Ann"),
        ("<blockquote>x</blockquote>", None, None),
    ],
)
def test_forms_of_quotes(markup: str, target: str | None, author: str | None) -> None:
    post = only(comment(5, f"{markup}<p>Yes.</p>"))
    assert post.quotes == [Quote(post_id=target, author=author, text="x")]
    assert post.body_text == "Yes."


def test_nested_quotes_follow_each_other() -> None:
    inner = '<blockquote class="Quote" rel="B">inner</blockquote>'
    post = only(comment(5, f'<blockquote class="Quote" rel="A">{inner}outer</blockquote>Yes.'))
    assert [(quote.author, quote.text) for quote in post.quotes] == [("A", "outer"), ("B", "inner")]


def test_a_page_that_was_written_again_without_quotes() -> None:
    markup = comment(5, "Yes.").replace('id="Comment_5"', "id=Comment_5").replace('class="Comment"', "class=Comment")
    assert [post.post_id for post in page(markup).posts] == ["5"]


@pytest.mark.parametrize(
    ("pattern", "written"), [(r"<(/?)([a-z]\w*)", lambda tag: f"<{tag[1]}{tag[2].upper()}"), (r'="([\w-]+)"', r"=\1")]
)
def test_lists_that_were_written_again(pattern: str, written: Any) -> None:
    markup = (PAGES / "index-2.3.html").read_text(encoding="utf-8")
    url = "https://ward.example/categories"
    assert parse(re.sub(pattern, written, markup), url).boards == own("index-2.3", url).boards


def test_a_page_for_scripts_is_read_from_its_data() -> None:
    record = {
        "discussionID": 12,
        "commentID": 5,
        "insertUserID": 8,
        "body": "<p>Yes.</p>",
        "dateInserted": "2024-01-02T03:04:05+00:00",
        "insertUser": {"userID": 8, "name": "Ann"},
    }
    data = json.dumps({"props": {"comments": {"data": [record]}}})
    seo = '<div class="comment separated"><div class="userContent"><p>Yes.</p></div></div>'
    parsed = page(seo, f'<script>window["__REACT_QUERY__"]={data};</script>')
    assert [(post.post_id, post.author, post.body_text) for post in parsed.posts] == [("5", "Ann", "Yes.")]
    alone = page(seo)
    assert alone.page_kind is PageKind.UNKNOWN
    assert alone.reason is not None
    assert "1 comments" in alone.reason


# -- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "page", "expected"),
    [
        (THREAD, 3, f"{THREAD}/p3"),
        (f"{THREAD}/p3", 1, THREAD),
        (f"{THREAD}/p3?x=1", 4, f"{THREAD}/p4?x=1"),
        ("https://w.example/", 2, "https://w.example/discussions/p2"),
        ("https://w.example/categories/a", 2, "https://w.example/categories/a/p2"),
        ("https://w.example/index.php?p=/discussion/5/x/p1", 2, "https://w.example/index.php?p=/discussion/5/x/p2"),
        (
            "https://w.example/api/v2/comments?discussionID=5",
            2,
            "https://w.example/api/v2/comments?discussionID=5&page=2",
        ),
    ],
)
def test_page_url(url: str, page: int, expected: str) -> None:
    assert ENGINE.page_url(url, page) == expected
    assert page_of(expected) in {page, None}


def test_post_url() -> None:
    assert ENGINE.post_url(THREAD, "31") == "https://ward.example/forum/discussion/comment/31#Comment_31"
    assert ENGINE.post_url(f"{THREAD}/p4", "Discussion_12") == THREAD
    assert ENGINE.request_url(THREAD) == THREAD


def test_ids_in_addresses() -> None:
    assert discussion_id_of("../discussion/12/x.html") == "12"
    assert discussion_id_of("/discussion/comment/31") is None
    assert post_id_of("/discussion/comment/31#Comment_31") == "31"
    assert post_id_of("/discussion/12/x") == "Discussion_12"
    assert category_of("/categories/%5Bnews%5D/p2") == "[news]"
    assert category_of("/categories/p2") is None


# -- recognition, and whatever the bytes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "version"),
    [("thread-2.8", "2.8.4"), ("thread-hl", "2021.009"), ("thread-2.0", "2.0.18.4"), ("board-hl", "2021.003")],
)
def test_recognised(name: str, version: str) -> None:
    found = ENGINE.recognise(Page(url="https://w.example/", body=(PAGES / f"{name}.html").read_bytes(), site="w"))
    assert found is not None
    assert (found.confidence, found.version) == (0.99, version)


def test_deleted_posts_keep_their_place() -> None:
    post = only(comment(5, "Gone.").replace("ItemComment", "ItemComment Deleted"))
    assert (post.status, post.body_text) == (Status.DELETED, "")


def test_survives_anything() -> None:
    verify_survives_anything(ENGINE, sorted(PAGES.iterdir()))


@pytest.mark.parametrize(
    ("name", "place"), [("thread-2.8.html", "Below 10 mg, 1 mg a month."), ("board-hl.html", "Read me")]
)
def test_never_hangs(name: str, place: str) -> None:
    verify_never_hangs(ENGINE, PAGES / name, place)
