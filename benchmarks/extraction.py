"""Extraction, bytes to records, engine by engine: against a bare parser of the same pages, and against forum-dl.

One core, one process; of each measure the best of several rounds, in CPU time, ours and the bare parser's taken in turn
so that a slow moment of the machine strikes both. The pages are the real ones (MEDTHREADS_FIXTURES); for engines that
they lack, and without them, our own test pages. JSON answers are measured against decoding the JSON.

forum-dl 0.3.0 needs pydantic 1: it runs in an environment of its own, `.bench/forum-dl`, made at the first run.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser

from crawler.engines import ENGINES, Page
from crawler.records import PageKind, ParsedPage, Post

ROOT = Path(__file__).parent.parent
WITH_CONTENT = frozenset({PageKind.THREAD, PageKind.BOARD, PageKind.INDEX, PageKind.FEED})
OWN_PAGES = ROOT / "tests" / "engines" / "pages"
PEER = ROOT / ".bench" / "forum-dl"
PEER_NEEDS = ("forum-dl==0.3.0", "pydantic<2")
ROUNDS = 7
FOLDERS = {
    "discourse": ("discourse-html", "discourse-json"),
    "feed": ("xenforo2-rss", "reddit-rss"),
    "generic": ("schema-org",),
    "reddit": ("derived",),
}
"""Where an engine's real pages are in folders of other names."""
FIELDS: dict[str, Callable[[Post], object]] = {
    "author": lambda post: post.author,
    "author id": lambda post: post.author_id,
    "instant": lambda post: post.created_at,
    "date": lambda post: post.created_text or post.created_at,
    "number": lambda post: post.position,
    "edited": lambda post: post.edited,
    "edit time": lambda post: post.edited_at,
    "quotes": lambda post: post.quotes,
    "targets": lambda post: any(quote.post_id for quote in post.quotes),
    "reactions": lambda post: post.reactions is not None or post.score is not None,
    "files": lambda post: post.attachments,
    "own text": lambda post: post.body_text,
}


class Sample(Struct):
    """An engine's pages of one form (HTML, or JSON), with where they are."""

    engine: str
    form: str
    pages: list[tuple[Path, Page]]


def samples() -> list[Sample]:
    """All engines' pages that can be read, in order of the engines' names."""
    shared = Path(os.environ.get("MEDTHREADS_FIXTURES", ROOT / ".." / "shared" / "fixtures")).resolve()
    found = []
    for engine in sorted(ENGINES):
        folders = [shared / name for name in FOLDERS.get(engine, (engine,))]
        paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()) if path.is_file()]
        paths = paths or sorted((OWN_PAGES / engine).glob("*"))
        forms: dict[str, list[tuple[Path, Page]]] = {}
        for path in paths:
            page = Page(url=f"https://forum.example/threads/{path.stem}.1/", body=path.read_bytes(), site="bench")
            if ENGINES[engine].parse(page).page_kind in {
                PageKind.THREAD,
                PageKind.BOARD,
                PageKind.INDEX,
                PageKind.FEED,
            }:
                form = "JSON" if page.body.lstrip()[:1] in {b"{", b"["} else "HTML"
                forms.setdefault(form, []).append((path, page))
        found += [Sample(engine, form, pages) for form, pages in forms.items()]
    return found


def seconds(work: Callable[[Page], object], pages: Iterable[Page]) -> float:
    """CPU seconds that one round takes."""
    start = time.process_time()
    for page in pages:
        work(page)
    return time.process_time() - start


def in_turn(sample: Sample) -> tuple[float, float]:
    """Best CPU seconds of a round: ours, and the bare parser's."""
    ours, bare = ENGINES[sample.engine].parse, _bare_json if sample.form == "JSON" else _bare_html
    pages = [page for _, page in sample.pages]
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        best = [min(best[0], seconds(ours, pages)), min(best[1], seconds(bare, pages))]
    return best[0], best[1]


def _bare_html(page: Page) -> object:
    return LexborHTMLParser(page.body)


def _bare_json(page: Page) -> object:
    return msgspec.json.decode(page.body)


def speeds(all_samples: list[Sample]) -> list[str]:
    """A row per engine and form, and per kind of page where there are several."""
    lines = [
        f"{'engine':10} {'form':5} {'pages':>5} {'kB':>5} {'pages/s':>8} {'posts/s':>9} {'rows/s':>9} {'x bare':>7}"
    ]
    for sample in all_samples:
        parsed = [ENGINES[sample.engine].parse(page) for _, page in sample.pages]
        posts = sum(len(page.posts) for page in parsed)
        rows = sum(len(page.threads) + len(page.boards) for page in parsed if not page.posts)
        ours, bare = in_turn(sample)
        size = sum(len(page.body) for _, page in sample.pages) / len(sample.pages) / 1000
        lines.append(
            f"{sample.engine:10} {sample.form:5} {len(sample.pages):5} {size:5.0f} {len(sample.pages) / ours:8.0f} "
            f"{posts / ours:9.0f} {rows / ours:9.0f} {bare / ours:7.2f}"
        )
    return lines


# -- forum-dl -----------------------------------------------------------------------------------------------------


def peer_python() -> Path | None:
    """The interpreter of forum-dl's environment, made where it is missing; None where it cannot be."""
    python = PEER / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER)], check=True)
    installed = subprocess.run([python, "-m", "pip", "install", "-q", *PEER_NEEDS], check=False, capture_output=True)
    return python if installed.returncode == 0 else None


def against_forum_dl(all_samples: list[Sample]) -> list[str]:
    """Speed and fields against forum-dl, on thread pages of the engines that it has."""
    python = peer_python()
    if python is None:
        return [f"forum-dl was not measured: {' '.join(PEER_NEEDS)} could not be installed into {PEER}."]
    threads = {sample.engine: threads_of(sample) for sample in all_samples if sample.form == "HTML"}
    order = {
        "rounds": 3,
        "pages": {
            engine: [[page.url, str(path)] for path, page in pages] for engine, pages in threads.items() if pages
        },
    }
    script = Path(__file__).with_name("forum_dl_peer.py")
    done = subprocess.run([python, script], input=json.dumps(order), check=True, capture_output=True, text=True)
    lines = ["engine     pages  x faster  posts: ours  theirs  instants: ours  theirs"]
    for engine, found in json.loads(done.stdout).items():
        pages = [page for _, page in threads[engine]]
        ours = min(seconds(ENGINES[engine].parse, pages) for _ in range(ROUNDS))
        own = [post for page in pages for post in ENGINES[engine].parse(page).posts]
        theirs = [post for page in found["pages"].values() for post in page["posts"]]
        dated = sum(1 for post in theirs if post["created"] and ("+" in post["created"] or "Z" in post["created"]))
        lines.append(
            f"{engine:10} {len(pages):5} {found['seconds'] / ours:9.1f} {len(own):12} {len(theirs):7} "
            f"{sum(1 for post in own if post.created_at):15} {dated:7}"
        )
    return lines


def threads_of(sample: Sample) -> list[tuple[Path, Page]]:
    """The thread pages among a sample's pages."""
    parse = ENGINES[sample.engine].parse
    return [(path, page) for path, page in sample.pages if parse(page).page_kind is PageKind.THREAD]


# -- fields -------------------------------------------------------------------------------------------------------


def fields(all_samples: list[Sample]) -> list[str]:
    """Of how many posts each field was recovered, engine by engine: what a page does not show cannot be."""
    lines = [f"{'engine':10} {'posts':>6} " + " ".join(f"{name:>9}" for name in FIELDS)]
    by_engine: dict[str, list[ParsedPage]] = {}
    for sample in all_samples:
        by_engine.setdefault(sample.engine, []).extend(ENGINES[sample.engine].parse(page) for _, page in sample.pages)
    for engine, parsed in by_engine.items():
        posts = [post for page in parsed for post in page.posts]
        if posts:
            counts = (sum(1 for post in posts if has(post)) for has in FIELDS.values())
            lines.append(f"{engine:10} {len(posts):6} " + " ".join(f"{count:9}" for count in counts))
    return lines


def main() -> None:
    """Prints the tables."""
    all_samples = samples()
    print("Bytes to records on one core; `x bare`: as many times the bare parser's speed")
    print("\n".join(speeds(all_samples)))
    print("\nAgainst forum-dl 0.3.0 on the same thread pages (an instant is a date with its zone)")
    print("\n".join(against_forum_dl(all_samples)))
    print("\nPosts for which each field was recovered")
    print("\n".join(fields(all_samples)))


if __name__ == "__main__":
    main()
