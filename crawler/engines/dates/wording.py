"""What a date in words says by itself: day, clock time and offset, before it is known when and where it was written.

A text is cut into tokens. The date is the unbroken run of known words and numbers around the one clock time of the
text; where the run has no shape that dates have, or touches a word that may change its meaning, nothing is read.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

from crawler.engines.dates.words import (
    ELSEWHERE,
    FILLERS,
    HARMLESS,
    MONTHS,
    PARTS_OF_DAY,
    RELATIVE,
    TURNING,
    WEEKDAYS,
    ZONES,
)
from crawler.engines.dates.zones import offset_minutes

LONGEST = 300
"""Texts above that many characters are no dates."""

_HALF = r"[ap]\.?\s?m\.?|öö|ös|дп|пп|π\.?\s?μ\.?|μ\.?\s?μ\.?"
_TAIL = rf"(?:\s?(?P<half{{0}}>{_HALF})(?![^\W_])|(?P<letter{{0}}>[ap])(?![^\W_]))?"
_TOKEN = re.compile(
    # 14.11.2015, 2015-11-14, 11/14/15
    r"(?P<date>(?<![0-9])(?P<a>[0-9]{1,4})(?P<sep>[./-])\s?(?P<b>[0-9]{1,2})(?P=sep)\s?(?P<c>[0-9]{2,4})"
    r"(?![0-9/]|[.:-][0-9]))"
    # 2015年11月14日
    r"|(?P<cjk>(?P<y>[0-9]{4})\s?[年년]\s?(?P<m>[0-9]{1,2})\s?[月월]\s?(?P<d>[0-9]{1,2})\s?[日일])"
    # 08:15 AM, 23:10:05, 23h10, 23:10:05+01:00
    r"|(?P<time>(?:(?P<before>上午|下午|午前|午後|오전|오후|(?<!\w)öö|(?<!\w)ös)\s?)?(?<![0-9])"
    r"(?P<hour>[0-9]{1,2})(?:\s?:\s?|\s?h\s?)(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,6})?)?(?![0-9:])"
    + _TAIL.format("")
    + r"(?P<offset>z(?![^\W_])|\s?[+-][0-9]{2}:?[0-9]{2}(?![0-9:]))?)"
    # 23.10
    r"|(?P<dotted>(?<![0-9.])(?P<hour_>[0-9]{1,2})\.(?P<minute_>[0-9]{2})(?![0-9.])" + _TAIL.format("_") + r")"
    r"|(?P<zone>(?:utc|gmt)(?:\s?[+-]\s?[0-9]{1,2}(?::?[0-9]{2})?)?(?!\w))"
    r"|(?P<number>(?<![#\w])[0-9]{1,4}(?:st|nd|rd|th|er|re|[eoaº°])?(?!\w))"
    r"|(?P<word>[^\W\d_]+(?:[-'’][^\W\d_]+)*)"  # noqa: RUF001
    r"|(?P<other>#?\w+)"
)
# Swedish and Norwegian write "today" and "yesterday" as two words.
_TWO_WORDS = re.compile(r"\b([Ii]) (dag|går|förrgår)\b")
# The shapes of nearly all days, and of nearly all times; whatever else there is goes through the tokens.
_USUAL_DAY = re.compile(
    r"\s?(?:([^\W\d_]{2,12})\.?,? )?"
    r"(?:([0-9]{1,2})(?:st|nd|rd|th|\.)?[ -]([^\W\d_]{3,12})\.?,?[ -]([0-9]{4})"
    r"|([^\W\d_]{3,12})\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})"
    r"|([^\W\d_]{3,12})"
    r"|([0-9]{1,4})([./-])([0-9]{1,2})\10([0-9]{2,4}))"
    r"(?: -|,)?(?: at| um| à| в| om| às)?"
)
_USUAL_TIME = re.compile(r"([0-9]{1,2})[:h]([0-9]{2})(?::([0-9]{2}))?(?: ?([AaPp][Mm])| Uhr)?\s?")
_KINDS = {"date": "D", "cjk": "D", "time": "T", "dotted": "H", "zone": "Z", "number": "N", "word": "X", "other": "X"}
_KNOWN = frozenset("DTNMWRFZB")
_WRITTEN_OUT = frozenset({"NMNT", "TNMN", "MNNT", "TMNN", "MNTN", "NMTN"})
_APART = frozenset({"MNTN", "NMTN"})
# Shorter names of weekdays are words or people's names, too: "Sam 08:15", "die 08:15".
_FULL_NAME = 5
_NO_HOUR = 99  # what no check of hours lets pass
_AFTERNOON = frozenset({"下午", "午後", "오후", "ös", "пп"})
# "in" or "of" in one language, "in the afternoon" in another.
_TWO_MEANINGS = frozenset({"em", "de"})


class Clock(NamedTuple):
    """A time of day."""

    since_midnight: timedelta
    offset: int | None = None
    """Minutes east of UTC, where the text itself states them."""


class _Token(NamedTuple):
    kind: str
    """D date in numbers, T time, H time with a full stop, N number, M month, W weekday, B month or weekday, R today or
    yesterday, F filler, Z offset, ? zone that is not known, X unknown word."""
    start: int
    end: int
    value: Any


class Day(NamedTuple):
    """A day as worded: one of a calendar date, three numbers whose order is open, days ago, or a weekday."""

    date: tuple[int, int, int] | None = None
    two_digits: bool = False
    numbers: tuple[str, str, str] | None = None
    separator: str = ""
    ago: int | None = None
    weekdays: frozenset[int] | None = None
    """Weekdays that the text names: a check, or, where it names nothing else, the day."""


class Wording(NamedTuple):
    """What a text says, whatever the page."""

    days: tuple[Day, ...]
    clock: Clock


def numeric_dates(text: str) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """(separator, numbers) of each date in numbers in a text."""
    if (parts := parts_of(text)) is not None:
        day = parts[0]
        if day.numbers is not None:
            yield day.separator, day.numbers
        return
    for found in _TOKEN.finditer(text[:LONGEST]):
        if found.lastgroup == "date":
            yield found["sep"], (found["a"], found["b"], found["c"])


def parts_of(text: str) -> tuple[Day, Clock] | None:
    """The day and the time of a text in one of the usual shapes, "Sat 14 Nov 2015, 23:10"; None for any other.

    It says what `wording_of` says, at a fraction of the cost: the same days and times come again and again.
    """
    if len(text) > LONGEST:
        return None
    # The last space before the hour's colon; where there is no colon ("14 mai 2015 à 23h10"), the last of all.
    cut = text.rfind(" ", 0, text.find(":"))
    if cut < 0 or (clock := _usual_time(text[cut + 1 :])) is None or (day := _usual_day(text[:cut])) is None:
        return None
    return day, clock


@lru_cache(maxsize=8192)
def _usual_time(text: str) -> Clock | None:
    found = _USUAL_TIME.fullmatch(text)
    if found is None:
        return None
    hour, minute, second, half = found.groups()
    return _clock_at(int(hour) if half is None else _in_day(int(hour), half.lower()), int(minute), int(second or 0))


@lru_cache(maxsize=8192)
def _usual_day(text: str) -> Day | None:
    """The day that a text words in a usual shape; None where its words need a closer look."""
    found = _USUAL_DAY.fullmatch(text)
    if found is None:
        return None
    name, day_1, month_1, year_1, month_2, day_2, year_2, word, a, separator, b, c = found.groups()
    weekdays = None
    if name is not None:
        name = name.lower()
        weekdays = WEEKDAYS.get(name)
        if weekdays is None or name in MONTHS:
            return None
    if a is not None:
        return Day(numbers=(a, b, c), separator=separator, weekdays=weekdays)
    if word is not None:
        ago = RELATIVE.get(word.lower())
        return None if ago is None else Day(ago=ago, weekdays=weekdays)
    month = (month_1 or month_2).lower()
    months = MONTHS.get(month)
    if months is None or len(months) > 1 or month in WEEKDAYS or month in ELSEWHERE:
        return None
    return Day(date=(int(year_1 or year_2), min(months), int(day_1 or day_2)), weekdays=weekdays)


def wording_of(text: str, croatian: bool) -> Wording | None:
    """What a text says; None where it is no date with a time, or something in it may make another of it.

    `croatian`: the page is in a language whose month names other languages have for other months.
    """
    if (parts := parts_of(text)) is not None:
        return Wording((parts[0],), parts[1])
    return _from_tokens(text, croatian) if len(text) <= LONGEST else None


@lru_cache(maxsize=8192)
def _from_tokens(text: str, croatian: bool) -> Wording | None:
    """What a text of any shape says, word by word."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u200e", "").replace("\u200f", "")
    text = _TWO_WORDS.sub(r"\1\2", text)
    tokens = _tokens(text, croatian)
    times = [index for index, token in enumerate(tokens) if token.kind == "T"]
    if not times:
        times = [index for index, token in enumerate(tokens) if token.kind == "H"]
        tokens = [token._replace(kind="T") if token.kind == "H" else token for token in tokens]
    if len(times) != 1:
        return None
    at = times[0]
    first, last = at, at
    while first > 0 and tokens[first - 1].kind in _KNOWN:
        first -= 1
    while last + 1 < len(tokens) and tokens[last + 1].kind in _KNOWN:
        last += 1
    clock = _clock(text, tokens, at)
    if clock is None or (first > 0 and _turned(text, tokens, first)):
        return None
    # A zone that does not stand behind the time is not known to be that of the time, nor to be another's.
    around = [*tokens[max(first - 1, 0) : at], *tokens[at + 2 : last + 1]]
    if any(token.kind in "Z?" for token in around):
        return None
    days = tuple(_days([token for token in tokens[first : last + 1] if token.kind not in "FZ"]))
    return Wording(days, clock) if days else None


def _tokens(text: str, croatian: bool) -> list[_Token]:
    lowered = text.lower()
    if len(lowered) != len(text):  # "İ" grows
        text = lowered
    tokens = []
    for found in _TOKEN.finditer(lowered):
        group = found.lastgroup or "other"
        kind, value = _KINDS[group], None
        if group == "word":
            kind, value = _word(found[0], croatian)
            if kind == "X" and text[found.start() : found.end()] in ZONES:
                kind = "?"
        elif group == "number":
            digits = found[0].rstrip("stndrheoaº°")
            value = int(digits), len(digits)
        elif group == "date":
            value = found["sep"], (found["a"], found["b"], found["c"])
        elif group == "cjk":
            value = "-", (found["y"], found["m"], found["d"])
        elif kind in "THZ":
            value = found
        tokens.append(_Token(kind, found.start(), found.end(), value))
    return tokens


def _word(word: str, croatian: bool) -> tuple[str, Any]:
    if croatian and word in ELSEWHERE:
        return "M", ELSEWHERE[word]
    month, weekday = MONTHS.get(word), WEEKDAYS.get(word)
    if month is not None:
        return ("M", month) if weekday is None else ("B", (month, weekday))
    if weekday is not None:
        return "W", (weekday, len(word) >= _FULL_NAME)
    if (ago := RELATIVE.get(word)) is not None:
        return "R", ago
    return ("F", word) if word in FILLERS else ("X", word)


def _clock(text: str, tokens: list[_Token], at: int) -> Clock | None:
    """The clock time of the token at that place; None where something beside it may make another of it."""
    token = tokens[at]
    found: re.Match[str] = token.value
    dotted = found.lastgroup == "dotted"
    end = "_" if dotted else ""
    hour, minute = int(found[f"hour{end}"]), int(found[f"minute{end}"])
    second = int(found["second"] or 0)
    half = found[f"half{end}"] or found[f"letter{end}"] or found["before"]
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    between = text[token.end : following.start] if following else ""
    if following is not None and (following.kind == "?" or _is_zone(following, between)):
        return None
    if half is None and 1 <= hour <= 12 and _doubtful(text, tokens, at, following, between):
        return None
    if (
        half == "am"
        and not between.strip()
        and following is not None
        and following.kind in "DNWB"
        and not 1 <= hour < 12
    ):
        return None  # German "12:15 am 14.11.", "12:15 am Montag"
    offset = found["offset"]
    if offset is None and following is not None and following.kind == "Z":
        offset = following.value[0][3:].strip() or "z"
    minutes = 0 if offset == "z" else None
    if offset and offset != "z" and (minutes := offset_minutes(offset)) is None:
        return None
    return _clock_at(hour if half is None else _in_day(hour, half), minute, second, minutes)


def _clock_at(hour: int, minute: int, second: int, offset: int | None = None) -> Clock | None:
    if hour > 23 or minute > 59 or second > 59:
        return None
    return Clock(timedelta(hours=hour, minutes=minute, seconds=second), offset)


def _in_day(hour: int, half: str) -> int:
    """The hour of 0 to 23 that an hour with "am" or "pm" is ("23:10 PM" is 23, too); above that where there is none."""
    afternoon = half[0] in "pμ" or half in _AFTERNOON
    if hour > 12:
        return hour if afternoon else _NO_HOUR
    if hour == 0:
        return _NO_HOUR if afternoon else 0
    return hour % 12 + (12 if afternoon else 0)


def _is_zone(following: _Token, between: str) -> bool:
    """Whether the word behind a time is a zone's in small letters."""
    return following.kind == "X" and not between.strip(" (") and str(following.value).upper() in ZONES


def _doubtful(text: str, tokens: list[_Token], at: int, following: _Token | None, between: str) -> bool:
    """Whether an unknown word touches the time: it may be a language's "in the afternoon"."""
    if any(token.kind == "X" and token.value in PARTS_OF_DAY for token in tokens):
        return True
    if following is not None and not between.strip():
        word = following.value if following.kind in "XF" else None
        if word in _TWO_MEANINGS or (following.kind == "X" and word not in HARMLESS):
            return True
    before = tokens[at - 1] if at else None
    return before is not None and before.kind == "X" and not text[before.end : tokens[at].start].strip()


def _turned(text: str, tokens: list[_Token], first: int) -> bool:
    """Whether the word before a relative day turns it into another: "the day before yesterday"."""
    word = text[tokens[first - 1].start : tokens[first - 1].end].lower()
    return word in TURNING and next((token.kind in "RW" for token in tokens[first:] if token.kind != "F"), False)


def _days(tokens: list[_Token]) -> Iterator[Day]:
    """Each day that the tokens around a time can mean."""
    choices = [
        (("M", token.value[0]), ("W", (token.value[1], False))) if token.kind == "B" else ((token.kind, token.value),)
        for token in tokens
    ]
    if sum(len(choice) > 1 for choice in choices) > 3:
        return
    for chosen in product(*choices):
        yield from _day(chosen)


def _day(tokens: tuple[tuple[str, Any], ...]) -> Iterator[Day]:
    kinds = "".join(kind for kind, _ in tokens if kind != "W")
    values = [value for kind, value in tokens if kind not in "TW"]
    named: frozenset[int] | None = None
    certain = True
    for kind, value in tokens:
        if kind == "W":
            named = value[0] if named is None else named & value[0]
            certain = certain and value[1]
    if kinds == "T":
        if named is not None and certain and len(named) == 1:
            yield Day(weekdays=named)
        return
    if kinds in {"RT", "TR"}:
        yield Day(ago=values[0], weekdays=named)
    elif kinds in {"DT", "TD"}:
        separator, numbers = values[0]
        yield Day(numbers=numbers, separator=separator, weekdays=named)
    elif kinds in _WRITTEN_OUT:
        yield from _written_out(kinds, values, named)


def _written_out(kinds: str, values: list[Any], named: frozenset[int] | None) -> Iterator[Day]:
    """Days whose month is a word: "14 Nov 2015", "Nov 14, 2015", "2015. Nov 14."."""
    months, numbers = values[kinds.replace("T", "").index("M")], [v for v in values if isinstance(v, tuple)]
    day, year = numbers
    if kinds.replace("T", "") == "NMN" and day[1] == 4:
        day, year = year, day
    if day[1] > 2 or year[1] not in {2, 4} or (year[1] == 2 and kinds in _APART):
        return
    for month in months:
        yield Day(date=(year[0], month, day[0]), two_digits=year[1] == 2, weekdays=named)
