"""A daily run (20,000 posts seen, 2,250 of them new or edited) on archives of 200,000 and of 2 million posts.

The larger archive is ten times as old, not ten times as busy: months are of one size, and the run touches the last
three and a few old ones. Measured from the staged records to queryable Parquet: dedupe, commit, publish; and the bytes
that this writes, against those of the changed rows alone and of the published partitions that had to be replaced.
Seconds are of the processor (all threads), as machines are shared.
Run: python -m benchmarks.daily_run
"""

import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.bulk_import import SITE, START, make_release
from crawler.receipt import Coverage, Outcome, Receipt, StagedPage
from crawler.records import PageKind, ParsedPage, Post, Thread
from storage.archive import Archive
from storage.batch import Batch
from storage.bulk import import_release
from storage.dedupe import dedupe
from storage.publish import parquet_options, publish
from storage.schema import POST_VERSIONS

POSTS_A_MONTH = 8_334
SEEN, NEW, EDITED, OLD_THREADS = 20_000, 1_750, 500, 5


def run(months: int) -> dict[str, float]:
    """The figures of one archive."""
    with tempfile.TemporaryDirectory() as scratch:
        release = Path(scratch) / "release"
        make_release(release, POSTS_A_MONTH * months, months, hashed=True)
        archive = Archive.open(Path(scratch) / "archive", environ={})
        import_release(archive, release)
        publish(archive)
        archive.state(SITE)  # the index
        pages, receipt = _crawl(archive, months)
        before = _sizes(archive)
        begin = time.process_time()
        batch = Batch.of(pages, receipt)
        changes = dedupe(batch, archive.known(batch), archive.pseudonyms)
        deduped = time.process_time()
        archive.commit(changes, receipt)
        committed = time.process_time()
        published = publish(archive)
        ended = time.process_time()
        counts = changes.counts
        assert (counts["new"], counts["edited"]) == (NEW, EDITED), counts
        changed = _changed_bytes(archive, receipt.crawl_id, Path(scratch))
        written = sum(size for path, size in _sizes(archive).items() if path not in before)
        return {
            "posts held": POSTS_A_MONTH * months,
            "dedupe s": deduped - begin,
            "commit s": committed - deduped,
            "publish s": ended - committed,
            "all s": ended - begin,
            "partitions touched": len(published.files),
            "MB written": written / 1e6,
            "MB of these partitions": published.bytes / 1e6,
            "MB of the changed rows": changed / 1e6,
            "times the changed rows": (written - published.bytes) / changed,
            "again s": _again(archive),
        }


def _crawl(archive: Archive, months: int) -> tuple[list[StagedPage], Receipt]:
    """Threads of the last three months and a few old ones, as they are held, with edits and new posts."""
    recent = sorted((archive.root / "current/posts").glob("*/*/*.parquet"))
    at = START.replace(year=START.year + months // 12 + 1)
    pages: list[StagedPage] = []
    old = recent[:-3][:: max(1, (months - 3) // OLD_THREADS)][:OLD_THREADS]
    wanted = [(path, SEEN // 3 // 20 - 2) for path in recent[-3:]] + [(path, 1) for path in old]
    for path, count in wanted:
        names = ["thread_id", "post_id", "position", "created_at", "body_text", "reactions", "is_opening", "board_id"]
        rows = pq.read_table(path, columns=names, partitioning=None).sort_by("thread_id").to_pylist()
        threads: dict[str, list[dict[str, object]]] = {}
        for row in rows:
            threads.setdefault(str(row["thread_id"]), []).append(row)
        whole = [posts for posts in threads.values() if len(posts) == 20][:count]
        pages += [_page(posts, at) for posts in whole]
    for number in range(EDITED):
        pages[number].parsed.posts[-1].body_text += " edited"
    for number in range(NEW):
        posts = pages[number % len(pages)].parsed.posts
        new = {"thread_id": posts[0].thread_id, "post_id": f"new{number}", "position": len(posts) + 1}
        new |= {"created_at": at - timedelta(hours=1), "body_text": f"{posts[3].body_text} {number}", "reactions": 0}
        posts.append(_post(new | {"is_opening": False}))
    receipt = Receipt(site=SITE, crawl_id="daily", started_at=at, outcome=Outcome.COMPLETE)
    receipt.coverage = [Coverage(thread_id=page.parsed.thread_id or "") for page in pages]
    return pages, receipt


def _page(rows: list[dict[str, object]], at: object) -> StagedPage:
    thread_id = str(rows[0]["thread_id"])
    thread = Thread(site=SITE, thread_id=thread_id, title=f"Thread {thread_id}", board_id=str(rows[0]["board_id"]))
    posts = [_post(row) for row in rows]
    parsed = ParsedPage(page_kind=PageKind.THREAD, thread_id=thread_id, threads=[thread], posts=posts)
    return StagedPage(url=f"https://bench.example/threads/{thread_id}/", fetched_at=at, parsed=parsed)  # type: ignore[arg-type] # a datetime


def _post(row: dict[str, object]) -> Post:
    wanted = {name: value for name, value in row.items() if name != "board_id"}
    return Post(site=SITE, url=f"https://bench.example/posts/{row['post_id']}/", **wanted)  # type: ignore[arg-type] # as read


def _sizes(archive: Archive) -> dict[tuple[str, int, float], int]:
    """Sizes of the durable files, by what tells one content from another."""
    entries = [entry for entry in archive.files.list() if not entry.path.startswith((".index", ".locks"))]
    return {(entry.path, entry.bytes, entry.modified.timestamp()): entry.bytes for entry in entries}


def _changed_bytes(archive: Archive, crawl_id: str, scratch: Path) -> int:
    """Bytes of the run's new versions and sightings as bare Parquet, one file each."""
    total = 0
    with archive.connect() as connection:
        for name in ("post_versions", "observations"):
            rows: pa.Table = connection.sql(f"FROM {name} WHERE crawl_id = '{crawl_id}'").to_arrow_table()
            path = scratch / f"{name}.parquet"
            pq.write_table(rows, path, **parquet_options(POST_VERSIONS, rows.column_names))
            total += path.stat().st_size
    return total


def _again(archive: Archive) -> float:
    """Seconds to publish once more, where there is nothing to do."""
    begin = time.process_time()
    publish(archive)
    return time.process_time() - begin


def main() -> None:
    """Prints both columns and their ratio."""
    small, large = (int(argument) for argument in sys.argv[1:3]) if len(sys.argv) > 2 else (24, 240)
    few, many = run(small), run(large)
    for name, value in few.items():
        print(f"{name:24} {value:14,.2f} {many[name]:14,.2f} {many[name] / value if value else 0:8.2f} x")


if __name__ == "__main__":
    main()
