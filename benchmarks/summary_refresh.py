"""Refreshing the summaries: all of 2,000 threads, then 1 % of them changed, then nothing changed.

The posts are invented, seeded, and of the size of real ones (about 10 posts a thread, 60 words a post); they lie in
hive-partitioned Parquet as `current/` does. Run: python benchmarks/summary_refresh.py
(not named after the package `summaries`, which a script of that name would hide).
"""

import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from storage.files import files_at
from storage.publish import FOLDER, Entry, Partition, manifest_of, sha256_of, write_parquet
from storage.schema import PUBLISHED
from storage.views import MANIFEST
from summaries.refresh import refresh

THREADS = 2_000
CHANGED = 0.01
BOARDS = 8
_TEXT = """
stent valve ablation echo rhythm pressure dose tablet ward clinic nurse surgeon scan report pain breath sleep exercise
diet salt week month yesterday morning better worse same doctor told asked waited changed stopped started felt the a my
of and to in was is it with for on after before not
"""
_WORDS = _TEXT.split()


class Shelf:
    """An archive's published folder and views, without the tables behind them."""

    def __init__(self, root: Path) -> None:
        self.location, self.work = str(root), root
        self.files = files_at(str(root))
        self._entries: dict[str, Entry] = {}

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection with the views that a refresh reads."""
        connection = duckdb.connect()
        for name in ("posts", "threads"):
            files = f"{self.location}/current/{name}/*/*/*.parquet"
            connection.execute(
                f"CREATE VIEW {name} AS FROM read_parquet('{files}', hive_partitioning = true, hive_types_autocast = 0)"
            )
        return connection

    def write(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Replaces one published table, and names its files in the manifest."""
        table = PUBLISHED[name][0]
        schema = pa.schema([field for field in table.schema if field.name not in table.partition_by])
        for month in sorted({row["month"] for row in rows}):
            partition = Partition(name, "bench", month)
            of_month = [row for row in rows if row["month"] == month]
            path = self.work / FOLDER / partition.path
            path.parent.mkdir(parents=True, exist_ok=True)
            write_parquet(pa.Table.from_pylist(of_month, schema), table, path)
            self._entries[partition.path] = Entry(len(of_month), path.stat().st_size, sha256_of(path))
        self.files.write(f"{FOLDER}/{MANIFEST}", manifest_of({"bench": 1}, self._entries))


def invent(threads: int = THREADS, seed: int = 1) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Posts and threads of one site over two years."""
    chance = random.Random(seed)
    posts: list[dict[str, Any]] = []
    heads: list[dict[str, Any]] = []
    for number in range(threads):
        instant = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(2 * 365 * 1440))
        known = {"site": "bench", "board_id": f"b{number % BOARDS}", "thread_id": f"{number}", "status": "visible"}
        heads.append(known | {"title": _sentence(chance), "month": f"{instant:%Y-%m}", "created_at": instant})
        for place in range(1 + min(int(chance.expovariate(1 / 9)), 200)):
            text = " ".join(_sentence(chance) for _ in range(chance.randint(1, 9)))
            posts.append(
                known
                | {"post_id": f"{number}-{place}", "position": place + 1, "is_opening": place == 0}
                | {"author_key": f"a{chance.randrange(3_000)}", "created_at": instant, "month": f"{instant:%Y-%m}"}
                | {"body_text": text, "content_hash": f"{chance.getrandbits(128):032x}", "reactions": place % 4}
            )
            instant += timedelta(minutes=chance.expovariate(1 / 600))
    return posts, heads


def _sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randint(5, 18))).capitalize() + chance.choice("...?")


def run(threads: int = THREADS) -> dict[str, float]:
    """Seconds of each refresh, ratios to the full one, and what was recomputed."""
    posts, heads = invent(threads)
    with tempfile.TemporaryDirectory() as folder:
        shelf = Shelf(Path(folder))
        shelf.write("posts", posts)
        shelf.write("threads", heads)
        figures: dict[str, float] = {"threads": len(heads), "posts": len(posts)}
        figures["full_s"], _ = _timed(shelf)
        figures["unchanged_s"], counts = _timed(shelf)
        figures["unchanged_files"] = counts["files_written"]
        # A reply to each hundredth thread, on the last day: what a daily crawl brings.
        last = max(post["created_at"] for post in posts)
        step = round(1 / CHANGED)
        replied = [post for post in posts if post["is_opening"] and int(post["thread_id"]) % step == 0]
        replies = [
            post
            | {"post_id": f"{post['thread_id']}-late", "is_opening": False, "position": 999}
            | {"created_at": last, "month": f"{last:%Y-%m}", "content_hash": f"late {post['thread_id']}"}
            for post in replied
        ]
        shelf.write("posts", posts + replies)
        figures["changed_s"], counts = _timed(shelf)
        figures["digests_recomputed"] = counts["digests"]
        figures["boards_recomputed"] = counts["activity_boards"]
    figures["changed_ratio"] = figures["changed_s"] / figures["full_s"]
    figures["unchanged_ratio"] = figures["unchanged_s"] / figures["full_s"]
    return figures


def _timed(shelf: Shelf) -> tuple[float, dict[str, int]]:
    start = time.perf_counter()
    counts = refresh(shelf, environ={})
    return time.perf_counter() - start, counts


def main() -> None:
    """Prints the figures as a table."""
    figures = run()
    table = Table(title=f"Summaries of {figures['threads']:,.0f} threads, {figures['posts']:,.0f} posts")
    for heading in ("refresh", "seconds", "of a full one", "recomputed"):
        table.add_column(heading, justify="left" if heading in {"refresh", "recomputed"} else "right")
    table.add_row("full", f"{figures['full_s']:.2f}", "1", "all")
    recomputed = f"{figures['digests_recomputed']:.0f} digests, {figures['boards_recomputed']:.0f} boards"
    table.add_row("1 % changed", f"{figures['changed_s']:.2f}", f"{figures['changed_ratio']:.3f}", recomputed)
    table.add_row("nothing changed", f"{figures['unchanged_s']:.2f}", f"{figures['unchanged_ratio']:.3f}", "nothing")
    Console().print(table)


if __name__ == "__main__":
    main()
