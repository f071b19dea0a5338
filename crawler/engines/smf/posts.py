"""The posts of a topic's page of Simple Machines Forum, in the markup of 1.x (tables), 2.0, 2.1 and ElkArte."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from crawler.engines.html import (
    absolute,
    attribute,
    closing,
    decoded,
    element,
    inline_text,
    instant_of,
    number_of,
    tag_at,
)
from crawler.engines.smf.addresses import clean, message_of, user_of
from crawler.engines.smf.body import Body
from crawler.engines.smf.document import marked
from crawler.records import Attachment, Post, Status

# A post has an element for its subject, one for its text, or (1.x) only the first; rows of a board have a <span>.
_TEXT = 'id="msg_'
_SUBJECTS = ('id="subject_', 'id="post_subject_')
_BODIES = ("<div ", "<section ", "<article ", "<td ", "<blockquote ")
_POSTERS = (
    'class="post_wrapper',
    'class="poster"',
    ' poster"',
    'class="poster ',
    'class="poster_info"',
    'post_wrapper"',
)
_OLD_BODY = re.compile(r'class="(?:[\w-]+ ){0,3}(?:post|personalmessage)(?: [\w-]+){0,3}"')
# What follows the last post.
_ENDS = ('id="moderationbuttons', 'lastPost"', 'id="quickreply', 'id="display_jump_to"', 'id="postmodify"')
_HEADING = re.compile(r"<(h[3-6]|b|strong)\b[^<>]*>(.{0,4000}?)</\1>", re.DOTALL)
_ANCHOR = re.compile(r"<a\b([^<>]*)>(.{0,2000}?)</a>", re.DOTALL)
_NAMED = re.compile(
    r'<(a|li|span|div) [^<>]{0,200}class="(?:[\w-]+ ){0,3}(?:name|username)"[^<>]{0,200}>(.{0,4000}?)</\1>', re.DOTALL
)
_LABEL = re.compile(r"\s*<(strong|b)\b[^<>]*>(.{0,4000}?)</\1>", re.DOTALL)
_NUMBER = re.compile(r"#\s*(\d+)")
_COUNTER = re.compile(r'class="(?:[\w-]+ ){0,3}page_number\b[^<>]*>\s*(?:<a\b[^<>]*>)?\s*#\s*(\d+)')
_TOTAL = re.compile(r'class="(?:[\w-]+ ){0,3}message_number"[^<>]*>\s*#(\d+)')
_TIME = re.compile(r"<time\b[^<>]*>")
_DATE_LINK = re.compile(r"<a\b([^<>]*)>((?:[^<]|<(?!/a))*+)</a>")
_SMALL = re.compile(
    r'<(div|span|td|p) [^<>]{0,200}class="(?:[\w-]+ ){0,3}smalltext(?: [\w-]+){0,2}"[^<>]{0,100}>(.{0,4000}?)</\1>',
    re.DOTALL,
)
_WORDED = re.compile(r"^[^\W\d_]{1,12}:\s+")  # "on:"
_OLD_EDIT = re.compile(r"(?:&#171;|&laquo;|«)\s*<(?:i|em)>[^<]{4,200}</(?:i|em)>\s*(?:&#187;|&raquo;|»)")
_FILE = re.compile(r"(?:[?&;]|%3[bBfF])attach(?:=|%3[dD])(\d+)")
_LIKES = re.compile(r'class="(?:[\w-]+ ){0,2}like_count\b[^<>]*>(.{0,4000}?)</(?:li|div|span)>', re.DOTALL)
_OPENING_QUOTES = ("&#171;", "&laquo;", "«", "&#xAB;")
_CLOSING_QUOTES = ("&#187;", "&raquo;", "»", "&#xBB;")
_HEAD_SIZE, _ANCHOR_SIZE = 12_000, 60


class Place(NamedTuple):
    """Where a post stands on the page."""

    post_id: str
    start: int
    """Where its author is named, or before."""
    subject: int
    """Offset of its subject, -1 where it has none of its own."""
    body: int
    """Offset of the tag that opens its text, -1 where that has no mark."""
    limit: int
    """Where the next one starts."""


class Setting(NamedTuple):
    """What all posts of a page share."""

    site: str
    thread_id: str
    base: str
    address: str
    offset: int | None
    """How many posts come before the page, where an address or the page's number tells."""
    authors: Callable[[], Iterable[str]]


def places(markup: str, start: int) -> list[Place]:
    """The posts of the page, in order."""
    subjects: dict[str, int] = {}
    for sign in _SUBJECTS:
        for number, at in marked(markup, sign, start) if not subjects else ():
            subjects.setdefault(number, at)
    if not subjects:
        return _unnamed(markup, start)
    placed: list[Place] = []
    previous, limits = start, [*list(subjects.values())[1:], len(markup)]
    for (number, at), limit in zip(subjects.items(), limits, strict=True):
        body = _text_of(markup, number, at, limit)
        if body < 0:  # some themes have the subject below the text
            body = _text_of(markup, number, previous, at)
        placed.append(Place(number, _start(markup, previous, min(at, body) if body >= 0 else at, number), at, body, 0))
        previous = max(at, body)
    return _bounded(markup, placed)


def _text_of(markup: str, number: str, start: int, limit: int) -> int:
    """Offset of the tag that opens the text of a post; -1 where none is marked as that."""
    at = markup.find(f'{_TEXT}{number}"', start, limit)
    if at < 0:
        return -1
    opened = markup.rfind("<", start, at)
    return opened if markup.startswith(_BODIES, opened) else -1


def _unnamed(markup: str, start: int) -> list[Place]:
    """Posts of pages without subjects: of themes that show none, else of 1.0."""
    placed: list[Place] = []
    previous, is_list = start, False
    for number, at in marked(markup, _TEXT, start):
        body = markup.rfind("<", max(previous, at - _HEAD_SIZE), at)
        if not markup.startswith(_BODIES, body):
            is_list = is_list or markup.startswith("<span", body)  # a board's row
        elif not (placed and placed[-1].post_id == number) and tag_at(markup, at) is not None:
            placed.append(Place(number, _start(markup, previous, body, number), -1, body, 0))
            previous = at
    if placed:
        return _bounded(markup, placed)
    return [] if is_list else _old_places(markup, start)


def _old_places(markup: str, start: int) -> list[Place]:
    """Posts of 1.0, which are marked by anchors only."""
    placed = []
    for number, at in marked(markup, '="msg', start):
        opened = markup.rfind("<", start, at)
        if markup.startswith("<a ", opened) and at - opened < _ANCHOR_SIZE:
            placed.append(Place(number, opened, opened, -1, 0))
    return [place for place in _bounded(markup, placed) if _OLD_BODY.search(markup, place.start, place.limit)]


def _bounded(markup: str, placed: list[Place]) -> list[Place]:
    """The places with their limits."""
    if not placed:
        return []
    last = max(placed[-1].subject, placed[-1].body)
    limit = len(markup)
    for sign in _ENDS:
        end = markup.find(sign, last, limit)
        limit = end if end >= 0 else limit
    limits = [*(place.start for place in placed[1:]), limit]
    return [Place(*place[:4], limit) for place, limit in zip(placed, limits, strict=True)]


def _start(markup: str, previous: int, at: int, number: str) -> int:
    """Where the post begins whose mark is at `at`, and the mark of the one before it at `previous`."""
    for sign in _POSTERS:
        found_at = markup.find(sign, previous, at)
        if found_at >= 0:
            # The last one: what comes before it only looks like a post, such as an ad in a post's frame.
            while (again := markup.find(sign, found_at + 1, at)) >= 0:
                found_at = again
            return max(markup.rfind("<", previous, found_at), previous)
    # 1.x: a table whose left cell names the author.
    for sign in ('rowspan="2"', f'="msg{number}"', 'class="windowbg'):
        if (found_at := markup.rfind(sign, previous, at)) >= 0:
            return max(markup.rfind("<", previous, found_at), previous)
    return max(previous, at - _HEAD_SIZE)


def author_of(markup: str, place: Place) -> tuple[str | None, str | None]:
    """Name as shown and id of a post's author; the id of a guest is None."""
    at = place.subject if place.body < 0 or 0 <= place.subject < place.body else place.body
    if at <= place.start:
        at = min(place.start + 3_000, place.limit)
    heading = markup.find("<h4", place.start, at)
    if heading >= 0:  # as the software's own themes have it: the last link is the name
        block = markup[markup.find(">", heading) + 1 : markup.find("</h4", heading, at)]
        link = block.rfind("<a ")
        if link < 0 and (name := inline_text(block)):
            return name, None
        name = inline_text(block[link:].partition("</a")[0])
        if name and (number := user_of(attribute(block[link : block.find(">", link)], "href") or "")):
            return name, _member(number)
    return _named(markup[place.start : at])


def _named(head: str) -> tuple[str | None, str | None]:
    """The author in the part of a post above its subject: the first link to a member, else what is in bold (guests)."""
    for tag, text in _ANCHOR.findall(head):
        if (number := user_of(attribute(tag, "href") or "")) is not None and (name := inline_text(text)):
            return name, _member(number)
    for found in _HEADING.finditer(head, max(head.find("<h4"), 0)):
        if name := inline_text(found[2]):
            return name, None
    named = _NAMED.search(head)
    return (inline_text(named[2]) or None, None) if named else (None, None)


def _member(number: str) -> str | None:
    return number if number != "0" else None


def read_post(
    markup: str, place: Place, setting: Setting, index: int, author: tuple[str | None, str | None]
) -> Post | None:
    """The post at a place, with `index` posts of its page before it; None where it has no text that can be read.

    `author` is what `author_of` says.
    """
    body = place.body if place.body >= 0 else _old_body(markup, place)
    if body < 0:
        return None
    start = markup.find(">", body) + 1
    if start == 0:
        return None
    close = closing(markup, _name(markup, body, start), start, place.limit)
    prose = Body(setting.authors)
    content = markup[start:close]
    prose.read(content.replace("</code>", "</code><div></div>") if "</code>" in content else content)
    rest = markup[close : place.limit]
    if (signature := rest.find('class="signature')) >= 0:
        rest = rest[:signature]
    edited, edited_at, note = _edited(markup, place, rest)
    head = markup[max(place.subject, place.start) : body]
    if note:
        head = head.replace(note, "", 1)
    created_at, created_text, position = _dated(head, place.post_id)
    if position is None and setting.offset is not None:
        position = setting.offset + index + 1
    return Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position,
        author=author[0],
        author_id=author[1],
        created_at=created_at,
        created_text=created_text,
        edited=edited,
        edited_at=edited_at,
        body_text=prose.result(),
        quotes=prose.quotes,
        reactions=_likes(rest),
        attachments=_attachments(rest, prose, setting.base),
        links=list(dict.fromkeys(clean(absolute(setting.base, link)) for link in prose.links)),
        is_opening=position == 1,
        status=Status.HIDDEN if "approvebg" in markup[max(place.start - 200, 0) : place.start + 60] else Status.VISIBLE,
        url=_address(head, place.post_id, setting),
    )


def _old_body(markup: str, place: Place) -> int:
    """Offset of the tag that opens the text of a post of 1.x, whose text has no mark; -1 where it has none."""
    found = _OLD_BODY.search(markup, max(place.subject, place.start), place.limit)
    bounds = tag_at(markup, found.start()) if found else None
    return bounds[0] if bounds else -1


def _name(markup: str, start: int, end: int) -> str:
    """Name of the element whose tag begins at `start`; `end` is an offset in the tag. "" where it has none."""
    words = markup[start + 1 : end].split(None, 1)
    return words[0].rstrip(">") if words else ""


def _edited(markup: str, place: Place, rest: str) -> tuple[bool, datetime | None, str]:
    """Whether and when the post was edited, and the words that say so, as markup.

    The element is there for posts that nobody edited, too: the software's script writes into it.
    """
    at = markup.find(f'id="modified_{place.post_id}"', place.start, place.limit)
    start = markup.find(">", at, place.limit) + 1 if at >= 0 else 0
    if start == 0:
        line = element(rest, "modified") if "modified" in rest else None
        said = line is not None and any(letter.isdigit() for letter in inline_text(line[1]))
        return said or _OLD_EDIT.search(rest) is not None, None, ""
    if not (note := markup[start : markup.find("</", start, place.limit)]) or note.isspace():
        return False, None, ""
    name = _name(markup, markup.rfind("<", place.start, at), at)
    note = markup[start : closing(markup, name, start, place.limit)]
    if not any(letter.isalnum() for letter in inline_text(note)):
        return False, None, ""
    time = _TIME.search(note) if "<time" in note else None
    return True, instant_of(time[0]) if time else None, note


def _dated(head: str, post_id: str) -> tuple[datetime | None, str | None, int | None]:
    """Instant, wording and position in a post's heading.

    The number is that of a reply: the opening post has none. Bitcointalk's counts posts.
    """
    counter = _COUNTER.search(head) if "page_number" in head else None
    total = _TOTAL.search(head) if "message_number" in head else None
    position = int(counter[1]) + 1 if counter else int(total[1]) if total else None
    time = _TIME.search(head) if "<time" in head else None
    created_at = instant_of(time[0]) if time else None
    timed = inline_text(head[time.end() : head.find("</time", time.end())]) if time else ""
    start = _first(head, _OPENING_QUOTES, 0)
    end = _first(head, _CLOSING_QUOTES, start) if start >= 0 else -1
    if end >= 0:
        line = head[head.find(";", start, start + 8) + 1 or start + 1 : end]
        label = _LABEL.match(line)
        number = _NUMBER.search(inline_text(label[2] if label else line))
        if number is not None and (label is not None or position is None):
            position = int(number[1][:9]) + 1
        return created_at, timed or inline_text(line[label.end() if label else 0 :]).strip(" :") or None, position
    for link in _DATE_LINK.finditer(head):
        href, shown = attribute(link[1], "href"), inline_text(link[2])
        if "smalltext" in link[1] and href and message_of(href) == post_id and any(map(str.isdigit, shown)):
            return created_at, shown, position or _titled_position(attribute(link[1], "title") or "", head)
    if timed:
        return created_at, timed, position
    for small in _SMALL.finditer(head):
        shown = _WORDED.sub("", inline_text(small[2]))
        if sum(map(str.isdigit, shown)) > 5 or ":" in shown:
            return created_at, shown, position
    return created_at, None, position


def _titled_position(title: str, head: str) -> int | None:
    """Position in "Reply #2 - Subject", the title of 2.1's link to a post; the opening post's is its subject alone."""
    number = _NUMBER.search(title[:30])
    subject = inline_text(head[: head.find("</a", head.find("<a "))].rpartition(">")[2])
    return int(number[1][:9]) + 1 if number and not (subject and title.startswith(subject)) else None


def _first(markup: str, signs: tuple[str, ...], start: int) -> int:
    """Offset of the first in a list of signs that is there at all, -1 where none is."""
    return next((at for sign in signs if (at := markup.find(sign, start)) >= 0), -1)


def _likes(rest: str) -> int | None:
    """How many like the post, where the page says so: "3 people like this", "You and 2 others like this"."""
    found = _LIKES.search(rest) if "like_count" in rest else None
    if found is None:
        return 0 if "smflikebutton" in rest else None
    said = inline_text(found[1])
    number = number_of(said)
    return (number or 0) + (1 if not said[:1].isdigit() else 0) if said else 0


def _attachments(rest: str, prose: Body, base: str) -> list[Attachment]:
    """Files below the post (a picture's thumbnail and its name lead to the same one) and in its text."""
    found: dict[str, Attachment] = {}
    if "attach" not in rest and not prose.attachments:
        return []
    tags = [(attribute(tag, "href") or "", inline_text(text)) for tag, text in _ANCHOR.findall(rest) if "attach" in tag]
    for href, name in [*tags, *((known.url, known.name or "") for known in prose.attachments)]:
        number = _FILE.search(href)
        if number is None or "type=avatar" in href or "attachapprove" in href:
            continue
        known = found.get(number[1])
        if known is None or (name and known.name is None):
            found[number[1]] = Attachment(url=clean(absolute(base, href)), name=name or None)
    return list(found.values())


def _address(head: str, post_id: str, setting: Setting) -> str:
    for sign in (f"msg{post_id}", f"msg={post_id}"):
        if (at := head.find(sign)) >= 0:
            start = head.rfind('href="', 0, at) + 6
            href = decoded(head[start : head.find('"', start)])
            if at - start < len(href) and not href.startswith("#") and message_of(href) == post_id:
                return clean(absolute(setting.base, href))
    return f"{setting.address}#msg{post_id}"
