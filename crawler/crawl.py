"""One crawl of one site, from the state of the archive to a closed landing with its receipt. One per process: the
reactor under Scrapy cannot start twice.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from scrapy import Spider
from scrapy.crawler import Crawler, CrawlerProcess

from crawler.errors import (
    BlockedError,
    CrawlFailedError,
    InterruptedCrawlError,
    MedthreadsError,
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
from crawler.verdict import judge

logger = logging.getLogger("medthreads.crawl")


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
    receipt = new_receipt(site, folder.name, scope)
    landing.write_receipt(receipt)
    plan = CrawlPlan(site=site, landing=landing, receipt=receipt, state=state, headers={})
    process = CrawlerProcess(crawl_settings(site, contact_of(site, environ)))
    quieten_scrapy()
    # The spider's class follows from the site, so its arguments cannot be typed through Scrapy's crawl().
    kind, arguments = _spider(site, environ)
    crawler = process.create_crawler(kind)
    process.crawl(crawler, plan=plan, **arguments)
    process.start()
    try:
        if not isinstance(crawler.spider, ArchiveSpider):
            raise CrawlFailedError(f"The crawl of {site.name} did not start; the lines above say why.")
        error = end_of_crawl(site, crawler.spider, crawler)
        landing.write_receipt(receipt)
    finally:
        landing.close()
    if error is not None:
        raise error
    return receipt


def new_receipt(site: Site, crawl_id: str, scope: CrawlScope) -> Receipt:
    """The receipt of a crawl that begins now."""
    return Receipt(
        site=site.name,
        crawl_id=crawl_id,
        engine=None if site.engine == "auto" else site.engine,
        since=scope.since,
        until=scope.until,
        full=scope.full,
        started_at=datetime.now(UTC),
    )


def quieten_scrapy() -> None:
    """To be called once a process is made, which sets these levels: the receipt and our own lines tell what matters."""
    for name, level in (
        ("scrapy", logging.ERROR),
        ("scrapy.core.scraper", logging.CRITICAL),
        ("twisted", logging.ERROR),
    ):
        logging.getLogger(name).setLevel(level)


def _spider(site: Site, environ: Mapping[str, str]) -> tuple[type[Spider], dict[str, object]]:
    if site.engine != "reddit":
        return ForumSpider, {}
    client_id, secret = (environ.get(name, "") for name in credential_variables(site))
    return RedditSpider, {"credentials": Credentials(client_id, secret)}


def end_of_crawl(site: Site, spider: ArchiveSpider, crawler: Crawler) -> MedthreadsError | None:
    """Completes the receipt; the error that the crawl's end amounts to, if it is one."""
    stopped = str(crawler.stats.get_value("finish_reason")) if crawler.stats else ""
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
