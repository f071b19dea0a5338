"""A verification takes nothing for a fault that others do meanwhile, or may do: no false alarms."""

import shutil
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from ward_forum import Forum, on_day
from whole_archive import AT_ONCE

from storage import verifying_tables
from storage.archive import Archive
from storage.erasure import erase
from storage.erasure_scope import Subject
from storage.verification import verify
from storage.verifying_findings import Finding, Severity
from summaries.refresh import refresh


def lagging(archive: Archive) -> dict[str, str]:
    return {one.where: one.what for one in verify(archive.location).findings if one.severity is Severity.LAGGING}


@pytest.mark.parametrize("step", ["_check_list", "_check_rows", "_check_leftovers"])
def test_what_is_committed_and_published_meanwhile_is_no_fault(
    step: str, archive: Archive, forum: Forum, monkeypatch: pytest.MonkeyPatch
):
    forum.crawl("c1", on_day(0)).store(archive)
    waiting = [forum.crawl("c2", on_day(1))]
    forum.open_thread("5", "ir", replies=2)
    waiting.append(forum.crawl("c3", on_day(2)))
    checking = getattr(verifying_tables, step)

    def slowly(*arguments: object) -> Iterator[Finding]:
        if waiting:
            waiting.pop().store(archive)
        yield from checking(*arguments)

    monkeypatch.setattr(verifying_tables, step, slowly)
    assert not verify(archive.location).is_faulty


def test_an_erasure_that_was_killed_before_it_published_is_no_fault(archive: Archive, forum: Forum, monkeypatch):
    def killed(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    forum.crawl("c1", on_day(0)).store(archive)
    monkeypatch.setattr("storage.erasure.publish", killed)
    with pytest.raises(KeyboardInterrupt):
        erase(archive, Subject("ward9", "thread", "1"), lambda _folder: nullcontext())
    assert not verify(archive.location).is_faulty
    assert "tables have 3" in lagging(archive)["current"]


def test_a_file_that_is_replaced_during_both_looks_is_no_damage(
    archive: Archive, forum: Forum, monkeypatch: pytest.MonkeyPatch
):
    forum.crawl("c1", on_day(0)).store(archive)
    refresh(archive)
    path = next(archive.root.glob("summaries/digests/*/data.parquet")).relative_to(archive.root).as_posix()
    looks = []

    def replaced(_look: object, held: str) -> bool:
        looks.append(held)
        if len(looks) == 2:  # its line is written just after that look has read the ledgers
            archive.checksums.record([path])
        return False

    (archive.root / path).write_bytes(b"computed anew")
    monkeypatch.setattr("storage.verifying_files._Look._is_being_replaced", replaced)
    assert not verify(archive.location).is_faulty
    assert looks == [path, path]


def test_authors_may_be_dropped_and_begin_anew(archive: Archive, forum: Forum):
    for day in range(3):
        forum.reply("1", on_day(day)).author = f"Somebody new {day}"
        forum.crawl(f"c{day}", on_day(day)).store(archive)
    shutil.rmtree(archive.root / "authors")
    assert verify(archive.location, grace=AT_ONCE).findings == []
    forum.reply("1", on_day(4)).author = "Who is met afterwards"
    forum.crawl("c4", on_day(4)).store(archive)
    assert verify(archive.location, grace=AT_ONCE).findings == []
