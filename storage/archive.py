"""An archive: the folder of tables that crawls are committed to, once each, and that is read by SQL.

<archive>/
    archive.json        format, id, fingerprint of the pseudonyms' key (the key itself is outside)
    landing/            what the crawls left, by site and crawl
    authors/ boards/ thread_versions/ post_versions/ observations/ crawls/      Delta tables, append-only
    current/            the published state, derived
    summaries/          derived
    releases/           snapshots to hand on, see storage.release
    .index/             caches and locks; may be deleted when nothing runs
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import duckdb
import msgspec
import pyarrow as pa

from crawler.errors import ArchiveError
from crawler.receipt import IMPORT_PREFIX, REPARSE_PREFIX, Outcome, Receipt
from crawler.state import PostState, SiteState
from storage.about import ABOUT, About, key_of, make_archive, read_about
from storage.absences import vanished
from storage.batch import Batch
from storage.checks import CrawlFigures
from storage.checksums import Checksums
from storage.crawl_rows import COUNTS, crawl_row, digest_of, with_attempt
from storage.dedupe import Changes
from storage.files import Files, files_at, work_folder
from storage.index import Index
from storage.index_filling import NEEDED, CommittedCrawl, Missed
from storage.keys import Pseudonyms, key_file_for
from storage.known import Known, Row
from storage.landings import Landings
from storage.locks import StillHeld, hold
from storage.schema import PUBLISHED, TABLES
from storage.suppressions import state_of
from storage.tables import Tables, arrow_table, storage_errors
from storage.views import connection_for, define_views, quoted, reading

_ROWS_AT_ONCE = 50_000


class Snapshot(NamedTuple):
    """An immutable state of the archive: everything up to and with one commit."""

    number: int
    """From 1, without gaps."""
    crawl_id: str
    site: str
    committed_at: datetime
    counts: dict[str, int]
    """new, edited, deleted, restored, moved, seen (posts), threads_new, threads_changed, threads_seen."""


class Commit(NamedTuple):
    """What tells which rows are a committed crawl's."""

    snapshot: int
    site: str
    crawl_id: str
    attempt: str


_FIELD_COUNTS = msgspec.json.Decoder(dict[str, tuple[int, int]])


class Archive:
    """One archive, opened. Any number of processes may have it open; commits of different sites never wait long."""

    def __init__(self, files: Files, work: Path, about: About, key_file: Path) -> None:
        self.files = files
        self.location = files.location
        self.work = work
        """The local folder of what is made on the way (landings, caches, locks): the archive itself, unless on S3."""
        self._about, self._key_file = about, key_file
        self.tables = Tables(files)
        self.checksums = Checksums(files)
        self.landings = Landings(files, work)
        # An index made before an erasure, on this machine or another, is made anew.
        self.index = Index(work / ".index" / "known.sqlite", f"{about.id} {state_of(files)}")

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        """What makes the pseudonyms; only who writes needs it.

        Raises:
            KeyMissingError: the key is not where it should be, or another one is.
        """
        return key_of(self._about, self.location, self._key_file)

    @classmethod
    def open(cls, location: str | Path, create: bool = True, environ: Mapping[str, str] = os.environ) -> "Archive":
        """The archive in a folder or at an s3:// address, made on first use together with its key.

        With `create` off it is opened for reading, which needs no key: the archive may have been handed on without.

        Raises:
            KeyMissingError: the archive is there, but its key is not, or another one is.
            ArchiveError: the location is a file, cannot be written, or holds something else; or there is no archive
                and none is to be made.
        """
        files = files_at(str(location), environ)
        root = files.location
        if files.local and files.local.exists() and not files.local.is_dir():
            raise ArchiveError(f"{root} is a file; an archive is a folder: give another place.")
        with storage_errors(root):
            about = read_about(files)
            if about is None and not create:
                raise ArchiveError(f"There is no archive in {root}; a first crawl or import makes one.")
            if about is None:
                about = make_archive(files, key_file_for(root, environ))
                Checksums(files).record([ABOUT])
        archive = cls(files, work_folder(files, environ), about, key_file_for(root, environ, needed=create))
        if create:
            # Before anything is fetched: rows without a key would be lost work.
            _ = archive.pseudonyms
        return archive

    @property
    def root(self) -> Path:
        """The archive's folder.

        Raises:
            ArchiveError: it is on S3.
        """
        if self.files.local is None:
            raise ArchiveError(f"{self.location} is no folder, and this needs one.")
        return self.files.local

    @property
    def landing_root(self) -> Path:
        """Where crawls land: a folder per site in it, a folder per crawl in that; see `landings` for those on S3."""
        return self.landings.root

    @property
    def spill(self) -> Path:
        """Where queries put what does not fit into memory: inside the archive, as it holds the same texts."""
        return self.work / ".index" / "spill"

    @contextmanager
    def lock(self, name: str, patience: timedelta, busy: str) -> Iterator[StillHeld]:
        """Holds one of the archive's locks; it ends with its process, on S3 a minute later at the latest.

        What it gives is called before writes that must not come after another holder's: see `storage.locks`.

        Args:
            name: `commit-<site>` (who adds to or changes the tables), `publish`, `releases`,
                `summaries` or `maintenance`.
            patience: how long to wait for it.
            busy: the sentence for who waited in vain.

        Raises:
            BusyError: another process has it.
        """
        with hold(self.files, self.work / ".locks", name, patience, busy) as still_held:
            yield still_held

    def state(self, site: str) -> SiteState:
        """What a crawl of the site has to know when it starts."""
        with storage_errors(self.location):
            self._bring_up_index()
            return self.index.state(site)

    def posts_since(self, site: str, since: datetime) -> list[PostState]:
        """The site's posts written since then that may be looked at again."""
        with storage_errors(self.location):
            self._bring_up_index()
            return self.index.posts_since(site, since)

    def known(self, batch: Batch) -> Known:
        """What the archive holds of a batch's records."""
        self._bring_up_index()
        keys = {self.pseudonyms.author_key(batch.site, name) for name in batch.author_names() | batch.mentioned_names()}
        known = self.index.known(batch, {key for key in keys if key is not None})
        while not known.generation and self.committed(batch.site):
            # An erasure has emptied the index since it was brought up.
            self._bring_up_index()
            known = self.index.known(batch, {key for key in keys if key is not None})
        deleted = list(vanished(batch, known).deleted)
        if deleted:
            months = {known.posts[post_id].month for post_id in deleted}
            known.last_rows = self._last_rows(batch.site, deleted, months)
        return known

    def commit(self, changes: Changes, receipt: Receipt) -> Snapshot:
        """Appends a crawl's changes, exactly once; of a crawl that is committed, the snapshot it made.

        A commit that was interrupted anywhere is completed by the same commit again; until then none of it is seen.

        Raises:
            ArchiveError: another crawl of the site was committed since `changes` were worked out.
            DiskFullError: no space is left; nothing of the crawl is visible.
        """
        if (held := self.snapshot_of(receipt.site, receipt.crawl_id)) is not None:
            return held
        rows = {name: arrow_table(name, changes.rows[name]) for name in TABLES if name != "crawls"}
        attempt = digest_of(changes, rows)
        rows = {name: with_attempt(table, attempt) for name, table in rows.items()}
        with storage_errors(self.location):
            written = [path for name, table in rows.items() for path in self.tables.append(name, table, attempt)]
            snapshot, last = self.mark(changes, receipt, attempt)
            self.checksums.record([*written, *last])
        batches = {name: table.to_batches() for name, table in rows.items()}
        crawl = CommittedCrawl(snapshot.number, changes.generation, receipt)
        self._bring_up_index(snapshot.number - 1)
        with storage_errors(self.location):
            self.index.bring_up(snapshot.number, lambda since: self._missed(since, Missed([crawl], batches)))
        return snapshot

    def committed(self, site: str | None = None) -> list[Commit]:
        """The committed crawls, of one site or of all, oldest first."""
        rows = self._crawls(("snapshot", "site", "crawl_id", "attempt"))
        return [Commit(**row) for row in rows if site is None or row["site"] == site]

    def is_committed(self, crawl_id: str, site: str | None = None) -> bool:
        """Whether the crawl has been committed. Give the site: crawls of two sites may have the same id."""
        return any(commit.crawl_id == crawl_id for commit in self.committed(site))

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, oldest first."""
        return [
            _snapshot(row) for row in self._crawls(("snapshot", "crawl_id", "site", "committed_at", *COUNTS.values()))
        ]

    def row_making(self, site: str) -> dict[str, str | None]:
        """By crawl of the site, the digest of the code that made its rows; None of crawls before it was kept."""
        rows = self._crawls(("snapshot", "site", "crawl_id", "row_making"))
        return {row["crawl_id"]: row["row_making"] for row in rows if row["site"] == site}

    def history(self, site: str) -> list[CrawlFigures]:
        """What the site's committed crawls came to, oldest first."""
        whole = {Outcome.COMPLETE, Outcome.PARTIAL}
        return [
            CrawlFigures(
                crawl_id=row["crawl_id"],
                outcome=row["outcome"],
                whole=row["since"] is None and row["until"] is None and row["outcome"] in whole,
                fields=_FIELD_COUNTS.decode(row["field_counts"] or "{}"),
            )
            for row in self._crawls(("snapshot", "site", "crawl_id", "outcome", "since", "until", "field_counts"))
            if row["site"] == site and not row["crawl_id"].startswith((IMPORT_PREFIX, REPARSE_PREFIX))
        ]

    def connection(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection that can read the archive's files, without any views."""
        return connection_for(self.spill, self.files.filesystem)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with the views of the archive as it is now, see `storage.views`.

        Read instants as Arrow (`.to_arrow_table()`): as Python objects DuckDB gives them only with pytz installed.
        """
        connection = self.connection()
        try:
            with storage_errors(self.location):
                define_views(connection, self.files, self.tables)
        except ArchiveError:
            # A file was replaced between the list and the reading; with a list of now it is another one.
            connection.close()
            connection = self.connection()
            with storage_errors(self.location):
                define_views(connection, self.files, self.tables)
        return connection

    def _crawls(self, columns: tuple[str, ...]) -> list[Row]:
        with storage_errors(self.location):
            rows = self.tables.read_whole("crawls", columns)
        return sorted(rows, key=lambda row: int(row["snapshot"]))

    def snapshot_of(self, site: str, crawl_id: str) -> Snapshot | None:
        """The snapshot that the crawl made; None where it is not committed.

        By site and crawl: Airflow gives the runs of all sites for one day the same id.
        """
        found = (one for one in self.snapshots() if (one.site, one.crawl_id) == (site, crawl_id))
        return next(found, None)

    def mark(self, changes: Changes, receipt: Receipt, attempt: str) -> tuple[Snapshot, list[str]]:
        """Appends the crawl's own row, which makes the attempt's rows visible; again if another commit was faster."""
        while True:
            delta = self.tables.ensure("crawls")
            try:
                crawls = self.tables.read_whole("crawls", ("snapshot", "site", "crawl_id"), delta)
            except FileNotFoundError:
                continue  # replaced and deleted meanwhile: by an erasure
            of_site = {row["crawl_id"] for row in crawls if row["site"] == receipt.site}
            if receipt.crawl_id in of_site and (held := self.snapshot_of(receipt.site, receipt.crawl_id)) is not None:
                return held, []
            if len(of_site) + 1 != changes.generation:
                raise ArchiveError(
                    f"Another crawl of {receipt.site} was committed to {self.location} meanwhile; "
                    "commit this one again."
                )
            number = max((int(row["snapshot"]) for row in crawls), default=0) + 1
            row = crawl_row(changes, receipt) | {"snapshot": number, "attempt": attempt}
            if written := self.tables.append_alone("crawls", arrow_table("crawls", [row]), delta):
                return _snapshot(row), written

    def _bring_up_index(self, snapshot: int | None = None) -> None:
        if snapshot is None:
            rows = self._crawls(("snapshot",))
            snapshot = int(rows[-1]["snapshot"]) if rows else 0
        with storage_errors(self.location):
            self.index.bring_up(snapshot, self._missed)

    def _missed(self, since: int, held: Missed | None = None) -> Missed:
        """What was committed after a snapshot; `held` is used instead of the files if it is just that."""
        if held is not None and [crawl.snapshot for crawl in held.crawls] == [since + 1]:
            return held
        crawls = [
            row for row in self._crawls(("snapshot", "generation", "receipt", "attempt")) if row["snapshot"] > since
        ]
        listed = [
            CommittedCrawl(row["snapshot"], row["generation"], msgspec.json.decode(row["receipt"], type=Receipt))
            for row in crawls
        ]
        attempts = [row["attempt"] for row in crawls]
        crawl_ids = [crawl.receipt.crawl_id for crawl in listed] if since else []
        return Missed(listed, {name: self._rows_of(name, attempts, crawl_ids) for name in NEEDED})

    def _rows_of(self, name: str, attempts: list[str], crawl_ids: list[str]) -> Iterator[pa.RecordBatch]:
        """Rows of some commits, older ones first, with the columns that the index needs."""
        files = self.tables.files(name, crawl_ids=crawl_ids)
        if not files or not attempts:
            return
        order = pa.table({"attempt": attempts, "ordinal": pa.array(range(len(attempts)), pa.int64())})
        with self.connection() as connection:
            connection.register("commits", order)
            query = f"FROM {reading(files, TABLES[name])} AS r JOIN commits USING (attempt)"
            columns = ", ".join(f"r.{column}" for column in NEEDED[name])
            if name == "observations":
                # Only the last sighting of each counts, but every absence.
                query = (
                    "SELECT kind, max(observed_at) AS observed_at, site, any_value(thread_id) AS thread_id, post_id "
                    f"{query} GROUP BY kind, site, post_id, CASE WHEN kind = 'thread' THEN thread_id END, "
                    "CASE WHEN kind = 'absence' THEN observed_at END"
                )
            else:
                order_by = "ordinal, r.version" if "version" in NEEDED[name] else "ordinal"  # imports bring several
                query = f"SELECT {columns} {query} ORDER BY {order_by}"
            yield from connection.sql(query).to_arrow_reader(_ROWS_AT_ONCE)

    def _last_rows(self, site: str, post_ids: list[str], months: set[str]) -> dict[str, Row]:
        """The last versions of some posts, without their texts."""
        _, versions = PUBLISHED["posts"]
        files = self.tables.files(versions.name, site=site, months=months)
        dropped = "body_text, quotes, attachments, links, attempt, previous_month"
        attempts = [row["attempt"] for row in self._crawls(("snapshot", "attempt"))]
        with self.connection() as connection:
            connection.register("wanted", pa.table({"post_id": pa.array(post_ids, pa.string())}))
            connection.register("committed", pa.table({"attempt": pa.array(attempts, pa.string())}))
            rows = connection.sql(
                f"SELECT * EXCLUDE ({dropped}) FROM {reading(files, versions)} "  # noqa: S608 - ours
                f"WHERE site = {quoted(site)} AND post_id IN (FROM wanted) AND attempt IN (FROM committed) "
                "QUALIFY row_number() OVER (PARTITION BY post_id ORDER BY version DESC) = 1"
            ).to_arrow_table()
        return {row["post_id"]: row for row in rows.to_pylist()}


def _snapshot(row: Row) -> Snapshot:
    counts = {name: int(row[column] or 0) for name, column in COUNTS.items()}
    return Snapshot(int(row["snapshot"]), row["crawl_id"], row["site"], row["committed_at"], counts)
