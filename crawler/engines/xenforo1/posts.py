"""Posts of a XenForo 1 thread page: `li#post-N.message`, with user panel, body, edit note, date line and likes.

Skins put ads between them as `li.message` without id; results of a search have the ids of posts and other classes.
"""

import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from crawler.engines.html import (
    TAG,
    absolute,
    attribute,
    closing,
    decoded,
    element,
    elements,
    inline_text,
    number_of,
    tag_at,
)
from crawler.engines.html_tags import CLASS
from crawler.engines.xenforo1.body import Body
from crawler.engines.xenforo1.dates import Shown, date_in, shown_date
from crawler.engines.xenforo1.users import member_of, username_in
from crawler.records import Attachment, Post, Status

_MARK = 'id="post-'
_CONTAINERS = frozenset({"article", "div", "li", "section"})
_BODY_CLASS = re.compile(r'\sclass="(?![^"]*\bsignature\b)[^"]*\bmessageText\b')
_AVATAR = re.compile(r'\sclass="[^"]*\bavatar\b[^"]*\bAv([1-9]\d*)[a-z]\b')
# What the software's own template writes; whatever a skin has rewritten is looked for below.
_USUAL = re.compile(r'<li id="post-\d+" class="([^"<>]*)" data-author="([^"<>]*)">')
_USER = re.compile(r'<a href="([^"]*)" class="username')
_DATED = re.compile(r'datePermalink(?<=class="datePermalink)">\s*+<(?:abbr|span) (class="DateTime[^<>]*+)>([^<]*+)</')
_NUMBERED = re.compile(r">#(\d+(?:[,.]\d{3})*)</a>")
_NUMBER = re.compile(r"^#?\s*(\d[\d.,'’\s]*)$")  # noqa: RUF001
_PERMALINKS = ("postNumber", "hashPermalink", "datePermalink")
_OTHERS = re.compile(r'/likes"[^<>]*+>([^<]*+)</a>')
_LIKES_LINK = re.compile(r'<a\b[^<>]*\shref="[^"]*/likes[^<>]*>((?:[^<]++|<(?!/?a\b))*+)</a>')
_RATING = re.compile(r"<strong[^<>]*>\s*(\d[\d.,]*)\s*</strong>")
_LINK = re.compile(r"<a\b([^<>]*)>")


class Container(Struct, frozen=True):
    """Where on the page a post stands."""

    post_id: str
    tag: str
    """Its start tag."""
    author: str | None
    """Its author's name, as the tag states it."""
    name: str
    """Name of its element."""
    start: int
    """Offset behind its start tag."""
    limit: int
    """Offset of the next container, or the page's end: what it can reach at most."""


class Setting(Struct, frozen=True):
    """What the posts of one page have in common."""

    site: str
    thread_id: str
    base: str
    page: int
    authors: Callable[[], Iterable[str]]


def containers(markup: str) -> list[Container]:
    """The posts' elements, in page order; one that is repeated (same id) counts once."""
    found: dict[str, tuple[str, str | None, str, int]] = {}
    at = markup.find(_MARK)
    while at >= 0:
        following = at + len(_MARK)
        post_id = markup[following : markup.find('"', following, following + 24)]
        if post_id.isdecimal() and post_id not in found and (place := _container(markup, at)) is not None:
            found[post_id] = place
        at = markup.find(_MARK, following)
    limits = [start - len(tag) for tag, _, _, start in found.values()][1:]
    limits.append(len(markup))
    return [
        Container(post_id, tag, author, name, start, limit)
        for (post_id, (tag, author, name, start)), limit in zip(found.items(), limits, strict=False)
    ]


def _container(markup: str, at: int) -> tuple[str, str | None, str, int] | None:
    """Start tag, author, name and offset behind the tag of the element whose id is at `at`, if it is a post's."""
    if (usual := _USUAL.match(markup, at - 4)) is not None:
        tag, classes, name, end, author = usual[0], usual[1], "li", usual.end(), decoded(usual[2])
    else:
        bounds = tag_at(markup, at)
        start = TAG.match(markup, bounds[0]) if bounds else None
        if start is None:
            return None
        tag, name, end = start[0], start[2], start.end()
        named = CLASS.search(tag)
        classes, author = named[1] if named else "", attribute(tag, "data-author") or ""
    words = classes.split()
    if name not in _CONTAINERS or "message" not in words or "searchResult" in words:
        return None
    return tag, author or None, name, end


def read_post(markup: str, place: Container, setting: Setting, index: int) -> Post | None:
    """The post in a container, with `index` posts of its page before it; None where it holds none that can be read."""
    text_start = _text_start(markup, place)
    if not text_start:
        end = closing(markup, place.name, place.start, place.limit)
        head, rest, prose = markup[place.start : end], "", None
        if "placeholder" not in place.tag and "Notice" not in head and "deleted" not in place.tag:
            return None
    else:
        prose, close = _read_body(markup, text_start, place, setting)
        head = markup[place.start : text_start]
        rest = markup[close : closing(markup, place.name, close, place.limit)]
    status = _status(place.tag, head, readable=prose is not None)
    if status is Status.DELETED:  # its words are shown to moderators only
        prose = None
    edited, rest = _edited(rest)
    author, author_id = _author(place, head, rest)
    created = _created(head, rest, hidden=not text_start)
    position, permalink = _permalink(head, rest)
    if position is None and setting.page == 1 and status is not Status.DELETED:
        position = index + 1
    return Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position,
        author=author,
        author_id=author_id,
        created_at=created.instant if created else None,
        created_text=created.text if created else None,
        edited=edited is not None,
        edited_at=edited.instant if edited else None,
        body_text=prose.result().strip() if prose else "",
        quotes=prose.quotes if prose else [],
        reactions=_reactions(rest, place.post_id),
        attachments=_attachments(rest, prose, setting.base),
        links=_links(prose, setting.base),
        is_opening=position == 1,
        status=status,
        url=_address(permalink, place.post_id, setting.base),
    )


def _text_start(markup: str, place: Container) -> int:
    """Offset of the post's text; 0 where it has none. Signatures have the same class, behind others."""
    at = markup.find('class="messageText', place.start, place.limit)
    if at < 0:
        body = _BODY_CLASS.search(markup, place.start, place.limit)
        at = body.start() + 1 if body else -1
    return markup.find(">", at, place.limit) + 1 if at >= 0 else 0


def _read_body(markup: str, start: int, place: Container, setting: Setting) -> tuple[Body, int]:
    """The body whose text starts at `start`, and where it ends."""
    marker = markup.find("messageTextEndMarker", start, place.limit)
    stop = markup.rfind("<", start, marker) if marker >= 0 else place.limit
    tag = markup.rfind("<", 0, start - 1)
    name = "blockquote"
    if not markup.startswith("<blockquote ", tag) and (opened := TAG.match(markup, tag)) is not None:
        name = opened[2] or name
    close = closing(markup, name, start, stop)
    prose = Body(setting.authors)
    prose.read(markup[start:close])
    return prose, close


def _status(tag: str, head: str, *, readable: bool) -> Status:
    if "Notice" in head or "deleted" in tag or "moderated" in tag:
        named = CLASS.search(tag)
        words = named[1].split() if named else []
        if "deletedNotice" in head or "deleted" in words:
            return Status.DELETED
        if "moderatedNotice" in head or "moderated" in words:
            return Status.HIDDEN
    return Status.VISIBLE if readable else Status.HIDDEN


def _edited(rest: str) -> tuple[Shown | None, str]:
    """Date of the last edit, and the markup without its line, whose date would pass for the post's."""
    if "editDate" not in rest or (found := element(rest, "editDate")) is None:
        return None, rest
    shown = date_in(found[1]) or Shown(None, None)
    return (shown if found[1].strip() else None), rest.replace(found[0] + found[1], "", 1)


def _created(head: str, rest: str, *, hidden: bool) -> Shown | None:
    """The date in the post's line of links; some skins put it above the text."""
    for part in (rest, head):
        at = part.find("datePermalink")
        if at >= 0 and (usual := _DATED.search(part, at)) is not None:
            return shown_date(usual[1], inline_text(usual[2]))
    for part in (rest, head):
        at = part.find("datePermalink")
        if at >= 0 and (found := date_in(part, at)) is not None:
            return found
    if hidden:  # the other dates in a placeholder say when it was deleted
        line = head.find("messageMeta")
        return date_in(head, line) if line >= 0 else None
    line = max(rest.find("messageMeta"), 0)
    return date_in(rest, line) or date_in(head, max(head.find("messageInfo"), 0))


def _author(place: Container, head: str, rest: str) -> tuple[str | None, str | None]:
    """Name and id; the id of a guest is None."""
    stated = place.author
    usual = _USER.search(head, max(head.find('class="userText'), 0)) if stated else None
    if usual is not None and (number := member_of(usual[1])) is not None:
        return stated, number
    user = username_in(head, max(head.find("messageUserInfo"), 0))
    if user is None and (line := rest.find("authorEnd")) >= 0:
        user = username_in(rest, line)
    if user is None:
        avatar = _AVATAR.search(head)
        return stated, avatar[1] if avatar else None
    return stated or user[0], user[1]


def _permalink(head: str, rest: str) -> tuple[int | None, str | None]:
    """Number and address in the links of the post; their order and place are the skin's."""
    numbered = rest.find("postNumber")
    if numbered >= 0 and (usual := _NUMBERED.match(rest, rest.find(">", numbered))) is not None:
        opened = rest.rfind("<", 0, numbered)
        if rest.startswith('<a href="', opened):
            return number_of(usual[1]), decoded(rest[opened + 9 : rest.find('"', opened + 9)])
    number, address = None, None
    for part in (rest, head):
        for sign in _PERMALINKS:
            at = part.find(sign)
            while at >= 0:
                start, behind = part.rfind("<", 0, at), part.find(">", at)
                if part.startswith("<a", start) and behind >= 0:
                    address = address or attribute(part[start:behind], "href")
                    shown = _NUMBER.match(inline_text(part[behind + 1 : part.find("</a", behind)]))
                    if shown is not None:
                        return number_of(shown[1]), attribute(part[start:behind], "href") or address
                at = part.find(sign, at + len(sign)) if sign != "datePermalink" else -1
    return number, address


def _reactions(rest: str, post_id: str) -> int | None:
    """How many liked it: names shown plus the number of others; 0 where the place for them is empty."""
    if "dark_postrating_outputlist" in rest:  # an add-on's ratings, each with its count
        rated = element(rest, "dark_postrating_outputlist")
        return sum(number_of(count) or 0 for count in _RATING.findall(rated[1])) if rated else None
    at = rest.find(f'id="likes-post-{post_id}"')
    if at < 0:
        return None
    start = rest.find(">", at) + 1
    if rest.startswith("</div>", start):
        return 0
    shown = rest[start : closing(rest, "div", start, len(rest))]
    at = shown.find('class="LikeText')
    if at < 0:
        return 0
    text = shown[shown.find(">", at) + 1 :]
    others = _others(text)
    more = 0 if others is None else number_of(inline_text(others)) or 1
    if named := text.count('class="username') + more:
        return named
    said = inline_text(text)
    return number_of(said) or (1 if said else 0)


def _others(likes: str) -> str | None:
    """What the link to all who liked a post says, as markup."""
    at = likes.find("/likes")
    if at < 0:
        return None
    quote = likes.rfind('"', 0, at)
    usual = _OTHERS.match(likes, at) if likes.startswith(" href=", quote - 6) else None
    found = usual or _LIKES_LINK.search(likes)
    return found[1] if found else None


def _links(prose: Body | None, base: str) -> list[str]:
    if prose is None or not prose.links:
        return []
    return list(dict.fromkeys(absolute(base, link) for link in prose.links))


def _attachments(rest: str, prose: Body | None, base: str) -> list[Attachment]:
    if prose is None or not (prose.attachments or "attachedFiles" in rest):
        return []
    found: dict[str, str | None] = {}
    for known in prose.attachments:
        found[absolute(base, known.url)] = known.name
    if "attachedFiles" in rest:
        listing = element(rest, "attachedFiles")
        for _, entry in elements(listing[1], "attachment") if listing else ():
            hrefs = [href for tag in _LINK.findall(entry) if (href := attribute(tag, "href"))]
            label = element(entry, "filename")
            if hrefs:
                url = absolute(base, next((href for href in hrefs if "attachments/" in href), hrefs[0]))
                found[url] = (inline_text(label[1]) if label else None) or found.get(url)
    return [Attachment(url=url, name=name) for url, name in found.items()]


def _address(href: str | None, post_id: str, base: str) -> str:
    """The permanent link where it names the post; that of an opening post names its thread only."""
    if href and post_id in href:
        return absolute(base, href)
    if href and "#" not in href and "thread" in href:
        return absolute(base, href) + f"#post-{post_id}"
    return absolute(base, f"posts/{post_id}/")
