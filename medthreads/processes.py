"""Processes that `medthreads up` starts, and the promise that none of them outlives it.

Each component runs in a session of its own (Ctrl-C reaches only us) and carries a mark in its environment, which its
children inherit. A guard process waits on a pipe: when `up` ends in whatever way, also by SIGKILL, the guard ends
everything that still carries the mark. Process groups alone would not do: Airflow's supervisors make new ones.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

MARK = "MEDTHREADS_UP"
TERM_GRACE = 5.0


class Component:
    """A process with a name, a log and some seconds to end in."""

    def __init__(self, name: str, argv: list[str], log: Path, grace: float = 3.0) -> None:
        self.name = name
        self._grace = grace
        self.log = log
        self._argv = argv
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = False

    def start(self, environ: Mapping[str, str]) -> None:
        """Starts it, its output going to the log (emptied first)."""
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environ),
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs or has not been started."""
        return self._process.poll() if self._process else None

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end; returns the exit code."""
        assert self._process is not None
        return self._process.wait(timeout)

    def ask_to_end(self) -> None:
        """Sends SIGTERM, if it runs; once only, as a second one makes Airflow's scheduler hang."""
        if self._process and self._process.poll() is None and not self._asked:
            self._asked = True
            self._process.terminate()

    def stop(self) -> None:
        """Asks it to end, waits for as long as its grace is, and kills it where asking does not help."""
        if self._process is None or self._process.poll() is not None:
            return
        self.ask_to_end()
        try:
            self._process.wait(self._grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The last line of its log that says something."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "no output")


class Guard:
    """The process that ends what is left over."""

    def __init__(self, environ: Mapping[str, str], mark: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "medthreads.processes", mark],
            stdin=subprocess.PIPE,
            env={name: value for name, value in environ.items() if name != MARK},
            start_new_session=True,
        )

    def finish(self) -> None:
        """Lets it end what is left, and waits for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def marked(mark: str) -> list[psutil.Process]:
    """Running processes that carry the mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):  # somebody else's, or gone meanwhile
            continue
    return found


def ask_crawls_to_end(mark: str) -> None:
    """Sends SIGTERM to the crawls that carry the mark: each closes its landing, and goes on from there another time."""
    for process in marked(mark):
        try:
            if {"medthreads", "crawl"} <= {Path(word).name for word in process.cmdline()[:3]}:
                process.send_signal(signal.SIGTERM)
        except psutil.Error:
            continue


def end_marked(mark: str) -> None:
    """Ends all processes that carry the mark: SIGTERM, and after a while SIGKILL, until there is none."""
    deadline = time.monotonic() + TERM_GRACE
    asked: set[int] = set()
    while processes := marked(mark):
        for process in processes:
            late = time.monotonic() > deadline
            if late or process.pid not in asked:
                asked.add(process.pid)
                try:
                    process.send_signal(signal.SIGKILL if late else signal.SIGTERM)
                except psutil.Error:
                    continue
        time.sleep(0.1)


def main() -> None:
    """The guard: waits until its standard input ends, then ends what carries the mark."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    while os.read(0, 1024):
        pass
    end_marked(sys.argv[1])


if __name__ == "__main__":
    main()
