"""Near-duplicates and quotes: fingerprints against datasketch, what is found of planted pairs, and a day on 1 M posts.

All texts are invented and seeded, 60 to 120 words each. Of the million posts of the index, those of the 22 older
months have fingerprints of random bits and no text: nothing looks at more of them than that. The 2 last months, which
a day's crawl touches, are 10,000 posts each with text and true fingerprints. Run: python -m benchmarks.near_duplicates
"""

import json
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasketch import MinHash, MinHashLSH
from rich.console import Console
from rich.table import Table

from benchmarks.planted_quotes import CASES, figures_of
from storage.files import Files, files_at
from storage.schema import arrow_schema
from summaries.minhash import (
    BAND_COLUMNS,
    BANDS,
    PERMUTATIONS,
    ROWS,
    fingerprints,
    shingles,
    similarity,
    words_of,
)
from summaries.near_duplicate_index import FOLDER, INDEX, STATE, Month, State
from summaries.repetition import refresh_repetition

SITE = "bench"
MONTHS = 24
POSTS = 1_000_000
NEW = 2_250
REAL_MONTHS = 2
A_REAL_MONTH = 10_000
ALIKE = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
_START = datetime(2023, 1, 1, tzinfo=UTC)


def texts(count: int, seed: int) -> list[str]:
    """Invented posts: some words are frequent, most are rare."""
    rng = random.Random(seed)
    drawn = (np.random.default_rng(seed).random(count * 120) ** 3 * 8_000).astype(int)
    words = [f"w{number}" for number in drawn.tolist()]
    made = []
    place = 0
    for _ in range(count):
        length = rng.randint(60, 120)
        made.append(" ".join(words[place : place + length]).capitalize() + ".")
        place += length
    return made


def speed(count: int = 20_000, of_peer: int = 3_000) -> dict[str, float]:
    """Documents a second from text to signature and bands: ours, and datasketch two ways, on the same words."""
    bodies = texts(count, 1)
    fingerprints(bodies[:1_000])
    start = time.perf_counter()
    fingerprints(bodies)
    figures = {"ours docs/s": count / (time.perf_counter() - start)}
    for name, at_once in (("update_batch", True), ("update", False)):
        sketched = of_peer if at_once else of_peer // 3
        lsh = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, ROWS))
        start = time.perf_counter()
        for number, body in enumerate(bodies[:sketched]):
            sketch = MinHash(num_perm=PERMUTATIONS, seed=1)
            encoded = [shingle.encode() for shingle in shingles(words_of(body))]
            if at_once:
                sketch.update_batch(encoded)
            else:
                for shingle in encoded:
                    sketch.update(shingle)
            lsh.insert(number, sketch)
        figures[f"datasketch {name} docs/s"] = sketched / (time.perf_counter() - start)
        figures[f"ratio to {name}"] = figures["ours docs/s"] / figures[f"datasketch {name} docs/s"]
    return figures


def planted(alike: float, pairs: int = 300, seed: int = 3) -> list[tuple[str, str, float]]:
    """Pairs of texts of about a similarity, with the true one."""
    rng = random.Random(seed + int(100 * alike))
    found = []
    for number, body in enumerate(texts(pairs, seed + int(1_000 * alike))):
        words = words_of(body)
        original = frozenset(shingles(words))
        places = rng.sample(range(len(words)), len(words))
        for place in places:
            before, words[place] = words[place], f"x{number}y{place}"
            if similarity(original, frozenset(shingles(words))) < alike - 0.005:
                words[place] = before
        found.append((body, " ".join(words), similarity(original, frozenset(shingles(words)))))
    return found


class Shelf:
    """Posts in memory as the views of an archive, and its folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.files = root, files_at(str(root))

    def refresh(self, posts: pa.Table) -> tuple[dict[str, int], float]:
        """Counts and seconds of one refresh."""
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.register("posts", posts)
            connection.register("threads", pa.Table.from_pylist([], arrow_schema("threads")))
            start = time.perf_counter()
            counts = refresh_repetition(self.files, self.root / "work", connection)
            return counts, time.perf_counter() - start


def found_of_planted() -> dict[float, tuple[float, float]]:
    """Per similarity: share of the pairs that are one cluster; and of the pairs found, those that are 0.8 alike."""
    shares = {}
    for alike in ALIKE:
        pairs = planted(alike)
        rows = [
            _post(f"{number}-{side}", body, _START + timedelta(minutes=2 * number + side), f"{number}{side}")
            for number, pair in enumerate(pairs)
            for side, body in enumerate(pair[:2])
        ]
        with tempfile.TemporaryDirectory() as folder:
            shelf = Shelf(Path(folder))
            shelf.refresh(pa.Table.from_pylist(rows, arrow_schema("posts")))
            path = f"summaries/near_duplicates/site={SITE}/data.parquet"
            clusters = shelf.files.parquet(path).read().to_pylist()
        joined = {
            (row["cluster_id"].split("/")[1].split("-")[0], row["post_id"].split("-")[0])
            for row in clusters
            if row["kind"] != "first"
        }
        right = sum(one == other and pairs[int(one)][2] >= 0.8 for one, other in joined)
        shares[alike] = (sum(one == other for one, other in joined) / len(pairs), right / max(1, len(joined)))
    return shares


def _post(post_id: str, body: str, at: datetime, thread: str) -> dict[str, Any]:
    known = {"site": SITE, "post_id": post_id, "thread_id": thread, "created_at": at, "month": f"{at:%Y-%m}"}
    return known | {"body_text": body, "status": "visible", "quotes": [], "content_hash": post_id + body[:20]}


def day(folder: Path) -> dict[str, float]:
    """Seconds of a day's increment of NEW posts on an index of POSTS, and of a refresh when nothing changed."""
    shelf = Shelf(folder)
    a_month = (POSTS - REAL_MONTHS * A_REAL_MONTH) // (MONTHS - REAL_MONTHS)
    months = [f"{2023 + number // 12}-{number % 12 + 1:02}" for number in range(MONTHS)]
    real = REAL_MONTHS * A_REAL_MONTH
    bodies = texts(real + NEW, 9)
    held = pa.Table.from_pylist(list(_posts(bodies, months[-REAL_MONTHS:])), arrow_schema("posts"))
    hashes = dict.fromkeys(months, "before")
    figures: dict[str, float] = {"posts": POSTS, "new": NEW}

    # What the refreshes of the days before left: the true months' files, and a state that names all of them.
    _publish(shelf.files, dict.fromkeys(months[-REAL_MONTHS:], "before"))
    counts, figures["fingerprinting s"] = shelf.refresh(held)
    figures["fingerprinted"] = counts["posts_fingerprinted"]
    sizes = {}
    for number, month in enumerate(months[: MONTHS - REAL_MONTHS]):
        sizes |= _random_index(shelf.files, month, a_month, number)
    state = json.loads(shelf.files.read(STATE))
    sources: dict[str, str | None] = {Month(SITE, month).key: "before" for month in months}
    shelf.files.write(STATE, State(sources, {"threads/t": "before"}, state["files"] | sizes).to_json())
    _publish(shelf.files, hashes)
    _, figures["nothing changed s"] = shelf.refresh(held)

    rng = random.Random(4)
    last = bodies[real:]
    for number in range(0, NEW, 20):  # each twentieth repeats a post of the last months, nearly
        words = bodies[rng.randrange(real)].split()
        words[rng.randrange(len(words))] = "otherwise"
        last[number] = " ".join(words)
    at = datetime(2024, 12, 31, tzinfo=UTC)
    new = [_post(f"new{number}", body, at, f"t{number % 500}") for number, body in enumerate(last)]
    _publish(shelf.files, hashes | dict.fromkeys(months[-REAL_MONTHS:], "after"))
    counts, figures["day s"] = shelf.refresh(pa.concat_tables([held, pa.Table.from_pylist(new, held.schema)]))
    figures["near-duplicates found"] = counts["near_duplicates"] / 2
    figures["near-duplicates planted"] = len(range(0, NEW, 20))
    figures["index megabytes"] = sum(entry.bytes for entry in shelf.files.list(FOLDER)) / 1e6
    return figures


def _posts(bodies: list[str], months: list[str]) -> Iterator[dict[str, Any]]:
    for place, month in enumerate(months):
        begin = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        for number in range(A_REAL_MONTH):
            ordinal = place * A_REAL_MONTH + number
            at = begin + timedelta(minutes=number % 40_000)
            # The threads that the day adds to have 20 posts; the others are not looked at, and have one.
            yield _post(f"p{ordinal}", bodies[ordinal], at, f"t{ordinal // 20 if ordinal < 10_000 else ordinal}")


def _random_index(files: Files, month: str, count: int, seed: int) -> dict[str, int]:
    """A month's file of the index out of random bits; its size by path."""
    rng = np.random.default_rng(seed)
    begin = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    columns: dict[str, Any] = {
        "post_id": [f"r{seed}-{number}" for number in range(count)],
        "thread_id": [f"rt{seed}-{number // 20}" for number in range(count)],
        "created_at": [begin + timedelta(minutes=number % 40_000) for number in range(count)],
        "is_opening": [number % 20 == 0 for number in range(count)],
        "content": rng.integers(0, 2**63, count, dtype=np.uint64),
        "words": rng.integers(12, 200, count, dtype=np.int32),
        "text_key": rng.integers(-(2**63), 2**63 - 1, count, dtype=np.int64),
    }
    columns |= {name: rng.integers(0, 2**32, count, dtype=np.uint32) for name in BAND_COLUMNS}
    path = Month(SITE, month).path
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=INDEX), buffer, compression="zstd", compression_level=1)
    content = buffer.getvalue().to_pybytes()
    files.write(path, content)
    return {path: len(content)}


def _publish(files: Files, hashes: dict[str, str]) -> None:
    """A manifest of `current/` that says which months are other ones now."""
    entries = {f"posts/site={SITE}/month={month}/data.parquet": {"sha256": value} for month, value in hashes.items()}
    entries["threads/t"] = {"sha256": "before"}
    files.write("current/manifest.json", json.dumps({"files": entries}).encode())


def main() -> None:
    """Prints the figures as tables."""
    console = Console()
    table = Table(title=f"From text to {PERMUTATIONS} permutations and {BANDS} x {ROWS} bands")
    for heading in ("", "docs/s", "ours is"):
        table.add_column(heading, justify="right" if heading else "left")
    rates = speed()
    table.add_row("ours", f"{rates['ours docs/s']:,.0f}", "")
    for name in ("update_batch", "update"):
        table.add_row(
            f"datasketch, {name}", f"{rates[f'datasketch {name} docs/s']:,.0f}", f"{rates[f'ratio to {name}']:.1f} x"
        )
    console.print(table)

    table = Table(title="Planted pairs: 300 of each similarity (a cluster is from 0.8)")
    for heading in ("similarity", "found", "precision"):
        table.add_column(heading, justify="right")
    for alike, (share, precision) in found_of_planted().items():
        table.add_row(f"{alike:.2f}", f"{share:.3f}", f"{precision:.3f}")
    console.print(table)

    table = Table(title="Planted quotes that no site declares")
    for heading in ("case", "quotes", "found", "recall", "precision"):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    for name in (*CASES, "all"):
        of_case = figures_of(name)
        table.add_row(
            name,
            f"{of_case.planted:,}",
            f"{of_case.found:,}",
            f"{of_case.recall:.3f}" if of_case.planted else "",
            f"{of_case.precision:.3f}" if of_case.found else "",
        )
    console.print(table)

    with tempfile.TemporaryDirectory() as folder:
        figures = day(Path(folder))
    table = Table(title=f"A day of {NEW:,} new posts on an index of {POSTS:,}")
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.2f}" if value % 1 else f"{value:,.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
