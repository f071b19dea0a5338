"""A column that comes later: archives made without it go on as before; a reparse fills it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from ward_forum import Crawl, Forum, on_day, rows

from crawler.receipt import Outcome, Receipt
from storage.archive import Archive
from storage.batch import Batch
from storage.publish import publish
from storage.reparse import Rereading, reparse_id
from storage.row_making import MODULES
from storage.schema import PUBLISHED, TABLES

LATER = "position"
"""Stands for a column of posts that archives were made without."""


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The tables without the column; after `undo` they have it, as one that came later."""
    versions = TABLES["post_versions"]
    reduced = tuple(column for column in versions.columns if column.name != LATER)
    monkeypatch.setitem(TABLES, "post_versions", replace(versions, columns=reduced))
    published, _ = PUBLISHED["posts"]
    fewer = tuple(column for column in published.columns if column.name != LATER)
    monkeypatch.setitem(PUBLISHED, "posts", (replace(published, columns=fewer), TABLES["post_versions"]))
    return monkeypatch


def come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for name in ("post_versions",):
        table = TABLES[name]
        columns = tuple(replace(column, later=column.later or column.name == LATER) for column in table.columns)
        monkeypatch.setitem(TABLES, name, replace(table, columns=columns))
    published, _ = PUBLISHED["posts"]
    columns = tuple(replace(column, later=column.later or column.name == LATER) for column in published.columns)
    monkeypatch.setitem(PUBLISHED, "posts", (replace(published, columns=columns), TABLES["post_versions"]))


def reparsed(archive: Archive, crawl: Crawl, instant: datetime) -> dict[str, int]:
    """A crawl's pages read again, compared and committed."""
    reading = Rereading(archive, crawl.receipt.site)
    batch = Batch.of(crawl.pages, crawl.receipt)
    reading.take(batch, batch, {page.fetched_at for page in crawl.pages}, "xenforo2", "pseudonymise")
    reading.finish()
    changes = reading.changes(instant)
    receipt = Receipt(
        site=crawl.receipt.site, crawl_id=reparse_id(instant), started_at=instant, outcome=Outcome.COMPLETE
    )
    archive.commit(changes, receipt)
    publish(archive)
    return changes.counts


def test_an_archive_goes_on_with_a_new_column_and_a_reparse_fills_it(
    archive: Archive, forum: Forum, before: pytest.MonkeyPatch
):
    first = forum.crawl("c1", on_day(0))
    first.store(archive)
    table = archive.tables.load("post_versions")
    assert table is not None
    assert LATER not in [field.name for field in table.schema().fields]
    come_later(before)

    # What was there reads as before, the new column null, also as of then.
    assert {row[LATER] for row in rows(archive, "FROM posts")} == {None}
    assert len(rows(archive, f"FROM posts_asof('{on_day(1)}') WHERE {LATER} IS NULL")) == 20
    # Crawls go on; only what is new or changed has a value.
    forum.open_thread("5", "ir", replies=1)
    second = forum.crawl("c2", on_day(1))
    second.store(archive)
    told = rows(archive, f"SELECT thread_id, {LATER} FROM posts")  # noqa: S608 - ours
    assert {row["thread_id"] for row in told if row[LATER] is not None} == {"5"}

    instant = datetime.now(UTC)
    counts = reparsed(archive, first, instant)
    assert (counts["reparsed"], counts["new"]) == (20, 0)
    current = rows(archive, f"SELECT post_id, {LATER}, version, change FROM posts WHERE thread_id <> '5'")  # noqa: S608 - ours
    assert {row["post_id"]: row[LATER] for row in current} == {
        post.post_id: post.position for post in forum.posts.values() if post.thread_id != "5"
    }
    assert {(row["version"], row["change"]) for row in current} == {(2, "reparsed")}
    # History is kept: as of before, and in the first versions, the column is null.
    assert len(rows(archive, f"FROM posts_asof('{on_day(2)}') WHERE {LATER} IS NULL")) == 20
    assert len(rows(archive, f"FROM post_versions WHERE version = 1 AND {LATER} IS NULL")) == 20
    assert reparsed(archive, first, datetime.now(UTC))["reparsed"] == 0


def test_the_modules_that_make_rows_are_all_named():
    """Else a reparse would take rows for made as today that were not."""
    import ast
    from importlib.resources import files

    apart = {"landings", "files"}  # nothing of theirs is in a row
    for name in MODULES:
        tree = ast.parse((files("storage") / f"{name}.py").read_text(encoding="utf-8"))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        ours = {module.removeprefix("storage.") for module in imported if module.startswith("storage.")}
        assert ours - apart - {"dictionary"} <= set(MODULES), name
