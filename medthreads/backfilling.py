"""Backfills: a range of days is planned, listed, then read in parts that are each landed, checked and committed.

    plan (a search: tens of requests) > listing (the rest of the range's listing pages) > part 1 > part 2 > ...

The plan, and the listing pages that it cost, are in the landing folder `backfill-<since>-<until>`; each part is a crawl
of its own. A run that was killed and is begun again skips what is committed and goes on with the part in flight. A
process can crawl once only, so `run` has each step done by a process of its own (`do` in it).
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from msgspec import Struct

from crawler.backfill import PART_REQUESTS, Cost, Plan, PlannedBoard, Step
from crawler.errors import ArchiveError, UsageError
from crawler.landing import read_plan, storage_error, write_plan
from crawler.receipt import BACKFILL_PREFIX
from crawler.site import Site, refuse_if_paused
from crawler.state import CrawlScope, Reads
from crawler.stopping import handled
from medthreads import pipeline
from storage.archive import Archive

logger = logging.getLogger("medthreads")

MOST_BOARDS_TOLD = 40


class Backfill(Struct, frozen=True, kw_only=True):
    """What a backfill is asked to do."""

    site: str
    """As on the command line: a registered name, or a path."""
    declared: Site
    location: str
    since: datetime | None
    until: datetime | None
    full: bool = False
    crawl_id: str | None = None
    """Name of the landing that the plan belongs to, where it is not the backfill's own."""
    wait: float = 0.0
    """Minutes to wait for another crawl of the same host."""

    @property
    def name(self) -> str:
        """Of the plan's landing folder."""
        full = "-full" if self.full else ""
        return self.crawl_id or f"{BACKFILL_PREFIX}{_day(self.since, 'first')}-{_day(self.until, 'last')}{full}"

    @property
    def folder(self) -> Path:
        """The plan's landing folder."""
        return Archive.open(self.location).landings.folder(self.declared.name, self.name)

    def scope(self, reads: Reads) -> CrawlScope:
        """What a crawl of the range is to do."""
        return CrawlScope(since=self.since, until=self.until, full=self.full, reads=reads)


def _day(instant: datetime | None, otherwise: str) -> str:
    if instant is None:
        return otherwise
    return (
        f"{instant:%Y-%m-%d}" if instant == instant.replace(hour=0, minute=0, second=0) else f"{instant:%Y%m%dT%H%M%S}"
    )


def plan(backfill: Backfill, *, fresh: bool = False) -> Plan:
    """The plan: the one that is kept, else a new one; making it fetches the index and a few listing pages.

    Raises:
        UsageError: neither end of the range is given.
        SitePausedError, CrawlFailedError, InterruptedCrawlError, ArchiveError, BusyError: see pipeline.crawl.
    """
    if backfill.since is None and backfill.until is None:
        raise UsageError("Give --since or --until, or both: a backfill is about a range of days.")
    folder = backfill.folder
    if fresh:
        _set_aside(backfill, folder)
    if (kept := read_plan(folder)) is not None:
        return kept
    return _crawl_plan(backfill, Reads.SEARCH)


def complete_listing(backfill: Backfill) -> Plan:
    """The plan with every thread of the range by name: reads the listing pages that are not read yet."""
    kept = plan(backfill)
    return kept if kept.is_listed else _crawl_plan(backfill, Reads.LISTING)


def _crawl_plan(backfill: Backfill, reads: Reads) -> Plan:
    before = read_plan(backfill.folder)
    folder = pipeline.crawl(
        # A list of threads cut off by the budget would be taken for all there are; the budget bounds the parts.
        backfill.declared.model_copy(update={"budget": None}),
        backfill.location,
        backfill.scope(reads),
        backfill.name,
        patience=timedelta(minutes=backfill.wait),
    )
    made = read_plan(folder)
    if made is None:
        raise ArchiveError(f"The crawl {folder.name} is finished already: there is nothing left to plan.")
    if before is not None:
        # What it is called by its parts stays.
        made.made_at, made.part_requests = before.made_at, before.part_requests
        made.requests_made += before.requests_made
        _keep_plan(backfill, folder, made)
    return made


def _keep_plan(backfill: Backfill, folder: Path, made: Plan) -> None:
    """Writes the plan, also where another machine may go on with it."""
    write_plan(folder, made)
    Archive.open(backfill.location).landings.keep(folder)


def _set_aside(backfill: Backfill, folder: Path) -> None:
    """Renames an earlier plan's folder: its pages are as old as it is."""
    kept = read_plan(folder)
    if kept is None:
        return
    try:
        Archive.open(backfill.location).landings.rename(folder, f"{folder.name}.{kept.made_at:%Y%m%dT%H%M%SZ}")
    except OSError as error:
        raise storage_error(folder, error) from error


def part_id(backfill: Backfill, made: Plan, number: int) -> str:
    """Name of the landing of part `number` (from 1)."""
    return f"{backfill.name}-of-{made.made_at:%Y%m%dT%H%M%SZ}-part-{number:03d}"


def read_part(backfill: Backfill, number: int) -> Path:
    """Reads part `number` (from 1), commits and publishes it; its landing.

    Raises:
        UsageError: there is no such part.
        CheckFailedError: a check does not hold; nothing of the part is committed.
    """
    made = read_plan(backfill.folder)
    parts = made.parts(made.part_requests or PART_REQUESTS) if made else []
    if made is None or not 1 <= number <= len(parts):
        raise UsageError(f"The backfill {backfill.name} has {len(parts)} parts; there is no part {number}.")
    scope = CrawlScope(
        since=backfill.since,
        until=backfill.until,
        full=backfill.full,
        threads=tuple(parts[number - 1]),
        engine=made.engine,
    )
    patience = timedelta(minutes=backfill.wait)
    landing = pipeline.crawl(
        backfill.declared, backfill.location, scope, part_id(backfill, made, number), patience=patience
    )
    pipeline.store(backfill.location, landing)
    return landing


class Ran(Struct, frozen=True, kw_only=True):
    """What a run came to."""

    plan: Plan
    parts: int
    done_before: int
    """Of these: committed by an earlier run."""
    exit_code: int = 0
    """0, or that of the step that failed; its sentence is printed."""


def run(backfill: Backfill, part_requests: int = PART_REQUESTS, *, fresh: bool = False) -> Ran:
    """Plans, lists, and reads every part that is not committed yet; stops at the first step that fails.

    Raises:
        SitePausedError: nothing may be fetched.
        ArchiveError: the archive cannot be used.
    """
    refuse_if_paused(backfill.declared, os.environ)
    folder = backfill.folder
    if fresh:
        _set_aside(backfill, folder)
    made = read_plan(folder)
    for step in (Step.PLAN, Step.LISTING):
        if made is None or (step is Step.LISTING and not made.is_listed):
            logger.info("%s", "Planning ..." if step is Step.PLAN else "Listing the threads of the range ...")
            if exit_code := _do(step, backfill):
                return Ran(plan=made or _nothing(backfill), parts=0, done_before=0, exit_code=exit_code)
            made = read_plan(folder)
    if made is None:
        raise ArchiveError(f"The plan in {folder} is gone; run it again.")
    if made.part_requests is None:
        budget = backfill.declared.budget
        # What a thread needs is estimated: a part stays well below what a run may send.
        made.part_requests = part_requests if budget is None else max(1, min(part_requests, budget * 2 // 3))
        _keep_plan(backfill, folder, made)
    elif made.part_requests != part_requests and part_requests != PART_REQUESTS:
        logger.info("Parts stay at %s requests: with this plan, a run has begun before.", f"{made.part_requests:,}")
    return _read_parts(backfill, made)


def _read_parts(backfill: Backfill, made: Plan) -> Ran:
    parts = made.parts(made.part_requests or PART_REQUESTS)
    archive = Archive.open(backfill.location)
    site = backfill.declared.name
    todo = [
        number for number in range(1, len(parts) + 1) if not archive.is_committed(part_id(backfill, made, number), site)
    ]
    before = len(parts) - len(todo)
    if before:
        logger.info("%s of %s parts are committed already.", f"{before:,}", f"{len(parts):,}")
    for number in todo:
        logger.info("Part %s of %s: %s threads.", f"{number:,}", f"{len(parts):,}", f"{len(parts[number - 1]):,}")
        if exit_code := _do(Step.PART, backfill, number):
            logger.info("Stopped in part %s of %s; the same command goes on from there.", number, len(parts))
            return Ran(plan=made, parts=len(parts), done_before=before, exit_code=exit_code)
    return Ran(plan=made, parts=len(parts), done_before=before)


def _nothing(backfill: Backfill) -> Plan:
    return Plan(site=backfill.declared.name, since=backfill.since, until=backfill.until, made_at=datetime.now(UTC))


def _do(step: Step, backfill: Backfill, number: int | None = None) -> int:
    """Has a process of its own do one step, its lines going where ours go; its exit code.

    It ends in order when we are told to end, and also when we are killed, as its standard input ends then.
    """
    options = [
        *(["--since", backfill.since.isoformat()] if backfill.since else []),
        *(["--until", backfill.until.isoformat()] if backfill.until else []),
        *(["--full"] if backfill.full else []),
        *(["--number", str(number)] if number else []),
        *(["--archive", backfill.location, "--wait", str(backfill.wait)]),
    ]
    argv = [sys.executable, "-m", "medthreads.cli", "backfill", "step", step.value, backfill.site, *options]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        process.send_signal(signal.SIGTERM)

    try:
        with handled(stop):
            exit_code = process.wait()
    finally:
        if process.stdin:
            process.stdin.close()
    return exit_code if exit_code >= 0 else 128 - exit_code


def told(made: Plan) -> list[str]:
    """The plan in plain words, a line each."""
    cost = made.cost()
    about = "" if cost.is_exact else "about "
    lines = [
        f"range: {_range(made)}",
        f"boards: {cost.boards:,}",
        f"threads: {about}{cost.threads:,}; of these {about}{cost.started:,} were started in these days",
        f"held already: {cost.held:,} threads, whole and unchanged, which are not read again",
        f"to fetch: {cost.listing_pages:,} listing pages and about {cost.thread_pages:,} thread pages",
        f"requests: about {cost.requests:,}, besides {made.requests_made:,} that this plan has cost",
        f"time: {_time(made, cost)}",
    ]
    if cost.listing_pages:
        lines.append(
            f"not known yet: {cost.listing_pages:,} listing pages are still unread; their threads are estimated from "
            "the pages around them"
        )
    return lines + [f"not known: {sentence}" for sentence in made.unknown]


def _time(made: Plan, cost: Cost) -> str:
    if not made.seconds_per_request:
        return "as long as the site takes to answer; no pause between requests is asked for"
    return f"about {duration(cost.seconds)} at {made.seconds_per_request:g} s between requests"


def _range(made: Plan) -> str:
    days = [*([f"from {_told_day(made.since)}"] if made.since else [])]
    days += [f"until {_told_day(made.until)} (not included)"] if made.until else []
    return " ".join(days) + (", known and unchanged threads too" if made.full else "")


def _told_day(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}" if instant == instant.replace(hour=0, minute=0, second=0) else instant.isoformat()


AS_FAR_AS_NEEDED = {
    "activity": "newest activity first, as far as needed",
    "started": "newest start first, as far as needed",
    "ordinary": "from its first page down",
}


def way_of(board: PlannedBoard) -> str:
    """How a board's threads are found, for people."""
    if board.last is None:
        return AS_FAR_AS_NEEDED[board.way]
    order = "by start date" if board.way == "started" else "by last activity"
    pages = f"page {board.first:,}" if board.first == board.last else f"pages {board.first:,} to {board.last:,}"
    return f"{order}, {pages}"


def boards_told(made: Plan) -> Iterator[tuple[str, str, str, str]]:
    """Rows for people: board, pages of its listing, how it is searched, pages of it still to read."""
    ordered = sorted(made.boards, key=lambda board: -(board.unread or 0))
    for board in ordered[:MOST_BOARDS_TOLD]:
        pages = f"{board.pages:,}" if board.pages else "?"
        yield board.title or board.board_id or board.url, pages, way_of(board), f"{board.unread:,}"
    if len(ordered) > MOST_BOARDS_TOLD:
        yield f"and {len(ordered) - MOST_BOARDS_TOLD:,} more", "", "", ""


def figures(made: Plan, folder: Path) -> dict[str, object]:
    """The plan for machines, without its list of threads."""
    cost: Cost = made.cost()
    return {
        "landing": str(folder),
        "plan": {
            **{name: getattr(cost, name) for name in cost.__struct_fields__},
            "site": made.site,
            "since": made.since,
            "until": made.until,
            "made_at": made.made_at,
            "requests_made": made.requests_made,
            "seconds_per_request": made.seconds_per_request,
            "unknown": made.unknown,
            "told": told(made),
        },
    }


def duration(seconds: float) -> str:
    """Seconds for people: `40 s`, `12 min`, `3.4 hours`, `2.5 days`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} hours" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"
