"""The dates of one page as instants: what its words say, in the zone and the order of numbers that the page proves."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from crawler.engines.dates.wording import LONGEST, Clock, Day, numeric_dates, parts_of, wording_of
from crawler.engines.dates.words import CROATIAN

# Dates before forums were, and after any reader: "01 Jan 1970" stands for a date that the site has lost.
_FIRST_YEAR, _LAST_YEAR = 1980, 2100
# Clocks differ, and a page's zone may be off by up to a day; beyond that a date is no post's.
_AHEAD = timedelta(hours=26)
_NOW = timedelta(minutes=10)
_CROATIAN = frozenset({"hr", "bs", "sr"})
# Whose own months have the names of others in Croatian.
_OTHERS = frozenset({"cs", "pl", "uk"})
# Where dates begin with the year, also one of two digits, and have full stops.
_YEAR_FIRST = frozenset({"ko", "ja", "zh", "hu"})
_DMY, _MDY, _YMD = "DMY", "MDY", "YMD"
_ORDERS = frozenset({_DMY, _MDY, _YMD})


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
        # That of a zone without summer time; None where it depends on the day.
        self._offset = zone.utcoffset(None) if isinstance(zone, timezone) else None
        self._fetched_at = fetched_at
        self._latest = _bounded(fetched_at, _AHEAD)
        self._latest_relative = _bounded(fetched_at, _NOW)
        self._latest_date = self._latest.replace(tzinfo=None) if self._latest is not None else None
        self._samples = list(samples) if isinstance(samples, Iterator) else samples
        self._day_first = day_first
        self._language = (language or "").lower()[:2]
        self._croatian: bool | None = None
        self._orders: dict[str, frozenset[str]] | None = None
        self._instants: dict[str, datetime | None] = {}

    def read(self, text: str) -> datetime | None:
        """The instant in UTC that a text means; None where that would be a guess. Never raises."""
        try:
            return self._instants[text]
        except KeyError:
            found = self._instants[text] = self._read(text)
            return found

    def _read(self, text: str) -> datetime | None:
        if (parts := parts_of(text)) is not None:
            return None if self._zone is None else self._moment(*parts, self._zone, self._offset)
        wording = wording_of(text, self._is_croatian())
        if wording is None:
            return None
        zone, offset = self._zone, self._offset
        if wording.clock.offset is not None:
            offset = timedelta(minutes=wording.clock.offset)
            zone = timezone(offset)
        if zone is None:
            return None
        found = {
            moment for day in wording.days if (moment := self._moment(day, wording.clock, zone, offset)) is not None
        }
        return found.pop() if len(found) == 1 else None

    def _is_croatian(self) -> bool:
        """Whether months are named as Croatian names them: by the page's language, else by words of its dates."""
        if self._croatian is None:
            self._croatian = self._language in _CROATIAN or (
                self._language not in _OTHERS
                and any(word in CROATIAN for sample in self._samples for word in sample[:LONGEST].lower().split())
            )
        return self._croatian

    def local(self, text: str) -> datetime | None:
        """The clock time that a text shows, without any zone; relative words are not resolved."""
        wording = wording_of(text, self._is_croatian())
        if wording is None:
            return None
        since = wording.clock.since_midnight
        found = {day + since for one in wording.days if one.ago is None and (day := self._day(one, None)) is not None}
        return found.pop() if len(found) == 1 else None

    def _moment(self, day: Day, clock: Clock, zone: tzinfo, offset: timedelta | None) -> datetime | None:
        """The instant of a time on a day; `offset` is that of the zone where it has but one."""
        try:
            midnight = self._day(day, zone)
            if midnight is None:
                return None
            local = midnight + clock.since_midnight
            if offset is None:
                offset = zone.utcoffset(local)
                # An hour that the change of clocks skipped, or that came twice, has two.
                if offset is None or offset != zone.utcoffset(local.replace(fold=1)):
                    return None
            moment = local.replace(tzinfo=UTC) - offset
        except (OverflowError, ValueError, TypeError):
            return None
        latest = self._latest if day.date is not None or day.numbers is not None else self._latest_relative
        return moment if latest is None or moment <= latest else None

    def _day(self, day: Day, zone: tzinfo | None) -> datetime | None:
        """The midnight with which a day began, without zone; None where the text contradicts itself."""
        if day.date is not None:
            year, month, number = day.date
            found = _calendar(self._full_year(year) if day.two_digits else year, month, number)
        elif day.numbers is not None:
            found = self._ordered(day.numbers, day.separator)
        else:
            found = self._past(day, zone)
        if found is not None and day.weekdays is not None and found.weekday() not in day.weekdays:
            return None
        return found

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
        """The year that two digits stand for, none of them being to come; None where nobody knows what is."""
        if self._fetched_at is None:
            return None
        return 2000 + two_digits if 2000 + two_digits <= self._fetched_at.year else 1900 + two_digits

    def _ordered(self, numbers: tuple[str, str, str], separator: str) -> datetime | None:
        """The date that three numbers mean; None where nothing tells which of them is the day."""
        proven = self._proven().get(separator) or _ORDERS
        first_is_day = self._day_first
        if first_is_day is None and separator == "." and _DMY in proven and self._language not in _YEAR_FIRST:
            # Where full stops stand between, the day comes first, unless the page shows something else.
            first_is_day = True
        if first_is_day is not None and len(numbers[0]) < 4 and int(numbers[1 if first_is_day else 0]) <= 12:
            return self._reading(_DMY if first_is_day else _MDY, numbers)
        if len(proven) == 1:
            return self._reading(next(iter(proven)), numbers)
        found = {date for order in proven if (date := self._reading(order, numbers)) is not None}
        return found.pop() if len(found) == 1 else None

    def _reading(self, order: str, numbers: tuple[str, str, str]) -> datetime | None:
        """The date that three numbers are in that order; None where it is none, or to come."""
        a, b, c = numbers
        if order == _YMD:
            if len(a) < 4 and len(c) == 4:
                return None
            year, month, day = a, b, c
        elif len(a) == 4:
            return None
        else:
            year, month, day = (c, b, a) if order == _DMY else (c, a, b)
        full: int | None = int(year)
        if len(year) <= 2:
            full = self._full_year(int(year)) if len(year) == 2 else None
        date = _calendar(full, int(month), int(day))
        if date is None or self._latest_date is None or date <= self._latest_date:
            return date
        return None

    def _proven(self) -> dict[str, frozenset[str]]:
        """By separator: the orders that all samples agree with; what is not one order proves nothing."""
        if self._orders is None:
            self._orders = {}
            for sample in self._samples:
                for separator, numbers in numeric_dates(sample):
                    possible = frozenset(order for order in _ORDERS if self._reading(order, numbers) is not None)
                    self._orders[separator] = self._orders.get(separator, possible) & possible
        return self._orders


def _calendar(year: int | None, month: int, day: int) -> datetime | None:
    if year is None or not (_FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    try:
        return datetime(year, month, day)  # noqa: DTZ001 - the zone comes later
    except ValueError:
        return None


def _bounded(instant: datetime | None, later: timedelta) -> datetime | None:
    try:
        return instant + later if instant is not None else None
    except OverflowError:
        return instant
