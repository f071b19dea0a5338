"""What the schema is made of: types, merge rules, columns, tables."""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

INSTANT: pa.DataType = pa.timestamp("us", tz="UTC")
QUOTES = pa.list_(pa.struct([("post_id", pa.string()), ("author_key", pa.string()), ("text", pa.string())]))
ATTACHMENTS = pa.list_(pa.struct([("url", pa.string()), ("name", pa.string())]))
POLL = pa.struct(
    [
        ("question", pa.string()),
        ("options", pa.list_(pa.struct([("text", pa.string()), ("votes", pa.int64())]))),
        ("voters", pa.int64()),
    ]
)


class Merge(StrEnum):
    """What becomes of a value when the record is met again; the words stand in the data dictionary."""

    KEY = "Identifies the record."
    PARTITION = "Partition. Follows `created_at`; a version in another month than the one before names that month."
    VERSION = "A change makes a new version."
    KEPT = "A change makes a new version; a page that does not tell (null) changes nothing."
    FIRST = "Kept as first stated; a page that states it for the first time makes a new version."
    CARRIED = "As at this version; a change alone makes none."
    COUNTER = "As at this version; each sighting's value is in `observations`, the last one in `current/`."
    WRITTEN = "Written by the archive, once."
    SIGHTING = "One row a record and crawl: the last sighting of the crawl."
    ANY = "A row more when any of the board's values changed."
    AUTHOR = "A row more when the site tells the author's id for the first time."
    CRAWL = "One row a crawl, written last: it is what makes the crawl's other rows visible."
    DERIVED = "Derived anew at each publish."


@dataclass(frozen=True)
class Column:
    """One column: name, Arrow type, meaning, and what happens when the record is met again."""

    name: str
    type: pa.DataType
    doc: str
    merge: Merge
    statistics: bool = False
    """Whether least and greatest value go into the Delta log. Never texts or ids: the log outlives an erasure."""
    dictionary: bool = True
    """Whether Parquet may encode it by dictionary; of no use where values do not repeat.

    Always for texts that may be null: DuckDB 2.0.0 takes every row for null (`IS NULL`) where a row group without a
    dictionary holds one value and nulls.
    """
    later: bool = False
    """Whether archives were made before it came, so that files and tables may lack it."""


@dataclass(frozen=True)
class Table:
    """One table: what it holds, its partitions, its key, the order of its rows, its columns."""

    name: str
    doc: str
    partition_by: tuple[str, ...]
    key: tuple[str, ...]
    sort_by: tuple[str, ...]
    columns: tuple[Column, ...]
    row_group_size: int = 16_384

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, partition columns included."""
        return pa.schema([pa.field(column.name, column.type) for column in self.columns])

    @property
    def column_names(self) -> list[str]:
        """Names in their order."""
        return [column.name for column in self.columns]
