"""Reparse: landed pages read again and held against the archive (nothing differs), against the engine alone.

The pages are those of a real forum (MEDTHREADS_FIXTURES), or our own test pages; copies of them with other numbers make
a landing of 2,000 pages. The engine alone has its pages decoded in memory; a reparse reads them from the WARC, makes
rows of them, masked as for a commit, and compares those with the archive. One process; CPU seconds, best of three.
Run: python -m benchmarks.reparse
"""

import os
import re
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawler.engines import ENGINES, Page, parse
from crawler.landing import Landing
from crawler.receipt import Outcome, Receipt, StagedPage
from crawler.site import Site
from crawler.warc import Exchange
from medthreads import pipeline
from medthreads.landed_pages import LandedPages
from medthreads.reparsing import Reparsed, Scope, reparse
from storage.archive import Archive
from storage.batch import Batch
from storage.dedupe import dedupe

ROOT = Path(__file__).parent.parent
SITE = Site(name="bench", url="https://forum.example/", engine="xenforo2")
PAGES = 2_000
ROUNDS = 3
_THREAD = re.compile(rb"(/threads/[^\"'<>\s/]*?\.)(\d+)")
_POST = re.compile(rb"((?:post-|posts/|data-content=\"post-))(\d+)")


def sources() -> Iterator[tuple[str, bytes]]:
    """Addresses and bodies of thread pages."""
    shared = Path(os.environ.get("MEDTHREADS_FIXTURES", ROOT / ".." / "shared" / "fixtures")).resolve()
    packed = shared.parent / "sites" / "xenforo2-mirror.tar.xz"
    if packed.is_file():
        with tarfile.open(packed) as archive:
            for member in archive:
                name = member.name.partition("/threads/")[2]
                file = archive.extractfile(member) if name and member.isfile() else None
                if file is not None:
                    yield f"https://forum.example/threads/{name.removesuffix('index.html')}", file.read()
    else:
        for path in sorted((ROOT / "tests" / "engines" / "pages" / "xenforo2").glob("*")):
            yield f"https://forum.example/threads/{path.stem}.1/", path.read_bytes()


def copies(count: int) -> Iterator[tuple[str, bytes]]:
    """That many pages; the ids of each copy's threads and posts begin with a number of its own."""
    held = [(url, body) for url, body in sources() if parse(Page(url=url, body=body, site="bench"), "xenforo2").posts]
    for number in range(count):
        url, body = held[number % len(held)]
        mark = str(100 + number // len(held)).encode()
        numbered = _POST.sub(rb"\g<1>" + mark + rb"\g<2>", _THREAD.sub(rb"\g<1>" + mark + rb"\g<2>", body))
        yield _THREAD.sub(rb"\g<1>" + mark + rb"\g<2>", url.encode()).decode(), numbered


def committed(location: Path, count: int) -> tuple[Archive, Path]:
    """An archive with one landing of so many pages, and the landing."""
    archive = Archive.open(location, environ={})
    start = datetime(2026, 1, 1, tzinfo=UTC)
    folder = archive.landing_root / SITE.name / "bench"
    pipeline.keep_site(folder, SITE)
    landing = Landing.begin(folder)
    pages = 0
    for pages, (url, body) in enumerate(copies(count), 1):
        at = start + timedelta(seconds=pages)
        headers = [("Content-Type", "text/html; charset=utf-8")]
        landing.land(Exchange(url=url, request_headers=[], status=200, headers=headers, body=body, fetched_at=at))
        page = Page(
            url=url, body=body, site="bench", headers={"content-type": "text/html; charset=utf-8"}, fetched_at=at
        )
        landing.stage(StagedPage(url=url, fetched_at=at, parsed=parse(page, SITE.engine)))
    receipt = Receipt(
        site=SITE.name, crawl_id="bench", started_at=start, outcome=Outcome.COMPLETE, discovered=pages, parsed=pages
    )
    landing.write_receipt(receipt)
    landing.close()
    batch = Batch.of(landing.staged_pages(), receipt)
    archive.commit(dedupe(batch, archive.known(batch), archive.pseudonyms), receipt)
    return archive, folder


def run(count: int = PAGES) -> dict[str, float]:
    """The figures: CPU seconds of the engine alone, of reading the landing and of all, pages a second, the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        archive, landing = committed(Path(folder) / "archive", count)
        pages = list(LandedPages(landing, SITE).pages_to_read())
        engine = ENGINES[SITE.engine]

        def alone() -> int:
            return sum(len(engine.parse(page).posts) for page in pages)

        def whole() -> Reparsed:
            [done] = reparse(archive.location, Scope(), environ={})
            assert not done.differs, done.fields
            return done

        best = dict.fromkeys(("engine", "reading", "reparse"), float("inf"))
        for _ in range(ROUNDS):
            best["engine"] = min(best["engine"], _seconds(alone))
            best["reading"] = min(
                best["reading"], _seconds(lambda: sum(1 for _ in LandedPages(landing, SITE).pages_to_read()))
            )
            best["reparse"] = min(best["reparse"], _seconds(whole))
        return {
            "pages": len(pages),
            "posts": alone(),
            "engine alone, s": best["engine"],
            "reading the landing, s": best["reading"],
            "reparse, s": best["reparse"],
            "pages/s of the engine": len(pages) / best["engine"],
            "pages/s of a reparse": len(pages) / best["reparse"],
            "of the engine's speed": best["engine"] / best["reparse"],
        }


def _seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main() -> None:
    """Prints the figures."""
    for name, value in run().items():
        print(f"{name:24}{value:12,.2f}")


if __name__ == "__main__":
    main()
