"""The fault matrix, operations: whatever ends a crawl, the same command goes on, and no other one gets in between."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler.landing import Landing, new_crawl_id
from tests.conftest import ROOT
from tests.faults.conftest import FaultCase
from tests.faults.server import hang, redirect, reset, status

HELD = "/threads/stents.501/page-2"
"""The page at which these crawls are held."""


@contextmanager
def running(fault: FaultCase, *arguments: str, **site: object) -> Iterator["subprocess.Popen[str]"]:
    """A crawl in the background, as the command does it."""
    process = subprocess.Popen(
        fault.medthreads.command(
            "crawl", fault.site_file(**{"timeout": 60, "delay": 0.001, **site}), "--archive",
            str(fault.medthreads.archive), *arguments,
        ),
        cwd=fault.medthreads.folder,
        env=fault.medthreads.environ,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def at_most(seconds: float) -> float:
    """So long on a machine that has nothing else to do; longer where each process gets a part of a core only."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def receipt_of(fault: FaultCase) -> dict[str, Any]:
    return dict(json.loads((fault.landing() / "receipt.json").read_bytes()))


def verify_readable(landing: Path) -> None:
    """Other people's tools read the WARC files, and the digests hold."""
    for path in landing.glob("*.warc.gz"):
        with path.open("rb") as file:
            kinds = [record.rec_type for record in ArchiveIterator(file, check_digests="raise")]
        assert kinds[0] == "warcinfo"


def verify_ends_in_order(fault: FaultCase, crawl: "subprocess.Popen[str]") -> None:
    """SIGTERM ends it within Airflow's grace, its landing closed; the same command then gets the rest, once."""
    began = time.monotonic()
    crawl.send_signal(signal.SIGTERM)
    _, told = crawl.communicate(timeout=60)
    assert time.monotonic() - began < at_most(4)
    assert crawl.returncode == 130
    assert "the same command goes on from there" in told
    assert "Traceback" not in told
    assert "Task was destroyed" not in told
    assert receipt_of(fault)["outcome"] == "interrupted"
    verify_readable(fault.landing())
    verify_goes_on(fault)


def verify_goes_on(fault: FaultCase, **site: object) -> None:
    """The same command completes the crawl, and asks for nothing that is landed."""
    answered = [path for path in fault.server.paths if not path.startswith(HELD)]
    fault.server.behave()
    done = fault.crawl(**{"delay": 0.001, **site})
    assert (done.outcome, done.posts) == ("complete", fault.forum.post_ids)
    assert not set(answered) & set(fault.server.paths)
    assert not [path for path, times in Counter(fault.server.paths).items() if times > 1]
    verify_readable(fault.landing())
    verify_each_post_once(fault)


def verify_each_post_once(fault: FaultCase) -> None:
    [sums] = fault.medthreads.json(
        "sql", "SELECT count(*) AS n, count(DISTINCT post_id) AS ids FROM post_versions",
        "--archive", str(fault.medthreads.archive), "--json",
    )  # fmt: skip
    assert sums == {"n": len(fault.forum.post_ids), "ids": len(fault.forum.post_ids)}


@pytest.mark.parametrize("doing", ["waits for an answer", "waits as told", "backs off", "follows a redirect"])
def test_sigterm_while_it(fault: FaultCase, doing: str) -> None:
    answers = {
        "waits for an answer": [hang()],
        "waits as told": [status(429, headers={"Retry-After": "3000"})],
        "backs off": [reset],
        "follows a redirect": [redirect("/threads/stents.501/page-2?again"), hang()],
    }
    fault.server.misbehave(HELD, *answers[doing], always=True)
    with running(fault, delay=0.001 if doing != "backs off" else 0.3) as crawl:
        wait_until(lambda: len([path for path in fault.server.paths if path.startswith(HELD)]) >= len(answers[doing]))
        time.sleep(0.2)
        verify_ends_in_order(fault, crawl)


def test_sigterm_while_it_looks_through_what_is_landed(fault: FaultCase) -> None:
    fault.server.misbehave(HELD, hang(), always=True)
    with running(fault) as crawl:
        wait_until(lambda: HELD in fault.server.paths)
        crawl.kill()
        crawl.wait()
    # A pipe that nobody writes to: reading it takes as long as one likes.
    pipe = fault.landing() / "pages-00001.warc.gz"
    os.mkfifo(pipe)
    with running(fault) as crawl:
        wait_until(lambda: receipt_of(fault)["tries"] == 1 and _opens(crawl.pid, pipe))
        crawl.send_signal(signal.SIGTERM)
        assert crawl.wait(at_most(4)) == 130
    assert receipt_of(fault)["outcome"] == "interrupted"
    pipe.unlink()
    verify_goes_on(fault)


def _opens(pid: int, pipe: Path) -> bool:
    """Whether the process hangs in opening the pipe: a writer that does not wait gets in only then."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return Path(f"/proc/{pid}").exists()


AIRFLOWS_TASK = """
import json, sys
from medthreads.crawl_process import run_crawl
run_crawl(json.loads(sys.argv[1]), json.loads(sys.argv[2]))
"""


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_airflows_kill(fault: FaultCase, kill: signal.Signals) -> None:
    fault.server.misbehave(HELD, hang(), always=True)
    argv = fault.medthreads.command(
        "crawl", fault.site_file(timeout=60, delay=0.001), "--archive", str(fault.medthreads.archive), "--watch-stdin"
    )
    task = subprocess.Popen(
        [sys.executable, "-c", AIRFLOWS_TASK, json.dumps(argv), json.dumps(fault.medthreads.environ)],
        cwd=ROOT,
        env=fault.medthreads.environ | {"AIRFLOW_HOME": str(fault.medthreads.folder)},
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: HELD in fault.server.paths)
    task.send_signal(kill)
    wait_until(lambda: receipt_of(fault)["outcome"] == "interrupted", at_most(4))
    assert task.wait(60) == (130 if kill is signal.SIGTERM else -kill)
    wait_until(lambda: not list((fault.medthreads.archive / "landing" / ".hosts").glob("*.alive")))
    verify_readable(fault.landing())
    verify_goes_on(fault)


def test_disk_full(fault: FaultCase) -> None:
    for _ in range(40):
        fault.forum.reply(503, text="Words without end. " * 800)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))  # children inherit it; this process writes nothing
    try:
        done = fault.crawl(delay=0.001, expect_lost=len(fault.forum.post_ids))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (done.exit_code, done.outcome) == (7, "disk full")
    assert 0 < len(done.posts) < len(fault.forum.post_ids)
    verify_readable(fault.landing())
    landed = set(fault.server.paths[:-1])
    fault.server.behave()
    again = fault.crawl(delay=0.001)
    assert (again.outcome, again.posts) == ("complete", fault.forum.post_ids)
    assert not landed & set(fault.server.paths)


def test_two_runs_at_once(fault: FaultCase) -> None:
    fault.server.misbehave(HELD, hang(), always=True)
    with running(fault) as first:
        wait_until(lambda: HELD in fault.server.paths)
        # Another site file, another crawl id, the same host: refused all the same.
        second = fault.medthreads(
            "crawl", fault.medthreads.site_file("again", fault.server.url), "--archive", str(fault.medthreads.archive)
        )
        assert second.returncode == 8
        assert "`medthreads crawl ward`, since" in second.stderr
        assert f"kill {first.pid}" in second.stderr
        assert receipt_of(fault)["outcome"] == "running"
        fault.server.behave()
        with running(fault, "--wait", "2") as waiting:
            wait_until(lambda: "Waiting: " in (waiting.stderr.readline() if waiting.stderr else ""))
            first.send_signal(signal.SIGTERM)
            assert waiting.wait(60) == 0
    verify_each_post_once(fault)
    fault.row("refused, waits", len(fault.server.asked), 0, 0)


def test_zombie_of_an_earlier_try(fault: FaultCase) -> None:
    fault.server.misbehave(HELD, hang(4), status(503))
    with running(fault) as zombie:
        wait_until(lambda: HELD in fault.server.paths)
        zombie.send_signal(signal.SIGSTOP)
        [alive] = (fault.medthreads.archive / "landing" / ".hosts").glob("*.alive")
        os.utime(alive, (1, 1))  # as if it had been silent for long
        verify_goes_on(fault)
        before = _contents(fault.medthreads.archive)
        zombie.send_signal(signal.SIGCONT)
        _, told = zombie.communicate(timeout=30)
    assert zombie.returncode == 9
    assert "has taken its place" in told
    assert _contents(fault.medthreads.archive) == before


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_clock_jump_back(fault: FaultCase) -> None:
    """The crawl was begun when the clock was a day ahead, and killed; it was set right since."""
    fault.server.misbehave(HELD, hang(), always=True)
    with running(fault) as crawl:
        wait_until(lambda: HELD in fault.server.paths)
        crawl.kill()
        crawl.wait()
    landing = Landing(fault.landing())
    receipt = landing.receipt()
    receipt.started_at += timedelta(days=1)
    receipt.last_request_at = receipt.started_at
    ahead = fault.landing().with_name(new_crawl_id(receipt.started_at))
    landing.write_receipt(receipt)
    landing.folder.rename(ahead)
    [alive] = (fault.medthreads.archive / "landing" / ".hosts").glob("*.alive")
    os.utime(alive, (receipt.started_at.timestamp(),) * 2)
    verify_goes_on(fault)
    assert fault.landing() == ahead

    fault.server.behave()
    fault.forum.reply(502)
    assert fault.crawl(delay=0.001).exit_code == 0
    folders = [path.parent.name for path in ahead.parent.glob("*/receipt.json")]
    assert len(folders) == 2, "a crawl of its own, which an older date does not hide"
    verify_each_post_once(fault)


def test_backfill_over_a_scheduled_range(fault: FaultCase) -> None:
    days = ("--since", "2026-03-01", "--until", "2026-03-02")
    fault.server.misbehave(HELD, hang(3), always=False)
    with running(fault) as scheduled:
        wait_until(lambda: HELD in fault.server.paths)
        backfill = fault.crawl(*days, "--wait", "2", delay=0.001)
        assert scheduled.wait(1) == 0, "the backfill began when it had ended"
    assert backfill.exit_code == 0
    [crawls] = fault.medthreads.json(
        "sql", "SELECT count(*) AS n FROM crawls", "--archive", str(fault.medthreads.archive), "--json"
    )
    assert crawls["n"] == 2
    verify_each_post_once(fault)
    fault.row("both committed", len(fault.server.asked), 0, backfill.difference)


def test_two_crawls_in_one_second(fault: FaultCase) -> None:
    """Each has a landing of its own, although the clock gives them one name."""
    from medthreads.pipeline import _new_name
    from storage.archive import Archive

    archive = Archive.open(fault.medthreads.archive)
    folders = []
    for _ in range(3):
        folders.append(_new_name(archive, "ward"))
        (archive.landing_root / "ward" / folders[-1]).mkdir(parents=True)
    assert len(set(folders)) == 3
    assert sorted(folders) == folders
    assert datetime.strptime(folders[0][:16], "%Y%m%dT%H%M%SZ")  # noqa: DTZ007 - only its form matters
    fault.row("complete", 0, 0, 0)
