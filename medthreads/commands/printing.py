"""Printing for people whose reader (`head`, a pager) may go before the end."""

from rich.console import Console


class Output(Console):
    """Standard output. Where its reader has gone it says so, as print() does; rich would end the process with 1."""

    def on_broken_pipe(self) -> None:
        """Passes the BrokenPipeError on that rich is handling."""
        raise
