"""What happened on each board on each day (UTC): a pure function of the board's posts.

A board's rows depend on nothing but its own posts, so a board is the unit of recomputation. Within it all days are
computed anew: a late reply, a corrected instant or a deletion moves the delay of the posts that follow it, and the
growth of the days after, and a full pass over a board of 100,000 posts takes a fraction of a second.
"""

from collections.abc import Sequence
from datetime import datetime

import duckdb
import pyarrow as pa

from summaries.schema import ACTIVITY

METHOD = "activity-1"
"""Part of every input hash: a change of how the figures are computed makes all of them due."""
TOP_THREADS = 5
GROWTH_DAYS = 7

GONE = ("deleted", "removed")
"""Statuses of posts that count in `deleted` and in no other figure but `threads`."""

INPUT_COLUMNS = ("site", "board_id", "thread_id", "post_id", "created_at", "status", "author_key", "is_opening")

# Every NULL as a character that no id holds, so that (a, NULL) and (NULL, a) differ. The sum does not depend on the
# order of rows, needs no sorting, and unlike XOR does not lose pairs of equal rows.
_ROW_HASH = """md5_number_lower(concat_ws(chr(31), thread_id, post_id, coalesce(epoch_us(created_at)::VARCHAR, chr(30)),
    coalesce(status, chr(30)), coalesce(author_key, chr(30)), coalesce(is_opening, false)::VARCHAR))"""


def input_hash_query(posts: str) -> str:
    """SQL for (site, board_id, input_hash) of each board; `posts` is a relation with INPUT_COLUMNS."""
    return f"""
        SELECT site, board_id,
            md5(concat_ws(chr(31), '{METHOD}', count(*)::VARCHAR, sum({_ROW_HASH}::HUGEINT)::VARCHAR)) AS input_hash
        FROM {posts} GROUP BY ALL"""  # noqa: S608 - relation names of our own


# epoch_us, not a cast of TIMESTAMPTZ to DATE: that would be the day in the session's time zone.
_QUERY = f"""
WITH dated AS (
    SELECT site, board_id, thread_id, post_id, author_key, coalesce(is_opening, false) AS is_opening,
        coalesce(status, 'visible') NOT IN {GONE} AS stands,
        epoch_us(created_at) AS instant,
        make_timestamp(epoch_us(created_at))::DATE AS day
    FROM posts
),
delays AS (
    SELECT *,
        CASE WHEN stands AND NOT is_opening THEN
            instant - lag(instant) OVER (
                PARTITION BY site, board_id, thread_id, stands, instant IS NULL
                ORDER BY instant, is_opening DESC, post_id)
        END AS delay
    FROM dated
),
days AS (
    SELECT site, board_id, day,
        count(*) FILTER (is_opening) AS threads,
        count(*) FILTER (stands) AS posts,
        count(*) FILTER (NOT stands) AS deleted,
        count(DISTINCT author_key) FILTER (stands) AS authors,
        count(*) FILTER (stands AND author_key IS NULL) AS posts_without_author,
        count(DISTINCT thread_id) FILTER (stands) AS active_threads,
        count(delay) AS replies,
        median(delay) / 1e6 AS median_reply_delay
    FROM delays GROUP BY ALL
),
per_thread AS (
    SELECT site, board_id, day, thread_id, count(*) AS posts FROM dated WHERE stands GROUP BY ALL
),
top AS (
    SELECT site, board_id, day,
        list({{'thread_id': thread_id, 'posts': posts}} ORDER BY posts DESC, thread_id)[1:{TOP_THREADS}] AS top_threads
    FROM per_thread GROUP BY ALL
),
grown AS (
    SELECT site, board_id, day,
        CASE WHEN day - min(day) FILTER (posts > 0) OVER (PARTITION BY site, board_id) >= {GROWTH_DAYS}
            THEN posts * {GROWTH_DAYS} / nullif(sum(posts) OVER (
                PARTITION BY site, board_id ORDER BY day
                RANGE BETWEEN INTERVAL {GROWTH_DAYS} DAY PRECEDING AND INTERVAL 1 DAY PRECEDING), 0)::DOUBLE - 1
        END AS growth
    FROM days WHERE day IS NOT NULL
)
SELECT days.*, grown.growth, coalesce(top.top_threads, []) AS top_threads
FROM days
LEFT JOIN grown ON days.site = grown.site AND days.day = grown.day
    AND days.board_id IS NOT DISTINCT FROM grown.board_id
LEFT JOIN top ON days.site = top.site AND days.board_id IS NOT DISTINCT FROM top.board_id
    AND days.day IS NOT DISTINCT FROM top.day
ORDER BY days.site, days.board_id NULLS LAST, days.day NULLS LAST
"""  # noqa: S608 - numbers and statuses of this module


def activity(posts: pa.Table, refreshed_at: datetime) -> pa.Table:
    """The rows of ACTIVITY for whole boards.

    Args:
        posts: INPUT_COLUMNS, all posts of the boards concerned; `created_at` aware or null.
        refreshed_at: Instant to put into the rows; aware, UTC.

    A reply's delay runs from the post before it in the same thread of the board, by `created_at`; deleted, removed
    and undated posts are left out of that chain, and an opening post has no delay.
    """
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.register("posts", posts.select(INPUT_COLUMNS))
        figures = connection.sql(_QUERY).to_arrow_table()
        hashes = connection.sql(input_hash_query("posts")).to_arrow_table()
    hash_of = {(row["site"], row["board_id"]): row["input_hash"] for row in hashes.to_pylist()}
    boards = zip(figures["site"].to_pylist(), figures["board_id"].to_pylist(), strict=True)
    return _conform(
        figures.append_column("input_hash", pa.array([hash_of[board] for board in boards], pa.string())), refreshed_at
    )


def _conform(figures: pa.Table, refreshed_at: datetime) -> pa.Table:
    schema = ACTIVITY.schema
    instants = pa.array([refreshed_at] * len(figures), schema.field("refreshed_at").type)
    return figures.append_column("refreshed_at", instants).select(schema.names).cast(schema)


def replace_boards(existing: pa.Table, computed: pa.Table, keep: Sequence[tuple[str, str | None]]) -> pa.Table:
    """`computed` together with those rows of `existing` whose (site, board_id) is in `keep`, sorted by key."""
    kept = set(keep)
    boards = zip(existing["site"].to_pylist(), existing["board_id"].to_pylist(), strict=True)
    rows = pa.concat_tables([existing.filter(pa.array([board in kept for board in boards], pa.bool_())), computed])
    return rows.sort_by([(column, "ascending") for column in ACTIVITY.sort_by])
