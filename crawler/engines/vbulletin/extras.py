"""What stands below a post's words: thanks or likes, which modifications add, and attachments."""

import re

from crawler.engines.html import absolute, element, inline_text, number_of
from crawler.engines.vbulletin.addresses import bare
from crawler.engines.vbulletin.body import Body, file_key, files_of
from crawler.records import Attachment

_LINK = re.compile(r"<a\b[^<>]*\shref=")
_CLICKS = re.compile(r'class="[^"]*clickcount"[^<>]*\sdata-postid="(\d+)"[^<>]*>\s*(\d+)\s*<')
_LAST_CELL = re.compile(r'<(?:td\b|div class="tcell alt1")')
_OTHERS = re.compile(r"(\d[\d.,]*) (?:others?|weitere|autres|otros|altri|andere|других)", re.IGNORECASE)


def reactions(rest: str, post_id: str) -> int | None:
    """How many thanked or liked; None where the site shows nothing of the kind."""
    if (at := rest.find(f'id="post_thanks_box_{post_id}"')) >= 0:
        if (names := rest.find(f'id="post_thanks_bit_{post_id}"', at)) >= 0:
            ends = (end for sign in ("</blockquote>", "</td>", "</li>") if (end := rest.find(sign, names)) >= 0)
            return len(_LINK.findall(rest, names, min(ends, default=names)))
        box = element(rest, "tbox", at) or element(rest, "tborder", at)
        if box is None:
            return 0
        cells = list(_LAST_CELL.finditer(box[1]))
        return len(_LINK.findall(box[1], cells[-1].end() if cells else 0))
    if "clickcount" in rest:
        clicks = [int(count[:9]) for number, count in _CLICKS.findall(rest) if number == post_id]
        if clicks:
            return sum(clicks)
    liked = element(rest, "vbseo_liked") or element(rest, "likes_postbit")
    if liked is not None:
        others = _OTHERS.search(inline_text(liked[1]))
        return len(_LINK.findall(liked[1])) + ((number_of(others[1]) or 0) if others else 0)
    return None


def attachments(prose: Body, rest: str, base: str) -> list[Attachment]:
    """Files placed in the text, then those listed below it, each once; addresses absolute."""
    found: dict[str, Attachment] = {}
    for known in [*prose.attachments, *files_of(rest)]:
        key = file_key(known.url)
        url = bare(absolute(base, known.url))
        if key not in found or (found[key].name is None and known.name):
            found[key] = Attachment(url=found[key].url if key in found else url, name=known.name)
    return list(found.values())
