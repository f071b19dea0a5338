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
_ENTRY = re.compile(r"<((?:\w{1,20}:)?(?:item|entry))(?=[\s>])[^<>]*+>")
_CHILD = re.compile(r"<([A-Za-z_][\w:.-]*+)((?:\s(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)?)>")
_SINGLE = re.compile(r"='([^'\"]*)'")
# Prefixes that people give to the namespaces of RSS and Atom themselves.
_OWN_PREFIX = re.compile(r"^(?:atom\d*|a10|rss|rss10|x)(?=:):")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8}\d{0,2});")


class Field(Struct, frozen=True):
    """One child of a feed or an entry."""

    name: str
    """With its usual prefix ("dc:creator"); without where it is of RSS or Atom itself."""
    attributes: str
    content: str
    """As written, CDATA as escaped text."""

    def text(self) -> str:
        """The content as plain text on one line, as a title or a name is shown."""
        text = decoded(self.content).strip()
        if attribute(self.attributes, "type") in {"html", "xhtml", "text/html"} or text.startswith("<a "):
            return inline_text(text)
        # Software escapes titles for HTML before it does so for XML.
        return " ".join((decoded(text) if _ENTITY.search(text) else text).split())

    def markup(self) -> str:
        """The content as HTML."""
        return self.content if attribute(self.attributes, "type") == "xhtml" else decoded(self.content)

    def attribute(self, name: str) -> str | None:
        """Value of an attribute."""
        return attribute(self.attributes, name)


class Entry(Struct, frozen=True):
    """A feed's head, or one of its entries."""

    fields: list[Field] = field(default_factory=list)

    def named(self, *names: str) -> Iterator[Field]:
        """The children with these names, by the order of the names."""
        for name in names:
            for child in self.fields:
                if child.name == name:
                    yield child

    def first(self, *names: str) -> Field | None:
        """The first of `named`."""
        return next(self.named(*names), None)

    def text(self, *names: str) -> str:
        """Text of the first child with text; "" where there is none."""
        return next((text for child in self.named(*names) if (text := child.text())), "")

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
    markup = _COMMENT.sub("", _plain(text))
    entries: list[Entry] = []
    position, first = 0, None
    while (found := _ENTRY.search(markup, position)) is not None:
        first = found.start() if first is None else first
        following = _ENTRY.search(markup, found.end())
        limit = following.start() if following else len(markup)
        end = markup.find(f"</{found[1]}", found.end(), limit)
        limit = limit if end < 0 else end  # one that is not closed ends where the next begins
        entries.append(Entry(list(_children(markup, found.end(), limit))))
        position = limit
    limit = len(markup) if first is None else first
    start = _HEAD_START.search(markup, 0, limit)
    return Document(Entry(list(_children(markup, start.end() if start else 0, limit))), entries)


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


def _children(markup: str, position: int, limit: int) -> Iterator[Field]:
    unclosed: set[str] = set()
    while (found := _CHILD.search(markup, position, limit)) is not None:
        name, attributes, content = found[1], found[2], ""
        position = found.end()
        if attributes.endswith("/") or markup[position - 2] == "/":
            attributes = attributes.rstrip("/")
        elif name not in unclosed:
            end = closing(markup, name, position, limit)
            if end >= limit:  # it holds nothing, nor does any other of its name
                unclosed.add(name)
            else:
                content = markup[position:end]
                position = max(markup.find(">", end, limit) + 1, end)
        if "='" in attributes:
            attributes = _SINGLE.sub(r'="\1"', attributes)
        yield Field(_OWN_PREFIX.sub("", name), attributes, content)
