"""A page of Invision Community or IP.Board as a whole: generation, what it shows, title, breadcrumb, pages."""

import re
from functools import cached_property

from crawler.engines.frame import Frame
from crawler.engines.html import absolute, inline_text, number_of
from crawler.engines.invision import addresses
from crawler.engines.invision.markup import double_quoted, part, parts, plain_href, value
from crawler.engines.page import Page

_BODY = re.compile(r"<body\b[^>]*+>", re.IGNORECASE)
_HEAD_TAG = re.compile(r"<(?:meta|link)\b[^>]*+>", re.IGNORECASE)
_HEAD = 120_000
_BELOW = 40_000
_IPB = ("ipboard_body", "ipb.vars[", "ipbwrapper", "ipb.topic.", 'class="post_block', "class='post_block")
_IPB2 = ("<!--Begin Msg Number", 'class="borderwrap"', "class='postcolor'", 'class="postcolor"')
_VERSION = re.compile(r"(?:IP\.Board|Invision Power Board)(?:</a>)?[\s(UuRr)]{0,6}v?(\d\.\d+(?:\.\d+)?)")
_HEADING = re.compile(r"<h1\b([^>]*+)>(.{0,6000}?)</h1>", re.DOTALL)
_ANCHOR_HREF = re.compile(r"<a\b[^>]*?\shref=[\"']([^\"']*+)[\"']")
_PAGE_LINK = re.compile(r"data-page=[\"'](\d+)[\"']")
_PAGES = re.compile(r"\sdata-(?:ipspagination-)?pages=[\"'](\d+)[\"']", re.IGNORECASE)
_PER_PAGE = re.compile(r"\sdata-ipspagination-perpage=[\"'](\d+)[\"']", re.IGNORECASE)
_TOTAL = re.compile(r"totalPages:\s*(\d+)")
_START = re.compile(r"ipb\.topic\.start_id\s*=\s*(\d+)")
_COUNTS = re.compile(r"postTotal:\s*(\d+),.{0,120}?perPage:\s*(\d+)", re.DOTALL)
_TITLE_LEFT_OUT = (
    re.compile(
        r"<(span|strong|a|div|li)\b[^>]*\bclass=[\"'][^\"'>]*\b(?:ipsBadge|ipsTag_prefix|ipsBadges|main_topic_desc)"
    ),
    re.compile(r"<(script|button|i|form)\b[^>]*+"),
)
_NEWER = ("ipsLayout__", "ipsHeader__", "js-ipsEntry", "ipsData__")
_FLEX = ("ipsFlex-ai:", "ipsFlex ", "ipsPageHeader__meta")


class Document(Frame):
    """A page with what its frame says."""

    def __init__(self, page: Page, markup: str) -> None:
        super().__init__(page, markup)
        self.content_start = 0
        """Offset of the first post or row, once known."""
        self.content_end = 0
        """Offset behind the last post, once known."""

    @cached_property
    def body_start(self) -> int:
        """Offset of <body>; 0 where there is none."""
        at = self.markup.find("<body")
        found = _BODY.search(self.markup) if at < 0 else None
        return found.start() if found else max(at, 0)

    @cached_property
    def body_tag(self) -> str:
        """The start tag <body ...>; "" where there is none."""
        found = _BODY.match(self.markup, self.body_start)
        return found[0] if found else ""

    @cached_property
    def generation(self) -> int:
        """5, 4, 3 or 2: which markup the page is in; 0 where it is none of Invision's."""
        markup = self.markup
        if (
            "ipsApp" in self.body_tag
            or "core.front.core.app" in self.body_tag
            or "data-pageapp" in self.body_tag.lower()
        ):
            start = self.body_start
            newer = "data-ips-" in self.html_tag or "data-ips-" in self.body_tag
            return 5 if newer or any(markup.find(sign, start, start + 12_000) >= 0 for sign in _NEWER) else 4
        if "ipboard_body" in self.body_tag:
            return 3
        if "js-ipsEntry" in markup:
            return 5
        if "data-ipsquote-contentcommentid" in markup and "ipsComment" in markup:
            return 4
        if "elComment_" in markup and "commentContent" in markup:
            return 4
        if ("data-row" in markup and ("ipsDataItem" in markup or "ipsData__item" in markup)) or (
            "cForumRow" in markup and "ipsData" in markup
        ):
            return 5 if "ipsData__" in markup else 4
        if any(sign in markup for sign in _IPB):
            return 2 if any(sign in markup for sign in _IPB2) and "post_block" not in markup else 3
        return 2 if _VERSION.search(markup) and any(sign in markup for sign in _IPB2) else 0

    @cached_property
    def version(self) -> str | None:
        """Version of the software, as far as told."""
        if self.generation in {2, 3}:
            for name in ("IP.Board", "Invision Power Board"):  # the last: the software signs at the foot
                at = self.markup.rfind(name, self.body_start)
                if at >= 0 and (found := _VERSION.match(self.markup, at)):
                    return found[1]
        if self.generation == 4:
            limit = self.content_start + 20_000 if self.content_start else len(self.markup)
            return "4.5" if any(self.markup.find(sign, self.body_start, limit) >= 0 for sign in _FLEX) else "4"
        return str(self.generation) if self.generation else None

    # -- head -----------------------------------------------------------------------------------------------------

    @cached_property
    def _head(self) -> list[str]:
        limit = self.body_start or min(len(self.markup), _HEAD)
        return _HEAD_TAG.findall(self.markup, 0, limit)

    def meta(self, name: str) -> str | None:
        """Content of `<meta name="...">` or `<meta property="...">`, in whichever quotes."""
        for tag in self._head:
            if name in tag and name in (value(tag, "property"), value(tag, "name")):
                return (value(tag, "content") or "").strip() or None
        return None

    def link(self, rel: str) -> str | None:
        """Address in `<link rel="...">`, absolute; None where there is none."""
        for tag in self._head:
            if rel in tag and value(tag, "rel") == rel and (href := value(tag, "href")):
                return absolute(self.base, href)
        return None

    @property
    def address(self) -> str:
        """The page's own address: as declared, else as fetched."""
        return self.declared_url or self.page.url

    # -- body -----------------------------------------------------------------------------------------------------

    @cached_property
    def app(self) -> str:
        """Application that made the page ("forums", "core", "cms"); "" where the page does not tell."""
        return value(self.body_tag, "data-pageapp") or ""

    @cached_property
    def controller(self) -> str:
        """What of the application: "topic", "forums", "index", "login", "error"; "" where the page does not tell."""
        return value(self.body_tag, "data-pagecontroller") or ""

    @cached_property
    def page_id(self) -> str | None:
        """Id of the topic or forum that the page shows (4.5 and later)."""
        number = value(self.body_tag, "data-pageid") or ""
        return number if number.isdecimal() and number != "0" else None

    @cached_property
    def heading(self) -> tuple[str, int]:
        """Content of the page's own <h1> and the offset behind it: the last before the posts or rows."""
        found, chosen = None, None
        limit = self.content_start or len(self.markup)
        for found in _HEADING.finditer(self.markup, self.body_start, limit):
            if "ype_pageTitle" in found[1] or "ype_pagetitle" in found[1] or "ipsPageHeader__title" in found[1]:
                chosen = found
            if chosen is found and ("ipsType_break" in found[2] or not self.content_start):
                break
        chosen = chosen or found
        if chosen is not None and (self.generation != 3 or "pagetitle" in chosen[1]):
            return chosen[2], chosen.end()
        for word in ("main_topic_title", "maintitle") if self.generation < 4 else ():
            old = part(self.markup, word, self.body_start, limit)
            if old is not None:
                return self.markup[old.start : old.end], old.end
        return (chosen[2], chosen.end()) if chosen is not None and self.generation >= 4 else ("", self.body_start)

    @cached_property
    def heading_text(self) -> str | None:
        """The page's title without prefix and badges."""
        return title_text(self.heading[0]) or inline_text(self.meta("og:title") or "") or None

    @cached_property
    def breadcrumb(self) -> list[str]:
        """Addresses of the steps to the page, from the outside in."""
        start, limit = self.body_start, self.content_start or len(self.markup)
        for word in ("breadcrumbList", "ipsBreadcrumbs", "ipsBreadcrumb", "breadcrumb", "navstrip"):
            found = part(self.markup, word, start, limit)
            if found is not None:
                return [plain_href(href) for href in _ANCHOR_HREF.findall(self.markup, found.start, found.end)]
        return []

    @cached_property
    def forum_id(self) -> str | None:
        """Id of the innermost forum in the breadcrumb."""
        for href in reversed(self.breadcrumb):
            if (number := addresses.forum_id_of(href)) is not None:
                return number
        return None

    # -- pages ----------------------------------------------------------------------------------------------------

    @cached_property
    def navigation(self) -> tuple[str, str]:
        """Start tag and content of the links to the other pages; both "" where there are none."""
        for word in ("ipsPagination",) if self.generation >= 4 else ("pagination", "pagelinks"):
            for start, limit in self._around_posts:
                for box in parts(self.markup, word, start, limit):
                    if self.generation < 4 or (box.tag.startswith("<ul") and "mini" not in box.tag):
                        return box.tag, self.markup[box.start : min(box.end, box.start + 30_000)]
        return "", ""

    @property
    def _around_posts(self) -> list[tuple[int, int]]:
        """What stands above the posts and below; all of the page where they are not known."""
        if not self.content_end:
            return [(self.body_start, len(self.markup))]
        return [(self.body_start, self.content_start), (self.content_end, self.content_end + _BELOW)]

    @cached_property
    def per_page(self) -> int | None:
        """How many posts a page of the topic holds, where told."""
        if self.generation >= 4:
            found = _PER_PAGE.search(self.navigation[0])
            return int(found[1]) if found else None
        counts = self.counts
        return counts[1] if counts else None

    @cached_property
    def start(self) -> int:
        """How many posts of the topic stand before the page of IP.Board, as its scripts or its address tell."""
        if self.generation >= 4:
            return 0
        found = _START.search(self.markup) if self.generation == 3 else None
        return int(found[1][:9]) if found else addresses.start_of(self.page.url) or 0

    @cached_property
    def counts(self) -> tuple[int, int] | None:
        """Number of the topic's posts and of posts a page, as IP.Board 3 tells its scripts."""
        found = _COUNTS.search(self.markup) if self.generation == 3 else None
        return (int(found[1]), int(found[2])) if found else None

    @cached_property
    def pages(self) -> tuple[int, int, str | None]:
        """Number of this page, of the last one, and address of the next one."""
        tag, content = self.navigation
        number, numbers = self._number(content), []
        numbers = [
            int(found[:9]) for found in _PAGES.findall(tag) + _TOTAL.findall(content) + _PAGE_LINK.findall(content)
        ]
        if self.counts and self.counts[1]:
            numbers.append(-(-self.counts[0] // self.counts[1]))
        if self.generation < 4:
            numbers += self._numbers_shown(content)
        following = self._next(content, number, max([number, *numbers]))
        return number, max([number + bool(following), *numbers]), following

    def _number(self, content: str) -> int:
        for word in ("ipsPagination_active", "ipsPagination__active", "active", "pagecurrent"):
            current = part(content, word)
            if current is not None:
                shown = _PAGE_LINK.search(content, current.start, current.end)
                number = int(shown[1]) if shown else number_of(inline_text(content[current.start : current.end]))
                if number:
                    return number
        if self.start and self.per_page:
            return self.start // self.per_page + 1
        return addresses.page_of(self.page.url) or addresses.page_of(self.declared_url or "") or 1

    def _numbers_shown(self, content: str) -> list[int]:
        """Numbers in "Page 2 of 10", "(10 Pages)" and the links."""
        text = inline_text(re.sub(r"<script\b.{0,5000}?</script>", " ", content, flags=re.DOTALL).replace("<", " <"))
        return [int(digits) for digits in re.findall(r"(?<![\d.,-])\d{1,6}(?![\d.,])", text)]

    def _next(self, content: str, number: int, last: int) -> str | None:
        for word in ("ipsPagination_next", "ipsPagination__next", "next"):
            found = part(content, word)
            if found is not None and "_inactive" not in found.tag:
                link = _ANCHOR_HREF.search(found.tag + content[found.start : found.end])
                if link and not link[1].startswith("#"):
                    return absolute(self.base, plain_href(link[1]).partition("#")[0])
        if number >= last > 1:
            return None
        return self.link("next")


def title_text(markup: str) -> str | None:
    """Text of a heading without badges, prefix and icons."""
    markup = markup[:5_000]
    if "class=" not in markup and "<i" not in markup:
        return inline_text(markup) or None
    markup = double_quoted(markup)
    for pattern in _TITLE_LEFT_OUT:
        while (found := pattern.search(markup)) is not None:
            opened = markup.find(">", found.end())
            end = markup.find(f"</{found[1]}", opened)
            if found[1] == "span":
                end = _closing_span(markup, opened)
            markup = markup[: found.start()] + (markup[markup.find(">", end) + 1 :] if end >= 0 and opened >= 0 else "")
    return inline_text(markup) or None


def _closing_span(markup: str, position: int) -> int:
    depth = 1
    for found in re.finditer(r"<(/?)span\b", markup[position:]):
        depth += -1 if found[1] else 1
        if depth == 0:
            return position + found.start()
    return -1
