"""The Reddit spider: newest submissions down to what is known, whole comment trees of those that moved.

It speaks to the API of Reddit or of any server with the same shapes. robots.txt does not bind a registered client of
the API; its quota does, and RateLimitMiddleware keeps to it.
"""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from msgspec import Struct, field
from scrapy import Request
from scrapy.http import Response

from crawler.receipt import Coverage, Shortfall
from crawler.records import Link, PageKind, ParsedPage, Thread
from crawler.spiders.base import ArchiveSpider, CrawlPlan, Task

MOST_CHILDREN = 100
"""Ids that one call of morechildren takes."""
LIST_LIMIT = 100
TREE_LIMIT = 500


class TreeReading(Struct):
    """A comment tree in the course of being read."""

    listed: Thread
    posts: set[str] = field(default_factory=set)
    awaited: int = 1
    """Answers still to come: the tree itself, held-back comments, subtrees."""
    has_gap: bool = False


class Credentials(Struct, frozen=True):
    """A registered client of the API."""

    client_id: str
    secret: str


class RedditSpider(ArchiveSpider):
    """Crawls subreddits through the API."""

    name = "reddit"

    def __init__(self, plan: CrawlPlan, credentials: Credentials, **kwargs: Any) -> None:  # noqa: ANN401 (Scrapy's own)
        super().__init__(plan, **kwargs)
        self._credentials = credentials
        self._trees: dict[str, TreeReading] = {}
        self.token_status: int | None = None
        """Status of the answer that held no token."""

    async def start(self) -> AsyncIterator[Request]:
        """The token first; everything else needs it."""
        pair = f"{self._credentials.client_id}:{self._credentials.secret}".encode()
        url = token_url(self.plan.site.url)
        for request in self.request(url, Task(kind="token")):
            yield request.replace(
                method="POST",
                body=b"grant_type=client_credentials",
                headers={
                    "Authorization": b"Basic " + base64.b64encode(pair),
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                callback=self.token_came,
                meta={"is_api": True, "holds_secrets": True, "planned": url},
            )

    def token_came(self, response: Response, task: Task, planned: str) -> Iterator[Request]:
        """Keeps the token for all further requests, which go out now."""
        self._open.discard(planned)
        try:
            token = json.loads(response.body)["access_token"]
        except (ValueError, KeyError, TypeError):
            self.token_status = response.status
            self.receipt.failed[f"{task.kind} request answered with status {response.status}"] = 1
            self.close_early("no token")
            return
        self.receipt.parsed += 1
        self.plan.headers["Authorization"] = f"bearer {token}"
        yield from self.first_requests()

    def first_requests(self) -> Iterator[Request]:
        """The newest submissions of each subreddit."""
        for board in self.plan.site.boards:
            name = subreddit(board.url or board.name or "")
            yield from self._ask(f"r/{name}/new", Task(kind="board", board_id=name), limit=LIST_LIMIT)
            yield from self._ask(f"r/{name}/about", Task(kind="about", board_id=name))

    def request(self, url: str, task: Task, priority: int = 0, *, goes_on: bool = False) -> Iterator[Request]:
        """As for forums; the API's addresses are not subject to robots.txt. Held-back comments go on a tree."""
        for request in super().request(url, task, priority, goes_on=goes_on or task.kind == "more"):
            request.meta["is_api"] = True
            yield request

    def follow(self, task: Task, page: ParsedPage, url: str) -> Iterator[Request]:  # noqa: ARG002 (the base's signature)
        """Trees of the submissions that moved, the next page of a listing, comments that a tree holds back."""
        if task.kind == "board" and page.page_kind in {PageKind.BOARD, PageKind.EMPTY}:
            yield from self._follow_listing(task, page)
        elif task.thread_id in self._trees:
            yield from self._follow_tree(task, page)

    def lost(self, task: Task) -> None:
        """A part of a tree is missing: it has a gap."""
        super().lost(task)
        tree = self._trees.get(task.thread_id or "")
        if tree is not None:
            tree.has_gap = True
            self._answered(tree)

    def _ask(self, path: str, task: Task, priority: int = 0, **query: Any) -> Iterator[Request]:  # noqa: ANN401
        address = urljoin(api_root(self.plan.site.url), path) + "?" + urlencode({**query, "raw_json": 1})
        yield from self.request(address, task, priority)

    def _follow_listing(self, task: Task, page: ParsedPage) -> Iterator[Request]:
        moved = [thread for thread in page.threads if self._is_wanted(thread)]
        self.receipt.threads_listed += len(page.threads)
        # A listing shows submissions whole; those whose tree is opened are counted with it.
        self.receipt.posts += len(page.posts) - len(moved)
        self.receipt.threads_unchanged += len(page.threads) - len(moved)
        rows = [thread for thread in page.threads if not thread.is_sticky]
        since = self.receipt.since
        below_range = bool(since and rows and rows[-1].created_at and rows[-1].created_at < since)
        ranged = since is not None or self.receipt.until is not None
        known_below = (
            not ranged
            and not self.receipt.full
            and bool(rows)
            and not any(thread in moved for thread in rows)
            and task.board_id in self.plan.state.boards_walked
        )
        if page.next_url and not below_range and not known_below:
            yield from self.request(page.next_url, Task(kind="board", board_id=task.board_id), priority=10)
        elif task.board_id and not ranged:
            self.receipt.boards_walked.append(task.board_id)
        for thread in moved:
            if thread.thread_id in self._trees:
                continue
            self._trees[thread.thread_id] = TreeReading(listed=thread)
            self.receipt.threads_opened += 1
            tree = Task(kind="thread", board_id=task.board_id, thread_id=thread.thread_id)
            yield from self._ask(f"comments/{thread.thread_id}", tree, limit=TREE_LIMIT, sort="old")

    def _is_wanted(self, thread: Thread) -> bool:
        since, until = self.receipt.since, self.receipt.until
        if until and thread.created_at and thread.created_at >= until:
            return False
        if since and thread.created_at and thread.created_at < since:
            return False
        known = self.plan.state.threads.get(thread.thread_id)
        return self.receipt.full or known is None or known.moved(thread.reply_count, thread.last_post_at)

    def _follow_tree(self, task: Task, page: ParsedPage) -> Iterator[Request]:
        tree = self._trees[task.thread_id or ""]
        before = len(tree.posts)
        tree.posts.update(post.post_id for post in page.posts)
        self.receipt.posts += len(tree.posts) - before
        if task.kind == "thread" and page.page_kind is not PageKind.THREAD:
            tree.has_gap = True
        for link in page.links:
            for request in self._missing(link, task):
                tree.awaited += 1
                yield request
        self._answered(tree)

    def _missing(self, link: Link, task: Task) -> Iterator[Request]:
        thread_id = task.thread_id or ""
        if link.rel == "more":
            more = Task(kind="more", board_id=task.board_id, thread_id=thread_id)
            for first in range(0, len(link.ids), MOST_CHILDREN):
                children = ",".join(link.ids[first : first + MOST_CHILDREN])
                yield from self._ask(
                    "api/morechildren", more, 5, api_type="json", link_id=f"t3_{thread_id}", children=children
                )
        elif link.rel == "continue" and link.parent_id:
            subtree = Task(kind="more", board_id=task.board_id, thread_id=thread_id)
            yield from self._ask(f"comments/{thread_id}/_/{link.parent_id}", subtree, 5, limit=TREE_LIMIT, sort="old")

    def _answered(self, tree: TreeReading) -> None:
        tree.awaited -= 1
        if tree.awaited > 0:
            return
        listed = tree.listed
        del self._trees[listed.thread_id]
        if tree.has_gap:
            return
        # num_comments counts removed comments that nobody is shown any more: more captured than stated is the oddity.
        if listed.reply_count is not None and len(tree.posts) < listed.reply_count + 1:
            self.receipt.shortfalls.append(
                Shortfall(thread_id=listed.thread_id, stated=listed.reply_count + 1, captured=len(tree.posts))
            )
        self.receipt.coverage.append(
            Coverage(thread_id=listed.thread_id, reply_count=listed.reply_count, last_post_at=listed.last_post_at)
        )


def subreddit(board: str) -> str:
    """The name in `r/Cardiology`, `/r/Cardiology/`, `Cardiology` or a full address."""
    parts = [part for part in urlsplit(board).path.split("/") if part]
    return parts[parts.index("r") + 1] if "r" in parts[:-1] else parts[-1]


def api_root(url: str) -> str:
    """Where the API answers: Reddit has a host of its own for tokens' bearers."""
    return "https://oauth.reddit.com/" if _is_reddit(url) else urljoin(url, "/")


def token_url(url: str) -> str:
    """Where a token is given."""
    return urljoin("https://www.reddit.com/" if _is_reddit(url) else url, "/api/v1/access_token")


def _is_reddit(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "reddit.com" or host.endswith(".reddit.com")
