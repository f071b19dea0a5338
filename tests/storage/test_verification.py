"""A verification finds what was changed behind the archive's back, names it, and tells it apart from leftovers."""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from ward_forum import Forum, on_day
from whole_archive import AT_ONCE, SITES, make_whole_archive

from crawler.errors import ArchiveError
from storage.archive import Archive
from storage.files import files_at
from storage.publish import publish, sealed
from storage.sealing import seal
from storage.verification import Verified, verify
from storage.verifying_files import check_files, durable_files
from storage.verifying_findings import Finding, Severity
from storage.views import read_manifest

FLIPS = 200


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    location = tmp_path_factory.mktemp("whole") / "archive"
    make_whole_archive(location)
    return location


@pytest.fixture
def location(whole: Path, tmp_path: Path) -> Path:
    """A copy that the test may spoil; without a key, as verifying needs none."""
    shutil.copytree(whole, tmp_path / "archive")
    return tmp_path / "archive"


def found(location: Path, severity: Severity = Severity.DAMAGE) -> dict[str, Finding]:
    findings = verify(str(location), grace=AT_ONCE).findings
    return {finding.where: finding for finding in findings if finding.severity is severity}


def first(location: Path, pattern: str) -> Path:
    return min(location.glob(pattern))


def test_an_archive_that_nobody_touched_is_as_it_was_written(whole: Path):
    done = verify(str(whole), grace=AT_ONCE)
    assert done.findings == []
    assert done.tables_read
    assert done.files == len(list(durable_files(files_at(str(whole)))))
    assert done.sentence.endswith("snapshot 4: everything is as it was written.")


def rounds(paths: list[str], rng: random.Random) -> Iterator[list[tuple[str, int]]]:
    """Flips of different files at once; alone those of files that say what others are."""
    waiting = [(path, rng.randrange(1 << 30)) for path in rng.choices(paths, k=FLIPS)]
    while waiting:
        now: dict[str, int] = {}
        for path, bit in list(waiting):
            tells = path.startswith("checksums/") or path.endswith("/manifest.json")
            if path not in now and (not tells or not now):
                now[path] = bit
                waiting.remove((path, bit))
                if tells:
                    break
        yield list(now.items())


def test_each_of_200_flipped_bits_is_found_in_its_file(location: Path):
    files = files_at(str(location))
    committed = {(site, crawl_id) for site in SITES for crawl_id in ("c1", "c2")}
    paths = [entry.path for entry in durable_files(files) if entry.bytes]
    kinds = ("archive.json", "_delta_log", ".warc.gz", "summaries", "releases", "current", "checksums", "erasures")
    assert all(any(kind in path for path in paths) for kind in kinds)
    reported = 0
    for flips in rounds(paths, random.Random(20)):
        before = {path: (location / path).read_bytes() for path, _ in flips}
        for path, number in flips:
            content = bytearray(before[path])
            bit = number % (8 * len(content))
            content[bit // 8] ^= 1 << bit % 8
            (location / path).write_bytes(content)
        damaged = [one for one in check_files(files, committed).findings if one.severity is Severity.DAMAGE]
        told = {finding.where for finding in damaged}
        assert told >= before.keys(), "the file itself is named"
        strange = [one for one in damaged if one.where not in before and one.kind not in {"unreadable", "missing"}]
        if any(path.startswith("checksums/") for path in before):
            # A file that was replaced may now seem to be what it was before: the line of today is in that ledger.
            strange = [one for one in strange if not one.where.startswith(("erasures/", "summaries/", "landing/"))]
        assert strange == []
        reported += len(told & before.keys())
        for path, whole_content in before.items():
            (location / path).write_bytes(whole_content)
    assert reported == FLIPS
    assert verify(str(location), grace=AT_ONCE).findings == []


@pytest.mark.parametrize(
    "pattern",
    [
        *("archive.json", "post_versions/**/*.parquet", "crawls/*.parquet", "landing/*/c1/*.warc.gz"),
        *("current/posts/**/*.parquet", "summaries/digests/**/*.parquet", "releases/*/posts/**/*.parquet"),
        *("post_versions/_delta_log/*1.json", "erasures/post*.json"),
    ],
)
@pytest.mark.parametrize("spoil", ["cut", "gone"])
def test_what_is_cut_short_or_gone_is_named(pattern: str, spoil: str, location: Path):
    path = next(path for path in sorted(location.glob(pattern)) if "done" not in path.name)
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        path.unlink()
    damage = found(location)
    finding = damage[path.relative_to(location).as_posix()]
    assert finding.advice
    assert finding.kind == {"cut": "damaged", "gone": "missing"}[spoil]


@pytest.mark.parametrize(
    "pattern",
    [
        *("archive.json", "crawls/_delta_log/*1.json", "crawls/*.parquet", "current/manifest.json", "checksums/*"),
        *("erasures/post*.json", "releases/*/manifest.json", "landing/north/c1/receipt.json", "summaries/*/state.json"),
    ],
)
def test_bytes_that_are_no_text_end_no_verification(pattern: str, location: Path):
    path = first(location, pattern)
    content = path.read_bytes()
    path.write_bytes(content[:30] + b"\xb1" + content[31:])
    assert path.relative_to(location).as_posix() in found(location)


def test_files_that_changed_places_are_both_named(location: Path):
    one, other = sorted(location.glob("current/threads/site=north/*/data.parquet"))[:2]
    aside = location / "aside"
    one.replace(aside)
    other.replace(one)
    aside.replace(other)
    assert {path.relative_to(location).as_posix() for path in (one, other)} <= found(location).keys()


def test_a_partition_that_was_removed_is_named_file_by_file(location: Path):
    folder = first(location, "post_versions/site=south/month=*")
    paths = {path.relative_to(location).as_posix() for path in folder.iterdir()}
    shutil.rmtree(folder)
    damage = found(location)
    assert paths <= damage.keys()
    assert "the table needs it" in damage[min(paths)].what


def test_the_last_entry_of_a_log_that_is_gone_is_damage_and_its_file_no_orphan(location: Path):
    log = max(location.glob("observations/_delta_log/*.json"))
    log.unlink()
    assert found(location)[log.relative_to(location).as_posix()].kind == "missing"


def test_what_a_killed_commit_left_is_told_apart_from_damage(location: Path):
    held = first(location, "post_versions/site=north/month=*/*.parquet")
    shutil.copy(held, held.with_name("part-00000-left-c000.zstd.parquet"))
    (location / "notes.txt").write_text("Mine.")
    done = verify(str(location), grace=AT_ONCE)
    assert {(finding.severity, finding.kind) for finding in done.findings} == {
        (Severity.LEFTOVER, "orphan"),
        (Severity.LEFTOVER, "unknown"),
    }
    assert not done.is_damaged


def test_files_without_checksum_are_no_damage(archive: Archive, forum: Forum, monkeypatch):
    monkeypatch.setattr(archive.checksums, "record", lambda _paths: None)
    forum.crawl("c1", on_day(0)).commit(archive)
    done = verify(archive.location, grace=AT_ONCE)
    assert {finding.kind for finding in done.findings} == {"unsealed", "lagging"}
    assert verify(archive.location).counts["leftover"] == 0, "a commit in the making is nothing to tell"


def respoiled(location: Path, change: Callable[[dict], None]) -> None:
    """Changes the manifest of current/, and seals it again: what no checksum can find."""
    manifest = dict(read_manifest(files_at(str(location))) or {})
    manifest.pop("sha256")
    change(manifest)
    (location / "current" / "manifest.json").write_bytes(sealed(manifest))


def test_a_manifest_with_a_wrong_count_of_rows(location: Path):
    def change(manifest: dict) -> None:
        path = min(path for path in manifest["files"] if path.startswith("posts/site=north"))
        manifest["files"][path]["rows"] += 1

    respoiled(location, change)
    told = found(location, Severity.INCONSISTENCY)
    assert "posts of north" in told["current"].what
    assert any(where.startswith("current/posts/site=north") for where in told)


def rewritten(archive: Archive, name: str, change: Callable[[pa.Table], pa.Table], **partition: str) -> None:
    done = archive.tables.rewrite(name, partition, change, "test")
    assert done
    archive.checksums.record(done.written)


def test_rows_of_a_commit_that_are_missing(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).store(archive)
    rewritten(archive, "post_versions", lambda rows: rows.slice(2), site="ward9", month="2024-03")
    told = [finding.sentence for finding in verify(archive.location, grace=AT_ONCE).findings if finding.kind == "rows"]
    assert len(told) == 1
    assert told[0].startswith("post_versions, ward9 c1: the crawl brought 20 rows, there are 18.")


def test_a_version_twice_and_one_left_out(archive: Archive, forum: Forum):
    for day in range(3):
        forum.posts["1002"].body_text = f"Edited on day {day}."
        forum.crawl(f"c{day}", on_day(day)).commit(archive)

    def spoil(rows: pa.Table) -> pa.Table:
        second = pc.and_(pc.equal(rows["post_id"], "1002"), pc.equal(rows["version"], 2))
        return pa.concat_tables([rows.filter(pc.invert(second)), rows.filter(pc.equal(rows["post_id"], "1001"))])

    rewritten(archive, "post_versions", spoil, site="ward9", month="2024-03")
    told = [finding.what for finding in verify(archive.location).findings if finding.kind == "versions"]
    assert told == [
        "versions are there twice, of 1 records: ward9 1001.",
        "versions are missing, of 1 records: ward9 1002.",
    ]


@pytest.mark.parametrize("name", ["boards", "authors", "observations", "post_versions", "crawls"])
def test_rows_that_another_program_took_out(name: str, location: Path):
    taken = DeltaTable(str(location / name)).delete("crawl_id = 'c1'" if name == "crawls" else "site = 'north'")
    assert taken["num_deleted_rows"]
    told = [finding.where for finding in verify(str(location)).findings if finding.kind == "foreign"]
    assert [where.split("/")[0] for where in told] == [name]
    seal(Archive.open(location, create=False))
    assert not [one for one in verify(str(location)).findings if one.kind == "foreign"], "it was meant"


def test_crawls_that_are_gone_though_they_are_published(location: Path):
    DeltaTable(str(location / "crawls")).delete("site = 'south'")
    seal(Archive.open(location, create=False))
    assert found(location, Severity.INCONSISTENCY)["current"].what == (
        "it shows south as of snapshot 4, the tables have only 0."
    )


def test_a_folder_of_checksums_that_is_gone(location: Path):
    shutil.rmtree(location / "checksums")
    assert "maintain" in found(location)["checksums"].advice


def test_a_strange_file_among_the_releases_ends_no_verification(location: Path):
    (location / "releases" / "notes.txt").write_text("mine")
    assert found(location, Severity.LEFTOVER)["releases/notes.txt"].kind == "unknown"


def test_a_published_footer_that_is_damaged_ends_no_verification(location: Path):
    path = first(location, "current/threads/site=north/*/data.parquet")
    content = bytearray(path.read_bytes())
    at = content.index(b"ARROW:schema")
    content[at + 12 : at + 80] = b"/" * 68  # pyarrow: OSError: Invalid flatbuffers message
    path.write_bytes(content)
    assert f"current/{path.relative_to(location / 'current')}" in found(location)


def test_a_receipt_that_does_not_balance(archive: Archive, forum: Forum):
    crawl = forum.crawl("c1", on_day(0))
    crawl.receipt.discovered += 3
    crawl.store(archive)
    [finding] = verify(archive.location).findings
    assert (finding.kind, finding.where) == ("receipt", "crawls, ward9 c1")
    assert "+3 of 13 pages are unaccounted for" in finding.what


def test_a_published_state_that_lags_and_one_whose_publish_was_killed(archive: Archive, forum: Forum, monkeypatch):
    forum.crawl("c1", on_day(0)).store(archive)
    forum.posts["1002"].body_text = "Edited."
    forum.crawl("c2", on_day(1)).commit(archive)
    [lagging] = verify(archive.location).findings
    assert lagging.severity is Severity.LAGGING
    assert "snapshot 1, the tables have 2" in lagging.what

    def killed(_publishing):
        raise KeyboardInterrupt

    monkeypatch.setattr("storage.publish._Publishing._write_manifest", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(archive)
    monkeypatch.undo()
    told = {finding.severity for finding in verify(archive.location).findings}
    assert told == {Severity.LAGGING}, "no damage: the next publish mends it"
    publish(archive)
    assert verify(archive.location).findings == []


def test_an_index_that_lags_is_damaged_or_counts_wrong(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).store(archive)
    with sqlite3.connect(archive.index.path) as connection:
        connection.execute("DELETE FROM posts WHERE post_id = '1002'")
    [finding] = verify(archive.location).findings
    assert finding.kind == "index"
    assert "19 posts of ward9, the tables have 20" in finding.what
    with sqlite3.connect(archive.index.path) as connection:
        connection.execute("UPDATE meta SET value = 0 WHERE key = 'snapshot'")
    [finding] = verify(archive.location).findings
    assert finding.severity is Severity.LAGGING
    archive.index.path.write_bytes(b"SQLite format 3\0" + b"nothing" * 1000)
    [finding] = verify(archive.location).findings
    assert finding.kind == "index"
    archive.index.remove()
    assert verify(archive.location).findings == []


def test_a_checkpoint_is_checked_and_what_it_replaces_may_go(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).store(archive)
    delta = archive.tables.load("authors")
    assert delta
    delta.create_checkpoint()
    assert {finding.kind for finding in verify(archive.location, grace=AT_ONCE).findings} == {"unsealed"}
    seal(archive, young=AT_ONCE)
    log = archive.root / "authors" / "_delta_log"
    (log / f"{0:020d}.json").unlink()  # as deltalake does after 30 days
    assert verify(archive.location, grace=AT_ONCE).findings == []
    last = log / "_last_checkpoint"
    last.write_bytes(last.read_bytes().replace(b'"version":1', b'"version":0'))
    assert "authors/_delta_log/_last_checkpoint" in found(archive.root)


def test_summaries_whose_refresh_was_killed_are_no_damage(archive: Archive, forum: Forum):
    from summaries.refresh import refresh

    forum.crawl("c1", on_day(0)).store(archive)
    refresh(archive)
    assert verify(archive.location, grace=AT_ONCE).findings == []
    archive.files.write("summaries/.replacing", b"")
    path = first(archive.root, "summaries/digests/*/data.parquet")
    pq.write_table(pq.read_table(path, partitioning=None).slice(1), path)
    assert {finding.severity for finding in verify(archive.location, grace=AT_ONCE).findings} == {Severity.LAGGING}
    refresh(archive)
    assert verify(archive.location, grace=AT_ONCE).findings == []


def test_an_archive_that_cannot_be_opened_is_told_as_damage(location: Path, tmp_path: Path):
    about = location / "archive.json"
    about.write_bytes(about.read_bytes().replace(b'"format": 1', b'"format": 7'))
    assert list(found(location)) == ["archive.json"]
    with pytest.raises(ArchiveError, match="There is no archive"):
        verify(str(tmp_path / "nowhere"))


def test_findings_come_gravest_first(location: Path):
    (location / "notes.txt").write_text("Mine.")
    first(location, "current/posts/**/*.parquet").unlink()
    done: Verified = verify(str(location), grace=timedelta(hours=1))
    assert [finding.severity for finding in done.findings] == [Severity.DAMAGE, Severity.LEFTOVER]
    assert done.counts == {"damage": 1, "inconsistency": 0, "lagging": 0, "leftover": 1}
