"""`medthreads up`, the real thing: Airflow, the demo sites, the first crawl, a backfill, and nothing left behind."""

import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import Request

import psutil
import pytest

from crawler.errors import ArchiveError, BusyError, MedthreadsError
from medthreads.airflow_api import AirflowApi
from medthreads.processes import MARK, Component, Guard, end_marked, marked
from medthreads.up import MissingPools, environment, free_port, up

MEDTHREADS = str(Path(sys.executable).with_name("medthreads"))


def clean_environ(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MEDTHREADS_"))}
    return {**kept, **more}


def wait_for(what, seconds: float = 90.0):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)
    return found


@contextmanager
def running_up(folder: Path, *arguments: str, **environ: str):
    """`medthreads up` in a folder; the block gets the process and a function that waits for its next matching line."""
    mark = f"test-{os.getpid()}-{time.monotonic_ns()}"
    process = subprocess.Popen(
        [MEDTHREADS, "up", *arguments],
        cwd=folder,
        env=clean_environ(MEDTHREADS_TEST=mark, **environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines: list[str] = []

    def line(label: str) -> str:
        for text in process.stdout or ():
            lines.append(text.rstrip())
            if label in text:
                return text.partition(label)[2].strip()
        pytest.fail("it ended without that line:\n" + "\n".join(lines))

    try:
        yield process, line
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
        wait_for(lambda: not of_test(mark), 20)


def of_test(mark: str) -> list[psutil.Process]:
    """Processes that have inherited the test's own mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MEDTHREADS_TEST") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def listening(processes: list[psutil.Process]) -> set[str]:
    """Addresses on which any of the processes listens."""
    return {
        connection.laddr.ip
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }


@pytest.mark.timeout(300)
def test_from_nothing_to_data_a_backfill_and_nothing_left(tmp_path):
    port = free_port(18080 + os.getpid() % 1000, "127.0.0.1")
    sites = tmp_path / "further"
    sites.mkdir()
    (sites / "broken.yaml").write_text("name: [")
    with running_up(tmp_path, "--port", str(port), MEDTHREADS_SITES=str(sites)) as (process, line):
        look, data, query = line("Look:"), line("Data:"), line("Query:")

        started = [*of_mark_of(process), process.pid]
        assert listening([psutil.Process(pid) for pid in started]) == {"127.0.0.1"}

        assert list(tmp_path.glob(data)), "the data is where the line says"
        asked = subprocess.run(
            shlex.split(query), cwd=tmp_path, env=clean_environ(), capture_output=True, text=True, check=False
        )
        assert asked.returncode == 0, asked.stderr
        assert re.search(r"\d", asked.stdout)

        url, user, password = re.fullmatch(r"(\S+)\s+\(user (\S+), password (\S+)\)", look).groups()
        api = AirflowApi(url, user, password)
        assert ["site_files.py" in told for told in api.import_errors()] == [True], "all others go on"
        (sites / "late.yaml").write_text("name: late\nurl: http://127.0.0.1:9/\nschedule: null\n")
        assert line("made its pool") == "host_127.0.0.1_9."
        assert "host_127.0.0.1_9" in api.pools()
        (sites / "broken.yaml").unlink()
        site = next((tmp_path / ".airflow" / "sites").glob("*forum*.yaml")).stem
        last = datetime.now(UTC).date() - timedelta(days=1)
        api.backfill(f"crawl_{site}", str(last - timedelta(days=1)), str(last), max_active_runs=1)

        def backfilled():
            runs = [run for run in api.runs(f"crawl_{site}") if run["run_type"] == "backfill"]
            assert all(run["state"] != "failed" for run in runs)
            return runs if runs and all(run["state"] == "success" for run in runs) else None

        days = [run["partition_key"] for run in wait_for(backfilled)]
        # Yesterday has no run of its own where the scheduled one was there before.
        assert days in ([str(last), str(last - timedelta(days=1))], [str(last - timedelta(days=1))])
        wanted = {f"{site}|{last}", f"{site}|{last - timedelta(days=1)}"}
        wait_for(lambda: wanted <= {run["partition_key"] for run in api.runs("summaries", state="success")})

        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
        # A process that was ended is there until it is reaped.
        assert wait_for(lambda: not any(psutil.pid_exists(pid) for pid in started), 10)


def of_mark_of(process: subprocess.Popen[str]) -> list[int]:
    """Everything that `up` has started: what carries the same mark as its children."""
    children = psutil.Process(process.pid).children()
    mark = next(filter(None, (child.environ().get(MARK) for child in children)))
    return [found.pid for found in marked(mark)]


@pytest.mark.timeout(120)
def test_killed_it_leaves_nothing_and_the_next_start_goes_on(tmp_path):
    port = str(free_port(19080 + os.getpid() % 1000, "127.0.0.1"))
    with running_up(tmp_path, "--port", port, "--no-demo") as (process, line):
        line("database is ready")
        started = of_mark_of(process)
        login = json.loads((tmp_path / ".airflow" / "passwords.json").read_text())["admin"]
        process.send_signal(signal.SIGKILL)
        wait_for(lambda: not any(psutil.pid_exists(pid) for pid in started), 20)
    with running_up(tmp_path, "--port", port, "--no-demo", "--exit-after-first-crawl") as (process, line):
        assert line("Look:") == f"http://127.0.0.1:{port}  (user admin, password {login})"
        assert process.wait(40) == 0


def test_a_taken_port_gives_the_next_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert port < free_port(port, "127.0.0.1") < port + 50


def test_an_archive_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "archive").write_text("")
    with pytest.raises(ArchiveError, match="is a file"):
        up(archive=str(tmp_path / "archive"), folder=tmp_path / ".airflow")


def test_a_second_one_in_the_same_folder_is_refused(tmp_path):
    from filelock import FileLock

    with FileLock(tmp_path / "up.lock"), pytest.raises(BusyError, match="running in"):
        up(archive=str(tmp_path / "archive"), folder=tmp_path)


def test_a_component_that_ends_is_one_sentence_with_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr("medthreads.up.DATABASE", [sys.executable, "-c", "raise SystemExit('the disk is on fire')"])
    with pytest.raises(MedthreadsError, match=r"database ended with exit code 1; its log is .*database\.log.*on fire"):
        up(
            archive=str(tmp_path / "archive"),
            folder=tmp_path / ".airflow",
            demo=False,
            port=free_port(20080, "127.0.0.1"),
        )
    assert marked_in(tmp_path) == []


def marked_in(folder: Path) -> list[psutil.Process]:
    """Marked processes whose Airflow folder is below this one."""
    found = []
    for process in psutil.process_iter():
        try:
            environ = process.environ()
        except (psutil.Error, OSError):
            continue
        if MARK in environ and environ.get("AIRFLOW_HOME", "").startswith(str(folder)):
            found.append(process)
    return found


def test_secrets_are_private_and_stay(tmp_path):
    from medthreads.airflow_home import AirflowHome

    home = AirflowHome(tmp_path / ".airflow", "127.0.0.1", 8080)
    password = home.write()
    assert home.write() == password
    private = [path for path in home.root.iterdir() if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
    assert json.loads((home.root / "passwords.json").read_text()) == {"admin": password}


class Pools:
    """Stands in for Airflow's pools behind its REST API."""

    def __init__(self, *there: str) -> None:
        self.there = {*there}
        self.asked = 0
        self.is_busy = False

    def pools(self) -> set[str]:
        self.asked += 1
        if self.is_busy:
            raise OSError("timed out")
        return set(self.there)

    def make_pool(self, name: str, description: str) -> None:
        assert description
        assert name not in self.there
        self.there.add(name)


class TestMissingPools:
    """A crawl whose pool is missing would wait for ever."""

    @staticmethod
    def site_file(folder: Path, name: str, host: str) -> None:
        (folder / f"{name}.yaml").write_text(f"name: {name}\nurl: https://{host}/\n")

    def test_a_site_file_that_comes_later_gets_its_pool(self, tmp_path):
        api = Pools()
        missing = MissingPools(api, {"MEDTHREADS_SITES": str(tmp_path)})
        missing.make()
        assert missing.make() == []
        self.site_file(tmp_path, "late", "late.example")
        self.site_file(tmp_path, "port", "late.example:8443")
        assert missing.make() == ["host_late.example", "host_late.example_8443"]
        assert set(missing.make()) == set()
        assert "host_late.example" in api.there

    def test_airflow_is_asked_only_for_a_new_host(self, tmp_path):
        api = Pools()
        missing = MissingPools(api, {"MEDTHREADS_SITES": str(tmp_path)})
        missing.make()
        self.site_file(tmp_path, "again", "www.reddit.com")
        missing.make()
        assert api.asked == 1

    def test_a_busy_web_server_is_asked_again(self, tmp_path):
        api = Pools()
        api.is_busy = True
        missing = MissingPools(api, {"MEDTHREADS_SITES": str(tmp_path)})
        assert missing.make() == []
        api.is_busy = False
        assert "host_www.reddit.com" in missing.make()

    def test_a_broken_site_file_is_no_hindrance(self, tmp_path):
        self.site_file(tmp_path, "late", "late.example")
        (tmp_path / "broken.yaml").write_text("name: [")
        assert "host_late.example" in MissingPools(Pools(), {"MEDTHREADS_SITES": str(tmp_path)}).make()


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_has_run_out_is_renewed(monkeypatch, status):
    api = AirflowApi("http://127.0.0.1:9", "admin", "x")
    tokens = iter(["old", "new"])
    sent: list[str] = []

    def answer(request: Request, timeout: float):
        assert timeout
        if request.selector == "/auth/token":
            return io.BytesIO(json.dumps({"access_token": next(tokens)}).encode())
        sent.append(request.get_header("Authorization", ""))
        if len(sent) == 1:
            raise HTTPError(request.full_url, status, "no", Message(), None)
        return io.BytesIO(b'{"pools": [{"name": "default_pool"}]}')

    monkeypatch.setattr("medthreads.airflow_api._OPENER", SimpleNamespace(open=answer))
    assert api.pools() == {"default_pool"}
    assert sent == ["Bearer old", "Bearer new"]


def test_the_environment_of_another_airflow_is_left_out():
    environ = {"AIRFLOW__API__HOST": "192.0.2.1", "AIRFLOW_CONN_REDDIT": "x", "NO_PROXY": "intra", "PATH": "/bin"}
    ours = environment(environ, root=Path("/a"), archive="/b", sites=Path("/s"), mark="m")
    assert "AIRFLOW__API__HOST" not in ours
    assert ours["AIRFLOW_CONN_REDDIT"] == "x"
    assert ours["NO_PROXY"] == "intra,127.0.0.1,localhost"
    assert ours["MEDTHREADS_SITES"] == "/s"


def test_the_guard_ends_what_carries_the_mark_also_in_other_sessions(tmp_path):
    mark = f"guard-{os.getpid()}"
    environ = clean_environ(**{MARK: mark})
    guard = Guard(environ, mark)
    sleep = "[sys.executable, '-c', 'import time; time.sleep(60)']"
    code = f"import subprocess, sys; subprocess.run({sleep}, start_new_session=True)"
    Component("nested", [sys.executable, "-c", code], tmp_path / "log").start(environ)
    wait_for(lambda: len(marked(mark)) == 2, 10)
    guard.finish()
    assert marked(mark) == []


def test_what_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("medthreads.processes.TERM_GRACE", 0.5)
    mark = f"deaf-{os.getpid()}"
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    deaf = Component("deaf", [sys.executable, "-c", code], tmp_path / "log")
    deaf.start(clean_environ(**{MARK: mark}))
    wait_for(lambda: deaf.log.read_text(), 10)
    end_marked(mark)
    assert deaf.wait(5) == -signal.SIGKILL
