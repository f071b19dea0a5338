"""The commands, and the tasks of the DAGs, with MEDTHREADS_ARCHIVE=s3://...: each from a machine of its own."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import Medthreads
from tests.faults.server import FaultServer, fault_server
from tests.faults.small_forum import SmallForum
from tests.storage.s3_server import S3Server

DOCUMENT = Path(__file__).parent / "documents" / "forum-thread.txt"
Lines = list[dict[str, Any]]


@pytest.fixture
def location(s3: S3Server) -> str:
    return f"s3://{s3.bucket()}/medical"


@pytest.fixture
def on(s3: S3Server, location: str, medthreads: Medthreads) -> Callable[..., Lines]:
    """Runs a command on the machine of that name; what it prints, as JSON."""

    def run(machine: str, *arguments: str, is_json: bool = True) -> Lines:
        environ = s3.environ(medthreads.folder / machine) | {"MEDTHREADS_ARCHIVE": location}
        if is_json:
            return medthreads.json(*arguments, "--json", **environ)
        done = medthreads(*arguments, **environ)
        assert done.returncode == 0, done.stderr
        return []

    return run


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_server(SmallForum.of(4, 2)) as serving:
        yield serving


def test_a_crawl_goes_on_on_another_machine(
    on: Callable[..., Lines], medthreads: Medthreads, server: FaultServer
) -> None:
    site = medthreads.site_file("ward", server.url, engine="xenforo2")
    [landed] = on("one", "crawl", site, "--land-only")
    asked = len(server.asked)
    [stored] = on("two", "crawl", site)
    assert stored["receipt"] == landed["receipt"]
    assert len(server.asked) == asked, "nothing is fetched twice"
    assert on("three", "sql", "SELECT count(*) AS n FROM posts") == [{"n": 6}]
    server.forum.reply(501, "Back again.")
    [daily] = on("three", "crawl", site)
    assert daily["receipt"]["threads_opened"] == 1
    assert len(on("one", "snapshots")) == 2
    server.forum.reply(501, "And again.")
    on("one", "crawl", site)
    assert list(medthreads.folder.rglob("landing/ward/*/pages*")) == [], "no copy is left on any machine"


def test_every_command_that_reads_and_keeps(
    on: Callable[..., Lines], medthreads: Medthreads, server: FaultServer
) -> None:
    site = medthreads.site_file("ward", server.url, engine="xenforo2")
    on("one", "crawl", site)
    on("two", "import", str(DOCUMENT), is_json=False)
    assert on("three", "sql", "SELECT site, count(*) AS n FROM posts GROUP BY site ORDER BY site") == [
        {"site": "studentdoctor", "n": 11},
        {"site": "ward", "n": 6},
    ]
    on("two", "summaries", is_json=False)
    assert on("one", "sql", "SELECT count(*) AS n FROM digests") == [{"n": 3}]
    on("three", "export", "--site", "ward", "--thread", "501", "-o", "thread.md", is_json=False)
    assert (medthreads.folder / "thread.md").exists()
    on("two", "changes", "--since", "2020-01-01")
    on("two", "publish", "--release", is_json=False)
    on("three", "reparse", "ward", is_json=False)
    on("one", "verify", is_json=False)
    on("two", "maintain", is_json=False)
    on("one", "erase", "--thread", "501", "--site", "ward", "--yes", is_json=False)
    assert on("two", "sql", "SELECT count(*) AS n FROM posts WHERE site = 'ward'") == [{"n": 2}]
    on("three", "verify", is_json=False)


def test_the_tasks_of_a_run_on_three_machines(
    s3: S3Server,
    location: str,
    medthreads: Medthreads,
    server: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    os.environ.setdefault("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    from medthreads import airflow_tasks as tasks

    medthreads.site_file("ward", server.url, engine="xenforo2", schedule=None)
    run = SimpleNamespace(
        run_id="manual__1", run_type="manual", partition_date=None, partition_key=None, run_after=datetime.now(UTC)
    )
    events: dict[object, Any] = {
        tasks.ARCHIVE_ASSET: SimpleNamespace(add_partitions=lambda *told: None, extra=None)  # noqa: ARG005
    }
    params = {"since": None, "until": None, "full": False}
    context = {"dag_run": run, "params": params, "outlet_events": events}
    monkeypatch.setattr(tasks, "get_current_context", lambda: context)

    def worker(name: str) -> None:
        environ = s3.environ(medthreads.folder / name)
        more = {"MEDTHREADS_ARCHIVE": location, "MEDTHREADS_SITES": str(medthreads.folder)}
        for variable, value in (environ | more).items():
            monkeypatch.setenv(variable, value)

    worker("one")
    landed = tasks.crawl("ward", None)
    worker("two")
    # Another disk: the path means nothing here.
    (medthreads.folder / "one").rename(medthreads.folder / "gone")
    deduped = tasks.dedupe(landed)
    assert deduped["figures"]["new"] == 6
    worker("three")
    committed = tasks.commit(tasks.check(deduped))
    assert committed["figures"]["snapshot"] == 1
    worker("four")
    assert tasks.publish(committed)["figures"]["rows"] == 8
    assert tasks.refresh()["digests"] == 2
