"""Instants of posts: dates as the page words them, in the zone that it states and the order of numbers that it proves.

Dates such as "02-03-2010" prove no order. What else can: the other dates of the page's own template (of edits, of
similar threads), all in one format; and the posts themselves, which stand oldest first.
"""

import re
from datetime import UTC, datetime
from itertools import pairwise

from crawler.engines.dates import LocalDates
from crawler.engines.vbulletin.document import Document, read_date
from crawler.engines.vbulletin.posts import ReadPost

_NUMBERS = re.compile(r"\b\d{1,2}[-/]\d{1,2}[-/]\d{2,4}\b")
# A date of the template: authors cannot write the class.
_OF_TEMPLATE = re.compile(r'(\d{1,2}([-/])\d{1,2}\2\d{4}),?(?:&nbsp;|\s){0,9}<span class="time">')


def date_posts(document: Document, read: list[ReadPost], *, nodes: bool) -> None:
    """Gives posts and edits their instants, where the page allows; `nodes`: most posts have one already."""
    if not any(post.edited_text or post.post.created_at is None for post in read):
        return
    samples = [text for post in read for text in (post.post.created_text, post.edited_text) if text]
    dates = document.dates(samples)
    if dates is None:
        return
    if nodes:  # the epochs tell whether the dates shown are at the offset stated
        for post in read:
            shown, instant = read_date(dates, post.post.created_text), post.post.created_at
            if shown and instant and abs((instant - shown).total_seconds()) >= 60:
                return
    _read_with(dates, read)
    if nodes or not _unproven(read):
        return
    of_template = [found[1] for found in _OF_TEMPLATE.finditer(document.markup, document.body_start)]
    if of_template and (dates := document.dates([*samples, *of_template])) is not None:
        _read_with(dates, read)
    if _unproven(read) and (day_first := _day_first_by_sequence(read)) is not None:
        dates = document.dates(samples, day_first=day_first)
        if dates is not None:
            _read_with(dates, read)


def _read_with(dates: LocalDates, read: list[ReadPost]) -> None:
    for post in read:
        if post.post.created_at is None:
            post.post.created_at = read_date(dates, post.post.created_text)
        if post.post.edited_at is None:
            post.post.edited_at = read_date(dates, post.edited_text)


def _unproven(read: list[ReadPost]) -> bool:
    """Whether dates of numbers are left without an instant."""
    return any(
        (post.post.created_at is None and _NUMBERS.search(post.post.created_text or "") is not None)
        or (post.post.edited_at is None and _NUMBERS.search(post.edited_text or "") is not None)
        for post in read
    )


def _day_first_by_sequence(read: list[ReadPost]) -> bool | None:
    """Whether the day comes first, where only one of the two orders makes numbered posts stand oldest first."""
    places = [post.post.position for post in read if post.post.position is not None]
    if len(places) < len(read) or any(before >= after for before, after in pairwise(places)):
        return None
    texts = [post.post.created_text for post in read if _NUMBERS.search(post.post.created_text or "")]
    possible = [day_first for day_first in (True, False) if _is_in_order(texts, day_first=day_first)]
    return possible[0] if len(possible) == 1 else None


def _is_in_order(texts: list[str | None], *, day_first: bool) -> bool:
    dates = LocalDates(zone=UTC, day_first=day_first)
    moments: list[datetime] = []
    for text in texts:
        moment = dates.local(text) if text else None
        if moment is None:
            return False
        moments.append(moment)
    return all(before <= after for before, after in pairwise(moments))
