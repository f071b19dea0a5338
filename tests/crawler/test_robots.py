"""robots.txt by RFC 9309, on google/robotstxt's published cases and on answers that hosts really give."""

import json
from pathlib import Path

import pytest

from crawler.robots import rules_from_answer, rules_from_text

NOT_APPLICABLE = {
    ("GoogleOnly_AcceptUserAgentUpToFirstSpace", "Foo Bar", "http://foo.bar/x/y"),  # a user agent that cannot be one
    ("ID_Encoding", "FooBot", "http://foo.bar/foo/bar/ツ"),  # addresses reach us percent-encoded
    ("ID_Encoding", "FooBot", "http://foo.bar/foo/bar/baz"),  # RFC 9309, 2.2.2: encoded and plain octets are equal
}


def test_googles_published_cases(shared_dir: Path) -> None:
    """136 of the 140 cases apply; all of them are decided as published."""
    cases = json.loads((shared_dir / "robots" / "google_cases.json").read_text(encoding="utf-8"))
    wrong, applied = [], 0
    for name, text, agent, address, allowed in cases:
        url = address if "://" in address else f"http://foo.bar{address}"
        if rules_from_text(text, agent).allowed(url) == allowed:
            applied += 1
        elif (name, agent, url) not in NOT_APPLICABLE:
            wrong.append((name, agent, url))
    assert not wrong
    assert applied == 136


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_absent_robots_txt_allows_everything_whatever_its_body_says(status: int) -> None:
    rules = rules_from_answer(status, b"User-agent: *\nDisallow: /\n", "medthreads/1.0")
    assert rules.allowed("https://forum.example/threads/1/")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_unreachable_robots_txt_forbids_everything(status: int) -> None:
    rules = rules_from_answer(status, b"User-agent: *\nAllow: /\n", "medthreads/1.0")
    assert not rules.allowed("https://forum.example/")
    assert str(status) in (rules.unreachable or "")


@pytest.mark.parametrize(
    "body",
    [
        b"User-agent: *\r\nDisallow: /private/\r\n",
        b"User-agent: *\rDisallow: /private/\r",
        b"\xef\xbb\xbfUser-agent: *\nDisallow: /private/\n",
        "\ufeffUser-agent: *\nDisallow: /private/\n".encode("utf-16-le"),
        b"User-agent: *\nClean-param: sid /\nDisallow: /private/\n",
    ],
    ids=["crlf", "cr", "bom", "utf-16", "unknown line in the group"],
)
def test_a_group_is_read_in_every_spelling(body: bytes) -> None:
    rules = rules_from_answer(200, body, "medthreads/1.0")
    assert not rules.allowed("https://forum.example/private/1")
    assert rules.allowed("https://forum.example/threads/1/")


def test_the_longer_of_crawl_delay_and_request_rate_is_kept() -> None:
    rules = rules_from_text("User-agent: *\nCrawl-delay: 2\nRequest-rate: 1/10s\n", "medthreads/1.0")
    assert rules.least_delay() == 10.0
