"""A crawl of software whose addresses count posts, not pages (phpBB): whole, then from the last known post on."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import Medthreads

PER_PAGE = 3
BASE = 1_700_000_000
HOUR = 3_600
AUTHOR = '<a href="./memberlist.php?mode=viewprofile&amp;u=2" class="username">ada</a>'


class Board:
    """A phpBB 3.3 with one forum, whose topics grow."""

    def __init__(self) -> None:
        self.topics = {9: list(range(101, 106))}
        self.asked: list[str] = []
        self.shows_zone = True
        """Whether its dates say in which zone they are; older versions and other software do not."""

    @property
    def posts(self) -> list[int]:
        """Those of the first topic."""
        return self.topics[9]

    @posts.setter
    def posts(self, posts: list[int]) -> None:
        self.topics[9] = posts

    def page(self, target: str) -> str | None:
        """The page at an address; None where there is none."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path:
            case "/" | "/index.php":
                return framed("index", self.index())
            case "/viewforum.php":
                return framed("viewforum", self.forum())
            case "/viewtopic.php":
                if "p" not in query:
                    return framed("viewtopic", self.topic(int(query["t"]), int(query.get("start", 0))))
                post = int(query["p"])
                for topic, posts in self.topics.items():
                    if post in posts:
                        return framed("viewtopic", self.topic(topic, posts.index(post) // PER_PAGE * PER_PAGE))
        return None

    def index(self) -> str:
        """The list of forums."""
        return (
            '<div class="forabg"><ul class="topiclist forums"><li class="row"><dl class="row-item forum_read"><dt>'
            '<div class="list-inner"><a href="./viewforum.php?f=5" class="forumtitle">Lipids</a></div></dt>'
            f'<dd class="topics">{len(self.topics)} <dfn>Topics</dfn></dd><dd class="posts">9 <dfn>Posts</dfn></dd>'
            "</dl></li></ul></div>"
        )

    def forum(self) -> str:
        """The list of topics."""
        rows = "".join(
            f'<li class="row bg1"><dl class="row-item topic_read"><dt><div class="list-inner">'
            f'<a href="./viewtopic.php?f=5&amp;t={topic}" class="topictitle">Statins</a></div></dt>'
            f'<dd class="posts">{len(posts) - 1} <dfn>Replies</dfn></dd><dd class="views">7 <dfn>Views</dfn></dd>'
            f'<dd class="lastpost"><span>by {AUTHOR}<br />{self.moment(posts[-1])}</span></dd></dl></li>'
            for topic, posts in self.topics.items()
        )
        return (
            '<h2 class="forum-title"><a href="./viewforum.php?f=5">Lipids</a></h2>'
            f'<div class="forumbg"><ul class="topiclist topics">{rows}</ul></div>'
        )

    def topic(self, topic: int, start: int) -> str:
        """A page of a topic."""
        posts, address = self.topics[topic], f"./viewtopic.php?f=5&amp;t={topic}"
        count = -(-len(posts) // PER_PAGE)
        number = start // PER_PAGE + 1
        links = "".join(
            f'<li class="active"><span>{page}</span></li>'
            if page == number
            else f'<li><a class="button" href="{address}&amp;start={(page - 1) * PER_PAGE}">{page}</a></li>'
            for page in range(1, count + 1)
        )
        following = (
            f'<li class="arrow next"><a class="button button-icon-only" rel="next" '
            f'href="{address}&amp;start={start + PER_PAGE}">Next</a></li>'
        )
        shown = "".join(self.posted(post) for post in posts[start : start + PER_PAGE])
        return (
            f'<h2 class="topic-title"><a href="{address}">Statins</a></h2>'
            f'<div class="pagination">{len(posts)} posts <ul>{links}{following if number < count else ""}</ul>'
            f"</div>{shown}"
        )

    def moment(self, post: int) -> str:
        """A post's date, an hour after the one before."""
        at = datetime.fromtimestamp(BASE + (post - 100) * HOUR, UTC)
        shown = f"{at:%a %b %d, %Y %H:%M}"
        return f'<time datetime="{at.isoformat()}">{shown}</time>' if self.shows_zone else shown

    def posted(self, post: int) -> str:
        """A post's markup."""
        return (
            f'<div id="p{post}" class="post has-profile bg2"><div class="inner">'
            f'<dl class="postprofile" id="profile{post}"><dt>{AUTHOR}</dt></dl>'
            f'<div class="postbody"><div id="post_content{post}"><h3><a href="#p{post}">Statins</a></h3>'
            f'<p class="author"><a class="unread" href="./viewtopic.php?p={post}#p{post}" title="Post">Post</a> by '
            f"<strong>{AUTHOR}</strong> &raquo; "
            f'{self.moment(post)}</p><div class="content">Words of {post}.</div></div></div></div></div>'
            '<hr class="divider" />'
        )


def framed(section: str, content: str) -> str:
    """A page of prosilver."""
    return (
        f'<!DOCTYPE html><html dir="ltr" lang="en"><head><title>Ward</title></head><body id="phpbb" '
        f'class="nojs notouch section-{section} ltr"><div id="page-body" class="page-body">{content}</div>'
        '<div class="copyright">Powered by <a href="https://www.phpbb.com/">phpBB</a></div></body></html>'
    )


@pytest.fixture
def board() -> Iterator[tuple[Board, str]]:
    """The board, and the address at which it is served."""
    content = Board()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content.asked.append(self.path)
            page = content.page(self.path)
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *_args: object) -> None:
            """Nothing: `asked` tells."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield content, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_topic_that_grew_is_read_from_its_last_known_post(medthreads: Medthreads, board: tuple[Board, str]) -> None:
    content, url = board
    site = medthreads.site_file("ward", url, engine="auto")
    (first,) = medthreads.json("crawl", site, "--archive", str(medthreads.archive), "--json")
    assert (first["receipt"]["posts"], first["receipt"]["engine"]) == (5, "phpbb")
    assert content.asked[-2:] == ["/viewtopic.php?f=5&t=9", "/viewtopic.php?f=5&t=9&start=3"]

    content.posts += [106, 107, 108]
    content.asked.clear()
    (second,) = medthreads.json("crawl", site, "--archive", str(medthreads.archive), "--json")
    assert [path for path in content.asked if "viewtopic" in path] == [
        "/viewtopic.php?p=105",
        "/viewtopic.php?f=5&t=9&start=6",
    ]
    assert second["receipt"]["difference"] == 0
    query = "SELECT post_id, body_text FROM posts ORDER BY post_id"
    rows = medthreads.json("sql", query, "--archive", str(medthreads.archive), "--json")
    assert rows == [{"post_id": str(post), "body_text": f"Words of {post}."} for post in range(101, 109)]

    content.asked.clear()
    (third,) = medthreads.json("crawl", site, "--archive", str(medthreads.archive), "--json")
    assert third["receipt"]["posts"] == 0
    assert not [path for path in content.asked if "viewtopic" in path]


def crawled(medthreads: Medthreads, site: str) -> dict[str, Any]:
    """Crawls; the receipt."""
    (told,) = medthreads.json("crawl", site, "--archive", str(medthreads.archive), "--json")
    receipt: dict[str, Any] = told["receipt"]
    assert receipt["difference"] == 0
    return receipt


def stored(medthreads: Medthreads) -> list[str]:
    """Ids of the posts that stand in the archive."""
    query = "SELECT post_id FROM posts WHERE status = 'visible' ORDER BY post_id"
    return [row["post_id"] for row in medthreads.json("sql", query, "--archive", str(medthreads.archive), "--json")]


def test_a_tail_is_enough_where_dates_say_no_zone(medthreads: Medthreads, board: tuple[Board, str]) -> None:
    content, url = board
    content.shows_zone = False
    site = medthreads.site_file("ward", url, engine="phpbb")
    crawled(medthreads, site)
    content.posts += [106, 107]
    content.asked.clear()
    crawled(medthreads, site)
    assert [path for path in content.asked if "viewtopic" in path] == [
        "/viewtopic.php?p=105",
        "/viewtopic.php?f=5&t=9&start=6",
    ]
    assert stored(medthreads) == [str(post) for post in range(101, 108)]


def test_a_topic_whose_last_known_post_is_gone_is_read_whole(medthreads: Medthreads, board: tuple[Board, str]) -> None:
    content, url = board
    site = medthreads.site_file("ward", url, engine="phpbb")
    crawled(medthreads, site)
    content.posts = [101, 102, 103, 104, 106, 107, 108]
    receipt = crawled(medthreads, site)
    assert (receipt["posts"], receipt["boards_lost"]) == (7, [])
    assert stored(medthreads) == ["101", "102", "103", "104", "106", "107", "108"]
    content.asked.clear()
    assert crawled(medthreads, site)["posts"] == 0
    assert not [path for path in content.asked if "viewtopic" in path]


def test_a_topic_whose_last_known_post_was_moved_is_read_whole(
    medthreads: Medthreads, board: tuple[Board, str]
) -> None:
    content, url = board
    site = medthreads.site_file("ward", url, engine="phpbb")
    crawled(medthreads, site)
    content.topics = {9: [101, 102, 103, 104, 106, 107], 10: [105]}
    assert crawled(medthreads, site)["boards_lost"] == []
    assert stored(medthreads) == [str(post) for post in range(101, 108)]


def test_a_budget_too_small_for_all_is_spent_on_whole_threads(medthreads: Medthreads, board: tuple[Board, str]) -> None:
    """Index, board and three topics spend it: their second pages go before the topics that are not begun."""
    content, url = board
    content.topics = {9: [109, 110, 111, 112], 10: [105, 106, 107, 108], 11: [101, 102, 103, 104]}
    site = medthreads.site_file("ward", url, engine="phpbb", budget=5, delay=0.01)
    first = crawled(medthreads, site)
    assert (list(first["refused"]), first["requests"]) == (["budget of the run spent"], 5 + 1)
    for _ in range(2):
        last = crawled(medthreads, site)
    assert (last["refused"], len(stored(medthreads))) == ({}, 12)
