"""What the archive knows of the records of a crawl: what is compared with, and kept in the index."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct

from crawler.records import Poll, Status
from storage.canonical import content_hash

Row = dict[str, Any]
"""A row of a table: column name to value."""
GONE = frozenset({Status.DELETED, Status.REMOVED})
"""Statuses whose text the site no longer shows; the archive keeps none in such a version."""


class KnownPost(Struct, frozen=True):
    """The last version of a post in the archive, as far as comparing needs it."""

    thread_id: str
    content_hash: str
    status: str
    version: int
    created_at: datetime | None
    month: str
    last_seen: datetime
    missing_since: datetime | None = None
    """When it was first not found where it should stand, where nobody has seen it since."""


_HASHED = ("board_id", "title", "prefix", "tags", "thread_type", "solution_post_id", "status")


class ThreadRecord(Struct, kw_only=True):
    """The lasting values of a thread: what its versions hold, counters apart."""

    board_id: str | None = None
    title: str | None = None
    author_key: str | None = None
    author: str | None = None
    """Only where the site's privacy is `keep`."""
    created_at: datetime | None = None
    created_text: str | None = None
    prefix: str | None = None
    tags: list[str] = field(default_factory=list)
    is_sticky: bool | None = None
    is_locked: bool | None = None
    thread_type: str | None = None
    poll: Poll | None = None
    solution_post_id: str | None = None
    crosspost_of: str | None = None
    status: str = Status.VISIBLE
    url: str | None = None

    def content_hash(self) -> str:
        """Hash of what makes a version; untold counts as no for sticky and locked, and votes do not count."""
        poll = self.poll and [self.poll.question, [option.text for option in self.poll.options]]
        values = [getattr(self, name) for name in _HASHED]
        return content_hash([*values, bool(self.is_sticky), bool(self.is_locked), poll])


class KnownThread(Struct, frozen=True):
    """The last version of a thread in the archive."""

    record: ThreadRecord
    content_hash: str
    version: int
    month: str
    last_seen: datetime
    unavailable_since: datetime | None = None
    """When it was first found to be gone, where nobody has seen it since."""


@dataclass
class Known:
    """What the archive holds of the records of a batch."""

    generation: int = 0
    """Committed crawls of the site at the time."""
    posts: dict[str, KnownPost] = field(default_factory=dict)
    """The batch's posts, and all posts of the threads that it covers or did not find."""
    threads: dict[str, KnownThread] = field(default_factory=dict)
    """The batch's threads, those of its posts, and those that it did not find."""
    boards: dict[str, str] = field(default_factory=dict)
    """Hash of each known board's last row."""
    authors: dict[str, bool] = field(default_factory=dict)
    """Pseudonyms in `authors`, and whether the site's id of the author is known."""
    whole_at: dict[str, datetime] = field(default_factory=dict)
    """When the threads that others became part of were last read whole."""
    last_rows: dict[str, Row] = field(default_factory=dict)
    """Last versions of the posts that are found to be deleted."""
