"""The body of a MyBB post: own words, quotes with their targets, links, files shown in the text.

Quotes: since 1.6 `blockquote` with `cite` ("NAME Wrote:", a date, a link to the post), in 1.4 `div.quote_header` and
`div.quote_body`.
"""

import re
from collections.abc import Callable, Iterable

from crawler.engines.html import attribute, behind, closing, inline_text
from crawler.engines.html_tags import CLASS
from crawler.engines.mybb.addresses import is_profile, post_of
from crawler.engines.quoting import DEEPEST, QuotingBody

_DATE = re.compile(r"<span\b[^<>]*>[^<>]*(?:<[^<>]*>[^<>]*){0,4}?\)\s*</span>|<span\b[^<>]*>\s*\([^<>]*\)\s*</span>")
_LINK = re.compile(r"<a\b([^<>]*)>.{0,4000}?</a>", re.DOTALL)
_SIZE = re.compile(r"\s*\([^()<>]{3,80}\)")
# How translations word "NAME Wrote:".
_WROTE = re.compile(
    r"\s*(?:\b(?:wrote|schrieb|hat geschrieben|a écrit|escribió|ha scritto|escreveu|schreef|napisał(?:\(a\)|/a)?|"
    r"написал(?:\(а\)|а)?|писал(?:\(а\))?|пишет|skrev|kirjoitti|írta|a scris|napsal(?:\(a\)|/a)?|yazdı|"  # noqa: RUF001
    r"(?:nickli|adlı) kullanıcıdan alıntı|έγραψε|je napisa(?:o|la)(?:/la)?|نوشته)|提到|寫道|写道|さんの発言)"  # noqa: RUF001
    r"\s*(?:\([^()]{0,40}\))?\s*[:：]?\s*$",  # noqa: RUF001 - the colon of East Asian translations
    re.IGNORECASE,
)
_LEFT_OUT = frozenset(
    {
        "post_edit",
        "edited_post",
        "signature",
        "spoiler_title",
        "spoiler_button",
        "adsbygoogle",
        "hidecontent",
        "tyllist",
    }
    | {"post_meta", "post_controls", "quick_jump"}
)
_CLASSED = frozenset({"div", "span", "ins", "fieldset", "p"})
_COLONS = " :："  # noqa: RUF001
_BOX_SIZE = 2_000  # how far into a box of files the first one stands


class Body(QuotingBody):
    """Reads the content of the element `pid_N`."""

    told = (*QuotingBody.told, ("<fieldset>", '<fieldset class="">'))

    def __init__(self, authors: Callable[[], Iterable[str]], depth: int = 0) -> None:
        super().__init__(authors, depth)
        self._in_code = False

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """MyBB's own blocks."""
        if name == "blockquote":
            return self.quote(name, markup, position)
        if name == "a":
            return self._link(attributes, markup, position)
        if name == "fieldset" and (after := self._files(markup, position)) is not None:
            return after
        if name not in _CLASSED:
            return None
        found = CLASS.search(attributes)
        if found is None:
            return None
        words = found[1].split()
        if "quote_header" in words:
            self.heading = markup[position : closing(markup, name, position, len(markup))]
            return self.past(name, markup, position)
        if "quote_body" in words:
            return self.quote(name, markup, position)
        if "codeblock" in words:
            self._in_code = True
        elif "title" in words and self._in_code:
            self._in_code = False
            self.block()
            return self.past(name, markup, position)
        elif not _LEFT_OUT.isdisjoint(words):
            self.block()
            return self.past(name, markup, position)
        return None

    def image(self, attributes: str) -> None:
        """Pictures that are attachments count as such."""
        super().image(attributes)
        source = attribute(attributes, "src")
        if source and "attachment.php" in source:
            self.attach(source, attribute(attributes, "title"))

    def is_smiley(self, attributes: str) -> bool:
        """Smilies carry their name ("Big Grin"), which nobody wrote; only signs (":)") are text."""
        if "smilie" not in attributes and "emoji" not in attributes:
            return False
        alt = (attribute(attributes, "alt") or "").replace(" ", "")
        return not alt.isalpha() or len(alt) < 3

    def _link(self, attributes: str, markup: str, position: int) -> int | None:
        href = attribute(attributes, "href")
        if href is None or href.startswith(("#", "javascript:")) or "/cdn-cgi/l/email-protection" in href:
            return position
        if "attachment.php?" in href:
            close = closing(markup, "a", position, len(markup))
            self.attach(href, inline_text(markup[position:close]))
            after = behind(markup, close)
            size = _SIZE.match(markup, after)
            return size.end() if size else after
        if "mention" in attributes or ("mycode_url" not in attributes and is_profile(href)):
            return position
        return None

    def _files(self, markup: str, position: int) -> int | None:
        """Takes the box of attached files that some themes have inside the text; None where it is no such box."""
        if self._depth >= DEEPEST or markup.find("attachment.php?", position, position + _BOX_SIZE) < 0:
            return None
        box = markup[position : closing(markup, "fieldset", position, len(markup))]
        if "attachment.php?" not in box:
            return None
        for file in Body(self.authors, self._depth + 1).read(box).attachments:
            self.attach(file.url, file.name)
        self.block()
        return self.past("fieldset", markup, position)

    def source(self, heading: str) -> tuple[str | None, str | None]:
        """The first post that the heading leads to, and the name in it."""
        hrefs = [attribute(tag, "href") or "" for tag in _LINK.findall(heading)]
        return next((found for href in hrefs if (found := post_of(href)) is not None), None), self._quoted(heading)

    def _quoted(self, heading: str) -> str | None:
        """The name in "NAME Wrote:", in whatever language; None where the heading names nobody."""
        said = inline_text(_LINK.sub(_kept, _DATE.sub("", heading[:2_000])))
        if said.endswith(" Wrote:"):  # the search below is slow
            return said[:-7].strip() or None
        wrote = _WROTE.search(said)
        if wrote is not None:
            return said[: wrote.start()].strip() or None
        known = [name for name in self.authors() if said.startswith(f"{name} ")]
        if known:
            return max(known, key=len)
        words = said.rstrip(_COLONS).split()
        return " ".join(words[:-1]) if len(words) > 1 and said.endswith((":", "：")) else None  # noqa: RUF001


def _kept(link: re.Match[str]) -> str:
    """A link in a quote's heading: the one to the post is no part of the name."""
    return "" if post_of(attribute(link[1], "href") or "") is not None else link[0]
