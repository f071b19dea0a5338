"""A forked command is what a command is that was started: its words, its exit code, its end."""

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.command_server import Request
from tests.conftest import Medthreads


@pytest.mark.parametrize(
    "arguments", [["--help"], ["sites", "list"], ["sql", "SELECT 1"], ["crawl", "--no-such"], ["crawl", "nowhere"]]
)
def test_it_ends_as_one_that_was_started(medthreads: Medthreads, arguments: list[str]) -> None:
    started = subprocess.run(
        medthreads.command(*arguments),
        cwd=medthreads.folder, env=medthreads.environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    forked = medthreads(*arguments)
    assert (forked.returncode, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)


def test_one_that_takes_too_long_is_killed(medthreads: Medthreads) -> None:
    wanted = Request(arguments=["demo", "serve"], folder=str(medthreads.folder), environ=medthreads.environ)
    with pytest.raises(subprocess.TimeoutExpired):
        medthreads.SERVER.run(wanted, timeout=0.1)
    assert medthreads("sites", "list").returncode == 0, "the server goes on"
    servers = [child for child in psutil.Process().children() if "tests.command_server" in child.cmdline()]
    assert [server.children() for server in servers] == [[]]


@pytest.mark.parametrize(
    ("name", "is_forked"),
    [("MEDTHREADS_SITES", True), ("_RJEM_MALLOC_CONF", True), ("PYTHONPATH", False), ("LC_ALL", False)],
)
def test_what_is_read_while_loading_needs_a_process_that_loads(
    medthreads: Medthreads, name: str, is_forked: bool, tmp_path: Path
) -> None:
    assert medthreads.SERVER.can_run({**medthreads.environ, name: str(tmp_path) + os.sep}) is is_forked
