"""Posts and comments of versions 5 and 6, where each is a node: `li.b-post[data-node-id]`, `.b-comment[data-node-id]`.

`data-node-publishdate` is the epoch; `time[datetime]` has no zone and may disagree with the date shown by an hour, so
it is never read. The topic's own node is its opening post. A comment is a post too: the software gives it a number, an
author, a date, and the class `js-post`; its `parent_id` tells it from the others, and it has no place in the topic.
"""

import re

from msgspec import Struct

from crawler.engines.html import absolute, attribute, closing, element, from_epoch, inline_text, number_of
from crawler.engines.vbulletin.addresses import bare, member_id_of
from crawler.engines.vbulletin.body import Body
from crawler.engines.vbulletin.byline import dated
from crawler.engines.vbulletin.extras import attachments
from crawler.engines.vbulletin.marks import numbered
from crawler.engines.vbulletin.posts import ReadPost, Setting
from crawler.records import Attachment, Post, Status

_NODE = re.compile(r'<(li|div|article)\b[^<>]*\sdata-node-id="(\d{1,12})"[^<>]*>')
_CARD = re.compile(r'\sdata-vbnamecard="(\d+)"')
_LINK = re.compile(r'<a\b[^<>]*\shref="([^"]*)"[^<>]*>((?:(?!</a>).){0,400})</a>', re.DOTALL)
_NAME = re.compile(r"<(\w+)")
_TIME = re.compile(r"<time\b[^<>]*>((?:(?!</time>).){0,100})</time>", re.DOTALL)
_BODIES = (
    "js-post__content-text",
    "js-comment__content-text",
    "js-comment__text",
    "b-comment__text",
    "b-comment__content",
    "js-comment-text",
    "b-comment__body",
    "post-content",
)
# All but the first two for early versions.
_POSTS = frozenset({"b-post", "js-post", "js-conversation-starter", "js-conversation-reply", "conversation-starter"})
_AUTHORS = ("author", "b-comment__author", "b-comment__info")
_VOTES = re.compile(r'class="[^"]*votecount[^"]*"[^<>]*>\s*(\d[\d,.]*)\s*<')
_REACTION = re.compile(r'reactions__topic-reaction--count[^"]*"[^<>]*>\s*(\d[\d,.]*)\s*<')
_PHOTO = re.compile(r'<img\b[^<>]*class="b-gallery-thumbnail-list__thumbnail[^<>]*>')
_GONE = ("b-post--deleted", "b-comment--deleted", "post-deleted", "node-deleted")
_GONE_TEXT = ("b-post__deleted", "b-post__notice--deleted", "deleted-post", "js-deleted-notice", "b-post-notice")
# Around a notice stand a name, a panel about its author, and buttons.
_LONGEST_NOTICE = 1_000


class Container(Struct, frozen=True):
    """Where on the page a node stands."""

    post_id: str
    tag: str
    name: str
    """Name of its element."""
    start: int
    """Offset behind its start tag."""
    limit: int
    """Offset of the next node's start tag, or the page's end."""
    parent_id: str | None
    """The post that a comment stands under."""


def containers(markup: str, start: int) -> list[Container]:
    """Posts and comments of a topic in page order; items of streams and searches are none."""
    found: list[tuple[str, re.Match[str], str | None]] = []
    seen: set[str] = set()
    above: str | None = None
    for at, _ in numbered(markup, 'data-node-id="', start):
        node = _NODE.match(markup, max(markup.rfind("<", 0, at), 0))
        if node is None:
            continue
        words = (attribute(node[0], "class") or "").split()
        is_comment = "b-comment" in words or "js-comment" in words  # a b-post too
        is_post = not is_comment and not _POSTS.isdisjoint(words)
        if not (is_post or is_comment) or node[2] in seen:
            continue
        if is_post:
            above = node[2]
        seen.add(node[2])
        found.append((node[2], node, None if is_post else above))
    limits = [*(node.start() for _, node, _ in found[1:]), len(markup)]
    return [
        Container(number, node[0], node[1], node.end(), limit, parent)
        for (number, node, parent), limit in zip(found, limits, strict=False)
    ]


def is_stream(markup: str, places: list[Container]) -> bool:
    """Whether the nodes are items of a stream (search, activity), which name the topic each is from."""
    if not places:
        return False
    first = places[0]
    start = first.start - len(first.tag)
    listed = markup.rfind("conversation-list", max(0, start - 20_000), start)
    kind = markup[listed : markup.find(">", listed)] if listed >= 0 else ""
    if "thread-view" in kind:
        return False
    part = markup[first.start : min(first.limit, first.start + 12_000)]
    return "stream-view" in kind or ("list-item" in first.tag.split() and "b-post__count" not in part)


def read_node(markup: str, place: Container, setting: Setting, *, is_known: bool = False) -> ReadPost | None:
    """The post or comment in a container; None where it holds none that can be read.

    With `is_known`, the page's other nodes could be read: one with a few words and no text is a post not shown to us.
    """
    end = closing(markup, place.name, place.start, place.limit) if place.limit == len(markup) else place.limit
    content = markup[place.start : end]
    bodies = _BODIES if place.parent_id is None else (*_BODIES, "js-post__content")
    at = next((found for name in bodies if (found := _element_at(content, name)) is not None), None)
    status = _status(place.tag, content, has_text=at is not None)
    if status is None:
        if not is_known or len(inline_text(content)) > _LONGEST_NOTICE:
            return None
        status = Status.HIDDEN
    prose: Body | None = None
    head, rest = content, ""
    if at is not None:
        head, rest = content[: at[0]], content[at[2] :]
        if status is Status.VISIBLE:
            prose = Body()
            prose.read(content[at[1] : at[2]])
    foot = rest.find("b-post__footer")
    below, foot_part = (rest[:foot], rest[foot : foot + 6_000]) if foot >= 0 else (rest, rest)
    author, author_id = _author(head)
    count = _part(head, "b-post__count")
    # Comments are counted within their post ("#5.1").
    position = number_of(inline_text(count[1])) if count and place.parent_id is None else None
    if position is None and place.parent_id is None and "b-post--first" in place.tag:
        position = 1
    epoch = attribute(place.tag, "data-node-publishdate") or ""
    edit = _part(below, "b-post__edit") or _part(below, "b-comment__edit")
    edit_words = inline_text(edit[1]) if edit else ""
    href = attribute(count[0], "href") if count else None
    post = Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        parent_id=place.parent_id,
        position=position,
        author=author,
        author_id=author_id,
        created_at=from_epoch(int(epoch)) if epoch.isdecimal() and len(epoch) < 12 and int(epoch) else None,
        created_text=_shown_date(head),
        edited=bool(edit_words),
        body_text=prose.result() if prose else "",
        quotes=prose.quotes if prose else [],
        reactions=_reactions(foot_part),
        attachments=[*attachments(prose, _unsigned(below), setting.base), *_photos(below, setting.base)]
        if prose
        else [],
        links=list(dict.fromkeys(bare(absolute(setting.base, link)) for link in prose.links)) if prose else [],
        is_opening=place.parent_id is None and (position == 1 or place.post_id == setting.thread_id),
        status=status,
        url=absolute(setting.base, href) if href and href != "#" else f"{setting.address}#post{place.post_id}",
    )
    return ReadPost(post, dated(edit_words) if edit_words else None)


def _status(tag: str, content: str, *, has_text: bool) -> Status | None:
    """Visible, or removed by the node's class or by what stands in its text's place; None where nothing tells."""
    if any(sign in tag for sign in _GONE) or (not has_text and any(sign in content for sign in _GONE_TEXT)):
        return Status.REMOVED
    return Status.VISIBLE if has_text else None


def _shown_date(head: str) -> str | None:
    stamp = _part(head, "b-post__timestamp") or _part(head, "b-comment__timestamp")
    if stamp is not None:
        return inline_text(stamp[1]) or None
    time = _TIME.search(head)
    return (inline_text(time[1]) or None) if time else None


def _element_at(content: str, name: str) -> tuple[int, int, int] | None:
    """Offsets of the first element of a class: its start tag, its content, its end."""
    at = content.find(name)
    while at >= 0:
        following = at + len(name)
        if content[following : following + 1] in {'"', " ", "\n", "\t"}:
            opened, behind = content.rfind("<", 0, at), content.find(">", following) + 1
            named = _NAME.match(content, opened) if opened >= 0 else None
            if named is not None and behind and 'class="' in content[opened:at]:
                return opened, behind, closing(content, named[1], behind, len(content))
        at = content.find(name, following)
    return None


def _part(content: str, name: str) -> tuple[str, str] | None:
    """Start tag and content of the first element of a class."""
    found = _element_at(content, name)
    return (content[found[0] : found[1]], content[found[1] : found[2]]) if found else None


def _unsigned(rest: str) -> str:
    at = rest.find("post-signature")
    return rest[:at] if at >= 0 else rest


def _author(head: str) -> tuple[str | None, str | None]:
    parts = (element(head, name) for name in _AUTHORS)
    found = next((part for part in parts if part is not None), None)
    if found is None:
        return None, None
    part = found[0] + found[1] + "</a>" if found[0].startswith("<a") else found[1]
    for link in _LINK.finditer(part):
        if name := inline_text(link[2]):
            card = _CARD.search(link[0])
            return name, card[1] if card else member_id_of(link[1].replace("&amp;", "&").replace("#member", "/member"))
    shown = inline_text(part)
    return (shown or None, None) if len(shown) <= 120 else (None, None)


def _reactions(rest: str) -> int | None:
    counts = _REACTION.findall(rest) if "reactions__topic" in rest else []
    if counts or ("votecount" in rest and (counts := _VOTES.findall(rest)[:1])):
        return sum(number_of(count) or 0 for count in counts)
    return None


def _photos(rest: str, base: str) -> list[Attachment]:
    """Pictures of a gallery that the post carries."""
    found: list[Attachment] = []
    if "b-gallery-thumbnail-list__thumbnail" not in rest:
        return found
    for tag in _PHOTO.findall(rest):
        source = attribute(tag, "src")
        if source:
            found.append(Attachment(url=absolute(base, source), name=attribute(tag, "title") or None))
    return found
