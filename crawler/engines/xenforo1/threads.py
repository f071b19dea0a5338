"""The thread that a XenForo 1 thread page shows: header facts and poll."""

import re

from crawler.engines.html import attribute, element, elements, inline_text, number_of, tag_at
from crawler.engines.xenforo1.dates import date_in
from crawler.engines.xenforo1.document import Document
from crawler.engines.xenforo1.posts import Container
from crawler.engines.xenforo1.users import username_in
from crawler.engines.xenforo2.addresses import thread_address, thread_id_of
from crawler.records import Poll, PollOption, Post, Status, Thread

_SEARCHED = re.compile(r'name="type\[post\]\[thread_id\]"\s+value="(\d+)"')
_TAG = re.compile(r'<a\b[^<>]*\sclass="tag"[^<>]*>((?:[^<]++|<(?!/?a\b))*+)</a>')
_PERMALINK = re.compile(r'<a\b([^<>]*\bclass="[^"]*\b(?:postNumber|hashPermalink|datePermalink)\b[^<>]*)>')
_LABEL = re.compile(r"<label[^<>]*>((?:[^<]++|<(?!/?label\b))*+)</label>")


def thread_id(document: Document, places: list[Container]) -> str | None:
    """Id of the thread of a thread page: from its address, the form for searching it, or its posts' links."""
    if (declared := document.declared_url) and (found := thread_id_of(declared, renamed=True)):
        return found
    if found := thread_id_of(document.page.url, renamed=True):
        return found
    if (searched := _SEARCHED.search(document.markup)) is not None:
        return searched[1]
    links = _PERMALINK.finditer(document.markup, places[0].start) if places else ()
    hrefs = (attribute(link[1], "href") or "" for link in links)
    return next((number for href in hrefs if (number := thread_id_of(href, renamed=True))), None)


def read_thread(document: Document, number: str, posts: list[Post], frame: str) -> Thread:
    """The thread's record; `frame` is the page's markup from its start to its first post."""
    prefix, title = document.heading
    page, last_page, _ = document.pages
    line = document.description
    created = date_in(line)
    author, author_id = username_in(line) or (None, None)
    created_at, created_text = (created.instant, created.text) if created else (None, None)
    opening = next((post for post in posts if post.is_opening), None)
    if opening is not None:
        author, author_id = (author or opening.author), (author_id or opening.author_id)
        if created_at is None and (opening.created_at or created_text is None):
            created_at, created_text = opening.created_at, opening.created_text
    poll = read_poll(frame)
    alerts = element(frame, "threadAlerts")
    return Thread(
        site=document.site,
        thread_id=number,
        title=title,
        prefix=prefix,
        author=author,
        author_id=author_id,
        board_id=document.own_board,
        created_at=created_at,
        created_text=created_text,
        tags=_tags(frame) or _tags(document.markup[document.content[1] if document.content else 0 :]),
        is_locked="lockedAlert" in alerts[1] if alerts else False,
        thread_type="poll" if poll else "discussion",
        poll=poll,
        page_count=max(page, last_page),
        status=_status(alerts[1] if alerts else ""),
        url=thread_address(document.declared_url, document.page.url, number),
    )


def _tags(markup: str) -> list[str]:
    at = markup.find("tagList")
    bounds = tag_at(markup, at) if at >= 0 else None
    if bounds is None:
        return []
    listed = markup[bounds[1] : markup.find("</ul", bounds[1])]
    return list(dict.fromkeys(filter(None, (inline_text(found) for found in _TAG.findall(listed)))))


def _status(alerts: str) -> Status:
    if "deletedAlert" in alerts:
        return Status.DELETED
    return Status.HIDDEN if "moderatedAlert" in alerts else Status.VISIBLE


def read_poll(frame: str) -> Poll | None:
    """The poll above the posts: as results, or as the form of somebody who may still vote."""
    at = frame.find('id="PollContainer"')
    if at < 0 and (at := frame.find("pollBlock")) < 0:
        return None
    bounds = tag_at(frame, at)
    if bounds is None:
        return None
    block = frame[bounds[1] :]
    question = element(block, "questionText") or element(block, "question")
    options = [
        PollOption(text=inline_text(answer[1]), votes=number_of(inline_text(count[1])) if count else None)
        for _, content in elements(block, "pollResult")
        if (answer := element(content, "optionText")) is not None and ((count := element(content, "count")) or True)
    ]
    if not options:
        listed = element(block, "pollOptions")
        labels = [inline_text(label) for label in _LABEL.findall(listed[1])] if listed else []
        options = [PollOption(text=label) for label in labels if label]
    if not options:
        return None
    shown = inline_text(question[1]) if question else ""
    return Poll(question=shown or None, options=options)
