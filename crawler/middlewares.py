"""What stands between the spiders and the network: guard, robots.txt, rate limits, the landing.

Scrapy 2.19's own robots and offsite middlewares are replaced: an unreachable robots.txt must forbid, its redirects
be followed across hosts, its delays be kept, and host and address be checked on every request, redirects included.
"""

import asyncio
import ipaddress
import logging
import socket
import time
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)
from scrapy.http import HtmlResponse, Response, TextResponse
from scrapy.http.request import NO_CALLBACK
from scrapy.responsetypes import responsetypes

from crawler.errors import ArchiveError
from crawler.landing import Landing
from crawler.robots import RobotsRules, rules_from_answer
from crawler.spiders.base import ANOTHER_HOST, ArchiveSpider, RefusedError, no_answer_reason
from crawler.warc import Exchange

logger = logging.getLogger("medthreads.crawl")

NO_ANSWER = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)

ROBOTS_HOPS = 5
"""RFC 9309, 2.3.1.2: redirects of robots.txt to follow, across hosts too."""


def _spider(crawler: Crawler) -> ArchiveSpider:
    if not isinstance(crawler.spider, ArchiveSpider):
        raise TypeError("these middlewares serve an ArchiveSpider only")
    return crawler.spider


class GuardMiddleware:
    """Refuses every request that does not go to the site itself, whatever sent it (link, redirect, retry)."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making it."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Raises:
        RefusedError: scheme, host or address is not the site's, or the budget of the run is spent.
        """
        site = _spider(self.crawler).plan.site
        parts = urlsplit(request.url)
        if parts.scheme not in {"http", "https"}:
            raise RefusedError(f"scheme {parts.scheme}")
        host = (parts.hostname or "").lower()
        if not site.allow_private_addresses and is_private(host):
            raise RefusedError("private address")
        if request.meta.get("is_robots"):
            return
        if not same_site(host, site.host):
            raise RefusedError(ANOTHER_HOST)
        _spider(self.crawler).admit(request)


def same_site(host: str, site_host: str) -> bool:
    """Whether a host is the site's: the same, with or without `www.`, or one below it."""
    bare = site_host.lower().removeprefix("www.")
    return host == site_host.lower() or host == bare or host.endswith(f".{bare}")


def is_private(host: str) -> bool:
    """Whether a host is written as an address that is not public, or is this machine's name."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        pass
    try:
        # What the C library takes for an address as well: 127.1, 2130706433, 0x7f.0.0.1.
        return not ipaddress.ip_address(socket.inet_aton(host)).is_global
    except OSError:
        return False


class RobotsMiddleware:
    """Asks each host's robots.txt once a run, and keeps to it."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self._rules: dict[str, RobotsRules] = {}
        self._asking = asyncio.Lock()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making it."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Raises:
        RefusedError: robots.txt forbids the address, or cannot be had.
        """
        if request.meta.get("is_robots") or request.meta.get("is_api"):
            return
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        async with self._asking:
            if origin not in self._rules:
                self._rules[origin] = await self._ask(origin)
        rules = self._rules[origin]
        if rules.unreachable:
            raise RefusedError(f"robots.txt unreachable ({rules.unreachable})")
        if not rules.allowed(request.url):
            raise RefusedError("robots.txt")

    async def _ask(self, origin: str) -> RobotsRules:
        url = f"{origin}/robots.txt"
        agent = self.crawler.settings["USER_AGENT"]
        engine = self.crawler.engine
        if engine is None:
            raise RefusedError("the crawl has ended")
        for _ in range(ROBOTS_HOPS + 1):
            meta = {"is_robots": True, "dont_redirect": True, "handle_httpstatus_all": True}
            try:
                response = await engine.download_async(Request(url, meta=meta, callback=NO_CALLBACK, priority=1000))
            except NO_ANSWER as error:
                return RobotsRules(unreachable=no_answer_reason(error))
            except RefusedError as error:
                return RobotsRules(unreachable=f"it redirects to {error}")
            location = response.headers.get("Location")
            if not (300 <= response.status < 400 and location):
                break
            url = response.urljoin(location.decode("latin-1"))
        else:
            # RFC 9309, 2.3.1.2: after five hops it may be taken as unavailable, which allows.
            return RobotsRules(allow_all=True)
        rules = rules_from_answer(response.status, response.body, agent)
        self._keep_delay(origin, rules.least_delay())
        return rules

    def _keep_delay(self, origin: str, delay: float) -> None:
        if self.crawler.stats is not None:
            self.crawler.stats.max_value("robots/delay", delay)
        own = self.crawler.settings.getfloat("DOWNLOAD_DELAY")
        if delay <= own or self.crawler.engine is None:
            return
        logger.info(
            "%s asks for %.1f s between requests; the site file says %.1f s: keeping %.1f s.", origin, delay, own, delay
        )
        for slot in self.crawler.engine.downloader.slots.values():
            slot.delay = max(slot.delay, delay)
            slot.concurrency = 1


class LandingMiddleware:
    """Appends each answer to the WARC before anybody sees it; serves what an interrupted try had landed."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making it."""
        return cls(crawler)

    def process_request(self, request: Request) -> Response | None:
        """The landed answer, if there is one."""
        spider = _spider(self.crawler)
        request.meta["sent_at"] = time.monotonic()
        if request.meta.get("is_robots") or not spider.plan.landing.landed:
            return None
        exchange = spider.plan.landing.replay(request.url)
        if exchange is None:
            return None
        spider.receipt.replayed += 1
        request.meta["fetched_at"] = exchange.fetched_at
        headers: dict[str, list[str]] = {}
        for name, value in exchange.headers:
            headers.setdefault(name, []).append(value)
        kind = responsetypes.from_args(headers=None, url=exchange.url, body=exchange.body)
        if not issubclass(kind, TextResponse):
            kind = HtmlResponse
        return kind(exchange.url, exchange.status, headers, exchange.body, flags=["replayed"], request=request)

    def process_response(self, request: Request, response: Response) -> Response:
        """Lands it.

        Raises:
            ArchiveError: the disk does not take it.
        """
        if "replayed" in response.flags:
            return response
        spider = _spider(self.crawler)
        fetched_at = datetime.now(UTC)
        request.meta["fetched_at"] = fetched_at
        spider.receipt.requests += 1
        spider.receipt.bytes += len(response.body)
        if not request.meta.get("holds_secrets"):
            land(spider.plan.landing, request, response, fetched_at)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Counts a request that got no answer."""
        if not isinstance(exception, (RefusedError, ArchiveError)) and request.meta.get("sent_at"):
            _spider(self.crawler).receipt.requests += 1


def land(landing: Landing, request: Request, response: Response, fetched_at: datetime) -> None:
    """Writes one exchange to the landing's WARC."""
    landing.land(
        Exchange(
            url=request.url,
            method=request.method,
            request_headers=_pairs(request),
            status=response.status,
            headers=_pairs(response),
            body=response.body,
            fetched_at=fetched_at,
            ip_address=str(response.ip_address) if response.ip_address else None,
        )
    )


def _pairs(message: Request | Response) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in message.headers.items()
        for value in values
    ]


class RateLimitMiddleware:
    """Keeps to the quota that Reddit states with every answer (`x-ratelimit-remaining`, `x-ratelimit-reset`)."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making it."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        """Spreads what is left of the quota over the seconds until it is filled again."""
        remaining, reset = (_number(response, f"x-ratelimit-{name}") for name in ("remaining", "reset"))
        if remaining is None or reset is None or self.crawler.engine is None or "replayed" in response.flags:
            return response
        least = self.crawler.settings.getfloat("DOWNLOAD_DELAY")
        slot = self.crawler.engine.downloader.slots.get(request.meta.get("download_slot", ""))
        if slot is not None:
            # With plenty left there is no hurry to slow down; below a tenth of 1,000 the rest is spread evenly.
            slot.delay = least if remaining > 100 else max(least, reset / max(remaining, 1.0))
        return response


def _number(response: Response, header: str) -> float | None:
    value = response.headers.get(header)
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None
