"""What goes wrong for people: one clear sentence each, an exit code by cause, nothing half-written."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.server import Demo, running_demo
from demo.world import World
from tests.conftest import Medthreads


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo(World(seed=3, threads=60)) as running:
        yield running


def told(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence that was printed, and no stack trace."""
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_an_unknown_site(medthreads: Medthreads) -> None:
    done = medthreads("crawl", "studentdoktor")
    assert done.returncode == 2
    assert "No site is called 'studentdoktor'" in told(done)
    assert not medthreads.archive.exists()


def test_a_malformed_site_file(medthreads: Medthreads) -> None:
    path = medthreads.folder / "clinic.yaml"
    path.write_text("name: clinic\nurl: [not, an, address]\n")
    done = medthreads("crawl", str(path))
    assert done.returncode == 3
    assert "field `url`" in told(done)


def test_a_site_without_contact_is_paused(medthreads: Medthreads) -> None:
    done = medthreads("crawl", "studentdoctor")
    assert done.returncode == 4
    assert "MEDTHREADS_CONTACT" in told(done)


def test_missing_credentials(medthreads: Medthreads) -> None:
    done = medthreads("crawl", "reddit", MEDTHREADS_CONTACT="/u/someone")
    assert done.returncode == 4
    assert "REDDIT_CLIENT_ID" in told(done)


def test_credentials_that_are_not_accepted(medthreads: Medthreads, demo: Demo) -> None:
    site = medthreads.site_file("sub", demo.reddit_url, engine="reddit", boards=["r/DemoMedicine"], credentials="sub")
    done = medthreads("crawl", site, SUB_CLIENT_ID="wrong", SUB_CLIENT_SECRET="s3cret-value")
    assert done.returncode == 4
    assert "does not accept the credentials in SUB_CLIENT_ID and SUB_CLIENT_SECRET" in told(done)
    assert "s3cret-value" not in done.stderr


def test_an_unreachable_host(medthreads: Medthreads) -> None:
    done = medthreads("crawl", medthreads.site_file("gone", "http://127.0.0.1:9/"))
    assert done.returncode == 14
    assert "connection refused" in told(done)


def test_a_private_address_that_nobody_allowed(medthreads: Medthreads, demo: Demo) -> None:
    site = medthreads.site_file("inside", demo.forum_url, allow_private_addresses=False)
    demo.forum_site.arrivals.clear()
    done = medthreads("crawl", site)
    assert done.returncode == 3
    assert "allow_private_addresses" in told(done)
    assert not demo.requests


def test_a_page_that_is_no_forum(medthreads: Medthreads, demo: Demo) -> None:
    site = medthreads.site_file("nothing", f"{demo.forum_url}/robots.txt")
    done = medthreads("crawl", site)
    assert done.returncode == 12
    assert "no forum of a known engine" in told(done)


def test_a_members_only_board(medthreads: Medthreads, demo: Demo) -> None:
    hidden = next(board for board in demo.truth().boards if board.thread_count is None and board.parent_id)
    done = medthreads("crawl", medthreads.site_file("club", f"{demo.forum_url}/", boards=[hidden.url]))
    assert done.returncode == 11
    assert "members only" in told(done)


def test_an_archive_that_is_a_file(medthreads: Medthreads, demo: Demo) -> None:
    medthreads.archive.write_text("something else")
    done = medthreads("crawl", medthreads.site_file("demoforum", demo.forum_url))
    assert done.returncode == 5
    assert str(medthreads.archive.name) in told(done)
    assert medthreads.archive.read_text() == "something else"


def test_a_lost_key_is_never_replaced_in_silence(medthreads: Medthreads, demo: Demo) -> None:
    site = medthreads.site_file("demoforum", demo.forum_url)
    assert medthreads("crawl", site).returncode == 0
    Path(f"{medthreads.archive}.key").unlink()
    done = medthreads("crawl", site)
    assert done.returncode == 6
    assert "archive.key" in told(done)
    assert not Path(f"{medthreads.archive}.key").exists()


@pytest.mark.parametrize("arguments", [["sql", "SELECT 1"], ["snapshots"], ["summaries"]])
def test_reading_where_there_is_no_archive(medthreads: Medthreads, arguments: list[str]) -> None:
    done = medthreads(*arguments)
    assert done.returncode == 5
    assert "archive" in told(done)
    assert not medthreads.archive.exists()


def test_a_query_with_a_mistake(medthreads: Medthreads, demo: Demo) -> None:
    assert medthreads("crawl", medthreads.site_file("demoforum", demo.forum_url)).returncode == 0
    done = medthreads("sql", "SELECT nothing_like_it FROM posts")
    assert done.returncode == 2
    assert "nothing_like_it" in done.stderr


def test_a_minimum_that_is_not_reached_publishes_nothing(medthreads: Medthreads, demo: Demo) -> None:
    done = medthreads("crawl", medthreads.site_file("demoforum", demo.forum_url, expect={"threads": 100_000}))
    assert done.returncode == 15
    assert "minimums" in told(done)
    assert not (medthreads.archive / "current").exists()


def test_a_second_run_at_the_same_time_is_refused(medthreads: Medthreads, demo: Demo) -> None:
    site = medthreads.site_file("demoforum", demo.forum_url, delay=0.2)
    first = start(medthreads, site)
    try:
        wait_until_landed(medthreads, pages=5)
        second = medthreads("crawl", site)
        assert second.returncode == 8
        assert "by another process" in told(second)
    finally:
        first.kill()
        first.wait()


def test_ctrl_c_in_the_middle_goes_on_where_it_was(medthreads: Medthreads, demo: Demo) -> None:
    slow = medthreads.site_file("demoforum", demo.forum_url, delay=0.05)
    demo.forum_site.arrivals.clear()
    running = start(medthreads, slow)
    wait_until_landed(medthreads, pages=20)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "the same command goes on from there" in errors
    assert not (medthreads.archive / "current").exists()

    # A refusal (the members' board) is asked for again: it may have been lifted.
    answered = [arrival for arrival in demo.requests if arrival.status != 403]
    asked_before = {arrival.target for arrival in answered if "robots.txt" not in arrival.target}
    demo.forum_site.arrivals.clear()
    [done] = medthreads.json("crawl", medthreads.site_file("demoforum", demo.forum_url), "--json")
    asked_again = {arrival.target for arrival in demo.requests if "robots.txt" not in arrival.target}
    assert done["receipt"]["replayed"] >= 5
    assert done["receipt"]["posts"] == len(demo.truth().posts)
    assert len(asked_before) >= 5
    assert len(asked_before & asked_again) <= 1, "at most the page in flight is fetched twice"


@pytest.mark.parametrize("size_kb", [200, 900])
def test_a_full_disk_ends_the_crawl_and_loses_nothing(medthreads: Medthreads, demo: Demo, size_kb: int) -> None:
    disk = medthreads.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        site = medthreads.site_file("demoforum", demo.forum_url)
        done = medthreads("crawl", site, "--archive", str(disk / "archive"))
        assert done.returncode == 7
        assert "is full" in told(done)
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        [again] = medthreads.json("crawl", site, "--archive", str(disk / "archive"), "--json")
        assert again["receipt"]["posts"] == len(demo.truth().posts)
        assert again["receipt"]["difference"] == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def start(medthreads: Medthreads, site: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        medthreads.command("crawl", site),
        cwd=medthreads.folder,
        env=medthreads.environ,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_landed(medthreads: Medthreads, pages: int) -> None:
    """Waits until the crawl has landed at least that many pages (about 2 kB each in the WARC)."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if sum(path.stat().st_size for path in medthreads.archive.glob("landing/*/*/*.warc.gz")) > pages * 6_000:
            return
        time.sleep(0.05)
    raise AssertionError("the crawl landed nothing within a minute")
