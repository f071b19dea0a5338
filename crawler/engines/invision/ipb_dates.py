"""Dates in words on a page of IP.Board 3: when posts were edited, when the topic was opened.

The software shows every date of a page with one fixed offset, that of its reader (`class_localization::getDate` adds
`$this->offset`, worked out once a request), and states each post's instant in an attribute besides. So the posts of the
page prove the offset, and with it the dates that stand there in words only.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

from crawler.engines.dates import LocalDates
from crawler.records import Post, Thread

_SEPARATOR = re.compile(r"[,:]\s")
_FARTHEST = timedelta(hours=14)
_QUARTER = timedelta(minutes=15)


def date_in_words(posts: list[Post], thread: Thread, edit_lines: dict[str, str], fetched_at: datetime | None) -> None:
    """Sets the instants of edits (`edit_lines` by post id) and of the topic, where the posts prove the offset."""
    if not edit_lines and (thread.created_at is not None or not thread.created_text):
        return
    zone = _offset(posts)
    if zone is None:
        return
    dates = LocalDates(zone=zone, fetched_at=fetched_at, samples=[post.created_text or "" for post in posts])
    for post in posts:
        if line := edit_lines.get(post.post_id):
            found = _last_date(line, dates)
            if found is not None and (post.created_at is None or found >= post.created_at - timedelta(minutes=1)):
                post.edited_at = found
    if thread.created_at is None and thread.created_text:
        thread.created_at = dates.read(thread.created_text)


def _last_date(line: str, dates: LocalDates) -> datetime | None:
    """The instant behind the name: 3.1 and later write "Edited by Ada, DATE.", 3.0 "... by Ada: DATE".

    A date may hold a comma, as a name may: the longest that is one counts.
    """
    for separator in _SEPARATOR.finditer(line):
        if (found := dates.read(line[separator.end() :].rstrip(". "))) is not None:
            return found
    return None


def _offset(posts: list[Post]) -> timezone | None:
    """The offset from UTC at which the page shows its dates; None where its posts do not agree on one."""
    dates = LocalDates(zone=None, samples=[post.created_text or "" for post in posts])
    offsets = set()
    for post in posts[:: max(1, len(posts) // 6)]:
        shown = dates.local(post.created_text) if post.created_text else None
        if shown is not None and post.created_at is not None:
            stated = post.created_at.astimezone(UTC).replace(tzinfo=None, second=0)
            offsets.add(shown.replace(second=0) - stated)
    if len(offsets) != 1:
        return None
    offset = offsets.pop()
    return timezone(offset) if abs(offset) <= _FARTHEST and not offset % _QUARTER else None
