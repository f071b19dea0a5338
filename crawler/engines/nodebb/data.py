"""Where NodeBB's answer is: the body of an API response, or the script that a page carries for its own use."""

import re

from crawler.engines.json_text import Json, NotJsonError, decode
from crawler.engines.page import Page

SCRIPT = re.compile(rb"<script\b[^<>]{0,300}\bid=[\"']?ajaxify-data\b[^<>]{0,300}>", re.IGNORECASE)
"""Start tag of the script that holds a page's data."""
_SCRIPT_END = re.compile(rb"</script\b", re.IGNORECASE)
# Keys that stand in all answers of the API for pages, and in those that say what went wrong.
_SIGNS = (b'"bodyClass"', b'"template":{', b'"loggedInUser"', b'"relative_path"', b'"titleRaw"', b'"descriptionParsed"')


def is_json(page: Page) -> bool:
    """Whether the body is no page."""
    return page.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"[", b'"'}


def answer_of(page: Page) -> Json:
    """The answer that the page is or carries; None where there is none, or none that can be read."""
    if is_json(page):
        body = page.body
    else:
        found = SCRIPT.search(page.body)
        if found is None:
            return None
        end = _SCRIPT_END.search(page.body, found.end())
        body = page.body[found.end() : end.start() if end else len(page.body)].strip()
    try:
        return decode(body)
    except NotJsonError:
        return None


def looks_like_answer(body: bytes) -> bool:
    """Whether the keys of a JSON body are those of NodeBB; a cheap look."""
    if b'"ok":' in body or b'"kind":' in body[:200]:
        return False
    compact = body.replace(b'": {', b'":{').replace(b'" :', b'":') if b'": {' in body[:2_000] else body
    signs = sum(sign in compact for sign in _SIGNS)
    posts = b'"pid":' in body and b'"tid":' in body
    return signs >= 2 or (signs >= 1 and posts) or (posts and b'"userslug":' in body) or is_refusal(body)


def is_refusal(body: bytes) -> bool:
    """Whether a body is what NodeBB's API says instead of an answer."""
    return len(body) < 4_000 and b'"status":' in body and b'"code":' in body and b'"response":' in body
