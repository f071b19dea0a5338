"""Reddit dumps: rows of Pushshift and Arctic Shift, one JSON object a line, comments and submissions in any mixture.

Recognised by a row's fields: a comment has `body` with `link_id` or `parent_id`, a submission `title` with what only
submissions have. Subreddit = Board, submission = Thread and its opening Post, comment = Post: a row is the `data` of
one of Reddit's things (t3, t1) and is read as such, so that fields mean what they mean in a crawl.

Differences between the dumps' years, all met in real rows: `created_utc` as number or digits; `name` absent;
`retrieved_on` (2005 to 2020, 2023 on), `retrieved_utc` (late 2020), or neither; strings with `&`, `<`, `>` as
entities (as the API gives them without `raw_json`) or as they are.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from crawler.documents.pieces import LARGEST_PIECE, Piece, Skipped
from crawler.engines.json_text import Json, NotJsonError, decode
from crawler.engines.reddit.fields import as_instant
from crawler.engines.reddit.things import Things
from crawler.records import PageKind, ParsedPage, Post, Thread

SITE = "reddit"
BASE = "https://www.reddit.com"
ENGINE = "reddit-dump"
BEFORE_ANY_SIGHTING = datetime(2005, 6, 1, tzinfo=UTC)
"""The month in which Reddit opened. A comment proves its thread without showing it: the archive is to know the thread,
and whatever else is said of it, earlier or later, is to count for more."""

_ONLY_SUBMISSIONS = ("selftext", "num_comments", "permalink", "is_self", "domain", "url")
_UNESCAPED = re.compile(rb"[<>]|\\u003[ceCE]|&(?!amp;|lt;|gt;)")
_LONGEST_KEPT = 100_000
"""Characters of an unreadable row that are kept."""

Row = dict[str, Json]


def kind_of(row: object) -> str | None:
    """`t1` for a comment's row, `t3` for a submission's, None for anything else."""
    if not isinstance(row, dict) or not (row.get("id") or row.get("name")):
        return None
    if "title" in row and "link_id" not in row and any(name in row for name in _ONLY_SUBMISSIONS):
        return "t3"
    return "t1" if "body" in row and ("link_id" in row or "parent_id" in row) else None


def read_dump(lines: Iterable[bytes], saved_at: datetime) -> Iterator[Piece | Skipped]:
    """Rows to pieces. Rows that follow each other and were retrieved in the same second share one.

    Args:
        lines: one row each; blank ones are passed over.
        saved_at: when rows that do not say it themselves were retrieved (aware, UTC).
    """
    gathered = _Gathered(saved_at, 1)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row: Json = None
        try:
            row = decode(line)
            reason = None if isinstance(row, dict) else "the row is no JSON object"
        except NotJsonError:
            reason = "the row is no JSON"
        if isinstance(row, dict):
            seen_at = _retrieved_at(row) or saved_at
            if gathered.count and (seen_at != gathered.seen_at or gathered.count >= LARGEST_PIECE):
                yield from gathered.pieces()
                gathered = _Gathered(seen_at, number)
            gathered.seen_at = seen_at
            reason = gathered.add(row, escaped=_UNESCAPED.search(line) is None)
        if reason:
            content = line.decode("utf-8", errors="replace").strip()[:_LONGEST_KEPT]
            yield Skipped(place=f"line {number}", reason=reason, site=SITE, content=content)
    yield from gathered.pieces()


def _retrieved_at(row: Row) -> datetime | None:
    """When the row's texts were as it has them; a second look at scores (`_meta`) brings no texts."""
    return as_instant(row.get("retrieved_on")) or as_instant(row.get("retrieved_utc"))


class _Gathered:
    """Rows on their way into one piece."""

    def __init__(self, seen_at: datetime, first: int) -> None:
        self.seen_at = seen_at
        self._first = first
        self._threads: list[Thread] = []
        self._posts: list[Post] = []
        self._bare: dict[str, Thread] = {}

    @property
    def count(self) -> int:
        return len(self._posts)

    def add(self, row: Row, *, escaped: bool) -> str | None:
        """Reads a row; returns why it cannot be, where it cannot."""
        kind = kind_of(row)
        things = _ESCAPED if escaped else _PLAIN
        if kind == "t3":
            submission = things.submission(row)
            if submission is None:
                return "the submission has no id"
            self._threads.append(submission[0])
            self._posts.append(submission[1])
        elif kind == "t1":
            comment = things.comment(row, None)
            if comment is None:
                return "the comment has no id, or names no thread"
            self._posts.append(comment)
            if comment.thread_id not in self._bare:
                # No address made up from the ids: the archive keeps the first one, and the submission states its own.
                self._bare[comment.thread_id] = Thread(
                    site=SITE, thread_id=comment.thread_id, board_id=things.fields(row).word("subreddit")
                )
        else:
            return "the row is neither a submission nor a comment"
        return None

    def pieces(self) -> Iterator[Piece]:
        """The rows, and the threads that they only name."""
        if self._posts:
            yield self._piece("rows", PageKind.THREAD, self.seen_at, self._threads, self._posts)
        if self._bare:
            yield self._piece("threads", PageKind.BOARD, BEFORE_ANY_SIGHTING, list(self._bare.values()), [])

    def _piece(
        self, what: str, page_kind: PageKind, seen_at: datetime, threads: list[Thread], posts: list[Post]
    ) -> Piece:
        parsed = ParsedPage(
            page_kind=page_kind, engine=ENGINE, containers=len(posts), threads=threads, posts=posts, page=1
        )
        url = f"import:{SITE}/{what}-from-{self._first}"
        return Piece(site=SITE, url=url, observed_at=seen_at, parsed=parsed, entries=len(posts))


_ESCAPED = Things(site=SITE, base=BASE, escaped=True)
_PLAIN = Things(site=SITE, base=BASE, escaped=False)
