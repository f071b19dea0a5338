"""A thread out of the archive in each format, and the Reddit document back byte for byte."""

import csv
import html
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from crawler.documents import Document, read_document
from crawler.errors import UsageError
from crawler.records import Post, Thread
from storage.export import FORMATS, export_thread
from storage.schema import arrow_schema

DOCUMENTS = Path(__file__).parent / "documents"
READ_AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
Rows = tuple[dict[str, Any], list[dict[str, Any]], dict[str, str]]


def key_of(name: str | None) -> str | None:
    return None if name in {None, "[deleted]", "[removed]"} else f"a{name.encode().hex()}"


def row_of(record: Thread | Post, document: Document) -> dict[str, Any]:
    """A record as a row of `threads` or `posts`."""
    row = msgspec.to_builtins(record, builtin_types=(datetime,))
    row["author_key"] = key_of(row.pop("author"))
    for quote in row.get("quotes", ()):
        quote["author_key"] = key_of(quote.pop("author"))
    return {**row, "board_id": document.parsed.board_id, "observed_at": document.observed_at, "version": 1}


def rows_of(document: Document) -> Rows:
    """What the archive gives for an imported document: thread, posts (in no order), names by pseudonym."""
    posts = document.parsed.posts
    names = {key: post.author for post in posts if post.author and (key := key_of(post.author))}
    return row_of(document.parsed.threads[0], document), [row_of(post, document) for post in reversed(posts)], names


def rows_from(name: str) -> Rows:
    return rows_of(read_document((DOCUMENTS / name).read_bytes(), name, READ_AT))


def post_row(**values: Any) -> dict[str, Any]:
    return {"site": "s", "thread_id": "t", "post_id": "p", "position": 1, "body_text": "", "quotes": [], **values}


THREAD_ROW = {"site": "s", "thread_id": "t", "title": "T", "observed_at": READ_AT}


def seed_path(shared_dir: Path, name: str) -> Path:
    path = shared_dir / "seeds" / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


class TestRedditText:
    def test_document_comes_back_byte_for_byte(self) -> None:
        thread, posts, names = rows_from("reddit-thread.txt")
        assert export_thread(thread, posts, "text", names) == (DOCUMENTS / "reddit-thread.txt").read_bytes()

    def test_seed_comes_back_byte_for_byte(self, shared_dir: Path) -> None:
        body = seed_path(shared_dir, "reddit-thread.txt").read_bytes()
        thread, posts, names = rows_of(read_document(body, "seed", READ_AT))
        assert len(names) == 11
        assert export_thread(thread, posts, "text", names) == body

    def test_pseudonyms_where_no_names_are_given(self) -> None:
        thread, posts, _ = rows_from("reddit-thread.txt")
        text = export_thread(thread, posts, "text").decode()
        assert f"\nAuthor: {key_of('sleepy_intern')}\n" in text
        assert f"\n1. u/{key_of('old_hand')} [score=12, " in text
        assert "\n2. u/[deleted] [score=1, created=2024-03-01T00:11:30]: [deleted]\n" in text
        assert "old_hand" not in text

    def test_one_line_a_comment_with_quotes_in_front(self) -> None:
        thread = {**THREAD_ROW, "site": "reddit", "board_id": "x", "url": "https://www.reddit.com/r/x/comments/t/"}
        opening = post_row(is_opening=True, body_text="One.\n\nTwo & three.", quotes=[{"text": "Said\n\nbefore."}])
        comment = post_row(post_id="c", position=2, body_text="No <b>.\n\n- a\n- b", quotes=[{"text": "Is it?"}])
        text = export_thread(thread, [comment, opening], "text").decode()
        assert "\n\n&gt; Said\n&gt;\n&gt; before.\n\nOne.\n\nTwo &amp; three.\n\n---\n## Comments\n" in text
        assert text.endswith("\n1. u/[deleted] [score=None, created=None]: &gt; Is it? No &lt;b&gt;. - a - b\n")
        [again, _] = read_document(text.encode(), "again", READ_AT).parsed.posts
        assert ([quote.text for quote in again.quotes], again.body_text) == (
            ["Said\n\nbefore."],
            "One.\n\nTwo & three.",
        )

    @pytest.mark.parametrize("title", ["Link", "Empty"])
    def test_submission_without_text(self, title: str) -> None:
        text = (DOCUMENTS / "reddit-thread.txt").read_text(encoding="utf-8")
        head, rest = text.split("=" * 79)
        _, comments = rest.split("\n---\n")
        if title == "Link":
            head = head.replace(
                "\nURL: https://reddit.com/r/nightshift/comments/1zz9abc/", "\nURL: https://example.org/"
            )
        body = f"{head}{'=' * 79}\n\n\n\n---\n{comments}".encode()
        thread, posts, names = rows_of(read_document(body, "link", READ_AT))
        assert export_thread(thread, posts, "text", names) == body

    @given(
        st.text(st.characters(exclude_characters="\r", exclude_categories=["Cc", "Cs"]) | st.just("\n"), max_size=60),
        st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60),
    )
    def test_what_was_exported_reads_and_exports_the_same(self, body: str, comment: str) -> None:
        thread = {**THREAD_ROW, "site": "reddit", "board_id": "b", "url": "https://reddit.com/r/b/comments/t/"}
        posts = [
            post_row(is_opening=True, body_text=body, status="visible"),
            post_row(post_id="t~1", position=2, body_text=comment, status="visible"),
        ]
        first = export_thread(thread, posts, "text", {})
        again = read_document(first, "again", READ_AT)
        if any(post.quotes for post in again.parsed.posts):
            return  # the document's own limit: quotes move to the front
        thread, posts, names = rows_of(again)
        assert export_thread(thread, posts, "text", names).rstrip() == first.rstrip()


class TestForumText:
    def test_reads_from_top_to_bottom(self) -> None:
        thread, posts, names = rows_from("forum-thread.txt")
        text = export_thread(thread, posts, "text", names).decode()
        assert text.startswith("Night float: how do you sleep afterwards?\nSite: studentdoctor\nReplies: 10\n")
        assert "\n#1 quietpager, date unknown\nSix nights on" in text
        assert "\n#3 unknown author, date unknown\n> What do you do on the day after the last shift?\n\nNap for" in text
        assert "\n#4 unknown author, date unknown\n[no text]\n" in text
        assert "\n[Reactions: 1; Edited]\n" in text
        assert [int(number) for number in re.findall(r"^#(\d+) ", text, re.MULTILINE)] == list(range(1, 12))

    def test_facts_of_a_crawled_thread(self) -> None:
        thread = {**THREAD_ROW, "url": "https://forum.example/threads/t.1/", "board_id": "7", "reply_count": 0}
        post = post_row(author_key="k", created_at=datetime(2024, 5, 6, tzinfo=UTC), status="removed")
        assert export_thread(thread, [post], "text").decode().split("\n") == [
            "T",
            "URL: https://forum.example/threads/t.1/",
            "Site: s",
            "Board: 7",
            "Replies: 0",
            "Collected: 2026-01-02T03:04:00Z",
            "=" * 79,
            "",
            "#1 k, 2024-05-06T00:00:00Z",
            "[removed]",
            "",
        ]


def rendered(body: str) -> str:
    """The text of a post's body after rendering, as a reader sees it; links are left as what they show."""
    markdown = export_thread(THREAD_ROW, [post_row(body_text=body)], "markdown").decode()
    page = MarkdownIt("gfm-like", {"linkify": False}).render(markdown)
    section = page.partition("</h2>\n")[2]
    section = re.sub(r"<br ?/?>\n?", "\n", section.replace("</p>\n<p>", "\n\n"))
    section = re.sub(r'<a href="[^"]*">([^<]*)</a>', r"\1", section)
    assert re.fullmatch(r"<p>[^<]*</p>\n", section), f"something was interpreted: {section}"
    return html.unescape(section[3:-5]).replace("\u00a0", " ")


class TestMarkdown:
    @pytest.mark.parametrize(
        "body",
        [
            "# no heading\n\n> no quote\n\n- no list\n+ nor this\n* nor that",
            "1. no number\n2) neither\n\n10.5 mg",
            "*not* **bold**, _not_ __so__, `no code`, ~~there~~, a|b, $x$",
            "Title?\n===\n\nOr this\n---",
            "[no](link) ![no](picture) [^1] <b>no tag</b> &amp; &copy; <https://e.org>",
            "    no code block\n\n\tnor with a tab".replace("\t", "    "),
            "back\\slash\\",
            "See https://e.org/a_b_c?d=*e*&f=~g~. And (https://e.org/x_(y)), www.e.org/a_b too",
            "https://e.org/?a=1&copy;=2&lt;",
            "```\nno fence\n```\n\n~~~\nnor this",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "--- \n\n***\n\n___",
        ],
    )
    def test_renders_as_written(self, body: str) -> None:
        assert rendered(body) == "\n".join(line.rstrip() for line in body.split("\n"))

    @given(st.text(st.sampled_from("ab1.)(#*_-+=~`>|[]<&!\\:$ \n"), min_size=1, max_size=40).filter(str.strip))
    def test_any_text_renders_as_written(self, body: str) -> None:
        squeezed = " ".join(body.split())
        assert " ".join(rendered(body).split()) == squeezed

    def test_sections_quotes_and_facts(self) -> None:
        thread, posts, names = rows_from("forum-thread.txt")
        markdown = export_thread(thread, posts, "markdown", names).decode()
        assert markdown.startswith("# Night float: how do you sleep afterwards?\n\n- Site: studentdoctor\n")
        assert "\n## #1 quietpager, date unknown\n\nSix nights on" in markdown
        assert "\n> Quoting #1:\n>\n> What do you do on the day after the last shift?\n\nNap" in markdown
        assert "\n*Reactions: 1, edited*\n" in markdown
        assert "\n*no text*\n" in markdown
        page = MarkdownIt().render(markdown)
        assert page.count("<h2>") == 11
        assert page.count("<blockquote>") == 5


class TestJson:
    def test_keys_and_instants(self) -> None:
        thread, posts, names = rows_from("reddit-thread.txt")
        whole = json.loads(export_thread(thread, posts, "json"))
        assert list(whole) == ["thread", "posts"]
        assert list(whole["thread"]) == arrow_schema("threads").names
        assert all(list(post) == arrow_schema("posts").names for post in whole["posts"])
        assert [post["position"] for post in whole["posts"]] == [1, 2, 3, 4, 5]
        assert whole["thread"]["created_at"] == "2024-02-29T23:59:59Z"
        named = json.loads(export_thread(thread, posts, "json", names))
        assert named["thread"]["author"] == "sleepy_intern"
        assert [post["author"] for post in named["posts"]] == ["sleepy_intern", "old_hand", None, "somebody-else", None]

    def test_quotes_carry_names_too(self) -> None:
        thread, posts, _ = rows_from("forum-thread.txt")
        whole = json.loads(export_thread(thread, posts, "json", {str(key_of("dayshift")): "dayshift"}))
        assert [quote["author"] for quote in whole["posts"][6]["quotes"]] == ["dayshift"]


class TestCsv:
    def test_values_are_as_written(self) -> None:
        body = '=1+1, "quoted"\nand a line, with a comma'
        table = export_thread(THREAD_ROW, [post_row(body_text=body, edited=True, links=["https://e.org/ä"])], "csv")
        assert table.endswith(b"\r\n")
        [row] = csv.DictReader(io.StringIO(table.decode(), newline=""))
        assert list(row) == arrow_schema("posts").names
        assert (row["body_text"], row["edited"], row["score"]) == (body, "true", "")
        assert json.loads(row["links"]) == ["https://e.org/ä"]


class TestParquet:
    def test_table_has_the_archives_types(self) -> None:
        thread, posts, names = rows_from("reddit-thread.txt")
        table = pq.read_table(io.BytesIO(export_thread(thread, posts, "parquet")))
        assert table.schema.equals(arrow_schema("posts"))
        assert table["position"].to_pylist() == [1, 2, 3, 4, 5]
        named = pq.read_table(io.BytesIO(export_thread(thread, posts, "parquet", names)))
        assert named["author"].to_pylist() == ["sleepy_intern", "old_hand", None, "somebody-else", None]
        assert named.schema.field("quotes").type.value_type.names == ["post_id", "author_key", "author", "text"]


@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize("name", ["forum-thread.txt", "reddit-thread.txt"])
def test_the_same_rows_give_the_same_bytes(form: str, name: str) -> None:
    thread, posts, names = rows_from(name)
    assert export_thread(thread, posts, form, names) == export_thread(thread, posts[::-1], form, names)
    assert export_thread(thread, [], form)


@pytest.mark.parametrize("form", list(FORMATS))
def test_seed_of_the_forum_exports(form: str, shared_dir: Path) -> None:
    body = seed_path(shared_dir, "sdn-thread.txt").read_bytes()
    thread, posts, names = rows_of(read_document(body, "seed", READ_AT))
    assert len(posts) == 48
    assert len(export_thread(thread, posts, form, names)) > 20_000


def test_no_such_format() -> None:
    with pytest.raises(UsageError, match="'pdf'; choose text, markdown, json, csv, parquet"):
        export_thread(THREAD_ROW, [], "pdf")
