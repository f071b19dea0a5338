"""Bytes of a text document to text, whatever editor saved it."""

import codecs
import re

from crawler.errors import UsageError

_BINARY = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_MULTIBYTE = (b"\xc2\xa0", b"\xe2\x80")
"""UTF-8 of the no-break space and of typographic quotes, dashes and bullets: rare as Windows-1252 (`Â `, `â€`)."""


def decode(body: bytes, name: str) -> str:
    """The document's text with line ends as line feeds and without a byte order mark.

    Raises:
        UsageError: it is empty, not text, or in an encoding that cannot be told.
    """
    if not body.strip(b" \t\r\n"):
        raise UsageError(f"{name} is empty; give a document that holds a thread.")
    text = _decode(body, name)
    if found := _BINARY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise UsageError(f"{name}, line {line}: not a text document (it holds control characters); save it as text.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode(body: bytes, name: str) -> str:
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return body.decode("utf-16")
        except UnicodeDecodeError as error:
            raise UsageError(f"{name} is damaged UTF-16 text ({error.reason}); save it again as UTF-8.") from error
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        if any(sequence in body for sequence in _MULTIBYTE):
            # One bad byte in UTF-8 text: as Windows-1252 every quote and dash in it would turn into rubbish.
            raise UsageError(
                f"{name}, line {line}: damaged UTF-8 text ({error.reason}); save it again as UTF-8."
            ) from error
    try:
        return body.decode("cp1252")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name}, line {line}: neither UTF-8 nor Windows-1252 text; save it again as UTF-8."
        ) from error
