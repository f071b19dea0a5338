"""A crawl as a process of its own: its lines go to the task's log, signals reach it, it never outlives the task."""

import json
import logging
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from airflow.sdk.exceptions import AirflowTaskTimeout

from crawler import errors
from medthreads.airflow_failures import ending

GRACE = 4.0
"""Seconds a crawl gets to close its landing; Airflow kills a task 5 s after SIGTERM."""

log = logging.getLogger("medthreads")


def run_crawl(argv: list[str], environ: dict[str, str]) -> dict[str, Any]:
    """Runs the crawl, its lines going to the task's log as they come; what its last line says in JSON.

    The child holds the reading end of a pipe as its stdin: when this process goes away, even by SIGKILL, the child
    sees its end and closes its landing.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        text=True,
        errors="replace",
    )
    output = CrawlOutput()
    try:
        with _passing_on_sigterm(process):
            for line in process.stdout or ():
                output.take(line)
            exit_code = process.wait()
    except AirflowTaskTimeout:
        raise ending(
            errors.InterruptedCrawlError.exit_code,
            "The crawl took too long and was stopped; the next try goes on from there.",
        ) from None
    finally:
        _stop(process)
    if exit_code == 0 and output.result is not None:
        return output.result
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        raise ending(1, f"The crawl was ended by {name}; the next try goes on from its landing.")
    raise ending(exit_code or 1, output.last or f"The crawl ended with exit code {exit_code} and without a word.")


class CrawlOutput:
    """The lines of a crawl on their way to the task's log.

    Progress lines (they begin with a time of day, which the log has already) go there at once. Any other line is held
    until the next one: the last of them is the sentence of a failure, which the log shows as an error.
    """

    def __init__(self) -> None:
        self.result: dict[str, Any] | None = None
        """What the line of JSON says."""
        self.last = ""

    def take(self, line: str) -> None:
        """Takes the next line."""
        text = line.rstrip()
        if found := _result_line(text):
            self.result = found
        elif text:
            if self.last:
                log.info("%s", self.last)
            self.last = text
            if timed := re.fullmatch(r"\d\d:\d\d:\d\d (.+)", text):
                log.info("%s", timed[1])
                self.last = ""


@contextmanager
def _passing_on_sigterm(process: subprocess.Popen[str]) -> Iterator[None]:
    """Hands SIGTERM on to the child, which then closes its landing; Airflow's own handler would let it run on."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        process.terminate()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _result_line(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "landing" in value else None
