"""A topic as Discourse's scripts draw it, when a browser has saved it: `article[data-post-id]` with `.cooked`."""

import re
from itertools import zip_longest

from crawler.engines.discourse.addresses import category_of, topic_of, topic_url, user_of
from crawler.engines.discourse.cooked import Cooked
from crawler.engines.discourse.document import Document, value_of
from crawler.engines.html import absolute, closing, element, from_epoch, inline_text, number_of
from crawler.records import Attachment, PageKind, ParsedPage, Post, Status, Thread

_ARTICLE = re.compile(r"<article\b[^<>]*\sdata-post-id=\"(\d+)\"[^<>]*>")
_BODY = re.compile(r"<div\b[^<>]*\bclass=\"cooked(?=[\s\"])[^<>]*>")
_DATE = re.compile(r"<span\b([^<>]*\bclass=\"[^\"<>]*\brelative-date\b[^<>]*)>([^<]*)")
_EPOCH = re.compile(r"\sdata-time=\"(\d{12,14})\"")
_USER = re.compile(r"\sdata-user-card=\"([^\"]+)\"")
_NUMBER = re.compile(r"\sid=\"post_(\d{1,9})\"")
_CLASSES = re.compile(r"<div\b[^<>]*\sclass=\"([^\"<>]*)\"")
_ANSWER = re.compile(r"<aside\b(?=[^<>]*\bclass=\"[^\"<>]*\baccepted-answer\b)[^<>]*>")
_LIKES = re.compile(r"class=\"[^\"<>]*\b(?:like-count|reactions-counter)\b[^<>]*>\s*(?:<[^<>]*>\s*){0,3}(\d[^<]*)<")
_TITLE = re.compile(r"<a\b[^<>]*\bclass=\"[^\"<>]*\bfancy-title\b[^<>]*>(.{0,3000}?)</a>", re.DOTALL)
_CATEGORY = re.compile(r"<a\b(?=[^<>]*\bbadge-)[^<>]*\shref=\"([^\"<>]*?(?:^|/)c/[^\"<>]+)\"")
_FARTHEST = 1_000
"""Characters between the start tags of a post's article and of the element around it."""
_TAG = re.compile(r"<a\b[^<>]*\bclass=\"[^\"<>]*\bdiscourse-tag\b[^<>]*>([^<]*)<")


def read_rendered(document: Document) -> ParsedPage | None:
    """The page of a topic; None where none is drawn on it."""
    markup = document.markup
    starts = list(_ARTICLE.finditer(markup)) if "data-post-id=" in markup and "cooked" in markup else []
    starts = [start for start in starts if "small-action" not in start[0] + _around(markup, start)]
    if not starts:
        return None
    topic = value_of(starts[0][0], "data-topic-id") or document.topic
    if topic is None:
        return document.page_of(PageKind.UNKNOWN, f"{len(starts)} posts of no topic: the page names none")
    ids = {int(number[1]): start[1] for start in starts if (number := _NUMBER.search(start[0]))}
    posts: dict[str, Post] = {}
    for start, following in zip_longest(starts, starts[1:]):
        limit = following.start() if following else len(markup)
        head_start = _head_start(markup, start.end(), limit)
        body = _BODY.search(markup, head_start, limit)
        if body is None:
            reason = f"the post {start[1]} could not be read: it has no text"
            return document.page_of(PageKind.UNKNOWN, reason)
        post = _post(document, start, markup[head_start : body.start()], body, limit, topic, ids)
        posts.setdefault(post.post_id, post)
    parsed = document.page_of(PageKind.THREAD)
    parsed.posts, parsed.containers, parsed.thread_id = list(posts.values()), len(posts), topic
    parsed.threads = [_thread(document, markup[document.body_start : starts[0].start()], topic, parsed.posts)]
    parsed.threads[0].solution_post_id = _solution(markup, starts, topic, ids)
    parsed.board_id = parsed.threads[0].board_id
    return parsed


def _around(markup: str, start: re.Match[str]) -> str:
    """Classes of the element around a post's article, which say what has become of the post."""
    opened = markup.rfind("<div", max(start.start() - _FARTHEST, 0), start.start())
    found = _CLASSES.match(markup, opened, start.start()) if opened >= 0 else None
    return found[1] if found else ""


def _head_start(markup: str, start: int, limit: int) -> int:
    """Where the post's own part starts: behind the post it answers, which a reader can have shown above it."""
    shown = element(markup, "embedded-posts", start, limit)
    if shown is None:
        return start
    end = markup.find(shown[1], start) + len(shown[1])
    # Answers are shown below the post.
    return end if _BODY.search(markup, end, limit) else start


def _post(
    document: Document,
    start: re.Match[str],
    head: str,
    body: re.Match[str],
    limit: int,
    topic: str,
    ids: dict[int, str],
) -> Post:
    markup = document.markup
    end = closing(markup, "div", body.end(), limit)
    rest = markup[end:limit]
    status = _status(_around(markup, start).split())

    def target(other: str | None, quoted: int) -> str:
        own = ids.get(quoted) if other in {None, topic} else None
        return own or f"{other or topic}-{quoted}"

    cooked = Cooked(target)
    if status is not Status.HIDDEN:
        cooked.read(markup[body.end() : end])
    number = _NUMBER.search(start[0])
    position = int(number[1]) if number else None
    dates = element(head, "post-date") or element(head, "post-infos") or ("", head)
    date = _DATE.search(dates[1]) or _DATE.search(rest)
    epoch = _EPOCH.search(date[1]) if date else None
    likes = _LIKES.search(rest)
    return Post(
        site=document.site,
        thread_id=topic,
        post_id=start[1],
        position=position,
        author=_author(head),
        author_id=value_of(start[0], "data-user-id"),
        created_at=from_epoch(int(epoch[1]) // 1000) if epoch else None,
        created_text=(value_of(date[1], "title") or inline_text(date[2]) or None) if date else None,
        edited=_is_edited(head),
        body_text=cooked.result(),
        quotes=cooked.quotes,
        reactions=number_of(likes[1]) if likes else None,
        attachments=[Attachment(url=absolute(document.base, file.url), name=file.name) for file in cooked.attachments],
        links=[absolute(document.base, link) for link in cooked.links],
        is_opening=position == 1,
        status=status,
        url=topic_url(document.root, document.slug, topic, position) if position else None,
    )


def _status(classes: list[str]) -> Status:
    if "user-deleted" in classes:
        return Status.DELETED
    if "deleted" in classes or "post--deleted" in classes:
        return Status.REMOVED
    return Status.HIDDEN if "post-hidden" in classes or "post--hidden" in classes else Status.VISIBLE


def _is_edited(head: str) -> bool:
    """Whether the pencil has a number beside it; a wiki has a pencil from the start."""
    pencil = element(head, "edits")
    return pencil is not None and number_of(inline_text(pencil[1])) is not None


def _solution(markup: str, starts: list[re.Match[str]], topic: str, ids: dict[int, str]) -> str | None:
    """The accepted answer, which is shown once more below the question."""
    limit = starts[1].start() if len(starts) > 1 else len(markup)
    answer = _ANSWER.search(markup, starts[0].end(), limit)
    number = value_of(answer[0], "data-post") if answer else None
    return ids.get(int(number[:9]), f"{topic}-{number}") if number and number.isdecimal() else None


def _author(head: str) -> str | None:
    """The name that profiles are found by, as the API and crawlers' pages give it; not the full name beside it."""
    names = element(head, "names") or ("", head)
    found = _USER.search(names[1]) or _USER.search(head)
    if found is not None:
        return inline_text(found[1]) or None
    links = re.findall(r"\shref=\"([^\"]*)\"", head)
    shown = element(head, "username")
    return next((user for href in links if (user := user_of(href))), None) or (
        (inline_text(shown[1]) or None) if shown else None
    )


def _thread(document: Document, frame: str, topic: str, posts: list[Post]) -> Thread:
    title = _TITLE.search(frame)
    opening = next((post for post in posts if post.is_opening), None)
    boards = [board for href in _CATEGORY.findall(frame) if (board := category_of(href))]
    named = topic_of(document.address)
    return Thread(
        site=document.site,
        thread_id=topic,
        title=(inline_text(title[1]) if title else None) or document.frame.meta("og:title"),
        author=opening.author if opening else None,
        author_id=opening.author_id if opening else None,
        board_id=boards[-1] if boards else None,
        created_at=opening.created_at if opening else None,
        created_text=opening.created_text if opening else None,
        tags=list(dict.fromkeys(word for text in _TAG.findall(frame) if (word := inline_text(text)))),
        thread_type="discussion",
        url=topic_url(document.root, document.slug if named and named[0] == topic else None, topic),
    )
