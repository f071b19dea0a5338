"""The history in SQL against a plain-Python replay of the same crawls: as of, at a snapshot, changes, counters."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from duckdb import DuckDBPyConnection
from forum_replay import COMPARED, Replay, crawls_of
from ward_forum import Forum, on_day, rows

from storage.archive import Archive
from storage.publish import publish

OF_A_POST = ("version", "change", "observed_at", "month", "reactions", "last_seen_at")
LISTS = {"quotes", "attachments", "links"}


def state(connection: DuckDBPyConnection, relation: str) -> dict[str, dict]:
    """Posts by id, with what the replay knows of them; lists by their length."""
    columns = ", ".join(f"len({name}) AS {name}" if name in LISTS else name for name in (*COMPARED, *OF_A_POST))
    held = connection.sql(f"SELECT post_id, {columns} FROM {relation}").to_arrow_table().to_pylist()  # noqa: S608 - ours
    found = {row.pop("post_id"): row for row in held}
    assert len(found) == len(held), "a post stands there twice"
    return found


def listed(changes: list[dict]) -> list[dict]:
    return sorted(changes, key=lambda row: (row["post_id"], row["version"]))


@pytest.mark.parametrize("seed", [0, 1, 6, 35])
def test_the_history_is_what_a_replay_says(archive: Archive, seed: int):
    replay = Replay()
    for crawl in crawls_of(seed):
        crawl.commit(archive)
        replay.commit(crawl)
    publish(archive)
    with archive.connect() as connection:
        check(connection, replay)


def check(connection: DuckDBPyConnection, replay: Replay) -> None:
    """Compares states and changes at and between moments of all kinds."""
    at = sorted({version.observed_at for versions in replay.versions.values() for version in versions})
    moments = [on_day(-1), *at[:: max(1, len(at) // 5)], at[1] - timedelta(microseconds=1), at[-1]]
    for moment in moments:
        assert state(connection, f"posts_asof('{moment.isoformat()}')") == replay.asof(moment), moment
    for number in (1, 3, replay.snapshot):
        assert state(connection, f"posts_at_snapshot({number})") == replay.at_snapshot(number), number
    assert state(connection, "posts") == replay.at_snapshot(replay.snapshot) == replay.asof(on_day(99))

    columns = "post_id, change, version, thread_id, previous_thread_id, changed, snapshot, observed_at"
    for after, until in list(combinations(sorted(moments), 2))[::4]:
        asked = f"FROM changes('{after.isoformat()}', '{until.isoformat()}') WHERE kind = 'post'"
        found = listed(connection.sql(f"SELECT {columns} {asked}").to_arrow_table().to_pylist())
        assert found == listed(replay.changes(after, until))
        # What changed between two instants is what the states at these instants differ by.
        then, now = replay.asof(after), replay.asof(until)
        assert {row["post_id"] for row in found} == {
            post_id for post_id in now if then.get(post_id, {}).get("version") != now[post_id]["version"]
        }


def test_bounds_are_after_the_first_and_up_to_the_second(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0), open_threads=[]).commit(archive)  # threads by their listing, at midnight
    forum.threads["1"].title = "Renamed"
    forum.crawl("c2", on_day(1), open_threads=[]).commit(archive)

    def count(after: str, until: str) -> int:
        return len(rows(archive, f"FROM changes('{after}', '{until}')"))

    assert count("2024-05-31", "2024-06-01") == 4
    assert count("2024-06-01", "2024-06-02") == 1
    assert count("2024-06-02", "2024-06-03") == 0
    assert len(rows(archive, "FROM threads_asof('2024-06-01')")) == 4
    assert rows(archive, "FROM threads_asof(TIMESTAMPTZ '2024-05-31 23:59:59.999999')") == []


@pytest.mark.parametrize(
    "moment", ["'2024-06-02'", "DATE '2024-06-02'", "TIMESTAMP '2024-06-02'", "'2024-06-02T02:00+02:00'", "'infinity'"]
)
def test_dates_and_instants_are_utc(archive: Archive, forum: Forum, moment: str):
    forum.crawl("c1", on_day(0)).commit(archive)
    forum.posts["1002"].body_text = "Edited."
    forum.crawl("c2", on_day(2)).commit(archive)
    text = rows(archive, f"SELECT body_text FROM posts_asof({moment}) WHERE post_id = '1002'")[0]["body_text"]  # noqa: S608
    assert (text == "Edited.") == (moment == "'infinity'")


def test_threads_have_a_history_too(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    forum.threads["3"].title, forum.threads["3"].is_locked = "Solved", True
    forum.crawl("c2", on_day(1), open_threads=[]).commit(archive)
    forum.threads["3"].board_id = "cardio"
    forum.crawl("c3", on_day(2), open_threads=[]).store(archive)

    asked = (
        "SELECT change, changed, previous_board_id, board_id, version, snapshot FROM changes('2024-06-01 12:00', now())"
    )
    assert rows(archive, asked) == [
        {
            "change": "edited",
            "changed": ["title", "is_locked"],
            "previous_board_id": "ir",
            "board_id": "ir",
            "version": 2,
            "snapshot": 2,
        },
        {
            "change": "moved",
            "changed": ["board_id"],
            "previous_board_id": "ir",
            "board_id": "cardio",
            "version": 3,
            "snapshot": 3,
        },
    ]
    titles = [
        rows(archive, f"SELECT title, board_id FROM threads_asof('2024-06-0{day}') WHERE thread_id = '3'")[0]  # noqa: S608
        for day in (2, 3)
    ]
    assert titles == [{"title": "Solved", "board_id": "ir"}, {"title": "Solved", "board_id": "cardio"}]
    assert rows(archive, "FROM threads_at_snapshot(2) ORDER BY ALL") == rows(
        archive, f"FROM threads_asof('{on_day(1, 1)}') ORDER BY ALL"
    )
    assert rows(archive, "FROM threads_at_snapshot(3) ORDER BY ALL") == rows(archive, "FROM threads ORDER BY ALL")


def test_what_a_late_landing_brings_is_told_by_its_snapshot(archive: Archive, forum: Forum):
    late = forum.crawl("late", on_day(0))
    del forum.posts["1003"]
    forum.crawl("c1", on_day(3)).commit(archive)
    last_look = on_day(4)
    late.commit(archive)

    # By the instant of its sighting it lies in the past, where nobody looks again.
    assert rows(archive, f"FROM changes('{last_look}', 'infinity')") == []
    since = rows(archive, "SELECT post_id, change FROM changes('-infinity', 'infinity') WHERE snapshot > 1")
    assert since == [{"post_id": "1003", "change": "new"}]


def test_counters_over_time(archive: Archive, forum: Forum):
    for day, (score, reactions) in enumerate([(1, 2), (5, None), (4, 9)]):
        forum.posts["1002"].score, forum.posts["1002"].reactions = score, reactions
        forum.threads["2"].view_count = 100 + 10 * day
        forum.crawl(f"c{day}", on_day(day)).commit(archive)

    columns = "thread_id, observed_at, score, score_change, reactions, reactions_change"
    seen = rows(archive, f"SELECT {columns} FROM post_counters WHERE post_id = '1002' ORDER BY observed_at")  # noqa: S608
    assert [tuple(row.values()) for row in seen] == [
        ("1", on_day(0) + timedelta(seconds=1), 1, None, 2, None),
        ("1", on_day(1) + timedelta(seconds=1), 5, 4, None, None),
        ("1", on_day(2) + timedelta(seconds=1), 4, -1, 9, 7),
    ]
    views = rows(
        archive, "SELECT view_count, view_count_change FROM thread_counters WHERE thread_id = '2' ORDER BY ALL"
    )
    assert [tuple(row.values()) for row in views] == [(100, None), (110, 10), (120, 10)]
    # As of an instant the counters are the last ones told until then.
    asof = rows(archive, f"SELECT score, reactions FROM posts_asof('{on_day(1, 1)}') WHERE post_id = '1002'")  # noqa: S608
    assert asof == [{"score": 5, "reactions": 2}]


def test_an_archive_of_nothing_has_a_history_of_nothing(archive: Archive):
    for relation in ("posts_at_snapshot(1)", "threads_at_snapshot(9)", "post_counters", "thread_counters"):
        assert rows(archive, f"FROM {relation}") == []
    assert rows(archive, f"FROM changes('{datetime(1, 1, 1, tzinfo=UTC)}', now())") == []
