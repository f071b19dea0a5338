"""Invision Community 4: own pages in the software's markup, version by version, and quotes of all versions."""

import pytest

from crawler.records import Attachment, Link, PageKind, Post, Quote, Status
from tests.engines.invision_pages import PAGES, own, parse, topic, utc


def only(content: str) -> Post:
    (post,) = parse(topic(content)).posts
    return post


def test_page_two_of_a_topic() -> None:
    case = own("thread-4", "https://ward.example/topic/501-stent-sizing-in-small-vessels/page/2/")
    assert (case.page_kind, case.engine_version, case.containers) == ("thread", "4.5", 3)
    assert (case.page, case.last_page, case.thread_id, case.board_id) == (2, 3, "501", "7")
    assert case.next_url == "https://ward.example/topic/501-stent-sizing-in-small-vessels/page/3/"
    (thread,) = case.threads
    assert (thread.title, thread.prefix, thread.tags) == (
        "Stent sizing in <small> vessels",
        "Case",
        ["stent", "imaging"],
    )
    assert (thread.author, thread.author_id, thread.created_at) == ("Ada M.", "11", utc("2023-03-01T09:00"))
    assert (thread.reply_count, thread.view_count, thread.page_count) == (57, 5120, 3)
    assert (thread.is_sticky, thread.is_locked, thread.solution_post_id) == (True, True, "9027")
    assert thread.url == "https://ward.example/topic/501-stent-sizing-in-small-vessels/"


def test_a_post_with_everything() -> None:
    post = own("thread-4", "https://ward.example/topic/501-stent-sizing-in-small-vessels/page/2/").posts[0]
    assert (post.post_id, post.position, post.is_opening) == ("9026", 26, False)
    assert (post.author, post.author_id) == ("Bea O'Hara", "14")
    assert (post.created_at, post.created_text) == (utc("2023-03-02T10:00"), "March 2, 2023")
    assert (post.edited, post.edited_at) == (True, utc("2023-03-02T11:30"))
    assert post.body_text.split("\n") == [
        "@Ada M. the smaller one :), see the trial:",
        "- two",
        "- three",
        "Answer inside.",
        "if x < 2:",
        "    y",
        "sizing.pdf",
    ]
    assert post.quotes == [
        Quote(post_id="9003", author="Ada M.", text="Which balloon first?"),
        Quote(post_id="9001", author="Cy", text="Inner words."),
    ]
    assert post.reactions == 6
    assert post.attachments == [
        Attachment(url="https://ward.example/uploads/monthly_2023_03/angio.jpg.1f.jpg", name="angio.jpg"),
        Attachment(url="https://ward.example/applications/core/interface/file/attachment.php?id=45", name="sizing.pdf"),
    ]
    assert post.links == ["https://trials.example/small?a=1&b=2"]
    assert post.url == ("https://ward.example/topic/501-stent-sizing-in-small-vessels/?do=findComment&comment=9026")


def test_guests_and_posts_that_wait_for_approval() -> None:
    _, guest, waiting = own("thread-4", "https://ward.example/topic/501-x/page/2/").posts
    assert (guest.author, guest.author_id, guest.reactions) == ("Visitor Dee", None, 0)
    assert guest.quotes == [Quote(author="Somebody", text="Words from a book.")]
    assert (waiting.status, waiting.position, waiting.reactions) == (Status.HIDDEN, 28, 7)


def test_a_board_in_german() -> None:
    board = own("board-4")
    assert (board.page_kind, board.board_id, board.page, board.last_page) == ("board", "7", 1, 4)
    assert board.next_url == "https://ward.example/index.php?/forum/7-coronary/&page=2"
    assert [(found.board_id, found.title, found.parent_id, found.post_count) for found in board.boards] == [
        ("7", "Coronary", "3", None),
        ("12", "Imaging", "7", 1234),
        ("13", "CT", "12", None),
    ]
    assert board.boards[0].description == "Vessels of the heart."
    first, second = board.threads
    assert (first.thread_id, first.title, first.prefix, first.tags) == ("501", "Stent sizing", "Case", ["stent"])
    assert (first.author, first.author_id, first.created_at) == ("Ada M.", "11", utc("2023-03-01T09:00"))
    assert (first.created_text, first.last_post_at) == ("1. März 2023", utc("2023-03-05T08:15"))
    assert (first.reply_count, first.view_count, first.page_count) == (57, 5120, 3)
    assert (first.is_sticky, first.is_locked, first.thread_type) == (True, True, "discussion")
    assert first.url == "https://ward.example/index.php?/topic/501-stent-sizing/"
    assert (second.author, second.author_id, second.view_count) == ("Visitor Dee", None, 17_000)
    assert (second.is_sticky, second.is_locked, second.thread_type) == (False, False, "poll")


def test_a_topic_that_was_moved_away_is_a_link() -> None:
    moved = Link(rel="redirect", url="https://ward.example/index.php?/topic/333-gone-elsewhere/", thread_id="333")
    assert own("board-4").links == [moved]


def test_an_index_with_categories_and_a_grid() -> None:
    index = own("index-4")
    assert (index.page_kind, index.threads, index.board_id) == (PageKind.INDEX, [], None)
    assert [(board.board_id, board.title, board.parent_id, board.post_count) for board in index.boards] == [
        ("3", "Cardiology", None, None),
        ("7", "Coronary", "3", 1_151_342),
        ("12", "Imaging", "7", None),
        ("20", "Lounge", None, None),
        ("21", "Coffee", "20", None),
    ]


def test_the_fluid_view_of_an_index_lists_topics() -> None:
    page = (PAGES / "board-4.html").read_text(encoding="utf-8")
    start = page.find("<div class='ipsList_reset cForumList")
    end = page.find("<div data-controller='forums.front.forum.forumPage'>")
    fluid = (page[:start] + page[end:]).replace("data-pageController='forums'", "data-pageController='index'")
    parsed = parse(fluid)
    assert (parsed.page_kind, parsed.board_id) == (PageKind.BOARD, None)
    assert [thread.thread_id for thread in parsed.threads] == ["501", "502"]


@pytest.mark.parametrize("title", ["ipsStreamItem_title", "ipsStreamItem__title"])
def test_a_stream_of_activity_names_topics(title: str) -> None:
    item = (
        "<li class='ipsStreamItem ipsStreamItem_contentBlock' data-role='activityItem'><h2 class='ipsType_reset "
        "ipsStreamItem_title ipsType_break'><a href='/topic/{0}-x/?do=findComment&amp;comment=9' data-linkType='link'>"
        "Topic {0}</a></h2><p class='ipsType_reset ipsStreamItem_status'><a href='/profile/4-bea/'>Bea</a> replied in "
        "<a href='/forum/3-cardiology/'>Cardiology</a></p></li>"
    )
    items = (item.format(5) + item.format(6) + item.format(5)).replace("ipsStreamItem_title", title)
    parsed = parse(f'<body class="ipsApp" data-pageapp="core" data-pagecontroller="streams"><ol>{items}</ol></body>')
    assert parsed.page_kind == PageKind.BOARD
    assert [(thread.thread_id, thread.title, thread.board_id) for thread in parsed.threads] == [
        ("5", "Topic 5", "3"),
        ("6", "Topic 6", "3"),
    ]
    assert parsed.threads[0].url == "https://ward.example/topic/5-x/"


def test_a_category_without_topics_is_an_index() -> None:
    page = (PAGES / "board-4.html").read_text(encoding="utf-8")
    category = page[: page.find("<div data-controller='forums.front.forum.forumPage'>")] + "</body></html>"
    parsed = parse(category)
    assert (parsed.page_kind, parsed.board_id) == (PageKind.INDEX, "7")


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("error-4", "error", "The page you are trying to access is not available for your account. (2F173/1)"),
        ("error-3", "error", "Sorry, you don't have permission for that!"),
        ("login-4", "login", "the page is a form to log in or register"),
        ("login-3", "login", "the page is a form to log in or register"),
    ],
)
def test_errors_and_logins(name: str, kind: str, reason: str) -> None:
    parsed = own(name)
    assert (parsed.page_kind, parsed.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("controller", "content", "kind"),
    [
        ("topic", "<p>Nothing here.</p>", "unknown"),
        ("topic", "<p>Code: 2F173/K</p>", "error"),
        ("streams", "", "empty"),
        ("profile", "", "unknown"),
        ("page", "", "unknown"),
    ],
)
def test_pages_without_posts_say_why(controller: str, content: str, kind: str) -> None:
    parsed = parse(f'<body class="ipsApp" data-pageapp="x" data-pagecontroller="{controller}">{content}</body>')
    assert parsed.page_kind == kind
    assert parsed.reason


def test_a_post_without_text_makes_the_page_unknown() -> None:
    parsed = parse(topic("One.", "Two.").replace("data-role='commentContent'", "data-role='else'", 1))
    assert (parsed.page_kind, parsed.posts) == ("unknown", [])
    assert parsed.reason == "the post 1 could not be read: its element holds no text of a post"


def test_comments_of_another_application_are_no_topic() -> None:
    tag = '<body class="ipsApp" data-pageapp="gallery" data-pagecontroller="view">'
    parsed = parse(topic("Nice picture.", body_tag=tag))
    assert (parsed.page_kind, parsed.reason) == ("unknown", "the page holds comments of gallery, no topic")


def test_comments_name_their_application() -> None:
    page = topic("Nice.", body_tag="<body class='ipsApp'>")
    blog = page.replace("&quot;contentid", "&quot;contentapp&quot;:&quot;blog&quot;,&quot;contentid")
    assert parse(blog).reason == "the page holds comments of blog, no topic"


def test_a_forum_with_a_password_asks_for_it() -> None:
    address = "https://ward.example/forum/4-w/?passForm=1"
    form = f"<form class='ipsForm' action='{address}' method='post'><input type='password'></form>"
    body = f'<body class="ipsApp" data-pageapp="forums" data-pagecontroller="forums">{form}</body>'
    assert parse(body, address).page_kind == "login"


def test_what_stands_beside_the_text_of_a_post_of_4_7() -> None:
    share = """<div class='ipsHide cPostShareMenu' id='elShareComment_1_menu'><h5>Link to comment</h5>
        <button data-role='webShare' data-webShareText='One. <b>
        don&#039;t' data-webShareUrl='https://ward.example/'>More sharing options...</button></div>"""
    stats = "<li data-role='stats'><!--\n<a href='/profile/7-ada/content/' title='381 posts'>\n381\n</a>\n--></li>"
    page = topic("<p>One.</p>", "<p>Two.</p>").replace("</div></div></article>", f"</div>{share}</div></article>")
    parsed = parse(page.replace("<div id='comment-", f"{stats}<div id='comment-"))
    assert [(post.post_id, post.body_text) for post in parsed.posts] == [("1", "One."), ("2", "Two.")]


def test_a_picture_that_opens_larger_is_no_link() -> None:
    picture = '<img data-fileid="2" src="/small.png" alt="x.png">'
    post = only(f'<p>See <a data-ipslightbox="" data-wrappedlink="" href="/big.png">{picture}</a></p>')
    assert (post.links, post.body_text) == ([], "See")
    assert post.attachments == [Attachment(url="https://ward.example/small.png", name="x.png")]


def test_points_of_versions_4_0_and_4_1() -> None:
    points = "<span class='ipsReputation_count ipsType_negative'><i class='fa fa-heart'></i> -2</span>"
    assert parse(topic("One.").replace("One.</div>", f"One.</div>{points}")).posts[0].score == -2


def test_the_placeholder_of_an_ignored_post_is_no_second_post() -> None:
    page = topic("One.").replace(
        "<article", '<div class="ipsComment_ignored" data-ignorecommentid="elComment_1"></div><article'
    )
    assert [post.body_text for post in parse(page).posts] == ["One."]


def test_a_topic_that_only_the_addresses_of_its_posts_name() -> None:
    link = "<a href='https://ward.example/topic/5-x/?do=findComment&amp;comment={}'>Posted</a>"
    page = topic("One.", "Two.").replace("&quot;contentid&quot;:5", "&quot;else&quot;:1")
    for number in ("1", "2"):
        page = page.replace(f"<div id='comment-{number}_wrap'", f"{link.format(number)}<div id='comment-{number}_wrap'")
    parsed = parse(page, "https://ward.example/saved.html")
    assert (parsed.page_kind, parsed.thread_id, len(parsed.posts)) == ("thread", "5", 2)


def test_a_guest_whose_name_holds_quotes() -> None:
    page = topic("One.").replace(
        "&quot;username&quot;:&quot;Ada&quot;", "&quot;username&quot;:&quot;A \\&quot;d&#039;a\\u00e9&quot;"
    )
    assert parse(page).posts[0].author == "A \"d'aé"


def test_a_post_whose_author_stands_in_its_pane_only() -> None:
    page = (
        topic("One.")
        .replace("data-quoteData", "data-dropped")
        .replace(
            "<div id='comment-1_wrap'",
            "<aside class='ipsComment_author'><h3 class='cAuthorPane_author'><strong><a href='/profile/9-bea/'>Bea</a>"
            "</strong></h3></aside><time datetime='2024-01-02T03:04:05Z'>January 2</time><div id='comment-1_wrap'",
        )
    )
    (post,) = parse(page, "https://ward.example/topic/5-x/").posts
    assert (post.author, post.author_id, post.created_at) == ("Bea", "9", utc("2024-01-02T03:04:05"))


def test_a_question_has_its_answers_in_the_order_of_votes() -> None:
    page = topic("Why?", "<i></i>Because.", "So.").replace(
        "<div id='comment-2_wrap'", "<span data-role='voteCount' data-voteCount='-3'>-3</span><div id='comment-2_wrap'"
    )
    posts = parse(page).posts
    assert [(post.position, post.score) for post in posts] == [(1, None), (None, -3), (None, None)]


@pytest.mark.parametrize(
    ("content", "quote", "text"),
    [
        (
            (
                '<blockquote class="ipsQuote" data-ipsquote-contenttype="messenger" data-ipsquote-contentcommentid="8" '
                'data-ipsquote-username="Bea"><div class="ipsQuote_contents"><p>Said.</p></div></blockquote><p>So.</p>'
            ),
            Quote(author="Bea", text="Said."),
            "So.",
        ),
        (
            (
                '<blockquote class="ipsBlockquote" data-author="Bea" data-cid="8" data-time="1349300040"><p>Said.</p>'
                "</blockquote><p>So.</p>"
            ),
            Quote(post_id="8", author="Bea", text="Said."),
            "So.",
        ),
        (
            '<blockquote class="ipsStyle_spoiler" data-ipsspoiler=""><p>Own words.</p></blockquote>',
            None,
            "Own words.",
        ),
        ("<blockquote class='ipsQuote'>Said.</blockquote>So.", Quote(text="Said."), "So."),
        (
            (
                '<p class="citation">Bea, on 17 Aug 2015 - 2:33 PM, said:<a class="snapback right" rel="citation" '
                'href="/index.php?app=forums&amp;section=findpost&amp;pid=8"><img src="s.png"></a></p>'
                '<blockquote class="ipsBlockquote built" data-author="Bea" data-cid="8"><p>Said.</p></blockquote>So.'
            ),
            Quote(post_id="8", author="Bea", text="Said."),
            "So.",
        ),
        (
            (
                '<blockquote class="ipsBlockquote built"><p class="citation">Bea said:</p><div class="blockquote">'
                '<div class="quote">Said.</div></div></blockquote>So.'
            ),
            Quote(author="Bea", text="Said."),
            "So.",
        ),
    ],
)
def test_quotes_of_all_versions(content: str, quote: Quote | None, text: str) -> None:
    post = only(content)
    assert (post.quotes, post.body_text) == ([quote] if quote else [], text)


@pytest.mark.parametrize(
    ("heading", "author"),
    [
        ("Bea O'Neill, on 05 March 2012 - 10:12 PM, said:", "Bea O'Neill"),
        ("'Bea', on 05 Mar 2012 - 10:12 PM, said:", "Bea"),
        ("Bea said:", "Bea"),
        ("Bea, le 05 mars 2012 - 22:12, dit :", "Bea"),
        ("Bea schrieb am 05 März 2012 - 22:12:", "Bea"),
        ("Bea (05 Март 2012 - 22:12) писал:", "Bea"),
        ("Użytkownik Bea dnia 05 marzec 2012 - 22:12 napisał", "Bea"),
        ("QUOTE (Bea @ Mar 5 2006, 10:12 PM)", "Bea"),
        ("Цитата(Bea)", "Bea"),
        ("Quote", None),
    ],
)
def test_who_wrote_what_is_quoted_in_ip_board(heading: str, author: str | None) -> None:
    link = '<a class="snapback" href="/index.php?app=forums&amp;section=findpost&amp;pid=8"><img src="s.png"></a>'
    quoted = '<div class="blockquote"><div class="quote">Said.</div></div>'
    post = only(f'<p class="citation">{link}{heading}</p>{quoted}So.')
    assert (post.quotes, post.body_text) == ([Quote(post_id="8", author=author, text="Said.")], "So.")


def test_a_quote_that_only_its_heading_explains() -> None:
    heading = (
        '<a class="ipsPos_right" href="/topic/5-x/?do=findComment&amp;comment=8"><i></i></a>On 3/1/2023, Bea O. said:'
    )
    quote = f'<div class="ipsQuote_citation">{heading}</div><div class="ipsQuote_contents"><p>Said.</p></div>'
    post = only(f'<blockquote class="ipsQuote" data-ipsquote="">{quote}</blockquote><p>So.</p>')
    assert (post.quotes, post.body_text) == ([Quote(post_id="8", author="Bea O.", text="Said.")], "So.")


def test_code_with_numbered_lines() -> None:
    code = '<ol class="linenums"><li class="L0"><span class="kwd">if</span> x:</li><li class="L1">  y</li></ol>'
    assert only(f'<p>Run</p><pre class="ipsCode prettyprinted">{code}</pre><p>twice.</p>').body_text.split("\n") == [
        "Run",
        "if x:",
        "  y",
        "twice.",
    ]
