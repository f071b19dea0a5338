"""XenForo 2: real pages against reviewed expectations (one file a page), a whole real forum, and damaged pages."""

import re
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.engines.page import Page
from crawler.engines.xenforo2 import XenForo2
from crawler.records import PageKind, ParsedPage
from tests.engines.real_pages import real_pages, verify_as_reviewed, verify_nothing_left

ENGINE = XenForo2()
PAGES = Path(__file__).parent / "pages" / "xenforo2"
QUICK = settings(max_examples=60, deadline=None)


def parse(body: str | bytes, url: str = "https://ward.example/threads/x.1/") -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward"))


# -- real pages ---------------------------------------------------------------------------------------------------


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    verify_as_reviewed(
        ENGINE,
        [
            (name, Page(url=f"https://forum.example/site/part/{Path(name).stem}/index.html", body=page.body, site="s"))
            for name, page in real_pages(fixtures_dir, "xenforo2")
        ],
    )


IGNORED = (
    ".message-cell--user, .message-user, .message-articleUserInfo, .message-signature, .message-actionBar, .actionBar, "
    ".message-notices, .message-newIndicator, .bbCodeBlock-title, .bbCodeBlock-expandLink, .bbCodeSpoiler-button, "
    ".message-lastEdit, .reactionsBar, .likesBar, .attachmentList, .message-attachments, .contentVote, .tooltip, "
    ".message-articlePrefix, .js-historyTarget, .bookmarkLink, .bbCodeBlock--unfurl"
)
IGNORED_WORDS = r"#[\d.,]+|Replies: \d+|Click to expand\.\.\.|Spoiler:|Add bookmark|Upvote|Downvote|Solution"


def test_nothing_of_a_real_post_is_left_over(fixtures_dir: Path) -> None:
    for _, page in real_pages(fixtures_dir, "xenforo2"):
        parsed = ENGINE.parse(page)
        if parsed.posts:
            verify_nothing_left(page, parsed, '[data-content^="post-"]', IGNORED, ignored_words=IGNORED_WORDS)


def test_every_real_page_is_recognised(fixtures_dir: Path) -> None:
    for path in sorted((fixtures_dir / "xenforo2").glob("*.html")):
        page = Page(url="https://forum.example/", body=path.read_bytes(), site="s")
        recognition = ENGINE.recognise(page)
        assert recognition is not None, path.name
        assert recognition.version == ENGINE.parse(page).engine_version, path.name


def test_pages_of_other_software_are_not_taken(fixtures_dir: Path) -> None:
    others = (
        "xenforo1",
        "phpbb",
        "vbulletin",
        "smf",
        "invision",
        "discourse-html",
        "mybb",
        "vanilla",
        "nodebb",
        "errors",
    )
    for path in (path for folder in others for path in (fixtures_dir / folder).iterdir()):
        page = Page(url="https://forum.example/", body=path.read_bytes(), site="s")
        assert ENGINE.recognise(page) is None, path


def test_feeds(fixtures_dir: Path) -> None:
    for path in sorted((fixtures_dir / "xenforo2-rss").glob("*.rss")):
        text = path.read_text(encoding="utf-8")
        parsed = parse(text, "https://forum.example/forums/-/index.rss")
        assert parsed.page_kind is PageKind.FEED
        assert len(parsed.threads) == len(re.findall("<item>", text))
        assert all(thread.last_post_at and thread.reply_count is not None for thread in parsed.threads)


def test_every_page_of_a_real_forum(shared_dir: Path) -> None:
    packed = shared_dir / "sites" / "xenforo2-mirror.tar.xz"
    if not packed.exists():
        pytest.skip(f"no real forum at {packed}")
    kinds: Counter[str] = Counter()
    threads, listed, posts = set(), set(), 0
    with tarfile.open(packed) as files:
        for member in files:
            if (content := files.extractfile(member)) is not None:
                parsed = parse(content.read(), f"http://127.0.0.1:8000/{member.name}")
                kinds[parsed.page_kind] += 1
                posts += len(parsed.posts)
                threads |= {parsed.thread_id} if parsed.posts else set()
                listed |= {thread.thread_id for thread in parsed.threads} if parsed.page_kind == "board" else set()
    assert kinds == {"thread": 212, "board": 7, "index": 1, "feed": 5}
    assert (len(threads), posts) == (207, 1680)
    assert listed == threads


# -- whatever the bytes -------------------------------------------------------------------------------------------


@QUICK
@given(st.binary(max_size=300), st.sampled_from([b"", b'<html id="XF" data-template="thread_view">', b"\xff\xfe"]))
def test_any_bytes_give_a_page(body: bytes, before: bytes) -> None:
    page = Page(url="https://ward.example/", body=before + body, site="s")
    ENGINE.recognise(page)
    parsed = ENGINE.parse(page)
    assert parsed.containers == len(parsed.posts)


@QUICK
@given(st.data())
def test_damaged_pages_give_a_page(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(PAGES.iterdir())))
    body = path.read_bytes()
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    change = data.draw(st.sampled_from([b"", b"\x00", b"<", b'"', b"'", b">", b"</article>", b"\xff\xfe\xfd"]))
    kept = body[:start] + change if data.draw(st.booleans()) else body[:start] + change + body[end:]
    for address in ("https://ward.example/threads/a.1/", "", "http://[", "relative"):
        parsed = ENGINE.parse(Page(url=address, body=kept, site="s"))
        assert parsed.containers == len(parsed.posts)
        if parsed.page_kind is PageKind.UNKNOWN:
            assert parsed.reason


@pytest.mark.parametrize(
    "part",
    ['<a "', "<a '", "<!--", '<article data-content="post-1" "', "&", "<time ", "<div>", '<blockquote class="x">'],
)
def test_a_hostile_page_neither_stops_nor_lasts(part: str) -> None:
    thread = (PAGES / "thread-2.0.html").read_text(encoding="utf-8")
    for markup in (
        f'<html id="XF" data-template="thread_view"><body>{part * 3000}',
        thread.replace("Answer.", part * 3000),
    ):
        parsed = parse(markup)
        assert parsed.containers == len(parsed.posts)
