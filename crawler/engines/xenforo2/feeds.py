"""RSS feeds of XenForo 2: the latest threads of a board or of all boards."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crawler.engines.html import decoded
from crawler.engines.xenforo2.addresses import board_id_of, thread_id_of
from crawler.records import Thread

_ITEM = re.compile(r"<item>(.*?)</item>", re.DOTALL)
_FIELD = re.compile(r"<(title|link|pubDate|dc:creator|slash:comments)>(.*?)</\1>", re.DOTALL)
_CATEGORY = re.compile(r'<category\s[^>]*domain="([^"]*)"')


def is_feed(text: str) -> bool:
    """Whether a text is a feed of XenForo 2."""
    return "<rss" in text[:2000] and "xmlns:slash" in text[:4000] and 'class="bbWrapper"' in text


def read_feed(site: str, text: str) -> list[Thread]:
    """The threads of a feed; an item's date is that of the thread's last post."""
    threads: dict[str, Thread] = {}
    for item in _ITEM.findall(text):
        fields = {name: decoded(_bare(value)) for name, value in _FIELD.findall(item)}
        url = fields.get("link", "")
        number = thread_id_of(url, renamed=True)
        if number is None:
            continue
        category = _CATEGORY.search(item)
        comments = fields.get("slash:comments", "")
        threads[number] = Thread(
            site=site,
            thread_id=number,
            title=fields.get("title") or None,
            author=fields.get("dc:creator") or None,
            board_id=board_id_of(decoded(category[1])) if category else None,
            last_post_at=_instant(fields.get("pubDate", "")),
            reply_count=int(comments) if comments.isdecimal() else None,
            url=url,
        )
    return list(threads.values())


def _bare(value: str) -> str:
    value = value.strip()
    return value[9:-3] if value.startswith("<![CDATA[") and value.endswith("]]>") else value


def _instant(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError, TypeError):
        return None
