"""phpBB: topics in the markup of 2.0, 3.0, 3.3 and subSilver 2; what styles and mirrors change; hostile pages."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.phpbb import PhpBB
from crawler.records import Attachment, PageKind, ParsedPage, Poll, PollOption, Quote, Status
from tests.engines.real_pages import FETCHED_AT, verify_never_hangs, verify_survives_anything

ENGINE = PhpBB()
PAGES = Path(__file__).parent / "pages" / "phpbb"
BASE = "https://ward.example/board/"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def parse(name: str, url: str = "viewtopic.php?t=1", change: tuple[str, str] = ("", "")) -> ParsedPage:
    """An own page, with one text of it replaced by another."""
    text = (PAGES / name).read_text(encoding="utf-8")
    assert change[0] in text
    return parse_text(text.replace(*change) if change[0] else text, url)


def parse_text(text: str, url: str = "viewtopic.php?t=1") -> ParsedPage:
    return ENGINE.parse(Page(url=BASE + url, body=text.encode(), site="ward", fetched_at=FETCHED_AT))


# -- topics -------------------------------------------------------------------------------------------------------


def test_a_topic_of_3_0() -> None:
    parsed = parse("topic-3.0.html", "viewtopic.php?f=7&t=91")
    assert (parsed.page_kind, parsed.engine_version, parsed.containers) == (PageKind.THREAD, "3.0", 3)
    assert (parsed.page, parsed.last_page, parsed.board_id, parsed.thread_id) == (1, 2, "7", "91")
    assert parsed.next_url == f"{BASE}viewtopic.php?f=7&t=91&start=3"
    thread = parsed.threads[0]
    assert (thread.title, thread.author, thread.author_id) == ("Blutdruck am Morgen", "Dr. Malve", "33")
    assert (thread.reply_count, thread.page_count, thread.is_locked) == (4, 2, False)
    assert thread.url == f"{BASE}viewtopic.php?f=7&t=91"
    assert thread.poll == Poll(
        question="Wann messt ihr?",
        options=[PollOption(text="Nach dem Aufstehen", votes=9), PollOption(text="Nie", votes=3)],
        voters=12,
    )


def test_one_offset_with_daylight_saving_holds_for_every_date_of_3_0() -> None:
    opening, reply, _ = parse("topic-3.0.html").posts
    assert opening.created_text == "Mo 3. Okt 2011, 21:54"
    assert opening.created_at == utc(2011, 10, 3, 19, 54)
    assert (opening.edited, opening.edited_at) == (True, utc(2011, 10, 3, 20, 2))
    assert reply.created_at == utc(2011, 12, 1, 5, 5)
    assert not reply.edited


def test_own_words_files_and_links_of_3_0() -> None:
    opening, reply, _ = parse("topic-3.0.html").posts
    assert opening.body_text == (
        "Morgens liegt er bei 160 zu 95. :?\n\n- Ramipril 5 mg\n- Amlodipin 5 mg\n"
        "Wer hat http://leitlinie.example/hoch gelesen?"
    )
    assert opening.links == ["http://leitlinie.example/hoch"]
    assert opening.attachments == [
        Attachment(url=f"{BASE}download/file.php?id=12", name="kurve.png"),
        Attachment(url=f"{BASE}download/file.php?id=13", name="protokoll.pdf"),
    ]
    assert (opening.position, opening.is_opening) == (1, True)
    assert opening.url == f"{BASE}viewtopic.php?p=501#p501"
    assert reply.body_text == "Bei mir auch.\nRR 150/90\nRR 145/88\nUnd abends nicht."
    assert reply.quotes == [
        Quote(author="Dr. Malve", text="Morgens liegt er bei 160 zu 95."),
        Quote(text="innen"),
    ]


def test_a_guest_has_a_name_and_no_id() -> None:
    reply = parse("topic-3.0.html").posts[1]
    assert (reply.author, reply.author_id) == ("Gast im Flur", None)
    guest = parse("topic-3.3.html").posts[2]
    assert (guest.author, guest.author_id) == ("Passing patient", None)


def test_a_post_that_the_reader_ignores_is_hidden() -> None:
    ignored = parse("topic-3.0.html").posts[2]
    assert (ignored.status, ignored.body_text, ignored.author) == (Status.HIDDEN, "", "Quacksalber")


def test_a_topic_of_3_3() -> None:
    parsed = parse("topic-3.3.html", "viewtopic.php?t=42&start=4")
    assert (parsed.page_kind, parsed.engine_version) == (PageKind.THREAD, "3.3")
    assert (parsed.page, parsed.last_page, parsed.board_id, parsed.thread_id) == (2, 252, "5", "42")
    assert parsed.next_url == f"{BASE}viewtopic.php?t=42&start=8"
    thread = parsed.threads[0]
    assert (thread.title, thread.prefix) == ("Statins and muscle pain", "Solved")
    assert (thread.reply_count, thread.page_count, thread.is_locked) == (1006, 252, True)
    assert thread.url == "https://ward.example/board/viewtopic.php?t=42"
    assert [post.post_id for post in parsed.posts] == ["9001", "9002", "9003"]
    assert [post.position for post in parsed.posts] == [5, 6, 7]
    assert not any(post.is_opening for post in parsed.posts)


def test_quotes_name_their_post_since_3_2() -> None:
    post = parse("topic-3.3.html").posts[0]
    assert post.quotes == [
        Quote(post_id="8999", author="Prof: Wrote", text="Check the creatine kinase."),
        Quote(author="student", text="Does it hurt?"),
    ]
    assert post.body_text == "It was normal. :) 💊\n\nSee the older thread.\nCK   180\n  LDH 200\nLast words."
    assert post.links == [f"{BASE}viewtopic.php?t=17"]


def test_instants_in_attributes_and_the_edit_in_the_named_zone() -> None:
    post = parse("topic-3.3.html").posts[0]
    assert (post.created_at, post.created_text) == (utc(2021, 3, 2, 8, 15), "Tue Mar 02, 2021 3:15 am")
    assert (post.edited, post.edited_at) == (True, utc(2021, 3, 4, 2, 30))


def test_an_edit_of_yesterday_is_resolved_with_the_fetch_time() -> None:
    post = parse(
        "topic-3.3.html", change=("on Wed Mar 03, 2021 9:30 pm, edited", "on Yesterday, 9:30 pm, edited")
    ).posts[0]
    assert (post.edited, post.edited_at) == (True, utc(2026, 11, 22, 2, 30))


def test_a_bare_offset_of_today_dates_nothing_since_3_1() -> None:
    post = parse("topic-3.3.html", change=('<span title="America/New York">UTC-05:00</span>', "UTC-05:00")).posts[0]
    assert post.created_at == utc(2021, 3, 2, 8, 15)
    assert (post.edited, post.edited_at) == (True, None)


def test_thanks_attachments_and_signature() -> None:
    first, _, third = parse("topic-3.3.html").posts
    assert (first.reactions, third.reactions) == (2, 0)
    assert first.attachments == [Attachment(url=f"{BASE}download/file.php?id=77&mode=view", name="biopsy.jpg")]
    assert "shop" not in first.body_text


def test_deleted_and_unapproved_posts() -> None:
    _, deleted, unapproved = parse("topic-3.3.html").posts
    assert (deleted.status, deleted.body_text, deleted.author) == (Status.REMOVED, "", "intern")
    assert (unapproved.status, unapproved.body_text) == (Status.HIDDEN, "It was the grapefruit.")
    by_author = parse("topic-3.3.html", change=('u=2" class="username">matron', 'u=8" class="username">intern'))
    assert by_author.posts[1].status is Status.DELETED


def test_a_topic_in_tables_of_subsilver_2() -> None:
    parsed = parse("topic-subsilver2.html", "viewtopic.php?f=4&t=88&start=2")
    assert (parsed.page, parsed.last_page, parsed.board_id, parsed.thread_id) == (2, 3, "4", "88")
    assert parsed.next_url == f"{BASE}viewtopic.php?f=4&t=88&start=4"
    first, second = parsed.posts
    assert (first.author, first.author_id, first.position) == ("Mme Tilleul", "19", 3)
    assert (second.author, second.author_id, second.position) == ("Docteur Houx", None, 4)
    assert first.created_at == utc(2013, 2, 1, 3, 15)  # 23:45 at UTC - 3:30
    assert (first.edited, first.edited_at) == (True, utc(2013, 2, 1, 3, 40))
    assert first.body_text == "Oui, au lever.\nTA 110/60"
    assert first.quotes == [Quote(author="Docteur Houx", text="Le matin seulement ?")]
    assert [file.name for file in first.attachments] == ["audiogramme.pdf"]
    assert not second.edited
    thread = parsed.threads[0]
    assert (thread.title, thread.reply_count, thread.is_locked) == ("Vertiges", 4, True)


def test_a_topic_of_phpbb_2() -> None:
    parsed = parse("topic-phpbb2.html", "viewtopic.php?t=61&start=15")
    assert (parsed.engine_version, parsed.thread_id, parsed.board_id) == ("2.0", "61", "9")
    assert (parsed.page, parsed.last_page) == (2, 3)
    assert parsed.next_url == f"{BASE}viewtopic.php?t=61&postdays=0&postorder=asc&start=30"
    first, guest = parsed.posts
    assert (first.author, first.author_id, first.position) == ("Sister Aniseed", "18", 16)
    assert first.created_text == "Sat Oct 09, 2004 10:12 pm"
    assert first.created_at == utc(2004, 10, 10, 3, 12)
    assert (first.edited, first.edited_at) == (True, utc(2004, 10, 10, 3, 20))
    assert first.body_text == "I do, since May.\nMay 3: 2 h\n\nthe form"
    assert first.quotes == [Quote(author="Dr Hop", text="Keep a diary."), Quote(text="aura first")]
    assert (guest.author, guest.author_id, guest.edited) == ("Visitor", None, False)
    assert first.url == f"{BASE}viewtopic.php?p=311#311"
    assert parsed.threads[0].title == "Migraine diary"


@pytest.mark.parametrize(
    ("url", "position"),
    [
        ("viewtopic.php?t=91", 1),
        ("viewtopic.php?p=502#p502", 1),
        ("viewtopic.php?t=91&sk=t&sd=d", None),
        ("viewtopic.php?t=91&st=7", None),
    ],
)
def test_positions_are_counted_only_oldest_first(url: str, position: int | None) -> None:
    assert parse("topic-3.0.html", url).posts[0].position == position


def test_a_topic_sorted_by_author_has_no_positions() -> None:
    change = ('<option value="t" selected="selected">', '<option value="s" selected="selected">')
    post = parse("topic-3.0.html", change=change).posts[0]
    assert (post.position, post.is_opening) == (None, False)


def test_a_thread_page_whose_post_has_no_text_is_unknown() -> None:
    parsed = parse("topic-3.3.html", change=('<div class="content"><blockquote', '<div class="words"><blockquote'))
    assert parsed.page_kind in {PageKind.THREAD, PageKind.UNKNOWN}
    assert parsed.containers == len(parsed.posts)
    text = (PAGES / "topic-3.3.html").read_text(encoding="utf-8").replace('class="post', 'class="x')
    lost = parse_text(text.replace('class="content"', 'class="words"'))
    assert lost.page_kind is PageKind.UNKNOWN
    assert lost.reason


def test_styles_that_rename_the_wrappers() -> None:
    text = (PAGES / "topic-3.3.html").read_text(encoding="utf-8")
    renamed = text.replace('class="post has-profile', 'class="vtouter').replace('class="postbody"', 'class="vtbody"')
    assert [post.body_text for post in parse_text(renamed).posts] == [post.body_text for post in parse_text(text).posts]


def test_a_style_that_adds_classes_to_the_text() -> None:
    text = (PAGES / "topic-3.3.html").read_text(encoding="utf-8")
    marked = text.replace('class="content"', 'class="content clearfix"')
    assert [post.body_text for post in parse_text(marked).posts] == [post.body_text for post in parse_text(text).posts]


def test_a_link_to_another_topic_above_the_title_does_not_name_the_thread() -> None:
    text = (PAGES / "topic-3.3.html").read_text(encoding="utf-8").replace('<link rel="canonical"', '<link rel="x"')
    text = text.replace(
        '<h2 class="topic-title">', '<h3><a href="./viewtopic.php?t=1">Rules</a></h3><h2 class="topic-title">'
    )
    parsed = parse_text(text, "viewtopic.php?p=9001")
    assert (parsed.thread_id, parsed.threads[0].title) == ("42", "Statins and muscle pain")


def test_the_day_of_joining_is_not_the_date_of_a_post() -> None:
    """A style whose panel and head have no names that are known."""
    post = (
        '<div id="p7" class="item"><div class="who">'
        '<a class="username" href="./memberlist.php?mode=viewprofile&amp;u=4">A</a>'
        "<p><strong>Joined:</strong> Thu Jun 22, 2017 8:16 am</p></div><div><h3>At 10:30</h3>"
        '<p class="line"><i class="icon"></i> Tue Jul 04, 2017 10:17 am</p><div class="content">words</div></div></div>'
    )
    page = f'<body id="phpbb" class="section-viewtopic"><h2><a href="./viewtopic.php?t=3">T</a></h2>{post}</body>'
    (read,) = parse_text(page, "viewtopic.php?t=3").posts
    assert (read.created_text, read.created_at) == ("Tue Jul 04, 2017 10:17 am", None)
    assert (read.author, read.author_id, read.body_text) == ("A", "4", "words")


def test_a_page_saved_without_quotes_around_attributes() -> None:
    text = (PAGES / "topic-3.3.html").read_text(encoding="utf-8")
    bare = text.replace('id="p9001" class="post has-profile bg2"', "id=p9001 class='post has-profile bg2'")
    bare = (
        bare.replace('id="p9002"', "id=p9002")
        .replace('id="p9003"', "id=p9003")
        .replace('class="postbody"', "class=postbody")
    )
    assert [post.post_id for post in parse_text(bare).posts] == ["9001", "9002", "9003"]


def test_a_mirror_of_httrack() -> None:
    text = (PAGES / "topic-3.3.html").read_text(encoding="utf-8")
    text = text.replace("&amp;sid=ffeeddccbbaa99887766554433221100", "").replace(
        "./viewtopic.php?", "viewtopic1a2b.html?"
    )
    text = text.replace("./memberlist.php?", "memberlist3d77.html?").replace("./viewforum.php?", "viewforum12a3.html?")
    parsed = parse_text(text, "viewtopic1a2b.html?t=42&start=4")
    assert (parsed.thread_id, parsed.board_id, parsed.page) == ("42", "5", 2)
    assert (parsed.posts[0].author_id, parsed.posts[0].quotes[0].post_id) == ("64", "8999")
    assert parsed.next_url == f"{BASE}viewtopic1a2b.html?t=42&start=8"


def test_a_poll_of_phpbb_2() -> None:
    bar = '<td><table><tr><td><img src="vote_lcap.gif" /></td><td><img src="voting_bar.gif" /></td></tr></table>'
    bar += "</td>"
    rows = "".join(
        f'<tr><td><span class="gen">{name}</span></td>{bar}'
        f'<td><b><span class="gen">&nbsp;{share}%&nbsp;</span></b></td>'
        f'<td align="center"><span class="gen">[ {votes} ]</span></td></tr>'
        for name, share, votes in (("Sumatriptan", 60, 6), ("Rizatriptan 10", 40, 4))
    )
    poll = (
        '<tr><td class="row1" colspan="2"><table><tr><td colspan="4"><span class="gen"><b>Which triptan?</b></span>'
        f"</td></tr><tr><td><table>{rows}</table></td></tr>"
        '<tr><td colspan="4"><span class="gen"><b>Total Votes : 10</b>'
        "</span></td></tr></table></td></tr>"
    )
    head = '<th class="thRight" nowrap="nowrap">Message</th>\n\t</tr>'
    thread = parse("topic-phpbb2.html", change=(head, head + poll)).threads[0]
    assert thread.thread_type == "poll"
    assert thread.poll == Poll(
        question="Which triptan?",
        options=[PollOption(text="Sumatriptan", votes=6), PollOption(text="Rizatriptan 10", votes=4)],
        voters=10,
    )


# -- whatever the bytes -------------------------------------------------------------------------------------------


def test_damaged_pages_give_a_page() -> None:
    verify_survives_anything(ENGINE, sorted(PAGES.iterdir()))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("topic-3.3.html", "It was normal."),
        ("topic-3.0.html", "Bei mir auch."),
        ("topic-subsilver2.html", "Alors hypotension orthostatique."),
        ("topic-phpbb2.html", "Magnesium helped me."),
        ("board-subsilver2.html", "Reflexes of 2 weeks"),
        ("board-phpbb2.html", "Which triptan?"),
        ("message-3.3.html", "The requested topic does not exist."),
        ("login-3.3.html", "Username:"),
        ("board-3.3.html", "Red yeast rice"),
        ("index-3.3.html", "The printed book."),
    ],
)
def test_a_hostile_page_does_not_last(name: str, place: str) -> None:
    verify_never_hangs(ENGINE, PAGES / name, place)


def test_a_search_shown_as_posts_lists_their_topics() -> None:
    post = (
        '<div class="search post bg1"><dl class="postprofile"><dt class="author">by <span class="username">A</span>'
        "</dt>"
        '<dd>Forum: <a href="./viewforum.php?f=5">Lipids</a></dd><dd>Topic: <a href="./viewtopic.php?t=42">Statins</a>'
        '</dd></dl><div class="postbody"><h3><a href="./viewtopic.php?p=9#p9">Re: Statins</a></h3>'
        '<div class="content">words</div></div></div>'
    )
    parsed = parse_text(
        f'<body id="phpbb" class="section-search ltr">{post * 2}</body>', "search.php?author_id=3&sr=posts"
    )
    assert (parsed.page_kind, parsed.containers) == (PageKind.BOARD, 0)
    assert [(thread.thread_id, thread.title, thread.board_id) for thread in parsed.threads] == [("42", "Statins", "5")]


def test_a_forum_behind_a_password_is_a_login() -> None:
    text = '<body id="phpbb" class="section-viewforum ltr"><form id="login_forum" method="post">'
    text += '<h2 class="login-title">Login</h2><input type="password" name="password" /></form></body>'
    assert parse_text(text, "viewforum.php?f=4").page_kind is PageKind.LOGIN


def test_a_post_counter_gives_the_position_where_the_offset_is_unknown() -> None:
    text = (PAGES / "topic-3.3.html").read_text(encoding="utf-8")
    text = text.replace('<p class="author">', '<p class="author"><span class="posti"><a href="#p9001">#5</a></span>', 1)
    parsed = parse_text(text, "viewtopic.php?t=42&start=4&sd=d")
    assert [post.position for post in parsed.posts] == [5, None, None]


def test_a_topic_that_repeats_its_opening_post_on_every_page_is_not_counted() -> None:
    text = (PAGES / "topic-3.3.html").read_text(encoding="utf-8").replace('data-per-page="4"', 'data-per-page="2"')
    assert [post.position for post in parse_text(text, "viewtopic.php?t=42&start=2").posts] == [None, None, None]
