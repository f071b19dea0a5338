"""The demo sites: what they serve is what they say is true, and it moves with their clock."""

import base64
import gzip
import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from msgspec import Struct, structs

from crawler.engines.page import Page
from crawler.engines.reddit import Reddit as RedditEngine
from crawler.engines.xenforo2 import XenForo2
from crawler.records import PageKind, ParsedPage, Post, Status, Thread
from crawler.site import load_site
from demo.clock import interval
from demo.server import Demo, running_demo
from demo.sites import demo_sites
from demo.truth import Truth
from demo.world import World

DAY = timedelta(days=1)


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


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo(World(threads=220)) as demo:
        yield demo


@pytest.fixture
def forum(demo: Demo) -> Client:
    return Client(demo.forum_url)


@pytest.fixture
def reddit(demo: Demo) -> "RedditClient":
    return RedditClient(demo)


def unequal(true: Struct, read: Struct, *, but: frozenset[str] = frozenset()) -> dict[str, tuple[object, object]]:
    names = (name for name in true.__struct_fields__ if name not in but)
    pairs = {name: (getattr(true, name), getattr(read, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


# --- the forum against its truth


def walk(forum: Client, url: str | None, now: datetime) -> Iterator[ParsedPage]:
    while url:
        page = forum.page(url, now)
        yield page
        url = page.next_url


def rows_of(forum: Client, truth: Truth) -> dict[str, Thread]:
    boards = [board.url for board in truth.boards if board.url and "/forums/" in board.url]
    pages = (page for url in boards for page in walk(forum, url, truth.now))
    return {thread.thread_id: thread for page in pages for thread in page.threads}


def test_lists_hold_every_thread_with_the_counts_of_the_truth(demo: Demo, forum: Client) -> None:
    truth = demo.truth()
    read = rows_of(forum, truth)
    listed = {thread.thread_id: thread for thread in [*truth.threads, *truth.redirects]}
    assert set(read) == set(listed)
    # What a row does not tell is on the thread's own page.
    page_only = frozenset({"page_count", "thread_type", "tags", "poll", "solution_post_id"})
    assert {number: diff for number in listed if (diff := unequal(listed[number], read[number], but=page_only))} == {}


def test_every_thread_read_page_by_page_is_the_truth(demo: Demo, forum: Client) -> None:
    truth = demo.truth()
    row_only = frozenset({"last_post_at", "reply_count", "view_count", "is_sticky"})
    assert len(truth.threads) > 100
    for thread in truth.threads:
        pages = list(walk(forum, thread.url, truth.now))
        read = next(one for one in pages[0].threads if one.thread_id == thread.thread_id)
        assert unequal(thread, read, but=row_only) == {}
        assert len(pages) == thread.page_count
        posts: dict[str, Post] = {}
        for page in pages:
            for post in page.posts:
                posts.setdefault(post.post_id, post)
        assert list(posts.values()) == truth.of(thread.thread_id)
        assert len(posts) == 1 + (thread.reply_count or 0)


def test_index_shows_every_board(demo: Demo, forum: Client) -> None:
    truth = demo.truth()
    index = forum.page("/", truth.now)
    assert index.page_kind is PageKind.INDEX
    assert index.engine_version == "2.3"
    read = {board.board_id: board for board in index.boards}
    assert set(read) == {board.board_id for board in truth.boards}
    below = {board.board_id for board in truth.boards if board.parent_id == "11"}
    own = [board for board in truth.boards if board.board_id not in below]
    assert [diff for board in own if (diff := unequal(board, read[board.board_id]))] == []
    # A board under another one is described on that one's page.
    parent = forum.page("/forums/interventional-cardiology.11/", truth.now)
    children = {board.board_id: board for board in parent.boards}
    assert all(unequal(board, children[board.board_id]) == {} for board in truth.boards if board.board_id in below)


def test_world_holds_all_that_a_forum_can_have(demo: Demo) -> None:
    truth = demo.truth()
    posts, threads = truth.posts, truth.threads
    assert {thread.thread_type for thread in threads} == {"discussion", "question", "poll"}
    assert any(thread.solution_post_id for thread in threads)
    assert any(thread.is_locked for thread in threads)
    assert sum(bool(thread.is_sticky) for thread in threads) >= 5
    assert any((thread.page_count or 0) > 5 for thread in threads)
    assert truth.redirects
    assert truth.gone
    assert any(post.author_id is None for post in posts)
    assert any((post.author or "").startswith("Deleted member") for post in posts)
    assert any(post.attachments for post in posts)
    assert any(len(post.quotes) > 1 for post in posts)
    assert any(post.links for post in posts)
    assert max(post.reactions or 0 for post in posts) > 4
    share = sum(post.edited for post in posts) / len(posts)
    assert 0.005 < share < 0.05


# --- what moves


def test_same_seed_same_world_another_seed_another() -> None:
    def truth(seed: int) -> Truth:
        with_posts = Demo(World(seed=seed, threads=20), speed=0)
        return with_posts.truth(datetime(2026, 3, 1, tzinfo=UTC))

    one, two, other = truth(7), truth(7), truth(8)
    assert [post.body_text for post in one.posts] == [post.body_text for post in two.posts]
    assert [post.post_id for post in one.posts] == [post.post_id for post in two.posts]
    assert [post.body_text for post in one.posts] != [post.body_text for post in other.posts]


def test_threads_posts_edits_and_deletions_come_with_time(demo: Demo) -> None:
    days = [demo.truth(demo.world.settled + day * DAY) for day in range(15, 31)]
    met: set[str] = set()
    for before, after in pairwise(days):
        old = {post.post_id: post for post in before.posts}
        new = {post.post_id: post for post in after.posts}
        known = {thread.thread_id for thread in before.threads}
        arrived = [new[number].thread_id for number in set(new) - set(old)]
        met |= {"reply" if thread in known else "thread" for thread in arrived}
        met |= {"deleted"} if set(old) & set(after.gone) else set()
        for number in set(old) & set(new):
            # Nothing else of a post changes but what its author did, what stands before it, and where it stands.
            moving = frozenset({"created_text", "reactions", "position", "url"})
            changed = unequal(old[number], new[number], but=moving)
            assert set(changed) <= {"edited_at", "edited", "body_text"}
            met |= {"edited"} if changed else set()
            assert (new[number].reactions or 0) >= (old[number].reactions or 0)
            met |= {"reaction"} if new[number].reactions != old[number].reactions else set()
    assert met == {"thread", "reply", "edited", "deleted", "reaction"}


def test_positions_close_up_when_a_post_is_deleted(demo: Demo) -> None:
    world = demo.world
    plan, post = next(
        (plan, post)
        for plan in map(world.plan, range(world.threads))
        for post in plan.posts
        if post.deleted_at and post.n + 3 < len(plan.posts) and plan.deleted_at is None and plan.first_board != 32
        if plan.posts[post.n + 1].at < post.deleted_at
    )
    assert post.deleted_at is not None
    before = datetime.fromtimestamp(post.deleted_at - 1, UTC)
    number = str(plan.thread_id)
    old, new = demo.truth(before).of(number), demo.truth(before + timedelta(seconds=1)).of(number)
    assert str(post.post_id) in {one.post_id for one in old}
    assert [one.position for one in new] == list(range(1, len(old)))
    assert [one.post_id for one in new] == [one.post_id for one in old if one.post_id != str(post.post_id)]


def test_pages_follow_the_clock() -> None:
    with running_demo(World(threads=40)) as demo:
        forum = Client(demo.forum_url)
        for days in (1, 20):
            demo.advance(days * DAY)
            truth = demo.truth()
            newest = max(truth.threads, key=lambda thread: thread.created_at or truth.now)
            posts = [post for page in walk(forum, newest.url, truth.now) for post in page.posts]
            assert posts == truth.of(newest.thread_id)
            assert rows_of(forum, truth)[newest.thread_id].last_post_at == newest.last_post_at


def test_a_thread_is_planned_only_when_it_is_looked_at() -> None:
    world = World(threads=50_000)
    view = world.at(world.settled)
    thread = view.thread(30_000)
    assert thread is not None
    assert thread.count >= 1
    assert len(world._plans) == 1


def test_clock_runs_at_its_speed() -> None:
    with running_demo(World(threads=10), speed=1_000_000) as demo:
        first = demo.clock.now
        Client(demo.forum_url).ask("/")
        while demo.clock.now == first:
            pass
        assert demo.clock.now > first


# --- routes


def long_thread(demo: Demo) -> Thread:
    return max(demo.truth().threads, key=lambda thread: thread.reply_count or 0)


def test_any_address_of_a_thread_leads_to_its_canonical_one(demo: Demo, forum: Client) -> None:
    thread = long_thread(demo)
    posts = demo.truth().of(thread.thread_id)
    assert forum.ask(f"/threads/wrong-words.{thread.thread_id}/").headers["location"] == thread.url
    assert forum.ask(f"/threads/{thread.thread_id}/page-2").headers["location"] == f"{thread.url}page-2"
    on_second = posts[25].post_id
    expected = f"{thread.url}page-2#post-{on_second}"
    for path in (f"/posts/{on_second}/", f"/goto/post?id={on_second}", posts[25].url or ""):
        answer = forum.ask(path)
        assert (answer.status, answer.headers["location"]) == (301, expected)
    latest = forum.ask(f"{thread.url}latest")
    assert latest.headers["location"] == f"{thread.url}page-{thread.page_count}#post-{posts[-1].post_id}"
    beyond = forum.ask(f"{thread.url}page-999")
    assert (beyond.status, beyond.headers["location"]) == (303, f"{thread.url}page-{thread.page_count}")


def test_a_moved_thread_is_redirected(demo: Demo, forum: Client) -> None:
    redirect = demo.truth().redirects[0]
    answer = forum.ask(redirect.url or "")
    target = next(thread for thread in demo.truth().threads if thread.url == answer.headers["location"])
    assert answer.status == 301
    assert target.title == redirect.title
    assert target.board_id != redirect.board_id


def test_a_board_can_be_sorted_by_start(demo: Demo, forum: Client) -> None:
    now = demo.clock.now
    address = "/forums/interventional-cardiology.11/?order=post_date&direction=desc"
    pages = list(walk(forum, address, now))
    starts = [thread.created_at or now for page in pages for thread in page.threads if not thread.is_sticky]
    assert len(pages) > 1
    assert starts == sorted(starts, reverse=True)


def test_members_board_is_behind_a_login(demo: Demo, forum: Client) -> None:
    hidden = next(thread for thread in demo.world.at(demo.clock.now).board(32))
    post = hidden.plan.posts[0].post_id
    for path in ("/forums/members-lounge.32/", f"/threads/x.{hidden.thread_id}/", f"/posts/{post}/"):
        answer = forum.ask(path)
        assert answer.status == 403
        assert b'data-template="login"' in answer.body
        assert forum.page(path, demo.clock.now).page_kind is PageKind.LOGIN


@pytest.mark.parametrize(
    "path", ["/threads/none.999999/", "/forums/none.77/", "/posts/5/", "/nothing", "/attachments/a.1/"]
)
def test_what_is_not_there_is_an_error_page(demo: Demo, forum: Client, path: str) -> None:
    assert forum.ask(path).status == 404
    assert forum.page(path, demo.clock.now).page_kind is PageKind.ERROR


def test_attachments_are_served(demo: Demo, forum: Client) -> None:
    attachment = next(post.attachments[0] for post in demo.truth().posts if post.attachments)
    answer = forum.ask(attachment.url)
    assert answer.status == 200
    assert (attachment.name or "").encode() in answer.body


def test_feed_lists_the_newest_threads(demo: Demo, forum: Client) -> None:
    truth = demo.truth()
    answer = forum.ask("/forums/interventional-radiology.12/index.rss")
    own = sorted((one for one in truth.threads if one.board_id == "12"), key=lambda one: one.last_post_at or truth.now)
    assert answer.headers["content-type"].startswith("application/rss+xml")
    assert answer.body.count(b"<item>") == min(20, len(own))
    assert answer.body.index(f"<link>{own[-1].url}</link>".encode()) < answer.body.index(
        f"<link>{own[-2].url}</link>".encode()
    )


def test_robots_keep_crawlers_out_of_what_is_not_content(forum: Client) -> None:
    rules = forum.ask("/robots.txt").body.decode()
    for path in ("/login/", "/search/", "/account/", "/_demo/"):
        assert f"Disallow: {path}\n" in rules
    assert "Disallow: /threads" not in rules


# --- HTTP


def test_unchanged_pages_are_not_sent_again(demo: Demo, forum: Client) -> None:
    path = long_thread(demo).url or ""
    first = forum.ask(path)
    assert first.headers["x-demo-clock"] == demo.clock.now.isoformat()
    assert parsedate_to_datetime(first.headers["last-modified"]) <= demo.clock.now
    again = forum.ask(path, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert forum.ask(path, If_Modified_Since=first.headers["last-modified"]).status == 304
    assert forum.ask(path, If_None_Match='"other"').status == 200


def test_pages_are_compressed_on_request(demo: Demo, forum: Client) -> None:
    path = long_thread(demo).url or ""
    plain, packed = forum.ask(path), forum.ask(path, Accept_Encoding="gzip, deflate")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 3


def test_head_has_no_body_and_post_is_refused(forum: Client) -> None:
    assert forum.ask("/", method="HEAD").body == b""
    assert forum.ask("/", method="POST", body=b"a=b").status == 405


def test_orders_set_the_clock_and_tell_what_was_asked() -> None:
    with running_demo(World(threads=10)) as demo:
        forum = Client(demo.forum_url)
        now = datetime(2026, 5, 1, tzinfo=UTC)
        assert forum.ask("/_demo/clock", "POST", json.dumps({"now": now.isoformat()}).encode()).status == 200
        moved = forum.ask("/_demo/clock", "POST", b'{"advance": "36h"}').json()
        assert datetime.fromisoformat(moved["now"]) == now + timedelta(hours=36)
        assert forum.ask("/_demo/clock", "POST", b'{"advance": "soon"}').status == 400
        forum.ask("/robots.txt", User_Agent="tester")
        asked = [json.loads(line) for line in forum.ask("/_demo/requests").body.splitlines()]
        assert [(one["target"], one["agent"]) for one in asked] == [("/robots.txt", "tester")]
        lines = [json.loads(line) for line in forum.ask("/_demo/truth").body.splitlines()]
        assert sum(line["kind"] == "post" for line in lines) == len(demo.truth().posts)
        forum.ask("/_demo/reset", "POST")
        assert demo.requests == []


def test_interval_words() -> None:
    assert interval("1.5h") == timedelta(minutes=90)
    with pytest.raises(ValueError, match="no interval"):
        interval("a while")


def test_site_files_are_valid(demo: Demo, tmp_path: Path) -> None:
    forum, reddit = map(load_site, demo_sites(demo.forum_url, demo.reddit_url, tmp_path))
    assert (forum.name, forum.engine, forum.is_loopback) == ("demoforum", "xenforo2", True)
    assert [board.url for board in reddit.boards] == ["r/DemoCardiology", "r/DemoRadiology", "r/DemoMedicine"]
    truth = demo.truth()
    assert len(truth.threads) >= forum.expect.threads
    assert len(truth.posts) >= forum.expect.posts


# --- the Reddit-like API


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


def with_targets_of(read: Post, post: Post, true: dict[str, Post]) -> Post:
    """The true post, its quotes pointing where `read` has them point, if the quoted words are there too.

    Reddit does not say what is quoted: an answer that lacks it names nothing, and equal words may be anybody's.
    """
    quotes = [
        structs.replace(one, post_id=other.post_id)
        if other.post_id is None or one.text in true[other.post_id].body_text
        else one
        for one, other in zip(post.quotes, read.quotes, strict=False)
    ]
    return structs.replace(post, quotes=quotes)


@pytest.mark.parametrize("raw", [{"raw_json": 1}, {}], ids=["raw", "escaped"])
def test_every_submission_with_all_its_comments_is_the_truth(demo: Demo, raw: dict[str, int]) -> None:
    reddit, truth = RedditClient(demo), demo.reddit_truth()
    kinds: set[str] = set()
    for thread in truth.threads:
        read, posts, followed = reddit.tree(thread.thread_id, limit=50, **raw)
        kinds |= followed
        assert read == thread
        true = {post.post_id: post for post in truth.of(thread.thread_id)}
        assert set(posts) == set(true)
        for number, post in true.items():
            assert posts[number] == with_targets_of(posts[number], post, true)
    assert kinds == {"more", "continue"}


def test_listings_page_through_a_subreddit(demo: Demo, reddit: RedditClient) -> None:
    truth = demo.reddit_truth()
    for board in truth.boards:
        about = reddit.read(f"/r/{board.board_id}/about", raw_json=1).boards[0]
        assert unequal(board, about) == {}
        seen: list[str] = []
        after = ""
        while True:
            data = reddit.get(f"/r/{board.board_id}/new", limit=10, after=after, raw_json=1).json()["data"]
            seen += [child["data"]["id"] for child in data["children"]]
            after = data["after"]
            if not after:
                break
        assert seen == [thread.thread_id for thread in truth.threads if thread.board_id == board.board_id]


def test_listings_end_after_a_thousand() -> None:
    with running_demo(World(threads=4500)) as demo:
        reddit = RedditClient(demo)
        after, seen = "", 0
        while True:
            data = reddit.get("/r/DemoMedicine/new", limit=100, after=after).json()["data"]
            seen += len(data["children"])
            after = data["after"]
            if not after:
                break
        assert seen == 1000


def test_without_a_token_everything_is_blocked(demo: Demo) -> None:
    reddit = RedditClient(demo)
    answer = reddit.ask("/r/DemoMedicine/new.json")
    assert answer.status == 403
    assert b"whoa there, pardner!" in answer.body
    assert reddit.sign_in(b"demo:wrong").status == 401
    assert reddit.ask("/r/DemoMedicine/new", Authorization="bearer stale").status == 401
    demo.reddit.expire_tokens()
    assert reddit.get("/r/DemoMedicine/new").status == 401


def test_the_limit_is_told_and_kept() -> None:
    with running_demo(World(threads=10), per_minute=0.5) as demo:
        reddit = RedditClient(demo)
        answers = [reddit.get("/api/info", id="t3_none") for _ in range(6)]
        assert [answer.status for answer in answers] == [200] * 5 + [429]
        assert [answer.headers["x-ratelimit-remaining"] for answer in answers[:5]] == [
            "4.0",
            "3.0",
            "2.0",
            "1.0",
            "0.0",
        ]
        assert answers[4].headers["x-ratelimit-used"] == "5"
        assert 0 < int(answers[5].headers["x-ratelimit-reset"]) <= 600
        assert b"whoa there, pardner!" in answers[5].body


def test_deleted_comments_stay_only_where_they_were_answered(demo: Demo, reddit: RedditClient) -> None:
    posts = [post for post in demo.reddit_truth().posts if post.status is not Status.VISIBLE]
    answered = {post.parent_id for post in demo.reddit_truth().posts}
    assert {post.status for post in posts} == {Status.DELETED, Status.REMOVED}
    for post in posts:
        assert post.post_id in answered
        data = reddit.get("/api/info", id=f"t1_{post.post_id}").json()["data"]["children"][0]["data"]
        assert data["author"] == "[deleted]"
        assert data["body"] == f"[{post.status.value}]"


def test_a_submission_taken_away_is_in_no_listing_but_says_so_when_asked(demo: Demo, reddit: RedditClient) -> None:
    gone = demo.reddit_truth().gone
    assert gone
    assert not set(gone) & {thread.thread_id for thread in demo.reddit_truth().threads}
    names = ",".join(f"t3_{number}" for number in gone)
    things = reddit.read("/api/info", id=names, raw_json=1).threads
    assert {thread.thread_id for thread in things} == set(gone)
    assert {thread.status for thread in things} <= {Status.DELETED, Status.REMOVED}


def test_without_raw_json_texts_are_escaped(demo: Demo, reddit: RedditClient) -> None:
    post = next(post for post in demo.reddit_truth().posts if " & " in post.body_text and post.parent_id)
    name = {"id": f"t1_{post.post_id}"}
    escaped = reddit.get("/api/info", **name).json()["data"]["children"][0]["data"]["body"]
    raw = reddit.get("/api/info", raw_json=1, **name).json()["data"]["children"][0]["data"]["body"]
    assert " &amp; " in escaped
    assert " & " in raw


def test_a_comment_can_be_asked_for_with_what_is_above_it(demo: Demo, reddit: RedditClient) -> None:
    truth = demo.reddit_truth()
    parents = {post.post_id: post.parent_id for post in truth.posts}
    deep = next(post for post in truth.posts if parents.get(parents.get(post.parent_id or "") or ""))
    path = f"/r/any/comments/{deep.thread_id}/_/{deep.post_id}"
    alone, above = reddit.read(path, raw_json=1), reddit.read(path, context=2, raw_json=1)
    assert deep.post_id == alone.posts[1].post_id
    grandparent = parents[deep.parent_id or ""]
    assert [post.post_id for post in above.posts[1:4]] == [grandparent, deep.parent_id, deep.post_id]


def test_scores_drift_and_polls_and_crossposts_are_there(demo: Demo) -> None:
    then = demo.world.settled
    before, after = demo.reddit_truth(then), demo.reddit_truth(then + DAY)
    scores = {post.post_id: post.score for post in before.posts}
    assert any(post.post_id in scores and post.score != scores[post.post_id] for post in after.posts)
    assert len(after.threads) > len(before.threads)
    assert any(thread.poll for thread in before.threads)
    assert any(thread.crosspost_of for thread in before.threads)
    assert any(post.edited for post in before.posts)


def test_private_and_unknown_subreddits(reddit: RedditClient) -> None:
    assert reddit.get("/r/DemoPrivate/new").json()["reason"] == "private"
    assert reddit.get("/r/Nowhere/new").status == 404
    assert reddit.get("/comments/zzzzzz").status == 404
