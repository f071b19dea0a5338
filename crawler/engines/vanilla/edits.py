"""When a post was edited, where Vanilla words it only: "Edited March 15, 2016 5:59PM by Ann."

The words are in the reader's time, which the page does not name but shows: each date of a post stands in a <time>
whose `title` is in words and whose `datetime` has the offset. An edit is dated where the page's own dates prove the
offset at that time: it was the same before and after the edit within two months, or all through summer and winter.
"""

import re
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta

from crawler.engines.dates import LocalDates
from crawler.engines.html import decoded, from_iso, offsets

_USUAL_TIME = '<time title="'
_USUAL_PAIR = re.compile(r'<time title="([^"<>]{6,60})" datetime="([^"<>]{10,40})"')
_PAIR = re.compile(r'<time\b(?=[^<>]*\stitle="([^"<>]{6,60})")(?=[^<>]*\sdatetime="([^"<>]{10,40})")')
_WINTER, _SUMMER = {1, 12}, {6, 7}
_NEAR = timedelta(days=60)
# The clocks of the world are at most so far from UTC, by whole steps.
_FARTHEST, _STEP = timedelta(hours=14), timedelta(minutes=15)
# Languages without words for AM and PM show "08:21" for either: only these hours prove that they do not.
_OF_24 = frozenset({0, *range(13, 24)})


class EditDates:
    """Reads the words of one page's edit notes."""

    def __init__(self, markup: str, language: str | None = None) -> None:
        """`language` as in <html lang>."""
        self._markup = markup
        self._words = LocalDates(zone=None, language=language)
        self._shown: list[tuple[datetime, timedelta]] | None = None
        self._times: list[datetime] = []

    def read(self, words: str) -> datetime | None:
        """The instant that the words mean, in UTC; None where the page does not prove it."""
        local = self._words.local(words)
        offset = self._offset_at(local) if local is not None else None
        return (local - offset).replace(tzinfo=UTC) if local is not None and offset is not None else None

    def _offset_at(self, local: datetime) -> timedelta | None:
        """How far the clock of the page was from UTC when it showed that time."""
        if self._shown is None:
            self._shown = sorted(self._pairs())
            self._times = [time for time, _ in self._shown]
        times = self._times
        if not any(time.hour in _OF_24 for time in (local, *times)):
            return None
        after = bisect_left(times, local)
        before = bisect_right(times, local, after) - 1
        if before >= 0 and after < len(times):
            (earlier, offset), (later, same) = self._shown[before], self._shown[after]
            if offset == same and later - earlier <= _NEAR:
                return offset
        offsets = {offset for _, offset in self._shown}
        months = {time.month for time in times}
        return offsets.pop() if len(offsets) == 1 and months & _WINTER and months & _SUMMER else None

    def _pairs(self) -> set[tuple[datetime, timedelta]]:
        """(clock time, its offset from UTC) of each date on the page."""
        found = set()
        zones: dict[timedelta, bool] = {}
        for title, stamp in set(self._usual_pairs() or _PAIR.findall(self._markup)):
            instant, local = from_iso(stamp), self._words.local(decoded(title))
            if instant is None or local is None:
                continue
            offset = local.replace(second=0) - instant.replace(second=0, microsecond=0, tzinfo=None)
            if offset not in zones:  # nearly always there is one
                zones[offset] = abs(offset) <= _FARTHEST and not offset % _STEP
            if zones[offset]:
                found.add((local, offset))
        return found

    def _usual_pairs(self) -> list[tuple[str, str]]:
        """Wording and stamp of each date as the templates write it."""
        pairs = (_USUAL_PAIR.match(self._markup, at) for at in offsets(self._markup, _USUAL_TIME))
        return [(pair[1], pair[2]) for pair in pairs if pair is not None]


__all__ = ["EditDates"]
