"""A page of Vanilla Forums as a whole: what made it, its version, title, category, pages."""

import re
from functools import cached_property
from urllib.parse import unquote

from crawler.engines.frame import Frame
from crawler.engines.html import (
    absolute,
    attribute,
    closing,
    element,
    elements,
    inline_text,
    number_of,
    offsets,
    tag_at,
)
from crawler.engines.vanilla.addresses import category_of, discussion_id_of, page_of

_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_BODY_ID = re.compile(r"^([a-z]+)_([a-z]+)_(\w+)$")
_VERSIONS = (
    re.compile(r"/js/global\.js\?v=(\d[\w.]*)"),
    re.compile(r"/applications/dashboard/[^\"'?<>]{1,200}\?v=(\d[\w.]*)"),
    re.compile(r"/dist/[^\"'?<>]{1,200}\?h=(\d[\w.]*)"),
)
_META_ID = re.compile(r'"DiscussionID":"?(\d+)')
_FORM_ID = re.compile(r'(?:name="(?:Comment/)?DiscussionID"|id="Form_DiscussionID")[^<>]{0,200}?value="(\d+)"')
_SECTION = re.compile(r"(?:^|\s)Section-Category-(\S+)")
_ANCHOR = re.compile(r"<a\b([^<>]*)>(.*?)</a>", re.DOTALL)
_HEADING = re.compile(r"<h1\b[^<>]*>(.*?)</h1>", re.DOTALL)
# The heading of a list; boxes with notices above it may have one, too.
_LIST_HEADING = re.compile(r'<h1\b[^<>]*\sclass="(?:[^"<>]* )?H(?: [^"<>]*)?"[^<>]*>(.*?)</h1>', re.DOTALL)
_NUMBERED = re.compile(r"(?:^|\s)p-(\d+)(?=\s|$)")
_NEXT = re.compile(r'<link\b[^<>]*\srel="next"[^<>]*>')
_GDN = re.compile(r"\bgdn\.meta\s*=\s*\{|window(?:\.gdn|\[\"gdn\"\])\s*=\s*\{")
_PAGERS = frozenset({"Pager", "NumberedPager", "MorePager"})
_LABELLED = re.compile(r'class="(?:[^"<>]* )?CrumbLabel Category-([^\s"<>]+)')
_LABELS = ("Tag", "PrefixDiscussion", "Options")
# Applications whose pages say so in the first word of the body's class.
_APPLICATIONS = frozenset({"Vanilla", "Dashboard", "Conversations", "Groups", "Online", "Badges"})


class Document(Frame):
    """A page of Vanilla, with what its frame says."""

    limit: int | None = None
    """Offset of the first post or row, once known: what frames the page stands before it."""

    @cached_property
    def body_tag(self) -> str:
        """The start tag of <body>."""
        found = _BODY.match(self.markup, self.body_start) or _BODY.search(self.markup, self.body_start)
        return found[0] if found else ""

    @cached_property
    def body_words(self) -> list[str]:
        """Words of the body's class."""
        return (attribute(self.body_tag, "class") or "").split()

    @cached_property
    def place(self) -> tuple[str, str, str]:
        """Application, controller and method that made the page, in lower case; "" where the page does not tell.

        They are in the body's id ("vanilla_discussion_index"), and in its class, which Higher Logic writes alone.
        """
        if (named := _BODY_ID.match(attribute(self.body_tag, "id") or "")) is not None:
            return named[1], named[2], named[3]
        words = self.body_words
        if len(words) >= 2 and words[0] in _APPLICATIONS:
            method = next((word for word in words[2:] if word not in {"isDesktop", "isMobile"}), "")
            return words[0].lower(), words[1].lower(), "" if "-" in method else method.lower()
        return "", "", ""

    @cached_property
    def is_vanilla(self) -> bool:
        """Whether the frame is of Vanilla."""
        return bool(self.place[0]) or _GDN.search(self.markup) is not None or 'id="vanilla_' in self.body_tag

    @cached_property
    def version(self) -> str | None:
        """Version that the addresses of scripts and styles tell."""
        head = self.markup[: max(self.head_end, 60_000)]
        for sign in _VERSIONS:
            if (found := sign.search(head)) is not None:
                return found[1].rstrip(".")
        return None

    @cached_property
    def is_before_2_1(self) -> bool:
        """Whether it is a 2.0, which counts the opening post as a comment."""
        return (self.version or "").startswith("2.0") or (self.version or "").startswith("1.")

    @cached_property
    def discussion_id(self) -> str | None:
        """Id of the discussion that a thread page shows, from its frame."""
        if (declared := self.declared_url) and (number := discussion_id_of(declared)):
            return number
        if (number := discussion_id_of(self.page.url)) is not None:
            return number
        found = _META_ID.search(self.markup)
        if found is None and 'DiscussionID"' in self.markup:
            found = _FORM_ID.search(self.markup, self.body_start)
        if found is not None and found[1] != "0":
            return found[1]
        relative = self.link("canonical") or self.meta("og:url") or ""
        return discussion_id_of(relative)

    @cached_property
    def breadcrumb(self) -> list[tuple[str, str]]:
        """(address, name) of each step to the page, from the outside in."""
        found = element(self.markup, "Breadcrumbs", self.body_start, self.limit)
        if found is None:
            return []
        steps = []
        for tag, name in _ANCHOR.findall(found[1]):
            if (href := attribute(tag, "href")) is not None:
                steps.append((href, inline_text(name)))
        return steps

    @cached_property
    def categories(self) -> list[str]:
        """Names of the categories in the breadcrumb, from the outside in: from addresses, else from classes."""
        named = (category_of(href) or category_of(absolute(self.base, href)) for href, _ in self.breadcrumb)
        return [name for name in named if name] or self._labelled

    @cached_property
    def _labelled(self) -> list[str]:
        found = element(self.markup, "Breadcrumbs", self.body_start, self.limit)
        return [unquote(name) for name in _LABELLED.findall(found[1])] if found else []

    @cached_property
    def section(self) -> str | None:
        """Category that the body's class names."""
        found = _SECTION.search(attribute(self.body_tag, "class") or "")
        return unquote(found[1]) if found else None

    @cached_property
    def heading(self) -> tuple[str | None, str | None]:
        """Prefix and title in the page's heading, else from its head."""
        title = element(self.markup, "PageTitle", self.body_start, self.limit)
        place = title[1] if title else self.markup[self.body_start : self.limit]
        for pattern in (_LIST_HEADING, _HEADING):
            for found in pattern.finditer(place):
                prefix, words = _without_labels(found[1])
                if words:
                    return prefix, words
        declared = inline_text(self.meta("og:title") or self.meta("twitter:title") or "")
        if not declared and self.title:
            declared = re.split(r" [—–] (?=[^—–]*$)", self.title)[0]  # noqa: RUF001 - Vanilla writes this dash
        return None, declared or None

    @cached_property
    def pages(self) -> tuple[int, int, str | None]:
        """Number of this page, of the last one, and address of the next one."""
        navigation = self._navigation()
        current = element(navigation, "Highlight")
        number = number_of(inline_text(current[1])) if current else None
        number = number or page_of(self.page.url) or page_of(self.declared_url or "") or 1
        numbers = [number]
        hrefs: dict[int, str] = {}
        following = None
        for tag, name in _ANCHOR.findall(navigation):
            href, words = attribute(tag, "href"), attribute(tag, "class") or ""
            shown = _NUMBERED.search(words)
            value = int(shown[1]) if shown else number_of(inline_text(name)) if name.strip().isdecimal() else None
            if value is not None:
                numbers.append(value)
                hrefs.setdefault(value, href or "")
            if "Next" in words.split() and href:
                following = href
        following = following or hrefs.get(number + 1) or self._declared_next(number)
        last = max(numbers)
        return (
            number,
            max(last, number + 1) if following else last,
            absolute(self.base, following) if following else None,
        )

    def _navigation(self) -> str:
        """Content of the links to the other pages."""
        markup, past = self.markup, 0
        for at in offsets(markup, "Pager", self.body_start):
            bounds = tag_at(markup, at) if at >= past else None
            if bounds is not None and markup.startswith("<div", bounds[0]):
                tag = markup[bounds[0] : bounds[1]]
                words = (attribute(tag, "class") or "").split()
                if "Pager" in (attribute(tag, "id") or "") or not _PAGERS.isdisjoint(words):
                    return markup[bounds[1] : closing(markup, "div", bounds[1], min(bounds[1] + 40_000, len(markup)))]
            past = bounds[1] if bounds else past
        return ""

    def _declared_next(self, number: int) -> str | None:
        found = _NEXT.search(self.markup, 0, self.head_end)
        href = attribute(found[0], "href") if found else None
        return href if href and page_of(href) == number + 1 else None


def _without_labels(markup: str) -> tuple[str | None, str | None]:
    """(prefix, words) of a title's markup."""
    prefix = None
    for name in _LABELS:
        if name not in markup:
            continue
        for tag, content in elements(markup, name):
            if name == "PrefixDiscussion":
                prefix = inline_text(content).strip("[] ") or None
            markup = markup.replace(tag + content, "<i>", 1)
    return prefix, inline_text(markup) or None
