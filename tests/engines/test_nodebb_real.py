"""NodeBB: real pages against reviewed expectations."""

from pathlib import Path

from crawler.engines.nodebb import NodeBB
from crawler.engines.nodebb.data import answer_of
from crawler.engines.nodebb.fields import unknown_keys
from crawler.engines.page import Page
from tests.engines.real_pages import real_pages, verify_as_reviewed, verify_nothing_left

ENGINE = NodeBB()
# What a post shows that is none of its words: buttons, votes, who answered, groups, and whom it quotes.
IGNORED = (
    ".post-header, .post-footer, .post-tools, .post-signature, .votes, .threaded-replies, .topic-title, "
    "[component='post/parent'], [component='post/editor'], .group-label, .permalink, .bookmarked, "
    "p:has(+ blockquote)"
)


def pages(fixtures_dir: Path) -> list[tuple[str, Page]]:
    answers = [(name, page) for name, page in real_pages(fixtures_dir, "derived") if "nodebb" in name]
    return [*real_pages(fixtures_dir, "nodebb"), *answers]


def without_data(page: Page) -> Page:
    """The page as somebody saves it without its scripts."""
    start = page.body.index(b'id="ajaxify-data"')
    body = page.body[:start] + page.body[page.body.index(b"</script", start) :]
    return Page(url=page.url, body=body, site=page.site)


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    verify_as_reviewed(ENGINE, pages(fixtures_dir))


def test_every_key_is_taken_or_knowingly_ignored(fixtures_dir: Path) -> None:
    for name, page in pages(fixtures_dir):
        assert unknown_keys(answer_of(page)) == set(), name


def test_the_markup_tells_the_same(fixtures_dir: Path) -> None:
    ((_, page),) = real_pages(fixtures_dir, "nodebb")
    assert ENGINE.parse(without_data(page)).posts == ENGINE.parse(page).posts


def test_nothing_is_left(fixtures_dir: Path) -> None:
    ((_, page),) = real_pages(fixtures_dir, "nodebb")
    verify_nothing_left(page, ENGINE.parse(page), "[component='post']", IGNORED)


def test_pages_of_other_software_are_not_taken(fixtures_dir: Path) -> None:
    folders = [path.name for path in sorted(fixtures_dir.iterdir()) if path.is_dir() and path.name != "nodebb"]
    others = [(name, page) for name, page in real_pages(fixtures_dir, *folders) if "nodebb" not in name]
    assert [name for name, page in others if ENGINE.recognise(page) is not None] == []
