"""NodeBB: own pages in the software's markup, without their data."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.engines.nodebb import NodeBB
from crawler.engines.page import Page
from crawler.records import ParsedPage, Quote, Status

ENGINE = NodeBB()
PAGES = Path(__file__).parent / "pages" / "nodebb"
FORUM = "https://ward.example/forum"


def parse(body: str | bytes, url: str = f"{FORUM}/topic/31/x", *, status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status))


def own(name: str, url: str) -> ParsedPage:
    return parse((PAGES / name).read_bytes(), url)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def saved() -> ParsedPage:
    """A topic's page without its data."""
    return own("topic-markup.html", "https://ward.example/topic/44/saved-rounds")


def test_markup_of_a_topic(saved: ParsedPage) -> None:
    assert (saved.page_kind, saved.page, saved.last_page, saved.containers) == ("thread", 1, 2, 3)
    assert saved.next_url == "https://ward.example/topic/44/saved-rounds?page=2"
    (thread,) = saved.threads
    assert (thread.thread_id, thread.title, thread.board_id, thread.author) == ("44", "Saved rounds", "3", "Ada")
    assert thread.reply_count == 40


@pytest.mark.parametrize(
    ("pattern", "written"), [(r"<(/?)([a-z]\w*)", lambda tag: f"<{tag[1]}{tag[2].upper()}"), (r'="([\w/-]+)"', r"=\1")]
)
def test_markup_that_was_written_again(saved: ParsedPage, pattern: str, written: Any) -> None:
    markup = (PAGES / "topic-markup.html").read_text(encoding="utf-8")
    parsed = parse(re.sub(pattern, written, markup), "https://ward.example/topic/44/saved-rounds")
    assert (parsed.page_kind, parsed.posts) == ("thread", saved.posts)


def test_markup_of_posts(saved: ParsedPage) -> None:
    first, second, third = saved.posts
    assert (first.post_id, first.position, first.author, first.author_id) == ("801", 1, "Ada", "5")
    assert (first.body_text, first.score) == ("Round at eight.", 3)
    assert first.created_at == datetime(2021, 3, 1, 10, 0, 0, 250_000, tzinfo=UTC)
    assert (first.is_opening, first.edited, first.url) == (True, False, "https://ward.example/post/801")
    assert (second.status, second.body_text) == (Status.DELETED, "")
    assert (third.author, third.author_id, third.parent_id) == ("Guest", None, "801")
    assert (third.edited, third.edited_at) == (True, utc("2021-03-04T10:00:00"))
    assert third.quotes == [Quote(post_id="801", author="Ada", text="Round at eight.")]
    assert third.body_text == "Nine."


def test_markup_after_the_scripts_have_run(saved: ParsedPage) -> None:
    # A browser saves the page as its scripts have left it: without the data, with words for dates.
    markup = (PAGES / "topic-markup.html").read_text(encoding="utf-8")
    markup = re.sub(
        r'title="(2021-[^"]+)"></span>', r'title="Mar 4, 2021, 10:00 AM" datetime="\1">long ago</span>', markup
    )
    parsed = parse(markup, "https://ward.example/topic/44/saved-rounds")
    assert "long ago" in markup
    assert parsed.posts == saved.posts


@pytest.mark.parametrize("between", ["", 'data-bs-toggle="tooltip" '])
@pytest.mark.parametrize(("classes", "edited"), [("ms-1 edit-icon", True), ("ms-1 edit-icon hidden", False)])
def test_a_sign_of_an_edit_without_its_time(classes: str, edited: bool, between: str) -> None:
    page = (
        '<li component="post" class="" data-index="0" data-pid="9" data-uid="5" data-username="Ada">'
        f'<span component="post/edit-indicator" {between}class="{classes}" title="yesterday"></span>'
        '<div component="post/content"><p>Hello.</p></div></li>'
    )
    (post,) = parse(page, "https://w.example/topic/7/hello").posts
    assert (post.edited, post.edited_at) == (edited, None)


def test_markup_of_0_5() -> None:
    page = (
        '<body><ul id="post-container" data-tid="7"><li class="post-row " data-pid="12" data-uid="3" data-index="0" '
        'data-username="ada" data-deleted="0"><span class="timeago" title="2014-10-10T09:00:00.000Z"></span>'
        '<div id="content_12" class="post-content" itemprop="articleBody"><p>Hello.</p></div></li></ul></body>'
    )
    (post,) = parse(page, "https://w.example/topic/7/hello").posts
    assert (post.post_id, post.author, post.body_text) == ("12", "ada", "Hello.")
    assert post.created_at == utc("2014-10-10T09:00:00")
    assert ENGINE.recognise(Page(url=FORUM, body=page.encode(), site="w")) is not None


def test_a_row_that_shows_who_began_the_topic_by_a_picture() -> None:
    row = (
        '<li component="category/topic" class="category-item" data-tid="31"><a href="/user/ada" class="avatar-tooltip" '
        'title="Ada L"><span class="avatar">A</span></a><h3 component="topic/header" class="title"><a '
        'href="/topic/31/dose/6">Dose</a></h3><div component="topic/teaser"><a href="/user/bo">@Bo</a> said</div></li>'
    )
    (thread,) = parse(f'<body class="page-recent">{row}</body>', "https://w.example/recent").threads
    assert (thread.author, thread.url) == ("Ada L", "https://w.example/topic/31/dose")


def test_markup_of_lists() -> None:
    row = (
        '<li component="category/topic" class="category-item pinned locked" data-tid="31" data-cid="3">'
        '<h2 component="topic/header" class="title"><a href="/topic/31/dose">Dose &amp; weight</a></h2>'
        '<small><span class="timeago" title="2021-03-01T10:00:00.000Z"></span> <a href="/user/ada">Ada</a></small>'
        '<div class="stats stats-postcount"><span class="human-readable-number" title="1204">1.2k</span></div>'
        '<div class="lastpost"><span class="timeago" title="2021-03-05T10:00:00.000Z"></span></div></li>'
    )
    parsed = parse(f'<body class="page-category page-category-3">{row}</body>', "https://w.example/category/3/x")
    (thread,) = parsed.threads
    assert (parsed.page_kind, thread.title, thread.is_sticky) == ("board", "Dose & weight", True)
    assert (thread.author, thread.reply_count) == ("Ada", 1203)
    assert (thread.created_at, thread.last_post_at) == (utc("2021-03-01T10:00:00"), utc("2021-03-05T10:00:00"))
    board = (
        '<li component="categories/category" data-cid="3" data-parent-cid="1"><h2 class="title">'
        '<a href="/category/3/x">Paediatrics</a></h2><div class="description">Small people</div>'
        '<span class="human-readable-number" title="1204">1.2k</span>'
        '<span class="human-readable-number" title="9301">9.3k</span></li>'
    )
    index = parse(f'<body class="page-categories">{board}</body>', "https://w.example/categories")
    assert (index.page_kind, index.boards[0].thread_count, index.boards[0].post_count) == ("index", 1204, 9301)
