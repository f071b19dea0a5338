"""`sql`, `snapshots`, `changes`: what analysts ask of the archive."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from crawler.errors import UsageError
from medthreads.commands.options import ArchiveOption, JsonOption, range_of
from medthreads.commands.printing import Output
from medthreads.location import archive_location

if TYPE_CHECKING:
    import pyarrow as pa

WIDEST = 80
"""Characters of a value that the table for people shows."""
_LOOK_BACK = timedelta(days=7)
_LIMIT = 50
_NARROWEST = 10

CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this module."""
    app.command("sql")(sql_command)
    app.command("snapshots")(snapshots_command)
    app.command("changes")(changes_command)


def sql_command(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A DuckDB statement; --help names the views.")],
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Ask the archive in SQL (DuckDB).

    Views: posts, threads, posts_asof(ts), threads_asof(ts), posts_at_snapshot(n), threads_at_snapshot(n),
    changes(a, b), post_versions, thread_versions, observations, post_counters, thread_counters, boards, authors,
    crawls, activity, digests, near_duplicates, crossposts, quotations. docs/data-dictionary.md and docs/summaries.md
    describe their columns, docs/reading-the-archive.md their use.
    """
    from medthreads import querying

    result = querying.ask(archive_location(archive), query)
    if not _print_for_machines(result, as_json, as_csv):
        _print(result.column_names, list(querying.rows(result)))


def snapshots_command(
    archive: ArchiveOption = None,
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The committed states of the archive, and what each added."""
    from medthreads import querying

    result = querying.snapshots(archive_location(archive), site)
    if _print_for_machines(result, as_json):
        return
    table = Table(
        "",
        Column("committed (UTC)", min_width=10),
        "site",
        Column("crawl", no_wrap=True),  # an id that is cut is no id
        "posts, of those seen",
        "threads, of those seen",
        box=None,
        pad_edge=False,
    )
    for row in result.to_pylist():
        posts = _added(row, {name: name for name in ("new", "edited", "deleted", "restored", "moved")}, "seen")
        threads = _added(row, {"threads_new": "new", "threads_changed": "changed"}, "threads_seen")
        cells = (str(row["number"]), _minute(row["committed_at"]), row["site"], row["crawl_id"], posts, threads)
        table.add_row(*map(escape, cells))
    _show(table)


def changes_command(
    since: Annotated[str | None, typer.Option(metavar="DATE", help="After this instant (UTC); else 7 days.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Up to this instant (UTC); else now.")] = None,
    snapshot: Annotated[int | None, typer.Option(help="What this snapshot brought, instead of dates.")] = None,
    site: Annotated[str | None, typer.Option(help="Of this site only.")] = None,
    board: Annotated[str | None, typer.Option(help="Of this board only (its id).")] = None,
    kind: Annotated[str | None, typer.Option(help="post or thread; else both.")] = None,
    change: Annotated[
        str | None, typer.Option(help="Of new, edited, deleted, restored, moved, reparsed; several with commas.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help=f"Rows at most; else {_LIMIT} for people, all else.")] = None,
    only_summary: Annotated[bool, typer.Option("--summary", help="Only how many of each.")] = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """What is new, edited, deleted, restored or moved between two dates, by when pages showed it first.

    A landing that is committed late changes the past: to follow an archive without a gap, ask by --snapshot.
    """
    from medthreads import querying, reading

    kinds = _chosen("--kind", kind, reading.KINDS)
    if len(kinds) > 1:
        kinds = []  # both, as without
    selection = reading.Selection(
        site, board, kinds[0] if kinds else None, _chosen("--change", change, reading.CHANGES), snapshot
    )
    after, last = _span(since, until, snapshot)
    for_machines = as_json or as_csv
    most = 0 if only_summary else _LIMIT if limit is None and not for_machines else limit
    counts, listed = querying.changes(archive_location(archive), after, last, selection, most)
    if not _print_for_machines(counts if only_summary else listed, as_json, as_csv):
        what = (
            f"After {_minute(after)} and up to {_minute(last)} UTC" if snapshot is None else f"Of snapshot {snapshot}"
        )
        _print_changes(what, counts.to_pylist(), listed.to_pylist(), only_summary)


def _span(since: str | None, until: str | None, snapshot: int | None) -> tuple[datetime, datetime]:
    first, last = range_of(since, until)
    if snapshot is not None:
        if first or last:
            raise UsageError("Give either --snapshot or dates: a snapshot's changes may lie far in the past.")
        return datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    last = last or datetime.now(UTC)
    return first or last - _LOOK_BACK, last


def _chosen(option: str, given: str | None, known: Sequence[str]) -> list[str]:
    words = [word.strip() for word in (given or "").split(",") if word.strip()]
    for word in words:
        if word not in known:
            raise UsageError(f"{option} knows no {word!r}; it takes {', '.join(known)}.")
    return words


def _print_changes(
    what: str, counts: Sequence[Mapping[str, Any]], listed: Sequence[Mapping[str, Any]], only_summary: bool
) -> None:
    """The counts of each board, then the changes one by one."""
    from medthreads import reading

    total = sum(row["changes"] for row in counts)
    kinds = sorted({row["change"] for row in counts}, key=reading.CHANGES.index)
    by_board: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in counts:
        by_board.setdefault((row["site"], row["board_id"] or "", row["kind"]), {})[row["change"]] = row["changes"]
    print(f"{what}: {total:,} {'change' if total == 1 else 'changes'}.")
    if not total:
        return
    summary = Table("site", "board", "kind", box=None, pad_edge=False)
    for change in kinds:
        summary.add_column(change, justify="right")
    for place, numbers in by_board.items():
        summary.add_row(*map(escape, place), *(f"{numbers.get(change, 0):,}" for change in kinds))
    print()
    _show(summary)
    if only_summary:
        return
    names = ("first seen", "site", "thread", "post", "change", "what", "text")
    table = Table(*names, box=None, pad_edge=False)
    rows: list[list[str]] = []
    for row in listed:
        place = (row["site"], row["thread_id"], row["post_id"] or "")
        rows.append([_minute(row["observed_at"]), *place, row["change"], _of_what(row), _cell(row["text"])])
    widths = [max(len(name), *(len(cells[at]) for cells in rows), 0) for at, name in enumerate(names[:-1])]
    taken = sum(widths) + 2 * len(widths)
    room = max(_NARROWEST, min(WIDEST, Output().width - taken)) if Output().is_terminal else WIDEST
    for cells in rows:
        table.add_row(*map(escape, cells[:-1]), escape(_cut(cells[-1], room)))
    print()
    _show(table)
    if len(listed) < total:
        print(f"\n{total - len(listed):,} more: --limit shows more of them, --json and --csv all.")


def _of_what(row: Mapping[str, Any]) -> str:
    """Which columns changed, and where from what was moved."""
    places = {name: row[f"previous_{name}"] for name in ("thread_id", "board_id")}
    moved = [
        f"{name.removesuffix('_id')} {before} before"
        for name, before in places.items()
        if before is not None and before != row[name] and row["version"] > 1
    ]
    columns = [name for name in row["changed"] or () if name not in places]
    # Of what is gone all columns are emptied: that says nothing.
    return ", ".join([*([] if row["change"] == "deleted" else columns), *moved])


def _added(row: Mapping[str, Any], names: Mapping[str, str], seen: str) -> str:
    """Such as `12 new, 3 edited of 1,300`."""
    parts = [f"{row[name]:,} {word}" for name, word in names.items() if row[name]]
    return f"{', '.join(parts) or 'nothing new'} of {row[seen]:,}"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment.year > 1 else ""


def _print_for_machines(result: "pa.Table", as_json: bool, as_csv: bool = False) -> bool:
    """Prints the rows where a machine asked; whether one did."""
    from medthreads import querying

    if as_json:
        for line in querying.json_lines(result):
            print(line)
    elif as_csv:
        print(querying.csv_text(result), end="")
    return as_json or as_csv


def _show(table: Table) -> None:
    """A table that is as wide as the terminal, or as it likes where there is none."""
    console = Output(highlight=False)
    if not console.is_terminal:
        console = Output(highlight=False, width=1_000)
    console.print(table)


def _print(names: list[str], rows: list[list[object]]) -> None:
    """A table where it fits the terminal, else a block of `name  value` lines for each row."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(name), *(len(row[column]) for row in cells), 0) for column, name in enumerate(names)]
    console = Output(highlight=False)
    if not console.is_terminal:
        console = Output(highlight=False, width=sum(widths) + 2 * len(widths) + 2)
    if sum(widths) + 2 * len(widths) <= console.width:
        _show_in(console, names, cells)
        return
    if not cells:
        console.print(f"no row of {', '.join(names)}", markup=False)
    for row in cells:
        block = Table(show_header=False, box=None, pad_edge=False)
        for name, cell in zip(names, row, strict=True):
            block.add_row(name, escape(cell))
        console.print(block, end="\n\n")


def _show_in(console: Output, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*names, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def _cell(value: object) -> str:
    return _cut("" if value is None else " ".join(str(value).split()), WIDEST)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
