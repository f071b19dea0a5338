"""Bulk import: a release, or a copy of `current/`, taken into an archive partition by partition as Arrow tables.

Posts and threads that the archive does not know come with their whole history (all versions, all sightings), under
the instants at which they were first seen; what it knows already stays as it is and is counted as seen. Nothing is
parsed and no row becomes a Python object, so that memory does not grow with the release. Pseudonyms are taken over:
they are those of the archive that the release was made from, and its `authors` do not travel. Content hashes of texts
in which something was masked are made with its key: under another key the next crawl makes one more version of them.
"""

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from deltalake import CommitProperties, Transaction
from deltalake.transaction import AddAction

from crawler.errors import UsageError
from crawler.receipt import IMPORT_PREFIX, Outcome, Receipt
from storage.archive import Archive, Snapshot
from storage.batch import Figures
from storage.bulk_files import checked_files, erased_ids
from storage.columns import Table
from storage.dedupe import Changes
from storage.erasing import rows_without
from storage.publish import parquet_options
from storage.schema import COUNTERS, OBSERVATIONS, PUBLISHED
from storage.suppressions import suppression_of
from storage.tables import arrow_table, storage_errors
from storage.views import quoted, reading

_compute: Any = pyarrow.compute
"""Its stubs lack the overloads that are used here."""
Values = Any
"""An Arrow array, chunked or not."""
_ROWS_AT_ONCE = 65_536
_AT_ONCE = 2
"""Partitions in work at the same time; Arrow leaves Python's lock, so that two processors are used."""
_PATIENCE = timedelta(minutes=30)


class BulkImported(NamedTuple):
    """What became of one site's part of a release."""

    snapshot: Snapshot
    posts: int
    """Different posts in the release."""
    threads: int
    is_repeated: bool
    """Whether the same release had been imported before, so that nothing was done."""


class _Part(NamedTuple):
    """One file of the release on its way into a table."""

    table: Table
    source: str
    """Table of the release that it is of."""
    month: str
    path: Path

    @property
    def is_sighting_made(self) -> bool:
        """Whether sightings are to be made of last states, as the release holds none."""
        return self.table is OBSERVATIONS and self.source in PUBLISHED


def is_release(folder: Path) -> bool:
    """Whether a folder holds tables as releases and `current/` do."""
    return any(True for _ in folder.glob("posts/site=*/month=*/*.parquet"))


def import_release(archive: Archive, folder: Path) -> list[BulkImported]:
    """Imports each site of a release, each as one snapshot; again where that was interrupted.

    Raises:
        UsageError: a file of it is missing, not as its SHA256SUMS says, or not as this version writes them.
        BusyError, DiskFullError, ArchiveError: nothing of the site that was at work is visible.
    """
    identity = hashlib.sha256()
    paths = []
    for path, digest in checked_files(folder):
        identity.update(f"{path.relative_to(folder).as_posix()} {digest}\n".encode())
        paths.append(path)
    crawl_id = f"{IMPORT_PREFIX}{identity.hexdigest()[:16]}"
    done = []
    for site in sorted({path.parts[-3].removeprefix("site=") for path in paths}):
        busy = f"{site} is being committed by another process; wait for it to end, or end it."
        with archive.lock(f"commit-{site}", _PATIENCE, busy), storage_errors(archive.location):
            done.append(_SiteImport(archive, folder, site, crawl_id).run())
    return done


class _SiteImport:
    """One site's part of a release."""

    def __init__(self, archive: Archive, folder: Path, site: str, crawl_id: str) -> None:
        self.archive, self.folder, self.site, self.crawl_id = archive, folder, site, crawl_id
        self.generation = len(archive.committed(site)) + 1
        told = f"{site}\0{crawl_id}\0{self.generation}".encode()
        self.attempt = hashlib.blake2b(told, digest_size=12).hexdigest()
        self.aside = archive.work / ".index" / f"bulk-{site}"
        self.erased = suppression_of(archive.files, archive.pseudonyms, site)
        self.known: dict[str, Values] = {}
        """Ids of what stays as it is: what the archive holds, and what was erased from it."""
        self.moves: dict[str, pa.Table] = {}

    def run(self) -> BulkImported:
        """Writes the files, names them in the tables' logs, and marks the import."""
        archive = self.archive
        counts = self._counts()
        if (held := archive.snapshot_of(self.site, self.crawl_id)) is not None:
            return BulkImported(held, counts["posts"], counts["threads"], is_repeated=True)
        with archive.connection() as connection:
            self.known = {name: self._known(connection, name) for name in PUBLISHED}
            self.moves = {name: self._moves(connection, name) for name in PUBLISHED}
        if self.erased:
            self._leave_out_erased()
        new = dict.fromkeys(PUBLISHED, 0)
        shutil.rmtree(self.aside, ignore_errors=True)  # what a killed one left
        self.aside.mkdir(parents=True)
        try:
            written = []
            for table, parts in self._parts():
                written += self._append(table, parts, new)
        finally:
            shutil.rmtree(self.aside, ignore_errors=True)
        written += self._boards()
        snapshot, marked = archive.mark(*self._account(counts, new), self.attempt)
        archive.checksums.record([*written, *marked])
        return BulkImported(snapshot, counts["posts"], counts["threads"], is_repeated=False)

    def _parts(self) -> Iterator[tuple[Table, list[_Part]]]:
        """The files by the table that they go to: the history where the release has it, else the last state."""
        for name, (_, versions) in PUBLISHED.items():
            yield versions, self._files(versions, versions.name) or self._files(versions, name)
        last = [part for name in PUBLISHED for part in self._files(OBSERVATIONS, name)]
        yield OBSERVATIONS, self._files(OBSERVATIONS, OBSERVATIONS.name) or last

    def _files(self, table: Table, source: str) -> list[_Part]:
        found = sorted((self.folder / source).glob(f"site={self.site}/month=*/*.parquet"))
        return [_Part(table, source, path.parent.name.removeprefix("month="), path) for path in found]

    def _counts(self) -> dict[str, int]:
        return {
            name: sum(pq.ParquetFile(part.path).metadata.num_rows for part in self._files(table, name))
            for name, (table, _) in PUBLISHED.items()
        }

    def _known(self, connection: duckdb.DuckDBPyConnection, name: str) -> Values:
        """Ids of the archive's posts or threads of the site."""
        versions, key = PUBLISHED[name][1], _key(name)
        attempts = [commit.attempt for commit in self.archive.committed(self.site)]
        connection.register("committed", pa.table({"attempt": pa.array(attempts, pa.string())}))
        files = self.archive.tables.files(versions.name, site=self.site)
        rows: pa.Table = connection.sql(
            f"SELECT DISTINCT {key} FROM {reading(files, versions)} "  # noqa: S608 - ours
            f"WHERE site = {quoted(self.site)} AND attempt IN (FROM committed)"
        ).to_arrow_table()
        return rows.column(0).combine_chunks().cast(pa.string())

    def _leave_out_erased(self) -> None:
        for name, (table, versions) in PUBLISHED.items():
            paths = [part.path for part in self._files(versions, versions.name) + self._files(table, name)]
            ids = erased_ids(paths, _key(name), self.erased)
            self.known[name] = pa.array(sorted({*self.known[name].to_pylist(), *ids}), pa.string())

    def _moves(self, connection: duckdb.DuckDBPyConnection, name: str) -> pa.Table:
        """Versions whose version before is in another month: id, version, that month. Few."""
        versions, key = PUBLISHED[name][1], _key(name)
        files = [str(part.path) for part in self._files(versions, versions.name)]
        if not files:
            return pa.table({"key": pa.array([], pa.string()), "previous_month": pa.array([], pa.string())})
        listed = ", ".join(map(quoted, files))
        found: pa.Table = connection.sql(
            f"SELECT {key} || ' ' || version AS key, before AS previous_month FROM (SELECT {key}, version, month, "  # noqa: S608 - ours
            f"lag(month) OVER (PARTITION BY {key} ORDER BY version) AS before "
            f"FROM read_parquet([{listed}], hive_partitioning = true, hive_types = {{month: VARCHAR}}) "
            f"WHERE {key} IN (SELECT {key} FROM read_parquet([{listed}]) WHERE version > 1)) WHERE before != month"
        ).to_arrow_table()
        return found

    def _append(self, table: Table, parts: list[_Part], new: dict[str, int]) -> list[str]:
        """Writes the parts as files of the table and names them in its log, once."""
        with ThreadPoolExecutor(_AT_ONCE) as workers:
            made = [one for several in workers.map(self._write, parts) for one in several]
        for name, (_, versions) in PUBLISHED.items():
            if table is versions:
                new[name] = sum(one.firsts for one in made)
        delta = self.archive.tables.ensure(table.name)
        before = delta.version()
        if not made or delta.transaction_version(self.attempt) is not None:
            return []
        properties = CommitProperties(app_transactions=[Transaction(self.attempt, 1)])
        for one in made:
            self.archive.files.take(f"{table.name}/{one.action.path}", one.aside)
        delta.create_write_transaction(
            [one.action for one in made],
            mode="append",
            schema=table.schema,
            partition_by=list(table.partition_by),
            commit_properties=properties,
        )
        return self.archive.tables.written(table.name, before + 1, delta.version(), self.attempt)

    def _write(self, part: _Part) -> "list[_Made]":
        """Writes the rows of one file that are new, batch by batch: one file, but for sightings one a month."""
        schema = pa.schema([field for field in part.table.schema if field.name not in part.table.partition_by])
        open_files: dict[str, _Writing] = {}
        with pq.ParquetFile(part.path) as file:
            wanted = _columns_of_sightings(part) if part.is_sighting_made else None
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=wanted):
                rows = self._rows(part, pa.Table.from_batches([batch]), schema)
                for month, of_month in _by_month(part, rows):
                    if month not in open_files:
                        open_files[month] = _Writing(part.table, schema, self.aside / f"{uuid.uuid4()}.parquet")
                    open_files[month].add(of_month)
        return [writing.close(self.site, month) for month, writing in open_files.items()]

    def _rows(self, part: _Part, rows: pa.Table, schema: pa.Schema) -> pa.Table:
        """The rows of the release that the archive does not know, as the table holds them."""
        is_new = self._is_new(part, rows)
        if not _compute.all(is_new).as_py():
            rows = rows.filter(is_new)
        count = rows.num_rows
        columns: dict[str, Values] = {name: rows.column(name) for name in rows.column_names}
        columns["attempt"] = pa.repeat(pa.scalar(self.attempt), count)
        columns["crawl_id"] = pa.repeat(pa.scalar(self.crawl_id), count)
        if part.source in PUBLISHED:
            columns |= _as_first(rows) if part.table is not OBSERVATIONS else _as_sighting(part, rows)
        if part.table is not OBSERVATIONS:
            columns["previous_month"] = self._previous_months(part, columns, count)
        try:
            arrays = [
                columns[field.name].cast(field.type) if field.name in columns else pa.nulls(count, field.type)
                for field in schema
            ]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UsageError(f"{part.path} is not as this version writes {part.source}: {error}.") from error
        made = pa.table(arrays, schema=schema)
        # Others' quotes and copies of what was erased go like those in a page.
        return rows_without(part.table.name, made, self.erased) if self.erased else made

    def _is_new(self, part: _Part, rows: pa.Table) -> Values:
        if part.table is not OBSERVATIONS or part.source in PUBLISHED:
            name = part.source if part.source in PUBLISHED else _published(part.table)
            return _compute.invert(_compute.is_in(rows.column(_key(name)), value_set=self.known[name]))
        of_thread = _compute.equal(rows.column("kind"), "thread")
        known_thread = _compute.is_in(rows.column("thread_id"), value_set=self.known["threads"])
        known_post = _compute.is_in(rows.column("post_id"), value_set=self.known["posts"])
        return _compute.invert(_compute.if_else(of_thread, known_thread, known_post))

    def _previous_months(self, part: _Part, columns: Mapping[str, Values], count: int) -> Values:
        moves = self.moves[_published(part.table)]
        if not moves.num_rows:
            return pa.nulls(count, pa.string())
        key = columns[_key(_published(part.table))]
        keys = _compute.binary_join_element_wise(key, _compute.cast(columns["version"], pa.string()), " ")
        return (
            moves.column("previous_month").combine_chunks().take(_compute.index_in(keys, value_set=moves.column("key")))
        )

    def _boards(self) -> list[str]:
        """Boards that the archive has nothing of."""
        path = self.folder / "boards.parquet"
        if not path.exists():
            return []
        held = {
            row["board_id"]
            for row in self.archive.tables.read_whole("boards", ("site", "board_id"))
            if row["site"] == self.site
        }
        rows = [
            row | {"crawl_id": self.crawl_id, "attempt": self.attempt}
            for row in pq.read_table(path).to_pylist()
            if row["site"] == self.site and row["board_id"] not in held
        ]
        return self.archive.tables.append("boards", arrow_table("boards", rows), self.attempt)

    def _account(self, counts: Mapping[str, int], new: Mapping[str, int]) -> tuple[Changes, Receipt]:
        now = datetime.now(UTC)
        told = dict.fromkeys(("edited", "deleted", "restored", "moved", "threads_changed", "boards_seen"), 0)
        told |= {"new": new["posts"], "seen": counts["posts"], "threads_new": new["threads"]}
        told |= {"threads_seen": counts["threads"]}
        receipt = Receipt(
            site=self.site,
            crawl_id=self.crawl_id,
            started_at=now,
            finished_at=now,
            outcome=Outcome.COMPLETE,
            threads_opened=counts["threads"],
            posts=counts["posts"],
        )
        return Changes(self.site, self.crawl_id, self.generation, Figures(), {}, told), receipt


class _Made(NamedTuple):
    """A file that waits for its place."""

    action: AddAction
    aside: Path
    firsts: int
    """Rows that are a record's first version."""


class _Writing:
    """A file of a table that is being written, and what the Delta log will say of it."""

    def __init__(self, table: Table, schema: pa.Schema, aside: Path) -> None:
        self._table, self._aside = table, aside
        self._columns = [column.name for column in table.columns if column.statistics]
        self._least: dict[str, Any] = {}
        self._greatest: dict[str, Any] = {}
        self._nulls = dict.fromkeys(self._columns, 0)
        self._rows = self._firsts = 0
        self._writer = pq.ParquetWriter(aside, schema, **parquet_options(table, schema.names))

    def add(self, rows: pa.Table) -> None:
        """Writes rows."""
        self._writer.write_table(rows, row_group_size=self._table.row_group_size)
        self._rows += rows.num_rows
        if "version" in rows.column_names:
            self._firsts += _compute.sum(_compute.equal(rows.column("version"), 1)).as_py()
        for name in self._columns:
            column = rows.column(name)
            self._nulls[name] += column.null_count
            found = _compute.min_max(column).as_py()
            if found["min"] is not None:
                self._least[name] = min(found["min"], self._least.get(name, found["min"]))
                self._greatest[name] = max(found["max"], self._greatest.get(name, found["max"]))

    def close(self, site: str, month: str) -> _Made:
        """Ends the file."""
        self._writer.close()
        told = {
            "numRecords": self._rows,
            "minValues": {name: _plain(value) for name, value in self._least.items()},
            "maxValues": {name: _plain(value) for name, value in self._greatest.items()},
            "nullCount": self._nulls,
        }
        path = f"site={site}/month={month}/part-00000-{uuid.uuid4()}-c000.zstd.parquet"
        values = {"site": site, "month": month}
        action = AddAction(path, self._aside.stat().st_size, values, int(time.time() * 1000), True, json.dumps(told))
        return _Made(action, self._aside, self._firsts)


def _by_month(part: _Part, rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows by partition; those of sightings that were made of the last state by their own month."""
    if not part.is_sighting_made:
        if rows.num_rows:
            yield part.month, rows
        return
    months = _compute.strftime(rows.column("observed_at"), "%Y-%m")
    for month in _compute.unique(months).to_pylist():
        yield month, rows.filter(_compute.equal(months, month))


def _plain(value: object) -> object:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value


def _as_first(rows: pa.Table) -> dict[str, Values]:
    """The last state of records as their first version."""
    count = rows.num_rows
    return {"version": pa.repeat(pa.scalar(1, pa.int32()), count), "change": pa.repeat(pa.scalar("new"), count)}


def _as_sighting(part: _Part, rows: pa.Table) -> dict[str, Values]:
    """The last state of records as the one sighting that is known of each."""
    count = rows.num_rows
    told = {
        "kind": pa.repeat(pa.scalar(part.source[:-1]), count),
        "record_month": pa.repeat(pa.scalar(part.month), count),
        "observed_at": rows.column("last_seen_at"),
    }
    if part.source == "threads":
        told["post_id"] = pa.nulls(count, pa.string())
    return told | {name: rows.column(name) for name in COUNTERS[part.source] if name in rows.column_names}


def _columns_of_sightings(part: _Part) -> list[str]:
    return list(dict.fromkeys(("thread_id", _key(part.source), "last_seen_at", *COUNTERS[part.source])))


def _key(name: str) -> str:
    return f"{name[:-1]}_id"


def _published(versions: Table) -> str:
    return next(name for name, (_, table) in PUBLISHED.items() if table is versions)
