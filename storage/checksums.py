"""Checksums of the files that never change: data files and logs of the tables, landings that are committed.

checksums/<instant>-<random>.jsonl     one file an operation, a line a file, and a last line that seals the others

`current/`, `summaries/` and releases are replaced as a whole and have manifests of their own.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct

from storage.files import Files

FOLDER = "checksums"


class Sum(Struct, frozen=True):
    """What a file was when it was written."""

    path: str
    bytes: int
    sha256: str


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


class Checksums:
    """The ledgers of one archive."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def record(self, paths: Iterable[str]) -> None:
        """Writes down what the files are now; those that are gone meanwhile are left out."""
        sums = []
        for path in paths:
            try:
                content = self._files.read(path)
            except FileNotFoundError:
                continue
            sums.append(Sum(path, len(content), hashlib.sha256(content).hexdigest()))
        if sums:
            self.write(sums)

    def write(self, sums: Iterable[Sum]) -> str:
        """Adds a ledger and returns its path."""
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in sums)
        seal = Seal(lines.count(b"\n"), hashlib.sha256(lines).hexdigest())
        name = f"{FOLDER}/{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}.jsonl"
        self._files.write(name, lines + msgspec.json.encode(seal) + b"\n")
        return name

    def ledgers(self) -> Iterator[Ledger]:
        """All ledgers, oldest first."""
        for entry in self._files.list(FOLDER):
            try:
                content = self._files.read(entry.path)
            except FileNotFoundError:
                continue  # put together with others meanwhile
            yield _ledger(entry.path, content)


def _ledger(path: str, content: bytes) -> Ledger:
    lines, _, last = content.rstrip(b"\n").rpartition(b"\n")
    body = lines + b"\n" if lines else b""
    try:
        seal = msgspec.json.decode(last, type=Seal)
        sums = [msgspec.json.decode(line, type=Sum) for line in body.splitlines()]
    except msgspec.DecodeError:
        return Ledger(path, [], is_sound=False)
    is_sound = seal == Seal(len(sums), hashlib.sha256(body).hexdigest()) and content.endswith(b"\n")
    return Ledger(path, sums, is_sound)
