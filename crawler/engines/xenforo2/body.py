"""The body of a XenForo 2 post: own words, quotes with their targets, links, pictures placed in the text.

Quotes come in three markups: 2.0 `div.bbCodeBlock--quote` with an attribution link to goto/post?id=N; 2.1 `blockquote`
whose link has `data-content-selector="#post-N"`; 2.2 and later `blockquote data-quote data-source="post: N"`.
"""

import re
from collections.abc import Callable, Iterable

from crawler.engines.html import attribute, behind, closing, element, inline_text
from crawler.engines.html_tags import CLASS
from crawler.engines.post_body import PostBody
from crawler.engines.said import SAID, SAID_UNPARTED
from crawler.engines.xenforo2.addresses import quoted_post_of
from crawler.records import Quote

_SOURCE = re.compile(r"\bpost:\s*(\d+)")
_SELECTOR = re.compile(r'data-content-selector="#post-(\d+)"')
_HREF = re.compile(r'\shref="([^"]*)"')
_ATTACHMENT = re.compile(r"(?<!data)(?:^|[/?])attachments/(?:[^/?#]*[.-])?\d+(?=$|[/?#.])")
# How translations word "NAME said:", where the quote names no author in an attribute (2.0 and 2.1).
_SAID = re.compile(rf"(?: (?:{SAID})| ?(?:{SAID_UNPARTED})) ?[:：]? ?\.*$", re.IGNORECASE)  # noqa: RUF001
# Parts of a body that are not its author's words.
_LEFT_OUT = frozenset(
    {"bbCodeBlock-title", "bbCodeBlock-expandLink", "bbCodeBlock-shrinkLink", "bbCodeBlock-actions"}
    | {"bbCodeSpoiler-button", "js-extraPhrases", "js-selectToQuoteEnd", "message-lastEdit", "message-signature"}
    | {
        "message-attachments",
        "message-expandLink",
        "messageNotice",
        "hoverLink",
        "reactionsBar",
        "likesBar",
        "u-hidden",
    }
    | {"adsbygoogle", "samCodeUnit", "samUnitContent"}
)
_DEEPEST = 20
# Elements whose class decides; <b>, <i>, <br> and the like are text whatever their class.
_CLASSED = frozenset({"div", "span", "a", "button", "ins", "script", "aside", "section", "ul", "figure"})


class Body(PostBody):
    """Reads the content of `div.bbWrapper`."""

    def __init__(self, authors: Callable[[], Iterable[str]], depth: int = 0) -> None:
        """`authors` gives the names on the page: what a quote's attribution may begin with.

        `depth` is the number of quotes that the fragment stands in.
        """
        super().__init__(depth)
        self.quotes: list[Quote] = []
        self._authors = authors

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """XenForo's own blocks."""
        if name == "blockquote":
            return self._quote(name, attributes, markup, position)
        if name not in _CLASSED:
            return None
        found = CLASS.search(attributes)
        words = found[1].split() if found else []
        if words:
            if "bbCodeBlock--quote" in words:
                return self._quote(name, attributes, markup, position)
            if not _LEFT_OUT.isdisjoint(words):
                if name == "div":
                    self.block()
                return self.past(name, markup, position)
            if "bbCodeBlock--unfurl" in words:
                return self._unfurl(attributes, markup, position)
        return self._link(words, attributes, position) if name == "a" else None

    def _link(self, words: list[str], attributes: str, position: int) -> int:
        """A link of the author's own, or an attachment; mentions and anchors are none. Their text stays."""
        if "username" in words:
            return position
        href = attribute(attributes, "href")
        if href is None or href.startswith(("#", "javascript:")) or "/cdn-cgi/l/email-protection" in href:
            return position
        if "attachments/" in href and _ATTACHMENT.search(href):
            self.attach(href, None)
        else:
            self.links.append(href)
        return position

    def image(self, attributes: str) -> None:
        """Smilies give their text; pictures in the text that are attachments count as such."""
        super().image(attributes)
        source = attribute(attributes, "src")
        if source is None or self.is_smiley(attributes) or "bbImage" not in attributes:
            return
        if _ATTACHMENT.search(source):
            self.attach(source, attribute(attributes, "alt"))
        elif (alt := attribute(attributes, "alt")) and self.attachments and self.attachments[-1].name is None:
            last = self.attachments.pop()
            self.attach(last.url, alt)

    def _unfurl(self, attributes: str, markup: str, position: int) -> int:
        """A link shown as a card: its title and its address."""
        end = closing(markup, "div", position, len(markup))
        title = element(markup, "js-unfurl-title", position, end) or element(markup, "contentRow-header", position, end)
        link = _HREF.search(title[1]) if title else None
        url = attribute(attributes, "data-url") or (attribute(link[0], "href") if link else None)
        if url:
            self.links.append(url)
        self.block()
        self.text(inline_text(title[1] if title else url or "").replace("&", "&amp;"))
        self.block()
        return behind(markup, end)

    def _quote(self, name: str, attributes: str, markup: str, position: int) -> int:
        end = closing(markup, name, position, len(markup))
        start = markup.find("bbCodeBlock-content", position, end)
        title = markup.find("bbCodeBlock-title", position, start if start >= 0 else end)
        heading = markup[markup.find(">", title) + 1 : markup.rfind("<", position, start)] if title >= 0 else ""
        inner = Body(self._authors, self._depth + 1)
        words = markup.find("bbCodeBlock-expandContent", start, end) if start >= 0 else -1
        last = markup.rfind("bbCodeBlock-expandLink", words, end) if words >= 0 else -1
        if self._depth >= _DEEPEST:
            return behind(markup, end)
        if last >= 0:
            inner.read(markup[markup.find(">", words) + 1 : markup.rfind("<", words, last)])
        else:
            inner.read(markup[position:end])
        quote = Quote(
            post_id=_target(attributes, heading), author=self._quoted(attributes, heading), text=inner.result()
        )
        self.quotes += [quote, *inner.quotes]
        self.block()
        return behind(markup, end)

    def _quoted(self, attributes: str, heading: str) -> str | None:
        if name := attribute(attributes, "data-quote"):
            return name
        said = inline_text(heading)
        if not said:
            return None
        if said.endswith(" said:"):
            return said[:-6]
        if (found := _SAID.search(said)) is not None:
            return said[: found.start()] or None
        known = [name for name in self._authors() if said.startswith(name) and len(name) < len(said)]
        return max(known, key=len, default=None)


def _target(attributes: str, heading: str) -> str | None:
    source = attribute(attributes, "data-source")
    if source and source.strip():
        found = _SOURCE.match(source.strip())
        return found[1] if found else None
    if (found := _SELECTOR.search(heading) or _SELECTOR.search(attributes)) is not None:
        return found[1]
    return next((post_id for link in _HREF.findall(heading) if (post_id := quoted_post_of(link))), None)
