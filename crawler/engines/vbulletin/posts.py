"""Posts of versions 3 and 4.

A post is what stands around `post_message_N`, `<!-- post #N -->`, or an element `postN` (3) or `li#post_N` (4): skins
rename all else, but the software's own scripts need these. Ads stand between posts in the same classes, without a
number.
"""

import re

from msgspec import Struct

from crawler.engines.html import TAG, absolute, attribute, closing, inline_text, tag_at
from crawler.engines.vbulletin.addresses import bare
from crawler.engines.vbulletin.body import Body
from crawler.engines.vbulletin.byline import author_of, created_text, edited_text, position_of, stated_instant
from crawler.engines.vbulletin.extras import attachments, reactions
from crawler.engines.vbulletin.marks import numbered
from crawler.records import Post, Status

_MARK = re.compile(r'id="post(_message_|_|menu_|count|)(\d{1,12})"')
_COMMENT = "<!-- post #"
_CONTAINERS = re.compile(r"<(?:li|table|tbody|tr|div|section|article)\b")
# Where the last post of a page ends at the latest.
_STOP = re.compile(
    r"<!-- / post #\d+ -->|"
    r'\sid="(?:lastpost|pagination_bottom|below_postlist|quick_?reply|qrform|similar_?threads|footer\w*)"|'
    r'class="(?:below_postlist|noinlinemod|postpagestats)'
)
_DELETED = re.compile(
    r"deleted|gelöscht|supprim|удал|borrad|eliminad|cancellat|verwijderd|usunięt|silin|törölt|excluíd|poistet|slettet|"
    r"borttag|smazán|obrisan|șters|διαγρ|вилучен",
    re.IGNORECASE,
)
# What stands behind a message.
_AFTER_MESSAGE = (
    "<!-- edit note -->",
    "<!-- sig -->",
    "<!-- attachments -->",
    "<!-- controls -->",
    'class="after_content',
    'class="postfoot',
    'class="signature',
    'class="postcontent lastedited',
)
_REACH = 8_000
# What stands in a deleted post's place is short: names, a date, a sentence. Anything longer is a post not read.
_LONGEST_NOTICE = 600


GONE = frozenset({Status.DELETED, Status.REMOVED})
"""Posts that have no number of their own."""


class Container(Struct, frozen=True):
    """Where on the page a post stands."""

    post_id: str
    start: int
    limit: int
    """Offset of the next container, or the page's end."""
    message: int
    """Offset behind the start tag of the message; -1 where there is none."""
    tag: str
    """Start tag of the post's own element; "" where the skin left none."""


class Setting(Struct, frozen=True):
    """What the posts of one page have in common."""

    site: str
    thread_id: str
    base: str
    address: str
    """The page's own address."""
    page: int | None
    """Number of the page; None where its posts do not stand in the order of the thread."""


class _Place(Struct):
    """What the marks of one number have told so far; the fields are those of `Container`."""

    start: int
    message: int = -1
    tag: str = ""


def containers(markup: str, start: int) -> list[Container]:
    """The posts' places, in page order."""
    places = _by_ids(markup, start)
    first = min((place.start for place in places.values()), default=len(markup))
    if markup.find(_COMMENT, start, first + _REACH) >= 0:  # a template that has them has them at each post
        for at, number in numbered(markup, _COMMENT, start, end=" -->"):
            place = places.setdefault(number, _Place(at))
            place.start = min(place.start, at)
    if not places:  # version 3.0, where anchors alone have numbers
        for at, number in numbered(markup, 'name="post', start):
            places.setdefault(number, _Place(max(markup.rfind("<", 0, at), 0)))
    found: list[tuple[str, _Place]] = []
    for number, place in sorted(places.items(), key=lambda item: item[1].start):
        if place.message < 0 and not _is_post(markup, place):
            continue
        if not place.tag:
            above = max(found[-1][1].start, found[-1][1].message) if found else start
            place.start = _heading(markup, number, above, place.start)
        found.append((number, place))
    limits = [*(place.start for _, place in found[1:]), len(markup)]
    return [
        Container(number, place.start, limit, place.message, place.tag)
        for (number, place), limit in zip(found, limits, strict=False)
    ]


def _by_ids(markup: str, start: int) -> dict[str, _Place]:
    """Places by number, by the ids that say `post`."""
    places: dict[str, _Place] = {}
    at = markup.find('id="post', start)
    while at >= 0:
        mark = _MARK.match(markup, at)
        if mark is not None:
            kind, number = mark[1], mark[2]
            place = places.get(number)
            opened, behind = max(markup.rfind("<", 0, at), 0), markup.find(">", at) + 1
            if kind == "_message_":
                place = places.setdefault(number, _Place(opened))
                if place.message < 0 < behind:
                    place.start, place.message = min(place.start, opened), behind
            elif kind in {"menu_", "count"}:  # of a skin that has taken the post's own element away
                if place is None:
                    places[number] = _Place(opened)
            elif behind and (bounds := tag_at(markup, at)) and _CONTAINERS.match(markup, bounds[0]):
                place = places.setdefault(number, _Place(bounds[0]))
                if not place.tag:
                    place.start, place.tag = min(place.start, bounds[0]), markup[bounds[0] : bounds[1]]
        at = markup.find('id="post', at + len('id="post'))
    return places


def _heading(markup: str, number: str, above: int, start: int) -> int:
    """Where a post without an element of its own starts: its heading may stand before all of its numbered elements."""
    anchors = (markup.rfind(sign, above, start) for sign in (f'name="post{number}"', f'id="edit{number}"'))
    first = min((at for at in anchors if at >= 0), default=-1)
    return max(markup.rfind("<", 0, first), 0) if first >= 0 else start


def _is_post(markup: str, place: _Place) -> bool:
    """Whether a place without a numbered message is one of a post: its own text, or what stands for it."""
    if "postbit" in place.tag or "postcontainer" in place.tag:
        return True
    part = markup[place.start : place.start + _REACH]
    if not place.tag and not markup.startswith("<!-- post #", place.start):
        return "<!-- message -->" in part and ('name="post' in part[:80] or 'id="postcount' in part)
    return 'id="postcount' in part or 'name="post' in part or "bigusername" in part or "postcontent" in part


class ReadPost(Struct, frozen=True):
    """A post, and the words of its dates, which are read when all of the page are known."""

    post: Post
    edited_text: str | None = None


def read_post(markup: str, place: Container, setting: Setting, index: int) -> ReadPost | None:
    """The post in a container, with `index` numbered posts of its page before it; None where none can be read."""
    end = place.limit
    if end == len(markup):
        stop = _STOP.search(markup, max(place.message, place.start + len(place.tag)))
        end = stop.start() if stop else end
    message = place.message if place.message >= 0 else _unnumbered(markup, place, end)
    head = markup[place.start : message if message >= 0 else end]
    status = _status(place.tag, head if message < 0 else "")
    if message < 0 and status is Status.VISIBLE:
        return None
    prose, rest = None, ""
    if message >= 0:
        close = _close(markup, message, end)
        rest = markup[close:end]
        if status is Status.VISIBLE:
            prose = Body()
            prose.read(markup[message:close])
    author, author_id = author_of(head, rest, place.post_id)
    if status is Status.REMOVED and author is not None and f"{author}." in inline_text(head).partition(author)[2]:
        status = Status.DELETED  # "... has been deleted by AUTHOR."
    position = position_of(head, place.post_id)
    if position is None and setting.page == 1 and status not in GONE:
        position = index + 1
    edited, edit_words = edited_text(rest)
    post = Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position,
        author=author,
        author_id=author_id,
        created_at=stated_instant(head),
        created_text=created_text(head),
        edited=edited and prose is not None,
        body_text=prose.result() if prose else "",
        quotes=prose.quotes if prose else [],
        reactions=reactions(rest, place.post_id),
        attachments=attachments(prose, rest, setting.base) if prose else [],
        links=list(dict.fromkeys(bare(absolute(setting.base, link)) for link in prose.links)) if prose else [],
        is_opening=position == 1,
        status=status,
        url=_address(head, place.post_id, setting.base),
    )
    return ReadPost(post, edit_words if post.edited else None)


def read_notice(markup: str, place: Container, setting: Setting) -> ReadPost | None:
    """The post of a container that holds a few words and no message, such as a notice in a language not known here."""
    end = place.limit
    if end == len(markup):
        stop = _STOP.search(markup, place.start + len(place.tag))
        end = stop.start() if stop else end
    part = markup[place.start : end]
    if len(inline_text(part)) >= _LONGEST_NOTICE:
        return None
    author, author_id = author_of(part, "", place.post_id)
    post = Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position_of(part, place.post_id),
        author=author,
        author_id=author_id,
        created_text=created_text(part),
        status=Status.HIDDEN,
        url=_address(part, place.post_id, setting.base),
    )
    return ReadPost(post)


def _unnumbered(markup: str, place: Container, end: int) -> int:
    """Where the message starts in a skin that has taken its number away; -1 where there is none."""
    if "postbitdeleted" in place.tag or "postbitignored" in place.tag:
        return -1
    at = markup.find('class="postcontent', place.start, end)
    if at >= 0:
        return markup.find(">", at) + 1
    at = markup.find("<!-- message -->", place.start, end)
    return at + len("<!-- message -->") if at >= 0 else -1


def _close(markup: str, message: int, end: int) -> int:
    """Where the message ends: with its element, or at what follows it in all skins, whichever is first."""
    opened = TAG.match(markup, markup.rfind("<", 0, message))
    close = closing(markup, opened[2], message, end) if opened and opened[2] else end
    comment = markup.find("<!-- / message -->", message, close)
    if comment >= 0:
        return comment
    if close < end:
        return close
    # An element in the message is not closed: its end is that of the post.
    after = (markup.find(sign, message, end) for sign in _AFTER_MESSAGE)
    found = min((at for at in after if at >= 0), default=-1)
    return markup.rfind("<", message, found + 1) if found >= 0 else end


def _status(tag: str, place: str) -> Status:
    """Status by the element's class, or by what stands in a post's place."""
    if "postbitdeleted" in tag:
        return Status.REMOVED
    if "postbitignored" in tag or ("ignorelist" in place or "userlist=ignore" in place or "display_post(" in place):
        return Status.HIDDEN
    said = inline_text(place)
    if len(said) < _LONGEST_NOTICE and _DELETED.search(said):
        return Status.REMOVED
    return Status.VISIBLE


def _address(head: str, post_id: str, base: str) -> str:
    at = head.find(f'#post{post_id}"')
    href = head.rfind('href="', 0, at) if at >= 0 else -1
    if href >= 0 and head.find('"', href + 6) == at + len(f"#post{post_id}"):
        link = attribute(f" {head[href : at + len(post_id) + 6]}", "href") or ""
        if link and not link.startswith("#"):
            return bare(absolute(base, link))
    return absolute(base, f"showthread.php?p={post_id}#post{post_id}")
