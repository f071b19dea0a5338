"""Reparse: landed pages through the engines of today, what differs from the archive, and its commit.

No site is asked for anything. Landings are read newest first, one page at a time; memory grows with the records of the
largest landing, as it does when that is committed.
"""

import gc
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field, structs

from crawler.errors import CheckFailedError, UsageError
from crawler.landing import RECEIPT, Landing
from crawler.receipt import REPARSE_PREFIX, Outcome, Receipt
from crawler.site import Site
from medthreads import pipeline
from medthreads.landed_pages import LandedPages
from storage.archive import Archive, Snapshot
from storage.batch import Batch
from storage.erased_landings import leave_out
from storage.publish import publish
from storage.reparse import Rereading, reparse_id
from storage.row_making import row_making
from summaries.refresh import refresh

logger = logging.getLogger("medthreads")

_SHOWN = 10
"""Pages that gave records before and give none today that the account names."""


class Scope(Struct, kw_only=True, frozen=True):
    """Which landings are read again."""

    site: str | None = None
    since: datetime | None = None
    """Only landings begun at or after this instant (aware, UTC)."""
    until: datetime | None = None
    """Only landings begun before this instant."""
    crawl_id: str | None = None

    def holds(self, receipt: Receipt) -> bool:
        """Whether a landing is one of these."""
        if self.crawl_id is not None and receipt.crawl_id != self.crawl_id:
            return False
        is_early = self.since is not None and receipt.started_at < self.since
        return not is_early and (self.until is None or receipt.started_at < self.until)


class Field(Struct, kw_only=True):
    """How many records differ in one field."""

    engine: str
    """Engine, and version of the site's software as far as the pages tell it."""
    kind: str
    """post or thread."""
    field: str
    records: int
    gained: int
    lost: int
    changed: int
    examples: list[str]
    values: list[tuple[Any, Any]] | None = None
    """Before and now of each example; only where asked for."""


class Lost(Struct, kw_only=True):
    """A page that gave records when it came, and gives none today."""

    url: str
    records: int
    reason: str
    landing: str


class Reparsed(Struct, kw_only=True):
    """What reading one site's landings again came to."""

    site: str
    landings: int = 0
    without_pages: int = 0
    """Committed landings that hold no page to read: imports of documents, and those that are landed no more."""
    pages: int = 0
    usable: int = 0
    unchanged: int = 0
    """Pages of which the engine reads what it read when they came, and rows are made as they were: not looked up."""
    damaged: int = 0
    """Pages that no WARC file gives any more."""
    engines: dict[str, int] = field(default_factory=dict)
    """Pages by engine and version."""
    lost_pages: int = 0
    lost: list[Lost] = field(default_factory=list)
    """The first few of these."""
    missing_posts: int = 0
    """Posts that a page gave when it came, and does not today, lost pages apart; the archive keeps them."""
    missing: list[str] = field(default_factory=list)
    """Ids of the first few."""
    posts: int = 0
    new_posts: int = 0
    new_threads: int = 0
    fields: list[Field] = field(default_factory=list)
    snapshot: int | None = None
    """The snapshot that the commit made; None where nothing was committed."""
    committed: dict[str, int] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        """Whether a commit would add anything."""
        return bool(self.fields or self.new_posts or self.new_threads)


def landing_folder(archive: Archive, site: str, crawl_id: str) -> Path | None:
    """The landing of a committed crawl, fetched where the archive is on S3; None where there is none."""
    folder = archive.landings.folder(site, crawl_id)
    return folder if (folder / RECEIPT).exists() else None


def reparse(
    location: str,
    scope: Scope,
    *,
    commit: bool = False,
    force: bool = False,
    show: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Reparsed]:
    """Reads landed pages again, site by site, and commits what differs where `commit` is set.

    Args:
        force: commit although pages give nothing today that gave records before.
        show: give the values of the examples, too; these are texts of posts.

    Raises:
        UsageError: the archive holds no such site or landing.
        CheckFailedError: such pages are there, and `force` is not set; nothing of the site is committed.
    """
    archive = Archive.open(location, create=False, environ=environ)
    sites = sorted({each.site for each in archive.committed()})
    if scope.site is not None and scope.site not in sites:
        raise UsageError(f"The archive holds no site {scope.site!r}; it holds {', '.join(sites) or 'none yet'}.")
    found = False
    for site in [scope.site] if scope.site else sites:
        run = _Run(archive, site, scope)
        if not run.landings:
            continue
        found = True
        reading = Rereading(archive, site)
        with _seldom_collecting():
            done = run.read(reading)
        done.fields = _fields(reading, show=show)
        if commit and reading.is_empty:
            logger.info("%s: all is as the archive says it; nothing to commit.", site)
            _show(archive, site)  # a run that was killed after its commit may have left that
        elif commit:
            _refuse_losses(done, force=force)
            _commit(archive, reading, done, run.started_at)
        yield done
    if not found:
        raise UsageError("No committed landing with pages is among these; `medthreads snapshots` lists the crawls.")


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Records are many, live long and form no circles: to look for those costs a quarter of the whole time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Run:
    """One site's landings, newest first."""

    def __init__(self, archive: Archive, site: str, scope: Scope) -> None:
        self.archive, self.site = archive, site
        self.started_at = datetime.now(UTC)
        self.landings: list[tuple[Receipt, Path]] = []
        self.without_pages = 0
        committed = archive.committed(site)
        last = max((one.snapshot for one in committed if one.crawl_id.startswith(REPARSE_PREFIX)), default=0)
        self.reparsed = {one.crawl_id for one in committed if one.snapshot < last}
        """Crawls after which a reparse was committed: the archive says what that read, not what the crawl did."""
        for crawl in committed:
            folder = landing_folder(archive, site, crawl.crawl_id)
            landing = Landing(folder) if folder else None
            if landing is None or not landing.warc_paths():
                self.without_pages += 1
            elif scope.holds(receipt := landing.receipt()):
                self.landings.append((receipt, landing.folder))
        self.row_making = archive.row_making(site)
        self.landings.sort(key=lambda entry: entry[0].started_at, reverse=True)

    def read(self, reading: Rereading) -> Reparsed:
        """Reads all of them."""
        done = Reparsed(site=self.site, landings=len(self.landings), without_pages=self.without_pages)
        engines: Counter[str] = Counter()
        for receipt, folder in self.landings:
            # What was erased must not come back.
            leave_out(self.archive.files, self.archive.pseudonyms, folder)
            site = Site.model_validate_json((folder / pipeline.SITE).read_bytes())
            pages = LandedPages(
                folder,
                site,
                receipt.engine if receipt.is_of_backfill else None,
                compares_all=self.row_making.get(receipt.crawl_id) != row_making() or receipt.crawl_id in self.reparsed,
            )
            plain = structs.replace(receipt, coverage=[], unavailable=[])
            after = Batch.of(pages.as_today(), plain)
            before = Batch.of(pages.as_then() if pages.changed else (), plain)
            reading.take(before, after, pages.changed, pages.engine, site.privacy)
            engines += pages.engines
            self._account(done, pages, after)
            logger.info("Read %s again: %s pages, %s posts.", folder.name, f"{pages.pages:,}", f"{len(after.posts):,}")
        reading.finish()
        done.engines = dict(engines.most_common())
        done.new_posts, done.new_threads = len(reading.new_posts), len(reading.new_threads)
        return done

    def _account(self, done: Reparsed, pages: LandedPages, after: Batch) -> None:
        done.pages += pages.pages
        done.usable += pages.usable
        done.unchanged += pages.unchanged
        done.damaged += pages.damaged
        done.posts += len(after.posts)
        done.lost_pages += len(pages.lost)
        for page in pages.lost[: _SHOWN - len(done.lost)]:
            lost = Lost(url=page.url, records=page.records, reason=page.reason, landing=pages.folder.name)
            done.lost.append(lost)
        missing = [post_id for post_id in pages.missing if post_id not in after.posts]
        done.missing_posts += len(missing)
        done.missing += missing[: _SHOWN - len(done.missing)]


def _fields(reading: Rereading, *, show: bool) -> list[Field]:
    return [
        Field(
            engine=engine,
            kind=kind,
            field=name,
            records=found.records,
            gained=found.gained,
            lost=found.lost,
            changed=found.changed,
            examples=found.examples,
            values=found.values if show else None,
        )
        for (engine, kind, name), found in reading.differences.sorted()
    ]


def _refuse_losses(done: Reparsed, *, force: bool) -> None:
    if done.lost and not force:
        pages = "1 page gave" if done.lost_pages == 1 else f"{done.lost_pages:,} pages gave"
        raise CheckFailedError(
            f"Nothing of {done.site} was committed: {pages} records before and none now, such as {done.lost[0].url} "
            f"({done.lost[0].reason}); mend the engine, or say --force to commit the rest all the same."
        )


def _commit(archive: Archive, reading: Rereading, done: Reparsed, instant: datetime) -> None:
    with pipeline.commit_lock(archive, done.site):
        changes = reading.changes(instant)
        snapshot: Snapshot = archive.commit(changes, _receipt(done, instant))
    done.snapshot, done.committed = snapshot.number, changes.counts
    logger.info("Committed as snapshot %s; published %s partitions.", snapshot.number, _show(archive, done.site))


def _show(archive: Archive, site: str) -> int:
    """Brings `current/` and the summaries up to the last commit; how many partitions were published."""
    published = publish(archive, site)
    refresh(archive, site)
    return len(published.files)


def _receipt(done: Reparsed, instant: datetime) -> Receipt:
    """The account of a run that asked for nothing, and read what was there."""
    return Receipt(
        site=done.site,
        crawl_id=reparse_id(instant),
        engine=next(iter(done.engines), None),
        started_at=instant,
        finished_at=datetime.now(UTC),
        outcome=Outcome.COMPLETE,
        discovered=done.pages,
        parsed=done.usable,
        quarantined=done.pages - done.usable,
        posts=done.posts,
    )


def as_json(done: Reparsed) -> str:
    """One line for machines."""
    return msgspec.json.encode(done, enc_hook=str).decode("utf-8")
