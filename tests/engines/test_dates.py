# ruff: noqa: RUF001  (letters of other alphabets)
"""Dates as forums word them, as instants: the right one or none."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crawler.engines.dates import LocalDates, clock_zone, day_first_by_clock, zone_of
from crawler.engines.dates.words import MONTHS, WEEKDAYS

NEW_YORK_WINTER = timezone(timedelta(hours=-5))
FETCHED = datetime(2015, 11, 20, 20, 30, tzinfo=UTC)  # Friday, 3:30 pm there
DATES = LocalDates(zone=NEW_YORK_WINTER, fetched_at=FETCHED)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK_WINTER)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("14 Nov 2015, 23:10", "2015-11-14T23:10"),  # phpBB
        ("Sat 14 Nov 2015, 23:10", "2015-11-14T23:10"),
        ("Mon Oct 03, 2011 9:54 pm", "2011-10-03T21:54"),
        ("by Ann » Mon Oct 03, 2011 9:54 pm", "2011-10-03T21:54"),
        ("Posted: Mon Oct 03, 2011 9:54 pm    Post subject: Re: dose", "2011-10-03T21:54"),  # phpBB 2
        ("11-14-2015, 04:23 AM", "2015-11-14T04:23"),  # vBulletin
        ("14th November 2015, 23:10", "2015-11-14T23:10"),
        ("1st October 2015 12:00 AM", "2015-10-01T00:00"),
        ("October 2nd, 2015, 12:05 PM", "2015-10-02T12:05"),
        ("Nov 14, 2015 at 4:23 AM", "2015-11-14T04:23"),  # XenForo
        ("« Reply #3 on: May 20, 2014, 08:15:23 PM »", "2014-05-20T20:15:23"),  # SMF
        ("November 14, 2015, 08:15:23 pm", "2015-11-14T20:15:23"),
        ("« Last Edit: October 01, 2015, 10:43:12 by Ann »", "2015-10-01T10:43:12"),
        ("Last edited by Ann; 04-26-2015 at 09:32 PM.", "2015-04-26T21:32"),
        ("14.11.2015 23:10", "2015-11-14T23:10"),
        ("03.04.2015, 23:10 Uhr", "2015-04-03T23:10"),
        ("14.11.15 23:10", "2015-11-14T23:10"),
        ("14-Nov-15 23:10", "2015-11-14T23:10"),
        ("14 Nov 99 23:10", "1999-11-14T23:10"),
        ("2015-11-14 23:10:05", "2015-11-14T23:10:05"),
        ("2015/04/03 23:10", "2015-04-03T23:10"),
        ("Sat Nov 14 23:10:05 2015", "2015-11-14T23:10:05"),
        ("23:10, 14 Nov 2015", "2015-11-14T23:10"),
        ("8:15p Nov 14, 2015", "2015-11-14T20:15"),
        ("Nov 14 2015 12:30 p.m.", "2015-11-14T12:30"),
        ("14 Nov 2015 23:10 PM", "2015-11-14T23:10"),
        ("Samstag, 14. November 2015, 23:10 Uhr", "2015-11-14T23:10"),
        ("Sa 14. Nov 2015, 23:10", "2015-11-14T23:10"),
        ("am 14. März 2015 um 23:10", "2015-03-14T23:10"),
        ("sam. 14 nov. 2015 23:10", "2015-11-14T23:10"),
        ("14 février 2015 à 23h10", "2015-02-14T23:10"),
        ("mar. 10 mars 2015, 3:10", "2015-03-10T03:10"),
        ("14 ноября 2015, 23:10", "2015-11-14T23:10"),
        ("Сб 14 ноя 2015, 23:10", "2015-11-14T23:10"),
        ("14 нояб. 2015 г., 23:10", "2015-11-14T23:10"),
        ("14 de noviembre de 2015, 23:10", "2015-11-14T23:10"),
        ("Lun Mar 14, 2011 10:10 pm", "2011-03-14T22:10"),
        ("lunedì 14 marzo 2011, 23:10", "2011-03-14T23:10"),
        ("Sábado, 14 de novembro de 2015 às 23:10", "2015-11-14T23:10"),
        ("zaterdag 14 november 2015, 23:10", "2015-11-14T23:10"),
        ("14 lis 2015, 23:10", "2015-11-14T23:10"),
        ("w dniu 14 listopada 2015, o godz. 23:10", "2015-11-14T23:10"),
        ("14 november 2015 kl. 23.10", "2015-11-14T23:10"),
        ("14 Kas 2015, 23:10", "2015-11-14T23:10"),
        ("14 KASIM 2015, 23:10", "2015-11-14T23:10"),
        ("2015年11月14日 下午 3:10", "2015-11-14T15:10"),
        ("Joined: Nov 2010 ... Posted: 14 Nov 2015, 23:10", "2015-11-14T23:10"),
        ("2015-11-14 23:10:05.123456", "2015-11-14T23:10:05"),
        ("Sun 14 jui 2015 10:10", "2015-06-14T10:10"),
    ],
)
def test_dates_of_the_calendar(text: str, shown: str) -> None:
    assert DATES.read(text) == local(shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *[("Yesterday, 08:15 AM", "2015-11-19T08:15"), ("Today at 3:04 pm", "2015-11-20T15:04")],
        *[("Gestern, 08:15", "2015-11-19T08:15"), ("Heute um 08:15 Uhr", "2015-11-20T08:15")],
        *[("Hier à 08h15", "2015-11-19T08:15"), ("aujourd’hui, 08:15", "2015-11-20T08:15")],
        *[("Вчера в 08:15", "2015-11-19T08:15"), ("Сегодня, 08:15", "2015-11-20T08:15")],
        *[("Ayer a las 08:15", "2015-11-19T08:15"), ("Ieri alle 08:15", "2015-11-19T08:15")],
        *[("Ontem às 08:15", "2015-11-19T08:15"), ("gisteren om 08:15", "2015-11-19T08:15")],
        *[("wczoraj, 08:15", "2015-11-19T08:15"), ("I går, 08:15", "2015-11-19T08:15")],
        *[("Dün, 08:15", "2015-11-19T08:15"), ("vorgestern, 08:15", "2015-11-18T08:15")],
        *[("Wednesday at 3:04 PM", "2015-11-18T15:04"), ("Samstag um 23:10", "2015-11-14T23:10")],
    ],
)
def test_words_refer_to_the_fetch(text: str, shown: str) -> None:
    assert DATES.read(text) == local(shown)
    assert LocalDates(zone=NEW_YORK_WINTER).read(text) is None, "nobody knows when it was fetched"


def test_the_day_of_the_fetch_is_that_of_the_zone() -> None:
    after_midnight_in_london = datetime(2015, 11, 20, 1, 30, tzinfo=UTC)
    dates = LocalDates(zone=NEW_YORK_WINTER, fetched_at=after_midnight_in_london)
    assert dates.read("Today, 08:15 PM") == local("2015-11-19T20:15")


@pytest.mark.parametrize(
    "text",
    [
        *["", "14 Nov 2015", "23:10", "Today", "3 hours ago", "5 minutes ago", "a moment ago", "1 Week Ago 08:15 AM"],
        *["03/04/2015 10:10", "03-04-2015 10:10", "03/04/05 10:10", "14/11/15 10:10"],  # which is the day?
        *["Nov 14, 23:10", "14.11. 23:10"],  # of which year?
        *["31 Feb 2015 10:10", "2015-14-11 10:10", "14 Nov 2015 25:10", "14 Nov 2015 13:10 AM", "14 Nov 2015 10:61"],
        *["Fri 14 Nov 2015, 23:10", "Friday at 3:04 PM"],  # it was a Saturday; today is Friday
        *["14 Nov 2015 23:10 EST", "14 Nov 2015, 08:15 (PDT)"],  # not the page's zone
        *["14 Nov 2015 08:15 nachm.", "14 Nov 2015 08:15 du.", "08:15 em 14 Nov 2015"],  # a word for "pm"
        *["the day before yesterday 10:10", "l'altro ieri 10:10", "not today 10:10"],
        *["01 Jan 1970 00:00", "14 Nov 2016 10:10", "Today 23:10", "14/11/1394 10:10"],
        *["14 Nov 2015 08:15 - 09:15", "14 Nov 2015 08:15, edited 15 Nov 2015 09:15", "Post 5 14 Nov 2015 10:10"],
        *["14 Nov 2015 10:10 Uhr abends", "14 Nov 2015 às 10:10 da noite", "14 Nov 2015 22:10 est"],
        *["14 Nov 2015 UTC 10:10", "GMT+2 14 Nov 2015 10:10", "EST 14 Nov 2015 10:10", "yesterday 22:10 Eastern"],
        *["by Sam 10:10", "die 10:10", "Mit 10:10", "So 10:10"],  # no days of the week
        *["12:15 am Sonntag, 15.11.2015", "12:15 am So, 15. Nov 2015", "the day after yesterday 10:10"],
        *["14 jui 2015 10:10", "14 Nov 2557 10:10", "14 Nov 2015 24:00", "2015-11-14T10:10:60", "14 Nov 2015 0:30 PM"],
        *[
            "Joined: 12 Mar 2010 Posts: 15 14 Nov 2015, 23:10",
            "Joined: 14 Nov 2010, Posted 23:10",
            "heute gestern 10:10",
        ],
        *["12:15 am 14.11.2015", "Dr May 14 Nov 2015 10:10", "10.0.0.1 10:10", "14 Foo 2015 10:10", "x" * 400],
    ],
)
def test_what_would_be_a_guess_is_no_instant(text: str) -> None:
    assert DATES.read(text) is None


def test_without_a_zone_there_is_no_instant_unless_the_text_states_one() -> None:
    dates = LocalDates(zone=None, fetched_at=FETCHED)
    assert dates.read("14 Nov 2015, 23:10") is None
    assert dates.read("Sat, 14 Nov 2015 23:10:05 +0100") == datetime(2015, 11, 14, 22, 10, 5, tzinfo=UTC)
    assert dates.read("2015-11-14T23:10:05Z") == datetime(2015, 11, 14, 23, 10, 5, tzinfo=UTC)
    assert dates.read("14 Nov 2015, 23:10 (GMT -5)") == local("2015-11-14T23:10")


def test_the_order_of_numbers_is_proven_by_the_page() -> None:
    def reading(*samples: str, day_first: bool | None = None) -> datetime | None:
        return LocalDates(zone=UTC, fetched_at=FETCHED, samples=samples, day_first=day_first).read("03-04-2015, 10:10")

    april, march = datetime(2015, 4, 3, 10, 10, tzinfo=UTC), datetime(2015, 3, 4, 10, 10, tzinfo=UTC)
    assert reading("04-03-2015, 10:10") is None
    assert reading("01-02-2015, 10:10", "28-02-2015, 10:10") == april
    assert reading("02-28-2015, 10:10") == march
    assert reading("10-12-2015, 10:10") == march, "10 December is to come, so it is 12 October"
    assert reading("28/02/2015, 10:10") is None, "another way of writing"
    assert reading("02-28-2015, 10:10", "28-02-2015, 10:10") is None, "they contradict each other"
    assert reading("28-02-2015, 10:10", day_first=False) == march
    assert LocalDates(zone=UTC, fetched_at=FETCHED).read("10.12.2015 10:10") is None, "the day comes first: to come"
    assert reading(day_first=True) == april
    assert reading(day_first=False) == march


def test_full_stops_do_not_prove_that_the_day_comes_first() -> None:
    def reading(text: str, *samples: str, language: str | None = None) -> datetime | None:
        return LocalDates(zone=UTC, fetched_at=FETCHED, samples=samples, language=language).read(text)

    assert reading("03.04.2015 10:10", "28.02.2015 10:10") == datetime(2015, 4, 3, 10, 10, tzinfo=UTC)
    assert reading("03.04.2015 10:10", "02.28.2015 10:10") == datetime(2015, 3, 4, 10, 10, tzinfo=UTC)
    assert reading("13.11.14 10:10") == datetime(2014, 11, 13, 10, 10, tzinfo=UTC)
    assert reading("13.11.14 10:10", "13.11.28 10:10") == datetime(2013, 11, 14, 10, 10, tzinfo=UTC)
    assert reading("13.11.14 10:10", language="ko") is None


def test_a_text_means_the_same_each_time_it_is_read() -> None:
    dates = LocalDates(zone=UTC, fetched_at=FETCHED, samples=iter(["28-02-2015, 10:10", "03-04-2015, 10:10"]))
    for _ in range(2):
        assert dates.read("03-04-2015, 10:10") == datetime(2015, 4, 3, 10, 10, tzinfo=UTC)
        assert dates.read("03/04/2015, 10:10") is None


@pytest.mark.parametrize(
    ("fetched", "text", "shown"),
    [
        ("2015-11-20T23:58", "Today 11:57 PM", "2015-11-20T23:57"),
        ("2015-11-20T23:58", "Yesterday 11:57 PM", "2015-11-19T23:57"),
        ("2015-11-21T00:01", "Yesterday 11:57 PM", "2015-11-20T23:57"),
        ("2015-11-21T00:01", "Today 11:57 PM", None),  # the page was made before midnight
        ("2015-11-21T00:01", "Today 12:01 AM", "2015-11-21T00:01"),
        ("2015-11-21T00:01", "Friday at 11:57 PM", "2015-11-20T23:57"),
    ],
)
def test_today_around_midnight(fetched: str, text: str, shown: str | None) -> None:
    dates = LocalDates(zone=NEW_YORK_WINTER, fetched_at=local(fetched))
    assert dates.read(text) == (local(shown) if shown else None)


def test_hours_that_are_skipped_or_come_twice_are_no_instants() -> None:
    dates = LocalDates(zone=ZoneInfo("Europe/Berlin"), fetched_at=FETCHED)
    assert dates.read("29.03.2015 02:30") is None
    assert dates.read("25.10.2015 02:30") is None
    assert dates.read("25.10.2015 03:30") == datetime(2015, 10, 25, 2, 30, tzinfo=UTC)
    assert dates.read("25.07.2015 03:30") == datetime(2015, 7, 25, 1, 30, tzinfo=UTC)


def test_croatian_months_are_not_taken_for_polish_ones() -> None:
    croatian = LocalDates(zone=UTC, fetched_at=FETCHED, language="hr-HR")
    assert croatian.read("14 Lis 2014, 23:10") == datetime(2014, 10, 14, 23, 10, tzinfo=UTC)
    by_words = LocalDates(zone=UTC, fetched_at=FETCHED, samples=["14 Lis 2014, 23:10", "02 Ožu 2014, 23:10"])
    assert by_words.read("14 Lis 2014, 23:10") == datetime(2014, 10, 14, 23, 10, tzinfo=UTC)
    polish = LocalDates(zone=UTC, fetched_at=FETCHED, samples=["14 lis 2014, 23:10", "02 paź 2014, 23:10"])
    assert polish.read("14 lis 2014, 23:10") == datetime(2014, 11, 14, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stated", "hours"),
    [
        *[("All times are GMT -5. The time now is 08:15 AM.", -5), ("All times are UTC - 5 hours [ DST ]", -4)],
        *[("All times are UTC [ DST ]", 1), ("All times are GMT + 5.5 Hours", 5.5), ("UTC+05:30", 5.5), ("GMT+1", 1)],
        *[("Alle Zeiten sind UTC+02:00", 2), ("Alle Zeitangaben in WEZ +1. Es ist jetzt 10:15 Uhr.", 1)],
        *[("Alle Zeiten sind UTC + 1 Stunde [ Sommerzeit ]", 2), ("UTC+1 heure", 1), ("Часовой пояс GMT +3", 3)],
        *[("Heures au format UTC + 1 heure [ Heure d’été ]", 2), ("Часовой пояс: UTC + 3 часа", 3)],
        *[("All times are UTC\xa0\u2212\xa03:30 hours", -3.5), ("All times are GMT. The time now is 05:10", 0)],
    ],
)
def test_zones_as_pages_state_them(stated: str, hours: float) -> None:
    zone = zone_of(stated)
    assert zone is not None
    assert zone.utcoffset(None) == timedelta(hours=hours)


@pytest.mark.parametrize("name", ["America/New_York", "America/New York", "Zeitzone: Europe/Berlin (UTC+02:00)"])
def test_named_zones(name: str) -> None:
    zone = zone_of(name)
    assert isinstance(zone, ZoneInfo)
    assert zone.key in {"America/New_York", "Europe/Berlin"}


@pytest.mark.parametrize(
    "text", ["", "All times are EST", "CST", "UTC+17", "GMT -5 or GMT +1", "GMT 10", "Mars/Base", "7"]
)
def test_zones_that_are_not_certain(text: str) -> None:
    assert zone_of(text) is None


def test_a_clock_on_the_page_tells_its_offset() -> None:
    fetched = datetime(2015, 11, 10, 23, 10, 20, tzinfo=UTC)
    assert clock_zone("It is currently Tue Nov 10, 2015 6:10 pm", fetched) == NEW_YORK_WINTER
    assert clock_zone("Wed Nov 11, 2015 4:40 am", fetched) == timezone(timedelta(hours=5.5))
    assert clock_zone("Tue Nov 10, 2015 6:02 pm", fetched) is None, "a page from a cache"
    assert clock_zone("Tue Nov 10, 2009 6:10 pm", fetched) is None
    assert clock_zone("Current time: 11-10-2015, 06:10 PM", fetched) == NEW_YORK_WINTER
    assert day_first_by_clock("Current time: 11-10-2015, 06:10 PM", fetched) is False
    assert day_first_by_clock("Current time: 10-11-2015, 06:10 PM", fetched) is True
    assert clock_zone("06:10 PM", fetched) is None
    assert clock_zone("It is currently Tue Nov 10, 2015 6:10 pm", None) is None


# -- properties ---------------------------------------------------------------------------------------------------

NAMES = sorted({(word, number) for word, numbers in MONTHS.items() for number in numbers if len(numbers) == 1})
ZONES: list[tzinfo] = [UTC, NEW_YORK_WINTER, timezone(timedelta(hours=5.5)), ZoneInfo("Europe/Berlin")]
FIRST, LAST = datetime(1995, 1, 1), datetime(2015, 11, 20)  # noqa: DTZ001 - drawn with a zone
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.sampled_from(ZONES))
STYLES = ["{d} {month} {y}, {h:02}:{m:02}", "{d}. {month} {y} {H}:{m:02} {half}", "{month} {d}, {y} {H}:{m:02} {half}"]
STYLES += ["{d:02}.{n:02}.{y}, {h:02}:{m:02}", "{y}-{n:02}-{d:02} {h:02}:{m:02}", "{d:02}/{n:02}/{y} {h}:{m:02}"]
STYLES += ["{d}.{n}.{y} {h}:{m:02} Uhr", "{y}/{n:02}/{d:02} {h:02}h{m:02}", "{d} {month} {y} {h:02}:{m:02}:00.250"]
STYLES += ["Joined: Nov 2010 Posted: {d} {month} {y}, {h:02}:{m:02}", "{n:02}-{d:02}-{y}, {H:02}:{m:02} {half}"]
STYLES += ["{day} {d} {month} {y}, {h:02}:{m:02}", "{day}, {month} {d}, {y} {H}:{m:02}{half}"]
DAYS = sorted({(word, number) for word, numbers in WEEKDAYS.items() for number in numbers})


@settings(deadline=None)
@given(MOMENTS, st.sampled_from(STYLES), st.randoms(use_true_random=False))
def test_what_is_written_is_read_back(moment: datetime, style: str, random: object) -> None:
    assert hasattr(random, "choice")
    month = random.choice([word for word, number in NAMES if number == moment.month])
    day = random.choice([word for word, number in DAYS if number == moment.weekday()])
    half = random.choice(["am", "AM", "a.m."] if moment.hour < 12 else ["pm", "PM", "p.m."])
    hour = (moment.hour - 1) % 12 + 1
    text = style.format(
        d=moment.day,
        n=moment.month,
        y=moment.year,
        h=moment.hour,
        m=moment.minute,
        H=hour,
        half=half,
        month=month,
        day=day,
    )
    read = LocalDates(zone=moment.tzinfo, fetched_at=FETCHED).read(text)
    minute = moment.replace(second=0, microsecond=0).astimezone(UTC)
    assert read in {minute, None}
    twice_or_never = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    ordered = not style.startswith(("{d:02}/", "{n:02}-")) or moment.day > 12 or moment.day == moment.month
    if ordered and not twice_or_never:
        assert read == minute, text


@settings(deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"[0-9]{1,4}[./ :-]?([A-Za-zа-я0-9]{1,5}[./ :,-]){1,6}"))
@example("\u0660\u0661:10 14 Nov 2015")
@example("İ 14 Nov 2015, 10:10 EST")
@example("0-0-00 00:00")
def test_whatever_the_text(text: str) -> None:
    for zone in (None, UTC, ZoneInfo("America/New_York")):
        found = LocalDates(zone=zone, fetched_at=FETCHED, samples=[text]).read(text)
        assert found is None or found <= FETCHED + timedelta(hours=26)
    LocalDates(zone=UTC).read(text)
    zone_of(text)
    clock_zone(text, FETCHED)
