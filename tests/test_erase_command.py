"""`medthreads erase` on a forum that was really crawled: nothing of it is left in any file, and nothing comes back."""

import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler.records import Post
from demo.server import Demo, running_demo
from demo.world import World
from tests.conftest import Medthreads

LEAST = 30
"""Characters of a line that can stand nowhere by chance."""


@pytest.fixture
def demo() -> Iterator[Demo]:
    """A small forum whose clock stands."""
    with running_demo(World(seed=11, threads=12)) as running:
        yield running


def holding(archive: Path, *words: str) -> list[str]:
    """Files that hold any of the words: as they are, in Parquet, in gzip, in answers as they were sent."""
    return [
        path.relative_to(archive).as_posix()
        for path in sorted(archive.rglob("*"))
        if path.is_file() and any(word in text for text in texts_of(path) for word in words)
    ]


def texts_of(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    yield content.decode("utf-8", "replace")
    if path.suffix == ".parquet":
        for row in pq.read_table(path, partitioning=None).to_pylist():
            yield json.dumps(row, default=str, ensure_ascii=False).replace("\\n", "\n")
    elif path.name.endswith(".warc.gz"):
        yield gzip.decompress(content).decode("utf-8", "replace")
        for record in ArchiveIterator(io.BytesIO(content)):
            yield record.content_stream().read().decode("utf-8", "replace")
    elif path.suffix in {".json", ".jsonl"}:
        yield content.decode().replace("\\n", "\n")


def own_line(posts: list[Post], posts_of_author: list[Post]) -> str:
    """A line that this author alone wrote, and nobody quotes."""
    lines = Counter(line for post in posts for line in {*post.body_text.splitlines()})
    quoted = "\n".join(quote.text for post in posts for quote in post.quotes)
    mine = [line for post in posts_of_author for line in post.body_text.splitlines()]
    plain = [line for line in mine if len(line) > LEAST and re.fullmatch(r"[^&<>'\"\\@]+", line)]
    return next(line for line in plain if lines[line] == 1 and line not in quoted)


def test_an_author_of_a_crawled_forum_is_gone_from_every_file_and_stays_away(
    demo: Demo, medthreads: Medthreads
) -> None:
    site = medthreads.site_file("demoforum", f"{demo.forum_url}/")
    medthreads.json("crawl", site, "--archive", "archive", "--json")
    posts = demo.truth().posts
    opened = {thread.author for thread in demo.truth().threads}
    counts = Counter(post.author for post in posts if post.author)
    author = next(name for name, count in counts.most_common() if name in opened and len(name) > 5)
    words = (author, own_line(posts, [post for post in posts if post.author == author]))
    assert any(path.startswith("landing/") for path in holding(medthreads.archive, *words))

    [account] = medthreads.json(
        *("erase", "--site", "demoforum", "--author", author, "--archive", "archive", "--yes", "--json")
    )
    assert account["posts"] == counts[author]
    assert account["warc_records"] > 0
    assert holding(medthreads.archive, *words) == []
    left = medthreads.json("sql", "SELECT post_id FROM posts", "--archive", "archive", "--json")
    assert {row["post_id"] for row in left} == {post.post_id for post in posts if post.author != author}

    demo.advance(timedelta(days=9))
    medthreads.json("crawl", site, "--full", "--archive", "archive", "--json")
    assert holding(medthreads.archive, *words) == []
    query = "SELECT count(*) AS n FROM changes('2000-01-01', '2100-01-01') WHERE change = 'new' AND version > 1"
    assert medthreads.json("sql", query, "--archive", "archive", "--json") == [{"n": 0}]


def test_nothing_is_erased_without_a_yes(demo: Demo, medthreads: Medthreads) -> None:
    medthreads.json("crawl", medthreads.site_file("demoforum", f"{demo.forum_url}/"), "--archive", "archive", "--json")
    post = demo.truth().posts[0].post_id
    asked = medthreads("erase", "--site", "demoforum", "--post", post, "--archive", "archive")
    assert (asked.returncode, "1 posts" in asked.stderr, "--yes" in asked.stderr) == (2, True, True)
    both = medthreads("erase", "--site", "demoforum", "--post", post, "--thread", "1", "--archive", "archive", "--yes")
    assert both.returncode == 2
    elsewhere = medthreads("erase", "--site", "demoforums", "--post", post, "--archive", "archive", "--yes")
    assert (elsewhere.returncode, "no site 'demoforums'" in elsewhere.stderr) == (2, True)
    assert not (medthreads.archive / "erasures").exists()
    unknown = medthreads("erase", "--site", "demoforum", "--author", "Nobody_77", "--archive", "archive")
    assert "holds nothing of this author" in unknown.stderr

    done = medthreads("erase", "--site", "demoforum", "--post", post, "--archive", "archive", "--yes")
    assert done.returncode == 0, done.stderr
    assert "1 posts, 0 threads" in done.stdout
    assert "left over" not in done.stdout


def test_what_the_forum_deleted_is_purged_where_the_site_file_asks_for_it(medthreads: Medthreads) -> None:
    with running_demo(World(seed=1, threads=12)) as demo:
        demo.advance(timedelta(days=8))
        site = medthreads.site_file("demoforum", f"{demo.forum_url}/", purge_deleted=True)
        medthreads.json("crawl", site, "--archive", "archive", "--json")
        before = demo.truth().posts
        demo.advance(timedelta(days=4))
        medthreads.json("crawl", site, "--full", "--archive", "archive", "--json")
        later = demo.truth().posts
    query = "SELECT post_id FROM posts WHERE status = 'deleted' ORDER BY post_id"
    deleted = [row["post_id"] for row in medthreads.json("sql", query, "--archive", "archive", "--json")]
    gone = [post for post in before if post.post_id in deleted]
    words = own_line([*gone, *later], gone)
    assert holding(medthreads.archive, words)

    [account] = medthreads.json("purge", "--archive", "archive", "--json")
    assert account["posts"] == len(deleted)
    assert holding(medthreads.archive, words) == []
    held = medthreads.json(
        "sql",
        f"{query.replace('post_id FROM', 'post_id, body_text, author_key FROM')}",
        "--archive",
        "archive",
        "--json",
    )
    assert held == [{"post_id": post_id, "body_text": "", "author_key": None} for post_id in deleted]
    assert medthreads.json("purge", "--archive", "archive", "--json") == []
