"""A release taken into an archive as tables: what it knows comes with its history, once, and nothing else changes."""

import hashlib
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ward_forum import Forum, on_day

from crawler.errors import UsageError
from storage.archive import Archive
from storage.bulk import import_release, is_release
from storage.erasure import erase
from storage.erasure_scope import Subject
from storage.publish import publish

HISTORY = ("post_versions", "thread_versions", "observations")


@pytest.fixture
def source(tmp_path: Path, forum: Forum) -> Archive:
    """An archive with an edit, a deletion, a thread that came later, and a post that moved to another month."""
    # With the key of the other one: hashes of texts in which something was masked are made with it.
    archive = Archive.open(tmp_path / "source", environ={"MEDTHREADS_KEY_FILE": str(tmp_path / "archive.key")})
    forum.crawl("c1", on_day(0)).commit(archive)
    forum.posts["1001"].body_text += " Later I took a 0.014 wire."
    del forum.posts["2003"]
    forum.open_thread("5", board_id="ir", replies=2)
    forum.posts["3002"].created_at = on_day(-90)
    forum.crawl("c2", on_day(3)).commit(archive)
    publish(archive)
    return archive


@pytest.fixture
def history(tmp_path: Path, source: Archive) -> Path:
    """The archive as a release holds it: last state and history."""
    folder = tmp_path / "release"
    for name in ("posts", "threads"):
        shutil.copytree(source.root / "current" / name, folder / name)
    with source.connect() as connection:
        for name in HISTORY:
            connection.execute(f"COPY (FROM {name}) TO '{folder / name}' (FORMAT parquet, PARTITION_BY (site, month))")
    return folder


def rows(archive: Archive, query: str) -> list[dict[str, Any]]:
    with archive.connect() as connection:
        return sorted(connection.sql(query).to_arrow_table().to_pylist(), key=repr)


WITHOUT_ORIGIN = "SELECT * EXCLUDE (crawl_id) FROM {}"


def test_a_release_brings_posts_threads_and_their_whole_history(
    history: Path, source: Archive, archive: Archive
) -> None:
    assert is_release(history)
    [done] = import_release(archive, history)
    publish(archive)
    assert done.snapshot.counts["new"] == done.posts == len(rows(source, "SELECT post_id FROM posts"))
    for name in ("posts", "threads", *HISTORY):
        query = WITHOUT_ORIGIN.format(name)
        assert rows(archive, query) == rows(source, query), name
    for name in ("posts", "threads"):
        query = WITHOUT_ORIGIN.format(f"{name}_asof('2024-06-02')")
        assert rows(archive, query) == rows(source, query), name


def test_a_copy_of_current_brings_the_last_state(source: Archive, archive: Archive) -> None:
    [done] = import_release(archive, source.root / "current")
    publish(archive)
    columns = "SELECT * EXCLUDE (crawl_id, version, change) FROM {}"
    for name in ("posts", "threads"):
        assert rows(archive, columns.format(name)) == rows(source, columns.format(name)), name
    assert rows(archive, "SELECT DISTINCT version, change FROM post_versions") == [{"version": 1, "change": "new"}]
    assert done.threads == 5


def test_the_same_release_again_changes_nothing(history: Path, archive: Archive) -> None:
    import_release(archive, history)
    [again] = import_release(archive, history)
    assert again.is_repeated
    assert [snapshot.number for snapshot in archive.snapshots()] == [1]


def test_what_the_archive_knows_stays_as_it_is(history: Path, archive: Archive, forum: Forum) -> None:
    forum.posts["1001"].body_text = "What this archive knows of it."
    forum.crawl("own", on_day(9), open_threads=["1"]).commit(archive)
    before = rows(archive, "FROM post_versions WHERE thread_id = '1'")
    [done] = import_release(archive, history)
    assert rows(archive, "FROM post_versions WHERE thread_id = '1'") == before
    assert done.snapshot.counts["new"] == done.posts - len(before)


def test_the_next_crawl_goes_on_from_it(history: Path, source: Archive, archive: Archive, forum: Forum) -> None:
    import_release(archive, history)
    counts = forum.crawl("c3", on_day(5)).commit(archive).counts
    posts = rows(source, "SELECT post_id FROM posts WHERE status = 'visible'")
    assert (counts["new"], counts["edited"], counts["seen"]) == (0, 0, len(posts))


def test_an_import_that_was_interrupted_is_completed(
    history: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        context.setattr(Archive, "mark", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(Exception, match="killed"):
            import_release(archive, history)
    assert rows(archive, "FROM posts") == []
    [done] = import_release(archive, history)
    assert len(rows(archive, "SELECT DISTINCT post_id FROM post_versions")) == done.posts
    assert len(rows(archive, "FROM post_versions")) == len(
        rows(archive, "SELECT DISTINCT post_id, version FROM post_versions")
    )


def test_a_damaged_release_is_refused(history: Path, archive: Archive) -> None:
    path = next(iter(sorted(history.glob("posts/*/*/*.parquet"))))
    name = path.relative_to(history).as_posix()
    (history / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")
    with pytest.raises(UsageError, match="is not as SHA256SUMS says; get the release again"):
        import_release(archive, history)
    assert archive.snapshots() == []


def test_a_release_without_all_of_its_files_is_refused(history: Path, archive: Archive) -> None:
    names = [path.relative_to(history).as_posix() for path in sorted(history.rglob("*.parquet"))]
    digests = [hashlib.sha256((history / name).read_bytes()).hexdigest() for name in names]
    (history / "SHA256SUMS").write_text(
        "".join(f"{digest}  {name}\n" for digest, name in zip(digests, names, strict=True))
    )
    shutil.rmtree(history / "post_versions")
    with pytest.raises(UsageError, match=r"lacks post_versions/site=ward9.*; get the release again"):
        import_release(archive, history)
    assert archive.snapshots() == []


def test_a_copy_of_current_is_held_against_its_manifest(source: Archive, archive: Archive, tmp_path: Path) -> None:
    copied = shutil.copytree(source.root / "current", tmp_path / "copy")
    shutil.rmtree(next(copied.glob("threads/site=*/month=*")))
    with pytest.raises(UsageError, match=r"lacks threads/site=ward9.*, which its manifest.json lists"):
        import_release(archive, copied)


def test_files_that_are_no_such_tables_are_told_in_a_sentence(history: Path, archive: Archive) -> None:
    path = next(iter(sorted(history.glob("post_versions/*/*/*.parquet"))))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UsageError, match="is no whole Parquet file; get the release again"):
        import_release(archive, history)
    pq.write_table(pa.table({"version": [1]}), path)
    with pytest.raises(UsageError, match="is not as this version writes post_versions: it lacks"):
        import_release(archive, history)


def test_what_was_erased_does_not_come_back_with_a_release(history: Path, archive: Archive, forum: Forum) -> None:
    author = forum.posts["1001"].author
    assert author is not None
    theirs = {post_id for post_id, post in forum.posts.items() if post.author == author}
    forum.crawl("own", on_day(9)).commit(archive)
    erase(archive, Subject("ward9", "author", author), lambda _: nullcontext())
    erase(archive, Subject("ward9", "thread", "3"), lambda _: nullcontext())
    erase(archive, Subject("ward9", "post", "4003"), lambda _: nullcontext())
    [done] = import_release(archive, history)
    assert done.snapshot.counts["new"]  # what the archive did not know, and nobody erased
    for table in ("post_versions", "observations"):
        held = {row["post_id"] for row in rows(archive, f"FROM {table}")}
        assert not held & (theirs | {"4003"}), table
        assert not rows(archive, f"FROM {table} WHERE thread_id = '3'")
    assert not rows(archive, "FROM thread_versions WHERE thread_id = '3'")
