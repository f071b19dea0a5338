"""A topic's JSON: /t/ID.json, /t/ID/posts.json, /posts/ID.json, /posts.json; also as a page for browsers carries it."""

from crawler.engines.discourse.addresses import (
    is_json,
    page_parameter,
    root_of,
    slug_of,
    topic_of,
    topic_url,
    with_page,
)
from crawler.engines.discourse.fields import Fields
from crawler.engines.discourse.posts import Reading, is_post, read_poll, read_post
from crawler.engines.page import Page
from crawler.records import PageKind, ParsedPage, Post, Status, Thread

CHUNK = 20
"""Posts on a page."""


def read_topic(page: Page, answer: Fields) -> ParsedPage:
    """A page of a topic: with all about it, or (posts.json) with posts only."""
    stream = answer.inner("post_stream")
    entries = stream.listed("posts")
    topic = answer.number_id("id") or next((found for post in entries if (found := post.number_id("topic_id"))), None)
    if topic is None and (addressed := topic_of(page.url)):
        topic = addressed[0]
    if topic is None:
        return ParsedPage(page_kind=PageKind.UNKNOWN, reason="posts of no topic: the answer names none")
    slugs = (post.text("topic_slug") for post in entries)
    slug = answer.text("slug") or next((slug for slug in slugs if slug), None) or slug_of(page.url)
    reading = Reading(page.site, root_of(page.url), page.url, topic, slug)
    reading.know(entries)
    reading.know_stream(stream.integers("stream"))
    parsed = read_entries(entries, reading)
    if parsed.page_kind is PageKind.UNKNOWN:
        return parsed
    parsed.thread_id = topic
    if answer.text("title") is None:
        _place_of_posts(page.url, parsed)
        parsed.threads = [_thread_of_posts(reading, topic, entries)]
    else:
        _place(page.url, answer, stream.integers("stream"), entries, parsed)
        parsed.threads = [_thread(answer, reading, topic, entries, parsed)]
        parsed.board_id = parsed.threads[0].board_id
    if not parsed.posts:
        parsed.reason = "the topic shows no post on this page"
        parsed.page_kind = PageKind.THREAD if parsed.threads[0].title else PageKind.EMPTY
    return parsed


def read_entries(entries: list[Fields], reading: Reading, kind: PageKind = PageKind.THREAD) -> ParsedPage:
    """Entries of a stream as posts; `unknown` where one cannot be read."""
    reading.know(entries)
    posts: list[Post] = []
    for entry in entries:
        if not is_post(entry):
            continue
        post = read_post(entry, reading)
        if post is None:
            reason = f"the post {entry.number_id('id') or 'without id'} could not be read: no cooked text, or no topic"
            return ParsedPage(page_kind=PageKind.UNKNOWN, reason=reason)
        posts.append(post)
    return ParsedPage(page_kind=kind, posts=posts, containers=len(posts))


def _place(url: str, answer: Fields, stream: list[int], entries: list[Fields], parsed: ParsedPage) -> None:
    """Which page of the topic this is, by the stream of all its ids; by the address where a huge topic has none."""
    chunk = answer.integer("chunk_size") or CHUNK
    chunk = chunk if chunk > 0 else CHUNK
    total = len(stream) or answer.integer("posts_count") or 0
    parsed.last_page = max(-(-total // chunk), 1)
    shown = [number for entry in entries if (number := entry.integer("id")) is not None]
    if stream and shown:
        places = {number: place for place, number in enumerate(stream)}
        first, last = places.get(shown[0]), places.get(shown[-1])
        if first is not None and first % chunk == 0:
            parsed.page = first // chunk + 1
        # An address of one post gives the posts around it: no page of the count, but the next one is known. Asked to
        # print, Discourse gives up to 1,000 posts at once.
        end = max(last + 1 if last is not None else 0, (parsed.page or 0) * chunk)
        if 0 < end < total:
            parsed.next_url = _page_of(url, answer, end // chunk + 1)
        if end:
            return
    page = page_parameter(url) or 1
    parsed.page = page
    if page * chunk < total:
        parsed.next_url = _page_of(url, answer, page + 1)


def _page_of(url: str, answer: Fields, page: int) -> str:
    topic = answer.number_id("id") or ""
    if is_json(url):
        return with_page(f"{root_of(url)}/t/{topic}.json", page)
    return with_page(topic_url(root_of(url), answer.text("slug"), topic), page)


def _place_of_posts(url: str, parsed: ParsedPage) -> None:
    """posts.json holds the posts before `post_number`, last first, or with asc=true those behind it."""
    if "/posts.json" not in url or "post_ids" in url or len(parsed.posts) < CHUNK - 2:
        return
    if "post_number=" in url and "asc=true" not in url:
        return
    if (last := parsed.posts[-1].position) is not None:
        parsed.next_url = f"{url.partition('?')[0]}?post_number={last}&asc=true"


def _thread_of_posts(reading: Reading, topic: str, entries: list[Fields]) -> Thread:
    counts = [count for entry in entries if (count := entry.integer("posts_count")) is not None]
    return Thread(
        site=reading.site,
        thread_id=topic,
        reply_count=max(counts[0] - 1, 0) if counts else None,
        solution_post_id=_solution(Fields({}), reading, topic, entries),
        url=topic_url(reading.root, reading.slug, topic),
    )


def _thread(answer: Fields, reading: Reading, topic: str, entries: list[Fields], parsed: ParsedPage) -> Thread:
    starter = answer.inner("details").inner("created_by")
    opening = next((post for post in parsed.posts if post.is_opening), None)
    polls = (read_poll(entry) for entry in entries if entry.integer("post_number") == 1)
    thread = row(answer, reading)
    thread.thread_id = topic
    thread.author = starter.text("username") or (opening.author if opening else None)
    thread.author_id = starter.number_id("id") or (opening.author_id if opening else None)
    thread.poll = next((poll for poll in polls if poll), None)
    thread.page_count = parsed.last_page
    thread.solution_post_id = _solution(answer, reading, topic, entries)
    if thread.solution_post_id:
        thread.thread_type = "question"
    elif thread.poll and thread.thread_type == "discussion":
        thread.thread_type = "poll"
    return thread


def row(topic: Fields, reading: Reading) -> Thread:
    """What a topic's own page and a row of a list say alike."""
    number = topic.number_id("id") or ""
    count = topic.integer("posts_count")
    kind = "link" if topic.text("featured_link") else "discussion"
    flags = [topic.flag("closed"), topic.flag("archived")]
    return Thread(
        site=reading.site,
        thread_id=number,
        title=topic.text("title"),
        board_id=topic.number_id("category_id"),
        created_at=topic.instant("created_at"),
        created_text=topic.text("created_at"),
        last_post_at=topic.instant("last_posted_at"),
        # posts_count holds the opening post; the field reply_count counts answers to single posts only.
        reply_count=max(count - 1, 0) if count is not None else None,
        view_count=topic.integer("views"),
        score=topic.integer("vote_count") if topic.flag("can_vote") else None,
        tags=topic.names("tags"),
        is_sticky=_any([topic.flag("pinned"), topic.flag("pinned_globally")]),
        is_locked=_any(flags),
        thread_type="question" if topic.flag("has_accepted_answer") else kind,
        status=_status(topic),
        url=topic_url(reading.root, topic.text("slug") or reading.slug, number),
    )


def _any(flags: list[bool | None]) -> bool | None:
    return None if all(flag is None for flag in flags) else any(flags)


def _status(topic: Fields) -> Status:
    if topic.text("deleted_at") is None:
        return Status.VISIBLE
    by, starter = topic.inner("deleted_by").number_id("id"), topic.inner("details").inner("created_by").number_id("id")
    return Status.DELETED if by is not None and by == starter else Status.REMOVED


def _solution(answer: Fields, reading: Reading, topic: str, entries: list[Fields]) -> str | None:
    if (number := answer.inner("accepted_answer").integer("post_number")) is not None:
        return reading.id_of(topic, number)
    accepted = (entry.number_id("id") for entry in entries if entry.flag("accepted_answer"))
    return next((post_id for post_id in accepted if post_id), None)
