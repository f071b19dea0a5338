"""Dates of XenForo 1: `<abbr class="DateTime" data-time=epoch>` for recent ones, `<span class="DateTime">` for others.

The span holds local time in words, in a zone with summer time that the page never names: recent dates prove its offset
for their own season only. So it is no instant here; its words are kept. Skins that write `<time datetime>` state the
offset.
"""

import re
from datetime import datetime
from typing import NamedTuple

from crawler.engines.html import attribute, inline_text, instant_of

# As the software's own templates write it; whatever a skin has rewritten is taken apart below.
_USUAL = re.compile(r'<(abbr|span|time) (class="DateTime[ "][^<>]*+)>([^<]*+)</\1')


class Shown(NamedTuple):
    """A date as the page shows it."""

    instant: datetime | None
    text: str | None


def date_in(markup: str, start: int = 0, limit: int | None = None) -> Shown | None:
    """The first date in a part of a page; None where there is none."""
    limit = len(markup) if limit is None else limit
    at = markup.find("DateTime", start, limit)
    while at >= 0:
        opened = markup.rfind("<", start, at)
        if opened >= 0 and (usual := _USUAL.match(markup, opened, limit)) is not None:
            return shown_date(usual[2], inline_text(usual[3]))
        behind = markup.find(">", at, limit)
        if 0 <= opened < behind and markup.find('class="', opened, at) >= 0 and markup[at + 8] in ' "':
            break
        at = markup.find("DateTime", at + 8, limit)
    else:
        return None
    tag = markup[opened:behind]
    name = "</abbr" if tag.startswith("<abbr") else "</time" if tag.startswith("<time") else "</span"
    end = markup.find(name, behind, limit)
    shown = inline_text(markup[behind + 1 : end if end >= 0 else limit])
    return shown_date(tag, shown)


def shown_date(tag: str, shown: str) -> Shown:
    """The date of a start tag and the words in its element."""
    title = attribute(tag, "title") if "title=" in tag else None
    # "Nov 14, 2015" has "Nov 14, 2015 at 4:23 AM" for title; other titles say what a click does.
    text = title if title and shown and title.startswith(shown) else shown
    return Shown(instant_of(f" {tag}") if "data-time" in tag or "datetime=" in tag else None, text or None)
