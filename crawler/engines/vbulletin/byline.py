"""Who wrote a post of versions 3 and 4, when, as which of its thread, and when it was changed: read off its frame."""

import re
from datetime import datetime

from crawler.engines.html import attribute, closing, element, from_iso, inline_text, number_of
from crawler.engines.html_tags import TAG
from crawler.engines.vbulletin.addresses import member_id_of, searched_member

_ICON = "<!-- status icon and date -->"
_ANCHOR = re.compile(r'<a\b[^<>]*\s(?:name|id)="post\d+"[^<>]*>((?:(?!</a>).){0,400}+)</a>', re.DOTALL)
_CELL_END = re.compile(r"</(?:td|div|li|h\d|p)>|<(?:td|div|table)\b")
_TIME_TAG = re.compile(r'<(?:time|meta|span|abbr)\b[^<>]*\s(?:datetime|content)="(\d{4}-\d\d-\d\dT[^"]{5,25})"')
_DATE_CLASSES = (
    ('class="postdate', "postdate"),
    ('class="date"', "date"),
    ('"timepost', "timepost"),
    ('"post-date', "post-date"),
    ('"postDate', "postDate"),
    ('"post_date', "post_date"),
)
_DAY = (
    r"(?:\d{1,4}[-./ ]\d{1,2}[-./ ]\d{2,4}|"
    r"\d{1,2}(?:st|nd|rd|th|er|\.)?[ -]+(?:de +)?[^\W\d_]{3,12}\.?,?[ -]+(?:de +)?\d{4}|"
    r"[^\W\d_]{3,12}\.? \d{1,2}(?:st|nd|rd|th)?,? (?:\d{4}|\d{2}(?!\d)))"
)
# Between day and clock: nothing but a comma, or up to two short words ("at", "um", "a las"); one of these after a word
# such as "Today", which could be any.
_JOIN = r"(?:,? +(?:at|um|à|в|a las|a la|alle|alle ore|om|kl|klo|às|o godz|u|ora|saat|la|lúc)\.? +|[ ,]+)"
_JOIN_ANY = r"(?:[ ,]+(?:[^\W\d_]{1,6}\.? +){0,2})"
_CLOCK = r"\d{1,2}[:.h]\d{2}(?::\d{2})?(?: ?[AaPp]\.?[Mm]\b\.?)?"
_DATED = re.compile(rf"(?<![\w/.-])(?:({_DAY}){_JOIN_ANY}|([^\W\d_]{{3,12}}){_JOIN})({_CLOCK})")
_COUNTER = re.compile(r">\s*(?:&nbsp;)?\s*#\s?(?:<[^<>]*>\s*){0,6}(\d[\d.,]*)\s*<|[?&;]postcount=(\d+)")
_NAMES = ('class="bigusername', 'class="username ', 'class="username"', 'class="username_', 'itemprop="author"')
_INNER = re.compile(r"<a\b[^<>]*\shref=\"([^\"]*)\"")
_EDIT_NOTE = "<!-- edit note -->"
_EMPHASIS = re.compile(r"<em\b[^<>]*>((?:(?!</em>).){1,1500}+)</em>", re.DOTALL)


# -- author -------------------------------------------------------------------------------------------------------


def author_of(head: str, rest: str, post_id: str) -> tuple[str | None, str | None]:
    """Name as shown and id; guests have no id. `head` is the post up to its message, `rest` what follows it."""
    for part in (head, rest):
        for sign in _NAMES:
            at = part.find(sign)
            while at >= 0:
                if (found := _named(part, at)) is not None:
                    name, href = found
                    return name, _member(href, head, rest) if href else _in_menu(rest, post_id)
                at = part.find(sign, at + 1)
        at = part.find(f'id="postmenu_{post_id}"')
        if at >= 0 and (found := _named(part, at)) is not None:  # a guest
            return found[0], _member(found[1], head, rest) if found[1] else None
    return None, None


def _in_menu(rest: str, post_id: str) -> str | None:
    """Id in the menu that the post itself opens, where a skin does not link the name; guests have no such menu."""
    at = rest.find(f'id="postmenu_{post_id}_menu"')
    return searched_member(rest[at : at + 3_000]) if at >= 0 else None


def _named(part: str, at: int) -> tuple[str, str | None] | None:
    """Text and address of the element around offset `at`; None where it shows no name."""
    opened = part.rfind("<", 0, at)
    tag = TAG.match(part, opened) if opened >= 0 else None
    if tag is None or not tag[2]:
        return None
    content = part[tag.end() : closing(part, tag[2], tag.end(), min(len(part), tag.end() + 4_000))]
    href = attribute(tag[3], "href")
    if href is None and (link := _INNER.search(content)):
        href = link[1]
        anchored = content.find(">", link.end()) + 1
        content = content[anchored : content.find("</a>", anchored)]
    name = inline_text(content.partition("<ul")[0])
    return (name, href) if name and len(name) <= 120 else None


def _member(href: str, head: str, rest: str) -> str | None:
    href = href.replace("&amp;", "&")
    if (number := member_id_of(href)) is not None:
        return number
    return searched_member(head) or searched_member(rest) or member_id_of(href, rewritten=True)


# -- place and dates ----------------------------------------------------------------------------------------------


def position_of(head: str, post_id: str) -> int | None:
    """The number that the page gives the post in its thread."""
    at = head.find(f'id="postcount{post_id}"')
    if at >= 0:
        opened = head.rfind("<", 0, at)
        tag = TAG.match(head, opened) if opened >= 0 else None
        if tag is not None and (number := number_of(attribute(tag[0], "name") or "")) is not None:
            return number
    counter = element(head, "postcounter")
    if counter is not None and (number := number_of(inline_text(counter[1]))) is not None:
        return number
    found = _COUNTER.search(head)
    return number_of(found[found.lastindex or 0]) if found else None


def created_text(head: str) -> str | None:
    """The date of the post as the page words it."""
    at = head.find(_ICON)
    if at >= 0:
        end = head.find("<!-- /", at, at + 2_000)
        text = _dated(_ANCHOR.sub(" ", head[at + len(_ICON) : end if end >= 0 else at + 400]))
        if text:
            return text
    for sign, name in _DATE_CLASSES:
        if (at := head.find(sign)) < 0:
            continue
        part = element(head, name, max(at - 200, 0))
        if part is not None and (text := _dated(part[1])):
            return text
    for sign in ('itemprop="dateCreated"', 'itemprop="datePublished"'):
        if (at := head.find(sign)) >= 0 and (named := _named(head, at)) is not None and _dated(named[0]):
            return named[0]
    at = head.find('name="post')
    while at >= 0:
        anchor = _ANCHOR.match(head, max(head.rfind("<", 0, at), 0))
        at = head.find('name="post', at + 8)
        if anchor is None:
            continue
        close = _CELL_END.search(head, anchor.end(), anchor.end() + 1_500)
        text = _dated(head[anchor.end() : close.start() if close else anchor.end() + 200])
        if text and (found := _DATED.search(text)):
            return text[: found.end()]  # the title of the post may follow
    return _clocked(head.replace('<span class="time">', ""))


def _clocked(head: str) -> str | None:
    """The first text with a date and a clock time, whatever its element is called."""
    at = head.find(":")
    while at >= 0:
        if head[at + 1 : at + 3].isdecimal() and head[at - 1 : at].isdecimal():
            text = inline_text(head[head.rfind(">", 0, at) + 1 : max(head.find("<", at), at)])
            if (found := _DATED.search(text)) is not None:
                return found[0]
        at = head.find(":", at + 1)
    return None


def _dated(fragment: str) -> str | None:
    text = inline_text(fragment).strip(" -|#>")
    return text if any(sign.isdecimal() for sign in text) and len(text) <= 80 else None


def stated_instant(head: str) -> datetime | None:
    """The instant in an attribute that some skins add, where it has an offset."""
    if 'datetime="' not in head and 'itemprop="date' not in head:
        return None
    found = _TIME_TAG.search(head)
    return from_iso(found[1]) if found else None


def edited_text(rest: str) -> tuple[bool, str | None]:
    """Whether the post was edited, and the date of it as worded, with day and clock time joined by a comma."""
    note = rest.find(_EDIT_NOTE)
    words = ""
    if note >= 0:
        end = rest.find("<!-- / edit", note, note + 3_000)
        words = inline_text(rest[note + len(_EDIT_NOTE) : end if end >= 0 else note + 600])
    if not words and (line := element(rest, "lastedited")) is not None:
        words = inline_text(line[1])
    if not words and note < 0 and "<em" in rest:
        said = (inline_text(emphasis[1]) for emphasis in _EMPHASIS.finditer(rest))
        words = next((text for text in said if (";" in text or "(" in text) and _DATED.search(text)), "")
    found = _DATED.search(words)
    return bool(words), joined(found) if found else None


def joined(found: re.Match[str]) -> str:
    """Day and clock time of a match, as a date of its own."""
    return f"{found[1] or found[2]}, {found[3]}"


def dated(text: str) -> str | None:
    """The date in a sentence: "Last edited by NAME; 04-26-2015 at 09:32 PM."."""
    found = _DATED.search(text)
    return joined(found) if found else None


def dated_in(markup: str) -> str | None:
    """The date in a fragment whose elements may stand without white space between them."""
    return dated(inline_text(markup.replace("<", " <")))
