"""A topic as NodeBB's API gives it: its record and its posts.

`index` counts posts from 0, the main post first, where they stand in the order of time; other orders (`sortOption`) are
chosen by the reader, and say nothing of a post's place.
"""

from urllib.parse import urlsplit

from msgspec import Struct

from crawler.engines.html import absolute
from crawler.engines.json_fields import text_of
from crawler.engines.nodebb.body import Body, Quoted
from crawler.engines.nodebb.fields import (
    Fields,
    count_of,
    escaped,
    flag_of,
    id_of,
    instant,
    member_id,
    records,
)
from crawler.records import Post, Quote, Status, Thread

_BY_TIME = "oldest_to_newest"


class Setting(Struct, frozen=True):
    """What the posts of one page have in common."""

    site: str
    base: str
    root: str
    topic: str
    main: str | None
    """Id of the topic's main post, where told."""
    in_order: bool
    """Whether the posts' numbers are places in the order of time."""


class Draft(Struct):
    """A post whose quotes may still lead to a place in the topic instead of a post."""

    post: Post
    quoted: list[Quoted]


def is_in_order(data: Fields, url: str) -> bool:
    """Whether the page's posts stand in the order of time."""
    chosen = text_of(data.get("sortOption"))
    try:
        return chosen == _BY_TIME if chosen else "sort=" not in urlsplit(url).query
    except ValueError:
        return False


def read_posts(data: Fields, setting: Setting) -> tuple[list[Post], int]:
    """The page's posts in page order, and how many there are marked as posts; of doubles, the first."""
    drafts: dict[str, Draft] = {}
    doubles = 0
    entries = records(data.get("posts"))
    for fields in entries:
        draft = _draft(fields, setting)
        if draft is None:
            continue
        doubles += draft.post.post_id in drafts
        drafts.setdefault(draft.post.post_id, draft)
    places = {draft.post.position: draft.post.post_id for draft in drafts.values() if draft.post.position}
    posts = [finished(draft, setting.topic, places) for draft in drafts.values()]
    return posts, len(entries) - doubles


def _draft(fields: Fields, setting: Setting) -> Draft | None:
    number, content = id_of(fields.get("pid")), fields.get("content")
    if number is None or not isinstance(content, str):
        return None
    status = _status(fields)
    body = Body()
    text = body.read(content).result().rstrip("\n") if status is Status.VISIBLE else ""
    user = fields.get("user")
    author, author_id = person(user if isinstance(user, dict) else {}, fields)
    index = count_of(fields.get("index"))
    is_main = number == setting.main or (setting.main is None and index == 0 and setting.in_order)
    edited = fields.get("edited")
    post = Post(
        site=setting.site,
        thread_id=id_of(fields.get("tid")) or setting.topic,
        post_id=number,
        parent_id=id_of(fields.get("toPid")),
        position=1 if is_main else index + 1 if index is not None and index >= 0 and setting.in_order else None,
        author=author,
        author_id=author_id,
        created_at=instant(fields, "timestamp"),
        created_text=text_of(fields.get("timestampISO")),
        edited=bool(edited) and edited != "0",
        edited_at=instant(fields, "edited") if edited else None,
        body_text=text,
        reactions=_reactions(fields),
        score=_score(fields),
        links=[absolute(setting.base, link) for link in body.links],
        attachments=body.attachments,
        is_opening=is_main,
        status=status,
        url=f"{setting.root}/post/{number}" if not number.startswith("http") else number,
    )
    for position, known in enumerate(post.attachments):
        post.attachments[position] = type(known)(url=absolute(setting.base, known.url), name=known.name)
    return Draft(post, body.quoted)


def finished(draft: Draft, topic: str, places: dict[int, str]) -> Post:
    """The post with its quotes; a place in the topic is a post where the page shows the one that stands there."""
    for quoted in draft.quoted:
        target = quoted.post_id
        if target is None and quoted.place is not None and quoted.topic_id == topic:
            target = places.get(quoted.place)
        draft.post.quotes.append(Quote(post_id=target, author=quoted.author, text=quoted.text))
    return draft.post


def person(user: Fields, fields: Fields) -> tuple[str | None, str | None]:
    """Name as shown, and id; guests may give a name of their own (`handle`)."""
    name = escaped(user.get("displayname")) or escaped(user.get("username")) or escaped(fields.get("handle"))
    return name, member_id(user.get("uid", fields.get("uid")))


def _status(fields: Fields) -> Status:
    if not flag_of(fields.get("deleted")):
        return Status.VISIBLE
    deleter, author = member_id(fields.get("deleterUid")), member_id(fields.get("uid"))
    return Status.REMOVED if deleter is not None and deleter != author else Status.DELETED


def _score(fields: Fields) -> int | None:
    votes = count_of(fields.get("votes"))
    up, down = count_of(fields.get("upvotes")), count_of(fields.get("downvotes"))
    return votes if votes is not None else up - down if up is not None and down is not None else None


def _reactions(fields: Fields) -> int | None:
    """Reactions of the plugin for them; NodeBB itself has votes."""
    reactions = fields.get("reactions")
    if not isinstance(reactions, list):
        return None
    return sum(count_of(kind.get("reactionCount")) or 0 for kind in records(reactions))


def thread_of(fields: Fields, site: str, root: str) -> Thread | None:
    """A topic's record, from its own page or a row of a list; None where it has no id."""
    number = id_of(fields.get("tid"))
    if number is None:
        return None
    raw = text_of(fields.get("titleRaw"))
    title = raw.strip() if raw and not raw.startswith("[[") else escaped(fields.get("title"))
    user = fields.get("user") if isinstance(fields.get("user"), dict) else fields.get("author")
    author, author_id = person(user, fields) if isinstance(user, dict) else (None, member_id(fields.get("uid")))
    count, slug = count_of(fields.get("postcount")), text_of(fields.get("slug"))
    solved = id_of(fields.get("solvedPid"))
    return Thread(
        site=site,
        thread_id=number,
        title=title,
        author=author,
        author_id=author_id or member_id(fields.get("uid")),
        board_id=id_of(fields.get("cid")),
        created_at=instant(fields, "timestamp"),
        created_text=text_of(fields.get("timestampISO")),
        last_post_at=instant(fields, "lastposttime"),
        reply_count=max(count - 1, 0) if count is not None else None,
        view_count=count_of(fields.get("viewcount")),
        score=_score(fields),
        tags=[name for tag in records(fields.get("tags")) if (name := escaped(tag.get("value")))],
        is_sticky=flag_of(fields.get("pinned")),
        is_locked=flag_of(fields.get("locked")),
        thread_type=_type(fields),
        solution_post_id=solved,
        status=_topic_status(fields),
        url=f"{root}/topic/{slug or number}",
    )


def _type(fields: Fields) -> str:
    if flag_of(fields.get("isQuestion")):
        return "question"
    return "poll" if id_of(fields.get("pollId")) else "discussion"


def _topic_status(fields: Fields) -> Status:
    if flag_of(fields.get("deleted")):
        return Status.DELETED
    return Status.HIDDEN if flag_of(fields.get("scheduled")) else Status.VISIBLE
