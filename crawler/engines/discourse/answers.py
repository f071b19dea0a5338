"""What an answer of the API is, and its records; also the answers that a page for browsers carries in itself."""

import re
from collections.abc import Sequence
from json import JSONDecoder

from crawler.engines.discourse.addresses import root_of
from crawler.engines.discourse.fields import Fields
from crawler.engines.discourse.lists import read_category, read_index, read_list, read_search
from crawler.engines.discourse.posts import Reading
from crawler.engines.discourse.topics import read_entries, read_topic
from crawler.engines.html import decoded
from crawler.engines.json_text import NotJsonError, decode
from crawler.engines.page import Page
from crawler.records import PageKind, ParsedPage

_SIGNS = (
    (b'"post_stream"', b'"post_number"', "post_stream with post_number"),
    (b'"topic_list"', b'"topics"', "topic_list with topics"),
    (b'"category_list"', b'"categories"', "category_list with categories"),
    (b'"latest_posts"', b'"post_number"', "latest_posts with post_number"),
    (b'"cooked"', b'"post_number"', "cooked with post_number"),
    (b'"grouped_search_result"', b'"topics"', "grouped_search_result with topics"),
    (b'"post_action_types"', b'"trust_levels"', "post_action_types with trust_levels"),
    (b'"topic_url"', b'"read_restricted"', "a category with topic_url"),
)
_LOGIN = ("not_logged_in",)
_TYPES = frozenset(
    {"not_found", "invalid_access", "not_logged_in", "rate_limit", "read_only", "invalid_parameters", "unknown"}
)
_PRELOADED = re.compile(
    r"<(?:div|script)\b(?=[^<>\"'])(?:[^<>\"']|\"[^<>\"]{0,99}\"){0,99}?\bid=[\"']data-preloaded[\"']"
)
_PRELOADED_VALUE = re.compile(r"\sdata-preloaded=(?:\"([^\"]*)\"|'([^']*)')")
_TOPIC, _LIST, _CATEGORIES = re.compile(r"topic_\d+$"), re.compile("topic_list"), re.compile("categories")
_STORED = re.compile(r"PreloadStore\.store\([\"'](topic_\d+|topic_list[\w/]*|categories_list|categoriesList)[\"'],\s*")


def looks_like_json(body: bytes) -> bool:
    """Whether the body begins as JSON does."""
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}


def sign_of(body: bytes) -> tuple[float, str] | None:
    """How sure the answer is Discourse's, and what says so; None where nothing does."""
    for first, second, evidence in _SIGNS:
        if first in body and second in body:
            return 0.95, f"JSON of Discourse: {evidence}"
    if b'"errors"' in body[:4_000] and b'"error_type"' in body[:8_000]:
        return 0.9, "JSON of Discourse: errors with error_type"
    return None


def read_answer(page: Page) -> ParsedPage:
    """The records of an answer; `unknown` with a reason where it is none that holds posts or lists."""
    try:
        value = decode(page.body)
    except NotJsonError as error:
        return ParsedPage(page_kind=PageKind.UNKNOWN, reason=f"the JSON cannot be read: {error}")
    if isinstance(value, list):
        value = {"latest_posts": value} if _are_posts(value) else {}
    return read_value(page, Fields(value))


def _are_posts(values: Sequence[object]) -> bool:
    return bool(values) and all(isinstance(value, dict) and "cooked" in value for value in values)


def read_value(page: Page, answer: Fields) -> ParsedPage:
    """The records of a decoded answer."""
    data = answer.data
    if isinstance(data.get("post_stream"), dict):
        return read_topic(page, answer)
    if isinstance(data.get("topic_list"), dict):
        return read_list(page, answer)
    if "post_number" in data and "cooked" in data:
        return read_topic(page, Fields({"id": data.get("topic_id"), "post_stream": {"posts": [dict(data)]}}))
    if "latest_posts" in data:
        reading = Reading(page.site, root_of(page.url), page.url, None, None)
        return read_entries(answer.listed("latest_posts"), reading, PageKind.FEED)
    if "grouped_search_result" in data:
        return read_search(page, answer)
    if isinstance(data.get("category"), dict):
        return read_category(page, answer)
    if isinstance(data.get("category_list"), dict) or isinstance(data.get("categories"), list):
        return read_index(page, answer)
    return _refused(page, answer)


def _refused(page: Page, answer: Fields) -> ParsedPage:
    """An error, or something that holds no posts or lists (a user, a group, badges, settings)."""
    kind = answer.text("error_type")
    said = answer.data.get("errors")
    words = [word for word in said if isinstance(word, str)] if isinstance(said, list) else []
    message = "; ".join(words)[:300] or answer.text("error") or answer.text("message")
    if kind or words or page.status >= 400 or (message and "failed" in answer.data):
        found = PageKind.LOGIN if kind in _LOGIN else PageKind.ERROR
        reason = f"{kind}: {message}" if kind and message else kind or message
        return ParsedPage(page_kind=found, reason=reason or f"the site answered {page.status}")
    return ParsedPage(page_kind=PageKind.UNKNOWN, reason="JSON without topics, posts or categories of Discourse")


# -- answers inside pages -----------------------------------------------------------------------------------------


def preloaded(markup: str) -> Fields | None:
    """The topic or list that a page for browsers brings along for its scripts; None where it has none."""
    if "data-preloaded" in markup:
        texts = _carried(markup)
    else:
        texts = _stored(markup) if "PreloadStore.store(" in markup else {}
    for prefix in (_TOPIC, _LIST, _CATEGORIES):
        for name in filter(prefix.match, texts):
            answer = _object(texts[name])
            if answer is not None and (prefix is not _TOPIC or "post_stream" in answer.data):
                return answer
    return None


def _object(value: object) -> Fields | None:
    """The object that a value is, or holds as text."""
    if isinstance(value, str):
        try:
            value = decode(value.encode("utf-8", "replace"))
        except NotJsonError:
            return None
    return Fields(value) if isinstance(value, dict) and value else None


def _carried(markup: str) -> dict[str, object]:
    """Since 2.1: an element's attribute, or a script's text, with an object of JSON texts."""
    found = _PRELOADED.search(markup)
    if found is None:
        return {}
    value = _PRELOADED_VALUE.search(markup, found.start())
    if found[0].startswith("<script"):
        start = markup.find(">", found.end()) + 1
        text = markup[start : markup.find("</script", start)]
    elif value is not None:
        text = decoded(value[1] or value[2] or "")
    else:
        return {}
    whole = _object(text)
    return dict(whole.data) if whole else {}


def _stored(markup: str) -> dict[str, object]:
    """Up to 2.0: calls in a script, each with a name and an object."""
    found: dict[str, object] = {}
    for call in _STORED.finditer(markup):
        try:
            found[call[1]] = JSONDecoder().raw_decode(markup, call.end())[0]
        except (ValueError, RecursionError):
            continue
    return found
