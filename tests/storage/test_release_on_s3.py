"""Releases of an archive on S3: sent with the manifest last, listed, checked and changed there."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from s3_server import S3Server
from ward_forum import Forum, on_day

from storage.archive import Archive
from storage.release import make_release, releases
from storage.release_changes import rewrite_release, verify_release
from storage.s3_files import S3Files


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    """One server for all tests of this file."""
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def on_s3(server: S3Server, tmp_path: Path) -> Archive:
    """An archive with one crawl, in a bucket of its own."""
    archive = Archive.open(f"s3://{server.bucket()}/archive", environ=server.environ(tmp_path / "work"))
    Forum.with_threads(2).crawl("c1", on_day(0)).store(archive)
    return archive


def test_a_release_on_s3_is_that_of_a_folder(on_s3: Archive, tmp_path: Path):
    release = make_release(on_s3)
    assert release.location == f"{on_s3.location}/releases/{release.name}"
    assert [one.name for one in releases(on_s3)] == [release.name]
    assert verify_release(on_s3.files, f"releases/{release.name}") == []

    folder = make_release(on_s3, output=tmp_path / "local")
    assert (folder.data_sha256, folder.sums_sha256) == (release.data_sha256, release.sums_sha256)
    assert not make_release(on_s3).made


def test_what_was_not_sent_whole_is_no_release(on_s3: Archive, monkeypatch):
    take = S3Files.take

    def cut_off(files: S3Files, path: str, source: Path) -> None:
        if path.endswith("SHA256SUMS"):
            raise KeyboardInterrupt
        take(files, path, source)

    monkeypatch.setattr(S3Files, "take", cut_off)
    with pytest.raises(KeyboardInterrupt):
        make_release(on_s3)
    assert list(on_s3.files.list("releases"))
    assert releases(on_s3) == []
    monkeypatch.setattr(S3Files, "take", take)
    release = make_release(on_s3)
    assert release.made
    assert verify_release(on_s3.files, f"releases/{release.name}") == []


def test_a_release_on_s3_can_be_changed(on_s3: Archive):
    release = make_release(on_s3)

    def drop(_table: str, rows: pa.Table) -> pa.Table:
        return rows.filter(pc.not_equal(rows["thread_id"], "2")) if "thread_id" in rows.column_names else rows

    assert rewrite_release(on_s3, release.name, drop)
    assert verify_release(on_s3.files, f"releases/{release.name}") == []
    assert releases(on_s3)[0].rows < release.rows
    assert b"changed on" in on_s3.files.read(f"releases/{release.name}/README.md")
