"""Reddit's things as records: t1 comment, t3 submission, t5 subreddit, `more`."""

import re

from crawler.engines.markdown import Reading, read_markdown
from crawler.engines.reddit.fields import (
    Data,
    Fields,
    absolute,
    as_integer,
    attachments_of,
    edit_of,
    status_of,
)
from crawler.records import Board, Link, Poll, PollOption, Post, Quote, Status, Thread

_COMMENTS = re.compile(r"/comments/([0-9a-z]{1,13})/")
_NOTHING = Reading("", [], [])


class Things:
    """Reads the things of one page. Each method gives None where the thing lacks the ids that make it one."""

    def __init__(self, *, site: str, base: str, escaped: bool) -> None:
        self.site = site
        self.base = base
        self.escaped = escaped

    def fields(self, data: Data) -> Fields:
        """The data of a thing, read as this page's transport demands."""
        return Fields(data, escaped=self.escaped, base=self.base)

    def comment(self, data: Data, thread_id: str | None) -> Post | None:
        """A t1; `thread_id` is the page's thread, for the rare thing without `link_id`."""
        thing = self.fields(data)
        # Answers from before 2015 name a new comment's fields after what the site's own scripts do with them.
        post_id = thing.own_id()
        thread_id = thing.bare_id("link_id") or thing.bare_id("link") or _thread_of(thing) or thread_id
        if post_id is None or thread_id is None:
            return None
        body = thing.text("body") or thing.text("contentText") or ""
        post = self._post(thing, body, thread_id, post_id)
        post.parent_id = thing.bare_id("parent_id") or thing.bare_id("parent")
        post.score = None if thing.flag("score_hidden") else thing.integer("score")
        post.url = thing.address("permalink") or self.comment_url(thing.word("subreddit"), thread_id, post_id)
        return post

    def submission(self, data: Data) -> tuple[Thread, Post] | None:
        """A t3: the thread and its opening post."""
        thing = self.fields(data)
        thread_id = thing.own_id()
        if thread_id is None:
            return None
        body = thing.text("selftext") or ""
        post = self._post(thing, body, thread_id, thread_id)
        post.is_opening, post.position, post.score = True, 1, thing.integer("score")
        board_id = thing.word("subreddit")
        url = thing.address("permalink") or self.thread_url(board_id, thread_id)
        post.url = url
        is_self = thing.flag("is_self")
        if is_self is False and post.status is Status.VISIBLE:
            target = thing.address("url_overridden_by_dest") or thing.address("url")
            post.links = list(dict.fromkeys([*([target] if target else []), *post.links]))
        poll = _poll(thing)
        locked, archived = thing.flag("locked"), thing.flag("archived")
        thread = Thread(
            site=self.site,
            thread_id=thread_id,
            title=thing.word("title"),
            author=post.author,
            author_id=post.author_id,
            board_id=board_id,
            created_at=post.created_at,
            reply_count=thing.integer("num_comments"),
            view_count=thing.integer("view_count"),
            score=post.score,
            prefix=thing.word("link_flair_text"),
            is_sticky=thing.flag("stickied"),
            is_locked=None if locked is None and archived is None else bool(locked or archived),
            thread_type="poll" if poll else {True: "discussion", False: "link", None: None}[is_self],
            poll=poll,
            crosspost_of=thing.bare_id("crosspost_parent"),
            status=post.status,
            url=url,
        )
        return thread, post

    def board(self, data: Data) -> Board | None:
        """A t5."""
        thing = self.fields(data)
        board_id = thing.word("display_name")
        if board_id is None:
            return None
        return Board(
            site=self.site,
            board_id=board_id,
            title=thing.word("title") or board_id,
            description=thing.word("public_description") or thing.word("description"),
            url=thing.address("url") or self.board_url(board_id),
        )

    def more(self, data: Data, thread_id: str | None, parent_url: str | None) -> Link:
        """A `more`: comments held back, or (id `_`, count 0) a subtree that has a page of its own."""
        thing = self.fields(data)
        parent_id = thing.bare_id("parent_id")
        parent = data.get("parent_id")
        if thread_id is None and isinstance(parent, str) and parent.startswith("t3_"):
            thread_id = parent_id
        children = data.get("children")
        ids = [
            child.removeprefix("t1_")
            for child in (children if isinstance(children, list) else [])
            if isinstance(child, str) and child != "_"
        ]
        if data.get("id") == "_" or (not ids and not as_integer(data.get("count"))):
            if parent_url is None and thread_id and parent_id:
                parent_url = self.comment_url(None, thread_id, parent_id)
            return Link(rel="continue", url=parent_url, thread_id=thread_id, parent_id=parent_id)
        return Link(rel="more", thread_id=thread_id, parent_id=parent_id, ids=ids, count=thing.integer("count"))

    def board_url(self, board_id: str) -> str | None:
        """Address of a subreddit."""
        return absolute(self.base, f"/r/{board_id}/")

    def thread_url(self, board_id: str | None, thread_id: str) -> str | None:
        """Address of a thread; answers from before 2018 state none for comments."""
        return absolute(self.base, f"{f'/r/{board_id}' if board_id else ''}/comments/{thread_id}/")

    def comment_url(self, board_id: str | None, thread_id: str, post_id: str) -> str | None:
        """Address of a comment and what stands under it."""
        return absolute(self.base, f"{f'/r/{board_id}' if board_id else ''}/comments/{thread_id}/_/{post_id}/")

    def _post(self, thing: Fields, body: str, thread_id: str, post_id: str) -> Post:
        """What comments and submissions have in common."""
        status = status_of(thing, body)
        visible = status is Status.VISIBLE
        reading = read_markdown(body) if visible and body else _NOTHING
        edited, edited_at = edit_of(thing)
        links = (absolute(self.base, target) for target in reading.links)
        return Post(
            site=self.site,
            thread_id=thread_id,
            post_id=post_id,
            author=thing.author(),
            author_id=thing.bare_id("author_fullname"),
            created_at=thing.instant("created_utc"),
            edited=edited,
            edited_at=edited_at,
            body_text=reading.own,
            quotes=[Quote(text=text) for text in reading.quotes],
            attachments=attachments_of(thing) if visible else [],
            links=[link for link in dict.fromkeys(links) if link],
            status=status,
        )


def _thread_of(thing: Fields) -> str | None:
    """The thread that a comment's own address names: comments in an inbox have only that."""
    found = _COMMENTS.search(thing.text("context") or thing.text("permalink") or "")
    return found[1] if found else None


def _poll(thing: Fields) -> Poll | None:
    poll = thing.mapping("poll_data")
    options = [
        PollOption(text=option.text("text") or "", votes=option.integer("vote_count"))
        for option in poll.mappings("options")
    ]
    return Poll(options=options, voters=poll.integer("total_vote_count")) if options else None
