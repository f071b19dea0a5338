"""Reddit's engine never raises: any bytes, any JSON, any thing, damaged answers, hostile sizes."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.engines.json_text import NotJsonError, decode_patiently
from crawler.engines.page import Page
from crawler.engines.reddit import Reddit
from crawler.records import PageKind

PAGES = Path(__file__).parent / "pages" / "reddit"
FIELD_NAMES = [
    *(
        "kind",
        "data",
        "children",
        "replies",
        "id",
        "name",
        "parent_id",
        "link_id",
        "body",
        "selftext",
        "author",
        "json",
    ),
    *("things", "errors", "error", "message", "reason", "created_utc", "edited", "url", "permalink", "media_metadata"),
    *("gallery_data", "items", "media_id", "preview", "images", "poll_data", "options", "after", "subreddit", "title"),
]
WORDS = ["Listing", "t1", "t3", "t5", "more", "t3_abc", "_", "[deleted]", "> quoted\n\nown", "http://[", "//x", "\x00"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELD_NAMES), inner, max_size=6),
    max_leaves=25,
)
URLS = st.sampled_from(
    ["https://oauth.reddit.com/x?after=1", "http://[", "", "file:///x", "https://e.org/comments/abc"]
)


def verify_survives(body: bytes, url: str) -> None:
    page = Page(url=url, body=body, site="reddit")
    Reddit().recognise(page)
    parsed = Reddit().parse(page)
    assert len(parsed.posts) <= parsed.containers
    assert parsed.reason or parsed.page_kind in {PageKind.THREAD, PageKind.BOARD, PageKind.INDEX}
    msgspec.json.encode(parsed)


@settings(max_examples=80, deadline=None)
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode), url=URLS | st.text(max_size=20))
def test_any_bytes_give_a_page(body, url):
    verify_survives(body, url)


@settings(max_examples=150, deadline=None)
@given(value=JSON, url=URLS)
def test_any_json_gives_a_page(value, url):
    verify_survives(json.dumps(value).encode(), url)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["t1", "t3", "t5", "more"]),
    data=st.dictionaries(st.sampled_from(FIELD_NAMES), JSON, max_size=10),
    url=URLS,
)
def test_any_thing_gives_a_page(kind, data, url):
    listing = {"kind": "Listing", "data": {"children": [{"kind": kind, "data": {"id": "a", "link_id": "t3_b"} | data}]}}
    verify_survives(json.dumps(listing).encode(), url)


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(min_value=0), flip=st.integers(min_value=0), byte=st.integers(0, 255))
def test_a_damaged_answer_gives_a_page(cut, flip, byte):
    body = bytearray((PAGES / "tree-escaped.json").read_bytes())
    body[flip % len(body)] = byte
    verify_survives(bytes(body), "https://oauth.reddit.com/")
    verify_survives(bytes(body[: cut % len(body)]), "https://oauth.reddit.com/")


@settings(max_examples=100, deadline=None)
@given(value=JSON)
def test_the_patient_decoder_reads_what_the_standard_library_reads(value):
    text = json.dumps(value).replace("Infinity", "1").replace("NaN", "2")
    assert decode_patiently(text) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    ["", "[1,]", '{"a":1,}', '{"a" 1}', "[1 2]", "]", "{1:2}", '["a', "[", "[]]", "tru", "[" * 200_000],
    ids=lambda text: text[:9] or "nothing",
)
def test_the_patient_decoder_refuses_what_is_no_json(text):
    with pytest.raises(NotJsonError):
        decode_patiently(text)


def test_what_the_fast_decoder_refuses_is_read():
    text = '["\\ud83d", ' + "1" * 5000 + ', NaN, "tab\there"]'
    assert decode_patiently(text) == ["\ufffd", None, None, "tab\there"]


@pytest.mark.parametrize(
    "body",
    ["> x\n>> y\n", ">", "[x](", "`a", "https://a).).", "```\n~~~\n", "](\\", "- > x\n", "&gt;", "](( "],
    ids=ascii,
)
@pytest.mark.timeout(60)
def test_hostile_markdown_costs_seconds_at_most(body):
    body *= 200_000 // len(body)
    verify_survives(json.dumps({"kind": "t1", "data": {"id": "a", "link_id": "t3_b", "body": body}}).encode(), "")


def test_a_new_comment_as_the_api_gave_it_before_2015():
    thing = {"id": "t1_c9", "link": "t3_abc", "parent": "t1_c8", "contentText": "> yes\n\nno", "replies": ""}
    answer = {"json": {"errors": [], "data": {"things": [{"kind": "t1", "data": thing}]}}}
    parsed = Reddit().parse(Page(url="https://www.reddit.com/api/comment", body=json.dumps(answer).encode(), site="r"))
    (post,) = parsed.posts
    assert (post.post_id, post.thread_id, post.parent_id, post.body_text) == ("c9", "abc", "c8", "no")


def test_a_comment_in_an_inbox_names_its_thread_by_its_address_only():
    thing = {"id": "c9", "body": "yes", "was_comment": True, "context": "/r/x/comments/abc/title/c9/?context=3"}
    body = json.dumps({"kind": "Listing", "data": {"children": [{"kind": "t1", "data": thing}]}}).encode()
    (post,) = Reddit().parse(Page(url="https://oauth.reddit.com/message/inbox", body=body, site="r")).posts
    assert (post.post_id, post.thread_id) == ("c9", "abc")
