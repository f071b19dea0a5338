"""The zone that a page states for its times, in the words of forum software."""

import re
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LONGEST = 2_000
OFFSETS = frozenset(
    {hours * 60 for hours in range(-12, 15)} | {-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825}
)
"""Offsets from UTC in use somewhere, now or when forums were young, in minutes."""

_NAMED = re.compile(
    r"\b(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|US|Canada|Etc)"
    r"/[A-Za-z][A-Za-z_+\-0-9]{1,30}(?:[/ ][A-Za-z][A-Za-z_\-]{1,30}){0,2}"
)
_OFFSET = re.compile(
    # Names of Greenwich time: vBulletin's German "WEZ", its Spanish "GMT", phpBB's "UTC"
    r"(?<![^\W_])(?:utc|gmt|wez)(?![^\W_])"
    r"(?:\s?(?P<sign>[+-])\s?(?P<hours>[0-9]{1,2})(?:(?::(?P<minutes>[0-9]{2}))|[.,](?P<part>[0-9]{1,2})|(?P<glued>[0-9]{2}))?(?![0-9:])|(?!\s?[0-9]))"
    # phpBB 3.0: " - 5 hours [ DST ]"
    r"(?:\s?(?!utc|gmt|wez)[^\W\d_]{1,12}\.?)?(?P<summer>\s?\[\s?[^\]\[]{2,60}\])?",
    re.IGNORECASE,
)
_PARTS = {"0": 0, "00": 0, "25": 15, "5": 30, "50": 30, "3": None, "30": 30, "75": 45, "45": 45}
# Abbreviations that one zone alone has, and that knows no summer time.
_ABBREVIATIONS = {"JST": 540, "KST": 540, "HST": -600}
_ABBREVIATION = re.compile(r"\b(?:JST|KST|HST)\b")


def offset_minutes(text: str) -> int | None:
    """Minutes east of UTC of "+05:30", "-0500", "+1"; None where no place has that offset."""
    found = re.fullmatch(r"\s*([+-])\s?([0-9]{1,2}):?([0-9]{2})?\s*", text)
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    minutes = -minutes if found[1] == "-" else minutes
    return minutes if minutes in OFFSETS else None


@lru_cache(maxsize=512)
def zone_of(text: str) -> tzinfo | None:
    """The zone that a page states: "GMT -5", "UTC + 1 hour [ DST ]", "UTC+05:30", "America/New_York"; else None."""
    text = text[:_LONGEST].replace("\u2212", "-").replace("\u2013", "-")  # minus and dash
    text = " ".join(text.split())
    named = {zone.key: zone for found in _NAMED.finditer(text) if (zone := _named(found[0])) is not None}
    if named:
        return named.popitem()[1] if len(named) == 1 else None
    offsets = {_minutes(found) for found in _OFFSET.finditer(text)}
    if not offsets:
        offsets = {_ABBREVIATIONS[found[0]] for found in _ABBREVIATION.finditer(text)}
    if len(offsets) != 1:
        return None
    minutes = offsets.pop()
    return timezone(timedelta(minutes=minutes)) if minutes is not None else None


def _named(text: str) -> ZoneInfo | None:
    """The zone whose name a text begins with: "America/New York", "Europe/Berlin The time now"."""
    parts = re.split(r"(?=[/ ])", text)
    while len(parts) > 1:
        try:
            return ZoneInfo("".join(parts).replace(" ", "_"))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            parts.pop()
    return None


def _minutes(found: re.Match[str]) -> int | None:
    minutes = 0
    if found["sign"]:
        part = _PARTS.get(found["part"]) if found["part"] else int(found["minutes"] or found["glued"] or 0)
        if part is None:
            return None
        minutes = int(found["hours"]) * 60 + part
        minutes = -minutes if found["sign"] == "-" else minutes
    if found["summer"]:
        minutes += 60
    return minutes if minutes in OFFSETS else None
