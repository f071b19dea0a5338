"""Ids that a site of its own making gives its threads and posts, as far as addresses and identifiers show them."""

import re
from urllib.parse import parse_qsl, urlsplit

from crawler.engines.feed.addresses import board_of, target_of

_PAGE_PART = re.compile(r"^(?:page|p|seite|sivu|sida|pagina|strona)[-_]?\d{1,6}$", re.IGNORECASE)
_PAGE_PARTS = re.compile(r"/page/\d{1,6}/?$")
_DOTTED = re.compile(r"\.\d{1,18}$")
_INDEX = re.compile(r"^(?:index|default|home)(?:\.\w{2,5})?$", re.IGNORECASE)
_NUMBERED = re.compile(
    r"^(\d{2,18})(?=[-_.]|$)|(?:^|[-_.,~])[a-z]?(\d{2,18})(?:\.[a-zA-Z]{2,5})?$|^(\d{1,18})$|\.(\d{1,18})$"
)
_FILE = re.compile(r"(?<=.)\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)
_ANCHOR = re.compile(r"^[a-zA-Z_:-]*?(\d{1,18})$")
# Khoros (Lithium): its anchors count the messages of a board.
_MESSAGE = re.compile(r"/m-p/(\d{1,18})(?:$|/)")
_PAGE_QUERY = ("page", "pg", "seite", "sivu")
_THREAD_QUERY = ("tid", "t", "topic", "topicid", "topic_id", "thread", "threadid", "thread_id", "id", "qid", "threadID")
_POST_QUERY = ("pid", "post", "postid", "post_id", "comment", "commentid", "comment_id", "cid", "answer", "p", "reply")
_TOKEN = re.compile(r"[\w-]{1,40}")
_PERSON = re.compile(
    r"(?:[?&;](?:u|uid|id|user|userid|user_id)=|/(?:users?|members?|profiles?|u)/(?:[^/?#]*[.-])?)(\d{1,18})(?=$|[^\w])"
)
_SMALL = re.compile(r"(?:19|20)\d\d|\d{1,3}")


def thread_id_of(url: str) -> str | None:
    """Id of the thread at an address: the number in it, else the words of its last part."""
    url = url[:2_000]
    if (target := target_of(url)) is not None:
        return target.thread_id
    parts = _parts(url)
    if parts is None:
        return None
    path, query, _ = parts
    path = _PAGE_PARTS.sub("", path)
    segments = [part for part in path.split("/") if part and not _PAGE_PART.match(part) and not _INDEX.match(part)]
    # The last number in the path; a year or a day in front of a title is none.
    for segment in reversed(segments):
        number = _number(segment)
        # Among the words of a title, or before it, a small number or a year may be one of them.
        bare = _DOTTED.search(segment) is not None or (segment == number and segment is segments[-1])
        if number and (bare or not _SMALL.fullmatch(number)):
            return number
    named = dict(query)
    for name in _THREAD_QUERY:
        if named.get(name, "").isdecimal():
            return named[name]
    return _FILE.sub("", segments[-1])[:120] if segments else None


def post_id_of(url: str, thread_url: str | None) -> str | None:
    """Id of the post that an address leads to: its anchor's number, or the one that the thread's address lacks."""
    url = url[:2_000]
    target = target_of(url)
    if target is not None and target.post_id:
        return target.post_id
    parts = _parts(url)
    if parts is None:
        return None
    path, query, fragment = parts
    if (message := _MESSAGE.search(path)) is not None:
        return message[1]
    if (anchor := _ANCHOR.match(fragment)) is not None:
        return anchor[1]
    named = dict(query)
    for name in _POST_QUERY:
        if named.get(name, "").isdecimal():
            return named[name]
    own = _parts(thread_url or "")
    if own is not None and path.rstrip("/") != own[0].rstrip("/"):
        number = path.rstrip("/").rpartition("/")[2]
        return number if number.isdecimal() and number != thread_id_of(thread_url or "") else None
    return None


def identifier_of(text: str) -> str | None:
    """An identifier that can stand for a post: a number, with or without words before it, or one word with digits."""
    if (anchor := _ANCHOR.match(text)) is not None:
        return anchor[1]
    return text if _TOKEN.fullmatch(text) and any(sign.isdigit() for sign in text) else None


def person_id_of(url: str) -> str | None:
    """Number of a person in the address of the profile."""
    found = _PERSON.search(url[:2_000])
    return found[1] if found else None


def board_id_of(url: str) -> str | None:
    """Id of the board at an address: its number, else the words of its last part."""
    if board := board_of(url):
        return board
    parts = _parts(url)
    segments = [segment for segment in parts[0].split("/") if segment] if parts else []
    if not segments:
        return None
    return _number(segments[-1]) or _FILE.sub("", segments[-1])[:120]


def page_of(url: str) -> int | None:
    """Number of the page that an address names, if it does."""
    parts = _parts(url)
    if parts is None:
        return None
    for segment in parts[0].split("/"):
        if _PAGE_PART.match(segment):
            return int(re.sub(r"\D", "", segment))
    found = re.search(r"/page/(\d{1,6})(?:/|$)", parts[0])
    if found is not None:
        return int(found[1])
    named = dict(parts[1])
    return next((int(named[name][:6]) for name in _PAGE_QUERY if named.get(name, "").isdecimal()), None)


def same_page(one: str, other: str) -> bool:
    """Whether two addresses differ in no more than scheme, query and anchor."""
    first, second = _parts(one), _parts(other)
    return first is not None and second is not None and first[0].rstrip("/") == second[0].rstrip("/")


def _number(segment: str) -> str | None:
    """The number that a part of a path begins or ends with."""
    found = _NUMBERED.search(segment)
    return next(group for group in found.groups() if group) if found else None


def _parts(url: str) -> tuple[str, list[tuple[str, str]], str] | None:
    """(path, query, fragment)"""
    try:
        parts = urlsplit(url.strip())
        return parts.path, parse_qsl(parts.query, max_num_fields=50), parts.fragment
    except ValueError:
        return None
