"""Sites of their own making: threads and lists as schema.org's words describe them."""

import time
from datetime import UTC, datetime

import pytest

from crawler.engines.generic import Generic
from crawler.engines.generic.naming import board_id_of, page_of, person_id_of, post_id_of, thread_id_of
from crawler.engines.page import Page
from crawler.records import PageKind, ParsedPage, Quote
from tests.engines.real_pages import OWN_PAGES, verify_never_hangs, verify_survives_anything

ENGINE = Generic()
PAGES = OWN_PAGES / "generic"
DISCUSSIONS = ("thread_jsonld", "question_microdata", "list_jsonld", "thread_microdata_page2", "comments_apart")
OTHERS = ("news", "shop", "faq")


def parse(name: str, url: str = "https://ward.example/page", status: int = 200) -> ParsedPage:
    parsed = ENGINE.parse(Page(url=url, body=(PAGES / f"{name}.html").read_bytes(), site="ward", status=status))
    assert parsed.containers == len(parsed.posts)
    return parsed


def test_a_thread_of_linked_data() -> None:
    parsed = parse("thread_jsonld", "https://ward.example/talk/cardiology/4301360-night-doses")
    assert (parsed.page_kind, parsed.thread_id, parsed.board_id) == (PageKind.THREAD, "4301360", "cardiology")
    assert parsed.next_url == "https://ward.example/talk/cardiology/4301360-night-doses?page=2"
    (thread,) = parsed.threads
    assert (thread.title, thread.author, thread.author_id) == ("Night doses & day doses", "Dr Elm", "77")
    assert (thread.reply_count, thread.view_count, thread.tags) == (57, 1204, ["doses", "nights"])
    assert thread.created_at == datetime(2024, 2, 3, 8, tzinfo=UTC)
    opening, first, nested, second = parsed.posts
    assert (opening.post_id, opening.is_opening, opening.position) == ("4301360-1", True, 1)
    assert opening.body_text == "Who gives half\nat night?\n\nI'd rather not."
    assert not opening.edited, "a thread's dateModified is that of its last reply"
    assert (first.post_id, first.author, first.reactions) == ("90101", "Nurse Oak", 4)
    assert first.body_text.split() == ["We", "do,", "see", "half.", "Yes."]
    assert first.quotes == [Quote(text="at night?")]
    assert first.links == ["https://ward.example/wiki/half"]
    assert (first.edited, first.edited_at) == (True, datetime(2024, 2, 3, 9, 5, tzinfo=UTC))
    assert (nested.post_id, nested.parent_id, nested.author) == ("90103", "90101", "Ash")
    assert (nested.created_at, nested.created_text) == (None, "2024-02-03 12:00:00"), "its zone is not stated"
    assert (second.post_id, second.parent_id, second.author_id, second.position) == ("90102", None, "12", None)


def test_a_question_of_microdata() -> None:
    parsed = parse("question_microdata")
    (thread,) = parsed.threads
    assert (thread.thread_id, thread.title, thread.thread_type) == ("5512", "Is saline fine?", "question")
    assert (thread.score, thread.reply_count, thread.solution_post_id) == (7, 2, "6100")
    posts = {post.post_id: post for post in parsed.posts}
    assert list(posts) == ["5512-1", "6100", "9009", "6000"]
    assert posts["5512-1"].body_text == "For flushing?\n- cold\n- warm"
    assert (posts["6100"].author, posts["6100"].author_id, posts["6100"].score) == ("Pine", "44", 12)
    assert (posts["9009"].parent_id, posts["9009"].body_text) == ("6100", "Source?")
    assert posts["6000"].quotes == [Quote(author="Elm", text="For flushing?")]
    assert posts["6000"].body_text == "No.\nUse the balanced one."
    assert (posts["6000"].score, posts["6000"].author, posts["6000"].author_id) == (-1, "Oak", "584")


def test_a_list_of_threads() -> None:
    parsed = parse("list_jsonld")
    assert (parsed.page_kind, parsed.board_id) == (PageKind.BOARD, "12")
    assert parsed.next_url == "https://ward.example/boards/cardiology-12?page=2"
    assert [board.title for board in parsed.boards] == ["Cardiology"]
    first, second = parsed.threads
    assert (first.title, first.author, first.reply_count, first.board_id) == ("Night doses", "Elm", 3, "12")
    assert first.created_at == datetime(2024, 2, 3, 10, tzinfo=UTC)
    assert (second.created_at, second.created_text) == (None, "2024-02-04")


def test_a_later_page_numbers_its_posts_by_page() -> None:
    parsed = parse("thread_microdata_page2", "https://ward.example/viewthread/chest-drains-88?page=2")
    assert [post.post_id for post in parsed.posts] == ["chest-drains-88-p2-1", "chest-drains-88-p2-2"]
    assert [(post.position, post.is_opening) for post in parsed.posts] == [(None, False), (None, False)]
    assert [post.created_at for post in parsed.posts] == [None, datetime(2024, 2, 3, 10, tzinfo=UTC)]
    assert parsed.threads[0].author == "Ash", "named outside, by itemref"


def test_pages_linked_by_number() -> None:
    body = (PAGES / "comments_apart.html").read_text(encoding="utf-8")
    for number, links, page, following, last in (
        ("", "0 1 2", 1, "1", 3),
        ("?page=1", "0 1 2", 2, "2", 3),
        ("?page=2", "0 1 2", 3, None, 3),
        ("?page=2", "1 2 3", 2, "3", 3),
        ("?page=3", "1 2", 3, None, 3),
    ):
        url = "https://ward.example/d/glucose.159/"
        pager = "".join(
            f'<a href="/d/glucose.159/?page={link}">{link}</a><a href="/x?page=9">9</a>' for link in links.split()
        )
        parsed = ENGINE.parse(Page(url=url + number, body=body.replace("</body>", pager).encode(), site="ward"))
        assert (parsed.page, parsed.last_page) == (page, last)
        assert parsed.next_url == (f"{url}?page={following}" if following else None)


def test_numbers_in_the_html_are_ids_where_they_are_those_of_the_posts() -> None:
    data = (
        '<script type="application/ld+json">{"@type":"DiscussionForumPosting","url":"/talk/99001","headline":"Doses",'
        '"text":"Half?","comment":[{"@type":"Comment","text":"Yes &amp; no."},{"@type":"Comment","text":"Never!"}]}'
        "</script>"
    )
    first, second = '<div class="comment comment-7001">Yes &amp; no.</div>', '<p id="comment-7002"><b>Never</b>!</p>'
    for shown, ids in (
        (first + second, ["99001-1", "7001", "7002"]),
        (second + first, ["99001-1", "99001-2", "99001-3"]),
        (first + second + '<p id="comment-7003">Why?</p>', ["99001-1", "99001-2", "99001-3"]),
    ):
        page = Page(url="https://ward.example/talk/99001", body=(data + shown).encode(), site="ward")
        assert [post.post_id for post in ENGINE.parse(page).posts] == ids


def test_the_opening_post_in_one_form_and_comments_in_the_other() -> None:
    parsed = parse("comments_apart")
    assert [(post.post_id, post.author) for post in parsed.posts] == [
        ("159-1", "Elm"),
        ("159-427", "Oak"),
        ("159-432", "Ash"),
    ]
    assert parsed.reason is None, "and small numbers may be those within the thread"


def test_what_the_markup_lacks_is_told() -> None:
    lone = (
        '<script type="application/ld+json">{"@type":"DiscussionForumPosting","url":"https://ward.example/talk/99001",'
        '"headline":"Doses","text":"Half?"%s}</script>'
    )
    for more, reason in (
        ("", "the markup holds the opening post alone"),
        (',"commentCount":9,"comment":[{"@type":"Comment","text":"Yes."}]', "the markup holds 1 of 9 replies"),
        (',"commentCount":1,"comment":[{"@type":"Comment","text":"Yes."}]', None),
    ):
        page = Page(url="https://ward.example/talk/99001", body=(lone % more).encode(), site="ward")
        assert ENGINE.parse(page).reason == reason


def test_related_threads_are_not_the_page() -> None:
    posting = '{"@type":"DiscussionForumPosting","url":"https://ward.example/talk/9000%d","headline":"No %d"%s}'
    main = posting % (1, 1, ',"text":"Half?","mentions":' + posting % (2, 2, ""))
    for items in (main, f"[{main},{posting % (3, 3, '')}]"):
        body = f'<script type="application/ld+json">{items}</script>'.encode()
        parsed = ENGINE.parse(Page(url="https://ward.example/talk/90001", body=body, site="ward"))
        assert (parsed.page_kind, parsed.thread_id, len(parsed.posts)) == (PageKind.THREAD, "90001", 1)


def test_an_article_with_comments() -> None:
    parsed = parse("article_comments")
    assert parsed.threads[0].thread_type == "article"
    assert [(post.post_id, post.position) for post in parsed.posts] == [("flu-season-1", 1), ("flu-season-55", 2)]


@pytest.mark.parametrize("name", OTHERS)
def test_other_pages_hold_no_discussion(name: str) -> None:
    parsed = parse(name)
    assert parsed.page_kind is PageKind.UNKNOWN
    assert parsed.reason == "the page does not say in the words of schema.org that it holds a discussion"
    assert (
        ENGINE.recognise(Page(url="https://ward.example/", body=(PAGES / f"{name}.html").read_bytes(), site="w"))
        is None
    )


def test_pages_that_cannot_be_read_say_why() -> None:
    assert parse("broken").reason == "the page's JSON-LD is broken"
    assert parse("advertisement").page_kind is PageKind.UNKNOWN
    assert parse("news", status=404).page_kind is PageKind.ERROR
    many = b"<div itemscope " + b" ".join(b"a%d" % number for number in range(40_000)) + b">"
    refused = ENGINE.parse(Page(url="https://ward.example/", body=many, site="ward"))
    assert refused.page_kind is PageKind.UNKNOWN
    assert "refused" in str(refused.reason)


LINKED = '<script type="application/ld+json">%s</script>'
QUESTIONS = LINKED % '{"@type":"QAPage","mainEntity":%s}'
ANSWERED = (
    '{"@type":"Question","name":"%s","text":"Which?","author":{"@type":"%s","name":"Elm"},'
    '"acceptedAnswer":{"@type":"Answer","text":"All.","author":{"@type":"Person","name":"Oak"}}}'
)
DISTANCE = '{"@type":"Question","name":"How far?","acceptedAnswer":{"@type":"Answer","text":"12 miles"}}'
ARTICLE = '{"@type":"SocialMediaPosting","url":"/blog/90001","articleBody":"Text","author":"Elm"}'
WRITTEN = '{"@type":"DiscussionForumPosting","url":"/p/90001","text":"Hello","author":"Elm"}'
PRAISE = '<p itemscope itemtype="https://schema.org/Comment"><b itemprop="text">Great</b></p>'
QUIZ = (
    '<div itemscope itemtype="https://schema.org/Question"><h2 itemprop="name">2+2?</h2><label itemscope '
    'itemprop="suggestedAnswer" itemtype="https://schema.org/Answer"><i itemprop="text">4</i></label></div>'
)


@pytest.mark.parametrize(
    ("body", "recognised"),
    [
        (QUESTIONS % DISTANCE, False),
        (QUESTIONS % (ANSWERED % ("What do we offer?", "Organization")), True),
        (QUESTIONS % f"[{ANSWERED % ('One', 'Person')},{ANSWERED % ('Two', 'Person')}]", True),
        (LINKED % ARTICLE, False),
        (LINKED % f'{{"@type":"ProfilePage","hasPart":{WRITTEN}}}', True),
        (PRAISE * 3, True),
        (QUIZ, False),
    ],
)
def test_advertisements_and_articles_are_no_discussions(body: str, *, recognised: bool) -> None:
    page = Page(url="https://ward.example/talk/90001", body=body.encode(), site="ward")
    assert (ENGINE.recognise(page) is not None) is recognised
    assert ENGINE.parse(page).page_kind is PageKind.UNKNOWN


def test_a_text_in_a_quote_element_is_the_text() -> None:
    comment = (
        '<article itemscope itemtype="https://schema.org/Comment"><b itemprop="author">Elm</b>'
        '<blockquote itemprop="text">Half.<blockquote>Half?</blockquote></blockquote></article>'
    )
    page = Page(url="https://ward.example/talk/90001", body=comment.encode() * 2, site="ward")
    post = ENGINE.parse(page).posts[0]
    assert (post.body_text, post.quotes) == ("Half.", [Quote(text="Half?")])


def test_linked_data_that_was_escaped_is_read() -> None:
    assert parse("escaped").posts[0].body_text == "Half?"


def test_recognised_with_little_confidence() -> None:
    for name in DISCUSSIONS:
        body = (PAGES / f"{name}.html").read_bytes()
        recognition = ENGINE.recognise(Page(url="https://ward.example/", body=body, site="ward"))
        assert recognition is not None, name
        assert recognition.confidence <= 0.3
        assert "schema.org" in recognition.evidence


@pytest.mark.parametrize(
    ("url", "thread"),
    [
        ("https://x.example/talk/parenting/4301360-night-doses", "4301360"),
        ("https://x.example/keskustelu/2936023/yodoses", "2936023"),
        ("https://x.example/talk/night-doses-48213.html?page=3", "48213"),
        ("https://x.example/talk/night-doses/page/3", "night-doses"),
        ("https://x.example/read.php?id=5512&page=2", "5512"),
        ("https://x.example/2021/07/flu-season", "flu-season"),
        ("https://x.example/talk/what-to-do-in-2021", "what-to-do-in-2021"),
        ("https://x.example/talk/covid-19", "covid-19"),
        ("https://x.example/talk/12", "12"),
        ("https://x.example/d/glucose.159/", "159"),
        ("https://x.example/t/night-doses/123", "123"),
        ("https://x.example/", None),
        ("http://[", None),
    ],
)
def test_ids_of_threads(url: str, thread: str | None) -> None:
    assert thread_id_of(url) == thread


def test_ids_of_posts_people_boards_and_pages() -> None:
    thread = "https://x.example/talk/4301360-doses"
    assert post_id_of(f"{thread}#comment-901", thread) == "901"
    assert post_id_of(f"{thread}?comment=901", thread) == "901"
    assert post_id_of("https://x.example/posts/90112", thread) == "90112"
    assert (
        post_id_of("https://x.example/t5/heart/doses/m-p/4712#M33", "https://x.example/t5/heart/doses/td-p/4711")
        == "4712"
    )
    assert post_id_of(thread, thread) is None
    assert person_id_of("https://x.example/users/12-pine") == "12"
    assert person_id_of("https://x.example/users/pine") is None
    assert board_id_of("https://x.example/boards/cardiology-12") == "12"
    assert board_id_of("https://x.example/talk/cardiology/") == "cardiology"
    assert [page_of(thread + part) for part in ("?page=3", "/page/4", "/page-5", "")] == [3, 4, 5, None]


def test_whatever_the_bytes() -> None:
    verify_survives_anything(ENGINE, sorted(PAGES.iterdir()))


@pytest.mark.parametrize(
    ("name", "place"),
    [("question_microdata", "<b>flushing</b>"), ("thread_jsonld", "<h1>"), ("thread_jsonld", "Never.")],
)
def test_never_hangs(name: str, place: str) -> None:
    verify_never_hangs(ENGINE, PAGES / f"{name}.html", place)


@pytest.mark.parametrize("deep", ['{"comment":[', "[", '{"@graph":[', '{"@type":"Comment","comment":{"text":"a","b":'])
def test_deep_linked_data(deep: str) -> None:
    body = b'<script type="application/ld+json">' + deep.encode() * 50_000 + b"</script>"
    parsed = ENGINE.parse(Page(url="https://ward.example/", body=body, site="ward"))
    assert parsed.page_kind is PageKind.UNKNOWN


def test_references_that_multiply_or_go_in_circles() -> None:
    twice = '{{"@type":"Comment","@id":"#{}","comment":[{{"@id":"#{}"}},{{"@id":"#{}"}}]}}'
    nodes = [twice.format(number, number + 1, number + 1) for number in range(3000)]
    nodes.append('{"@type":"Comment","@id":"#3000","text":"a","comment":{"@id":"#0"}}')
    nodes.append('{"@type":"DiscussionForumPosting","@id":"/talk/90001","text":"b","comment":{"@id":"#0"}}')
    body = f'<script type="application/ld+json">{{"@graph":[{",".join(nodes)}]}}</script>'.encode()
    started = time.process_time()
    parsed = ENGINE.parse(Page(url="https://ward.example/talk/90001", body=body, site="ward"))
    assert time.process_time() - started < 2
    assert parsed.page_kind is PageKind.THREAD


@pytest.mark.parametrize("part", ["comment-1234 ", "page=1& ", "rel=next ", "<a rel=next ", 'href="?page=2&'])
def test_links_without_end(part: str) -> None:
    body = (PAGES / "comments_apart.html").read_text(encoding="utf-8").replace("</body>", part * 50_000)
    started = time.process_time()
    ENGINE.parse(Page(url="https://ward.example/d/glucose.159/", body=body.encode(), site="ward"))
    assert time.process_time() - started < 2
