"""What the clock that a page shows ("It is currently ...") says of its dates: offset, order of numbers."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo

from crawler.engines.dates.local import LocalDates
from crawler.engines.dates.zones import OFFSETS

# How far it may be behind or before the fetch: one without seconds is up to a minute behind, and answers take time.
_SLOW, _FAST = timedelta(seconds=150), timedelta(seconds=45)


def clock_zone(shown: str, fetched_at: datetime | None) -> tzinfo | None:
    """The offset at which a page's own clock ("It is currently ...", "The time now is ...") showed the fetch time.

    None where the two are not a whole number of quarter hours apart (a page from a cache), or the time is not known.
    Use it only for software that renders every date of a page with one fixed offset.
    """
    found = _by_clock(shown, fetched_at)
    return timezone(timedelta(minutes=found[0])) if found else None


def day_first_by_clock(shown: str, fetched_at: datetime | None) -> bool | None:
    """Whether dates of numbers begin with the day: only so does the page's own clock tell the time of the fetch."""
    found = _by_clock(shown, fetched_at)
    return found[1] if found else None


def _by_clock(shown: str, fetched_at: datetime | None) -> tuple[int, bool | None] | None:
    """(offset in minutes, whether the day comes first or None where both orders are the same)."""
    if fetched_at is None or fetched_at.tzinfo is None:
        return None
    now = fetched_at.astimezone(UTC).replace(tzinfo=None)
    found: dict[tuple[int, datetime], list[bool]] = {}
    for day_first in (True, False):
        local = LocalDates(zone=UTC, fetched_at=fetched_at + timedelta(days=2), day_first=day_first).local(shown)
        if local is None:
            continue
        apart = local - now
        # A clock without seconds is up to a minute behind; the answer took some seconds to come.
        minutes = round(apart / timedelta(minutes=15)) * 15
        if minutes in OFFSETS and -_SLOW <= apart - timedelta(minutes=minutes) <= _FAST:
            found.setdefault((minutes, local), []).append(day_first)
    if len(found) != 1:
        return None
    (minutes, _), orders = found.popitem()
    return minutes, orders[0] if len(orders) == 1 else None
