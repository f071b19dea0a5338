"""The zone of a phpBB page's dates, and the shape in which it words them.

phpBB 2 and 3.0 add one offset to every date of a page and say so in the footer: "All times are GMT - 5 Hours", "All
times are UTC + 1 hour [ DST ]" (the brackets, in any language, are one hour more; the English, Spanish and other
translations have an <abbr> in them). So that offset holds for old dates. phpBB 2 has names for some offsets: "EST
(U.S./Canada)" is five hours behind, in summer too. A bare "UTC" or "GMT" counts only where it ends a sentence.

From 3.1 each date is shown in the reader's zone with the daylight saving of its own day. The footer's text is that of
today; the zone itself is in a `title`: `All times are <span title="Europe/Berlin">UTC+02:00</span>`. A title that is a
zone of the IANA database or a bare "UTC", "UTC-5" (there a zone without daylight saving) is certain. Without such a
title, as in the footers of some styles, the text is not: "UTC+02:00" may be Berlin in summer, even "UTC" London in
winter. Then no text is an instant.
"""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from crawler.engines.html import attribute, holds, inline_text

_TITLED = re.compile(r'<(?:span|abbr)\b[^<>]*\stitle="([^"<>]{2,60})"[^<>]*>\s*UTC[^<]{0,12}</')
# "GMT - 5 Hours", "UTC + 1 hour [ DST ]", "UTC [ <abbr title="Daylight Saving Time">DST</abbr> ]".
_STATED = re.compile(
    r"(?:UTC|GMT)(?![\w:])(\s*)(?:([+\-\u2212])\s*(\d{1,2})(?:([:.,])(\d{1,2}))?(?!\d))?"
    r"([^<>\[\]\d]{0,30})(\[(?:[^\[\]<>]|<[^<>]{0,90}>){2,60}\])?"
)
# Names that phpBB 2 has for some offsets; like all of its offsets they hold in summer and winter alike.
_HOURS = {
    "HST (Hawaii)": -10, "PST (U.S./Canada)": -8, "MST (U.S./Canada)": -7, "CST (U.S./Canada)": -6,
    "EST (U.S./Canada)": -5, "CET (Europe)": 1, "EET (Europe)": 2, "CST (Australia)": 9.5, "EST (Australia)": 10,
}  # fmt: skip
_DIGIT = re.compile(r"\d")
_NO_SENTENCE = ("<a ", "<a>", "<option", "<h1", "<h2", "<h3", "<h4", "<title", "<script")
_OFFSET = re.compile(r"(?:UTC|GMT)\s*(?:([+\-\u2212])\s*(\d{1,2})(?::?(\d\d))?)?$")
_WORD = re.compile(r"\d+|[^\W\d_]+\.?|\s+|[^\w\s]|_+")
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
    for part in (behind[-400_000:], before):
        if (title := _zone_title(part)) is not None:
            return _titled(title)
        if not newer and (zone := _worded_zone(part, "UTC")) is not None:
            return zone
    return None if newer else _worded_zone(behind, "GMT") or _named_zone(behind)


def _zone_title(part: str) -> str | None:
    """The title of the offset that 3.1 and later show: the zone's name."""
    at = part.find(">UTC") if holds(part, ">UTC") else -1
    while at >= 0:
        titled = _TITLED.match(part, max(part.rfind("<", max(at - 200, 0), at), 0))
        if titled is not None:
            return attribute(f' title="{titled[1]}"', "title") or ""
        at = part.find(">UTC", at + 4)
    return None


def _worded_zone(part: str, sign: str) -> tzinfo | None:
    """The zone that the last sentence with "UTC" (phpBB 3.0) or "GMT" (phpBB 2) in this part of the page names."""
    last = None
    at = part.find(sign) if holds(part, sign) else -1
    while at >= 0:
        found = _STATED.match(part[at : at + 240].replace("&nbsp;", " ")) if _in_sentence(part, at) else None
        # Without an offset the word may be that of a title or a sentence of somebody's.
        if found is not None and (found[2] or found[7] or not found[6].strip(" .|\n\t")):
            last = found
        at = part.find(sign, at + 3)
    return _fixed(last) if last is not None else None


def _named_zone(part: str) -> tzinfo | None:
    """The zone of phpBB 2 that a sentence names instead of an offset: "All times are EST (U.S./Canada)"."""
    if "T (" in part:
        for name, hours in _HOURS.items():
            if (at := part.rfind(name)) >= 0 and _in_sentence(part, at):
                return timezone(timedelta(hours=hours))
    return None


def _in_sentence(markup: str, at: int) -> bool:
    """Whether what stands at `at` is part of a sentence of the page's frame: no link, heading, script or attribute."""
    behind = markup.rfind(">", max(at - 91, 0), at) + 1
    words = markup[behind:at]
    if (not behind and at > 90) or "<" in words or _DIGIT.search(words) is not None:
        return False
    opened = markup.rfind("<", max(behind - 2_000, 0), behind)
    return not markup.startswith(_NO_SENTENCE, max(opened, 0)) and not _in_script(markup, at)


def _in_script(markup: str, at: int) -> bool:
    opened = markup.rfind("<script", max(at - 20_000, 0), at)
    return opened >= 0 and markup.find("</script", opened, at) < 0


def _fixed(found: re.Match[str]) -> tzinfo | None:
    """The one offset of phpBB 2 or 3.0."""
    space, sign, hours, separator, rest, _, saving = found.groups()
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
