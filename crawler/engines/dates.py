"""Dates as forums word them in their own time ("Yesterday, 08:15 AM", "14. Nov 2015, 23:10"), as instants.

A date in words is an instant only where three things are known: which day it means (relative words need the time of the
fetch; "03/04/2015" needs an order of day and month that the page itself proves), the clock time, and the zone that the
page states for its times. Where one is missing there is no instant: the caller keeps the words in `created_text`.
"""

from collections.abc import Iterable
from datetime import datetime, tzinfo


class LocalDates:
    """Reads the dates of one page."""

    def __init__(self, *, zone: tzinfo | None, fetched_at: datetime | None = None, samples: Iterable[str] = ()) -> None:
        """`zone` is the one that the page states; `fetched_at` (aware) is what "Yesterday" refers to.

        `samples` are date texts of the page: one of them with a day above 12 proves the order of all.
        """
        self._zone = zone
        self._fetched_at = fetched_at
        self._samples = list(samples)

    def read(self, text: str) -> datetime | None:
        """The instant in UTC that a text means; None where that would be a guess. Never raises."""
        raise NotImplementedError


def zone_of(text: str) -> tzinfo | None:
    """The zone that a page states: "GMT -5", "UTC + 1 hour [ DST ]", "UTC+05:30", "America/New_York"; else None."""
    raise NotImplementedError


def clock_zone(shown: str, fetched_at: datetime | None) -> tzinfo | None:
    """The offset at which a page's own clock ("It is currently ...", "The time now is ...") showed the fetch time.

    None where the two are not a whole number of quarter hours apart (a page from a cache), or the time is not known.
    Use it only for software that renders every date of a page with one fixed offset.
    """
    raise NotImplementedError
