"""Threads that somebody saved as text, read into the same records as crawled pages.

Pure: bytes in, records out. Two forms are one thread each, told apart by what they hold and never by their names:
`forum_text` (a thread copied out of a XenForo 2 page) and `reddit_text` (a submission with its comments). Files of
many threads are read piece by piece: `reddit_dump`, `forum_dl`, `web_archive`.
"""

from datetime import datetime

from crawler.documents.decoding import decode
from crawler.documents.document import Document
from crawler.documents.forum_text import is_forum_text, read_forum_text
from crawler.documents.reddit_text import is_reddit_text, read_reddit_text
from crawler.errors import UsageError

__all__ = ["Document", "read_document"]


def read_document(body: bytes, name: str, observed_at: datetime) -> Document:
    """The thread that a document holds.

    Args:
        body: the document. UTF-8 (with or without BOM), UTF-16 with BOM or Windows-1252; any line ends.
        name: what to call it in messages; says nothing about its form.
        observed_at: when it was saved (aware, UTC), for forms that do not say it themselves.

    Raises:
        UsageError: it is empty, no text, damaged, or of no known form; the message says where and what to do.
    """
    lines = decode(body, name).split("\n")
    if is_reddit_text(lines):
        return read_reddit_text(lines, name, observed_at)
    if is_forum_text(lines):
        return Document(parsed=read_forum_text(lines, name), observed_at=observed_at)
    raise UsageError(
        f"{name} is in no form of thread document that is known: give a forum thread copied as text (title first, "
        f"each post closed by a line with one no-break space), a Reddit document that opens with `Thread ID:`, a "
        f"Reddit dump (rows of Pushshift or Arctic Shift as .json, .jsonl, .gz or .zst), forum-dl's JSON Lines, or a "
        f"web archive (.warc, .warc.gz, .wacz)."
    )
