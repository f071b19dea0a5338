"""What reading a document gives."""

from datetime import datetime

from msgspec import Struct

from crawler.records import ParsedPage


class Document(Struct, frozen=True, kw_only=True):
    """A whole thread, and when it was seen in that state."""

    parsed: ParsedPage
    """One thread and its posts, in the order of the document."""
    observed_at: datetime
    """When the thread was collected (aware, UTC): the document's own word, else that of who read it."""
