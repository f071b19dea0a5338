"""The row of `crawls` that makes a commit visible, and what tells one attempt at a commit from any other. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import pyarrow as pa

from crawler.receipt import Receipt
from storage.dedupe import Changes
from storage.known import Row
from storage.row_making import row_making

COUNTS = {
    "new": "posts_new",
    "edited": "posts_edited",
    "deleted": "posts_deleted",
    "restored": "posts_restored",
    "moved": "posts_moved",
    "seen": "posts_seen",
    "threads_new": "threads_new",
    "threads_changed": "threads_changed",
    "threads_seen": "threads_seen",
    "boards_seen": "boards_seen",
    "reparsed": "posts_reparsed",
    "masked": "identifiers_masked",
}
"""Counts of a dedupe, and their columns."""

_OF_RECEIPT = (
    *("site", "crawl_id", "engine", "since", "until", "started_at", "finished_at"),
    *("requests", "discovered", "parsed", "quarantined", "pending"),
    *("threads_listed", "threads_opened", "posts", "bytes"),
)


def digest_of(changes: Changes, rows: Mapping[str, pa.Table]) -> str:
    """What tells this commit from any other: of the same crawl with other rows, or after another crawl."""
    digest = hashlib.blake2b(f"{changes.site}\0{changes.crawl_id}\0{changes.generation}".encode(), digest_size=12)
    for name, table in sorted(rows.items()):
        digest.update(name.encode())
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        digest.update(sink.getvalue())
    return digest.hexdigest()


def with_attempt(table: pa.Table, attempt: str) -> pa.Table:
    """The rows as those of that attempt."""
    at = table.schema.get_field_index("attempt")
    return table.set_column(at, "attempt", pa.array([attempt] * table.num_rows, pa.string()))


def crawl_row(changes: Changes, receipt: Receipt) -> Row:
    """The row, but for its snapshot and attempt."""
    figures = ("posts_visible", "posts_with_author", "posts_with_created_at")
    return {
        **{name: getattr(receipt, name) for name in _OF_RECEIPT},
        **{column: changes.counts.get(name, 0) for name, column in COUNTS.items()},
        **{name: getattr(changes.figures, name) for name in figures},
        "generation": changes.generation,
        "row_making": row_making(),
        "outcome": receipt.outcome.value,
        "is_full": receipt.full,
        "refused": sum(receipt.refused.values()),
        "failed": sum(receipt.failed.values()),
        "committed_at": datetime.now(UTC),
        "field_counts": msgspec.json.encode(
            {name: (count.had, count.of) for name, count in sorted(changes.figures.fields.items()) if count.of}
        ).decode("utf-8"),
        "receipt": msgspec.json.encode(receipt).decode("utf-8"),
    }
