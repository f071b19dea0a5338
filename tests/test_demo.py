"""The demo sites: what they serve is what they say is true, and it moves with their clock."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path

import pytest
from demo_client import Client, unequal

from crawler.records import PageKind, ParsedPage, Post, Thread
from crawler.site import load_site
from demo.clock import interval
from demo.server import Demo, running_demo
from demo.sites import demo_sites
from demo.truth import Truth, forum_truth
from demo.world import World

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo(World(threads=220)) as demo:
        yield demo


@pytest.fixture
def forum(demo: Demo) -> Client:
    return Client(demo.forum_url)


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
        return forum_truth(World(seed=seed, threads=20).at(datetime(2026, 3, 1, tzinfo=UTC)), "http://forum.example")

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
