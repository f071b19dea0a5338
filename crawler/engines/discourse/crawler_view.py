"""A topic as Discourse shows it to crawlers and to browsers without scripts, from 1.x to the present.

Each post has its own schema.org item up to 2.8, and all stand in one in 3.x (`DiscussionForumPosting`, or `QAPage`
where a question may have an answer). The bodies are `div.post` in all of them. No ids of posts are shown: a post is
named by topic and number.
"""

import re
from itertools import zip_longest

from crawler.engines.discourse.addresses import category_of, topic_of, topic_url, user_of
from crawler.engines.discourse.cooked import Cooked
from crawler.engines.discourse.document import Document
from crawler.engines.html import absolute, closing, decoded, from_iso, inline_text
from crawler.records import Attachment, PageKind, ParsedPage, Poll, Post, Status, Thread

_POST = re.compile(r"<div\b[^<>]*?\sclass=[\"']?(?:[^\"'<>]*\s)?crawler-post(?=[\s\"'>])[^<>]*>")
_BODY = re.compile(r"<div\b[^<>]*?\sclass=([\"']?)post\1(?=[\s>])[^<>]*>")
_ITEM = re.compile(r"<div\b[^<>]*?schema\.org/DiscussionForumPosting\b[^<>]*>")
_NAME = re.compile(r"<\w+\b[^<>]*\bitemprop=[\"']?(?:name|author)[\"']?>([^<]*)<|<b>([^<]*)</b>")
_TIME = re.compile(r"<time\b([^<>]*)>([^<]*)")
_DATETIME = re.compile(r"\sdatetime=[\"']?([^\"'\s>]+)")
_PUBLISHED = re.compile(r"itemprop=[\"']?datePublished[\"']?\s+content=[\"']([^\"']+)")
_MODIFIED = re.compile(r"itemprop=[\"']?dateModified[\"']?\s+content=[\"']([^\"']+)")
_POSITION = re.compile(r"itemprop=[\"']?position[\"']?\s*>\s*#?(\d{1,9})")
_OLD_POSITION = re.compile(r"\bclass=[\"']?creator[\"']?[^<>]*>\s*#(\d{1,9})")
_OLD_DATE = re.compile(r"</b>,\s*([^<]{1,60}?)\s*</div>")
_ID = re.compile(r"\sid=[\"']?post_(\d{1,9})\b")
_LIKES = re.compile(r"LikeAction[\"']?\s*/?>\s*<meta\b[^<>]*?userInteractionCount[\"']?\s+content=[\"']?(\d{1,9})")
_OLD_LIKES = re.compile(r"UserLikes:(\d{1,9})")
_HREF = re.compile(r"\shref=[\"']?([^\"'\s>]*)")
_HEADING = re.compile(r"<h[12]\b[^<>]*>(.{0,3000}?)</h[12]>", re.DOTALL)
_TAG = re.compile(r"<a\b[^<>]*\bclass=[\"'][^\"'<>]*\bdiscourse-tag\b[^<>]*>([^<]*)<")
_CATEGORY = re.compile(r"<a\b[^<>]*\shref=[\"']([^\"'<>]*?(?:^|/)c/[^\"'<>]+)[\"']")
_OLDEST = re.compile(r"<div class=[\"']creator[\"']>")
_JSON_URL = re.compile(r'"url"\s*:\s*"([^"]{1,2000})"')
# What Discourse shows in place of a post, in the words of its English translation.
_NOTICE = re.compile(
    r"\(post (?P<deleted>deleted by author|withdrawn by author, will be automatically deleted in \d+ hours?"
    r"(?: unless flagged)?)\)"
    r"|This post was flagged by the community and is temporarily hidden\."
    r"|Your post was flagged by the community\. Please see your messages\."
)
_LONGEST_NOTICE = 200


class Place:
    """Where a post stands: its start tag, the text inside it, and where the next post begins."""

    __slots__ = ("body", "body_end", "limit", "start", "tag")

    def __init__(self, start: int, tag: str) -> None:
        self.start = start
        self.tag = tag
        self.limit = self.body = self.body_end = 0


def places_of(markup: str, start: int = 0) -> list[Place]:
    """The elements of posts: with the class that crawlers' posts have since 2.2, else with an item of their own."""
    places = _classed(markup, start) if "crawler-post" in markup else []
    if not places and "creator" in markup:
        places = _older(markup, start)
    for place, following in zip_longest(places, places[1:]):
        place.limit = following.start if following else len(markup)
        place.body = _body_of(markup, place)
        if place.body:
            place.body_end = closing(markup, "div", place.body, place.limit)
    return [place for place in places if place.body or not _is_empty(markup, place)]


def _body_of(markup: str, place: Place) -> int:
    """Where the text of the post starts; 0 where it has none."""
    at = markup.find("class='post'", place.start, place.limit)
    if at >= 0 and markup.startswith("<div ", at - 5):
        return markup.find(">", at) + 1
    body = _BODY.search(markup, place.start, place.limit)
    return body.end() if body else 0


def _is_empty(markup: str, place: Place) -> bool:
    """Whether nothing is in the element: the templates leave it so where the author's account is gone."""
    behind = place.start + len(place.tag)
    end = closing(markup, "div", behind, place.limit)
    return end < place.limit and not markup[behind:end].strip()


def _classed(markup: str, start: int) -> list[Place]:
    found = []
    # As the templates write it; pages that were rewritten are read with more patience.
    at = markup.find("crawler-post'", start)
    while at >= 0:
        opened = markup.rfind("<", start, at)
        found.append(Place(opened, markup[opened : markup.find(">", at) + 1]))
        at = markup.find("crawler-post'", at + 13)
    if not found:
        found = [Place(post.start(), post[0]) for post in _POST.finditer(markup, start)]
    # The line that leads to the next page has the class of a post.
    return [place for place in found if place.tag.startswith("<div") and "navigation" not in place.tag]


def _older(markup: str, start: int) -> list[Place]:
    if "DiscussionForumPosting" in markup:
        items = [Place(item.start(), item[0]) for item in _ITEM.finditer(markup, start)]
        if any("creator" in markup[item.start : item.start + 3_000] for item in items):
            return items
    # 2012 to 2014: a line with number, name and date, then the text.
    return [Place(line.start(), line[0]) for line in _OLDEST.finditer(markup, start)]


def read_topic_view(document: Document, places: list[Place]) -> ParsedPage:
    """The page of a topic."""
    markup = document.markup
    topic = document.topic
    if topic is None:
        return document.page_of(PageKind.UNKNOWN, f"{len(places)} posts of no topic: the page names none")
    slug = document.slug
    posts: dict[str, Post] = {}
    poll: Poll | None = None
    for place in places:
        number = _number(markup, place)
        if number is None or not place.body:
            what = "number" if place.body else "text"
            reason = f"post {len(posts) + 1} of the page could not be read: it has no {what}"
            return document.page_of(PageKind.UNKNOWN, reason)
        post, own_poll = _post(document, place, topic, slug, number)
        posts.setdefault(post.post_id, post)
        poll = own_poll if number == 1 and poll is None else poll
    parsed = document.page_of(PageKind.THREAD)
    parsed.posts, parsed.containers, parsed.thread_id = list(posts.values()), len(posts), topic
    parsed.page, parsed.last_page, parsed.next_url = document.pages(first=1)
    parsed.threads = [_thread(document, places, parsed, slug, poll)]
    parsed.board_id = parsed.threads[0].board_id
    return parsed


def _number(markup: str, place: Place) -> int | None:
    end = place.body or place.limit
    found = (
        _ID.search(place.tag)
        or _POSITION.search(markup, max(end - 150, place.start), end)  # where the templates have it
        or _POSITION.search(markup, place.start, end)
        or _OLD_POSITION.search(markup, place.start, end)
    )
    return int(found[1]) if found else None


def _post(document: Document, place: Place, topic: str, slug: str | None, number: int) -> tuple[Post, Poll | None]:
    markup = document.markup
    cooked = Cooked(lambda other, quoted: f"{other or topic}-{quoted}")
    cooked.read(markup[place.body : place.body_end].strip())
    text = cooked.result()
    notice = _NOTICE.fullmatch(text) if len(text) < _LONGEST_NOTICE else None
    head = markup[place.start : place.body]
    author, stated, created_text, modified = _by_line(head) or _other_by_line(
        head, markup[place.body_end : place.limit]
    )
    created_at = from_iso(stated) if stated else None
    # The page gives every post a time of its last change, which is that of its writing where there was none.
    modified_at = from_iso(modified) if modified and modified != stated else None
    edited = modified_at is not None and created_at is not None and modified_at > created_at
    post = Post(
        site=document.site,
        thread_id=topic,
        post_id=f"{topic}-{number}",
        position=number,
        author=author,
        created_at=created_at,
        created_text=created_text,
        edited=edited,
        edited_at=modified_at if edited else None,
        body_text="" if notice else text,
        quotes=cooked.quotes,
        reactions=_likes(markup, place),
        attachments=[Attachment(url=absolute(document.base, file.url), name=file.name) for file in cooked.attachments],
        links=[absolute(document.base, link) for link in cooked.links],
        is_opening=number == 1,
        status=(Status.DELETED if notice["deleted"] else Status.HIDDEN) if notice else Status.VISIBLE,
        url=topic_url(document.root, slug, topic, number),
    )
    return post, cooked.poll


_ByLine = tuple[str | None, str | None, str | None, str | None]
"""Author, instant as stated, instant as worded, and that of the last change."""


def _by_line(head: str) -> _ByLine | None:
    """What stands above a text, as the templates write it since 2.2; None where it is written otherwise."""
    name = head.find("itemprop='name'>")
    time = head.find(" datetime='", name)
    words = head.find(">", time)
    changed = head.find("dateModified' content='", words)
    if name < 0 or time < 0 or changed < 0:
        return None
    author = decoded(head[name + 16 : head.find("<", name)]).strip()
    worded = " ".join(head[words + 1 : head.find("<", words)].split())
    stated = head[time + 11 : head.find("'", time + 11)]
    return (author, stated, worded or None, head[changed + 23 : head.find("'", changed + 23)]) if author else None


def _other_by_line(head: str, below: str) -> _ByLine:
    """The same for other versions and for pages that were rewritten; `below` is what stands below the text."""
    head = head[max(head.find("creator"), 0) :]
    return _author(head), *_created(head, below), _found(_MODIFIED, head)


def _found(pattern: re.Pattern[str], head: str) -> str | None:
    found = pattern.search(head)
    return found[1] if found else None


def _created(head: str, below: str) -> tuple[str | None, str | None]:
    """The instant as stated, and as worded; `head` and `below` are what stands above and below the text."""
    time = _TIME.search(head)
    if time is not None:
        return _found(_DATETIME, time[1]), " ".join(time[2].split()) or None
    # Up to 1.3 there are words above the text, and an instant below it.
    instant = _found(_PUBLISHED, head) or _found(_PUBLISHED, below)
    worded = _found(_OLD_DATE, head)
    return instant, inline_text(worded) if worded else instant


def _author(head: str) -> str | None:
    for name in _NAME.finditer(head):
        if shown := inline_text(name[1] or name[2] or ""):
            return shown
    links = (user_of(href) for href in _HREF.findall(head))
    return next((user for user in links if user), None)


def _likes(markup: str, place: Place) -> int | None:
    at = markup.find("LikeAction", place.body_end, place.limit)
    pattern, at = (_LIKES, at) if at >= 0 else (_OLD_LIKES, place.body_end)
    found = pattern.search(markup, at, place.limit)
    return int(found[1]) if found else None


def _thread(document: Document, places: list[Place], parsed: ParsedPage, slug: str | None, poll: Poll | None) -> Thread:
    markup = document.markup
    topic = parsed.thread_id or ""
    start = max(markup.find("topic-title", document.content_start, places[0].start), document.content_start)
    frame = markup[start : places[0].start]
    heading = _HEADING.search(frame) or _HEADING.search(markup, document.content_start, places[0].start)
    opening = next((post for post in parsed.posts if post.is_opening), None)
    boards = [board for href in _CATEGORY.findall(frame) if (board := category_of(href))]
    solution = _solution(document, places, topic)
    created = document.frame.meta("article:published_time")
    return Thread(
        site=document.site,
        thread_id=topic,
        title=(inline_text(heading[1]) if heading else None) or document.frame.meta("og:title"),
        author=opening.author if opening else None,
        board_id=boards[-1] if boards else None,
        created_at=opening.created_at if opening else (from_iso(created) if created else None),
        created_text=opening.created_text if opening else created,
        tags=list(dict.fromkeys(word for text in _TAG.findall(frame) if (word := inline_text(text)))),
        thread_type="question" if solution or "schema.org/QAPage" in frame else ("poll" if poll else "discussion"),
        poll=poll,
        solution_post_id=solution,
        page_count=parsed.last_page,
        url=topic_url(document.root, slug, topic),
    )


def _solution(document: Document, places: list[Place], topic: str) -> str | None:
    markup = document.markup
    for place in places:
        if "acceptedAnswer" in place.tag and (number := _number(markup, place)) is not None:
            return f"{topic}-{number}"
    head = document.frame.head_end
    at = markup.find('"acceptedAnswer"', 0, head) if markup.find('"QAPage"', 0, head) >= 0 else -1
    end = markup.find("</script", at) if at >= 0 else -1
    for url in _JSON_URL.findall(markup, at, end) if end > at else ():
        answered = topic_of(url.replace("\\/", "/"))
        if answered and answered[0] == topic and answered[1]:
            return f"{topic}-{answered[1]}"
    return None
