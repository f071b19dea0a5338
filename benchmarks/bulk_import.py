"""Bulk import of 2 million posts against `pyarrow.parquet.write_table` of the same rows.

A release-like folder is made first: 24 months of posts with their versions' columns and bodies of some 90 words. The
yardstick writes the posts of each file, which are in memory already, with the same settings: the bare `write_table`.
The import reads, checks SHA-256, leaves out what is known, writes versions and sightings, and commits; the index and
`current/` are made by later steps (the next crawl, `publish`), and are told apart.
Run: python -m benchmarks.bulk_import [POSTS]
"""

import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from storage.archive import Archive
from storage.bulk import import_release
from storage.dedupe import post_hash
from storage.publish import parquet_options, publish, write_parquet
from storage.schema import POST_VERSIONS, POSTS, THREADS

SITE = "bench"
MONTHS = 24
POSTS_A_THREAD = 20
START = datetime(2024, 1, 1, tzinfo=UTC)
_WORDS = (
    *("stent", "lesion", "wire", "access", "femoral", "radial", "contrast", "sheath"),
    *("angio", "biopsy", "catheter", "dose", "patient", "consult", "call"),
)


def make_release(folder: Path, posts: int, months: int = MONTHS, *, hashed: bool = False) -> None:
    """Writes `posts/` and `threads/` of an invented forum, a file a month, and their SHA256SUMS.

    Args:
        hashed: with the content hashes that a crawl would compare, which takes a while; else with any.
    """
    rng = np.random.default_rng(7)
    each = posts // months
    sums = []
    for month in range(months):
        begin = START.replace(year=START.year + month // 12, month=month % 12 + 1)
        held = _posts(rng, month, each, begin)
        if hashed:
            held = held.set_column(held.column_names.index("content_hash"), "content_hash", pa.array(_hashes(held)))
        for table, rows in ((POSTS, held), (THREADS, _threads(month, each, begin))):
            path = f"{table.name}/site={SITE}/month={begin:%Y-%m}/data.parquet"
            (folder / path).parent.mkdir(parents=True)
            write_parquet(rows, table, folder / path)
            sums.append(f"{hashlib.sha256((folder / path).read_bytes()).hexdigest()}  {path}\n")
    (folder / "SHA256SUMS").write_text("".join(sums))


def _posts(rng: np.random.Generator, month: int, count: int, begin: datetime) -> pa.Table:
    number = np.arange(count) + month * 10_000_000
    lengths = np.clip(rng.lognormal(4.2, 0.8, count), 5, 2_000).astype(int)
    words = np.array(_WORDS)[rng.integers(0, len(_WORDS), int(lengths.sum()))]
    ends = np.cumsum(lengths)
    bodies = [" ".join(words[end - length : end]) for end, length in zip(ends, lengths, strict=True)]
    ids = [str(one) for one in number]
    instant = np.datetime64(begin.replace(tzinfo=None), "us") + (np.arange(count) * (30 * 86_400_000_000 // count))
    at = pa.array(instant.astype("datetime64[us]"), pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    known = {
        "board_id": pa.array([f"b{one // POSTS_A_THREAD % 12}" for one in number]),
        "thread_id": pa.array([str(one // POSTS_A_THREAD) for one in number]),
        "post_id": pa.array(ids),
        "position": pa.array(number % POSTS_A_THREAD + 1),
        "author_key": pa.array([f"a{one:026d}" for one in rng.integers(0, 50_000, count)]),
        "created_at": at,
        "edited": pa.array(np.zeros(count, bool)),
        "body_text": pa.array(bodies),
        "reactions": pa.array(rng.integers(0, 9, count)),
        "is_opening": pa.array(number % POSTS_A_THREAD == 0),
        "status": pa.repeat(pa.scalar("visible"), count),
        "url": pa.array([f"https://bench.example/posts/{one}/" for one in ids]),
        "content_hash": pa.array([hashlib.blake2b(one.encode(), digest_size=16).hexdigest() for one in ids]),
        "version": pa.repeat(pa.scalar(1, pa.int32()), count),
        "change": pa.repeat(pa.scalar("new"), count),
        "observed_at": at,
        "crawl_id": pa.repeat(pa.scalar("first"), count),
        "last_seen_at": at,
    }
    return _of(POSTS.schema, known, count)


def _hashes(posts: pa.Table) -> list[str]:
    nothing: dict[str, list[str]] = {"quotes": [], "attachments": [], "links": []}
    names = ("thread_id", "status", "created_at", "edited", "edited_at", "body_text")
    return [post_hash(row | nothing) for batch in posts.select(names).to_batches() for row in batch.to_pylist()]


def _threads(month: int, posts: int, begin: datetime) -> pa.Table:
    number = np.arange(posts // POSTS_A_THREAD) + month * 10_000_000 // POSTS_A_THREAD
    count = len(number)
    at = pa.repeat(pa.scalar(begin, pa.timestamp("us", tz="UTC")), count)
    known = {
        "board_id": pa.array([f"b{one % 12}" for one in number]),
        "thread_id": pa.array([str(one) for one in number]),
        "title": pa.array([f"Thread {one}" for one in number]),
        "created_at": at,
        "reply_count": pa.repeat(pa.scalar(POSTS_A_THREAD - 1, pa.int64()), count),
        "status": pa.repeat(pa.scalar("visible"), count),
        "content_hash": pa.array([hashlib.blake2b(str(one).encode(), digest_size=16).hexdigest() for one in number]),
        "version": pa.repeat(pa.scalar(1, pa.int32()), count),
        "change": pa.repeat(pa.scalar("new"), count),
        "observed_at": at,
        "crawl_id": pa.repeat(pa.scalar("first"), count),
        "last_seen_at": at,
    }
    return _of(THREADS.schema, known, count)


def _of(schema: pa.Schema, known: dict[str, pa.Array], count: int) -> pa.Table:
    fields = [field for field in schema if field.name not in {"site", "month"}]
    empty = {"quotes", "attachments", "links", "tags", "masked"}
    columns = [
        known.get(field.name)
        if field.name in known
        else pa.array([[]] * count, field.type)
        if field.name in empty
        else pa.nulls(count, field.type)
        for field in fields
    ]
    return pa.table(columns, schema=pa.schema(fields))


def _bare(folder: Path, target: Path) -> float:
    """Seconds to write the posts of each file, read before."""
    seconds = 0.0
    for number, path in enumerate(sorted(folder.glob("posts/*/*/*.parquet"))):
        rows = pq.read_table(path, partitioning=None)
        options = parquet_options(POST_VERSIONS, rows.column_names)
        begin = time.perf_counter()
        pq.write_table(rows, target / f"{number}.parquet", row_group_size=POST_VERSIONS.row_group_size, **options)
        seconds += time.perf_counter() - begin
    return seconds


def run(posts: int = 2_000_000) -> dict[str, float]:
    """The figures; the import runs in a process of its own, so that its memory is its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, bare = Path(scratch) / "release", Path(scratch) / "bare"
        bare.mkdir()
        make_release(folder, posts)
        figures = {"posts": float(posts), "bare write s": _bare(folder, bare)}
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.bulk_import", "--import", str(folder), f"{scratch}/archive"],
            check=True,
            capture_output=True,
            text=True,
        )
        for line in told.stdout.splitlines():
            name, _, value = line.rpartition(" ")
            figures[name] = float(value)
    figures["of the bare rows/s"] = figures["bare write s"] / figures["import s"]
    return figures


def _import(folder: Path, location: str) -> None:
    archive = Archive.open(location)
    begin = time.perf_counter()
    import_release(archive, folder)
    print("import s", time.perf_counter() - begin)
    print("import peak MB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    begin = time.perf_counter()
    archive.state(SITE)
    print("index s", time.perf_counter() - begin)
    begin = time.perf_counter()
    publish(archive)
    print("publish s", time.perf_counter() - begin)
    print("peak MB of all", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Prints the figures."""
    if "--import" in sys.argv:
        _import(Path(sys.argv[-2]), sys.argv[-1])
        return
    posts = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 2_000_000
    for name, value in run(posts).items():
        print(f"{name:24} {value:12,.2f}")


if __name__ == "__main__":
    main()
