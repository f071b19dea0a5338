"""JSON:API documents of Flarum: the API's answers, and the same inside its HTML pages.

Pages carry the answer as `<script id="flarum-json-payload">` (since 0.1 beta 14) or in a call of `app.load({...})`,
under `apiDocument`; forum, tags and reader are in `resources`.
"""

import re
from functools import cached_property
from json import JSONDecodeError, JSONDecoder
from typing import Any

import msgspec

from crawler.engines.json_fields import text_of

_PAYLOAD = re.compile(r'<script[^<>]*\sid="?flarum-json-payload[^<>]*>')
_CALL = re.compile(r"\bapp\.(?:load|boot)\(\s*(?=\{)|\bapp\.(?:preload|payload)\s*=\s*(?=\{)")
_MOST = 10**15
_NAMES = ("apiDocument", "document")
Resource = dict[str, Any]


def json_of(text: str | bytes) -> object:
    """What a JSON text says; None where it is none."""
    try:
        found: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return found


def payload_of(markup: str) -> Resource | None:
    """What an HTML page of Flarum hands to its scripts; None where it hands them nothing."""
    if (opened := _PAYLOAD.search(markup)) is not None:
        return _mapping(json_of(markup[opened.end() : markup.find("</script", opened.end())]))
    called = _CALL.search(markup)
    if called is None:
        return None
    try:
        return _mapping(JSONDecoder().raw_decode(markup, called.end())[0])
    except (JSONDecodeError, RecursionError):
        return None


def _mapping(value: object) -> Resource | None:
    return value if isinstance(value, dict) else None


class Document:
    """An answer of the API, with the resources that it includes."""

    def __init__(self, content: Resource, more: object = None) -> None:
        data = content.get("data")
        self.single = data if isinstance(data, dict) else None
        """The resource that was asked for."""
        self.listed = [one for one in data if isinstance(one, dict)] if isinstance(data, list) else None
        """The resources of a list that was asked for."""
        self.links = links if isinstance(links := content.get("links"), dict) else {}
        self.errors = (
            [one for one in errors if isinstance(one, dict)]
            if isinstance(errors := content.get("errors"), list)
            else []
        )
        self._known: dict[tuple[str, str], Resource] = {}
        included = content.get("included")
        for group in (more, included, [self.single], self.listed):
            for one in group if isinstance(group, list) else ():
                if isinstance(one, dict):
                    self._known[str(one.get("type")), str(one.get("id"))] = one

    @classmethod
    def of_payload(cls, payload: Resource) -> "Document | None":
        """The answer in an HTML page's payload; None where the page was made without one."""
        content = next((found for name in _NAMES if isinstance(found := payload.get(name), dict)), None)
        more = payload.get("resources", payload.get("data"))
        if content is None and not isinstance(more, list):
            return None
        return cls(content or {}, more)

    @cached_property
    def tells_rights(self) -> bool:
        """Whether its posts say what the reader may do with them."""
        return any("canEdit" in attributes(post) for post in self.all_of("posts"))

    @property
    def kind(self) -> str:
        """Type of what was asked for: discussions, posts, tags; "" where nothing was, or an empty list."""
        first = self.single or (self.listed[0] if self.listed else {})
        return str(first.get("type") or "")

    def all_of(self, kind: str) -> list[Resource]:
        """Every resource of a type, in the order of the document."""
        return [one for (name, _), one in self._known.items() if name == kind]

    def get(self, kind: str, number: str) -> Resource | None:
        """A resource that the document holds."""
        return self._known.get((kind, number))

    def related(self, resource: Resource, name: str) -> list[Resource]:
        """The resources of a relationship that the document holds, in order."""
        return [one for kind, number in linkage(resource, name) if (one := self.get(kind, number)) is not None]


def linkage(resource: Resource, name: str) -> list[tuple[str, str]]:
    """(type, id) of each resource of a relationship, in order; none where it is empty or not told."""
    data = _related(resource, name)
    links = data if isinstance(data, list) else [data]
    return [(str(link.get("type")), str(link.get("id"))) for link in links if isinstance(link, dict) and "id" in link]


def is_told(resource: Resource, name: str) -> bool:
    """Whether the resource says what a relationship holds, if only that it holds nothing."""
    found = resource.get("relationships")
    return isinstance(found, dict) and isinstance(found.get(name), dict) and "data" in found[name]


def _related(resource: Resource, name: str) -> object:
    found = resource.get("relationships")
    relation = found.get(name) if isinstance(found, dict) else None
    return relation.get("data") if isinstance(relation, dict) else None


def attributes(resource: Resource | None) -> Resource:
    """Attributes of a resource."""
    found = resource.get("attributes") if resource else None
    return found if isinstance(found, dict) else {}


def text(values: Resource, *names: str) -> str | None:
    """The first of the named values that is a text and not empty."""
    return next((value for name in names if (value := text_of(values.get(name)))), None)


def number(values: Resource, *names: str) -> int | None:
    """The first of the named values that is a whole number, of a size that counts have."""
    found = (values.get(name) for name in names)
    whole = (value for value in found if isinstance(value, int) and not isinstance(value, bool))
    return next((value for value in whole if abs(value) < _MOST), None)
