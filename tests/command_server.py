"""Runs the console command in processes forked from one that has imported everything: loading takes a second of CPU.

    python -m tests.command_server SOCKET

Each byte on the socket SOCKET (a descriptor) comes with three more: the request (`Request` as JSON), and where standard
output and error go. It is answered with the process id of the command, and with its exit code once it has ended. Each
command is a process of its own, as a user's is; but the hash seed and what modules read while they load are this one's.
"""

import atexit
import gc
import importlib
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, TypedDict

ROOT = Path(__file__).parent.parent
READ_WHILE_RUNNING = ("MEDTHREADS_", "REDDIT_", "DEMOREDDIT_", "SUB_", "PYTEST_", "AWS_")
"""Beginnings of the variables that the command reads when it runs, and nothing while it loads."""
NO_THREADS = {
    **dict.fromkeys(("JE_ARROW_MALLOC_CONF", "_RJEM_MALLOC_CONF"), "background_thread:false"),
    "OPENBLAS_NUM_THREADS": "1",
}
"""Has Arrow and Delta allocate, and NumPy load, without threads of their own, of which a fork would be without."""
NUMBER = struct.Struct("i")


class Request(TypedDict):
    """The command to run."""

    arguments: list[str]
    folder: str
    environ: dict[str, str]


class CommandServer:
    """The server, as tests see it; it starts with the first command."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._limits = _limits()
        self._is_free = threading.Lock()
        self._socket: socket.socket | None = None

    def can_run(self, environ: Mapping[str, str]) -> bool:
        """Whether it makes no difference to the command in this environment that all has been loaded before."""
        # Polars sets one of NO_THREADS when it is imported.
        changed = {name for name, _ in environ.items() ^ self._environ.items()} - NO_THREADS.keys()
        return self._limits == _limits() and all(name.startswith(READ_WHILE_RUNNING) for name in changed)

    def run(self, request: Request, timeout: float) -> "subprocess.CompletedProcess[str]":
        """Runs the command to its end, one at a time.

        Raises:
            subprocess.TimeoutExpired: it did not end, and was killed.
        """
        with self._is_free, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with tempfile.TemporaryFile() as asked:
                asked.write(json.dumps(request).encode())
                asked.flush()
                server = self._socket = self._socket or self._start()
                socket.send_fds(server, [b"."], [asked.fileno(), out.fileno(), err.fileno()])
            process = _number(server)
            server.settimeout(timeout)
            try:
                code = _number(server)
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                server.settimeout(None)
                _number(server)
                raise subprocess.TimeoutExpired(request["arguments"], timeout, _all_of(out), _all_of(err)) from None
            server.settimeout(None)
            return subprocess.CompletedProcess(
                request["arguments"], code, _all_of(out).decode("utf-8"), _all_of(err).decode("utf-8")
            )

    def _start(self) -> socket.socket:
        ours, its = socket.socketpair()
        with its:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.command_server", str(its.fileno())],
                cwd=ROOT,
                env=self._environ | NO_THREADS,
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
            )

        def stop() -> None:
            ours.close()
            process.wait()

        atexit.register(stop)
        return ours


def _limits() -> list[tuple[int, int]]:
    """What this process may use, which those that it starts inherit; the server would not."""
    return [resource.getrlimit(kind) for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_AS, resource.RLIMIT_NOFILE)]


def _number(server: socket.socket) -> int:
    data = server.recv(NUMBER.size, socket.MSG_WAITALL)
    if not data:
        raise RuntimeError("The server of commands has ended; its own words are in the log.")
    number: int = NUMBER.unpack(data)[0]
    return number


def _all_of(file: "tempfile._TemporaryFileWrapper[bytes]") -> bytes:
    file.seek(0)
    return file.read()


def main() -> None:
    """Serves until the socket is closed."""
    asked = socket.socket(fileno=int(sys.argv[1]))
    load()
    at_ctrl_c = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        data, files, _, _ = socket.recv_fds(asked, 1, 3)
        if not data:
            end_at_once(0)
        process = os.fork()
        if process == 0:
            asked.close()
            signal.signal(signal.SIGINT, at_ctrl_c)
            run(*files)
        for file in files:
            os.close(file)
        asked.sendall(NUMBER.pack(process))
        asked.sendall(NUMBER.pack(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])))


def load() -> None:
    """Loads what commands load, early or late; refuses what a fork would not copy."""
    from crawler.site import Site
    from tests.faults.crawls_to_kill import import_all

    import_all(Site(name="ward", url="http://localhost/"))
    for name in LOADED:
        importlib.import_module(name)
    assert "twisted.internet.reactor" not in sys.modules
    tasks = Path("/proc/self/task")
    assert (len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()) == 1
    gc.collect()
    gc.freeze()


LOADED = (
    *("medthreads.cli", "medthreads.commands.app", "medthreads.querying", "crawler.spiders.scout"),
    *("crawler.scouting", "medthreads.importing", "medthreads.backfilling", "summaries.refresh", "typer.rich_utils"),
    *("pydantic.type_adapter", "typer._adapters", "typer._click.decorators", "rich._emoji_codes", "pyarrow.compute"),
    # DuckDB and pyarrow import it wherever it is installed, as it is for tests.
    *("pandas", "pyarrow.pandas_compat", "_strptime"),
)
"""What they load, next to what a crawl does."""


def run(request: int, out: int, err: int) -> NoReturn:
    """Becomes the command; ends as Python ends, but for taking down what the server has loaded."""
    for file, standard in ((out, 1), (err, 2)):
        os.dup2(file, standard)
        os.close(file)
    with os.fdopen(request, "rb") as asked:
        asked.seek(0)
        wanted: Request = json.load(asked)
    os.environ.clear()
    os.environ.update(wanted["environ"])
    time.tzset()
    os.chdir(wanted["folder"])
    command = sys.modules["__main__"] = importlib.import_module("medthreads.cli")
    sys.path[0] = wanted["folder"]
    sys.argv = [str(command.__file__), *wanted["arguments"]]
    code: object = 1
    try:
        command.main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    finally:
        if code == 1 and sys.exc_info()[1]:
            traceback.print_exc()
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as Python does at its end
        atexit._run_exitfuncs()
        end_at_once(int(str(code)))


def end_at_once(code: int) -> NoReturn:
    """Ends without taking down what is loaded: that takes a third of a second, and DuckDB prints a page about it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
