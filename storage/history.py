"""SQL over the history: what changed between two instants, counters over time, the state at a snapshot.

Made on a DuckDB connection that has the views of the tables, see `storage.views`.
"""

from storage.columns import Merge
from storage.schema import COUNTERS, PUBLISHED

_MAKE_VERSIONS = frozenset({Merge.VERSION, Merge.KEPT, Merge.FIRST})
_BETWEEN = "v.observed_at > CAST(a AS TIMESTAMPTZ) AND v.observed_at <= CAST(b AS TIMESTAMPTZ)"

CHANGES_COLUMNS = {
    "site": "Name of the site.",
    "kind": "post or thread.",
    "board_id": "Board at this version.",
    "thread_id": "Thread at this version.",
    "post_id": "The post; null on a thread's row.",
    "change": "new, edited, deleted, restored or moved: what the site did; or reparsed: the same page, read by a later "
    "engine.",
    "changed": "Names of the columns that differ from the version before, of those that make versions; empty for the "
    "first version, null where the version before was erased.",
    "previous_board_id": "Board at the version before.",
    "previous_thread_id": "Of a post: thread at the version before.",
    "version": "Number of the version, from 1.",
    "status": "visible, deleted, removed or hidden.",
    "month": "Partition that holds the version.",
    "observed_at": "When the version was first seen.",
    "crawl_id": "Crawl that brought it.",
    "snapshot": "Number of the snapshot that it came with.",
}
"""The columns of `changes(a, b)`."""


def statements() -> list[str]:
    """What defines `changes(a, b)`, `post_counters` and `thread_counters`."""
    both = " UNION ALL ".join(_changes_of(name) for name in PUBLISHED)
    changes = f"CREATE MACRO changes(a, b) AS TABLE {both} ORDER BY observed_at, site, thread_id, post_id, version"
    return [changes, *(_counters_of(name) for name in PUBLISHED)]


def at_snapshot() -> str:
    """A condition on versions or observations: they came with snapshot `n` or before."""
    return "(site, crawl_id) IN (SELECT (site, crawl_id) FROM crawls WHERE snapshot <= n)"


def _changes_of(name: str) -> str:
    """The rows of `changes` that are posts' or threads'.

    What is asked of the version before is read for these rows only: the joins come before the texts are compared.
    """
    table = PUBLISHED[name][1]
    kind, key = name[:-1], f"{name[:-1]}_id"
    compared = [column.name for column in table.columns if column.merge in _MAKE_VERSIONS]
    differing = ", ".join(f"CASE WHEN v.{one} IS DISTINCT FROM p.{one} THEN '{one}' END" for one in compared)
    columns = {
        "kind": f"'{kind}'",
        "post_id": "v.post_id" if kind == "post" else "NULL",
        "changed": "CASE WHEN v.version = 1 THEN []::VARCHAR[] WHEN p.version IS NOT NULL "
        f"THEN list_filter([{differing}], lambda one: one IS NOT NULL) END",
        "previous_board_id": "p.board_id",
        "previous_thread_id": "p.thread_id" if kind == "post" else "NULL",
        "snapshot": "c.snapshot",
    }
    listed = ", ".join(f"{columns.get(one, f'v.{one}')} AS {one}" for one in CHANGES_COLUMNS)
    return (
        f"SELECT {listed} FROM {table.name} AS v JOIN crawls AS c USING (site, crawl_id) "  # noqa: S608 - ours
        f"LEFT JOIN {table.name} AS p ON p.site = v.site AND p.{key} = v.{key} AND p.version = v.version - 1 "
        f"WHERE {_BETWEEN}"
    )


def _counters_of(name: str) -> str:
    """A view of the sightings of posts or threads, each with its difference from the last one that told the value.

    Of a post the last one in the same thread: so a question for a thread or a post reads only what it asks for.
    """
    kind, key = name[:-1], f"{name[:-1]}_id"
    counters = COUNTERS[name]
    numbers = [counter for counter in counters if not counter.endswith("_at")]
    changes = ", ".join(f"{one} - lag({one} IGNORE NULLS) OVER sightings AS {one}_change" for one in numbers)
    others = "thread_id, " if kind == "post" else ""
    return (
        f"CREATE VIEW {kind}_counters AS SELECT site, {others}{key}, observed_at, {', '.join(counters)}, {changes}, "  # noqa: S608 - ours
        f"crawl_id FROM observations WHERE kind = '{kind}' "
        f"WINDOW sightings AS (PARTITION BY site, {others}{key} ORDER BY observed_at, crawl_id)"
    )
