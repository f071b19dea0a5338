"""Questions to the archive, and their answers as text."""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
from pyarrow import csv

from crawler.errors import UsageError
from medthreads.reading import Selection, open_archive
from storage.archive import Archive
from storage.s3_errors import told_by_duckdb
from storage.tables import storage_errors

_ANSWERS = frozenset({"SELECT", "EXPLAIN", "PRAGMA", "CALL", "COPY", "EXECUTE", "MULTI", "RELATION"})
"""Kinds of statements that give rows, or write a file of them; MULTI is PIVOT."""
_TEXT_TYPES = frozenset({"INTERVAL", "BLOB", "BIT", "BIGNUM", "TIME WITH TIME ZONE", "TIMESTAMP_NS"})
"""DuckDB's types that Arrow's CSV or Python has no form for; DuckDB writes them itself."""

_INTERRUPTED = "Query interrupted"
"""How DuckDB tells of Ctrl-C."""


_TRIES = 3
_OF_THE_QUERY = (
    *(duckdb.CatalogException, duckdb.ParserException, duckdb.BinderException, duckdb.ConversionException),
    *(duckdb.OutOfMemoryException, duckdb.OutOfRangeException),
)
"""What DuckDB says of a query, whatever the files; other errors may come of a file that was replaced meanwhile."""


def ask(location: str, query: str) -> pa.Table:
    """The answer to a SQL query over the archive's views; column names are unique (`a`, `a_1`).

    Asked again, of the files as they are then, where files were replaced while they were read.

    Raises:
        UsageError: the query cannot be run, with DuckDB's own words; or it is no query.
        ArchiveError: there is no archive.
    """
    for _ in range(_TRIES - 1):
        try:
            return _ask(location, query)
        except UsageError as error:
            if not isinstance(error.__cause__, duckdb.Error) or isinstance(error.__cause__, _OF_THE_QUERY):
                raise
    return _ask(location, query)


def _ask(location: str, query: str) -> pa.Table:
    with Archive.open(location, create=False).connect() as connection:
        try:
            statements = connection.extract_statements(query)
            if not statements:
                return pa.table({})
            kind = statements[-1].type.name
            if kind not in _ANSWERS:
                raise UsageError(
                    f"{kind} would have no effect: the archive is only read here, and what a statement sets or makes "
                    "is gone with the command; end with a query, such as SELECT."
                )
            answer = connection.sql(query)
            return _arrow(answer) if answer is not None else pa.table({})
        except duckdb.CatalogException as error:
            raise UsageError(f"The query cannot be run: {_unknown(str(error), connection)}") from error
        except duckdb.Error as error:
            if (told := told_by_duckdb(str(error))) is not None:
                raise told from error
            raise UsageError(f"The query cannot be run: {str(error).strip()}") from error
        except RuntimeError as error:
            if _INTERRUPTED in str(error):
                raise KeyboardInterrupt from None
            raise


def _arrow(answer: duckdb.DuckDBPyRelation) -> pa.Table:
    names = unique(answer.columns)
    types = [str(type_) for type_ in answer.types]
    if _TEXT_TYPES.isdisjoint(types):
        table: pa.Table = answer.to_arrow_table().rename_columns(names)
        return table
    # By position, as names may be there twice.
    columns = [f"CAST(c{n} AS VARCHAR)" if type_ in _TEXT_TYPES else f"c{n}" for n, type_ in enumerate(types)]
    aliases = ", ".join(f"c{n}" for n in range(len(types)))
    query = f"SELECT {', '.join(columns)} FROM answer AS answer({aliases})"  # noqa: S608 (made of numbers)
    shown = answer.query("answer", query)
    return shown.to_arrow_table().rename_columns(names) if shown is not None else pa.table({})


def unique(names: Sequence[str]) -> list[str]:
    """The names, with _1, _2 … after those that were there before."""
    made: list[str] = []
    for name in names:
        numbered = (f"{name}_{n}" for n in count(1))
        made.append(name if name not in made else next(free for free in numbered if free not in {*made, *names}))
    return made


def _unknown(words: str, connection: duckdb.DuckDBPyConnection) -> str:
    """DuckDB's words on a name that it does not know, with our names instead of its guess among its own."""
    if "Table" not in words:
        return words.strip()
    views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY view_oid").fetchall()
    macros = connection.execute(
        "SELECT function_name || '(' || array_to_string(parameters, ', ') || ')' FROM duckdb_functions() "
        "WHERE function_type = 'table_macro' AND NOT internal ORDER BY ALL"
    ).fetchall()
    there_are = ", ".join(name for (name,) in (*views, *macros))
    return f"{words.splitlines()[0].removeprefix('Catalog Error: ')} The archive's views: {there_are}."


def snapshots(location: str, site: str | None = None) -> pa.Table:
    """The archive's snapshots, or those of one site, oldest first, a row each."""
    rows = [
        {"number": snapshot.number, "committed_at": snapshot.committed_at, "site": snapshot.site,
         "crawl_id": snapshot.crawl_id, **snapshot.counts}
        for snapshot in Archive.open(location, create=False).snapshots()
        if site is None or snapshot.site == site
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def changes(
    location: str, after: datetime, until: datetime, selection: Selection, limit: int | None
) -> tuple[pa.Table, pa.Table]:
    """How many of the chosen changes there are, and the first of them with their texts (`limit`; None for all).

    Raises:
        ArchiveError: there is no archive, or it cannot be read.
        UsageError: there is no such snapshot.
    """
    with open_archive(location) as reader, storage_errors(location):
        asked, last = selection.snapshot, max((one.number for one in reader.archive.snapshots()), default=0)
        if asked is not None and not 1 <= asked <= last:
            raise UsageError(f"There is no snapshot {asked}; {location} has {last:,} of them.")
        try:
            counts = reader.count_changes(after, until, selection).to_arrow_table()
            listed = reader.changes_with_text(after, until, selection, limit).to_arrow_table()
        except RuntimeError as error:
            if _INTERRUPTED in str(error):
                raise KeyboardInterrupt from None
            raise
    return counts, listed


def rows(table: pa.Table) -> Iterator[list[object]]:
    """The table's rows as Python values, instants in ISO 8601 with all of their digits; column names are unique."""
    for batch in table.to_batches():
        for row in batch.to_pylist():
            yield [_shown(value) for value in row.values()]


def json_lines(table: pa.Table) -> Iterator[str]:
    """A JSON object a row."""
    for batch in table.to_batches():
        for row in batch.to_pylist():
            yield msgspec.json.encode(row, enc_hook=str).decode("utf-8")


def csv_text(table: pa.Table) -> str:
    """The table as CSV with a header; nested values as JSON."""
    columns = [_as_json(column) if pa.types.is_nested(column.type) else column for column in table.columns]
    buffer = io.BytesIO()
    csv.write_csv(pa.table(columns, names=table.column_names), buffer)
    return buffer.getvalue().decode("utf-8")


def _as_json(column: "pa.ChunkedArray[Any]") -> "pa.Array[Any]":
    values = column.to_pylist()
    return pa.array([None if value is None else msgspec.json.encode(value, enc_hook=str).decode() for value in values])


def _shown(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo:
        # Whole: cut to seconds, an observed_at given to posts_asof() would miss its own row.
        return f"{value.astimezone(UTC).replace(tzinfo=None)}Z"
    return value
