"""Invision Community and IP.Board: recognition, addresses, rewritten and hostile pages."""

import time
from pathlib import Path

import pytest

from crawler.engines.invision import Invision
from crawler.engines.invision.addresses import first_page, forum_id_of, topic_id_of
from crawler.engines.page import Page
from crawler.records import PageKind, ParsedPage
from tests.engines.real_pages import SECONDS_ON_HOSTILE_INPUT, verify_never_hangs, verify_survives_anything

ENGINE = Invision()
PAGES = Path(__file__).parent / "pages" / "invision"
OWN_PAGES = sorted(PAGES.iterdir())


def parse(body: str | bytes, url: str = "https://ward.example/topic/1-x/") -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward"))


# -- recognition, addresses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", OWN_PAGES, ids=lambda path: path.stem)
def test_own_pages_are_recognised(path: Path) -> None:
    page = Page(url="https://ward.example/", body=path.read_bytes(), site="ward")
    recognition = ENGINE.recognise(page)
    assert recognition is not None
    assert (recognition.version or "")[0] == path.stem.split("-")[1][0]
    assert recognition.version == ENGINE.parse(page).engine_version or path.stem == "thread-4"


def test_a_page_that_somebody_rewrote() -> None:
    page = (PAGES / "thread-5.html").read_text(encoding="utf-8")
    rewritten = (
        page.replace("<body data-ips", "<BODY data-ips")
        .replace("<article", "<ARTICLE")
        .replace("</article", "</ARTICLE")
    )
    assert [post.body_text for post in parse(rewritten).posts] == [post.body_text for post in parse(page).posts]


def test_a_challenge() -> None:
    assert parse("<html><title>Just a moment...</title></html>").page_kind == PageKind.CHALLENGE


@pytest.mark.parametrize(
    ("url", "second"),
    [
        ("https://w.example/topic/12-x/", "https://w.example/topic/12-x/?page=2"),
        ("https://w.example/topic/12-x/page/7/", "https://w.example/topic/12-x/page/2/"),
        ("https://w.example/topic/12-x/page-7", "https://w.example/topic/12-x/page-2"),
        ("https://w.example/index.php?/topic/12-x/", "https://w.example/index.php?/topic/12-x/&page=2"),
        ("https://w.example/index.php?showtopic=12", None),
    ],
)
def test_page_url(url: str, second: str | None) -> None:
    assert ENGINE.page_url(url, 2) == second
    assert ENGINE.page_url(url, 1) == first_page(url)


def test_post_url() -> None:
    friendly = ENGINE.post_url("https://w.example/topic/12-x/page/2/", "9")
    assert friendly == "https://w.example/topic/12-x/?do=findComment&comment=9"
    old = ENGINE.post_url("https://w.example/index.php?showtopic=12&st=20", "9")
    assert old == "https://w.example/index.php?showtopic=12&view=findpost&p=9"
    assert ENGINE.request_url("https://w.example/topic/12-x/") == "https://w.example/topic/12-x/"


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("https://w.example/topic/12-x/page/3/#comments", "https://w.example/topic/12-x/"),
        ("https://w.example/topic/12-x/?do=getNewComment", "https://w.example/topic/12-x/"),
        ("https://w.example/topic/12-x/page__st__40", "https://w.example/topic/12-x/"),
        ("https://w.example/index.php?/topic/12-x/&page=3", "https://w.example/index.php?/topic/12-x/"),
        ("https://w.example/index.php?s=0f&showtopic=12&st=40", "https://w.example/index.php?showtopic=12"),
    ],
)
def test_first_page(url: str, first: str) -> None:
    assert first_page(url) == first


@pytest.mark.parametrize(
    ("url", "topic_id", "forum_id"),
    [
        ("https://w.example/community/topic/12-x/", "12", None),
        ("https://w.example/index.php?/forums/topic/12-x/", "12", None),
        ("https://w.example/index.php?showtopic=12", "12", None),
        ("https://w.example/forums/forum/3-y/", None, "3"),
        ("https://w.example/index.php?showforum=3", None, "3"),
        ("https://w.example/profile/9-z/", None, None),
    ],
)
def test_ids_of_addresses(url: str, topic_id: str | None, forum_id: str | None) -> None:
    assert (topic_id_of(url), forum_id_of(url)) == (topic_id, forum_id)


# -- whatever the bytes -------------------------------------------------------------------------------------------


def test_any_bytes_give_a_page() -> None:
    verify_survives_anything(ENGINE, OWN_PAGES)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("thread-4", "Guests may answer too."),
        ("thread-3.4", "Unedited."),
        ("thread-2", "How do you sleep?"),
        ("board-4", "Stent sizing"),
        ("board-3.4", "Sleep and breath."),
        ("thread-5", "First choice"),
    ],
)
def test_a_hostile_page_does_not_last(name: str, place: str) -> None:
    verify_never_hangs(ENGINE, PAGES / f"{name}.html", place)


@pytest.mark.parametrize("part", ["<a>", "<a href='/topic/501-x/'>", "<h1>", "<h1 class='ipsType_pageTitle'>", "<li>"])
@pytest.mark.parametrize(
    ("name", "place"), [("thread-4", "Conference news"), ("board-4", "Stent sizing<"), ("index-3", "Urgences")]
)
def test_elements_that_nobody_closes_do_not_last(name: str, place: str, part: str) -> None:
    text = (PAGES / f"{name}.html").read_text(encoding="utf-8")
    assert place in text
    start = time.process_time()
    parsed = parse(text.replace(place, part * 10_000, 1))
    assert time.process_time() - start < SECONDS_ON_HOSTILE_INPUT
    assert parsed.containers == len(parsed.posts)
