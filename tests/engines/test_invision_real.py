"""Invision Community: real pages against reviewed expectations, completeness, and pages of other software."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.engines.invision import Invision
from crawler.engines.page import Page
from tests.engines.real_pages import epoch, real_pages, verify_as_reviewed, verify_nothing_left

ENGINE = Invision()
IGNORED = (
    ".cAuthorPane, .cAuthorPane_mobile, .ipsComment_tools, .ipsComment_badges, .cPostShareMenu, .ipsComment_controls, "
    "[data-role=memberSignature], [data-excludequote], .ipsQuote_citation, .ipsSpoiler_header, .ipsComment_meta, iframe"
)


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    verify_as_reviewed(ENGINE, real_pages(fixtures_dir, "invision"))


def test_every_real_page_is_recognised(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, "invision"):
        recognition = ENGINE.recognise(page)
        assert recognition is not None, name
        assert (recognition.version, recognition.confidence) == ("4.5", 0.99), name


def test_pages_of_other_software_are_not_taken(fixtures_dir: Path) -> None:
    for folder in sorted(path for path in fixtures_dir.iterdir() if path.is_dir() and path.name != "invision"):
        for path in (path for path in folder.rglob("*") if path.is_file()):
            page = Page(url="https://forum.example/", body=path.read_bytes(), site="s")
            assert ENGINE.recognise(page) is None, path


def test_nothing_of_a_post_is_left(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, "invision"):
        if "topic" in name:
            verify_nothing_left(page, ENGINE.parse(page), "article.ipsComment", IGNORED)


def test_the_description_for_search_engines_agrees(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, "invision"):
        script = LexborHTMLParser(page.text()).css_first('script[type="application/ld+json"]')
        described = json.loads(script.text()) if script is not None else {}
        if "comment" not in described:
            continue
        posts = {post.post_id: post for post in ENGINE.parse(page).posts}
        assert len(described["comment"]) >= len(posts) - 3, name  # it leaves out posts of a picture only
        for comment in described["comment"]:
            post = posts[comment["@id"].rpartition("comment-")[2]]
            assert post.created_at == datetime.strptime(comment["dateCreated"], "%Y-%m-%dT%H:%M:%S%z"), name
            assert post.author == comment["author"]["name"], name


def raw(markup: str) -> str:
    """The page as the software sends it: single quotes, attributes of scripts in mixed case."""
    names = {"data-commentid": "data-commentID", "data-pageapp": "data-pageApp", "data-rowid": "data-rowID"}
    names |= {
        "data-pagecontroller": "data-pageController",
        "data-forumid": "data-forumID",
        "data-pageid": "data-pageID",
    }
    names |= {"data-stattype": "data-statType", "data-feedid": "data-feedID"}

    def attribute(found: re.Match[str]) -> str:
        value = found[2].replace("'", "&#039;")
        return f" {names.get(found[1], found[1])}='{value}'"

    def tag(found: re.Match[str]) -> str:
        written = re.sub(r' ([\w:-]+)="([^"]*)"', attribute, found[0])
        quoted = re.search(r" data-quotedata='(\{[^']*\})'", written)
        if quoted is None:
            return written
        value = quoted[1].replace('"', "&quot;")
        return written.replace(quoted[0], f" data-quoteData='{value}'")

    return re.sub(r"<[a-zA-Z][^<>]*>", tag, markup)


def test_pages_as_the_software_sends_them_give_the_same(fixtures_dir: Path) -> None:
    for name, page in real_pages(fixtures_dir, "invision"):
        sent = Page(url=page.url, body=raw(page.text()).encode(), site=page.site)
        assert ENGINE.parse(sent) == ENGINE.parse(page), name


@pytest.mark.parametrize("name", ["gp-topic-17posts", "gp-topic-13posts"])
def test_posts_stand_in_the_order_of_writing(fixtures_dir: Path, name: str) -> None:
    page = Page(url="https://forum.example/", body=(fixtures_dir / "invision" / f"{name}.html").read_bytes(), site="s")
    posts = ENGINE.parse(page).posts
    instants = [epoch(post.created_at) or 0 for post in posts]
    assert instants == sorted(instants)
    assert [post.position for post in posts] == list(range(1, len(posts) + 1))
