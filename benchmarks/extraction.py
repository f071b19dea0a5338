"""Extraction of XenForo 2 pages, bytes to records, against two bare parsers of the same pages.

One core, one process; of each measure the best of several rounds, in CPU time, the three taken in turn so that a slow
moment of the machine strikes all alike. The pages are the real ones (MEDTHREADS_FIXTURES); without them, own pages.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from bs4 import BeautifulSoup
from selectolax.lexbor import LexborHTMLParser

from crawler.engines.page import Page
from crawler.engines.xenforo2 import XenForo2
from crawler.records import PageKind

ROOT = Path(__file__).parent.parent
ROUNDS = 7
SOUP_ROUNDS = 2


def pages() -> list[Page]:
    """The pages to measure on, as of a live site."""
    shared = Path(os.environ.get("MEDTHREADS_FIXTURES", ROOT / ".." / "shared" / "fixtures")) / "xenforo2"
    folder = shared if shared.is_dir() else ROOT / "tests" / "engines" / "pages" / "xenforo2"
    return [
        Page(url=f"https://forum.example/threads/{path.stem}.1/index.html", body=path.read_bytes(), site="bench")
        for path in sorted(folder.glob("*.html"))
    ]


def seconds(work: Callable[[Page], object], of: list[Page]) -> float:
    """CPU seconds that one round takes."""
    start = time.process_time()
    for page in of:
        work(page)
    return time.process_time() - start


def measure(name: str, of: list[Page]) -> list[str]:
    """A row of the table: how fast we are, and how much faster than the bare parsers."""
    engine = XenForo2()
    parsed = [engine.parse(page) for page in of]
    posts, rows = sum(len(page.posts) for page in parsed), sum(len(page.threads) for page in parsed)
    works: dict[str, Callable[[Page], object]] = {
        "ours": engine.parse,
        "selectolax": lambda page: LexborHTMLParser(page.body),
        "soup (lxml)": lambda page: BeautifulSoup(page.body, "lxml"),
        "soup (html.parser)": lambda page: BeautifulSoup(page.body, "html.parser"),
    }
    best = dict.fromkeys(works, float("inf"))
    for turn in range(ROUNDS):
        for label, work in works.items():
            if turn < SOUP_ROUNDS or not label.startswith("soup"):
                best[label] = min(best[label], seconds(work, of))
    ours = best["ours"]
    size = sum(len(page.body) for page in of) / len(of) / 1000
    rates = f"{len(of) / ours:6.0f} pages/s, {posts / ours:7.0f} posts/s, {rows / ours:7.0f} rows/s"
    lines = [f"{name:8} {len(of):3} pages of {size:4.0f} kB: {rates}"]
    lines += [
        f"{'':8} {best[label] / ours:6.2f} x bare {label}: {len(of) / best[label]:6.0f} pages/s"
        for label in works
        if label != "ours"
    ]
    return lines


def run() -> list[str]:
    """The table, line by line."""
    engine = XenForo2()
    threads, lists = [], []
    for page in pages():
        kind = engine.parse(page).page_kind
        if kind is PageKind.THREAD:
            threads.append(page)
        elif kind in {PageKind.BOARD, PageKind.INDEX}:
            lists.append(page)
    return [*measure("threads", threads), *measure("lists", lists), *measure("all", [*threads, *lists])]


def main() -> None:
    """Prints the table."""
    print("XenForo 2, bytes to records, one core")
    for line in run():
        print(line)


if __name__ == "__main__":
    main()
