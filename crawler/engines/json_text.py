"""JSON bytes to plain values, with what the fast decoder refuses: lone surrogates, bad bytes, huge numbers, depth."""

import contextlib
import json
import re
from typing import TypeAlias, cast

import msgspec

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
        (?P<mark>[{}\[\],:])
        | (?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
        | (?P<word>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|NaN|-?Infinity)
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS: dict[str, bool | None] = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": None,
    "Infinity": None,
    "-Infinity": None,
}
_LONGEST_NUMBER = 400
"""Characters; a longer number is no count, id or instant of anything, and reads as null."""
_DEEPEST = 100_000
"""Levels of nesting; each costs memory that the body does not."""


class NotJsonError(ValueError):
    """The body cannot be read as JSON; the message says where it stops being that."""


def decode(body: bytes) -> Json:
    """The value that `body` holds; every string in it can be encoded as UTF-8.

    Raises:
        NotJsonError: it is no JSON, or ends early.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    # msgspec takes no lone surrogate ("\ud83d" cut off by somebody's length limit), no bad byte, no number beyond 64
    # bits, and nothing deeper than Python's recursion limit.
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return cast("Json", msgspec.json.decode(body))
    return decode_patiently(body.decode("utf-8", errors="replace"))


def decode_patiently(text: str) -> Json:
    """The value that `text` holds; lone surrogates in its strings become U+FFFD, numbers beyond measure null.

    Raises:
        NotJsonError: it is no JSON, ends early, or holds more than one value.
    """
    builder = _Builder()
    place = 0
    while not builder.is_whole:
        token = _TOKEN.match(text, place)
        if token is None:
            raise _refusal(text, place)
        if not builder.take(token):
            raise _refusal(text, token.end() - 1)
        place = token.end()
    if text[place:].strip():
        raise NotJsonError(f"something follows the JSON value that ends at character {place}")
    return builder.root[0]


class _Builder:
    """Puts tokens together; `expects` holds what may come next (v value, k key, and the marks themselves)."""

    def __init__(self) -> None:
        self.root: list[Json] = []
        self.open: list[list[Json] | dict[str, Json]] = [self.root]
        self.keys: list[str] = []
        """The key waiting for its value, of each open object."""
        self.expects = "v"

    @property
    def is_whole(self) -> bool:
        """Whether the one value is complete."""
        return len(self.open) == 1 and bool(self.root)

    def take(self, token: re.Match[str]) -> bool:
        """Whether the token may stand here; it is used then."""
        mark = token["mark"]
        if mark is None:
            return self._take_value(token)
        if mark in "{[":
            return self._begin({} if mark == "{" else [])
        if mark not in self.expects:
            return False
        if mark in "}]":
            self.open.pop()
            if mark == "}":
                self.keys.pop()
            self._after_value()
        else:
            self.expects = "k" if mark == "," and isinstance(self.open[-1], dict) else "v"
        return True

    def _take_value(self, token: re.Match[str]) -> bool:
        if token["string"] is not None:
            try:
                words = _SURROGATE.sub("\ufffd", json.loads(token["string"], strict=False))
            except json.JSONDecodeError:
                return False
            if "k" in self.expects:
                self.keys[-1] = words
                self.expects = ":"
                return True
            return self._put(words)
        return self._put(_WORDS[token["word"]] if token["word"] in _WORDS else _number(token["word"]))

    def _begin(self, container: list[Json] | dict[str, Json]) -> bool:
        if len(self.open) > _DEEPEST or not self._put(container):
            return False
        self.open.append(container)
        if isinstance(container, dict):
            self.keys.append("")
            self.expects = "k}"
        else:
            self.expects = "v]"
        return True

    def _put(self, value: Json) -> bool:
        if "v" not in self.expects:
            return False
        holder = self.open[-1]
        if isinstance(holder, dict):
            holder[self.keys[-1]] = value
        else:
            holder.append(value)
        self._after_value()
        return True

    def _after_value(self) -> None:
        self.expects = ",}" if isinstance(self.open[-1], dict) else ",]"


def _number(word: str) -> int | float | None:
    if len(word) > _LONGEST_NUMBER:
        return None
    return int(word) if word.lstrip("-").isdigit() else float(word)


def _refusal(text: str, place: int) -> NotJsonError:
    rest = text[place:].strip()
    if not rest or (rest[0] == '"' and not _TOKEN.match(rest)):
        return NotJsonError("it ends early")
    return NotJsonError(f"character {place} is {rest[:1]!r}, which cannot stand there")
