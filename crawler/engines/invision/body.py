"""The body of a post: own words, quotes with their targets, attachments, the line that tells of an edit.

Quotes come in four markups: 4.x and 5 `blockquote.ipsQuote[data-ipsquote-contentcommentid]`; 3.4
`blockquote.ipsBlockquote[data-cid]`; 3.0 to 3.3 `p.citation` with `div.blockquote > div.quote`; 2.x `div.quotetop` with
`div.quotemain`.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from crawler.engines.html import attribute, behind, closing, inline_text
from crawler.engines.html_tags import CLASS
from crawler.engines.invision.addresses import post_id_of
from crawler.engines.invision.markup import first_time, plain_href
from crawler.engines.post_body import PostBody
from crawler.records import Quote

_HREF = re.compile(r'\shref="([^"]*)"')
_IMAGE = re.compile(r"<img\b([^<>]*+)>")
_ANCHOR = re.compile(r"<a\b([^<>]*+)>(.{0,3000}?)</a>", re.DOTALL)
_COLOURING = re.compile(r"</?(?:span|ol|li)\b[^<>]*+>")
# 3.4 as its script leaves it: the citation and a second frame inside the quote
_BUILT = re.compile(
    r'\s*<p\b[^<>]*\sclass="citation"[^<>]*>((?:(?!</p)[\s\S]){0,2000}+)</p>\s*'
    r'<div\b[^<>]*\sclass="blockquote[^"]*"[^<>]*>\s*(?:<div\b[^<>]*\sclass="quote"[^<>]*>)?'
)
_INNER_QUOTE = re.compile(r'\s*<div\b[^<>]*\sclass="quote"[^<>]*>')
# "QUOTE (Ada @ Jan 5 2010, 10:15 AM)" and "QUOTE(Ada)" of 2.x
_QUOTED_AT = re.compile(r"\((.{1,200}?)(?:\s@\s.{1,80})?\)")
_QUOTED = re.compile(r"[^\s()]{1,20}\s?\(([^()]{1,100})\)$")
# Of IP.Board 3: "Ada, on 05 March 2012 - 10:12 PM, said:", "Ada said:", "'Ada', on ...", "Ada (05 Март 2012 - 22:12)
# писал:", "Użytkownik Ada dnia 05 marzec 2012 - 22:12 napisał"
_SAID = re.compile(
    r"['\"]?(?:Użytkownik\s)?(\S.{0,100}?)['\"]?(?:,\s|\s\([^()]{0,20}\d\d|\sdnia\s"
    r"|\s(?:said|wrote|schrieb|escribió|ha scritto|a écrit|dit|dijo|disse|napisał|написал|писал|сказал)\b)"
)
# The heading of a quote of 4.x and 5
_STATED = re.compile(r'\s*<div\b[^<>]*\sclass="ipsQuote_{1,2}citation[^<>]*>((?:(?!</div)[\s\S]){0,2000}+)')
_SAID_BY = re.compile(r"(?:On .{5,60}?, )?(\S.{0,100}?) said:$")
_CLASSED = frozenset({"div", "span", "p", "a", "ins", "section", "ul", "details", "summary", "aside", "button", "i"})
_LEFT_OUT = frozenset(
    {"ipsQuote_citation", "ipsQuote__citation", "ipsSpoiler_header", "ipsSpoiler__header", "spoiler_title"}
    | {"ipsStyle_spoilerFancy_text", "signature", "adsbygoogle", "codetop", "htmltop", "sqltop", "xmltop", "rep_bar"}
    | {
        "ipsComment_controls",
        "ipsItemControls",
        "post_controls",
        "ipsHide",
        "ipsAdvertisement",
        "ipsTruncate_more",
        "desc",
    }
)
_QUOTES = frozenset({"blockquote", "quotemain"})
_ATTACHMENTS = ("module=attach", "attachment.php?id=", "/uploads/monthly_")
_DEEPEST = 20


class Body(PostBody):
    """Reads the content of a post, its attributes in double quotes."""

    def __init__(self, authors: Callable[[], Iterable[str]], depth: int = 0) -> None:
        """`authors` gives the names on the page: what a citation may begin with."""
        super().__init__(depth)
        self.quotes: list[Quote] = []
        self.edited = False
        self.edited_at: datetime | None = None
        self.edit_line = ""
        self._citation: tuple[str | None, str | None] = (None, None)  # id and author of the quote that follows
        self._authors = authors

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """Invision's own blocks."""
        if name == "blockquote":
            if "poiler" in attributes:
                self.block()
                return position
            return self._quote(name, attributes, markup, position)
        if name == "pre":
            return self._code(markup, position)
        if name not in _CLASSED:
            return None
        if "data-excludequote" in attributes:
            return self._edit(name, markup, position)
        found = CLASS.search(attributes)
        words = found[1].split() if found else []
        if words and (after := self._classed(name, words, attributes, markup, position)) is not None:
            return after
        if name == "div" and ' id="attach_wrap"' in attributes:
            return self._attached(markup, position)
        return self._link(words, attributes, markup, position) if name == "a" else None

    def _classed(self, name: str, words: list[str], attributes: str, markup: str, position: int) -> int | None:
        if not _LEFT_OUT.isdisjoint(words):
            if name in {"div", "p"}:
                self.block()
            return self.past(name, markup, position)
        if name == "div" and not _QUOTES.isdisjoint(words):
            return self._quote(name, attributes, markup, position)
        if "citation" in words or "quotetop" in words:
            self._cite(name, markup, position)
            return self.past(name, markup, position)
        if "edit" in words and name in {"p", "span", "div"}:
            return self._edit(name, markup, position)
        return None

    def _code(self, markup: str, position: int) -> int:
        """Code, without the thousands of elements that colour it."""
        end = closing(markup, "pre", position, len(markup))
        self._open("pre")
        code = _COLOURING.sub("", markup[position:end].replace("</li>", "\n"))  # lines with numbers are items
        self.read(code.rstrip("\n") + "<wbr>")  # text behind the last tag would lose its lines
        self._close("pre")
        return behind(markup, end)

    def is_smiley(self, attributes: str) -> bool:
        """Emoticons of all versions."""
        return "emoticon" in attributes or "ipsEmoji" in attributes or "emoji" in attributes

    def image(self, attributes: str) -> None:
        """Smilies give their text; pictures that members uploaded count as attachments."""
        super().image(attributes)
        if "data-fileid=" in attributes and not self.is_smiley(attributes):
            url = attribute(attributes, "data-src") or attribute(attributes, "src")
            if url and not url.startswith("data:"):
                self.attach(url, attribute(attributes, "alt"))

    def _link(self, words: list[str], attributes: str, markup: str, position: int) -> int | None:
        """None for a link of the author's own; mentions and attachments are none, their text stays."""
        if "data-mentionid=" in attributes or "data-wrappedlink" in attributes or "data-ipslightbox" in attributes:
            return position
        href = attribute(attributes, "href")
        if not href or href.startswith(("#", "javascript:")):
            return position
        if "ipsAttachLink" in words or "ipb-attach-url" in attributes or "module=attach" in href:
            end = closing(markup, "a", position, len(markup))
            content = markup[position:end]
            picture = _IMAGE.search(content)
            self.attach(href, inline_text(content) or (attribute(picture[1], "alt") if picture else None))
            if picture:  # the smaller picture inside stands for the same file
                self.text(inline_text(content).replace("&", "&amp;"))
                return end
            return position
        return None

    def _attached(self, markup: str, position: int) -> int:
        """The box of files under a post of IP.Board."""
        end = closing(markup, "div", position, len(markup))
        for anchor in _ANCHOR.finditer(markup, position, end):
            href = attribute(anchor[1], "href")
            if href and any(sign in href for sign in _ATTACHMENTS):
                name = inline_text(anchor[2])
                picture = _IMAGE.search(anchor[2])
                if name or not any(known.url == href for known in self.attachments):
                    self.attachments = [known for known in self.attachments if known.url != href]
                    self.attach(href, name or (attribute(picture[1], "alt") if picture else None))
        self.block()
        return behind(markup, end)

    def _edit(self, name: str, markup: str, position: int) -> int:
        end = closing(markup, name, position, len(markup))
        line = markup[position:end]
        reason = line.find("<br")
        line = line[:reason] if reason >= 0 else line
        self.edit_line = inline_text(line)
        self.edited = bool(self.edit_line)
        time = first_time(line)
        self.edited_at = time[0] if time else None
        self.block()
        return behind(markup, end)

    def _cite(self, name: str, markup: str, position: int) -> None:
        """What stands above a quote: who wrote it, and where."""
        heading = markup[position : closing(markup, name, position, len(markup))]
        post_id = next((found for href in _HREF.findall(heading) if (found := post_id_of(plain_href(href)))), None)
        said = inline_text(heading)
        told = said.split(", on ")
        if len(told) == 2 and told[0] and said.endswith("said:"):  # the software's own English
            self._citation = post_id, told[0].strip("'\"")
            return
        known = [author for author in self._authors() if said.startswith(author) and len(author) < len(said)]
        if known:
            self._citation = post_id, max(known, key=len)
        elif (named := (_QUOTED_AT.search(said) if "@" in said else None) or _QUOTED.match(said)) is not None:
            self._citation = post_id, named[1].strip()
        else:
            named = _SAID.match(said)
            self._citation = post_id, named[1].strip() if named else None

    def _quote(self, name: str, attributes: str, markup: str, position: int) -> int:
        end = closing(markup, name, position, len(markup))
        if self._depth >= _DEEPEST:
            return behind(markup, end)
        attributes = attributes.replace('"data-', '" data-')  # 3.3 and 3.4: class='ipsBlockquote'data-author="..."
        content = markup[position:end]
        if name == "div" and (wrapped := _INNER_QUOTE.match(content)):
            content = content[wrapped.end() :]
        if (built := _BUILT.match(content)) is not None:
            self._cite("p", content, built.start(1))
            content = content[built.end() :]
        inner = Body(self._authors, self._depth + 1)
        inner.read(content)
        cited = self._citation if self._citation != (None, None) else inner._citation
        self._citation = (None, None)
        author = attribute(attributes, "data-ipsquote-username") or attribute(attributes, "data-author")
        author = author or attribute(attributes, "data-cite") or cited[1]
        post_id = _target(attributes) or cited[0]
        if (post_id is None or not author) and (stated := _STATED.match(content)) is not None:
            cited = _stated(stated[1])
            is_elsewhere = "data-ipsquote-contenttype" in attributes  # of another application
            post_id, author = post_id or (None if is_elsewhere else cited[0]), author or cited[1]
        quote = Quote(post_id=post_id, author=author or None, text=inner.result())
        self.quotes += [quote, *inner.quotes]
        self.block()
        return behind(markup, end)


def _stated(heading: str) -> tuple[str | None, str | None]:
    """Id and author that a quote's own heading names: "On 3/1/2023 at 9:00 AM, Ada said:"."""
    post_id = next((found for href in _HREF.findall(heading) if (found := post_id_of(plain_href(href)))), None)
    name = _SAID_BY.match(inline_text(heading))
    return post_id, name[1] if name else None


def _target(attributes: str) -> str | None:
    """Id of the quoted post; None where it is of another application, such as a blog."""
    if (attribute(attributes, "data-ipsquote-contenttype") or "forums") != "forums":
        return None
    number = attribute(attributes, "data-ipsquote-contentcommentid") or attribute(attributes, "data-cid")
    return number if number and number.isdecimal() and number != "0" else None
