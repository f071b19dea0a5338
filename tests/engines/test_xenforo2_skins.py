"""XenForo 2 in other skins and mirrors: what stands elsewhere than in the software's own templates."""

from datetime import UTC, datetime

import pytest

from crawler.engines.page import Page
from crawler.engines.xenforo2 import XenForo2
from crawler.engines.xenforo2.addresses import quoted_post_of
from crawler.records import ParsedPage, Post

TIME = '<time class="u-dt" datetime="2024-03-01T10:00:00+0100" data-time="1709283600">Mar 1</time>'
CREATED = datetime(2024, 3, 1, 9, tzinfo=UTC)
NAME = '<a href="/members/ada.11/" class="username" data-user-id="11">Ada</a>'
BODY = '<article class="message-body"><div class="bbWrapper">Second look.</div></article>'


def post(number: int, *, name: str = NAME, content: str = BODY) -> str:
    return (
        f'<article class="message message--post js-post" data-author="Ada" data-content="post-{number}">'
        f'<section class="message-user"><h4 class="message-name">{name}</h4></section>'
        f'<header class="message-attribution"><a href="/threads/x.5/post-{number}">{TIME}</a>'
        f'<a href="/threads/x.5/post-{number}">#{number}</a></header>'
        f'<div class="message-content js-messageContent">{content}</div></article>'
    )


def page(*content: str, url: str = "https://ward.example/threads/x.5/", attributes: str = "") -> ParsedPage:
    body = (
        f'<html id="XF" data-app="public" {attributes}><body><div class="p-body">{"".join(content)}</div></body></html>'
    )
    return XenForo2().parse(Page(url=url, body=body.encode(), site="ward"))


def only(*content: str) -> Post:
    (found,) = page(*content).posts
    return found


def quoting(title: str) -> str:
    return (
        '<article class="message-body"><div class="bbWrapper"><div class="bbCodeBlock bbCodeBlock--quote">'
        f'<div class="bbCodeBlock-title">{title}</div><div class="bbCodeBlock-content">First look.</div></div>'
        "Second look.</div></article>"
    )


# -- posts --------------------------------------------------------------------------------------------------------


def test_an_icon_in_a_name_has_a_title_of_its_own() -> None:
    name = (
        '<a class="username" data-user-id="11"><span class="username--style2">Ada'
        '<svg><title>Gold member</title><path d="M0"/></svg></span></a>'
    )
    assert only(post(1, name=name)).author == "Ada"


def test_an_ad_that_writes_tags_does_not_end_the_text() -> None:
    ad = """<script>document.write("<ins></ins></div></article>");</script>"""
    content = f'<article class="message-body"><div class="bbWrapper">Second {ad}look.</div></article>'
    assert only(post(1, content=content)).body_text == "Second look."


def test_a_text_for_members_only_is_hidden() -> None:
    parsed = page(post(1), post(2, content='<div class="blockMessage">Log in to read this.</div>'))
    assert (parsed.page_kind, parsed.containers) == ("thread", 2)
    assert [(post.status, post.body_text) for post in parsed.posts] == [("visible", "Second look."), ("hidden", "")]


@pytest.mark.parametrize(
    ("title", "source"),
    [
        ('<a href="/members/bea.4/" class="avatar"></a><a href="/goto/post?id=8">Bea said:</a>', "8"),
        ('<a href="../../goto/post@id=8.html">Bea said:</a>', "8"),
        ('<a href="/index.php?goto/post&amp;id=8">Bea said:</a>', "8"),
        ('<a href="/goto/profile-post?id=8" data-content-selector="#profile-post-8">Bea said:</a>', None),
        ('<a href="/goto/convMessage?id=8">Bea said:</a>', None),
        ("Bea said:", None),
    ],
)
def test_only_a_quoted_post_is_named(title: str, source: str | None) -> None:
    found = only(post(1, content=quoting(title)))
    assert (found.body_text, [quote.post_id for quote in found.quotes]) == ("Second look.", [source])


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("/threads/convection.5/post-8", "8"),
        ("/goto/post-comment?id=8", None),
        ("/profile-posts/8/", None),
        ("/conversations/x.3/message-8", None),
    ],
)
def test_quoted_post_of(url: str, number: str | None) -> None:
    assert quoted_post_of(url) == number


def test_posts_saved_without_the_attributes_of_scripts() -> None:
    saved = (post(1) + post(2)).replace('data-author="Ada" data-content="', 'id="js-')
    assert [(found.post_id, found.author) for found in page(saved).posts] == [("1", "Ada"), ("2", "Ada")]


# -- posts as cards (VerticalScope) -------------------------------------------------------------------------------


def card(number: int, text: str) -> str:
    return (
        '<div class="MessageCard js-messageCard "><header class="MessageCard__header">'
        '<a class="MessageCard__user-info__name" href="/members/11/" data-user-id="11">Ada</a>'
        f'<a class="MessageCard__date-created" href="/threads/x.5/post-{number}">{TIME}</a>'
        f'<a class="MessageCard__post-position" href="/threads/x.5/post-{number}">#{number}</a></header>'
        f'<div class="MessageCard__content" data-post-id="{number}"><div class="MessageCard__content-inner">'
        f'<div class="bbWrapper">{text}</div></div></div>'
        '<div id="signature-content-wrapper"><div class="bbWrapper">My shop</div></div></div>'
    )


def test_cards_are_posts() -> None:
    parsed = page(
        '<h1 class="MessageCard__thread-title">Old cars</h1>', card(1, "First look."), card(2, "Second look.")
    )
    assert (parsed.page_kind, parsed.thread_id, parsed.threads[0].title) == ("thread", "5", "Old cars")
    first, second = parsed.posts
    assert (first.post_id, first.author, first.author_id, first.is_opening) == ("1", "Ada", "11", True)
    assert (second.body_text, second.created_at, second.position) == ("Second look.", CREATED, 2)


def test_an_opening_card_above_posts_of_the_usual_kind() -> None:
    parsed = page(card(1, "First look."), post(2), post(3).replace("<section", '<i data-post-id="3"></i><section'))
    assert [post.post_id for post in parsed.posts] == ["1", "2", "3"]


# -- which thread -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        post(7),
        post(7).replace("/threads/x.5/", "/") + '<option value=\'{"search_type":"post","c":{"thread":5}}\'>Here',
        post(7).replace("/threads/x.5/", "/x.5/page-2#"),
    ],
)
def test_a_thread_whose_address_names_no_number(content: str) -> None:
    assert page(content, url="https://ward.example/old-cars/").thread_id == "5"


def test_the_template_may_stand_in_the_class_only() -> None:
    message = '<div class="blockMessage">Not found.</div>'
    assert page(message, attributes='class="has-no-js template-error"').page_kind == "error"


# -- rows ---------------------------------------------------------------------------------------------------------


def row(title: str, meta: str = "") -> str:
    return (
        '<div class="structItem structItem--thread js-threadListItem-5" data-author="Ada">'
        f'<div class="structItem-cell structItem-cell--main">{title}</div>'
        f'<div class="structItem-cell structItem-cell--meta">{meta}</div>'
        f'<div class="structItem-cell structItem-cell--latest">{TIME}</div></div>'
    )


@pytest.mark.parametrize("tag", ["div", "h3"])
def test_the_first_link_of_a_title_that_is_no_prefix_is_the_thread(tag: str) -> None:
    title = (
        f'<{tag} class="structItem-title"><a href="/forums/a.1/?prefix_id=2">Case</a>'
        f'<a href="/threads/x.5/">Old cars</a><a href="/threads/x.5/unread">new</a></{tag}><p><a href="#">more</a></p>'
    )
    (thread,) = page(row(title), attributes='data-template="forum_view"').threads
    assert (thread.title, thread.url) == ("Old cars", "https://ward.example/threads/x.5/")


def test_counts_without_labels() -> None:
    title = '<div class="structItem-title"><a href="/threads/x.5/">Old cars</a></div>'
    meta = '<span class="pairs pairs--justified"> 12 </span></div><div><span class="pairs pairs--justified">3K</span>'
    (thread,) = page(row(title, meta), attributes='data-template="forum_view"').threads
    assert (thread.reply_count, thread.view_count) == (12, 3000)


def test_attributes_on_lines_of_their_own() -> None:
    title = '<div class="structItem-title"><a href="/threads/x.5/">Old cars</a></div>'
    written = row(title).replace(' class="', '\n\tclass="').replace(' data-author="', '\n\tdata-author="')
    (thread,) = page(written, attributes='data-template="forum_view"').threads
    assert (thread.thread_id, thread.title, thread.author) == ("5", "Old cars", "Ada")


def test_a_result_of_a_search_names_its_author_in_a_link() -> None:
    result = (
        '<li class="block-row"><div class="contentRow"><h3 class="contentRow-title"><a href="/threads/x.5/">Old cars'
        f'</a></h3><div class="contentRow-minor"><ul><li>{NAME}</li><li>{TIME}</li></ul></div></div></li>'
    )
    (thread,) = page(result, attributes='data-template="search_results"').threads
    assert (thread.author, thread.author_id, thread.created_at) == ("Ada", "11", CREATED)
