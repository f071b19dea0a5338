"""MyBB: posts in own pages, version by version, and in themes and addresses that differ."""

from datetime import UTC, datetime

import pytest

from crawler.records import Attachment, PageKind, ParsedPage, PollOption, Status
from tests.engines.mybb_pages import FETCHED_AT, SCRIPT, own, parse, utc


@pytest.fixture
def case() -> ParsedPage:
    """Page 2 of a thread of 1.8 with a poll, fetched at a known time."""
    return own("thread-1.8", fetched_at=FETCHED_AT)


@pytest.fixture
def german() -> ParsedPage:
    """A thread of 1.6 in the classic layout, in German, with search-friendly addresses."""
    return own("thread-1.6", "http://klinik.example/thread-31.html")


def test_thread_of_1_8(case: ParsedPage) -> None:
    assert (case.page_kind, case.engine_version, case.page, case.last_page) == ("thread", "1.8.27", 2, 12)
    assert case.next_url == "https://ward.example/showthread.php?tid=45&page=3"
    assert (case.thread_id, case.board_id) == ("45", "7")
    (thread,) = case.threads
    assert (thread.title, thread.prefix) == ("Drug fever after day ten", "Solved")
    assert thread.url == "https://ward.example/showthread.php?tid=45"
    assert thread.poll is not None
    assert (thread.poll.question, thread.poll.voters) == ("Stop which drug?", 8)
    assert thread.poll.options == [PollOption(text="Ceftriaxone", votes=6), PollOption(text="Allopurinol", votes=2)]


def test_facts_of_a_post(case: ParsedPage) -> None:
    post = case.posts[0]
    assert (post.post_id, post.position, post.author, post.author_id) == ("901", 11, "Ada & Co", "11")
    assert (post.created_text, post.created_at) == ("05-20-2014, 08:15 PM", utc("2014-05-21T02:15"))
    assert (post.edited, post.edited_at) == (True, utc("2014-05-21T15:00"))
    assert post.reactions == 2
    assert post.url == "https://ward.example/showthread.php?tid=45&pid=901#pid901"
    assert post.body_text == "Fever stopped within a day.\n\n- stop\n- watch\nT 39.5\nT 37.0\nSee this."
    assert post.links == ["https://pubmed.example/7?a=1&b=2"]
    assert post.attachments == [  # none of the signature
        Attachment(url="https://ward.example/attachment.php?aid=5", name="chart.pdf"),
        Attachment(url="https://ward.example/attachment.php?aid=6", name="rash.jpg"),
    ]


def test_quotes_of_1_8_nest(case: ParsedPage) -> None:
    outer, inner = case.posts[0].quotes
    assert (outer.post_id, outer.author, outer.text) == ("880", "Ben", "Count is up.")
    assert (inner.post_id, inner.author, inner.text) == (None, "Cem", "Eosinophils?")


def test_guest_awaiting_approval(case: ParsedPage) -> None:
    guest = case.posts[1]
    assert (guest.author, guest.author_id, guest.status) == ("Guest Dot", None, Status.HIDDEN)
    assert (guest.created_text, guest.edited) == ("Yesterday, 05:40 PM", False)
    assert guest.created_at == utc("2014-05-22T23:40")
    assert guest.body_text == "Same here at 38:30."


def test_deleted_post(case: ParsedPage) -> None:
    assert (case.containers, len(case.posts)) == (4, 4)
    post = case.posts[2]
    assert (post.post_id, post.status, post.body_text, post.position) == ("903", Status.DELETED, "", None)


def test_hours_ago_stand_for_the_date_in_their_title(case: ParsedPage) -> None:
    post = case.posts[3]
    assert (post.created_text, post.created_at) == ("2 hours ago", utc("2014-05-23T15:12"))
    assert (post.body_text, post.links) == ("Thanks, @Ada.", [])


@pytest.mark.parametrize("fetched_at", [None, datetime(2014, 5, 25, 3, 7, tzinfo=UTC)])
def test_no_instant_without_the_time_of_the_fetch_or_from_a_cache(fetched_at: datetime | None) -> None:
    posts = own("thread-1.8", fetched_at=fetched_at).posts
    assert {post.created_at for post in posts} | {post.edited_at for post in posts} == {None}


def test_thread_of_1_6(german: ParsedPage) -> None:
    assert (german.engine_version, german.page, german.last_page, german.next_url) == ("1.6", 1, 1, None)
    (thread,) = german.threads
    assert (thread.thread_id, thread.title, thread.board_id) == ("31", "Schwindel nach dem Aufstehen", "3")
    assert thread.url == "http://klinik.example/thread-31.html"
    opening, reply = german.posts
    assert (opening.position, opening.is_opening, opening.author, opening.author_id) == (1, True, "Jo van Dam", "8")
    assert (opening.created_text, opening.body_text) == ("20.05.2012 14:30", "Morgens schwankt alles.")
    assert (reply.created_text, reply.edited, reply.edited_at) == ("Heute 16:05", True, None)
    assert reply.body_text == "Blutdruck im Stehen messen."
    (quote,) = reply.quotes
    assert (quote.post_id, quote.author, quote.text) == ("21", "Jo van Dam", "Morgens schwankt alles.")


@pytest.mark.parametrize(
    ("cite", "author"),
    [
        ("<span> (05-20-2014, 08:15 PM)</span>Mary Ann Wrote:  <a href='showthread.php?pid=5#pid5'></a>", "Mary Ann"),
        ("Mario ha scritto:", "Mario"),
        ("Zo\u00e9 a \u00e9crit :", "Zo\u00e9"),
        ("ayse Nickli Kullan\u0131c\u0131dan Al\u0131nt\u0131:", "ayse"),
        ("\u0418\u0432\u0430\u043d \u041d\u0430\u043f\u0438\u0441\u0430\u043b:", "\u0418\u0432\u0430\u043d"),
        ("Cem xyzzy:", "Cem"),
        ("Quote:", None),
        ("", None),
    ],
)
def test_who_is_quoted(cite: str, author: str | None) -> None:
    parsed = parse(thread(post(5, body=f"<blockquote><cite>{cite}</cite>Words</blockquote>Own.")))
    (quote,) = parsed.posts[0].quotes
    assert (quote.author, quote.text, parsed.posts[0].body_text) == (author, "Words", "Own.")


def test_quotes_of_1_4() -> None:
    body = '<div class="quote_header">Ben Wrote:</div><div class="quote_body">Words</div>Own.'
    (found,) = parse(thread(post(5, body=body))).posts
    assert [(quote.author, quote.text) for quote in found.quotes] == [("Ben", "Words")]
    assert found.body_text == "Own."


def test_posts_of_1_4_have_their_date_below() -> None:
    (found,) = parse(
        '<table id="post_8"><tr><td><a name="pid8"></a><strong><span class="largetext"><a href="user-2.html">Bo</a>'
        '</span></strong></td><td><strong>Post: <a href="thread-3-post-8.html#pid8">#4</a></strong>'
        '<div id="pid_8">Words.</div><p><em>(This post was last modified: 06-11-2008 09:01 PM by '
        '<a href="user-2.html">Bo</a>.)</em></p></td></tr>'
        '<tr><td><span class="smalltext">06-11-2008 08:59 PM</span></td></tr></table>'
    ).posts
    assert (found.position, found.author, found.author_id) == (4, "Bo", "2")
    assert (found.created_text, found.edited, found.body_text) == ("06-11-2008 08:59 PM", True, "Words.")


def test_who_edits_or_likes_a_guest_s_post_is_not_its_author() -> None:
    edited = (
        '<span class="post_edit" id="edited_by_5"><span class="edited_post">(This post was last modified: '
        '05-21-2014, 09:00 AM by <a href="member.php?action=profile&amp;uid=1">Admin</a>.)</span></span>'
    )
    likes = '<div class="post_controls tyllist"><a href="member.php?action=profile&amp;uid=13">Cem</a></div>'
    guest = post(5, name="Visitor").replace('<span class="post_edit" id="edited_by_5"></span>', edited)
    (found,) = parse(thread(guest.removesuffix("</div>") + f"{likes}</div>")).posts
    assert (found.author, found.author_id, found.edited) == ("Visitor", None, True)
    assert found.created_text == "05-20-2014, 08:15 PM"


CLASSIC = (
    '<a name="pid8" id="pid8"></a><table class="tborder" id="post_8"><tr><td class="trow1 post_author" rowspan="2">'
    '<strong><span class="largetext"><a href="user-2.html"><span style="color: red;"><b>Bo</b></span></a></span>'
    '</strong><br /><span class="smalltext">Donor #2<br />Posts: 12</span></td><td class="trow1"><div><strong>Post: '
    '<a href="thread-3-post-8.html#pid8">#4</a></strong></div><div id="pid_8">Words.<br /><br /><fieldset><legend>'
    '<strong>Attached File(s)</strong></legend><a href="attachment.php?aid=9">scan.pdf</a> (Size: 3 KB)</fieldset>'
    '</div><div id="post_meta_8"><div id="edited_by_8"><span class="edited_post">(This post was last modified: '
    '06-11-2008 09:01 PM by <a href="user-1.html">Al</a>.)</span></div></div></td></tr><tr><td class="trow1">'
    '<span class="smalltext">06-11-2008 08:59 PM</span></td></tr></table>'
)


def test_classic_posts_have_their_date_below_the_note_that_they_were_edited() -> None:
    (found,) = parse(thread(CLASSIC)).posts
    assert (found.created_text, found.edited) == ("06-11-2008 08:59 PM", True)
    assert (found.position, found.author, found.author_id) == (4, "Bo", "2")
    assert (found.body_text, [file.name for file in found.attachments]) == ("Words.", ["scan.pdf"])


def test_posts_of_1_2_are_told_by_their_texts_only() -> None:
    row = (
        '<a name="pid{0}" id="pid{0}"></a><table class="tborder"><tr><td><strong><span class="largetext">'
        '<a href="member.php?action=profile&amp;uid={0}">Bo {0}</a></span></strong></td><td>'
        '<div id="pid_{0}">Words {0}.</div></td></tr>'
        '<tr><td><span class="smalltext">06-11-2006 08:5{0} PM</span></td></tr></table>'
    )
    found = parse(thread(row.format(1), row.format(2))).posts
    assert [(one.author, one.author_id, one.body_text) for one in found] == [
        ("Bo 1", "1", "Words 1."),
        ("Bo 2", "2", "Words 2."),
    ]
    assert [one.created_text for one in found] == ["06-11-2006 08:51 PM", "06-11-2006 08:52 PM"]


def test_clock_beside_the_greeting_in_the_language_of_the_board() -> None:
    clock = '<div id="panel"><span style="float:right;"><strong>Aktuelle Zeit:</strong> 23.05.2014, 19:19</span></div>'
    page = thread(CLASSIC.replace("06-11-2008 08:59 PM", "11.06.2008, 20:59"), above=clock)
    (found,) = parse(page, fetched_at=FETCHED_AT).posts
    assert found.created_at == utc("2008-06-11T18:59")


def post(number: int, *, body: str = "Words.", name: str | None = None, place: str = "") -> str:
    author = name or '<a href="member.php?action=profile&amp;uid=3">Cem</a>'
    return (
        f'<div class="post classic" id="post_{number}"><div class="post_author"><strong><span class="largetext">'
        f'{author}</span></strong></div><div class="post_content"><div class="post_head">{place}'
        f'<span class="post_date">05-20-2014, 08:15 PM <span class="post_edit" id="edited_by_{number}"></span></span>'
        "</div>"
        f'<div class="post_body scaleimages" id="pid_{number}">{body}</div></div></div>'
    )


def thread(*posts: str, trail: str = "", above: str = "") -> str:
    return (
        f"<html><head><title>X</title>{SCRIPT}</head><body>{above}"
        f'<div class="navigation">{trail}<span class="active">X</span>'
        f'</div><div id="posts">{"".join(posts)}</div><input type="hidden" name="tid" value="9" /></body></html>'
    )


def test_addresses_of_words_hold_no_number() -> None:
    parsed = parse(
        thread(
            post(
                5, name='<a href="/User-Cem">Cem</a>', place='<a href="search.php?action=finduser&amp;uid=3">Find</a>'
            ),
            post(6, name='<a href="/User-Dot">Dot</a>'),
            trail='<a href="/Forum-Lab">Lab</a>',
        ),
        "https://ward.example/Thread-Which-kit?page=1",
    )
    assert (parsed.thread_id, parsed.threads[0].url) == ("9", "https://ward.example/Thread-Which-kit")
    assert [(found.author, found.author_id) for found in parsed.posts] == [("Cem", "3"), ("Dot", None)]
    assert [found.position for found in parsed.posts] == [1, 2]


def test_position_is_none_where_nothing_tells_it() -> None:
    posts = [post(5), post(6)]
    assert [found.position for found in parse(thread(*posts)).posts] == [1, 2]
    assert [found.position for found in parse(thread(*reversed(posts))).posts] == [None, None]
    later = parse(thread(*posts), "https://ward.example/showthread.php?tid=9&page=3")
    assert [found.position for found in later.posts] == [None, None]


def test_posts_that_cannot_be_read_are_not_lost_silently() -> None:
    parsed = parse(thread(post(5), post(6).replace('id="pid_6"', "")))
    assert (parsed.page_kind, parsed.posts) == (PageKind.UNKNOWN, [])
    assert parsed.reason is not None
    assert "6" in parsed.reason
