"""An archive on S3 is what it would be in a folder: with faults on the way, and with several machines at work."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ward_forum import Forum, on_day, rows

from crawler.errors import ArchiveError, SupersededError
from crawler.landing import RECEIPT, Landing
from storage.archive import Archive
from storage.files import Files
from storage.locks import hold_on_s3
from storage.publish import publish
from storage.release import make_release
from storage.tables import storage_errors
from tests.storage.s3_server import Fault, Proxy, S3Server

PARTS = {"MEDTHREADS_S3_TIMEOUT": "1"}
VIEWS = ("posts", "threads", "post_versions", "thread_versions", "observations", "authors", "boards")


@pytest.fixture
def location(s3: S3Server) -> str:
    return f"s3://{s3.bucket()}/medical archive"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The one key of all archives here."""
    return {"MEDTHREADS_KEY_FILE": str(tmp_path_factory.mktemp("key") / "pseudonyms.key")}


@pytest.fixture
def opened(s3: S3Server, location: str, tmp_path: Path, key: dict[str, str]) -> Callable[..., Archive]:
    """Opens the archive as a machine of that name does, maybe through a proxy."""

    def open_as(machine: str = "one", proxy: Proxy | None = None) -> Archive:
        environ = s3.environ(tmp_path / machine, proxy.endpoint if proxy else None)
        return Archive.open(location, environ=environ | PARTS | key)

    return open_as


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, key: dict[str, str]) -> Archive:
    """Two days and a release in a folder."""
    archive = Archive.open(tmp_path_factory.mktemp("local") / "archive", environ=key)
    two_days(archive)
    return archive


def two_days(archive: Archive, *, release: bool = True) -> None:
    """Commits and publishes a forum, and what changed on the next day; then makes a release."""
    forum = Forum.with_threads(count=1)
    forum.crawl("c1", on_day(0)).commit(archive)
    publish(archive)
    forum.posts["1001"].body_text = "Edited: the lesion was crossed with a 0.014 wire."
    forum.reply("1", on_day(0, 12))
    forum.crawl("c2", on_day(1)).commit(archive)
    publish(archive)
    if release:
        make_release(archive)


def published(files: Files) -> dict[str, bytes]:
    """Bytes of what is published and released, by path."""
    paths = [entry.path for folder in ("current", "releases") for entry in files.list(folder)]
    clocked = {"crawls.parquet", "manifest.json", "SHA256SUMS", "README.md", "datapackage.json"}
    return {
        path: files.read(path)
        for path in paths
        if path.startswith("current/") or path.rpartition("/")[2] not in clocked
    }


def content(archive: Archive) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, in an order of their own."""
    with archive.connect() as connection:
        return {name: sorted(connection.sql(f"FROM {name}").to_arrow_table().to_pylist(), key=repr) for name in VIEWS}


def verified_alike(on_s3: Archive, local: Archive) -> None:
    there, here = published(on_s3.files), published(local.files)
    assert there == {path: content for path, content in here.items() if path in there or path.startswith("current/")}
    assert content(on_s3) == content(local)
    assert [snapshot[:3] for snapshot in on_s3.snapshots()] == [snapshot[:3] for snapshot in local.snapshots()]


FAULTS: dict[str, list[Fault]] = {
    "server's faults": [Fault("500", "PUT", times=99, every=4), Fault("503 SlowDown", "GET", times=99, every=9)],
    "uploads cut off": [Fault("cut upload", "PUT", times=99, every=3)],
    "answers to writes lost": [Fault("lost answer", "PUT", times=99, every=5)],
    "downloads cut off": [Fault("cut download", "GET", times=99, every=7)],
    "uploads that stall": [Fault("stall upload", "PUT", "parquet", times=2, every=4)],
    "commits whose answer is lost": [Fault("lost answer", "PUT", "_delta_log/0", times=99, every=2)],
    "commits that stall": [Fault("stall upload", "PUT", "_delta_log/00000000000000000002", times=1)],
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_change_nothing(name: str, s3: S3Server, opened: Callable[..., Archive], local: Archive) -> None:
    faults = [Fault(fault.kind, fault.method, fault.path, fault.times, fault.every) for fault in FAULTS[name]]
    with s3.proxy(*faults) as proxy:
        two_days(opened("one", proxy), release=name == "server's faults")
        assert all(fault.struck for fault in faults), "the faults must have happened"
        verified_alike(opened("two"), local)


def test_a_commit_that_was_given_up_is_completed_by_another_machine(
    s3: S3Server, opened: Callable[..., Archive]
) -> None:
    crawl = Forum.with_threads(count=3).crawl("c1", on_day(0))
    with s3.proxy(Fault("503 SlowDown", "PUT", "/crawls/part", times=999)) as proxy:
        with pytest.raises(ArchiveError, match="S3 answers with 503 SlowDown again and again"):
            crawl.commit(opened("one", proxy))
        assert rows(opened("three"), "FROM post_versions") == [], "none of it is seen until then"
    crawl.store(opened("two"))
    assert [row["n"] for row in rows(opened("one"), "SELECT count(*) AS n FROM post_versions")] == [15]
    assert [snapshot.number for snapshot in opened("one").snapshots()] == [1]


def commit_two_days(location: str, environ: dict[str, str], site: str, start: multiprocessing.Barrier) -> None:
    archive = Archive.open(location, environ=environ)
    forum = Forum.with_threads(count=2, site=site)
    start.wait()
    for day in range(2):
        forum.crawl(f"{site}-{day}", on_day(day)).commit(archive)
        publish(archive, site)


def test_machines_commit_at_once(
    s3: S3Server, location: str, opened: Callable[..., Archive], tmp_path: Path, key: dict[str, str]
) -> None:
    opened("none")  # the key is made
    spawn = multiprocessing.get_context("spawn")
    sites = ["north", "south", "east"]
    start = spawn.Barrier(len(sites))
    workers = [
        spawn.Process(target=commit_two_days, args=(location, s3.environ(tmp_path / site) | key, site, start))
        for site in sites
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]

    archive = opened("north")
    assert [snapshot.number for snapshot in archive.snapshots()] == [1, 2, 3, 4, 5, 6]
    for name in ("posts", "post_versions"):
        held = rows(archive, f"SELECT site, count(*) AS n FROM {name} GROUP BY site ORDER BY site")  # noqa: S608
        assert held == [{"site": site, "n": 10} for site in sorted(sites)], name
    archive.state("north")
    assert archive.index.contents() == opened_anew(opened), "each machine's index knows what the others committed"


def opened_anew(opened: Callable[..., Archive]) -> object:
    archive = opened("new")
    archive.state("north")
    return archive.index.contents()


def test_a_publisher_that_lost_its_lock_writes_nothing(
    opened: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = opened()
    forum = Forum.with_threads(count=1)
    forum.crawl("c1", on_day(0)).store(archive)
    before = published(archive.files)
    forum.reply("1", on_day(1))
    forum.crawl("c2", on_day(2)).commit(archive)

    def lost(_lock: object) -> None:
        raise SupersededError("lost")

    monkeypatch.setattr("storage.object_locks.ObjectLock.check", lost)
    with pytest.raises(SupersededError):
        publish(archive)
    assert published(archive.files) == before


def test_queries_ask_for_each_file_once(s3: S3Server, opened: Callable[..., Archive]) -> None:
    two_days(opened(), release=False)
    with s3.proxy() as proxy:
        archive = opened("two", proxy)
        with archive.connect() as connection:
            for _ in range(2):
                assert connection.sql("SELECT count(*) FROM posts JOIN threads USING (thread_id)").fetchall() == [(6,)]
        read = [path for path in proxy.paths if ".parquet" in path]
        assert len(read) == len(set(read))
        assert proxy.requests["HEAD"] == 0


def test_a_publish_costs_by_what_changed(s3: S3Server, opened: Callable[..., Archive]) -> None:
    forum = Forum.with_threads(count=12)
    forum.crawl("c1", on_day(0)).store(opened())
    forum.reply("1", on_day(1))
    forum.crawl("c2", on_day(2), open_threads=["1"]).commit(opened())
    with s3.proxy() as proxy:
        done = publish(opened("one", proxy))
        assert len(done.files) <= 10
        assert sum(proxy.requests.values()) < 60 + 4 * len(done.files), proxy.paths


@pytest.mark.parametrize("when", ["it is opened", "it is asked"])
def test_a_query_that_s3_fails_is_told_in_a_sentence(
    when: str, s3: S3Server, opened: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    Forum.with_threads(count=1).crawl("c1", on_day(0)).store(opened())
    if when == "it is asked":
        monkeypatch.setattr("storage.s3_files._TAIL", 600)
    refused = Fault("403 AccessDenied", "GET", "current/posts", times=99, every=1)
    with s3.proxy() as proxy:
        archive = opened("two", proxy)
        connection = archive.connect() if when == "it is asked" else None
        proxy.faults.append(refused)
        told = r"^These credentials may not do with s3://.*\(403 AccessDenied\)"
        with pytest.raises(ArchiveError, match=told), storage_errors(archive.location):
            (connection or archive.connect()).sql("SELECT max(body_text) FROM posts").fetchall()
    assert refused.struck


class TestLandings:
    """A crawl's landing on its way between machines."""

    @staticmethod
    def landed(archive: Archive, text: str = "page\n", crawl_id: str = "c1") -> Path:
        folder = archive.landings.folder("ward", crawl_id)
        folder.mkdir(parents=True)
        (folder / "pages.jsonl").write_text(text)
        (folder / "pages-00000.warc.gz").write_bytes(b"WARC" * 1000)
        (folder / ".cache").write_text("not of the landing")
        receipt = Forum.with_threads(count=1, site="ward").crawl(crawl_id, on_day(0)).receipt
        Landing(folder).write_receipt(receipt)
        return folder

    @staticmethod
    def names(archive: Archive) -> list[str]:
        return [entry.path for entry in archive.files.list("landing")]

    def test_another_machine_goes_on_with_it(self, opened: Callable[..., Archive]) -> None:
        one, two = opened("one"), opened("two")
        folder = self.landed(one)
        one.landings.keep(folder)
        names = [f"landing/ward/c1/{name}" for name in ("pages-00000.warc.gz", "pages.jsonl", RECEIPT)]
        assert self.names(one) == names
        there = two.landings.folder("ward", "c1")
        assert there == two.landing_root / "ward" / "c1"
        assert (there / "pages.jsonl").read_text() == "page\n"
        assert [name for name, _ in two.landings.receipts("ward", on_day(0))] == ["c1"]
        (there / "pages.jsonl").write_text("page\npage\n")
        (there / "pages-00000.warc.gz").rename(there / "earlier-00000.warc.gz")
        two.landings.keep(there)
        assert self.names(one)[0] == "landing/ward/c1/earlier-00000.warc.gz"
        assert (one.landings.resolve(folder) / "pages.jsonl").read_text() == "page\npage\n"
        assert not (folder / "pages-00000.warc.gz").exists()

    def test_what_was_not_sent_yet_is_gone_on_with_here(self, opened: Callable[..., Archive]) -> None:
        one = opened("one")
        folder = self.landed(one)
        one.landings.keep(folder)
        (folder / "pages.jsonl").write_text("page\nand one more before the machine was killed\n")
        assert "one more" in (opened("one").landings.resolve(folder) / "pages.jsonl").read_text()

    def test_only_what_changed_is_sent(self, s3: S3Server, opened: Callable[..., Archive]) -> None:
        folder = self.landed(opened("one"))
        opened("one").landings.keep(folder)
        (folder / "checks.json").write_text("[]")
        with s3.proxy() as proxy:
            opened("one", proxy).landings.keep(folder)
            assert [path.rpartition("/")[2] for path in proxy.paths if path.startswith("PUT")] == ["checks.json"]

    def test_after_a_commit_the_copy_goes(self, opened: Callable[..., Archive]) -> None:
        one = opened("one")
        folder = self.landed(one)
        one.landings.keep(folder)
        one.landings.free(folder)
        assert [path.name for path in folder.iterdir() if path.name[0] != "."] == [RECEIPT]
        assert (one.landings.resolve(folder) / "pages.jsonl").read_text() == "page\n"

    def test_a_landing_is_renamed(self, opened: Callable[..., Archive]) -> None:
        one = opened("one")
        folder = self.landed(one)
        one.landings.keep(folder)
        one.landings.rename(folder, "c0")
        assert {name.split("/")[2] for name in self.names(one)} == {"c0"}
        assert one.landings.exists("ward", "c0")
        assert not one.landings.exists("ward", "c1")

    def test_changes_of_each_are_kept(self, opened: Callable[..., Archive]) -> None:
        one, two = opened("one"), opened("two")
        for crawl_id in ("c1", "c2"):
            one.landings.keep(self.landed(one, crawl_id=crawl_id))
        for folder in two.landings.each("ward"):
            (folder / "pages.jsonl").write_text("erased\n")
        assert {one.files.read(name) for name in self.names(one) if name.endswith("pages.jsonl")} == {b"erased\n"}
        assert list(two.landing_root.rglob("pages*")) == []

    def test_in_a_folder_nothing_is_copied(self, tmp_path: Path) -> None:
        local = Archive.open(tmp_path / "archive", environ={})
        folder = self.landed(local)
        local.landings.keep(folder)
        local.landings.free(folder)
        assert local.landings.resolve(folder) == folder
        assert [each.name for each in local.landings.each("ward")] == ["c1"]
        assert (folder / "pages.jsonl").read_text() == "page\n"
        assert not (local.work / ".landings").exists()


def test_two_machines_do_not_crawl_one_host(opened: Callable[..., Archive]) -> None:
    from crawler.errors import BusyError

    one, two = opened("one"), opened("two")
    with (
        hold_on_s3(one.files, one.work / ".locks", "crawl-ward.example", 0, "Busy."),
        pytest.raises(BusyError, match=r"^Busy\. It has been process"),
        hold_on_s3(two.files, two.work / ".locks", "crawl-ward.example", 0, "Busy."),
    ):
        pass
