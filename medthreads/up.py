"""`medthreads up`: Airflow on this machine with the demo sites, from nothing to the first crawl's data.

    guard ─ ends all below if `up` dies
    demo            medthreads demo serve (forum and Reddit-like server)
    database        airflow_home.main(), once
    web server      airflow api-server    ┐
    DAG reader      airflow dag-processor ├ started together, watched until the end
    scheduler       airflow scheduler     ┘ (runs the tasks: LocalExecutor)

`airflow standalone` would bind all interfaces and leave its children behind.
"""

import os
import secrets
import shlex
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from crawler.errors import ArchiveError, BusyError, MedthreadsError, UsageError
from crawler.site import SITES_VARIABLE, load_site, usable_sites
from medthreads.airflow_api import AirflowApi
from medthreads.airflow_home import POOL_DESCRIPTION, USER, AirflowHome, wanted_pools
from medthreads.location import ARCHIVE_VARIABLE, archive_location
from medthreads.processes import MARK, Component, Guard, ask_crawls_to_end

HOME_VARIABLE = "MEDTHREADS_AIRFLOW"
HOST_VARIABLE = "MEDTHREADS_HOST"
START_PATIENCE = 180.0
"""Seconds for the components to come up: a cold disk on a small machine needs more than a minute."""
CRAWL_PATIENCE = 600.0
POOLS_EVERY = 15.0
"""Seconds between two looks for site files whose host has no pool yet; Airflow reads the files every 30."""
QUERY = (
    "SELECT site, board_id, count(*) AS posts, max(created_at) AS latest FROM posts GROUP BY ALL ORDER BY posts DESC"
)

DEMO_CREDENTIALS = {"DEMOREDDIT_CLIENT_ID": "demo", "DEMOREDDIT_CLIENT_SECRET": "demo"}
DATABASE = [sys.executable, "-m", "medthreads.airflow_home"]

Say = Callable[[str], None]


class Stopped(Exception):  # noqa: N818 - not an error
    """Ctrl-C or SIGTERM."""


def up(
    *,
    port: int = 8080,
    host: str | None = None,
    archive: str | None = None,
    demo: bool = True,
    folder: Path | None = None,
    exit_after_first_crawl: bool = False,
    say: Say | None = None,
) -> None:
    """Starts Airflow and the demo, prints where to look, and stays until Ctrl-C or SIGTERM.

    Args:
        port: of the UI; the next free one where it is taken.
        host: address to listen on; else MEDTHREADS_HOST, else loopback. Anything but loopback only where the network in
            front is closed (a container).
        archive: the archive's folder; else MEDTHREADS_ARCHIVE, else ./archive.
        demo: whether to serve the demo sites and crawl them.
        folder: Airflow's folder; else MEDTHREADS_AIRFLOW, else ./.airflow. A second start goes on with what it holds.
        exit_after_first_crawl: stop after the three lines (tests, benchmarks).
        say: prints a line; for tests.

    Raises:
        BusyError: it is running in this folder already.
        ArchiveError: the archive is a file, or is on S3 and cannot be reached as things are set.
        MedthreadsError: a component did not start or has ended; the message names its log.
    """
    root = (folder or Path(os.environ.get(HOME_VARIABLE) or ".airflow")).absolute()
    place = archive_location(archive)
    if "://" not in place:
        place = str(Path(place).absolute())
        if Path(place).exists() and not Path(place).is_dir():
            raise ArchiveError(f"The archive {place} is a file; give a folder with --archive.")
    else:
        from storage.archive import Archive

        Archive.open(place)  # what is missing is told here, not by the first task
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / "up.lock", timeout=0), _signals_as_stopped():
            listen = host or os.environ.get(HOST_VARIABLE) or "127.0.0.1"
            session = Session(root, listen, port, place, demo=demo, say=say or _say)
            try:
                session.run(exit_after_first_crawl=exit_after_first_crawl)
            except Stopped:
                session.say("Stopping ...")
            finally:
                session.stop()
    except Timeout:
        raise BusyError(f"medthreads is running in {root} already; stop it first (Ctrl-C there).") from None
    except OSError as error:
        raise MedthreadsError(f"Airflow could not be started in {root}: {error}.") from error


class Session:
    """One run of `medthreads up`."""

    def __init__(self, root: Path, host: str, port: int, archive: str, *, demo: bool, say: Say) -> None:
        free = free_port(port, host)
        self.say = say
        self._started = time.monotonic()
        if free != port:
            self.say(f"Port {port} is taken; the UI is on port {free}.")
        self._home = AirflowHome(root, host, free)
        self._archive_told = archive if "://" in archive else _short(Path(archive))
        self._ready = root / "database.ready"
        self._sites = root / "sites"
        self._demo = demo
        self._password = self._home.write()
        self._mark = secrets.token_hex(16)
        self._environ = environment(os.environ, root=root, archive=archive, sites=self._sites, mark=self._mark)
        self._guard = Guard(self._environ, self._mark)
        self._running: list[Component] = []
        self._api = AirflowApi(self._home.url, USER, self._password)
        self._pools = MissingPools(self._api, self._environ)

    def run(self, *, exit_after_first_crawl: bool) -> None:
        """Starts everything, waits for the first crawl, then watches."""
        self.say(f"Starting Airflow in {_short(self._home.root)}, archive in {self._archive_told} ...")
        if self._demo:
            self._serve_demo()
        self._ready.unlink(missing_ok=True)
        self._start("api-server", [sys.executable, "-m", "medthreads.airflow_server", str(self._ready)])
        self._prepare_database()
        self._start("dag-processor", [_program("airflow"), "dag-processor"])
        self._start("scheduler", [_program("airflow"), "scheduler", "--skip-serve-logs"], grace=20.0)
        sites = self._demo_sites() if self._demo else []
        self._wait_until(self._api.is_up, "the web server")
        self._progress("web server is ready")
        dags = [f"crawl_{site}" for site in sites]
        self._wait_for_dags([*dags, "summaries"])
        if new := [dag for dag in dags if not self._api.runs(dag, state="success")]:
            self._first_crawl(new)
        for line in self.where_to_look():
            self.say(line)
        for fault in usable_sites(self._environ)[1]:
            self.say(f"Left out: {fault}")
        look = time.monotonic()
        while not exit_after_first_crawl:
            self._check_components()
            if time.monotonic() >= look:
                for pool in self._pools.make():
                    self.say(f"New site: made its pool {pool}.")
                look = time.monotonic() + POOLS_EVERY
            time.sleep(0.5)

    def stop(self) -> None:
        """Ends the components, the scheduler first, and whatever they have left.

        The scheduler waits for its tasks; a crawl would keep it for hours, so crawls are told to come to an end.
        """
        if self._running:
            self._running[-1].ask_to_end()
            ask_crawls_to_end(self._mark)
        for component in reversed(self._running):
            component.stop()
        self._guard.finish()

    def where_to_look(self) -> list[str]:
        """The three lines: the UI and its login, the data, a query to try."""
        archive = self._archive_told
        query = f"{_short(Path(sys.executable).with_name('medthreads'))} sql"
        if archive != "archive":
            query += f" --archive {shlex.quote(archive)}"
        return [
            f"Look:   {self._home.url}  (user {USER}, password {self._password})",
            f"Data:   {archive}/current/posts/site=*/month=*/data.parquet",
            f'Query:  {query} "{QUERY}"',
        ]

    def _serve_demo(self) -> None:
        """Starts the demo servers; they write their site files."""
        self._sites.mkdir(exist_ok=True)
        for path in self._sites.glob("*.yaml"):
            path.unlink()
        self._environ |= DEMO_CREDENTIALS
        forum = free_port(8790, "127.0.0.1")
        reddit = free_port(max(forum + 1, 8791), "127.0.0.1")
        arguments = ["--forum-port", str(forum), "--reddit-port", str(reddit), "--sites-folder", str(self._sites)]
        self._start("demo", [_program("medthreads"), "demo", "serve", *arguments])

    def _demo_sites(self) -> list[str]:
        """Waits for the demo's site files; returns the names of its sites."""
        self._wait_until(lambda: len(list(self._sites.glob("*.yaml"))) > 1, "the demo sites")
        sites = [load_site(path) for path in sorted(self._sites.glob("*.yaml"))]
        self._progress("demo sites: " + ", ".join(f"{site.title or site.name} at {site.url}" for site in sites))
        return [site.name for site in sites]

    def _prepare_database(self) -> None:
        database = Component("database", DATABASE, self._log_of("database"))
        database.start(self._environ)
        self._running.append(database)
        self._wait_until(lambda: database.exit_code is not None, "the database", finite=database)
        self._running.remove(database)
        if database.exit_code:
            raise _ended(database)
        self._ready.touch()
        self._progress("database is ready")

    def _wait_for_dags(self, dag_ids: list[str]) -> None:
        waiting = list(dag_ids)

        def all_read() -> bool:
            waiting[:] = [dag for dag in waiting if self._api.dag(dag) is None]
            # What site_files.py tells is a site file of the user's: that one is left out, all others go on.
            problems = [problem for problem in self._api.import_errors() if "site_files.py: " not in problem]
            if waiting and problems:
                raise MedthreadsError(f"A DAG file cannot be read: {problems[0]}.")
            return not waiting

        self._wait_until(all_read, "the DAGs", pause=0.5)
        self._progress("DAGs are listed")

    def _first_crawl(self, dag_ids: list[str]) -> None:
        """Crawls the demo sites and waits for their summaries."""
        runs = {dag_id: self._api.trigger(dag_id) for dag_id in dag_ids}
        shown: dict[str, str] = {}

        def finished() -> bool:
            for dag_id, run_id in runs.items():
                states = self._api.task_states(dag_id, run_id)
                self._show(dag_id, states, shown)
                if failed := [task for task, state in states.items() if state in {"failed", "upstream_failed"}]:
                    log = self._home.logs / "tasks" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={failed[0]}"
                    raise MedthreadsError(
                        f"The first run of {dag_id} failed in its task {failed[0]}; its log is in {log}."
                    )
            done = {run["partition_key"] for run in self._api.runs("summaries", state="success")}
            return all(any(str(key).startswith(f"{dag.removeprefix('crawl_')}|") for key in done) for dag in runs)

        self._wait_until(finished, "the first crawl", patience=CRAWL_PATIENCE, pause=0.5)
        self._progress("first crawl and summaries are done")

    def _show(self, dag_id: str, states: Mapping[str, str | None], shown: dict[str, str]) -> None:
        now = next((task for task, state in states.items() if state == "running"), shown.get(dag_id))
        if now and shown.get(dag_id) != now:
            shown[dag_id] = now
            self._progress(f"{dag_id}: {now}")

    def _start(self, name: str, argv: list[str], grace: float = 3.0) -> None:
        component = Component(name, argv, self._log_of(name), grace)
        component.start(self._environ)
        self._running.append(component)

    def _log_of(self, name: str) -> Path:
        return self._home.logs / f"{name}.log"

    def _check_components(self, finite: Component | None = None) -> None:
        for component in self._running:
            if component.exit_code is not None and component is not finite:
                raise _ended(component)

    def _wait_until(
        self,
        reached: Callable[[], bool],
        what: str,
        *,
        patience: float = START_PATIENCE,
        pause: float = 0.2,
        finite: Component | None = None,
    ) -> None:
        deadline, problem = time.monotonic() + patience, ""
        while True:
            try:
                if reached():
                    return
            except OSError as error:  # the API may be overloaded for a moment while everything starts
                problem = f" (last: {error})"
            self._check_components(finite)
            if time.monotonic() > deadline:
                logs = self._home.logs
                raise MedthreadsError(f"Waited {patience:.0f} s for {what} in vain{problem}; the logs are in {logs}.")
            time.sleep(pause)

    def _progress(self, what: str) -> None:
        self.say(f"{time.monotonic() - self._started:4.0f} s  {what}")


class MissingPools:
    """Makes the pools of sites whose files came after the start: a crawl without its pool would wait for ever."""

    def __init__(self, api: AirflowApi, environ: Mapping[str, str]) -> None:
        self._api = api
        self._environ = environ
        self._known: set[str] = set()

    def make(self) -> list[str]:
        """Makes those that are missing; returns their names. Asks Airflow only where a site file names a new host."""
        wanted = wanted_pools(self._environ)
        if wanted <= self._known:
            return []
        made = []
        try:
            there = self._api.pools()
            for name in sorted(wanted - there):
                self._api.make_pool(name, POOL_DESCRIPTION)
                made.append(name)
        except OSError:
            return made  # the web server is busy: the next look makes the rest
        self._known = there | wanted
        return made


def environment(environ: Mapping[str, str], *, root: Path, archive: str, sites: Path, mark: str) -> dict[str, str]:
    """Environment of the components: ours, without another Airflow's settings, and without a proxy to this machine."""
    kept = {name: value for name, value in environ.items() if not name.startswith("AIRFLOW__")}
    kept.pop("AIRFLOW_CONFIG", None)
    direct = ",".join(filter(None, [environ.get("NO_PROXY") or environ.get("no_proxy"), "127.0.0.1,localhost"]))
    folders = os.pathsep.join(filter(None, [environ.get(SITES_VARIABLE), str(sites)]))
    return {
        **kept,
        "AIRFLOW_HOME": str(root),
        ARCHIVE_VARIABLE: archive,
        SITES_VARIABLE: folders,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "PYTHONUNBUFFERED": "1",
        "SPT_NOENV": "1",  # setproctitle would overwrite the environment that the guard reads
        MARK: mark,
    }


def free_port(wanted: int, host: str) -> int:
    """The port, or the next one that is free.

    Raises:
        UsageError: neither it nor the next 50 are free.
    """
    for port in range(wanted, min(wanted + 50, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise UsageError(f"No free port from {wanted} to {wanted + 49} on {host}; give another with --port.")


@contextmanager
def _signals_as_stopped() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the wait that they meet; while stopping, a second one is ignored."""
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            raise Stopped

    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, stop) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _ended(component: Component) -> MedthreadsError:
    return MedthreadsError(
        f"The {component.name} ended with exit code {component.exit_code}; its log is {component.log} "
        f"(last line: {component.last_words()})."
    )


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _short(path: Path) -> str:
    """The path as seen from here, where that is shorter."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
