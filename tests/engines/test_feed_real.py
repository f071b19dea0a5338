"""Real feeds against reviewed expectations, and no other page taken for one."""

from pathlib import Path

from crawler.engines.feed import Feed
from crawler.engines.page import Page
from crawler.records import PageKind
from tests.engines.real_pages import real_pages, verify_as_reviewed

ENGINE = Feed()
FOLDERS = ("reddit-rss", "discourse-html", "vanilla", "xenforo2-rss")


def feeds(fixtures_dir: Path) -> list[tuple[str, Page]]:
    return [(name, page) for name, page in real_pages(fixtures_dir, *FOLDERS) if name.endswith(".rss")]


def test_every_real_feed_as_reviewed(fixtures_dir: Path) -> None:
    verify_as_reviewed(ENGINE, feeds(fixtures_dir))


def test_no_entry_is_lost(fixtures_dir: Path) -> None:
    for name, page in feeds(fixtures_dir):
        parsed = ENGINE.parse(page)
        entries = page.body.count(b"<item>") + page.body.count(b"<entry>")
        assert parsed.page_kind is PageKind.FEED, name
        assert max(len(parsed.threads), len(parsed.posts)) == entries, name
        assert all(thread.title and thread.author and thread.url for thread in parsed.threads), name
        assert all(post.created_at and post.author for post in parsed.posts), name


def test_no_other_page_is_taken(fixtures_dir: Path) -> None:
    for path in fixtures_dir.rglob("*"):
        if path.is_file() and path.stat().st_size < 3_000_000 and path.suffix not in {".rss", ".bin"}:
            page = Page(url="https://forum.example/", body=path.read_bytes(), site="s")
            assert ENGINE.recognise(page) is None, path
