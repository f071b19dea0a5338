"""What the tasks of the DAGs do. Each returns a `Step`: the landing's path and figures, never data.

The crawl runs in a process of its own (Scrapy's reactor starts once in a process, and a crash or a memory leak must
not take the worker along); the other steps call medthreads.pipeline. A failure leaves its sentence in the log, not a
stack trace; what a retry cannot mend ends as RetryIsUselessExit, which the retry policy of dag_factory knows.
"""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, Protocol, TypedDict, cast

from airflow.sdk import Asset, get_current_context
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException, AirflowTaskTimeout

from crawler import errors
from crawler.errors import MedthreadsError
from crawler.site import Site, credential_variables, find_site

ARCHIVE_ASSET = Asset("medthreads_archive")
"""The archive. Events on it carry `site|day` as their partition: what summaries are refreshed for."""

ARCHIVE_VARIABLE = "MEDTHREADS_ARCHIVE"
GRACE = 4.0
"""Seconds a crawl gets to close its landing; Airflow kills a task 5 s after SIGTERM."""

MENDED_BY_RETRY = {
    error.exit_code
    for error in (
        errors.BusyError,
        errors.DiskFullError,
        errors.BlockedError,
        errors.EmptyCrawlError,
        errors.UnreachableError,
        errors.InterruptedCrawlError,
        MedthreadsError,
    )
}
"""Causes that may be gone an hour later; all others wait for a person. Unknown exit codes (a crash) are retried."""

log = logging.getLogger("medthreads")


class Step(TypedDict):
    """What one task hands to the next."""

    site: str
    landing: str
    figures: dict[str, Any]


class Run(Protocol):
    """What the tasks read of the DAG run."""

    run_id: str
    run_type: str
    """scheduled, manual, backfill or asset_triggered."""
    run_after: datetime
    partition_key: str | None
    partition_date: datetime | None
    """Start of the day that a scheduled or backfill run is about, UTC."""


class FailureExit(SystemExit):
    """Ends a task whose sentence is in the log already: Airflow logs an exit code instead of a stack trace."""


class RetryIsUselessExit(FailureExit):
    """Ends a task whose cause somebody has to see to."""


def crawl(site_name: str, schedule: str | None) -> Step:
    """Fetches what is new from the site into a **landing**: WARC files, staged records and a receipt.

    The log shows the progress: pages, posts, rate, what is left. If it is stopped or killed, the next try goes on
    where it ended and fetches nothing twice. The crawl waits in its host's pool until no other crawl of the same
    host is running.
    """
    context = get_current_context()
    run = cast("Run", context["dag_run"])
    with plain_failures():
        site = find_site(site_name)
        argv = crawl_command(
            site_name,
            run_id=run.run_id,
            period=crawl_period(run, context["params"], schedule),
            full=context["params"]["full"],
        )
        environ = {**os.environ, **_credentials(site), "PYTHONUNBUFFERED": "1"}
    landed = _run_crawl(argv, environ)
    receipt = landed.get("receipt", {})
    wanted = ("outcome", "requests", "threads_opened", "posts", "pending", "bytes")
    return {"site": site_name, "landing": landed["landing"], "figures": {name: receipt.get(name) for name in wanted}}


def dedupe(landed: Step) -> Step:
    """Compares what was landed with what the archive knows: new, edited, deleted or seen before. Writes nothing."""
    from medthreads import pipeline

    with plain_failures():
        figures = pipeline.dedupe(archive_location(), Path(landed["landing"]))
    log.info("dedupe: %s", _sentence(figures))
    return {**landed, "figures": dict(figures)}


def check(deduped: Step) -> Step:
    """Holds the crawl against the site's minimums and its own history; stops here if something looks wrong.

    A failed check publishes nothing: the landing stays. After the cause is mended (or the site file's `expect:` is
    corrected), clear this task and the run goes on without fetching anything again.
    """
    from medthreads import pipeline

    with plain_failures():
        results = pipeline.check(archive_location(), Path(deduped["landing"]))
    warnings = [result.name for result in results if result.warning]
    log.info("check: all %s checks hold%s", len(results), f"; worth a look: {', '.join(warnings)}" if warnings else "")
    return {**deduped, "figures": {"checks": len(results), "warnings": len(warnings)}}


def commit(checked: Step) -> Step:
    """Adds the changes to the archive's tables as one snapshot, exactly once: a repeated run adds nothing."""
    from medthreads import pipeline

    with plain_failures():
        snapshot = pipeline.commit(archive_location(), Path(checked["landing"]))
    log.info("commit: snapshot %s, %s", snapshot.number, _sentence(snapshot.counts))
    return {**checked, "figures": {"snapshot": snapshot.number, **snapshot.counts}}


def publish(committed: Step) -> Step:
    """Rewrites the Parquet files of the months that changed (`current/`) and lets the summaries start."""
    from medthreads import pipeline

    context = get_current_context()
    with plain_failures():
        published = pipeline.publish(archive_location(), Path(committed["landing"]))
    figures = {"files": len(published.files), "rows": published.rows, "removed": len(published.removed)}
    log.info("publish: current/ shows snapshot %s; %s", published.snapshot, _sentence(figures))
    run = cast("Run", context["dag_run"])
    day = (run.partition_date or run.run_after or datetime.now(UTC)).date().isoformat()
    event: Any = context["outlet_events"][ARCHIVE_ASSET]
    event.add_partitions(f"{committed['site']}|{day}")
    event.extra = {"site": committed["site"], "run_id": run.run_id}
    return {**committed, "figures": figures}


def refresh() -> dict[str, int]:
    """Recomputes activity figures and thread digests, only where their input has changed.

    Started by the archive's event, it refreshes the site that the event names; started by hand, all sites.
    """
    from storage.archive import Archive
    from summaries.refresh import refresh as refresh_summaries

    run = cast("Run", get_current_context()["dag_run"])
    site = run.partition_key.partition("|")[0] if run.partition_key else None
    with plain_failures():
        figures = refresh_summaries(Archive.open(archive_location()), site)
    log.info("summaries of %s: %s", site or "all sites", _sentence(figures))
    return dict(figures)


def archive_location(environ: Mapping[str, str] = os.environ) -> str:
    """Where the archive is: MEDTHREADS_ARCHIVE, else ./archive."""
    return environ.get(ARCHIVE_VARIABLE) or "archive"


def crawl_period(run: Run, params: Mapping[str, Any], schedule: str | None) -> tuple[date | None, date | None]:
    """The days that a run reads, first included, last excluded; both None: whatever is new.

    The form's dates come first; a backfill run reads its own day (or week, if the site's schedule is weekly); a
    scheduled run and a plain manual one are incremental.
    """
    since, until = (date.fromisoformat(value) if value else None for value in (params["since"], params["until"]))
    if since or until or run.run_type != "backfill" or run.partition_date is None:
        return since, until
    return backfill_period(run.partition_date, schedule)


def backfill_period(partition: datetime, schedule: str | None) -> tuple[date, date]:
    """The days from a partition's start to the schedule's next tick, at least one day."""
    from croniter import croniter  # type: ignore[import-untyped]

    first = partition.astimezone(UTC).date()
    following = croniter(schedule or "@daily", partition.astimezone(UTC)).get_next(datetime)
    return first, max(following.date(), first + timedelta(days=1))


def crawl_command(
    site_name: str, *, run_id: str, period: tuple[date | None, date | None], full: bool = False
) -> list[str]:
    """The command line of one crawl. The same run gives the same crawl id, so that a retry goes on with its landing."""
    since, until = period
    return [
        str(Path(sys.executable).with_name("medthreads")),
        "crawl",
        site_name,
        "--archive",
        archive_location(),
        "--crawl-id",
        crawl_id_of(run_id),
        "--land-only",
        "--json",
        "--watch-stdin",
        *(["--since", since.isoformat()] if since else []),
        *(["--until", until.isoformat()] if until else []),
        *(["--full"] if full else []),
    ]


def crawl_id_of(run_id: str) -> str:
    """A run's id as the name of a folder: `manual__2026-11-22T08:15:00+00:00` -> `manual-2026-11-22t08-15-00-00-00`."""
    return re.sub(r"[^a-z0-9]+", "-", run_id.lower()).strip("-")


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turns our own errors into their sentence in the log, without a stack trace."""
    try:
        yield
    except MedthreadsError as error:
        end_with(error.exit_code, str(error))
    except AirflowTaskTimeout:
        end_with(1, "This step took longer than it may and was stopped; the next try does it again.")


def end_with(exit_code: int, sentence: str) -> NoReturn:
    """Ends the task with a sentence for people.

    Raises:
        AirflowSkipException: the site is paused; nothing was expected of it.
        RetryIsUselessExit: a person has to act.
        FailureExit: another try may do.
    """
    if exit_code == errors.SitePausedError.exit_code:
        raise AirflowSkipException(sentence) from None
    log.error("%s", sentence)
    known = {error.exit_code for error in _all_errors(MedthreadsError)}
    if exit_code in known - MENDED_BY_RETRY:
        raise RetryIsUselessExit(exit_code) from None
    raise FailureExit(exit_code) from None


def _all_errors(root: type[MedthreadsError]) -> Iterator[type[MedthreadsError]]:
    yield root
    for child in root.__subclasses__():
        yield from _all_errors(child)


def _credentials(site: Site) -> dict[str, str]:
    """Client id and secret from the Airflow Connection of the site, if there is one; else those of the environment."""
    if not site.credentials:
        return {}
    from airflow.sdk import Connection

    try:
        connection = Connection.get(site.credentials)
    except AirflowNotFoundException:
        return {}
    values = (connection.login or "", connection.password or "")
    return dict(zip(credential_variables(site), values, strict=True))


def _run_crawl(argv: list[str], environ: dict[str, str]) -> dict[str, Any]:
    """Runs the crawl, its lines going to the task's log as they come; what its last line says in JSON.

    The child holds the reading end of a pipe as its stdin: when this process goes away, even by SIGKILL, the child
    sees its end and closes its landing.
    """
    log.info("%s", " ".join(["medthreads", *argv[1:]]))
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        text=True,
        errors="replace",
    )
    output = CrawlOutput()
    try:
        with _passing_on_sigterm(process):
            for line in process.stdout or ():
                output.take(line)
            exit_code = process.wait()
    except AirflowTaskTimeout:
        end_with(
            errors.InterruptedCrawlError.exit_code,
            "The crawl took too long and was stopped; the next try goes on from there.",
        )
    finally:
        _stop(process)
    if exit_code <= 0 and output.result is not None:
        # Its result is its last line: a crash of the interpreter on its way out (seen: SIGABRT) changes nothing.
        return output.result
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        end_with(1, f"The crawl was ended by {name}; the next try goes on from its landing.")
    end_with(exit_code or 1, output.last or f"The crawl ended with exit code {exit_code} and without a word.")


class CrawlOutput:
    """The lines of a crawl on their way to the task's log.

    Progress lines (they begin with a time of day, which the log has already) go there at once. Any other line is held
    until the next one: the last of them is the sentence of a failure, which the log shows as an error.
    """

    def __init__(self) -> None:
        self.result: dict[str, Any] | None = None
        """What the line of JSON says."""
        self.last = ""

    def take(self, line: str) -> None:
        """Takes the next line."""
        text = line.rstrip()
        if found := _result_line(text):
            self.result = found
        elif text:
            if self.last:
                log.info("%s", self.last)
            self.last = text
            if timed := re.fullmatch(r"\d\d:\d\d:\d\d (.+)", text):
                log.info("%s", timed[1])
                self.last = ""


@contextmanager
def _passing_on_sigterm(process: subprocess.Popen[str]) -> Iterator[None]:
    """Hands SIGTERM on to the child, which then closes its landing; Airflow's own handler would let it run on."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        process.terminate()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _result_line(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "landing" in value else None


def _sentence(figures: Mapping[str, Any]) -> str:
    """`{"new": 36, "seen": 1204}` -> `36 new, 1,204 seen`."""
    parts = []
    for name, value in figures.items():
        label = name.replace("_", " ")
        if isinstance(value, bool) or not isinstance(value, int):
            parts.append(f"{label} {value}")
        else:
            parts.append(f"{value:,} {label}")
    return ", ".join(parts) or "nothing to do"
