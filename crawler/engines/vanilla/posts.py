"""Posts of a Vanilla discussion page.

A comment is `li#Comment_34.ItemComment` (2.0: `li#Comment_34.Item.Comment`), the opening post, on the first page,
`#Discussion_12.ItemDiscussion` (2.0: `li#Discussion_12.Item.FirstComment`). Discussions and comments are numbered
apart, so that "12" could be either: the id of a comment is its bare number, that of an opening post "Discussion_12".

The Q&A plugin shows accepted answers in a list above all comments; where the comment itself is on the page, it counts
there and once.
"""

import re
from datetime import datetime

from msgspec import Struct

from crawler.engines.html import (
    TAG,
    absolute,
    attribute,
    closing,
    decoded,
    element,
    elements,
    from_iso,
    inline_text,
    instant_of,
    number_of,
    offsets,
    tag_at,
)
from crawler.engines.vanilla.addresses import user_id_of
from crawler.engines.vanilla.body import Body
from crawler.engines.vanilla.edits import EditDates
from crawler.records import Attachment, Post, Status

_TIME = re.compile(r"<time\b([^<>]*)>(.*?)</time>", re.DOTALL)
_ANCHOR = re.compile(r"<a\b([^<>]*)>(.*?)</a>", re.DOTALL)
# A name alone in its link, as every version since 2.1 writes it.
_USERNAME = re.compile(r'(<a\b[^<>]*\sclass="Username[^<>]*>)([^<]*)</a>')
# The line of facts as every version since 2.1 writes it: address, number, instant, wording. What a skin has changed is
# looked for piece by piece.
_LINE = re.compile(
    r'<a href="([^"<>]*)" class="Permalink"(?: name="Item_(\d+)")?(?: rel="nofollow")?>\s*'
    r'<time title="[^"<>]*" datetime="([^"<>]*)">([^<]+)</time>'
)
_WORDED_EDIT = re.compile(r'<span title="([^"<>]*)" class="DateUpdated">[^<]*</span>')
_ITEM = re.compile(r'name="(?<=\sname=")Item_(\d+)"')
_PERMALINK = re.compile(r'<a\b[^<>]*\sclass="[^"<>]*\bPermalink\b[^<>]*>')
_REACTION = re.compile(r'<a\b[^<>]*\sclass="[^"]*\bReactButton\b([^"]*)"[^<>]*>(.*?)</a>', re.DOTALL)
_COUNT = re.compile(r'<span\b[^<>]*\sclass="Count\b[^<>]*>([^<]*)<')
_NO_REACTIONS = ("Flag", "Quote", "Report", "Spam", "Abuse", "Reply", "Warn")
_USUAL_COMMENT = re.compile(r'(?<![\'"])<li class="Item [^"<>]*ItemComment[^"<>]*" id="Comment_(\d{1,23})">')
_COMMENT_ID, _DISCUSSION_ID = 'id="Comment_', 'id="Discussion_'
_FILES = ("Attachments", "editor-upload-previews", "AttachmentList", "AttachFileContainer")
_MESSAGES = ("Message", "userContent")
_USUAL_MESSAGE = '<div class="Message userContent">'


class Container(Struct, frozen=True):
    """Where on the page a post stands."""

    post_id: str
    tag: str
    """Its start tag."""
    name: str
    """Name of its element."""
    start: int
    """Offset behind its start tag."""
    limit: int
    """Offset of the next container, or the page's end: what it can reach at most."""

    @property
    def is_opening(self) -> bool:
        """Whether it is the discussion's own text."""
        return not self.post_id.isdecimal()


class Line(Struct, frozen=True):
    """What the line of facts above or below a post says."""

    created_at: datetime | None
    created_text: str | None
    number: int | None
    """Number in its anchor."""
    url: str | None


class Setting(Struct, frozen=True):
    """What the posts of one page have in common."""

    site: str
    thread_id: str
    base: str
    shift: int | None
    """What makes the offset in a comment's anchor a position; None where that is not certain."""
    edits: EditDates


def containers(markup: str, start: int, discussion_id: str | None) -> list[Container]:
    """The posts' elements, in page order; one that is repeated (same id) counts once, where it stands last."""
    found: dict[str, tuple[int, int, str, str]] = {}
    for at in offsets(markup, _COMMENT_ID, start):
        usual = _USUAL_COMMENT.match(markup, max(markup.rfind("<", start, at), 0))
        if usual is not None and usual.end() > at:
            found[usual[1]] = (*usual.span(), usual[0], "li")
        elif (place := _place(markup, at, _COMMENT_ID, discussion_id)) is not None:
            found[place[0]] = place[1:]
    for at in offsets(markup, _DISCUSSION_ID, start):
        if (place := _place(markup, at, _DISCUSSION_ID, discussion_id)) is not None:
            found[place[0]] = place[1:]
    placed = sorted((*place, post_id) for post_id, place in found.items())
    places = []
    for index, (_, behind, tag, element_name, post_id) in enumerate(placed):
        limit = placed[index + 1][0] if index + 1 < len(placed) else len(markup)
        places.append(Container(post_id=post_id, tag=tag, name=element_name, start=behind, limit=limit))
    # A row of another list ("related discussions") holds no message; nor does a comment in a list of activities.
    return [place for place in places if not place.is_opening or _message(markup, place) is not None]


def _place(markup: str, at: int, mark: str, discussion_id: str | None) -> tuple[str, int, int, str, str] | None:
    """(post's id, bounds of its start tag, the tag, its name), where the mark of an id at that offset is a post's."""
    begin = at + len(mark)
    number = markup[begin : markup.find('"', begin, begin + 24)]
    bounds = tag_at(markup, at) if number.isdecimal() and markup[at - 1].isspace() else None
    if bounds is None:
        return None
    tag, sign = markup[bounds[0] : bounds[1]], mark[4:]
    if not _is_post(tag, sign, number, discussion_id):
        return None
    return number if mark == _COMMENT_ID else f"{sign}{number}", *bounds, tag, tag[1:].split(None, 1)[0]


def _is_post(tag: str, sign: str, number: str, discussion_id: str | None) -> bool:
    words = (attribute(tag, "class") or "").split()
    if sign == "Comment_":
        return "ItemComment" in words or "Comment" in words or "Item" in words
    if discussion_id is not None and number != discussion_id:
        return False
    return not {"ItemDiscussion", "FirstComment", "Item", "Discussion"}.isdisjoint(words)


def _message(markup: str, place: Container) -> tuple[int, int] | None:
    """Bounds of the content of the post's message."""
    at = markup.find(_USUAL_MESSAGE, place.start, place.limit)
    if at >= 0:
        start = markup.find(">", at) + 1
        return start, closing(markup, "div", start, place.limit)
    for name in _MESSAGES:
        at = markup.find(name, place.start, place.limit)
        while at >= 0:
            quoted, behind = markup[at - 1 : at], markup[at + len(name) : at + len(name) + 1]
            if quoted in {'"', " "} and behind in {'"', " "} and (bounds := tag_at(markup, at)) is not None:
                words = (attribute(markup[bounds[0] : bounds[1]], "class") or "").split()
                if name in words and not {"InfoMessage", "DismissMessage", "WarningMessage"} & set(words):
                    tag = TAG.match(markup, bounds[0])
                    return bounds[1], closing(markup, tag[2] if tag else "div", bounds[1], place.limit)
            at = markup.find(name, at + len(name), place.limit)
    return None


def anchor_shift(markup: str, places: list[Container], *, counts_opening: bool) -> int | None:
    """What to add to the number N of an anchor `Item_N` to get a position.

    Since 2.1 the first comment is Item_1, and the opening post has no such anchor; in 2.0 the opening post has one.
    """
    opening = next((place for place in places if place.is_opening), None)
    if opening is None:
        return None if counts_opening else 1
    at = markup.find("Item_", opening.start, opening.limit)
    found = _ITEM.search(markup, max(at - 6, opening.start), opening.limit) if at >= 0 else None
    return 1 - int(found[1]) if found else 1


def read_post(markup: str, place: Container, setting: Setting, position: int | None) -> Post | None:
    """The post in that place; None where it holds no message.

    `position` is its place in the discussion where it follows from the page, for want of an anchor.
    """
    bounds = _message(markup, place)
    if bounds is None:
        return None
    # Behind the message of a list's item all elements are whole; of nested <div>s all must be counted.
    end = closing(markup, place.name, bounds[1] if place.name == "li" else place.start, place.limit)
    head, rest = markup[place.start : bounds[0]], markup[bounds[1] : end]
    body = Body()
    text = body.read(markup[bounds[0] : bounds[1]]).result().rstrip("\n")
    author, author_id = author_of(head, rest)
    edited, edited_at, head, rest = _edited(head, rest, setting.edits)
    line = _line(head, rest, place, setting.base)
    if edited_at is not None and line.created_at is not None:
        edited_at = max(edited_at, line.created_at)  # words have no seconds
    if place.is_opening:
        position = 1
    elif line.number is not None and setting.shift is not None:
        # Accepted answers stand above all comments, with the number of none.
        position = line.number + setting.shift if line.number + setting.shift > 1 else None
    status = _status(place.tag)
    return Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position,
        author=author,
        author_id=author_id,
        created_at=line.created_at,
        created_text=line.created_text,
        edited=edited,
        edited_at=edited_at,
        body_text=text if status is Status.VISIBLE else "",
        quotes=body.quotes if status is Status.VISIBLE else [],
        reactions=_reactions(rest),
        attachments=_attachments(rest, body, setting.base),
        links=[absolute(setting.base, link) for link in body.links],
        is_opening=place.is_opening,
        status=status,
        url=line.url,
    )


def _status(tag: str) -> Status:
    words = (attribute(tag, "class") or "").split()
    return Status.DELETED if "Deleted" in words or "ItemDeleted" in words else Status.VISIBLE


def author_of(head: str, rest: str = "") -> tuple[str | None, str | None]:
    """Name as shown, and id where the page tells it: in `data-userid`, or in a profile's address."""
    named_at = head.find('class="Username')
    plain = _USERNAME.match(head, head.rfind("<", 0, named_at)) if named_at > 0 else None
    if plain is not None and (name := inline_text(plain[2])):
        return name, _member(plain[1])
    for part in (head, rest):
        if "Username" in part and (named := element(part, "Username")) is not None and inline_text(named[1]):
            return inline_text(named[1]), _member(named[0]) or _member(part)
    found = element(head, "Author")
    place = found[1] if found else head
    for tag, name in _ANCHOR.findall(place):
        if "/profile" in tag and inline_text(name):
            return inline_text(name), _member(tag) or _member(place)
    for tag, _ in _ANCHOR.findall(place):
        if "PhotoWrap" in tag and (title := attribute(tag, "title")):
            return title.strip() or None, _member(tag)
    shown = inline_text(place) if found else ""
    return shown or None, None


def _member(tag: str) -> str | None:
    number = attribute(tag, "data-userid")
    if number and number.isdecimal():
        return number if number != "0" else None
    href = attribute(tag, "href")
    return user_id_of(href) if href else None


def _line(head: str, rest: str, place: Container, base: str) -> Line:
    """The post's date, number and permanent address."""
    at = head.find("DateCreated")
    usual = _LINE.match(head, head.find("<", at)) if at >= 0 else None
    item = usual[2] if usual else None
    if item is None and (anchor := _ITEM.search(head) or _ITEM.search(rest)) is not None:
        item = anchor[1]
    number = int(item[:9]) if item else None
    if usual is not None and (instant := from_iso(usual[3])) is not None:
        return Line(instant, inline_text(usual[4]) or None, number, absolute(base, decoded(usual[1])))
    created_at, created_text = _created(head) or _created(rest) or (None, None)
    return Line(created_at, created_text, number, _address(head, rest, place, base))


def _created(part: str) -> tuple[datetime | None, str | None] | None:
    """Instant and wording of the post's date."""
    at = part.find("DateCreated")
    found = _TIME.search(part, max(at, 0))
    if found is not None:
        return instant_of(found[1]), inline_text(found[2]) or attribute(found[1], "title")
    if at >= 0 and (named := element(part, "DateCreated")) is not None:
        return None, inline_text(named[1]) or None
    return None


def _edited(head: str, rest: str, dates: EditDates) -> tuple[bool, datetime | None, str, str]:
    """Whether and when the post was edited, and its header and rest without that note.

    The note is localised; older versions state its date in words only, newer ones in a <time> of its own.
    """
    for part in (head, rest):
        at = part.find("DateUpdated")
        if at < 0:
            continue
        usual = _WORDED_EDIT.match(part, part.rfind("<", 0, at))
        if usual is not None:
            return True, dates.read(decoded(usual[1])), head, rest
        if (found := element(part, "DateUpdated", max(part.rfind("<", 0, at), 0))) is None:
            continue
        time = _TIME.search(found[1])
        instant = instant_of(time[1]) if time else dates.read(attribute(found[0], "title") or "")
        without = part.replace(found[0] + found[1], "<i>", 1)
        return True, instant, without if part is head else head, without if part is rest else rest
    return False, None, head, rest


def _reactions(rest: str) -> int | None:
    """How many reacted; None where the site has no reactions."""
    at = rest.find("ReactButton")
    if at < 0:
        return None
    buttons = [
        content for words, content in _REACTION.findall(rest) if not any(f"-{name}" in words for name in _NO_REACTIONS)
    ]
    if not buttons:
        return None
    return sum(number_of(count) or 0 for content in buttons for count in _COUNT.findall(content)[:1])


def _attachments(rest: str, body: Body, base: str) -> list[Attachment]:
    found = {absolute(base, known.url): known.name for known in body.attachments}
    for block in _FILES:
        if block not in rest:
            continue
        for _, content in elements(rest, block):
            for tag, shown in _ANCHOR.findall(content):
                href, name = attribute(tag, "href"), inline_text(shown)
                if href and not href.startswith(("#", "javascript:")):
                    url = absolute(base, href)
                    found[url] = found.get(url) or name or attribute(tag, "title") or None
    return [Attachment(url=url, name=name) for url, name in found.items()]


def _address(head: str, rest: str, place: Container, base: str) -> str | None:
    for part in (head, rest):
        found = _PERMALINK.search(part) if "Permalink" in part else None
        if found is not None and (href := attribute(found[0], "href")):
            return absolute(base, href)
    return None if place.is_opening else absolute(base, f"#Comment_{place.post_id}")
