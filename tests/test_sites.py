"""`medthreads sites`: a newcomer finds out what a site runs, adds it, checks it, and crawls it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crawler.site import load_site
from demo.server import Demo, running_demo
from medthreads.site_file import name_for
from tests.conftest import Medthreads

PRIVATE = "--allow-private-addresses"
PAGES = Path(__file__).parent / "engines" / "pages"


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo() as running:
        yield running


class Pages(BaseHTTPRequestHandler):
    """Answers with what the server holds for a path; everything else is not found."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, body = self.server.pages.get(self.path.partition("?")[0], (404, b""))
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if ".json" in self.path else "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Nothing: tests read what was asked from the server."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A web server on this machine; tests fill its `pages` and read what was `asked`."""
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    serving.pages, serving.asked = {}, []
    serving.url = f"http://127.0.0.1:{serving.server_port}/"
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield serving
    serving.shutdown()
    serving.server_close()


# -- detect -------------------------------------------------------------------------------------------------------


def test_detect_a_saved_page(medthreads: Medthreads) -> None:
    (found,) = medthreads.json("sites", "detect", str(PAGES / "xenforo2" / "thread-2.3.html"), "--json")
    assert (found["engine"], found["version"], found["page_kind"]) == ("xenforo2", "2.3", "thread")
    assert found["evidence"]


def test_detect_what_is_no_forum(medthreads: Medthreads, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><body><h1>Opening hours</h1></body></html>", encoding="utf-8")
    done = medthreads("sites", "detect", str(page))
    assert (done.returncode, done.stdout) == (0, "unknown: no known forum software made this page\n")


def test_detect_a_live_site_after_its_robots_txt(medthreads: Medthreads, demo: Demo) -> None:
    (found,) = medthreads.json("sites", "detect", demo.forum_url, PRIVATE, "--json")
    assert (found["engine"], found["page_kind"]) == ("xenforo2", "index")


def test_detect_says_what_is_wrong_with_an_address(medthreads: Medthreads, demo: Demo) -> None:
    refused = medthreads("sites", "detect", demo.forum_url)
    assert (refused.returncode, "--allow-private-addresses" in refused.stderr) == (2, True)
    missing = medthreads("sites", "detect", "no-such-page.html")
    assert (missing.returncode, "Cannot read no-such-page.html" in missing.stderr) == (2, True)
    no_contact = medthreads("sites", "detect", "https://forum.example/")
    assert (no_contact.returncode, "MEDTHREADS_CONTACT" in no_contact.stderr) == (4, True)


def test_detect_obeys_robots_txt(medthreads: Medthreads, server: ThreadingHTTPServer) -> None:
    server.pages = {"/robots.txt": (200, b"User-agent: *\nDisallow: /\n")}
    done = medthreads("sites", "detect", server.url, PRIVATE)
    assert (done.returncode, server.asked) == (10, ["/robots.txt"])
    assert "forbids" in done.stderr


# -- add ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://forums.studentdoctor.net/", "studentdoctor"),
        ("https://www.cardio-talk.example.org/forum/", "cardio-talk"),
        ("https://forum.org/", "forum"),
        ("http://127.0.0.1:8080/", "site"),
    ],
)
def test_a_site_is_named_after_its_host(url: str, name: str) -> None:
    assert name_for(url) == name


def test_add_writes_a_file_that_crawls(medthreads: Medthreads, demo: Demo, tmp_path: Path) -> None:
    sites = str(tmp_path / "sites")
    done = medthreads("sites", "add", demo.forum_url, "--name", "ward", PRIVATE, MEDTHREADS_SITES=sites)
    assert done.returncode == 0, done.stderr
    told = [line.split()[0] for line in done.stdout.splitlines()]
    assert told == ["xenforo2", "index", "board", "thread", "Written:"]
    written = (tmp_path / "sites" / "ward.yaml").read_text(encoding="utf-8")
    assert "Interventional Cardiology" in written
    site = load_site(tmp_path / "sites" / "ward.yaml")
    assert (site.name, site.engine, site.boards) == ("ward", "xenforo2", [])
    again = medthreads("sites", "add", demo.forum_url, "--name", "ward", PRIVATE, MEDTHREADS_SITES=sites)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    checked = medthreads("sites", "check", "--live", "ward", MEDTHREADS_SITES=sites)
    assert checked.returncode == 0, checked.stderr
    assert "thread" in checked.stdout


def test_the_boards_offered_in_a_file_can_be_taken_as_they_stand(
    medthreads: Medthreads, demo: Demo, tmp_path: Path
) -> None:
    done = medthreads("sites", "add", demo.forum_url, "--name", "ward", "--into", str(tmp_path), PRIVATE)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "ward.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    taken = [line.removeprefix("# ") if line.startswith(("# boards:", "#   - ")) else line for line in lines]
    path.write_text("\n".join(line.removeprefix("#") for line in taken if not line.startswith("# ")), encoding="utf-8")
    assert {board.name for board in load_site(path).boards} >= {"Interventional Cardiology", "Journal Club"}


def test_a_page_that_is_no_forum_is_not_added(
    medthreads: Medthreads, server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    server.pages = {"/": (200, b"<html><title>Clinic</title><body>Opening hours</body></html>")}
    done = medthreads("sites", "add", server.url, "--into", str(tmp_path), PRIVATE)
    assert (done.returncode, list(tmp_path.glob("*.yaml"))) == (12, [])
    assert "no forum" in done.stderr


# -- check --------------------------------------------------------------------------------------------------------


def test_check_live_tells_that_the_software_is_another(medthreads: Medthreads, demo: Demo) -> None:
    path = medthreads.site_file("ward", demo.forum_url, engine="vbulletin")
    done = medthreads("sites", "check", "--live", path)
    assert done.returncode == 12
    assert "shows xenforo2, its site file says vbulletin" in done.stderr


def test_check_live_tells_which_board_is_missing(medthreads: Medthreads, demo: Demo) -> None:
    path = medthreads.site_file("ward", demo.forum_url, boards=[{"name": "Journal Club"}, {"name": "Alchemy"}])
    done = medthreads("sites", "check", "--live", path)
    assert (done.returncode, "no board called 'Alchemy'" in done.stderr) == (3, True)


def test_check_live_looks_at_a_paused_site_and_offline_does_not(
    medthreads: Medthreads, server: ThreadingHTTPServer
) -> None:
    path = medthreads.site_file("ward", server.url, paused="Until its owners have agreed")
    offline = medthreads("sites", "check", path)
    assert (offline.returncode, server.asked) == (0, [])
    assert "paused: Until its owners have agreed" in offline.stdout
    live = medthreads("sites", "check", "--live", path)
    assert (live.returncode, server.asked[0]) == (14, "/robots.txt")


# -- a site with an API -------------------------------------------------------------------------------------------


def discourse(server: ThreadingHTTPServer, *, api: bool) -> None:
    """Fills the server with a small Discourse: its page for people, and its API if that is open."""
    posts = [
        {"id": 900 + number, "post_number": number, "topic_id": 12, "username": "ada", "user_id": 7, "post_type": 1,
         "created_at": f"2026-01-0{number}T08:00:00.000Z", "cooked": f"<p>Words {number}.</p>", "version": 1}
        for number in (1, 2)
    ]  # fmt: skip
    category = {"id": 5, "name": "Cardiology", "slug": "cardiology", "topic_count": 1, "post_count": 2}
    topic = {"id": 12, "title": "Stent sizing", "slug": "stent-sizing", "posts_count": 2, "reply_count": 1,
             "category_id": 5, "created_at": "2026-01-01T08:00:00.000Z", "last_posted_at": "2026-01-02T08:00:00.000Z",
             "bumped_at": "2026-01-02T08:00:00.000Z", "views": 30}  # fmt: skip
    documents = {
        "/categories.json": {"category_list": {"categories": [category]}},
        "/c/cardiology/5.json": {"topic_list": {"topics": [topic]}, "users": []},
        "/t/12.json": {**topic, "post_stream": {"posts": posts, "stream": [901, 902]}},
    }
    generator = '<meta name="generator" content="Discourse 3.3.0 - https://github.com/discourse/discourse">'
    row = (
        f'<tr class="topic-list-item"><td class="main-link" itemprop="itemListElement" itemscope '
        f'itemtype="http://schema.org/ListItem"><meta itemprop="position" content="1">'
        f'<a itemprop="url" href="{server.url}t/stent-sizing/12" class="title raw-link raw-topic-link">Stent sizing</a>'
        f'<div><a class="badge-category" href="{server.url}c/cardiology/5">Cardiology</a></div></td></tr>'
    )
    rows = f'<table class="topic-list" itemscope itemtype="http://schema.org/ItemList"><tbody>{row}</tbody></table>'
    shell = f"<html><head>{generator}</head><body class='crawler'>{'' if api else rows}</body></html>"
    server.pages = {"/": (200, shell.encode())}
    crawler_posts = "".join(
        f'<div id="post_{post["post_number"]}" itemprop="comment" itemscope itemtype="http://schema.org/Comment" '
        f'class="topic-body crawler-post"><div class="crawler-post-meta"><span class="creator" itemprop="author" '
        f'itemscope itemtype="http://schema.org/Person"><a itemprop="url" href="{server.url}u/ada"><span '
        f'itemprop="name">ada</span></a></span><span class="crawler-post-infos"><time itemprop="datePublished" '
        f'datetime="{post["created_at"]}" class="post-time">January</time><span itemprop="position">'
        f'{post["post_number"]}</span></span></div><div class="post" itemprop="text">{post["cooked"]}</div></div>'
        for post in posts
    )
    topic_page = (
        f"<html><head>{generator}</head><body class='crawler'><h1>Stent sizing</h1>{crawler_posts}</body></html>"
    )
    server.pages["/t/stent-sizing/12"] = 200, topic_page.encode()
    for path, document in documents.items() if api else ():
        server.pages[path] = 200, json.dumps(document).encode()


def test_a_site_with_an_api_is_read_through_it(
    medthreads: Medthreads, server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    discourse(server, api=True)
    done = medthreads("sites", "add", server.url, "--name", "ward", "--into", str(tmp_path), PRIVATE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert load_site(tmp_path / "ward.yaml").api
    server.asked.clear()
    crawled = medthreads("crawl", str(tmp_path / "ward.yaml"), "--archive", str(medthreads.archive))
    assert crawled.returncode == 0, crawled.stderr
    assert {path.partition("?")[0] for path in server.asked} == {
        "/robots.txt",
        "/categories.json",
        "/c/cardiology/5.json",
        "/t/12.json",
    }
    (row,) = medthreads.json(
        "sql", "SELECT count(*) AS posts FROM posts", "--archive", str(medthreads.archive), "--json"
    )
    assert row == {"posts": 2}


def test_a_site_whose_api_is_closed_is_read_page_by_page(
    medthreads: Medthreads, server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    discourse(server, api=False)
    done = medthreads("sites", "add", server.url, "--name", "ward", "--into", str(tmp_path), PRIVATE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not load_site(tmp_path / "ward.yaml").api
