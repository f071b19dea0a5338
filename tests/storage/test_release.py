"""Releases: what they hold, that they are the same again, and whole or not at all."""

import errno
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from ward_forum import NAMES, SITE, Forum, on_day, rows

from crawler.errors import ArchiveError, DiskFullError, UsageError
from storage.archive import Archive
from storage.release import Release, Wanted, make_release, releases
from storage.release_changes import verify_release
from storage.release_tables import RELEASED, schema_in_files, table_of
from storage.tables import arrow_table
from summaries.schema import DIGESTS


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def stored(archive: Archive, forum: Forum) -> Archive:
    """Two crawls with an edit and a deletion between them, and a digest (with its site in file and path)."""
    forum.crawl("c1", on_day(0)).store(archive)
    forum.posts["1002"].body_text = "Edited since."
    del forum.posts["4004"]
    forum.crawl("c2", on_day(1)).store(archive)
    digest = {"site": SITE, "thread_id": "1", "title": "Stent question 1", "posts": 5, "first_at": on_day(-70)}
    folder = archive.root / "summaries" / "digests" / f"site={SITE}"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([digest], schema=DIGESTS.schema), folder / "data.parquet")
    return archive


@pytest.fixture
def released(stored: Archive) -> Path:
    """The folder of the release of these."""
    return Path(make_release(stored).location)


def table_at(released: Path, name: str) -> list[dict[str, object]]:
    """All rows of a table of a release, by DuckDB."""
    files = [str(released / path) for path in hashes(released) if (found := table_of(path)) and found.name == name]
    columns = ", ".join(RELEASED[name].column_names)
    with duckdb.connect() as connection:
        read = connection.read_parquet(files, hive_partitioning=bool(RELEASED[name].partition_by))
        table: pa.Table = read.project(columns).order(columns).to_arrow_table()
    return table.to_pylist()


def test_a_release_is_named_by_its_snapshot(stored: Archive):
    release = make_release(stored)
    day = stored.snapshots()[-1].committed_at
    assert release.made
    assert (release.name, release.version) == (f"{day:%Y-%m-%d}-snapshot-2", f"{day:%Y.%m.%d}.2")
    assert Path(release.location) == stored.root / "releases" / release.name
    assert releases(stored) == [Release(**vars(release) | {"made": False})]


def test_its_rows_are_those_of_the_archive(stored: Archive, released: Path):
    for name in ("posts", "threads", "post_versions", "thread_versions", "observations", "boards", "digests"):
        columns = ", ".join(RELEASED[name].column_names)
        assert table_at(released, name) == rows(stored, f"FROM {name} SELECT {columns} ORDER BY {columns}"), name
    assert [row["snapshot"] for row in table_at(released, "crawls")] == [1, 2]


def test_every_file_has_the_columns_of_its_table(released: Path):
    for path in released.rglob("*.parquet"):
        table = table_of(path.relative_to(released).as_posix())
        assert table is not None
        assert pq.read_schema(path).equals(schema_in_files(table)), path
        assert not {"attempt", "previous_month", "receipt", "author"} & {*pq.read_schema(path).names}


def test_files_published_before_a_column_came_get_it(stored: Archive):
    """In `current/` such a file lacks the column; in a release all files of a table have the same ones."""
    path = f"current/posts/site={SITE}/month=2024-03/data.parquet"
    pq.write_table(pq.read_table(stored.root / path, partitioning=None).drop(["score"]), stored.root / path)
    manifest = json.loads(stored.files.read("current/manifest.json"))
    manifest["files"][path.removeprefix("current/")]["sha256"] = hashlib.sha256(stored.files.read(path)).hexdigest()
    stored.files.write("current/manifest.json", json.dumps(manifest).encode())

    made = Path(make_release(stored).location) / path.removeprefix("current/")
    assert pq.read_schema(made).equals(schema_in_files(RELEASED["posts"]))


def test_no_name_no_key_and_no_place_of_this_machine_is_in_it(stored: Archive, released: Path):
    key = (stored.root.parent / "archive.key").read_text().strip()
    secrets = [name.encode() for name in (*NAMES, key, str(stored.root), str(Path.home()), "attempt")]
    for path in released.rglob("*.*"):
        held = path.read_bytes()
        if path.suffix == ".parquet":
            held += repr(pq.ParquetFile(path).read().to_pylist()).encode()
        assert not [secret for secret in secrets if secret in held], path
    assert not [path for path in hashes(released) if path.startswith(("authors", "landing", "_", "."))]


def test_rows_of_a_commit_that_did_not_end_are_left_out(stored: Archive):
    row = rows(stored, "FROM post_versions LIMIT 1")[0] | {"version": 9, "attempt": "stray", "month": "1999-01"}
    stored.tables.append("post_versions", arrow_table("post_versions", [row]), "stray")
    released = Path(make_release(stored).location)
    assert {row["version"] for row in table_at(released, "post_versions")} == {1, 2}
    assert not list(released.rglob("month=1999-01"))


def test_sha256sum_finds_every_file_as_it_should_be(released: Path):
    listed = {line.split("  ")[1] for line in (released / "SHA256SUMS").read_text().splitlines()}
    assert listed == hashes(released).keys() - {"SHA256SUMS"}
    if shutil.which("sha256sum"):
        done = subprocess.run(
            ["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=released, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(": OK\n") == len(listed)


def test_the_digest_that_one_cites_can_be_worked_out_from_the_sums(stored: Archive, released: Path):
    lines = (released / "SHA256SUMS").read_text().splitlines(keepends=True)
    data = hashlib.sha256("".join(line for line in lines if line.endswith(".parquet\n")).encode()).hexdigest()
    release = releases(stored)[0]
    assert release.data_sha256 == data
    assert data in (released / "README.md").read_text()
    assert release.sums_sha256 == hashes(released)["SHA256SUMS"]


def test_the_same_snapshot_gives_the_same_bytes(stored: Archive, released: Path, tmp_path: Path):
    first = hashes(released)
    again = make_release(stored)
    assert not again.made
    assert hashes(released) == first

    elsewhere = make_release(stored, output=tmp_path / "handed" / "on")
    assert elsewhere.made
    assert hashes(tmp_path / "handed" / "on") == first
    shutil.rmtree(released)
    assert make_release(Archive.open(stored.root, create=False, environ={})).made
    assert hashes(released) == first


def test_a_release_stays_as_it_is_when_the_archive_goes_on(stored: Archive, released: Path, forum: Forum):
    before = hashes(released)
    forum.reply("1", on_day(2))
    forum.crawl("c3", on_day(2)).commit(stored)
    later = make_release(stored)
    assert later.snapshot == 3
    assert later.rows > releases(stored)[0].rows
    assert hashes(released) == before


def test_a_release_of_some_sites_holds_no_others(stored: Archive):
    Forum.with_threads(1, site="clinic").crawl("c1", on_day(3)).store(stored)
    release = make_release(stored, Wanted(sites=["clinic"]))
    assert release.name.endswith("-snapshot-3-clinic")
    assert release.sites == ["clinic"]
    for name in ("posts", "threads", "post_versions", "boards", "crawls", "observations"):
        assert {row["site"] for row in table_at(Path(release.location), name)} == {"clinic"}
    readme = (Path(release.location) / "README.md").read_text()
    assert "these sites of the archive only (clinic)" in readme
    assert SITE not in readme


def test_the_operators_words_stand_in_it(stored: Archive, tmp_path: Path):
    words = Wanted(version="1.0", licence="CC-BY-NC-4.0", notes="Collected for a study of *stents*.")
    released = Path(make_release(stored, words).location)
    readme = (released / "README.md").read_text()
    assert "release 1.0" in readme
    assert "The operator states: CC-BY-NC-4.0" in readme
    assert "belong to their authors" in readme
    assert readme.endswith("## Notes of the operator\n\nCollected for a study of *stents*.\n")
    package = json.loads((released / "datapackage.json").read_bytes())
    assert (package["version"], package["licenses"]) == ("1.0", [{"name": "CC-BY-NC-4.0"}])

    with pytest.raises(UsageError, match="there already with other words for version"):
        make_release(stored, Wanted(version="1.1"))
    unstated = make_release(stored, output=tmp_path / "unstated")
    assert "stated no licence" in (Path(unstated.location) / "README.md").read_text()
    assert "licenses" not in json.loads((Path(unstated.location) / "datapackage.json").read_bytes())


@pytest.mark.parametrize(
    ("wanted", "said"),
    [(Wanted(sites=["nowhere"]), "holds no site 'nowhere'; it holds ward9"), (Wanted(version="../x"), "no version")],
)
def test_what_cannot_be_made_is_refused(stored: Archive, wanted: Wanted, said: str):
    with pytest.raises(UsageError, match=said):
        make_release(stored, wanted)


def test_of_nothing_there_is_no_release(archive: Archive):
    with pytest.raises(ArchiveError, match="Nothing is committed"):
        make_release(archive)


def test_a_folder_that_holds_something_is_not_written_to(stored: Archive, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something else"):
        make_release(stored, output=tmp_path / "mine")
    assert list(hashes(tmp_path / "mine")) == ["thesis.txt"]


def test_a_killed_release_is_none_and_is_made_anew(stored: Archive, archive_at: Callable[[], Archive]):
    killed = (
        "import os, sys; from storage import release; from storage.archive import Archive\n"
        "release.write_documents = lambda *_: os._exit(9)\n"
        "release.make_release(Archive.open(sys.argv[1], create=False))"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(stored.root)], env={}, cwd=Path(__file__).parents[2])
    assert done.returncode == 9
    making = stored.root / ".index" / "releases"
    assert list(making.rglob("*.parquet"))
    assert releases(stored) == []

    release = make_release(archive_at())
    assert release.made
    assert not making.exists() or not list(making.iterdir())
    assert verify_release(stored.files, f"releases/{release.name}") == []


def test_what_has_no_manifest_is_cleared_away(stored: Archive):
    half = stored.root / "releases" / "2024-01-01-snapshot-1" / "boards.parquet"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    make_release(stored)
    assert not half.parent.exists()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_full_disk_leaves_nothing(stored: Archive, tmp_path: Path, monkeypatch, elsewhere: bool):
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("storage.release.write_documents", full)
    output = tmp_path / "disk" / "release" if elsewhere else None
    with pytest.raises(DiskFullError, match=r"No space is left for the release in .*; free some and make it again"):
        make_release(stored, output=output)
    left = (tmp_path / "disk", stored.root / "releases", stored.root / ".index" / "releases")
    assert not [path for folder in left for path in folder.rglob("*")]
    monkeypatch.undo()
    assert make_release(stored, output=output).made


def test_a_publish_in_between_makes_it_start_again(stored: Archive, forum: Forum, monkeypatch):
    """The state and the history of a release are of one snapshot, whatever is published meanwhile."""
    fetch, fetched = type(stored.files).fetch, []

    def and_publish(files: object, path: str, target: Path) -> None:
        fetch(files, path, target)  # type: ignore[arg-type]
        if not fetched:
            forum.reply("1", on_day(3), body="Written meanwhile.")
            forum.crawl("c3", on_day(3)).store(stored)
        fetched.append(path)

    monkeypatch.setattr(type(stored.files), "fetch", and_publish)
    release = make_release(stored)
    assert release.snapshot == 3
    versions = {row["post_id"] for row in table_at(Path(release.location), "post_versions")}
    assert {row["post_id"] for row in table_at(Path(release.location), "posts")} == versions


def test_every_library_reads_every_table(released: Path):
    for name, table in RELEASED.items():
        files = [path for path in hashes(released) if (found := table_of(path)) and found.name == name]
        if not files:
            continue
        count = sum(pq.read_metadata(released / path).num_rows for path in files)
        folder = released / (files[0] if not table.partition_by else files[0].split("/site=")[0])
        hive = bool(table.partition_by)
        glob = str(folder / "**/*.parquet") if hive else str(folder)
        columns = set(table.column_names)

        by_duckdb = duckdb.connect().read_parquet(glob, hive_partitioning=hive)
        assert (by_duckdb.shape[0], {*by_duckdb.columns}) == (count, columns), name
        by_polars = pl.read_parquet(glob, hive_partitioning=hive, try_parse_hive_dates=False)
        assert (by_polars.height, {*by_polars.columns}) == (count, columns), name
        by_pandas = pd.read_parquet(folder)
        assert (len(by_pandas), {*by_pandas.columns}) == (count, columns), name
        by_arrow = ds.dataset(folder, partitioning="hive" if hive else None).to_table()
        assert (by_arrow.num_rows, {*by_arrow.column_names}) == (count, columns), name


def test_the_lines_of_code_in_the_readme_run(released: Path):
    readme = (released / "README.md").read_text()
    snippets = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(snippets) == 4
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(snippets)], cwd=released, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2024-03") == 4


def test_names_that_the_archive_keeps_are_told_of_and_left_out(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive, privacy="keep")
    release = make_release(archive)
    assert f"keeps the names of members of {SITE}" in (Path(release.location) / "README.md").read_text()
    for path in Path(release.location).glob("posts/*/*/*.parquet"):
        assert "author" not in pq.read_schema(path).names
