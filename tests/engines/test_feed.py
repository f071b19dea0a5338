"""Feeds of any forum: its new threads, with the ids that its pages have."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.feed import Feed
from crawler.engines.feed.addresses import board_of, target_of
from crawler.engines.feed.reading import instant_of
from crawler.engines.page import Page
from crawler.records import PageKind, ParsedPage, Status
from tests.engines.real_pages import OWN_PAGES, verify_never_hangs, verify_survives_anything

ENGINE = Feed()
PAGES = OWN_PAGES / "feed"


def page(name: str, url: str = "https://ward.example/feed") -> Page:
    return Page(url=url, body=(PAGES / name).read_bytes(), site="ward")


def parse(name: str) -> ParsedPage:
    parsed = ENGINE.parse(page(name))
    assert parsed.page_kind is PageKind.FEED
    assert parsed.containers == len(parsed.posts)
    return parsed


def test_vbulletin_says_not_whether_its_date_is_of_the_first_or_the_last_post() -> None:
    first, second = parse("vbulletin.xml").threads
    assert (first.thread_id, first.board_id, first.author) == ("3114", "12", "Dr. Elm")
    assert first.title == 'Prédromes & "aura" < 5 min'
    assert first.url == "https://ward.example/forums/showthread.php?t=3114&goto=newpost"
    assert (first.created_at, first.last_post_at) == (None, None)
    assert first.created_text == "Wed, 18 Mar 2020 09:08:02 GMT"
    assert (second.thread_id, second.author) == ("77", "Nurse Oak")


def test_mybb_links_its_authors() -> None:
    (thread,) = parse("mybb.xml").threads
    assert (thread.thread_id, thread.author, thread.author_id) == ("6771", "Pine™", "304")
    assert thread.created_at == datetime(2020, 7, 3, 23, 53, tzinfo=UTC)


def test_replies_give_the_thread_without_title_and_author() -> None:
    parsed = parse("phpbb.xml")
    (thread,) = parsed.threads
    assert (thread.thread_id, thread.board_id, thread.title, thread.author) == ("5735", "7", None, None)
    assert thread.created_at is None
    assert thread.url == "https://ward.example/viewtopic.php?t=5735&p=25393"
    assert parsed.posts == []


def test_phpbb_feeds_of_threads_name_the_opening_post() -> None:
    body = (PAGES / "phpbb.xml").read_text(encoding="utf-8").replace("feed.php", "feed.php?mode=topics")
    body = body.replace("t=5735&amp;p=25393#p25393", "t=5736&amp;p=25393#p25393")
    first, second = ENGINE.parse(Page(url="https://ward.example/feed.php", body=body.encode(), site="ward")).threads
    assert (first.thread_id, first.author) == ("5736", "Ash")
    assert (second.title, second.author) == ("Night & day doses", "Elm")
    assert second.created_at == datetime(2016, 2, 17, 0, 23, 58, tzinfo=UTC)


def test_the_feed_of_one_thread_is_one_thread() -> None:
    parsed = parse("discourse_topic.xml")
    (thread,) = parsed.threads
    assert parsed.thread_id == "88"
    assert (thread.thread_id, thread.title, thread.author) == ("88", "Chest drains", "ash")
    assert thread.created_at == datetime(2024, 6, 10, 8, tzinfo=UTC)


def test_reddit_comments_are_posts() -> None:
    parsed = parse("reddit_comments.xml")
    (thread,) = parsed.threads
    assert (thread.thread_id, thread.title, thread.author, thread.board_id) == ("1qcwx1", "Night doses", None, "ward")
    assert thread.url == "https://www.reddit.com/r/ward/comments/1qcwx1/"
    first, second = parsed.posts
    assert (first.post_id, first.thread_id, first.author, first.parent_id) == ("nzlsz1", "1qcwx1", "elm", None)
    assert first.body_text == "Half the dose & read."
    assert first.links == ["https://www.reddit.com/r/ward/wiki"]
    assert first.created_at == datetime(2026, 1, 14, 20, 34, 48, tzinfo=UTC)
    assert (second.status, second.body_text, second.author) == (Status.REMOVED, "", "[deleted]")


def test_broken_xml_is_read_and_entities_do_not_grow() -> None:
    first, second = parse("rdf_broken.xml").threads
    assert (first.thread_id, first.title) == ("12", "Fluids & electrolytes &b;")
    assert first.created_at == datetime(2012, 3, 4, 4, 6, 7, tzinfo=UTC)
    assert (second.thread_id, second.title) == ("stories/new-unit", "The new unit")
    assert second.url == "https://ward.example/stories/new-unit?utm_source=rss"


@pytest.mark.parametrize(
    ("url", "software", "thread", "is_reply"),
    [
        ("https://x.example/threads/night-doses.123/", "xenforo", "123", False),
        ("https://x.example/threads/night-doses.123/post-9", "xenforo", "123", True),
        ("https://x.example/index.php?threads/night-doses.123/", "xenforo", "123", False),
        ("https://x.example/showthread.php?t=123", "vbulletin", "123", False),
        ("https://x.example/showthread.php?123-Night-doses&p=9#post9", "vbulletin", "123", True),
        ("https://x.example/threads/123-night-doses", "vbulletin", "123", False),
        ("https://x.example/showthread.php?tid=123&pid=9#pid9", "mybb", "123", True),
        ("https://x.example/thread-123.html", "mybb", "123", False),
        ("https://x.example/viewtopic.php?f=2&t=123", "phpbb", "123", False),
        ("https://x.example/viewtopic.php?t=123&p=9#p9", "phpbb", "123", True),
        ("https://x.example/index.php?topic=123.0", "smf", "123", False),
        ("https://x.example/index.php/topic,123.msg9.html#msg9", "smf", "123", True),
        ("https://x.example/topic/123-night-doses/", "invision", "123", False),
        ("https://x.example/topic/123-night-doses/?do=findComment&comment=9", "invision", "123", True),
        ("https://x.example/index.php?showtopic=123", "invision", "123", False),
        ("https://x.example/topic/123/night-doses", "nodebb", "123", False),
        ("https://x.example/t/night-doses/123", "discourse", "123", False),
        ("https://x.example/t/night-doses/123/1", "discourse", "123", False),
        ("https://x.example/t/night-doses/123/4", "discourse", "123", True),
        ("https://x.example/discussion/123/night-doses", "vanilla", "123", False),
        ("https://x.example/discussion/123/night-doses#Comment_9", "vanilla", "123", True),
        ("https://x.example/d/123-night-doses", "flarum", "123", False),
        ("https://x.example/node/123#comment-9", "drupal", "123", True),
        ("https://www.reddit.com/r/ward/comments/1qcwx1/night/", "reddit", "1qcwx1", False),
        ("https://www.reddit.com/r/ward/comments/1qcwx1/night/nzl1/", "reddit", "1qcwx1", True),
    ],
)
def test_threads_by_the_address_forms_of_software(url: str, software: str, thread: str, is_reply: bool) -> None:
    target = target_of(url)
    assert target is not None
    assert (target.software, target.thread_id, target.is_reply) == (software, thread, is_reply)


@pytest.mark.parametrize("url", ["https://x.example/news/flu-2026", "https://x.example/comments/feed/", "", "x" * 5000])
def test_other_addresses_are_no_threads(url: str) -> None:
    assert target_of(url) is None


def test_boards_by_their_addresses() -> None:
    assert board_of("https://x.example/forums/general.7/index.rss") == "7"
    assert board_of("https://x.example/c/wards/11.rss") == "11"
    assert board_of("https://x.example/viewforum.php?f=7") == "7"
    assert board_of("https://www.reddit.com/r/ward/.rss") == "ward"
    assert board_of("https://x.example/") is None


def feed_of(items: str, own: str = "https://ward.example/feed") -> ParsedPage:
    text = f'<rss version="2.0"><channel><atom:link href="{own}" rel="self"/>{items}</channel></rss>'
    return ENGINE.parse(Page(url="https://ward.example/feed", body=text.encode(), site="ward"))


def test_a_guid_without_words_leaves_the_link() -> None:
    item = "<item><title>Flu</title><link>https://ward.example/2014/flu/</link><guid>https://ward.example/?p=7</guid></item>"
    assert feed_of(item).threads[0].thread_id == "2014/flu"


def test_replies_of_bbpress_give_the_thread_without_title_and_author() -> None:
    item = "<item><title>%s</title><link>https://ward.example/topic/doses/%s</link><dc:creator>%s</dc:creator></item>"
    reply, opening = item % ("Reply To: Doses", "#post-991", "Oak"), item % ("Doses", "", "Elm")
    (thread,) = feed_of(reply).threads
    assert (thread.thread_id, thread.title, thread.author) == ("topic/doses", None, None)
    (thread,) = feed_of(reply + opening).threads
    assert (thread.title, thread.author) == ("Doses", "Elm")


def test_posts_in_nodebbs_feed_of_a_thread_are_of_that_thread() -> None:
    item = "<item><title>Reply to Doses</title><link>https://ward.example/post/991</link></item>"
    parsed = feed_of(item, "https://ward.example/topic/88.rss")
    assert parsed.thread_id == "88"
    assert [(thread.thread_id, thread.title) for thread in parsed.threads] == [("88", None)]


def test_elements_that_are_not_closed_or_stand_in_their_own_kind() -> None:
    (thread,) = feed_of(
        "<item><x><x>a</x></x><media:group><title>No</title></media:group><b><title>Doses &amp; &lt;b&gt;</title>"
        "<link>https://ward.example/t/doses/88</link><description/></item>"
    ).threads
    assert (thread.thread_id, thread.title) == ("88", "Doses & <b>")


def test_dates_need_an_offset() -> None:
    assert instant_of("Sat, 14 Nov 2015 23:10:05 +0100") == datetime(2015, 11, 14, 22, 10, 5, tzinfo=UTC)
    assert instant_of("2015-11-14T23:10:05Z") == datetime(2015, 11, 14, 23, 10, 5, tzinfo=UTC)
    assert instant_of("14 Nov 2015 23:10:05 -0130") == datetime(2015, 11, 15, 0, 40, 5, tzinfo=UTC)
    assert instant_of("Sat, 14 Nov 2015 23:10:05 EST") == datetime(2015, 11, 15, 4, 10, 5, tzinfo=UTC)
    unknown = ("Sat, 14 Nov 2015 23:10:05 -0000", "Sat, 31 Feb 2015 23:10:05 GMT", "Sat, 14 Nov 2015 23:10:05 +2959")
    for text in (
        *unknown,
        "",
        "Sat, 14 Nov 2015 23:10:05",
        "2015-11-14T23:10:05",
        "yesterday",
        "99 Foo 2015 99:99:99 +9999",
    ):
        assert instant_of(text) is None


def test_what_is_no_feed_is_refused() -> None:
    for body in ("", "<html><body><rss version='2.0'></body></html>", "<urlset><url/></urlset>", "{}"):
        no_feed = Page(url="https://ward.example/", body=body.encode(), site="ward")
        assert ENGINE.recognise(no_feed) is None
        assert ENGINE.parse(no_feed).page_kind is PageKind.UNKNOWN
    empty = ENGINE.parse(Page(url="https://ward.example/", body=b"<rss version='2.0'><channel/></rss>", site="ward"))
    assert (empty.page_kind, empty.reason) == (PageKind.EMPTY, "the feed has no entries")


def test_every_own_page_is_recognised() -> None:
    for path in sorted(PAGES.iterdir()):
        recognition = ENGINE.recognise(page(path.name))
        assert recognition is not None
        assert recognition.engine == "feed"
    assert "vBulletin" in str(ENGINE.recognise(page("vbulletin.xml")))


def test_the_next_page_of_an_archive() -> None:
    body = b'<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="/feed?page=2"/><entry><id>a</id></entry>'
    parsed = ENGINE.parse(Page(url="https://ward.example/feed", body=body, site="ward"))
    assert parsed.next_url == "https://ward.example/feed?page=2"
    assert parsed.threads[0].thread_id == "a"


def test_whatever_the_bytes() -> None:
    verify_survives_anything(ENGINE, sorted(PAGES.iterdir()))


@pytest.mark.parametrize("place", ["<title>Ward Forum", "Short text</desc"])
def test_never_hangs(place: str, tmp_path: Path) -> None:
    own = tmp_path / "feed.xml"
    own.write_text((PAGES / "vbulletin.xml").read_bytes().decode("latin-1"), encoding="utf-8")
    verify_never_hangs(ENGINE, own, place)


@pytest.mark.parametrize(
    "part", ["<item>", "<item><a>", "<![CDATA[", "<item><link>", "<a b='", "<entry ", "<item></a>"]
)
def test_never_hangs_on_many_entries(part: str) -> None:
    body = b'<rss version="2.0"><channel>' + part.encode() * 60_000
    started = time.process_time()
    parsed = ENGINE.parse(Page(url="https://ward.example/", body=body, site="ward"))
    assert parsed.containers == len(parsed.posts)
    assert time.process_time() - started < 2


def test_never_hangs_on_many_elements_without_end() -> None:
    for after in ("", "x" * 50):
        elements = "".join(f"<a{number}>{after}" for number in range(60_000))
        started = time.process_time()
        feed_of(f"<item>{elements}")
        assert time.process_time() - started < 2
