"""What a release holds and what it lacks, counted in its own files: the figures of its README.

Counted in the release and not in the archive, so that a release that was changed later is counted the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from storage.known import Row
from storage.release_tables import RELEASED, table_of
from storage.views import connection_for, quoted, reading

_MEMORY = "600MB"
_THREADS = 2
_MANY = 20
"""Ids that a gap names before it says how many more there are."""


@dataclass(frozen=True)
class Gap:
    """One thing that a site lacks."""

    site: str
    what: str
    count: int


@dataclass(frozen=True)
class Counted:
    """Threads and posts of a site or board, all versions of a record being one."""

    site: str
    board_id: str | None
    title: str | None
    threads: int
    posts: int
    gone: int
    """Of the posts: those that are deleted, removed or hidden."""
    authors: int
    first_at: datetime | None
    """The earliest and the latest post; aware, UTC."""
    last_at: datetime | None


@dataclass(frozen=True)
class Crawled:
    """The crawls of a site."""

    site: str
    engine: str | None
    crawls: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Facts:
    """All figures of a release."""

    rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By table: files and rows."""
    crawled: list[Crawled] = field(default_factory=list)
    sites: list[Counted] = field(default_factory=list)
    boards: list[Counted] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    masked: list[Gap] = field(default_factory=list)
    """Identifiers that were masked, by kind."""


def count_facts(files: Mapping[str, Path], rows: Mapping[str, int], spill: Path) -> Facts:
    """Counts a release.

    Args:
        files: its Parquet files, by their path in the release.
        rows: rows of each of them.
        spill: folder for what does not fit into memory.
    """
    by_table: dict[str, list[str]] = {name: [] for name in RELEASED}
    for path in sorted(files):
        table = table_of(path)
        assert table is not None
        by_table[table.name].append(path)
    with connection_for(spill) as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'; SET threads = {_THREADS}")
        for name, paths in by_table.items():
            listed = reading([files[path] for path in paths], RELEASED[name])
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {listed}")  # noqa: S608 - ours
        connection.execute(_BY_THREAD)
        gaps = [_gap(row) for query in _GAPS for row in _rows(connection, query)]
        return Facts(
            rows={name: (len(paths), sum(rows[path] for path in paths)) for name, paths in by_table.items() if paths},
            crawled=[Crawled(**row) for row in _rows(connection, _CRAWLED)],
            sites=[Counted(**row) for row in _rows(connection, _SITES)],
            boards=[Counted(**row) for row in _rows(connection, _BOARDS)],
            gaps=[*gaps, *_unwalked(connection)],
            masked=_masked(connection),
        )


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    table: pa.Table = connection.sql(query).to_arrow_table()
    return table.to_pylist()


def _gap(row: Row) -> Gap:
    return Gap(row["site"], row["what"], int(row["count"]))


_BY_THREAD = """
CREATE TEMP TABLE by_thread AS
SELECT p.site, p.thread_id, coalesce(any_value(t.board_id), any_value(p.board_id)) AS board_id, count(*) AS posts,
    count(*) FILTER (p.status = 'visible') AS standing, max(p.last_seen_at) AS seen_at,
    min(p.created_at) AS first_at, max(p.created_at) AS last_at
FROM posts AS p LEFT JOIN threads AS t USING (site, thread_id) GROUP BY p.site, p.thread_id"""

_CRAWLED = """
SELECT site, arg_max(engine, snapshot) AS engine, count(*) AS crawls, min(started_at) AS first_at,
    max(coalesce(finished_at, started_at)) AS last_at
FROM crawls GROUP BY site ORDER BY site"""

_SITES = """
SELECT site, NULL AS board_id, NULL AS title, coalesce(threads, 0) AS threads, coalesce(posts, 0) AS posts,
    coalesce(gone, 0) AS gone, coalesce(authors, 0) AS authors, first_at, last_at
FROM (SELECT DISTINCT site FROM crawls)
LEFT JOIN (SELECT site, count(*) AS threads FROM threads GROUP BY site) USING (site)
LEFT JOIN (
    SELECT site, count(*) AS posts, count(*) FILTER (status <> 'visible') AS gone,
        count(DISTINCT author_key) AS authors, min(created_at) AS first_at, max(created_at) AS last_at
    FROM posts GROUP BY site
) USING (site) ORDER BY site"""

# A thread without board is of the board ''.
_BOARDS = """
WITH of_posts AS (
    SELECT p.site, coalesce(b.board_id, '') AS board_id, count(*) AS posts,
        count(*) FILTER (p.status <> 'visible') AS gone, count(DISTINCT p.author_key) AS authors,
        min(p.created_at) AS first_at, max(p.created_at) AS last_at
    FROM posts AS p JOIN by_thread AS b USING (site, thread_id) GROUP BY ALL
), of_threads AS (
    SELECT site, coalesce(board_id, '') AS board_id, count(*) AS threads FROM threads GROUP BY ALL
), titles AS (
    SELECT site, board_id, arg_max(title, observed_at) AS title FROM boards GROUP BY ALL
)
SELECT site, nullif(board_id, '') AS board_id, title, coalesce(threads, 0) AS threads, coalesce(posts, 0) AS posts,
    coalesce(gone, 0) AS gone, coalesce(authors, 0) AS authors, first_at, last_at
FROM of_threads FULL JOIN of_posts USING (site, board_id) LEFT JOIN titles USING (site, board_id)
ORDER BY site, board_id"""

_STATED = """(
    SELECT t.site, t.reply_count + 1 - b.standing AS lacking
    FROM threads AS t JOIN by_thread AS b USING (site, thread_id)
    WHERE t.status = 'visible' AND t.reply_count + 1 > b.standing)"""

# Of each thread the last finding, unless a post of it was seen after.
_NOT_SHOWN = """(
    SELECT f.site, f.cause FROM (
        SELECT site, u.thread_id, arg_max(u.cause, u.seen_at) AS cause, max(u.seen_at) AS seen_at
        FROM (SELECT site, unnest(unavailable) AS u FROM crawls) GROUP BY site, u.thread_id
    ) AS f LEFT JOIN by_thread AS b USING (site, thread_id) WHERE b.seen_at IS NULL OR b.seen_at <= f.seen_at)"""

_IN_PART = "(SELECT site, unnest(arg_max(boards_in_part, snapshot)) AS b FROM crawls GROUP BY site)"

_ENDED_EARLY = """(
    SELECT site, CASE WHEN coalesce(since, until) IS NULL THEN '' ELSE ' of the days from '
        || coalesce(strftime(since, '%Y-%m-%d'), 'the beginning') || ' to '
        || coalesce(strftime(until, '%Y-%m-%d'), 'the end') END AS days
    FROM crawls WHERE outcome <> 'complete')"""


def _gap_query(what: str, relation: str, count: str = "count(*)") -> str:
    """Counts by site and words.

    Args:
        what: SQL expression for the words.
        relation: SQL for what is counted.
        count: SQL expression for the count; gaps of none are left out.
    """
    return (
        f"SELECT site, {what} AS what, {count} AS count FROM {relation} "  # noqa: S608 - ours
        f"GROUP BY ALL HAVING {count} > 0 ORDER BY ALL"
    )


def _pages(words: str, column: str) -> str:
    unnested = f"(SELECT site, unnest({column}) AS r FROM crawls)"  # noqa: S608 - ours
    return _gap_query(f"'pages {words}: ' || r.reason", unnested, "sum(r.pages)")


def _lacking(table: str, words: str, column: str) -> str:
    return _gap_query(f"'{table} {words}'", f"{table} WHERE {column} IS NULL AND status = 'visible'")


_UNREAD = "threads ANTI JOIN by_thread USING (site, thread_id) WHERE status = 'visible'"
_GAPS = (
    _gap_query("'threads known from listings only, none of their posts read'", _UNREAD),
    _gap_query("'threads of which the site counts more posts than are here'", _STATED),
    _gap_query("'posts that it counts beyond those here'", _STATED, "sum(lacking)"),
    _gap_query("'threads that the site did not show when last asked: ' || cause", _NOT_SHOWN),
    _pages("not asked for", "refused_by"),
    _pages("that failed", "failed_by"),
    _gap_query("'pages kept, but not understood'", "crawls", "sum(quarantined)"),
    _gap_query("'pages not reached'", "crawls", "sum(pending)"),
    _pages("read that reserve a use", "reservations"),
    _gap_query("'boards not read, or in part, by the last crawl: ' || b.why", _IN_PART),
    _gap_query("'crawls that ended before they had read all' || days", _ENDED_EARLY),
    _lacking("posts", "whose instant no page states", "created_at"),
    _lacking("threads", "whose instant no page states", "created_at"),
    _lacking("posts", "whose author is not held", "author_key"),
)

# Of sites whose boards are walked at all; one list of all threads makes their walks needless.
_UNWALKED = """
SELECT site, list(DISTINCT board_id ORDER BY board_id) AS ids FROM boards
SEMI JOIN (
    SELECT site FROM crawls GROUP BY site HAVING sum(len(boards_walked)) > 0 AND sum(coalesce(boards_by_latest, 0)) = 0
) USING (site)
ANTI JOIN (SELECT DISTINCT site, unnest(boards_walked) AS board_id FROM crawls) USING (site, board_id)
GROUP BY site ORDER BY site"""


def _unwalked(connection: duckdb.DuckDBPyConnection) -> list[Gap]:
    gaps = []
    for row in _rows(connection, _UNWALKED):
        named, more = row["ids"][:_MANY], len(row["ids"]) - _MANY
        ids = ", ".join(named) + (f" and {more} more" if more > 0 else "")
        gaps.append(Gap(row["site"], f"boards never walked: {ids}", len(row["ids"])))
    return gaps


def _masked(connection: duckdb.DuckDBPyConnection) -> list[Gap]:
    """Identifiers masked in the posts, where the schema counts them in a column `masked`."""
    types = {column.name: column.type for column in RELEASED["posts"].columns}
    type_ = types.get("masked")
    if type_ is None:
        return []
    if pa.types.is_list(type_) and pa.types.is_string(type_.value_type):
        query = _gap_query("kind", "(SELECT site, unnest(masked) AS kind FROM posts)")
    elif pa.types.is_struct(type_):
        kinds = (_gap_query(quoted(kind.name), "posts", f"sum(masked.{kind.name})") for kind in type_)
        query = " UNION ALL ".join(f"({kind})" for kind in kinds)
    else:
        query = _gap_query("'all kinds'", "posts", "sum(masked)")
    return [_gap(row) for row in _rows(connection, f"FROM ({query}) ORDER BY ALL")]
