"""The published state: `current/`, plain Parquet that anything can read, made anew where a commit touched it.

<archive>/current/
    posts/site=.../month=.../data.parquet       threads/site=.../month=.../data.parquet
    manifest.json                               what is published as of which snapshot, with rows and SHA-256; it is
                                                written last: with it a publish has come to its end

A partition is worked out from its version files, and from counters: those published before plus the observations
since, which is the cost of the batch. Where the file is not the one that the manifest names (a publish that did not
come to its end, a damaged disk), a record came from another partition, or sightings came in another order than they
were made, all observations of the site are read instead. Both give the same bytes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from storage.archive import Archive
from storage.columns import Table
from storage.locks import StillHeld
from storage.schema import COUNTERS, PUBLISHED, SCHEMA_VERSION, TABLES
from storage.tables import storage_errors
from storage.views import MANIFEST, current_select, quoted, read_manifest, reading, sightings_select

_PATIENCE = timedelta(minutes=10)
_TRIES = 3
_FILE = "data.parquet"
FOLDER = "current"
_MEMORY = "1GB"


class Partition(NamedTuple):
    """One site's month of a published table."""

    table: str
    """posts or threads."""
    site: str
    month: str

    @property
    def path(self) -> str:
        """Path of its file below `current/`."""
        return f"{self.table}/site={self.site}/month={self.month}/{_FILE}"


@dataclass
class Published:
    """What a publish did."""

    snapshot: int
    """The newest snapshot that `current/` shows."""
    files: list[str] = field(default_factory=list)
    """Files written, below `current/`."""
    removed: list[str] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0


class Entry(NamedTuple):
    """A published file as the manifest names it."""

    rows: int
    bytes: int
    sha256: str


def publish(
    archive: Archive, site: str | None = None, partitions: Collection[tuple[str, str]] | None = None
) -> Published:
    """Brings `current/` up to the last commit.

    Args:
        archive: the archive.
        site: only what crawls of this site changed; of all sites where None.
        partitions: pairs of site and month to make anew from the tables besides, whatever is published of them.

    Raises:
        BusyError: another process has been publishing for 10 minutes.
        DiskFullError, ArchiveError: a file cannot be written; what was published before stays.
    """
    with storage_errors(archive.location):
        aside = archive.work / ".index" / "publishing"
        busy = f"Another process is publishing {archive.location}; try again when it has ended."
        with archive.lock("publish", _PATIENCE, busy) as still_held:
            for _ in range(_TRIES - 1):
                try:
                    return _publish(archive, aside, still_held, site, partitions or ())
                except (FileNotFoundError, duckdb.IOException) as error:
                    if isinstance(error, duckdb.IOException) and "No files found" not in str(error):
                        raise
                    # A data file was replaced and deleted while it was read, by an erasure: again, from those of now.
            return _publish(archive, aside, still_held, site, partitions or ())


def _publish(
    archive: Archive, aside: Path, still_held: StillHeld, site: str | None, partitions: Collection[tuple[str, str]]
) -> Published:
    shutil.rmtree(aside, ignore_errors=True)  # what a killed one left
    aside.mkdir(parents=True)
    try:
        return _Publishing(archive, aside, still_held).run(site, partitions)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


class _Publishing:
    """One publish, under the lock."""

    def __init__(self, archive: Archive, aside: Path, still_held: StillHeld) -> None:
        self.archive = archive
        self.still_held = still_held
        self.aside = aside
        """Where files are written before they take their place."""
        self.files = archive.files
        manifest = read_manifest(archive.files)
        self.is_new = manifest is None or manifest.get("schema_version") != SCHEMA_VERSION
        files = manifest["files"] if manifest and not self.is_new else {}
        sites = manifest["sites"] if manifest and not self.is_new else {}
        assert isinstance(files, dict)
        assert isinstance(sites, dict)
        self.entries = {path: Entry(**entry) for path, entry in files.items()}
        self.shown: dict[str, int] = dict(sites)
        """Per site, the newest snapshot that is published."""

    def run(self, site: str | None, forced: Collection[tuple[str, str]]) -> Published:
        archive = self.archive
        # Without a manifest to go on from everything is made: what it does not name would be taken for left over.
        crawls = archive.committed(None if self.is_new else site)
        done = Published(max((crawl.snapshot for crawl in crawls), default=0))
        due = [crawl for crawl in crawls if crawl.snapshot > self.shown.get(crawl.site, 0)]
        with archive.connection() as connection:
            connection.execute(f"SET memory_limit = '{_MEMORY}'")
            connection.register("committed", _strings("attempt", [crawl.attempt for crawl in crawls]))
            written: list[tuple[Path, str]] = []
            for name in sorted({crawl.site for crawl in due} | {name for name, _ in forced}):
                of_site = [crawl for crawl in due if crawl.site == name]
                months = {month for forced_site, month in forced if forced_site == name}
                fresh = name not in self.shown
                for table in PUBLISHED:
                    maker = _Maker(archive, connection, table, name)
                    maker.prepare([crawl.attempt for crawl in of_site], [crawl.crawl_id for crawl in of_site], fresh)
                    touched = [Partition(table, name, month) for month in sorted(maker.touched() | months)]
                    for partition, is_sound in zip(touched, self._are_sound(touched), strict=True):
                        anew = fresh or partition.month in months or not is_sound
                        self._make(maker, partition, anew, written, done)
                self.shown[name] = max((crawl.snapshot for crawl in of_site), default=self.shown.get(name, 0))
            # Everything is written aside first, so that the time in which old and new stand side by side is short.
            with ThreadPoolExecutor(self.files.at_once) as pool:
                list(pool.map(self._take, written))
        if due or forced or self.is_new:
            self._write_manifest()
        self._remove(done)
        return done

    def _make(
        self, maker: "_Maker", partition: Partition, anew: bool, written: list[tuple[Path, str]], done: Published
    ) -> None:
        final = f"{FOLDER}/{partition.path}"
        before = final if partition.path in self.entries else ""
        rows = maker.rows(partition.month, None if anew else before)
        if rows.num_rows == 0:
            if self.entries.pop(partition.path, None) is not None:
                done.removed.append(partition.path)
            return
        aside = self.aside / f"{len(written)}.parquet"
        write_parquet(rows, PUBLISHED[partition.table][0], aside)
        entry = Entry(rows.num_rows, aside.stat().st_size, sha256_of(aside))
        if self.entries.get(partition.path) == entry and not anew:
            aside.unlink()
            return
        self.entries[partition.path] = entry
        written.append((aside, final))
        done.files.append(partition.path)
        done.rows += entry.rows
        done.bytes += entry.bytes

    def _take(self, written: tuple[Path, str]) -> None:
        self.still_held()
        self.files.take(written[1], written[0])

    def _are_sound(self, partitions: list[Partition]) -> list[bool]:
        with ThreadPoolExecutor(self.files.at_once) as pool:
            return list(pool.map(self._is_sound, partitions))

    def _is_sound(self, partition: Partition) -> bool:
        """Whether the file is the one that was published; one that was never published is as sound as none."""
        entry, path = self.entries.get(partition.path), f"{FOLDER}/{partition.path}"
        if entry is None:
            return not self.files.exists(path)
        try:
            content = self.files.read(path)
        except FileNotFoundError:
            return False
        return len(content) == entry.bytes and hashlib.sha256(content).hexdigest() == entry.sha256

    def _write_manifest(self) -> None:
        self.still_held()
        self.files.write(f"{FOLDER}/{MANIFEST}", manifest_of(self.shown, self.entries))

    def _remove(self, done: Published) -> None:
        """Deletes files that the manifest no longer names: emptied partitions, and what a killed publish left."""
        for table in PUBLISHED:
            for held in list(self.files.list(f"{FOLDER}/{table}")):
                relative = held.path.removeprefix(f"{FOLDER}/")
                if relative not in self.entries:
                    self.files.delete(held.path)
                    if relative.endswith(_FILE) and relative not in done.removed:
                        done.removed.append(relative)


class _Maker:
    """Makes the partitions of one table and site, from relations that are prepared once."""

    def __init__(self, archive: Archive, connection: duckdb.DuckDBPyConnection, table: str, site: str) -> None:
        self.archive, self.connection, self.table, self.site = archive, connection, table, site
        self.published, self.versions = PUBLISHED[table]
        self.key = f"{table[:-1]}_id"
        self._all_sightings = False
        self._held = {name: archive.tables.load(name) for name in (self.versions.name, "observations")}
        """The tables as they were then: on S3, each look at a log is some requests."""

    def prepare(self, attempts: list[str], crawl_ids: list[str], fresh: bool) -> None:
        """Reads the due crawls' sightings and version keys; of a site that was never published, all there are."""
        # No crawl id at all would mean every file; an id that no crawl has means none.
        chosen = [] if fresh else crawl_ids or [""]
        self.connection.register("due", _strings("attempt", attempts))
        self._store("sightings", self._sightings(chosen, "due"))
        files = self._files(crawl_ids=chosen)
        self._store(
            "fresh_versions",
            f"SELECT {self.key}, month, previous_month FROM {reading(files, self.versions)} "  # noqa: S608 - ours
            f"WHERE site = {quoted(self.site)} AND attempt IN (FROM due)",
        )
        if fresh:
            self._store("all_sightings", "FROM sightings")
            self._all_sightings = True

    def touched(self) -> set[str]:
        """Months whose partition the due crawls changed."""
        found = self.connection.sql(
            "SELECT month FROM fresh_versions UNION SELECT previous_month FROM fresh_versions "
            "UNION SELECT unnest(months) FROM sightings"
        ).to_arrow_table()
        return {month for month in found.column(0).to_pylist() if month is not None}

    def rows(self, month: str, before: str | None) -> pa.Table:
        """The partition's rows in their order.

        Args:
            month: which.
            before: path of its published file, whose counters may be relied on, empty where it has none yet; None to
                read all observations instead.
        """
        if before is not None and self._is_ahead(month, before):
            before = None
        if before is None and not self._all_sightings:
            self._store("all_sightings", self._sightings([], "committed"))
            self._all_sightings = True
        sightings = "FROM all_sightings" if before is None else self._sightings_after(before)
        version_files = self._files(months=[month])
        moved_files = self._files(moved_from=month)
        moved = (
            f"SELECT {self.key}, version FROM {reading(moved_files, self.versions)} "  # noqa: S608 - ours
            f"WHERE previous_month = {quoted(month)} AND attempt IN (FROM committed)"
        )
        staying = (
            f"(SELECT * FROM {reading(version_files, self.versions)} AS held WHERE site = {quoted(self.site)} "  # noqa: S608 - ours
            f"AND month = {quoted(month)} AND attempt IN (FROM committed) AND NOT EXISTS "
            f"(FROM ({moved}) AS gone WHERE gone.{self.key} = held.{self.key} AND gone.version > held.version))"
        )
        order = ", ".join(f"{column} NULLS LAST" for column in self.published.sort_by)
        select = current_select(self.table, staying, sightings)
        columns = [column for column in self.published.column_names if column not in self.published.partition_by]
        made: pa.Table = self.connection.sql(
            f"SELECT {', '.join(columns)} FROM ({select}) ORDER BY {order}"  # noqa: S608 - ours
        ).to_arrow_table()
        return made.cast(pa.schema([self.published.schema.field(name) for name in columns]))

    def _files(
        self,
        name: str | None = None,
        *,
        months: Collection[str] = (),
        crawl_ids: Collection[str] = (),
        moved_from: str | None = None,
    ) -> list[str]:
        """Addresses of the site's data files of the versions, or of another table."""
        name = name or self.versions.name
        return self.archive.tables.files(
            name, site=self.site, months=months, crawl_ids=crawl_ids, moved_from=moved_from, delta=self._held[name]
        )

    def _published(self, path: str) -> list[str]:
        """The published file's address; none where it has never been published."""
        return [self.archive.files.uri(path)] if path else []

    def _is_ahead(self, month: str, before: str) -> bool:
        """Whether the published counters cannot be added to: a record came in, or was sighted later than this."""
        files = self._published(before)
        came_in = f"SELECT 1 FROM fresh_versions WHERE month = {quoted(month)} AND previous_month IS NOT NULL"  # noqa: S608 - ours
        earlier = (
            f"SELECT 1 FROM {reading(files, self.published)} AS p JOIN sightings AS s USING ({self.key}) "  # noqa: S608 - ours
            "WHERE s.first_seen_at < p.last_seen_at"
        )
        reasons: pa.Table = self.connection.sql(f"{came_in} UNION ALL {earlier} LIMIT 1").to_arrow_table()
        return reasons.num_rows > 0

    def _sightings(self, crawl_ids: list[str], attempts: str) -> str:
        """Last counters by record over the observations of some crawls, or of all."""
        files = self._files("observations", crawl_ids=crawl_ids)
        source = reading(files, TABLES["observations"])
        further = "min(observed_at) AS first_seen_at, list(DISTINCT record_month) AS months"
        condition = f"site = {quoted(self.site)} AND attempt IN (FROM {attempts})"
        return sightings_select(self.table, source, condition).replace(" FROM ", f", {further} FROM ", 1)

    def _sightings_after(self, before: str) -> str:
        """The published counters as sightings, and the due ones over them."""
        counters = COUNTERS[self.table]
        files = self._published(before)
        return (
            f"SELECT coalesce(s.site, p.site) AS site, coalesce(s.{self.key}, p.{self.key}) AS {self.key}, "
            + ", ".join(f"coalesce(s.{name}, p.{name}) AS {name}" for name in counters)
            + ", greatest(s.last_seen_at, p.last_seen_at) AS last_seen_at "
            f"FROM sightings AS s FULL JOIN {reading(files, self.published)} AS p USING ({self.key})"
        )

    def _store(self, name: str, select: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")


def write_parquet(rows: pa.Table, table: Table, path: Path) -> None:
    """Writes rows as Parquet that is the same byte for byte for the same rows, and is on disk when this returns."""
    with path.open("wb") as file:
        pq.write_table(rows, file, row_group_size=table.row_group_size, **parquet_options(table, rows.column_names))
        file.flush()
        os.fsync(file.fileno())


def parquet_options(table: Table, columns: Collection[str]) -> dict[str, Any]:
    """How pyarrow is to write these columns of a table: zstd, dictionaries only where values repeat."""
    dictionaries = [column.name for column in table.columns if column.dictionary and column.name in columns]
    return {"compression": "zstd", "compression_level": 3, "use_dictionary": dictionaries}


def manifest_of(shown: Mapping[str, int], entries: Mapping[str, Entry]) -> bytes:
    """The manifest.

    Args:
        shown: the newest published snapshot of each site.
        entries: the files by their paths below `current/`.
    """
    return sealed(
        {
            "snapshot": max(shown.values(), default=0),
            "sites": dict(sorted(shown.items())),
            "schema_version": SCHEMA_VERSION,
            "files": {path: entry._asdict() for path, entry in sorted(entries.items())},
        }
    )


def sealed(manifest: dict[str, object]) -> bytes:
    """The manifest as JSON, with the SHA-256 of all that stands before its last line."""
    body = json.dumps(manifest, indent=2)[:-2].encode()
    return body + f',\n  "sha256": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()


def is_sealed(content: bytes) -> bool:
    """Whether a manifest is as `sealed` wrote it, to the bit."""
    body, _, rest = content.rpartition(b",\n")
    return rest == f'  "sha256": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _strings(name: str, values: list[str]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string())})
