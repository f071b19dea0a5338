"""Questions to the archive, and their answers as text."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
from pyarrow import csv

from crawler.errors import UsageError
from storage.archive import Archive


def ask(location: str, query: str) -> pa.Table:
    """The answer to a SQL query over the archive's views.

    Raises:
        UsageError: the query cannot be run; with DuckDB's own words.
        ArchiveError: there is no archive.
    """
    with Archive.open(location, create=False).connect() as connection:
        try:
            return connection.sql(query).to_arrow_table() if query.strip() else pa.table({})
        except duckdb.Error as error:
            raise UsageError(f"The query cannot be run: {str(error).strip()}") from error


def snapshots(location: str) -> pa.Table:
    """The archive's snapshots, oldest first, a row each."""
    rows = [
        {"number": snapshot.number, "committed_at": snapshot.committed_at, "site": snapshot.site,
         "crawl_id": snapshot.crawl_id, **snapshot.counts}
        for snapshot in Archive.open(location, create=False).snapshots()
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def rows(table: pa.Table) -> Iterator[list[object]]:
    """The table's rows as Python values, instants in ISO 8601."""
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
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return value
