"""The SQL views: of an empty archive, of what is committed and published, as of an instant, and between two."""

import pytest
from ward_forum import Forum, on_day, rows

from storage.archive import Archive
from storage.publish import publish
from storage.schema import POSTS, THREADS

VIEWS = ("posts", "threads", "post_versions", "thread_versions", "observations", "boards", "authors", "crawls")


@pytest.mark.parametrize("view", [*VIEWS, "activity", "digests"])
def test_an_empty_archive_has_every_view(view: str, archive: Archive):
    assert rows(archive, f"FROM {view}") == []


def test_an_empty_archive_answers_the_macros_too(archive: Archive):
    assert rows(archive, "FROM posts_asof('2024-01-01')") == []
    assert rows(archive, "FROM threads_asof(TIMESTAMPTZ '2024-01-01')") == []
    assert rows(archive, "FROM changes('2024-01-01', DATE '2025-01-01')") == []


def test_columns_and_types_are_the_same_before_and_after_publishing(archive: Archive, forum: Forum):
    def columns(view: str) -> list[tuple[str, str]]:
        described = rows(archive, f"DESCRIBE FROM {view}")
        return [(row["column_name"], row["column_type"]) for row in described]

    states = []
    for step in (None, lambda: forum.crawl("c1", on_day(0)).commit(archive), lambda: publish(archive)):
        if step:
            step()
        states.append({view: columns(view) for view in (*VIEWS, "posts_asof('2030-01-01')")})
    assert states[0] == states[1] == states[2]
    assert [name for name, _ in states[0]["posts"]] == POSTS.column_names
    assert [name for name, _ in states[0]["threads"]] == THREADS.column_names


def test_published_and_committed_state_are_the_same_rows(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    forum.posts["1002"].body_text = "Edited."
    forum.crawl("c2", on_day(1)).commit(archive)
    committed = {name: rows(archive, f"FROM {name} ORDER BY ALL") for name in ("posts", "threads")}
    publish(archive)
    assert {name: rows(archive, f"FROM {name} ORDER BY ALL") for name in ("posts", "threads")} == committed


def test_as_of_an_instant(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    words = forum.posts["1002"].body_text
    forum.posts["1002"].body_text, forum.posts["1002"].reactions = "Edited.", 9
    forum.reply("1", on_day(1))
    forum.crawl("c2", on_day(2)).store(archive)

    assert rows(archive, "FROM posts_asof('2024-05-31')") == []
    before = rows(archive, "FROM posts_asof('2024-06-01 12:00') WHERE thread_id = '1' ORDER BY post_id")
    assert [row["post_id"] for row in before] == ["1000", "1001", "1002", "1003", "1004"]
    assert (before[2]["body_text"], before[2]["reactions"], before[2]["version"]) == (words, 2, 1)
    now = rows(archive, "FROM posts_asof(now()) WHERE post_id = '1002'")[0]
    assert (now["body_text"], now["reactions"], now["version"]) == ("Edited.", 9, 2)


def test_changes_between_two_instants(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    forum.posts["1002"].body_text = "Edited."
    del forum.posts["2003"]
    forum.threads["4"].title = "Renamed"
    forum.crawl("c2", on_day(1)).store(archive)

    listed = rows(archive, "FROM changes('2024-06-01 12:00', '2024-06-03')")
    assert [(row["kind"], row["thread_id"], row["post_id"], row["change"]) for row in listed] == [
        ("post", "1", "1002", "edited"),
        ("post", "2", "2003", "deleted"),
        ("thread", "4", None, "edited"),
    ]
    assert len(rows(archive, "FROM changes('2024-05-01', '2024-06-01 12:00')")) == 24
    assert rows(archive, "FROM changes('2024-06-03', '2024-07-01')") == []


def test_crawls_show_their_receipts(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    crawl = rows(archive, "FROM crawls")[0]
    assert (crawl["snapshot"], crawl["outcome"], crawl["posts_new"], crawl["boards_seen"]) == (1, "complete", 20, 2)
    assert crawl["started_at"] == on_day(0)
    assert rows(archive, "SELECT receipt::JSON ->> '$.page_kinds.board' AS boards FROM crawls") == [{"boards": "2"}]


def test_a_view_stays_readable_while_the_archive_goes_on(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).store(archive)
    with archive.connect() as connection:
        forum.reply("1", on_day(1))
        forum.crawl("c2", on_day(1)).store(archive)
        assert connection.sql("SELECT count(*) FROM post_versions").fetchall() == [(20,)]
        assert connection.sql("SELECT count(*) FROM posts").fetchall()[0][0] >= 20
