"""Posts of a XenForo 2 thread page.

A post is an element with `data-content="post-N"`: `article.message--post`, `article.message--article` at the head of an
article thread, or a `div` where a deleted post stood. Skins put ads between them in the same classes, without that
attribute. The skin of VerticalScope's sites makes cards of posts: `div.MessageCard`, named by `data-post-id` only.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct

from crawler.engines.html import (
    TAG,
    absolute,
    attribute,
    closing,
    element,
    elements,
    inline_text,
    instant_of,
    number_of,
    tag_at,
)
from crawler.engines.xenforo2.body import Body
from crawler.records import Attachment, Post, Status

# The second stands for the first where whoever saved the page has dropped the attributes of scripts.
_MARKS = ('data-content="post-', 'id="js-post-')
_CONTAINERS = frozenset({"article", "div", "li", "section"})
_TIME = re.compile(r"<time\b([^>]*)>(.*?)</time>", re.DOTALL)
# A name alone in its element, but for the elements that colour it.
_USERNAME = re.compile(
    r'class="username[^>]*>\s*(?:<(?:span|strong|b|em)\b[^>]*>\s*)*([^<]*[^<\s][^<]*)<(?!svg|i |img)'
)
# "#1,234": digits with their separators, alone in their element.
_POSITION = re.compile(r"#\s?(\d[\d.,'’\s]*?)\s*</")  # noqa: RUF001
_POSITION_META = re.compile(r'itemprop="name" content="[^"#]*#(\d[\d.,]*)"')
_POST_LINK = re.compile(r'\shref="([^"]*\bpost-(\d+)[^"]*)"')
_USER_ID = re.compile(r'\sdata-user-id="(\d+)"')
_SCORE = re.compile(r'class="contentVote-score[^>]*\sdata-score="(-?\d+)"')
_BDI = re.compile(r"<bdi[^>]*>.*?</bdi>", re.DOTALL)
_LINK = re.compile(r"<a\b([^>]*)>", re.DOTALL)
_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
_CARD = re.compile(r'<(?:article|div|li|section)\b[^<>]*\sclass="(?:[^"<>]* )?MessageCard[ "][^<>]*>')
_CARD_ID = re.compile(r'\s(?:data-post-id="|id="(?:js-)?post-)(\d+)"')
_CARD_NAME = "MessageCard__user-info__name"
_OTHER_BODIES = ("bbWrapper", "MessageCard__content-inner")
_NAME_BLOCKS = ("message-name", "message-attribution-user", "message-userDetails", "message-attribution")
# How far behind the start of a body its text may begin: attributes and wrappers of its element.
_REACH = 4_000
_NOTICES = (
    ("messageNotice--deleted", Status.DELETED),
    ("messageNotice--moderated", Status.HIDDEN),
    ("message--moderated", Status.HIDDEN),
)


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


class Setting(Struct, frozen=True):
    """What the posts of one page have in common."""

    site: str
    thread_id: str
    base: str
    page: int | None
    """Number of the page, where its posts stand in the order of the thread."""
    votes: bool
    """Whether posts are voted on."""
    authors: Callable[[], Iterable[str]]


def containers(markup: str) -> list[Container]:
    """The posts' elements, in page order; one that is repeated (same id) counts once."""
    found: list[tuple[str, str, int, str]] = []
    seen: set[str] = set()
    mark = next((mark for mark in _MARKS if mark in markup), "")
    at = markup.find(mark) if mark else -1
    while at >= 0:
        following = at + len(mark)
        post_id = markup[following : markup.find('"', following, following + 24)]
        bounds = tag_at(markup, at)
        if bounds is not None and post_id.isdecimal() and post_id not in seen:
            tag = markup[bounds[0] : bounds[1]]
            name = TAG.match(tag)
            if name is not None and name[2] in _CONTAINERS and "js-xf-embed" not in tag:
                seen.add(post_id)
                found.append((post_id, tag, bounds[1], name[2]))
        at = markup.find(mark, following)
    # Of cards and posts of the usual kind on one page, the opening card stands above the posts.
    first = markup.find("MessageCard", max(markup.find("<body"), 0), found[0][2] if found else len(markup))
    if first >= 0:
        found = sorted([*found, *_cards(markup, seen)], key=lambda place: place[2])
    limits = [start - len(tag) for _, tag, start, _ in found[1:]]
    limits.append(len(markup))
    return [
        Container(post_id, tag, name, start, limit)
        for (post_id, tag, start, name), limit in zip(found, limits, strict=False)
    ]


def _cards(markup: str, seen: set[str]) -> Iterable[tuple[str, str, int, str]]:
    """Posts that are cards without `data-content`; as often as not only the opening post is one."""
    cards = list(_CARD.finditer(markup))
    for index, card in enumerate(cards):
        limit = cards[index + 1].start() if index + 1 < len(cards) else len(markup)
        number = _CARD_ID.search(card[0]) or _CARD_ID.search(markup, card.end(), limit)
        if number is not None and number[1] not in seen and (name := TAG.match(card[0])) is not None:
            seen.add(number[1])
            yield number[1], card[0], card.end(), name[2]


def read_post(markup: str, container: Container, setting: Setting, index: int) -> Post | None:
    """The post in a container, with `index` posts of its page before it; None where it holds none that can be read."""
    start, tag, limit = container.start, container.tag, container.limit
    if "message--deleted" in tag:  # whatever follows it may hold a body, such as an ad
        limit = closing(markup, container.name, start, limit)
    body = markup.find("message-body", start, limit)
    if body < 0:
        body = next((at for name in _OTHER_BODIES if (at := markup.find(name, start, limit)) >= 0), -1)
    end = body if body >= 0 else closing(markup, container.name, start, limit)
    line = markup.find("message-attribution", start, end)
    head = markup[start if line < 0 else line : end]
    status = _status(tag, head)
    if body < 0 and status is Status.VISIBLE:
        if "messageNotice" not in head and "blockMessage" not in head:
            return None
        status = Status.HIDDEN
    prose, rest = _read_body(markup, body, container, setting) if body >= 0 else (None, "")
    if status is Status.DELETED:  # its words are shown to moderators only
        prose = None
    edited, edited_at, head = _edited(head, rest)
    created_at, created_text = _created(head, rest) or _created(markup[start:end], "") or (None, None)
    author, author_id = _author(markup, container, end, rest)
    is_article = "message--article" in tag
    position = 1 if is_article else _position(head, rest)
    if position is None and setting.page == 1 and status is not Status.DELETED:
        position = index + 1
    return Post(
        site=setting.site,
        thread_id=setting.thread_id,
        post_id=container.post_id,
        position=position,
        author=author,
        author_id=author_id,
        created_at=created_at,
        created_text=created_text,
        edited_at=edited_at,
        edited=edited,
        body_text=prose.result() if prose else "",
        quotes=prose.quotes if prose else [],
        reactions=_reactions(rest),
        score=_score(head, rest) if setting.votes else None,
        attachments=_attachments(rest, prose, setting.base),
        links=list(dict.fromkeys(absolute(setting.base, link) for link in prose.links)) if prose else [],
        is_opening=position == 1,
        status=status,
        url=_address(head, container.post_id, setting.base),
    )


def _read_body(markup: str, body: int, container: Container, setting: Setting) -> tuple[Body, str]:
    """The body that starts around offset `body`, and what follows it in the post."""
    limit = container.limit
    wrapper = markup.find("bbWrapper", body, limit)
    # One of this post's signature, or of an ad behind it, is not this body's.
    around = wrapper if 0 <= wrapper < body + _REACH else body
    opened, start = markup.rfind("<", container.start, around), markup.find(">", around, limit) + 1
    marker = markup.find("js-selectToQuoteEnd", start, limit)
    stop = markup.rfind("<", start, marker) if marker >= 0 else limit
    name = "div" if markup.startswith("<div", opened) else "article"
    if markup.find("<script", start, stop) >= 0:  # an ad's; it may write tags
        content = _without_scripts(markup[start:stop])
        close = start + closing(content, name, 0, len(content))
    else:
        close = closing(markup, name, start, stop)
        content = markup[start:close]
    prose = Body(setting.authors)
    prose.read(content[: close - start])
    return prose, markup[close : _end(markup, container, body, close)]


def _without_scripts(content: str) -> str:
    """The same text, as long, with blanks for scripts."""
    last = content.rfind("</script>")  # any "<script" behind it would be searched to the end in vain
    if last < 0:
        return content
    return _SCRIPT.sub(lambda script: " " * len(script[0]), content[: last + 9]) + content[last + 9 :]


def _end(markup: str, container: Container, body: int, close: int) -> int:
    """Where the post ends, seen from the end of its text: the header need not be read again for it."""
    if container.name != "article":
        return closing(markup, container.name, container.start, container.limit)
    end = closing(markup, "article", close, container.limit)
    if end < container.limit and markup.startswith("<article", markup.rfind("<", 0, body)):
        return closing(markup, "article", end + len("</article"), container.limit)
    return end


def _status(tag: str, head: str) -> Status:
    if "message--deleted" in tag:
        return Status.DELETED
    if "messageNotice" in head or "message--moderated" in tag:
        for sign, status in _NOTICES:
            if sign in head or sign in tag:
                return status
    return Status.VISIBLE


def _created(head: str, rest: str) -> tuple[datetime | None, str | None] | None:
    """Instant and wording of the date in the post's header; some skins put the header below the body."""
    found = _TIME.search(head)
    if found is None and (line := rest.find("message-attribution")) >= 0:
        found = _TIME.search(rest, line)
    return (instant_of(found[1]), inline_text(found[2]) or None) if found else None


def _edited(head: str, rest: str) -> tuple[bool, datetime | None, str]:
    """Whether and when the post was edited, and its header without that line.

    The line stands below the body; some skins have it in the header, where its date would pass for the post's.
    """
    for part in (rest, head):
        if "message-lastEdit" in part and (found := element(part, "message-lastEdit")) is not None:
            if part is head:
                head = head.replace(found[0] + found[1], "", 1)
            time = _TIME.search(found[1])
            return bool(found[1].strip()), instant_of(time[1]) if time else None, head
    return False, None, head


def _author(markup: str, container: Container, end: int, rest: str) -> tuple[str | None, str | None]:
    """Name as shown (else as in `data-author`) and id; the id of a guest is None."""
    stated = attribute(container.tag, "data-author") or None
    for block in _NAME_BLOCKS:
        at = markup.find(block, container.start, end)
        user = markup.find('class="username', at, end) if at >= 0 else -1
        if user >= 0:
            return _user(markup, user, stated)
    if (card := markup.find(_CARD_NAME, container.start, end)) >= 0:
        return _card_user(markup, card, end, stated)
    if (at := rest.find("message-articleUserName")) >= 0 and (user := rest.find('class="username', at)) >= 0:
        return _user(rest, user, stated)
    return stated, _member(_USER_ID.search(markup, container.start, end))


def _card_user(markup: str, card: int, end: int, stated: str | None) -> tuple[str | None, str | None]:
    named = element(markup, _CARD_NAME, card - 1, end)
    if named is None:
        return stated, None
    member = _USER_ID.search(named[0]) or _USER_ID.search(named[1])
    return inline_text(named[1]) or stated, _member(member)


def _user(markup: str, user: int, stated: str | None) -> tuple[str | None, str | None]:
    """Name and id in the element with class `username` around offset `user`."""
    opened, behind = markup.rfind("<", 0, user), markup.find(">", user)
    if opened < 0 or behind < 0:
        return stated, None
    if (plain := _USERNAME.match(markup, user)) is not None:
        shown = inline_text(plain[1])
    else:
        name = "a" if markup.startswith("<a", opened) else "span"
        content = markup[behind + 1 : closing(markup, name, behind, min(behind + _REACH, len(markup)))]
        shown = inline_text(_SVG.sub("", content))  # its <title> is no part of the name
    return shown or stated, _member(_USER_ID.search(markup, opened, behind))


def _member(number: re.Match[str] | None) -> str | None:
    return number[1] if number and number[1] != "0" else None


def _position(head: str, rest: str) -> int | None:
    found = _POSITION.findall(head)
    if not found and (meta := _POSITION_META.search(head)):
        found = [meta[1]]
    if not found and (line := rest.find("message-attribution-opposite")) >= 0:
        found = _POSITION.findall(rest, line)
    return number_of(found[-1]) if found else None


def _score(head: str, rest: str) -> int | None:
    found = _SCORE.search(rest) or _SCORE.search(head)
    return int(found[1]) if found else None


def _reactions(rest: str) -> int | None:
    """How many reacted or liked: names shown, plus the number of others; 0 where the bar is empty."""
    bar = "reactionsBar" if "reactionsBar" in rest else "likesBar"
    at = rest.find(f'class="{bar}')
    if at < 0:
        return None
    link = element(rest, f"{bar}-link", at)
    if link is None:
        return 0
    names = list(_BDI.finditer(link[1]))
    if not names:
        said = inline_text(link[1])
        return (number_of(said) or 1) if said else 0
    others = number_of(inline_text(link[1][names[-1].end() :])) or 0
    # "You, A and B": whoever is logged in is named outside the <bdi> elements.
    reader = 1 if inline_text(link[1][: names[0].start()]) else 0
    return reader + len(names) + others


def _attachments(rest: str, prose: Body | None, base: str) -> list[Attachment]:
    found: dict[str, str | None] = {}
    for known in prose.attachments if prose else ():
        found[absolute(base, known.url)] = known.name
    if "message-attachments" in rest or "attachmentList" in rest:
        listing = element(rest, "attachmentList")
        for url, name in _files(listing[1] if listing else rest):
            found[absolute(base, url)] = name or found.get(absolute(base, url))
    return [Attachment(url=url, name=name) for url, name in found.items()]


def _files(listing: str) -> Iterable[tuple[str, str | None]]:
    """Address and name of each entry: `li.attachment` up to 2.1, `li.file` since."""
    entries = [content for _, content in elements(listing, "file")] or [c for _, c in elements(listing, "attachment")]
    for entry in entries:
        hrefs = [href for tag in _LINK.findall(entry) if (href := attribute(tag, "href"))]
        if not hrefs:
            continue
        label = element(entry, "file-name") or element(entry, "attachment-name")
        name = None
        if label is not None:
            name = inline_text(label[1]) or attribute(label[0], "title")
        yield next((href for href in hrefs if "attachments/" in href), hrefs[0]), name


def _address(head: str, post_id: str, base: str) -> str | None:
    for found in _POST_LINK.finditer(head):
        if found[2] == post_id:
            return absolute(base, found[1].replace("&amp;", "&"))
    return absolute(base, f"#post-{post_id}")
