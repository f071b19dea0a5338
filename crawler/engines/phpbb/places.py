"""Where on a phpBB page its posts stand, and each one cut into what is before, in and behind its text.

A post is named by `id="pN"` (prosilver and nearly all styles of 3.x), by `<a name="pN">` (subSilver 2 and its kin) or
by `<a name="N">` (phpBB 2). Its text is in `div.content`; in `div.postbody` (subSilver 2), behind which a second one
holds the signature; or in the table cell of `span.postbody` (phpBB 2), where signature and edit note follow too.
"""

import re

from msgspec import Struct

from crawler.engines.html import TAG, closing, holds, tag_at

_NAMED = re.compile(r'="p_?(\d{1,12})"')
_NAMING = (" id", " name", "\nid", "\nname", "\tid", "\tname")
_LEGACY = re.compile(r'<a (?:name|id)="(\d{1,12})"')
_CONTENT_ID = re.compile(r'id="(?<=\sid=")(?:post_content|postdiv)_?(\d{1,12})"')
_CONTAINERS = frozenset(
    {"div", "article", "li", "section", "tr", "table", "tbody", "a", "span", "td", "dl", "ul", "h3"}
)
_SIGNS = ("content", "postbody", "post_hidden", "ignore")
_LEGACY_SIGNS = ('"postbody', '"content"', '"postcontent')
_TEXT_CLASSES = (
    "content|postcontent|post-content|post_content|post-text|posttext|post-body|post_body|post-message|message"
)
_INNER = re.compile(
    rf'<(div|article|section|td|p)\b[^<>]*\sclass="(?:[^"<>]*\s)?(?:{_TEXT_CLASSES}|entry-content)(?:\s[^"<>]*)?"[^<>]*>'
)
_BODY = re.compile(
    r'<(div|article|section|span|td|blockquote|p)\b[^<>]*\sclass="(?:[^"<>]*\s)?'
    rf'(?:{_TEXT_CLASSES}|entry-content|postbody)(?:\s[^"<>]*)?"[^<>]*>'
)
# What follows the last post where tables hold them: the choice of order, the way back, the list of forums, the foot.
_BEHIND_TABLES = (
    *('name="st"', 'name="postdays"', 'class="catBottom"', 'class="breadcrumbs"', '="similar_topics'),
    *('="jumpbox', 'class="copyright"', '="wrapfooter', '="page-footer'),
)
_SIGNATURE = re.compile(r"(?:<br ?/?>\s*|>\s*|^\s*)_{10,}\s*<br ?/?>")
_NOTE = re.compile(r'<(?:span|p|div)\b[^<>]*\sclass="(?:gensmall|editedmessage)"[^<>]*>')


class Place(Struct, frozen=True):
    """Where a post stands."""

    post_id: str
    tag: str
    """The start tag that names it."""
    start: int
    """Offset of that tag."""
    limit: int
    """Offset of the next post; of the last one, of its end as far as its element tells."""


class Parts(Struct, frozen=True):
    """A post's markup, cut."""

    place: Place
    before: str
    content: str | None
    """Its text with all that phpBB sets into it; None where it has none."""
    note: str
    """What stands below a text of phpBB 2 in its own cell: the edit note."""
    after: str
    is_table: bool
    """Whether a table holds the posts: the author's links are then below the text."""


def find_places(markup: str, start: int) -> list[Place]:
    """The posts' places, in page order; one that is repeated (same id) counts once."""
    found = _by_name(markup, start)
    signs = _SIGNS if found else _LEGACY_SIGNS
    if not found and any(holds(markup, sign) for sign in signs):
        found = [(number[1], *_bounds(markup, number.start())) for number in _LEGACY.finditer(markup, start)]
        if not found:
            found = [
                (number[1], *_bounds(markup, number.start()))
                for number in _CONTENT_ID.finditer(markup, start)
                if "class=" in markup[number.start() - 200 : number.end() + 200]
            ]
        found = [place for place in found if place[2] > place[1]]
    first: dict[str, tuple[int, int]] = {}
    for post_id, opened, behind in found:
        first.setdefault(post_id, (opened, behind))
    spots = list(first.items())
    places = []
    for index, (post_id, (opened, behind)) in enumerate(spots):
        limit = spots[index + 1][1][0] if index + 1 < len(spots) else _end(markup, opened, behind)
        if any(markup.find(sign, behind, limit) >= 0 for sign in signs):
            places.append(Place(post_id, markup[opened:behind], opened, limit))
    return places


def _by_name(markup: str, start: int) -> list[tuple[str, int, int]]:
    """(id, start and end of its start tag) of every element that is named as posts of phpBB 3 are."""
    found = []
    for number in _NAMED.finditer(markup, start):
        at = number.start()
        if markup.endswith(_NAMING, 0, at):
            opened, behind = _bounds(markup, at)
            if behind > opened and markup[opened + 1 : at].split(None, 1)[0] in _CONTAINERS:
                found.append((number[1], opened, behind))
    return found


def _bounds(markup: str, inside: int) -> tuple[int, int]:
    return tag_at(markup, inside + 1) or (0, 0)


def _end(markup: str, opened: int, behind: int) -> int:
    """Where the last post ends at the latest."""
    name = TAG.match(markup, opened)
    if name is not None and name[2] in {"div", "article", "li", "section"}:
        return closing(markup, name[2], behind, len(markup))
    return min((at for sign in _BEHIND_TABLES if (at := markup.find(sign, behind)) >= 0), default=len(markup))


def cut(markup: str, place: Place) -> Parts:
    """A post's parts."""
    start, limit = place.start, place.limit
    opened = _body_tag(markup, place)
    if opened is None:
        return Parts(place, markup[start:limit], None, "", "", False)
    begin, name, is_cell = opened
    before_end = markup.rfind("<", start, begin)
    if not is_cell:
        end = closing(markup, name, begin, limit)
        content, after = markup[begin:end], markup[end:limit]
        if (
            "postbody" in markup[before_end:begin]
            and (line := content.find('class="author"')) >= 0
            and (author_end := content.find("</p>", line)) >= 0
        ):
            before_end, content = begin + author_end, content[author_end:]
        is_table = markup.startswith("<a", start) and 'class="postprofile"' not in markup[start:limit]
        return Parts(place, markup[start:before_end], content, "", after, is_table)
    end = closing(markup, "td", begin, limit)
    content, note = markup[begin:end], ""
    notes = list(_NOTE.finditer(content))
    if notes:
        content, note = content[: notes[-1].start()], content[notes[-1].end() :]
    if (signature := _last(_SIGNATURE, content)) is not None:
        content = content[:signature]
    return Parts(place, markup[start:before_end], content, note, markup[end:limit], True)


def _last(pattern: re.Pattern[str], text: str) -> int | None:
    if "_________" not in text:
        return None
    found = list(pattern.finditer(text))
    if not found:
        return None
    last = found[-1]
    return last.start() + (1 if last[0].startswith(">") else 0)


def _body_tag(markup: str, place: Place) -> tuple[int, str, bool] | None:
    """(offset of the content, element's name, whether its cell is what holds the text) of a post's body."""
    start, limit = place.start, place.limit
    at = markup.find('class="content"', start, limit)
    if at >= 0 and (bounds := tag_at(markup, at)) is not None:
        return bounds[1], markup[bounds[0] + 1 : at].split(None, 1)[0], False
    at = markup.find('class="postbody"', start, limit)  # phpBB 2 and subSilver 2
    if at >= 0 and markup.startswith(("<span ", "<div "), opened := markup.rfind("<", start, at)):
        name = "span" if markup.startswith("<span", opened) else "div"
        begin = markup.find(">", at) + 1
        if 'class="ignore' in markup[begin : begin + 600]:
            return None  # a post of somebody whom the reader ignores
        if name == "span":
            return begin, name, True
        if (inner := _INNER.search(markup, begin, limit)) is not None:
            return inner.end(), inner[1], False
        if 'class="author"' not in markup[begin : begin + 3_000]:
            return begin, name, False
    inside = markup.find('id="post_content', start, limit)
    if inside < 0 and markup.find('class="ignore', start, limit) >= 0:
        return None  # a post of somebody whom the reader ignores
    best: re.Match[str] | None = None
    for found in _BODY.finditer(markup, max(inside, start), limit):
        if best is None:
            best = found
        if "postbody" not in found[0]:  # a wrapper of that name may hold head and text
            best = found
            break
        if found[1] != "div":
            break
        if markup.find('class="author"', found.end(), closing(markup, "div", found.end(), limit)) < 0:
            break
    if best is None:
        return None
    return best.end(), best[1], best[1] == "span"
