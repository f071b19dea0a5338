"""Full-history jobs on Apache Spark, for archives that have outgrown one machine: the same tables, SQL and code.

    spark-submit storage/spark_jobs.py publish ARCHIVE           `current/`, all of it, anew
    spark-submit storage/spark_jobs.py near-duplicates ARCHIVE   pairs of texts that share a MinHash band, by cluster

Spark distributes; what a task reads and writes goes through `storage.files`, so that archives on S3 need no JAR of
Hadoop's, and a published file is the same byte for byte as the one that `storage.publish` writes. ARCHIVE has to be
within reach of every worker, under the same name. When to switch: docs/outgrowing-one-machine.md.
"""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from crawler.errors import UsageError
from storage.archive import Archive
from storage.publish import FOLDER, Entry, Partition, manifest_of, sha256_of, write_parquet
from storage.schema import PUBLISHED, TABLES
from storage.tables import storage_errors
from storage.views import MANIFEST, current_select, sightings_select

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PATIENCE = timedelta(minutes=10)
_WRITTEN = "path string, rows long, bytes long, sha256 string"


class _File(NamedTuple):
    """A data file of a table, as a task reads it."""

    table: str
    path: str
    site: str | None
    month: str | None


def session(name: str = "medthreads", **settings: str) -> "SparkSession":
    """A Spark session with what these jobs rely on: UTC, and Arrow between Python and Java.

    Args:
        name: as Spark's own pages show it.
        settings: further settings, dots written as two underscores.
    """
    from pyspark.sql import SparkSession

    # Workers run in this very environment, unless the cluster says otherwise.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(name).config("spark.sql.session.timeZone", "UTC")
    for setting, value in settings.items():
        builder = builder.config(setting.replace("__", "."), value)
    made: SparkSession = builder.getOrCreate()
    return made


def read_table(spark: "SparkSession", archive: Archive, name: str) -> "DataFrame":
    """One of the archive's tables: its committed rows with all columns. Each data file is read by one task."""
    from pyspark.sql.pandas.types import from_arrow_schema

    location, schema = archive.location, TABLES[name].schema

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tables = Archive.open(location, create=False).tables
        for batch in batches:
            for row in batch.to_pylist():
                values = {column: row[column] for column in ("site", "month") if row[column] is not None}
                yield from tables.rows_of(name, row["path"], values).to_batches()

    listed = [_listed(name, path) for path in archive.tables.paths(name)]
    files = spark.createDataFrame(listed, "table string, path string, site string, month string")
    rows = files.repartition(max(1, len(listed))).mapInArrow(read, from_arrow_schema(schema))
    if name == "crawls":
        return rows
    attempts = [(commit.attempt,) for commit in archive.committed()]
    return rows.join(spark.createDataFrame(attempts, "attempt string"), "attempt", "semi")


def _listed(name: str, path: str) -> _File:
    parts = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
    return _File(name, path, parts.get("site"), parts.get("month"))


def current(spark: "SparkSession", archive: Archive, name: str, until: datetime | None = None) -> "DataFrame":
    """`posts` or `threads` as the last commit left them, or as they were at an instant: the SQL of `storage.views`."""
    versions = PUBLISHED[name][1].name
    for table in (versions, "observations"):
        read_table(spark, archive, table).createOrReplaceTempView(table)
    condition = f"observed_at <= TIMESTAMP '{until.isoformat()}'" if until else "true"
    return spark.sql(current_select(name, versions, sightings_select(name, "observations", condition), condition))


def publish_all(spark: "SparkSession", archive: Archive) -> int:
    """Makes all of `current/` anew, a task a partition; the number of files.

    Unlike `storage.publish` it replaces file by file as they are made; the manifest comes last, and while it is
    missing readers take the tables instead.

    Raises:
        BusyError: another process has been publishing for 10 minutes.
    """
    busy = f"Another process is publishing {archive.location}; try again when it has ended."
    with archive.lock("publish", _PATIENCE, busy), storage_errors(archive.location):
        shown = {commit.site: commit.snapshot for commit in archive.committed()}
        archive.files.delete(f"{FOLDER}/{MANIFEST}")
        entries: dict[str, Entry] = {}
        for name in PUBLISHED:
            made = current(spark, archive, name).groupBy("site", "month").applyInArrow(_writer(archive, name), _WRITTEN)
            entries |= {row.path: Entry(row.rows, row.bytes, row.sha256) for row in made.collect()}
        for held in list(archive.files.list(FOLDER)):
            if held.path.removeprefix(f"{FOLDER}/") not in entries:
                archive.files.delete(held.path)
        archive.files.write(f"{FOLDER}/{MANIFEST}", manifest_of(shown, entries))
    return len(entries)


def _writer(archive: Archive, name: str) -> Callable[[pa.Table], pa.Table]:
    """What writes one partition where it belongs; travels to the workers."""
    location = archive.location

    def write(rows: pa.Table) -> pa.Table:
        table = PUBLISHED[name][0]
        partition = Partition(name, rows.column("site")[0].as_py(), rows.column("month")[0].as_py())
        order = [(column, "ascending") for column in table.sort_by]
        schema = pa.schema([field for field in table.schema if field.name not in table.partition_by])
        with TemporaryDirectory() as folder:
            aside = Path(folder) / "data.parquet"
            write_parquet(rows.select(schema.names).cast(schema).sort_by(order), table, aside)
            entry = Entry(rows.num_rows, aside.stat().st_size, sha256_of(aside))
            Archive.open(location, create=False).files.take(f"{FOLDER}/{partition.path}", aside)
        return pa.Table.from_pylist([{"path": partition.path, **entry._asdict()}])

    return write


def main() -> None:
    """Runs the job that the command line names."""
    match sys.argv[1:]:
        case ["publish", location]:
            with session("medthreads publish") as spark:
                print(f"{publish_all(spark, Archive.open(location, create=False)):,} files")
        case _:
            raise UsageError(__doc__ or "")


if __name__ == "__main__":
    main()
