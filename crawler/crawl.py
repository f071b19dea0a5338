"""One crawl of one site, from the state of the archive to a closed landing with its receipt. One per process: the
reactor under Scrapy cannot start twice.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from scrapy import Spider
from scrapy.crawler import CrawlerProcess

from crawler.errors import (
    BlockedError,
    CrawlFailedError,
    EmptyCrawlError,
    InterruptedCrawlError,
    LayoutChangedError,
    LoginWallError,
    MedthreadsError,
    SiteFileError,
    SitePausedError,
    UnreachableError,
)
from crawler.landing import Landing
from crawler.receipt import Outcome, Receipt
from crawler.settings import crawl_settings
from crawler.site import Site, contact_of, credential_variables, refuse_if_paused
from crawler.spiders.base import ArchiveSpider, CrawlPlan
from crawler.spiders.forum import ForumSpider
from crawler.spiders.reddit import Credentials, RedditSpider
from crawler.state import CrawlScope, SiteState

logger = logging.getLogger("medthreads.crawl")

NO_CONNECTION = ("host not found", "connection refused", "timeout", "answer cut short", "connection failed")
NOT_UNDERSTOOD = (
    "it is no forum of a known engine, or its layout has changed; the pages are in the landing, for `medthreads parse`."
)
ALLOWED = "its site file says `allow_private_addresses: true`"
REFUSALS = ("status 401", "status 403", "status 429", "robots.txt")


def crawl_site(site: Site, folder: Path, state: SiteState, scope: CrawlScope, environ: Mapping[str, str]) -> Receipt:
    """Crawls the site into the landing `folder`; an interrupted crawl that left its landing there goes on.

    Raises:
        SitePausedError: contact or credentials are missing, or not accepted.
        CrawlFailedError: a leaf by cause; the landing holds the receipt.
        InterruptedCrawlError: a signal came.
        ArchiveError: the disk does not take it.
    """
    refuse_if_paused(site, environ)
    landing = Landing.begin(folder)
    if landing.landed:
        logger.info("Going on with %s: %s pages are landed already.", folder.name, f"{landing.landed:,}")
    receipt = Receipt(
        site=site.name,
        crawl_id=folder.name,
        engine=None if site.engine == "auto" else site.engine,
        since=scope.since,
        until=scope.until,
        full=scope.full,
        started_at=datetime.now(UTC),
    )
    landing.write_receipt(receipt)
    plan = CrawlPlan(site=site, landing=landing, receipt=receipt, state=state, headers={})
    process = CrawlerProcess(crawl_settings(site, contact_of(site, environ)))
    # Scrapy sets these levels when a process is made; what goes wrong is told by the receipt and by our own lines.
    for name, level in (
        ("scrapy", logging.ERROR),
        ("scrapy.core.scraper", logging.CRITICAL),
        ("twisted", logging.ERROR),
    ):
        logging.getLogger(name).setLevel(level)
    # The spider's class follows from the site, so its arguments cannot be typed through Scrapy's crawl().
    kind, arguments = _spider(site, environ)
    crawler = process.create_crawler(kind)
    process.crawl(crawler, plan=plan, **arguments)
    process.start()
    try:
        if not isinstance(crawler.spider, ArchiveSpider):
            raise CrawlFailedError(f"The crawl of {site.name} did not start; the lines above say why.")
        stopped = str(crawler.stats.get_value("finish_reason")) if crawler.stats else ""
        error = _close(site, crawler.spider, stopped)
        landing.write_receipt(receipt)
    finally:
        landing.close()
    if error is not None:
        raise error
    return receipt


def _spider(site: Site, environ: Mapping[str, str]) -> tuple[type[Spider], dict[str, object]]:
    if site.engine != "reddit":
        return ForumSpider, {}
    client_id, secret = (environ.get(name, "") for name in credential_variables(site))
    return RedditSpider, {"credentials": Credentials(client_id, secret)}


def _close(site: Site, spider: ArchiveSpider, stopped: str) -> MedthreadsError | None:
    """Completes the receipt; the error that the crawl's end amounts to, if it is one."""
    receipt = spider.receipt
    receipt.pending = spider.pending()
    receipt.finished_at = datetime.now(UTC)
    if spider.storage_failure is not None:
        receipt.outcome, receipt.reason = Outcome.DISK_FULL, str(spider.storage_failure)
        return spider.storage_failure
    if isinstance(spider, RedditSpider) and spider.token_status:
        return _without_token(site, receipt, spider.token_status)
    if stopped != "finished":
        receipt.outcome = Outcome.INTERRUPTED
        receipt.reason = (
            f"The crawl of {site.name} was stopped after {receipt.parsed:,} pages; the same command goes on from there."
        )
        return InterruptedCrawlError(receipt.reason)
    return judge(site, receipt)


def _without_token(site: Site, receipt: Receipt, status: int) -> MedthreadsError:
    """A Reddit crawl that got no token: the credentials are wrong, or the server cannot say."""
    error: type[MedthreadsError]
    answered = f"the token request was answered with status {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        receipt.outcome, error = Outcome.BLOCKED, BlockedError
        receipt.reason = f"{site.name} ({site.url}) refuses us for now: {answered}; try again later."
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        receipt.outcome, error = Outcome.UNREACHABLE, UnreachableError
        receipt.reason = f"{site.name} ({site.url}) is not well: {answered}; try again later."
    else:
        receipt.outcome, error = Outcome.BLOCKED, SitePausedError
        names = " and ".join(credential_variables(site))
        receipt.reason = f"{site.name} does not accept the credentials in {names}: {answered}."
    return error(receipt.reason)


def judge(site: Site, receipt: Receipt) -> MedthreadsError | None:
    """Sets the outcome of a crawl that ran to its end, and the reason; the error where nothing may be published."""
    for outcome, error, reason in _failures(site, receipt):
        receipt.outcome, receipt.reason = outcome, reason
        return error(reason)
    lost = {**receipt.failed, **receipt.refused}
    if lost or receipt.quarantined or receipt.pending or receipt.boards_missing:
        receipt.outcome = Outcome.PARTIAL
        named = [f"{count:,} {reason}" for reason, count in lost.items()]
        named += [f"{receipt.quarantined:,} not understood"] if receipt.quarantined else []
        named += [f"{receipt.pending:,} not reached"] if receipt.pending else []
        named += [f"the board {board!r}, which its index does not show" for board in receipt.boards_missing]
        receipt.reason = f"Some pages of {site.name} are missing: {', '.join(named)}."
    else:
        receipt.outcome = Outcome.COMPLETE
    return None


def _failures(site: Site, receipt: Receipt) -> list[tuple[Outcome, type[MedthreadsError], str]]:
    """Causes that make a crawl worthless, the first one first; empty where records were read or seen unchanged."""
    if receipt.threads_listed or receipt.posts:
        return []
    failed, refused, kinds = receipt.failed, receipt.refused, receipt.page_kinds
    where = f"{site.name} ({site.url})"
    causes: list[tuple[bool, Outcome, type[MedthreadsError], str]] = [
        (
            any(reason.startswith("robots.txt unreachable") for reason in refused),
            Outcome.UNREACHABLE,
            UnreachableError,
            f"{where} was not crawled, as its robots.txt could not be read ({_detail(refused)}); try again later.",
        ),
        (
            "robots.txt" in refused,
            Outcome.BLOCKED,
            BlockedError,
            f"The robots.txt of {where} forbids the pages to start from; ask its operators, or remove the site.",
        ),
        (
            bool(kinds.get("challenge")) or any(reason in failed for reason in REFUSALS),
            Outcome.BLOCKED,
            BlockedError,
            f"{where} refuses us ({', '.join([*failed, *receipt.reasons])}); write to its operators.",
        ),
        (
            bool(kinds.get("login")),
            Outcome.LOGIN_WALL,
            LoginWallError,
            f"{where} shows these boards to members only; name public boards in its site file.",
        ),
        (
            any(reason in failed for reason in NO_CONNECTION),
            Outcome.UNREACHABLE,
            UnreachableError,
            f"{where} gave no answer ({', '.join(failed)}); check the address in its site file, then try again later.",
        ),
        (
            "private address" in refused,
            Outcome.BLOCKED,
            SiteFileError,
            f"{where} is at a private address, which is not asked unless {ALLOWED}.",
        ),
        (
            bool(refused) and not failed,
            Outcome.BLOCKED,
            BlockedError,
            f"Nothing of {where} was asked for ({', '.join(refused)}); check the addresses in its site file.",
        ),
        (
            bool(failed),
            Outcome.UNREACHABLE,
            UnreachableError,
            f"{where} answered with errors only ({', '.join(failed)}); try again later.",
        ),
        (
            bool(receipt.quarantined),
            Outcome.LAYOUT_CHANGED,
            LayoutChangedError,
            f"Nothing could be read from {where} ({_first(receipt.reasons, 'unknown')}): {NOT_UNDERSTOOD}",
        ),
    ]
    found = [(outcome, error, reason) for holds, outcome, error, reason in causes if holds]
    return found or [
        (Outcome.EMPTY, EmptyCrawlError, f"{where} answered, but lists no thread; check `boards:` in its site file.")
    ]


def _detail(refused: Mapping[str, int]) -> str:
    """What stands in brackets behind `robots.txt unreachable`."""
    return _first(refused, "robots.txt unreachable").partition("(")[2].rstrip(")")


def _first(reasons: Mapping[str, int], start: str) -> str:
    return next((reason for reason in reasons if reason.startswith(start)), start)
