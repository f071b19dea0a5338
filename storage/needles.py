"""What a byte search looks for after an erasure (names, ids, lines of the erased texts), and how it is found. Pure.

A page may hold a text in many forms: another encoding, HTML or JSON escapes, percent signs, tags between the words. So
not forms of the words are looked for, but words in all readings of the content.
"""

import html
import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote_plus

from msgspec import Struct, field

from storage.identifiers import KINDS
from storage.suppressions import LEAST_NAME, composed, words_of

LEAST_LINE, LEAST_ID = 20, 5
"""Characters that a line and an id must have to be looked for; shorter ones are everywhere."""
_FIRST = 3
"""Words by which a line is looked up."""
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrtbf/\"\\]))")
_HIDDEN = re.compile(rf"@?\ba[a-z2-7]{{26}}\b|\[(?:{'|'.join(map(re.escape, (*KINDS, 'name', 'erased')))})\]")
_TAG = re.compile(r"<[^<>]*>")
_CHARSET = re.compile(rb"charset=[\"']?([A-Za-z0-9_-]+)", re.IGNORECASE)
_IN_ADDRESS = r"(?:post|comment|thread|topic|p|t|pid|tid|t1_|t3_)[-_/=s.]{0,3}(?:[\w-]*\.)?"


class Needles(Struct):
    """What is looked for."""

    names: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    """Ids of the erased posts; `ids` are those of them, and of threads, that can be told from other numbers."""
    threads: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    """Threads that stay, and in which something was erased."""


Finder = Callable[[str], Iterator[str]]
"""Gives, for a text, the needles in it."""


def finder(needles: Needles) -> Finder:
    """A search for all needles at once, whose time follows the text."""
    names = [name for name in dict.fromkeys(map(composed, needles.names)) if len(name) >= LEAST_NAME]
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    named = re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", re.IGNORECASE) if names else None
    long_ids = [one for one in dict.fromkeys(needles.ids) if len(one) >= LEAST_ID]
    listed = "|".join(re.escape(one) for one in long_ids)
    numbered = re.compile(rf"(?<![a-z]){_IN_ADDRESS}({listed})(?![A-Za-z0-9])") if long_ids else None
    starts: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = {}
    few: list[tuple[str, str]] = []
    for line in map(composed, dict.fromkeys(needles.lines)):
        words = tuple(words_of(line.replace("_", " ")))
        if len(words) >= _FIRST:
            starts.setdefault(words[:_FIRST], []).append((words, line))
        elif words:
            few.append((" ".join(words), line))

    def find(text: str) -> Iterator[str]:
        text = composed(text)
        if named is not None:
            yield from (found[0] for found in named.finditer(text))
        if numbered is not None:
            yield from (found[1] for found in numbered.finditer(text))
        if not starts and not few:
            return
        words = words_of(text.replace("_", " "))  # as addresses have titles
        joined = " ".join(words) if few else ""
        yield from (line for short, line in few if short in joined)
        for at in range(len(words) - _FIRST + 1):
            for wanted, line in starts.get((words[at], words[at + 1], words[at + 2]), ()):
                if tuple(words[at : at + len(wanted)]) == wanted:
                    yield line

    return find


def lines_of(text: str) -> list[str]:
    """The lines of a text that are long enough to be looked for."""
    pieces = (piece.strip() for line in text.splitlines() for piece in written(line))
    return [piece for piece in pieces if len(piece) >= LEAST_LINE]


def written(text: str) -> list[str]:
    """The pieces of a kept text between what was hidden in it: only these stand so on the page."""
    return _HIDDEN.split(text)


def readings(content: bytes, charset: str | None = None) -> list[str]:
    """A content as text in each way in which something may stand in it, one text a way, each only where it differs."""
    text = decoded(content, charset)
    plain = _unescaped(html.unescape(text)) if "&" in text or "\\" in text else text
    if "&" in plain:
        plain = html.unescape(plain)
    forms = [text, plain]
    if "<" in plain:
        forms.append(_TAG.sub(" ", plain))
        forms.append(_TAG.sub("", plain))
    if "%" in plain or "+" in plain:
        forms.append(unquote_plus(plain))
    return list(dict.fromkeys(forms))


def decoded(content: bytes, charset: str | None = None) -> str:
    """Bytes as text: by the charset that is told or stands in the first KB, as UTF-8, or as Windows-1252."""
    found = _CHARSET.search(content[:1024])
    told = charset or (found[1].decode("ascii") if found else None)
    for name in (told, "utf-8"):
        if name is None:
            continue
        try:
            return content.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("cp1252", "replace")


def _unescaped(text: str) -> str:
    def plain(found: re.Match[str]) -> str:
        if found[1]:
            return chr(int(found[1], 16))
        value: str = json.loads(f'"{found[0]}"')
        return value

    return _ESCAPE.sub(plain, text)
