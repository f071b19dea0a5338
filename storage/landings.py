"""Where landings are: in the archive; and of an archive on S3, on the machine that works on one.

A crawl writes its landing to a local folder, page by page. On S3 it reaches `landing/<site>/<crawl_id>/` when the crawl
ends, however it ends (`keep`); a step on another machine fetches it (`folder`), and after its commit the copy goes
(`free`). What a machine had landed when it died with its disk has to be fetched from the site again.

Of two copies that of the archive counts, unless it is still the one that this machine saw last, and then its own goes
on from there. Nothing here decides who may write: that is the lease of the host (crawler.lease, medthreads.pipeline).
"""

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from secrets import token_hex

import msgspec
from msgspec import Struct

from crawler.landing import RECEIPT, Landing
from crawler.receipt import Receipt
from storage.checksums import Sum
from storage.files import Entry, Files

FOLDER = "landing"
_SEEN = ".landings"
"""In the work folder: for each landing what was seen of it in the archive."""


class Seen(Struct):
    """A landing as this machine last left or found it in the archive."""

    there: str
    """Digest of the archive's listing."""
    here: dict[str, tuple[int, int]]
    """Size and time of change (nanoseconds) of each local file that is the same there."""


class Landings:
    """The landings of one archive. In an archive that is a folder they are where they are, and nothing is copied."""

    def __init__(self, files: Files, work: Path) -> None:
        self.root = work / FOLDER
        """The local folder: one folder a site in it, one folder a crawl in that."""
        self._seen = work / _SEEN
        self._files = files

    def folder(self, site: str, crawl_id: str) -> Path:
        """The landing's local folder, with what the archive holds of it; it need not exist yet."""
        folder = self.root / site / crawl_id
        if self._files.local is not None:
            return folder
        held = self._held(folder)
        if held:
            seen = self._read_seen(folder)
            if seen is None or seen.there != _digest(held) or not folder.is_dir():
                self._fetch(folder, held)
        return folder

    def resolve(self, folder: Path) -> Path:
        """The same for the path that a step on this or another machine was told."""
        if self._files.local is not None or (folder.is_dir() and not folder.is_relative_to(self.root)):
            return folder
        return self.folder(folder.parent.name, folder.name)

    def ids(self, site: str) -> set[str]:
        """The site's landings, here and in the archive."""
        folder = self.root / site
        here = {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()
        if self._files.local is not None:
            return here
        return here | {entry.path.split("/")[2] for entry in self._files.list(f"{FOLDER}/{site}")}

    def receipts(self, site: str, since: datetime) -> Iterator[tuple[str, Receipt]]:
        """Names and receipts of the site's landings; of those in an archive on S3 only what changed since then."""
        there = set()
        if self._files.local is None:
            for entry in self._files.list(f"{FOLDER}/{site}"):
                name = entry.path.split("/")[2]
                there.add(name)
                if entry.path.endswith(f"/{RECEIPT}") and entry.modified >= since:
                    yield name, msgspec.json.decode(self._files.read(entry.path), type=Receipt)
        for path in (self.root / site).glob(f"*/{RECEIPT}"):
            if path.parent.name not in there:
                yield path.parent.name, Landing(path.parent).receipt()

    def each(self, site: str) -> Iterator[Path]:
        """The local folder of each of the site's landings, one after the other; what is changed in it is kept."""
        for crawl_id in sorted(self.ids(site)):
            was_here = self._seen_file(self.root / site / crawl_id).exists()
            folder = self.folder(site, crawl_id)
            if folder.is_dir():
                yield folder
                self.keep(folder)
                if not was_here:
                    self.free(folder)

    def sums(self, folder: Path) -> list[Sum]:
        """Checksums of the landing's files, by their paths in the archive."""
        return [
            Sum(self._path(folder, path.name), path.stat().st_size, _sha256(path))
            for path in _files_of(folder)
            if not path.name.endswith(".new")
        ]

    def exists(self, site: str, crawl_id: str) -> bool:
        """Whether there is such a landing, or something of it."""
        folder = self.root / site / crawl_id
        return folder.exists() or (self._files.local is None and bool(self._held(folder)))

    def keep(self, folder: Path) -> None:
        """Brings the archive's copy to what the local one is; its receipt comes last.

        Raises:
            ArchiveError: S3 cannot be reached; the local copy stays, and the next call goes on.
        """
        if self._files.local is not None or not folder.is_dir():
            return
        held, seen = self._held(folder), self._read_seen(folder)
        same = seen.here if seen and seen.there == _digest(held) else {}
        here = _states(folder)
        there = {Path(entry.path).name for entry in held}
        todo = [name for name, state in here.items() if same.get(name) != state or name not in there]
        with ThreadPoolExecutor(self._files.at_once) as pool:
            sends = (name for name in todo if name != RECEIPT)
            list(pool.map(lambda name: self._files.send(self._path(folder, name), folder / name), sends))
            list(pool.map(self._files.delete, (self._path(folder, name) for name in there - here.keys())))
        if RECEIPT in todo:
            self._files.send(self._path(folder, RECEIPT), folder / RECEIPT)
        self._write_seen(folder, here)

    def free(self, folder: Path) -> None:
        """Removes the local copy of a landing that the archive holds, but for its receipt, which is asked for often."""
        if self._files.local is not None:
            return
        self._seen_file(folder).unlink(missing_ok=True)
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name != RECEIPT:
                path.unlink()

    def free_all(self, site: str, crawl_ids: Iterable[str]) -> None:
        """The same for landings that another machine has committed meanwhile."""
        for crawl_id in crawl_ids:
            if self._seen_file(self.root / site / crawl_id).exists():
                self.free(self.root / site / crawl_id)

    def rename(self, folder: Path, name: str) -> None:
        """Gives a landing another name.

        Raises:
            OSError: the local folder cannot be renamed.
        """
        folder.rename(folder.with_name(name))
        if self._files.local is None:
            self.keep(folder.with_name(name))
            for entry in self._held(folder):
                self._files.delete(entry.path)
            self._seen_file(folder).unlink(missing_ok=True)

    def told(self, folder: Path, name: str = "") -> str:
        """Where the landing, or one of its files, is to be looked for by people."""
        return (
            self._files.uri(self._path(folder, name).rstrip("/")) if self._files.local is None else str(folder / name)
        )

    def _path(self, folder: Path, name: str) -> str:
        return f"{FOLDER}/{folder.parent.name}/{folder.name}/{name}"

    def _held(self, folder: Path) -> list[Entry]:
        return list(self._files.list(f"{FOLDER}/{folder.parent.name}/{folder.name}"))

    def _fetch(self, folder: Path, held: list[Entry]) -> None:
        aside = self.root / f".fetching-{token_hex(8)}"
        aside.mkdir(parents=True)
        try:
            with ThreadPoolExecutor(self._files.at_once) as pool:
                list(pool.map(lambda entry: self._files.fetch(entry.path, aside / Path(entry.path).name), held))
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        self._write_seen(folder, _states(folder), held)

    def _seen_file(self, folder: Path) -> Path:
        return self._seen / folder.parent.name / f"{folder.name}.json"

    def _read_seen(self, folder: Path) -> Seen | None:
        try:
            return msgspec.json.decode(self._seen_file(folder).read_bytes(), type=Seen)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def _write_seen(self, folder: Path, here: dict[str, tuple[int, int]], held: list[Entry] | None = None) -> None:
        path = self._seen_file(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}-{token_hex(4)}")
        there = _digest(self._held(folder) if held is None else held)
        aside.write_bytes(msgspec.json.encode(Seen(there, here)))
        aside.replace(path)


def _states(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change by name, of all that belongs to the landing: not of caches and what stands aside."""
    return {
        path.name: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in _files_of(folder)
        if not path.name.endswith(".new")
    }


def _files_of(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith("."))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(held: Iterable[Entry]) -> str:
    lines = "".join(f"{entry.path} {entry.bytes} {entry.modified.isoformat()}\n" for entry in held)
    return hashlib.blake2b(lines.encode(), digest_size=16).hexdigest()
