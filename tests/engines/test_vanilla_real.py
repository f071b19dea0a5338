"""Vanilla Forums: real pages against reviewed expectations."""

from pathlib import Path

from crawler.engines.page import Page
from crawler.engines.vanilla import Vanilla
from tests.engines.real_pages import real_pages, verify_as_reviewed, verify_nothing_left

ENGINE = Vanilla()
POSTS = "div.ItemDiscussion, li.ItemComment"
# What a post shows that is none of its words: its author's title, the category, the note of an edit, buttons.
IGNORED = ".AuthorInfo, .MItem.Category, .DateUpdated, .Options, .Reactions, .UserSignature"


def pages(fixtures_dir: Path) -> list[tuple[str, Page]]:
    return [(name, page) for name, page in real_pages(fixtures_dir, "vanilla") if name.endswith(".html")]


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    verify_as_reviewed(ENGINE, pages(fixtures_dir))


def test_every_real_page_is_recognised(fixtures_dir: Path) -> None:
    for name, page in pages(fixtures_dir):
        found = ENGINE.recognise(page)
        assert found is not None, name
        assert (found.confidence, found.version) == (0.99, ENGINE.parse(page).engine_version), name


def test_nothing_is_left(fixtures_dir: Path) -> None:
    threads = [(name, page) for name, page in pages(fixtures_dir) if "discussion-" in name]
    assert len(threads) == 3
    for _, page in threads:
        verify_nothing_left(page, ENGINE.parse(page), POSTS, IGNORED)


def test_pages_of_other_software_are_not_taken(fixtures_dir: Path) -> None:
    folders = [path.name for path in sorted(fixtures_dir.iterdir()) if path.is_dir() and path.name != "vanilla"]
    taken = [name for name, page in real_pages(fixtures_dir, *folders) if ENGINE.recognise(page) is not None]
    assert taken == []
