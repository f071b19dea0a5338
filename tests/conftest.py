"""What every test may use: the shared real pages, where they are present."""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command_server import CommandServer, Request
from tests.storage.s3_server import S3Server

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """Real saved pages and API responses (238 files), kept outside the repository."""
    folder = Path(os.environ.get("MEDTHREADS_FIXTURES", ROOT / ".." / "shared" / "fixtures")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real pages at {folder}; set MEDTHREADS_FIXTURES to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def shared_dir(fixtures_dir: Path) -> Path:
    """The folder around the real pages: seeds/, sites/, robots/."""
    return fixtures_dir.parent


def clean_environ() -> dict[str, str]:
    """The environment without what is meant for us."""
    ours = ("MEDTHREADS", "AIRFLOW", "REDDIT", "DEMOREDDIT")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


class Medthreads:
    """The console command, as a user runs it: in a process of its own, in a folder of its own."""

    SERVER = CommandServer(clean_environ())

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = folder / "archive"
        self.environ = clean_environ()

    def command(self, *arguments: str) -> list[str]:
        """The argument list that runs it."""
        return [sys.executable, "-m", "medthreads.cli", *arguments]

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs it to its end: forked from a process that has loaded it already, where that makes no difference."""
        all_of_it = self.environ | environ
        if self.SERVER.can_run(all_of_it):
            return self.SERVER.run(
                Request(arguments=list(arguments), folder=str(self.folder), environ=all_of_it), timeout=120
            )
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=all_of_it,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def json(self, *arguments: str, **environ: str) -> list[dict[str, Any]]:
        """Runs it, expects success, and reads the JSON lines that it prints."""
        done = self(*arguments, **environ)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def site_file(self, name: str, url: str, **fields: object) -> str:
        """Writes a site file for a server on this machine; returns its path."""
        path = self.folder / f"{name}.yaml"
        declared = {"name": name, "url": url, "delay": 0, "allow_private_addresses": True, **fields}
        path.write_text(json.dumps(declared), encoding="utf-8")
        return str(path)


@pytest.fixture
def medthreads(tmp_path: Path) -> Medthreads:
    """The console command with an archive of its own."""
    return Medthreads(tmp_path)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server on loopback."""
    server = S3Server()
    yield server
    server.stop()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--matrix`: the rows that the tests of tests/faults leave, as a table (`make faults`)."""
    parser.addoption("--matrix", action="store_true", help="print the fault matrix")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints the fault matrix, and its sums."""
    if not config.getoption("--matrix"):
        return
    reports = [report for key in ("passed", "failed") for report in terminalreporter.getreports(key)]
    found = [(report.nodeid, report.outcome, dict(report.user_properties).get("fault")) for report in reports]
    rows: list[tuple[str, str, Any]] = sorted(entry for entry in found if entry[2])
    terminalreporter.section("fault matrix")
    terminalreporter.line(f"{'fault':<66}{'outcome':<16}{'requests':>9}{'posts lost':>12}{'difference':>12}  test")
    group = ""
    for nodeid, result, row in rows:
        file, _, name = nodeid.partition("::")
        if file != group:
            group = file
            terminalreporter.line(f"{file.rpartition('/test_')[2].removesuffix('.py')}")
        figures = f"{row['requests']:>9,}{row['lost']:>12}{row['difference']:>12}"
        words = name.removeprefix("test_").replace("_", " ")
        terminalreporter.line(f"  {words:<64}{row['outcome']:<16}{figures}  {result}")
    sums = [sum(row[name] for _, _, row in rows) for name in ("lost", "difference")]
    terminalreporter.line(f"{len(rows)} faults; {sums[0]} posts lost, receipts differ by {sums[1]} in all.")


def pytest_configure(config: pytest.Config) -> None:
    """DuckDB 2.0's binding prints a page about itself when a worker ends; nobody needs it in the log."""
    if hasattr(config, "workerinput"):
        atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))
