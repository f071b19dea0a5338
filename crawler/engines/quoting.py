"""The text of a post whose quotes are blocks with a heading: in `cite` at their beginning, or in a block before them.

For software that says in the heading alone who wrote what, and where: MyBB, Simple Machines Forum.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar, Self

from crawler.engines.html import behind, closing
from crawler.engines.post_body import PostBody
from crawler.records import Quote

_CITE = re.compile(r"\s*<cite[^<>]*>")
DEEPEST = 20
"""Quotes within quotes that are read."""


class QuotingBody(PostBody, ABC):
    """Reads a post's text, its quotes and its files. Subclasses call `quote` for each block that is one."""

    told: ClassVar[tuple[tuple[str, str], ...]] = (("<blockquote>", '<blockquote class="">'),)
    """Tags without attributes, as which `special` shall see them."""

    def __init__(self, authors: Callable[[], Iterable[str]], depth: int = 0) -> None:
        """`authors` gives the names on the page: what a quote's heading may name.

        `depth` is the number of quotes that the fragment stands in.
        """
        super().__init__(depth)
        self.quotes: list[Quote] = []
        self.authors = authors
        self.heading: str | None = None
        """Heading of the quote that follows, where one has been read."""

    @abstractmethod
    def source(self, heading: str) -> tuple[str | None, str | None]:
        """Id of the quoted post and name of its author, as a heading tells; it may be empty."""

    def read(self, markup: str) -> Self:
        """Adds a fragment."""
        for plain, told in self.told:
            if plain in markup:
                markup = markup.replace(plain, told)
        super().read(markup)
        return self

    def quote(self, name: str, markup: str, position: int) -> int:
        """Adds the quote that is the element whose content starts at `position`; where to read on."""
        end = closing(markup, name, position, len(markup))
        heading, self.heading = self.heading, None
        start = position
        if (cite := _CITE.match(markup, position, end)) is not None:
            close = markup.find("</cite>", cite.end(), end)
            if close >= 0:
                heading, start = markup[cite.end() : close], close + 7
        if self._depth < DEEPEST:
            inner = type(self)(self.authors, self._depth + 1).read(markup[start:end])
            post_id, author = self.source(heading or "")
            self.quotes += [Quote(post_id=post_id, author=author, text=inner.result()), *inner.quotes]
        self.block()
        return behind(markup, end)
