"""Files of an archive in a folder and on S3: the same promises; and on S3 what happens when requests go wrong."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.errors import ArchiveError, UsageError
from storage.archive import Archive
from storage.files import Files, files_at, work_folder
from storage.s3_errors import s3_error
from storage.s3_files import S3Files
from tests.storage.s3_server import WHO, Fault, S3Server

SHORT = {"MEDTHREADS_S3_TIMEOUT": "0.5"}


@pytest.fixture(params=["folder", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """An empty place for an archive; its address has a space and an umlaut."""
    if request.param == "folder":
        return files_at(str(tmp_path / "Archiv für uns"))
    server: S3Server = request.getfixturevalue("s3")
    return files_at(f"s3://{server.bucket()}/Archiv für uns", server.environ(tmp_path / "work"))


def on_s3(s3: S3Server, endpoint: str | None = None, **environ: str) -> S3Files:
    files = files_at(f"s3://{s3.bucket()}/a", {**s3.environ(Path("/nowhere/work"), endpoint), **environ})
    assert isinstance(files, S3Files)
    return files


def paths(files: Files, folder: str = "") -> list[str]:
    return [entry.path for entry in files.list(folder)]


class TestBoth:
    """What holds in a folder and on S3."""

    def test_what_is_written_is_read(self, files: Files, tmp_path: Path) -> None:
        files.write("a/b.txt", b"one")
        files.write("a/b.txt", b"two")
        assert files.read("a/b.txt") == b"two"
        assert files.exists("a/b.txt")
        assert not files.exists("a")
        files.fetch("a/b.txt", tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == b"two"

    def test_what_is_not_there(self, files: Files, tmp_path: Path) -> None:
        assert paths(files) == []
        assert not files.exists("nothing")
        for access in (files.read, files.parquet, lambda path: files.fetch(path, tmp_path / "copy")):
            with pytest.raises(FileNotFoundError, match="nothing"):
                access("nothing")
        files.delete("nothing")

    def test_one_of_many_makes_a_file(self, files: Files) -> None:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda number: files.create("only/one", b"by %d" % number), range(8)))
        assert sum(made) == 1
        assert files.read("only/one") == b"by %d" % made.index(True)

    def test_local_files_are_taken_and_sent(self, files: Files, tmp_path: Path) -> None:
        content = bytes(range(256)) * 24 * 1024  # more than one part of an upload
        source = tmp_path / "source"
        source.write_bytes(content)
        files.send("big", source)
        assert source.exists()
        files.take("x/big", source)
        assert not source.exists()
        assert files.read("big") == files.read("x/big") == content
        files.fetch("big", tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content

    def test_an_empty_file(self, files: Files, tmp_path: Path) -> None:
        files.write("empty", b"")
        files.fetch("empty", tmp_path / "copy")
        assert files.read("empty") == (tmp_path / "copy").read_bytes() == b""

    def test_lists_are_by_path_and_whole(self, files: Files) -> None:
        names = [f"t/{number % 3}/{number:03d}" for number in range(30)]
        for name in names:
            files.write(name, name.encode())
        files.write("tt/other", b"")
        assert paths(files, "t") == sorted(names)
        assert paths(files) == [*sorted(names), "tt/other"]
        entry = next(iter(files.list("t/1")))
        assert (entry.bytes, entry.modified.utcoffset()) == (7, entry.modified - entry.modified)
        files.delete("t/1/001")
        assert "t/1/001" not in paths(files)

    def test_parquet(self, files: Files, tmp_path: Path) -> None:
        pq.write_table(pa.table({"n": [1, 2, 3]}), tmp_path / "n.parquet")
        files.take("n.parquet", tmp_path / "n.parquet")
        assert files.parquet("n.parquet").read().to_pydict() == {"n": [1, 2, 3]}


def test_a_big_file_is_fetched_in_pieces_of_one_version(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.s3_files._PIECE", 1000)
    files = on_s3(s3)
    content = bytes(range(250)) * 11
    files.write("f", content)
    with s3.proxy() as proxy:
        files = files_at(files.location, s3.environ(tmp_path, proxy.endpoint))  # type: ignore[assignment]
        files.fetch("f", tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content
        assert proxy.requests == {"HEAD": 1, "GET": 3}
    tag = files_at(files.location, s3.environ(tmp_path)).tagged("f").tag  # type: ignore[attr-defined]
    on = files_at(files.location, s3.environ(tmp_path))
    on.write("f", b"another")
    with pytest.raises(ArchiveError, match="was replaced while it was read"):
        on.piece("f", 0, 5, tag)  # type: ignore[attr-defined]


def test_a_version_is_replaced_by_one_of_many(s3: S3Server) -> None:
    files = on_s3(s3)
    assert files.create("f", b"first")
    tag = files.tagged("f").tag
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda number: files.put_if("f", b"by %d" % number, tag), range(6)))
    [winner] = [number for number, new in enumerate(done) if new]
    assert files.tagged("f")[:2] == (b"by %d" % winner, done[winner])
    files.delete("f")
    assert files.put_if("f", b"late", tag) is None
    assert not files.exists("f")


FAULTS = {
    "server's fault": [Fault("500", "PUT", times=2), Fault("500", "GET", times=2)],
    "too many requests": [Fault("503 SlowDown", "PUT", times=3), Fault("503 SlowDown", "GET", times=3)],
    "connection cut in mid-upload and mid-download": [Fault("cut upload", "PUT"), Fault("cut download", "GET")],
    "connection stalled in mid-upload and mid-download": [Fault("stall upload", "PUT"), Fault("stall download", "GET")],
    "answer lost": [Fault("lost answer", "PUT"), Fault("lost answer", "GET")],
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_outlived(name: str, s3: S3Server, tmp_path: Path) -> None:
    content = bytes(range(256)) * 64
    faults = [Fault(fault.kind, fault.method, times=fault.times) for fault in FAULTS[name]]
    with s3.proxy(*faults) as proxy:
        files = on_s3(s3, proxy.endpoint, **SHORT)
        files.write("f", content)
        assert files.read("f") == content
        faults.append(Fault(faults[0].kind, "PUT"))
        proxy.faults.append(faults[-1])
        assert files.create("g", content), "its own file, whose answer got lost, is taken for its own"
        assert not files.create("g", b"other")
        tag = files.tagged("g").tag
        faults.append(Fault(faults[0].kind, "PUT"))
        proxy.faults.append(faults[-1])
        assert files.put_if("g", b"next", tag)
        assert files.put_if("g", b"late", tag) is None
    assert files_at(files.location, s3.environ(tmp_path)).read("g") == b"next"
    assert all(fault.struck == fault.times for fault in faults)


def test_a_part_of_a_big_upload_goes_wrong(s3: S3Server, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(content := bytes(range(256)) * 24 * 1024)
    with s3.proxy(Fault("cut upload", "PUT", "partNumber=1"), Fault("500", "PUT", "partNumber=2")) as proxy:
        files = on_s3(s3, proxy.endpoint)
        files.send("big", source)
        assert [fault.struck for fault in proxy.faults] == [1, 1]
        assert files.read("big") == content


def refusal(location: str, environ: Mapping[str, str]) -> str:
    """With which sentence an archive is not opened, within seconds."""
    started = time.monotonic()
    with pytest.raises(ArchiveError) as raised:
        Archive.open(location, environ=environ)
    assert time.monotonic() - started < 10
    told = str(raised.value)
    assert "\n" not in told
    assert told.endswith(".")
    return told


class TestSentences:
    """What is set wrongly is told in a sentence, at once."""

    def test_no_credentials(self, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("storage.s3_files._ROLE_OF_MACHINE", ("127.0.0.1", 9))
        environ = {name: value for name, value in s3.environ(tmp_path / "w").items() if name not in WHO}
        assert refusal("s3://b/a", environ).startswith("There are no credentials for s3://b/a: set AWS_ACCESS_KEY_ID")
        environ["AWS_ACCESS_KEY_ID"] = "x"
        told = "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not; s3://b/a needs both."
        assert refusal("s3://b/a", environ) == told

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            ("403 InvalidAccessKeyId", "S3 does not know the credentials for s3://b/a (InvalidAccessKeyId)"),
            ("403 AccessDenied", "These credentials may not do with s3://b/a what was asked (403 AccessDenied)"),
            ("400 AuthorizationHeaderMalformed", "The bucket b is in another region; set AWS_REGION"),
        ],
    )
    def test_refused(self, answer: str, told: str, s3: S3Server, tmp_path: Path) -> None:
        with s3.proxy(Fault(answer, "GET", times=99), Fault(answer, "PUT", times=99)) as proxy:
            assert refusal("s3://b/a", s3.environ(tmp_path / "w", proxy.endpoint)).startswith(told)

    def test_no_such_bucket(self, s3: S3Server, tmp_path: Path) -> None:
        told = refusal("s3://no-such/a", s3.environ(tmp_path / "w"))
        assert told == "There is no bucket no-such; make it, or correct the archive's address s3://no-such/a."

    def test_nobody_answers(self, s3: S3Server, tmp_path: Path) -> None:
        told = refusal("s3://b/a", s3.environ(tmp_path / "w", "http://127.0.0.1:9"))
        assert told.startswith("S3 cannot be reached for s3://b/a at http://127.0.0.1:9: the connection is refused;")

    def test_faults_without_end(self, s3: S3Server, tmp_path: Path) -> None:
        bucket = s3.bucket()
        with s3.proxy(Fault("503 SlowDown", "GET", times=99)) as proxy:
            told = refusal(f"s3://{bucket}/a", s3.environ(tmp_path / "w", proxy.endpoint))
        assert told.startswith(f"S3 answers with 503 SlowDown again and again for s3://{bucket}/a; run the same")

    def test_of_deltalake(self, s3: S3Server, tmp_path: Path) -> None:
        location = f"s3://{s3.bucket()}/a"
        Archive.open(location, environ=s3.environ(tmp_path / "w"))
        with s3.proxy(Fault("403 AccessDenied", "GET", "_delta_log", times=99)) as proxy:
            archive = Archive.open(location, environ=s3.environ(tmp_path / "w", proxy.endpoint))
            with pytest.raises(ArchiveError, match=r"^These credentials may not do .*\(403 AccessDenied\); docs/s3.md"):
                archive.snapshots()

    def test_what_nobody_foresaw_is_told_as_it_is(self) -> None:
        told = str(s3_error("s3://b/a", "Generic S3 error: the moon\n is full.\n\nDebug source:\nGeneric {"))
        assert told == "The archive s3://b/a cannot be read or written: Generic S3 error: the moon is full."

    def test_addresses_and_settings_that_are_none(self) -> None:
        with pytest.raises(ArchiveError, match="names no bucket"):
            files_at("s3://", WHO)
        with pytest.raises(ArchiveError, match="neither a folder nor an s3"):
            files_at("gs://bucket/a", WHO)
        with pytest.raises(ArchiveError, match="neither a folder nor an s3"):
            files_at("s3:/bucket/a", WHO)
        with pytest.raises(UsageError, match="MEDTHREADS_S3_TIMEOUT is 'soon'"):
            files_at("s3://b/a", WHO | {"MEDTHREADS_S3_TIMEOUT": "soon"})


def test_archives_have_work_folders_of_their_own(tmp_path: Path) -> None:
    environ = WHO | {"MEDTHREADS_WORK": str(tmp_path)}
    folders = {work_folder(files_at(place, environ), environ) for place in ("s3://b/a-b", "s3://b/a/b", "s3://b-a/b")}
    assert len(folders) == 3
    assert all(folder.parent == tmp_path for folder in folders)
    local = files_at(str(tmp_path / "archive"))
    assert work_folder(local, environ) == local.local


def test_reads_go_on_while_others_write(s3: S3Server) -> None:
    files = on_s3(s3)
    files.write("f", b"0" * 1000)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            files.write("f", b"%d" % (number % 10) * 1000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert {len(set(files.read("f"))) for _ in range(50)} == {1}
    finally:
        stop.set()
        writer.join()
