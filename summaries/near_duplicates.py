"""Which posts say the same: exact and near duplicates as clusters, over fingerprints in DuckDB. Reads no file.

A cluster is a first text and the later ones that are like it. Texts are looked at in the order in which they were
written (instant, then site and id): a text joins the earliest cluster whose first text it is like (0.8 or more), else
it opens one of its own. So the clusters follow from the set of posts alone, in whatever order they were crawled; a
post written later changes no cluster's id; and every member is like the first one, not merely like a neighbour of one.

The incremental step decides anew only on texts that came or went, and on those whose candidates changed by that.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from summaries.minhash import BAND_COLUMNS, THRESHOLD, shingles, similarity, words_of

MOST_HEADS = 50
"""First texts of clusters that a text is held against in a band, earliest first. A value of a band that thousands of
texts share (a form, a bot's footer) costs no more than this each; they share other bands where they are alike."""

Order = tuple[int, str, str]
"""Microseconds of the instant, site, post id: who was first. Posts without an instant come last."""
Bucket = tuple[int, int]
"""Band and value."""
Bodies = Callable[[Collection[int]], Mapping[int, str]]
"""Gives the text of each key, where there is one."""
_MEMBER_TYPES: dict[str, pa.DataType] = {"text_key": pa.int64(), "head_key": pa.int64(), "similarity": pa.float64()}
MEMBERS = pa.schema(_MEMBER_TYPES)
"""Texts that joined the cluster of another one: all other texts are first ones."""
_LAST = 2**63 - 1
INSTANT_COLUMN = f"coalesce(epoch_us(created_at), {_LAST})"
"""SQL for `instant` of docs."""
_FIRST = "min({'instant': instant, 'site': site, 'id': post_id})"
_BANDS = ", ".join(f"any_value({name}) AS {name}" for name in BAND_COLUMNS)


class Joined(NamedTuple):
    """That a text belongs to the cluster of an earlier one."""

    head: int
    similarity: float


def assign(
    orders: Mapping[int, Order],
    buckets: Mapping[int, Collection[Bucket]],
    heads: Mapping[Bucket, Collection[tuple[Order, int]]],
    similar: Callable[[int, int], float],
) -> dict[int, Joined]:
    """Which of the texts join an earlier cluster; the others open their own.

    Args:
        orders: the texts to decide on, by key.
        buckets: their values of bands, as far as another text has the same.
        heads: per value the first texts of clusters that stand, as far as they are not to be decided on.
        similar: Jaccard similarity of two texts.
    """
    standing = {bucket: sorted(known) for bucket, known in heads.items()}
    joined: dict[int, Joined] = {}
    for order, key in sorted((order, key) for key, order in orders.items()):
        mine = buckets.get(key, ())
        candidates = {head for bucket in mine for head in standing.get(bucket, ())[:MOST_HEADS] if head < (order, key)}
        for _, head in sorted(candidates):
            value = similar(key, head)
            if value >= THRESHOLD:
                joined[key] = Joined(head, value)
                break
        else:
            for bucket in mine:
                insort(standing.setdefault(bucket, []), (order, key))
    return joined


class Clustering:
    """Decides on texts over three relations of a DuckDB connection.

    Args:
        connection: has the relations `docs` (all posts as they stand now: site, thread_id, post_id, instant, text_key
            and the bands), `came` (site, post_id: of these, the new and changed ones) and `went` (columns of docs:
            posts that are gone, or as they were before they changed).
        members: as they were (MEMBERS); None decides on all texts.
        bodies: gives texts.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, members: pa.Table | None, bodies: Bodies) -> None:
        self.connection, self.bodies = connection, bodies
        self.everything = members is None
        self.before = {
            row["text_key"]: Joined(row["head_key"], row["similarity"])
            for row in (members.to_pylist() if members is not None else [])
        }
        self.decided = 0
        """Texts that were decided on."""

    def run(self) -> pa.Table:
        """The members as they are now (MEMBERS, sorted)."""
        if self.everything:
            self._table("dirty", "SELECT DISTINCT text_key FROM docs WHERE band00 IS NOT NULL")
            members = self._decide()
        else:
            touched = "FROM went UNION SELECT text_key FROM docs SEMI JOIN came USING (site, post_id)"
            self._table("touched", f"SELECT text_key {touched}")
            self._table("dirty", "SELECT text_key FROM touched WHERE text_key IS NOT NULL")
            self._previous_firsts()
            while True:
                members = self._decide()
                if not self._widen(members):
                    break
        rows = [{"text_key": key, "head_key": to.head, "similarity": to.similarity} for key, to in members.items()]
        return pa.Table.from_pylist(sorted(rows, key=lambda row: row["text_key"]), MEMBERS)

    def _decide(self) -> dict[int, Joined]:
        """All members, those of `dirty` decided anew."""
        self._table(
            "dirty_texts",
            f"SELECT text_key, {_FIRST} AS first, {_BANDS} FROM docs SEMI JOIN dirty USING (text_key) "  # noqa: S608
            "GROUP BY text_key",
        )
        kept = self.connection.execute("SELECT text_key FROM dirty").fetchall()
        members = {} if self.everything else self.before | {}
        for (key,) in kept:
            members.pop(key, None)
        self.connection.register("members_now", _keys(members))
        orders: dict[int, Order] = {}
        buckets: dict[int, list[Bucket]] = defaultdict(list)
        heads: dict[Bucket, list[tuple[Order, int]]] = defaultdict(list)
        for band, name in enumerate(BAND_COLUMNS):
            for value, key, at, site, post_id, is_dirty in self.connection.execute(
                _SHARED.replace("{band}", name)
            ).fetchall():
                if is_dirty:
                    orders[key] = (at, site, post_id)
                    buckets[key].append((band, value))
                else:
                    heads[band, value].append(((at, site, post_id), key))
        self.connection.unregister("members_now")
        self.decided = len(kept)
        known = {key for of_bucket in heads.values() for _, key in of_bucket}
        return members | assign(orders, buckets, heads, _Similarity(self.bodies(orders.keys() | known)))

    def _previous_firsts(self) -> None:
        """Who was first of the touched texts before: all that stand but those that came, and those that went."""
        self._table(
            "previous",
            f"SELECT text_key, {_FIRST} AS first, {_BANDS} "  # noqa: S608 - ours
            "FROM (FROM docs SEMI JOIN touched USING (text_key) ANTI JOIN came USING (site, post_id) "
            "UNION ALL BY NAME FROM went) WHERE text_key IS NOT NULL GROUP BY text_key",
        )

    def _widen(self, members: Mapping[int, Joined]) -> bool:
        """Adds to `dirty` the later texts that share a band with one that became or ceased to be a first text."""
        was, now = _keys(self.before), _keys(members)
        self.connection.register("was_member", was)
        self.connection.register("now_member", now)
        self._table("moved", _MOVED)
        later = " UNION ".join(_LATER.replace("{band}", name) for name in BAND_COLUMNS)
        self._table("further", f"SELECT text_key FROM ({later}) ANTI JOIN dirty USING (text_key)")  # noqa: S608
        self.connection.unregister("was_member")
        self.connection.unregister("now_member")
        found = self.connection.execute("INSERT INTO dirty FROM further").fetchall()
        return bool(found[0][0])

    def _table(self, name: str, select: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")


# Of one band: the values that a text to be decided on shares with another one, and who has them; of the first texts
# that stay as they are, the earliest of each value.
_SHARED = f"""
WITH wanted AS (SELECT DISTINCT {{band}} FROM dirty_texts WHERE {{band}} IS NOT NULL),
shared AS (
    SELECT {{band}} FROM docs SEMI JOIN wanted USING ({{band}})
    GROUP BY {{band}} HAVING min(text_key) <> max(text_key)),
texts AS (
    SELECT {{band}} AS value, text_key, {_FIRST} AS first FROM docs SEMI JOIN shared USING ({{band}}) GROUP BY ALL)
SELECT value, text_key, first.instant, first.site, first.id, true FROM texts SEMI JOIN dirty USING (text_key)
UNION ALL
(SELECT value, text_key, first.instant, first.site, first.id, false
FROM texts ANTI JOIN dirty USING (text_key) ANTI JOIN members_now USING (text_key)
QUALIFY row_number() OVER (PARTITION BY value ORDER BY first) <= {MOST_HEADS})
"""  # noqa: S608 - names of this module

# Texts that were decided on, and are first texts only before or only now, or at another place in the order.
_MOVED = f"""
SELECT least(b.first, a.first) AS first, {", ".join(f"coalesce(a.{name}, b.{name}) AS {name}" for name in BAND_COLUMNS)}
FROM (
    SELECT text_key, first, {", ".join(BAND_COLUMNS)} FROM previous
    UNION ALL SELECT text_key, first, {", ".join(BAND_COLUMNS)} FROM dirty_texts ANTI JOIN touched USING (text_key)
) AS b
FULL JOIN dirty_texts AS a USING (text_key)
LEFT JOIN (SELECT text_key, true AS yes FROM was_member) AS was USING (text_key)
LEFT JOIN (SELECT text_key, true AS yes FROM now_member) AS now USING (text_key)
WHERE (b.first IS NOT NULL AND was.yes IS NULL) <> (a.first IS NOT NULL AND now.yes IS NULL)
    OR (was.yes IS NULL AND now.yes IS NULL AND b.first <> a.first)
"""  # noqa: S608 - names of this module

_LATER = """
SELECT text_key FROM docs
JOIN (SELECT {band}, min(first) AS first FROM moved WHERE {band} IS NOT NULL GROUP BY {band}) AS m USING ({band})
WHERE {'instant': instant, 'site': site, 'id': post_id} > m.first
"""


class _Similarity:
    """Similarity of texts by their keys; their shingles are kept for as long as they are likely to be asked for."""

    def __init__(self, bodies: Mapping[int, str]) -> None:
        self._bodies = bodies
        self._shingles = lru_cache(maxsize=20_000)(self._shingles_of)

    def __call__(self, one: int, other: int) -> float:
        return similarity(self._shingles(one), self._shingles(other))

    def _shingles_of(self, key: int) -> frozenset[str]:
        return frozenset(shingles(words_of(self._bodies.get(key, ""))))


def _keys(members: Iterable[int]) -> pa.Table:
    return pa.table({"text_key": pa.array(list(members), pa.int64())})


_CLUSTERED = """
WITH grouped AS (
    SELECT d.*, coalesce(m.head_key, d.text_key) AS head_key, m.similarity
    FROM docs AS d LEFT JOIN members AS m USING (text_key) WHERE text_key IS NOT NULL),
several AS (SELECT head_key FROM grouped GROUP BY head_key HAVING count(*) > 1),
numbered AS (
    SELECT *, row_number() OVER cluster AS place, first_value(site) OVER cluster AS first_site,
        first_value(post_id) OVER cluster AS first_post_id, first_value(thread_id) OVER cluster AS first_thread_id,
        first_value(is_opening) OVER cluster AS first_is_opening
    FROM grouped SEMI JOIN several USING (head_key)
    WINDOW cluster AS (PARTITION BY head_key ORDER BY instant, site, post_id))
SELECT site, thread_id, post_id, first_site || '/' || first_post_id AS cluster_id,
    CASE WHEN place = 1 THEN 'first' WHEN similarity IS NULL THEN 'exact' ELSE 'near' END AS kind,
    coalesce(similarity, 1.0) AS similarity, words::BIGINT AS words, site <> first_site AS is_cross_site,
    is_opening AND first_is_opening AND (site, thread_id) <> (first_site, first_thread_id) AS are_openings,
    first_site, first_thread_id, text_key
FROM numbered ORDER BY site, cluster_id, instant, post_id
"""


def clustered(connection: duckdb.DuckDBPyConnection, members: pa.Table) -> list[dict[str, Any]]:
    """The posts of all clusters of two and more, over `docs` and the members of other texts' clusters."""
    connection.register("members", members)
    rows: list[dict[str, Any]] = connection.sql(_CLUSTERED).to_arrow_table().to_pylist()
    connection.unregister("members")
    return rows


class ThreadFacts(NamedTuple):
    """What tells whether two threads are one that was posted twice."""

    title: str | None
    board_id: str | None
    crosspost_of: str | None


def crossposts(
    rows: Iterable[Mapping[str, Any]], threads: Mapping[tuple[str, str], ThreadFacts]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Threads that repeat another one, by site and id, as rows of CROSSPOSTS.

    Either the site says so, or their opening posts are in one cluster, their titles have the same words, and they
    stand on different boards or sites. The site's word goes before.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        mine, first = (row["site"], row["thread_id"]), (row["first_site"], row["first_thread_id"])
        if not row["are_openings"] or mine not in threads or first not in threads:
            continue
        facts, of = threads[mine], threads[first]
        elsewhere = mine[0] != first[0] or facts.board_id != of.board_id
        title = words_of(facts.title or "")
        if elsewhere and title and title == words_of(of.title or ""):
            found[mine] = _crosspost(mine, first, declared=False) | {"similarity": row["similarity"]}
    for (site, thread_id), facts in threads.items():
        if facts.crosspost_of:
            of_thread = (site, facts.crosspost_of)
            known = found.get((site, thread_id))
            same = known["similarity"] if known and known["of_thread_id"] == facts.crosspost_of else None
            found[site, thread_id] = _crosspost((site, thread_id), of_thread, declared=True) | {"similarity": same}
    return found


def _crosspost(thread: tuple[str, str], of: tuple[str, str], *, declared: bool) -> dict[str, Any]:
    return {
        "site": thread[0],
        "thread_id": thread[1],
        "of_site": of[0],
        "of_thread_id": of[1],
        "is_cross_site": thread[0] != of[0],
        "declared": declared,
    }
