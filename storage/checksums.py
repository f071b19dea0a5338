"""Checksums of the archive's files: data files and logs of the tables, landings that are committed, summaries.

checksums/<instant>-<random>.jsonl     one file an operation, a line a file, and a last line that seals the others

A file is sound if it is as one of the lines of its path says. Who replaces one file says what it will be first
(`announce`), who replaces many marks their folder (`replacing`), and who deletes some says that first (`forget`):
whenever a process is killed, nothing that it left looks like damage. `current/` and releases have their own manifests.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from storage.files import Files

FOLDER = "checksums"
_INSTANT = "%Y%m%dT%H%M%S%fZ"
REPLACING = ".replacing"
"""Name of the marker in a folder whose files are being replaced."""


class Sum(Struct, frozen=True, omit_defaults=True):
    """What a file was when it was written."""

    path: str
    bytes: int
    sha256: str
    gone: bool = False
    """Whether the line says instead that the file was to be deleted."""


class Seal(Struct, frozen=True):
    """The last line: the lines before it, as a whole."""

    lines: int
    sha256_of_lines: str


class Ledger(NamedTuple):
    """One operation's checksums."""

    path: str
    sums: list[Sum]
    is_sound: bool
    """Whether the seal is there and fits."""


class Digest(NamedTuple):
    """A file's content in short."""

    bytes: int
    sha256: str


@dataclass
class Recorded:
    """All that the ledgers say."""

    digests: dict[str, set[Digest]] = field(default_factory=dict)
    """What a file may be, by its path."""
    gone: set[str] = field(default_factory=set)
    """Paths of files that were deleted on purpose."""
    unsound: list[str] = field(default_factory=list)
    """Paths of ledgers whose seal is broken; nothing of them counts."""


class Checksums:
    """The ledgers of one archive."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def record(self, paths: Iterable[str]) -> None:
        """Writes down what the files are now; those that are gone meanwhile are left out."""
        sums = []
        for path in paths:
            try:
                sums.append(Sum(path, *digest_of(self._files, path)))
            except FileNotFoundError:
                continue
        if sums:
            self.write(sums)

    def announce(self, path: str, source: Path) -> None:
        """Writes down what a file will be that a local one is about to take the place of."""
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self.write([Sum(path, source.stat().st_size, sha256)])

    def expect(self, path: str, content: bytes) -> None:
        """Writes down what a file will be that is about to be written."""
        self.write([Sum(path, len(content), hashlib.sha256(content).hexdigest())])

    def forget(self, paths: Iterable[str]) -> None:
        """Writes down that files are about to be deleted; that they are missing is no damage then."""
        if sums := [Sum(path, 0, "", gone=True) for path in paths]:
            self.write(sums)

    def write(self, sums: Iterable[Sum]) -> str:
        """Adds a ledger and returns its path."""
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in sums)
        seal = Seal(lines.count(b"\n"), hashlib.sha256(lines).hexdigest())
        name = f"{FOLDER}/{datetime.now(UTC):{_INSTANT}}-{secrets.token_hex(4)}.jsonl"
        self._files.write(name, lines + msgspec.json.encode(seal) + b"\n")
        return name

    @contextmanager
    def replacing(self, folder: str, *, known_only: bool = False) -> Iterator[None]:
        """Around everything that replaces files of a folder: what was replaced is written down after.

        A marker stands in the folder meanwhile. Where the process is killed it stays, and tells that files as young as
        it may differ from their lines; the next one that replaces something writes those down, too.

        Args:
            folder: below the archive.
            known_only: leave files alone that had no line before: others may be writing them.
        """
        marker = f"{folder}/{REPLACING}"
        if not self._files.exists(marker):
            self._files.write(marker, b"")
        try:
            yield
        finally:
            self._catch_up(folder, marker, known_only=known_only)
            self._files.delete(marker)

    def _catch_up(self, folder: str, marker: str, *, known_only: bool) -> None:
        entries = {entry.path: entry.modified for entry in self._files.list(folder)}
        began = entries.pop(marker)
        recorded = self.recorded()
        changed = [path for path, at in entries.items() if at >= began and "/." not in path]
        self.record(path for path in changed if not known_only or path in recorded.digests)
        held = {path for path in recorded.digests if path.startswith(f"{folder}/")}
        self.forget(sorted(held - entries.keys() - recorded.gone))

    def ledgers(self) -> list[Ledger]:
        """All ledgers, oldest first."""
        while True:
            found = []
            for entry in list(self._files.list(FOLDER)):
                try:
                    found.append(_ledger(entry.path, self._files.read(entry.path)))
                except FileNotFoundError:
                    break  # put together with others meanwhile, into one that the list may lack
            else:
                return found

    def recorded(self) -> Recorded:
        """What all ledgers together say."""
        recorded = Recorded()
        for ledger in self.ledgers():
            if not ledger.is_sound:
                recorded.unsound.append(ledger.path)
            for line in ledger.sums:
                if line.gone:
                    recorded.gone.add(line.path)
                else:
                    recorded.digests.setdefault(line.path, set()).add(Digest(line.bytes, line.sha256))
        return recorded

    def put_together(self, there: Mapping[str, Digest], needless: Collection[str], before: datetime) -> int:
        """Makes one ledger of all sound ones; how many it replaced.

        Args:
            there: what files with several lines are now: only the line that fits is kept, if one does.
            needless: paths whose lines are dropped: the files are gone, and should be.
            before: leaves ledgers alone that are not older: what they announce may not have happened yet.
        """
        youngest = f"{FOLDER}/{before:{_INSTANT}}"
        sound = [ledger for ledger in self.ledgers() if ledger.is_sound and ledger.path < youngest]
        if len(sound) < 2:
            return 0
        lines = dict.fromkeys(line for ledger in sound for line in ledger.sums if line.path not in needless)
        fitting = {line.path for line in lines if there.get(line.path) == (line.bytes, line.sha256)}
        self.write(line for line in lines if line.path not in fitting or there[line.path] == (line.bytes, line.sha256))
        for ledger in sound:
            self._files.delete(ledger.path)
        return len(sound)


def digest_of(files: Files, path: str) -> Digest:
    """Size and SHA-256 of a file as it is now.

    Raises:
        FileNotFoundError: there is none.
    """
    if files.local is not None:
        with (files.local / path).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            return Digest(file.tell(), sha256)
    content = files.read(path)
    return Digest(len(content), hashlib.sha256(content).hexdigest())


def _ledger(path: str, content: bytes) -> Ledger:
    lines, _, last = content.rstrip(b"\n").rpartition(b"\n")
    body = lines + b"\n" if lines else b""
    try:
        seal = msgspec.json.decode(last, type=Seal)
        sums = [msgspec.json.decode(line, type=Sum) for line in body.splitlines()]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Ledger(path, [], is_sound=False)
    is_sound = seal == Seal(len(sums), hashlib.sha256(body).hexdigest()) and content.endswith(b"\n")
    return Ledger(path, sums if is_sound else [], is_sound)
