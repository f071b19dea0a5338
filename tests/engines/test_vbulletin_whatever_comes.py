"""vBulletin: addresses, completeness, recognition, rewritten and hostile pages."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from crawler.engines.page import Page
from crawler.engines.vbulletin import VBulletin
from crawler.engines.vbulletin.addresses import (
    bare,
    board_id_of,
    first_page,
    member_id_of,
    page_of,
    post_id_of,
    thread_id_of,
)
from crawler.records import PageKind, ParsedPage, Post
from tests.engines.real_pages import (
    SECONDS_ON_HOSTILE_INPUT,
    verify_never_hangs,
    verify_nothing_left,
    verify_survives,
    verify_survives_anything,
)

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


# -- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "thread"),
    [
        ("showthread.php?t=12", "12"),
        ("showthread.php?s=abc&t=12&page=3", "12"),
        ("showthread.php?12-Words-and-9/page3", "12"),
        ("https://a.example/showthread.php/12-Words/page3", "12"),
        ("https://a.example/threads/12-words", "12"),
        ("https://a.example/board/12-words-2019-3.html", "12"),
        ("https://a.example/forum/showthread.php/tire-width-12-4.html", "12"),
        ("https://a.example/archive/index.php/t-12.html", "12"),
        ("https://a.example/t12-words.html", "12"),
        ("showthread4a2b.html?t=12&page=3", "12"),
        ("showthread.php%3F12-Words.html", "12"),
        ("forumdisplay.php?f=4", None),
    ],
)
def test_thread_ids(url: str, thread: str | None) -> None:
    assert thread_id_of(url) == thread


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://ward.example/cases/501-pain-post9.html#post9", "https://ward.example/"),
        ("https://ward.example/cases/501-pain.html#post9", "https://ward.example/saved.html"),
        ("showthread.php?501-Pain&amp;p=9#post9", "https://ward.example/saved.html"),
        ("showthread.php?t=501", "https://ward.example/showpost.php?p=9"),
    ],
)
def test_the_thread_of_a_post_by_its_links(link: str, url: str) -> None:
    post = f'<tr><td><a href="{link}">1</a></td><td><div id="post_message_9">Words</div></td></tr>'
    parsed = parse(f'<html><body><table id="post9">{post}</table></body></html>', url)
    assert (parsed.page_kind, parsed.thread_id, parsed.posts[0].body_text) == ("thread", "501", "Words")


def test_posts_of_no_thread_are_reported() -> None:
    parsed = parse('<html><body><div id="post_message_9">Words</div></body></html>', "https://ward.example/")
    assert (parsed.page_kind, parsed.posts) == (PageKind.UNKNOWN, [])
    assert "thread" in (parsed.reason or "")


def test_other_ids() -> None:
    assert thread_id_of("https://a.example/forum/clinic/821-gout/page2", topic=True) == "821"
    assert [
        board_id_of(url)
        for url in (
            "forumdisplay.php?f=4",
            "forumdisplay.php?4-Words&s=1",
            "https://a.example/forums/4-words",
            "https://a.example/forums/forum4/index2.html",
            "https://a.example/4-lipids/",
            "forumdisplay.php@f=4.html",
        )
    ] == ["4"] * 6
    assert [
        post_id_of(url)
        for url in (
            "showthread.php?p=9#post9",
            "https://a.example/b/12-words-post9.html#post9",
            "https://a.example/9-post3.html",
            "https://a.example/node/9",
            "821-x%23post9.html?p=9#post9",
        )
    ] == ["9"] * 5
    assert [
        member_id_of(url)
        for url in (
            "member.php?s=1&u=5",
            "member.php?5-Name",
            "https://a.example/members/5.html",
            "https://a.example/members/name-5.html",
            "https://a.example/member/5-name",
            "member9c1d.html?u=5",
        )
    ] == ["5"] * 6


@pytest.mark.parametrize(
    ("first", "third"),
    [
        ("https://a.example/showthread.php?t=12", "https://a.example/showthread.php?t=12&page=3"),
        ("https://a.example/showthread.php?12-Words", "https://a.example/showthread.php?12-Words/page3"),
        ("https://a.example/threads/12-words", "https://a.example/threads/12-words/page3"),
        ("https://a.example/board/12-words.html", "https://a.example/board/12-words-3.html"),
        ("https://a.example/4-lipids/", "https://a.example/4-lipids/index3.html"),
        ("https://a.example/forum/clinic/821-gout", "https://a.example/forum/clinic/821-gout/page3"),
    ],
)
def test_pages(first: str, third: str) -> None:
    assert ENGINE.page_url(first, 3) == third
    assert ENGINE.page_url(third, 1) == first or third.endswith("-3.html")
    assert first_page(third, 3) == first
    assert page_of(third) == 3 or third.endswith("-3.html")


def test_sessions_are_no_part_of_an_address() -> None:
    assert bare("https://a.example/showthread.php?s=0123abcd&amp;t=12") == "https://a.example/showthread.php?t=12"
    assert bare("https://a.example/x.html?s=0123abcd#post9") == "https://a.example/x.html#post9"
    assert ENGINE.request_url("https://a.example/showthread.php?t=1&s=ab") == "https://a.example/showthread.php?t=1"


def test_where_a_post_is() -> None:
    assert (
        ENGINE.post_url("https://a.example/f/showthread.php?t=12", "9")
        == "https://a.example/f/showthread.php?p=9#post9"
    )
    assert ENGINE.post_url("https://a.example/forum/clinic/821-gout", "9") == "https://a.example/node/9"
    assert ENGINE.post_url("https://a.example/board/12-words.html", "9") is None


# -- completeness and whatever comes ------------------------------------------------------------------------------


def test_nothing_is_left_in_posts(old: ParsedPage) -> None:
    url = "https://ward.example/showthread.php?t=501&page=2"
    page = Page(url=url, body=(PAGES / "thread-3.html").read_bytes(), site="ward")
    shown = "div[id^=post_message_], td.thead"
    ignored = ".smallfont:has(+ table), .smallfont:has(+ pre), img, a[onclick], td > div:has(> strong + a)"
    verify_nothing_left(page, old, shown, ignored)


def test_own_pages_are_recognised() -> None:
    for path in sorted(PAGES.glob("*.html")):
        recognition = ENGINE.recognise(Page(url="https://ward.example/", body=path.read_bytes(), site="s"))
        assert recognition is not None, path.name


def _unquoted(page: str) -> str:
    return re.sub(r"(<\w[^<>]*>)", lambda tag: re.sub(r'="([\w-]+)"(?=[\s>])', r"=\1", tag[0]), page)


def _single_quoted(page: str) -> str:
    return re.sub(r"(<\w[^<>]*>)", lambda tag: re.sub(r"=\"([^\"']*)\"", r"='\1'", tag[0]), page)


def _in_capitals(page: str) -> str:
    return re.sub(r"(</?)([a-z]+\d?)(?=[\s>])", lambda tag: tag[1] + tag[2].upper(), page)


def _on_one_line(page: str) -> str:
    return re.sub(r"<!--.*?-->", "", re.sub(r">\s+<", "><", page), flags=re.DOTALL)


@pytest.mark.parametrize("rewrite", [_unquoted, _single_quoted, _in_capitals, _on_one_line])
@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("thread-3", "https://ward.example/showthread.php?t=501&page=2"),
        ("thread-4", "https://ward.example/forum/showthread.php?304-Sepsis-Quiz"),
        ("topic-5", "https://ward.example/forum/clinic/821-gout"),
        ("board-3", "https://ward.example/forumdisplay.php?f=17"),
        ("board-4", "https://ward.example/forumdisplay.php?11-Trainees"),
        ("board-5", "https://ward.example/forum/clinic/page2"),
    ],
)
def test_markup_that_something_rewrote(rewrite: Callable[[str], str], name: str, url: str) -> None:
    page = (PAGES / f"{name}.html").read_text(encoding="utf-8")
    plain, rewritten = parse(page, url), parse(rewrite(page), url)
    assert (rewritten.page_kind, rewritten.next_url, rewritten.boards) == (
        plain.page_kind,
        plain.next_url,
        plain.boards,
    )
    assert rewritten.threads == plain.threads
    assert [_spaceless(post) for post in rewritten.posts] == [_spaceless(post) for post in plain.posts]


def _spaceless(post: Post) -> dict[str, object]:
    """A post without what line breaks in the page's code decide."""
    return msgspec.structs.asdict(post) | {"body_text": "".join(post.body_text.split()), "created_text": None}


def test_whatever_the_bytes() -> None:
    verify_survives_anything(ENGINE, sorted(PAGES.glob("*.html")))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("thread-3", "Thanks all."),
        ("thread-4", "Volumen."),
        ("topic-5", "Both."),
        ("board-3", "Sticky plaques"),
        ("index-3", "Samo za"),
        ("thread-3-menus", "Treat the fatigue."),
    ],
)
def test_hostile_pages_are_read_in_time(name: str, place: str) -> None:
    verify_never_hangs(ENGINE, PAGES / f"{name}.html", place)


@pytest.mark.parametrize(
    ("name", "place"), [("thread-3", "Thanks all."), ("thread-4", "Volumen."), ("topic-5", "Both.")]
)
@pytest.mark.parametrize("end", ["", "</div></div>"])
def test_quotes_within_quotes_by_the_thousand_are_read_in_time(name: str, place: str, end: str) -> None:
    quotes = '<div class="bbcode_container"><div class="bbcode_quote">' * 5_000 + "x" + end * 5_000
    text = (PAGES / f"{name}.html").read_text(encoding="utf-8")
    assert place in text
    start = time.process_time()
    verify_survives(ENGINE, text.replace(place, quotes, 1).encode())
    assert time.process_time() - start < SECONDS_ON_HOSTILE_INPUT
