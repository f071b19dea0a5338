"""Four writers, a maintainer and an eraser on one archive, killed at random moments: nothing is lost or unreadable.

The suite kills 12 times. The whole of it: MEDTHREADS_KILLS=100 pytest -n0 -s tests/storage/test_writers_killed.py
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from ward_forum import rows
from writers_to_kill import REPLIES, Work, batch, named

from storage.publish import publish
from storage.sealing import maintain
from storage.verification import verify
from summaries.refresh import refresh
from tests.conftest import ROOT

KILLS = int(os.environ.get("MEDTHREADS_KILLS", "12"))
PAUSE = 1.0 if KILLS > 12 else 0.3
"""Seconds from a commit to the next kill, at most."""
SEED = int(os.environ.get("MEDTHREADS_SEED", "1"))
SITES = ("north", "south", "east", "west")
ERASED_SITE = "east"
KILLED = (*(f"writer {site}" for site in SITES), "maintainer", f"eraser {ERASED_SITE}")


class Processes:
    """The processes by their role."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "tests.storage.writers_to_kill", str(folder)]
        self.parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.running: dict[str, int] = {}

    def start(self, role: str) -> None:
        assert self.parent.stdin
        assert self.parent.stdout
        print(role, file=self.parent.stdin, flush=True)
        self.running[role] = int(self.parent.stdout.readline())

    def kill(self, role: str) -> None:
        os.kill(self.running.pop(role), signal.SIGKILL)

    def stop(self) -> None:
        """Lets all come to an end; those that do not are killed."""
        (self.folder / "stop").touch()
        ends = time.monotonic() + 120
        for pid in self.running.values():
            while time.monotonic() < ends and Path(f"/proc/{pid}").exists():
                time.sleep(0.01)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self.parent.stdin
        self.parent.stdin.close()
        self.parent.wait(10)


def wait_for(work: Work, name: str, lines: int) -> None:
    ends = time.monotonic() + 60
    while len(work.notes(name)) < lines:
        assert time.monotonic() < ends, f"nothing in {name}: {work.notes('failures')}"
        time.sleep(0.02)


def wait_for_a_commit(work: Work) -> None:
    """Of any writer, but not for long: kills that come too fast would leave nothing to lose."""
    before = figures(work)
    ends = time.monotonic() + 5
    while time.monotonic() < ends and all(
        figures(work)[f"{site}.committed"] == before[f"{site}.committed"] for site in SITES
    ):
        time.sleep(0.02)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    work = Work(tmp_path)
    work.open()
    return work


def test_processes_killed_at_random_moments_lose_nothing(work: Work):
    chance = random.Random(SEED)
    processes = Processes(work.folder)
    kills: Counter[str] = Counter()
    try:
        for role in (*KILLED, "reader"):
            processes.start(role)
        wait_for(work, f"{ERASED_SITE}.committed", 1)
        for _ in range(KILLS):
            wait_for_a_commit(work)
            time.sleep(chance.uniform(0.0, PAUSE))
            role = chance.choice(KILLED)
            processes.kill(role)
            kills[role] += 1
            processes.start(role)
        wait_for(work, "reads", 1)
        wait_for(work, "verified", 1)
    finally:
        processes.stop()
    print(f"\n{sum(kills.values())} kills: {dict(kills)}; {figures(work)}")
    assert work.notes("failures") == []
    verify_all(work)


def figures(work: Work) -> dict[str, int]:
    names = (
        *(f"{site}.committed" for site in SITES),
        f"{ERASED_SITE}.erased",
        "maintained",
        "verified",
        "reads",
        "errors",
    )
    return {name: len(work.notes(name)) for name in names}


def verify_all(work: Work) -> None:
    archive = work.open()
    erased = set(work.notes(f"{ERASED_SITE}.erased"))
    for site in SITES:
        told = work.notes(f"{site}.committed")
        assert told == [f"{site}-{number}" for number in range(1, len(told) + 1)]
        # A crawl that was killed before it could tell is there or not; as for a user, the same commit again settles it.
        batch(site, len(told) + 1).commit(archive)
        expected = Counter({f"{site}-{number}": REPLIES + 1 + (number > 1) for number in range(1, len(told) + 2)})
        assert Counter(commit.crawl_id for commit in archive.committed(site)) == Counter(dict.fromkeys(expected, 1))
        held = rows(archive, f"SELECT crawl_id, post_id, version FROM post_versions WHERE site = '{site}'")  # noqa: S608
        assert len({(row["post_id"], row["version"]) for row in held}) == len(held), "each version once"
        if site == ERASED_SITE:
            assert erased.isdisjoint(row["post_id"] for row in held)
            left = {row["post_id"] for row in held}
            wanted = {f"{named(number)}00{place}" for number in range(1, len(told) + 2) for place in range(REPLIES + 1)}
            # An erasure that was killed before it could tell is done or not, too.
            assert len(wanted - left - erased) <= 1
            assert left <= wanted
        else:
            assert Counter(row["crawl_id"] for row in held) == expected, "all rows, each once"
    publish(archive)
    refresh(archive)
    maintain(archive)
    verified = verify(work.location)
    unfinished = [finding for finding in verified.findings if finding.kind != "unfinished"]
    assert [one.sentence for one in unfinished if one.severity != "leftover"] == []
    assert rows(archive, "SELECT count(*) AS n FROM posts") == rows(
        archive, "SELECT count(DISTINCT (site, post_id)) AS n FROM post_versions"
    )
