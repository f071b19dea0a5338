"""near_duplicates, crossposts and quotations of a whole archive on Apache Spark, and the index that they rest on.

The same files, byte for byte, as a refresh on one machine writes, so that the next daily refresh goes on from here.
Tasks read `current/`: one for each month's file makes its fingerprints. Texts that share a band are joined; those that
hang together by such bands go to one task, which compares the texts and decides on clusters by the rule of
`near_duplicates.assign`. As no text is ever held against one outside of that, it comes out as if all were one task.

The driver sees no text: pairs of keys to find out what hangs together, and the rows of the three tables.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from crawler.errors import ArchiveError
from storage.archive import Archive
from storage.files import Files, files_at
from storage.publish import FOLDER as PUBLISHED_FOLDER
from storage.schema import POSTS, THREADS
from storage.spark_jobs import one_task_each
from storage.views import connection_for, published_files, reading
from summaries.activity import GONE
from summaries.minhash import BAND_COLUMNS, shingles, similarity, words_of
from summaries.near_duplicate_index import FOLDER, INDEX, PRODUCTS, STATE, Index, month_of_key
from summaries.near_duplicates import MEMBERS, Order, assign
from summaries.quotations import quotations
from summaries.refresh import only_refresh
from summaries.repetition import Repetition
from summaries.schema import CROSSPOSTS, NEAR_DUPLICATES, QUOTATIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Batches = Iterator[pa.RecordBatch]
_AT_ONCE = 4_096
_LAST = 2**63 - 1
_OF_POST = ["site", "month", "post_id", "thread_id", "is_opening", "words", "text_key"]
_DOCS = pa.schema(
    [pa.field("site", pa.string()), pa.field("month", pa.string())]
    + [INDEX.field(name) for name in _OF_POST[2:]]
    + [pa.field("instant", pa.int64())]
    + [pa.field(name, pa.int64()) for name in BAND_COLUMNS]
)
"""As `near_duplicates.Clustering` wants it, but without unsigned numbers, which Spark does not know."""


def rebuild(spark: "SparkSession", archive: Archive) -> dict[str, int]:
    """Makes the three tables and the index anew, whatever was there; rows of each table, and months of the index.

    Raises:
        ArchiveError: nothing is published.
        BusyError: a refresh of the archive has been running for 10 minutes.
    """
    files = archive.files
    published = published_files(files)
    if published is None:
        raise ArchiveError(f"Nothing is published in {archive.location}: run the job `publish` first.")
    with only_refresh(archive), TemporaryDirectory() as folder, archive.connection() as connection:
        connection.execute(f"CREATE VIEW threads AS FROM {reading(published['threads'], THREADS)}")
        if files.exists(STATE):
            # Until the new one is written, the files count for nothing: a refresh would make all anew.
            files.delete(STATE)
        run = Repetition(files, connection, Path(folder))
        months = _Months(spark, archive.location, run.index.sources)
        index = months.make_index()
        nothing = {table.name: table.schema.empty_table() for table in PRODUCTS}
        docs = months.docs()
        members = _members(spark, docs, months.posts("site", "month", "post_id", "body_text"))
        connection.register("docs", _in_clusters(spark, docs, members))
        run.write_clusters(members, nothing)
        run.write(QUOTATIONS, nothing[QUOTATIONS.name], _quotations(spark, months))
        for entry in list(files.list(FOLDER)):
            if entry.path not in index:
                files.delete(entry.path)
        run.write_state(index | run.sizes)
    counts = {table.name: run.counts[table.name] for table in (NEAR_DUPLICATES, CROSSPOSTS, QUOTATIONS)}
    return counts | {"months": len(index)}


class _Months:
    """The months of the published posts, as tasks read them."""

    def __init__(self, spark: "SparkSession", location: str, sources: dict[str, str | None]) -> None:
        self._location = location
        self._each = one_task_each(spark, sorted(sources.items()), "key string, source string")

    def make_index(self) -> dict[str, int]:
        """Writes the index's files; their bytes by path."""
        location = self._location

        def make(batches: Batches) -> Batches:
            for batch in batches:
                for row in batch.to_pylist():
                    path, size = index_month(files_at(location), row["key"], row["source"])
                    yield pa.RecordBatch.from_pylist([{"path": path, "bytes": size}])

        return {row.path: row.bytes for row in self._each.mapInArrow(make, "path string, bytes long").collect()}

    def docs(self) -> "DataFrame":
        """The index, as _DOCS."""

        def read(files: Files, key: str) -> Batches:
            return docs_of_month(files, key)

        return self._read(read, _DOCS)

    def posts(self, *columns: str) -> "DataFrame":
        """The published posts."""
        schema = pa.schema([POSTS.schema.field(name) for name in columns])

        def read(files: Files, key: str) -> Batches:
            return rows_of_file(files, f"{PUBLISHED_FOLDER}/posts/{key}/data.parquet", key, schema)

        return self._read(read, schema)

    def _read(self, read: Callable[[Files, str], Batches], schema: pa.Schema) -> "DataFrame":
        from pyspark.sql.pandas.types import from_arrow_schema

        location = self._location

        def read_all(batches: Batches) -> Batches:
            files = files_at(location)
            for batch in batches:
                for row in batch.to_pylist():
                    yield from read(files, row["key"])

        return self._each.mapInArrow(read_all, from_arrow_schema(schema))


def index_month(files: Files, key: str, source: str | None) -> tuple[str, int]:
    """Makes the index's file of a month from the published one; its path and bytes.

    Args:
        key: the month as hive partitions.
        source: SHA-256 of the published file.
    """
    published = files.uri(f"{PUBLISHED_FOLDER}/posts/{key}/data.parquet")
    with TemporaryDirectory() as folder, connection_for(Path(folder) / "spill", files.filesystem) as connection:
        connection.execute(f"CREATE VIEW posts AS FROM {reading([published], POSTS)}")
        index = Index(files, connection, Path(folder), None)
        index.sources = {key: source}
        index.compare()
        month = month_of_key(key)
        size = index.made[month].stat().st_size
        files.send(month.path, index.made[month])
    return month.path, size


def docs_of_month(files: Files, key: str) -> Batches:
    """The rows of the index's file of a month, as _DOCS."""
    read = pa.schema([_DOCS.field(name) for name in _DOCS.names if name != "instant"] + [INDEX.field("created_at")])
    for batch in rows_of_file(files, month_of_key(key).path, key, read):
        instants = batch.column("created_at").cast(pa.int64()).fill_null(_LAST)
        columns = [instants if name == "instant" else batch.column(name) for name in _DOCS.names]
        yield pa.RecordBatch.from_arrays(columns, schema=_DOCS)


def rows_of_file(files: Files, path: str, key: str, schema: pa.Schema) -> Batches:
    """The rows of a file below hive partitions, as the schema says; columns that it lacks are null."""
    month = month_of_key(key)
    of_path = {"site": month.site, "month": month.month}
    file = files.parquet(path)
    held = [name for name in schema.names if name in file.schema_arrow.names]
    for batch in file.iter_batches(_AT_ONCE, columns=held, use_threads=False):
        columns = [
            pa.array([of_path[field.name]] * len(batch), field.type)
            if field.name in of_path
            else batch.column(field.name).cast(field.type)
            if field.name in held
            else pa.nulls(len(batch), field.type)
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _members(spark: "SparkSession", docs: "DataFrame", posts: "DataFrame") -> pa.Table:
    """Texts that belong to the clusters of other ones (MEMBERS)."""
    bands = ", ".join(f"any_value({name}) AS {name}" for name in BAND_COLUMNS)
    texts = spark.sql(
        f"SELECT text_key, {bands} FROM {{docs}} WHERE band00 IS NOT NULL GROUP BY text_key",  # noqa: S608 - ours
        docs=docs,
    )
    buckets = spark.sql(
        "SELECT band, value, collect_list(text_key) AS keys FROM {texts} "  # noqa: S608 - ours
        f"LATERAL VIEW posexplode(array({', '.join(BAND_COLUMNS)})) AS band, value "
        "GROUP BY band, value HAVING count(*) > 1",
        texts=texts,
    )
    candidates = spark.sql(
        "SELECT text_key, band, value, array_min(keys) AS least FROM {buckets} LATERAL VIEW explode(keys) AS text_key",
        buckets=buckets,
    ).persist()
    # A text with the first key of its bucket, instead of every two: what hangs together is the same, and a form that
    # a million posts fill in gives a million pairs.
    edges = spark.sql(
        "SELECT DISTINCT text_key, least FROM {candidates} WHERE text_key <> least", candidates=candidates
    )
    groups = components(zip(*edges.toArrow().to_pydict().values(), strict=True))
    grouped = pa.table(
        {"text_key": pa.array(groups.keys(), pa.int64()), "component": pa.array(groups.values(), pa.int64())}
    )
    compared = spark.sql(
        "SELECT component, text_key, first.instant, first.site, first.post_id, buckets, body_text FROM "
        "(SELECT text_key, collect_list(struct(band, value)) AS buckets FROM {candidates} GROUP BY text_key) "
        "JOIN (SELECT text_key, component, min(struct(instant, site, post_id, month)) AS first "
        "FROM {docs} JOIN {grouped} USING (text_key) GROUP BY text_key, component) USING (text_key) "
        "JOIN {posts} AS p ON p.site = first.site AND p.month = first.month AND p.post_id = first.post_id",
        candidates=candidates,
        docs=docs,
        grouped=spark.createDataFrame(grouped),
        posts=posts,
    )
    decided = compared.groupBy("component").applyInArrow(decide, "text_key long, head_key long, similarity double")
    members = decided.toArrow().cast(MEMBERS).sort_by("text_key")
    candidates.unpersist()
    return members


def components(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """What hangs together by pairs: of each number the least one that it is joined with, however far."""
    parents: dict[int, int] = {}

    def top(one: int) -> int:
        while (above := parents.setdefault(one, one)) != one:
            parents[one] = one = parents[above]
        return one

    for one, other in pairs:
        first, second = sorted((top(one), top(other)))
        parents[second] = first
    return {one: top(one) for one in list(parents)}


def decide(rows: pa.Table) -> pa.Table:
    """Which of the texts that hang together join a cluster of another one (MEMBERS).

    Args:
        rows: text_key, instant, site and post_id of who wrote it first, buckets (structs of band and value, as far as
            another text has them), body_text.
    """
    texts = {row["text_key"]: row for row in rows.to_pylist()}
    orders: dict[int, Order] = {key: (row["instant"], row["site"], row["post_id"]) for key, row in texts.items()}
    buckets = {key: [(held["band"], held["value"]) for held in row["buckets"]] for key, row in texts.items()}

    @cache
    def shingles_of(key: int) -> frozenset[str]:
        return frozenset(shingles(words_of(texts[key]["body_text"] or "")))

    def similar(one: int, other: int) -> float:
        return similarity(shingles_of(one), shingles_of(other))

    joined = assign(orders, buckets, {}, similar)
    found = [{"text_key": key, "head_key": to.head, "similarity": to.similarity} for key, to in joined.items()]
    return pa.Table.from_pylist(found, MEMBERS)


def _in_clusters(spark: "SparkSession", docs: "DataFrame", members: pa.Table) -> pa.Table:
    """The posts of clusters of two and more, which is all that `near_duplicates.clustered` has to see of docs."""
    columns = ", ".join(["instant", *_OF_POST])
    headed = spark.sql(
        f"SELECT {columns}, coalesce(head_key, text_key) AS head FROM {{docs}} LEFT JOIN {{members}} "  # noqa: S608
        "USING (text_key) WHERE text_key IS NOT NULL",
        docs=docs,
        members=spark.createDataFrame(members),
    )
    several = spark.sql("SELECT head FROM {headed} GROUP BY head HAVING count(*) > 1", headed=headed)
    return headed.join(several, "head", "semi").drop("head").toArrow()


def _quotations(spark: "SparkSession", months: _Months) -> pa.Table:
    """The rows of QUOTATIONS, a task a thread."""
    from pyspark.sql.pandas.types import from_arrow_schema

    columns = ("site", "thread_id", "post_id", "author_key", "created_at", "position", "body_text", "quotes", "status")
    standing = spark.sql(
        f"SELECT * FROM {{posts}} WHERE coalesce(status, 'visible') NOT IN {GONE}",  # noqa: S608 - ours
        posts=months.posts(*columns),
    )
    found = standing.groupBy("site", "thread_id").applyInArrow(quotations_of, from_arrow_schema(QUOTATIONS.schema))
    return found.toArrow().cast(QUOTATIONS.schema)


def quotations_of(posts: pa.Table) -> pa.Table:
    """The quotations of a thread from the published rows of its posts."""
    place = posts.schema.get_field_index("created_at")
    microseconds = posts.column("created_at").cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    rows = posts.set_column(place, "created_at", microseconds).sort_by("post_id").to_pylist()
    return pa.Table.from_pylist(quotations(rows), QUOTATIONS.schema)
