"""The one way for data to flow: crawl > dedupe > check > commit > publish. Commands and DAG tasks call these.

What travels between steps is the landing's path; data stays in the landing and in the archive. Each step may be run
again: a finished crawl is not crawled again, a committed landing is not committed again, and what a landing changes
is worked out anew against the archive as it then is.
"""

import itertools
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from crawler.errors import ArchiveError, CheckFailedError, UsageError
from crawler.landing import RECEIPT, Landing, new_crawl_id, storage_error
from crawler.lease import Lease
from crawler.pace import host_key
from crawler.receipt import IMPORT_PREFIX, REPARSE_PREFIX, Outcome, Receipt
from crawler.site import Site, refuse_if_paused
from crawler.state import CrawlScope
from crawler.stopping import interrupting
from crawler.walks.reddit_revisits import REVISITED_FOR
from medthreads.failing_page import with_pages
from storage.archive import Archive, Snapshot
from storage.batch import Batch
from storage.checks import CheckResult
from storage.checks import check as find_faults
from storage.dedupe import Changes
from storage.dedupe import dedupe as find_changes
from storage.erased_landings import leave_out
from storage.locks import hold_on_s3
from storage.publish import Published
from storage.publish import publish as publish_current
from storage.tables import storage_errors

logger = logging.getLogger("medthreads")

CHECKS = "checks.json"
HOSTS = ".hosts"
"""Folder of the leases, among those of the sites' landings."""
SITE = "site.json"
CRAWL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
FINISHED = frozenset({Outcome.COMPLETE, Outcome.PARTIAL})
RESUMABLE = FINISHED | {
    Outcome.RUNNING,
    Outcome.INTERRUPTED,
    Outcome.DISK_FULL,
    Outcome.BLOCKED,
    Outcome.UNREACHABLE,
}
COMMIT_PATIENCE = timedelta(minutes=30)
RESUME_WITHIN = timedelta(days=1)
"""An interrupted crawl older than this is left alone: the forum has moved on since."""


def crawl(
    site: Site,
    location: str,
    scope: CrawlScope,
    crawl_id: str | None = None,
    environ: Mapping[str, str] = os.environ,
    patience: timedelta = timedelta(0),
) -> Path:
    """Crawls the site into a landing of the archive and returns the landing's folder.

    With a `crawl_id` whose landing exists, or without one after an interruption within a day, that landing is gone on
    with; one that is finished is returned as it is. SIGTERM and Ctrl-C end it in order.

    Args:
        patience: how long to wait for another crawl of the same host to end.

    Raises:
        SitePausedError, CrawlFailedError, InterruptedCrawlError, ArchiveError: see crawler.crawl.crawl_site.
        BusyError: its host is being crawled into this archive, and was for all of that time.
        SupersededError: this process was stopped or hung, and another crawl of the host took its place.
    """
    refuse_if_paused(site, environ)
    if crawl_id is not None and (
        not CRAWL_ID.fullmatch(crawl_id) or crawl_id.startswith((IMPORT_PREFIX, REPARSE_PREFIX))
    ):
        raise UsageError(
            f"{crawl_id!r} cannot name a crawl: letters, digits, `_`, `-` and `.` only, a letter or digit first."
        )
    archive = Archive.open(location)
    with interrupting(site.name), crawl_lease(archive, site, scope, crawl_id, patience) as lease:
        archive.landings.free_all(site.name, (commit.crawl_id for commit in archive.committed(site.name)))
        known = crawl_id or _unfinished(archive, site.name, scope)
        folder = archive.landings.folder(site.name, known or _new_name(archive, site.name))
        _refuse_other_scope(folder, scope)
        if known and _is_finished(folder):
            logger.info("The crawl %s is landed already.", folder.name)
            return folder
        with lease.guard():
            keep_site(folder, site)
        from crawler.crawl import crawl_site  # Scrapy takes a second to load, and only this step needs it

        state = archive.state(site.name)
        if site.engine == "reddit" and site.revisits:
            state.posts = archive.posts_since(site.name, datetime.now(UTC) - REVISITED_FOR)
        lease.beat()
        with _kept(archive, folder, lease):
            try:
                receipt = crawl_site(site, folder, state, scope, environ, lease)
            finally:
                # Whatever became of the crawl: what was erased must not lie about again.
                with lease.guard():
                    leave_out(archive.files, archive.pseudonyms, folder, again=True)
        logger.info("Crawled %s: %s, %s pages, %s posts.", site.name, receipt.outcome, receipt.parsed, receipt.posts)
    return folder


@contextmanager
def _kept(archive: Archive, folder: Path, lease: Lease) -> Iterator[None]:
    """Has the landing reach an archive on S3, whatever becomes of the crawl, unless another one took its place."""
    try:
        yield
    except BaseException:
        try:
            with lease.guard():
                archive.landings.keep(folder)
        except ArchiveError as error:
            logger.warning("What was landed stays in %s: %s", folder, error)
        raise
    with lease.guard():
        archive.landings.keep(folder)


def _new_name(archive: Archive, site: str) -> str:
    """A name that no crawl has had: two may begin in the same second, also when the clock was set back."""
    name = new_crawl_id(datetime.now(UTC))
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(free for free in names if not archive.landings.exists(site, free))


def _refuse_other_scope(folder: Path, scope: CrawlScope) -> None:
    if not (folder / RECEIPT).exists():
        return
    landed = Landing(folder).receipt()
    if (landed.since, landed.until, landed.full) != (scope.since, scope.until, scope.full):
        raise UsageError(f"The crawl {folder.name} was begun for another range of days; give another --crawl-id.")


def keep_site(folder: Path, site: Site) -> None:
    """Leaves the site file in the landing: what the steps after the crawl go by, whatever becomes of the file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SITE).write_text(site.model_dump_json(indent=2), encoding="utf-8")
    except OSError as error:
        raise storage_error(folder, error) from error


def receipt_of(landing: Path) -> Receipt:
    """The receipt of a landing."""
    return Landing(landing).receipt()


def dedupe(location: str, landing: Path) -> dict[str, int]:
    """What committing the landing would add: new, edited, deleted, restored, moved, seen, and more of that kind."""
    archive = Archive.open(location)
    return _changes(archive, archive.landings.resolve(landing))[0].counts


def check(location: str, landing: Path) -> list[CheckResult]:
    """Runs the checks that must hold before a commit; their results stay in the landing as `checks.json`.

    Raises:
        CheckFailedError: one does not hold.
    """
    archive = Archive.open(location)
    landing = archive.landings.resolve(landing)
    changes, receipt = _changes(archive, landing)
    results = _check(archive, landing, changes, receipt)
    if archive.is_committed(landing.name, receipt.site):
        seal(archive, landing)  # a run that was begun again: the results have been replaced
    return results


def commit(location: str, landing: Path) -> Snapshot:
    """Commits the landing, once: the snapshot that it made, now or before."""
    archive = Archive.open(location)
    landing = archive.landings.resolve(landing)
    with commit_lock(archive, receipt_of(landing).site):
        changes, receipt = _changes(archive, landing)
        snapshot = archive.commit(changes, receipt)
        seal(archive, landing)
    archive.landings.free(landing)
    return snapshot


def seal(archive: Archive, landing: Path) -> None:
    """Records the checksums of a committed landing's files, where the landing is in the archive."""
    if archive.files.local is None:
        # By the copy on this machine: what was sent need not be fetched for that.
        archive.landings.keep(landing)
        archive.checksums.write(archive.landings.sums(landing))
        return
    place = f"landing/{receipt_of(landing).site}/{landing.name}"
    paths = [entry.path for entry in archive.files.list(place)]
    with storage_errors(archive.location):
        archive.checksums.record(path for path in paths if "/." not in path)


def publish(location: str, landing: Path | None = None) -> Published:
    """Brings `current/` up to the last commit."""
    archive = Archive.open(location)
    return publish_current(archive, landing.parent.name if landing else None)


def store(location: str, landing: Path) -> Snapshot:
    """Everything after the crawl: dedupe, check, commit, publish."""
    archive = Archive.open(location)
    landing = archive.landings.resolve(landing)
    site = receipt_of(landing).site
    with commit_lock(archive, site):
        snapshot = archive.snapshot_of(site, landing.name)
        if snapshot is None:
            changes, receipt = _changes(archive, landing)
            logger.info("Deduplicated posts: %s.", sentence(changes.counts))
            _check(archive, landing, changes, receipt)
            snapshot = archive.commit(changes, receipt)
            seal(archive, landing)
    archive.landings.free(landing)
    published = publish_current(archive, site)
    logger.info("Committed as snapshot %s; published %s partitions.", snapshot.number, len(published.files))
    return snapshot


def sentence(counts: Mapping[str, int]) -> str:
    """The figures of a dedupe for a log line, such as `36 new, 2 edited, 1,204 seen`."""
    told = [f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count or name in {"new", "seen"}]
    return ", ".join(told)


@contextmanager
def crawl_lease(
    archive: Archive, site: Site, scope: CrawlScope, crawl_id: str | None, patience: timedelta
) -> Iterator[Lease]:
    """Only one process at a time crawls a host into an archive, whatever the site, the schedule or the backfill.

    Raises:
        BusyError: another one does, and did for all of `patience`.
    """
    days = [f" --{name} {at:%Y-%m-%d}" for name, at in (("since", scope.since), ("until", scope.until)) if at]
    command = f"medthreads crawl {site.name}{''.join(days)}{f' --crawl-id {crawl_id}' if crawl_id else ''}"
    with host_lease(archive, site, command, patience) as lease:
        yield lease


@contextmanager
def host_lease(archive: Archive, site: Site, command: str, patience: timedelta = timedelta(0)) -> Iterator[Lease]:
    """The lease of the site's host, on this machine and, of an archive on S3, among all machines.

    Raises:
        BusyError: another process has it, and had it for all of `patience`.
    """
    host, ends = host_name(site), time.monotonic() + patience.total_seconds()
    lease = Lease.take(archive.landing_root / HOSTS, host, command, patience=patience.total_seconds())
    busy = f"{host} is being crawled into {archive.location} by another machine; wait for that to end (--wait MINUTES)."
    try:
        left = ends - time.monotonic()
        with hold_on_s3(archive.files, archive.work / ".locks", f"crawl-{host}", left, busy) as still_held:
            lease.further_check = still_held
            yield lease
    finally:
        lease.release()


def host_name(site: Site) -> str:
    """What crawls of one host share: with and without `www.` it is one; on loopback each port is a server of its own.

    As the pools of Airflow are named (medthreads.airflow_home.pool_of).
    """
    port = urlsplit(site.url).port
    return host_key(site.host) + (f"_{port}" if port else "")


@contextmanager
def commit_lock(archive: Archive, site: str) -> Iterator[None]:
    """Only one process at a time commits landings of a site; a commit is short, so the next one waits.

    Raises:
        BusyError: the other one did not end within COMMIT_PATIENCE.
    """
    busy = f"{site} is being committed by another process; wait for it to end, or end it."
    try:
        with archive.lock(f"commit-{site}", COMMIT_PATIENCE, busy):
            yield
    except OSError as error:
        raise storage_error(archive.work, error) from error


def _changes(archive: Archive, folder: Path) -> tuple[Changes, Receipt]:
    leave_out(archive.files, archive.pseudonyms, folder)
    landing = Landing(folder)
    receipt = landing.receipt()
    if receipt.outcome not in FINISHED:
        raise ArchiveError(f"The crawl in {folder} is not finished ({receipt.outcome}); run it again first.")
    batch = Batch.of(landing.staged_pages(), receipt)
    return find_changes(batch, archive.known(batch), archive.pseudonyms, _site_of(folder).privacy), receipt


def _check(archive: Archive, landing: Path, changes: Changes, receipt: Receipt) -> list[CheckResult]:
    results = find_faults(receipt, changes, _site_of(landing).expect, archive.history(receipt.site))
    try:
        results = with_pages(landing, results)
        aside = landing / f"{CHECKS}.new"
        aside.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
        aside.replace(landing / CHECKS)
    except OSError as error:
        raise storage_error(landing, error) from error
    archive.landings.keep(landing)
    failed = [result for result in results if not result.ok]
    if failed:
        details = "; ".join(f"{result.name}: {result.detail}" for result in failed)
        raise CheckFailedError(f"Nothing of {receipt.site} was committed, as a check does not hold: {details}.")
    logger.info("Checked: all %s checks hold.", len(results))
    return results


def _checks_of(landing: Path) -> list[CheckResult]:
    path = landing / CHECKS
    return msgspec.json.decode(path.read_bytes(), type=list[CheckResult]) if path.exists() else []


def _site_of(landing: Path) -> Site:
    try:
        return Site.model_validate_json((landing / SITE).read_bytes())
    except OSError as error:
        raise ArchiveError(f"{landing} is no landing: site.json cannot be read ({error.strerror}).") from error


def _is_finished(folder: Path) -> bool:
    return (folder / RECEIPT).exists() and Landing(folder).receipt().outcome in FINISHED


def _unfinished(archive: Archive, site: str, scope: CrawlScope) -> str | None:
    """The site's newest landing, where it was interrupted, or killed before its commit, and asked for the same."""
    found = archive.landings.receipts(site, datetime.now(UTC) - RESUME_WITHIN)
    crawls = [(receipt, name) for name, receipt in found if not receipt.is_import and not receipt.is_of_backfill]
    if not crawls:
        return None
    # Not by the clock alone: it may have been set back since. But epochs of two machines tell nothing.
    is_local = archive.files.local is not None
    receipt, name = max(crawls, key=lambda crawl: (crawl[0].epoch if is_local else 0, crawl[0].started_at))
    same = (receipt.since, receipt.until, receipt.full) == (scope.since, scope.until, scope.full)
    fresh = datetime.now(UTC) - receipt.started_at < RESUME_WITHIN
    if not (same and fresh and receipt.outcome in RESUMABLE) or archive.is_committed(name, site):
        return None
    is_refused = any(not result.ok for result in _checks_of(archive.landings.folder(site, name)))
    return None if is_refused else name
