"""Posts of a topic of Invision Community 4 and 5.

A post is `article#elComment_N` (`.ipsComment`; 5: `.ipsEntry`). Inside it `#comment-N_wrap` carries `data-quotedata`,
the JSON that the editor makes quotes from: author, epoch, topic. Recommended posts above the topic and hover cards
repeat posts without that id.
"""

import json
import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from crawler.engines.html import TAG, absolute, closing, from_epoch, inline_text, number_of, tag_at
from crawler.engines.invision.addresses import member_id_of
from crawler.engines.invision.body import Body
from crawler.engines.invision.markup import double_quoted, first_time, part, parts, plain_href, value
from crawler.records import Attachment, Post, Status

# The second stands for the first where a skin has dropped the element around it.
_MARKS = ("elComment_", "comment-")
_IDS = frozenset({'id="', "id='"})
_ID_ENDS = ({'"', "'"}, {"_"})
_NAMES = ("cAuthorPane_author", "ipsEntry__username", "ipsComment_author", "ipsEntry__author-column", "author")
_HREF = re.compile(r"\shref=[\"']([^\"']*+)[\"']")
_REACTION = re.compile(r"<span\b[^>]*+>\s*+([\d.,kKmM\s]{1,12}?)\s*+</span>")
_VOTES = re.compile(r"data-vote[cC]ount=[\"'](-?\d+)")
_BODY = ('data-role="commentContent"', "data-role='commentContent'")
_FIRST = ("data-ips-first-post", 'data-first-post="true"')


class Container(Struct, frozen=True):
    """Where on the page a post stands."""

    post_id: str
    tag: str
    """Its start tag."""
    start: int
    """Offset behind its start tag."""
    limit: int
    """Offset behind its content."""


class Setting(Struct, frozen=True):
    """What the posts of one page have in common."""

    site: str
    thread_id: str
    base: str
    first: int | None
    """Number of the first post on the page in the order of the topic; None where that is not certain."""
    authors: Callable[[], Iterable[str]]
    edit_lines: dict[str, str] = {}
    """What IP.Board says of edits, by post id, as far as read: dates in words only."""


def containers(markup: str) -> list[Container]:
    """The posts' elements, in page order; one that is repeated (same id) counts once."""
    for mark, ends in zip(_MARKS, _ID_ENDS, strict=True):
        if found := _marked(markup, mark, ends):
            break
    else:
        return []
    places = []
    for index, (post_id, tag, start) in enumerate(found):
        limit = found[index + 1][2] - len(found[index + 1][1]) if index + 1 < len(found) else len(markup)
        name = TAG.match(tag)
        if index + 1 == len(found) and name is not None:
            limit = closing(markup, name[2], start, limit)
        places.append(Container(post_id, tag, start, limit))
    return places


def _marked(markup: str, mark: str, ends: set[str]) -> list[tuple[str, str, int]]:
    found: list[tuple[str, str, int]] = []
    seen: set[str] = set()
    at = markup.find(mark)
    while at >= 0:
        following = end = at + len(mark)
        while markup[end : end + 1].isdecimal():
            end += 1
        post_id = markup[following:end]
        if (
            post_id not in seen
            and markup[at - 4 : at] in _IDS
            and markup[at - 5].isspace()
            and markup[end : end + 1] in ends
            and post_id
        ):
            bounds = tag_at(markup, at)
            if bounds is not None and (mark == _MARKS[0] or markup.startswith("_wrap", end)):
                seen.add(post_id)
                found.append((post_id, markup[bounds[0] : bounds[1]], bounds[1]))
        at = markup.find(mark, end)
    return found


def quote_data(markup: str, place: Container, limit: int) -> dict[str, object]:
    """What the page tells its editor about the post; {} where it does not."""
    at = markup.find("data-quotedata=", place.start, limit)
    if at < 0:
        at = markup.find("data-quoteData=", place.start, limit)
        if at < 0:
            return {}
    # The JSON may hold a ">" as a whole name's character: take the value, not the tag.
    quote = markup[at + 15 : at + 16]
    end = markup.find(quote, at + 16, min(at + 4_000, limit)) if quote in "\"'" else -1
    if end < 0:
        return {}
    try:
        data = json.loads(value(f" x={markup[at + 15 : end + 1]}", "x") or "")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def body_at(markup: str, place: Container) -> int:
    """Offset of the mark of the post's text; -1 where it has none."""
    for sign in _BODY:
        if (at := markup.find(sign, place.start, place.limit)) >= 0:
            return at
    return -1


def is_first(markup: str, place: Container) -> bool:
    """Whether the page says that this is the topic's first post (5 can show it on top of every page)."""
    return _FIRST[0] in place.tag or markup.find(_FIRST[1], place.start, body_at(markup, place)) >= 0


def read_post(markup: str, place: Container, setting: Setting, position: int | None) -> Post | None:
    """The post in a container; None where it holds none that can be read."""
    body = body_at(markup, place)
    if body < 0:
        return _without_text(markup, place, setting, position)
    data = quote_data(markup, place, body)
    wrap = markup.find("comment-" + place.post_id + "_wrap", place.start, body)
    wrap = place.start if wrap < 0 else wrap
    opened = markup.rfind("<", place.start, body)
    start = markup.find(">", body) + 1
    name = TAG.match(markup, opened)
    end = closing(markup, name[2] if name else "div", start, place.limit)
    prose = Body(setting.authors)
    prose.read(double_quoted(markup[start:end]))
    author, author_id = _author(markup, place, body, data)
    created = first_time(markup, wrap, body) or first_time(markup, place.start, body) or (None, None)
    stamp = data.get("timestamp")
    at = from_epoch(int(stamp)) if isinstance(stamp, int | str) and str(stamp).isdecimal() else None
    votes = _VOTES.search(markup, place.start, body)
    return Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position,
        author=author,
        author_id=author_id,
        created_at=at or created[0],
        created_text=created[1],
        edited_at=prose.edited_at,
        edited=prose.edited,
        body_text=prose.result(),
        quotes=prose.quotes,
        reactions=_reactions(markup, end, place.limit),
        score=int(votes[1]) if votes else _reputation(markup, end, place.limit),
        attachments=[_absolute(setting.base, known.url, known.name) for known in prose.attachments],
        links=list(dict.fromkeys(absolute(setting.base, link) for link in prose.links)),
        is_opening=position == 1,
        status=_status(place.tag, markup, place.start, body),
        url=_address(markup, place, body, setting.base),
    )


def _absolute(base: str, url: str, name: str | None) -> Attachment:
    return Attachment(url=absolute(base, url), name=name)


def _without_text(markup: str, place: Container, setting: Setting, position: int | None) -> Post | None:
    """What stands for a post of somebody whom the reader ignores, or that a moderator took away."""
    if "ipsModerated" not in place.tag and "_ignored" not in place.tag and "_deleted" not in place.tag:
        return None
    data = quote_data(markup, place, place.limit)
    author, author_id = _author(markup, place, place.limit, data)
    deleted = "_deleted" in place.tag
    return Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=place.post_id,
        position=position,
        author=author,
        author_id=author_id,
        status=Status.REMOVED if deleted else Status.HIDDEN,
        is_opening=position == 1,
    )


def _author(markup: str, place: Container, body: int, data: dict[str, object]) -> tuple[str | None, str | None]:
    """Name and id, from the post's data or else from its author's pane; the id of a guest is None."""
    name, number = data.get("username"), data.get("userid")
    if isinstance(name, str) and name.strip():
        return " ".join(name.split()), str(number) if number and str(number).isdecimal() else None
    for word in _NAMES:
        pane = part(markup, word, place.start, body)
        shown = inline_text(markup[pane.start : pane.end]) if pane else ""
        if pane is not None and shown:
            link = _HREF.search(markup, pane.start, pane.end)
            if word == "author" or word.endswith("-column"):
                heading = markup.find("<h3", pane.start, pane.end)
                end = markup.find("</h3", heading, pane.end)
                shown = inline_text(markup[heading:end]) if 0 <= heading < end else shown
            return shown, member_id_of(plain_href(link[1])) if link else None
    return None, None


def _status(tag: str, markup: str, start: int, body: int) -> Status:
    if "ipsModerated" in tag or "ipsComment_hidden" in tag:
        return Status.HIDDEN
    if markup.find("ipsEntry__hiddenMessage", start, body) >= 0:
        return Status.HIDDEN
    return Status.VISIBLE


def _reactions(markup: str, start: int, limit: int) -> int | None:
    """How many reacted; 0 where the bar is empty, None where the site has none."""
    bar = markup.find("ipsReact", start, limit)
    if bar < 0:
        return None
    only = part(markup, "ipsReact_reactCountOnly", bar, limit) or part(markup, "reactCountText", bar, limit)
    if only is not None:
        return number_of(inline_text(markup[only.start : only.end])) or 0
    total = 0
    for item in parts(markup, "ipsReact_reactCount", bar, limit):
        numbers = _REACTION.findall(markup[item.start : item.end])
        total += (number_of(numbers[-1]) or 0) if numbers else 0
    return total


def _reputation(markup: str, start: int, limit: int) -> int | None:
    """Points of the post where the site had arrows for and against (4.0 and 4.1)."""
    at = markup.find("ipsReputation_count", start, limit)
    found = part(markup, "ipsReputation_count", max(at - 500, start), limit) if at >= 0 else None
    return number_of(inline_text(markup[found.start : found.end])) if found else None


def _address(markup: str, place: Container, body: int, base: str) -> str:
    for sign in (f"comment={place.post_id}", f"#comment-{place.post_id}", f"#findComment-{place.post_id}"):
        at = markup.find(sign, place.start, body)
        while at >= 0:
            opened = max(markup.rfind('href="', place.start, at), markup.rfind("href='", place.start, at))
            href = markup[opened + 6 : at + len(sign)]
            if opened >= 0 and "do=report" not in href and not set(href) & set("\"'<> ") and len(href) > len(sign):
                return absolute(base, plain_href(href))
            at = markup.find(sign, at + 1, body)
    return absolute(base, f"#comment-{place.post_id}")
