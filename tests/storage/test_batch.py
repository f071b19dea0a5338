"""A crawl's pages become one sighting a record."""

from datetime import timedelta

import msgspec
from msgspec import structs
from ward_forum import Forum, on_day

from crawler.records import PageKind, Quote, Status
from storage.batch import Batch


def test_the_last_sighting_of_a_post_wins_whatever_the_order_of_pages(forum: Forum):
    crawl = forum.crawl("c1", on_day(0), open_threads=["1"])
    forum.posts["1002"].body_text = "Later words."
    later = forum.thread_pages("1", on_day(0, hour=2))
    for pages in ([*crawl.pages, *later], [*later, *crawl.pages]):
        batch = Batch.of(pages, crawl.receipt)
        assert len(batch.posts) == 5
        assert batch.posts["1002"].post.body_text == "Later words."
        assert batch.posts["1002"].seen_at == batch.read_at["1"] == on_day(0, hour=2)


def test_what_several_pages_say_of_a_thread_is_put_together(forum: Forum):
    crawl = forum.crawl("c1", on_day(0), open_threads=["1"])
    listing, own = crawl.pages[0].parsed.threads[0], crawl.pages[2].parsed.threads[0]
    listing.title, own.title = "Stent quest…", "Stent question 1"
    listing.is_sticky, own.is_sticky = True, None
    listing.status, own.status = Status.VISIBLE, Status.REMOVED
    thread, seen_at = Batch.of(crawl.pages, crawl.receipt).threads["1"]
    assert (thread.title, thread.is_sticky, thread.status) == ("Stent question 1", True, Status.REMOVED)
    assert (thread.reply_count, thread.tags, thread.author_id) == (4, ["stent"], "11")
    assert seen_at == on_day(0) + timedelta(seconds=1)


def test_a_page_amid_a_thread_makes_the_thread_known(forum: Forum):
    crawl = forum.crawl("c1", on_day(0), open_threads=["1"], listed=False)
    batch = Batch.of(crawl.pages[1:], crawl.receipt)
    assert batch.threads["1"].thread.board_id == "ir"
    assert batch.threads["1"].thread.title is None


def test_a_listing_row_without_content_makes_no_post(forum: Forum):
    crawl = forum.crawl("c1", on_day(0), open_threads=[])
    framed = structs.replace(forum.posts["1000"], body_text="", quotes=[], links=[], attachments=[])
    crawl.pages[0].parsed.posts = [framed, forum.posts["3000"]]
    assert list(Batch.of(crawl.pages, crawl.receipt).posts) == ["3000"]


def test_the_pages_stay_as_they_are(forum: Forum):
    crawl = forum.crawl("c1", on_day(0))
    crawl.pages[0].parsed.threads[0].board_id = None
    before = msgspec.json.encode(crawl.pages)
    Batch.of(crawl.pages, crawl.receipt)
    assert msgspec.json.encode(crawl.pages) == before


def test_figures_count_visible_posts(forum: Forum):
    forum.posts["1001"].status = Status.REMOVED
    forum.posts["1002"].author = None
    forum.posts["1003"].created_at = None
    crawl = forum.crawl("c1", on_day(0), open_threads=["1"])
    crawl.pages[0].parsed.page_kind = PageKind.UNKNOWN
    figures = Batch.of(crawl.pages, crawl.receipt).figures
    assert (figures.posts_visible, figures.posts_with_author, figures.posts_with_created_at) == (4, 3, 3)
    assert figures.unexplained_pages == [crawl.pages[0].url]


def test_targets_known_by_number_only_get_their_ids(forum: Forum):
    """A Discourse page names posts that are not on it by thread and number: "1-2"."""
    answer = forum.posts["1002"]
    answer.parent_id, answer.quotes = "1-1", [Quote(post_id="1-2", text="x"), Quote(post_id="9-9", text="elsewhere")]
    crawl = forum.crawl("c1", on_day(0), open_threads=["1"])
    read = Batch.of(crawl.pages, crawl.receipt).posts["1002"].post
    assert read.parent_id == "1000"
    assert [quote.post_id for quote in read.quotes] == ["1001", "9-9"]
