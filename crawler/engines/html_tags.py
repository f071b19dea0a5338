"""Tags of HTML as text: finding start tags, attributes and the ends of elements without building a tree.

Forum software writes its pages by template, so its engines read tags off the text: finding and cutting strings costs a
fraction of parsing. `tidy` brings pages that something else has rewritten (upper-case tags, attributes without quotes)
back to that form with a real parser.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

# A start tag, an end tag, or (no group 2) a comment. Attribute values may hold ">", as browsers write them when they
# save a page. Every repetition is possessive and counted or ends where the next tag begins, so that no input makes the
# search run away.
_INSIDE = r"[^<>\"']*+(?:(?:\"[^\"]*+\"|'[^']*+'|[\"'])[^<>\"']*+){0,2000}+"
COMMENT = re.compile(r"<!--(?:-?>|(?:[^-<]++|-(?!->)|<(?!!--))*+-->)")
TAG = re.compile(rf"<(/?)([a-zA-Z][a-zA-Z0-9]*+)({_INSIDE})>|{COMMENT.pattern}|<[!?][^<>]*+>")
ANY_TAG = re.compile(rf"{COMMENT.pattern}|<[/!a-zA-Z]{_INSIDE}>")
# Letters first, the white space before them after that: a search that begins with letters is twice as fast.
CLASS = re.compile(r'class="(?<=\sclass=")([^"]*)"')
_VOID = re.compile(r"<(?:br|hr|img|input|link|meta|source|wbr|p|li|!)\b|<!--", re.IGNORECASE)
_MOST_OPEN = 5_000
_CLASSES = 16
# Names that no other element's name begins with.
_UNMISTAKABLE = frozenset({"article", "blockquote", "div", "dl", "section", "span", "ul"})


# More attributes than any real tag has; a parser still takes a millisecond over so many.
_MOST_ATTRIBUTES = 1_000
_ATTRIBUTES = (
    r"(?:[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s>]*+))?+)"
    rf"{{0,{_MOST_ATTRIBUTES}}}+[\s/]*+"
)
# All of a page as browsers cut it into text, comments, scripts and tags; it ends at a tag with more attributes.
_UNCROWDED = re.compile(
    r"(?:[^<]++|<(?:!--(?:-?>|(?:[^-]++|-(?!->))*+)"
    rf"|script(?=[\s/>]){_ATTRIBUTES}>(?:[^<]++|<(?!/script))*+"
    rf"|style(?=[\s/>]){_ATTRIBUTES}>(?:[^<]++|<(?!/style))*+"
    rf"|[a-z][^\s/>]*+{_ATTRIBUTES}(?:>|\Z)"
    r"|(?![a-z])))*+",
    re.IGNORECASE,
)


def too_many_attributes(markup: str) -> bool:
    """Whether a tag has more than 1,000 attributes: a tree parser's time grows with the square of their number.

    Takes linear time, a third of a parser's; to be asked before a page is given to one.
    """
    # So many attributes of different names take more than two characters each.
    if len(markup) < 3 * _MOST_ATTRIBUTES:
        return False
    read = _UNCROWDED.match(markup)
    return read is not None and read.end() < len(markup)


def tree_of(markup: str) -> LexborHTMLParser | None:
    """The page as a tree; None for what parsers take seconds or minutes over, or cannot read.

    That is thousands of open elements, or a thousand attributes in one tag.
    """
    # The parser's time grows with the square of the depth; no page is thousands of elements deep.
    if markup.count("<") - 2 * markup.count("</") - len(_VOID.findall(markup)) > _MOST_OPEN:
        return None
    if too_many_attributes(markup):
        return None
    try:
        return LexborHTMLParser(markup)
    except (SelectolaxError, ValueError, RuntimeError):
        return None


def tidy(markup: str) -> str:
    """The page as a parser writes it: lower-case names, double quotes, all elements closed; "" where it has no tree."""
    tree = tree_of(markup)
    try:
        return (tree.html or "") if tree is not None else ""
    except (SelectolaxError, ValueError, RuntimeError):
        return ""


def is_rewritten(markup: str, start: int) -> bool:
    """Whether several of the first classes behind `start` have no double quotes: forum software writes these always.

    One or two may be in a script.
    """
    odd = 0
    for _ in range(_CLASSES):
        start = markup.find(" class=", start) + 7
        if start < 7:
            break
        odd += markup[start : start + 1] not in {'"', "\\"}
    return odd > 2


_REFERENCE = re.compile(r"&#?\w{1,32};")
_SINGLE_QUOTED = re.compile(r"(?<=[\w-])='[^']*'")


@lru_cache(maxsize=256)
def _attribute(name: str) -> re.Pattern[str]:  # written as CLASS
    return re.compile(rf'{re.escape(name)}="(?<=\s{re.escape(name)}=")([^"]*)"')


def attribute(tag: str, name: str) -> str | None:
    """Value of a tag's attribute, entities decoded; None where the tag has none. `tag` may be its attributes only."""
    if "='" in tag:  # such a value may show the HTML of other tags
        tag = _SINGLE_QUOTED.sub("=''", tag)
    found = _attribute(name).search(tag)
    if found is None:
        return None
    value = found[1]
    if "&" in value and "=" in value and value.count("&") != value.count("&amp;"):
        # An address: "&section=" is no "§ion=" there (HTML, 13.2.5.73), though its "&" ought to be written "&amp;".
        return _REFERENCE.sub(lambda reference: unescape(reference[0]), value)
    return decoded(value)


def tag_at(markup: str, inside: int) -> tuple[int, int] | None:
    """Bounds of the start tag around offset `inside` (such as that of one of its attributes), or None."""
    found = _tag_around(markup, inside)
    return found.span() if found is not None else None


def _tag_around(markup: str, inside: int) -> re.Match[str] | None:
    """The start tag around offset `inside`, as TAG matches it."""
    start = markup.rfind("<", 0, inside)
    # A quote before "<": this is the text of an attribute that shows HTML, such as XenForo's code for embedding.
    if start < 0 or (start and markup[start - 1] in "\"'"):
        return None
    found = TAG.match(markup, start)
    if found is None or found.end() <= inside or found[1] or not found[2]:
        return None
    return found


# Python's rfind takes half to a third of the time of find, where the text searched is long and the text sought is rare.


def holds(markup: str, sign: str, start: int = 0) -> bool:
    """Whether a text stands behind `start`: for what mostly does not."""
    return markup.rfind(sign, start) >= 0


def offsets(markup: str, sign: str, start: int = 0) -> list[int]:
    """Where a text stands behind `start`, in order."""
    found = []
    at = markup.rfind(sign, start)
    while at >= 0:
        found.append(at)
        at = markup.rfind(sign, start, at)
    found.reverse()
    return found


def closing(markup: str, name: str, position: int, limit: int) -> int:
    """Where the end tag of the element opened just before `position` starts; `limit` where it is not closed before."""
    opened, closed = f"<{name}", f"</{name}"
    width, depth = len(opened), 1
    find, count = markup.find, markup.count
    if name in _UNMISTAKABLE:
        while (end := find(closed, position, limit)) >= 0:
            depth += count(opened, position, end) - 1
            if depth == 0:
                return end
            position = end + width
        return limit
    while (end := find(closed, position, limit)) >= 0:
        at = find(opened, position, end)
        while at >= 0:
            if not markup[at + width].isalnum():
                depth += 1
            at = find(opened, at + width, end)
        if not markup[end + width + 1 : end + width + 2].isalnum():
            depth -= 1
            if depth == 0:
                return end
        position = end + width
    return limit


def behind(markup: str, end: int) -> int:
    """Offset behind the end tag at `end`."""
    return markup.find(">", end) + 1 or len(markup)


def elements(markup: str, class_name: str, start: int = 0, limit: int | None = None) -> Iterator[tuple[str, str]]:
    """(start tag, content) of each element that has the class, in order; none inside a found one."""
    limit = len(markup) if limit is None else limit
    position = markup.find(class_name, start, limit)
    width = len(class_name)
    while position >= 0:
        following = position + width
        tag = _tag_around(markup, position) if _is_word(markup, position, following) else None
        if tag is not None and _in_class(markup, tag.start(), position):
            behind = tag.end()
            end = closing(markup, tag[2], behind, limit)
            yield tag[0], markup[behind:end]
            following = max(end, following)
        position = markup.find(class_name, following, limit)


def element(markup: str, class_name: str, start: int = 0, limit: int | None = None) -> tuple[str, str] | None:
    """The first of `elements`."""
    return next(elements(markup, class_name, start, limit), None)


def _is_word(markup: str, start: int, end: int) -> bool:
    return markup[start - 1 : start] in {'"', " ", "\t", "\n"} and markup[end : end + 1] in {'"', " ", "\t", "\n"}


def _in_class(markup: str, tag_start: int, position: int) -> bool:
    opened = markup.rfind('class="', tag_start, position)
    return opened >= 0 and markup.find('"', opened + 7, position) < 0


def decoded(text: str) -> str:
    """Text with its entities decoded."""
    if "&" not in text:
        return text
    # Nearly all entities are one of five; replacing these costs a fraction of html.unescape.
    plain = text.replace("&quot;", '"').replace("&#039;", "'").replace("&lt;", "<").replace("&gt;", ">")
    plain = plain.replace("&nbsp;", "\xa0")
    if plain.count("&") == plain.count("&amp;"):
        return plain.replace("&amp;", "&")
    return unescape(text)
