"""The discussion that a Vanilla page shows: header facts, tags, poll, accepted answer."""

import re

from crawler.engines.html import absolute, attribute, element, elements, holds, inline_text, number_of, offsets
from crawler.engines.vanilla.addresses import category_of, discussion_id_of, page_url
from crawler.engines.vanilla.document import Document
from crawler.engines.vanilla.posts import Container
from crawler.records import Poll, PollOption, Post, Thread

_ANCHOR = re.compile(r"<a\b([^<>]*)>(.*?)</a>", re.DOTALL)
_CLOSED = re.compile(r'class="(?:[^"<>]* )?(?:Note Closed(?! SignIn)|Tag-Closed)')
_TAG_LISTS = ("InlineTags", "TagList", "DiscussionTags", "Tags")
_OPTIONS = (("DP_ResultAnswer", "DP_Count"), ("PollOption", "Votes"), ("PollAnswer", "Votes"))
_QUESTIONS = ("DP_ResultQuestion", "PollQuestion", "PollTitle")
_COMMENT_ID = re.compile(r'\sid="Comment_(\d+)"')
_LABEL = re.compile(r"<label\b[^<>]*>(.*?)</label>", re.DOTALL)
_TYPES = (("Question", "question"), ("QnA", "question"), ("Poll", "poll"), ("Idea", "suggestion"))


def read_thread(document: Document, number: str, posts: list[Post], places: list[Container]) -> Thread:
    """The thread's record."""
    markup = document.markup
    frame = markup[document.body_start : places[0].start]
    opening_place = next((place for place in places if place.is_opening), None)
    around = markup[opening_place.start : opening_place.limit] if opening_place else ""
    opening = next((post for post in posts if post.is_opening), None)
    prefix, title = document.heading
    page, last_page, _ = document.pages
    poll = _poll(around)
    wrapper = frame.rfind('<div class="MessageList Discussion')
    signs = (opening_place.tag if opening_place else "") + (frame[wrapper : wrapper + 300] if wrapper >= 0 else "")
    words = set(" ".join(re.findall(r'class="([^"]*)"', signs)).split())
    return Thread(
        site=document.site,
        thread_id=number,
        title=title,
        prefix=prefix,
        author=opening.author if opening else None,
        author_id=opening.author_id if opening else None,
        board_id=board_of(document, around),
        created_at=opening.created_at if opening else None,
        created_text=opening.created_text if opening else None,
        tags=_tags(around + frame[-20_000:]) if opening else _tags(frame[-20_000:]),
        is_sticky=True if "Announcement" in words else None,
        is_locked=_locked(markup, places[-1].start, words),
        thread_type=_type(words, frame + around, poll),
        poll=poll,
        solution_post_id=_solution(markup, places),
        page_count=max(page, last_page),
        url=_address(document, number),
    )


def _locked(markup: str, start: int, words: set[str]) -> bool | None:
    """Whether it takes no more comments: a note says so in the place of the form, or of the offer to sign in."""
    if "Closed" in words or _CLOSED.search(markup, start):
        return True
    open_ones = ("SignInOrRegister", 'id="Form_Comment"', "CommentForm")
    return False if any(markup.find(sign, start) >= 0 for sign in open_ones) else None


def board_of(document: Document, around: str = "") -> str | None:
    """Category of the discussion: from the breadcrumb, the line under its title, or the body's class."""
    if document.categories:
        return document.categories[-1]
    if (named := element(around, "Category")) is not None:
        for tag, _ in _ANCHOR.findall(named[1]):
            if found := category_of(attribute(tag, "href") or ""):
                return found
    return document.section


def _address(document: Document, number: str) -> str | None:
    for known in (document.declared_url, document.page.url):
        if known and discussion_id_of(known) == number:
            return page_url(known, 1)
    relative = document.link("canonical")
    if relative and discussion_id_of(relative) == number:
        return page_url(absolute(document.base, relative), 1)
    return document.page.url


def _type(words: set[str], frame: str, poll: Poll | None) -> str:
    if poll is not None:
        return "poll"
    if holds(frame, "QnA-Tag-") or holds(frame, "QuestionTitle"):
        return "question"
    return next((kind for word, kind in _TYPES if word in words), "discussion")


def _tags(markup: str) -> list[str]:
    """Tags of the discussion, in the order shown."""
    if not holds(markup, "Tag"):
        return []
    for block in _TAG_LISTS:
        if block not in markup:
            continue
        found = [content for _, content in elements(markup, block)]
        names = [
            inline_text(name)
            for content in found
            for tag, name in _ANCHOR.findall(content)
            if "/tagged" in tag or "/discussions?" in tag or "tag" in (attribute(tag, "class") or "").lower()
        ]
        if names:
            return list(dict.fromkeys(filter(None, names)))
    return []


def _solution(markup: str, places: list[Container]) -> str | None:
    """The accepted answer: the comment that the Q&A plugin marks."""
    for place in places:
        if "QnA-Item-Accepted" in place.tag or "AcceptedAnswer" in place.tag:
            return place.post_id
    at = next(iter(offsets(markup, "AcceptedAnswers", max(markup.find("<body"), 0))), -1)
    listed = _COMMENT_ID.search(markup, at, min(at + 4_000, len(markup))) if at >= 0 else None
    return listed[1] if listed else None


def _poll(markup: str) -> Poll | None:
    """The poll of the opening post: as results, or as the form of somebody who may still vote."""
    if not holds(markup, "Poll") and not holds(markup, "DP_"):
        return None
    question = next((found for name in _QUESTIONS if (found := element(markup, name))), None)
    for option, count in _OPTIONS:
        options = []
        for _, content in elements(markup, option):
            label = _LABEL.search(content)
            votes = element(content, count)
            words = label[1] if label else content.replace(votes[0] + votes[1], "<i>", 1) if votes else content
            if shown := inline_text(words):
                options.append(PollOption(text=shown, votes=number_of(inline_text(votes[1])) if votes else None))
        if options:
            asked = re.split(r"<(?:ol|ul|div|form)\b", question[1])[0] if question else ""
            return Poll(question=inline_text(asked) or None, options=options)
    return None
