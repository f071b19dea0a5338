"""The demo's Reddit-like API: what it serves is what it says is true."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from demo_client import RedditClient, unequal
from msgspec import structs

from crawler.records import Post, Status
from demo.server import Demo, running_demo
from demo.world import World

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo(World(threads=120)) as demo:
        yield demo


@pytest.fixture
def reddit(demo: Demo) -> RedditClient:
    return RedditClient(demo)


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
