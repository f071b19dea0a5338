"""Reddit Markdown as written: which lines are the author's own, which are quoted, and what is linked to.

The author's lines are kept character for character (emphasis marks, `[text](address)`, list markers), because that
is what the author typed; only HTML entities are decoded and blank or invisible filling is dropped. Rules followed:
the block rules of CommonMark 0.31 (block quotes, lazy continuation, indented and fenced code), with what Reddit
adds: `>!` opens a spoiler and is no quote, and a `>` line may interrupt a paragraph.
"""

import html
import re
from collections.abc import Iterator

from msgspec import Struct

# `&gt;` in the Markdown itself (not Reddit's transport) comes from programs that escape twice and mean a quote.
_QUOTE = re.compile(r" {0,3}(?:>|&gt;)(?!!) ?")
_QUOTE_IN_LIST = re.compile(r"[ \t]*(?:>|&gt;)(?!!) ?")
_QUOTE_MARKS = re.compile(r"(?:[ \t]|>|&gt;)*")
_LIST_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])[ \t]")
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}(?=[^`]*$)|~{3,})")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$")
_BLOCK_START = re.compile(r" {0,3}(?:#{1,6}(?:[ \t]|$)|>!|(?:[-*+]|\d{1,9}[.)])[ \t])")
_INDENTED = (" " * 4, "\t")
_FILLING = " \t\f\v\u00a0\u200b\u200c\u200d\u2060\ufeff"
"""Characters that leave a line without anything to see; Reddit's editor writes `&#x200B;` for an empty paragraph."""

# An entity of Markdown ends in a semicolon; html.unescape alone would also turn "?a=1&copy=2" into "?a=1\xa9=2".
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SURROGATE = re.compile("[\ud800-\udfff]")

_CODE_SPAN = re.compile(r"(?<!`)(`{1,3})(?!`)[^`\n]+\1(?!`)")
_TARGET = re.compile(
    r"\]\([ ]?<?"
    r"(?P<to>(?:\\.|[^\s()\\<>]| (?![\"' )])|\((?:\\.|[^\s()\\])*\))+)"
    r">?(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?[ ]?\)"
)
_BARE = re.compile(r"(?<![\w@./])(?:https?://|www\.)[^\s<>\[\]\"`|]+", re.IGNORECASE)
_BACKSLASH = re.compile(r"\\([!-/:-@\[-`{-~])")
_TRAILING = ".,;:!?*_~'\\"
_MARKUP = re.compile(r"[*_~^#`>\\]+|\s+")
_LINK_TEXT = re.compile(r"\[(?P<text>[^\[\]]*)\]\([^\s()]*\)")
_TYPOGRAPHY = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2026": "..."})


class Reading(Struct, frozen=True):
    """What one Markdown text holds."""

    own: str
    """The author's own lines; quotes left out, paragraphs and line breaks kept."""
    quotes: list[str]
    """Text of each block quote, without the quotes nested in it, in order."""
    links: list[str]
    """Targets of links and bare addresses of the own lines, as written, in order, each once."""


def read_markdown(source: str) -> Reading:
    """Own text, quotes and links of a post's Markdown; any string is Markdown."""
    own: list[str] = []
    quotes: list[str] = []
    links: dict[str, None] = {}
    for kind, lines in _blocks(source.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
        if kind == "quote":
            if quoted := _without_nested(lines):
                quotes.append(quoted)
            _append_blank(own)
        elif kind == "code":
            own.extend(lines)
        else:
            decoded = [decode_entities(line).rstrip(_FILLING) for line in lines]
            for line in decoded:
                if line:
                    own.append(line)
                else:
                    _append_blank(own)
            links.update(dict.fromkeys(find_links("\n".join(decoded))))
    return Reading("\n".join(own).strip("\n"), quotes, list(links))


def decode_entities(text: str) -> str:
    """`text` with the entities that end in a semicolon decoded, once."""
    if "&" not in text:
        return text
    return _SURROGATE.sub("\ufffd", _ENTITY.sub(lambda match: html.unescape(match[0]), text))


def find_links(text: str) -> list[str]:
    """Targets of Markdown links and bare web addresses, by place, as written."""
    if "](" not in text and "://" not in text and "www." not in text.lower():
        return []
    text = _CODE_SPAN.sub(lambda match: " " * len(match[0]), text)
    found = [(match.start(), _BACKSLASH.sub(r"\1", match["to"])) for match in _TARGET.finditer(text)]
    text = _TARGET.sub(lambda match: "]" + "(" * (len(match[0]) - 1), text)
    for match in _BARE.finditer(text):
        if text.startswith("](", match.end()):
            continue  # an address as the words of a link: the link's own target counts
        address = _trimmed(match[0])
        if len(address) > len("https://"):
            found.append((match.start(), address if "://" in address else f"http://{address}"))
    return [address for _, address in sorted(found, key=lambda entry: entry[0])]


def comparable(text: str) -> str:
    """`text` as it compares with a quotation of it: no markup, one kind of blank, no case.

    Who quotes on Reddit copies rendered text: emphasis marks and link targets are gone, blanks differ.
    """
    plain = _LINK_TEXT.sub(lambda match: match["text"], decode_entities(text))
    plain = _MARKUP.sub(lambda match: " " if match[0].isspace() else "", plain.translate(_TYPOGRAPHY))
    return " ".join(plain.casefold().split())


def _blocks(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Runs of lines that are `own`, `code` or `quote` (one block quote each, its first `>` taken off)."""
    fences = _Fences(lines)
    own: list[str] = []
    in_list = False
    after_blank = True
    place = 0
    while place < len(lines):
        line = lines[place]
        end, kind = place, "own"
        if (closing := fences.closing(place)) is not None:
            end, kind = closing + 1, "code"
        elif after_blank and not in_list and line.startswith(_INDENTED) and line.strip(_FILLING):
            end, kind = _end_of_indented(lines, place), "code"
        elif (_QUOTE_IN_LIST if in_list else _QUOTE).match(line):
            end, kind = _end_of_quote(lines, place, fences), "quote"
        if kind == "own":
            blank = not line.strip(_FILLING)
            if _LIST_ITEM.match(line):
                in_list = True
            elif after_blank and not blank and not line.startswith((" ", "\t")):
                in_list = False
            after_blank = blank
            own.append(line)
            place += 1
            continue
        if own:
            yield "own", own
            own = []
        block = lines[place:end]
        yield kind, [_QUOTE_IN_LIST.sub("", quoted, count=1) for quoted in block] if kind == "quote" else block
        place, after_blank = end, kind == "quote"
    if own:
        yield "own", own


class _Fences:
    """Where fenced code ends. A fence that is never closed is none: Reddit's older renderer shows it as text."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.unclosed = {"`": 1 << 30, "~": 1 << 30}
        """Shortest mark that was looked for in vain: keeps many open fences from costing the square of them."""

    def opens(self, place: int) -> str | None:
        match = _FENCE.match(self.lines[place])
        return match["mark"] if match else None

    def closing(self, place: int) -> int | None:
        mark = self.opens(place)
        if mark is None or len(mark) >= self.unclosed[mark[0]]:
            return None
        for later in range(place + 1, len(self.lines)):
            words = self.lines[later].strip()
            if len(words) >= len(mark) and words == mark[0] * len(words):
                return later
        self.unclosed[mark[0]] = len(mark)
        return None


def _end_of_indented(lines: list[str], place: int) -> int:
    end = place
    for later in range(place, len(lines)):
        if lines[later].startswith(_INDENTED) and lines[later].strip(_FILLING):
            end = later + 1
        elif lines[later].strip(_FILLING):
            break
    return end


def _end_of_quote(lines: list[str], place: int, fences: _Fences) -> int:
    """First line after the block quote that starts at `place`; its paragraph may go on without `>` (lazily)."""
    quoted = lines[place]
    for later in range(place + 1, len(lines)):
        line = lines[later]
        if _QUOTE_IN_LIST.match(line) and not line.startswith(_INDENTED):
            quoted = line
        elif (
            not line.strip(_FILLING)
            or not _QUOTE_MARKS.sub("", quoted, count=1).strip(_FILLING)
            or _BLOCK_START.match(line)
            or _RULE.match(line)
            or fences.opens(later)
        ):
            return later
    return len(lines)


def _without_nested(lines: list[str]) -> str:
    """Text of a block quote without the quotes nested in it; where it holds nothing else, theirs."""
    outer = [line if not _QUOTE.match(line) else "" for line in lines]
    return _shown(outer) or _shown([_QUOTE_MARKS.sub("", line, count=1) for line in lines])


def _shown(lines: list[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if shown := decode_entities(line).rstrip(_FILLING):
            kept.append(shown)
        else:
            _append_blank(kept)
    return "\n".join(kept).strip()


def _append_blank(lines: list[str]) -> None:
    if lines and lines[-1]:
        lines.append("")


def _trimmed(address: str) -> str:
    """A bare address without the punctuation of the sentence around it."""
    unbalanced = address.count(")") - address.count("(")
    end = len(address)
    while end and (address[end - 1] in _TRAILING or (address[end - 1] == ")" and unbalanced > 0)):
        unbalanced -= address[end - 1] == ")"
        end -= 1
    return address[:end]
