"""A page of XenForo 2 as a whole: template, version, title, breadcrumb, pages."""

import re
from functools import cached_property

from crawler.engines.frame import Frame
from crawler.engines.html import absolute, attribute, decoded, element, elements, inline_text, number_of
from crawler.engines.page import Page
from crawler.engines.xenforo2.addresses import board_id_of, page_of

_TEMPLATE = re.compile(r'\sdata-template="([^"]+)"')
_TEMPLATE_CLASS = re.compile(r"\stemplate-(\w+)")
_VERSION = re.compile(r'\sdata-xf="(\d+\.\d+)')
_REL_NEXT = re.compile(r'<link\s+rel="next"\s+href="([^"]+)"')
_NEXT_LINKS = ("pageNav-jump--next", "pageNavSimple-el--next")
_MAXIMUM = re.compile(r'js-pageJumpPage[^>]*\smax="(\d+)"')
_ANCHOR = re.compile(r"<a\b([^>]*)>(.*?)</a>", re.DOTALL)


class Document(Frame):
    """A page of XenForo 2, with what its frame says."""

    def __init__(self, page: Page, markup: str) -> None:
        super().__init__(page, markup)
        self.content: tuple[int, int] | None = None
        """Bounds of the posts or rows, once known: what frames the page is before and behind them."""

    @cached_property
    def template(self) -> str:
        """Name of XenForo's template that made the page; "" where the page does not tell."""
        found = _TEMPLATE.search(self.html_tag)
        if found is None and (body := self.markup[self.body_start : self.body_start + 2000]).startswith("<body"):
            found = _TEMPLATE.search(body.partition(">")[0])
        found = found or _TEMPLATE_CLASS.search(self.html_tag)
        return found[1] if found else ""

    @cached_property
    def is_xenforo(self) -> bool:
        """Whether the page's frame is XenForo 2's."""
        return bool(self.template) or 'id="XF"' in self.html_tag or " data-xf=" in self.html_tag

    def key(self, name: str, kind: str) -> str | None:
        """Number in `data-container-key="node-12"` or `data-content-key="thread-34"`."""
        value = attribute(self.html_tag, name) or ""
        head, _, number = value.rpartition("-")
        return number if head == kind and number.isdecimal() else None

    def version(self, sample: str) -> str:
        """Version as far as told; `sample` is a part of the page with typical markup, such as its first post."""
        if found := _VERSION.search(self.html_tag):
            return found[1]
        start = self.body_start
        limit = self.content[0] if self.content else start + 60_000
        newer = "_view_type_" in self.template or "message-attribution-gadget" in sample
        if newer or self.markup.find("js-browserWarning", start, limit) >= 0:
            return "2.2"
        if "reactionsBar" in sample or ("likesBar" not in sample and self.markup.find("fa--xf", start) >= 0):
            return "2.1"
        return "2.0"

    @cached_property
    def heading(self) -> tuple[str | None, str | None]:
        """Prefix and title in the page's heading; the title without prefix."""
        found = element(self.markup, "p-title-value", self.body_start) or element(
            self.markup, "MessageCard__thread-title", self.body_start
        )
        if found is None:
            return None, inline_text(self.meta("og:title") or "") or self.title
        return split_prefix(found[1])

    def description(self, limit: int) -> str:
        """Content of the line or paragraph under the heading, as markup."""
        found = element(self.markup, "p-description", self.body_start, limit)
        return found[1] if found else ""

    @cached_property
    def breadcrumb(self) -> list[tuple[str, str]]:
        """(address, name) of each step to the page, from the outside in."""
        found = element(self.markup, "p-breadcrumbs", self.body_start)
        steps = _ANCHOR.findall(found[1]) if found else []
        return [(attribute(tag, "href") or "", inline_text(name)) for tag, name in steps]

    @cached_property
    def parent_board(self) -> str | None:
        """Id of the innermost board or category in the breadcrumb."""
        for href, _ in reversed(self.breadcrumb):
            names_one = "#" in href or "forums/" in href or "categories/" in href
            if names_one and (board_id := board_id_of(href)) is not None:
                return board_id
        return None

    @cached_property
    def pages(self) -> tuple[int, int, str | None]:
        """Number of this page, of the last one, and address of the next one."""
        nav = self._navigation()
        content = nav or ""
        current = element(content, "pageNav-page--current")
        number = number_of(inline_text(current[1])) if current else None
        number = number or page_of(self.page.url) or 1
        numbers = [number]
        for _, item in elements(content, "pageNav-page"):
            if "menu" not in item and (shown := number_of(inline_text(item))):
                numbers.append(shown)
        numbers += [int(found) for found in _MAXIMUM.findall(content)]
        simple = element(content, "pageNavSimple-el--current")
        if simple is not None:
            numbers += [int(digits) for digits in re.findall(r"\d+", re.sub(r"(?<=\d)[.,\s](?=\d{3})", "", simple[1]))]
        following = self._next(content, number)
        return number, max(numbers) if nav is not None else number + bool(following), following

    def _navigation(self) -> str | None:
        """Content of the links to the other pages, above the posts or rows or else below them."""
        markup = self.markup
        first, last = self.content or (len(markup), len(markup))
        for start, limit in ((self.body_start, first), (last, len(markup))):
            at = markup.find("pageNav", start, limit)
            if at >= 0:
                names = ("pageNavWrapper", "pageNav")
                found = next((nav for name in names if (nav := element(markup, name, at, limit))), None)
                if found is not None:
                    return found[1]
        return None

    def _next(self, navigation: str, number: int) -> str | None:
        """Address of the next page: of all links that lead there, one that names its number where there is one."""
        hrefs = [attribute(found[0], "href") for name in _NEXT_LINKS if (found := element(navigation, name))]
        if (declared := _REL_NEXT.search(self.markup, 0, self.body_start or len(self.markup))) is not None:
            hrefs.append(decoded(declared[1]))
        if not hrefs:
            return None
        hrefs += [
            attribute(tag, "href") for tag, name in _ANCHOR.findall(navigation) if name.strip() == str(number + 1)
        ]
        known = [href for href in hrefs if href]
        chosen = next((href for href in known if page_of(href) == number + 1), known[0] if known else None)
        return absolute(self.base, chosen) if chosen else None


def split_prefix(markup: str) -> tuple[str | None, str | None]:
    """(prefix, title) of a title's markup: labels are prefixes, whatever is left is the title."""
    if "label" not in markup:
        return None, inline_text(markup) or None
    prefixes, rest = [], markup
    for tag, content in elements(markup, "label"):
        prefixes.append(inline_text(content))
        rest = rest.replace(tag + content, "<i>", 1)
    return ", ".join(filter(None, prefixes)) or None, inline_text(rest) or None
