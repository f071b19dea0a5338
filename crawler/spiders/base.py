"""What both spiders share: planning pages, landing them, and accounting for each."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar, Self

from msgspec import Struct
from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.engines import FEED, Page, parse, recognise
from crawler.errors import ArchiveError
from crawler.landing import Landing
from crawler.receipt import Receipt, StagedPage
from crawler.records import PageKind, ParsedPage
from crawler.site import Site
from crawler.state import SiteState

logger = logging.getLogger("medthreads.crawl")

PROGRESS_SECONDS = 5.0
BUDGET_SPENT = "budget of the run spent"
ANOTHER_HOST = "another host"
REFUSING_STATUS = frozenset({400, 401, 402, 403, 407, 408, 409, 421, 425, 429, 451, *range(500, 600)})
"""Answers that say nothing of the page itself: it may be there for others, or later."""


class Task(Struct, kw_only=True, frozen=True):
    """Why a page is fetched; tells what to do with it when it comes."""

    kind: str
    """index, board, thread, more, about."""
    board_id: str | None = None
    thread_id: str | None = None


class CrawlPlan(Struct, kw_only=True):
    """All that a spider is given."""

    site: Site
    landing: Landing
    receipt: Receipt
    state: SiteState
    headers: dict[str, str] = {}
    """Request headers that the site needs, such as a token's."""


class RefusedError(IgnoreRequest):
    """A request that we do not send; its message is the receipt's reason."""


class ArchiveSpider(Spider, ABC):
    """Fetches pages, lands them, stages their records, and keeps the receipt."""

    first_wait: ClassVar[float] = 2.0
    kept: ClassVar[str] = "; kept in the landing"
    """What becomes of a page that is not understood, for people."""

    def __init__(self, plan: CrawlPlan, **kwargs: Any) -> None:  # noqa: ANN401 (Scrapy's own signature)
        super().__init__(**kwargs)
        self.plan = plan
        self.receipt = plan.receipt
        self.engine_name = plan.site.engine
        self.storage_failure: ArchiveError | None = None
        self.lost_boards: set[str] = set()
        self._seen: set[str] = set()
        self._open: set[str] = set()
        self._admitted = 0
        self._began = time.monotonic()
        self._next_progress = self._began + self.first_wait

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:  # noqa: ANN401 (Scrapy's own signature)
        """Scrapy's way of making it."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.engine_failed, signals.spider_error)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """The first requests."""
        for request in self.first_requests():
            yield request

    @abstractmethod
    def first_requests(self) -> Iterator[Request]:
        """Where the crawl begins."""

    @abstractmethod
    def follow(self, task: Task, page: ParsedPage, url: str) -> Iterator[Request]:
        """What to fetch next because of this page."""

    def instead(self, task: Task, url: str) -> Iterator[Request]:  # noqa: ARG002 - for those that know better
        """What to fetch in place of the page at `url`, which gave nothing."""
        self.lost(task)
        yield from ()

    def lost(self, task: Task) -> None:
        """Called where a page planned for `task` gave nothing; whatever depends on it is incomplete."""
        if task.board_id:
            self.lost_boards.add(task.board_id)

    def closed(self, reason: str) -> None:  # noqa: ARG002 (Scrapy's own signature)
        """The crawl is over: a board of which something was lost is to be walked whole the next time."""
        self.receipt.boards_lost = sorted(self.lost_boards)
        self.receipt.boards_walked = [board for board in self.receipt.boards_walked if board not in self.lost_boards]

    def request(self, url: str, task: Task, priority: int = 0, *, goes_on: bool = False) -> Iterator[Request]:
        """One request for a page not planned before; none where it was, or where the budget is spent.

        What goes on with a thread that is being read comes before threads that are only planned yet, and may take
        their place in the budget: else each run would begin the same long threads, and end none of them.
        """
        if url in self._seen:
            return
        self._seen.add(url)
        self.receipt.discovered += 1
        budget = self.plan.site.budget
        if budget is not None and self.receipt.discovered > budget and not goes_on:
            _count(self.receipt.refused, BUDGET_SPENT)
            self.lost(task)
            return
        self._open.add(url)
        yield Request(
            url,
            callback=self.received,
            errback=self.failed,
            cb_kwargs={"task": task, "planned": url},
            meta={"planned": url},
            headers=self.plan.headers,
            priority=priority,
            dont_filter=True,
        )

    def admit(self, request: Request) -> None:
        """Called when a request is about to be sent.

        Raises:
            RefusedError: the run has sent as many as it may; retries and redirects belong to the first try.
        """
        if "planned" not in request.meta or request.meta.get("retry_times") or request.meta.get("redirect_times"):
            return
        self._admitted += 1
        if self.plan.site.budget is not None and self._admitted > self.plan.site.budget:
            raise RefusedError(BUDGET_SPENT)

    def received(self, response: Response, task: Task, planned: str) -> Iterator[Request]:
        """A response came: parse it, stage it, account for it, go on from it."""
        page = Page(
            url=response.url,
            body=response.body,
            site=self.plan.site.name,
            headers={
                name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
                for name, values in response.headers.items()
            },
            status=response.status,
            fetched_at=response.meta.get("fetched_at") or datetime.now(UTC),
        )
        parsed = self._read(page)
        if self._account(planned, page, parsed):
            self._stage(page, parsed)
            yield from self.follow(task, parsed, response.url)
        else:
            yield from self.instead(task, response.url)
        self._progress()

    def failed(self, failure: Failure) -> Iterator[Request]:
        """No usable response came: count why."""
        request: Request = failure.request  # type: ignore[attr-defined]  # set by Scrapy
        error = failure.value or RuntimeError("no cause given")
        self._open.discard(request.cb_kwargs["planned"])
        if isinstance(error, RefusedError):
            _count(self.receipt.refused, str(error))
        else:
            _count(self.receipt.failed, no_answer_reason(error))
        if isinstance(error, ArchiveError):
            self.stop_for_storage(error)
        yield from self.instead(request.cb_kwargs["task"], request.url)

    def engine_failed(self, failure: Failure, response: Response | None) -> None:
        """A page on which our own code failed: counted, kept in the landing, and told; the crawl goes on."""
        url = response.url if response else "the start of the crawl"
        planned = response.meta.get("planned", url) if response else url
        if planned in self._open:
            self._open.discard(planned)
            _count(self.receipt.failed, f"our own fault ({type(failure.value).__name__})")
        frame = failure.getTraceback().strip().splitlines()[-3:]
        logger.error("Our own code failed on %s: %s", url, " | ".join(line.strip() for line in frame))

    def stop_for_storage(self, error: ArchiveError) -> None:
        """The disk does not take more: ends the crawl, keeping the cause for the one who started it."""
        if self.storage_failure is None:
            self.storage_failure = error
            self.close_early("storage failed")

    def close_early(self, reason: str) -> None:
        """Ends the crawl; what is planned and not fetched stays pending."""
        if self.crawler.engine is not None:
            self.crawler.engine.close_spider(self, reason=reason)

    def is_planned(self, url: str) -> bool:
        """Whether this crawl has asked for that page already, or is about to."""
        return url in self._seen

    def pending(self) -> int:
        """Pages planned and not accounted for yet."""
        return len(self._open)

    def _read(self, page: Page) -> ParsedPage:
        # A feed does not say which software its threads are of; their own pages do.
        if self.engine_name in {"auto", FEED.name} and (recognition := recognise(page)):
            self.engine_name = self.receipt.engine = recognition.engine
            logger.info("Recognised %s: %s.", recognition.engine, recognition.evidence)
        return parse(page, self.engine_name)

    def _account(self, planned: str, page: Page, parsed: ParsedPage) -> bool:
        """Puts the page into exactly one of the receipt's counts; whether it may be used."""
        self._open.discard(planned)
        kind = parsed.page_kind
        _count(self.receipt.page_kinds, kind.value)
        if parsed.reason:
            _count(self.receipt.reasons, f"{kind.value}: {parsed.reason}")
        # A 403 may be the forum's own word on a board for members; in all else a refusal is one whatever page it wears.
        is_forums_word = page.status == HTTPStatus.FORBIDDEN and (kind is PageKind.LOGIN or parsed.engine_version)
        if page.status in REFUSING_STATUS and not is_forums_word:
            _count(self.receipt.failed, f"status {page.status}")
            return False
        if kind in {PageKind.UNKNOWN, PageKind.CHALLENGE}:
            if page.status >= HTTPStatus.BAD_REQUEST:
                _count(self.receipt.failed, f"status {page.status}")
            else:
                self.receipt.quarantined += 1
                logger.warning("Not understood: %s (%s)%s.", page.url, parsed.reason, self.kept)
            return False
        self.receipt.parsed += 1
        return kind not in {PageKind.ERROR, PageKind.LOGIN}

    def _stage(self, page: Page, parsed: ParsedPage) -> None:
        try:
            self.plan.landing.stage(
                StagedPage(url=page.url, fetched_at=page.fetched_at or datetime.now(UTC), parsed=parsed)
            )
        except ArchiveError as error:
            self.stop_for_storage(error)

    def _progress(self) -> None:
        now = time.monotonic()
        if now < self._next_progress:
            return
        self._next_progress = now + PROGRESS_SECONDS
        done = self.receipt.discovered - len(self._open)
        rate = done / (now - self._began)
        logger.info(
            "%s pages, %s posts so far, %.1f pages/s; %s pages known to be left (about %s).",
            f"{done:,}",
            f"{self.receipt.posts:,}",
            rate,
            f"{len(self._open):,}",
            _duration(len(self._open) / rate if rate else 0.0),
        )


def no_answer_reason(error: BaseException) -> str:
    """Word for the receipt and for people: why no usable response came."""
    if isinstance(error, ArchiveError):
        return "could not be landed"
    names = [kind.__name__ for kind in type(error).__mro__]
    return next((_REASONS[name] for name in names if name in _REASONS), f"no answer ({names[0]})")


_REASONS = {
    "CannotResolveHostError": "host not found",
    "DownloadConnectionRefusedError": "connection refused",
    "DownloadTimeoutError": "timeout",
    "ResponseDataLossError": "answer cut short",
    "DownloadCancelledError": "answer too large",
    "DownloadFailedError": "connection failed",
    "IgnoreRequest": "redirected too often",
}


def _count(counts: dict[str, int], reason: str) -> None:
    counts[reason] = counts.get(reason, 0) + 1


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
