"""Brings near_duplicates, crossposts and quotations up to date, and the index that they rest on: reads and writes.

Always of all sites, as clusters reach over sites; what did not change is not read. Clusters are decided on anew where
texts came or went, quotations in threads where posts did. A file whose rows stay as they were is not touched.
"""

import io
import shutil
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from storage.columns import Table
from storage.files import Files
from storage.views import quoted
from summaries.activity import GONE
from summaries.near_duplicate_index import PRODUCTS, STATE, Index, Month, State, read_state
from summaries.near_duplicates import MEMBERS, Clustering, ThreadFacts, clustered, crossposts
from summaries.quotations import quotations
from summaries.schema import CROSSPOSTS, NEAR_DUPLICATES, QUOTATIONS

COUNTS = ("posts_fingerprinted", "near_duplicates", "crossposts", "quotations", "repetition_files")
_AT_ONCE = 4_096


def refresh_repetition(files: Files, work: Path, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Recomputes what follows from the posts that came, went or changed since the last refresh.

    Args:
        files: the archive's files.
        work: an empty or absent local folder on the same disk as the archive, if that is local; it is deleted.
        connection: has the views `posts` and `threads`, and is used by nobody else meanwhile.

    Returns:
        Counts: posts_fingerprinted (whose text was read for it), rows of near_duplicates, crossposts and quotations
        in all, and repetition_files that were written.
    """
    shutil.rmtree(work, ignore_errors=True)
    try:
        return Repetition(files, connection, work).run()
    except (duckdb.InvalidInputException, pa.ArrowInvalid):
        if not files.exists(STATE):
            raise
        # A file of ours is no Parquet any more: all of it is derived, and made anew.
        files.delete(STATE)
        shutil.rmtree(work, ignore_errors=True)
        return Repetition(files, connection, work).run()
    finally:
        shutil.rmtree(work, ignore_errors=True)


class Repetition:
    """One refresh: what was there, what is there now, and what was written."""

    def __init__(self, files: Files, connection: duckdb.DuckDBPyConnection, work: Path) -> None:
        self.files, self.connection = files, connection
        self.state = read_state(files)
        self.index = Index(files, connection, work, self.state)
        self.sizes: dict[str, int] = {}
        """Of the files of PRODUCTS, by path."""
        self.counts = dict.fromkeys(COUNTS, 0)

    def run(self) -> dict[str, int]:
        index, state = self.index, self.state
        changed = index.compare()
        if state is not None and not changed and state.threads == index.threads and index.threads:
            self.write_state(state.files)
            return self.counts
        before = {table.name: self._read(table) for table in PRODUCTS}
        index.load()
        self._near_duplicates(before)
        self._quotations(before[QUOTATIONS.name])
        # The index after all that follows from it, and the state last: what was killed in between is made again.
        made = index.put()
        self.counts["repetition_files"] += len(index.made)
        self.counts["posts_fingerprinted"] = index.read
        self.write_state(made | self.sizes)
        return self.counts

    def _near_duplicates(self, before: Mapping[str, pa.Table]) -> None:
        members = None if self.state is None else _members(before[NEAR_DUPLICATES.name])
        self.write_clusters(Clustering(self.connection, members, self._bodies).run(), before)

    def write_clusters(self, members: pa.Table, before: Mapping[str, pa.Table]) -> None:
        """Writes near_duplicates and crossposts over `docs` of the connection, as far as they differ from before.

        Args:
            members: which texts belong to other texts' clusters (MEMBERS).
            before: the rows that the files hold, by table.
        """
        rows = clustered(self.connection, members)
        openings = {(row["site"], row["thread_id"]) for row in rows if row["are_openings"]}
        openings |= {(row["first_site"], row["first_thread_id"]) for row in rows if row["are_openings"]}
        found = crossposts(rows, self._threads(openings))
        same = {thread: (row["of_site"], row["of_thread_id"]) for thread, row in found.items()}
        for row in rows:
            first = row["first_site"], row["first_thread_id"]
            row["is_crosspost"] = row["are_openings"] and same.get((row["site"], row["thread_id"])) == first
        table = pa.Table.from_pylist(rows, NEAR_DUPLICATES.schema)
        self.write(NEAR_DUPLICATES, before[NEAR_DUPLICATES.name], table)
        table = pa.Table.from_pylist(list(found.values()), CROSSPOSTS.schema)
        self.write(CROSSPOSTS, before[CROSSPOSTS.name], table)

    def _bodies(self, keys: Collection[int]) -> dict[int, str]:
        """The text of each key, from the first post that has it."""
        if not keys:
            return {}
        self.connection.register("wanted", pa.table({"text_key": pa.array(sorted(keys), pa.int64())}))
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE firsts AS SELECT text_key, "
            "min({'instant': instant, 'site': site, 'post_id': post_id, 'month': month}) AS first "
            "FROM docs SEMI JOIN wanted USING (text_key) GROUP BY text_key"
        )
        self.connection.unregister("wanted")
        where = self._in_months("SELECT DISTINCT first.site, first.month FROM firsts")
        reader = self.connection.sql(
            "SELECT f.text_key, p.body_text FROM posts AS p JOIN (SELECT text_key, first.site AS site, "  # noqa: S608
            "first.month AS month, first.post_id AS post_id FROM firsts) AS f USING (site, month, post_id) "
            f"WHERE {where}"
        ).to_arrow_reader(_AT_ONCE)
        return {key: body for batch in reader for key, body in zip(*batch.to_pydict().values(), strict=True) if body}

    def _threads(self, openings: Collection[tuple[str, str]]) -> dict[tuple[str, str], ThreadFacts]:
        """Facts of the threads asked for, and of those that are declared to be crossposts."""
        sites, ids = ([thread[part] for thread in sorted(openings)] for part in (0, 1))
        asked = pa.table({"site": pa.array(sites, pa.string()), "thread_id": pa.array(ids, pa.string())})
        self.connection.register("asked", asked)
        found = self.connection.execute(
            "SELECT site, thread_id, title, board_id, crosspost_of FROM threads "  # noqa: S608 - ours
            f"WHERE coalesce(status, 'visible') NOT IN {GONE} "
            "AND (crosspost_of IS NOT NULL OR (site, thread_id) IN (SELECT (site, thread_id) FROM asked))"
        ).fetchall()
        self.connection.unregister("asked")
        return {(row[0], row[1]): ThreadFacts(*row[2:]) for row in found}

    def _quotations(self, known: pa.Table) -> None:
        due = "SELECT site, thread_id FROM docs"
        if self.state is not None:
            due = "SELECT site, thread_id FROM came UNION SELECT site, thread_id FROM went"
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE due AS SELECT DISTINCT * FROM ({due})")  # noqa: S608
        rows = [row for posts in self._posts_of_due_threads() for row in quotations(posts)]
        self.connection.register("known_quotations", known)
        kept: pa.Table = self.connection.sql(
            "FROM known_quotations ANTI JOIN due USING (site, thread_id)"
        ).to_arrow_table()
        self.connection.unregister("known_quotations")
        if self.state is None:
            kept = kept.slice(0, 0)
        table = pa.concat_tables([kept.cast(QUOTATIONS.schema), pa.Table.from_pylist(rows, QUOTATIONS.schema)])
        self.write(QUOTATIONS, known, table)

    def _posts_of_due_threads(self) -> Iterator[list[dict[str, Any]]]:
        """The standing posts of each due thread; one scan of the months that hold them."""
        months = "SELECT DISTINCT site, month FROM docs SEMI JOIN due USING (site, thread_id)"
        reader = self.connection.sql(
            "SELECT site, thread_id, post_id, author_key, epoch_us(created_at) AS created_at, position, body_text, "  # noqa: S608
            f"quotes FROM posts SEMI JOIN due USING (site, thread_id) WHERE {self._in_months(months)} "
            f"AND coalesce(status, 'visible') NOT IN {GONE} ORDER BY site, thread_id, post_id"
        ).to_arrow_reader(_AT_ONCE)
        rows = (row for batch in reader for row in batch.to_pylist())
        for _, posts in groupby(rows, key=itemgetter("site", "thread_id")):
            yield list(posts)

    def _in_months(self, query: str) -> str:
        """A condition on site and month in literals, so that DuckDB opens no file of other months."""
        months = sorted(Month(*row) for row in self.connection.execute(query).fetchall())
        either = [f"(site = {quoted(of.site)} AND month = {quoted(of.month)})" for of in months]
        return f"({' OR '.join(either)})" if either else "false"

    def _read(self, table: Table) -> pa.Table:
        """All rows; none where there is no state that says that they hold."""
        parts = [table.schema.empty_table()]
        for path in sorted(self.state.files if self.state else ()):
            if path.startswith(f"summaries/{table.name}/"):
                rows = self.files.parquet(path).read()
                site = path.split("/")[2].removeprefix("site=")
                parts.append(
                    rows.append_column("site", pa.array([site] * len(rows), pa.string())).select(table.column_names)
                )
        return pa.concat_tables([part.cast(table.schema) for part in parts])

    def write(self, table: Table, before: pa.Table, rows: pa.Table) -> None:
        """Writes the files of the sites whose rows changed; each site of the archive has one, maybe without rows."""
        self.counts[table.name] = len(rows)
        sites = {key.split("/")[0].removeprefix("site=") for key in self.index.sources}
        order: list[tuple[str, Literal["ascending", "descending"]]] = [(name, "ascending") for name in table.sort_by]
        for site in sorted(sites):
            path = f"summaries/{table.name}/site={site}/data.parquet"
            old, new = (_of_site(part, site).sort_by(order) for part in (before, rows))
            known = self.state.files.get(path) if self.state else None
            if known is not None and old.equals(new):
                self.sizes[path] = known
                continue
            buffer = io.BytesIO()
            pq.write_table(new.drop_columns(["site"]), buffer, compression="zstd", compression_level=3)
            self.files.write(path, buffer.getvalue())
            self.sizes[path] = buffer.tell()
            self.counts["repetition_files"] += 1
        for entry in list(self.files.list(f"summaries/{table.name}")):
            if entry.path not in self.sizes:
                self.files.delete(entry.path)

    def write_state(self, sizes: dict[str, int]) -> None:
        """Says what the files were made from; last, as until then they do not count.

        Args:
            sizes: bytes of the files of the index and of PRODUCTS, by path.
        """
        state = State(self.index.sources, self.index.threads, sizes)
        if state != self.state:
            self.files.write(STATE, state.to_json())


def _members(rows: pa.Table) -> pa.Table:
    """Which texts belong to other texts' clusters, as the rows of near_duplicates say."""
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        found: pa.Table = connection.sql(
            "SELECT DISTINCT n.text_key, f.text_key AS head_key, n.similarity FROM rows AS n "
            "JOIN rows AS f ON f.cluster_id = n.cluster_id AND f.kind = 'first' WHERE n.kind = 'near'"
        ).to_arrow_table()
    return found.cast(MEMBERS)


def _of_site(rows: pa.Table, site: str) -> pa.Table:
    return rows.filter(pa.array([name == site for name in rows["site"].to_pylist()], pa.bool_()))
