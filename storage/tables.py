"""The Delta tables of an archive: making, appending exactly once, and finding the files that matter.

Rows are only ever appended. `merge`, `update` and `delete` of deltalake 1.6 write string_view columns that pyarrow
cannot filter, and without `delta.dataSkippingStatsColumns` the log would hold texts and pseudonyms as statistics.
"""

import errno
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from deltalake import ColumnProperties, CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from obstore.exceptions import BaseError

from crawler.errors import ArchiveError, DiskFullError
from storage.columns import Table
from storage.files import Files
from storage.known import Row
from storage.schema import TABLES

_ZSTD_LEVEL = 3


_TRIES = 5
_FULL = ("No space left on device", "os error 28", "os error 122", "disk is full")
"""How deltalake, SQLite and DuckDB tell that a disk or a quota is full."""
_PERHAPS_FULL = "disk I/O error"
"""How SQLite tells it where it writes through shared memory; and how it tells of a broken disk."""
_LEAST_FREE = 1 << 20


@contextmanager
def storage_errors(root: Path | str) -> Iterator[None]:
    """Names the causes that an operator can act on; around all that reads or writes the archive's files.

    Raises:
        DiskFullError, ArchiveError: instead of what the system, deltalake, SQLite or DuckDB raised.
    """
    try:
        yield
    except (OSError, DeltaError, sqlite3.Error, duckdb.IOException, BaseError) as error:
        full = getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
        full = full or any(sign in str(error) for sign in _FULL)
        if full or (_PERHAPS_FULL in str(error) and _is_nearly_full(root)):
            raise DiskFullError(
                f"No space is left for the archive {root}; free some and run the same again."
            ) from error
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise ArchiveError(f"The archive {root} cannot be read or written: {reason}.") from error


def _is_nearly_full(root: Path | str) -> bool:
    try:
        return shutil.disk_usage(root).free < _LEAST_FREE
    except OSError:
        return False


def arrow_table(name: str, rows: list[Row]) -> pa.Table:
    """Rows as an Arrow table in the table's column and sort order; columns that a row lacks are null."""
    table = TABLES[name]
    columns = [pa.array([row.get(column.name) for row in rows], type=column.type) for column in table.columns]
    made = pa.Table.from_arrays(columns, schema=table.schema)
    return made.sort_by([(column, "ascending") for column in (*table.partition_by, *table.sort_by)])


class Tables:
    """The Delta tables of one archive."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def load(self, name: str) -> DeltaTable | None:
        """The table at its newest version; None where nothing was ever appended."""
        try:
            return DeltaTable(self._files.uri(name), storage_options=self._files.options)
        except TableNotFoundError:
            return None

    def ensure(self, name: str) -> DeltaTable:
        """The table, made if it is not there; two processes may do so at once."""
        loaded = self.load(name)
        if loaded is not None:
            return loaded
        table = TABLES[name]
        statistics = ",".join(column.name for column in table.columns if column.statistics)
        try:
            DeltaTable.create(
                self._files.uri(name),
                table.schema,
                mode="ignore",
                storage_options=self._files.options,
                partition_by=list(table.partition_by),
                configuration={"delta.dataSkippingStatsColumns": statistics},
            )
        except (CommitFailedError, DeltaError):
            if self.load(name) is None:
                raise
        return DeltaTable(self._files.uri(name), storage_options=self._files.options)

    def read_whole(self, name: str, columns: Sequence[str], delta: DeltaTable | None = None) -> list[Row]:
        """All rows of a small table without partitions, as of `delta` or as of now.

        File by file: deltalake's own `to_pyarrow_table` reads ahead in threads through Python, and every other process
        that ended soon after was aborted by them ("terminate called without an active exception", pyarrow 26).
        """
        files = (self._files.parquet(path) for path in self.paths(name, delta))
        rows = (row for file in files for row in file.read(columns=list(columns), use_threads=False).to_pylist())
        # A file of an earlier version may lack a column.
        return [{column: row.get(column) for column in columns} for row in rows]

    def paths(self, name: str, delta: DeltaTable | None = None) -> list[str]:
        """Paths of the table's data files below the archive, as of `delta` or as of now."""
        loaded = delta or self.load(name)
        if loaded is None:
            return []
        actions = pa.table(loaded.get_add_actions(flatten=True))
        return sorted(f"{name}/{unquote(str(path))}" for path in actions.column("path").to_pylist())

    def append(self, name: str, rows: pa.Table, attempt: str) -> bool:
        """Appends the rows unless this very attempt has done so before; whether it did."""
        if rows.num_rows == 0:
            return False
        for tries_left in reversed(range(_TRIES)):
            delta = self.ensure(name)
            if delta.transaction_version(attempt) is not None:
                return False
            try:
                _write(delta, name, rows, CommitProperties(app_transactions=[Transaction(attempt, 1)]))
            except CommitFailedError:
                # Either another process made the same attempt (a task that was given up, but lives on), of which Delta
                # lets one through; or two processes have made the table at once, and its metadata came twice.
                if not tries_left:
                    raise
            else:
                return True
        return False

    def append_alone(self, name: str, rows: pa.Table, delta: DeltaTable) -> bool:
        """Appends on exactly the version that `delta` has loaded; False where another process was faster."""
        try:
            _write(delta, name, rows, CommitProperties(max_commit_retries=0))
        except CommitFailedError:
            return False
        return True

    def files(
        self,
        name: str,
        *,
        site: str | None = None,
        months: Collection[str] = (),
        crawl_ids: Collection[str] = (),
        moved_from: str | None = None,
    ) -> list[str]:
        """Addresses of the table's data files, without those that the log proves to hold none of the rows asked for.

        Args:
            months: of these partitions only, unless empty.
            crawl_ids: with rows of these crawls only, unless empty.
            moved_from: with rows whose version before was in that partition.
        """
        delta = self.load(name)
        if delta is None:
            return []
        actions = pa.table(delta.get_add_actions(flatten=True))
        names = [column for column in actions.column_names if column in _ACTION_COLUMNS]
        return sorted(
            self._files.uri(f"{name}/{unquote(action['path'])}")
            for action in actions.select(names).to_pylist()
            if (site is None or action["partition.site"] == site)
            and (not months or action["partition.month"] in months)
            and (not crawl_ids or any(_within(action, "crawl_id", crawl_id) for crawl_id in crawl_ids))
            and (moved_from is None or _has_moved(action, moved_from))
        )


_ACTION_COLUMNS = frozenset(
    {"path", "partition.site", "partition.month", "num_records", "null_count.previous_month"}
    | {f"{bound}.{column}" for bound in ("min", "max") for column in ("crawl_id", "previous_month")}
)


def _has_moved(action: Row, month: str) -> bool:
    nulls = action.get("null_count.previous_month")
    return (nulls is None or nulls != action.get("num_records")) and _within(action, "previous_month", month)


def _within(action: Row, column: str, value: str) -> bool:
    """Whether the file may hold the value, by the statistics in the log; long ones are cut short there."""
    least, greatest = action.get(f"min.{column}"), action.get(f"max.{column}")
    if least is None or greatest is None:
        return True
    return bool(least <= value and value[: len(greatest)] <= greatest)


def _write(delta: DeltaTable, name: str, rows: pa.Table, commit: CommitProperties) -> None:
    properties = writer_properties(TABLES[name])
    held = {field.name for field in delta.schema().fields}
    grown: Literal["merge"] | None = "merge" if held < set(rows.column_names) else None  # by a column of later versions
    write_deltalake(
        delta, rows, mode="append", schema_mode=grown, writer_properties=properties, commit_properties=commit
    )


def writer_properties(table: Table) -> WriterProperties:
    """zstd, small row groups, no dictionaries where values do not repeat."""
    plain = ColumnProperties(dictionary_enabled=False)
    return WriterProperties(
        compression="ZSTD",
        compression_level=_ZSTD_LEVEL,
        max_row_group_size=table.row_group_size,
        column_properties={column.name: plain for column in table.columns if not column.dictionary},
    )
