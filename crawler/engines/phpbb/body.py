"""The body of a phpBB post: own words, quotes with their targets, links, files placed in the text.

Quotes come in these markups: phpBB 2 a table with the name in `span.genmed` and `td.quote`; subSilver 2
`div.quotetitle` and `div.quotecontent`; prosilver `blockquote > div > cite`, whose link has `data-post-id` since 3.2.
"""

import re
from collections.abc import Collection

from crawler.engines.html import attribute, behind, closing, inline_text
from crawler.engines.html_tags import CLASS
from crawler.engines.phpbb.addresses import post_id_of, user_id_of
from crawler.engines.post_body import PostBody
from crawler.records import Attachment, Quote

_CITE = re.compile(r"\s*(?:<div[^<>]*>\s*)?<cite[^<>]*>")
_POST_ID = re.compile(r'\sdata-post-id="(\d+)"')
_LINK = re.compile(r'<a\b[^<>]*\shref="([^"]*)"[^<>]*>((?:[^<]++|<(?!/a>)){0,2000})</a>')
_NAME = re.compile(r'<(?:a|span)\b[^<>]*\sclass="[^"]*\busername[^<>]*>([^<]+)<')
_LEGACY_CELL = re.compile(r'<td\b[^<>]*\sclass="?(quote|code|spoiler)\w*"?[^<>]*>', re.IGNORECASE)
_LEGACY_REACH = 900
_FILE_ID = re.compile(r"\bid=(\d+)")
_HIDDEN_DATE = re.compile(r'<(span|div)\b[^<>]*\sclass="responsive-hide"[^<>]*>.*?</\1>', re.DOTALL)
_FILE = re.compile(
    r"(?:download/)?file[^/?]*?(?:\?|@|%3F)(?:[\w=&;]*&(?:amp;)?)?id=\d+|download\.php\?id=\d+|download/file[\w-]*\.\w+"
)
_ANCHOR = re.compile(r"<a\b([^<>]*)>((?:[^<]++|<(?!/a>)){0,2000})</a>")
_IMAGE = re.compile(r"<img\b([^<>]*)>")
# How translations word "NAME wrote:" at the head of a quote.
_WROTE = re.compile(
    r"\s+(?:wrote|said|hat geschrieben|schrieb|a écrit|escribió|ha escrito|ha scritto|scrive|schreef|heeft geschreven|"
    r"napisał(?:\(a\)|/a)?|pisze|писал(?:\(а\)|а)?|написал(?:\(а\)|а)?|писав(?:\(ла\)|ла)?|"  # noqa: RUF001
    r"escreveu|skrev|kirjoitti|napsal(?:\(a\)|a)?|napísal(?:\(a\)|a)?|"
    r"írta|píše|pise|escrito|เขียน|yazdı|a scris|έγραψε|wrote on|написа|је написао(?:/ла)?|"  # noqa: RUF001
    r"je napisao(?:/la)?|va escriure|ha escrit|napisal/-a|skrifaði|rašė|"
    r"kirjutas|menulis|đã viết)\s*[:：]?\s*$"  # noqa: RUF001
    r"|\s*(?:写道?|寫道?|写入|寫了|写了|さんが書きました|さんは書きました|님이 썼습니다|님이 작성)\s*[:：]?\s*$",  # noqa: RUF001
    re.IGNORECASE,
)
_PICTURE = re.compile(r"\.(?:gif|png|jpe?g|svg|webp)$", re.IGNORECASE)
_TRAILING = " \u2191\u00bb\u00ab"
_BUTTON = re.compile(r"<(?:input|button)\b|onclick=|spoil", re.IGNORECASE)
_LEFT_OUT = frozenset(
    {"signature", "notice", "codetitle", "attachtitle", "rules", "adsbygoogle", "post-notice", "hidden-sig"}
)
_FILES = frozenset({"attachbox", "inline-attachment", "attachcontent", "thumbnail", "file", "attachtable"})
_CLASSED = frozenset({"div", "dl", "span", "p", "a", "table", "ins", "ul", "section", "aside", "fieldset"})
_DEEPEST = 20


class Body(PostBody):
    """Reads the content of a post's body element."""

    def __init__(self, authors: Collection[str], depth: int = 0) -> None:
        """`authors` are the names on the page: what a quote's heading may begin with.

        `depth` is the number of quotes that the fragment stands in.
        """
        super().__init__(depth)
        self.quotes: list[Quote] = []
        self._files_known: dict[str, int] = {}
        self._authors = authors

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """phpBB's own blocks."""
        if name == "blockquote":
            return self._blockquote(name, attributes, markup, position)
        if name not in _CLASSED:
            return None
        if name == "a":
            return self._link(attributes, position)
        found = CLASS.search(attributes)
        if found is not None:
            words = found[1].split()
            if not _LEFT_OUT.isdisjoint(words):
                self.block()
                return self.past(name, markup, position)
            if not _FILES.isdisjoint(words):
                return self._files(name, markup, position)
            if "codebox" in words:
                return self._code(name, markup, position)
            if "quotetitle" in words:
                return self._titled(name, markup, position)
            if "quotecontent" in words or "quotewrapper" in words:
                return self._wrapped(name, words, markup, position)
        if name == "table":
            return self._table(markup, position)
        return None

    def _tag(self, token: re.Match[str], name: str, markup: str, position: int) -> int:
        if name == "blockquote" and not token[1] and not token[3]:
            return self._blockquote(name, "", markup, position)
        if name == "table" and not token[1] and not token[3] and (after := self._table(markup, position)) is not None:
            return after
        return super()._tag(token, name, markup, position)

    def result(self) -> str:
        """All that was read, as plain text."""
        return super().result().strip()

    # -- links, pictures, files -----------------------------------------------------------------------------------

    def _link(self, attributes: str, position: int) -> int | None:
        """None for a link of the author's own."""
        href = attribute(attributes, "href")
        if href is None or href.startswith(("#", "javascript:")):
            return position
        if _is_file(href):
            self.attach(href, None)
            return position
        return None

    def is_smiley(self, attributes: str) -> bool:
        """phpBB 3 keeps a smiley's code in `alt`; phpBB 2 has the name of a mood there, which nobody wrote."""
        if "smil" not in attributes and "emoji" not in attributes:
            return False
        alt = attribute(attributes, "alt") or ""
        return 'class="smilies"' in attributes or (not alt.replace(" ", "").isalpha() and _PICTURE.search(alt) is None)

    def image(self, attributes: str) -> None:
        """Smilies give their text; uploaded pictures are attachments."""
        if 'class="smilies"' in attributes:
            at = attributes.find(' alt="') + 6
            if at >= 6:
                self.text(attributes[at : attributes.find('"', at)])
            return
        super().image(attributes)
        if "file" in attributes or "download" in attributes:
            source = attribute(attributes, "src")
            if source and _is_file(source):
                self.attach(source, attribute(attributes, "alt"))

    def attach(self, url: str, name: str | None) -> None:
        """Adds a file, once."""
        key = _file_key(url)
        index = self._files_known.setdefault(key, len(self.attachments))
        if index == len(self.attachments):
            self.attachments.append(Attachment(url=url, name=name or None))
        elif name and self.attachments[index].name is None:
            self.attachments[index] = Attachment(url=self.attachments[index].url, name=name)

    def read_files(self, markup: str) -> None:
        """Files of a box or list of attachments."""
        for tag, label in _ANCHOR.findall(markup):
            href = attribute(tag, "href")
            if href and _is_file(href):
                image = _IMAGE.search(label)
                self.attach(href, inline_text(label) or (attribute(image[1], "alt") if image else None))
        for tag in _IMAGE.findall(markup):
            source = attribute(tag, "src")
            if source and _is_file(source):
                self.attach(source, attribute(tag, "alt"))

    def _files(self, name: str, markup: str, position: int) -> int:
        end = closing(markup, name, position, len(markup))
        self.read_files(markup[position:end])
        self.block()
        return behind(markup, end)

    # -- code -----------------------------------------------------------------------------------------------------

    def _code(self, name: str, markup: str, position: int) -> int | None:
        """A box of code: its label ("Code: Select all") is left out."""
        self.block()
        end = closing(markup, name, position, len(markup))
        for sign in ("<pre", "<code"):
            if (at := markup.find(sign, position, end)) >= 0:
                return at
        return None

    # -- quotes ---------------------------------------------------------------------------------------------------

    def _quote(self, heading: str, attributes: str, content: str) -> None:
        if self._depth >= _DEEPEST:
            return
        inner = Body(self._authors, self._depth + 1)
        inner.read(content)
        author, post_id = self._quoted(heading), _target(heading, attributes)
        self.quotes += [Quote(post_id=post_id, author=author, text=inner.result()), *inner.quotes]

    def _blockquote(self, name: str, attributes: str, markup: str, position: int) -> int:
        end = closing(markup, name, position, len(markup))
        heading, start = "", position
        if (cite := _CITE.match(markup, position, end)) is not None:
            stop = markup.find("</cite>", cite.end(), end)
            if stop >= 0:
                heading, start = markup[cite.end() : stop], stop + 7
        elif (found := markup.find('class="quotetitle', position, min(position + 200, end))) >= 0:
            opened = markup.find(">", found, end) + 1
            stop = closing(markup, "div", opened, end)
            heading, start = markup[opened:stop], stop
        self._quote(heading, attributes, markup[start:end])
        self.block()
        return behind(markup, end)

    def _titled(self, name: str, markup: str, position: int) -> int:
        """`div.quotetitle`: heading of the quote that follows, or of a spoiler, whose words are the author's own."""
        end = closing(markup, name, position, len(markup))
        after = behind(markup, end)
        heading = markup[position:end]
        content = markup.find('class="quote', after, after + 200)
        if _BUTTON.search(heading) or content < 0:
            self.block()
            following = markup.find(">", content) + 1 if content >= 0 else after
            return following or after
        opened = markup.find(">", content) + 1
        if not opened:
            return after
        stop = closing(markup, "div", opened, len(markup))
        self._quote(heading, "", markup[opened:stop])
        self.block()
        return behind(markup, stop)

    def _wrapped(self, name: str, words: list[str], markup: str, position: int) -> int | None:
        """A quote without a heading, or a wrapper around heading and quote."""
        if "quotewrapper" in words:
            self.block()
            return position
        end = closing(markup, name, position, len(markup))
        self._quote("", "", markup[position:end])
        self.block()
        return behind(markup, end)

    def _table(self, markup: str, position: int) -> int | None:
        """phpBB 2: a table of two rows, heading and words; None for any other table."""
        cell = _LEGACY_CELL.search(markup, position, position + _LEGACY_REACH)
        if cell is None or "<table" in markup[position : cell.start()]:
            return None
        end = closing(markup, "table", position, len(markup))
        if cell.end() > end:
            return None
        stop = closing(markup, "td", cell.end(), end)
        content = markup[cell.end() : stop]
        if cell[1].lower() == "quote":
            self._quote(markup[position : cell.start()], "", content)
        elif cell[1].lower() == "code":
            self.block()
            self.read(content)
        else:
            self.block()
            self.read(content)
        self.block()
        return behind(markup, end)

    def _quoted(self, heading: str) -> str | None:
        """Name in a heading such as `<a>NAME</a> wrote: <a>↑</a><div>date</div>`."""
        if (named := _NAME.search(heading)) is not None:
            return inline_text(named[1]) or None
        for href, label in _LINK.findall(heading):
            if user_id_of(href.replace("&amp;", "&")) and (name := inline_text(label)):
                return name
        if "responsive-hide" in heading:
            heading = _HIDDEN_DATE.sub("", heading)
        said = inline_text(heading).rstrip(_TRAILING).strip()
        if not said:
            return None
        if (found := _WROTE.search(said)) is not None:
            return said[: found.start()].strip() or None
        known = [name for name in self._authors if said.startswith(name) and len(name) < len(said)]
        if known:
            return max(known, key=len)
        if not said.endswith((":", "：")):  # noqa: RUF001
            return said  # as BBCode [quote="Some source"] without a verb
        words = said.rstrip(":： ").rsplit(" ", 1)  # noqa: RUF001
        return words[0] if len(words) > 1 else None


def _target(heading: str, attributes: str) -> str | None:
    if (found := _POST_ID.search(heading)) is not None:
        return found[1]
    cited = attribute(attributes, "cite") if attributes else None
    hrefs = [href.replace("&amp;", "&") for href, _ in _LINK.findall(heading)] if "<a" in heading else []
    for href in (*hrefs, cited):
        if href and ("viewtopic" in href or href.startswith("#p")) and (post_id := post_id_of(href)) is not None:
            return post_id
    return None


def _is_file(url: str) -> bool:
    """Whether an address is that of an uploaded file."""
    return ("file" in url or "download" in url) and "avatar=" not in url and _FILE.search(url) is not None


def _file_key(url: str) -> str:
    found = _FILE_ID.search(url)
    return found[1] if found else url
