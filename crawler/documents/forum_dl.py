"""forum-dl's JSON Lines (as version 0.3.0 writes them): boards, threads, posts and files of any forum, one a line.

Recognised by `generator: forum-dl` with `type` and `item`. Board = Board, thread = Thread, post = Post, file =
Attachment of the post it stands in. An item's `path` is the way to it: its last part is the id of a board or thread,
the part before that its board's. A post has its thread's path, and its own id as the last part of `subpath`; the part
before that, in trees of replies, is its parent's. Ids are kept as they stand.

A post's `content` is HTML as the forum had it; for XenForo it is read as our own engine reads a post's body. Its
`creation_time` is an instant only where it states an offset, else only the words are kept. The post that follows its
thread's line is the opening one: forum-dl reads threads from their first page.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from crawler.documents.pieces import LARGEST_PIECE, Piece, Skipped
from crawler.engines.html import Prose, absolute, from_iso
from crawler.engines.xenforo2.body import Body
from crawler.records import Attachment, Board, PageKind, ParsedPage, Post, Quote, Thread

GENERATOR = "forum-dl"
_LONGEST_KEPT = 100_000
"""Characters of an unreadable line that are kept."""


class _Item(Struct):
    """A board, thread, post or file; fields that its type lacks stay empty."""

    path: list[str] = field(default_factory=list)
    url: str = ""
    subpath: list[str] = field(default_factory=list)
    title: str | None = None
    author: str | None = None
    creation_time: str | None = None
    content: str | None = None


class _Entry(Struct):
    type: str
    item: _Item
    generator: str = ""
    extractor: str = ""
    download_time: str = ""


_DECODER = msgspec.json.Decoder(_Entry)


def is_forum_dl(entry: object) -> bool:
    """Whether a line's value is an entry of forum-dl."""
    return isinstance(entry, dict) and entry.get("generator") == GENERATOR and {"type", "item"} <= entry.keys()


def read_forum_dl(
    lines: Iterable[bytes], saved_at: datetime, site_of: Callable[[str], str | None]
) -> Iterator[Piece | Skipped]:
    """Lines to pieces: what follows each other of one thread is one.

    Args:
        lines: one entry each; blank ones are passed over.
        saved_at: when entries that do not say it were downloaded (aware, UTC).
        site_of: name of the site of an address; None where the address has no host.
    """
    gathered: _Gathered | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = _DECODER.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            yield _skipped(line, number, "the line is no entry of forum-dl")
            continue
        if entry.type == "file":
            # It may lie on another host than its post; only its path says where it belongs.
            if reason := gathered.attach(entry.item) if gathered else _STRAY_FILE:
                yield _skipped(line, number, reason, gathered.site if gathered else None)
            continue
        site = site_of(entry.item.url)
        reason = _fault(entry)
        if site is None or reason:
            yield _skipped(line, number, reason or "its address names no site", site)
            continue
        path = () if entry.type == "board" else tuple(entry.item.path)
        if gathered is not None and not gathered.takes(site, path):
            yield gathered.piece()
            gathered = None
        if gathered is None:
            gathered = _Gathered(site, path, number)
        gathered.add(entry, from_iso(entry.download_time) or saved_at)
    if gathered is not None:
        yield gathered.piece()


_STRAY_FILE = "the file is of no post"


def _fault(entry: _Entry) -> str | None:
    if entry.type not in {"board", "thread", "post"}:
        return "forum-dl's type of the line is unknown"
    if not entry.item.path:
        # The root of a forum comes as a board without path; it is the site itself.
        return "the forum itself, as a board without id" if entry.type == "board" else "it has no id"
    return None


def _skipped(line: bytes, number: int, reason: str, site: str | None = None) -> Skipped:
    content = line.decode("utf-8", errors="replace").strip()[:_LONGEST_KEPT]
    return Skipped(place=f"line {number}", reason=reason, site=site, content=content)


class _Gathered:
    """Entries of one thread, or boards (whose common path is empty), on their way into one piece."""

    def __init__(self, site: str, path: tuple[str, ...], first: int) -> None:
        self.site = site
        self._path = path
        self._first = first
        self._entries = 0
        self._seen_at: datetime | None = None
        self._boards: list[Board] = []
        self._thread: Thread | None = None
        self._posts: list[Post] = []
        self._subpath: list[str] = []

    def takes(self, site: str, path: tuple[str, ...]) -> bool:
        """Whether an entry of that site and path belongs here, and there is room for it."""
        return (self.site, self._path) == (site, path) and self._entries < LARGEST_PIECE

    def add(self, entry: _Entry, seen_at: datetime) -> None:
        """Reads a board, a thread or a post."""
        if entry.type == "board":
            self._boards.append(_board(entry.item, self.site))
        elif entry.type == "thread":
            self._thread = _thread(entry.item, self.site)
        else:
            self._add_post(entry)
        self._entries += 1
        self._seen_at = max(self._seen_at or seen_at, seen_at)

    def _add_post(self, entry: _Entry) -> None:
        post = _post(entry, self.site)
        if self._thread is not None and not self._posts:
            post.is_opening, post.position = True, 1
            self._thread.author = post.author
            self._thread.created_at, self._thread.created_text = post.created_at, post.created_text
        self._posts.append(post)
        self._subpath = entry.item.subpath

    def attach(self, item: _Item) -> str | None:
        """Adds a file to the last post, whose files follow it; returns why not, where it cannot be."""
        if not self._posts or tuple(item.path) != self._path or item.subpath[:-1] != self._subpath:
            return _STRAY_FILE
        if not item.url.startswith(("http://", "https://")):
            return "the file has no web address"
        post = self._posts[-1]
        if all(known.url != item.url for known in post.attachments):
            post.attachments.append(Attachment(url=item.url))
        self._entries += 1
        return None

    def piece(self) -> Piece:
        """All of it."""
        assert self._seen_at is not None
        parsed = ParsedPage(
            page_kind=PageKind.THREAD if self._path else PageKind.INDEX,
            engine=GENERATOR,
            board_id=self._path[-2] if len(self._path) > 1 else None,
            thread_id=self._path[-1] if self._path else None,
            containers=len(self._posts),
            boards=self._boards,
            threads=[self._thread] if self._thread else [],
            posts=self._posts,
        )
        url = f"import:{self.site}/lines-from-{self._first}"
        return Piece(site=self.site, url=url, observed_at=self._seen_at, parsed=parsed, entries=self._entries)


def _board(item: _Item, site: str) -> Board:
    parent_id = item.path[-2] if len(item.path) > 1 else None
    return Board(site=site, board_id=item.path[-1], title=item.title or None, parent_id=parent_id, url=item.url)


def _thread(item: _Item, site: str) -> Thread:
    board_id = item.path[-2] if len(item.path) > 1 else None
    title = Prose().read(item.title or "").result() or None
    return Thread(site=site, thread_id=item.path[-1], title=title, board_id=board_id, url=item.url)


def _post(entry: _Entry, site: str) -> Post:
    item = entry.item
    prose = Body(tuple) if entry.extractor == "xenforo" else Prose()
    body = prose.read(item.content or "").result()
    quotes: list[Quote] = prose.quotes if isinstance(prose, Body) else []
    links = [absolute(item.url, href) for href in prose.links]
    instant = from_iso(item.creation_time or "")
    return Post(
        site=site,
        thread_id=item.path[-1],
        # Mailing lists give the message that opens a thread no id of its own.
        post_id=item.subpath[-1] if item.subpath else item.path[-1],
        parent_id=item.subpath[-2] if len(item.subpath) > 1 else None,
        author=item.author or None,
        created_at=instant,
        created_text=item.creation_time or None,
        body_text=body,
        quotes=quotes,
        links=[link for link in dict.fromkeys(links) if urlsplit(link).scheme in {"http", "https"}],
        url=item.url or None,
    )
