"""The demo sites crawled, and the archive held against the truth that the demo's server lists of itself."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from crawler.records import Post, Thread
from demo.server import Demo, running_demo
from demo.truth import Truth
from demo.world import World
from storage.mentions import show
from tests.conftest import Medthreads

CREDENTIALS = {"DEMOREDDIT_CLIENT_ID": "demo", "DEMOREDDIT_CLIENT_SECRET": "demo"}
POST_FIELDS = (
    "thread_id",
    "parent_id",
    "position",
    "edited",
    "body_text",
    "reactions",
    "score",
    "is_opening",
    "status",
)
THREAD_FIELDS = (
    "title", "board_id", "reply_count", "prefix", "tags", "is_sticky", "is_locked", "solution_post_id", "crosspost_of",
)  # fmt: skip


@pytest.fixture
def demo() -> Iterator[Demo]:
    """A small world of its own for each test, its clock standing."""
    with running_demo(World(seed=11, threads=40)) as running:
        yield running


def crawl(medthreads: Medthreads, site: str, *options: str) -> dict[str, Any]:
    [done] = medthreads.json("crawl", site, "--archive", "archive", "--json", *options, **CREDENTIALS)
    receipt: dict[str, Any] = done["receipt"]
    assert (receipt["outcome"], receipt["difference"]) == ("complete", 0)
    return receipt


def held(medthreads: Medthreads, table: str) -> dict[str, dict[str, Any]]:
    """The archive's current rows of the site that are still to be seen there, by id."""
    key = "post_id" if table == "posts" else "thread_id"
    rows = medthreads.json("sql", f"FROM {table}", "--archive", "archive", "--json")
    authors = medthreads.json("sql", "SELECT author_key, author FROM authors", "--archive", "archive", "--json")
    names = {row["author_key"]: row["author"] for row in authors}
    for row in rows:
        # What mentions somebody holds a pseudonym; the truth has the name.
        row["body_text_with_names"] = show(row.get("body_text", ""), names)
        row["quotes_with_names"] = [show(quote["text"], names) for quote in row.get("quotes", [])]
    return {row[key]: row for row in rows}


def instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def verify_as_true_as(truth: Truth, posts: dict[str, dict[str, Any]], threads: dict[str, dict[str, Any]]) -> None:
    """Every post and thread of the truth is in the archive as it is, and nothing else is to be seen there."""
    is_reddit = "reddit" in truth.threads[0].site
    standing = {post_id for post_id, row in posts.items() if row["change"] != "deleted"}
    assert standing == {post.post_id for post in truth.posts}
    assert set(threads) == {thread.thread_id for thread in truth.threads}
    for post in truth.posts:
        assert shown(posts[post.post_id]) == stated(post), post.post_id
        # Reddit's bodies do not name the quoted post: it is known where it stands on the same page.
        targets = [
            (quote["post_id"], true.post_id)
            for quote, true in zip(posts[post.post_id]["quotes"], post.quotes, strict=True)
        ]
        assert all(found == true or (is_reddit and found is None) for found, true in targets)
    for thread in truth.threads:
        row = threads[thread.thread_id]
        assert {name: row[name] for name in THREAD_FIELDS} == {name: getattr(thread, name) for name in THREAD_FIELDS}


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in POST_FIELDS},
        "created_at": instant(row["created_at"]),
        "edited_at": instant(row["edited_at"]),
        "body_text": row["body_text_with_names"],
        "quotes": row["quotes_with_names"],
        "attachments": [attachment["url"] for attachment in row["attachments"]],
        "has_author": row["author_key"] is not None,
    }


def stated(post: Post) -> dict[str, Any]:
    return {
        **{name: getattr(post, name) for name in POST_FIELDS},
        "created_at": post.created_at,
        "edited_at": post.edited_at,
        "body_text": post.body_text,
        "quotes": [quote.text for quote in post.quotes],
        "attachments": [attachment.url for attachment in post.attachments],
        "has_author": post.author not in {None, "[deleted]"},
    }


def test_the_archive_of_a_forum_is_its_truth_and_follows_it(demo: Demo, medthreads: Medthreads) -> None:
    site = medthreads.site_file("demoforum", f"{demo.forum_url}/")
    first = crawl(medthreads, site)
    assert first["posts"] == len(demo.truth().posts)
    assert first["page_kinds"]["login"] == 1  # the members' board, told apart and not lost
    verify_as_true_as(demo.truth(), held(medthreads, "posts"), held(medthreads, "threads"))

    demo.advance(timedelta(days=9))
    later = crawl(medthreads, site)
    assert {post.post_id for post in demo.truth().posts} <= set(held(medthreads, "posts"))
    assert later["threads_opened"] < later["threads_listed"]

    # Edits and deletions that no listing shows are found by reading everything again.
    crawl(medthreads, site, "--full")
    verify_as_true_as(demo.truth(), held(medthreads, "posts"), held(medthreads, "threads"))


def test_daily_crawls_find_every_new_post_and_report_no_false_deletion(demo: Demo, medthreads: Medthreads) -> None:
    site = medthreads.site_file("demoforum", f"{demo.forum_url}/")
    crawl(medthreads, site)
    for _ in range(4):
        demo.advance(timedelta(days=5))
        crawl(medthreads, site)
    posts, truth = held(medthreads, "posts"), demo.truth()
    assert {post.post_id for post in truth.posts} <= set(posts)
    assert {post_id for post_id, row in posts.items() if row["status"] == "deleted"} <= set(truth.gone)


def test_a_thread_that_failed_is_not_forgotten(demo: Demo, medthreads: Medthreads) -> None:
    site = medthreads.site_file("demoforum", f"{demo.forum_url}/")
    thread = max(demo.truth().threads, key=lambda thread: thread.last_post_at or demo.truth().now)
    path = (thread.url or "").removeprefix(demo.forum_url)
    demo.forum_site.faults[path] = 500
    [done] = medthreads.json("crawl", site, "--archive", "archive", "--json")
    assert done["receipt"]["outcome"] == "partial"
    assert done["receipt"]["failed"] == {"status 500": 1}
    assert thread.board_id in done["receipt"]["boards_lost"]

    demo.forum_site.faults.clear()
    crawl(medthreads, site)
    verify_as_true_as(demo.truth(), held(medthreads, "posts"), held(medthreads, "threads"))


def test_the_archive_of_a_subreddit_is_its_truth_and_follows_it(demo: Demo, medthreads: Medthreads) -> None:
    boards = ["r/DemoCardiology", "r/DemoRadiology", "r/DemoMedicine"]
    site = medthreads.site_file(
        "demoreddit", f"{demo.reddit_url}/", engine="reddit", boards=boards, credentials="demoreddit"
    )
    crawl(medthreads, site)
    verify_as_true_as(demo.reddit_truth(), held(medthreads, "posts"), held(medthreads, "threads"))

    demo.advance(timedelta(days=9))
    crawl(medthreads, site, "--full")
    verify_as_true_as(demo.reddit_truth(), held(medthreads, "posts"), held(medthreads, "threads"))


def test_nobodys_name_is_in_the_tables_but_authors(demo: Demo, medthreads: Medthreads) -> None:
    crawl(medthreads, medthreads.site_file("demoforum", f"{demo.forum_url}/"))
    names = {thread.author for thread in demo.truth().threads if isinstance(thread, Thread) and thread.author}
    rows = medthreads.json("sql", "SELECT author FROM authors", "--archive", "archive", "--json")
    assert names <= {row["author"] for row in rows}
    for table in ("posts", "threads"):
        for row in held(medthreads, table).values():
            fields = {name: value for name, value in row.items() if not name.endswith("_with_names")}
            assert not names & {value for value in fields.values() if isinstance(value, str)}
            assert not [name for name in names if f"@{name}" in str(fields)]
