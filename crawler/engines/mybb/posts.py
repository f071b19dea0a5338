"""The posts of a MyBB thread page: `div.post` (1.8) or `table` (1.4, 1.6) with id post_N, text in an element pid_N.

In 1.2 and some themes there is but the text. The date stands above it, in old classic layouts below.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from crawler.engines.html import absolute, attribute, closing, element, inline_text, number_of, tag_at
from crawler.engines.mybb.addresses import is_profile, user_of
from crawler.engines.mybb.body import Body
from crawler.engines.mybb.document import Document, dated
from crawler.records import Attachment, Post, Status

_MARK = re.compile(r'id="(post_|pid_|deleted_post_)(\d+)"')
_END = re.compile(
    r'id="quick_reply_form"|<td class="tfoot|<div class="pagination|id="similar_?threads"|<!-- end: showthread'
)
_ANCHOR = re.compile(r"<a\b([^<>]*)>(.{0,2000}?)</a>", re.DOTALL)
_POSITION = re.compile(r">\s*(?:[^<>\d#]{0,12}#\s*)(\d[\d,.]*)\s*<")
_LINKED_POSITION = re.compile(r'#pid\d+"[^<>]*>\s*(?:[^<>\d#]{0,12}#)?\s*(\d[\d.,]*)\s*<')
_CLOCK = re.compile(r"\d:\d\d")
_TOLD = re.compile(r'<span\b[^<>]{0,200}\stitle="[^"<>]{0,60}\d:\d\d[^"<>]{0,60}"[^<>]{0,200}>[^<>]{0,200}</span>')
_DATE = re.compile(
    r"(?:\d{1,4}[-./]\d{1,2}[-./]\d{2,4}|[^\W\d_]{3,12}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}|"
    r"\d{1,2}(?:st|nd|rd|th|\.)? [^\W\d_]{3,12}\.?,? \d{4})"
    r",?(?: [^\W\d_]{1,4})? \d{1,2}:\d\d(?::\d\d)?(?: ?[AaPp]\.?[Mm]\b\.?)?"
)
# The note of 1.4, which has no class: "(This post was last modified: ... by ...)".
_OLD_EDIT = re.compile(r"<em>\s*\(((?:[^<]|<(?!/em)){4,400}?\d:\d\d(?:[^<]|<(?!/em)){0,400}?)\)\s*</em>")
_NAMED = re.compile(r"<(strong|b|h[2-6])\b[^<>]*>(.{0,4000}?)</\1>", re.DOTALL)
_FILE = re.compile(r"[?&;](?:aid|thumbnail)=(\d+)")
_FILES = re.compile(
    r"<a\b([^<>]*attachment\.php\?[^<>]*)>(.{0,4000}?)</a>|<img\b([^<>]*attachment\.php\?[^<>]*)>", re.DOTALL
)
# Links to see an author's posts, to write to them, or to rate them.
_CONTACT = re.compile(r"(?:\baction=(?:finduser|send|emailuser)(?:&amp;|&)|\breputation\.php\?)uid=(\d+)")
_HEAD_SIZE = 12_000
_CLOCKS = 100  # more than any post has in and between its tags


class Place(NamedTuple):
    """Where a post stands on the page."""

    post_id: str
    start: int
    body: int
    """Offset of the mark of its text, -1 where it has none: a deleted post's notice."""
    limit: int
    """Where the next one starts."""
    is_deleted: bool
    """Whether a notice stands in its place."""


class Cut(NamedTuple):
    """The markup of a post, cut into its parts."""

    place: Place
    above: str
    """Who wrote it, when, and its number; all of it where the post has no text."""
    text: str | None
    below: str
    """Files, buttons, thanks; not the signature."""
    note: str
    """What says that the post was edited; software writes the element for others, too."""


class Setting(NamedTuple):
    """What all posts of a page share."""

    document: Document
    thread_id: str
    offset: int | None
    """How many posts come before the page, where that is certain."""
    authors: Callable[[], Iterable[str]]


def places(markup: str, start: int) -> list[Place]:
    """The posts of the page, in order."""
    found: dict[str, dict[str, int]] = {}
    for mark in _MARK.finditer(markup, start):
        found.setdefault(mark[2], {}).setdefault(mark[1], mark.start())
    if not found:
        return []
    marks = sorted((_first_mark(marks), number) for number, marks in found.items())
    starts: list[int] = []
    before = start
    for at, number in marks:
        body = found[number].get("pid_", -1)
        if "post_" in found[number] or body < 0:
            starts.append(markup.rfind("<", start, at))
        else:  # no container: the post begins behind the text of the one before it
            anchor = markup.rfind(f'="pid{number}"', before, at)
            starts.append(markup.rfind("<", before, anchor) if anchor >= 0 else max(before, at - _HEAD_SIZE))
        before = max(at, body)
    end = _END.search(markup, before)
    limits = [*starts[1:], end.start() if end else len(markup)]
    return [
        Place(number, begins, found[number].get("pid_", -1), limit, "deleted_post_" in found[number])
        for (_, number), begins, limit in zip(marks, starts, limits, strict=True)
    ]


def _first_mark(marks: dict[str, int]) -> int:
    return marks.get("post_", marks.get("pid_", marks.get("deleted_post_", -1)))


def cut(markup: str, place: Place) -> Cut:
    """The parts of the post at a place."""
    bounds = tag_at(markup, place.body) if place.body >= 0 else None
    if bounds is None:
        above, note = _without_note(markup[place.start : place.limit], place.post_id)
        return Cut(place, above, None, "", note)
    name = markup[bounds[0] + 1 : bounds[1]].split(None, 1)[0]
    close = closing(markup, name, bounds[1], place.limit)
    above, note = _without_note(markup[place.start : bounds[0]], place.post_id)
    below = markup[close : place.limit]
    if (at := below.find('class="signature')) >= 0:
        below = below[:at] + below[closing(below, "div", below.find(">", at) + 1, len(below)) :]
    if not note:
        below, note = _without_note(below, place.post_id)
    return Cut(place, above, markup[bounds[1] : close], below, note)


def _without_note(part: str, post_id: str) -> tuple[str, str]:
    """A part of a post without the note that it was edited, and that note; "" where there is none."""
    if "edit" in part:
        for sign in (f'id="edited_by_{post_id}"', 'class="edited_post', 'class="post_edit'):
            at = part.find(sign)
            bounds = tag_at(part, at) if at >= 0 else None
            if bounds is not None:
                name = part[bounds[0] + 1 : at].split(None, 1)[0]
                close = closing(part, name, bounds[1], len(part))
                return part[: bounds[0]] + part[close:], part[bounds[1] : close].strip()
    old = _OLD_EDIT.search(part) if "<em>" in part else None
    return (part[: old.start()] + part[old.end() :], old[1]) if old is not None else (part, "")


def author_of(post: Cut) -> tuple[str | None, str | None]:
    """Name as shown and id of a post's author; the id of a guest is None."""
    head = post.above
    if (named := element(head, "largetext")) is not None and (name := inline_text(named[1])):
        return name, user_of(named[1]) or user_of(named[0]) or _contact(post)
    for tag, text in _ANCHOR.findall(head):
        href = attribute(tag, "href") or ""
        if is_profile(href) and (name := inline_text(text)):
            return name, user_of(href) or _contact(post)
    author = element(head, "post_author") or element(head, "author_information") or element(head, "author")
    block = author[1] if author else head
    found = next((name for found in _NAMED.finditer(block) if (name := inline_text(found[2]))), None)
    if found and not found.startswith("#"):
        return found, _contact(post)
    return None, None


def _contact(post: Cut) -> str | None:
    """Id of the author in the links to write to them or to see their posts, where the profile's address has none."""
    for part in (post.above, post.below):
        if "uid=" in part and (found := _CONTACT.search(part)) is not None:
            return found[1] if found[1] != "0" else None
    return None


def when(post: Cut) -> tuple[str, str] | None:
    """Date of a post as worded and in full."""
    found = element(post.above, "post_date")
    if found is not None and any(map(str.isdigit, found[1])):
        return dated(found[1])
    return _shown_time(post.above) or _shown_time(post.below)  # old layouts have it below the text


def _shown_time(part: str) -> tuple[str, str] | None:
    """The first text with a clock time in a part of a post, as worded and in full."""
    for clock in islice(_CLOCK.finditer(part), _CLOCKS):
        start, end = part.rfind(">", 0, clock.start()) + 1, part.find("<", clock.end())
        if part.rfind("<", 0, clock.start()) >= start or end < 0:  # in a tag
            continue
        if part.endswith("</span>", 0, start):  # "Yesterday", with the day as its title
            start = max(part.rfind("<span", 0, start - 7), 0)
        return dated(part[start:end])
    told = _TOLD.search(part)  # "2 hours ago", with the time as its title
    return dated(told[0]) if told else None


def read_post(
    post: Cut, setting: Setting, index: int, author: tuple[str | None, str | None], worded: tuple[str, str] | None
) -> Post | None:
    """The record of a post with `index` posts of its page before it; None where it has no text that can be read.

    `author` is what `author_of` says, `worded` what `when` says.
    """
    document, post_id = setting.document, post.place.post_id
    status = _status(post)
    if post.text is None and status is Status.VISIBLE:
        return None
    prose = Body(setting.authors)
    if post.text is not None and status is not Status.DELETED:  # its words are shown to moderators only
        prose.read(post.text)
    edited, edited_at = _edited(document, post.note)
    address, position = _link_to(post, document)
    if position is None and setting.offset is not None:
        position = setting.offset + index + 1
    return Post(
        site=document.site,
        thread_id=setting.thread_id,
        post_id=post_id,
        position=position,
        author=author[0],
        author_id=author[1],
        created_at=document.instant(worded[1]) if worded else None,
        created_text=worded[0] if worded else None,
        edited=edited,
        edited_at=edited_at,
        body_text=prose.result(),
        quotes=prose.quotes,
        reactions=_likes(post.below, post_id) if "tyl_" in post.below else None,
        attachments=_attachments(post.below, prose, document.base) if status is not Status.DELETED else [],
        links=list(dict.fromkeys(absolute(document.base, link) for link in prose.links)),
        is_opening=position == 1,
        status=status,
        url=address,
    )


def _status(post: Cut) -> Status:
    tag = post.above[: post.above.find(">") + 1]
    if post.place.is_deleted or "deleted_post" in tag or (post.text is None and "deleted" in post.above.lower()):
        return Status.DELETED
    return Status.HIDDEN if "unapproved_post" in tag or "trow_shaded" in tag else Status.VISIBLE


def _edited(document: Document, note: str) -> tuple[bool, datetime | None]:
    """Whether and when the post was edited."""
    if not note:
        return False, None
    worded, full = dated(note)
    if not any(map(str.isalnum, worded)):
        return False, None
    found = _DATE.search(full)
    return True, document.instant(found[0] if found else None)


def _link_to(post: Cut, document: Document) -> tuple[str, int | None]:
    """Address of a post, and the number that the site gives it: the words of the link, or what stands behind "#"."""
    post_id = post.place.post_id
    address, found = None, None
    for part in (post.above, post.below):
        if (at := part.find(f'#pid{post_id}"')) >= 0:
            href = attribute(part[part.rfind("<", 0, at) : part.find(">", at)], "href")
            if href and not href.startswith("#"):
                address, found = absolute(document.base, href), _LINKED_POSITION.match(part, at)
                break
    found = found or _POSITION.search(post.above) or _POSITION.search(post.below)
    return address or absolute(document.page.url, f"#pid{post_id}"), number_of(found[1]) if found else None


def _likes(rest: str, post_id: str) -> int | None:
    """How many thanked or liked: the names in the box of the plugin Thank You/Like."""
    for sign in (f'id="tyl_data_{post_id}"', f'id="tyl_{post_id}"'):
        at = rest.find(sign)
        bounds = tag_at(rest, at) if at >= 0 else None
        if bounds is not None:
            name = rest[bounds[0] + 1 : at].split(None, 1)[0]
            box = rest[bounds[1] : closing(rest, name, bounds[1], len(rest))]
            return sum(is_profile(attribute(tag, "href") or "") for tag, _ in _ANCHOR.findall(box))
    return None


def _attachments(rest: str, prose: Body, base: str) -> list[Attachment]:
    """Files below the post and in its text; a picture's link and its thumbnail are one."""
    found: dict[str, Attachment] = {known.url: known for known in prose.attachments}
    if "attachment.php" in rest:
        for link, text, picture in _FILES.findall(rest):
            url = attribute(link, "href") if link else attribute(picture, "src")
            name = inline_text(text) or inline_text(attribute(text or picture, "title") or "").rsplit(" (", 1)[0]
            if url:
                found[url] = Attachment(url=url, name=name or None)
    files: dict[str, Attachment] = {}
    for url, known in found.items():
        number = _FILE.search(url)
        key = number[1] if number else url
        if key not in files or (known.name and files[key].name is None):
            files[key] = Attachment(url=absolute(base, url), name=known.name)
    return list(files.values())
