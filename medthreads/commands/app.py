"""All commands in one Typer app, in the order of a newcomer's first day."""

import sys

import typer
from typer.core import TyperGroup

from crawler.errors import InterruptedCrawlError
from medthreads.commands import (
    backfill,
    crawling,
    documents,
    erasing,
    maintaining,
    publishing,
    reading,
    reparsing,
    serving,
    sites,
    summarising,
)


class ReaderGoneError(Exception):
    """A write to a pipe that nobody reads any more. No OSError: Typer would make exit code 1 of it."""


class InOrder(TyperGroup):
    """Lists commands in the order in which they are added, and leaves no ending to Typer that people would not read."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 (Typer's own signature)
        """Names in order."""
        return list(self.commands)

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override] # Typer's own type is private
        """Runs the command.

        Raises:
            InterruptedCrawlError: Ctrl-C, where the command has no answer of its own to it.
            ReaderGoneError: a pipe was closed at its other end.
        """
        try:
            result: object = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            raise InterruptedCrawlError("Stopped by Ctrl-C.") from None
        except BrokenPipeError as error:
            raise ReaderGoneError(str(error)) from error
        return result


app = typer.Typer(
    cls=InOrder,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Crawls medical discussion threads into an archive of Parquet files, and reads them again.",
)
for module in (
    serving,
    crawling,
    backfill,
    sites,
    documents,
    summarising,
    publishing,
    reading,
    reparsing,
    erasing,
    maintaining,
):
    module.add_commands(app)
