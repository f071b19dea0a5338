"""Imported records on their way into landings: one for each site that a file is of.

A landing is made aside and put in its place when it is whole, so that a big file keeps nobody waiting meanwhile, and
an import that fails leaves nothing.
"""

import shutil
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from crawler.documents.pieces import Piece, Skipped
from crawler.landing import Landing, storage_error
from crawler.receipt import Outcome, Receipt, StagedPage
from crawler.records import PageKind
from crawler.site import Expectation, Site
from medthreads import pipeline
from storage.archive import Archive

SKIPPED = "skipped.jsonl"
"""In the landing: entries of the file that gave no record, each with its place and the reason."""


class Stored(Struct, kw_only=True):
    """What a commit made of a landing's posts."""

    new: int
    edited: int
    seen: int


class SiteLanding:
    """What one file holds of one site."""

    def __init__(self, archive: Archive, site: Site, crawl_id: str) -> None:
        """Opens a landing aside, unless the same file was committed before: then everything is only counted."""
        self.site = site.name
        self.posts = 0
        self.skipped: Counter[str] = Counter()
        self.thread_ids: set[str] = set()
        self._archive = archive
        self._place = archive.landing_root / site.name / crawl_id
        self._engine: str | None = None
        self._started_at: datetime | None = None
        self._entries = 0
        self._page_kinds: Counter[str] = Counter()
        self._landing: Landing | None = None
        if not archive.is_committed(crawl_id, site.name):
            # The site's minimums are for whole crawls of it, not for what somebody has saved.
            aside = self._place.with_name(f".{crawl_id}-{uuid.uuid4().hex[:12]}")
            pipeline.keep_site(aside, site.model_copy(update={"expect": Expectation()}))
            self._landing = Landing.begin(aside)

    @property
    def kept(self) -> str:
        """Where skipped entries are, once the landing is in its place."""
        return self._archive.landings.told(self._place, SKIPPED)

    def add(self, told: Piece | Skipped) -> None:
        """Stages the records of a piece; keeps an entry that gave none."""
        if isinstance(told, Piece):
            self._stage(told)
        else:
            self._skip(told)

    def _stage(self, piece: Piece) -> None:
        parsed = piece.parsed
        self.posts += len(parsed.posts)
        self.thread_ids.update(post.thread_id for post in parsed.posts)
        if parsed.page_kind is PageKind.THREAD:
            self.thread_ids.update(thread.thread_id for thread in parsed.threads)
        if piece.entries:
            self._entries += piece.entries
            self._started_at = min(self._started_at or piece.observed_at, piece.observed_at)
        self._page_kinds[parsed.page_kind.value] += 1
        self._engine = self._engine or parsed.engine
        if self._landing is not None:
            self._landing.stage(StagedPage(url=piece.url, fetched_at=piece.observed_at, parsed=parsed))

    def _skip(self, skipped: Skipped) -> None:
        self.skipped[skipped.reason] += 1
        if self._landing is None:
            return
        kept = {"place": skipped.place, "reason": skipped.reason, "content": skipped.content}
        path = self._landing.folder / SKIPPED
        try:
            with path.open("ab") as file:
                file.write(msgspec.json.encode(kept) + b"\n")
        except OSError as error:
            raise storage_error(path, error) from error

    def close(self, size: int) -> None:
        """Writes the receipt; `size` is what the records took in the file, in bytes."""
        if self._landing is None:
            return
        now = datetime.now(UTC)
        self._landing.write_receipt(
            Receipt(
                site=self.site,
                crawl_id=self._place.name,
                engine=self._engine,
                started_at=self._started_at or now,
                finished_at=now,
                outcome=Outcome.COMPLETE,
                discovered=self._entries + self.skipped.total(),
                parsed=self._entries,
                quarantined=self.skipped.total(),
                page_kinds=dict(self._page_kinds),
                reasons=dict(self.skipped.most_common(100)),
                threads_opened=len(self.thread_ids),
                posts=self.posts,
                bytes=size,
            )
        )
        self._landing.close()

    def store(self) -> Stored:
        """Puts the landing in its place and commits it, unless the same one has been: then nothing changes."""
        crawl_id = self._place.name
        with pipeline.commit_lock(self._archive, self.site):
            before = self._archive.snapshot_of(self.site, crawl_id)
            if before is None and self._landing is not None:
                _put(self._landing.folder, self._place)
        if before is not None:
            return Stored(new=0, edited=0, seen=before.counts["seen"])
        counts = pipeline.store(self._archive.location, self._place).counts
        return Stored(new=counts["new"], edited=counts["edited"], seen=counts["seen"])

    def discard(self) -> None:
        """Removes what stands aside; what was put in its place stays."""
        if self._landing is not None:
            self._landing.close()
            shutil.rmtree(self._landing.folder, ignore_errors=True)


def _put(aside: Path, place: Path) -> None:
    try:
        if place.exists():  # left by an import that was ended before its commit
            shutil.rmtree(place)
        aside.rename(place)
    except OSError as error:
        raise storage_error(place, error) from error
