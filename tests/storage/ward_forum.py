"""A small invented forum for the tests of the archive, and a crawl of it as staged pages and a receipt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from msgspec import structs

from crawler.receipt import Coverage, Outcome, Receipt, StagedPage, Unavailable
from crawler.records import Attachment, Board, PageKind, ParsedPage, Post, Quote, Thread
from storage.archive import Archive, Snapshot
from storage.batch import Batch
from storage.dedupe import Changes, dedupe
from storage.hiding import Privacy
from storage.publish import Published, publish

SITE = "ward9"
NAMES = ("Quillon Vexworth", "Zephyrine_Aldous", "Mörwenna Tack", "Obadiah-77")
"""Names that can occur nowhere by chance, for byte searches."""
FIRST_DAY = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
PAGE_SIZE = 3


def on_day(day: int, hour: int = 0) -> datetime:
    """Midnight UTC of a day of the tests' calendar, plus hours."""
    return datetime(2024, 6, 1, tzinfo=UTC) + timedelta(days=day, hours=hour)


@dataclass
class Forum:
    """Two boards, a few threads, posts that can be edited and deleted, and how a crawl would read them."""

    site: str = SITE
    threads: dict[str, Thread] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    engine: str = "xenforo2"

    @classmethod
    def with_threads(cls, count: int = 4, replies: int = 4, site: str = SITE) -> "Forum":
        forum = cls(site)
        for number in range(1, count + 1):
            forum.open_thread(str(number), board_id="ir" if number % 2 else "cardio", replies=replies)
        return forum

    def open_thread(self, thread_id: str, board_id: str, replies: int) -> None:
        opened = FIRST_DAY + timedelta(days=20 * int(thread_id))
        self.threads[thread_id] = Thread(
            site=self.site,
            thread_id=thread_id,
            title=f"Stent question {thread_id}",
            author=NAMES[0],
            author_id="11",
            board_id=board_id,
            created_at=opened,
            tags=["stent"],
            view_count=100,
            is_sticky=False,
            is_locked=False,
            url=f"https://{self.site}.example/threads/{thread_id}/",
        )
        for index in range(replies + 1):
            self.reply(thread_id, opened + timedelta(hours=index))

    def reply(self, thread_id: str, at: datetime, body: str | None = None) -> Post:
        mine = [post for post in self.posts.values() if post.thread_id == thread_id]
        post_id = f"{thread_id}{len(mine):03d}"
        self.posts[post_id] = Post(
            site=self.site,
            thread_id=thread_id,
            post_id=post_id,
            position=len(mine) + 1,
            author=NAMES[len(mine) % len(NAMES)],
            author_id=str(11 + len(mine) % len(NAMES)),
            created_at=at,
            body_text=body or f"Reply {len(mine)} in {thread_id}: the lesion was crossed with a 0.018 wire.",
            quotes=[Quote(post_id=mine[0].post_id, author=NAMES[0], text="the lesion was crossed")] if mine else [],
            reactions=len(mine),
            links=[f"https://{self.site}.example/members/quillon.11/", "https://example.org/paper?utm_source=x&id=7"],
            attachments=[Attachment(url=f"https://{self.site}.example/a/{post_id}.png", name="angio.png")],
            is_opening=not mine,
            url=f"https://{self.site}.example/posts/{post_id}/",
        )
        return self.posts[post_id]

    def crawl(
        self,
        crawl_id: str,
        at: datetime,
        *,
        open_threads: Iterable[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        listed: bool = True,
        stated: Mapping[str, int] | None = None,
        unavailable: Mapping[str, str] | None = None,
    ) -> "Crawl":
        """What a crawl leaves that lists all threads and reads the opened ones without a gap.

        Args:
            since, until: what of the opened threads it covers.
            stated: posts by the site's own count, of threads where that is not as many as there are.
            unavailable: by thread what the site said instead of showing it: gone, blocked, or moved to another.
        """
        opened = list(self.threads if open_threads is None else open_threads)
        findings = []
        for thread_id, said in (unavailable or {}).items():
            cause, _, target = said.partition(" to ")
            findings.append(
                Unavailable(
                    thread_id=thread_id, cause=cause, seen_at=at + timedelta(minutes=1), moved_to=target or None
                )
            )
        pages = [self.listing(board_id, at) for board_id in ("ir", "cardio")] if listed else []
        coverage = []
        for number, thread_id in enumerate(opened):
            pages += self.thread_pages(thread_id, at + timedelta(seconds=number + 1))
            posts = (stated or {}).get(thread_id, len(self.posts_of(thread_id)))
            coverage.append(
                Coverage(
                    thread_id=thread_id,
                    since=since,
                    until=until,
                    reply_count=posts - 1,
                    page_count=1,
                    read_at=at + timedelta(seconds=number + 1),
                )
            )
        receipt = Receipt(
            site=self.site,
            crawl_id=crawl_id,
            engine=self.engine,
            started_at=at,
            finished_at=at + timedelta(minutes=5),
            outcome=Outcome.COMPLETE,
            discovered=len(pages),
            parsed=len(pages),
            page_kinds={"thread": len(pages) - 2, "board": 2},
            boards_walked=["cardio", "ir"] if listed else [],
            coverage=coverage,
            unavailable=findings,
        )
        return Crawl(pages, receipt)

    def posts_of(self, thread_id: str) -> list[Post]:
        return [post for post in self.posts.values() if post.thread_id == thread_id]

    def listing(self, board_id: str, at: datetime) -> StagedPage:
        rows = []
        for thread in self.threads.values():
            if thread.board_id == board_id:
                posts = self.posts_of(thread.thread_id)
                row = structs.replace(thread, tags=[], author_id=None)
                row.reply_count = len(posts) - 1
                row.last_post_at = max((post.created_at for post in posts if post.created_at), default=None)
                row.page_count = 1 + (len(posts) - 1) // PAGE_SIZE
                rows.append(row)
        board = Board(site=self.site, board_id=board_id, title=board_id.upper(), thread_count=len(rows))
        parsed = ParsedPage(
            page_kind=PageKind.BOARD, engine=self.engine, board_id=board_id, threads=rows, boards=[board]
        )
        return StagedPage(url=f"https://{self.site}.example/forums/{board_id}/", fetched_at=at, parsed=parsed)

    def thread_pages(self, thread_id: str, at: datetime) -> list[StagedPage]:
        """The thread's pages, each repeating the last post of the one before, as moving tails do."""
        posts, thread = self.posts_of(thread_id), self.threads[thread_id]
        starts = range(0, max(len(posts), 1), PAGE_SIZE)
        pages = []
        for number, start in enumerate(starts, 1):
            shown = [structs.replace(post) for post in posts[max(start - 1, 0) : start + PAGE_SIZE]]
            parsed = ParsedPage(
                page_kind=PageKind.THREAD,
                engine=self.engine,
                page=number,
                last_page=len(starts),
                board_id=thread.board_id,
                thread_id=thread_id,
                containers=len(shown),
                threads=[structs.replace(thread, view_count=None)] if number == 1 else [],
                posts=shown,
            )
            url = f"https://{self.site}.example/threads/{thread_id}/page-{number}"
            pages.append(StagedPage(url=url, fetched_at=at, parsed=parsed))
        return pages


@dataclass
class Crawl:
    """A landing, without the folder."""

    pages: list[StagedPage]
    receipt: Receipt

    def changes(self, archive: Archive, privacy: Privacy = "pseudonymise") -> Changes:
        batch = Batch.of(self.pages, self.receipt)
        return dedupe(batch, archive.known(batch), archive.pseudonyms, privacy)

    def commit(self, archive: Archive, privacy: Privacy = "pseudonymise") -> Snapshot:
        return archive.commit(self.changes(archive, privacy), self.receipt)

    def store(self, archive: Archive) -> Published:
        self.commit(archive)
        return publish(archive)


def rows(archive: Archive, query: str) -> list[dict[str, Any]]:
    """The answer to a query, a dictionary a row."""
    with archive.connect() as connection:
        table: pa.Table = connection.sql(query).to_arrow_table()
    return table.to_pylist()
