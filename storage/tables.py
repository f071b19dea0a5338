"""The Delta tables of an archive: making, appending exactly once, and finding the files that matter.

Rows are only ever appended. `merge`, `update` and `delete` of deltalake 1.6 write string_view columns that pyarrow
cannot filter, and without `delta.dataSkippingStatsColumns` the log would hold texts and pseudonyms as statistics.
"""

import json
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
from deltalake import ColumnProperties, CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from storage.columns import Merge, Table
from storage.errors import storage_errors as storage_errors
from storage.files import Files
from storage.known import Row
from storage.s3_errors import may_pass
from storage.schema import TABLES

_ZSTD_LEVEL = 3


_TRIES = 30
_FAULTS = 4
"""Times that S3 may not be reached, beyond the tries that a request has by itself."""
_PAUSE = 0.2
"""Seconds between tries, at most."""


def arrow_table(name: str, rows: list[Row]) -> pa.Table:
    """Rows as an Arrow table in the table's column and sort order; columns that a row lacks are null."""
    table = TABLES[name]
    columns = [pa.array([row.get(column.name) for row in rows], type=column.type) for column in table.columns]
    return sorted_rows(name, pa.Table.from_arrays(columns, schema=table.schema))


def sorted_rows(name: str, rows: pa.Table) -> pa.Table:
    """The rows in the table's order."""
    table = TABLES[name]
    return rows.sort_by([(column, "ascending") for column in (*table.partition_by, *table.sort_by)])


class Rewritten(NamedTuple):
    """What a rewritten partition came to."""

    replaced: list[str]
    """Files of before, which are still there."""
    written: list[str]
    """Files of now, the log's too."""
    bytes_replaced: int
    rows: int


class Tables:
    """The Delta tables of one archive."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def load(self, name: str) -> DeltaTable | None:
        """The table at its newest version; None where nothing was ever appended."""
        for faults in range(1, _TRIES):
            try:
                return DeltaTable(self._files.uri(name), storage_options=self._files.options)
            except TableNotFoundError:
                return None
            except (OSError, DeltaError) as error:
                if not self._may_pass(error, faults):
                    raise
        return None

    def _may_pass(self, error: Exception, faults: int) -> bool:
        """Whether the same may go well when it is tried again.

        Another commit was faster; or S3 was not reached in a way that deltalake does not try again by itself: an answer
        that breaks off, and a commit whose answer is missing, which may have been made.
        """
        if isinstance(error, CommitFailedError):
            return True
        return self._files.local is None and faults < _FAULTS and may_pass(str(error))

    def ensure(self, name: str) -> DeltaTable:
        """The table, made if it is not there; two processes may do so at once."""
        loaded = self.load(name)
        if loaded is not None:
            return loaded
        table = TABLES[name]
        statistics = ",".join(column.name for column in table.columns if column.statistics)
        for faults in range(1, _TRIES):
            try:
                return DeltaTable.create(
                    self._files.uri(name),
                    table.schema,
                    mode="ignore",
                    storage_options=self._files.options,
                    partition_by=list(table.partition_by),
                    configuration={"delta.dataSkippingStatsColumns": statistics},
                )
            except (OSError, DeltaError) as error:
                if (made := self.load(name)) is not None:
                    return made
                if isinstance(error, CommitFailedError) or not self._may_pass(error, faults):
                    raise
        raise AssertionError

    def read_whole(self, name: str, columns: Sequence[str], delta: DeltaTable | None = None) -> list[Row]:
        """All rows of a small table without partitions, as of `delta` or as of now.

        File by file: deltalake's own `to_pyarrow_table` reads ahead in threads through Python, and every other process
        that ended soon after was aborted by them ("terminate called without an active exception", pyarrow 26).
        """
        for tries_left in reversed(range(_TRIES)):
            paths = self.paths(name, delta)
            self._files.prepare(paths)
            try:
                files = [self._files.parquet(path) for path in paths]
            except FileNotFoundError:
                # Replaced and deleted meanwhile: by an erasure, which leaves nothing for readers that are at it.
                if delta is not None or not tries_left:
                    raise
                continue
            rows = (row for file in files for row in file.read(columns=list(columns), use_threads=False).to_pylist())
            # A file of an earlier version may lack a column.
            return [{column: row.get(column) for column in columns} for row in rows]
        return []

    def paths(self, name: str, delta: DeltaTable | None = None) -> list[str]:
        """Paths of the table's data files below the archive, as of `delta` or as of now."""
        loaded = delta or self.load(name)
        if loaded is None:
            return []
        actions = pa.table(loaded.get_add_actions(flatten=True))
        return sorted(f"{name}/{unquote(str(path))}" for path in actions.column("path").to_pylist())

    def append(self, name: str, rows: pa.Table, attempt: str) -> list[str]:
        """Appends the rows unless this very attempt has done so before; the files that it wrote, the log's too."""
        if rows.num_rows == 0:
            return []
        faults, first = 0, None
        for tries_left in reversed(range(_TRIES)):
            delta = self.ensure(name)
            if delta.transaction_version(attempt) is not None:
                return [] if first is None else self.written(name, first, delta.version(), attempt)
            before = delta.version()
            first = before + 1 if first is None else first
            try:
                _write(delta, name, rows, CommitProperties(app_transactions=[Transaction(attempt, 1)]))
            except (OSError, DeltaError) as error:
                faults += not isinstance(error, CommitFailedError)
                # Either another process made the same attempt (a task that was given up, but lives on), of which Delta
                # lets one through; or two processes have made the table at once, and its metadata came twice.
                # Or a partition was compacted meanwhile; or S3 was not reached.
                if not tries_left or not self._may_pass(error, faults):
                    raise
                time.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - no secret
            else:
                return self.written(name, before + 1, delta.version(), attempt)
        return []

    def append_alone(self, name: str, rows: pa.Table, delta: DeltaTable) -> list[str]:
        """Appends on exactly the version that `delta` has loaded; the files written, none if somebody was faster."""
        before = delta.version()
        for faults in range(1, _TRIES):
            try:
                _write(delta, name, rows, CommitProperties(max_commit_retries=0))
            except CommitFailedError:
                return []
            except (OSError, DeltaError) as error:
                if not self._may_pass(error, faults):
                    raise
                now = self.load(name)
                if now is not None and now.version() > before:
                    return []  # perhaps by this very write: who calls looks
            else:
                return self.written(name, before + 1, before + 1)
        return []

    def rewrite(
        self, name: str, partition: Mapping[str, str], change: Callable[[pa.Table], pa.Table | None], reason: str
    ) -> Rewritten | None:
        """Replaces the rows of one partition by what `change` makes of them, on exactly the rows that it was given.

        Commits that come in between make it begin again. The files of before stay on the disk: readers may be at
        them, see `drop_replaced`.

        Args:
            partition: values of the table's partition columns; empty for a table without partitions.
            change: gets all rows, with all columns of the schema; None to leave them as they are.
            reason: for the table's log: a word such as compaction.
        """
        for tries_left in reversed(range(_TRIES)):
            delta = self.load(name)
            actions = [] if delta is None else _actions(delta, partition)
            if delta is None or not actions:
                return None
            paths = [f"{name}/{unquote(str(action['path']))}" for action in actions]
            rows = change(pa.concat_tables([self.rows_of(name, path, partition) for path in paths]))
            if rows is None:
                return None
            before = delta.version()
            try:
                _write(
                    delta,
                    name,
                    sorted_rows(name, rows),
                    CommitProperties(custom_metadata={"medthreads": reason}, max_commit_retries=0),
                    predicate=" AND ".join(f"{column} = '{value}'" for column, value in partition.items()),
                )
            except CommitFailedError:
                if not tries_left:
                    raise
                time.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - no secret
            else:
                written = self.written(name, before + 1, before + 1)
                return Rewritten(paths, written, sum(int(action["size_bytes"]) for action in actions), rows.num_rows)
        return None

    def partitions(self, name: str) -> list[dict[str, str]]:
        """The partitions that hold rows, as `rewrite` takes them."""
        delta = self.load(name)
        if delta is None:
            return []
        columns = TABLES[name].partition_by
        found = {tuple(str(action[f"partition.{column}"]) for column in columns) for action in _actions(delta, {})}
        return [dict(zip(columns, values, strict=True)) for values in sorted(found)]

    def drop_replaced(self, name: str, site: str) -> list[str]:
        """Deletes the site's files that the log knows to be replaced, and nothing else; their paths.

        Of a table without partitions, of all sites. Readers who are at them have to begin again.
        """
        delta = self.load(name)
        if delta is None:
            return []
        replaced = delta.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False)
        paths = [f"{name}/{unquote(path)}" for path in replaced]
        wanted = [path for path in paths if not TABLES[name].partition_by or path.startswith(f"{name}/site={site}/")]
        dropped = [path for path in wanted if self._files.exists(path)]
        for path in dropped:
            self._files.delete(path)
        return dropped

    def rows_of(self, name: str, path: str, partition: Mapping[str, str]) -> pa.Table:
        """The rows of one data file with all columns of the schema: the partition's, and those that came later."""
        read = self._files.parquet(path).read(use_threads=False)
        columns = []
        for field in TABLES[name].schema:
            if field.name in partition:
                columns.append(pa.array([partition[field.name]] * read.num_rows, field.type))
            elif field.name in read.column_names:
                columns.append(read.column(field.name).cast(field.type))
            else:
                columns.append(pa.nulls(read.num_rows, field.type))
        return pa.table(columns, schema=TABLES[name].schema)

    def written(self, name: str, first: int, last: int, attempt: str | None = None) -> list[str]:
        """Files of the one version among these that is the attempt's, with its log; of all where none is named."""
        for version in range(first, last + 1):
            log = f"{name}/_delta_log/{version:020d}.json"
            entries = [json.loads(line) for line in self._files.read(log).splitlines()]
            if attempt is None or any(entry.get("txn", {}).get("appId") == attempt for entry in entries):
                added = [f"{name}/{unquote(entry['add']['path'])}" for entry in entries if "add" in entry]
                # The first entry was made with the table; deltalake makes a checkpoint with every 100th.
                logs = [log] if version > 1 else [f"{name}/_delta_log/{0:020d}.json", log]
                checkpoint = f"{name}/_delta_log/{version:020d}.checkpoint.parquet"
                return [*added, *logs, *([checkpoint] if self._files.exists(checkpoint) else [])]
        return []

    def files(
        self,
        name: str,
        *,
        site: str | None = None,
        months: Collection[str] = (),
        crawl_ids: Collection[str] = (),
        moved_from: str | None = None,
        delta: DeltaTable | None = None,
    ) -> list[str]:
        """Addresses of the table's data files, without those that the log proves to hold none of the rows asked for.

        Args:
            delta: the table as of which; None for as of now.
            months: of these partitions only, unless empty.
            crawl_ids: with rows of these crawls only, unless empty.
            moved_from: with rows whose version before was in that partition.
        """
        delta = delta or self.load(name)
        if delta is None:
            return []
        actions = pa.table(delta.get_add_actions(flatten=True))
        names = [column for column in actions.column_names if column in _ACTION_COLUMNS]
        paths = sorted(
            f"{name}/{unquote(action['path'])}"
            for action in actions.select(names).to_pylist()
            if (site is None or action["partition.site"] == site)
            and (not months or action["partition.month"] in months)
            and (not crawl_ids or any(_within(action, "crawl_id", crawl_id) for crawl_id in crawl_ids))
            and (moved_from is None or _has_moved(action, moved_from))
        )
        self._files.prepare(paths)
        return [self._files.uri(path) for path in paths]


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


def _actions(delta: DeltaTable, partition: Mapping[str, str]) -> list[Row]:
    """The table's live files, of one partition or of all."""
    wanted = {f"partition.{column}": value for column, value in partition.items()}
    found = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
    return [action for action in found if all(action[column] == value for column, value in wanted.items())]


def _write(
    delta: DeltaTable, name: str, rows: pa.Table, commit: CommitProperties, predicate: str | None = None
) -> None:
    """Appends; with a predicate (empty for all rows) instead of what fits it."""
    properties = writer_properties(TABLES[name])
    held = {field.name for field in delta.schema().fields}
    grown: Literal["merge"] | None = "merge" if held < set(rows.column_names) else None  # by a column of later versions
    if predicate is None:
        write_deltalake(
            delta, rows, mode="append", schema_mode=grown, writer_properties=properties, commit_properties=commit
        )
    else:
        write_deltalake(
            delta,
            rows,
            mode="overwrite",
            predicate=predicate or None,
            schema_mode=grown,
            writer_properties=properties,
            commit_properties=commit,
        )


def writer_properties(table: Table) -> WriterProperties:
    """zstd, small row groups; no dictionaries where values do not repeat, no least and greatest values of texts."""
    plain = ColumnProperties(dictionary_enabled=False)
    # The greatest receipt or post would stand in the footer once more, uncompressed.
    text = ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE")
    return WriterProperties(
        compression="ZSTD",
        compression_level=_ZSTD_LEVEL,
        max_row_group_size=table.row_group_size,
        column_properties={
            column.name: text if pa.types.is_string(column.type) and column.merge is not Merge.KEY else plain
            for column in table.columns
            if not column.dictionary
        },
    )
