"""What frames any page of HTML: its root element, title, base, canonical address, generator, next page."""

import re
from functools import cached_property

from crawler.engines.html import absolute, attribute, inline_text, tag_at
from crawler.engines.page import Page

_HTML_TAG = re.compile(r"<html\b[^>]*>", re.IGNORECASE)
_BASE = re.compile(r"<base\s[^>]*?href=[\"']?([^\"'\s>]+)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_HEAD = 60_000


class Frame:
    """The text of a page with what its head says; everything is looked up once, when asked for."""

    def __init__(self, page: Page, markup: str) -> None:
        self.page = page
        self.site = page.site
        self.markup = markup
        tag = _HTML_TAG.search(markup, 0, 20_000)
        self.html_tag = tag[0] if tag else ""

    @cached_property
    def body_start(self) -> int:
        """Offset of <body>; 0 where there is none."""
        return max(self.markup.find("<body"), 0)

    @cached_property
    def head_end(self) -> int:
        """Up to where what the head holds is looked for."""
        return self.body_start or min(len(self.markup), _HEAD)

    @cached_property
    def base(self) -> str:
        """What relative addresses of the page refer to."""
        found = _BASE.search(self.markup, 0, self.head_end)
        return absolute(self.page.url, found[1]) if found else self.page.url

    @cached_property
    def title(self) -> str | None:
        """Content of <title>."""
        found = _TITLE.search(self.markup, 0, self.head_end)
        return (inline_text(found[1]) or None) if found else None

    @cached_property
    def generator(self) -> str | None:
        """What `<meta name="generator">` says."""
        return self.meta("generator")

    @cached_property
    def language(self) -> str | None:
        """Language that the root element declares, such as "de" or "en-GB"."""
        return attribute(self.html_tag, "lang") or attribute(self.html_tag, "xml:lang") or None

    def meta(self, name: str) -> str | None:
        """Content of `<meta name="...">` or `<meta property="...">`; None where there is none or it is empty."""
        for sign in (f'="{name}"', f'="{name.capitalize()}"'):
            at = self.markup.find(sign, 0, self.head_end)
            while at >= 0:
                bounds = tag_at(self.markup, at)
                tag = self.markup[bounds[0] : bounds[1]] if bounds else ""
                if tag[:5].lower() == "<meta" and (content := attribute(tag, "content")):
                    return content.strip() or None
                at = self.markup.find(sign, at + 1, self.head_end)
        return None

    def link(self, rel: str) -> str | None:
        """Address in `<link rel="...">`, absolute; None where there is none."""
        sign = f'rel="{rel}"'
        at = self.markup.find(sign, 0, self.head_end)
        bounds = tag_at(self.markup, at) if at >= 0 else None
        href = attribute(self.markup[bounds[0] : bounds[1]], "href") if bounds else None
        return absolute(self.base, href) if href else None

    @cached_property
    def declared_url(self) -> str | None:
        """The address that the page gives itself (canonical, og:url), where it is absolute."""
        value = self.link("canonical") or self.meta("og:url")
        return value if value and value.startswith(("http://", "https://")) else None
