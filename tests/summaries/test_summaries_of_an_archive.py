"""The summaries of a real archive: crawls are committed and published, refreshed, and read through its views."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crawler.receipt import Coverage, Outcome, Receipt, StagedPage
from crawler.records import PageKind, ParsedPage, Post, Status, Thread
from storage.archive import Archive
from storage.batch import Batch
from storage.dedupe import dedupe
from storage.keys import KEY_FILE_VARIABLE
from storage.publish import publish
from summaries.refresh import refresh
from summaries.schema import TABLES

SITE = "ward"
MONDAY = datetime(2024, 4, 29, 9, tzinfo=UTC)
TEXTS = (
    "My heart skips a beat after coffee. Should I give up coffee altogether?",
    "A skipped beat after coffee is common, and mine went away with less coffee.",
    "Ask for a monitor that records each skipped beat over a whole day.",
)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive", environ={KEY_FILE_VARIABLE: str(tmp_path / "key")})


def post(thread: str, number: int, **more: Any) -> Post:
    known = {"site": SITE, "thread_id": thread, "post_id": f"{thread}{number}", "position": number}
    known |= {"author": f"Member {number}", "created_at": MONDAY + timedelta(days=number), "is_opening": number == 1}
    return Post(**known | {"body_text": TEXTS[number % len(TEXTS)]} | more)


def crawl(archive: Archive, day: int, threads: dict[str, list[Post]], published: bool = True) -> None:
    seen_at = MONDAY + timedelta(days=100 + day)
    pages = [
        StagedPage(
            url=f"https://ward.example.org/threads/{thread}/",
            fetched_at=seen_at,
            parsed=ParsedPage(
                page_kind=PageKind.THREAD,
                thread_id=thread,
                board_id="rhythm",
                threads=[Thread(site=SITE, thread_id=thread, title=f"About {thread}", board_id="rhythm")],
                posts=posts,
            ),
        )
        for thread, posts in threads.items()
    ]
    receipt = Receipt(site=SITE, crawl_id=f"crawl-{day}", started_at=seen_at, finished_at=seen_at)
    receipt.outcome = Outcome.COMPLETE
    receipt.coverage = [Coverage(thread_id=name, reply_count=len(posts) - 1) for name, posts in threads.items()]
    batch = Batch.of(pages, receipt)
    archive.commit(dedupe(batch, archive.known(batch), archive.pseudonyms), receipt)
    if published:
        publish(archive)


def rows(archive: Archive, query: str) -> list[dict[str, Any]]:
    with archive.connect() as connection:
        return connection.sql(query).to_arrow_table().to_pylist()


def test_the_views_are_there_before_the_first_refresh(archive: Archive) -> None:
    for name, table in TABLES.items():
        with archive.connect() as connection:
            view = connection.sql(f"FROM {name}").to_arrow_table()
        assert view.num_rows == 0
        assert view.schema.equals(table.schema)


@pytest.mark.parametrize("published", [True, False])
def test_crawl_by_crawl_as_if_at_once(archive: Archive, published: bool) -> None:
    """A reply, a late reply, an edit and a deletion, refreshed after each crawl, against one refresh at the end."""
    first = {thread: [post(thread, number) for number in (1, 2, 4)] for thread in ("a", "b", "c")}
    crawl(archive, 1, first, published)
    assert refresh(archive, environ={})["digests"] == 3
    assert refresh(archive, environ={})["files_written"] == 0

    crawl(archive, 2, {"a": [post("a", number) for number in (1, 2, 3, 4)]}, published)
    counts = refresh(archive, SITE, environ={})
    assert (counts["digests"], counts["digests_unchanged"], counts["activity_boards"]) == (1, 2, 1)

    edited = post("b", 2, body_text="I was wrong about coffee: it was the tea that made my heart skip.", edited=True)
    crawl(archive, 3, {"b": [post("b", 1), edited, post("b", 4)], "c": [post("c", 1), post("c", 4)]}, published)
    counts = refresh(archive, SITE, environ={})
    assert (counts["digests"], counts["digests_unchanged"]) == (2, 1)

    found = {name: rows(archive, f"FROM {name} ORDER BY ALL") for name in TABLES}
    for path in (archive.root / "summaries").rglob("data.parquet"):
        path.unlink()
    refresh(archive, environ={})
    for name in TABLES:
        assert [row | {"refreshed_at": None} for row in found[name]] == [
            row | {"refreshed_at": None} for row in rows(archive, f"FROM {name} ORDER BY ALL")
        ]

    by_day = {row["day"].day: row for row in found["activity"]}
    assert (by_day[1]["posts"], by_day[1]["deleted"]) == (2, 1), "what the third crawl no longer found in thread c"
    digests = {row["thread_id"]: row for row in found["digests"]}
    assert digests["c"]["posts"] == 2
    assert "the tea" in digests["b"]["digest_text"]
    assert digests["a"]["title"] == "About a"
    assert not any("Member" in row["digest_text"] for row in digests.values())


def test_the_parquet_files_are_what_the_views_show(archive: Archive) -> None:
    crawl(archive, 1, {"a": [post("a", 1), post("a", 2, status=Status.REMOVED, body_text="", author=None)]})
    refresh(archive, environ={})
    for name in TABLES:
        files = f"{archive.root}/summaries/{name}/site=*/data.parquet"
        direct = rows(archive, f"FROM read_parquet('{files}', hive_partitioning = true)")
        shown = rows(archive, f"FROM {name}")
        assert direct == [{key: row[key] for key in direct[0]} for row in shown]
        assert direct or name not in {"activity", "digests"}


def test_a_second_look_at_the_same_posts_makes_nothing_due(archive: Archive) -> None:
    threads = {"a": [post("a", 1), post("a", 2)]}
    crawl(archive, 1, threads)
    refresh(archive, environ={})
    crawl(archive, 2, threads)
    assert refresh(archive, environ={})["files_written"] == 0
