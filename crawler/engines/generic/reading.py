"""Posts and threads of items of schema.org: DiscussionForumPosting, Question with Answers, Comment."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from crawler.engines.generic.anchors import anchored_ids
from crawler.engines.generic.items import ELEMENT_ID, PROFILE, Item, Markup, name_of
from crawler.engines.generic.naming import board_id_of, identifier_of, person_id_of, post_id_of, thread_id_of
from crawler.engines.html import Prose, absolute, closing, decoded, from_iso, number_of, plain_text
from crawler.records import Post, Quote, Thread

REPLIES = ("comment", "comments", "acceptedanswer", "suggestedanswer", "answer", "reply", "replies")
_BODY = ("text", "articlebody", "commenttext")
_CREATED = ("datepublished", "datecreated", "commenttime", "uploaddate")
_TAG = re.compile(
    r"</?(?:p|br|div|b|i|u|em|strong|a|ul|ol|li|blockquote|span|img|code|pre|h[1-6])(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_LIKES = frozenset({"likeaction", "userlikes", "upvoteaction", "agreeaction"})
_DISLIKES = frozenset({"dislikeaction", "userdislikes", "disagreeaction"})
_COMMENTS = frozenset({"commentaction", "replyaction", "usercomments"})
_VIEWS = frozenset({"viewaction", "readaction", "userpagevisits"})
# What is a quote in the HTML of forums: the element for it, or a class that no other thing has.
_QUOTE = re.compile(
    r"<(?:(blockquote)(?=[\s>])[^<>]{0,1000}|(div|aside|table)\s[^<>]{0,500}?class=[\"']?(?:[^\"'<>]{0,200}\s)?"
    r"(?:quote|quotebox|quote-?container|quotecontent|quotemain|bbcode_quote|bb-?quote|ipsQuote)(?=[\s\"'>])[^<>]{0,500})>",
    re.IGNORECASE,
)
_OUTER_QUOTE = re.compile(r"<blockquote\s[^<>]{0,500}?itemprop=")
_QUOTED = re.compile(r"([^:\n]{0,60}?)\s?:?")
_EMPTY_LINES = re.compile(r"\n{3,}")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$")
_DEEPEST = 30
# Smaller numbers of posts may be those within their threads, and not be theirs alone.
_FEWEST_DIGITS = 4


class Place(Struct, frozen=True):
    """Where the posts of a page stand."""

    site: str
    url: str
    """Address of the page."""
    thread_id: str
    thread_url: str | None
    page: int


class Found(Struct):
    """An item that is a post, and where it stands."""

    item: Item
    parent: "Found | None" = None
    """The reply that it answers; none where it answers the opening post."""
    is_opening: bool = False
    accepted: bool = False
    body: tuple[str, list[Quote], list[str]] | None = None
    """What `body_of` read of it, once it did."""
    anchor: str | None = None
    """The number of the post's element in the page's HTML."""
    post_id: str = ""


# -- fields -------------------------------------------------------------------------------------------------------


def line(text: str) -> str:
    """A name or a title on one line, entities decoded."""
    return " ".join(decoded(text).split())


def title_of(item: Item) -> str | None:
    """Title of a thread."""
    return line(item.text("headline", "name")) or None


def address_of(item: Item, base: str, *, of_thread: bool = False) -> str | None:
    """Address of an item, absolute; of a thread also that of the page that it is the main thing of."""
    for name in ("url", "mainentityofpage", "discussionurl") if of_thread else ("url", "replytourl"):
        for value in item.values(name):
            if isinstance(value, str) and value.strip():
                return absolute(base, value.strip())
            if isinstance(value, Item) and (value.key or value.text("url")):
                return absolute(base, value.key or value.text("url"))
    key = item.key or ""
    return absolute(base, key) if key.startswith(("http://", "https://", "/", "#")) else None


def stated_at(item: Item, *names: str) -> tuple[datetime | None, str | None]:
    """(instant, words) of the first of the dates; the instant only where its offset is stated."""
    text = item.text(*names)
    return from_iso(text), text or None


def author_of(item: Item, base: str) -> tuple[str | None, str | None]:
    """(name, id) of the author."""
    for value in item.values("author", "creator"):
        if isinstance(value, Item):
            name = line(value.text("name", "alternatename", "givenname"))
            address = value.text("url", "sameas") or value.key or value.text(PROFILE)
            number = value.text("identifier") or person_id_of(absolute(base, address)) or ""
            if name:
                return name, number if number.isalnum() else None
        elif isinstance(value, str) and value.strip() and not value.startswith(("http://", "https://")):
            return line(value), None
    return None, None


def counters(item: Item) -> list[tuple[str, int]]:
    """(kind of action in lower case, number) of each of an item's counters."""
    found = []
    for value in item.values("interactionstatistic", "interactioncount"):
        if isinstance(value, Item):
            kind, number = _kind_of_action(value), value.text("userinteractioncount")
        else:
            kind, _, number = value.partition(":") if isinstance(value, str) else ("", "", "")
        if any(sign.isdigit() for sign in number):
            found.append((kind.lower(), number_of(number) or 0))
    return found


def _kind_of_action(statistic: Item) -> str:
    for value in statistic.values("interactiontype"):
        if isinstance(value, str) and value.strip():
            return name_of(value.strip())
    inner = statistic.items("interactiontype")
    named = next((name for one in inner for name in one.types if name), "") or next(
        (one.key for one in inner if one.key), ""
    )
    return name_of(named) if named else ""


def counter(found: Iterable[tuple[str, int]], kinds: frozenset[str]) -> int | None:
    """The first number of one of these kinds of action; None where there is none."""
    return next((number for kind, number in found if kind in kinds), None)


def whole(item: Item, *names: str) -> int | None:
    """The first of the numbers."""
    text = item.text(*names)
    return number_of(text) if any(sign.isdigit() for sign in text) else None


# -- texts --------------------------------------------------------------------------------------------------------


def body_of(item: Item, base: str) -> tuple[str, list[Quote], list[str]]:
    """(own words, quotes, links). JSON-LD has but the text, and a quote in it cannot be told from the rest."""
    for value in item.values(*_BODY):
        markup = value.html if isinstance(value, Markup) else value if isinstance(value, str) else ""
        if not isinstance(value, Markup) and ("<" not in markup or not _TAG.search(markup)):
            if text := _lines(decoded(markup)):
                return text, [], []
            continue
        if _OUTER_QUOTE.match(markup):  # the text itself, not somebody else's in it
            markup = markup[markup.find(">") + 1 :].removesuffix("</blockquote>")
        own, quoted = _apart(markup)
        prose = Prose().read(own)
        text = prose.result().strip()
        quotes = [quote for part in quoted if (quote := _quote(part)).text]
        if text or quotes or prose.links:
            return text, quotes, [absolute(base, link) for link in prose.links if not link.startswith("javascript:")]
    return "", [], []


def _lines(text: str) -> str:
    lines = (" ".join(one.split()) for one in text.replace("\r\n", "\n").split("\n"))
    text = "\n".join(lines).strip()
    return _EMPTY_LINES.sub("\n\n", text) if "\n\n\n" in text else text


def _apart(markup: str) -> tuple[str, list[str]]:
    """A fragment without its quotes, and what is in these."""
    own: list[str] = []
    quotes: list[str] = []
    position = 0
    while (start := _QUOTE.search(markup, position)) is not None:
        end = closing(markup, start[1] or start[2], start.end(), len(markup))
        own += [markup[position : start.start()], "<br>"]
        quotes.append(markup[start.end() : end])
        position = markup.find(">", end) + 1 or len(markup)
    own.append(markup[position:])
    return "".join(own), quotes


def _quote(markup: str) -> Quote:
    """A quote without those in it; a box with a name and one quote in it is that quote."""
    own, inner = _apart(markup)
    text = plain_text(own).strip()
    if len(inner) == 1 and (name := _QUOTED.fullmatch(text)) is not None:
        return Quote(author=name[1] or None, text=plain_text(_apart(inner[0])[0]).strip())
    return Quote(text=text)


# -- posts --------------------------------------------------------------------------------------------------------


def replies_of(
    item: Item, parent: Found | None = None, seen: set[int] | None = None, depth: int = 0
) -> Iterator[Found]:
    """The replies under an item and theirs, each before its own replies, and once."""
    seen = {id(item)} if seen is None else seen
    for reply in item.items(*REPLIES):
        if not reply.properties or id(reply) in seen:
            continue
        seen.add(id(reply))
        found = Found(item=reply, parent=parent, accepted=any(reply is one for one in item.items("acceptedanswer")))
        yield found
        if depth < _DEEPEST:
            yield from replies_of(reply, found, seen, depth + 1)


def name_posts(posts: list[Found], place: Place, first: int) -> None:
    """Gives each post its id: the site's own where it shows one, else the thread's with a number.

    The number is the one that the site counts, else the place on the page; `first` is that of the page's first post.
    """
    own = [_own_id(found, place) for found in posts]
    stated = _stated_positions(posts)
    before = "" if place.page <= 1 or stated else f"p{place.page}-"
    numbers = stated or list(range(first, first + len(posts)))
    for found, name, number in zip(posts, own, numbers, strict=True):
        if name is None or own.count(name) > 1:
            found.post_id = f"{place.thread_id}-1" if found.is_opening else f"{place.thread_id}-{before}{number}"
        elif name.isdecimal() and (len(name) < _FEWEST_DIGITS or name == str(number)):
            found.post_id = f"{place.thread_id}-{name}"  # it may well count the posts of the thread
        else:
            found.post_id = name


def _body(found: Found, place: Place) -> tuple[str, list[Quote], list[str]]:
    if found.body is None:
        found.body = body_of(found.item, place.url)
    return found.body


def _stated_positions(posts: list[Found]) -> list[int]:
    """The posts' numbers by the site's own count; none where not all have one, or two the same."""
    stated = [number for found in posts if (number := whole(found.item, "position")) is not None]
    return stated if len(stated) == len(set(stated)) == len(posts) else []


def anchor_posts(posts: list[Found], place: Place, markup: str) -> None:
    """Looks for the numbers of replies in the page's HTML, where their descriptions have none."""
    replies = [found for found in posts if not found.is_opening]
    if not _stated_positions(posts) and any(_own_id(found, place) is None for found in replies):
        ids = anchored_ids(markup, [_body(found, place)[0] for found in replies])
        for found, number in zip(replies, ids, strict=False):
            found.anchor = number


def _own_id(found: Found, place: Place) -> str | None:
    item = found.item
    key = item.key or ""
    named = identifier_of(item.text("identifier"))
    address = address_of(item, place.url)
    number = post_id_of(address, place.thread_url) if address else None
    if number is None and key:
        number = (
            post_id_of(absolute(place.url, key), place.thread_url) if "/" in key or "#" in key else identifier_of(key)
        )
    name = named or number or identifier_of(item.text(ELEMENT_ID)) or found.anchor
    # The opening post often carries the number of its thread, which may be another post's, too.
    return None if found.is_opening and name == place.thread_id else name


def post_of(found: Found, place: Place) -> Post:
    """The record of a post; `name_posts` has named it."""
    item = found.item
    text, quotes, links = _body(found, place)
    author, author_id = author_of(item, place.url)
    created_at, created_text = stated_at(item, *_CREATED)
    counted = counters(item)
    likes, dislikes = counter(counted, _LIKES), counter(counted, _DISLIKES)
    score = whole(item, "upvotecount")
    down = whole(item, "downvotecount")
    if score is not None and down is not None:
        score -= abs(down)
    elif score is None and likes is not None and dislikes is not None:
        score = likes - dislikes
    post = Post(
        site=place.site,
        thread_id=place.thread_id,
        post_id=found.post_id,
        parent_id=found.parent.post_id if found.parent else None,
        author=author,
        author_id=author_id,
        created_at=created_at,
        created_text=created_text,
        body_text=text,
        quotes=quotes,
        links=links,
        reactions=likes if dislikes is None else None,
        score=score,
        is_opening=found.is_opening,
        url=address_of(item, place.url, of_thread=found.is_opening),
    )
    if post.url == place.thread_url and not found.is_opening:
        post.url = None
    if not found.is_opening:
        # A thread's own dateModified is that of its last reply on many sites.
        changed, words = stated_at(item, "datemodified")
        post.edited = words is not None and words != created_text and (changed is None or changed != created_at)
        post.edited_at = changed if post.edited else None
    return post


def number_posts(posts: list[Post], items: Iterable[Found], place: Place) -> None:
    """Positions: as stated, else counted where the page is the first, has no tree, and goes by date."""
    founds = list(items)
    if stated := _stated_positions(founds):
        for post, number in zip(posts, stated, strict=True):
            post.position = number
        return
    if place.page > 1 or not posts or not posts[0].is_opening:
        return
    posts[0].position = 1
    if all(found.parent is None and not found.accepted for found in founds) and _by_date(posts):
        for position, post in enumerate(posts, 1):
            post.position = position


def _by_date(posts: list[Post]) -> bool:
    """Whether the posts go from the oldest to the newest, by their instants or their dates in the form of ISO 8601."""
    instants = [post.created_at for post in posts if post.created_at is not None]
    if len(instants) == len(posts):
        return instants == sorted(instants)
    words = [post.created_text or "" for post in posts]
    return all(_ISO.match(one) for one in words) and words == sorted(words)


# -- threads ------------------------------------------------------------------------------------------------------


def thread_of(item: Item, site: str, base: str, url: str | None = None) -> Thread | None:
    """The thread that an item is; None where nothing tells its id."""
    address = url or address_of(item, base, of_thread=True)
    thread_id = thread_id_of(address) if address else None
    if thread_id is None:
        return None
    author, author_id = author_of(item, base)
    created_at, created_text = stated_at(item, *_CREATED)
    replies = whole(item, "commentcount", "answercount")
    counted = counters(item)
    kinds = item.types
    thread = Thread(
        site=site,
        thread_id=thread_id,
        title=title_of(item),
        author=author,
        author_id=author_id,
        created_at=created_at,
        created_text=created_text,
        reply_count=replies if replies is not None else counter(counted, _COMMENTS),
        view_count=counter(counted, _VIEWS),
        score=whole(item, "upvotecount"),
        tags=_tags(item),
        thread_type="question" if "question" in kinds else "discussion" if "discussionforumposting" in kinds else None,
        url=address,
    )
    for part in item.items("ispartof"):
        if address_in := address_of(part, base):
            thread.board_id = board_id_of(address_in)
    return thread


def _tags(item: Item) -> list[str]:
    tags = [line(one) for value in item.values("keywords") if isinstance(value, str) for one in value.split(",")]
    return list(dict.fromkeys(tag for tag in tags if tag))
