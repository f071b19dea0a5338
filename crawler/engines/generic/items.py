"""What a page says of itself in the words of schema.org: JSON-LD and microdata, as the same kind of items.

JSON-LD is read with the standard library, forgiving what sites do to it (comments around it, HTML entities in it, a
comma or semicolon too many). Microdata is collected from selectolax's tree as the HTML standard says, but the markup of
texts is kept: what a post quotes and links to is lost to libraries that give the text alone.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from html import unescape
from typing import Any

from msgspec import Struct, field
from selectolax.lexbor import LexborNode

from crawler.engines.html import absolute
from crawler.engines.html_tags import tree_of

_SCRIPT = re.compile(r"<script\b[^<>]{0,500}?application/ld\+json[^<>]{0,300}>", re.IGNORECASE)
_SCRIPT_END = re.compile(r"</script", re.IGNORECASE)
_WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)|(?://)?\s*(?:-->|\]\]>)\s*$")
_TRAILING = re.compile(r",(?=\s*[}\]])")
_DEEPEST = 40
ELEMENT_ID = "@element"
"""The property that holds the id of a microdata item's element."""
PROFILE = "@profile"
"""The property that holds the address of the first link in a person's element, where nothing else tells it."""
_ADDRESSES = {
    "a": "href",
    "area": "href",
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "link": "href",
}
_ADDRESSES |= {"object": "data", "source": "src", "track": "src", "video": "src"}
_PERSONS = frozenset({"author", "creator"})
_TEXTS = frozenset({"text", "articlebody", "commenttext", "description", "reviewbody"})


class Markup(Struct, frozen=True):
    """A text with its HTML."""

    html: str


class Item(Struct):
    """A thing of schema.org."""

    types: frozenset[str]
    """Names in lower case, without "https://schema.org/"."""
    key: str | None = None
    """Its @id or itemid."""
    properties: dict[str, list[Any]] = field(default_factory=dict)
    """By name in lower case: texts, `Markup`, items."""

    def values(self, *names: str) -> Iterator[Any]:
        """The values of the properties, by the order of the names."""
        for name in names:
            if name in self.properties:
                yield from self.properties[name]

    def items(self, *names: str) -> "list[Item]":
        """The values that are items."""
        found = self.properties
        return [value for name in names if name in found for value in found[name] if isinstance(value, Item)]

    def text(self, *names: str) -> str:
        """The first value that is a text, as it stands; "" where there is none."""
        for name in names:
            for value in self.properties.get(name, ()):
                if isinstance(value, str) and (text := value.strip()):
                    return text
        return ""

    def add(self, name: str, value: "Value") -> None:
        """One more value."""
        self.properties.setdefault(name.lower(), []).append(value)


def walk(items: Iterable[Item]) -> Iterator[Item]:
    """The items and all in them, each once: references may go in circles."""
    todo = list(reversed(list(items)))
    seen: set[int] = set()
    while todo:
        item = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        todo += [
            one for values in reversed(item.properties.values()) for one in reversed(values) if isinstance(one, Item)
        ]


Value = str | Markup | Item


@lru_cache(maxsize=512)
def name_of(address: str) -> str:
    """The name of a type or an action: "http://schema.org/Comment", "schema:Comment" and "Comment" are one."""
    return re.split(r"[/#:]", address.strip().rstrip("/"))[-1].lower()


# -- JSON-LD ------------------------------------------------------------------------------------------------------


def linked_data(markup: str) -> tuple[list[Item], int]:
    """The items of a page's JSON-LD at top level, and how many of its scripts are broken beyond reading."""
    found: list[Item] = []
    broken = 0
    for content in scripts(markup):
        value = _loaded(content)
        if value is None:
            broken += bool(content.strip())
            continue
        found += _top(value)
    items = list(walk(found))
    known = {item.key: item for item in items if item.key and item.types}
    for item in items:
        _resolve(item, known)
    return found, broken


def scripts(markup: str) -> Iterator[str]:
    """Content of each script of JSON-LD."""
    position = 0
    while (start := _SCRIPT.search(markup, position)) is not None:
        end = _SCRIPT_END.search(markup, start.end())
        position = end.start() if end else len(markup)
        yield markup[start.end() : position]


def _loaded(content: str) -> object:
    for text in _repaired(content):
        try:
            return json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _repaired(content: str) -> Iterator[str]:
    yield content
    bare = _WRAPPING.sub("", _WRAPPING.sub("", content)).strip().rstrip(";")
    yield bare
    bare = _TRAILING.sub("", bare)
    yield bare
    if "&quot;" in bare or "&#34;" in bare:
        yield unescape(bare)


def _top(value: object) -> list[Item]:
    if isinstance(value, list):
        return [item for one in value for item in _top(one) if isinstance(one, dict)]
    if not isinstance(value, dict):
        return []
    graph = value.get("@graph")
    nodes = [item for node in graph for item in _top(node)] if isinstance(graph, list) else []
    return [*nodes, *([_item(value, 0)] if "@type" in value or not nodes else [])]


def _item(node: dict[str, Any], depth: int) -> Item:
    stated = node.get("@type", node.get("type", ()))
    types = stated if isinstance(stated, list) else [stated]
    key = node.get("@id", node.get("id"))
    item = Item(
        types=frozenset(name_of(name) for name in types if isinstance(name, str)),
        key=key if isinstance(key, str) else None,
    )
    for name, values in node.items():
        if name.startswith("@") or depth >= _DEEPEST:
            continue
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, dict):
                literal = value.get("@value")
                item.add(name, str(literal) if literal is not None else _item(value, depth + 1))
            elif isinstance(value, bool):
                item.add(name, str(value).lower())
            elif isinstance(value, str | int | float):
                item.add(name, str(value))
    return item


def _resolve(item: Item, known: Mapping[str, Item]) -> None:
    """Puts items in the place of references to them ({"@id": ...} and nothing else)."""
    for values in item.properties.values():
        for at, value in enumerate(values):
            if isinstance(value, Item) and not value.types and not value.properties:
                meant = known.get(value.key or "")
                if meant is not None:
                    values[at] = meant


# -- microdata ----------------------------------------------------------------------------------------------------


def microdata(markup: str, base: str) -> list[Item] | None:
    """The items of a page's microdata at top level; None where the page is refused (see `tree_of`)."""
    if "itemscope" not in markup and "ITEMSCOPE" not in markup and "itemScope" not in markup:
        return []
    tree = tree_of(markup)
    if tree is None:
        return None
    items: dict[int, Item] = {}
    referred: dict[str, Item] = {}
    if "itemref" in markup:
        for node in tree.css("[itemscope][itemref]"):
            item = items[node.mem_id] = _new_item(node.attributes)
            referred |= dict.fromkeys((node.attributes.get("itemref") or "").split(), item)
    top: list[Item] = []
    persons: list[tuple[LexborNode, Item]] = []
    seen: set[int] = set()
    for node in tree.css("[itemprop], [itemscope]"):
        number = node.mem_id
        if number in seen:  # it has both attributes
            continue
        seen.add(number)
        attributes = node.attributes
        own = None
        if "itemscope" in attributes:
            own = items[number] = items.get(number) or _new_item(attributes)
            if "person" in own.types:
                persons.append((node, own))
        names = (attributes.get("itemprop") or "").split()
        owner = _owner(node, items, referred) if names else None
        if owner is None:
            if own is not None:
                top.append(own)
            continue
        for name in names:
            value = own if own is not None else _value(node, attributes, name_of(name), base)
            if value is not owner:
                owner.add(name_of(name), value)
    for node, person in persons:
        if not (person.key or person.text("url", "sameas")) and (link := node.css_first("a[href]")) is not None:
            person.add(PROFILE, absolute(base, link.attributes.get("href") or ""))
    return top


def _new_item(attributes: Mapping[str, str | None]) -> Item:
    """The item of an element, without its properties."""
    types = frozenset(name_of(name) for name in (attributes.get("itemtype") or "").split())
    item = Item(types=types, key=attributes.get("itemid"))
    if name := attributes.get("id"):
        item.add(ELEMENT_ID, name)
    return item


def _owner(node: LexborNode, items: dict[int, Item], referred: dict[str, Item]) -> Item | None:
    """The item that a property is of: that of the nearest element around it, or the one that refers to it."""
    above: LexborNode | None = node
    while above is not None:
        if referred and (claimed := referred.get(above.attributes.get("id") or "")) is not None:
            return claimed
        above = above.parent
        if above is not None and (item := items.get(above.mem_id)) is not None:
            return item
    return None


def _value(node: LexborNode, attributes: Mapping[str, str | None], name: str, base: str) -> Value:
    tag = node.tag or ""
    for attribute in ("content", "datetime"):
        if (stated := attributes.get(attribute)) is not None and (tag in {"meta", "time"} or attribute == "content"):
            return stated
    if name in _TEXTS:
        return Markup(node.html or "")
    if tag == "a" and name in _PERSONS:  # the standard takes the address, and loses the name
        name, address = " ".join(node.text(deep=True).split()), absolute(base, attributes.get("href") or "")
        return Item(types=frozenset({"person"}), properties={"name": [name], "url": [address]})
    if (source := _ADDRESSES.get(tag)) is not None and name not in {"name", "headline"}:
        return absolute(base, attributes.get(source) or "")
    if tag in {"data", "meter"} and (number := attributes.get("value")) is not None:
        return number
    return " ".join(node.text(deep=True).split())
