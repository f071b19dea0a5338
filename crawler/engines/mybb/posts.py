"""The posts of a MyBB thread page: `div.post` (1.8) or `table` (1.4, 1.6) with id post_N, text in an element pid_N."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from crawler.engines.html import absolute, attribute, closing, element, inline_text, number_of, tag_at
from crawler.engines.mybb.addresses import is_profile, post_of, user_of
from crawler.engines.mybb.body import Body
from crawler.engines.mybb.document import Document, dated
from crawler.records import Attachment, Post, Status

_MARK = re.compile(r'id="(post_|pid_|deleted_post_)(\d+)"')
_END = re.compile(
    r'id="quick_reply_form"|<td class="tfoot|<div class="pagination|id="similar_?threads"|<!-- end: showthread'
)
_ANCHOR = re.compile(r"<a\b([^<>]*)>(.{0,2000}?)</a>", re.DOTALL)
_POSITION = re.compile(r">\s*(?:[^<>\d#]{0,12}#\s*)(\d[\d,.]*)\s*<")
_CLOCK = re.compile(r"\d:\d\d")
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
_HEAD_SIZE = 12_000


class Place(NamedTuple):
    """Where a post stands on the page."""

    post_id: str
    start: int
    body: int
    """Offset of the mark of its text, -1 where it has none: a deleted post's notice."""
    limit: int
    """Where the next one starts."""


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
        if tag_at(markup, mark.start()) is not None:
            found.setdefault(mark[2], {}).setdefault(mark[1], mark.start())
    placed = []
    for number, marks in found.items():
        at = marks.get("post_", marks.get("pid_", marks.get("deleted_post_", -1)))
        begins = markup.rfind("<", start, at)
        placed.append(Place(number, begins, marks.get("pid_", -1), 0))
    placed.sort(key=lambda place: place.start)
    for index, place in enumerate(placed):
        if f'id="post_{place.post_id}"' not in markup[place.start : place.start + 600] and place.body >= 0:
            # No container: the post begins behind the text of the one before it.
            before = placed[index - 1].body if index else max(start, place.start - _HEAD_SIZE)
            placed[index] = place._replace(start=_behind(markup, before, place))
    if not placed:
        return []
    last = placed[-1]
    end = _END.search(markup, max(last.body, last.start))
    limits = [place.start for place in placed[1:]] + [end.start() if end else len(markup)]
    return [place._replace(limit=limit) for place, limit in zip(placed, limits, strict=True)]


def _behind(markup: str, before: int, place: Place) -> int:
    anchor = markup.rfind(f'="pid{place.post_id}"', before, place.start)
    return markup.rfind("<", before, anchor) if anchor >= 0 else max(before, place.start - _HEAD_SIZE)


def author_of(markup: str, place: Place) -> tuple[str | None, str | None]:
    """Name as shown and id of a post's author; the id of a guest is None."""
    head = markup[place.start : place.body if place.body >= 0 else place.limit]
    at = head.find("largetext")
    named = element(head, "largetext", max(at - 60, 0)) if at >= 0 else None
    if named is not None and (name := inline_text(named[1])):
        return name, user_of(named[1]) or user_of(named[0]) or _contact(markup, place, head)
    for tag, text in _ANCHOR.findall(head):
        href = attribute(tag, "href") or ""
        if is_profile(href) and (name := inline_text(text)):
            return name, user_of(href) or _contact(markup, place, head)
    author = element(head, "post_author") or element(head, "author_information") or element(head, "author")
    block = author[1] if author else head
    found = next((name for found in _NAMED.finditer(block) if (name := inline_text(found[2]))), None)
    if found and not found.startswith("#"):
        return found, _contact(markup, place, head)
    return None, None


def _contact(markup: str, place: Place, head: str) -> str | None:
    """Id of the author in the links to write to them or to see their posts, where the profile's address has none."""
    if (number := user_of(head.replace("&amp;", "&"))) is not None:
        return number
    at = max(
        markup.rfind("author_buttons", place.body, place.limit), markup.rfind("post_controls", place.body, place.limit)
    )
    return user_of(markup[at : place.limit].replace("&amp;", "&")) if at >= 0 else None


def when(markup: str, place: Place) -> tuple[str, str] | None:
    """Date of a post as worded and in full."""
    head = markup[place.start : place.body if place.body >= 0 else place.limit]
    found = element(head, "post_date")
    if found is not None:
        content = found[1]
        if (edit := content.find('class="post_edit')) >= 0:
            content = content[: content.rfind("<", 0, edit)]
        if any(map(str.isdigit, content)):
            return dated(content)
    if (edit := head.find('id="edited_by_')) >= 0:
        head = head[: head.rfind("<", 0, edit)]
    return _shown_time(head)


def _shown_time(part: str) -> tuple[str, str] | None:
    """The first text with a clock time in a part of a post, as worded and in full."""
    for clock in _CLOCK.finditer(part):
        start, end = part.rfind(">", 0, clock.start()) + 1, part.find("<", clock.end())
        if part.rfind("<", 0, clock.start()) >= start or end < 0:  # in a tag
            continue
        if part.endswith("</span>", 0, start):  # "Yesterday", with the day as its title
            start = max(part.rfind("<span", 0, start - 7), 0)
        return dated(part[start:end])
    return None


def read_post(
    place: Place, setting: Setting, index: int, author: tuple[str | None, str | None], worded: tuple[str, str] | None
) -> Post | None:
    """The post at a place, with `index` posts of its page before it; None where it has no text that can be read.

    `author` is what `author_of` says, `worded` what `when` says.
    """
    document = setting.document
    markup = document.markup
    bounds = tag_at(markup, place.body) if place.body >= 0 else None
    status = _status(markup, place)
    if bounds is None and status is Status.VISIBLE:
        return None
    prose, rest, head_end = Body(setting.authors), "", place.limit
    if bounds is not None:
        name = markup[bounds[0] + 1 : bounds[1]].split(None, 1)[0]
        close = closing(markup, name, bounds[1], place.limit)
        prose.read(markup[bounds[1] : close])
        rest, head_end = _without_signature(markup[close : place.limit]), bounds[0]
    head = markup[place.start : head_end]
    if status is Status.DELETED:  # its words are shown to moderators only
        prose = Body(setting.authors)
    edited, edited_at = _edited(document, head, rest, place.post_id)
    worded = worded or _shown_time(_OLD_EDIT.sub("", rest))  # 1.4 has the date below the text
    position = _position(head) or _position(rest)
    if position is None and setting.offset is not None:
        position = setting.offset + index + 1
    return Post(
        site=document.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position,
        author=author[0],
        author_id=author[1],
        created_at=document.instant(worded[1]) if worded else None,
        created_text=worded[0] if worded else None,
        edited=edited,
        edited_at=edited_at,
        body_text=prose.result(),
        quotes=prose.quotes,
        reactions=_likes(rest, place.post_id),
        attachments=_attachments(rest, prose, document.base) if status is not Status.DELETED else [],
        links=list(dict.fromkeys(absolute(document.base, link) for link in prose.links)),
        is_opening=position == 1,
        status=status,
        url=_address(head, rest, place.post_id, document),
    )


def _without_signature(rest: str) -> str:
    at = rest.find('class="signature')
    if at < 0:
        return rest
    end = closing(rest, "div", rest.find(">", at) + 1, len(rest))
    return rest[:at] + rest[end:]


def _status(markup: str, place: Place) -> Status:
    tag = markup[place.start : markup.find(">", place.start, place.limit) + 1]
    if "deleted_post" in tag or (place.body < 0 and "deleted" in markup[place.start : place.limit].lower()):
        return Status.DELETED
    if f'id="deleted_post_{place.post_id}"' in markup[max(place.start - 3_000, 0) : place.start]:
        return Status.DELETED
    return Status.HIDDEN if "unapproved_post" in tag or "trow_shaded" in tag else Status.VISIBLE


def _position(part: str) -> int | None:
    found = _POSITION.search(part)
    return number_of(found[1]) if found else None


def _edited(document: Document, head: str, rest: str, post_id: str) -> tuple[bool, datetime | None]:
    """Whether and when the post was edited; the element is there, empty, for others, too."""
    for part in (head, rest):
        at = part.find(f'id="edited_by_{post_id}"')
        if at < 0:
            at = max(part.find('class="edited_post'), part.find('class="post_edit'))
        bounds = tag_at(part, at) if at >= 0 else None
        if bounds is None:
            continue
        name = part[bounds[0] + 1 : at].split(None, 1)[0]
        note = part[bounds[1] : closing(part, name, bounds[1], len(part))]
        worded, full = dated(note)
        if any(letter.isalnum() for letter in worded):
            found = _DATE.search(full)
            return True, document.instant(found[0] if found else None)
    if (old := _OLD_EDIT.search(rest)) is not None:
        found = _DATE.search(dated(old[1])[1])
        return True, document.instant(found[0] if found else None)
    return False, None


def _likes(rest: str, post_id: str) -> int | None:
    """How many thanked or liked: the names in the box of the plugin Thank You/Like, or the number it tells."""
    if (at := rest.find(f'id="tyl_data_{post_id}"')) >= 0 or (at := rest.find(f'id="tyl_{post_id}"')) >= 0:
        bounds = tag_at(rest, at)
        if bounds is None:
            return None
        name = rest[bounds[0] + 1 : at].split(None, 1)[0]
        box = rest[bounds[1] : closing(rest, name, bounds[1], len(rest))]
        names = [href for tag, _ in _ANCHOR.findall(box) if is_profile(href := attribute(tag, "href") or "")]
        return len(names)
    return None


def _attachments(rest: str, prose: Body, base: str) -> list[Attachment]:
    """Files below the post and in its text; a picture's link and its thumbnail are one."""
    found: dict[str, Attachment] = {known.url: known for known in prose.attachments}
    if "attachment.php" in rest:
        for link, text, picture in _FILES.findall(rest):
            url = attribute(link, "href") if link else attribute(picture, "src")
            title = re.search(r'\stitle="([^"]{1,200})"', text or picture)
            name = inline_text(text) or (inline_text(title[1]).rsplit(" (", 1)[0] if title else None)
            if url:
                found[url] = Attachment(url=url, name=name or None)
    files: dict[str, Attachment] = {}
    for url, known in found.items():
        number = _FILE.search(url)
        key = number[1] if number else url
        if key not in files or (known.name and files[key].name is None):
            files[key] = Attachment(url=absolute(base, url), name=known.name)
    return list(files.values())


def _address(head: str, rest: str, post_id: str, document: Document) -> str:
    for part in (head, rest):
        at = part.find(f"#pid{post_id}")
        bounds = tag_at(part, at) if at >= 0 else None
        href = attribute(part[bounds[0] : bounds[1]], "href") if bounds else None
        if href and not href.startswith("#") and post_of(href) == post_id:
            return absolute(document.base, href)
    return absolute(document.page.url, f"#pid{post_id}")
