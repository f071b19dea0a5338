"""The body of a NodeBB post: own words, quotes with their targets, links, files placed in the text.

NodeBB quotes by a paragraph such as "@ann said in [topic](/post/12):", in the words of the quoting member's language,
and a blockquote behind it. From version 0 on it was "@ann said:", later with a link to the topic
(/topic/3/slug/5: the place of the post in it), since 1.5 to the post, since 3 around the word "said".
"""

import re

from msgspec import Struct

from crawler.engines.html import attribute, behind, closing, inline_text
from crawler.engines.nodebb.addresses import post_of, topic_of
from crawler.engines.post_body import PostBody
from crawler.engines.said import SAID, SAID_UNPARTED

_CLASS = re.compile(r'\sclass="([^"]*)"')
_HREF = re.compile(r'<a\b[^<>]*\shref="([^"]*)"')
_MENTION = re.compile(r'<a\b[^<>]*\sclass="[^"]*plugin-mentions[^<>]*>\s*@?(.*?)</a', re.DOTALL)
_HEADER_END = re.compile(r"\s*(?:</p\b[^<>]*>|<br ?/?>)?\s*$")
_BREAK = re.compile(r"<br\b[^<>]*>")
# How NodeBB's languages word "said" where no link shows what the paragraph is.
# Some word it with a preposition only.
_SAID = re.compile(
    rf"^@(?P<name>\S.{{0,80}}?) (?:{SAID}|{SAID_UNPARTED}|σε|在|さん)\b.{{0,300}}[:：]$",  # noqa: RUF001
    re.DOTALL,
)
_FIRST_WORD = re.compile(r"^@?(\S+)")
_UPLOADS = ("/assets/uploads/", "/uploads/files/", "/api/v3/files/")
_LEFT_OUT = frozenset({"post-author", "post-signature", "post-tools", "edit-icon", "post-header", "threaded-replies"})
_CLASSED = frozenset({"a", "div", "span", "small", "section", "ul", "h1"})
_DEEPEST = 20


class Quoted(Struct, frozen=True, kw_only=True):
    """A quote, with where its header leads: to a post, or to a place in a topic."""

    post_id: str | None
    topic_id: str | None
    place: int | None
    """Number of the post in the topic, from 1."""
    author: str | None
    text: str


class Body(PostBody):
    """Reads a post's content."""

    def __init__(self, depth: int = 0) -> None:
        """`depth` is the number of quotes that the fragment stands in."""
        super().__init__(depth)
        self.quoted: list[Quoted] = []

    def read(self, markup: str) -> "Body":
        """Adds a fragment; its quotes go to `quoted`."""
        position, at = 0, markup.find("<blockquote")
        while at >= 0:
            before, header = _split(markup[position:at])
            super().read(before)
            start = markup.find(">", at) + 1 or len(markup)
            end = closing(markup, "blockquote", start, len(markup))
            if self._depth < _DEEPEST:
                self._quote(header, markup[start:end])
            self.block()
            position = behind(markup, end)
            at = markup.find("<blockquote", position)
        super().read(markup[position:] if position else markup)
        return self

    def _quote(self, header: str, content: str) -> None:
        inner = Body(self._depth + 1)
        text = inner.read(content).result()
        post_id, topic_id, place = None, None, None
        for href in _HREF.findall(header):
            post_id = post_id or post_of(href)
            if topic_id is None:
                topic_id, place = topic_of(href)
        self.quoted.append(Quoted(post_id=post_id, topic_id=topic_id, place=place, author=_author(header), text=text))
        self.quoted += inner.quoted

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """NodeBB's own elements."""
        if name not in _CLASSED:
            return None
        found = _CLASS.search(attributes)
        words = found[1].split() if found else []
        if not _LEFT_OUT.isdisjoint(words) or (name == "small" and "pull-right" in words):
            return self.past(name, markup, position)
        if name != "a":
            return None
        href = attribute(attributes, "href")
        if href is None or href.startswith(("#", "javascript:")) or any("plugin-mentions" in word for word in words):
            return position
        if any(place in href for place in _UPLOADS):
            self.attach(href, attribute(attributes, "download"))
            return position
        return None

    def image(self, attributes: str) -> None:
        """Smilies give their text; pictures that the site keeps are files of the post."""
        super().image(attributes)
        source = attribute(attributes, "src")
        if source and not self.is_smiley(attributes) and any(place in source for place in _UPLOADS):
            self.attach(source, attribute(attributes, "alt"))


def _split(before: str) -> tuple[str, str]:
    """(text, header) of what stands before a quote: the header is the paragraph, or its last line, that names whom."""
    start = before.rfind("<p")
    if start < 0 or before[start + 2 : start + 3] not in {">", " "}:
        return before, ""
    opened = before.find(">", start) + 1
    content = before[opened:]
    ended = _HEADER_END.search(content)
    content = content[: ended.start()] if ended else content
    if "</p" in content:  # text follows the paragraph
        return before, ""
    lines = list(_BREAK.finditer(content))
    line = lines[-1].end() if lines else 0
    header = content[line:]
    if not _is_header(header):
        return before, ""
    return before[: opened + lines[-1].start()] if lines else before[:start], header


def _is_header(markup: str) -> bool:
    said = inline_text(markup)
    if not said.endswith((":", "：")) or len(said) > 600:  # noqa: RUF001
        return False
    if any(post_of(href) or topic_of(href)[1] for href in _HREF.findall(markup)) and "@" in said:
        return True
    return _SAID.match(said) is not None


def _author(header: str) -> str | None:
    if not header:
        return None
    mention = _MENTION.search(header)
    if mention is not None and (name := inline_text(mention[1]).lstrip("@")):
        return name
    said = inline_text(header)
    found = _SAID.match(said) or _FIRST_WORD.match(said)
    return found[1].strip("@:") or None if found else None
