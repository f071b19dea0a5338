"""An archive with everything in it: landings with WARC files, two sites, publish, summaries, a release, an erasure."""

from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import msgspec
from ward_forum import Crawl, Forum, on_day

from crawler.site import Site
from crawler.warc import Exchange, WarcWriter
from medthreads import pipeline
from storage.archive import Archive
from storage.erasure import erase
from storage.erasure_scope import Subject
from storage.release import make_release
from storage.sealing import seal
from summaries.refresh import refresh

SITES = ("north", "south")
AT_ONCE = timedelta(0)


def land(location: Path, crawl: Crawl, name: str) -> Path:
    """The crawl as a landing of the archive, with a WARC file."""
    folder = location / "landing" / name / crawl.receipt.crawl_id
    pipeline.keep_site(folder, Site(name=name, url=f"https://{name}.example/", engine="xenforo2"))
    warc = WarcWriter(folder / "pages-00000.warc.gz")
    for page in crawl.pages:
        body = msgspec.json.encode(page.parsed)
        warc.write(
            Exchange(url=page.url, request_headers=[], status=200, headers=[], body=body, fetched_at=page.fetched_at)
        )
    warc.close()
    (folder / "pages.jsonl").write_bytes(b"".join(msgspec.json.encode(page) + b"\n" for page in crawl.pages))
    (folder / "receipt.json").write_bytes(msgspec.json.encode(crawl.receipt))
    return folder


def make_whole_archive(location: Path) -> Archive:
    """Four commits of two sites, and all that can be made of them."""
    for number, name in enumerate(SITES):
        forum = Forum.with_threads(site=name)
        pipeline.store(str(location), land(location, forum.crawl("c1", on_day(0)), name))
        forum.posts["1002"].body_text = f"Edited, for the {number}th time."
        forum.open_thread("5", "ir", replies=2)
        pipeline.store(str(location), land(location, forum.crawl("c2", on_day(1)), name))
    archive = Archive.open(location)
    refresh(archive)
    make_release(archive)
    erase(archive, Subject("south", "post", "2003"), lambda _folder: nullcontext())
    seal(archive, young=AT_ONCE)
    return archive
