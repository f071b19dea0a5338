"""The topic that a page of posts shows: header facts, counts, poll, solution."""

import re
from datetime import datetime

from crawler.engines.html import COMMENT, inline_text, number_of
from crawler.engines.invision import addresses
from crawler.engines.invision.document import Document, title_text
from crawler.engines.invision.markup import ANCHOR, double_quoted, first_time, href_of, part, parts, value
from crawler.engines.invision.posts import Container, quote_data
from crawler.records import Poll, PollOption, Post, Thread

Starter = tuple[str | None, str | None, tuple[datetime | None, str | None]]
"""Who opened a topic: name, id; and when: instant, wording."""

_TOPIC_ID = re.compile(r"ipb\.topic\.topic_id\s*=\s*(\d+)")
# What a page of IP.Board asks to have done with its topic: the form to reply, links to reply, print, and follow.
_TOPIC_FIELD = re.compile(r"<input\b[^<>]{0,500}\sname=[\"']t[\"'][^<>]*+>")
_TOPIC_LINK = re.compile(r"(?:do=reply_post|act=(?:Post|Print|Track)&)[^\"'<>\s]{0,80}?[&;]t=(\d+)", re.IGNORECASE)
_FORUM_ID = re.compile(r"ipb\.topic\.forum_id\s*=\s*(\d+)")
_FEED_ID = re.compile(r"\sdata-feedid=[\"']topic-(\d+)", re.IGNORECASE)
_COUNTER = re.compile(r"schema\.org\\?/(\w+Action)\"[^}]{0,200}?\"userInteractionCount\":\s*\"?(\d+)")
_COMMENTS = re.compile(r"UserComments:(\d+)")
_LOCK = ("fa-lock", "ipsBadge--locked", "icon_lock", "/lock.png", "/lock.gif")
_PINNED = ("fa-thumb-tack", "fa-thumbtack", "ipsBadge--pinned")
_FRAME = 40_000
_SOLVED = re.compile(r"\b(?:ipsComment_solved|ipsEntry--solved|ipsComment_bestAnswer|cAnswer_best)\b")
_BEST = re.compile(r"[?&;]comment=(\d+)[^<>]*+>[^<]*(?:<(?!/a)[^<>]*+>[^<]*){0,4}olution")
_ITEM = re.compile(r"<li\b[^>]*+>(.{0,3000}?)</li>", re.DOTALL)
_POLL_QUESTION = re.compile(r"<h[2345]\b[^>]*+>(.{0,2000}?)</h[2345]>", re.DOTALL)
_PREFIX_WORDS = ("ipsTag_prefix", "ipsBadge--prefix", "ipsTags__prefix")


def thread_id(document: Document, places: list[Container]) -> str | None:
    """Id of the topic of a page of posts: from its scripts, posts, addresses."""
    markup = document.markup
    if document.generation >= 4:
        if document.controller == "topic" and document.page_id:
            return document.page_id
        data = quote_data(markup, places[0], places[0].limit) if places else {}
        number = data.get("contentid")
        if number and str(number).isdecimal():
            return str(number)
        if found := _FEED_ID.search(markup):
            return found[1]
    elif found := _TOPIC_ID.search(markup):
        return found[1]
    for url in (document.declared_url or "", document.page.url):
        if number := addresses.topic_id_of(url):
            return number
    if document.generation < 4:
        field = _TOPIC_FIELD.search(markup)
        named = value(field[0], "value") if field is not None else None
        if named is not None and named.isdecimal():
            return named
        asked: set[str] = set(_TOPIC_LINK.findall(markup))
        if len(asked) == 1:  # not those of the results of a search
            return asked.pop()
    if document.generation != 3 or "hfeed" in markup:  # a topic of 3, not results of a search
        linked = {_topic_of_post(markup, place) for place in places}
        if len(linked) == 1:
            return linked.pop()
    if document.controller == "topic" or (document.generation == 3 and "ipb.topic." in markup):
        return addresses.numbered(document.declared_url or "") or addresses.numbered(document.page.url)
    return None


def _topic_of_post(markup: str, place: Container) -> str | None:
    """Id of the topic that a post's own link leads to."""
    for attributes, _ in ANCHOR.findall(markup, place.start, min(place.limit, place.start + 6_000)):
        href = href_of(attributes)
        if addresses.post_id_of(href) == place.post_id:
            return addresses.topic_id_of(href)
    return None


def read_thread(document: Document, number: str, posts: list[Post], places: list[Container]) -> Thread:
    """The topic's record."""
    heading, behind = document.heading
    first = document.content_start
    frame = document.markup[max(behind, first - _FRAME) : max(first, behind)]
    frame = COMMENT.sub("", frame) if "<!--" in frame else frame
    _, last_page, _ = document.pages
    opening = next((post for post in posts if post.is_opening), None)
    author, author_id, created = _starter(frame) if opening is None or not opening.author else _opener(opening)
    if opening is not None:
        created = (opening.created_at, opening.created_text)
    poll = read_poll(frame)
    replies, views = _counts(document)
    return Thread(
        site=document.site,
        thread_id=number,
        title=title_text(heading) or inline_text(document.meta("og:title") or "") or None,
        prefix=prefix_of(heading) or prefix_of(frame),
        author=author,
        author_id=author_id,
        board_id=_board(document),
        created_at=created[0],
        created_text=created[1],
        reply_count=replies,
        view_count=views,
        score=opening.score if opening else None,
        tags=tags_of(frame),
        is_sticky=_holds(heading + frame[:2_000], _PINNED) if document.generation >= 4 else None,
        is_locked=_holds(heading + frame, _LOCK),
        thread_type="poll" if poll else "discussion",
        poll=poll,
        solution_post_id=_solution(places, frame),
        page_count=last_page,
        url=addresses.first_page(_address(document, number)),
    )


def _address(document: Document, number: str) -> str:
    declared = document.declared_url or ""
    return declared if number in declared else document.page.url


def _holds(markup: str, signs: tuple[str, ...]) -> bool:
    return any(sign in markup for sign in signs)


def _board(document: Document) -> str | None:
    found = _FORUM_ID.search(document.markup) if document.generation == 3 else None
    return found[1] if found else document.forum_id


def _opener(post: Post) -> Starter:
    return post.author, post.author_id, (post.created_at, post.created_text)


def _starter(frame: str) -> Starter:
    """Who opened the topic, and when, as the header words it."""
    author, author_id = None, None
    for attributes, content in ANCHOR.findall(frame[:20_000]):
        number = addresses.member_id_of(href_of(attributes))
        if number and "<img" not in content and (name := inline_text(content)):
            author, author_id = name, number
            break
    time = first_time(frame, 0, 20_000)
    if time is None and (old := part(frame, "dateCreated")) is not None:
        time = (None, inline_text(frame[old.start : old.end]) or None)
    return author, author_id, time or (None, None)


def _counts(document: Document) -> tuple[int | None, int | None]:
    """Replies and views: of the page's description for search engines, or of IP.Board's scripts."""
    if document.generation < 4:
        if document.counts:
            return max(document.counts[0] - 1, 0), None
        found = _COMMENTS.search(document.markup, document.body_start)
        return (max(int(found[1]) - 1, 0), None) if found and document.generation == 3 else (None, None)
    at = document.markup.rfind('"interactionStatistic"')
    if at < 0:
        return None, None
    counted = {name: int(count[:12]) for name, count in _COUNTER.findall(document.markup, at, at + 4_000)}
    return counted.get("CommentAction", counted.get("ReplyAction")), counted.get("ViewAction")


def prefix_of(markup: str) -> str | None:
    """The label before a title."""
    for word in _PREFIX_WORDS:
        if word in markup and (found := part(markup, word)) is not None:
            return inline_text(markup[found.start : found.end]) or None
    return None


def tags_of(markup: str) -> list[str]:
    """Tags of a topic, in the order shown, without its prefix."""
    if "ipsTag" not in markup:
        return []
    tags: list[str] = []
    for word in ("ipsTag", "ipsTags__tag") if "ipsTags__tag" in markup else ("ipsTag",):
        found = [tag for tag in parts(markup, word) if "ipsTag_prefix" not in tag.tag]
        tags += [inline_text(markup[tag.start : tag.end]) for tag in found]
    return list(dict.fromkeys(filter(None, tags)))


def _solution(places: list[Container], frame: str) -> str | None:
    for place in places:
        if _SOLVED.search(place.tag):
            return place.post_id
    found = _BEST.search(frame) if "olution" in frame else None
    return found[1] if found else None


# -- polls --------------------------------------------------------------------------------------------------------


def read_poll(frame: str) -> Poll | None:
    """The poll above the posts: as results, or as the form of somebody who may still vote."""
    for sign in ("core.front.core.poll", "data-ipspoll", "data-ipsPoll", "PollList"):
        if sign in frame:
            return _poll(frame[frame.find(sign) :])
    at = frame.find("topic_polls")
    at = at if at >= 0 else frame.find("class='poll'")
    return _old_poll(frame[at:]) if at >= 0 else None


def _poll(block: str) -> Poll | None:
    end = block.find("elPostFeed")
    block = double_quoted(block[: end if end >= 0 else 40_000])
    questions = part(block, "ipsPollList") or part(block, "cPollList")
    listing = block[questions.start : questions.end] if questions else block
    titles = [inline_text(text) for text in _POLL_QUESTION.findall(listing)]
    options: list[PollOption] = []
    choices = part(listing, "ipsPollList_choices") or part(listing, "cPollList_choices")
    if choices is not None:  # of several questions the first
        options = [_choice(item) for item in _ITEM.findall(listing[choices.start : choices.end])]
    if not options:
        labels = re.findall(r"<label\b[^>]*+>(.{0,2000}?)</label>", listing, re.DOTALL)
        options = [PollOption(text=text) for label in labels if (text := inline_text(label))]
    if not options:
        return None
    question = re.sub(r"^\d+\.\s*", "", titles[0]) if titles else None
    return Poll(question=question or None, options=options, voters=_voters(block[:4_000]))


def _choice(item: str) -> PollOption:
    text = part(item, "ipsGrid_span4") or part(item, "i-font-weight_500")
    first = re.search(r"<(div|span|strong)\b[^>]*+>(.{0,2000}?)</\1>", item, re.DOTALL)
    shown = inline_text(item[text.start : text.end]) if text else inline_text(first[2]) if first else inline_text(item)
    icons = re.search(r"fa-user[^<]*</i>\s*([\d.,]+)|([\d.,]+)\s*<[^>]*fa-user|>\s*([\d.,]+)\s*(?:</a>|</span>)", item)
    votes = next((number for number in icons.groups() if number), None) if icons else None
    return PollOption(text=shown, votes=number_of(votes) if votes else None)


def _voters(block: str) -> int | None:
    found = re.search(
        r"fa-check-square-o[^<]*</i>\s*([\d.,]+)|fa-(?:check|square-check|users)[^<]*</i>\s*([\d.,]+)", block
    )
    return number_of(found[1] or found[2]) if found else None


def _old_poll(block: str) -> Poll | None:
    end = block.find("</form")
    block = double_quoted(block[: end if end >= 0 else 20_000])
    questions = [inline_text(text) for text in _POLL_QUESTION.findall(block)]
    options = []
    listing = re.search(r"<ol\b[^>]*+>(.{0,20000}?)</ol>", block, re.DOTALL)
    for item in _ITEM.findall(listing[1] if listing else ""):
        answer = part(item, "answer")
        votes = part(item, "votes")
        label = re.search(r"<label\b[^>]*+>(.{0,2000}?)</label>", item, re.DOTALL)
        text = inline_text(item[answer.start : answer.end]) if answer else inline_text(label[1]) if label else ""
        count = number_of(inline_text(item[votes.start : votes.end])) if votes else None
        if text:
            options.append(PollOption(text=text, votes=count))
    question = next((text for text in reversed(questions[:2]) if text), None)
    return Poll(question=re.sub(r"^\d+\.\s*", "", question) if question else None, options=options) if options else None
