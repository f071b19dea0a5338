"""The body of a XenForo 1 post: own words, quotes with their targets, links, pictures placed in the text.

A quote is `div.bbCodeQuote[data-author]` with `a.AttributionLink` to goto/post?id=N.
"""

import re

from crawler.engines.html import Prose, attribute, behind, closing, element, inline_text
from crawler.engines.html_tags import CLASS
from crawler.engines.html_text import BREAK
from crawler.engines.xenforo2.addresses import quoted_post_of
from crawler.engines.xenforo2.body import Body as YoungerBody
from crawler.records import Quote

_GOTO = re.compile(r'<a href="goto/post\?id=(\d+)')
# A whole quote as the software writes it; others are taken apart.
_PLAIN = re.compile(
    r'\s*+<aside>\s*+<div class="attribution type">[^<]*+'
    r'(?:<a href="goto/post\?id=(\d+)[^<>]*+>[^<]*+</a>\s*+)?</div>\s*+'
    r'<blockquote class="quoteContainer"><div class="quote">((?:[^<]++|<(?!/?div))*+)</div>'
    r'<div class="quoteExpand">[^<]*+</div></blockquote>\s*+</aside>\s*+</div>'
)
_HREF = re.compile(r'\shref="([^"]*)"')
_ATTACHMENT = re.compile(r"(?:^|[/?])(?<!data/)attachments/(?:[^/?#]*[.-])?\d+(?=$|[/?#.])")
# Parts of a body that are not its author's words.
_LEFT_OUT = frozenset(
    {"messageTextEndMarker", "newIndicator", "quoteExpand", "attribution", "attachedFiles", "editDate", "signature"}
    | {"likesSummary", "bbCodeSpoilerButton", "funbox", "adsbygoogle", "messageNotices", "messageMeta", "samCodeUnit"}
    | {"tnBox", "adv_bbcodebar_quote_head", "dark_postrating", "likeText"}
)
_CLASSED = frozenset({"a", "aside", "blockquote", "button", "div", "ins", "p", "span", "strong", "ul"})
_DEEPEST = 20


class Body(YoungerBody):
    """Reads the content of `blockquote.messageText`; links and attachments are XenForo 2's."""

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """XenForo's own blocks."""
        if name not in _CLASSED:
            return None
        found = CLASS.search(attributes)
        words = found[1].split() if found else []
        if not words:
            return self._link(words, attributes, position) if name == "a" else None
        if "bbCodeQuote" in words or "quoteContainer" in words:
            return self._quote(name, attributes, markup, position)
        if words == ["type"] or not _LEFT_OUT.isdisjoint(words):
            if name == "div":
                self.block()
            return self.past(name, markup, position)
        return self._link(words, attributes, position) if name == "a" else None

    def is_smiley(self, attributes: str) -> bool:
        """Smilies have classes of the editor that XenForo 1 uses."""
        return "mceSmilie" in attributes or super().is_smiley(attributes)

    def image(self, attributes: str) -> None:
        """Smilies give their text; a picture names the attachment that it is linked to."""
        Prose.image(self, attributes)
        if "bbCodeImage" not in attributes:
            return
        source = attribute(attributes, "src")
        if source is None or self.is_smiley(attributes):
            return
        alt = attribute(attributes, "alt")
        name = alt if alt != "[IMG]" else None
        if _ATTACHMENT.search(source):
            self.attach(source, name)
        elif name and self.attachments and self.attachments[-1].name is None:
            self.attach(self.attachments.pop().url, name)

    def _quote(self, name: str, attributes: str, markup: str, position: int) -> int:
        plain = _PLAIN.match(markup, position) if name == "div" else None
        if plain is not None and (author := attribute(attributes, "data-author")) and self._depth < _DEEPEST:
            self._quoted_words(plain[1], author, plain[2])
            return plain.end()
        end = closing(markup, name, position, len(markup))
        if self._depth >= _DEEPEST:
            return behind(markup, end)
        start = markup.find('class="quoteContainer', position, end)
        said = markup[position:start] if start >= 0 else markup[position:end]
        words = markup.find('class="quote"', max(start, position), end)
        if words >= 0:
            first = markup.find(">", words, end) + 1
            content = markup[first : closing(markup, "div", first, end)]
        elif start >= 0:
            first = markup.find(">", start, end) + 1
            content = markup[first : closing(markup, "blockquote", first, end)]
        else:
            content = markup[position:end]
        author = attribute(attributes, "data-author") or self._quoted("", _heading(said))
        self._quoted_words(_target(said), author, content)
        return behind(markup, end)

    def _quoted_words(self, post_id: str | None, author: str | None, content: str) -> None:
        """A quote, and those in it."""
        if "<" in content:
            inner = Body(self._authors, self._depth + 1)
            inner.read(content)
            self.quotes += [Quote(post_id=post_id, author=author, text=inner.result().strip()), *inner.quotes]
        else:
            self.quotes.append(Quote(post_id=post_id, author=author, text=_plain_words(content)))
        self.block()


def _plain_words(words: str) -> str:
    """Text of words with nothing but line breaks in them, which `Prose.read` has put as marks."""
    text = "\n".join(inline_text(line) for line in words.split(BREAK)).strip()
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def _target(said: str) -> str | None:
    """Id of the post that the arrow of a quote's heading links to."""
    if (usual := _GOTO.search(said)) is not None:
        return usual[1]
    return next((number for link in _HREF.findall(said) if (number := quoted_post_of(link))), None)


def _heading(said: str) -> str:
    """ "NAME said:" of a quote, without the arrow that links to its post."""
    found = element(said, "attribution")
    return found[1].partition("<a")[0] if found else ""
