"""From the end of a crawl to queryable Parquet: dedupe, commit and publish of a daily run, against a bare write.

An archive of 200,000 posts over 24 months; a run that sees 20,000 of them, most in the last three months, of which
2,250 are new or edited. The yardstick is `pyarrow.parquet.write_table` of the partitions that the run touched, same
compression and row groups, from tables that are in memory already. Run: python -m benchmarks.commit
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from crawler.receipt import Coverage, Outcome, Receipt, StagedPage
from crawler.records import PageKind, ParsedPage, Post, Thread
from storage.archive import Archive
from storage.batch import Batch
from storage.dedupe import Changes, dedupe
from storage.publish import publish

T = TypeVar("T")
MONTHS = 24
POSTS_A_THREAD = 20
NEW, EDITED = 1_750, 500
_TEXT = "stent lesion wire access femoral radial contrast sheath angio biopsy catheter dose patient consult call"
_WORDS = _TEXT.split()
START = datetime(2024, 1, 1, tzinfo=UTC)


def run(held: int = 200_000, seen: int = 20_000) -> dict[str, float]:
    """The figures: seconds of each step, seconds of the bare write, and their ratio."""
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive.open(Path(folder) / "archive", environ={})
        threads = held // POSTS_A_THREAD
        posts = {number: _thread(number, threads, rng) for number in range(threads)}
        begin = START + timedelta(days=31 * MONTHS)
        _store(archive, *_crawl("first", posts.values(), begin))

        chosen = _chosen(posts, seen, rng)
        _change(chosen, begin, rng)
        pages, receipt = _crawl("daily", chosen, begin + timedelta(days=1))
        figures: dict[str, float] = {"posts held": held, "posts seen": sum(len(thread) for thread in chosen)}
        changes, figures["dedupe s"] = _timed(lambda: _changes(archive, pages, receipt))
        figures["versions"] = len(changes.rows["post_versions"])
        _, figures["commit s"] = _timed(lambda: archive.commit(changes, receipt))
        published, figures["publish s"] = _timed(lambda: publish(archive))
        figures["all s"] = figures["dedupe s"] + figures["commit s"] + figures["publish s"]
        figures["files written"] = len(published.files)
        figures["megabytes written"] = published.bytes / 1e6
        figures["bare write s"] = _bare(archive, published.files, Path(folder))
        figures["times the bare write"] = figures["all s"] / figures["bare write s"]
        figures["peak megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures


def _thread(number: int, threads: int, rng: random.Random) -> list[Post]:
    opened = START + timedelta(days=31 * MONTHS) * (number / threads)
    return [_post(number, index, opened + timedelta(hours=3 * index), rng) for index in range(POSTS_A_THREAD)]


def _post(thread: int, index: int, at: datetime, rng: random.Random) -> Post:
    return Post(
        site="bench",
        thread_id=str(thread),
        post_id=f"{thread}{index:04d}",
        position=index + 1,
        author=f"member {rng.randrange(5_000)}",
        created_at=at,
        body_text=" ".join(rng.choices(_WORDS, k=max(5, int(rng.lognormvariate(4.2, 0.8))))),
        reactions=rng.randrange(9),
        url=f"https://bench.example/posts/{thread}{index:04d}/",
        is_opening=index == 0,
    )


def _chosen(posts: dict[int, list[Post]], seen: int, rng: random.Random) -> list[list[Post]]:
    """Threads as a daily run meets them: most of the last three months, a few old ones revived."""
    recent = [number for number in posts if number >= len(posts) * (1 - 3 / MONTHS)]
    count = min(seen // POSTS_A_THREAD, len(recent))
    return [posts[number] for number in [*rng.sample(recent, count - 5), *rng.sample(range(len(posts)), 5)]]


def _change(chosen: list[list[Post]], at: datetime, rng: random.Random) -> None:
    for thread in rng.sample(chosen, min(EDITED, len(chosen))):
        thread[-1].body_text += " edited"
    for _ in range(NEW):
        thread = rng.choice(chosen)
        thread.append(_post(int(thread[0].thread_id), len(thread), at + timedelta(minutes=len(thread)), rng))
    for thread in chosen:
        for post in thread:
            post.reactions = (post.reactions or 0) + (rng.random() < 0.1)


def _crawl(crawl_id: str, threads: Iterable[list[Post]], at: datetime) -> tuple[list[StagedPage], Receipt]:
    pages = []
    for posts in threads:
        thread_id = posts[0].thread_id
        thread = Thread(
            site="bench",
            thread_id=thread_id,
            title=f"Thread {thread_id}",
            board_id=f"b{int(thread_id) % 12}",
            created_at=posts[0].created_at,
            reply_count=len(posts) - 1,
        )
        parsed = ParsedPage(
            page_kind=PageKind.THREAD, thread_id=thread_id, threads=[thread], posts=posts, containers=len(posts)
        )
        pages.append(StagedPage(url=f"https://bench.example/threads/{thread_id}/", fetched_at=at, parsed=parsed))
    receipt = Receipt(
        site="bench",
        crawl_id=crawl_id,
        started_at=at,
        outcome=Outcome.COMPLETE,
        coverage=[Coverage(thread_id=page.parsed.thread_id or "") for page in pages],
    )
    return pages, receipt


def _changes(archive: Archive, pages: list[StagedPage], receipt: Receipt) -> Changes:
    batch = Batch.of(pages, receipt)
    return dedupe(batch, archive.known(batch), archive.pseudonyms)


def _store(archive: Archive, pages: list[StagedPage], receipt: Receipt) -> None:
    archive.commit(_changes(archive, pages, receipt), receipt)
    publish(archive)


def _bare(archive: Archive, files: list[str], folder: Path) -> float:
    tables = [pq.ParquetFile(archive.root / "current" / name).read() for name in files]

    def write() -> None:
        for number, table in enumerate(tables):
            path = folder / f"bare-{number}.parquet"
            pq.write_table(table, path, row_group_size=16_384, compression="zstd", compression_level=3)

    return _timed(write)[1]


def _timed(step: Callable[[], T]) -> tuple[T, float]:
    begin = time.perf_counter()
    result = step()
    return result, time.perf_counter() - begin


def main() -> None:
    """Prints the figures, one a line."""
    for name, figure in run().items():
        sys.stdout.write(f"{name:>22}  {figure:,.2f}\n" if figure % 1 else f"{name:>22}  {figure:,.0f}\n")


if __name__ == "__main__":
    main()
