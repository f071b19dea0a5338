"""Checking a release, and taking something out of it."""

import hashlib
import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from ward_forum import SITE, Forum, on_day

from crawler.errors import ArchiveError
from storage.archive import Archive
from storage.files import LocalFiles, files_at
from storage.release import make_release
from storage.release_changes import rewrite_release, rewrite_releases, verify_release
from storage.release_tables import RELEASED

AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


@pytest.fixture
def released(archive: Archive, forum: Forum) -> Path:
    """A release in which thread 4 is alone in its month."""
    forum.crawl("c1", on_day(0)).store(archive)
    return Path(make_release(archive).location)


def faults(folder: Path) -> list[str]:
    return verify_release(files_at(str(folder)))


def without_thread(thread_id: str):
    """Takes a thread's rows out of every table that names threads."""

    def drop(_table: str, rows: pa.Table) -> pa.Table:
        if "thread_id" not in rows.column_names:
            return rows
        return rows.filter(pc.not_equal(rows["thread_id"], thread_id))

    return drop


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_release_as_it_was_made_has_no_fault(archive: Archive, released: Path):
    assert faults(released) == []
    assert verify_release(archive.files, f"releases/{released.name}") == []


def test_every_flipped_bit_is_found(released: Path):
    paths = sorted(path for path in released.rglob("*") if path.is_file())
    chance = random.Random(1)
    for path in paths * 3:
        whole = path.read_bytes()
        at, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
        found = faults(released)
        assert [fault for fault in found if path.name in fault], (path, at, bit)
        path.write_bytes(whole)
    assert faults(released) == []


def test_missing_and_additional_files_are_found(released: Path):
    (released / "boards.parquet").unlink()
    (released / "SHA256SUMS").unlink()
    (released / "extra.csv").write_text("a,b\n")
    assert faults(released) == [
        "SHA256SUMS is missing.",
        "boards.parquet is missing.",
        "extra.csv does not belong to the release.",
    ]
    (released / "manifest.json").unlink()
    assert faults(released) == ["manifest.json is missing: this is no release, or one that is not whole."]


def test_what_is_dropped_is_in_no_file_any_more(archive: Archive, released: Path):
    before = hashes(released)
    changed = rewrite_release(archive, released.name, without_thread("4"), AT)

    gone = f"{{}}/site={SITE}/month=2024-05/data.parquet"
    assert {gone.format(table) for table in ("posts", "threads", "post_versions", "thread_versions")} <= {*changed}
    assert not list(released.rglob("month=2024-05"))
    after = hashes(released)
    documents = {"README.md", "datapackage.json", "manifest.json", "SHA256SUMS"}
    assert {path for path in after if after[path] != before[path]} == documents | ({*changed} & after.keys())
    assert faults(released) == []
    readme = (released / "README.md").read_text()
    assert "changed on 2026-11-23 08:30 UTC" in readme
    assert "| `posts` | 2 | 15 |" in readme
    assert not [path for path in released.rglob("*.*") if b"month=2024-05" in path.read_bytes()]


def test_where_nothing_is_dropped_nothing_is_written(archive: Archive, released: Path):
    before = hashes(released)
    assert rewrite_release(archive, released.name, without_thread("99")) == []
    assert rewrite_releases(archive, without_thread("99")) == {}
    assert hashes(released) == before


def test_a_value_alone_can_be_changed_in_all_releases(archive: Archive, released: Path, forum: Forum):
    forum.crawl("c2", on_day(1)).store(archive)
    later = Path(make_release(archive).location)

    def mask(table: str, rows: pa.Table) -> pa.Table:
        if table != "threads":
            return rows
        at = rows.schema.get_field_index("title")
        return rows.set_column(at, "title", pc.replace_substring(rows["title"], "Stent", "[masked]"))

    changed = rewrite_releases(archive, mask, AT)
    assert changed.keys() == {released.name, later.name}
    assert all(path.startswith("threads/") for paths in changed.values() for path in paths)
    assert faults(released) == faults(later) == []


@pytest.mark.parametrize("replaced", [0, 1, 3, 5])
def test_a_change_that_was_stopped_is_completed_by_the_same_again(
    archive: Archive, released: Path, monkeypatch, replaced: int
):
    taken: list[str] = []
    take = LocalFiles.take

    def stopped(files: LocalFiles, path: str, source: Path) -> None:
        if len(taken) == replaced:
            raise KeyboardInterrupt
        taken.append(path)
        take(files, path, source)

    monkeypatch.setattr(LocalFiles, "take", stopped)
    with pytest.raises(KeyboardInterrupt):
        rewrite_release(archive, released.name, without_thread("4"), AT)
    monkeypatch.undo()
    assert "make the same erasure again" in faults(released)[0]

    rewrite_release(archive, released.name, without_thread("4"), AT)
    assert faults(released) == []
    assert not list(released.rglob("month=2024-05"))
    assert "changed on 2026-11-23" in (released / "README.md").read_text()


def test_a_release_of_before_a_column_came_can_be_changed(archive: Archive, forum: Forum, monkeypatch):
    of_before = tuple(column for column in RELEASED["posts"].columns if column.name != "masked")
    with monkeypatch.context() as before:
        before.setitem(RELEASED, "posts", replace(RELEASED["posts"], columns=of_before))
        forum.crawl("c1", on_day(0)).store(archive)
        released = Path(make_release(archive).location)
    rewrite_release(archive, released.name, without_thread("2"), AT)

    assert faults(released) == []
    files = list(released.glob("posts/*/*/*.parquet"))
    assert all("masked" not in pq.read_schema(path).names for path in files)
    resources = json.loads((released / "datapackage.json").read_bytes())["resources"]
    fields = [field["name"] for field in resources[0]["schema"]["fields"]]
    assert fields == pq.read_schema(files[0]).names


def test_a_damaged_release_is_not_made_to_look_sound(archive: Archive, released: Path):
    path = released / "boards.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(ArchiveError, match=r"boards.parquet is damaged"):
        rewrite_release(archive, released.name, without_thread("4"))
    assert len(faults(released)) == 1


def test_a_release_that_is_not_there_cannot_be_changed(archive: Archive, released: Path):
    with pytest.raises(ArchiveError, match="no release 2000-01-01-snapshot-1"):
        rewrite_release(archive, "2000-01-01-snapshot-1", without_thread("4"))
    assert released.exists()
