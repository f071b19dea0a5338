"""The body of a vBulletin post: own words, quotes with their targets, links, attachments placed in the text.

Quotes come in three markups. Version 3: a `div` with margins, a label ("Quote:"), and a table or box that begins with
"Originally Posted by <strong>NAME</strong>" and a link to the post. Version 4: `div.bbcode_quote` with
`.bbcode_postedby` and `.message`. Versions 5 and 6: the same, with `b-` names in places.
"""

import re

from crawler.engines.html import Prose, attribute, closing, element, inline_text
from crawler.engines.vbulletin.addresses import post_id_of
from crawler.records import Attachment, Quote

_CLASS = re.compile(r'\sclass="([^"]*)"')
_STYLED = re.compile(r'\sstyle="[^"]*margin')
# A label alone in its element, as version 3 writes it above quotes, code and what modifications add.
_LABEL = re.compile(
    r"\s*<(div|span|label|legend|strong|b)\b[^<>]*>(?:\s*<(?:label|strong|b|span|i)\b[^<>]*>)*\s*"
    r"([^<>:]{1,40}?)\s*:?\s*:?\s*(?:</(?:label|strong|b|span|i)>\s*)*:?\s*</\1>"
)
_QUOTE_WORDS = frozenset(
    {"quote", "zitat", "citation", "citat", "cita", "citazione", "citação", "citaat", "citát", "цитата", "цитат"}
    | {"cytat", "idézet", "alıntı", "alinti", "lainaus", "sitat", "tsitaat", "citira", "citiraj", "citatas"}  # noqa: RUF001
    | {"اقتباس", "نقل قول", "ציטוט", "παράθεση", "παραθεση", "引用", "引文", "인용", "trích dẫn", "kutipan", "quota"}
    | {"citar", "cite", "originally posted", "trích", "tilvitnun", "цитування", "quoting"}
)
_QUOTES = frozenset({"bbcode_quote", "quote_container", "bbquote", "b-bbcode-quote", "b-quote", "quotebox", "quote"})
_WRAPPERS = frozenset({"bbcode_container", "vb_quote"})
# Parts of a body that are not its author's words.
_LEFT_OUT = frozenset(
    {"bbcode_quote_container", "bbcode_description", "signature", "signaturecontainer", "post-signature", "lastedited"}
    | {"b-post__edit", "adsbygoogle", "attachments", "vbseo_buttons", "vbseo_liked", "vbseo_like_postbit", "ads"}
    | {
        "tapatalkSignatur",
        "tapatalkSignature",
        "dbtech_thanks",
        "js-post__edit",
        "ad_block",
        "bbcode_expand",
        "expandquote",
        "b-bbcode__description",
    }
)
_HREF = re.compile(r'<a\b[^<>]*\shref="([^"]*)"')
_NAME = re.compile(r"<(strong|b)\b[^<>]*>((?:(?!</\1>).){1,400})</\1>", re.DOTALL)
_FILE = re.compile(
    r"attachment\.php\?[^\"]*attachmentid=|(?:^|/)attachments/[^\"]*\d|filedata/fetch\?|attachment\.php/\d"
)
_FILE_NAME = re.compile(r":\s*([^:\s][^:]{0,120}?\.\w{2,5})(?=\s|$)")
_THUMB = re.compile(r"[?&](?:stc|thumb|d|s|type)=\w*")
_LEGEND = re.compile(r"\s*<legend\b[^<>]*>((?:(?!</legend>).){0,1500}+)</legend>", re.DOTALL)
_DEEPEST = 12
_CLASSED = frozenset({"div", "blockquote", "table", "fieldset", "span", "ins", "aside", "section", "p", "ul"})


class Body(Prose):
    """Reads the content of a post's message."""

    def __init__(self, depth: int = 0) -> None:
        """`depth` is the number of quotes that the fragment stands in."""
        super().__init__()
        self.quotes: list[Quote] = []
        self.attachments: list[Attachment] = []
        self._depth = depth

    def is_smiley(self, attributes: str) -> bool:
        """Whether the picture stands for its alternative text."""
        return "inlineimg" in attributes or "smilie" in attributes or "emoji" in attributes

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """vBulletin's own blocks."""
        if name == "a":
            return self._link(attributes, markup, position)
        if name not in _CLASSED:
            return None
        found = _CLASS.search(attributes)
        if found:
            words = found[1].split()
            if not _QUOTES.isdisjoint(words):
                return self._quote(name, markup, position)
            if not _LEFT_OUT.isdisjoint(words):
                self.block()
                return self.past(name, markup, position)
            if not _WRAPPERS.isdisjoint(words) and self._is_quote(name, markup, position):
                return self._quote(name, markup, position)
        if name == "div" and _STYLED.search(attributes):
            return self._labelled(markup, position)
        return None

    def image(self, attributes: str) -> None:
        """Smilies give their text; pictures in the text that are attachments count as such."""
        source = attribute(attributes, "src") or ""
        if _FILE.search(source):
            self._attach(source, _named(attribute(attributes, "alt")))
            return
        super().image(attributes)

    def _link(self, attributes: str, markup: str, position: int) -> int | None:
        """None for a link of the author's own."""
        href = attribute(attributes, "href")
        if href is None or href.startswith(("#", "javascript:")) or "/cdn-cgi/l/email-protection" in href:
            return position
        if _FILE.search(href):
            end = closing(markup, "a", position, min(len(markup), position + 2_000))
            picture = re.search(r"<img\b([^<>]*)>", markup[position:end])
            name = _named(attribute(picture[1], "alt") if picture else None) or inline_text(markup[position:end])
            self._attach(href, name or None)
            return self.past("a", markup, position) if picture else position
        return None

    def _attach(self, url: str, name: str | None) -> None:
        key = file_key(url)
        if all(file_key(known.url) != key for known in self.attachments):
            self.attachments.append(Attachment(url=url, name=name))

    def result(self) -> str:
        """All that was read; templates indent the words that they hold."""
        return super().result().strip()

    # -- quotes ---------------------------------------------------------------------------------------------------

    def _is_quote(self, name: str, markup: str, position: int) -> bool:
        end = closing(markup, name, position, len(markup))
        start = markup[position : min(end, position + 1_500)]
        return (
            "bbcode_quote" in start or "quote_container" in start or 'class="message"' in start or bool(_target(start))
        )

    def _labelled(self, markup: str, position: int) -> int | None:
        """A block of version 3 below a label: quotes are taken; of others, such as code, only the label goes."""
        label = _LABEL.match(markup, position)
        if label is None:
            return None
        word = inline_text(label[2]).casefold()
        after = markup[label.end() : label.end() + 1_500].lstrip()
        if word in _QUOTE_WORDS or (_target(after[:1_000]) and _NAME.search(after[:1_000])):
            return self._quote("div", markup, position, label.end())
        if after.startswith(("<pre", "<div")) and ("<pre" in after[:8] or "<code" in after[:400]):
            self.block()
            return label.end()
        if after.startswith("<table") and "<pre" not in after and "<input" not in label[0]:
            return self._quote("div", markup, position, label.end())
        return None

    def _quote(self, name: str, markup: str, position: int, start: int | None = None) -> int:
        end = closing(markup, name, position, len(markup))
        after = markup.find(">", end) + 1 or len(markup)
        if self._depth >= _DEEPEST:
            return after
        content = markup[start or position : end]
        heading, words = _split(content)
        inner = Body(self._depth + 1).read(words)
        assert isinstance(inner, Body)
        named = _NAME.search(heading)
        author = inline_text(named[2]) if named else None
        if heading and not author:
            author = _worded(inline_text(heading))
        self.quotes += [Quote(post_id=_target(heading), author=author or None, text=inner.result()), *inner.quotes]
        self.block()
        return after


_POSTED = re.compile(
    r"^(?:Originally posted by|Posted by|Zitat von|Envoyé par|Сообщение от|Mensaje de|Escrito (?:originalmente )?por|"
    r"Originariamente inviato da|Oorspronkelijk geplaatst door|Originally Posted By:?)\s+(.{1,80}?)(?:\s+View Post)?$",
    re.IGNORECASE,
)


def _worded(text: str) -> str | None:
    found = _POSTED.match(text)
    return found[1] if found else None


_FRAMES = 8
"""How many elements without words of their own may stand around a quote's heading."""
_LONGEST_HEADING = 1_500


def _split(content: str) -> tuple[str, str]:
    """What a quote says of its source, and the quoted words' markup."""
    by = element(content, "bbcode_postedby")
    if by is not None:
        at = content.find(by[1]) + len(by[1])
        message = element(content, "message", at)
        return by[1], message[1] if message else content[at:]
    message = element(content, "message")
    if message is not None:
        return content[: content.find(message[0])], message[1]
    if (inner := element(content, "quote_container")) is not None:  # a quote of nobody
        return "", inner[1]
    if (legend := _LEGEND.match(content)) is not None:
        return legend[1], content[legend.end() :]
    # Version 3: a first <div> that holds the name, then one with the words; others may stand around both.
    opened = content.find("<div")
    for _ in range(_FRAMES):
        start = content.find(">", opened) + 1 if opened >= 0 else 0
        if not start:
            break
        limit = min(len(content), start + _LONGEST_HEADING)
        inner_div = content.find("<div", start, limit)
        if inner_div >= 0 and not _NAME.search(content, start, inner_div) and "</div" not in content[start:inner_div]:
            opened = inner_div
            continue
        end = closing(content, "div", start, limit)
        first = content[start:end]
        if end < limit and _NAME.search(first) and (_target(first) or _is_heading(first)):
            return first, content[end + len("</div>") :]
        break
    return "", content


def _is_heading(first: str) -> bool:
    """Whether it is "Originally Posted by NAME": few words, the name last."""
    before, _, rest = first.partition("<strong>")
    return bool(rest) and 0 < len(inline_text(before)) <= 40 and not inline_text(rest.partition("</strong>")[2])


def _target(heading: str) -> str | None:
    for href in _HREF.findall(heading):
        if (post_id := post_id_of(href.replace("&amp;", "&"))) is not None:
            return post_id
    return None


def _named(alt: str | None) -> str | None:
    """File name in a picture's text: "Click image for larger version. Name: x.jpg Views: 3 Size: 4 KB"."""
    if not alt:
        return None
    found = _FILE_NAME.search(" ".join(alt.split()))
    return found[1] if found else (alt if re.fullmatch(r"[^\s/]{1,120}\.\w{2,5}", alt) else None)


def file_key(url: str) -> str:
    """What makes two addresses one file: sizes and sessions do not."""
    found = re.search(r"attachmentid=(\d+)|[?&;](?:photo)?id=(\d+)|attachment\.php/(\d+)", url)
    return found[found.lastindex or 0] if found else _THUMB.sub("", url)


class _Files(Body):
    """Reads a list of attachments, whatever its elements are called."""

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """Links only."""
        return self._link(attributes, markup, position) if name == "a" else None


def files_of(markup: str) -> list[Attachment]:
    """Each file in a list of attachments; addresses as written."""
    if "attachment.php" not in markup and "attachments/" not in markup and "filedata/fetch" not in markup:
        return []
    files = _Files()
    files.read(markup)
    return files.attachments
