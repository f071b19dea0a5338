"""The body of a post of Simple Machines Forum: own words, quotes with their targets, links, files shown in the text.

Quotes come in three markups: 1.x `div.quoteheader` followed by `div.quote`; 2.0 `div.quoteheader` followed by
`blockquote`; 2.1 `blockquote` that begins with `cite`.
"""

import re
from functools import lru_cache

from crawler.engines.html import attribute, behind, closing, inline_text
from crawler.engines.html_tags import CLASS
from crawler.engines.quoting import QuotingBody
from crawler.engines.smf.addresses import message_of, user_of

_ANCHOR = re.compile(r"<a\b([^<>]*)>")
_PICTURE = re.compile(r"\s*<img\b([^<>]*)>")
_LABEL = re.compile(r"^[^:：]{1,60}[:：]\s*")  # noqa: RUF001 - the colon of East Asian translations
# The name and the date in a quote's heading, with what the software's translations write between them, or nothing.
_DATED = re.compile(
    r"^(.+?)(?:\s+(?:on|am|le|el|en|em|op|от|w|dnia|il|a|στις|στο|на|в|den|dne|skrivet|in data|da|la|kl\.?|dňa|u|på|"
    r"d\.|din|dátum|kdy:?|tarihinde|ngày|pada|vào|[-–—|,])\s+|\s*[于於,|]\s*)"  # noqa: RUF001
    r"(?=(?:[^\W\d_]+(?:['’][^\W\d_]+)?[.,]?\s+(?:(?:a las|[^\W\d_]+)\s+)?)?\d.{0,40}\d{1,2}[:.]\d\d).{4,60}$",  # noqa: RUF001
    re.IGNORECASE,
)
_DAY = re.compile(r"\s\d{1,2}\.?\s+[^\W\d_]+\s+\d{4}$")
_DATED_PLAINLY = re.compile(r"^(.+?)\s+(?=\d.{0,40}\d{1,2}:\d\d).{8,60}$")
_DASHES = " -\u2013\u2014"
_LEFT_OUT = frozenset(
    {
        "quotefooter",
        "codeheader",
        "signature",
        "attachments",
        "adsbygoogle",
        "moderatorbar",
        "modified",
        "botslice_quote",
    }
    | {"quickbuttons", "smflikebutton", "like_count", "more_head", "sp-head", "spoilerheader"}
)
_CLASSED = frozenset({"div", "span", "ul", "ins", "p", "li"})
_ATTACHED = re.compile(r"\baction(?:=|%3[dD])dlattach\b|[?;&]attach=\d")


@lru_cache(maxsize=2048)
def _meaning(name: str, classes: str) -> str:
    """What an element is: the "heading" of a quote, a "quote", "left out", or "" for a part of the text."""
    words = classes.split()
    if "quoteheader" in words or "topslice_quote" in words:
        return "heading"
    if "quote" in words and name == "div":
        return "quote"
    return "" if _LEFT_OUT.isdisjoint(words) else "left out"


class Body(QuotingBody):
    """Reads the content of the element that holds a post's text."""

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """The software's own blocks."""
        if name == "blockquote":
            return self.quote(name, markup, position)
        if name == "a":
            return self._link(attributes, markup, position)
        if name == "code":
            self.block()
            return None
        if name not in _CLASSED:
            return None
        found = CLASS.search(attributes)
        if found is None:
            return None
        meaning = _meaning(name, found[1])
        if meaning == "heading":
            end = closing(markup, name, position, len(markup))
            self.heading = markup[position:end]
            self.block()
            return behind(markup, end)
        if meaning == "quote":
            return self.quote(name, markup, position)
        if meaning:
            self.block()
            return self.past(name, markup, position)
        return None

    def is_smiley(self, attributes: str) -> bool:
        """Smileys carry what their author typed (":)"), in old versions a word ("Grin"), which nobody wrote."""
        if 'class="smiley"' not in attributes and "/Smileys/" not in attributes and "emoji" not in attributes:
            return False
        alt = attribute(attributes, "alt") or ""
        return not alt.isalpha() or len(alt) < 3

    def _link(self, attributes: str, markup: str, position: int) -> int | None:
        href = attribute(attributes, "href")
        if href is None or href.startswith(("#", "javascript:")):
            return position
        if "attach" in href and _ATTACHED.search(href):
            picture = _PICTURE.match(markup, position)
            self.attach(href, attribute(picture[1], "alt") if picture else None)
            return position
        if "bbc_mention" in attributes or ("mention" in attributes and user_of(href)):
            return position
        return None

    def source(self, heading: str) -> tuple[str | None, str | None]:
        """The post that the heading leads to, and the name in it."""
        link = _ANCHOR.search(heading) if heading else None
        href = attribute(link[1], "href") if link else None
        return message_of(href) if href else None, self._quoted(heading)

    def _quoted(self, heading: str) -> str | None:
        """The name in "Quote from: NAME on DATE", in whatever language."""
        named, timed, _ = heading.partition("<time")  # ElkArte: a dash, then the date as <time>
        said = inline_text(named).rstrip(_DASHES) if timed else inline_text(heading)
        label = _LABEL.match(said)
        if label is None:
            return None
        said = said[label.end() :]
        known = [
            name for name in self.authors() if said.startswith(name) and said[len(name) : len(name) + 1] in {"", " "}
        ]
        if known:
            return max(known, key=len)
        dated = _DATED.match(said[:400])
        if dated is None or _DAY.search(dated[1]):  # no word before the date: its own comma is no end of the name
            dated = _DATED_PLAINLY.match(said[:400]) or dated
        return (dated[1].strip() if dated else said) or None
