"""vBulletin: what skins, languages, and pages that are no threads taught; own words in markup seen on other sites."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.vbulletin import VBulletin
from crawler.records import PageKind, ParsedPage, Quote, Status

ENGINE = VBulletin()
PAGES = Path(__file__).parent / "pages" / "vbulletin"
FETCHED_AT = datetime(2022, 2, 20, 8, 35, tzinfo=UTC)
THREAD = "https://ward.example/showthread.php?t=501"


def parse(body: str, url: str = THREAD) -> ParsedPage:
    return ENGINE.parse(Page(url=url, body=body.encode(), site="ward", fetched_at=FETCHED_AT))


def own(name: str, url: str) -> ParsedPage:
    return parse((PAGES / f"{name}.html").read_text(encoding="utf-8"), url)


def utc(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


# -- names that link to nobody, boards in rewritten addresses -------------------------------------------------------


@pytest.fixture
def menus() -> ParsedPage:
    return own(
        "thread-3-menus", "https://ward.example/questions/iron-111/ferritin-of-12-without-anaemia-4175/page2.html"
    )


def test_members_are_known_by_the_menu_of_their_post(menus: ParsedPage) -> None:
    assert [(post.author, post.author_id) for post in menus.posts] == [
        ("ivy", "642"),
        ("a guest", None),
        ("otto", "669"),
    ]


def test_a_board_in_a_rewritten_trail(menus: ParsedPage) -> None:
    assert (menus.thread_id, menus.board_id, menus.page, menus.last_page) == ("4175", "111", 2, 2)
    assert menus.threads[0].reply_count == 17


def test_one_name_with_a_number_in_the_trail_is_no_board() -> None:
    page = (PAGES / "thread-3-menus.html").read_text(encoding="utf-8").replace("blood-50/", "blood/")
    assert parse(page).board_id is None


def test_ads_and_votes_are_no_words_of_a_post(menus: ParsedPage) -> None:
    assert menus.posts[0].body_text == "Treat the fatigue."
    assert menus.posts[0].quotes == [Quote(post_id="6328", author="ned", text="Treat the number?")]


def test_a_post_whose_message_has_no_number(menus: ParsedPage) -> None:
    last = menus.posts[2]
    assert (last.post_id, last.position, last.body_text) == ("6331", 18, "Check again in March.")
    assert (last.created_text, last.created_at) == ("02-15-2022, 09:27:04 PM", utc("2022-02-16T02:27:04"))


def test_boards_within_a_cell_are_no_description() -> None:
    index = own("index-3-tables", "https://ward.example/index.php")
    assert [(board.board_id, board.title, board.parent_id, board.description) for board in index.boards] == [
        ("4", "Вопросы врачу", None, None),
        ("7", "Сердце", "4", None),
        ("51", "Аритмии", "7", None),
        ("54", "Давление", "7", None),
        ("3", "Почки", "4", "Только почки"),
    ]
    assert [(board.thread_count, board.post_count) for board in index.boards if board.parent_id == "4"] == [
        (761, 7000),
        (3943, 10190),
    ]


def test_remarks_in_small_letters_are_neither_description_nor_author() -> None:
    remark = '<span class="smallfont"></span><span class="smallfont">(2)</span><span class="smallfont">(2)</span>'
    index = (
        f'<html><body><table><tr><td id="f7"><a href="forumdisplay.php?f=7">Iron</a>{remark}'
        '<div class="smallfont">All about iron</div></td><td>3</td><td>9</td></tr></table></body></html>'
    )
    (board,) = parse(index, "https://ward.example/index.php").boards
    assert (board.title, board.description, board.post_count) == ("Iron", "All about iron", 9)
    row = (
        '<tbody id="threadbits_forum_7"><tr><td id="td_threadtitle_501"><a href="showthread.php?t=501" '
        f'id="thread_title_501">Low</a>{remark}<div class="smallfont">ivy</div></td><td>3</td><td>9</td></tr></tbody>'
    )
    (thread,) = parse(f"<html><body><table>{row}</table></body></html>", "https://ward.example/x").threads
    assert (thread.author, thread.view_count) == ("ivy", 9)


@pytest.mark.parametrize(
    "page",
    [
        '<div id="post_message_9">Words<div class="quote"></span><div',
        (
            '<table><td id="td_threadtitle_9"></span><a href="showthread.php?t=9" id="thread_title_9">x</a>'
            '<div class="smallfont"></span></span><span style="float:right"'
        ),
        '<table><td id="td_threadtitle_9"></span></span><span style="float:right" <a id="thread_title_9"',
    ],
)
def test_a_page_cut_off_within_a_tag_is_read_to_its_end(page: str) -> None:
    assert parse(f"<html><body>{page}").reason is None


# -- zones and dates ------------------------------------------------------------------------------------------------

_POST = """
<html dir="ltr" id="vbulletin_html"><head><meta name="generator" content="vBulletin 4.2.2" /></head><body>
<ol id="posts" class="posts" start="1"><li class="postbit postbitim postcontainer old" id="post_9">
<div class="posthead"><span class="postdate old"><span class="date">{day},&nbsp;<span class="time">{clock}</span></span>
</span><span class="nodecontrols"><a name="post9" href="showthread.php?t=501&amp;p=9#post9" class="postcounter">#1</a>
</span></div><div class="username_container"><span class="username guest">ivy</span></div>
<div class="content"><div id="post_message_9"><blockquote class="postcontent restore">{words}</blockquote></div></div>
<!-- edit note --><blockquote class="postcontent lastedited">{edit}</blockquote><!-- / edit note --></li></ol>
<div id="footer_time" class="shade footer_time">{foot}</div></body></html>
"""


def post(day: str = "25-12-2009", clock: str = "18:36", *, words: str = "Words", edit: str = "", foot: str = "") -> str:
    return _POST.format(day=day, clock=clock, words=words, edit=edit, foot=foot)


@pytest.mark.parametrize(
    ("foot", "created_at"),
    [
        ('All times are GMT +5.5. The time now is <span class="time">09:45 PM</span>.', "2009-12-25T13:06:00"),
        ('All times are GMT -3.5. The time now is <span class="time">09:45</span>.', "2009-12-25T22:06:00"),
        ('All times are GMT +5.75. The time now is <span class="time">09:45</span>.', "2009-12-25T12:51:00"),
        ('All times are GMT +5:45. The time now is <span class="time">09:45</span>.', "2009-12-25T12:51:00"),
        ("All times are GMT +2.", "2009-12-25T16:36:00"),
        ('Fuseau horaire GMT +2. Il est actuellement <span class="time">21h45</span>.', "2009-12-25T16:36:00"),
        ('الساعة الآن <span class="time">09:45 PM</span>. جميع الأوقات بتوقيت GMT +3', "2009-12-25T15:36:00"),
        (
            'Bütün Zamanlar WEZ +2 olarak düzenlendi. Saat: <span class="time">21:45</span>.',
            "2009-12-25T16:36:00",
        ),
        ('所有時間均為 GMT +8。現在的時間是 <span class="time">09:45 PM</span>。', "2009-12-25T10:36:00"),
        ('The time now is <span class="time">09:45</span>.', None),
        ("Doctors in GMT +2 meet here.", None),
    ],
)
def test_zones_that_the_foot_states(foot: str, created_at: str | None) -> None:
    assert parse(post(foot=foot)).posts[0].created_at == utc(created_at)


@pytest.mark.parametrize(
    ("day", "clock", "created_at"),
    [
        ("12-25-2009", "12:05 AM", "2009-12-25T00:05:00"),
        ("12-25-2009", "12:05 PM", "2009-12-25T12:05:00"),
        ("25/12/2009", "18h36", "2009-12-25T18:36:00"),
        ("Friday, December 25, 2009", "06:36 PM", "2009-12-25T18:36:00"),
        ("December 25th, 09", "06:36 PM", "2009-12-25T18:36:00"),
        ("25 de Dezembro de 2009", "18:36", "2009-12-25T18:36:00"),
        ("Вчера", "11:19", "2022-02-19T11:19:00"),
        ("Gestern", "11:19", "2022-02-19T11:19:00"),
        ("10-12-2009", "11:19", None),  # October or December
    ],
)
def test_dates(day: str, clock: str, created_at: str | None) -> None:
    page = post(day, clock, foot='All times are GMT. The time now is <span class="time">08:35 AM</span>.')
    assert parse(page).posts[0].created_at == utc(created_at)


def test_a_day_without_a_clock_is_no_instant() -> None:
    page = post(foot="All times are GMT. The time now is 08:35 AM.")
    page = page.replace('25-12-2009,&nbsp;<span class="time">18:36</span>', "December 25th, 2009")
    assert (parse(page).posts[0].created_text, parse(page).posts[0].created_at) == ("December 25th, 2009", None)


def posts(*days: str, below: str = "") -> ParsedPage:
    """A page of posts of those days, numbered as they stand."""
    found = '<div id="edit{0}"><a name="post{0}">x</a> {1}, 10:00 <a id="postcount{0}" name="{0}">{0}</a>'
    found += '<div id="post_message_{0}">Words</div></div>'
    foot = 'All times are GMT. The time now is <span class="time">08:35 AM</span>.'
    content = "".join(found.format(number, day) for number, day in enumerate(days, 1))
    return parse(f"<html><body>{content}<table>{below}</table>{foot}</body></html>")


def test_the_order_of_day_and_month_by_other_dates_of_the_template() -> None:
    similar = '<td><span class="smallfont">10-29-2018 <span class="time">01:11 PM</span></span></td>'
    assert [post.created_at for post in posts("02-03-2010", "02-04-2010", below=similar).posts] == [
        utc("2010-02-03T10:00:00"),
        utc("2010-02-04T10:00:00"),
    ]
    said = "<td>Seen on 29-10-2018 and 10-29-2018</td>"  # somebody's words
    assert [post.created_at for post in posts("02-03-2010", "02-04-2010", below=said).posts] == [None, None]


def test_the_order_of_day_and_month_by_that_of_the_posts() -> None:
    assert [post.created_at for post in posts("09-03-2010", "02-04-2010").posts] == [
        utc("2010-03-09T10:00:00"),
        utc("2010-04-02T10:00:00"),
    ]
    assert [post.created_at for post in posts("03-09-2010", "04-02-2010", "Yesterday").posts][:2] == [
        utc("2010-03-09T10:00:00"),
        utc("2010-04-02T10:00:00"),
    ]
    assert [post.created_at for post in posts("04-05-2010", "05-06-2010").posts] == [None, None]  # both are possible


@pytest.mark.parametrize(
    ("note", "edited_at"),
    [
        ('Geändert von ivy (25.12.2009 um <span class="time">19:51</span> Uhr)', "2009-12-25T19:51:00"),
        ('Dernière modification par ivy ; 25/12/2009 à <span class="time">19h51</span>.', "2009-12-25T19:51:00"),
        (
            'Konu ivy (25-12-2009 Saat <span class="time">19:51</span> ) değiştirilmiştir.',
            "2009-12-25T19:51:00",
        ),
        ('Laatst gewijzigd door ivy; 25-12-2009 om <span class="time">19:51</span>.', "2009-12-25T19:51:00"),
        ('Última edição por ivy; 25-12-2009 às <span class="time">19:51</span>.', "2009-12-25T19:51:00"),
        ('此篇文章於 2009-12-25 <span class="time">07:51 PM</span> 被 ivy 編輯. 原因: x', "2009-12-25T19:51:00"),
    ],
)
def test_edit_notes(note: str, edited_at: str) -> None:
    page = post(edit=note, foot="All times are GMT. The time now is 08:35 AM.")
    edited = parse(page).posts[0]
    assert (edited.edited, edited.edited_at, edited.body_text) == (True, utc(edited_at), "Words")


def test_a_quote_under_a_legend() -> None:
    words = (
        '<fieldset class="quote"><legend>Quote: Originally Posted by <strong>ned</strong> '
        '<a href="showthread.php?p=8#post8">x</a></legend>low</fieldset>Yes.'
    )
    quoting = parse(post(words=words)).posts[0]
    assert (quoting.quotes, quoting.body_text) == ([Quote(post_id="8", author="ned", text="low")], "Yes.")


def test_a_message_with_an_element_that_nothing_closes() -> None:
    page = post(words="One.<div><div>Two.", edit="Last edited by ivy; 25-12-2009 at 07:51 PM.")
    unclosed = parse(page).posts[0]
    assert (unclosed.body_text, unclosed.edited) == ("One.\nTwo.", True)


def test_the_branch_of_a_tree_has_no_positions() -> None:
    page = post().replace(' class="postcounter">#1</a>', "></a>")
    assert parse(page).posts[0].is_opening
    threaded = page.replace("</head>", "<script>writeLink(9, 0, 1, 2, 'L');</script></head>")
    assert (parse(threaded).posts[0].position, parse(threaded).posts[0].is_opening) == (None, False)


@pytest.mark.parametrize(
    ("third", "url"),
    [
        ("showthread.php?s=0123abcd&amp;t=501&amp;page=3", "https://ward.example/showthread.php?t=501&page=3"),
        ("iron/501-low-3.html", "https://ward.example/iron/501-low-3.html"),
    ],
)
def test_the_next_page_of_early_versions(third: str, url: str) -> None:
    pages = (
        '<div class="pagenav"><table><tr><td class="vbmenu_control">Seite 2 von 4</td><td class="alt1">'
        f'<a class="smallfont" href="{third.replace("3", "1")}">1</a></td><td class="alt2"><span>2</span></td>'
        f'<td class="alt1"><a class="smallfont" href="{third}">3</a></td></tr></table></div>'
    )
    parsed = parse(post().replace('<ol id="posts"', pages + '<ol id="posts"').replace('id="vbulletin_html"', ""))
    assert (parsed.page, parsed.last_page, parsed.next_url) == (2, 4, url)


def test_a_node_with_a_few_words_and_no_text_is_a_post_that_is_not_for_us() -> None:
    page = (PAGES / "topic-5.html").read_text(encoding="utf-8")
    node = (
        '<li data-node-id="900" data-node-publishdate="1475610000" class="b-post js-post"><div class="author"><strong>'
        '<a href="https://ward.example/member/9-otto">otto</a></strong></div><div>You ignore otto.</div></li>'
    )
    at = page.index('<li data-node-id="826"')
    parsed = parse(page[:at] + node + page[at:], "https://ward.example/forum/clinic/821-gout")
    (hidden,) = (post for post in parsed.posts if post.post_id == "900")
    assert (hidden.status, hidden.author, hidden.author_id, hidden.body_text) == (Status.HIDDEN, "otto", "9", "")
    assert parsed.containers == 5


# -- pages that are no threads --------------------------------------------------------------------------------------


def four(script: str, content: str) -> str:
    head = f'<meta name="generator" content="vBulletin 4.2.2" /><script>var THIS_SCRIPT = "{script}";</script>'
    return f'<html id="vbulletin_html"><head>{head}</head><body>{content}</body></html>'


def test_comments_below_an_article_are_no_thread() -> None:
    page = post().replace("</head>", '<script>var THIS_SCRIPT = "vbcms";</script></head>')
    parsed = parse(page, "https://ward.example/content.php/12-iron")
    assert (parsed.page_kind, parsed.posts) == (PageKind.UNKNOWN, [])
    assert "article" in (parsed.reason or "")


def test_posts_that_a_search_found() -> None:
    found = (
        '<li class="imodselector postbit blockrow" id="post_{0}"><h3 class="posttitle">'
        '<a href="showthread.php?501-Iron&amp;p={0}#post{0}">Re: Iron</a></h3><blockquote>low...</blockquote></li>'
    )
    page = four("search", f'<ol id="searchbits" class="searchbits">{found.format(8)}{found.format(9)}</ol>')
    parsed = parse(page, "https://ward.example/search.php?searchid=33")
    assert (parsed.page_kind, parsed.posts) == (PageKind.BOARD, [])
    (thread,) = parsed.threads
    assert (thread.thread_id, thread.title, thread.url) == (
        "501",
        "Iron",
        "https://ward.example/showthread.php?501-Iron",
    )


@pytest.mark.parametrize(
    ("script", "content"),
    [
        ("member", '<ol><li id="vmessage12" class="postbit blockrow"><blockquote>hi</blockquote></li></ol>'),
        ("blog", '<div class="blogbit" id="entry3">Words</div><ol><li class="postbit" id="comment_5">x</li></ol>'),
        ("calendar", '<table id="calendar"><tr><td>1</td></tr></table>'),
        ("announcement", '<ol id="posts"><li class="postbit announcement" id="announcements_3">Hi all</li></ol>'),
        ("vbcms", '<div class="article_preview"><div class="cms_article_txt_content postcontainer">x</div></div>'),
    ],
)
def test_other_pages_have_no_posts(script: str, content: str) -> None:
    parsed = parse(four(script, content), f"https://ward.example/{script}.php?3-x")
    assert (parsed.page_kind, parsed.posts, parsed.threads) == (PageKind.UNKNOWN, [], [])
    assert parsed.reason


def test_what_a_member_wrote_is_no_board() -> None:
    stream = (
        '<html><head><meta name="generator" content="vBulletin 5.6.4"></head><body><ul class="conversation-list '
        'list-container stream-view"><li data-node-id="5" data-node-publishdate="1414155603" class="b-post list-item">'
        '<a class="b-post__stream-post-title" href="https://ward.example/forum/clinic/5-gout">Gout</a></li></ul></body>'
    )
    assert parse(stream, "https://ward.example/activity").page_kind is PageKind.BOARD
    assert parse(stream, "https://ward.example/member/3-ada").page_kind is PageKind.UNKNOWN


def test_messages_under_another_heading() -> None:
    page = (
        '<html><head><meta name="generator" content="vBulletin 3.8.4" /></head><body><table class="tborder"><tr>'
        '<td class="tcat">Mensaje del Sistema</td></tr><tr><td class="panelsurround" align="center"><div class="panel">'
        "{}</div></td></tr></table></body></html>"
    )
    error = parse(page.format("<div>Tema inválido.</div>"))
    assert (error.page_kind, error.reason) == (PageKind.ERROR, "Tema inválido.")
    assert parse(page.format('<div>Tema <input name="title"></div>')).page_kind is PageKind.UNKNOWN


def test_a_guest_who_may_write_only_after_logging_in() -> None:
    head = '<input type="text" name="vb_login_username" id="navbar_username" />'
    form = '<input type="text" name="vb_login_username" id="navbar_username2" />'
    url = "https://ward.example/newthread.php?do=newthread&f=3"
    assert parse(four("newthread", head), url).page_kind is PageKind.UNKNOWN
    assert parse(four("newthread", head + form), url).page_kind is PageKind.LOGIN


def test_talk_of_the_software_is_no_sign_of_it() -> None:
    talk = '<html><head><meta name="description" content="vBulletin or phpBB?"></head><body>vBulletin 4.2</body></html>'
    assert ENGINE.recognise(Page(url="https://a.example/", body=talk.encode(), site="a")) is None
