"""MyBB: real pages against reviewed expectations, recognition, completeness, and hostile input."""

from pathlib import Path

import pytest

from crawler.engines.mybb import MyBB
from crawler.engines.page import Page
from tests.engines.real_pages import (
    OWN_PAGES,
    real_pages,
    verify_as_reviewed,
    verify_never_hangs,
    verify_nothing_left,
    verify_survives_anything,
)

ENGINE = MyBB()
PAGES = sorted((OWN_PAGES / "mybb").iterdir())
OTHERS = (
    *("xenforo2", "xenforo1", "phpbb", "vbulletin", "invision", "discourse-html", "smf", "vanilla", "nodebb", "errors"),
    *("reddit-html", "schema-org", "medical-text"),
)
USER_PANELS = (
    ".author_information .smalltext, .author_statistics, .post_edit, .edited_post, .signature, .post_controls, "
    ".codeblock .title, .post_body a[href*=attachment], .post_head .float_right, cite, legend, fieldset, .float_right, "
    "td[width='15%'] > .smalltext, td > .smalltext strong, div[style*=right]"
)


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    verify_as_reviewed(ENGINE, real_pages(fixtures_dir, "mybb"))


def test_every_real_page_is_recognised(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, "mybb"):
        recognition = ENGINE.recognise(page)
        assert recognition is not None, name
        assert recognition.confidence > 0.9, name
        assert recognition.version == "1.6", name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_own_page_is_recognised_with_its_version(path: Path) -> None:
    recognition = ENGINE.recognise(Page(url="https://ward.example/", body=path.read_bytes(), site="s"))
    assert recognition is not None
    version = None if path.stem == "index-1.8" else path.stem.rpartition("-")[2]  # that page tells none
    assert (recognition.version or "None").startswith(str(version))


def test_pages_of_other_software_are_not_taken(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, *OTHERS):
        assert ENGINE.recognise(page) is None, name


@pytest.mark.parametrize(("name", "selector"), [("thread-1.8", "div.post"), ("thread-1.6", "#posts > table")])
def test_every_word_of_posts_is_taken(name: str, selector: str) -> None:
    body = (OWN_PAGES / "mybb" / f"{name}.html").read_bytes().replace(b"(Size: 20.5 KB / Downloads: 12)", b"")
    page = Page(url="https://ward.example/", body=body, site="s")
    verify_nothing_left(page, ENGINE.parse(page), selector, USER_PANELS)


def test_any_bytes_give_a_page() -> None:
    verify_survives_anything(ENGINE, PAGES)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("thread-1.8", "Fever stopped"),
        ("thread-1.8", '<div class="author_information">'),
        ("thread-1.6", "Morgens schwankt"),
        ("board-1.8", "Rules &amp; tips"),
        ("board-1.8", "Moulds &amp; yeasts."),
        ("index-1.8", "What we treat."),
    ],
)
def test_a_hostile_page_neither_stops_nor_lasts(name: str, place: str) -> None:
    verify_never_hangs(ENGINE, OWN_PAGES / "mybb" / f"{name}.html", place)
