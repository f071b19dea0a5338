"""Processes that work on one archive at once and are killed: writers, a maintainer, an eraser; and one that reads.

    python -m tests.storage.writers_to_kill FOLDER

Each line on its standard input (`writer north`, `maintainer`, `eraser east`, `reader`) forks one from this process,
which has imported everything, and is answered by its process id. All end when FOLDER/stop is there. What a process has
been told to be done it writes to a file of its own; what must not be goes to FOLDER/failures.
"""

import gc
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ward_forum import FIRST_DAY, Crawl, Forum, on_day

from crawler.errors import MedthreadsError
from medthreads.querying import ask
from storage.archive import Archive
from storage.erasure import erase
from storage.erasure_scope import Subject
from storage.maintenance import compact, vacuum
from storage.publish import publish
from storage.sealing import seal
from storage.verification import verify

REPLACED_AFTER = timedelta(seconds=5)
"""As readers here take less, and are not stopped."""
ORPHANS_AFTER = timedelta(minutes=2)
"""As commits here take less."""
YOUNG = timedelta(seconds=30)
REPLIES = 2


class Work:
    """The folder: the archive, and the notes of the processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.location = str(folder / "archive")

    def open(self) -> Archive:
        return Archive.open(self.location, environ={})

    @property
    def is_over(self) -> bool:
        return (self.folder / "stop").exists()

    def note(self, name: str, line: str) -> None:
        """Adds a line to a file, for good."""
        with (self.folder / name).open("a") as file:
            file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())

    def notes(self, name: str) -> list[str]:
        """The whole lines of a file."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


def named(number: int) -> str:
    """Id of a thread: such that none is a part of another one."""
    return f"{number:05d}"


def batch(site: str, number: int) -> Crawl:
    """Crawl `number` (from 1) of a site: a new thread of three posts, and an edit in the one before."""
    forum = Forum(site)
    for thread in range(max(1, number - 1), number + 1):
        forum.open_thread(named(thread), "ir", REPLIES)
        forum.threads[named(thread)].created_at = FIRST_DAY + timedelta(minutes=thread)
        for place, post in enumerate(forum.posts_of(named(thread))):
            post.quotes = []
            post.created_at = FIRST_DAY + timedelta(minutes=thread, seconds=place)
            post.body_text = f"{site} {thread} {place}: {random.Random(f'{site}{thread}{place}').randbytes(12).hex()}"
    if number > 1:
        forum.posts[f"{named(number - 1)}001"].body_text += " Edited."
    return forum.crawl(f"{site}-{number}", on_day(0) + timedelta(minutes=number), listed=False)


def writer(work: Work, site: str) -> None:
    """Commits one batch after the other, each until it is told to be committed; publishes."""
    done = len(work.notes(f"{site}.committed"))
    while not work.is_over:
        archive = work.open()
        crawl = batch(site, done + 1)
        try:
            with archive.lock(f"commit-{site}", timedelta(minutes=5), "busy"):
                crawl.commit(archive)
            done += 1
            work.note(f"{site}.committed", crawl.receipt.crawl_id)
            publish(archive, site)
        except MedthreadsError as error:
            work.note("errors", f"{site}: {error} {error.__cause__!r}")  # told, and done again: nothing is lost


def maintainer(work: Work) -> None:
    """Compacts, deletes what was replaced, seals, verifies."""
    archive = work.open()
    while not work.is_over:
        try:
            done = compact(archive, small_files=3)
            done += vacuum(archive, replaced_after=REPLACED_AFTER, orphans_after=ORPHANS_AFTER)
            done += seal(archive, young=YOUNG)
            work.note("maintained", f"{done.partitions_compacted} {done.replaced_deleted} {done.rows_dropped}")
            verified = verify(work.location, grace=YOUNG)
        except MedthreadsError as error:
            work.note("errors", f"maintainer: {error}")
            continue
        for finding in verified.findings:
            if finding.severity == "damage":
                work.note("failures", f"verify: {finding.sentence}")
        work.note("verified", verified.sentence)


def eraser(work: Work, site: str) -> None:
    """Erases the last post of each third thread, one after the other."""
    done = len(work.notes(f"{site}.erased"))
    while not work.is_over:
        archive = work.open()
        post_id = f"{named(3 * done + 1)}00{REPLIES}"
        # Batches leave erased posts out only where they come through a landing: these here show them once more.
        if len(work.notes(f"{site}.committed")) < 3 * done + 2:
            time.sleep(0.05)
            continue
        try:
            account = erase(archive, Subject(site, "post", post_id), lambda _folder: nullcontext())
        except MedthreadsError as error:
            work.note("errors", f"eraser: {error}")
            continue
        # Posts of other sites have the same ids.
        if left := [one for one in account.left if "/site=" not in one.path or f"/site={site}/" in one.path]:
            work.note("failures", f"erased {post_id}, and there is left: {left}")
        work.note(f"{site}.erased", post_id)
        done += 1


def reader(work: Work) -> None:
    """Reads everything all the time: what was told to be committed before is there, and every answer comes."""
    counts = "SELECT crawl_id, count(*) AS n FROM post_versions GROUP BY crawl_id"
    while not work.is_over:
        committed = {line for path in work.folder.glob("*.committed") for line in work.notes(path.name)}
        try:
            held = {row["crawl_id"] for row in ask(work.location, counts).to_pylist()}
            ask(
                work.location, "SELECT count(*), max(length(body_text)) FROM posts JOIN threads USING (site, thread_id)"
            )
            ask(work.location, "SELECT count(DISTINCT thread_id), max(refreshed_at) FROM digests")
            ask(work.location, "SELECT kind, count(*) FROM observations GROUP BY kind")
        except MedthreadsError as error:
            work.note("failures", f"reader: {error}")
            continue
        if lost := committed - held:
            work.note("failures", f"reader: committed, and not there: {sorted(lost)}")
        work.note("reads", "read")


ROLES: dict[str, Callable[..., None]] = {"writer": writer, "maintainer": maintainer, "eraser": eraser, "reader": reader}


def main() -> None:
    """Forks processes until its standard input ends."""
    work = Work(Path(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    gc.freeze()
    for line in sys.stdin:
        role, *arguments = line.split()
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                ROLES[role](work, *arguments)
            except BaseException:  # noqa: BLE001 - whatever it is, the test has to hear of it
                work.note("failures", f"{line.strip()}: {traceback.format_exc()}")
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
