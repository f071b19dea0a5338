"""A crawl's staged pages brought to one sighting a record: the first two levels of deduplication.

Page overlaps, repeated listings and pages that were fetched twice collapse here: the last sighting of a record wins,
and what several pages say of one thread is put together.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import structs

from crawler.receipt import Coverage, Receipt, StagedPage, Unavailable
from crawler.records import Board, PageKind, ParsedPage, Post, Status, Thread
from storage.fields import FieldCounts, count_fields, count_pages
from storage.mentions import candidates

_THREAD_FIELDS = tuple(name for name in Thread.__struct_fields__ if name not in {"site", "thread_id", "tags"})


class PostSighting(NamedTuple):
    """A post as a page showed it."""

    post: Post
    seen_at: datetime


class ThreadSighting(NamedTuple):
    """A thread as the crawl's pages together showed it."""

    thread: Thread
    seen_at: datetime


class BoardSighting(NamedTuple):
    """A board as a page showed it."""

    board: Board
    seen_at: datetime


@dataclass
class Figures:
    """What the checks want to know of the pages, beyond the receipt."""

    pages: int = 0
    records: int = 0
    posts_with_author: int = 0
    posts_with_created_at: int = 0
    posts_visible: int = 0
    posts_without_id: int = 0
    mismatched_pages: list[str] = field(default_factory=list)
    """Pages on which not every place marked up as a post gave one."""
    unexplained_pages: list[str] = field(default_factory=list)
    """Pages of kind unknown without a reason."""
    fields: FieldCounts = field(default_factory=dict)
    """How many records have which field."""


@dataclass
class Batch:
    """One crawl's records by their keys."""

    site: str
    crawl_id: str
    coverage: dict[str, Coverage]
    posts: dict[str, PostSighting] = field(default_factory=dict)
    threads: dict[str, ThreadSighting] = field(default_factory=dict)
    boards: dict[str, BoardSighting] = field(default_factory=dict)
    read_at: dict[str, datetime] = field(default_factory=dict)
    """Per thread, when the last page of its own was fetched."""
    gone: dict[str, Unavailable] = field(default_factory=dict)
    """Threads of which the site says that they are gone, or part of another one, by their ids."""
    figures: Figures = field(default_factory=Figures)

    @classmethod
    def of(cls, pages: Iterable[StagedPage], receipt: Receipt) -> "Batch":
        """The batch of a landing. Memory grows with the different posts, not with the pages."""
        batch = cls(receipt.site, receipt.crawl_id, {entry.thread_id: entry for entry in receipt.coverage})
        batch.gone = {finding.thread_id: finding for finding in receipt.gone()}
        listed: dict[str, ThreadSighting] = {}
        own: dict[str, ThreadSighting] = {}
        for staged in pages:
            batch._add_page(staged, listed, own)
        for thread_id in sorted(listed.keys() | own.keys()):
            batch.threads[thread_id] = _together(listed.get(thread_id), own.get(thread_id))
        batch._name_targets()
        count_pages(batch.figures.fields, receipt)
        for post, _ in batch.posts.values():
            if post.status is Status.VISIBLE:
                batch.figures.posts_visible += 1
                batch.figures.posts_with_author += post.author is not None
                batch.figures.posts_with_created_at += post.created_at is not None
        return batch

    def _add_page(self, staged: StagedPage, listed: dict[str, ThreadSighting], own: dict[str, ThreadSighting]) -> None:
        parsed, seen_at = staged.parsed, staged.fetched_at.astimezone(UTC)
        self._count(staged.url, parsed)
        count_fields(self.figures.fields, staged)
        is_thread = parsed.page_kind is PageKind.THREAD
        for board in parsed.boards:
            if board.board_id not in self.boards or self.boards[board.board_id].seen_at <= seen_at:
                self.boards[board.board_id] = BoardSighting(board, seen_at)
        if is_thread and parsed.thread_id and parsed.posts:
            self._read(parsed.thread_id, seen_at)
            if parsed.thread_id not in own and all(thread.thread_id != parsed.thread_id for thread in parsed.threads):
                # A page in the middle of a thread need not describe it; its posts have their thread all the same.
                _meet(own, Thread(site=self.site, thread_id=parsed.thread_id), parsed.board_id, seen_at)
        for thread in parsed.threads:
            if thread.thread_type == "redirect":
                # What a moved thread leaves in its old board is a signpost with a number of its own, not a thread.
                continue
            _meet(
                own if is_thread and parsed.thread_id in {None, thread.thread_id} else listed,
                thread,
                parsed.board_id,
                seen_at,
            )
        for post in parsed.posts:
            if not post.post_id or not post.thread_id:
                self.figures.posts_without_id += 1
            elif is_thread or _has_content(post):
                self._read(post.thread_id, seen_at)
                if post.post_id not in self.posts or self.posts[post.post_id].seen_at <= seen_at:
                    self.posts[post.post_id] = PostSighting(post, seen_at)

    def _name_targets(self) -> None:
        """Gives targets that a page could name by thread and number only ("12-5", Discourse) their ids, where known."""
        numbered: dict[str, str] | None = None
        for post_id, (post, seen_at) in self.posts.items():
            targets = [post.parent_id, *(quote.post_id for quote in post.quotes)]
            if not any(target and "-" in target and target not in self.posts for target in targets):
                continue
            if numbered is None:
                numbered = {f"{one.thread_id}-{one.position}": one.post_id for one, _ in self.posts.values()}
            parent, *quoted = (numbered.get(target or "", target) for target in targets)
            quotes = [structs.replace(quote, post_id=name) for quote, name in zip(post.quotes, quoted, strict=True)]
            self.posts[post_id] = PostSighting(structs.replace(post, parent_id=parent, quotes=quotes), seen_at)

    def author_names(self) -> set[str | None]:
        """Everybody whom the batch names as an author, of quoted words too."""
        names = {post.author for post, _ in self.posts.values()}
        names |= {quote.author for post, _ in self.posts.values() for quote in post.quotes}
        return names | {thread.author for thread, _ in self.threads.values()}

    def mentioned_names(self) -> set[str]:
        """What may be names behind an `@` in posts and titles: the archive tells which of them it has met."""
        texts = [post.body_text for post, _ in self.posts.values()]
        texts += [quote.text for post, _ in self.posts.values() for quote in post.quotes]
        texts += [thread.title or "" for thread, _ in self.threads.values()]
        return {name for text in texts if "@" in text for name in candidates(text)}

    def _read(self, thread_id: str, seen_at: datetime) -> None:
        if thread_id not in self.read_at or self.read_at[thread_id] < seen_at:
            self.read_at[thread_id] = seen_at

    def _count(self, url: str, parsed: ParsedPage) -> None:
        figures = self.figures
        figures.pages += 1
        figures.records += len(parsed.boards) + len(parsed.threads) + len(parsed.posts)
        if parsed.containers and parsed.containers != len(parsed.posts):
            figures.mismatched_pages.append(url)
        if parsed.page_kind is PageKind.UNKNOWN and not parsed.reason:
            figures.unexplained_pages.append(url)


def _has_content(post: Post) -> bool:
    """A listing that shows a post's frame only (Reddit link submissions, excerpts left out) has not shown the post."""
    return bool(post.body_text or post.attachments or post.links or post.quotes)


def _meet(met: dict[str, ThreadSighting], thread: Thread, board_id: str | None, seen_at: datetime) -> None:
    if thread.board_id is None and board_id is not None:
        thread = structs.replace(thread, board_id=board_id)
    before = met.get(thread.thread_id)
    if before is None:
        met[thread.thread_id] = ThreadSighting(thread, seen_at)
    elif before.seen_at <= seen_at:
        met[thread.thread_id] = ThreadSighting(_over(before.thread, thread), seen_at)
    else:
        met[thread.thread_id] = ThreadSighting(_over(thread, before.thread), before.seen_at)


def _over(below: Thread, above: Thread) -> Thread:
    """`above`, with what it does not tell taken from `below`."""
    filled = {name: getattr(below, name) for name in _THREAD_FIELDS if getattr(above, name) is None}
    return structs.replace(above, tags=above.tags or below.tags, **filled)


def _together(listed: ThreadSighting | None, own: ThreadSighting | None) -> ThreadSighting:
    """The thread's own page before the listings: it says more, and says it in full."""
    if listed is None or own is None:
        sighting = own or listed
        assert sighting is not None
        return sighting
    return ThreadSighting(_over(listed.thread, own.thread), max(listed.seen_at, own.seen_at))
