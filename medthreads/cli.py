"""The console command `medthreads`. Its commands are in `medthreads.commands`; here is how each of them may end."""

import logging
import os
import select
import signal
import sys
from typing import NoReturn

from crawler.errors import InterruptedCrawlError, MedthreadsError


def main() -> None:
    """Runs the command; every expected failure becomes one sentence and the exit code of its cause."""
    try:
        _run()
    except MedthreadsError as error:
        from rich.console import Console

        Console(stderr=True, soft_wrap=True, highlight=False).print(str(error), markup=False, style="bold red")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        # Before and after the modules load; the commands answer it themselves.
        _stop_at_once()


def _run() -> None:
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_ours:
        # Python loses a KeyboardInterrupt that comes in a callback of its importing; a handler of ours is not lost.
        signal.signal(signal.SIGINT, _stop_at_once)
    from medthreads.commands.app import ReaderGoneError, app  # here: it takes a while

    if is_ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _log_for_people()
    try:
        app()
    except ReaderGoneError:
        if not _reader_is_gone():
            raise
        # `head`, say, has all it wanted: that is no failure of ours. What is still buffered has to go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _stop_at_once(*_signal: object) -> NoReturn:
    """Ends the process where nothing has been begun."""
    print("Stopped by Ctrl-C before anything was done.", file=sys.stderr, flush=True)
    os._exit(InterruptedCrawlError.exit_code)


def _reader_is_gone() -> bool:
    """Whether it is standard output that nobody reads any more, and not some other pipe or socket of the command."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _log_for_people() -> None:
    """Our own lines in full; of the libraries only what the receipt does not tell anyway."""
    for name, level in (("medthreads", logging.INFO), (None, logging.ERROR)):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
        handler.setLevel(level)
        logging.getLogger(name).addHandler(handler)
    logging.getLogger("medthreads").setLevel(logging.INFO)
    logging.getLogger("medthreads").propagate = False


if __name__ == "__main__":
    main()
