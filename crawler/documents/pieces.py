"""What the readers of big files give, piece by piece: a file need not fit into memory."""

from datetime import datetime

from msgspec import Struct

from crawler.records import ParsedPage

LARGEST_PIECE = 1_000
"""Records of one piece, at most."""


class Piece(Struct, frozen=True, kw_only=True):
    """Records that were seen together: a page, or some rows of a dump."""

    site: str
    url: str
    observed_at: datetime
    """When the site showed them like this (aware, UTC)."""
    parsed: ParsedPage
    entries: int = 1
    """Pages, rows or lines of the file that it was read from."""


class Skipped(Struct, frozen=True, kw_only=True):
    """An entry of the file that gave no record; nothing of a file goes without being read or told here."""

    place: str
    """Where in the file: `line 12`, or a page's address."""
    reason: str
    site: str | None = None
    """The site that it is of, where that can be told."""
    content: str | None = None
    """The entry itself, unless it stays findable by its place."""
    entries: int = 1
    """How many it stands for."""
