"""Mentions of authors in running text: `@name` of somebody whom the crawl has met, `u/name` of anybody on Reddit.

A mention becomes the author's pseudonym, so that a text names nobody whom the table `authors` does not. Names that
stand in a text without such a sign, or of people whom the crawl has not met, are not found.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

_USER = re.compile(r"(?<![\w/.-])(?P<sign>/?u/)(?P<name>[A-Za-z0-9_-]{3,20})(?![\w-])")
"""Reddit's own form and its rule for names (3 to 20 letters, digits, `_`, `-`)."""
_KEY = re.compile(r"\ba[a-z2-7]{26}\b")
_NOBODY = "[name]"

Pseudonym = Callable[[str], str | None]


class MentionedNames:
    """The names that a crawl has met, for finding them behind an `@`."""

    def __init__(self, names: Iterable[str | None]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for name in sorted({name for name in names if name}, key=len, reverse=True):
            self._by_start.setdefault(name[0], []).append(name)

    def hide(self, text: str, pseudonym: Pseudonym) -> str:
        """The text with the pseudonym of who is mentioned in each mention's place, or `[name]` where there is none."""
        if "@" in text:
            text = self._hide_signed(text, pseudonym)
        if "u/" in text:
            text = _USER.sub(lambda found: found["sign"] + (pseudonym(found["name"]) or _NOBODY), text)
        return text

    def _hide_signed(self, text: str, pseudonym: Pseudonym) -> str:
        parts = text.split("@")
        told = [parts[0]]
        for before, part in pairwise(parts):
            name = None if before[-1:].isalnum() else self._at_start(part)
            told.append((pseudonym(name) or _NOBODY) + part[len(name) :] if name else part)
        return "@".join(told)

    def _at_start(self, text: str) -> str | None:
        """The longest known name that the text starts with, and that ends where a word does."""
        for name in self._by_start.get(text[:1], ()):
            if text.startswith(name) and not text[len(name) : len(name) + 1].isalnum():
                return name
        return None


def show(text: str, names: Mapping[str, str]) -> str:
    """The text with pseudonyms turned back into names, as far as these are held."""
    return _KEY.sub(lambda found: names.get(found[0], found[0]), text)
