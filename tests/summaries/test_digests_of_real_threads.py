"""Digests of real threads, read by the project's own parsers: what must hold whatever people write."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.documents import read_document
from crawler.engines import Page, parse
from crawler.records import ParsedPage
from summaries.digests import Budget, digest
from summaries.sentences import LONGEST, plain, split

SEEN = datetime(2025, 11, 15, tzinfo=UTC)


def rows(page: ParsedPage) -> list[dict[str, Any]]:
    return [
        {
            "post_id": post.post_id,
            "position": post.position,
            "author_key": post.author and f"pseudonym-{hash(post.author)}",
            "created_at": post.created_at,
            "body_text": post.body_text,
            "score": post.score,
            "reactions": post.reactions,
            "is_opening": post.is_opening,
            "status": post.status.value,
        }
        for post in page.posts
    ]


def check(page: ParsedPage) -> int:
    """The digest of the page's posts cites, and cites right; gives the number of sentences."""
    title = page.threads[0].title if page.threads else None
    posts = rows(page)
    made = digest(posts, title)
    bodies = {post.post_id: plain(post.body_text) for post in page.posts}
    for sentence in made.sentences:
        assert sentence.text in bodies[sentence.post_id], "cited word for word, and never from a quote"
        assert len(sentence.text) <= LONGEST
    assert len(made.sentences) <= Budget().sentences
    assert len(made.digest_text) <= Budget().characters
    assert digest(posts[::-1], title) == made
    assert not any(str(post["author_key"]) in made.digest_text for post in posts if post["author_key"])
    return len(made.sentences)


@pytest.mark.parametrize("name", ["sdn-thread.txt", "reddit-thread.txt"])
def test_the_seed_documents(shared_dir: Path, name: str) -> None:
    path = shared_dir / "seeds" / name
    if not path.exists():
        pytest.skip(f"no seed document at {path}")
    page = read_document(path.read_bytes(), name, SEEN).parsed
    assert check(page) >= 5


def pages(folder: Path) -> Iterator[tuple[Path, ParsedPage]]:
    for path in sorted(path for path in folder.rglob("*") if path.suffix in {".html", ".json"}):
        page = Page(url="https://forum.example.org/threads/1/", body=path.read_bytes(), site="real", fetched_at=SEEN)
        yield path, parse(page)


@pytest.mark.parametrize("folder", ["xenforo2", "reddit-json", "derived"])
def test_saved_pages(fixtures_dir: Path, folder: str) -> None:
    if not (fixtures_dir / folder).is_dir():
        pytest.skip(f"no pages at {fixtures_dir / folder}")
    with_posts = [(path, page) for path, page in pages(fixtures_dir / folder) if page.posts]
    assert with_posts
    cited = {path.name: check(page) for path, page in with_posts}
    assert any(cited.values())


def test_no_word_of_a_real_post_is_lost_in_splitting(fixtures_dir: Path) -> None:
    for path, page in pages(fixtures_dir / "xenforo2"):
        for post in page.posts:
            letters = [char for char in post.body_text if char.isalpha()]
            assert [char for sentence in split(post.body_text) for char in sentence if char.isalpha()] == letters, path
