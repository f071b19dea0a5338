"""Full-history jobs on Apache Spark, for archives that have outgrown one machine: the same tables, SQL and code.

    spark-submit storage/spark_jobs.py publish ARCHIVE                         `current/`, all of it, anew
    spark-submit storage/spark_jobs.py current ARCHIVE OUT [--as-of INSTANT]   posts and threads as Parquet elsewhere
    spark-submit storage/spark_jobs.py near-duplicates ARCHIVE                 what repeats what, all of it, anew

On one machine `python -m storage.spark_jobs` does the same. Spark distributes; what a task reads and writes goes
through `storage.files`, so that archives on S3 need no JAR of Hadoop's, and a file is the same byte for byte as the
one that one machine writes. ARCHIVE has to be within reach of every worker, under the same name. When to switch:
docs/outgrowing-one-machine.md.
"""

import argparse
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, NamedTuple

import pyarrow as pa

from crawler.errors import ArchiveError, MedthreadsError, UsageError
from storage.archive import Archive, Commit
from storage.files import files_at
from storage.publish import FOLDER, Entry, Partition, manifest_of, sealed, sha256_of, write_parquet
from storage.schema import PUBLISHED, SCHEMA_VERSION, TABLES
from storage.tables import Tables, storage_errors
from storage.views import MANIFEST, current_select, sightings_select

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PATIENCE = timedelta(minutes=10)
_WRITTEN = "path string, rows long, bytes long, sha256 string"
_TASKS_A_CORE = 64
"""At most, where many small files are read."""


class _File(NamedTuple):
    """A data file of a table, as a task reads it."""

    path: str
    site: str | None
    month: str | None


def session(name: str = "medthreads", **settings: str) -> "SparkSession":
    """A Spark session with what these jobs rely on: UTC.

    Args:
        name: as Spark's own pages show it.
        settings: further settings, dots written as two underscores.

    Raises:
        UsageError: there is no pyspark here, or no Java.
    """
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("Spark is not installed here; add it with: pip install 'medthreads[spark]'.") from None

    # Workers run in this very environment, unless the cluster says otherwise.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(name).config("spark.sql.session.timeZone", "UTC")
    for setting, value in settings.items():
        builder = builder.config(setting.replace("__", "."), value)
    try:
        made: SparkSession = builder.getOrCreate()
    except (PySparkRuntimeError, FileNotFoundError) as error:
        raise UsageError(
            f"Spark did not start; it needs Java 17 or later, found by JAVA_HOME or in the path: {_last_line(error)}"
        ) from error
    return made


def one_task_each(spark: "SparkSession", rows: Sequence[tuple[str | None, ...]], schema: str) -> "DataFrame":
    """Rows that name files, spread so that as many tasks as can be read them."""
    most = _TASKS_A_CORE * spark.sparkContext.defaultParallelism
    return spark.createDataFrame(rows, schema).repartition(max(1, min(len(rows), most)))


def read_table(spark: "SparkSession", archive: Archive, name: str, commits: Collection[Commit]) -> "DataFrame":
    """Rows of one of the archive's tables, with all columns of the schema.

    Args:
        commits: whose rows; they were listed before this call, so that their files are all there now.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    location, schema = archive.location, TABLES[name].schema

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tables = Tables(files_at(location))
        for batch in batches:
            for row in batch.to_pylist():
                values = {column: row[column] for column in ("site", "month") if row[column] is not None}
                yield from tables.rows_of(name, row["path"], values).to_batches()

    listed = [_listed(path) for path in archive.tables.paths(name)]
    rows = one_task_each(spark, listed, "path string, site string, month string")
    attempts = spark.createDataFrame([(commit.attempt,) for commit in commits], "attempt string")
    return rows.mapInArrow(read, from_arrow_schema(schema)).join(attempts, "attempt", "semi").select(schema.names)


def _listed(path: str) -> _File:
    parts = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
    return _File(path, parts.get("site"), parts.get("month"))


def current(
    spark: "SparkSession",
    archive: Archive,
    name: str,
    until: datetime | None = None,
    commits: Collection[Commit] | None = None,
) -> "DataFrame":
    """`posts` or `threads` as the last commit left them, or as they were at an instant: the SQL of `storage.views`.

    Args:
        name: posts or threads.
        until: aware; None for now.
        commits: what counts as committed; None for what is so now.
    """
    commits = archive.committed() if commits is None else commits
    versions = PUBLISHED[name][1].name
    for table in (versions, "observations"):
        read_table(spark, archive, table, commits).createOrReplaceTempView(table)
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
    with archive.lock("publish", _PATIENCE, busy) as still_held, storage_errors(archive.location):
        commits = archive.committed()
        archive.files.delete(f"{FOLDER}/{MANIFEST}")
        entries: dict[str, Entry] = {}
        for name in PUBLISHED:
            entries |= _write(current(spark, archive, name, commits=commits), name, archive.location, f"{FOLDER}/")
        still_held()
        for held in list(archive.files.list(FOLDER)):
            if held.path.removeprefix(f"{FOLDER}/") not in entries:
                archive.files.delete(held.path)
        shown = {commit.site: commit.snapshot for commit in commits}
        archive.files.write(f"{FOLDER}/{MANIFEST}", manifest_of(shown, entries))
    return len(entries)


def write_current(spark: "SparkSession", archive: Archive, out: str, until: datetime | None = None) -> int:
    """Writes posts and threads, as they are or as they were, into a folder laid out like `current/`; its files.

    Its manifest comes last: without one the job has not come to its end.

    Args:
        out: a folder that every worker reaches under this name, or an s3:// address; absent or empty.
        until: as of which instant, aware; None for now.

    Raises:
        UsageError: `out` is in the archive, or holds something.
    """
    target = files_at(out)
    if f"{target.location}/".startswith(f"{archive.location}/"):
        raise UsageError(f"{out} is inside the archive {archive.location}; give a place outside of it.")
    with storage_errors(target.location):
        if next(iter(target.list("")), None) is not None:
            raise UsageError(f"{out} holds files already; give an empty or new folder.")
    commits = archive.committed()
    entries: dict[str, Entry] = {}
    for name in PUBLISHED:
        entries |= _write(current(spark, archive, name, until, commits), name, target.location, "")
    manifest: dict[str, object] = {
        "as_of": until.isoformat() if until else None,
        "snapshot": max((commit.snapshot for commit in commits), default=0),
        "schema_version": SCHEMA_VERSION,
        "files": {path: entry._asdict() for path, entry in sorted(entries.items())},
    }
    with storage_errors(target.location):
        target.write(MANIFEST, sealed(manifest))
    return len(entries)


def _write(rows: "DataFrame", name: str, location: str, folder: str) -> dict[str, Entry]:
    """Writes rows of `posts` or `threads`, a file a partition, below `folder`; what was written by its path there."""
    written = rows.groupBy("site", "month").applyInArrow(_writer(name, location, folder), _WRITTEN)
    return {row.path: Entry(row.rows, row.bytes, row.sha256) for row in written.collect()}


def _writer(name: str, location: str, folder: str) -> Callable[[pa.Table], pa.Table]:
    """What writes one partition where it belongs; travels to the workers."""

    def write(rows: pa.Table) -> pa.Table:
        table = PUBLISHED[name][0]
        partition = Partition(name, rows.column("site")[0].as_py(), rows.column("month")[0].as_py())
        order: list[tuple[str, Literal["ascending", "descending"]]] = [(name, "ascending") for name in table.sort_by]
        schema = pa.schema([field for field in table.schema if field.name not in table.partition_by])
        with TemporaryDirectory() as aside:
            file = Path(aside) / "data.parquet"
            write_parquet(rows.select(schema.names).cast(schema).sort_by(order), table, file)
            entry = Entry(rows.num_rows, file.stat().st_size, sha256_of(file))
            # Not taken: the worker's disk need not be the archive's.
            files_at(location).send(f"{folder}{partition.path}", file)
        return pa.Table.from_pylist([{"path": partition.path, **entry._asdict()}])

    return write


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="storage.spark_jobs", description="Full-history jobs on Apache Spark: docs/outgrowing-one-machine.md."
    )
    jobs = parser.add_subparsers(dest="job", required=True, metavar="JOB")
    for job, text in (
        ("publish", "make all of current/ anew"),
        ("current", "write posts and threads as they are, or were, as Parquet elsewhere"),
        ("near-duplicates", "find anew what repeats what: near_duplicates, crossposts, quotations"),
    ):
        command = jobs.add_parser(job, help=text, description=text)
        command.add_argument("archive", metavar="ARCHIVE", help="folder or s3:// address, the same for every worker")
        if job == "current":
            command.add_argument("out", metavar="OUT", help="new or empty folder, or s3:// address")
            command.add_argument("--as-of", metavar="INSTANT", help="date (its midnight) or ISO 8601 time, in UTC")
    return parser.parse_args(arguments)


def _run(asked: argparse.Namespace) -> str:
    """Does the job; what is to be said of it."""
    from pyspark.errors import PySparkException

    from medthreads.commands.options import instant

    until = instant("--as-of", asked.as_of) if asked.job == "current" else None
    archive = Archive.open(asked.archive, create=False)
    with session(f"medthreads {asked.job}") as spark:
        try:
            if asked.job == "publish":
                return f"{publish_all(spark, archive):,} files published"
            if asked.job == "current":
                return f"{write_current(spark, archive, asked.out, until):,} files written to {asked.out}"
            from summaries.spark_repetition import rebuild

            return ", ".join(f"{name} {count:,}" for name, count in rebuild(spark, archive).items())
        except PySparkException as error:
            raise ArchiveError(
                f"The job {asked.job} on {archive.location} failed in Spark, run it again: {_last_line(error)}"
            ) from error


def _last_line(error: Exception) -> str:
    """The line that names the cause; the others of Spark's errors are where it passed through."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if "Error: " in line or "Exception: " in line]
    return (named or lines or [type(error).__name__])[-1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the job that the command line names; every expected failure is one sentence and its exit code."""
    asked = _arguments(arguments)
    try:
        print(_run(asked))
    except MedthreadsError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
