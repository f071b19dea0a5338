"""Invision Community: what the tests of versions 4 and 5 share to parse own pages and to make one of version 4."""

from datetime import UTC, datetime
from pathlib import Path

from crawler.engines.invision import Invision
from crawler.engines.page import Page
from crawler.records import ParsedPage

ENGINE = Invision()
PAGES = Path(__file__).parent / "pages" / "invision"


def parse(body: str | bytes, url: str = "https://ward.example/topic/1-x/", status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status))


def own(name: str, url: str = "https://ward.example/x") -> ParsedPage:
    return parse((PAGES / f"{name}.html").read_bytes(), url)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def topic(
    *contents: str, body_tag: str = '<body class="ipsApp" data-pageapp="forums" data-pagecontroller="topic">'
) -> str:
    """A page of Invision Community 4 with one post for each content."""
    posts = "".join(
        f"<article id='elComment_{number}' class='cPost ipsBox ipsComment'><div id='comment-{number}_wrap' "
        f"data-controller='core.front.core.comment' data-commentID=\"{number}\" data-quoteData='{{&quot;userid&quot;:7,"
        f"&quot;username&quot;:&quot;Ada&quot;,&quot;timestamp&quot;:1677751200,&quot;contentid&quot;:5}}'>"
        f"<div data-role='commentContent' class='ipsType_richText'>{content}</div></div></article>"
        for number, content in enumerate(contents, start=1)
    )
    return f"<html>{body_tag}<h1 class='ipsType_pageTitle'>Case</h1>{posts}</body></html>"
