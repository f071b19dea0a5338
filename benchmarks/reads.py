"""Reading an archive: a board and month, as of a date, changes of a week, an author's history, against bare reads.

An archive of 200,000 posts over 24 months and a week of daily runs (20,000 posts seen, 2,250 new or edited, each).
Each yardstick is what pyarrow takes to read just the files and columns that hold the answer, or all of them where the
answer is all over; so a ratio of 1 is a reader that decodes nothing in vain. Best of some runs.
Run: python -m benchmarks.reads
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks.commit import MONTHS, POSTS_A_THREAD, START, _change, _chosen, _crawl, _store, _thread
from medthreads.reading import Reader
from storage.archive import Archive

DAYS = 7
RUNS = 5
BOARD, MONTH = "b3", "2025-06"
_OF_CHANGES = ["board_id", "thread_id", "post_id", "change", "version", "observed_at"]


def run(held: int = 200_000, seen: int = 20_000) -> list[tuple[str, float, float]]:
    """Name, seconds and seconds of the yardstick of each reading."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive.open(Path(folder) / "archive", environ={})
        _fill(archive, held, seen)
        with Reader(archive) as reader:
            return [*_of_a_board(archive, reader), *_of_history(archive, reader)]


def _fill(archive: Archive, held: int, seen: int) -> None:
    rng = random.Random(7)
    threads = held // POSTS_A_THREAD
    posts = {number: _thread(number, threads, rng) for number in range(threads)}
    begin = START + timedelta(days=31 * MONTHS)
    _store(archive, *_crawl("first", posts.values(), begin))
    for day in range(1, DAYS + 1):
        chosen = _chosen(posts, seen, rng)
        _change(chosen, begin + timedelta(days=day - 1), rng)
        _store(archive, *_crawl(f"day-{day}", chosen, begin + timedelta(days=day)))


def _of_a_board(archive: Archive, reader: Reader) -> list[tuple[str, float, float]]:
    folder = archive.root / "current" / "posts"
    file = folder / "site=bench" / f"month={MONTH}" / "data.parquet"
    bare = _best(lambda: pq.ParquetFile(file).read())
    which = f"site = 'bench' AND month = '{MONTH}' AND board_id = '{BOARD}'"
    with duckdb.connect() as plain:
        glob = f"SELECT * FROM read_parquet('{folder}/*/*/*.parquet', hive_partitioning = true) WHERE {which}"  # noqa: S608
        in_duckdb = _best(lambda: plain.sql(glob).to_arrow_table())
    in_polars = _best(lambda: pl.scan_parquet(folder).filter(site="bench", month=MONTH, board_id=BOARD).collect())
    wanted = (pc.field("site") == "bench") & (pc.field("month") == MONTH) & (pc.field("board_id") == BOARD)
    in_pyarrow = _best(lambda: ds.dataset(folder, partitioning="hive").to_table(filter=wanted))
    in_view = _best(lambda: reader.posts().filter(which).to_arrow_table())
    return [
        ("board and month, DuckDB", in_duckdb, bare),
        ("board and month, Polars", in_polars, bare),
        ("board and month, pyarrow", in_pyarrow, bare),
        ("board and month, view posts", in_view, bare),
    ]


def _of_history(archive: Archive, reader: Reader) -> list[tuple[str, float, float]]:
    versions = archive.tables.files("post_versions")
    files = {name: ds.dataset(archive.tables.files(name)) for name in ("post_versions", "observations")}
    current = ds.dataset(archive.root / "current" / "posts", partitioning="hive")
    begin = START + timedelta(days=31 * MONTHS)
    # What the state is made of: every version, and of every sighting the instant and the counters.
    sightings = ["kind", "post_id", "observed_at", "score", "reactions"]

    def all_of_it() -> None:
        files["post_versions"].to_table()
        files["observations"].to_table(sightings)

    def of_the_month() -> None:
        ds.dataset([file for file in versions if f"month={MONTH}" in file]).to_table()
        files["post_versions"].to_table(["post_id", "version", "observed_at"])
        files["observations"].to_table(sightings)

    half = begin + timedelta(days=DAYS / 2)
    week = begin + timedelta(hours=1), begin + timedelta(days=DAYS)
    which = f"site = 'bench' AND month = '{MONTH}' AND board_id = '{BOARD}'"
    author = current.head(1, columns=["author_key"])["author_key"][0].as_py()
    narrow = _best(lambda: files["post_versions"].to_table(_OF_CHANGES))
    texts = _best(lambda: files["post_versions"].to_table())
    authors = _best(lambda: current.to_table())
    summary = f"author_key = '{author}'"
    return [
        ("as of, all posts", _best(lambda: reader.posts_asof(half).to_arrow_table()), _best(all_of_it)),
        (
            "as of, board and month",
            _best(lambda: reader.posts_asof(half).filter(which).to_arrow_table()),
            _best(of_the_month),
        ),
        (
            "changes of a week, counted",
            _best(lambda: reader.changes(*week).aggregate("board_id, change, count(*)").to_arrow_table()),
            narrow,
        ),
        ("changes of a week, with what changed", _best(lambda: reader.changes(*week).to_arrow_table()), texts),
        ("author over all months", _best(lambda: reader.posts().filter(summary).to_arrow_table()), authors),
        (
            "author, every version",
            _best(lambda: reader.sql(f"FROM post_versions WHERE {summary}").to_arrow_table()),
            authors,
        ),
        (
            "scores of a thread over time",
            _best(lambda: reader.sql("FROM post_counters WHERE thread_id = '9990'").to_arrow_table()),
            _best(lambda: files["observations"].to_table(sightings)),
        ),
    ]


def _best(step: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return min(times)


def main() -> None:
    """Prints each reading with its yardstick and the ratio of the two."""
    sys.stdout.write(f"{'':38}{'ms':>8}{'bare ms':>9}{'times':>8}\n")
    for name, seconds, bare in run():
        sys.stdout.write(f"{name:<38}{seconds * 1000:>8,.1f}{bare * 1000:>9,.1f}{seconds / bare:>8,.2f}\n")


if __name__ == "__main__":
    main()
