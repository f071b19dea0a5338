"""Locks among machines: a folder of local files for each machine stands for it."""

import multiprocessing
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

from crawler.errors import BusyError, SupersededError
from storage.archive import Archive
from storage.files import files_at
from storage.locks import hold
from storage.object_locks import Holder, ObjectLock, place_of
from storage.s3_files import S3Files
from tests.storage.s3_server import Fault, S3Server

SILENT = 1.6
"""Seconds after which a holder may be superseded here."""
NOTHING = timedelta(0)

Machine = Callable[..., ObjectLock]


@pytest.fixture
def location(s3: S3Server) -> str:
    return f"s3://{s3.bucket()}/a"


@pytest.fixture
def machine(s3: S3Server, location: str, tmp_path: Path) -> Machine:
    """Makes the lock `publish` as a machine of that name would see it."""

    def lock(name: str, endpoint: str | None = None, silent: float = SILENT) -> ObjectLock:
        folder = tmp_path / name / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        files = files_at(location, s3.environ(tmp_path / name, endpoint) | {"MEDTHREADS_S3_TIMEOUT": "0.2"})
        assert isinstance(files, S3Files)
        return ObjectLock(files, "publish", place_of(folder), silent)

    return lock


def dies(_lock: ObjectLock) -> None:
    """In place of the thread that renews a lock: the holder gives no sign of life."""


def holder(lock: ObjectLock) -> Holder:
    return msgspec.json.decode(lock._files.read(lock.path), type=Holder)


def test_one_holds_it_and_the_next_one_after(machine: Machine) -> None:
    first, second = machine("one"), machine("two")
    first.acquire(0, "Busy.")
    with pytest.raises(BusyError, match=r"^Busy\. It has been process \d+ on .* since 20"):
        second.acquire(0, "Busy.")
    first.check()
    first.release()
    second.acquire(0, "Busy.")
    second.check()
    second.release()
    assert holder(second).is_released


def test_a_living_holder_is_not_superseded(machine: Machine) -> None:
    first, second = machine("one"), machine("two")
    first.acquire(0, "Busy.")
    with pytest.raises(BusyError):
        second.acquire(2 * SILENT, "Busy.")
    first.check()
    assert holder(first).beats >= 2
    first.release()


def test_a_dead_one_is_and_a_zombie_finds_out(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ObjectLock, "_renew_often", dies)
    zombie = machine("one")
    zombie.acquire(0, "Busy.")
    monkeypatch.undo()
    zombie.check()
    second = machine("two")
    started = time.monotonic()
    second.acquire(10, "Busy.")
    assert SILENT <= time.monotonic() - started < 3 * SILENT
    with pytest.raises(SupersededError, match="lost its lock 'publish'"):
        zombie.check()
    zombie.release()
    assert not holder(second).is_released, "what a zombie gives back is not its successor's"
    second.check()
    second.release()


def test_clocks_of_machines_are_not_asked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    # A holder whose clock shows 1999; S3 says when the file was written.
    first, second = machine("one"), machine("two", silent=60.0)
    first._me = msgspec.structs.replace(first._me, since=datetime(1999, 1, 1, tzinfo=UTC))
    first.acquire(0, "Busy.")
    with pytest.raises(BusyError):
        second.acquire(0, "Busy.")
    # A minute later by S3's clock, whatever the machines' show, nobody has to wait.
    first.release()
    monkeypatch.setattr(ObjectLock, "_renew_often", dies)
    first = machine("one")
    first.acquire(0, "Busy.")
    now = S3Files.now
    monkeypatch.setattr(S3Files, "now", lambda self: now(self) + timedelta(seconds=62))
    second.acquire(0, "Busy.")
    second.release()


def test_a_process_that_died_on_this_machine_is_not_waited_for(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ObjectLock, "_renew_often", dies)
    machine("one").acquire(0, "Busy.")
    again = machine("one")
    again.acquire(0, "Busy.")
    again.release()


def test_a_holder_that_is_cut_off_stops_before_others_begin(machine: Machine, s3: S3Server) -> None:
    with s3.proxy() as proxy:
        first = machine("one", proxy.endpoint)
        first.acquire(0, "Busy.")
        for method in ("PUT", "GET"):
            proxy.faults.append(Fault("cut upload", method, times=10_000))
        second = machine("two")
        taken = threading.Event()

        def take() -> None:
            second.acquire(20, "Busy.")
            taken.set()

        threading.Thread(target=take).start()
        while True:
            try:
                first.check()
            except SupersededError:
                break
            assert not taken.is_set()
            time.sleep(0.01)
        assert taken.wait(10)
        second.release()
    first.release()


@pytest.mark.parametrize("kind", ["lost answer", "500"])
def test_signs_of_life_survive_faults(kind: str, machine: Machine, s3: S3Server) -> None:
    with s3.proxy(Fault(kind, "PUT", "locks/", times=6, every=2)) as proxy:
        lock = machine("one", proxy.endpoint)
        lock.acquire(0, "Busy.")
        until = time.monotonic() + 1.5 * SILENT
        while time.monotonic() < until:
            lock.check()
            time.sleep(0.05)
        assert proxy.faults[0].struck >= 3
        lock.release()
    assert holder(lock).is_released


def count_up(location: str, environ: dict[str, str], times: int, start: multiprocessing.Barrier) -> None:
    files = files_at(location, environ)
    start.wait()
    for _ in range(times):
        with hold(files, Path(environ["MEDTHREADS_WORK"]), "counting", timedelta(seconds=60), "Busy."):
            value = int(files.read("counter"))
            time.sleep(0.005)
            files.write("counter", b"%d" % (value + 1))


def test_machines_and_their_processes_take_turns(s3: S3Server, location: str, tmp_path: Path) -> None:
    files_at(location, s3.environ(tmp_path)).write("counter", b"0")
    fork = multiprocessing.get_context("spawn")
    start = fork.Barrier(4)
    machines = [s3.environ(tmp_path / name) for name in ("one", "one", "two", "three")]
    workers = [fork.Process(target=count_up, args=(location, environ, 3, start)) for environ in machines]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert files_at(location, s3.environ(tmp_path)).read("counter") == b"12"


def test_locks_of_an_archive(s3: S3Server, location: str, tmp_path: Path) -> None:
    one, two = (Archive.open(location, environ=s3.environ(tmp_path / name)) for name in ("one", "two"))
    with one.lock("publish", NOTHING, "Busy.") as still_held:
        still_held()
        with two.lock("commit-ward", NOTHING, "Busy."):
            pass
        for archive in (one, two):
            with pytest.raises(BusyError, match="Busy"), archive.lock("publish", NOTHING, "Busy."):
                pass
    with two.lock("publish", NOTHING, "Busy."):
        pass


def test_locks_of_a_folder(tmp_path: Path) -> None:
    take = partial(hold, files_at(str(tmp_path)), tmp_path / ".locks", "publish", NOTHING, "Busy.")
    with take() as still_held:
        still_held()
        with pytest.raises(BusyError, match=r"^Busy\.$"), take():
            pass
    with take():
        pass
