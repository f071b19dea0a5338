"""The demo forum as a function from a request's path to a response: XenForo 2.3's routes, redirects and error pages."""

import gzip
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2b
from html import escape
from urllib.parse import parse_qs

from msgspec import Struct

from demo.listing import board_feed, board_page, board_url, children, index_page, last_page, thread_url
from demo.plan import BOARD_BY_ID, CATEGORIES, DAY
from demo.shell import STYLE, document, link
from demo.thread_page import attachments_of, page_of, thread_page
from demo.world import POSTS_A_THREAD, REDIRECTS, SITE_OFFSET, ThreadView, View, World

HTML = "text/html; charset=utf-8"
FEED = "application/rss+xml; charset=utf-8"
NOT_FOUND = {
    "thread": "The requested thread could not be found.",
    "forum": "The requested forum could not be found.",
    "post": "The requested post could not be found.",
    "attachment": "The requested attachment could not be found.",
    "page": "The requested page could not be found.",
}
ROBOTS = """User-agent: *
Disallow: /account/
Disallow: /goto/
Disallow: /login/
Disallow: /lost-password/
Disallow: /members/
Disallow: /misc/
Disallow: /posts/
Disallow: /register/
Disallow: /search/
Disallow: /whats-new/
Disallow: /_demo/
Allow: /
"""
_NUMBER = re.compile(r"(?:.*\.)?(\d{1,14})")
_PAGE = re.compile(r"page-(\d{1,6})")
_POST = re.compile(r"post-(\d{1,12})")


class Response(Struct, frozen=True):
    """What the server sends; `body` is compressed where `compressed` says so."""

    status: int = 200
    content_type: str = HTML
    body: bytes = b""
    location: str | None = None
    etag: str | None = None
    changed_at: int | None = None
    compressed: bool = False
    headers: tuple[tuple[str, str], ...] = ()

    def plain(self) -> bytes:
        """The body as it was before compression."""
        return gzip.decompress(self.body) if self.compressed else self.body


class Forum:
    """The forum of a world under an address.

    Args:
        world: whose threads it shows.
        base: scheme, host and port, without a slash at the end.
        cached: most pages kept ready (compressed, about 10 KB each).
    """

    def __init__(self, world: World, base: str, cached: int = 20_000) -> None:
        self.world, self.base, self.cached = world, base, cached
        self._ready: OrderedDict[tuple[object, ...], Response] = OrderedDict()
        self._routes: dict[str, Callable[[View, list[str], Mapping[str, str]], Response]] = {
            "forums": self._forums,
            "threads": self._threads,
            "posts": self._posts,
            "goto": self._goto,
            "attachments": self._attachments,
            "categories": self._categories,
            "members": lambda *_: self._login("You must be logged-in to do that."),
            "search": lambda *_: self._login("You must be logged-in to do that."),
            "login": lambda *_: self._login(None),
        }

    def get(self, target: str, view: View) -> Response:
        """The answer to a GET of `target` (path and query) at the view's instant."""
        path, _, query = target.partition("?")
        parts = path.strip("/").split("/")
        given = {name: values[-1] for name, values in parse_qs(query).items()} if query else {}
        if path == "/":
            stamps = tuple(view.stamp(number) for number in BOARD_BY_ID)
            key = ("index", _day(view), stamps)
            return self._keep(key, view.now, lambda: index_page(view, self.base, _day(view)))
        if path == "/robots.txt":
            return Response(content_type="text/plain; charset=utf-8", body=ROBOTS.encode())
        if path == "/css.php":
            return Response(content_type="text/css; charset=utf-8", body=STYLE.encode())
        route = self._routes.get(parts[0])
        return route(view, parts[1:], given) if route else self._missing("page")

    def _keep(
        self, key: tuple[object, ...], changed_at: int, make: Callable[[], str | None], content_type: str = HTML
    ) -> Response:
        """The page made earlier for this key, or made now; 404 where `make` gives None."""
        ready = self._ready.get(key)
        if ready is not None:
            self._ready.move_to_end(key)
            return ready
        text = make()
        if text is None:
            return self._missing("page")
        body = gzip.compress(text.encode(), compresslevel=1, mtime=0)
        etag = f'W/"{blake2b(body, digest_size=10).hexdigest()}"'
        response = Response(
            body=body, etag=etag, changed_at=changed_at, compressed=True, content_type=content_type
        )  # fmt: skip
        self._ready[key] = response
        if len(self._ready) > self.cached:
            self._ready.popitem(last=False)
        return response

    def _forums(self, view: View, parts: list[str], given: Mapping[str, str]) -> Response:
        if parts == ["-", "index.rss"]:
            stamps = tuple(view.stamp(number) for number in BOARD_BY_ID)
            return self._keep(("feed", stamps), view.now, lambda: board_feed(view, self.base, None), FEED)
        board = BOARD_BY_ID.get(_number(parts))
        if board is None:
            return self._missing("forum")
        if board.members_only:
            return self._login("You must be logged-in to do that.")
        rest = parts[1] if len(parts) > 1 else ""
        if parts[0] != board_url(board).split("/")[2]:
            return self._redirect(board_url(board) + rest)
        if rest == "index.rss":
            feed = ("feed", board.board_id, view.stamp(board.board_id))
            return self._keep(feed, view.now, lambda: board_feed(view, self.base, board), FEED)
        page = _page(rest)
        if page is None:
            return self._missing("page")
        order = "post_date" if given.get("order") == "post_date" else "last_post_date"
        stickies = sum(thread.plan.is_sticky for thread in view.board(board.board_id))
        rows = len(view.board(board.board_id)) - stickies + len(view.redirects(board.board_id))
        last = last_page(rows)
        if page > last:
            return self._redirect(board_url(board) + (f"page-{last}" if last > 1 else ""), 303)
        # A board's first page shows the boards below it too.
        stamps = tuple(view.stamp(one.board_id) for one in (board, *children(board)))
        key = ("board", board.board_id, page, order, _day(view), stamps)
        return self._keep(
            key, view.now, lambda: board_page(view, self.base, _day(view), board, page, order)
        )  # fmt: skip

    def _threads(self, view: View, parts: list[str], _: Mapping[str, str]) -> Response:
        number = _number(parts)
        moved = number > REDIRECTS
        thread = view.thread(number - REDIRECTS if moved else number)
        if thread is None or (moved and not thread.plan.moved_at):
            return self._missing("thread")
        if BOARD_BY_ID[thread.board_id].members_only:
            return self._login("You must be logged-in to do that.")
        rest = parts[1] if len(parts) > 1 else ""
        if moved:
            return self._redirect(thread_url(thread))
        if rest in {"latest", "unread"}:
            return self._redirect(self._anchored(thread, thread.last.post_id) or thread_url(thread), 302)
        if post := _POST.fullmatch(rest):
            return self._to_post(view, int(post[1]))
        if parts[0] != thread_url(thread).split("/")[2]:
            return self._redirect(thread_url(thread, rest))
        page = _page(rest)
        if page is None:
            return self._missing("page")
        last = last_page(thread.count)
        if page > last:
            return self._redirect(thread_url(thread, f"page-{last}" if last > 1 else ""), 303)
        key = ("thread", thread.thread_id, page, thread.state, thread.day)
        return self._keep(key, thread.changed_at(), lambda: thread_page(thread, self.base, page))

    def _posts(self, view: View, parts: list[str], _: Mapping[str, str]) -> Response:
        return self._to_post(view, _number(parts))

    def _goto(self, view: View, _: list[str], given: Mapping[str, str]) -> Response:
        return self._to_post(view, _number([given.get("id", "")]))

    def _to_post(self, view: View, post_id: int) -> Response:
        thread = view.thread(post_id // POSTS_A_THREAD)
        if thread is None:
            return self._missing("post")
        if BOARD_BY_ID[thread.board_id].members_only:
            return self._login("You must be logged-in to do that.")
        target = self._anchored(thread, post_id)
        return self._redirect(target) if target else self._missing("post")

    def _anchored(self, thread: ThreadView, post_id: int) -> str | None:
        """The address of the page that holds the post, with its anchor."""
        for position, post in enumerate(thread.posts(), 1):
            if post.post_id == post_id:
                page = page_of(position)
                return thread_url(thread, (f"page-{page}" if page > 1 else "") + f"#post-{post_id}")
        return None

    def _attachments(self, view: View, parts: list[str], _: Mapping[str, str]) -> Response:
        number = _number(parts)
        thread = view.thread(number // 10 // POSTS_A_THREAD)
        if thread and not BOARD_BY_ID[thread.board_id].members_only:
            for post in thread.posts():
                for own, name, _url in attachments_of(post) if post.post_id == number // 10 else ():
                    if own == number:
                        body = f"{name}: an invented file of the demo, number {number}.\n".encode() * 20
                        return Response(content_type="application/octet-stream", body=body)
        return self._missing("attachment")

    def _categories(self, _: View, parts: list[str], __: Mapping[str, str]) -> Response:
        number = _number(parts)
        category = next((one for one in CATEGORIES if one.category_id == number), None)
        if category is None:
            return self._missing("forum")
        return self._redirect(f"/#{link('categories', category.title, number).split('/')[2]}")

    def _missing(self, what: str) -> Response:
        return self._message("error", "Oops! We ran into some problems.", NOT_FOUND[what], 404)

    def _login(self, why: str | None) -> Response:
        """XenForo's log-in form; with 403 and a reason where a guest asked for what only members see."""
        form = (
            '<div class="blocks"><form action="/login/login" method="post" class="block" data-xf-init="ajax-submit">'
            '<div class="block-container"><div class="block-body"><dl class="formRow formRow--input"><dt><label '
            'class="formRow-label">Your name or email address</label></dt><dd><input type="text" class="input" '
            'name="login" autocomplete="username" /></dd></dl><dl class="formRow formRow--input"><dt><label '
            'class="formRow-label">Password</label></dt><dd><input type="password" class="input" name="password" />'
            "</dd></dl></div></div></form></div>"
        )
        return self._message("login", "Log in", why, 403 if why else 200, form)

    def _message(self, template: str, title: str, words: str | None, status: int, more: str = "") -> Response:
        css = "blockMessage" if template == "error" else "blockMessage blockMessage--error blockMessage--iconic"
        message = f'<div class="{css}">\n\t{escape(words)}\n</div>\n' if words else ""
        text = document(template, title=title, content=message + more)
        return Response(status=status, body=text.encode())

    def _redirect(self, path: str, status: int = 301) -> Response:
        return Response(status=status, location=self.base + path)


def _number(parts: list[str]) -> int:
    match = _NUMBER.fullmatch(parts[0]) if parts else None
    return int(match[1]) if match else 0


def _page(rest: str) -> int | None:
    if not rest:
        return 1
    match = _PAGE.fullmatch(rest)
    return max(1, int(match[1])) if match else None


def _day(view: View) -> int:
    return int(view.now + SITE_OFFSET.total_seconds()) // DAY
