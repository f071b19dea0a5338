"""The records that engines give and tables keep: Site > Board > Thread > Post.

Every instant is an aware `datetime` in UTC. `None` means that the page does not say; nothing is guessed.
The descriptions here are the source of the data dictionary (docs/data-dictionary.md).
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, field


class Status(StrEnum):
    """What a reader of the site sees in a post's or thread's place."""

    VISIBLE = "visible"
    DELETED = "deleted"
    """Taken back by its author, or gone from a page that was read whole."""
    REMOVED = "removed"
    """Taken down by a moderator, an administrator or the site's filter."""
    HIDDEN = "hidden"
    """There, but not for us: awaiting approval, or behind a login."""


class PageKind(StrEnum):
    """What a page is, whatever its HTTP status says."""

    THREAD = "thread"
    BOARD = "board"
    """A list of threads: a board, a search result, a what's-new page, a subreddit listing."""
    INDEX = "index"
    """A list of boards."""
    FEED = "feed"
    LOGIN = "login"
    CHALLENGE = "challenge"
    """A bot check or a block page: no content until somebody acts."""
    ERROR = "error"
    """The software's own error page (not found, no permission), also when served with status 200."""
    EMPTY = "empty"
    UNKNOWN = "unknown"
    """No page of a known engine, or one whose posts could not be read; `reason` says which."""


class Quote(Struct, frozen=True, kw_only=True):
    """Somebody else's words inside a post."""

    post_id: Annotated[str | None, Meta(description="Id of the quoted post, where the markup names it.")] = None
    author: Annotated[str | None, Meta(description="Name of the quoted author, as shown.")] = None
    text: Annotated[str, Meta(description="The quoted words as plain text, without quotes nested in them.")]


class Attachment(Struct, frozen=True, kw_only=True):
    """A file or picture that the post carries."""

    url: Annotated[str, Meta(description="Absolute address of the file.")]
    name: Annotated[str | None, Meta(description="File name, as shown.")] = None


class Post(Struct, kw_only=True, tag_field="kind", tag="post"):
    """One contribution to a thread; the opening post is one too."""

    site: Annotated[str, Meta(description="Name of the site, as in its site file.")]
    thread_id: Annotated[str, Meta(description="Id of the thread, as the site numbers it.")]
    post_id: Annotated[str, Meta(description="Id of the post, unique within the site.")]
    parent_id: Annotated[
        str | None, Meta(description="Id of the post this one answers, where the site has a tree of replies.")
    ] = None
    position: Annotated[
        int | None, Meta(description="Place in the thread as the site counts it; the opening post is 1.")
    ] = None
    author: Annotated[
        str | None, Meta(description="Name as shown. Kept in the table `authors` only, unless `privacy` is `keep`.")
    ] = None
    author_id: Annotated[str | None, Meta(description="The site's id of the author; null for guests.")] = None
    created_at: Annotated[datetime | None, Meta(description="When the post was written, if the page states it.")] = None
    created_text: Annotated[str | None, Meta(description="The date as the page words it.")] = None
    edited_at: Annotated[datetime | None, Meta(description="When it was last edited, if the page states it.")] = None
    edited: Annotated[bool, Meta(description="Whether the page says that it was edited.")] = False
    body_text: Annotated[
        str,
        Meta(
            description="The author's own words as plain text: paragraphs, lists and line breaks kept; quotes, "
            "signatures, ads, edit notes and reaction lines left out. Empty where the post was deleted or removed."
        ),
    ] = ""
    quotes: Annotated[list[Quote], Meta(description="What the post quotes, in order.")] = field(default_factory=list)
    reactions: Annotated[
        int | None, Meta(description="Number of reactions or likes, where the site has them and shows them.")
    ] = None
    score: Annotated[int | None, Meta(description="Up-votes less down-votes, where the site has them.")] = None
    attachments: Annotated[list[Attachment], Meta(description="Files and pictures of the post.")] = field(
        default_factory=list
    )
    links: Annotated[list[str], Meta(description="Absolute addresses that the own text links to, in order.")] = field(
        default_factory=list
    )
    is_opening: Annotated[bool, Meta(description="Whether this is the thread's first post.")] = False
    status: Annotated[Status, Meta(description="visible, deleted, removed or hidden.")] = Status.VISIBLE
    url: Annotated[str | None, Meta(description="Permanent address of the post.")] = None


class PollOption(Struct, frozen=True, kw_only=True):
    """One answer of a poll."""

    text: Annotated[str, Meta(description="The answer's words.")]
    votes: Annotated[int | None, Meta(description="Votes for it, if shown.")] = None


class Poll(Struct, frozen=True, kw_only=True):
    """A thread's poll."""

    question: Annotated[str | None, Meta(description="The question, if the poll has one of its own.")] = None
    options: Annotated[list[PollOption], Meta(description="The answers, in the order shown.")]
    voters: Annotated[int | None, Meta(description="How many have voted, if shown.")] = None


class Thread(Struct, kw_only=True, tag_field="kind", tag="thread"):
    """One discussion, as its own page or a row of a listing describes it."""

    site: Annotated[str, Meta(description="Name of the site, as in its site file.")]
    thread_id: Annotated[str, Meta(description="Id of the thread, as the site numbers it.")]
    title: Annotated[str | None, Meta(description="Title without prefix.")] = None
    author: Annotated[
        str | None, Meta(description="Name as shown. Kept in the table `authors` only, unless `privacy` is `keep`.")
    ] = None
    author_id: Annotated[str | None, Meta(description="The site's id of the author; null for guests.")] = None
    board_id: Annotated[str | None, Meta(description="Id of the board, or name of the subreddit.")] = None
    created_at: Annotated[datetime | None, Meta(description="When it was opened, if the page states it.")] = None
    created_text: Annotated[str | None, Meta(description="The date as the page words it.")] = None
    last_post_at: Annotated[datetime | None, Meta(description="When its last post was written.")] = None
    reply_count: Annotated[int | None, Meta(description="Replies by the site's own count, opening post excluded.")] = (
        None
    )
    view_count: Annotated[int | None, Meta(description="Views by the site's own count; rounded where it rounds.")] = (
        None
    )
    score: Annotated[int | None, Meta(description="Up-votes less down-votes, where the site has them.")] = None
    prefix: Annotated[str | None, Meta(description="Label before the title (XenForo prefix, Reddit flair).")] = None
    tags: Annotated[list[str], Meta(description="Tags, in the order shown.")] = field(default_factory=list)
    is_sticky: Annotated[bool | None, Meta(description="Whether it is held at the top of its board.")] = None
    is_locked: Annotated[bool | None, Meta(description="Whether it takes no more replies.")] = None
    thread_type: Annotated[
        str | None,
        Meta(description="discussion, question, poll, article, suggestion, link or redirect, where the page tells."),
    ] = None
    poll: Annotated[Poll | None, Meta(description="The poll, if it has one.")] = None
    solution_post_id: Annotated[str | None, Meta(description="Post marked as the answer of a question.")] = None
    crosspost_of: Annotated[str | None, Meta(description="Id of the thread that this one shares again.")] = None
    page_count: Annotated[int | None, Meta(description="Pages that the thread has, if shown.")] = None
    status: Annotated[Status, Meta(description="visible, deleted, removed or hidden.")] = Status.VISIBLE
    url: Annotated[str | None, Meta(description="Permanent address of the thread's first page.")] = None


class Board(Struct, kw_only=True, tag_field="kind", tag="board"):
    """A place that holds threads: forum, category, subreddit."""

    site: Annotated[str, Meta(description="Name of the site, as in its site file.")]
    board_id: Annotated[str, Meta(description="Id of the board, or name of the subreddit.")]
    title: Annotated[str | None, Meta(description="Name of the board.")] = None
    description: Annotated[str | None, Meta(description="What the site says the board is for.")] = None
    parent_id: Annotated[str | None, Meta(description="Id of the board or category that it stands in.")] = None
    thread_count: Annotated[int | None, Meta(description="Threads by the site's own count.")] = None
    post_count: Annotated[int | None, Meta(description="Posts by the site's own count.")] = None
    last_post_at: Annotated[
        datetime | None,
        Meta(
            description="When its last post was written, as the index shows it; a parent's may be a post in a board "
            "below it."
        ),
    ] = None
    url: Annotated[str | None, Meta(description="Address of the board's first page.")] = None


class Link(Struct, kw_only=True, tag_field="kind", tag="link"):
    """Something that a page says is elsewhere and that belongs to its content."""

    rel: Annotated[
        str,
        Meta(
            description="more: comments that a Reddit tree holds back (`ids`); continue: a subtree on a page of its "
            "own; redirect: the thread was moved there; feed: the same list as a feed."
        ),
    ]
    url: Annotated[str | None, Meta(description="Absolute address, where it has one.")] = None
    thread_id: Annotated[str | None, Meta(description="Thread that it belongs to.")] = None
    parent_id: Annotated[str | None, Meta(description="Post under which the missing posts stand.")] = None
    ids: Annotated[list[str], Meta(description="Ids of the missing posts, as far as named.")] = field(
        default_factory=list
    )
    count: Annotated[int | None, Meta(description="How many posts are missing, if stated.")] = None


Record = Board | Thread | Post | Link


class ParsedPage(Struct, kw_only=True, tag_field="kind", tag="page"):
    """All that an engine read from one page, with its own account of it."""

    page_kind: Annotated[PageKind, Meta(description="What the page is.")]
    engine: Annotated[str | None, Meta(description="Engine that read it.")] = None
    engine_version: Annotated[str | None, Meta(description="Version of the forum software, as far as told.")] = None
    next_url: Annotated[str | None, Meta(description="Absolute address of the next page of the same list.")] = None
    page: Annotated[int | None, Meta(description="Number of this page; 1 where there is no other.")] = None
    last_page: Annotated[int | None, Meta(description="Number of the last page.")] = None
    board_id: Annotated[str | None, Meta(description="Board that the page shows or belongs to.")] = None
    thread_id: Annotated[str | None, Meta(description="Thread that the page shows.")] = None
    containers: Annotated[int, Meta(description="Places on the page marked up as posts; equals the posts read.")] = 0
    reason: Annotated[str | None, Meta(description="Why the kind is error, unknown, login or empty.")] = None
    boards: list[Board] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    LISTS: ClassVar[tuple[str, ...]] = ("boards", "threads", "posts", "links")

    def records(self) -> list[Record]:
        """Boards, threads, posts and links, each in page order."""
        return [*self.boards, *self.threads, *self.posts, *self.links]
