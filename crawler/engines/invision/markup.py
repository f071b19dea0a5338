"""Tags of Invision's pages: its templates write attributes in either quote and in mixed case (`data-rowID='7'`)."""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from msgspec import Struct

from crawler.engines.html import TAG, closing, decoded, from_epoch, from_iso, tag_at

_SINGLE_QUOTED_TAG = re.compile(r"<[a-zA-Z][^<>']{0,4000}+'[^<>]*+>")
_SINGLE_QUOTED = re.compile(r"(?<==)'([^'\"]*+)'")
_TIME = re.compile(r"<time\b([^<>]*+)>([^<]*+)</time>")
_DATETIME = re.compile(r"\sdatetime\s?=\s?[\"']?([^\"'\s>]+)", re.IGNORECASE)
_EDGES = frozenset("\"' \t\r\n")


class Part(Struct, frozen=True):
    """An element in a text."""

    tag: str
    """Its start tag."""
    opened: int
    """Offset of its start tag."""
    start: int
    """Offset of its content."""
    end: int
    """Offset behind its content."""


@lru_cache(maxsize=256)
def _value(name: str) -> re.Pattern[str]:
    return re.compile(rf"\s{re.escape(name)}=(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))", re.IGNORECASE)


def value(tag: str, name: str) -> str | None:
    """Value of a tag's attribute in whichever quotes and case, entities decoded; None where the tag has none."""
    found = _value(name).search(tag)
    if found is None:
        return None
    return decoded(found[1] or found[2] or found[3] or "")


def href_of(tag: str) -> str:
    """Address in a link's start tag; "" where there is none."""
    at = tag.find("href=")
    while at > 0 and not tag[at - 1].isspace():  # data-href=
        at = tag.find("href=", at + 5)
    quote = tag[at + 5 : at + 6]
    if at < 0 or not quote or quote not in "\"'":
        return value(tag, "href") or ""
    end = tag.find(quote, at + 6)
    return decoded(tag[at + 6 : end]) if end >= 0 else ""


def double_quoted(markup: str) -> str:
    """The fragment with all attributes in double quotes, as `Prose` and `attribute` want them."""
    if "='" not in markup:
        return markup
    return _SINGLE_QUOTED_TAG.sub(_requoted, markup)


def _requoted(tag: re.Match[str]) -> str:
    if '"' not in tag[0]:  # a value in single quotes cannot hold one
        return tag[0].replace("'", '"')
    return _SINGLE_QUOTED.sub(r'"\1"', tag[0])


def parts(markup: str, word: str, start: int = 0, limit: int | None = None) -> Iterator[Part]:
    """The elements that have `word` among an attribute's words (their class, mostly); none inside a found one."""
    limit = len(markup) if limit is None else limit
    at = markup.find(word, start, limit)
    width = len(word)
    while at >= 0:
        following = at + width
        if markup[at - 1 : at] in _EDGES and markup[following : following + 1] in _EDGES:
            bounds = tag_at(markup, at)
            name = TAG.match(markup, bounds[0]) if bounds is not None else None
            if bounds is not None and name is not None and bounds[0] >= start:
                end = closing(markup, name[2], bounds[1], limit)
                yield Part(markup[bounds[0] : bounds[1]], bounds[0], bounds[1], end)
                following = max(end, following)
        at = markup.find(word, following, limit)


def part(markup: str, word: str, start: int = 0, limit: int | None = None) -> Part | None:
    """The first of `parts`."""
    return next(parts(markup, word, start, limit), None)


def first_time(markup: str, start: int = 0, limit: int | None = None) -> tuple[datetime | None, str | None] | None:
    """Instant and wording of the first <time>; None where there is none."""
    found = _TIME.search(markup, start, len(markup) if limit is None else limit)
    return (instant(found[1]), " ".join(decoded(found[2]).split()) or None) if found else None


def last_time(markup: str) -> datetime | None:
    """Instant of the last <time>."""
    at = markup.rfind("<time")
    found = _TIME.match(markup, at) if at >= 0 else None
    return instant(found[1]) if found else None


def instant(attributes: str) -> datetime | None:
    """The instant that `datetime` names: ISO 8601 with offset, or (in some skins) an epoch."""
    found = _DATETIME.search(attributes)
    if found is None:
        return None
    return from_epoch(int(found[1])) if found[1].isdecimal() and 8 <= len(found[1]) <= 11 else from_iso(found[1])
