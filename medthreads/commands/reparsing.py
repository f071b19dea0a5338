"""`reparse`: landed pages through the engines of today."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from medthreads.commands.options import ArchiveOption, JsonOption, range_of
from medthreads.commands.printing import Output
from medthreads.location import archive_location

if TYPE_CHECKING:
    from medthreads.reparsing import Reparsed

_WIDEST = 60


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this module."""
    app.command("reparse")(reparse_command)


def reparse_command(
    site: Annotated[str | None, typer.Argument(metavar="SITE", help="Name of a site in the archive; else all.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only landings of crawls begun on or after this day (UTC).")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only landings of crawls begun before this day (UTC).")
    ] = None,
    landing: Annotated[str | None, typer.Option(metavar="CRAWL_ID", help="Only this landing.")] = None,
    commit: Annotated[bool, typer.Option("--commit", help="Commit what differs; else it is only shown.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Commit although pages give nothing now that gave records before.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the values of the examples, which are texts of posts, too.")
    ] = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read landed pages again with the engines of today; no site is asked. Shows what differs, field by field.

    With --commit the differences become versions marked `reparsed`. See docs/reparsing.md.
    """
    from medthreads import reparsing

    first, last = range_of(since, until)
    scope = reparsing.Scope(site=site, since=first, until=last, crawl_id=landing)
    for done in reparsing.reparse(archive_location(archive), scope, commit=commit, force=force, show=show):
        if as_json:
            print(reparsing.as_json(done))
        else:
            _print(done, is_commit=commit)


def _print(done: "Reparsed", *, is_commit: bool) -> None:
    console = Output(highlight=False, soft_wrap=True)
    engines = ", ".join(f"{name} ({pages:,})" for name, pages in done.engines.items())
    console.print(f"{done.site}: {done.pages:,} pages of {done.landings:,} landings read again: {escape(engines)}")
    if done.lost_pages:
        console.print(f"  {done.lost_pages:,} pages gave records before and give none now:")
        for lost in done.lost:
            console.print(escape(f"    {lost.url} in {lost.landing}: {lost.records} records ({lost.reason})"))
    if done.missing_posts:
        console.print(
            f"  {done.missing_posts:,} posts are not found on their pages any more: {', '.join(done.missing)}"
        )
    if done.damaged:
        console.print(f"  {done.damaged:,} pages are in no WARC file any more, or in a damaged one")
    if done.without_pages:
        console.print(f"  {done.without_pages:,} imports, reparses and crawls that are landed no more: nothing to read")
    if not done.differs:
        console.print("  no difference: the archive says what the pages say")
        return
    console.print(f"  {done.new_posts:,} posts and {done.new_threads:,} threads that the archive lacks")
    if done.fields:
        console.print(_table(done))
    _print_values(console, done)
    if done.snapshot is not None:
        counts = done.committed
        console.print(
            f"  committed as snapshot {done.snapshot}: {counts['reparsed']:,} posts and "
            f"{counts['threads_changed']:,} threads reparsed, {counts['new']:,} and {counts['threads_new']:,} added"
        )
    elif not is_commit:
        console.print("  nothing is committed; say --commit for that")


def _table(done: "Reparsed") -> Table:
    table = Table("engine", "of", "field", "records", "gained", "lost", "changed", "such as", box=None, pad_edge=False)
    for entry in done.fields:
        counts = (f"{count:,}" for count in (entry.records, entry.gained, entry.lost, entry.changed))
        table.add_row(escape(entry.engine), entry.kind, entry.field, *counts, escape(", ".join(entry.examples)))
    return table


def _print_values(console: Output, done: "Reparsed") -> None:
    for entry in done.fields:
        for record, (was, now) in zip(entry.examples, entry.values or (), strict=False):
            console.print(escape(f"  {entry.kind} {record}, {entry.field}: {_short(was)} -> {_short(now)}"))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
