"""Dates as forums word them in their own time ("Yesterday, 08:15 AM", "14. Nov 2015, 23:10"), as instants.

A date in words is an instant only where three things are known: which day it means (relative words need the time of the
fetch; "03/04/2015" needs an order of day and month that the page itself proves), the clock time, and the zone that the
page states for its times. Where one is missing there is no instant: the caller keeps the words in `created_text`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from crawler.engines.dates.wording import Clock, Day, numeric_dates, wording_of
from crawler.engines.dates.zones import OFFSETS
from crawler.engines.dates.zones import zone_of as zone_of

# Dates before forums were, and after any reader: "01 Jan 1970" stands for a date that the site has lost.
_FIRST_YEAR, _LAST_YEAR = 1980, 2100
# Clocks differ, and a page's zone may be off by up to a day; beyond that a date is no post's.
_AHEAD = timedelta(hours=26)
_NOW = timedelta(minutes=10)
_SLOW, _FAST = timedelta(seconds=150), timedelta(seconds=45)
_DMY, _MDY, _YMD = "DMY", "MDY", "YMD"


class LocalDates:
    """Reads the dates of one page."""

    def __init__(
        self,
        *,
        zone: tzinfo | None,
        fetched_at: datetime | None = None,
        samples: Iterable[str] = (),
        day_first: bool | None = None,
        language: str | None = None,
    ) -> None:
        """`zone` is the one that the page states; `fetched_at` (aware) is what "Yesterday" refers to.

        `samples` are date texts of the page: one of them with a day above 12 proves the order of all. `day_first` is
        the order of numbers where something else proves it (`day_first_by_clock`). `language` as in <html lang>.
        """
        self._zone = zone
        self._fetched_at = fetched_at
        self._samples = samples
        self._day_first = day_first
        self._croatian = (language or "").lower()[:2] in {"hr", "bs", "sr"}
        self._orders: dict[str, frozenset[str]] | None = None

    def read(self, text: str) -> datetime | None:
        """The instant in UTC that a text means; None where that would be a guess. Never raises."""
        wording = wording_of(text, self._croatian)
        if wording is None:
            return None
        zone = self._zone if wording.clock.offset is None else timezone(timedelta(minutes=wording.clock.offset))
        if zone is None:
            return None
        found = {moment for day in wording.days if (moment := self._moment(day, wording.clock, zone)) is not None}
        return found.pop() if len(found) == 1 else None

    def local(self, text: str) -> datetime | None:
        """The clock time that a text shows, without any zone; relative words are not resolved."""
        wording = wording_of(text, self._croatian)
        if wording is None:
            return None
        found = {local for day in wording.days if day.ago is None and (local := self._local(day, wording.clock, None))}
        return found.pop() if len(found) == 1 else None

    def _moment(self, day: Day, clock: Clock, zone: tzinfo) -> datetime | None:
        local = self._local(day, clock, zone)
        if local is None:
            return None
        try:
            early, late = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
            if early != late:  # an hour that the change of clocks skipped, or that came twice
                return None
            relative = day.ago is not None or (day.date is None and day.numbers is None)
            if self._fetched_at is not None and early > self._fetched_at + (_NOW if relative else _AHEAD):
                return None
        except (OverflowError, ValueError, TypeError):
            return None
        return early

    def _local(self, day: Day, clock: Clock, zone: tzinfo | None) -> datetime | None:
        try:
            if day.date is not None:
                year = self._full_year(day.date[0]) if day.two_digits else day.date[0]
                found = _calendar(year, day.date[1], day.date[2])
            elif day.numbers is not None:
                found = self._ordered(day.numbers, day.separator)
            else:
                found = self._past(day, zone)
            if found is None:
                return None
            if day.weekdays is not None and found.weekday() not in day.weekdays:
                return None
            return found.replace(hour=clock.hour, minute=clock.minute, second=clock.second)
        except (OverflowError, ValueError):
            return None

    def _past(self, day: Day, zone: tzinfo | None) -> datetime | None:
        """The day of a relative word, or the last one with that name: software words so the days of the last week."""
        if self._fetched_at is None or zone is None:
            return None
        today = self._fetched_at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        if day.ago is not None:
            return today - timedelta(days=day.ago)
        if day.weekdays is None or len(day.weekdays) != 1:
            return None
        back = (today.weekday() - min(day.weekdays)) % 7
        return today - timedelta(days=back) if back else None

    def _full_year(self, two_digits: int) -> int | None:
        if self._fetched_at is None:
            return None
        return 2000 + two_digits if 2000 + two_digits <= self._fetched_at.year else 1900 + two_digits

    def _ordered(self, numbers: tuple[str, str, str], separator: str) -> datetime | None:
        own = self._readings(numbers)
        if len(numbers[0]) < 4 and (separator == "." or self._day_first is not None):
            # Where full stops stand between, the day comes first; a year of two digits does so only in Hungary.
            known = _DMY if self._day_first is not False else _MDY
            if int(numbers[1] if known == _DMY else numbers[0]) <= 12:
                return own.get(known)
        proven = self._proven().get(separator)
        likely = {order: date for order, date in own.items() if order in proven} if proven else own
        return likely.popitem()[1] if len(set(likely.values())) == 1 else None

    def _readings(self, numbers: tuple[str, str, str]) -> dict[str, datetime]:
        """The dates that three numbers can mean, by the order of day, month and year."""
        a, b, c = numbers
        orders = {_DMY: (c, b, a), _MDY: (c, a, b), _YMD: (a, b, c)}
        if len(a) == 4:
            orders = {_YMD: orders[_YMD]}
        elif len(c) == 4:
            del orders[_YMD]
        found = {}
        for order, (year, month, day) in orders.items():
            full: int | None = int(year)
            if len(year) <= 2:
                full = self._full_year(int(year)) if len(year) == 2 else None
            date = _calendar(full, int(month), int(day))
            if date is not None and (
                self._fetched_at is None or date <= self._fetched_at.replace(tzinfo=None) + _AHEAD
            ):
                found[order] = date
        return found

    def _proven(self) -> dict[str, frozenset[str]]:
        """By separator: the orders that all samples agree with; what is not one order proves nothing."""
        if self._orders is None:
            self._orders = {}
            for sample in self._samples:
                for separator, numbers in numeric_dates(sample):
                    possible = frozenset(self._readings(numbers))
                    self._orders[separator] = self._orders.get(separator, possible) & possible
        return self._orders


def _calendar(year: int | None, month: int, day: int) -> datetime | None:
    if year is None or not (_FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    try:
        return datetime(year, month, day)  # noqa: DTZ001 - the zone comes later
    except ValueError:
        return None


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
