"""The thread that a page of vBulletin shows: its id, header facts, poll, tags."""

import re
from datetime import datetime

from crawler.engines.html import closing, element, elements, from_iso, inline_text, number_of
from crawler.engines.vbulletin.addresses import first_page, same_host, thread_id_of
from crawler.engines.vbulletin.document import Document
from crawler.engines.vbulletin.marks import first_number
from crawler.records import Poll, PollOption, Post, Thread

_FIELDS = ('name="t" value="', 'name="threadid" value="', 'name="searchthreadid" value="')
_TOOLS = ("printthread.php?", "sendmessage.php?", "subscription.php?", "threadrate.php?", "misc.php?do=whoposted")
_TOOL = re.compile(r"\w+\.php\?(?:[^\"'<>\s]{0,120}?[&;])?t(?:hreadid)?=(\d{1,12})\b")
_RELATIVE = re.compile(r'RELPATH = "(?:showthread\.php\?|threads/)(?:t=)?(\d{1,12})')
_CLOSED = (
    "threadclosed",
    "thread_closed",
    "closedthread",
    "closed_thread",
    "buttons/closed",
    "button closed",
    "b-icon__lock",
)
_START = re.compile(r'<a\b[^<>]*\srel="(?:start|first)"[^<>]*\shref="([^"]*)"')
_TAGS = ("tag_list", "thread_tags_list")
_TAG_LINK = re.compile(
    r"<a\b[^<>]*href=\"[^\"]*(?:tags?\.php\?(?:[^\"]*[&;])?tag=|/tags?/[^/?\"#])[^\"]*\"[^<>]*>((?:(?!</a>).){1,200})</a>",
    re.DOTALL,
)
_RADIO = re.compile(
    r'<(?:input)\b[^<>]*\sname="optionnumber(?:\[\d+\])?"[^<>]*>((?:(?!<input|</label|</div|</li|</td|<br).){1,400})',
    re.DOTALL,
)
_RESULT = re.compile(
    r'<tr\b[^<>]*>\s*<td\b[^<>]*class="alt\d"[^<>]*>((?:(?!</td>).){1,400})</td>((?:(?!</tr>).){1,3000}?)'
    r'<td\b[^<>]*(?:title="[^"]*"|align="center")[^<>]*>\s*(?:<(?:a|strong|b|span)\b[^<>]*>)?\s*(\d[\d.,]*)\s*<',
    re.DOTALL,
)
_POSTING = '"DiscussionForumPosting"'
_PUBLISHED = re.compile(r'"datePublished"\s*:\s*"([^"<>]{16,40})"')
_VOTERS = re.compile(r"[^\W\d_]{4,20}:\s*(\d[\d.,]*)")


def thread_id(document: Document, post_id: str, *, nodes: bool) -> str | None:
    """Id of the thread of a thread page: from its addresses, tools, scripts, or the link of its first post."""
    if nodes:
        found = first_number(document.text, '"nodeid": "', '"nodeid":"')
        if found is not None and found != "0":
            return found
    for url in (document.declared_url, document.page.url):
        if url and (number := thread_id_of(url, topic=nodes)) is not None:
            return number
    if nodes:
        return None
    if (number := first_number(document.markup, *_FIELDS, start=document.body_start)) is not None:
        return number
    for sign in _TOOLS:
        at = document.markup.find(sign, document.body_start)
        if at >= 0 and (tool := _TOOL.match(document.markup, at)) is not None:
            return tool[1]
    if (relative := _RELATIVE.search(document.text)) is not None:
        return relative[1]
    at = document.markup.find(f'#post{post_id}"', document.body_start)
    href = document.markup.rfind('href="', 0, at) + 6 if at >= 0 else -1
    linked = document.markup[href:at].replace("&amp;", "&") if href >= 6 and at - href < 500 else None
    for url in (linked, document.declared_url, document.page.url):
        if url and (number := thread_id_of(url, topic=True)) is not None:
            return number
    if "showpost" in document.page.url:  # a post alone, which names its thread
        return first_number(document.markup, "showthread.php?t=", "showthread.php?", start=document.body_start)
    return None


def read_thread(document: Document, number: str, posts: list[Post], first: int) -> Thread:
    """The thread's record; `first` is the offset of the page's first post."""
    prefix, title = document.heading
    page, last_page, _ = document.pages
    frame = document.markup[document.body_start : first]
    opening = next((post for post in posts if post.is_opening), None)
    poll = read_poll(frame)
    total = document.total(len(posts)) if not document.is_nodes else None
    return Thread(
        site=document.site,
        thread_id=number,
        title=title,
        prefix=prefix,
        author=opening.author if opening else None,
        author_id=opening.author_id if opening else None,
        board_id=document.board_id,
        created_at=opening.created_at if opening and opening.created_at else _opened_at(document),
        created_text=opening.created_text if opening else None,
        reply_count=total - 1 if total else None,
        tags=tags_of(document),
        is_locked=True if any(sign in frame[-10_000:] for sign in _CLOSED) else None,
        thread_type="poll" if poll else "discussion",
        poll=poll,
        page_count=max(page, last_page),
        url=_address(document, number),
    )


def _opened_at(document: Document) -> datetime | None:
    """When the thread was opened, from the JSON-LD that some sites on version 4 add: of one posting, with an offset."""
    at = document.text.find(_POSTING)
    if document.is_nodes or at < 0 or document.text.find(_POSTING, at + 1) >= 0:
        return None
    found = _PUBLISHED.findall(document.text, at, max(at, document.text.find("</script", at)))
    return from_iso(found[0]) if len(found) == 1 else None


def _address(document: Document, number: str) -> str:
    page = document.pages[0]
    declared = document.declared_url
    own_host = declared is not None and any(same_host(declared, url) for url in (document.page.url, document.base))
    known = declared if declared and own_host else document.page.url
    linked = document.find('rel="start"') if page > 1 and not document.is_nodes else -1
    start = _START.search(document.markup, linked - 300, linked + 600) if linked >= 300 else None
    if start is not None and thread_id_of(start[1].replace("&amp;", "&")) == number:
        return first_page(start[1].replace("&amp;", "&"))
    return first_page(known, page)


def tags_of(document: Document) -> list[str]:
    """Tags of the thread, in the order shown."""
    markup = document.markup
    if document.is_nodes:
        first = document.content[0] if document.content else document.body_start
        tagged = (
            inline_text(text) for tag, text in elements(markup, "js-content-tag", first, first + 40_000) if "<a" in tag
        )
        return list(dict.fromkeys(filter(None, tagged)))
    for sign in _TAGS:
        at = document.find(f'id="{sign}')
        if at < 0:
            continue
        name = "div" if markup[at - 5 : at].startswith("<div") else "td"
        end = closing(markup, name, at, min(len(markup), at + 4_000))
        if found := [inline_text(text) for text in _TAG_LINK.findall(markup, at, end)]:
            return list(dict.fromkeys(filter(None, found)))
    return []


def read_poll(frame: str) -> Poll | None:
    """The poll above the posts: as results, or as the form of somebody who may still vote."""
    mark = frame.find("pollid")
    if mark < 0:
        return None
    start = max(frame.rfind("<form", 0, mark), frame.rfind('class="tborder', 0, mark), 0)
    block = frame[start : start + 40_000]
    options = [PollOption(text=inline_text(text)) for text in _RADIO.findall(block) if inline_text(text)]
    heading = element(block, "tcat") or element(block, "blockhead")
    question = re.search(r"<strong>((?:(?!</strong>).){1,400})</strong>", block, re.DOTALL) if options else None
    said = inline_text(question[1]) if question else _question(inline_text(heading[1]) if heading else "")
    if not options:
        options = [
            PollOption(text=inline_text(text), votes=number_of(votes)) for text, _, votes in _RESULT.findall(block)
        ]
    if not options:
        return None
    foot = element(block, "tfoot") or element(block, "blockfoot")
    voters = _VOTERS.search(inline_text(foot[1])) if foot else None
    return Poll(question=said or None, options=options, voters=number_of(voters[1]) if voters else None)


def _question(heading: str) -> str:
    """ "View Poll Results: QUESTION" without the words before it."""
    before, mark, rest = heading.partition(": ")
    return rest if mark and len(before) <= 40 else heading
