"""Names of XenForo 1: `a.username` to members/name.N/ of members, `span.username` of guests."""

import re

from crawler.engines.html import attribute, decoded, inline_text

# members/name.12/, members/12/, and as static mirrors write them
_MEMBER = re.compile(r"(?:[./]|^)([1-9]\d*)(?:/|/?index\.html?|\.html?)?$")

# As the software's own templates write it; whatever a skin has rewritten is taken apart below.
_USUAL = re.compile(r'<a href="([^"]*+)" class="username[ "][^<>]*+>([^<]*+)</a')


def username_in(markup: str, start: int = 0, limit: int | None = None) -> tuple[str | None, str | None] | None:
    """Name and id of the first user named in a part of a page; the id of a guest is None."""
    limit = len(markup) if limit is None else limit
    at = markup.find("username", start, limit)
    while at >= 0:
        opened = markup.rfind("<", start, at)
        if opened >= 0 and (usual := _USUAL.match(markup, opened, limit)) and (name := inline_text(usual[2])):
            return name, member_of(decoded(usual[1]))
        behind = markup.find(">", at, limit)
        if opened >= 0 and behind >= 0 and _is_class(markup, opened, at):
            end = markup.find("</a" if markup.startswith("<a", opened) else "</span", behind, limit)
            name = inline_text(markup[behind + 1 : end if end >= 0 else limit])
            if name:
                href = attribute(markup[opened:behind], "href") or ""
                return name, member_of(href)
        at = markup.find("username", at + 8, limit)
    return None


def member_of(href: str) -> str | None:
    """Id of the member that an address leads to."""
    path = href.removesuffix("/")
    number = path[max(path.rfind("."), path.rfind("/")) + 1 :]
    # As nearly all are written: name.12/
    if number.isdecimal() and number[0] in "123456789" and "?" not in href and "#" not in href:
        return number
    member = _MEMBER.search(href.partition("#")[0].partition("?")[0]) or _MEMBER.search(href)
    return member[1] if member else None


def _is_class(markup: str, tag_start: int, position: int) -> bool:
    """Whether the word at `position` is a class of its own in the start tag at `tag_start`."""
    named = markup.rfind('class="', tag_start, position)
    following = markup[position + 8 : position + 9]
    return named >= 0 and markup.find('"', named + 7, position) < 0 and following in {'"', " "}
