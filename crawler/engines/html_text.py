"""Plain text of HTML: what a reader sees, with its paragraphs, lists, tables and code."""

import re
from collections.abc import Mapping
from html import unescape
from typing import ClassVar

from crawler.engines.html_tags import ANY_TAG, TAG, attribute, closing, decoded

_ALT = re.compile(r'alt="(?<=\salt=")([^"]+)"')


def inline_text(markup: str) -> str:
    """Text of a fragment on one line: tags dropped, entities decoded, white space collapsed."""
    if "<" in markup:
        markup = ANY_TAG.sub("", markup)
    return " ".join(decoded(markup).split())


# Marks in the text while it is being read. Control characters never stand for themselves in HTML.
_SPACE, _LINE, _TAB = "\x01", "\x02", "\x0e"  # kept as they are: in code
_CELL, _BREAK, _BLOCK, _MARKER = "\x03", "\x04", "\x05", "\x07"
BORDER, BREAK = _BLOCK, _BREAK
"""The border of a block, and a line break, in the text while it is being read: for subclasses that meet tags anew."""
_AFTER_MARKER = re.compile(f"{_MARKER}[ {_BLOCK}]*")
_AROUND_CELL = re.compile(f"[ {_BLOCK}]*{_CELL}[ {_BLOCK}]*")
_EMOJI = re.compile("[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff\u200d\ufe0f]+")
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "center", "dd", "details", "div", "dl", "dt", "fieldset"}
    | {"figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main"}
    | {"nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
_DROPPED = frozenset(
    {"audio", "button", "canvas", "embed", "head", "iframe", "map", "math", "meter", "noembed", "noscript", "object"}
    | {"progress", "script", "select", "style", "svg", "template", "textarea", "title", "video"}
)


# Blocks that are more than a new line.
_COUNTED = frozenset({"li", "ol", "pre", "td", "th", "tr", "ul"})
_COUNTED_ENDS = frozenset({"/ol", "/pre", "/ul"})
# What tags without attributes mean in the text, where it is always the same.
_PLAIN: Mapping[str, str] = {
    **dict.fromkeys(_BLOCKS - _COUNTED - {"blockquote", "table"}, _BLOCK),
    **dict.fromkeys((f"/{name}" for name in _BLOCKS - {"ol", "pre", "td", "th", "ul"}), _BLOCK),
    **dict.fromkeys(("b", "code", "em", "i", "s", "span", "strong", "sub", "sup", "u"), ""),
    **dict.fromkeys(("/a", "/b", "/code", "/em", "/font", "/i", "/s", "/span", "/strong", "/sub", "/sup", "/u"), ""),
    **dict.fromkeys(("/td", "/th"), ""),
    **dict.fromkeys(("hr /", "hr/"), _BLOCK),
}
_EDGES = f" {_BREAK}{_BLOCK}"


def _with_lines(text: str) -> str:
    """Text with line breaks for marks: each <br> is one; the border of a block is one where a line is begun.

    It must not end with marks.
    Splitting at single characters beats replacing pairs of them, and regular expressions by far.
    """
    if _BREAK not in text:
        return "\n".join([line for piece in text.split(_BLOCK) if (line := piece.strip(" "))])
    lines: list[str] = []
    for piece in text.split(_BLOCK):
        if _BREAK in piece:
            lines += [line.strip(" ") for line in piece.split(_BREAK)]
            if not lines[-1]:
                lines.pop()
        elif piece := piece.strip(" "):
            lines.append(piece)
    # One empty line at a time; the first one is never empty.
    return "\n".join([line for line, above in zip(lines, ["", *lines], strict=False) if line or above])


class Prose:
    """Reads fragments of HTML into plain text: blocks and <br> as line breaks, list items marked, cells tabbed.

    Code keeps its line breaks and indentation. Pictures give nothing unless they stand for a character. `links` holds
    the addresses of the links as written. Subclasses say in `special` what their software's markup means.
    """

    plain: ClassVar[Mapping[str, str]] = _PLAIN
    """What a tag (all between "<" and ">") that needs no closer look puts into the text."""

    def __init__(self) -> None:
        self.links: list[str] = []
        self._out: list[str] = []
        self._lists: list[int | None] = []  # per open list: next number, or None for bullets
        self._preformatted = 0
        self._cells = 0
        self._marked = False  # marks other than line breaks are in the text

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """Called for each start tag with attributes; `position` is where its content starts.

        Returns where to read on when the element was dealt with (or is to be left out), else None.
        """
        del name, attributes, markup, position
        return None

    def read(self, markup: str) -> "Prose":
        """Adds a fragment."""
        if "<br" in markup:  # by far the most frequent tag
            markup = markup.replace("<br />", _BREAK)
            if "<br" in markup:
                markup = markup.replace("<br>", _BREAK).replace("<br/>", _BREAK)
        self.scan(markup)
        return self

    def scan(self, markup: str) -> None:
        """Adds a fragment, tag by tag. Looking the frequent ones up is many times faster than matching each."""
        out, behind, past, plain, match = self._out, 0, 0, self.plain, TAG.match
        for place, part in enumerate(markup.split("<")):
            start, behind = behind - 1, behind + len(part) + 1
            if not place:
                text = part
            elif start >= past:
                tag, closed, text = part.partition(">")
                if closed and tag in plain:
                    if meaning := plain[tag]:
                        out.append(meaning)
                        if text.isspace() and text.isascii() and not self._preformatted:
                            continue
                elif not closed or not self.frequent(tag):
                    token = match(markup, start)
                    if token is None:
                        text = f"<{part}"
                    else:
                        past, name = token.end(), token[2]
                        if name:
                            past = self._tag(token, name.lower(), markup, past)
                        text = markup[past : behind - 1]
            elif past < behind - 1:
                text = markup[past : behind - 1]
            else:
                continue
            if text:
                # What an element that is never closed ends with is no code.
                out.append(kept(text) if self._preformatted and behind <= len(markup) else text)

    def frequent(self, tag: str) -> bool:
        """Takes a tag (all between "<" and ">") that needs no closer look; False where it does."""
        if tag in _COUNTED:
            self._open(tag)
            return True
        if tag in _COUNTED_ENDS:
            self._close(tag[1:])
            return True
        return False

    def _tag(self, token: re.Match[str], name: str, markup: str, position: int) -> int:
        if token[1]:
            if name in _BLOCKS:
                self._close(name)
            elif name == "br":  # as browsers read it
                self._out.append(_BREAK)
            return position
        attributes = token[3]
        if attributes and (after := self.special(name, attributes, markup, position)) is not None:
            return after
        if name in _BLOCKS:
            self._open(name)
        elif name == "a":
            if (href := attribute(attributes, "href")) is not None:
                self.links.append(href)
        elif name == "img":
            self.image(attributes)
        elif name in _DROPPED:
            return self.past(name, markup, position)
        elif name == "br":
            self._out.append(_BREAK)
        return position

    @staticmethod
    def past(name: str, markup: str, position: int) -> int:
        """Offset behind the element whose content starts at `position`."""
        limit = len(markup)
        end = closing(markup, name, position, limit)
        return limit if end == limit else markup.find(">", end, limit) + 1 or limit

    def text(self, text: str) -> None:
        """Adds text, entities still encoded."""
        self._out.append(text)

    def block(self) -> None:
        """Starts a new line, unless one has just been started."""
        self._out.append(_BLOCK)

    def image(self, attributes: str) -> None:
        """A picture: its text where it stands for a character."""
        found = _ALT.search(attributes)
        if found and (self.is_smiley(attributes) or _is_emoji(found[1])):
            self._out.append(found[1])

    def is_smiley(self, attributes: str) -> bool:
        """Whether the picture stands for its alternative text."""
        return "smilie" in attributes or "emoji" in attributes

    def _open(self, name: str) -> None:
        if name not in _COUNTED:
            self._out.append(_BLOCK)
            return
        self._marked = self._marked or name in {"td", "th", "li", "pre"}
        if name in {"td", "th"}:
            if self._cells:
                self._out.append(_CELL)
            self._cells += 1
            return
        self._out.append(_BLOCK)
        if name == "li":
            number = self._lists[-1] if self._lists else None
            self._out.append(f"{_marker(number)}{_MARKER}")
            if number is not None:
                self._lists[-1] = number + 1
        elif name in {"ul", "ol"}:
            self._lists.append(1 if name == "ol" else None)
        elif name == "tr":
            self._cells = 0
        elif name == "pre":
            self._preformatted += 1

    def _close(self, name: str) -> None:
        if name in {"td", "th"}:
            return
        if name in {"ul", "ol"} and self._lists:
            self._lists.pop()
        elif name == "pre" and self._preformatted:
            self._preformatted -= 1
        self._out.append(_BLOCK)

    def result(self) -> str:
        """All that was read, as plain text."""
        text = decoded("".join(self._out)).replace("\n", " ").replace("\xa0", " ")
        text = text.replace("\t", " ").replace("\r", " ").replace("\x0c", " ")
        if _MARKER in text:
            text = _AFTER_MARKER.sub(_MARKER, text)
        if _CELL in text:
            text = _AROUND_CELL.sub(_CELL, text)
        text = text.strip(_EDGES)
        if _BREAK in text or _BLOCK in text:
            text = _with_lines(text)
        runs = text.split("  ")
        if len(runs) > 1:
            text = " ".join([part for run in runs if (part := run.lstrip(" "))])
        return _released(text) if self._marked else text


def _is_emoji(text: str) -> bool:
    return ("&" in text or not text.isascii()) and _EMOJI.fullmatch(unescape(text)) is not None


def kept(text: str) -> str:
    """Text of code with marks for its white space, as `Prose` reads it. Many times faster than str.translate."""
    text = text.replace(" ", _SPACE).replace("\xa0", _SPACE).replace("\n", _LINE).replace("\t", _TAB)
    return text.replace("\r", "")


def _released(text: str) -> str:
    """Text with what its marks stand for."""
    text = text.replace(_SPACE, " ").replace(_LINE, "\n").replace(_TAB, "\t")
    return text.replace(_CELL, "\t").replace(_MARKER, " ")


def _marker(number: int | None) -> str:
    return "-" if number is None else f"{number}."


def plain_text(markup: str) -> str:
    """Plain text of a fragment of HTML, with nothing left out but what is never shown."""
    return Prose().read(markup).result()
