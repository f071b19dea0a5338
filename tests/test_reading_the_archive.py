"""docs/reading-the-archive.md is true: every block runs as it stands, and every library gives what a replay says."""

import http.client
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medthreads.reading import Selection, open_archive
from storage.archive import Archive
from storage.publish import publish
from storage.tables import Tables
from tests.conftest import ROOT, Medthreads
from tests.storage.forum_replay import Replay
from tests.storage.s3_server import S3Server
from tests.storage.ward_forum import Crawl, Forum, on_day

DOCUMENT = (ROOT / "docs" / "reading-the-archive.md").read_text(encoding="utf-8")
SECTION = re.compile(
    r"^## (?P<title>.+)\n(?:(?!^## |^```python).*\n)*?^```python\n(?P<code>(?:.*\n)*?)^```$", re.MULTILINE
)
BLOCKS = {found["title"]: found["code"] for found in SECTION.finditer(DOCUMENT)}
THEN, NOW = on_day(2), on_day(9)
"""The dates of the document, 2024-06-03 and 2024-06-10."""


class Example:
    """An archive as the document speaks of, and what is in it by a replay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.forum = Forum.with_threads(site="clinicforum", replies=3)
        self.replay = Replay()
        self.crawls: list[Crawl] = []
        self.archive = Archive.open(folder / "archive", environ={})
        self.fill()

    def fill(self) -> None:
        posts = self.forum.posts
        dated, posts["4001"].created_at, posts["4002"].created_at = posts["4001"].created_at, None, None
        self.commit(self.forum.crawl("c1", on_day(0)))
        posts["2001"].body_text, posts["2002"].reactions, posts["4001"].created_at = "In other words.", 7, dated
        gone = posts.pop("2003")
        posts["1003"].thread_id = "2"
        self.commit(self.forum.crawl("c2", on_day(3)))
        posts["2002"].reactions, posts["2003"] = 9, gone
        self.forum.reply("3", on_day(4))
        self.commit(self.forum.crawl("c3", on_day(6)))
        del posts["4002"]
        self.commit(self.forum.crawl("c4", on_day(20)))
        publish(self.archive)
        posts["2000"].body_text = "Of a commit that did not come to its end."
        crawl = self.forum.crawl("c5", on_day(8))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Tables, "append_alone", _interrupted)
            with pytest.raises(KeyboardInterrupt):
                crawl.commit(self.archive)
        # Parquet of earlier versions lacks columns that came later.
        for month, column in (("2024-03", "created_text"), ("2024-05", "url")):
            path = self.folder / f"archive/current/posts/site=clinicforum/month={month}/data.parquet"
            pq.write_table(pq.ParquetFile(path).read().drop_columns([column]), path)

    def commit(self, crawl: Crawl) -> None:
        crawl.commit(self.archive)
        self.replay.commit(crawl)
        self.crawls.append(crawl)

    def current(self) -> dict[str, dict[str, Any]]:
        return self.replay.at_snapshot(len(self.crawls))

    def board(self) -> list[tuple]:
        """Visible posts of April in `cardio`, the board of the threads 2 and 4."""
        return sorted(
            (post_id, post["thread_id"], post["body_text"], post["version"], post["reactions"], post["month"])
            for post_id, post in self.current().items()
            if (post["month"], post["status"]) == ("2024-04", "visible") and post["thread_id"] in {"2", "4"}
        )

    def then(self) -> list[tuple]:
        names = ("thread_id", "body_text", "version", "status", "month", "observed_at")
        return sorted((post_id, *(post[name] for name in names)) for post_id, post in self.replay.asof(THEN).items())

    def changed(self) -> list[tuple]:
        names = ("post_id", "version", "change", "thread_id", "observed_at")
        return sorted(tuple(row[name] for name in names) for row in self.replay.changes(THEN, NOW))

    def scores(self) -> list[tuple]:
        """Sightings of posts of thread 2, in order."""
        pages = [page for crawl in self.crawls for page in crawl.pages]
        return sorted(
            {
                (post.post_id, page.fetched_at, post.reactions)
                for page in pages
                for post in page.parsed.posts
                if post.thread_id == "2"
            }
        )

    def documents(self) -> dict[str, str]:
        standing = [
            (post, self.forum.posts[name]) for name, post in self.current().items() if post["status"] == "visible"
        ]
        standing.sort(key=lambda pair: (pair[1].position, pair[0]["created_at"] or on_day(99), pair[1].post_id))
        found: dict[str, list[str]] = {}
        for post, _ in standing:
            found.setdefault(post["thread_id"], []).append(post["body_text"])
        return {thread_id: "\n\n".join(texts) for thread_id, texts in found.items()}


def _interrupted(*_: object) -> bool:
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The archive, in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("reading") / "of an analyst"
    folder.mkdir()
    return Example(folder)


@pytest.fixture
def offline(example: Example, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """In the example's folder, without a network; DuckDB has no extension afterwards that it had not before."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection to elsewhere")

    monkeypatch.chdir(example.folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    duckdb.sql("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
    yield
    installed = "FROM duckdb_extensions() WHERE installed AND install_mode <> 'STATICALLY_LINKED'"
    assert duckdb.sql(installed).fetchall() == []
    assert not (tmp_path / ".duckdb").exists()


def rows(found: object, *names: str) -> list[tuple]:
    """Columns of a relation, data frame or table as tuples."""
    if isinstance(found, list):
        return [tuple(row[name] for name in names) for row in found]
    if isinstance(found, duckdb.DuckDBPyRelation):
        table = found.to_arrow_table()
    elif isinstance(found, pl.DataFrame):
        table = found.to_arrow()
    elif isinstance(found, pd.DataFrame):
        table = pa.Table.from_pandas(found, preserve_index=False)
    else:
        assert isinstance(found, pa.Table)
        table = found
    return [tuple(row[name] for name in names) for row in table.select(list(names)).to_pylist()]


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("library", ["In Python, with this package", "DuckDB", "Polars", "pandas", "pyarrow"])
def test_every_library_gives_the_same_rows(example: Example, library: str):
    found: dict[str, Any] = {}
    exec(BLOCKS[library], found)  # noqa: S102 - our own document
    board = rows(found["board"], "post_id", "thread_id", "body_text", "version", "reactions", "month")
    assert sorted(board) == example.board() != []
    then = rows(found["then"], "post_id", "thread_id", "body_text", "version", "status", "month", "observed_at")
    assert sorted(then) == example.then() != []
    changed = rows(found["changed"], "post_id", "version", "change", "thread_id", "observed_at")
    assert sorted(row for row in changed if row[0] is not None) == example.changed()
    assert {row[2] for row in changed} == {"new", "edited", "deleted", "restored", "moved"}
    assert rows(found["scores"], "post_id", "observed_at", "reactions") == example.scores()
    assert dict(rows(found["documents"], "thread_id", "document")) == example.documents()


def test_an_archive_on_s3_is_read_by_every_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    code = re.search(r"^```py\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert code
    server = S3Server()
    try:
        bucket = http.client.HTTPConnection("127.0.0.1", server.port)
        bucket.request("PUT", "/research")
        assert bucket.getresponse().status == 200
        bucket.close()
        for name, value in server.environ(tmp_path / "work").items():
            monkeypatch.setenv(name, value)
        forum = Forum.with_threads(site="clinicforum", count=2, replies=1)
        forum.crawl("c1", on_day(0)).store(Archive.open("s3://research/archive"))
        found: dict[str, Any] = {}
        exec(code[1], found)  # noqa: S102 - our own document
        for name in ("then", "in_polars", "in_pandas", "in_pyarrow"):
            assert sorted(rows(found[name], "post_id")) == [("1000",), ("1001",), ("2000",), ("2001",)], name
    finally:
        server.stop()


def test_each_question_takes_three_lines():
    for library in ("DuckDB", "Polars", "pandas", "pyarrow"):
        answers = BLOCKS[library].split("\n# ")[1:]
        assert len(answers) == 5, library
        for answer in answers:
            lines = answer.split("\n\n")[0].splitlines()[1:]
            assert len(lines) in (2, 3) or "join" in answer, (library, lines)


def test_an_edit_is_shown_by_its_versions_side_by_side(example: Example):
    query = re.search(r"^```sql\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert query
    with open_archive(str(example.folder / "archive")) as archive:
        edits = {row[0]: row[1:] for row in rows(archive.sql(query[1]), "post_id", "before", "after")}
    before, after = edits["2001"]
    assert (before[:12], after) == ("Reply 1 in 2", "In other words.")


def test_the_archive_opened_in_python_answers_with_counters(example: Example):
    with open_archive(str(example.folder / "archive")) as archive:
        for moment in (THEN, "2024-06-03", THEN.date(), THEN.replace(tzinfo=None)):
            state = dict(rows(archive.posts_asof(moment), "post_id", "reactions"))
            assert state == {name: post["reactions"] for name, post in example.replay.asof(THEN).items()}
        at_snapshot = dict(rows(archive.posts_at_snapshot(2), "post_id", "reactions"))
        assert at_snapshot == {name: post["reactions"] for name, post in example.replay.at_snapshot(2).items()}
        assert len(rows(archive.threads_asof(THEN), "thread_id")) == len(rows(archive.threads(), "thread_id")) == 4
        assert len(rows(archive.threads_at_snapshot(1), "thread_id")) == 4


def test_changes_are_chosen_and_shown_with_their_text(example: Example):
    with open_archive(str(example.folder / "archive")) as archive:

        def chosen(selection: Selection, limit: int | None = None) -> list[dict[str, Any]]:
            return archive.changes_with_text(THEN, NOW, selection, limit).to_arrow_table().to_pylist()

        texts = {(row["post_id"], row["change"]): row["text"] for row in chosen(Selection(kind="post"))}
        assert len(texts) == len(example.replay.changes(THEN, NOW))
        assert texts["2001", "edited"] == "In other words."
        assert texts["2003", "deleted"].startswith("Reply 3 in 2"), "of what is gone the words that were there"
        # What was moved out of a board is among the changes of that board.
        [moved] = chosen(Selection(board="ir", changes=["moved"]))
        assert (moved["previous_thread_id"], moved["thread_id"], moved["changed"]) == ("1", "2", ["thread_id"])
        assert {row["snapshot"] for row in chosen(Selection(snapshot=3))} == {3}
        assert len(chosen(Selection(), limit=2)) == 2
        assert chosen(Selection(site="elsewhere")) == []
        counts = archive.count_changes(THEN, NOW, Selection(changes=["deleted", "restored"]))
        assert rows(counts, "board_id", "kind", "change", "changes") == [
            ("cardio", "post", "deleted", 1),
            ("cardio", "post", "restored", 1),
        ]


def test_the_command_lists_changes_for_machines(example: Example, medthreads: Medthreads):
    archive = ("--archive", str(example.folder / "archive"), "--json")
    listed = medthreads.json("changes", "--since", "2024-06-03", "--until", "2024-06-10", "--kind", "post", *archive)
    assert sorted((row["post_id"], row["version"], row["change"]) for row in listed) == sorted(
        (row["post_id"], row["version"], row["change"]) for row in example.replay.changes(THEN, NOW)
    )
    counts = medthreads.json("changes", "--snapshot", "4", "--summary", *archive)
    assert [(row["board_id"], row["change"], row["changes"]) for row in counts] == [("cardio", "deleted", 1)]


def test_the_command_tells_people_first_how_many_and_then_which(example: Example, medthreads: Medthreads):
    archive = ("--archive", str(example.folder / "archive"))
    span = ("--since", "2024-06-03", "--until", "2024-06-10", "--kind", "post")
    told = medthreads("changes", *span, "--limit", "2", *archive).stdout.splitlines()
    total = len(example.replay.changes(THEN, NOW))
    assert told[0] == f"After 2024-06-03 00:00 and up to 2024-06-10 00:00 UTC: {total} changes."
    assert told[2].split() == ["site", "board", "kind", "new", "edited", "deleted", "restored", "moved"]
    assert told[3].split() == ["clinicforum", "cardio", "post", "0", "2", "1", "1", "1"]
    assert told[-1] == f"{total - 2} more: --limit shows more of them, --json and --csv all."
    moved = medthreads("changes", *span, "--change", "moved", *archive).stdout
    assert "thread 1 before, board ir before" in moved
    none = medthreads("changes", "--since", "2030-01-01", "--until", "2030-01-02", *archive)
    assert (none.returncode, none.stdout) == (0, "After 2030-01-01 00:00 and up to 2030-01-02 00:00 UTC: 0 changes.\n")
    table = medthreads("changes", *span, "--csv", *archive).stdout.splitlines()
    assert table[0].startswith('"site","kind","board_id"')
    assert len(table) == 1 + total


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kind", "board"), "it takes post, thread"),
        (("--change", "edited,eaten"), "--change knows no 'eaten'"),
        (("--since", "yesterday"), "is no date"),
        (("--since", "2024-06-03", "--until", "2024-06-03"), "is not before"),
        (("--snapshot", "1", "--since", "2024-06-03"), "either --snapshot or dates"),
        (("--snapshot", "99"), "There is no snapshot 99"),
    ],
)
def test_what_cannot_be_asked_is_told(example: Example, medthreads: Medthreads, options: tuple[str, ...], words: str):
    done = medthreads("changes", "--archive", str(example.folder / "archive"), *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_snapshots_tell_what_each_added(example: Example, medthreads: Medthreads):
    archive = ("--archive", str(example.folder / "archive"))
    told = medthreads("snapshots", *archive).stdout.splitlines()
    assert len(told) == 5
    assert max(map(len, told)) <= 100
    assert "2 edited, 1 deleted, 1 moved of 15" in told[2]
    assert "16 new of 16" in told[1]
    listed = medthreads.json("snapshots", "--site", "clinicforum", "--json", *archive)
    assert [(row["number"], row["crawl_id"], row["deleted"]) for row in listed] == [
        (1, "c1", 0),
        (2, "c2", 1),
        (3, "c3", 0),
        (4, "c4", 1),
    ]
    assert medthreads.json("snapshots", "--site", "elsewhere", "--json", *archive) == []


def test_a_terminal_of_80_columns_cuts_no_id_and_no_date(example: Example, medthreads: Medthreads, tmp_path: Path):
    folder = shutil.copytree(example.folder, tmp_path / "copy")
    archive = Archive.open(folder / "archive", environ={})
    example.forum.crawl("reparse-20240630T000000.000000Z", on_day(29)).commit(archive)

    def shown(*command: str) -> str:
        terminal = {"FORCE_COLOR": "1", "COLUMNS": "80"}
        text = medthreads(*command, "--archive", str(archive.location), **terminal).stdout
        return re.sub(r"\x1b\[[0-9;]*m", "", text)

    snapshots, changes = shown("snapshots"), shown("changes", "--snapshot", "1", "--kind", "post")
    assert "reparse-20240630T000000.000000Z" in snapshots
    assert len(re.findall(r"\d{4}-\d\d-\d\d", snapshots)) == 5
    assert re.search(r"^2024-06-01 00:00 .*new.*\u2026$", changes, re.MULTILINE)
    assert max(map(len, [*snapshots.splitlines(), *changes.splitlines()])) <= 80
