"""A crawl of software whose addresses count posts, not pages (phpBB): whole, then from the last known post on."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import Medthreads

PER_PAGE = 3
BASE = 1_700_000_000
HOUR = 3_600
TOPIC = "./viewtopic.php?f=5&amp;t=9"
AUTHOR = '<a href="./memberlist.php?mode=viewprofile&amp;u=2" class="username">ada</a>'


class Board:
    """A phpBB 3.3 with one forum and one topic, that grows."""

    def __init__(self) -> None:
        self.posts = list(range(101, 106))
        self.asked: list[str] = []

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
                post = int(query.get("p", 0))
                start = self.posts.index(post) // PER_PAGE * PER_PAGE if post else int(query.get("start", 0))
                return framed("viewtopic", self.topic(start))
        return None

    def index(self) -> str:
        """The list of forums."""
        return (
            '<div class="forabg"><ul class="topiclist forums"><li class="row"><dl class="row-item forum_read"><dt>'
            '<div class="list-inner"><a href="./viewforum.php?f=5" class="forumtitle">Lipids</a></div></dt>'
            f'<dd class="topics">1 <dfn>Topics</dfn></dd><dd class="posts">{len(self.posts)} <dfn>Posts</dfn></dd>'
            "</dl></li></ul></div>"
        )

    def forum(self) -> str:
        """The list of topics."""
        return (
            '<h2 class="forum-title"><a href="./viewforum.php?f=5">Lipids</a></h2>'
            '<div class="forumbg"><ul class="topiclist topics"><li class="row bg1"><dl class="row-item topic_read"><dt>'
            '<div class="list-inner"><a href="./viewtopic.php?f=5&amp;t=9" class="topictitle">Statins</a></div></dt>'
            f'<dd class="posts">{len(self.posts) - 1} <dfn>Replies</dfn></dd><dd class="views">7 <dfn>Views</dfn></dd>'
            f'<dd class="lastpost"><span>by {AUTHOR}'
            f"<br />{moment(self.posts[-1])}</span></dd></dl></li></ul></div>"
        )

    def topic(self, start: int) -> str:
        """A page of the topic."""
        count = -(-len(self.posts) // PER_PAGE)
        number = start // PER_PAGE + 1
        links = "".join(
            f'<li class="active"><span>{page}</span></li>'
            if page == number
            else f'<li><a class="button" href="{TOPIC}&amp;start={(page - 1) * PER_PAGE}">{page}</a></li>'
            for page in range(1, count + 1)
        )
        following = (
            f'<li class="arrow next"><a class="button button-icon-only" rel="next" '
            f'href="{TOPIC}&amp;start={start + PER_PAGE}">Next</a></li>'
        )
        shown = "".join(posted(post) for post in self.posts[start : start + PER_PAGE])
        return (
            '<h2 class="topic-title"><a href="./viewtopic.php?f=5&amp;t=9">Statins</a></h2>'
            f'<div class="pagination">{len(self.posts)} posts <ul>{links}{following if number < count else ""}</ul>'
            f"</div>{shown}"
        )


def moment(post: int) -> str:
    """A post's date, an hour after the one before."""
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(BASE + (post - 100) * HOUR, UTC)
    return f'<time datetime="{at.isoformat()}">{at:%a %b %d, %Y %H:%M}</time>'


def posted(post: int) -> str:
    """A post's markup."""
    return (
        f'<div id="p{post}" class="post has-profile bg2"><div class="inner"><dl class="postprofile" id="profile{post}">'
        f"<dt>{AUTHOR}</dt></dl>"
        f'<div class="postbody"><div id="post_content{post}"><h3><a href="#p{post}">Statins</a></h3>'
        f'<p class="author"><a class="unread" href="./viewtopic.php?p={post}#p{post}" title="Post">Post</a> by '
        f"<strong>{AUTHOR}</strong> &raquo; "
        f'{moment(post)}</p><div class="content">Words of {post}.</div></div></div></div></div><hr class="divider" />'
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
