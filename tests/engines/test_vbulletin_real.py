"""vBulletin: real pages against reviewed expectations (one file a page), and pages of other software."""

from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.vbulletin import VBulletin
from tests.engines.real_pages import real_pages, verify_as_reviewed, verify_nothing_left

ENGINE = VBulletin()
# What is knowingly not taken: user panels, signatures, buttons, and the words around names and dates.
_OLD = (
    ".main-column-picture, .userinfo, .userinfo_extra dt, .after_content .signature, .postfoot, .status-icons, "
    ".buttons, .post-count, .thread-starter, .smallfont:first-child, .bbcode_description, .bbcode_postedby, h2.title, "
    "div[style^='margin:20px'] > div, .smallfont em, fieldset legend, .sprite, .dbtech_thanks_box, [id^=dbtech], "
    ".contact, .bestAnswer_container, .postlinking, .postcontrols, .nodecontrols, .signature, "
    "[itemprop=alternativeHeadline]"
)
_NODES = (
    ".b-userinfo__details > :not(.author), .b-sharing-menu, .b-post__title, .post-signature, .b-post__footer, .h-hide, "
    ".b-comment-entry, .b-post__edit, .bbcode_postedby, .b-post__count, .b-photo-count, .b-comment__edit-header, "
    ".b-comment__author + span, .b-post__timestamp time:empty, .js-post-controls, .b-comments__header"
)


@pytest.fixture
def pages(fixtures_dir: Path) -> list[tuple[str, Page]]:
    return real_pages(fixtures_dir, "vbulletin")


def test_every_real_page_as_reviewed(pages: list[tuple[str, Page]]) -> None:
    verify_as_reviewed(ENGINE, pages)


def test_every_real_page_is_recognised(pages: list[tuple[str, Page]]) -> None:
    for name, page in pages:
        recognition = ENGINE.recognise(page)
        assert recognition is not None, name
        assert recognition.version == ENGINE.parse(page).engine_version, name


def test_pages_of_other_software_are_not_taken(fixtures_dir: Path) -> None:
    for path in sorted(fixtures_dir.glob("*/*")):
        if path.is_file() and path.parent.name != "vbulletin":
            page = Page(url="https://forum.example/", body=path.read_bytes(), site="s")
            assert ENGINE.recognise(page) is None, path


@pytest.mark.parametrize(
    ("name", "containers", "ignored"),
    [
        ("mazdaworld-vb3-showthread.html", "section.user-post", _OLD),
        ("terraforums-vb4-thread-p2.html", "li.postcontainer", _OLD),
        ("sneaky-vb5-topic-page1.html", "li.b-post", _NODES),
        ("sneaky-vb5-topic-page2.html", "li.b-post", _NODES),
        ("sneaky-vb5-topic-contest.html", "li.b-post", _NODES),
    ],
)
def test_nothing_is_left_in_posts(pages: list[tuple[str, Page]], name: str, containers: str, ignored: str) -> None:
    page = next(page for found, page in pages if found.endswith(name))
    verify_nothing_left(page, ENGINE.parse(page), containers, ignored)
