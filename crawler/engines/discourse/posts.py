"""Posts as Discourse's JSON gives them."""

from collections.abc import Iterable, Sequence

from crawler.engines.discourse.addresses import topic_url
from crawler.engines.discourse.cooked import Cooked, Target
from crawler.engines.discourse.fields import Fields
from crawler.engines.html import absolute, inline_text
from crawler.records import Attachment, Poll, PollOption, Post, Status

SMALL_ACTION = 3
"""`post_type` of "closed this topic", "pinned globally" and the like: no post of anybody."""
_LIKE = 2
"""Id of the kind of action that is a like."""


class Reading:
    """What the posts of one answer have in common."""

    def __init__(self, site: str, root: str, base: str, topic: str | None, slug: str | None) -> None:
        """`root` is the site's address, `base` what relative addresses refer to; `topic` the answer's own, if one."""
        self.site = site
        self.root = root
        self.base = base
        self.topic = topic
        self.slug = slug
        self._ids: dict[tuple[str | None, int], str] = {}

    def know(self, posts: Iterable[Fields]) -> None:
        """Notes the numbers of the page's posts, so that replies and quotes name their ids."""
        for post in posts:
            number, post_id = post.integer("post_number"), post.number_id("id")
            if number is not None and post_id is not None:
                self._ids[post.number_id("topic_id") or self.topic, number] = post_id

    def know_stream(self, stream: Sequence[int]) -> None:
        """Notes the posts of other pages, from the ids of all posts in order, as far as their numbers are certain.

        Numbers rise along the stream. Where the n-th entry has number n, so has every one before it its own place.
        """
        numbers = {post_id: number for (topic, number), post_id in self._ids.items() if topic == self.topic}
        certain = max((place for place, entry in enumerate(stream, 1) if numbers.get(str(entry)) == place), default=0)
        for place, entry in enumerate(stream[:certain], 1):
            self._ids.setdefault((self.topic, place), str(entry))

    def id_of(self, topic: str | None, number: int) -> str:
        """Id of a post: its own where the answer tells it, else "topic-number", as Discourse's feeds name posts."""
        return self._ids.get((topic, number)) or f"{topic}-{number}"

    def target(self, own: str) -> Target:
        """How posts of that topic name what they quote."""
        return lambda topic, number: self.id_of(topic or own, number)


def is_post(post: Fields) -> bool:
    """Whether an entry of a stream is a contribution."""
    return post.integer("post_type") != SMALL_ACTION


def read_post(post: Fields, reading: Reading) -> Post | None:
    """The post's record; None where it names neither itself nor its topic, or has no text."""
    post_id, topic = post.number_id("id"), post.number_id("topic_id") or reading.topic
    markup = post.data.get("cooked")
    status = _status(post)
    if post_id is None or topic is None or not (isinstance(markup, str) or status is not Status.VISIBLE):
        return None
    number, replied = post.integer("post_number"), post.integer("reply_to_post_number")
    cooked = Cooked(reading.target(topic))
    if isinstance(markup, str) and _is_shown(post, status):
        cooked.read(markup)
    edited = (post.integer("version") or 1) > 1
    slug = post.text("topic_slug") or reading.slug
    return Post(
        site=reading.site,
        thread_id=topic,
        post_id=post_id,
        parent_id=reading.id_of(topic, replied) if replied else None,
        position=number,
        author=post.text("username"),
        author_id=post.number_id("user_id"),
        created_at=post.instant("created_at"),
        created_text=post.text("created_at"),
        edited=edited,
        # The pencil that Discourse shows from version 2 on says "last edited on" with this instant, for a wiki too
        # (post/meta-data/edits-indicator in its source).
        edited_at=post.instant("updated_at") if edited else None,
        body_text=cooked.result(),
        quotes=cooked.quotes,
        reactions=_reactions(post),
        score=post.integer("post_voting_vote_count"),
        attachments=[Attachment(url=absolute(reading.base, file.url), name=file.name) for file in cooked.attachments],
        links=[absolute(reading.base, link) for link in cooked.links],
        is_opening=number == 1,
        status=status,
        url=topic_url(reading.root, slug, topic, number) if number is not None else f"{reading.root}/p/{post_id}",
    )


def _status(post: Fields) -> Status:
    if post.flag("user_deleted"):
        return Status.DELETED
    if post.text("deleted_at"):
        return Status.REMOVED
    return Status.HIDDEN if post.flag("hidden") else Status.VISIBLE


def _is_shown(post: Fields, status: Status) -> bool:
    """Whether the text is the author's: Discourse puts a notice in place of a withdrawn or hidden one."""
    if status is Status.VISIBLE:
        return True
    return status is Status.HIDDEN and post.flag("can_see_hidden_post") is True


def _reactions(post: Fields) -> int | None:
    """Of the plugin for reactions, which counts likes too; else likes."""
    if (count := post.integer("reaction_users_count")) is not None:
        return count
    if not isinstance(post.data.get("actions_summary"), list):
        return None
    likes = (action for action in post.listed("actions_summary") if action.integer("id") == _LIKE)
    return sum(action.integer("count") or 0 for action in likes)


def read_poll(post: Fields) -> Poll | None:
    """The first poll of a post."""
    for poll in post.listed("polls"):
        options = [
            PollOption(text=inline_text(option.text("html") or ""), votes=option.integer("votes"))
            for option in poll.listed("options")
        ]
        if options:
            question = inline_text(poll.text("title") or "")
            return Poll(question=question or None, options=options, voters=poll.integer("voters"))
    return None
