"""Verification and upkeep of an archive on S3."""

from pathlib import Path

import pytest
from ward_forum import Forum, on_day, rows
from whole_archive import AT_ONCE

from storage.archive import Archive
from storage.maintenance import compact, vacuum
from storage.publish import publish
from storage.sealing import maintain
from storage.verification import verify
from tests.storage.s3_server import S3Server


@pytest.fixture
def archive(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive in a bucket of its own, with three small commits."""
    environ = s3.environ(tmp_path / "one") | {"MEDTHREADS_KEY_FILE": str(tmp_path / "pseudonyms.key")}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    archive = Archive.open(f"s3://{s3.bucket()}/archive")
    forum = Forum.with_threads(count=1)
    for day in range(3):
        forum.posts["1001"].body_text = f"Edited on day {day}."
        forum.crawl(f"c{day}", on_day(day)).commit(archive)
    publish(archive)
    return archive


def test_it_is_as_it_was_written_before_and_after_upkeep(archive: Archive) -> None:
    assert verify(archive.location, grace=AT_ONCE).findings == []
    before = rows(archive, "FROM post_versions ORDER BY ALL")
    done = compact(archive, small_files=1)
    assert done.partitions_compacted == 3
    assert vacuum(archive, replaced_after=AT_ONCE).replaced_deleted == 9
    maintain(archive)
    assert verify(archive.location, grace=AT_ONCE).findings == []
    assert rows(archive, "FROM post_versions ORDER BY ALL") == before


def test_a_flipped_bit_is_found(archive: Archive) -> None:
    path = min(entry.path for entry in archive.files.list("observations") if entry.path.endswith(".parquet"))
    content = bytearray(archive.files.read(path))
    content[100] ^= 4
    archive.files.write(path, bytes(content))
    [finding] = verify(archive.location, grace=AT_ONCE).findings
    assert (finding.severity, finding.where) == ("damage", path)
