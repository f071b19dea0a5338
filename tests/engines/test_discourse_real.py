"""Discourse: real answers and pages against reviewed expectations and independent counts."""

import json
import re
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from crawler.engines.discourse import Discourse
from crawler.engines.discourse.names import unread_names
from crawler.engines.page import Page
from tests.engines.real_pages import real_pages, verify_as_reviewed, verify_nothing_left

ENGINE = Discourse()
# What stands in a crawlers' post and is knowingly not taken: full names, headings of quotes, likes in words, sizes of
# pictures, cards of links but for their titles.
IGNORED = (
    "[role=navigation], .creator, [itemprop=position], .post-likes, .crawler-linkback-list, aside.quote .title, "
    ".lightbox .meta, .onebox .source, .onebox p, .onebox .onebox-metadata, .onebox img"
)


def pages(fixtures_dir: Path) -> list[tuple[str, Page]]:
    """All but the feeds, which another engine reads."""
    found = real_pages(fixtures_dir, "discourse-json", "discourse-html")
    return [(name, page) for name, page in found if not name.endswith(".rss")]


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    verify_as_reviewed(ENGINE, pages(fixtures_dir))


def test_every_post_of_the_json_is_read(fixtures_dir: Path) -> None:
    for name, page in pages(fixtures_dir):
        if name.endswith(".json") and "latest" not in name:
            told = json.loads(page.body)["post_stream"]["posts"]
            posts = ENGINE.parse(page).posts
            assert [post.post_id for post in posts] == [str(post["id"]) for post in told], name
            assert [post.author for post in posts] == [post["username"] for post in told], name
            quotes = [len(re.findall(r"<aside class=\"quote", post["cooked"])) for post in told]
            assert [sum(quote.post_id is not None for quote in post.quotes) for post in posts] == quotes, name


def test_every_name_in_the_json_is_taken_or_ignored(fixtures_dir: Path) -> None:
    for name, page in pages(fixtures_dir):
        if name.endswith(".json"):
            assert not set(unread_names(json.loads(page.body))), name


def test_every_post_of_the_pages_is_read(fixtures_dir: Path) -> None:
    for name, page in pages(fixtures_dir):
        if name.endswith(".html") and "topic" in name:
            tree = LexborHTMLParser(page.text())
            posts = ENGINE.parse(page).posts
            times = [node.attributes["datetime"] for node in tree.css("time[datetime]")]
            assert [post.created_at.isoformat()[:19] + "Z" for post in posts if post.created_at] == times, name
            authors = [node.text(strip=True) for node in tree.css("span.creator [itemprop=name], b[itemprop=author]")]
            assert [post.author for post in posts] == authors, name
            numbers = [node.text(strip=True).strip("#") for node in tree.css("span[itemprop=position]")]
            assert [str(post.position) for post in posts] == numbers, name


def test_nothing_of_the_pages_is_left(fixtures_dir: Path) -> None:
    for name, page in pages(fixtures_dir):
        if name.endswith(".html") and "topic" in name:
            containers = "div.post" if "clover" in name else ".topic-body.crawler-post"
            verify_nothing_left(page, ENGINE.parse(page), containers, IGNORED)


def test_recognition(fixtures_dir: Path) -> None:
    for name, page in pages(fixtures_dir):
        assert ENGINE.recognise(page) is not None, name
    folders = [path.name for path in sorted(fixtures_dir.iterdir()) if path.is_dir() and "discourse" not in path.name]
    for name, page in real_pages(fixtures_dir, *folders):
        assert ENGINE.recognise(page) is None, name
