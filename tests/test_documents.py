"""Threads saved as text: both forms, the quotes that lost their frame, and documents that are neither."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.documents import Document, read_document
from crawler.documents.forum_text import slug
from crawler.errors import UsageError
from crawler.records import PageKind, Post, Status

DOCUMENTS = Path(__file__).parent / "documents"
READ_AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
END = "\u00a0"
LINES_OF_BOTH_FORMS = [
    END,
    "Thread ID: 1a",
    "Subreddit: s",
    "Title: t",
    "=====================",
    "",
    "---",
    "## Comments",
    "Score: 1",
    "1. u/a [score=1, created=2024-01-01]: b",
    "Collected: 0001-01-01T00:00+14:00",
    "Joined",
    "Messages",
    "Reaction score",
    "3",
    "  • Like",
    "Reactions: 2 users",
    "Last edited:",
    "Ann said:",
    "Click to expand...",
    "Members don't see this ad.",
    "one two three four five six seven eight",
    "> quoted",
    "Created UTC: ²",
    "Top",
]


def read(body: bytes | str) -> Document:
    return read_document(body if isinstance(body, bytes) else body.encode(), "thread.txt", READ_AT)


def posts_of(name: str) -> list[Post]:
    return read((DOCUMENTS / name).read_bytes()).parsed.posts


def seed(shared_dir: Path, name: str) -> Document:
    path = shared_dir / "seeds" / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    return read(path.read_bytes())


class TestForumText:
    def test_thread(self) -> None:
        document = read((DOCUMENTS / "forum-thread.txt").read_bytes())
        [thread] = document.parsed.threads
        assert document.observed_at == READ_AT
        assert document.parsed.page_kind is PageKind.THREAD
        assert (document.parsed.engine, document.parsed.containers) == ("forum-text", 11)
        assert (thread.site, thread.thread_id) == ("studentdoctor", "night-float-how-do-you-sleep-afterwards")
        assert (thread.title, thread.author) == ("Night float: how do you sleep afterwards?", "quietpager")
        assert (thread.reply_count, thread.created_at, thread.url) == (10, None, None)

    def test_posts_are_numbered_by_their_place(self) -> None:
        posts = posts_of("forum-thread.txt")
        assert [post.post_id for post in posts] == [
            f"night-float-how-do-you-sleep-afterwards~{n}" for n in range(1, 12)
        ]
        assert [post.position for post in posts] == list(range(1, 12))
        assert [post.is_opening for post in posts] == [True] + [False] * 10
        assert {post.author for post in posts[1:]} == {None}
        assert {post.created_at for post in posts} == {None}

    def test_author_block_ads_and_notice_are_no_text(self) -> None:
        opening, second, *_ = posts_of("forum-thread.txt")
        assert opening.author == "quietpager"
        assert opening.body_text.startswith("Six nights on")
        assert opening.body_text.endswith("\n\nWhat do you do on the day after the last shift?")
        assert second.body_text.startswith("Stay up until eight")
        assert not any("ad" in post.body_text.split() for post in posts_of("forum-thread.txt"))

    def test_lines_under_the_end_mark_belong_to_the_post_before(self) -> None:
        posts = posts_of("forum-thread.txt")
        assert [post.reactions for post in posts] == [None, 3, 1, None, None, 4, *[None] * 5]
        assert [post.position for post in posts if post.edited] == [3, 6]
        assert {post.edited_at for post in posts} == {None}

    def test_a_post_may_have_no_text(self) -> None:
        assert [post.position for post in posts_of("forum-thread.txt") if not post.body_text] == [4]

    def test_bullets_that_open_a_post_are_its_text(self) -> None:
        assert posts_of("forum-thread.txt")[5].body_text.split("\n")[0] == "  • Earplugs"

    def test_quotes_with_and_without_frame(self) -> None:
        posts = posts_of("forum-thread.txt")
        linked = {post.position: [str(quote.post_id).rpartition("~")[2] for quote in post.quotes] for post in posts}
        assert {place: ids for place, ids in linked.items() if ids} == {3: ["1"], 5: ["2", "3"], 7: ["2"], 8: ["2"]}
        assert posts[4].body_text.split("\n\n") == [
            "Daylight, yes. In November there is none where I work.",
            "That one I could never do.",
        ]
        assert posts[6].quotes[0].author == "dayshift"
        assert posts[6].body_text.startswith("Seconded.")

    def test_only_whole_addresses_are_links(self) -> None:
        assert posts_of("forum-thread.txt")[6].links == ["https://example.org/sleep_hygiene"]

    @pytest.mark.parametrize(
        ("who", "count"),
        [
            ("1 user", 1),
            ("1 users", 1),
            ("12 users", 12),
            ("Ann", 1),
            ("Ann and Bo", 2),
            ("Ann, Bo and 1 other person", 3),
        ],
    )
    def test_reactions(self, who: str, count: int) -> None:
        [post, _] = read(f"Title\n\nOne.\n{END}\n  • Like\nReactions: {who}\nTwo.\n{END}\nTop\n").parsed.posts
        assert post.reactions == count

    def test_a_last_post_whose_end_was_lost_is_kept(self) -> None:
        posts = read(f"Title\n\nOne.\n{END}\nReactions: 1 user\nTwo, cut o").parsed.posts
        assert [post.body_text for post in posts] == ["One.", "Two, cut o"]

    @pytest.mark.parametrize(
        ("title", "expected"),
        [("What's up, Döc?", "whats-up-doc"), ("PGY-1 / PGY-2", "pgy-1-pgy-2"), ("心臓", "心臓")],
    )
    def test_slug(self, title: str, expected: str) -> None:
        assert slug(title) == expected

    def test_slug_of_signs_only_and_of_long_titles_stays_unique(self) -> None:
        assert slug("???") != slug("!!!")
        assert slug("a" * 200) != slug("a" * 201)

    def test_seed(self, shared_dir: Path) -> None:
        posts = seed(shared_dir, "sdn-thread.txt").parsed.posts
        assert len(posts) == 48
        assert sum(not post.body_text for post in posts) == 1
        assert sum(post.reactions is not None for post in posts) == 23
        assert sum(post.reactions or 0 for post in posts) == 24
        assert [post.position for post in posts if post.edited] == [15, 38]
        assert [post.position for post in posts if post.author] == [1]
        assert not any("see this ad" in post.body_text or "made possible through" in post.body_text for post in posts)

    def test_seed_quotes(self, shared_dir: Path) -> None:
        """Who quotes whom, read off the document by eye; three of the quotes are partial (28, 42 and 47)."""
        posts = seed(shared_dir, "sdn-thread.txt").parsed.posts
        pairs = {post.position: int(str(quote.post_id).rpartition("~")[2]) for post in posts for quote in post.quotes}
        quoting = [7, 8, 12, 13, 14, 16, 17, 18, 20, 23, 25, 26, 28, 29, 30, 31, *range(36, 49)]
        quoted = [5, 6, 11, 10, 12, 15, 11, 17, 12, 13, 18, 24, 27, 23, 25, 26]
        quoted += [35, 36, 20, 29, 31, 32, 34, 37, 30, 35, 38, 43, 47]
        assert pairs == dict(zip(quoting, quoted, strict=True))
        assert sum(len(post.quotes) for post in posts) == 29
        eight_words: dict[tuple[str, ...], int] = {}
        for post in posts:
            words = post.body_text.split()
            for key in zip(*(words[n:] for n in range(8)), strict=False):
                assert eight_words.setdefault(key, post.position or 0) == post.position, "a quote was left in the text"


class TestRedditText:
    def test_thread(self) -> None:
        document = read((DOCUMENTS / "reddit-thread.txt").read_bytes())
        [thread] = document.parsed.threads
        assert document.observed_at == datetime(2024, 3, 2, 6, tzinfo=UTC)
        assert (thread.site, thread.board_id, thread.thread_id) == ("reddit", "nightshift", "1zz9abc")
        assert thread.title == "Q&A: is BP < 90 at 4 am ever normal?"
        assert thread.created_at == datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)
        assert (thread.author, thread.score, thread.reply_count) == ("sleepy_intern", -2, 7)

    def test_posts(self) -> None:
        opening, *comments = posts_of("reddit-thread.txt")
        assert (opening.post_id, opening.position, opening.is_opening) == ("1zz9abc", 1, True)
        assert opening.body_text.endswith("\n\nIs there a rule of thumb? R&D of our own is &gt; nothing.")
        assert [comment.post_id for comment in comments] == [f"1zz9abc~{n}" for n in range(1, 5)]
        assert [comment.position for comment in comments] == [2, 3, 4, 5]
        assert [comment.score for comment in comments] == [12, 1, 0, 3]
        assert [comment.author for comment in comments] == ["old_hand", "[deleted]", "somebody-else", "[deleted]"]
        assert {comment.parent_id for comment in comments} == {None}
        assert comments[0].links == ["https://example.org/map?a=1&b=2"]
        assert comments[0].created_at == datetime(2024, 3, 1, 0, 10, tzinfo=UTC)

    def test_placeholders_are_a_status(self) -> None:
        posts = posts_of("reddit-thread.txt")
        assert [post.status for post in posts[2:]] == [Status.DELETED, Status.REMOVED, Status.VISIBLE]
        assert [post.body_text for post in posts[2:4]] == ["", ""]

    def test_a_quote_on_a_line_with_its_reply_cannot_be_told_from_it(self) -> None:
        last = posts_of("reddit-thread.txt")[-1]
        assert last.quotes == []
        assert last.body_text.startswith("> warm hands Those,")

    def test_quoted_lines_of_a_longer_text_become_quotes(self) -> None:
        text = (DOCUMENTS / "reddit-thread.txt").read_text(encoding="utf-8")
        body = text.replace(
            "Is there a rule", "&gt; From the book:\n&gt;&gt; older\n&gt;\n&gt; wait.\n\nIs there a rule"
        )
        opening = read(body).parsed.posts[0]
        assert [quote.text for quote in opening.quotes] == ["From the book:\n\nwait."]
        assert "book" not in opening.body_text

    def test_lines_that_are_no_comment_go_on_with_the_one_before(self) -> None:
        text = (DOCUMENTS / "reddit-thread.txt").read_text(encoding="utf-8")
        posts = read(text.replace("\n2. u/", "\n\nA second paragraph.\n2. u/")).parsed.posts
        assert posts[1].body_text.endswith("\n\nA second paragraph.")
        assert len(posts) == 5

    def test_link_submission(self) -> None:
        text = (DOCUMENTS / "reddit-thread.txt").read_text(encoding="utf-8")
        parsed = read(text.replace("\nURL: https://reddit.com/r", "\nURL: https://example.org/paper?x=")).parsed
        assert parsed.threads[0].thread_type is None, "an address with the thread's id is the thread"
        parsed = read(text.replace("\nURL: ", "\nURL: https://example.org/paper\nOld URL: ")).parsed
        assert parsed.threads[0].thread_type == "link"
        assert parsed.posts[0].links[0] == "https://example.org/paper"
        assert parsed.posts[0].url == parsed.threads[0].url

    @pytest.mark.parametrize(
        ("old", "new", "line", "what"),
        [
            ("Score: -2", "Score: many", 6, "no whole number"),
            ("Created UTC: 2024-02-29", "Created UTC: 2023-02-29", 5, "no instant"),
            ("Collected: 2024-03-02", "Collected: lately", 10, "no instant"),
            ("Thread ID: 1zz9abc", "Thread ID: what?", 1, "id of Reddit"),
            ("Title: Q", "No field here\nTitle: Q", 3, "Field: value"),
            ("score=12", "score=a dozen", 19, "no whole number"),
            ("2. u/[deleted] [score=1, ", "2. u/[deleted] [score=1 ", 20, "a comment must read"),
            ("4. u/", "2. u/", 22, "numbered upwards"),
            ("## Comments", "Comments", 22, "`## Comments`"),
            ("=====", "-----", 11, "`Field: value`"),
        ],
    )
    def test_malformed(self, old: str, new: str, line: int, what: str) -> None:
        text = (DOCUMENTS / "reddit-thread.txt").read_text(encoding="utf-8")
        assert old in text
        with pytest.raises(UsageError) as caught:
            read(text.replace(old, new))
        message = str(caught.value)
        assert what in message
        assert f"thread.txt, line {line}:" in message

    def test_seed(self, shared_dir: Path) -> None:
        document = seed(shared_dir, "reddit-thread.txt")
        [thread] = document.parsed.threads
        posts = document.parsed.posts
        assert (thread.thread_id, thread.board_id, thread.reply_count, thread.score) == (
            "1hp4ljb",
            "Cardiology",
            44,
            43,
        )
        assert document.observed_at == datetime(2025, 11, 15, 8, 32, 0, 827731, tzinfo=UTC)
        assert len(posts) == 14
        assert sum(post.body_text.count(">") for post in posts) == 2
        assert not any("&gt;" in post.body_text for post in posts)
        assert sum(post.score or 0 for post in posts[1:]) == 63


class TestDecoding:
    @pytest.mark.parametrize("name", ["forum-thread.txt", "reddit-thread.txt"])
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
    @pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
    def test_editors_change_nothing(self, name: str, encoding: str, line_end: str) -> None:
        body = (DOCUMENTS / name).read_bytes()
        assert read(body.decode().replace("\n", line_end).encode(encoding)) == read(body)

    @pytest.mark.parametrize(
        ("body", "what"),
        [
            (b"", "is empty"),
            (b" \r\n\t", "is empty"),
            (b"PK\x03\x04\x14\x00", "line 1: not a text document"),
            (b"a\nb\x00", "line 2: not a text document"),
            (b"caf\xe9 \x81", "neither UTF-8 nor Windows-1252"),
            (b"\xff\xfea", "damaged UTF-16"),
            ("one\n“two”\n".encode() + b"\xe2\x28", "line 3: damaged UTF-8"),
            (b"%PDF-1.7 and so on", "no form of thread document"),
            (b'{"kind": "Listing"}', "no form of thread document"),
            (f"<!DOCTYPE html>\n<p>\n{END}\nMembers don't see this ad.\n".encode(), "no form of thread document"),
            (b"Title\n\nOne.\n\nMembers don't see this ad.\nTwo.", "posts cannot be told apart"),
            (f"{'word ' * 90}\n{END}\nTop".encode(), "line 1: a forum thread as text starts with its title"),
        ],
    )
    def test_one_sentence_says_what_is_wrong(self, body: bytes, what: str) -> None:
        with pytest.raises(UsageError, match=r"^thread\.txt") as caught:
            read(body)
        assert what in str(caught.value)

    @given(st.binary(max_size=400))
    def test_any_bytes(self, body: bytes) -> None:
        assert_document_or_refusal(body)

    @given(
        st.lists(
            st.sampled_from(LINES_OF_BOTH_FORMS),
            max_size=25,
        )
    )
    def test_any_lines(self, lines: list[str]) -> None:
        assert_document_or_refusal("\n".join(lines).encode())


def assert_document_or_refusal(body: bytes) -> None:
    try:
        document = read(body)
    except UsageError as error:
        message = str(error)
        assert message.startswith("thread.txt")
        return
    assert len(document.parsed.threads) == 1
    posts = document.parsed.posts
    assert posts[0].is_opening
    assert len({post.post_id for post in posts}) == len(posts)
    assert all((one.position or 0) < (other.position or 0) for one, other in pairwise(posts))
