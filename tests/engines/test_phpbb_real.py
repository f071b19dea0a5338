"""phpBB: real pages against reviewed expectations (one file a page), their completeness, and other software's pages."""

from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.phpbb import PhpBB
from tests.engines.real_pages import real_pages, verify_as_reviewed, verify_nothing_left

ENGINE = PhpBB()
OTHERS = (
    *("xenforo1", "xenforo2", "vbulletin", "smf", "invision", "discourse-html", "mybb", "vanilla", "nodebb", "errors"),
    *("reddit-html", "schema-org", "medical-text"),
)
PROSILVER = "div.post"
IGNORED_PROSILVER = ".postprofile, .post-buttons, .signature, .back2top, .notice, h3, .author, cite"


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    verify_as_reviewed(ENGINE, real_pages(fixtures_dir, "phpbb"))


def test_every_real_page_is_recognised(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, "phpbb"):
        recognition = ENGINE.recognise(page)
        assert recognition is not None, name
        assert recognition.version == ENGINE.parse(page).engine_version, name


@pytest.mark.parametrize(
    ("names", "containers", "ignored"),
    [
        ("ssvc-", PROSILVER, IGNORED_PROSILVER),
        ("eagle-viewtopic", "div.vtouter", ".vtprofilepanel, .vtcontrolbuttons, .signature, h3, .file, .thumbnail"),
        ("xentax-", "div.postbody", "div.postbody + div.postbody, .quotetitle"),
    ],
)
def test_nothing_of_a_post_is_left(fixtures_dir: Path, names: str, containers: str, ignored: str) -> None:
    pages = [(name, page) for name, page in real_pages(fixtures_dir, "phpbb") if name.startswith(f"phpbb/{names}")]
    assert pages
    for _, page in pages:
        verify_nothing_left(page, ENGINE.parse(page), containers, ignored)


def test_pages_of_other_software_are_not_taken(fixtures_dir: Path) -> None:
    for path in (path for folder in OTHERS for path in sorted((fixtures_dir / folder).iterdir()) if path.is_file()):
        page = Page(url="https://forum.example/", body=path.read_bytes(), site="s")
        assert ENGINE.recognise(page) is None, path
