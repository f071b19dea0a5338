"""Writes the rows of a release into a folder: one Parquet file a partition, the same bytes for the same snapshot.

The state is copied from `current/`; the history is read from the Delta tables, partition by partition, sorted by
DuckDB (which puts what does not fit into its memory aside) and written row group by row group.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from storage.archive import Archive, Commit
from storage.columns import Table
from storage.publish import parquet_options, sha256_of
from storage.release_tables import (
    GAPS,
    RELEASED,
    columns_in_files,
    gaps_of,
    partition_of,
    path_of,
    schema_in_files,
    table_of,
)
from storage.schema import TABLES
from storage.views import quoted, reading
from summaries.schema import TABLES as SUMMARIES

_MEMORY = "600MB"
_THREADS = 2
_HISTORY = ("post_versions", "thread_versions", "observations", "boards")


class ChangedMeanwhileError(Exception):
    """Another process has published while `current/` was copied."""


def write_content(
    archive: Archive, commits: Sequence[Commit], published: Mapping[str, Mapping[str, Any]], folder: Path
) -> list[str]:
    """Writes all rows of some commits into `folder`, which is empty; the sites whose names were kept.

    Args:
        archive: the archive.
        commits: all commits of the sites to release, up to the snapshot.
        published: the files of `current/` as its manifest names them as of just these commits.
        folder: where to.

    Raises:
        ChangedMeanwhileError: a file of `current/` is not the one that the manifest names.
    """
    sites = {commit.site for commit in commits}
    for path, entry in sorted(published.items()):
        if partition_of(path)["site"] in sites:
            _copy(archive, path, str(entry["sha256"]), folder)
    with archive.connection() as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'; SET threads = {_THREADS}")
        released = [commit.attempt for commit in commits]
        connection.register("released", pa.table({"attempt": pa.array(released, pa.string())}))
        for name in _HISTORY:
            _write_history(archive, connection, name, sites, folder)
        _write_crawls(archive, connection, folder)
        named = _named(archive, connection, sites)
    for name in SUMMARIES:
        _write_summaries(archive, name, sites, folder)
    return named


def _named(archive: Archive, connection: duckdb.DuckDBPyConnection, sites: Collection[str]) -> list[str]:
    """The sites of which the archive holds names in its tables, and so in texts too (`privacy: keep`)."""
    if "author" not in TABLES["post_versions"].column_names:
        return []
    held = reading(archive.tables.files("post_versions"), TABLES["post_versions"])
    query = f"SELECT DISTINCT site FROM {held} WHERE author IS NOT NULL AND attempt IN (FROM released) ORDER BY site"  # noqa: S608 - ours
    found: pa.Table = connection.sql(query).to_arrow_table()
    return [row["site"] for row in found.to_pylist() if row["site"] in sites]


def _copy(archive: Archive, path: str, sha256: str, folder: Path) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        archive.files.fetch(f"current/{path}", target)
    except FileNotFoundError:
        raise ChangedMeanwhileError(path) from None
    if sha256_of(target) != sha256:
        raise ChangedMeanwhileError(path)
    table = table_of(path)
    assert table is not None
    if not pq.read_schema(target).equals(schema_in_files(table)):
        # Some columns are not for others, and some files were published before a column came.
        whole = target.with_suffix(".whole")
        write_rows(row_groups(pq.ParquetFile(target)), table, whole)
        whole.replace(target)


def _write_history(
    archive: Archive, connection: duckdb.DuckDBPyConnection, name: str, sites: Collection[str], folder: Path
) -> None:
    table, order = RELEASED[name], dict.fromkeys((*TABLES[name].sort_by, *TABLES[name].key))
    columns = ", ".join(column.name for column in columns_in_files(table))
    partitions: dict[str, list[str]] = {}
    for address in archive.tables.files(name):
        partitions.setdefault(path_of(table, **partition_of(address)), []).append(address)
    for path, files in sorted(partitions.items()):
        partition = partition_of(path)
        if partition and partition["site"] not in sites:
            continue
        of_partition = "".join(f" AND {column} = {quoted(value)}" for column, value in partition.items())
        rows = connection.sql(
            f"SELECT {columns} FROM {reading(files, TABLES[name])} "  # noqa: S608 - ours
            f"WHERE attempt IN (FROM released){of_partition} "
            f"ORDER BY {', '.join(f'{column} NULLS LAST' for column in order)}"
        )
        write_rows(rows.to_arrow_reader(table.row_group_size), table, folder / path)


def _write_crawls(archive: Archive, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    table, added = RELEASED["crawls"], {column.name for column in GAPS}
    columns = ", ".join(column.name for column in table.columns if column.name not in added)
    rows = connection.sql(
        f"SELECT {columns}, receipt FROM {reading(archive.tables.files('crawls'), TABLES['crawls'])} "  # noqa: S608 - ours
        "WHERE attempt IN (FROM released) ORDER BY snapshot"
    )
    batches = rows.to_arrow_reader(256)  # receipts are long
    write_rows((_with_gaps(batch, table) for batch in batches), table, folder / path_of(table))


def _with_gaps(batch: pa.RecordBatch, table: Table) -> pa.RecordBatch:
    rows = [row | gaps_of(row["receipt"]) for row in batch.to_pylist()]
    return pa.RecordBatch.from_pylist(rows, schema=table.schema)


def _write_summaries(archive: Archive, name: str, sites: Collection[str], folder: Path) -> None:
    table = RELEASED[name]
    for entry in archive.files.list(f"summaries/{name}"):
        partition = partition_of(entry.path)
        if entry.path.endswith("/data.parquet") and partition.get("site") in sites:
            file = archive.files.parquet(entry.path)
            write_rows(row_groups(file), table, folder / path_of(table, **partition))


def row_groups(file: pq.ParquetFile) -> Iterator[pa.Table]:
    """The file's rows, a row group at a time."""
    for index in range(file.num_row_groups):
        yield file.read_row_group(index, use_threads=False)


def write_rows(
    rows: Iterable[pa.Table | pa.RecordBatch], table: Table, path: Path, schema: pa.Schema | None = None
) -> int:
    """Writes rows in row groups of the table's size, cut the same however they come; how many there were.

    Columns that the rows lack are null, those that the file should not have (by `schema`, else by the table) are left
    out. Without any row there is no file, unless the table has no partitions.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = schema or schema_in_files(table)
    count = 0
    with pq.ParquetWriter(path, schema, **parquet_options(table, schema.names)) as writer:
        for group in _cut(rows, schema, table.row_group_size):
            count += group.num_rows
            writer.write_table(group, row_group_size=table.row_group_size)
    if count == 0 and table.partition_by:
        path.unlink()
    return count


def _cut(rows: Iterable[pa.Table | pa.RecordBatch], schema: pa.Schema, size: int) -> Iterator[pa.Table]:
    held = schema.empty_table()
    for some in rows:
        held = pa.concat_tables([held, _in_order(some, schema)])
        while held.num_rows >= size:
            yield held.slice(0, size).combine_chunks()
            held = held.slice(size)
    if held.num_rows:
        yield held.combine_chunks()


def _in_order(rows: pa.Table | pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
