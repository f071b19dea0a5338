"""Upkeep: what it puts together and deletes, and what it must never touch."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from test_exactly_once import contents, stopped_before
from ward_forum import Forum, on_day, rows
from whole_archive import AT_ONCE, land

from medthreads import pipeline
from medthreads.maintaining import repair, sentences
from storage import maintenance
from storage.archive import Archive
from storage.maintenance import compact, expire_landings, vacuum
from storage.publish import publish
from storage.sealing import maintain, seal
from storage.verification import verify

DAY = timedelta(days=1)


@pytest.fixture
def archive_of_days(archive: Archive, forum: Forum) -> Archive:
    """Ten days' commits: ten small files in the tables and partitions that each of them touches."""
    for day in range(10):
        forum.posts["1002"].body_text = f"Edited on day {day}."
        forum.crawl(f"c{day}", on_day(day)).commit(archive)
    publish(archive)
    return archive


def data_files(archive: Archive, name: str) -> list[Path]:
    return [path for path in (archive.root / name).rglob("*.parquet") if "_delta_log" not in path.parts]


def test_small_files_become_one_and_no_row_changes(archive_of_days: Archive, archive_at: Callable[[], Archive]):
    before = contents(archive_of_days)
    done = compact(archive_of_days)
    assert done.partitions_compacted == 3  # post_versions of March, observations of June, crawls
    assert (done.files_before, done.files_after) == (30, 3)
    assert done.rows_dropped == 0
    assert len(archive_of_days.tables.paths("crawls")) == 1
    assert contents(archive_at()) == before
    assert verify(archive_of_days.location, grace=AT_ONCE).findings == [], "new files have their checksums"
    assert compact(archive_of_days).partitions_compacted == 0


def test_large_partitions_are_left_and_named(archive_of_days: Archive):
    done = compact(archive_of_days, largest=1000)
    assert "post_versions/site=ward9/month=2024-03" in done.partitions_left
    assert done.partitions_compacted == 0


def test_a_damaged_partition_is_not_written_anew(archive_of_days: Archive):
    path = min(data_files(archive_of_days, "observations"))
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    done = compact(archive_of_days)
    assert [finding.where for finding in done.findings] == [path.relative_to(archive_of_days.root).as_posix()]
    assert len(archive_of_days.tables.paths("observations")) == 10


def test_replaced_files_go_when_no_reader_can_be_at_them(archive_of_days: Archive, archive_at: Callable[[], Archive]):
    before = contents(archive_of_days)
    compact(archive_of_days)
    assert vacuum(archive_of_days).replaced_deleted == 0, "they were replaced a moment ago"
    told = vacuum(archive_of_days, replaced_after=AT_ONCE, dry_run=True)
    assert told.replaced_deleted == 30
    assert len(data_files(archive_of_days, "crawls")) == 11
    assert vacuum(archive_of_days, replaced_after=AT_ONCE) == told
    assert len(data_files(archive_of_days, "crawls")) == 1
    assert vacuum(archive_of_days, replaced_after=AT_ONCE).replaced_deleted == 0
    assert contents(archive_at()) == before
    assert verify(archive_of_days.location, grace=AT_ONCE).findings == []


def test_ages_of_less_than_an_hour(archive_of_days: Archive):
    compact(archive_of_days)
    assert vacuum(archive_of_days, replaced_after=timedelta(minutes=30)).replaced_deleted == 0
    assert vacuum(archive_of_days, replaced_after=timedelta(microseconds=1)).replaced_deleted == 30


def test_left_files_go_when_no_commit_can_be_about_to_name_them(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    [held] = data_files(archive, "crawls")
    left = held.with_name("part-00000-left-c000.zstd.parquet")
    left.write_bytes(held.read_bytes())
    assert vacuum(archive).orphans_deleted == 0, "a commit may be about to name it"
    week_ago = time.time() - 8 * 86_400
    for path in (left, held):
        os.utime(path, (week_ago, week_ago))
    assert vacuum(archive).orphans_deleted == 1
    assert held.exists()
    assert not left.exists()


def test_a_file_that_was_replaced_today_is_kept_however_old_it_is(archive_of_days: Archive):
    week_ago = time.time() - 30 * 86_400
    for path in data_files(archive_of_days, "crawls"):
        os.utime(path, (week_ago, week_ago))
    compact(archive_of_days)
    done = vacuum(archive_of_days)
    assert (done.orphans_deleted, done.replaced_deleted) == (0, 0)
    assert len(data_files(archive_of_days, "crawls")) == 11


def stopped(archive: Archive, forum: Forum, crawl_id: str, day: int) -> None:
    with stopped_before("crawls"):
        forum.crawl(crawl_id, on_day(day)).commit(archive)


def left_rows(archive: Archive) -> int:
    attempts = {commit.attempt for commit in archive.committed()}
    return sum(row["attempt"] not in attempts for row in archive.tables.read_whole("boards", ("attempt",)))


def test_a_stopped_commit_that_can_be_completed_keeps_its_rows(
    archive: Archive, archive_at: Callable[[], Archive], forum: Forum, monkeypatch
):
    monkeypatch.setattr(maintenance, "CLOCKS_AGREE", AT_ONCE)
    stopped(archive, forum, "c1", 0)
    assert left_rows(archive) == 2
    assert compact(archive, small_files=0).rows_dropped == 0
    # The very same commit again: it finds its transactions in the log, and appends nothing but its own row.
    forum.crawl("c1", on_day(0)).commit(archive_at())
    assert len(rows(archive, "FROM posts")) == 20
    assert verify(archive.location, grace=AT_ONCE).counts["inconsistency"] == 0


def test_rows_of_a_crawl_that_was_committed_otherwise_are_dropped(archive: Archive, forum: Forum):
    with stopped_before("crawls"):
        forum.crawl("c1", on_day(0), open_threads=["1"]).commit(archive)
    forum.crawl("c1", on_day(0)).commit(archive)
    before = contents(archive)
    assert verify(archive.location).findings[-1].kind == "unfinished"
    assert compact(archive, small_files=0).rows_dropped > 5
    assert contents(archive) == before
    assert "unfinished" not in {finding.kind for finding in verify(archive.location).findings}


def test_rows_of_a_stopped_commit_are_dropped_when_another_crawl_has_taken_its_number(
    archive: Archive, forum: Forum, monkeypatch
):
    stopped(archive, forum, "c1", 0)
    forum.crawl("c2", on_day(1)).commit(archive)
    assert compact(archive, small_files=0).rows_dropped == 0, "by the clocks of two machines that is not sure yet"
    monkeypatch.setattr(maintenance, "CLOCKS_AGREE", -DAY)
    assert compact(archive, small_files=0).rows_dropped > 20
    before = len(rows(archive, "FROM post_versions"))
    # Committed late all the same: it is another commit now, and brings all of its rows.
    forum.crawl("c1", on_day(0)).commit(archive)
    assert len(rows(archive, "FROM post_versions")) == before == 20
    assert len(rows(archive, "FROM observations WHERE crawl_id = 'c1' AND kind = 'post'")) == 20
    assert verify(archive.location, grace=AT_ONCE).counts["inconsistency"] == 0


def test_landings_go_by_their_age_if_they_are_committed(tmp_path: Path):
    location = tmp_path / "archive"
    forum = Forum.with_threads(site="north")
    pipeline.store(str(location), land(location, forum.crawl("c1", on_day(0)), "north"))
    waiting = land(location, forum.crawl("c2", on_day(1)), "north")
    archive = Archive.open(location)
    before = contents(archive)
    in_ten_days = datetime.now(UTC) + 10 * DAY
    assert expire_landings(archive, 30 * DAY, now=in_ten_days).landings_deleted == []
    assert expire_landings(archive, 7 * DAY, now=in_ten_days, dry_run=True).landings_deleted == ["north/c1"]
    assert (location / "landing" / "north" / "c1" / "pages-00000.warc.gz").exists()
    done = expire_landings(archive, 7 * DAY, now=in_ten_days)
    assert "a later engine can no longer read" in sentences(done)[0]
    assert not (location / "landing" / "north" / "c1").exists()
    assert waiting.exists(), "what is not committed is never deleted"
    assert contents(archive) == before
    assert verify(archive.location, grace=AT_ONCE).findings == [], "deleted on purpose is not missing"


def test_a_landing_at_work_is_left(tmp_path: Path):
    location = tmp_path / "archive"
    landing = land(location, Forum.with_threads(site="north").crawl("c1", on_day(0)), "north")
    pipeline.store(str(location), landing)
    archive = Archive.open(location)
    with archive.lock("commit-north", AT_ONCE, "busy"):
        assert expire_landings(archive, AT_ONCE, now=datetime.now(UTC) + DAY).landings_deleted == []
    assert landing.exists()


def test_files_without_checksum_get_one_if_they_can_be_read(archive: Archive, forum: Forum, monkeypatch):
    monkeypatch.setattr(archive.checksums, "record", lambda _paths: None)
    forum.crawl("c1", on_day(0)).store(archive)
    monkeypatch.undo()
    spoiled = min(data_files(archive, "post_versions"))
    spoiled.write_bytes(spoiled.read_bytes()[:-200])
    done = seal(archive, young=AT_ONCE)
    assert [finding.where for finding in done.findings] == [spoiled.relative_to(archive.root).as_posix()]
    assert done.files_sealed > 10
    left = verify(archive.location, grace=AT_ONCE).findings
    assert {finding.where for finding in left if finding.kind == "unsealed"} == {done.findings[0].where}


def test_ledgers_are_put_together_and_say_the_same(archive_of_days: Archive, monkeypatch):
    monkeypatch.setattr("storage.sealing.LEDGERS", 3)
    compact(archive_of_days)
    vacuum(archive_of_days, replaced_after=AT_ONCE)
    before = archive_of_days.checksums.recorded()
    assert seal(archive_of_days).ledgers_put_together == 0, "young ones may announce what has not happened yet"
    assert seal(archive_of_days, young=AT_ONCE).ledgers_put_together > 10
    after = archive_of_days.checksums.recorded()
    there = {path for path in before.digests if (archive_of_days.root / path).exists()}
    assert after.digests == {path: before.digests[path] for path in there}
    assert len(list((archive_of_days.root / "checksums").iterdir())) == 1
    assert verify(archive_of_days.location, grace=AT_ONCE).findings == []


def test_a_dry_run_changes_nothing(archive_of_days: Archive):
    def listing() -> dict[str, int]:
        return {entry.path: entry.bytes for entry in archive_of_days.files.list() if ".lock" not in entry.path}

    before = listing()
    done = maintain(archive_of_days, DAY, dry_run=True)
    assert done.partitions_compacted == 3
    assert listing() == before
    assert maintain(archive_of_days).partitions_compacted == 3


def test_a_long_log_gets_a_checkpoint(archive: Archive, forum: Forum, monkeypatch):
    monkeypatch.setattr(maintenance, "LOG_ENTRIES", 3)
    for day in range(4):
        forum.crawl(f"c{day}", on_day(day)).commit(archive)
    assert compact(archive).checkpoints == 2  # crawls and observations
    assert compact(archive).checkpoints == 0
    assert verify(archive.location, grace=AT_ONCE).findings[-1].kind == "lagging"
    assert len(archive.snapshots()) == 4


def test_what_is_derived_is_repaired(archive: Archive, forum: Forum):
    from summaries.refresh import refresh

    forum.crawl("c1", on_day(0)).store(archive)
    refresh(archive)
    before = contents(archive)
    for pattern in ("current/posts/**/*.parquet", "summaries/digests/*/data.parquet"):
        path = min(archive.root.glob(pattern))
        path.write_bytes(path.read_bytes()[:-30])
    archive.index.path.write_bytes(b"SQLite format 3\0" + b"nothing" * 1000)
    spoiled = verify(archive.location)
    assert spoiled.is_faulty
    assert len(repair(archive.location, spoiled)) == 3
    assert verify(archive.location, grace=AT_ONCE).findings == []
    assert contents(archive) == before
