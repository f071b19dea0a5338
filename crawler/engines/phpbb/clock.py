"""The zone of a phpBB page's dates, and the shape in which it words them.

phpBB 2 and 3.0 add one offset to every date of a page and say so in the footer: "All times are GMT - 5 Hours", "All
times are UTC + 1 hour [ DST ]" (the brackets, in any language, are one hour more). So that offset holds for old dates.

From 3.1 each date is shown in the reader's zone with the daylight saving of its own day. The footer's text is that of
today; the zone itself is in a `title`: `All times are <span title="Europe/Berlin">UTC+02:00</span>`. A title that is a
zone of the IANA database or a bare "UTC", "UTC-5" (there a zone without daylight saving) is certain. Without such a
title the text is not: "UTC+02:00" may be Berlin in summer, even "UTC" London in winter. Then no text is an instant.
"""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from crawler.engines.html import attribute, inline_text

_TITLED = re.compile(r'<(?:span|abbr)\b[^>]*\stitle="([^"]{2,60})"[^>]*>\s*(UTC[^<]{0,12})</')
_STATED = re.compile(
    r"(?:^|>)[^<>\d]{0,90}?\b(?:UTC|GMT)(?![\w:])(\s*)(?:([+\-\u2212])\s*(\d{1,2})(?:([:.,])(\d{1,2}))?(?!\d))?"
    r"[^<>\[\]\d]{0,30}(\[[^\[\]<>]{2,40}\])?"
)
_OFFSET = re.compile(r"(?:UTC|GMT)\s*(?:([+\-\u2212])\s*(\d{1,2})(?::?(\d\d))?)?$")
_WORD = re.compile(r"\d+|[^\W\d_]+\.?|\s+|[^\w\s]|_+")
_REACH = 8_000
_MINUTES = {"25": 15, "5": 30, "50": 30, "75": 45}
_CONTINENTS = {
    "europa": "Europe", "европа": "Europe", "avrupa": "Europe", "amerika": "America", "amérique": "America",
    "américa": "America", "ameryka": "America", "америка": "America", "afrika": "Africa", "afrique": "Africa",
    "áfrica": "Africa", "afryka": "Africa", "африка": "Africa", "asien": "Asia", "asie": "Asia", "азия": "Asia",
    "azië": "Asia", "azja": "Asia", "australien": "Australia", "australië": "Australia", "австралия": "Australia",
}  # fmt: skip
_CITIES = {
    "berlín": "Berlin", "берлин": "Berlin", "москва": "Moscow", "moskau": "Moscow", "moscou": "Moscow",
    "moskou": "Moscow", "mosca": "Moscow", "moskwa": "Moscow", "парис": "Paris", "париж": "Paris", "parigi": "Paris",
    "parís": "Paris", "parijs": "Paris", "paryż": "Paris", "londres": "London", "londra": "London", "лондон": "London",
    "londen": "London", "londyn": "London", "wien": "Vienna", "vienne": "Vienna", "zürich": "Zurich",
    "warschau": "Warsaw", "warszawa": "Warsaw", "варшава": "Warsaw", "rom": "Rome", "roma": "Rome", "rzym": "Rome",
    "bruxelles": "Brussels", "brüssel": "Brussels", "brussel": "Brussels", "prag": "Prague", "praha": "Prague",
    "kopenhagen": "Copenhagen", "киев": "Kiev", "kiew": "Kiev", "минск": "Minsk", "madrid": "Madrid",
    "lissabon": "Lisbon", "lisboa": "Lisbon", "lisbonne": "Lisbon", "athen": "Athens", "athènes": "Athens",
}  # fmt: skip


def stated_zone(before: str, behind: str, *, newer: bool) -> tzinfo | None:
    """The zone that the page's frame states; None where it states none with certainty.

    `before` and `behind` are the markup around posts or rows; `newer` tells that the page is of phpBB 3.1 or later.
    """
    behind = behind[-400_000:]
    for part in (behind, before):
        at = part.find(">UTC")
        titled = _TITLED.search(part, max(part.rfind("<", 0, at), 0), at + 30) if at >= 0 else None
        if titled is not None:
            return _titled(attribute(f' title="{titled[1]}"', "title") or "")
    for part in (behind, before):
        last = None
        for sign in ("UTC", "GMT"):
            at = part.find(sign)
            while at >= 0:
                line = part[max(part.rfind(">", 0, at), at - 120, 0) : at + 90].replace("&nbsp;", " ")
                found = _STATED.search(line)
                if found is not None and not _in_script(part, at) and (found[2] or not newer):
                    last = found
                at = part.find(sign, at + 3)
        if last is not None:
            return _fixed(last)
    return None


def _in_script(markup: str, at: int) -> bool:
    opened = markup.rfind("<script", 0, at)
    return opened >= 0 and markup.find("</script", opened, at) < 0


def _fixed(found: re.Match[str]) -> tzinfo | None:
    """The one offset of phpBB 2 or 3.0."""
    space, sign, hours, separator, rest, saving = found.groups()
    if separator == ":" and not space:
        return None  # "UTC+02:00": the wording of 3.1 and later
    minutes = int(rest) if rest and separator == ":" else _MINUTES.get(rest or "", 0)
    if rest and separator != ":" and not minutes:
        return None
    total = int(hours or 0) * 60 + minutes
    if total > 14 * 60:
        return None
    if sign in {"-", "\u2212"}:
        total = -total
    if saving:
        total += 60
    return timezone(timedelta(minutes=total)) if total else UTC


@lru_cache(maxsize=256)
def _titled(title: str) -> tzinfo | None:
    if (plain := _OFFSET.match(title)) is not None:
        total = int(plain[2] or 0) * 60 + int(plain[3] or 0)
        total = -total if plain[1] in {"-", "\u2212"} else total
        return timezone(timedelta(minutes=total)) if abs(total) <= 14 * 60 else None
    name = title.replace(" ", "_")
    if name not in available_timezones():
        continent, _, city = title.partition("/")
        city = _CITIES.get(city.strip().lower(), city.strip()).replace(" ", "_")
        name = f"{_CONTINENTS.get(continent.strip().lower(), continent.strip())}/{city}"
    if name not in available_timezones() or "/" not in name:
        return None
    return ZoneInfo(name)


def date_shape(samples: list[str]) -> re.Pattern[str] | None:
    """A pattern of the dates of a page, made from those of its posts: all of a page's dates are worded in one way.

    It finds the date within a sentence of any language ("Last edited by X on DATE, edited 2 times in total.").
    """
    for sample in samples:
        if sum(character.isdigit() for character in sample) >= 5:
            parts = []
            for token in _WORD.findall(sample):
                if token.isdigit():
                    parts.append(r"\d{1,2}" if len(token) <= 2 else rf"\d{{{len(token)}}}")
                elif token.isspace():
                    parts.append(r"\s+")
                elif token[0].isalpha():
                    parts.append(r"[^\W\d_]{1,14}\.?")
                else:
                    parts.append(re.escape(token))
            return re.compile(r"(?<!\w)" + "".join(parts[:40]) + r"(?!\d)")
    return None


def plain_date(markup: str) -> str:
    """A date's words on one line, without the separators that stand around it."""
    return inline_text(markup).strip(" \u00bb\u00ab|,;:-\u2022")
