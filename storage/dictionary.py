"""The data dictionary, docs/data-dictionary.md: every table and column, for analysts. Generated from the schemas."""

from storage.columns import Table
from storage.history import CHANGES_COLUMNS
from storage.schema import (
    AUTHORS,
    BOARDS,
    CRAWLS,
    OBSERVATIONS,
    POST_VERSIONS,
    POSTS,
    SCHEMA_VERSION,
    THREAD_VERSIONS,
    THREADS,
)
from summaries.schema import ACTIVITY, DIGESTS

_IN_ORDER = (
    *(POSTS, THREADS, ACTIVITY, DIGESTS),
    *(POST_VERSIONS, THREAD_VERSIONS, OBSERVATIONS, BOARDS, AUTHORS, CRAWLS),
)
_OF_CHANGES = "\n".join(f"| `{name}` | {doc} |" for name, doc in CHANGES_COLUMNS.items())
_HEAD = f"""# Data dictionary

Generated from `storage/schema.py`, `summaries/schema.py` and `crawler/records.py` by `python -m storage.schema`; do
not edit.

Schema version {SCHEMA_VERSION}. Every instant is in UTC. Null means that no page says. `posts` and `threads` are
plain Parquet under `current/`, one file a site and month; `activity` and `digests` under `summaries/`, one file a
site; in both the partition columns are in the path. The others are Delta tables of the same name.

`medthreads sql` shows all of them as views. Besides, it knows

- `posts_asof(ts)`, `threads_asof(ts)`: the rows of `posts` and `threads` as they were at an instant, by what pages
  fetched up to then showed, that instant included. A date is its midnight in UTC.
- `posts_at_snapshot(n)`, `threads_at_snapshot(n)`: the rows as the commit of snapshot `n` left them. Pages that are
  committed late change what is known of the past, but no snapshot.
- `changes(a, b)`: the versions first seen after `a` and up to `b`, a row each, see below.
- `post_counters`, `thread_counters`: every sighting of a post or thread with its counters, each with the difference
  from the last sighting that told it (`score_change`, `reactions_change`, `view_count_change` ...); of a post, from the
  last one in the same thread.

How to use them, and how to do the same in Polars, pandas or pyarrow:
[reading-the-archive.md](reading-the-archive.md).

## changes(a, b)

| column | meaning |
|---|---|
{_OF_CHANGES}
"""


def data_dictionary() -> str:
    """The data dictionary as Markdown: what analysts read first, then the tables that it comes from."""
    return "\n".join([_HEAD, *(_section(table) for table in _IN_ORDER)])


def _section(table: Table) -> str:
    lines = [f"## {table.name}", "", table.doc, ""]
    lines.append(f"Key: {', '.join(f'`{name}`' for name in table.key)}.")
    if table.partition_by:
        lines.append(f"Partitions: {', '.join(f'`{name}`' for name in table.partition_by)}.")
    lines += ["", "| column | type | meaning | when met again |", "|---|---|---|---|"]
    for column in table.columns:
        type_, doc = (text.replace("|", "\\|") for text in (str(column.type), column.doc))
        lines.append(f"| `{column.name}` | `{type_}` | {doc} | {column.merge.value} |")
    return "\n".join([*lines, ""])
