"""Discourse: addresses of pages and posts, and what to ask for in their place."""

import pytest

from crawler.engines.discourse import Discourse
from crawler.engines.discourse.addresses import category_of, page_parameter, topic_of
from crawler.engines.discourse.document import version_of

ENGINE = Discourse()


@pytest.mark.parametrize(
    ("seen", "asked"),
    [
        ("https://w.example/", "https://w.example/categories.json?include_subcategories=true"),
        ("https://w.example/forum/", "https://w.example/forum/categories.json?include_subcategories=true"),
        ("https://w.example/t/stents/12", "https://w.example/t/12.json"),
        ("https://w.example/t/stents/12/7", "https://w.example/t/12.json"),
        ("https://w.example/forum/t/stents/12?page=3", "https://w.example/forum/t/12.json?page=3"),
        ("https://w.example/c/vascular/5", "https://w.example/c/vascular/5.json"),
        ("https://w.example/c/a/b/7/l/top?page=1", "https://w.example/c/a/b/7/l/top.json?page=1"),
        ("https://w.example/latest", "https://w.example/latest.json"),
        ("https://w.example/tag/stent", "https://w.example/tag/stent.json"),
        ("https://w.example/p/99", "https://w.example/posts/99.json"),
        ("https://w.example/t/12.json?page=2", "https://w.example/t/12.json?page=2"),
        ("https://w.example/latest.rss", "https://w.example/latest.rss"),
        ("https://w.example/about", "https://w.example/about"),
    ],
)
def test_what_to_ask_for(seen: str, asked: str) -> None:
    assert ENGINE.request_url(seen) == asked
    assert ENGINE.request_url(asked) == asked


def test_addresses_of_pages_and_posts() -> None:
    assert ENGINE.page_url("https://w.example/t/stents/12", 3) == "https://w.example/t/stents/12?page=3"
    assert ENGINE.page_url("https://w.example/t/12.json?page=9", 1) == "https://w.example/t/12.json"
    assert ENGINE.page_url("https://w.example/c/vascular/5", 3) == "https://w.example/c/vascular/5?page=2"
    assert ENGINE.page_url("https://w.example/t/12/posts.json", 3) is None
    assert ENGINE.post_url("https://w.example/forum/t/stents/12", "9001") == "https://w.example/forum/p/9001"
    assert ENGINE.post_url("https://w.example/t/stents/12", "12-7") == "https://w.example/t/-/12/7"
    assert ENGINE.post_url("nowhere", "x") is None


def test_parts_of_addresses() -> None:
    assert topic_of("/t/12/3") == ("12", 3)
    assert topic_of("https://w.example/t/a-b/12.html") == ("12", None)
    assert topic_of("../../t/a-b/12-1.html?page=2") == ("12", None)
    assert topic_of("/tag/12") is None
    assert category_of("/c/vascular/stents/8/l/latest.json?page=1") == "8"
    assert category_of("../c/site-feedback.html") == "site-feedback"
    # As wget names pages that have a "?" in their address.
    assert topic_of("/t/a-b/12%3Fpage=2.html") == topic_of("/t/a-b/12@page=2.html") == ("12", None)
    assert category_of("../c/vascular/5%3Fpage=1.html") == "5"
    assert page_parameter("../c/vascular/5%3Fpage=1.html") == 1


@pytest.mark.parametrize(
    "head",
    [
        '<meta name="generator" content="Discourse 3.3.0 - https://forum.example">',
        '<meta content="Discourse 3.3.0 - https://forum.example" name="generator">',
    ],
)
def test_the_version_is_told_in_whatever_order(head: str) -> None:
    assert version_of(f"<html><head><title>Discourse 9 of the ward</title>{head}</head>") == "3.3.0"
