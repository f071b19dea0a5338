"""Invented files in every form that `medthreads import` reads, for its tests."""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crawler.documents.pieces import Piece, Skipped
from crawler.documents.reddit_dump import read_dump
from crawler.warc import Exchange, WarcWriter
from medthreads.importing import Imported, import_path
from storage.archive import Archive

PAGES = Path(__file__).parent / "engines" / "pages"
SAVED_AT = datetime(2026, 1, 2, tzinfo=UTC)
SEEN = 1_700_000_000
BOARD_URL = "https://forums.example.org/forums/ward-rounds.7/"
THREAD_URL = "https://forums.example.org/threads/pager-at-night.11/"

Row = dict[str, Any]


def submission(row_id: str = "1aaaa", **fields: object) -> Row:
    """A row of an RS dump."""
    return {
        "id": row_id,
        "subreddit": "wardround",
        "title": "Pagers & sleep",
        "author": "nightfloat",
        "selftext": "Who invented <b>this</b>?",
        "is_self": True,
        "created_utc": SEEN - 900,
        "num_comments": 1,
        "permalink": f"/r/wardround/comments/{row_id}/pagers_sleep/",
        "retrieved_on": SEEN,
        **fields,
    }


def comment(row_id: str = "kaaaa", **fields: object) -> Row:
    """A row of an RC dump."""
    return {
        "id": row_id,
        "subreddit": "wardround",
        "author": "dayshift",
        "body": "Nobody did.",
        "link_id": "t3_1aaaa",
        "parent_id": "t3_1aaaa",
        "created_utc": str(SEEN - 600),
        "retrieved_on": SEEN,
        **fields,
    }


def entry(kind: str, path: list[str], **item: object) -> Row:
    """A line of forum-dl 0.3.0."""
    fields = {"path": path, "url": THREAD_URL, "origin": THREAD_URL, "data": {}, **item}
    return {
        "generator": "forum-dl",
        "version": "0.3.0",
        "extractor": "xenforo",
        "download_time": "2026-01-01T10:00:00.500000+00:00",
        "type": kind,
        "item": fields,
    }


FORUM_DL = [
    entry("board", ["7"], url=BOARD_URL, title="Ward rounds"),
    entry("thread", ["7", "11"], title="Pager at night &amp; day"),
    entry(
        "post",
        ["7", "11"],
        subpath=["101"],
        url=THREAD_URL + "post-101",
        author="quietpager",
        creation_time="2025-12-31T23:30:00+0100",
        content='It rings.<br>And rings. See <a href="/help/">help</a>.',
    ),
    entry("file", ["7", "11"], subpath=["101", "https://img.example.org/p.png"], url="https://img.example.org/p.png"),
    entry(
        "post",
        ["7", "11"],
        subpath=["102"],
        url=THREAD_URL + "post-102",
        author="dayshift",
        creation_time="2 January 2026",
        content='<blockquote data-quote="quietpager" data-source="post: 101" class="bbCodeBlock bbCodeBlock--quote">'
        '<div class="bbCodeBlock-content"><div class="bbCodeBlock-expandContent">It rings.</div></div></blockquote>'
        "Switch it off.",
    ),
]


def written(path: Path, rows: Sequence[Row | str]) -> Path:
    """Rows as lines of a file."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def warc(path: Path, pages: dict[str, tuple[str, bytes]]) -> Path:
    """A WARC as our own crawls write it: address to content type and body."""
    writer = WarcWriter(path)
    for url, (content_type, body) in pages.items():
        headers = [("Content-Type", content_type)]
        if content_type == "text/html":
            headers.append(("Content-Encoding", "gzip"))
            body = gzip.compress(body)
        writer.write(Exchange(url=url, request_headers=[], status=200, headers=headers, body=body, fetched_at=SAVED_AT))
    writer.close()
    return path


def own_pages() -> dict[str, tuple[str, bytes]]:
    """Pages of two forums, one that is no forum's, and a picture."""
    return {
        "https://forums.example.org/threads/x.11/": ("text/html", (PAGES / "xenforo2/thread-2.3.html").read_bytes()),
        "https://forums.example.org/about": ("text/html", b"<html><title>About</title><p>Nothing.</html>"),
        "https://forums.example.org/logo.png": ("image/png", b"\x89PNG"),
        "https://oauth.reddit.com/comments/1aaaa?raw_json=1": (
            "application/json; charset=UTF-8",
            (PAGES / "reddit/tree-raw.json").read_bytes(),
        ),
        "https://ads.example.net/": ("text/html", b"<html><p>Buy.</html>"),
    }


def rows(location: Path, query: str) -> list[tuple[Any, ...]]:
    with Archive.open(str(location), create=False).connect() as connection:
        return connection.sql(query).fetchall()


def imported(path: Path, location: Path) -> list[Imported]:
    """Imports it twice; the second time must change nothing."""
    first = import_path(path, str(location))
    snapshots = len(Archive.open(str(location)).snapshots())
    again = import_path(path, str(location))
    assert len(Archive.open(str(location)).snapshots()) == snapshots
    assert [(one.new, one.edited, one.seen, one.skipped) for one in again] == [
        (0, 0, one.seen, one.skipped) for one in first
    ]
    landings = [folder for folder in (location / "landing").glob("*/*") if folder.is_dir()]
    assert not [folder for folder in landings if folder.name.startswith(".")]
    return first


def pieces(lines: Sequence[Row | str]) -> list[Piece | Skipped]:
    return list(
        read_dump((line.encode() if isinstance(line, str) else json.dumps(line).encode() for line in lines), SAVED_AT)
    )
