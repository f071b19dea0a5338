"""Builds the DAGs: one for each registered site, one that refreshes the summaries, two that keep the archive in order.

DAG files only call these functions. Nothing here opens a connection, reads a Variable or the clock, or imports what
the work itself needs: a DAG file is parsed every few seconds, the work is imported when a task runs (airflow_tasks).

    plan -> approve -> crawl -> dedupe -> check -> commit -> publish  ==asset event "site|day"==>  summaries
"""

import inspect
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urljoin

from airflow.sdk import (
    DAG,
    CronPartitionTimetable,
    ExceptionRetryPolicy,
    Param,
    PartitionedAssetTimetable,
    RetryAction,
    RetryRule,
    task,
)

from crawler.site import Site, contact_of, credential_variables, why_paused
from medthreads import airflow_tasks, maintenance_tasks
from medthreads.airflow_approval import (
    ANSWER_WITHIN,
    APPROVE_ABOVE,
    APPROVE_ABOVE_VARIABLE,
    LargeRangeApproval,
    approve_above,
)
from medthreads.airflow_failures import RetryIsUselessExit
from medthreads.airflow_home import pool_of
from medthreads.airflow_tasks import ARCHIVE_ASSET

CRAWL_TIMEOUT = timedelta(hours=12)
STEP_TIMEOUT = timedelta(hours=1)
VERIFY_TIMEOUT = timedelta(hours=6)
"""Of what reads the whole archive."""
RETRIES = 3
FIRST_RETRY_AFTER = timedelta(minutes=2)
LAST_RETRY_AFTER = timedelta(hours=1)

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=RetryIsUselessExit,
            action=RetryAction.FAIL,
            reason="Another try would end the same way: no retry.",
        )
    ]
)
"""Failures that somebody has to act on are not tried again: trying costs hours and the site's patience."""

TIMES: dict[str, Any] = {
    "retries": RETRIES,
    "retry_delay": FIRST_RETRY_AFTER,
    "retry_exponential_backoff": True,
    "max_retry_delay": LAST_RETRY_AFTER,
    "retry_policy": RETRY_POLICY,
}


APPROVE_PAGE = f"""Asks a person before a large range of days is read.

It waits only where the plan comes to more requests than *Ask above* in the form (by default {APPROVE_ABOVE:,}, or what
`{APPROVE_ABOVE_VARIABLE}` says); else it ends at once. While it waits the run shows *Required Actions*, with the plan:
**Approve** begins the crawl, **Reject** ends the run with its other tasks skipped and nothing more fetched. Without an
answer within {ANSWER_WITHIN.total_seconds() / 3600:.0f} hours it is taken as rejected.
"""


def timetable_of(site: Site) -> CronPartitionTimetable | None:
    """When the site is crawled, each run being about the day that ended; None where it is crawled by hand only.

    The day is the run's partition, so that the backfill form can ask for a range of days.
    """
    if site.schedule is None:
        return None
    return CronPartitionTimetable(
        site.schedule,
        timezone="UTC",
        run_offset=-1,
        key_format="%Y-%m-%d" if _once_a_day(site.schedule) else "%Y-%m-%dT%H:%M",
    )


def crawl_dag(site: Site, guide: str, environ: Mapping[str, str] = os.environ) -> DAG:
    """The DAG that archives one site: plan, approve, crawl, dedupe, check, commit, publish.

    Args:
        site: what its site file says.
        guide: Markdown that follows the site's own page in the UI (the DAG file's docstring).
        environ: where contact and credentials may be set.
    """
    paused = why_paused(site, environ)
    with DAG(
        dag_id=f"crawl_{site.name}",
        description=paused or f"{site.title or site.name}: {_first_sentence(site.why) or f'archives {site.url}'}",
        schedule=timetable_of(site),
        max_active_runs=1,
        catchup=False,
        is_paused_upon_creation=paused is not None,
        tags=_tags(site, paused, environ),
        default_args={"owner": site.owner, **TIMES},
        params=_params(environ),
        doc_md=site_page(site, paused) + "\n\n---\n\n" + guide.strip(),
    ) as dag:
        at_host: dict[str, Any] = {"pool": pool_of(site), "execution_timeout": CRAWL_TIMEOUT}
        planned = _task(airflow_tasks.plan, **at_host)(site.name, site.schedule)
        approved = LargeRangeApproval(
            task_id="approve", plan_task="plan", doc_md=APPROVE_PAGE, execution_timeout=STEP_TIMEOUT
        )
        step = _task(airflow_tasks.crawl, **at_host)(site.name, site.schedule)
        planned >> approved >> step
        for work in (airflow_tasks.dedupe, airflow_tasks.check, airflow_tasks.commit):
            step = _task(work)(step)
        _task(airflow_tasks.publish, outlets=[ARCHIVE_ASSET])(step)
    return dag


def summaries_dag(guide: str) -> DAG:
    """The DAG that refreshes activity and digests whenever a site's archive has changed."""
    with DAG(
        dag_id="summaries",
        description="Activity figures and thread digests of what has just changed",
        schedule=PartitionedAssetTimetable(assets=ARCHIVE_ASSET),
        max_active_runs=1,
        catchup=False,
        is_paused_upon_creation=False,
        tags=["summaries"],
        default_args={"owner": "medthreads", **TIMES},
        doc_md=guide.strip(),
    ) as dag:
        _task(airflow_tasks.refresh)()
    return dag


def maintenance_dag(guide: str) -> DAG:
    """The DAG that verifies the archive once a day, and keeps it in order."""
    with DAG(
        dag_id="maintenance",
        description="Verifies the archive, puts small files together, deletes what is no longer needed",
        schedule=CronPartitionTimetable("30 3 * * *", timezone="UTC"),
        max_active_runs=1,
        catchup=False,
        is_paused_upon_creation=False,
        tags=["maintenance"],
        default_args={"owner": "medthreads", **TIMES},
        doc_md=guide.strip(),
    ) as dag:
        step = _task(maintenance_tasks.verify, execution_timeout=VERIFY_TIMEOUT)()
        works = (maintenance_tasks.compact, maintenance_tasks.vacuum, maintenance_tasks.landings)
        for work in (*works, maintenance_tasks.seal):
            following = _task(work, execution_timeout=VERIFY_TIMEOUT)()
            step >> following
            step = following
    return dag


def purge_dag(guide: str) -> DAG:
    """The DAG that takes out every hour what was deleted at its source, where the site's terms ask for that."""
    with DAG(
        dag_id="purge",
        description="Takes out what was deleted at its source, where the site's terms ask for that",
        schedule=CronPartitionTimetable("15 * * * *", timezone="UTC"),
        max_active_runs=1,
        catchup=False,
        is_paused_upon_creation=False,
        tags=["maintenance"],
        default_args={"owner": "medthreads", **TIMES},
        doc_md=guide.strip(),
    ) as dag:
        _task(maintenance_tasks.purge, execution_timeout=VERIFY_TIMEOUT)()
    return dag


def site_page(site: Site, paused: str | None) -> str:
    """The site's own part of its DAG's documentation, as Markdown."""
    boards = [
        f"[{board.name or board.url}]({urljoin(site.url, board.url)})" if board.url else str(board.name)
        for board in site.boards
    ]
    facts: dict[str, str] = {
        "Address": f"<{site.url}>",
        "Engine": site.engine,
        "Boards": ", ".join(boards) or "all",
        "Schedule": f"`{site.schedule}` (UTC)" if site.schedule else "by hand only",
        "Politeness": f"one crawl at a time (pool `{pool_of(site)}`), {site.delay:g} s between requests, "
        + (f"at most {site.budget:,} requests a run" if site.budget else "no limit of requests"),
        "Published only if": _minimums(site),
        "Authors": _AUTHORS[site.privacy],
        "Looked after by": site.owner,
    }
    if site.credentials:
        facts["Credentials"] = (
            f"Airflow Connection `{site.credentials}` (login: client id, password: secret), or "
            f"{' and '.join(f'`{name}`' for name in credential_variables(site))} in the environment"
        )
    lines = [f"# {site.title or site.name}"]
    if paused:
        lines.append(f"> **{paused}** Then switch the DAG on.")
    if site.why:
        lines.append(site.why.strip())
    lines.append("\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())]))
    if site.uncertain:
        lines.append(f"**Not certain:** {site.uncertain.strip()}")
    return "\n\n".join(lines)


_AUTHORS = {
    "keep": "names kept in the tables",
    "pseudonymise": "keyed pseudonyms; names in `authors` only",
    "drop": "neither names nor pseudonyms",
}


def _task(work: Callable[..., Any], **options: Any) -> Callable[..., Any]:  # noqa: ANN401 - Airflow's own types
    """The function as a task, its docstring being the task's page in the UI."""
    page = inspect.getdoc(work)
    decorate = task(
        **{"execution_timeout": STEP_TIMEOUT, "doc_md": page, "show_return_value_in_logs": False, **options}
    )
    return cast("Callable[..., Any]", decorate(work))


def _params(environ: Mapping[str, str]) -> dict[str, Param]:
    day: dict[str, Any] = {"type": ["null", "string"], "format": "date"}
    return {
        "since": Param(
            None,
            title="Since",
            description_md="Opens only threads that have a post on or after this day (UTC); on Reddit, submissions of "
            "this day or later. Neighbouring posts on the pages that are read come along. Leave empty for what is new "
            "(in a backfill: each run's own day).",
            **day,
        ),
        "until": Param(
            None,
            title="Until",
            description_md="Opens only threads that were opened before this day (UTC). Leave empty: no end.",
            **day,
        ),
        "full": Param(
            False,
            type="boolean",
            title="Read everything again",
            description_md="Opens known threads too that have not changed since they were last read. Without days: "
            "as many requests as the first crawl.",
        ),
        "ask_above": Param(
            approve_above(environ),
            type="integer",
            minimum=0,
            title="Ask above",
            description_md="Where the plan of a range of days comes to more requests than this, the run waits for "
            "*Approve* (*Required Actions*).",
        ),
    }


def _tags(site: Site, paused: str | None, environ: Mapping[str, str]) -> list[str]:
    """`crawl` where it may be crawled, else what it waits for. Airflow sorts tags and shows the first four."""
    engine = [] if site.engine == "auto" else [site.engine]
    state = ["paused", *_needs(site, environ)] if paused else ["crawl"]
    return sorted({*state, *engine, *site.tags})


def _needs(site: Site, environ: Mapping[str, str]) -> list[str]:
    """What the operator has to set before the site may be crawled, as tags."""
    if site.paused:
        return []
    missing_credentials = site.credentials and not all(environ.get(name) for name in credential_variables(site))
    return [
        *(["needs-contact"] if not site.is_loopback and not contact_of(site, environ) else []),
        *(["needs-credentials"] if missing_credentials else []),
    ]


def _minimums(site: Site) -> str:
    wanted = {name: least for name, least in site.expect.model_dump().items() if least}
    return ", ".join(f"at least {least:,} {name}" for name, least in wanted.items()) or "something was read"


def _once_a_day(schedule: str) -> bool:
    if schedule.startswith("@"):
        return schedule != "@hourly"
    minute, hour = schedule.split()[:2]
    return minute.isdigit() and hour.isdigit()


def _first_sentence(text: str | None) -> str | None:
    return text.strip().split(". ")[0].replace("\n", " ").rstrip(".") if text else None
