"""The thread that a XenForo 2 thread page shows: header facts, poll, solution."""

import re

from crawler.engines.html import element, elements, inline_text, instant_of, number_of, tag_at
from crawler.engines.xenforo2.addresses import post_id_of, thread_address, thread_id_of
from crawler.engines.xenforo2.document import Document
from crawler.engines.xenforo2.posts import Container
from crawler.records import Poll, PollOption, Post, Status, Thread

_TYPE = re.compile(r"thread_view_type_(\w+)")
_TIME = re.compile(r"<time\b([^>]*)>(.*?)</time>", re.DOTALL)
_USER_ID = re.compile(r'\sdata-user-id="(\d+)"')
_LIGHTBOX = re.compile(r'\sdata-lb-id="thread-(\d+)"')
# The form for searching offers "this thread" on each of a thread's pages.
_SEARCHED = re.compile(r"search_type:post,c:\{thread:(\d+)")
_PERMALINK = re.compile(r'\shref="[^"]*?(?:\.|/)(\d+)/(?:page-\d+)?#?post-(\d+)"')
_DD = re.compile(r"<dd[^>]*>(.*?)</dd>", re.DOTALL)
_HREF = re.compile(r'\shref="([^"]*)"')


def thread_id(document: Document, places: list[Container]) -> str | None:
    """Id of the thread of a thread page: from the page's key, addresses, list of posts, or its posts' links."""
    if (key := document.key("data-content-key", "thread")) is not None:
        return key
    if (declared := document.declared_url) and (found := thread_id_of(declared, renamed=True)):
        return found
    if (lightbox := _LIGHTBOX.search(document.markup)) is not None:
        return lightbox[1]
    if found := thread_id_of(document.page.url, renamed=True):
        return found
    at = document.markup.find("search_type")
    offered = document.markup[max(at - 20, 0) : at + 2_000] if at >= 0 else ""
    if (searched := _SEARCHED.search(offered.replace("&quot;", "").replace('"', ""))) is not None:
        return searched[1]
    own = {place.post_id for place in places}
    links = _PERMALINK.finditer(document.markup, places[0].start) if places else ()
    return next((link[1] for link in links if link[2] in own), None)


def read_thread(document: Document, number: str, posts: list[Post], places: list[Container], frame: str) -> Thread:
    """The thread's record; `frame` is the page's markup from its heading to its first post."""
    prefix, title = document.heading
    page, last_page, _ = document.pages
    header = document.description(places[0].start if places else len(document.markup))
    author, author_id = _starter(header)
    time = _TIME.search(header)
    created_at, created_text = (instant_of(time[1]), inline_text(time[2])) if time else (None, None)
    opening = next((post for post in posts if post.is_opening), None)
    if opening is not None:
        author, author_id = (author or opening.author), (author_id or opening.author_id)
        if created_at is None:
            created_at, created_text = opening.created_at, opening.created_text
    poll = read_poll(frame)
    kind = _TYPE.search(document.template)
    return Thread(
        site=document.site,
        thread_id=number,
        title=title,
        prefix=prefix,
        author=author,
        author_id=author_id,
        board_id=document.key("data-container-key", "node") or document.parent_board,
        created_at=created_at,
        created_text=created_text or None,
        score=opening.score if opening else None,
        tags=tags_of(header) or tags_of(frame),
        is_locked="blockStatus-message--locked" in frame,
        thread_type=kind[1] if kind else ("poll" if poll else "discussion"),
        poll=poll,
        solution_post_id=_solution(document.markup, places) if document.template != "thread_view" else None,
        page_count=max(page, last_page),
        status=_status(frame),
        url=thread_address(document.declared_url, document.page.url, number),
    )


def _starter(header: str) -> tuple[str | None, str | None]:
    found = element(header, "username")
    if found is None:
        return None, None
    number = _USER_ID.search(found[0])
    return inline_text(found[1]) or None, number[1] if number and number[1] != "0" else None


def tags_of(markup: str) -> list[str]:
    """Tags of a thread, in the order shown."""
    if "tagItem" not in markup:
        return []
    return list(dict.fromkeys(filter(None, (inline_text(content) for _, content in elements(markup, "tagItem")))))


def _status(frame: str) -> Status:
    if "blockStatus-message--deleted" in frame:
        return Status.DELETED
    return Status.HIDDEN if "blockStatus-message--moderated" in frame else Status.VISIBLE


def _solution(markup: str, places: list[Container]) -> str | None:
    for place in places:
        if "message--solution" in place.tag:
            return place.post_id
    at = markup.find('id="js-solutionHighlightBlock"')
    if at < 0:
        return None
    # The highlighted solution stands on every page; it links to the post itself, which may be on another one.
    following = next((place.start for place in places if place.start > at), len(markup))
    for href in _HREF.findall(markup, at, following):
        if "post" in href and (post_id := post_id_of(href)) is not None:
            return post_id
    return None


def read_poll(frame: str) -> Poll | None:
    """The poll above the posts: as results, or as the form of somebody who may still vote."""
    at = frame.find("js-pollContainer-")
    bounds = tag_at(frame, at) if at >= 0 else None
    if bounds is None:
        return None
    block = frame[bounds[1] :]
    end = block.find("block--messages")
    block = block[:end] if end >= 0 else block
    heading = element(block, "block-header")
    options = [_result(content) for _, content in elements(block, "pollResult")]
    if not options:
        labels = [inline_text(content) for _, content in elements(block, "iconic-label")]
        options = [PollOption(text=label) for label in labels if label]
    if not options:
        return None
    totals = [number for pair in _DD.findall(block) if (number := number_of(inline_text(pair))) is not None]
    return Poll(
        question=(inline_text(heading[1]) or None) if heading else None,
        options=options,
        voters=totals[0] if totals else None,
    )


def _result(content: str) -> PollOption:
    answer = element(content, "pollResult-response")
    votes = element(content, "pollResult-votes")
    return PollOption(
        text=inline_text(answer[1]) if answer else "", votes=number_of(inline_text(votes[1])) if votes else None
    )
