"""The console command `medthreads`: the table of contents of the product."""

import logging
import sys

import typer
from rich.console import Console
from typer.core import TyperGroup

from crawler.errors import InterruptedCrawlError, MedthreadsError
from medthreads.commands import crawling, documents, reading, serving, summarising


class InOrder(TyperGroup):
    """Lists commands in the order in which they are added: that of a newcomer's first day."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 (Typer's own signature)
        """Names in order."""
        return list(self.commands)


app = typer.Typer(
    cls=InOrder,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Crawls medical discussion threads into an archive of Parquet files, and reads them again.",
)
for module in (serving, crawling, documents, summarising, reading):
    module.add_commands(app)


def main() -> None:
    """Runs the command; every expected failure becomes one sentence and the exit code of its cause."""
    _log_for_people()
    try:
        app()
    except MedthreadsError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(str(error), markup=False, style="bold red")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(InterruptedCrawlError.exit_code)
    except BrokenPipeError:
        # The reader of our output (`head`, say) has gone: that is no failure of ours.
        sys.stderr.close()
        sys.exit(0)


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
