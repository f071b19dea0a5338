"""The archive's history from Python: states, changes and SQL as relations that Polars, pandas and pyarrow take over.

from medthreads.reading import open_archive

archive = open_archive("archive")
archive.posts_asof("2026-01-31").pl()
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from types import TracebackType
from typing import Self

import duckdb

from medthreads.location import archive_location
from storage.archive import Archive
from storage.views import quoted

KINDS = ("post", "thread")
CHANGES = ("new", "edited", "deleted", "restored", "moved", "reparsed")

Moment = str | date | datetime
"""An instant: aware, or in UTC; a date is its midnight in UTC; text in ISO 8601, `now` or `infinity`."""


@dataclass(frozen=True)
class Selection:
    """Which changes to look at; None or empty for all."""

    site: str | None = None
    board: str | None = None
    """Also of what was moved out of it."""
    kind: str | None = None
    """post or thread."""
    changes: Collection[str] = ()
    snapshot: int | None = None
    """Only what came with this snapshot."""

    def condition(self) -> str:
        """As SQL over the columns of `changes(a, b)`."""
        asked = {
            f"site = {quoted(self.site or '')}": self.site is not None,
            f"{quoted(self.board or '')} IN (board_id, previous_board_id)": self.board is not None,
            f"kind = {quoted(self.kind or '')}": self.kind is not None,
            f"change IN ({', '.join(map(quoted, self.changes))})": bool(self.changes),
            f"snapshot = {self.snapshot}": self.snapshot is not None,
        }
        return " AND ".join(condition for condition, is_asked in asked.items() if is_asked) or "true"


class Reader:
    """An archive as it was when it was opened, for reading. What its methods give is worked out when it is read.

    A relation has `.pl()`, `.df()`, `.to_arrow_table()`, `.filter()`, `.aggregate()` and so on, and ends with its
    reader.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.connection = archive.connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends it, and what it gave."""
        self.connection.close()

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """The answer to a query over the archive's views.

        Raises:
            duckdb.Error: it cannot be run.
        """
        return self.connection.sql(query)

    def posts(self) -> duckdb.DuckDBPyRelation:
        """The posts as published, deleted ones included."""
        return self.sql("FROM posts")

    def threads(self) -> duckdb.DuckDBPyRelation:
        """The threads as published, deleted ones included."""
        return self.sql("FROM threads")

    def posts_asof(self, moment: Moment) -> duckdb.DuckDBPyRelation:
        """The posts as they were at an instant, by what pages fetched up to then showed."""
        return self.sql(f"FROM posts_asof({_literal(moment)})")

    def threads_asof(self, moment: Moment) -> duckdb.DuckDBPyRelation:
        """The threads as they were at an instant."""
        return self.sql(f"FROM threads_asof({_literal(moment)})")

    def posts_at_snapshot(self, number: int) -> duckdb.DuckDBPyRelation:
        """The posts as the commit of a snapshot left them."""
        return self.sql(f"FROM posts_at_snapshot({int(number)})")

    def threads_at_snapshot(self, number: int) -> duckdb.DuckDBPyRelation:
        """The threads as the commit of a snapshot left them."""
        return self.sql(f"FROM threads_at_snapshot({int(number)})")

    def changes(self, after: Moment, until: Moment) -> duckdb.DuckDBPyRelation:
        """The versions first seen after the one and up to the other instant; columns: docs/data-dictionary.md."""
        return self.sql(f"FROM changes({_literal(after)}, {_literal(until)})")

    def changes_with_text(
        self, after: Moment, until: Moment, selection: Selection, limit: int | None = None
    ) -> duckdb.DuckDBPyRelation:
        """The chosen changes, newest last, each with `text`: the post's words or the thread's title.

        Of a post that is gone the words are those of the version before, where these are still held.
        """
        between = f"changes({_literal(after)}, {_literal(until)})"
        most = "" if limit is None else f"LIMIT {int(limit)}"
        words = "SELECT site, thread_id, post_id, version, body_text FROM post_versions"
        return self.sql(
            f"WITH chosen AS MATERIALIZED (FROM {between} WHERE {selection.condition()} {most}), "  # noqa: S608 - quoted
            f"words AS ({words} SEMI JOIN chosen USING (site, post_id)) "
            "SELECT c.*, CASE WHEN c.kind = 'thread' THEN t.title "
            "ELSE coalesce(nullif(v.body_text, ''), p.body_text, '') END AS text FROM chosen AS c "
            "LEFT JOIN words AS v ON v.site = c.site AND v.post_id = c.post_id AND v.version = c.version "
            "LEFT JOIN words AS p ON p.site = c.site AND p.post_id = c.post_id AND p.version = c.version - 1 "
            "LEFT JOIN thread_versions AS t ON c.kind = 'thread' AND t.site = c.site AND t.thread_id = c.thread_id "
            "AND t.version = c.version ORDER BY c.observed_at, c.site, c.thread_id, c.post_id, c.version"
        )

    def count_changes(self, after: Moment, until: Moment, selection: Selection) -> duckdb.DuckDBPyRelation:
        """How many of the chosen changes there are by site, board, kind and change."""
        return self.sql(
            f"SELECT site, board_id, kind, change, count(*) AS changes "  # noqa: S608 - quoted
            f"FROM changes({_literal(after)}, {_literal(until)}) WHERE {selection.condition()} "
            "GROUP BY ALL ORDER BY ALL"
        )


def open_archive(location: str | None = None) -> Reader:
    """The archive in a folder or at an s3:// address; else MEDTHREADS_ARCHIVE, else ./archive. Needs no key.

    Raises:
        ArchiveError: there is none.
    """
    return Reader(Archive.open(archive_location(location), create=False))


def _literal(moment: Moment) -> str:
    # A date's and a naive instant's text has no offset: DuckDB takes it as UTC, the connection's time zone.
    return quoted(moment if isinstance(moment, str) else moment.isoformat())
