"""SQL over an archive: what a DuckDB connection shows, and the statement that finds the current state.

Only lists of files are read, without any extension of DuckDB: a glob over a Delta folder would count files that the
log has left behind.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from storage.columns import Table
from storage.files import Files
from storage.history import at_snapshot
from storage.history import statements as history_statements
from storage.schema import COUNTERS, PUBLISHED, TABLES
from storage.tables import Tables
from summaries.schema import TABLES as SUMMARIES

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

MANIFEST = "manifest.json"
_HIDDEN = frozenset({"attempt", "previous_month"})
"""Columns for the archive's own use."""


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def reading(files: Sequence[str | Path], table: Table) -> str:
    """A FROM item over Parquet files of a table; without files one that is empty and has the table's columns."""
    empty = ", ".join(f"NULL::{_sql_type(column.type)} AS {column.name}" for column in table.columns)
    if not files:
        return f"(SELECT {empty} WHERE false)"
    types = "".join(f", {name}: VARCHAR" for name in table.partition_by)
    hive = f", hive_partitioning = true, hive_types = {{{types[2:]}}}" if types else ", hive_partitioning = false"
    listed = ", ".join(quoted(str(file)) for file in files)
    if any(column.later for column in table.columns):
        # Files of earlier versions lack a column.
        whole = f"FROM read_parquet([{listed}]{hive}, union_by_name = true)"
        return f"(SELECT {empty} WHERE false UNION ALL BY NAME {whole})"
    return f"read_parquet([{listed}]{hive})"


def _sql_type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return f"{_sql_type(type_.value_type)}[]"
    if pa.types.is_struct(type_):
        return "STRUCT({})".format(", ".join(f'"{field.name}" {_sql_type(field.type)}' for field in type_))
    return _SQL_TYPES[type_]


_SQL_TYPES: dict[pa.DataType, str] = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


def sightings_select(name: str, observations: str, condition: str = "true") -> str:
    """Per record of `posts` or `threads` its last counters, as SELECT over a relation like `observations`."""
    key = _key(name)
    # As Spark takes it, too: there a null would count as a value.
    counters = ", ".join(
        f"max_by({column}, observed_at) FILTER (WHERE {column} IS NOT NULL) AS {column}" for column in COUNTERS[name]
    )
    return (
        f"SELECT site, {key}, {counters}, max(observed_at) AS last_seen_at FROM {observations} "  # noqa: S608 - ours
        f"WHERE kind = '{name[:-1]}' AND {condition} GROUP BY site, {key}"
    )


def current_select(name: str, versions: str, sightings: str, condition: str = "true") -> str:
    """The published columns of `posts` or `threads`: the last version of each record with its last counters.

    Args:
        versions: relation like the table of versions.
        sightings: relation as `sightings_select` gives it.
        condition: which versions to look at.
    """
    table, _ = PUBLISHED[name]
    key = _key(name)
    columns = ", ".join(
        f"coalesce(s.{column}, v.{column}) AS {column}"
        if column in COUNTERS[name]
        else "coalesce(s.last_seen_at, v.observed_at) AS last_seen_at"
        if column == "last_seen_at"
        else f"v.{column}"
        for column in table.column_names
    )
    # Newest by a join, not by a window: a window function would drag the texts through its sort.
    return (
        f"SELECT {columns} FROM (SELECT * FROM {versions} WHERE {condition}) AS v "  # noqa: S608 - ours
        f"SEMI JOIN (SELECT site, {key}, max(version) AS version FROM {versions} WHERE {condition} "
        f"GROUP BY site, {key}) AS newest USING (site, {key}, version) "
        f"LEFT JOIN ({sightings}) AS s USING (site, {key})"
    )


def _key(name: str) -> str:
    return f"{name[:-1]}_id"


def connection_for(spill: Path, filesystem: "AbstractFileSystem | None" = None) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory connection: UTC, no downloads, and what does not fit into memory goes to `spill`."""
    connection = duckdb.connect(":memory:")
    if filesystem is not None:
        connection.register_filesystem(filesystem)
    connection.execute("SET timezone = 'UTC'")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute(f"SET temp_directory = {quoted(str(spill))}")
    return connection


def define_views(connection: duckdb.DuckDBPyConnection, archive_files: Files, tables: Tables) -> None:
    """Defines the archive's views and table macros on the connection, as of this moment.

    `posts` and `threads` are the published state where there is one, else the committed one.
    """
    # The crawls first: a crawl that is in them has all of its rows in the files that are listed after.
    _define(connection, "crawls", reading(tables.files("crawls"), TABLES["crawls"]), TABLES["crawls"].column_names)
    connection.execute("CREATE TEMP TABLE committed AS SELECT attempt FROM crawls")
    for name, table in TABLES.items():
        if name != "crawls":
            visible = f"{reading(tables.files(name), table)} WHERE attempt IN (FROM committed)"
            _define(connection, name, visible, [column for column in table.column_names if column not in _HIDDEN])
    published = published_files(archive_files)
    for name, (table, versions) in PUBLISHED.items():
        if published is None:
            select = current_select(name, versions.name, sightings_select(name, "observations"))
            connection.execute(f"CREATE VIEW {name} AS {select}")
        else:
            _define(connection, name, reading(published[name], table), table.column_names)
        until = "observed_at <= CAST(ts AS TIMESTAMPTZ)"
        select = current_select(name, versions.name, sightings_select(name, "observations", until), until)
        connection.execute(f"CREATE MACRO {name}_asof(ts) AS TABLE {select}")
        before = at_snapshot()
        select = current_select(name, versions.name, sightings_select(name, "observations", before), before)
        connection.execute(f"CREATE MACRO {name}_at_snapshot(n) AS TABLE {select}")
    for statement in history_statements():
        connection.execute(statement)
    for name, table in SUMMARIES.items():
        listed = archive_files.list(f"summaries/{name}")
        files = [archive_files.uri(entry.path) for entry in listed if entry.path.endswith("/data.parquet")]
        _define(connection, name, reading(files, table), table.column_names)


def _define(connection: duckdb.DuckDBPyConnection, name: str, source: str, columns: Sequence[str]) -> None:
    connection.execute(f"CREATE VIEW {name} AS SELECT {', '.join(columns)} FROM {source}")  # noqa: S608 - ours


def read_manifest(files: Files) -> Mapping[str, object] | None:
    """What `current/` says of itself; None where nothing is published."""
    try:
        manifest: Mapping[str, object] = json.loads(files.read(f"current/{MANIFEST}"))
    except FileNotFoundError:
        return None
    return manifest


def published_files(archive_files: Files) -> dict[str, list[str]] | None:
    """Addresses of the published files by table; None where nothing is published."""
    manifest = read_manifest(archive_files)
    if manifest is None:
        return None
    files = manifest["files"]
    assert isinstance(files, dict)
    return {
        name: [archive_files.uri(f"current/{path}") for path in sorted(files) if path.startswith(f"{name}/")]
        for name in PUBLISHED
    }
