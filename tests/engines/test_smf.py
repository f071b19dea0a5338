"""Simple Machines Forum: posts in own pages, version by version, its relatives, and addresses."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.smf import Smf
from crawler.records import Attachment, PageKind, ParsedPage, PollOption, Status

ENGINE = Smf()
PAGES = Path(__file__).parent / "pages" / "smf"
SCRIPT = '<script>var smf_scripturl = "https://ward.example/index.php";</script>'


def parse(body: str | bytes, url: str = "https://ward.example/index.php", status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status))


def own(name: str, url: str = "https://ward.example/saved.html") -> ParsedPage:
    return parse((PAGES / f"{name}.html").read_bytes(), url)


@pytest.fixture
def old() -> ParsedPage:
    """Page 1 of a topic of 1.1, with session ids in its addresses."""
    return own("thread-1.1")


@pytest.fixture
def german() -> ParsedPage:
    """Page 2 of a topic of 2.0, in German."""
    return own("thread-2.0")


@pytest.fixture
def new() -> ParsedPage:
    """Page 1 of a topic of 2.1."""
    return own("thread-2.1")


# -- posts --------------------------------------------------------------------------------------------------------


def test_topic_of_1_1(old: ParsedPage) -> None:
    assert (old.page_kind, old.engine_version, old.page, old.last_page) == ("thread", "1.1.19", 1, 3)
    assert old.next_url == "http://ward.example/forum/index.php?topic=77.3"  # without the session's id
    (thread,) = old.threads
    assert (thread.thread_id, thread.title, thread.board_id) == ("77", "Sodium after surgery", "4")
    assert (thread.author, thread.author_id, thread.view_count) == ("Ada & Co", "11", 1204)
    assert (thread.is_locked, thread.is_sticky, thread.page_count) == (True, False, 3)
    assert thread.url == "http://ward.example/forum/index.php?topic=77.0"


def test_posts_of_1_1(old: ParsedPage) -> None:
    opening, guest = old.posts
    assert (opening.post_id, opening.position, opening.is_opening) == ("501", 1, True)
    assert (opening.author, opening.author_id, opening.created_text) == (
        "Ada & Co",
        "11",
        "March 03, 2008, 09:15:00 AM",
    )
    assert opening.created_at is None  # the page states no zone
    assert (opening.edited, opening.edited_at) == (True, None)
    assert opening.body_text == "Sodium fell to 121 on day two.\n\nSee this paper."
    assert opening.links == ["http://pubmed.example/9?a=1&b=2"]
    address = "http://ward.example/forum/index.php?action=dlattach;topic=77.0;attach=31"
    assert opening.attachments == [Attachment(url=address, name="chart.png")]
    assert opening.url == "http://ward.example/forum/index.php?topic=77.msg501#msg501"
    assert (guest.position, guest.author, guest.author_id, guest.edited) == (2, "Guest Dot", None, False)
    assert guest.created_text == "Today at 08:20:11 PM"
    assert guest.body_text == "Which fluids?\nNa 121\nK 4.0"


def test_quotes_of_1_1_nest(old: ParsedPage) -> None:
    outer, inner = old.posts[1].quotes
    assert (outer.post_id, outer.author, outer.text) == ("501", "Ada & Co", "Sodium fell to 121\non day two.")
    assert (inner.post_id, inner.author, inner.text) == (None, None, "older words")


def test_topic_of_2_0_in_german(german: ParsedPage) -> None:
    assert (german.page, german.last_page) == (2, 15)
    assert german.next_url == "https://klinik.example/index.php?topic=88.4"
    (thread,) = german.threads
    assert (thread.title, thread.view_count) == ("Gips oder Schiene?", 12345)
    assert (thread.is_sticky, thread.is_locked) == (True, False)
    assert thread.poll is not None
    assert (thread.poll.question, thread.poll.voters) == ("Was nehmt ihr?", 12)
    assert thread.poll.options == [PollOption(text="Gips", votes=9), PollOption(text="Schiene", votes=3)]


def test_posts_of_2_0_in_german(german: ParsedPage) -> None:
    first, second = german.posts
    assert (first.position, first.author, first.author_id) == (3, "Ben", "12")
    assert (first.created_text, first.edited) == ("20. Mai 2014, 08:15:23", False)  # the element for edits is empty
    assert first.body_text == "Ich nehme die Schiene ;)\n- leicht\n- waschbar\na = 1\nb = 2\nEnde."
    assert [(quote.post_id, quote.author, quote.text) for quote in first.quotes] == [
        ("901", "Ada", "Mein Gips."),
        ("900", "Cem", "Innere Worte."),
    ]
    assert (second.author, second.author_id, second.status, second.edited) == ("Gast Dora", None, Status.HIDDEN, True)
    assert [known.name for known in second.attachments] == ["hand.pdf"]


def test_topic_of_2_1(new: ParsedPage) -> None:
    assert (new.engine_version, new.page, new.last_page) == ("2.1.4", 1, 3)
    assert new.next_url == "https://ward.example/index.php?topic=300.15"
    (thread,) = new.threads
    assert (thread.title, thread.is_sticky, thread.is_locked, thread.board_id) == (
        "Night shifts and sleep",
        True,
        True,
        "9",
    )


def test_posts_of_2_1(new: ParsedPage) -> None:
    opening, reply = new.posts
    assert (opening.position, opening.author_id, opening.reactions, opening.edited) == (1, "31", 3, True)
    assert opening.created_text == "January 02, 2023, 10:00:00 AM"
    assert opening.body_text == "How do you sleep after nights?"
    assert [known.name for known in opening.attachments] == ["rota.png"]  # shown in the text
    assert (reply.position, reply.author, reply.author_id) == (2, "Faye (guest)", None)
    assert (reply.created_text, reply.edited) == ("Yesterday at 07:30:00 PM", False)
    assert reply.body_text == "Blackout blinds and this."
    assert [(quote.post_id, quote.author) for quote in reply.quotes] == [("7001", "Eve"), (None, None)]
    assert [known.name for known in reply.attachments] == ["blinds.jpg"]
    assert reply.links == ["https://sleep.example/"]  # none of the signature


@pytest.mark.parametrize(
    ("heading", "author"),
    [
        ("Quote from: John on May 20, 2014, 08:00:00 PM", "John"),
        ("Quote from: Mary Ann on Tour on May 20, 2014, 08:00:00 PM", "Mary Ann on Tour"),
        ("Quote from: User 5 on <strong>Today</strong> at 08:00:00 PM", "User 5"),
        ("Quote from: Kee_257 on Sun, 09 January 2022, 10:44:39", "Kee_257"),
        ("Zitat von: Jo van Dam am 19. Mai 2014, 20:00:00", "Jo van Dam"),
        ("Citation de: Zo\u00e9 le 20 mai 2014, 20:00:00", "Zo\u00e9"),
        ("Cita de: flOrO en 25 de Octubre de 2013, 02:50:27 pm", "flOrO"),
        ("\u0426\u0438\u0442\u0430\u0442\u0430: Ivan \u043e\u0442 20 \u041c\u0430\u044f 2014, 20:00:00", "Ivan"),
        ("Citation de: Zo\u00e9 le Aujourd'hui \u00e0 20:00:00", "Zo\u00e9"),
        ("Cita de: Ana en Hoy a las 10:15:00 am", "Ana"),
        ("Citat fra: Per d. 20. Maj 2014, 20:00:00", "Per"),
        ("Citat: Per 20 Maj 2014, 20:00", "Per"),
        ("Quote from: Ida &ndash; <time data-timestamp='1'>December 31, 2016</time>", "Ida"),
        ("Quote from: Nobody", "Nobody"),
        ("Quote", None),
    ],
)
def test_who_is_quoted(heading: str, author: str | None) -> None:
    quote = f'<div class="quoteheader"><div class="topslice_quote">{heading}</div></div><blockquote>Words</blockquote>'
    parsed = parse(topic(post(5, body=f"{quote}Own.")))
    (found,) = parsed.posts[0].quotes
    assert (found.author, found.text, parsed.posts[0].body_text) == (author, "Words", "Own.")


def post(number: int, *, reply: int = 0, body: str = "Words.", name: str | None = None) -> str:
    label = f"Reply #{reply} on:" if reply else " on:"
    author = name or '<a href="https://ward.example/index.php?action=profile;u=3" title="View">Cem</a>'
    return (
        f'<div class="windowbg"><div class="post_wrapper"><div class="poster"><h4>{author}</h4></div>'
        f'<div class="postarea"><div class="keyinfo"><h5 id="subject_{number}"><a href="#">Re: X</a></h5>'
        f'<div class="smalltext">&#171; <strong>{label}</strong> May 20, 2014, 08:15:23 PM &#187;</div></div>'
        f'<div class="post"><div class="inner" id="msg_{number}">{body}</div></div></div></div></div>'
    )


def topic(*posts: str, canonical: str = "https://ward.example/index.php?topic=1.0", top: str = "") -> str:
    return (
        f'<html><head><title>X</title><link rel="canonical" href="{canonical}" />{SCRIPT}</head><body>{top}'
        f'<div id="forumposts">{"".join(posts)}</div></body></html>'
    )


def test_ad_in_a_post_s_frame_is_no_author() -> None:
    ad = '<div class="post_wrapper"><div class="poster"><h4>Sponsor</h4></div><div class="inner">Buy.</div></div>'
    parsed = parse(topic(post(5), ad, post(6, reply=1)))
    assert [(found.author, found.body_text) for found in parsed.posts] == [("Cem", "Words."), ("Cem", "Words.")]


def test_badge_beside_a_name_is_no_part_of_it() -> None:
    name = '<a href="index.php?action=profile;u=3">Cem</a> <span>(starter)</span>'
    assert [found.author for found in parse(topic(post(5, name=name))).posts] == ["Cem"]


def test_number_in_a_subject_is_no_position() -> None:
    date = (
        '<a href="https://ward.example/index.php?msg={0}" title="{1}" class="smalltext">May 20, 2014, 08:15:23 PM</a>'
    )
    plain = re.compile(r'<a href="#">Re: X</a></h5><div class="smalltext">.*?</div>')
    opening = plain.sub('<a href="#">Round #7</a></h5>' + date.format(5, "Round #7"), post(5))
    reply = plain.sub('<a href="#">Re: Round #7</a></h5>' + date.format(6, "Reply #1 - Re: Round #7"), post(6))
    posts = parse(topic(opening, reply)).posts
    assert [(found.position, found.created_text) for found in posts] == [
        (1, "May 20, 2014, 08:15:23 PM"),
        (2, "May 20, 2014, 08:15:23 PM"),
    ]


def test_edit_note_without_an_id() -> None:
    note = '<div class="smalltext modified">Last Edit: May 21, 2014, 08:15:23 PM by Cem</div>'
    first, second = parse(topic(post(5) + note, post(6, reply=1))).posts
    assert (first.edited, second.edited) == (True, False)


def test_words_for_smileys_are_nobody_s() -> None:
    body = 'Well <img src="/Smileys/default/grin.gif" alt="Grin" /><img src="/Smileys/x.gif" alt=";D" class="smiley" />'
    assert parse(topic(post(5, body=body))).posts[0].body_text == "Well ;D"


def test_position_is_none_where_nothing_tells_it() -> None:
    bare = [re.sub(r'<div class="smalltext">.*?</div>', "", post(number)) for number in (5, 6)]
    assert [found.position for found in parse(topic(*bare)).posts] == [1, 2]
    later = parse(topic(*bare, canonical="https://ward.example/index.php?topic=1.30"))
    assert [found.position for found in later.posts] == [31, 32]
    newest_first = parse(topic(*reversed(bare)))
    assert [found.position for found in newest_first.posts] == [None, None]


def test_posts_that_cannot_be_read_are_not_lost_silently() -> None:
    broken = post(6, reply=1).replace('<div class="post"><div class="inner" id="msg_6">Words.</div></div>', "")
    parsed = parse(topic(post(5), broken))
    assert (parsed.page_kind, parsed.posts) == (PageKind.UNKNOWN, [])
    assert parsed.reason is not None
    assert "6" in parsed.reason


# -- relatives, mirrors, saved pages ------------------------------------------------------------------------------


def test_elkarte_states_instants() -> None:
    body = (
        '<html><head><script>var elk_scripturl = "https://elk.example/index.php";</script></head><body>'
        '<div class="navigate_section"><a href="https://elk.example/index.php?board=2.0">Lab</a>'
        '<a href="https://elk.example/index.php?topic=12.0">Assays</a></div>'
        '<div class="post_wrapper forumposts"><a class="post_anchor" id="msg70"></a><ul class="poster">'
        '<li class="listlevel1"><a class="linklevel1 name" href="https://elk.example/index.php?action=profile;u=4">'
        'Hal</a></li></ul><div class="postarea"><div class="keyinfo"><span id="post_subject_70">Assays</span>'
        '<h5 id="info_70"><a href="https://elk.example/index.php?topic=12.msg70#msg70">Assays</a> '
        '<time title="x" datetime="2017-01-01 10:10" data-timestamp="1483261810">January 01</time></h5></div>'
        '<section id="msg_70" class="messageContent">Which kit?</section>'
        '<span id="modified_70" class="smalltext">Last Edit: <time data-timestamp="1483265410">x</time> by Hal</span>'
        "</div></div></body></html>"
    )
    (found,) = parse(body).posts
    assert (found.author, found.author_id, found.body_text) == ("Hal", "4", "Which kit?")
    assert found.created_at == datetime(2017, 1, 1, 9, 10, 10, tzinfo=UTC)
    assert found.edited_at == datetime(2017, 1, 1, 10, 10, 10, tzinfo=UTC)


def test_posts_numbered_from_one() -> None:
    row = (
        '<tr><td class="windowbg"><table><tr><td class="poster_info" rowspan="2"><b>'
        '<a href="index.php?action=profile;u=3">Cem</a></b></td><td class="td_headerandpost"><table><tr><td>'
        '<div class="subject" id="subject_{0}">'
        '<a href="index.php?topic=1.msg{0}#msg{0}">Re</a></div><div class="smalltext">{2}</div></td><td>'
        '<a class="message_number" href="index.php?topic=1.msg{0}#msg{0}">#{1}</a></td></tr></table>'
        '<div class="post">Words.</div></td></tr></table></td></tr>'
    )
    edited = '<span class="edited" title="Last edit: x">May 20, 2014, 08:15:23 PM</span>'
    body = row.format(5, 1, "May 19, 2014, 08:15:23 PM") + row.format(6, 2, edited)
    posts = parse(topic(f'<form id="quickModForm"><table>{body}</table></form>')).posts
    assert [(found.position, found.author) for found in posts] == [(1, "Cem"), (2, "Cem")]
    assert [found.created_text for found in posts] == ["May 19, 2014, 08:15:23 PM", "May 20, 2014, 08:15:23 PM"]


def test_posts_of_1_0_are_told_by_anchors() -> None:
    row = (
        '<a name="msg{0}"></a><table><tr><td rowspan="2"><b><a href="index.php?action=profile;u=3">Cem</a></b></td>'
        '<td><b>Re</b><div class="smalltext">&#171; <b>{1}on:</b> May 20, 2005 &#187;</div>'
        '<div class="post">Words.</div></td></tr></table>'
    )
    body = topic(row.format(5, ""), row.format(6, "Reply #1 "))
    assert [(found.post_id, found.position, found.author_id) for found in parse(body).posts] == [
        ("5", 1, "3"),
        ("6", 2, "3"),
    ]


@pytest.mark.parametrize("quote", ["", "'"])
def test_page_with_other_quotes_around_attributes(german: ParsedPage, quote: str) -> None:
    body = (PAGES / "thread-2.0.html").read_text(encoding="utf-8")
    for name in ("id", "class"):
        body = re.sub(rf' {name}="([\w-]+)"', rf" {name}={quote}\1{quote}", body)
    assert [(found.post_id, found.author, found.body_text) for found in parse(body).posts] == [
        (found.post_id, found.author, found.body_text) for found in german.posts
    ]


# -- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "number", "address"),
    [
        ("https://w.example/index.php?topic=1.30", "1", "https://w.example/index.php?topic=1.msg5#msg5"),
        ("https://w.example/index.php?PHPSESSID=ab12&topic=1.0", "1", "https://w.example/index.php?topic=1.msg5#msg5"),
        ("https://w.example/index.php?topic=1.0;topicseen", "1", "https://w.example/index.php?topic=1.msg5#msg5"),
        ("https://w.example/index.php/topic,1.15.html", "1", "https://w.example/index.php/topic,1.msg5.html#msg5"),
        ("https://w.example/a/b-t1.0.html", "1", "https://w.example/a/b-t1.msg5.html#msg5"),
        ("https://w.example/index.php@topic=1.0.html", "1", None),
        ("https://w.example/index.php?board=1.0", None, None),
    ],
)
def test_addresses(url: str, number: str | None, address: str | None) -> None:
    assert parse(topic(post(5), canonical=url), url).thread_id == number
    assert ENGINE.post_url(url, "5") == address
    assert ENGINE.page_url(url, 2) is None
    assert ENGINE.page_url(url, 1) == url
    assert "PHPSESSID" not in ENGINE.request_url(url)
