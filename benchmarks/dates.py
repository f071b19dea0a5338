"""Dates in words: ours against `dateparser`, in texts a second and in how many are right, wrong or left open.

The texts are made up from known instants, in the shapes and languages of forum software, with the zone and the time
of the fetch that a page would state. A date in numbers whose order nothing proves, or that lacks its year, has no right
answer but none. `dateparser` is no dependency of ours; without it (`pip install dateparser`) ours alone are shown.
"""

import importlib
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from crawler.engines.dates import LocalDates

FETCHED = datetime(2024, 5, 17, 20, 30, tzinfo=UTC)
ZONE = timezone(timedelta(hours=-5))
ENGLISH = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - one line reads better
GERMAN = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()  # noqa: SIM905
FRENCH = "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.".split()  # noqa: SIM905
RUSSIAN = "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()  # noqa: SIM905
POLISH = "sty lut mar kwi maj cze lip sie wrz paź lis gru".split()  # noqa: SIM905
SHAPES: tuple[tuple[str, list[str]], ...] = (
    ("{month} {d}, {y} at {H}:{m:02} {half}", ENGLISH),
    ("{d} {month} {y}, {h:02}:{m:02}", ENGLISH),
    ("{d}th {month} {y}, {h:02}:{m:02}", ENGLISH),
    ("« Reply #3 on: {month} {d:02}, {y}, {H:02}:{m:02}:00 {half} »", ENGLISH),
    ("{n:02}-{d:02}-{y}, {H:02}:{m:02} {half}", ENGLISH),
    ("{d:02}/{n:02}/{y} {h:02}:{m:02}", ENGLISH),
    ("{d:02}.{n:02}.{y}, {h:02}:{m:02} Uhr", GERMAN),
    ("{d}. {month} {y} um {h:02}:{m:02}", GERMAN),
    ("{d} {month} {y} à {h:02}h{m:02}", FRENCH),
    ("{d} {month} {y}, {h:02}:{m:02}", RUSSIAN),
    ("{d} {month} {y}, {h:02}:{m:02}", POLISH),
    ("{d} {month}, {h:02}:{m:02}", ENGLISH),
)
RELATIVE = (("Yesterday, {H:02}:{m:02} {half}", 1), ("Gestern, {h:02}:{m:02}", 1), ("Вчера в {h:02}:{m:02}", 1))
Reader = Callable[[str], datetime | None]


def texts(count: int) -> list[tuple[str, datetime | None]]:
    """Made-up texts with the instant that each means; None where a reader can only guess."""
    chance = random.Random(7)
    made: list[tuple[str, datetime | None]] = []
    for turn in range(count):
        ago = timedelta(minutes=chance.randrange(3_000, 8_000_000))
        moment = (FETCHED - ago).astimezone(ZONE).replace(second=0)
        which = turn % (len(SHAPES) + len(RELATIVE))
        if which < len(SHAPES):
            shape, months = SHAPES[which]
        else:
            (shape, days), months = RELATIVE[which - len(SHAPES)], ENGLISH
            day = FETCHED.astimezone(ZONE) - timedelta(days=days)
            moment = moment.replace(year=day.year, month=day.month, day=day.day)
        turned = moment.day <= 12 and moment.day != moment.month
        # The other order would be a day to come: that settles it.
        turned = turned and moment.replace(month=moment.day, day=moment.month) <= FETCHED + timedelta(days=1)
        open_order = turned and ("{n:02}-{d" in shape or "/" in shape)
        certain = "{y}" in shape or which >= len(SHAPES)
        certain = certain and not open_order
        parts: dict[str, object] = {"d": moment.day, "n": moment.month, "y": moment.year, "h": moment.hour}
        parts |= {"m": moment.minute, "H": (moment.hour - 1) % 12 + 1, "half": "AM" if moment.hour < 12 else "PM"}
        made.append(
            (shape.format(**parts, month=months[moment.month - 1]), moment.astimezone(UTC) if certain else None)
        )
    return made


def peer() -> Reader | None:
    """`dateparser` told as much as we are; None where it is not installed."""
    try:
        parse = importlib.import_module("dateparser").parse
    except ImportError:
        return None
    now = FETCHED.astimezone(ZONE).replace(tzinfo=None)
    settings = {"TIMEZONE": "-0500", "RETURN_AS_TIMEZONE_AWARE": True, "TO_TIMEZONE": "UTC", "RELATIVE_BASE": now}
    return lambda text: parse(text, settings=settings)


def measure(name: str, read: Reader, made: list[tuple[str, datetime | None]]) -> str:
    """A row: speed over all texts, and the shares right, missing (there was an answer) and wrong or guessed."""
    start = time.process_time()
    found = [read(text) for text, _ in made]
    seconds = time.process_time() - start
    right = sum(one == true for one, (_, true) in zip(found, made, strict=True))
    missing = sum(one is None and true is not None for one, (_, true) in zip(found, made, strict=True))
    wrong = len(made) - right - missing
    shares = (
        f"{right / len(made):6.1%} right, {missing / len(made):6.1%} missing, {wrong / len(made):6.1%} wrong or guessed"
    )
    return f"{name:12} {len(made) / seconds:9.0f} texts/s   {shares}"


def main() -> None:
    """Prints the table."""
    made = texts(15_000)
    dates = LocalDates(zone=ZONE, fetched_at=FETCHED)
    print(measure("ours", dates.read, made))
    theirs = peer()
    if theirs is None:
        print("dateparser   is not installed: nothing to compare with (pip install dateparser)")
    else:
        print(measure("dateparser", theirs, made[:600]))


if __name__ == "__main__":
    main()
