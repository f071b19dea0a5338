"""A page of XenForo 1 as a whole: template, nodes around it, title, breadcrumb, pages."""

import re
from functools import cached_property

from crawler.engines.frame import Frame
from crawler.engines.html import absolute, attribute, decoded, element, elements, inline_text, number_of, tag_at
from crawler.engines.page import Page
from crawler.engines.xenforo2.addresses import board_id_of, page_of

_NODE_CLASS = re.compile(r"\bnode(\d+)\b")
_ANCHOR = re.compile(r"<a\b([^<>]*)>((?:[^<]++|<(?!/?a\b))*+)</a>")
_HEADING = re.compile(r"<h1\b[^<>]*>((?:[^<]++|<(?!/?h1\b))*+)</h1>")
_REL_NEXT = re.compile(r'<link\s+rel="next"\s+href="([^"]+)"')
_TITLE_PAGE = re.compile(r"\s+\|\s+[^|]*$")
_NODE_PART = re.compile(r"(?:^|[/?])(?:forums|categories|link-forums)/([^/?#]+)")
_SEARCH_NODE = re.compile(r'<input[^<>]*\sname="nodes\[\]"\s+value="(\d+)"')
_SENTINEL = re.compile(r"%7[bB]%7[bB]sentinel%7[dD]%7[dD]|\{\{sentinel\}\}")
_MOST = 99_999


class Document(Frame):
    """A page of XenForo 1, with what its frame says."""

    def __init__(self, page: Page, markup: str) -> None:
        super().__init__(page, markup)
        self.content: tuple[int, int] | None = None
        """Offsets of the first and the last post or row, once known: what frames the page is around them."""

    @cached_property
    def is_xenforo(self) -> bool:
        """Whether the page's root element is XenForo 1's."""
        return 'id="XenForo"' in self.html_tag

    @cached_property
    def template(self) -> str:
        """Name of the template that made the page, which is the class of `#content`; "" where it is not told."""
        at = self.markup.find('id="content"', self.body_start)
        bounds = tag_at(self.markup, at) if at >= 0 else None
        words = (attribute(self.markup[bounds[0] : bounds[1]], "class") or "").split() if bounds else []
        return words[0] if words else ""

    @cached_property
    def nodes(self) -> list[str]:
        """Ids of the nodes that the page belongs to: its own first, then from the outermost to its parent."""
        start = self.body_start
        tag = self.markup[start : self.markup.find(">", start) + 1] if start else ""
        return _NODE_CLASS.findall(attribute(tag, "class") or "")

    @cached_property
    def breadcrumb(self) -> list[tuple[str, str]]:
        """(address, name) of each board that leads to the page, from the outside in."""
        found = element(self.markup, "breadcrumb", self.body_start) or element(self.markup, "crumbs", self.body_start)
        steps = (
            [(attribute(tag, "href") or "", inline_text(name)) for tag, name in _ANCHOR.findall(found[1])]
            if found
            else []
        )
        return [(href, name) for href, name in steps if _NODE_PART.search(href) or "#" in href]

    @cached_property
    def own_board(self) -> str | None:
        """Id of the board that the page shows, or that its thread is in; a board without number has its name."""
        if self.nodes:
            return self.nodes[0]
        if (searched := _SEARCH_NODE.search(self.markup)) is not None:
            return searched[1]
        return self.node_of(self.breadcrumb[-1][0]) if self.breadcrumb else None

    @cached_property
    def parent_board(self) -> str | None:
        """Id of the board or category that the page's own board stands in."""
        if len(self.nodes) > 1:
            return self.nodes[-1]
        found = [number for href, _ in self.breadcrumb if (number := self.node_of(href)) not in (None, self.own_board)]
        return found[-1] if found else None

    @staticmethod
    def node_of(href: str) -> str | None:
        """Id of the node that an address leads to; its name where the address has no number."""
        part = _NODE_PART.search(href)
        if part is None:
            return board_id_of(href)
        return part[1].rpartition(".")[2] if part[1].rpartition(".")[2].isdecimal() else part[1]

    @cached_property
    def heading(self) -> tuple[str | None, str | None]:
        """Prefix and title in the page's heading; the title without prefix."""
        bar = element(self.markup, "titleBar", self.body_start)
        found = _HEADING.search(bar[1]) if bar else None
        found = found or _HEADING.search(self.markup, self.body_start)
        if found is not None:
            # Skins put the links to the pages and more into the heading.
            named = element(found[1], "title") if "<div" in found[1] else None
            prefix, title = split_prefix(found[1], named[1] if named else None)
            if named is not None or "<div" not in found[1]:
                return prefix, title
        declared = self.meta("og:title")
        return None, inline_text(declared) if declared else _TITLE_PAGE.sub("", self.title or "") or None

    @cached_property
    def description(self) -> str:
        """Content of the line under the heading, as markup."""
        limit = self.content[0] if self.content else len(self.markup)
        at = self.markup.find('id="pageDescription"', self.body_start, limit)
        if at < 0:
            return ""
        start = self.markup.find(">", at) + 1
        return self.markup[start : self.markup.find("</p>", start)]

    @cached_property
    def pages(self) -> tuple[int, int, str | None]:
        """Number of this page, of the last one, and address of the next one."""
        tag, content = self._navigation() or ("", "")
        number = _count(attribute(tag, "data-page")) or page_of(self.page.url) or 1
        last = _count(attribute(tag, "data-last")) or number
        if "data-last" not in tag:
            links = _links(content)
            last = max([last, *(shown for _, name in links if name.isdecimal() and (shown := number_of(name)))])
        following = self._next(tag, content, number) if number < last or not tag else None
        return number, max(number + bool(following), last), following

    def _navigation(self) -> tuple[str, str] | None:
        """The links to the other pages, above the posts or rows or else below them."""
        first, last = self.content or (len(self.markup),) * 2
        for start, limit in ((self.body_start, first), (last, len(self.markup))):
            if start < limit and (found := element(self.markup, "PageNav", start, limit)) is not None:
                return found
        return None

    def _next(self, tag: str, content: str, number: int) -> str | None:
        """Address of the next page: the one that the head names, else a link that names its number or has it."""
        hrefs = []
        if (declared := _REL_NEXT.search(self.markup, 0, self.head_end)) is not None:
            hrefs.append(decoded(declared[1]))
            if page_of(hrefs[0]) == number + 1:
                return absolute(self.base, hrefs[0])
        links = _links(content)
        hrefs += [href for href, name in links if href and (page_of(href) == number + 1 or name == str(number + 1))]
        if not hrefs and (model := attribute(tag, "data-baseurl")):
            named = attribute(tag, "data-sentinel") or "{{sentinel}}"
            model = model.replace(named, str(number + 1))
            hrefs.append(_SENTINEL.sub(str(number + 1), model))
        chosen = next((href for href in hrefs if page_of(href) == number + 1), hrefs[0] if hrefs else None)
        return absolute(self.base, chosen) if chosen else None


def _links(content: str) -> list[tuple[str | None, str]]:
    """(address, text) of each link."""
    return [(attribute(found, "href"), inline_text(name)) for found, name in _ANCHOR.findall(content)]


def _count(text: str | None) -> int | None:
    return min(int(text), _MOST) if text and text.isdecimal() else None


def split_prefix(markup: str, title: str | None = None) -> tuple[str | None, str | None]:
    """(prefix, title) of a title's markup: `span.prefix` are prefixes, whatever is left is the title.

    `title` is the markup of the title alone, where it is known.
    """
    if "prefix" not in markup:
        return None, inline_text(markup if title is None else title) or None
    prefixes, rest = [], markup
    for tag, content in elements(markup, "prefix"):
        prefixes.append(inline_text(content))
        if title is None:
            rest = rest.replace(tag + content, "<i>", 1)
    return ", ".join(filter(None, prefixes)) or None, inline_text(rest if title is None else title) or None
