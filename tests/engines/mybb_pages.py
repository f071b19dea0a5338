"""MyBB: what its tests share to parse own pages."""

from datetime import UTC, datetime
from pathlib import Path

from crawler.engines.mybb import MyBB
from crawler.engines.page import Page
from crawler.records import ParsedPage

ENGINE = MyBB()
PAGES = Path(__file__).parent / "pages" / "mybb"
# The page's clock shows 05-23-2014, 11:19 AM: six hours behind.
FETCHED_AT = datetime(2014, 5, 23, 17, 19, 20, tzinfo=UTC)
SCRIPT = '<script>var cookiePrefix = ""; var my_post_key = "0";</script>'


def parse(
    body: str | bytes,
    url: str = "https://ward.example/index.php",
    status: int = 200,
    fetched_at: datetime | None = None,
) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status, fetched_at=fetched_at))


def own(name: str, url: str = "https://ward.example/saved.html", fetched_at: datetime | None = None) -> ParsedPage:
    return parse((PAGES / f"{name}.html").read_bytes(), url, fetched_at=fetched_at)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
