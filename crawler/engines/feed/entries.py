"""RSS and Atom as text: a feed's own fields and those of its entries, whatever shape its XML is in.

Feeds are cut from the text as pages are: a feed with an unescaped "&", an undeclared prefix or a missing end is read
all the same, and entities are only those of HTML, so no document can make them grow.
"""

import re
from collections.abc import Iterator
from html import escape

from msgspec import Struct, field

from crawler.engines.html import attribute, closing, decoded, inline_text

_ROOT = re.compile(r"<(?:rss\b|rdf:RDF\b|(?:\w{1,20}:)?feed\s[^<>]{0,2000}\bxmlns)", re.IGNORECASE)
_OTHER_ROOT = re.compile(r"<(?:!doctype html|html|head|body|div|urlset|sitemapindex)\b", re.IGNORECASE)
_HEAD = 4_000
_HEAD_START = re.compile(r"<(?:channel|(?:\w{1,20}:)?feed)\b[^>]*>")
_COMMENT = re.compile(r"<!--(?:[^-]++|-(?!->))*+-->")
# By the root; one pattern a name, as a search for a fixed text costs a fraction of one for several.
_ENTRIES = {name: re.compile(rf"<({name})(?=[\s>])[^<>]*+>") for name in ("item", "entry")}
_ENTRIES[""] = re.compile(r"<((?:\w{1,20}:)?(?:item|entry))(?=[\s>])[^<>]*+>")
# An element with its end tag, where it holds none of its own name and not too many others; else its start tag alone.
_CHILD = re.compile(
    r"<([A-Za-z_][\w:.-]*+)((?:\s(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)?)>"
    r"(?:(?<!/>)([^<]*+(?:<(?!/?\1(?![a-zA-Z0-9]))[^<]*+){0,30}+)(</\1[^<>]*+>))?+"
)
# Each costs a look through the whole entry; no feed has so many elements without an end.
_MOST_UNCLOSED = 50
_SINGLE = re.compile(r"='([^'\"]*)'")
# Prefixes that people give to the namespaces of RSS and Atom themselves.
_OWN_PREFIX = re.compile(r"^(?:atom\d*|a10|rss|rss10|x)(?=:):")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8}\d{0,2});")


class Field(Struct, frozen=True):
    """One child of a feed or an entry."""

    attributes: str
    content: str
    """As written, CDATA as escaped text."""

    def text(self) -> str:
        """The content as plain text on one line, as a title or a name is shown."""
        if not self.attributes and "&" not in self.content and "<" not in self.content:
            return " ".join(self.content.split())
        text = decoded(self.content).strip()
        if text[:3] == "<a " or (self.attributes and self.attribute("type") in {"html", "xhtml", "text/html"}):
            return inline_text(text)
        # Software escapes titles for HTML before it does so for XML.
        return " ".join((decoded(text) if "&" in text and _ENTITY.search(text) else text).split())

    def markup(self) -> str:
        """The content as HTML."""
        return self.content if self.attribute("type") == "xhtml" else decoded(self.content)

    def attribute(self, name: str) -> str | None:
        """Value of an attribute."""
        return attribute(self.attributes, name) if self.attributes else None


class Entry(Struct, frozen=True):
    """A feed's head, or one of its entries."""

    fields: dict[str, list[Field]] = field(default_factory=dict)
    """By name with its usual prefix ("dc:creator"); without where it is of RSS or Atom itself."""

    def named(self, name: str) -> list[Field]:
        """The children with that name."""
        return self.fields.get(name, [])

    def first(self, *names: str) -> Field | None:
        """The first child with one of the names, by their order."""
        for name in names:
            if found := self.fields.get(name):
                return found[0]
        return None

    def text(self, *names: str) -> str:
        """Text of the first child with text, by the order of the names; "" where there is none."""
        for name in names:
            for child in self.fields.get(name, ()):
                if text := child.text():
                    return text
        return ""

    def link(self, rel: str = "alternate") -> str | None:
        """Address of a link: Atom's of that relation, or RSS's own."""
        for child in self.named("link"):
            href = child.attribute("href")
            if href and (child.attribute("rel") or "alternate") == rel:
                return href.strip()
            if not href and rel == "alternate" and (text := child.text()):
                return text
        return None


class Document(Struct, frozen=True):
    """A whole feed."""

    head: Entry
    entries: list[Entry]


def is_feed(text: str) -> bool:
    """Whether a text is a feed: its root element is one of RSS or Atom."""
    head = text[:_HEAD]
    root = _ROOT.search(head)
    return root is not None and _OTHER_ROOT.search(head, 0, root.start()) is None


def read_feed(text: str) -> Document:
    """The feed that a text is; without entries where it is none."""
    markup = _plain(text)
    if "<!--" in markup:
        markup = _COMMENT.sub("", markup)
    starts = list(_entry_pattern(markup).finditer(markup))
    limits = [*(found.start() for found in starts), len(markup)]  # one that is not closed ends where the next begins
    entries: list[Entry] = []
    for found, limit in zip(starts, limits[1:], strict=True):
        end = markup.find(f"</{found[1]}", found.end(), limit)
        entries.append(children(markup, found.end(), limit if end < 0 else end))
    head = _HEAD_START.search(markup, 0, limits[0])
    return Document(children(markup, head.end() if head else 0, limits[0]), entries)


def _entry_pattern(markup: str) -> re.Pattern[str]:
    """What finds the start tags of a feed's entries."""
    head = markup[:_HEAD]
    return _ENTRIES["item" if "<rss" in head else "entry" if "<feed" in head else ""]


def _plain(text: str) -> str:
    """The text with its CDATA sections escaped."""
    if "<![CDATA[" not in text:
        return text
    first, *parts = text.split("<![CDATA[")
    out = [first]
    for part in parts:
        inside, end, after = part.partition("]]>")
        out.append(escape(inside, quote=False))
        out.append(after if end else "")
    return "".join(out)


def children(markup: str, position: int, limit: int) -> Entry:
    """The elements between two offsets, without those inside them."""
    found = _CHILD.findall(markup, position, limit)
    if not all(closed or attributes[-1:] == "/" for _, attributes, _, closed in found):
        found = list(_one_by_one(markup, position, limit))
    fields: dict[str, list[Field]] = {}
    for name, attributes, content, _ in found:
        if attributes:
            if attributes[-1] == "/":
                attributes, content = attributes.rstrip("/"), ""
            if "='" in attributes:
                attributes = _SINGLE.sub(r'="\1"', attributes)
        if ":" in name:
            name = _OWN_PREFIX.sub("", name)
        fields.setdefault(name, []).append(Field(attributes, content))
    return Entry(fields)


def _one_by_one(markup: str, position: int, limit: int) -> Iterator[tuple[str, str, str, str]]:
    """What `_CHILD` finds, also where elements are not closed, or stand in others of their name."""
    unclosed: set[str] = set()
    while (found := _CHILD.search(markup, position, limit)) is not None:
        name, attributes, content, closed = found.groups("")
        position = found.end(2) + 1
        if attributes[-1:] == "/" or name in unclosed:
            content = ""
        elif closed:
            position = found.end()
        else:
            end = closing(markup, name, position, limit)
            if end >= limit:  # it holds nothing, nor does any other of its name
                unclosed.add(name)
                if len(unclosed) > _MOST_UNCLOSED:
                    return
            else:
                content = markup[position:end]
                position = max(markup.find(">", end, limit) + 1, end)
        yield name, attributes, content, closed
