"""XenForo 2: real pages against reviewed expectations (one file a page), a whole real forum, and damaged pages."""

import hashlib
import json
import re
import tarfile
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.engines.page import Page
from crawler.engines.xenforo2 import XenForo2
from crawler.records import PageKind, ParsedPage, Post, Thread

ENGINE = XenForo2()
EXPECTED = Path(__file__).parent / "xenforo2_expected"
PAGES = Path(__file__).parent / "pages" / "xenforo2"
QUICK = settings(max_examples=60, deadline=None)


def parse(body: str | bytes, url: str = "https://ward.example/threads/x.1/") -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward"))


# -- real pages ---------------------------------------------------------------------------------------------------


def mark(text: str | None) -> str | None:
    """Twelve digits that stand for a text, which itself must not be in the repository."""
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else None


def epoch(instant: datetime | None) -> int | None:
    return int(instant.timestamp()) if instant else None


def post_facts(post: Post) -> list[Any]:
    words = " ".join(post.body_text.split())
    return [
        post.post_id,
        post.position,
        mark(post.author),
        post.author_id,
        epoch(post.created_at),
        [post.edited, epoch(post.edited_at)] if post.edited else None,
        mark(words[:60]),
        mark(words[-60:]),
        post.body_text.count("\n"),
        [[quote.post_id, mark(quote.author), mark(quote.text)] for quote in post.quotes],
        post.reactions,
        post.score,
        [len(post.attachments), len(post.links)],
        "".join(
            flag for flag, holds in (("opening", post.is_opening), (post.status, post.status != "visible")) if holds
        ),
    ]


def thread_facts(thread: Thread) -> list[Any]:
    return [
        thread.thread_id,
        mark(thread.title),
        thread.prefix,
        mark(thread.author),
        thread.author_id,
        thread.board_id,
        epoch(thread.created_at),
        epoch(thread.last_post_at),
        [thread.reply_count, thread.view_count, thread.score, thread.page_count],
        [thread.is_sticky, thread.is_locked, thread.thread_type, thread.solution_post_id],
        [len(thread.tags), [option.votes for option in thread.poll.options] if thread.poll else None],
    ]


def facts(parsed: ParsedPage) -> dict[str, Any]:
    """What an expectation file says of a page: ids, counts, instants and marks of texts."""
    found: dict[str, Any] = {
        name: getattr(parsed, name)
        for name in (
            "page_kind",
            "engine_version",
            "next_url",
            "page",
            "last_page",
            "board_id",
            "thread_id",
            "containers",
        )
    }
    found["page_kind"] = str(parsed.page_kind)
    found["posts"] = [post_facts(post) for post in parsed.posts]
    found["threads"] = [thread_facts(thread) for thread in parsed.threads]
    found["boards"] = [
        [board.board_id, mark(board.title), board.parent_id, board.thread_count, board.post_count]
        for board in parsed.boards
    ]
    return {name: value for name, value in found.items() if value not in (None, [], 0)}


def as_lines(found: dict[str, Any]) -> str:
    """JSON with one record a line."""
    parts = []
    for name, value in found.items():
        if isinstance(value, list):
            rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in value)
            parts.append(f" {json.dumps(name)}: [\n{rows}\n ]")
        else:
            parts.append(f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def test_every_real_page_as_reviewed(fixtures_dir: Path) -> None:
    pages = sorted((fixtures_dir / "xenforo2").glob("*.html"))
    assert pages
    wrong, written = [], []
    for path in pages:
        found = facts(parse(path.read_bytes(), f"https://forum.example/site/part/{path.stem}/index.html"))
        expected = EXPECTED / f"{path.stem}.json"
        if not expected.exists():
            expected.write_text(as_lines(found), encoding="utf-8")
            written.append(expected.name)
        elif (reviewed := json.loads(expected.read_text(encoding="utf-8"))) != json.loads(as_lines(found)):
            wrong += [f"{path.stem}: {name}" for name in {*reviewed, *found} if reviewed.get(name) != found.get(name)]
    assert not written, f"review before committing: {written}"
    assert not wrong


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
