"""`sql`, `snapshots`: what analysts ask of the archive."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from medthreads.commands.options import ArchiveOption, JsonOption
from medthreads.commands.printing import Output
from medthreads.location import archive_location

WIDEST = 80
"""Characters of a value that the table for people shows."""


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this module."""
    app.command("sql")(sql_command)
    app.command("snapshots")(snapshots_command)


def sql_command(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A DuckDB statement; --help names the views.")],
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Ask the archive in SQL (DuckDB).

    Views: posts, threads, posts_asof(ts), changes(a, b), post_versions, thread_versions, observations, boards, authors,
    crawls, activity, digests. docs/data-dictionary.md describes their columns.
    """
    from medthreads import querying

    result = querying.ask(archive_location(archive), query)
    if as_json:
        for line in querying.json_lines(result):
            print(line)
    elif as_csv:
        print(querying.csv_text(result), end="")
    else:
        _print(result.column_names, list(querying.rows(result)))


def snapshots_command(archive: ArchiveOption = None, as_json: JsonOption = False) -> None:
    """The committed states of the archive, and what each added."""
    from medthreads import querying

    result = querying.snapshots(archive_location(archive))
    if as_json:
        for line in querying.json_lines(result):
            print(line)
        return
    _print(result.column_names, list(querying.rows(result)))


def _print(names: list[str], rows: list[list[object]]) -> None:
    """A table where it fits the terminal, else a block of `name  value` lines for each row."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(name), *(len(row[column]) for row in cells), 0) for column, name in enumerate(names)]
    console = Output(highlight=False)
    if not console.is_terminal:
        console = Output(highlight=False, width=sum(widths) + 2 * len(widths) + 2)
    if sum(widths) + 2 * len(widths) <= console.width:
        table = Table(*names, box=None, pad_edge=False)
        for row in cells:
            table.add_row(*map(escape, row))
        console.print(table)
        return
    for row in cells:
        block = Table(show_header=False, box=None, pad_edge=False)
        for name, cell in zip(names, row, strict=True):
            block.add_row(name, escape(cell))
        console.print(block, end="\n\n")


def _cell(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
