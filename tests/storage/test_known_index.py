"""The index of known records: whichever way it was filled, it holds the same."""

from collections.abc import Callable

from ward_forum import Forum, on_day

from storage.archive import Archive
from storage.batch import Batch


def test_a_rebuilt_index_is_the_kept_one(archive: Archive, forum: Forum):
    for number in range(4):
        forum.crawl(f"c{number}", on_day(number), open_threads=["1", "3"] if number == 2 else None).commit(archive)
        forum.posts["1002"].body_text = f"Edited {number}."
        forum.posts.pop(f"300{number}")
        forum.threads["2"].title = f"Renamed {number}"
        forum.reply("4", on_day(number))
    kept = archive.index.contents()
    assert len(kept["posts"]) == 23
    archive.index.remove()
    archive.state(forum.site)
    assert archive.index.contents() == kept


def test_an_index_that_is_behind_catches_up(archive: Archive, archive_at: Callable[[], Archive], forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    copy = archive.index.path.with_name("copy.sqlite")
    copy.write_bytes(archive.index.path.read_bytes())
    forum.reply("1", on_day(1))
    forum.crawl("c2", on_day(1)).commit(archive)
    forum.crawl("c3", on_day(2), open_threads=["2"]).commit(archive)
    kept = archive.index.contents()

    archive.index.remove()
    copy.replace(archive.index.path)
    behind = archive_at()
    assert len(behind.state(forum.site).threads) == 4
    assert behind.index.contents() == kept


def test_what_is_known_is_what_the_batch_needs(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    gone = forum.posts.pop("1003")
    crawl = forum.crawl("c2", on_day(1), open_threads=["1"])
    known = archive.known(Batch.of(crawl.pages, crawl.receipt))

    assert known.generation == 1
    assert sorted(known.posts) == ["1000", "1001", "1002", "1003", "1004"]
    assert known.posts["1003"].created_at == gone.created_at
    assert sorted(known.threads) == ["1", "2", "3", "4"]  # all are listed
    assert known.threads["1"].record.tags == ["stent"]
    assert list(known.last_rows) == ["1003"]
    assert "body_text" not in known.last_rows["1003"]
