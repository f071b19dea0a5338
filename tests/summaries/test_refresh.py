"""Refreshing the summary files: only what changed is computed and written, and readers never see half a file."""

import errno
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from crawler.errors import BusyError, DiskFullError
from storage.files import files_at
from storage.schema import arrow_schema
from summaries import refresh as refreshing
from summaries.abstractive import Endpoint, EndpointError
from summaries.refresh import refresh
from summaries.repetition import COUNTS
from summaries.schema import TABLES

START = datetime(2024, 1, 30, 8, tzinfo=UTC)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


class Shelf:
    """An archive whose posts and threads are lists: all that a refresh asks of an archive."""

    def __init__(self, root: Path) -> None:
        self.root = self.work = root
        self.location = str(root)
        self.files = files_at(str(root))
        self.posts: list[dict[str, Any]] = []
        self.threads: list[dict[str, Any]] = []

    def connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        for name, rows in (("posts", self.posts), ("threads", self.threads)):
            connection.register(name, pa.Table.from_pylist(rows, arrow_schema(name)))
        return connection

    def add(self, post_id: str, thread_id: str, text: str, site: str = "clinic", **more: Any) -> dict[str, Any]:
        created_at = START + timedelta(hours=7 * len(self.posts))
        opening = not any(row["thread_id"] == thread_id and row["site"] == site for row in self.posts)
        known = {"site": site, "board_id": "heart", "thread_id": thread_id, "created_at": created_at}
        known |= {"month": f"{created_at:%Y-%m}", "status": "visible"}
        row = known | {"post_id": post_id, "author_key": f"key-{len(self.posts) % 5}", "body_text": text}
        self.posts.append(row | {"is_opening": opening, "content_hash": f"hash of {text}", "version": 1} | more)
        if opening:
            self.threads.append(known | {"title": f"Title of {thread_id}"})
        return self.posts[-1]

    def refresh(self, now: datetime = FIRST, **more: Any) -> dict[str, int]:
        counts = refresh(self, now=now, environ=more.pop("environ", {}), **more)
        return {name: count for name, count in counts.items() if count and name not in COUNTS}

    def rows(self, table: str) -> list[dict[str, Any]]:
        return pq.read_table(self.root / "summaries" / table).to_pylist()

    def contents(self) -> dict[str, tuple[int, bytes]]:
        """Every file of the summary tables with its inode-independent identity: time of change and bytes."""
        folders = (self.root / "summaries" / name for name in TABLES)
        paths = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    filled = Shelf(tmp_path)
    for thread in range(6):
        board = "heart" if thread < 4 else "brain"
        for number in range(4):
            filled.add(
                f"{thread}-{number}",
                f"t{thread}",
                f"The patient of thread {thread} took drug {number} for the heart. Is the dose of {number} right?",
                board_id=board,
            )
        filled.threads[-1]["board_id"] = board
    return filled


def test_a_first_refresh_computes_all(shelf: Shelf) -> None:
    assert shelf.refresh() == {"activity_boards": 2, "digests": 6, "files_written": 2}
    assert set(shelf.contents()) == {f"summaries/{table}/site=clinic/data.parquet" for table in TABLES}
    for name, table in TABLES.items():
        rows = pq.read_table(shelf.root / "summaries" / name / "site=clinic" / "data.parquet", partitioning=None)
        assert rows.schema.names == [column for column in table.column_names if column != "site"]
    digest = shelf.rows("digests")[0]
    assert (digest["site"], digest["thread_id"], digest["board_id"]) == ("clinic", "t0", "heart")
    assert (digest["posts"], digest["method"], digest["refreshed_at"]) == (4, "extractive-1", FIRST)
    assert digest["digest_text"].startswith("Title of t0\nOP: ")
    assert digest["first_at"] == START
    assert sum(row["posts"] for row in shelf.rows("activity")) == 24


def test_a_second_refresh_touches_nothing(shelf: Shelf) -> None:
    shelf.refresh()
    before = shelf.contents()
    assert shelf.refresh(LATER) == {"activity_boards_unchanged": 2, "digests_unchanged": 6}
    assert shelf.contents() == before


def test_bytes_depend_on_the_posts_alone(shelf: Shelf, tmp_path: Path) -> None:
    other = Shelf(tmp_path / "other")
    other.posts, other.threads = shelf.posts[::-1], shelf.threads[::-1]
    shelf.refresh()
    other.refresh()
    assert [data for _, data in shelf.contents().values()] == [data for _, data in other.contents().values()]


def test_an_edit_changes_the_digest_of_its_thread_and_no_activity(shelf: Shelf) -> None:
    shelf.refresh()
    before = {row["thread_id"]: row for row in shelf.rows("digests")}
    text = "The patient of thread 2 took an entirely different drug for the heart."
    shelf.posts[9] |= {"body_text": text, "content_hash": "another"}
    assert shelf.refresh(LATER) == {
        "activity_boards_unchanged": 2, "digests": 1, "digests_unchanged": 5, "files_written": 1,
    }  # fmt: skip
    after = {row["thread_id"]: row for row in shelf.rows("digests")}
    assert {thread for thread in after if after[thread] != before[thread]} == {"t2"}
    assert text in after["t2"]["digest_text"]
    assert after["t2"]["refreshed_at"] == LATER


def test_a_late_reply_changes_its_board_and_its_thread(shelf: Shelf) -> None:
    shelf.refresh()
    shelf.add("late", "t5", "This came later than the others did.", board_id="brain")
    assert shelf.refresh(LATER) == {
        "activity_boards": 1, "activity_boards_unchanged": 1, "digests": 1, "digests_unchanged": 5, "files_written": 2,
    }  # fmt: skip
    whole = Shelf(shelf.root / "whole")
    whole.posts, whole.threads = shelf.posts, shelf.threads
    whole.refresh(LATER)
    for table in TABLES:
        parts = [[row | {"refreshed_at": None} for row in each.rows(table)] for each in (shelf, whole)]
        assert parts[0] == parts[1]


@pytest.mark.parametrize(
    ("change", "digests"),
    [
        ({"status": "deleted", "body_text": "", "content_hash": "gone"}, 1),
        ({"score": 1}, 1),
        ({"author_key": "key-of-another"}, 1),
        ({"created_at": START + timedelta(days=90)}, 1),
        ({"last_seen_at": LATER, "url": "https://example.org/elsewhere", "observed_at": LATER}, 0),
    ],
)
def test_what_makes_a_digest_due(shelf: Shelf, change: dict[str, Any], digests: int) -> None:
    shelf.refresh()
    shelf.posts[5] |= change
    assert shelf.refresh(LATER).get("digests", 0) == digests


def test_a_vote_more_among_many_makes_nothing_due(shelf: Shelf) -> None:
    shelf.posts[5]["score"] = 130
    shelf.refresh()
    shelf.posts[5]["score"] = 131
    assert "digests" not in shelf.refresh(LATER)


def test_a_title_or_board_of_the_thread_makes_it_due(shelf: Shelf) -> None:
    shelf.refresh()
    shelf.threads[0]["title"] = "Another title"
    assert shelf.refresh(LATER) == {
        "activity_boards_unchanged": 2, "digests": 1, "digests_unchanged": 5, "files_written": 1,
    }  # fmt: skip
    shelf.threads[0]["board_id"] = "brain"
    counts = shelf.refresh(LATER)
    assert (counts["activity_boards"], counts["digests"]) == (2, 1), "the board that it left and the one it came to"
    assert shelf.rows("digests")[0]["board_id"] == "brain"


def test_what_is_erased_from_the_posts_leaves_the_summaries(shelf: Shelf) -> None:
    shelf.refresh()
    shelf.posts = [row for row in shelf.posts if row["thread_id"] not in {"t4", "t5"}]
    assert shelf.refresh(LATER) == {
        "activity_boards_unchanged": 1, "activity_boards_removed": 1,
        "digests_unchanged": 4, "digests_removed": 2, "files_written": 2,
    }  # fmt: skip
    shelf.posts = []
    assert shelf.refresh(LATER) == {"activity_boards_removed": 1, "digests_removed": 4, "files_written": 2}
    assert shelf.rows("digests") == shelf.rows("activity") == []


def test_one_site_leaves_the_others_alone(shelf: Shelf) -> None:
    shelf.add("x", "t0", "Another site has a thread of the same number.", site="ward")
    assert shelf.refresh(site="ward") == {"activity_boards": 1, "digests": 1, "files_written": 2}
    assert {row["site"] for row in shelf.rows("digests")} == {"ward"}
    assert shelf.refresh(site="nowhere") == {}
    assert shelf.refresh() == {
        "activity_boards": 2, "activity_boards_unchanged": 1, "digests": 6, "digests_unchanged": 1, "files_written": 2,
    }  # fmt: skip


def test_posts_without_date_board_or_thread_row(shelf: Shelf) -> None:
    shelf.posts = [shelf.posts[0] | {"board_id": None, "created_at": None, "month": "unknown"}]
    shelf.threads = []
    assert shelf.refresh() == {"activity_boards": 1, "digests": 1, "files_written": 2}
    assert (shelf.rows("activity")[0]["board_id"], shelf.rows("activity")[0]["day"]) == (None, None)
    assert (shelf.rows("digests")[0]["board_id"], shelf.rows("digests")[0]["title"]) == (None, None)
    assert shelf.refresh() == {"activity_boards_unchanged": 1, "digests_unchanged": 1}


def test_a_broken_file_is_made_anew(shelf: Shelf) -> None:
    shelf.refresh()
    path = shelf.root / "summaries" / "digests" / "site=clinic" / "data.parquet"
    path.write_bytes(b"half a fi")
    assert shelf.refresh()["digests"] == 6
    assert len(shelf.rows("digests")) == 6


def test_a_full_disk_leaves_the_files_of_before(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.refresh()
    before = shelf.contents()
    shelf.add("late", "t5", "This came later than the others did.")

    def full(table: pa.Table, where: Path, **options: Any) -> None:
        del table, options
        where.write_bytes(b"half a fi")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(refreshing.pq, "write_table", full)
    with pytest.raises(DiskFullError, match="No space left"):
        shelf.refresh()
    assert shelf.contents() == before


def test_what_a_killed_refresh_left_goes(shelf: Shelf) -> None:
    shelf.refresh()
    before = shelf.contents()
    (shelf.root / "summaries" / "digests" / "site=clinic" / ".data.parquet.4242.tmp").write_bytes(b"half a fi")
    shelf.refresh()
    assert shelf.contents() == before


def test_a_reader_keeps_the_file_that_it_opened(shelf: Shelf) -> None:
    shelf.refresh()
    path = shelf.root / "summaries" / "digests" / "site=clinic" / "data.parquet"
    with pq.ParquetFile(path) as reading:
        shelf.add("late", "t5", "This came later than the others did.")
        shelf.refresh(LATER)
        assert set(reading.read()["refreshed_at"].to_pylist()) == {FIRST}
    assert set(pq.read_table(path)["refreshed_at"].to_pylist()) == {FIRST, LATER}


def test_two_refreshes_at_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "_LOCK_SECONDS", 0.05)
    shelf.refresh()
    with (
        FileLock(shelf.root / "summaries" / ".refresh.lock"),
        pytest.raises(BusyError, match="Another refresh"),
    ):
        shelf.refresh()


CONFIGURED = {"MEDTHREADS_DIGEST_URL": "http://127.0.0.1:9/v1", "MEDTHREADS_DIGEST_MODEL": "m"}


class Model:
    """Stands for the endpoint; counts what it is asked."""

    def __init__(self, works: bool = True) -> None:
        self.works = works
        self.asked = 0

    def __call__(self, endpoint: Endpoint, request: Mapping[str, Any]) -> bytes:
        assert endpoint.model == request["model"]
        self.asked += 1
        if not self.works:
            raise EndpointError("status 500")
        return json.dumps({"choices": [{"message": {"content": "OP asks about a dose [1]."}}]}).encode()


def test_an_endpoint_writes_the_digests_once(shelf: Shelf) -> None:
    model = Model()
    counts = shelf.refresh(environ=CONFIGURED, ask=model)
    assert (counts["digests"], counts["digests_abstractive"]) == (6, 6)
    digest = shelf.rows("digests")[0]
    assert (digest["method"], digest["digest_text"]) == ("abstractive-1:m", "OP asks about a dose [0-0].")
    assert digest["sentences"], "the extractive evidence stays"
    assert shelf.refresh(LATER, environ=CONFIGURED, ask=model) == {
        "activity_boards_unchanged": 2, "digests_unchanged": 6,
    }  # fmt: skip
    assert model.asked == 6
    assert shelf.refresh(LATER)["digests"] == 6, "without the endpoint they are extractive again"


def test_an_endpoint_that_fails_leaves_extractive_digests_and_is_asked_again_next_time(shelf: Shelf) -> None:
    model = Model(works=False)
    counts = shelf.refresh(environ=CONFIGURED, ask=model)
    assert (counts["digests"], counts["digests_fallback"], model.asked) == (6, 6, 3)
    assert {row["method"] for row in shelf.rows("digests")} == {"extractive-1"}
    before = shelf.contents()
    assert shelf.refresh(LATER, environ=CONFIGURED, ask=model) == {
        "activity_boards_unchanged": 2, "digests_unchanged": 6, "digests_fallback": 6,
    }  # fmt: skip
    assert shelf.contents() == before
    assert shelf.refresh(LATER, environ=CONFIGURED, ask=Model())["digests_abstractive"] == 6
