"""The DAG files, read by Airflow itself in a process of its own, with a site folder beside the shipped one."""

import json
import os
import subprocess
import sys

import pytest

from crawler.site import registry
from tests.conftest import ROOT

READ_DAGS = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1], load_op_links=False)
print(json.dumps({
    "errors": bag.import_errors,
    "dags": {dag.dag_id: {
        "doc": dag.doc_md, "tags": sorted(dag.tags), "owner": dag.owner, "description": dag.description,
        "shown": dag.dag_display_name,
        "max_active_runs": dag.max_active_runs, "paused": dag.is_paused_upon_creation, "catchup": dag.catchup,
        "params": sorted(dag.params), "timetable": type(dag.timetable).__name__,
        "tasks": {task.task_id: {
            "doc": task.doc_md, "retries": task.retries, "pool": task.pool, "after": sorted(task.upstream_task_ids),
            "timeout": task.execution_timeout.total_seconds() if task.execution_timeout else None,
            "backoff": bool(task.retry_exponential_backoff), "policy": task.retry_policy is not None,
            "outlets": [outlet.name for outlet in task.outlets],
        } for task in dag.tasks},
    } for dag in bag.dags.values()},
}))
"""

PARSE_DAGS = """
import json, runpy, sys, time
import airflow.sdk
before, started = set(sys.modules), time.process_time()
for path in sys.argv[1:]:
    runpy.run_path(path)
print(json.dumps({"seconds": time.process_time() - started, "modules": sorted(set(sys.modules) - before)}))
"""

WORK = {"scrapy", "twisted", "duckdb", "deltalake", "pyarrow", "selectolax", "warcio", "storage", "summaries"}
"""What does the work; a DAG file must not pull it in."""

UPKEEP = ["maintenance", "purge"]
STEPS = ["plan", "approve", "crawl", "dedupe", "check", "commit", "publish"]

HAND_MADE = """\
name: byhand
url: http://127.0.0.1:9/
engine: xenforo2
title: By hand
why: To see what a site without a schedule becomes.
schedule: null
owner: night shift
tags: [spare]
"""

BROKEN_OFF = """\
name: halted
url: http://127.0.0.1:9/
paused: its moderators asked for a break
"""


@pytest.fixture(scope="module")
def environ(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    sites = tmp_path_factory.mktemp("sites")
    (sites / "byhand.yaml").write_text(HAND_MADE)
    (sites / "halted.yaml").write_text(BROKEN_OFF)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MEDTHREADS_"))}
    return {
        **kept,
        "AIRFLOW_HOME": str(home),
        "MEDTHREADS_SITES": str(sites),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }


def run_python(code: str, *arguments: str, environ: dict[str, str]) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environ, capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def bag(environ):
    read = run_python(READ_DAGS, str(ROOT / "dags"), environ=environ)
    assert read["errors"] == {}
    return read["dags"]


def test_a_broken_site_file_is_an_import_error_and_takes_no_other_dag_along(bag, environ, tmp_path):
    (tmp_path / "broken.yaml").write_text("name: broken\nurl: nowhere\n")
    (tmp_path / "empty.yaml").write_text("")
    folders = f"{environ['MEDTHREADS_SITES']}{os.pathsep}{tmp_path}"
    read = run_python(READ_DAGS, str(ROOT / "dags"), environ=environ | {"MEDTHREADS_SITES": folders})
    assert set(read["dags"]) == set(bag)
    [(path, told)] = read["errors"].items()
    assert path.endswith("site_files.py")
    assert told.count("Traceback") == 1, "one clean error, without what led to it"
    of_first, of_second = [line for line in told.splitlines() if ".yaml" in line]
    assert "broken.yaml" in of_first
    assert "`url`" in of_first
    assert "empty.yaml" in of_second


def test_one_dag_a_site_the_summaries_and_the_upkeep(bag, environ):
    assert set(bag) == {f"crawl_{name}" for name in registry(environ)} | {"summaries", *UPKEEP}


def test_every_dag_says_what_it_is_and_whose(bag):
    for dag in bag.values():
        assert len(dag["doc"]) > 300
        assert dag["description"]
        assert dag["owner"]
        assert dag["tags"]
        assert dag["max_active_runs"] == 1
        assert dag["catchup"] is False


def test_every_task_is_documented_ends_and_is_tried_again(bag):
    for dag in bag.values():
        for name, task in dag["tasks"].items():
            assert task["doc"], name
            assert task["timeout"]
            assert task["retries"] >= 1
            assert task["backoff"]
            assert task["policy"], "failures that a retry cannot mend must not be retried"


def test_a_run_is_seven_steps_in_a_row_and_the_last_tells_the_summaries(bag, environ):
    for name, site in registry(environ).items():
        tasks = bag[f"crawl_{name}"]["tasks"]
        assert list(tasks) == STEPS
        assert [task["after"] for task in tasks.values()] == [[], *([step] for step in STEPS[:-1])]
        assert tasks["crawl"]["pool"] == tasks["plan"]["pool"]
        assert tasks["crawl"]["pool"].startswith(f"host_{site.host}")
        assert tasks["approve"]["pool"] == "default_pool", "who waits for a person must not keep a host"
        assert [task["outlets"] for task in tasks.values()] == [*([[]] * 6), ["medthreads_archive"]]


def test_a_schedule_is_a_partition_a_day_and_none_is_by_hand(bag):
    assert bag["crawl_studentdoctor"]["timetable"] == "CronPartitionTimetable"
    assert bag["crawl_byhand"]["timetable"] == "NullTimetable"
    assert bag["summaries"]["timetable"] == "PartitionedAssetTimetable"


def test_the_form_asks_for_days(bag):
    assert all(
        dag["params"] == ["ask_above", "full", "since", "until"]
        for name, dag in bag.items()
        if name.startswith("crawl_")
    )


def test_the_list_shows_the_ids_that_documents_and_commands_use(bag):
    assert {name: dag["shown"] for name, dag in bag.items()} == {name: name for name in bag}


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("studentdoctor", {"needs-contact"}),
        ("reddit", {"needs-contact", "needs-credentials"}),
        ("halted", set()),
        ("byhand", set()),
    ],
)
def test_the_tags_say_what_a_site_waits_for(bag, name, needs):
    tags = bag[f"crawl_{name}"]["tags"]
    assert {tag for tag in tags if tag.startswith("needs-")} == needs
    assert needs <= set(tags[:4]), "the list shows four"
    assert "crawl" in tags if name == "byhand" else "crawl" not in tags


@pytest.mark.parametrize(
    ("name", "reason"),
    [("studentdoctor", "MEDTHREADS_CONTACT"), ("reddit", "paused"), ("halted", "its moderators asked for a break")],
)
def test_what_must_not_be_crawled_is_off_and_says_why(bag, name, reason):
    dag = bag[f"crawl_{name}"]
    assert dag["paused"] is True
    assert "paused" in dag["tags"]
    assert reason in dag["description"]
    assert reason in dag["doc"]


def test_what_may_be_crawled_is_on(bag):
    assert bag["crawl_byhand"]["paused"] is False
    assert bag["summaries"]["paused"] is False, "events that reach a paused DAG are lost"


def test_upkeep_verifies_first_every_day_and_purges_every_hour(bag):
    tasks = bag["maintenance"]["tasks"]
    assert list(tasks) == ["verify", "compact", "vacuum", "landings", "seal"]
    assert [task["after"] for task in tasks.values()] == [[], ["verify"], ["compact"], ["vacuum"], ["landings"]]
    assert list(bag["purge"]["tasks"]) == ["purge"]
    assert [bag[name]["timetable"] for name in UPKEEP] == ["CronPartitionTimetable"] * 2
    assert [bag[name]["paused"] for name in UPKEEP] == [False, False]
    assert all(len(task["doc"]) > 200 for name in UPKEEP for task in bag[name]["tasks"].values()), "a page each"


def test_the_site_file_is_what_the_ui_shows(bag):
    dag = bag["crawl_byhand"]
    assert dag["owner"] == "night shift"
    assert dag["tags"] == ["crawl", "spare", "xenforo2"]
    assert dag["description"] == "By hand: To see what a site without a schedule becomes"
    assert dag["doc"].startswith("# By hand")
    assert "To see what a site without a schedule becomes." in dag["doc"]
    assert "by hand only" in dag["doc"]


def test_parsing_is_quick_and_pulls_in_nothing_that_works(environ):
    parsed = run_python(PARSE_DAGS, *(str(path) for path in (ROOT / "dags").glob("*.py")), environ=environ)
    assert parsed["seconds"] < 1
    assert WORK.isdisjoint(module.partition(".")[0] for module in parsed["modules"])
