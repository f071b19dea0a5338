"""XenForo 1: real pages against reviewed expectations (one file a page)."""

from pathlib import Path

from crawler.engines.page import Page
from crawler.engines.xenforo1 import XenForo1
from tests.engines.real_pages import real_pages, verify_as_reviewed, verify_nothing_left

ENGINE = XenForo1()
# User panels, buttons, the names and words around likes, and what a quote says besides its author and words.
IGNORED = (
    ".messageUserInfo, .privateControls .item.control, .publicControls .control, .likesSummary, .quoteExpand, "
    ".attribution, .messageTextEndMarker, .editDate, .authorEnd, .postNumber, .bbCodeBlock .type, .attachedFiles, "
    ".signature, .media-heading, .newIndicator"
)


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    verify_as_reviewed(ENGINE, real_pages(fixtures_dir, "xenforo1"))


def test_nothing_of_a_post_is_left(fixtures_dir: Path) -> None:
    for _, page in real_pages(fixtures_dir, "xenforo1"):
        verify_nothing_left(page, ENGINE.parse(page), "li.message[data-author]", IGNORED)


def test_every_real_page_is_recognised(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, "xenforo1"):
        found = ENGINE.recognise(page)
        assert found is not None, name
        assert found.confidence == 0.99


def test_pages_of_other_software_are_not_taken(fixtures_dir: Path) -> None:
    folders = sorted(path for path in fixtures_dir.iterdir() if path.is_dir() and path.name != "xenforo1")
    for path in (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()):
        page = Page(url="https://forum.example/", body=path.read_bytes(), site="s")
        assert ENGINE.recognise(page) is None, path
