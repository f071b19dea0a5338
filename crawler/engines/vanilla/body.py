"""The body of a Vanilla post: own words, quotes with their targets, links, files placed in the text.

Quotes come as `blockquote.Quote` or `.UserQuote` with a `.QuoteAuthor` line (Quotes plugin, BBCode), with a bare
"<a>Ann</a> said:" at their beginning (HTML posts of 2.0), with such a line in the first `.blockquote-content` (BBCode
since 2.8), or, of the rich editor, as an element that holds the quoted post as JSON: `.js-embed[data-embedjson]`,
before 2.8 `.js-quoteEmbed[data-json]`.
"""

import re
from collections.abc import Mapping

from crawler.engines.html import attribute, behind, closing, decoded, element, inline_text
from crawler.engines.json_fields import text_of
from crawler.engines.json_text import Json, NotJsonError, decode
from crawler.engines.post_body import PostBody
from crawler.engines.said import SAID, SAID_UNPARTED
from crawler.engines.vanilla.addresses import post_id_of
from crawler.records import Quote

_CLASS = re.compile(r'\sclass="([^"]*)"')
_EMBED = re.compile(r"\sdata-(?:embed)?json=(?:\"([^\"]*+)\"|'([^']*+)')", re.IGNORECASE)
_HREF = re.compile(r'\shref="([^"]*)"')
# How a quote without a line of its own for its author begins.
_BARE_HEADER = re.compile(
    r'\s*+(?:<(?:p|div)\b[^<>]*>\s*+){0,3}+(?:<(?:b|strong|cite)\b[^<>]*>\s*+)?(<a\b[^<>]*\shref="[^"]*(?:/profile/|discussion/)'
    r"[^<>]*>[^<>]*</a>)\s*+(?:</(?:b|strong|cite)>\s*+)?[^<>:：]{0,30}+[:：]\s*+(?:</(?:b|strong|cite)>\s*+)?(?:<br\b[^<>]*>)?"  # noqa: RUF001
)
# The arrow that links to the quoted post ends a header, which on newer sites has no class of its own (BBCode).
_ARROW = re.compile(r'<a\b[^<>]*\sclass="[^"<>]*\bQuoteLink\b[^<>]*>[^<]*</a>')
_LONGEST_HEADER = 1_000
_SAID = re.compile(
    rf"^(?:@|Originally posted by )?(.*?)\s*(?:(?: (?:{SAID})| ?(?:{SAID_UNPARTED}))?\s*[:：])?[ »↑]*$",  # noqa: RUF001
    re.DOTALL | re.IGNORECASE,
)
_DRAWN_NAME = re.compile(r'<a\b[^<>]*\shref="[^"]*/profile/[^"]*"[^<>]*>([^<]+)</a>')
_LEFT_OUT = frozenset(
    {"QuoteAuthor", "blockquote-author", "QuoteLink", "SpoilerTitle", "Signature", "UserSignature", "Reactions"}
    | {"Attachments", "AttachmentList", "AttachFileContainer", "editor-upload-previews", "DateUpdated", "adsbygoogle"}
    | {"spoiler-buttonContainer", "embedExternal-metaLink"}
)
_CLASSED = frozenset({"div", "span", "a", "ul", "ins", "section", "aside", "p", "cite", "figure"})
_UPLOADS = ("/uploads/", "/discussion/download/", "/FileUpload/", "/api/v2/media/")
_DEEPEST = 20


class Body(PostBody):
    """Reads the content of `div.Message`."""

    def __init__(self, depth: int = 0) -> None:
        """`depth` is the number of quotes that the fragment stands in."""
        super().__init__(depth)
        self.quotes: list[Quote] = []

    def read(self, markup: str) -> "Body":
        """Adds a fragment."""
        if "<blockquote>" in markup:  # Markdown's; elements without attributes are not looked at closely
            markup = markup.replace("<blockquote>", '<blockquote class="Quote">')
        super().read(markup)
        return self

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """Vanilla's own blocks."""
        if name == "blockquote":
            return self._quote(attributes, markup, position)
        if name not in _CLASSED:
            return None
        if ("json=" in attributes or "Json=" in attributes) and (
            after := self._embed(name, attributes, markup, position)
        ) is not None:
            return after
        found = _CLASS.search(attributes)
        words = found[1].split() if found else []
        if words and not _LEFT_OUT.isdisjoint(words):
            if name != "span":
                self.block()
            return self.past(name, markup, position)
        return self._link(words, attributes, position) if name == "a" else None

    def _link(self, words: list[str], attributes: str, position: int) -> int | None:
        """None for a link of the author's own; mentions, files and anchors are none, their text stays."""
        href = attribute(attributes, "href")
        if href is None or href.startswith(("#", "javascript:")) or "atMention" in words or "/profile/" in href:
            return position
        if any(place in href for place in _UPLOADS):
            self.attach(href, attribute(attributes, "download"))
            return position
        return None

    def image(self, attributes: str) -> None:
        """Smilies give their text; pictures that the site keeps are files of the post."""
        super().image(attributes)
        source = attribute(attributes, "src")
        if source and not self.is_smiley(attributes) and ("/uploads/" in source or "embedImage-img" in attributes):
            self.attach(source, attribute(attributes, "alt"))

    # -- what the rich editor embeds --------------------------------------------------------------------------------

    def _embed(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """A quote, file or picture given as JSON; None for other things, whose link is read as it stands."""
        found = _EMBED.search(attributes)
        data = _json(decoded(found[1] or found[2] or "")) if found else {}
        inner = data.get("attributes")  # where 2.6 and 2.7 keep what describes a quote
        fields = {**data, **inner} if isinstance(inner, dict) else data
        kind = data.get("embedType") or data.get("type")
        if kind == "quote":
            if self._depth < _DEEPEST:
                self._quoted_record(fields)
            self.block()
            return self.past(name, markup, position)
        if kind in {"file", "image"} and isinstance(url := fields.get("url"), str):
            self.attach(url, text_of(fields.get("name")))
            self.block()
            return self.past(name, markup, position)
        return None

    def _quoted_record(self, fields: Mapping[str, Json]) -> None:
        inner = Body(self._depth + 1)
        if isinstance(body := fields.get("body"), str):
            inner.read(body)
        record, kind = fields.get("recordID"), text_of(fields.get("recordType"))
        post_id = None
        if isinstance(record, (int, str)) and str(record).isdecimal():
            post_id = f"Discussion_{record}" if kind == "discussion" else str(record)
        for key, known in (("commentID", ""), ("discussionID", "Discussion_")):
            if post_id is None and isinstance(number := fields.get(key), int):
                post_id = f"{known}{number}"
        if post_id is None and (url := text_of(fields.get("url"))):
            post_id = post_id_of(url)
        user = fields.get("insertUser")
        author = text_of(user.get("name")) if isinstance(user, dict) else None
        self.quotes += [Quote(post_id=post_id, author=author, text=inner.result()), *inner.quotes]

    # -- blockquotes ------------------------------------------------------------------------------------------------

    def _quote(self, attributes: str, markup: str, position: int) -> int:
        end = closing(markup, "blockquote", position, len(markup))
        self.block()
        if self._depth >= _DEEPEST:
            return behind(markup, end)
        content = markup[position:end]
        header, content = _header(content)
        inner = Body(self._depth + 1)
        text = inner.read(content).result()
        targets = (post_id_of(href) for href in _HREF.findall(header))
        quote = Quote(post_id=next(filter(None, targets), None), author=_author(attributes, header), text=text)
        self.quotes += [quote, *inner.quotes]
        return behind(markup, end)


def _header(content: str) -> tuple[str, str]:
    """(markup that says whom the quote quotes, the rest) of a quote's content."""
    nested = content.find("<blockquote")
    limit = nested if nested >= 0 else len(content)
    for name in ("QuoteAuthor", "blockquote-author"):
        if (found := element(content, name, 0, limit)) is not None:
            return found[1], content  # it is left out where it stands
    if "userContent" in content[:limit] and (words := element(content, "userContent", 0)) is not None:
        # The rich editor's quote as a browser has drawn it: who and when, then the words.
        before = content[: content.find(words[0])]
        return before, words[1]
    arrow = _ARROW.search(content, 0, limit)
    if arrow is not None and arrow.end() < _LONGEST_HEADER:
        return content[: arrow.end()], content[arrow.end() :]
    bare = _BARE_HEADER.match(content, 0, limit)
    if bare is not None:
        return bare[0], content[bare.end() :]
    return "", content


def _author(attributes: str, header: str) -> str | None:
    if (named := attribute(attributes, "rel")) and named != "nofollow":
        return named
    link = element(header, "QuoteLink")
    if link is not None:
        header = header.replace(link[0] + link[1], "<i>", 1)
    drawn = _DRAWN_NAME.search(header)
    if drawn is not None and "<time" in header:
        return inline_text(drawn[1]) or None
    said = inline_text(header)
    found = _SAID.match(said) if said else None
    return (found[1].strip() or None) if found else None


def _json(text: str) -> dict[str, Json]:
    try:
        data = decode(text.encode("utf-8", errors="replace"))
    except NotJsonError:
        return {}
    return data if isinstance(data, dict) else {}
