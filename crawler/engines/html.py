"""What every HTML engine needs: tags, plain text, absolute addresses, instants, numbers, and challenge pages.

Forum software writes its pages by template, so its engines read tags off the text and never build a tree: finding and
cutting strings costs a fraction of parsing, and `tidy` brings pages that something else has rewritten (upper-case tags,
attributes without quotes) back to that form with a real parser. An engine that holds a node of a tree passes
`node.html`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from html import unescape
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from crawler.engines.page import Page

# A start tag, an end tag, or (no group 2) a comment. Attribute values may hold ">", as browsers write them when they
# save a page. Every repetition is possessive and counted, so that no input makes the search run away.
TAG = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)((?:[^>\"']++|\"[^\"]*+\"|'[^']*+'|[\"']){0,400}+)>|<!--.*?-->|<[!?][^>]*+>",
    re.DOTALL,
)
_ANY_TAG = re.compile(r"<!--.*?-->|<[/!a-zA-Z](?:[^>\"']++|\"[^\"]*+\"|'[^']*+'|[\"']){0,400}+>", re.DOTALL)
_VOID = re.compile(r"<(?:br|hr|img|input|link|meta|source|wbr|p|li|!)\b|<!--", re.IGNORECASE)
_MOST_OPEN = 5_000
# Names that no other element's name begins with.
_UNMISTAKABLE = frozenset({"article", "blockquote", "div", "dl", "section", "span", "ul"})
_ALT = re.compile(r'\salt="([^"]+)"')
_EPOCH = re.compile(r'\sdata-(?:timestamp|time)="(\d{6,11})"')
_DATETIME = re.compile(r'\sdatetime="([^"]+)"')
_ZONE = re.compile(r"([+-]\d\d):?(\d\d)$|Z$")
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:(?:\s|[.,'’])\d{3}|,\d\d(?=,))+(?!\d)|\d+(?:[.,]\d{1,2}(?!\d))?)")  # noqa: RUF001
_DECIMALS = re.compile(r"[.,](\d{1,2})$")
# Shortened counts, as the translations of XenForo, Discourse and others write them.
_THOUSAND = ("k", "tsd", "t", "tys", "тыс", "тис", "mil", "rb", "b", "千", "천")
_MILLION = ("m", "mio", "mln", "млн", "mi", "jt", "百万", "백만")
_TEN_THOUSAND = ("万", "萬", "만")
_SUFFIX = re.compile(r"\s*([^\W\d_]+)")


# -- tags ---------------------------------------------------------------------------------------------------------


def tidy(markup: str) -> str:
    """The page as a parser writes it: lower-case names, double quotes, every element closed; "" if it cannot."""
    # The parser's time grows with the square of the depth; no page is thousands of elements deep.
    if markup.count("<") - 2 * markup.count("</") - len(_VOID.findall(markup)) > _MOST_OPEN:
        return ""
    try:
        return LexborHTMLParser(markup).html or ""
    except (SelectolaxError, ValueError, RuntimeError):
        return ""


@lru_cache(maxsize=256)
def _attribute(name: str) -> re.Pattern[str]:
    return re.compile(rf'\s{re.escape(name)}="([^"]*)"')


def attribute(tag: str, name: str) -> str | None:
    """Value of a tag's attribute, entities decoded; None where the tag has none. `tag` may be its attributes only."""
    found = _attribute(name).search(tag)
    if found is None:
        return None
    return decoded(found[1])


def tag_at(markup: str, inside: int) -> tuple[int, int] | None:
    """Bounds of the start tag around offset `inside` (such as that of one of its attributes), or None."""
    start = markup.rfind("<", 0, inside)
    # A quote before "<": this is the text of an attribute that shows HTML, such as XenForo's code for embedding.
    if start < 0 or (start and markup[start - 1] in "\"'"):
        return None
    found = TAG.match(markup, start)
    if found is None or found.end() <= inside or found[1] or not found[2]:
        return None
    return start, found.end()


def closing(markup: str, name: str, position: int, limit: int) -> int:
    """Where the end tag of the element opened just before `position` starts; `limit` where it is not closed before."""
    opened, closed = f"<{name}", f"</{name}"
    width, depth = len(opened), 1
    find, count = markup.find, markup.count
    if name in _UNMISTAKABLE:
        while (end := find(closed, position, limit)) >= 0:
            depth += count(opened, position, end) - 1
            if depth == 0:
                return end
            position = end + width
        return limit
    while (end := find(closed, position, limit)) >= 0:
        at = find(opened, position, end)
        while at >= 0:
            if not markup[at + width].isalnum():
                depth += 1
            at = find(opened, at + width, end)
        if not markup[end + width + 1 : end + width + 2].isalnum():
            depth -= 1
            if depth == 0:
                return end
        position = end + width
    return limit


def elements(markup: str, class_name: str, start: int = 0, limit: int | None = None) -> Iterator[tuple[str, str]]:
    """(start tag, content) of each element that has the class, in order; none inside a found one."""
    limit = len(markup) if limit is None else limit
    position = markup.find(class_name, start, limit)
    width = len(class_name)
    while position >= 0:
        following = position + width
        bounds = None
        if _is_word(markup, position, following):
            bounds = tag_at(markup, position)
        if bounds is not None and _in_class(markup, bounds[0], position):
            name = TAG.match(markup, bounds[0])
            assert name is not None
            end = closing(markup, name[2], bounds[1], limit)
            yield markup[bounds[0] : bounds[1]], markup[bounds[1] : end]
            following = max(end, following)
        position = markup.find(class_name, following, limit)


def element(markup: str, class_name: str, start: int = 0, limit: int | None = None) -> tuple[str, str] | None:
    """The first of `elements`."""
    return next(elements(markup, class_name, start, limit), None)


def _is_word(markup: str, start: int, end: int) -> bool:
    return markup[start - 1 : start] in {'"', " ", "\t", "\n"} and markup[end : end + 1] in {'"', " ", "\t", "\n"}


def _in_class(markup: str, tag_start: int, position: int) -> bool:
    opened = markup.rfind('class="', tag_start, position)
    return opened >= 0 and markup.find('"', opened + 7, position) < 0


def decoded(text: str) -> str:
    """Text with its entities decoded."""
    if "&" not in text:
        return text
    # Nearly all entities are one of five; replacing these costs a fraction of html.unescape.
    plain = text.replace("&quot;", '"').replace("&#039;", "'").replace("&lt;", "<").replace("&gt;", ">")
    plain = plain.replace("&nbsp;", "\xa0")
    if plain.count("&") == plain.count("&amp;"):
        return plain.replace("&amp;", "&")
    return unescape(text)


# -- text ---------------------------------------------------------------------------------------------------------


def inline_text(markup: str) -> str:
    """Text of a fragment on one line: tags dropped, entities decoded, white space collapsed."""
    if "<" in markup:
        markup = _ANY_TAG.sub("", markup)
    return " ".join(decoded(markup).split())


# Marks in the text while it is being read. Control characters never stand for themselves in HTML.
_SPACE, _LINE, _TAB = "\x01", "\x02", "\x0e"  # kept as they are: in code
_CELL, _BREAK, _BLOCK, _MARKER = "\x03", "\x04", "\x05", "\x07"
_KEPT = str.maketrans({" ": _SPACE, "\n": _LINE, "\t": _TAB, "\r": None, "\xa0": _SPACE})
_RELEASED = str.maketrans({_SPACE: " ", _LINE: "\n", _TAB: "\t", _CELL: "\t", _MARKER: " "})
_AFTER_MARKER = re.compile(f"{_MARKER}[ {_BLOCK}]*")
_AROUND_CELL = re.compile(f"[ {_BLOCK}]*{_CELL}[ {_BLOCK}]*")
_EMOJI = re.compile("[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff\u200d\ufe0f]+")
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "center", "dd", "details", "div", "dl", "dt", "fieldset"}
    | {"figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main"}
    | {"nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
_DROPPED = frozenset(
    {"audio", "button", "canvas", "embed", "head", "iframe", "map", "math", "meter", "noembed", "noscript", "object"}
    | {"progress", "script", "select", "style", "svg", "template", "textarea", "title", "video"}
)


_EDGES = f" {_BREAK}{_BLOCK}"


def _with_lines(text: str) -> str:
    """Text with line breaks for marks: each <br> is one; the border of a block is one where a line is begun.

    Replacing strings beats one regular expression by far, as it does not stop at every character.
    """
    text = text.replace(f" {_BREAK}", _BREAK).replace(f"{_BREAK} ", _BREAK)
    if _BLOCK in text:
        text = text.replace(f" {_BLOCK}", _BLOCK).replace(f"{_BLOCK} ", _BLOCK)
        for marks, kept in ((f"{_BLOCK}{_BLOCK}", _BLOCK), (f"{_BREAK}{_BLOCK}", _BREAK)):
            while marks in text:
                text = text.replace(marks, kept)
        text = text.replace(_BLOCK, "\n")
    text = text.replace(_BREAK, "\n")
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


class Prose:
    """Reads fragments of HTML into plain text: blocks and <br> as line breaks, list items marked, cells tabbed.

    Code keeps its line breaks and indentation. Pictures give nothing unless they stand for a character. `links` holds
    the addresses of the links as written. Subclasses say in `special` what their software's markup means.
    """

    def __init__(self) -> None:
        self.links: list[str] = []
        self._out: list[str] = []
        self._lists: list[int | None] = []  # per open list: next number, or None for bullets
        self._preformatted = 0
        self._cells = 0
        self._marked = False  # marks other than line breaks are in the text

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """Called for each start tag with attributes; `position` is where its content starts.

        Returns where to read on when the element was dealt with (or is to be left out), else None.
        """
        del name, attributes, markup, position
        return None

    def read(self, markup: str) -> "Prose":
        """Adds a fragment."""
        if "<br" in markup:  # by far the most frequent tag
            markup = markup.replace("<br />", _BREAK).replace("<br>", _BREAK)
        out, position = self._out, 0
        for token in TAG.finditer(markup):
            start = token.start()
            if start < position:
                continue
            if start > position:
                chunk = markup[position:start]
                out.append(chunk.translate(_KEPT) if self._preformatted else chunk)
            position = token.end()
            name = token[2]
            if name == "br":
                out.append(_BREAK)
            elif name:
                position = self._tag(token, name.lower(), markup, position)
        if position < len(markup):
            out.append(markup[position:])
        return self

    def _tag(self, token: re.Match[str], name: str, markup: str, position: int) -> int:
        if token[1]:
            if name in _BLOCKS:
                self._close(name)
            return position
        attributes = token[3]
        if attributes and (after := self.special(name, attributes, markup, position)) is not None:
            return after
        if name in _DROPPED:
            return self.past(name, markup, position)
        if name in _BLOCKS or name == "br":
            self._open(name)
        elif name == "a":
            if (href := attribute(attributes, "href")) is not None:
                self.links.append(href)
        elif name == "img":
            self.image(attributes)
        return position

    @staticmethod
    def past(name: str, markup: str, position: int) -> int:
        """Offset behind the element whose content starts at `position`."""
        limit = len(markup)
        end = closing(markup, name, position, limit)
        return limit if end == limit else markup.find(">", end, limit) + 1 or limit

    def text(self, text: str) -> None:
        """Adds text, entities still encoded."""
        self._out.append(text)

    def block(self) -> None:
        """Starts a new line, unless one has just been started."""
        self._out.append(_BLOCK)

    def image(self, attributes: str) -> None:
        """A picture: its text where it stands for a character."""
        found = _ALT.search(attributes)
        if found and (self.is_smiley(attributes) or _EMOJI.fullmatch(unescape(found[1]))):
            self._out.append(found[1])

    def is_smiley(self, attributes: str) -> bool:
        """Whether the picture stands for its alternative text."""
        return "smilie" in attributes or "emoji" in attributes

    def _open(self, name: str) -> None:
        if name == "br":
            self._out.append(_BREAK)
            return
        self._marked = self._marked or name in {"td", "th", "li", "pre"}
        if name in {"td", "th"}:
            if self._cells:
                self._out.append(_CELL)
            self._cells += 1
            return
        self._out.append(_BLOCK)
        if name == "li":
            number = self._lists[-1] if self._lists else None
            self._out.append(f"{_marker(number)}{_MARKER}")
            if number is not None:
                self._lists[-1] = number + 1
        elif name in {"ul", "ol"}:
            self._lists.append(1 if name == "ol" else None)
        elif name == "tr":
            self._cells = 0
        elif name == "pre":
            self._preformatted += 1

    def _close(self, name: str) -> None:
        if name in {"td", "th"}:
            return
        if name in {"ul", "ol"} and self._lists:
            self._lists.pop()
        elif name == "pre" and self._preformatted:
            self._preformatted -= 1
        self._out.append(_BLOCK)

    def result(self) -> str:
        """All that was read, as plain text."""
        text = "".join(self._out)
        text = _flat(decoded(text))
        if _MARKER in text:
            text = _AFTER_MARKER.sub(_MARKER, text)
        if _CELL in text:
            text = _AROUND_CELL.sub(_CELL, text)
        if _BREAK in text or _BLOCK in text:
            text = _with_lines(text.strip(_EDGES))
        return text.translate(_RELEASED) if self._marked else text


def _flat(text: str) -> str:
    """Text with its white space collapsed; as " ".join(text.split()), but faster where there is little of it."""
    text = text.replace("\n", " ").replace("\xa0", " ").replace("\t", " ").replace("\r", " ").replace("\x0c", " ")
    while "  " in text:
        text = text.replace("    ", " ").replace("  ", " ")
    return text


def _marker(number: int | None) -> str:
    return "-" if number is None else f"{number}."


def plain_text(markup: str) -> str:
    """Plain text of a fragment of HTML, with nothing left out but what is never shown."""
    return Prose().read(markup).result()


# -- addresses, instants, numbers ---------------------------------------------------------------------------------


def absolute(base: str, href: str) -> str:
    """`href` as an absolute address; as it stands where it cannot be one."""
    href = href.strip()
    if href.startswith(("http://", "https://")):
        return href
    if ":" not in href:
        origin, folder = _parts(base)
        while folder and href.startswith("../"):
            above = folder.rfind("/", len(origin), -1)
            folder, href = folder[: above + 1] if above > 0 else folder, href[3:]
        if "/." in href:
            return _joined(folder or base, href)
        if href.startswith("/") and not href.startswith("//") and origin:
            return origin + href
        if href and folder and href[0] not in "./?#":
            return folder + href
    return _joined(base, href)


def _joined(base: str, href: str) -> str:
    try:
        return urljoin(base, href)
    except ValueError:
        return href


@lru_cache(maxsize=256)
def _parts(base: str) -> tuple[str, str]:
    """An address's scheme with host, and all of it up to the last "/" of its path; "" where it has none."""
    try:
        parts = urlsplit(base)
    except ValueError:
        return "", ""
    if not parts.scheme or not parts.netloc or "/" not in parts.path:
        return "", ""
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin, origin + parts.path[: parts.path.rindex("/") + 1]


def from_epoch(seconds: int) -> datetime | None:
    """The instant that many seconds after 1970-01-01, in UTC; None where there is none such."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def from_iso(text: str) -> datetime | None:
    """The instant of an ISO 8601 text with offset, in UTC; None where it is none or has no offset."""
    zone = _ZONE.search(text.strip())
    if zone is None:
        return None
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def instant_of(time_tag: str) -> datetime | None:
    """The instant of a <time> tag: data-timestamp or data-time where they are an epoch, else datetime."""
    if found := _EPOCH.search(time_tag):
        return from_epoch(int(found[1]))
    if found := _DATETIME.search(time_tag):
        return from_iso(found[1])
    return None


def number_of(text: str) -> int | None:
    """The first number in a text, however its thousands are marked: "1,234", "9 379", "1.158", "17K", "1,2M"."""
    if text.isascii() and text.replace(",", "").isdecimal():
        return int(text.replace(",", "")[:18])
    found = _NUMBER.search(text)
    if found is None:
        return None
    digits = found[0]
    suffix = _SUFFIX.match(text, found.end())
    scale = _scale(suffix[1].lower()) if suffix else 1
    if scale > 1 and (decimals := _DECIMALS.search(digits)):
        whole = re.sub(r"\D", "", digits[: decimals.start()]) or "0"
        return int((int(whole) + int(decimals[1]) / 10 ** len(decimals[1])) * scale + 0.5)
    value = int(re.sub(r"\D", "", digits)[:18])
    return -value if digits[0] == "-" else value * scale


def _scale(suffix: str) -> int:
    if suffix in _MILLION:
        return 1_000_000
    if suffix in _TEN_THOUSAND:
        return 10_000
    return 1_000 if suffix in _THOUSAND else 1


# -- challenges ---------------------------------------------------------------------------------------------------

# Lower-case text of the page -> what it is. Each stands only on pages that a guard puts in place of the site's own.
_CHALLENGES = (
    ("<title>just a moment...", 'Cloudflare checks the browser ("Just a moment...")'),
    ("<title>attention required! | cloudflare", 'Cloudflare refuses the request ("Attention Required")'),
    ("cdn-cgi/challenge-platform/h/", "Cloudflare checks the browser"),
    ("window._cf_chl_opt", "Cloudflare checks the browser"),
    ("cf-browser-verification", "Cloudflare checks the browser"),
    ("jschl-answer", "Cloudflare checks the browser"),
    ("/cdn-cgi/l/chk_captcha", "Cloudflare asks for a captcha"),
    ("cf-error-details", "Cloudflare shows an error page of its own"),
    ("ddos-guard", "DDoS-Guard checks the browser"),
    ("please wait for verification", 'the site checks the browser ("Please wait for verification")'),
    ("sucuri_cloudproxy_js", "Sucuri checks the browser"),
    ("_incapsula_resource", "Imperva checks the browser"),
    ("px-captcha", "PerimeterX asks for a captcha"),
    ("geo.captcha-delivery.com", "DataDome asks for a captcha"),
    ("whoa there, pardner", 'Reddit refuses the request ("whoa there, pardner!")'),
    ("blocked by network security", "the site's network security refuses the request"),
    ("making sure you&#39;re not a bot", "Anubis checks the browser"),
    ("making sure you're not a bot", "Anubis checks the browser"),
)
_CAPTCHA = re.compile(r'class="(?:g-recaptcha|h-captcha|cf-turnstile)"')
_CHALLENGE_SIZE = 200_000
_FORUM = re.compile(r'<html[^>]{0,600}\sid="?XF|class="p-body|id="phpbb"|id="ipsLayout|data-pageapp=', re.IGNORECASE)


def challenge_reason(page: Page) -> str | None:
    """Why the page is a bot check or a block page instead of content, as a short phrase; None where it is neither."""
    if page.headers.get("cf-mitigated", "").lower() == "challenge":
        return "Cloudflare checks the browser (cf-mitigated: challenge)"
    if len(page.body) > _CHALLENGE_SIZE:
        return None
    text = page.text()
    if _FORUM.search(text[:20_000]):
        return None
    lowered = " ".join(text.lower().split())
    for sign, reason in _CHALLENGES:
        if sign in lowered:
            return reason
    if len(lowered) < 20_000 and _CAPTCHA.search(text) and "<article" not in lowered:
        return "the site asks for a captcha"
    return None
