"""What makes two things the same: addresses without what varies from visit to visit, and hashes of content."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import msgspec

from crawler.addresses import without_session

_NOISE = re.compile(r"(?:sid|_xftoken|fbclid|gclid|igshid|mc_[ce]id|ref_src|utm_\w+)=", re.IGNORECASE)
"""Query parameters that name the visit instead of the page, besides sessions (crawler.addresses): campaign labels.

And a `sid` of any value: a request must not lose what may be a story's number, a comparison may.
"""
_PLAIN = re.compile(r"https?://[a-z0-9.-]+/[^?;\s]*")
"""Addresses that are canonical at first sight; most are."""
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def canonical_url(url: str) -> str:
    """The address without session ids, campaign labels, default port and upper-case host."""
    if _PLAIN.fullmatch(url):
        return url
    try:
        parts = urlsplit(without_session(url))
    except ValueError:
        return url
    host = parts.netloc.lower()
    host = host.removesuffix(_DEFAULT_PORTS.get(parts.scheme.lower(), " "))
    query = "&".join(piece for piece in parts.query.split("&") if not _NOISE.match(piece)) if parts.query else ""
    return urlunsplit((parts.scheme.lower(), host, parts.path, query, parts.fragment))


def content_hash(values: Iterable[object]) -> str:
    """BLAKE2b-128 of the values as JSON, as 32 hexadecimal digits."""
    return hashlib.blake2b(msgspec.json.encode(list(values)), digest_size=16).hexdigest()


def month_of(instant: datetime | None, unknown: str) -> str:
    """Month of an aware instant in UTC as YYYY-MM."""
    return unknown if instant is None else f"{instant.year:04d}-{instant.month:02d}"
