"""Which data files a question needs is told by the tables' logs: the cost follows the question, not the archive."""

import pytest
from ward_forum import Forum, on_day

from storage.archive import Archive


@pytest.mark.parametrize("table", ["post_versions", "thread_versions", "observations"])
def test_a_crawls_rows_are_found_without_the_files_of_others(archive: Archive, forum: Forum, table: str) -> None:
    forum.crawl("c1", on_day(0)).commit(archive)
    before = set(archive.tables.files(table))
    forum.threads["1"].title = "Another title"
    forum.posts["1001"].body_text = "Another text."
    forum.crawl("c2", on_day(1)).commit(archive)
    found = set(archive.tables.files(table, site=forum.site, crawl_ids=["c2"]))
    assert found
    assert found == set(archive.tables.files(table)) - before


@pytest.mark.parametrize("table", ["post_versions", "thread_versions"])
def test_no_file_is_asked_for_what_moved_where_nothing_did(archive: Archive, forum: Forum, table: str) -> None:
    forum.crawl("c1", on_day(0)).commit(archive)
    assert archive.tables.files(table, site=forum.site, moved_from="2024-03") == []
