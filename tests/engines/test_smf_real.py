"""Simple Machines Forum: real pages against reviewed expectations, recognition, completeness, and hostile input."""

from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.smf import Smf
from tests.engines.real_pages import (
    OWN_PAGES,
    real_pages,
    verify_as_reviewed,
    verify_never_hangs,
    verify_nothing_left,
    verify_survives_anything,
)

ENGINE = Smf()
PAGES = sorted((OWN_PAGES / "smf").iterdir())
OTHERS = (
    *(
        "xenforo2",
        "xenforo1",
        "phpbb",
        "vbulletin",
        "invision",
        "discourse-html",
        "mybb",
        "vanilla",
        "nodebb",
        "errors",
    ),
    *("reddit-html", "schema-org", "medical-text"),
)
USER_PANELS = (
    ".poster ul, .poster img, .messageicon, .keyinfo h5, .quickbuttons, .reportlinks, .signature, .keyinfo strong, "
    ".codeheader, .quoteheader, .modified"
)


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    verify_as_reviewed(ENGINE, real_pages(fixtures_dir, "smf"))


def test_every_real_page_is_recognised(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, "smf"):
        recognition = ENGINE.recognise(page)
        assert recognition is not None, name
        assert recognition.confidence > 0.9, name
        assert (recognition.version or "").startswith("2.0"), name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_own_page_is_recognised_with_its_version(path: Path) -> None:
    recognition = ENGINE.recognise(Page(url="https://ward.example/", body=path.read_bytes(), site="s"))
    assert recognition is not None
    assert (recognition.version or "").startswith(path.stem.rpartition("-")[2])


def test_pages_of_other_software_are_not_taken(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, *OTHERS):
        assert ENGINE.recognise(page) is None, name


def test_every_word_of_real_posts_is_taken(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, "smf"):
        if "topic" in name:
            body = page.body.replace(b"&#171;", b"").replace(b"&#187;", b"")  # quotation marks around dates
            bare = Page(url=page.url, body=body, site="s")
            verify_nothing_left(bare, ENGINE.parse(page), ".post_wrapper", USER_PANELS)


def test_any_bytes_give_a_page() -> None:
    verify_survives_anything(ENGINE, PAGES)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("thread-1.1", "Which fluids?"),
        ("thread-2.0", '<div class="poster">'),
        ("thread-2.1", "Blackout blinds"),
        ("board-2.0", "Regeln &amp; Hinweise"),
        ("board-2.1", '<div class="info info_block">'),
        ("index-1.1", "Salt &amp; water."),
    ],
)
def test_a_hostile_page_neither_stops_nor_lasts(name: str, place: str) -> None:
    verify_never_hangs(ENGINE, OWN_PAGES / "smf" / f"{name}.html", place)
