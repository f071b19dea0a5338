"""A page that somebody saved: its bytes, and the address it came from."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

from crawler.errors import UsageError
from crawler.settings import MAXIMUM_BYTES


def read_page(path: Path, hint: str = "") -> bytes:
    """The file's bytes; of "-", standard input's. `hint` ends the sentence where it cannot be read.

    Raises:
        UsageError: it cannot be read, or is larger than any page that a crawl takes.
    """
    try:
        if str(path) == "-":
            body = sys.stdin.buffer.read(MAXIMUM_BYTES + 1)
        else:
            with path.open("rb") as file:
                body = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}{hint}.") from error
    if len(body) > MAXIMUM_BYTES:
        raise UsageError(
            f"{path} is larger than {MAXIMUM_BYTES // 2**20} MB, more than a crawl takes of a page; is it one page?"
        )
    return body


def host_of(url: str) -> str:
    """Host of the address that a page came from.

    Raises:
        UsageError: it is no address.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # refuses what is no number, as whoever reads the page would
    except ValueError as error:
        raise UsageError(f"--url {url!r} is no address: {error}.") from None
    return parts.hostname or "unknown"
