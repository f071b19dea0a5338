"""The body of a XenForo 2 post: own words, quotes with their targets, links, pictures placed in the text.

Quotes come in three markups: 2.0 `div.bbCodeBlock--quote` with an attribution link to goto/post?id=N; 2.1 `blockquote`
whose link has `data-content-selector="#post-N"`; 2.2 and later `blockquote data-quote data-source="post: N"`.
"""

import re
from collections.abc import Callable, Iterable

from crawler.engines.html import Prose, attribute, closing, element, inline_text
from crawler.engines.xenforo2.addresses import post_id_of
from crawler.records import Attachment, Quote

_CLASS = re.compile(r'\sclass="([^"]*)"')
_SOURCE = re.compile(r"\bpost:\s*(\d+)")
_SELECTOR = re.compile(r'data-content-selector="#post-(\d+)"')
_HREF = re.compile(r'\shref="([^"]*)"')
_ATTACHMENT = re.compile(r"(?:^|[/?])attachments/(?:[^/?#]*[.-])?\d+(?=$|[/?#.])")
# How translations word "NAME said:", where the quote names no author in an attribute (2.0 and 2.1).
_SAID = re.compile(
    r"\s*(?:said|wrote|hat gesagt|schrieb|sagte|a dit|a écrit|zei|schreef|dijo|escribió|ha dit|ha detto|ha scritto|"
    r"disse|escreveu|napisał(?:\(a\)|/a)?|powiedział(?:\(a\)|/a)?|сказал(?:\(а\)|а)?|написал(?:\(а\)|а)?|сказав(?:\(ла\))?|"  # noqa: RUF001
    r"kirjoitti|sanoi|skrev|sa|sade|skrifaði|řekl(?:\(a\)|/a)?|napsal(?:\(a\)|/a)?|povedal|a spus|a zis|mondta|írta|"
    r"dedi(?: ki)?|yazdı|είπε|έγραψε|nói|กล่าว|berkata|さんの発言|说|說|は言った|rekao je|je rekao/la|каза)\s*[:.…]*\s*[:：]?\s*$",  # noqa: RUF001
    re.IGNORECASE,
)
# Parts of a body that are not its author's words.
_LEFT_OUT = frozenset(
    "bbCodeBlock-title bbCodeBlock-expandLink bbCodeBlock-shrinkLink bbCodeSpoiler-button js-extraPhrases "
    "js-selectToQuoteEnd message-lastEdit message-signature message-attachments messageNotice js-unfurl-desc "
    "js-unfurl-favicon contentRow-figure contentRow-snippet contentRow-minor hoverLink adsbygoogle message-expandLink "
    "reactionsBar likesBar u-hidden samCodeUnit samUnitContent bbCodeBlock-actions".split()
)


class Body(Prose):
    """Reads the content of `div.bbWrapper`."""

    def __init__(self, authors: Callable[[], Iterable[str]]) -> None:
        """`authors` gives the names on the page: what a quote's attribution may begin with."""
        super().__init__()
        self.quotes: list[Quote] = []
        self.attachments: list[Attachment] = []
        self._authors = authors

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """XenForo's own blocks."""
        if name == "blockquote":
            return self._quote(name, attributes, markup, position)
        if (found := _CLASS.search(attributes)) is not None:
            classes = found[1]
            if "bbCodeBlock--quote" in classes:
                return self._quote(name, attributes, markup, position)
            if name in {"div", "span", "a", "button", "ins", "script", "aside", "section", "ul", "figure"}:
                words = classes.split()
                if not _LEFT_OUT.isdisjoint(words):
                    self.block() if name == "div" else None
                    return self.past(name, markup, position)
                if "bbCodeBlock--unfurl" in words:
                    return self._unfurl(attributes, markup, position)
            if name == "a" and classes.startswith("username"):
                return position  # a mention: its text stays, its address is nobody's link
        if name == "a" and (href := attribute(attributes, "href")) is not None:
            if _ATTACHMENT.search(href):
                self._attach(href, None)
                return position
            if href.startswith(("#", "javascript:")):
                return position
        return None

    def image(self, attributes: str) -> None:
        """Smilies give their text; pictures in the text that are attachments count as such."""
        super().image(attributes)
        source = attribute(attributes, "src")
        if source is None or self.is_smiley(attributes) or "bbImage" not in attributes:
            return
        if _ATTACHMENT.search(source):
            self._attach(source, attribute(attributes, "alt"))
        elif (alt := attribute(attributes, "alt")) and self.attachments and self.attachments[-1].name is None:
            last = self.attachments.pop()
            self._attach(last.url, alt)

    def _attach(self, url: str, name: str | None) -> None:
        if all(known.url != url for known in self.attachments):
            self.attachments.append(Attachment(url=url, name=name or None))

    def _unfurl(self, attributes: str, markup: str, position: int) -> int:
        """A link shown as a card: its title and its address."""
        end = closing(markup, "div", position, len(markup))
        title = element(markup, "js-unfurl-title", position, end) or element(markup, "contentRow-header", position, end)
        address = _HREF.search(title[1]) if title else None
        url = attribute(attributes, "data-url") or (attribute(address[0], "href") if address else None)
        if url:
            self.links.append(url)
        self.block()
        self.text(inline_text(title[1]).replace("&", "&amp;") if title else (url or "").replace("&", "&amp;"))
        self.block()
        return self.past("div", markup, position)

    def _quote(self, name: str, attributes: str, markup: str, position: int) -> int:
        end = closing(markup, name, position, len(markup))
        content = markup[position:end]
        place = len(self.quotes)
        inner = Body(self._authors)
        inner.read(content)
        title = element(content.partition("bbCodeBlock-content")[0], "bbCodeBlock-title")
        heading = title[1] if title else ""
        quote = Quote(
            post_id=_target(attributes, heading),
            author=self._quoted(attributes, heading),
            text=inner.result(),
        )
        self.quotes[place:] = [quote, *inner.quotes]
        self.block()
        return self.past(name, markup, position)

    def _quoted(self, attributes: str, heading: str) -> str | None:
        if name := attribute(attributes, "data-quote"):
            return name
        said = inline_text(heading)
        if not said:
            return None
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
    link = _HREF.search(heading)
    return post_id_of(link[1]) if link else None
