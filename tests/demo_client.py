"""Clients of the demo sites, as the tests of the demo use them."""

import base64
import http.client
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from crawler.engines.page import Page
from crawler.engines.reddit import Reddit as RedditEngine
from crawler.engines.xenforo2 import XenForo2
from crawler.records import ParsedPage, Post, Thread
from demo.server import Demo


class Answer(Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A browser with one connection: no redirects, no decoding."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=20)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path.removeprefix(self.base), body, named)
        response = self._connection.getresponse()
        lower = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lower, response.read())

    def page(self, path: str, fetched_at: datetime) -> ParsedPage:
        answer = self.ask(path)
        page = Page(
            url=self.base + path.removeprefix(self.base),
            body=answer.body,
            site="demoforum",
            headers=answer.headers,
            status=answer.status,
            fetched_at=fetched_at,
        )
        return XenForo2().parse(page)


class RedditClient(Client):
    """A client with a token."""

    def __init__(self, demo: Demo) -> None:
        super().__init__(demo.reddit_url)
        self.now = demo.clock.now
        self.token = self.sign_in().json()["access_token"]

    def sign_in(self, pair: bytes = b"demo:demo") -> Answer:
        basic = f"Basic {base64.b64encode(pair).decode()}"
        return self.ask("/api/v1/access_token", "POST", b"grant_type=client_credentials", Authorization=basic)

    def get(self, path: str, **given: object) -> Answer:
        return self.ask(f"{path}?{urlencode(given)}", Authorization=f"bearer {self.token}")

    def read(self, path: str, **given: object) -> ParsedPage:
        answer = self.get(path, **given)
        page = Page(
            url=f"https://oauth.reddit.com{path}?{urlencode(given)}",
            body=answer.body,
            site="demoreddit",
            headers=answer.headers,
            status=answer.status,
            fetched_at=self.now,
        )
        return RedditEngine().parse(page)

    def tree(self, thread_id: str, **given: object) -> tuple[Thread, dict[str, Post], set[str]]:
        """A submission with all its comments, and which kinds of stubs had to be followed."""
        page = self.read(f"/comments/{thread_id}", **given)
        posts, stubs, kinds = {post.post_id: post for post in page.posts}, list(page.links), set()
        while stubs:
            stub = stubs.pop()
            kinds.add(stub.rel)
            if stub.rel == "more":
                children = ",".join(stub.ids)
                page_of_stub = self.read("/api/morechildren", link_id=f"t3_{thread_id}", children=children, **given)
            else:
                page_of_stub = self.read(f"/r/any/comments/{thread_id}/_/{stub.parent_id}", **given)
            stubs += page_of_stub.links
            for post in page_of_stub.posts:
                posts.setdefault(post.post_id, post)
        return page.threads[0], posts, kinds


def unequal(true: Struct, read: Struct, *, but: frozenset[str] = frozenset()) -> dict[str, tuple[object, object]]:
    names = (name for name in true.__struct_fields__ if name not in but)
    pairs = {name: (getattr(true, name), getattr(read, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
