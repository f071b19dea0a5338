"""Which values of a record that was read again count: by the page that it stands on."""

from typing import Any

from crawler.records import Poll, PollOption, Status
from storage.columns import Merge
from storage.differences import Differences, is_same, overlay, thread_overlay

COLUMNS = {"body_text": Merge.VERSION, "created_at": Merge.KEPT, "position": Merge.CARRIED, "score": Merge.COUNTER}
THREAD_COLUMNS = {"title": Merge.KEPT, "tags": Merge.KEPT, "url": Merge.CARRIED}


def row(**values: Any) -> dict[str, Any]:
    held = {"status": Status.VISIBLE, "content_hash": "a", "body_text": "Words.", "created_at": 1, "position": 3}
    return held | {"score": 7} | values


def test_from_its_own_page_everything_counts_but_counters_and_what_is_untold():
    read = row(content_hash="b", body_text="Better.", position=None, created_at=None, score=9)
    assert overlay(row(), read, COLUMNS, is_own_page=True, is_newest=True) == {"body_text": "Better.", "position": None}


def test_from_a_later_page_only_what_makes_versions_counts():
    read = row(content_hash="b", body_text="Better.", position=4)
    assert overlay(row(), read, COLUMNS, is_own_page=False, is_newest=True) == {"body_text": "Better."}
    same = row(body_text="W[name].", position=4)
    assert overlay(row(), same, COLUMNS, is_own_page=False, is_newest=True) == {}


def test_from_its_own_page_a_text_with_other_masks_counts_unless_later_pages_say_more():
    read = row(body_text="W[name].")
    assert overlay(row(), read, COLUMNS, is_own_page=True, is_newest=False) == {"body_text": "W[name]."}
    older = row(content_hash="b", body_text="Older.", position=4)
    assert overlay(row(), older, COLUMNS, is_own_page=True, is_newest=False) == {"position": 4}


def test_what_the_archive_lacks_is_filled_from_any_page():
    held = row(score=None, position=None)
    assert overlay(held, row(), COLUMNS, is_own_page=False, is_newest=False) == {"score": 7, "position": 3}


def test_what_is_gone_stays_as_it_is():
    for status in (Status.DELETED, Status.REMOVED):
        read = row(content_hash="b", body_text="Back.")
        assert overlay(row(status=status, body_text=""), read, COLUMNS, is_own_page=True, is_newest=True) == {}


def test_of_threads_what_two_readings_tell_otherwise_counts():
    held = {"status": Status.VISIBLE, "title": "Stent", "tags": ["a"], "url": "/1"}
    then, today = {"title": "Stent", "tags": ["a"], "url": "/2"}, {"title": "Stents", "tags": [], "url": "/2"}
    # The address differs from the archive's, but not from what was read then: the site has changed it since.
    assert thread_overlay(held, then, today, THREAD_COLUMNS, is_newest=True) == {"title": "Stents"}
    assert thread_overlay(held, then, today, THREAD_COLUMNS, is_newest=False) == {}
    lacking = held | {"title": None}
    assert thread_overlay(lacking, then, today, THREAD_COLUMNS, is_newest=False) == {"title": "Stents"}


def test_structs_are_the_same_as_their_rows():
    poll = Poll(question="Which?", options=[PollOption(text="This", votes=2)])
    stored = {"question": "Which?", "options": [{"text": "This", "votes": 2}], "voters": None}
    assert is_same(stored, poll)
    assert not is_same(stored | {"voters": 4}, poll)


def test_counts_tell_gained_lost_and_changed_with_a_few_ids():
    differences = Differences()
    for number, (was, now) in enumerate([(None, 1), (2, None), (2, 3), (2, 4), ("", "words")]):
        differences.add("xenforo2 2.3", "post", f"p{number}", {"position": was}, {"position": now})
    [(key, found)] = list(differences.sorted())
    assert key == ("xenforo2 2.3", "post", "position")
    assert (found.gained, found.lost, found.changed, found.records) == (2, 1, 2, 5)
    assert (found.examples, found.values[1]) == (["p0", "p1", "p2"], (2, None))
