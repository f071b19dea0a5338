"""Real pages in the words of schema.org: reviewed expectations, and never a fact that a real engine contradicts."""

from pathlib import Path

from crawler.engines.discourse import Discourse
from crawler.engines.generic import Generic
from crawler.engines.page import Engine, Page
from crawler.engines.xenforo2 import XenForo2
from crawler.records import PageKind
from tests.engines.real_pages import addresses, real_pages, verify_as_reviewed

ENGINE = Generic()
# Pages of other software whose markup holds discussions: what is read of them is as the site's own.
ALSO = ("discourse-html/fairfood-topic.html", "invision/gp-topic-13posts.html", "vbulletin/sneaky-vb5-topic-page1.html")


def page_named(fixtures_dir: Path, name: str) -> Page:
    url = addresses(fixtures_dir).get(name, "https://forum.example/site/thread-4711/index.html")
    return Page(url=url, body=(fixtures_dir / name).read_bytes(), site="s")


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    also = [(name, page_named(fixtures_dir, name)) for name in ALSO]
    verify_as_reviewed(ENGINE, [*real_pages(fixtures_dir, "schema-org"), *also])


def test_pages_that_are_linked_by_number(fixtures_dir: Path) -> None:
    parsed = ENGINE.parse(page_named(fixtures_dir, "schema-org/vauva-drupal-thread.html"))
    assert (parsed.page, parsed.last_page) == (1, 2), "Drupal counts from 0"
    assert str(parsed.next_url).endswith("?page=1")


def test_pages_without_a_discussion_are_unknown(fixtures_dir: Path) -> None:
    for folder in ("phpbb", "smf", "mybb", "xenforo1", "robots", "reddit-html"):
        for path in sorted((fixtures_dir / folder).iterdir()):
            page = Page(url="https://forum.example/", body=path.read_bytes(), site="s")
            assert ENGINE.recognise(page) is None, path
            assert ENGINE.parse(page).page_kind in {PageKind.UNKNOWN, PageKind.CHALLENGE}, path


def test_real_engines_contradict_nothing(fixtures_dir: Path) -> None:
    """Every post that a real engine finds on the same page, too, has the same author and instant there."""
    engines: dict[str, Engine] = {"xenforo2": XenForo2(), "discourse-html": Discourse()}
    compared = 0
    for folder, engine in engines.items():
        for path in sorted((fixtures_dir / folder).glob("*.html")):
            page = Page(url="https://forum.example/threads/x.1/", body=path.read_bytes(), site="s")
            ours, theirs = ENGINE.parse(page), engine.parse(page)
            instants = {post.created_at for post in theirs.posts}
            names = {post.author for post in theirs.posts}
            for post in ours.posts:
                if post.is_opening and theirs.posts and not theirs.posts[0].is_opening:
                    continue  # the markup repeats the opening post on later pages
                assert post.created_at is None or post.created_at in instants, path
                assert post.author is None or post.author in names, path
                compared += 1
    assert compared > 100


def test_the_markup_alone_gives_all_posts_where_it_holds_them(fixtures_dir: Path) -> None:
    for name, posts in (
        ("discourse-html/carloop-topic-20posts.html", 20),
        ("discourse-html/stackstorm-topic.html", 20),
    ):
        parsed = ENGINE.parse(page_named(fixtures_dir, name))
        assert len(parsed.posts) == posts
        assert [post.position for post in parsed.posts] == list(range(1, posts + 1))
        assert all(post.created_at and post.author and post.body_text for post in parsed.posts)
