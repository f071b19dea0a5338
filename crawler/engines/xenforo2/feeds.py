"""RSS feeds of XenForo 2: the latest threads of a board or of all boards; an item's date is that of the last post."""

from crawler.engines.feed import threads_of
from crawler.records import Thread


def is_feed(text: str) -> bool:
    """Whether a text is a feed of XenForo 2."""
    return "<rss" in text[:2000] and "xmlns:slash" in text[:4000] and 'class="bbWrapper"' in text


def read_feed(site: str, url: str, text: str) -> list[Thread]:
    """The threads of a feed that was read from `url`."""
    return threads_of(site, url, text)
