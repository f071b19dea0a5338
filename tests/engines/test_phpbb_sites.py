"""phpBB on other sites: what their styles, languages, extensions and mirrors taught."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.phpbb import PhpBB
from crawler.engines.phpbb.clock import stated_zone
from crawler.records import Attachment, PageKind, ParsedPage, Quote
from tests.engines.real_pages import FETCHED_AT

ENGINE = PhpBB()
PAGES = Path(__file__).parent / "pages" / "phpbb"
BASE = "https://ward.example/board/"
HEAD = (
    '<html><head><title>Stents</title><link rel="stylesheet" href="a.css?assets_version=7"></head>'
    '<body id="phpbb" class="notouch section-{section} ltr">'
)
FOOT = (
    '<ul><li>All times are <span title="Europe/Berlin">UTC+01:00</span></li></ul>'
    '<p>Powered by <a href="https://www.phpbb.com/">phpBB</a>&reg; Software &copy; phpBB Limited</p></body></html>'
)
NURSE = '<a href="./memberlist.php?mode=viewprofile&amp;u=7" class="username">Nurse</a>'
TIME = '<time datetime="2021-03-02T08:15:00+00:00">Tue Mar 02, 2021 9:15 am</time>'


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def parse(text: str, url: str = "viewtopic.php?t=42", status: int = 200) -> ParsedPage:
    page = Page(url=BASE + url, body=text.encode(), site="ward", status=status, fetched_at=FETCHED_AT)
    return ENGINE.parse(page)


def own(name: str, url: str) -> ParsedPage:
    return parse((PAGES / name).read_text(encoding="utf-8"), url)


def post(content: str = "words", *, name: str = NURSE, date: str = TIME, after: str = "", number: int = 1) -> str:
    """A post of prosilver 3.2."""
    return (
        f'<div id="p{number}" class="post has-profile bg2"><div class="inner"><dl class="postprofile" '
        f'id="profile{number}"><dt>{name}</dt><dd class="profile-rank">Expert 12</dd><dd class="profile-joined">'
        f'<strong>Joined:</strong> Sat Feb 12, 2011 9:02 pm</dd></dl><div class="postbody"><div '
        f'id="post_content{number}"><h3><a href="./viewtopic.php?p={number}#p{number}">Re: Stents</a></h3>'
        f'<p class="author"><span class="responsive-hide">by <strong>{name}</strong> &raquo; </span>{date}</p>'
        f'<div class="content">{content}</div>{after}</div></div></div></div>'
    )


def topic(*posts: str, behind: str = "") -> ParsedPage:
    title = '<h2 class="topic-title"><a href="./viewtopic.php?t=42">Stents</a></h2>'
    return parse(HEAD.format(section="viewtopic") + title + "".join(posts) + behind + FOOT)


def page(section: str, body: str, url: str) -> ParsedPage:
    return parse(HEAD.format(section=section) + body + FOOT, url)


# -- clocks -------------------------------------------------------------------------------------------------------

SUMMER = '[ <abbr title="Daylight Saving Time">DST</abbr> ]'


@pytest.mark.parametrize(
    ("footer", "minutes"),
    [
        (f'<p class="datetime">All times are UTC {SUMMER}</p>', 60),
        (f'<p class="datetime">Todos los horarios son UTC + 1 hora {SUMMER}</p>', 120),
        ("<p>All times are GMT&nbsp;-&nbsp;5&nbsp;Hours</p>", -300),
        ("<p>Strefa czasowa: UTC + 1 [ letni ]</p>", 120),
        ('<span class="gensmall">All times are EST (U.S./Canada)</span>', -300),
        ('<span class="gensmall">All times are CST (Australia)</span>', 570),
        ('<a href="./viewforum.php?f=2">Watches with GMT</a>', None),
        ("<option>UTC + 2 lovers</option>", None),
        ("<h3>What is UTC</h3>", None),
        ("<p>Watches with GMT and others</p>", None),
        ('<img alt="UTC + 2">', None),
    ],
)
def test_offsets_of_phpbb_2_and_3_0(footer: str, minutes: int | None) -> None:
    zone = stated_zone("", f"<div>{footer}</div>", newer=False)
    assert (zone.utcoffset(None) if zone else None) == (None if minutes is None else timedelta(minutes=minutes))


def test_since_3_1_only_the_title_names_the_zone() -> None:
    custom = "<p>UTC</p><p>All times are UTC + 1 hour</p>"
    assert stated_zone("", custom, newer=True) is None
    assert str(stated_zone("", f'{custom}<abbr title="Asia/Tokyo">UTC+09:00</abbr>', newer=True)) == "Asia/Tokyo"


def test_a_custom_footer_of_3_1_does_not_pass_for_the_fixed_offset_of_3_0() -> None:
    """Neither the version of files nor the copyright is there, but the markup is that of 3.1."""
    body = '<div class="dropdown-container"></div><h2><a href="./viewtopic.php?t=42">Stents</a></h2>'
    body += post(date="Tue Jul 06, 2021 9:15 am")
    parsed = parse(f'<body id="phpbb" class="section-viewtopic">{body}<p>All times are UTC</p></body>')
    assert parsed.posts[0].created_text == "Tue Jul 06, 2021 9:15 am"
    assert parsed.posts[0].created_at is None


def test_a_date_in_the_form_of_tapatalk_groups() -> None:
    date = '<a class="unread" href="#"><span class="timespan" title="Apr 08, 2017#1">2017-04-08T15:10+00:00</span></a>'
    assert topic(post(date=date)).posts[0].created_at == utc(2017, 4, 8, 15, 10)


# -- topics -------------------------------------------------------------------------------------------------------


def test_quotes_nested_in_the_tables_of_phpbb_2() -> None:
    """The markup closes a span that it never opened inside each quote."""
    parsed = own("topic-phpbb2-quotes.html", "viewtopic.php?t=610&start=75")
    assert [post.position for post in parsed.posts] == [76, 77, 78, 79]
    assert (parsed.page, parsed.last_page, parsed.threads[0].title) == (6, 9, "Night shift - part 6")
    first, second, third, fourth = parsed.posts
    assert first.body_text == "Nobody reads the chart."
    assert first.quotes == [Quote(author="Sorrel", text="Write it on the chart\n\ndesk@ward.example")]
    assert second.body_text == "Then read it aloud."
    assert [(quote.author, quote.text) for quote in second.quotes] == [
        ("Sister Tansy", "Nobody reads"),
        ("Sorrel", "Write it on the chart"),
    ]
    assert (second.edited, second.edited_at) == (True, utc(2012, 10, 10, 8, 51))
    assert (first.edited, third.edited) == (False, False)
    assert (third.body_text, fourth.body_text, fourth.quotes) == ("Coffee helps.", "So does tea.", [])
    assert first.created_text == "Tue Oct 09, 2012 10:12 pm"
    assert first.author_id == "31"


def test_a_subsilver_2_mirrored_by_wget() -> None:
    parsed = own("topic-wget-subsilver2.html", "viewtopic.php?f=4&t=14&start=20")
    first, second, third, fourth = parsed.posts
    assert first.created_at == utc(2009, 11, 6, 21, 18)  # 22:18 at UTC with daylight saving
    assert [post.position for post in parsed.posts] == [21, 22, 23, 24]
    assert first.body_text == "(healed in ten days)"
    assert second.body_text == "Day three, no redness."
    assert second.attachments == [Attachment(url=f"{BASE}download/file-62757.php", name="suture.jpg")]
    assert (third.body_text, third.edited, third.edited_at) == ("Day nine.", True, utc(2009, 11, 12, 17, 13))
    assert (fourth.body_text, fourth.edited) == ("", False)


def test_words_that_are_names_in_the_markup_do_not_end_a_post() -> None:
    text = (PAGES / "topic-wget-subsilver2.html").read_text(encoding="utf-8")
    parsed = parse(text.replace("<object", "The jumpbox, wrapfooter and page-footer of postorder.<object"))
    assert parsed.posts[-1].body_text == "The jumpbox, wrapfooter and page-footer of postorder."


def test_dates_of_thanks_and_of_bumps_are_no_edits() -> None:
    text = (PAGES / "topic-wget-subsilver2.html").read_text(encoding="utf-8")
    note = text[text.index('<span class="gensmall">Last edited') : text.index("edited 1 time in total.</span>") + 30]
    for other in (
        "These users thanked the author: Dr Arnica (Thu Nov 12, 2009 6:13 pm)",
        "Bumped by Dr Arnica on Thu Nov 12, 2009 6:13 pm. And more.",
    ):
        parsed = parse(text.replace(note, f'<span class="gensmall">{other}</span>'), "viewtopic.php?f=4&t=14")
        assert not any(post.edited for post in parsed.posts)


@pytest.mark.parametrize(
    ("date", "note", "edited_at"),
    [
        (
            "Di 2. Mär 2021, 09:15",
            'Zuletzt geändert von <a href="x" class="username">N99</a> am Di 2. Mär 2021, 10:15, 2-mal geändert.',
            utc(2021, 3, 2, 9, 15),
        ),
        (
            "Вт мар 02, 2021 09:15",
            'Последний раз редактировалось <span class="username">N</span> Вт мар 02, 2021 10:15, всего 1 раз.',
            utc(2021, 3, 2, 9, 15),
        ),
        (
            "mar. 2 mars 2021, 09:15",
            'Dernière modification par <a class="username" href="x">N</a> le mar. 2 mars 2021, 10:15, modifié 1 fois.',
            utc(2021, 3, 2, 9, 15),
        ),
    ],
)
def test_edit_notes_of_other_languages(date: str, note: str, edited_at: datetime) -> None:
    after = f'<div class="notice">{note}<br><strong>Grund:</strong> <em>12:30 falsch</em></div>'
    read = topic(post(date=date, after=after)).posts[0]
    assert (read.created_at, read.edited, read.edited_at) == (utc(2021, 3, 2, 8, 15), True, edited_at)


def test_notices_that_are_no_edits() -> None:
    bump = f'<div class="notice"><br /><br />Bumped by {NURSE} on Tue Mar 02, 2021 11:00 am.</div>'
    files = '<div class="notice">You do not have the required permissions to view the files attached.</div>'
    assert [read.edited for read in topic(post(after=bump), post(after=files, number=2)).posts] == [False, False]


@pytest.mark.parametrize(
    ("markup", "author", "author_id"),
    [
        (NURSE.replace(">Nurse<", ' itemprop="url"><span itemprop="name">Nurse</span><'), "Nurse", "7"),
        ('<span class="username">Guest &lt;3</span>', "Guest <3", None),
        (NURSE.replace(">Nurse", '><i class="fa fa-star"></i> Nurse'), "Nurse", "7"),
        ('<span style="color:red" class="username-coloured"><del>Gone</del></span>', "Gone", None),
        ('<a href="./member/nurse-u7.html" class="username">Nurse</a>', "Nurse", "7"),
        ('<a href="./memberlist.php?mode=viewprofile&amp;u=7" class="username"></a>', None, "7"),
    ],
)
def test_names(markup: str, author: str | None, author_id: str | None) -> None:
    read = topic(post(name=markup)).posts[0]
    assert (read.author, read.author_id) == (author, author_id)


def test_ads_and_similar_topics_are_no_posts() -> None:
    ad = '<div class="post bg1"><div class="postbody"><div class="content"><a href="http://shop.example">x</a>'
    ad += "</div></div></div>"
    similar = (
        '<ul class="topiclist topics"><li class="row"><a href="./viewtopic.php?t=77" class="topictitle">Others</a> '
        f"by {NURSE} &raquo; {TIME}</li></ul>"
    )
    parsed = topic(post(), ad, post("more", number=2), behind=similar)
    assert [read.post_id for read in parsed.posts] == ["1", "2"]
    assert [read.body_text for read in parsed.posts] == ["words", "more"]
    assert [thread.thread_id for thread in parsed.threads] == ["42"]


def test_an_offset_that_is_no_multiple_of_the_page_counts_from_itself() -> None:
    text = (PAGES / "topic-3.3.html").read_text(encoding="utf-8")
    assert [read.position for read in parse(text, "viewtopic.php?t=42&start=6").posts] == [7, 8, 9]


# -- lists --------------------------------------------------------------------------------------------------------


def test_a_forum_of_3_0() -> None:
    parsed = own("board-3.0.html", "viewforum.php?f=2")
    assert (parsed.page_kind, parsed.page, parsed.last_page) == (PageKind.BOARD, 1, 2)
    rules, first, moved, other = parsed.threads
    assert [thread.is_sticky for thread in parsed.threads] == [True, True, False, False]
    assert [thread.is_locked for thread in parsed.threads] == [False, True, None, False]
    assert (rules.author, rules.author_id) == ("Matron", "7")
    assert (first.author, first.reply_count, first.view_count, first.page_count) == ("Sister Tansy", 14, 1234, 2)
    assert (moved.author, moved.author_id, moved.thread_type) == ("Visiting - uncle", None, "redirect")
    assert (other.title, other.author) == ("Salt & water", "Former member")
    assert (other.created_at, other.last_post_at) == (utc(2011, 10, 3, 19, 54), utc(2011, 10, 4, 19, 54))


def test_the_name_of_the_forum_behind_a_date_is_no_part_of_it() -> None:
    text = (PAGES / "board-3.0.html").read_text(encoding="utf-8")
    text = text.replace("section-viewforum", "section-search").replace(
        "&raquo; Mon Oct 03, 2011 9:54 pm",
        '&raquo; Mon Oct 03, 2011 9:54 pm\n\t\tin <a href="./viewforum.php?f=4">Neurology</a>',
    )
    found = parse(text, "search.php?search_id=active_topics").threads
    assert {thread.created_text for thread in found} == {"Mon Oct 03, 2011 9:54 pm"}


def test_an_index_of_phpbb_2_whose_names_run_over_lines() -> None:
    row = (
        '<table class="forumline"><tr><td class="row1"><span class="forumlink"> <a href="viewforum.php?f=31&amp;sid='
        '9ae26003b08c52b15c7ea58defdba2f8" class="forumlink">Head \n\nand neck</a><br />\n</span> <span class="genmed">'
        'All \n\nabout it in the <a \n\nhref="http://atlas.example/">atlas</a>.<br />\n</span></td><td class="row2">'
        '<span class="gensmall">32</span></td><td class="row2"><span class="gensmall">56</span></td></tr></table>'
    )
    form = '<form action="login.php"><input type="password" name="password"><input name="autologin"></form>'
    parsed = parse(f"<body>{row}{form}</body>", "index.php")
    assert parsed.page_kind is PageKind.INDEX
    (board,) = parsed.boards
    assert (board.title, board.description) == ("Head and neck", "All about it in the atlas.")
    assert (board.thread_count, board.post_count, board.url) == (32, 56, f"{BASE}viewforum.php?f=31")


# -- odd pages ----------------------------------------------------------------------------------------------------


def test_a_forum_without_topics() -> None:
    body = '<h2 class="forum-title"><a href="./viewforum.php?f=9">New ward</a></h2><div class="action-bar bar-top">'
    body += '<a href="./posting.php?mode=post&amp;f=9">New Topic</a></div><strong>There are no topics.</strong>'
    parsed = page("viewforum", body, "viewforum.php?f=9")
    assert (parsed.page_kind, parsed.page, parsed.last_page) == (PageKind.BOARD, 1, 1)
    assert [(board.title, board.description) for board in parsed.boards] == [("New ward", None)]


REVIEW = '<div id="topicreview"><div class="post bg2" id="pr9"><div class="postbody"><div class="content">old</div>'
REVIEW += "</div></div></div>"
MODAL = '<form action="./ucp.php?mode=login"><input type="password" name="password"></form>'
REGISTER = '<form id="register" action="./ucp.php?mode=register"><input type="password" name="new_password"></form>'
LONG_FORM = '<form action="./ucp.php?mode=login" id="login"><input type="password" name="password"></form>'


@pytest.mark.parametrize(
    ("section", "url", "body", "kind"),
    [
        ("ucp", "ucp.php?mode=register", REGISTER, PageKind.UNKNOWN),
        ("ucp", "ucp.php?mode=login", LONG_FORM, PageKind.LOGIN),
        ("posting", "posting.php?mode=reply&t=42", REVIEW, PageKind.UNKNOWN),
        ("faq", "faq.php", MODAL, PageKind.UNKNOWN),
        ("memberlist", "memberlist.php", LONG_FORM, PageKind.LOGIN),
        ("viewonline", "viewonline.php", '<a href="./viewtopic.php?f=2&amp;t=4">Reading</a>', PageKind.UNKNOWN),
        ("app", "app.php/help/faq", '<div class="content"><h2>Login</h2></div>', PageKind.UNKNOWN),
        ("search", "search.php?keywords=x", "<strong>No suitable matches were found.</strong>", PageKind.EMPTY),
        ("viewtopic", "viewtopic.php?t=1", f'{MODAL}<div id="message"><p>No topic.</p></div>', PageKind.ERROR),
    ],
)
def test_pages_that_are_neither_topic_nor_list(section: str, url: str, body: str, kind: PageKind) -> None:
    parsed = page(section, body, url)
    assert (parsed.page_kind, parsed.posts, parsed.threads) == (kind, [], [])
    assert parsed.reason


@pytest.mark.parametrize(
    ("name", "place", "part"),
    [
        ("topic-3.3.html", "</body>", "<select"),
        ("topic-phpbb2-quotes.html", "</body>", "<select"),
        ("board-3.0.html", "Read this first", "topictitle "),
        ("board-3.0.html", "</dt>", "f=2 "),
        ("topic-wget-subsilver2.html", '<div id="pageheader">', "UTC "),
        ("topic-3.3.html", '<div class="postbody">', "username "),
    ],
)
def test_signs_without_their_tags_do_not_make_a_page_last(name: str, place: str, part: str) -> None:
    text = (PAGES / name).read_text(encoding="utf-8")
    assert place in text
    start = time.process_time()
    parse(text.replace(place, part * (200_000 // len(part)) + place, 1))
    assert time.process_time() - start < 2
