"""A lock among machines: an object of the archive that its holder renews, and that others take over when it does not.

locks/<name>.json     who holds it; written only under the condition that it is still the version that was read

Whether a holder is silent is never told by comparing two machines' clocks. Who waits sees whether the object changes
while a minute passes by their own clock; and at the first look, by S3's clock alone, how long it has not changed.
A holder that could not renew it for half a minute counts it as lost, before anybody may take it over.
"""

import logging
import os
import platform
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from crawler.errors import ArchiveError, BusyError, SupersededError
from storage.s3_files import S3Files, Tagged

log = logging.getLogger("medthreads")

SILENT_SECONDS = 60.0
"""After so long without a sign of life a holder may be superseded."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
"""Seconds between two looks of one who waits."""
_PLACE = "place"


class Holder(Struct, frozen=True, kw_only=True):
    """The content of a lock's object."""

    token: str
    place: str
    """The folder of locks on the holder's machine, see `place_of`."""
    machine: str
    pid: int
    since: datetime
    beats: int = 0
    """Grows with each sign of life, so that each is another content."""
    is_released: bool = False


class ObjectLock:
    """One lock, as one holder sees it."""

    def __init__(self, files: S3Files, name: str, place: str, silent_seconds: float = SILENT_SECONDS) -> None:
        """`place` is that of the local folder whose lock the caller holds: nobody else there can be at it."""
        self.path = f"locks/{name}.json"
        self.silent_seconds = silent_seconds
        self._files = files
        self._name = name
        self._me = Holder(
            token=token_hex(16), place=place, machine=platform.node(), pid=os.getpid(), since=datetime.now(UTC)
        )
        self._tag = ""
        self._renewed = 0.0
        self._is_lost = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self, patience: float, busy: str) -> None:
        """Takes it, and has a thread renew it from then on.

        Raises:
            BusyError: another holder has it, and kept it for all of `patience` seconds.
        """
        ends = time.monotonic() + patience
        seen, since, first, pause = "", time.monotonic(), True, _FIRST_PAUSE
        while True:
            now = time.monotonic()
            held = self._look()
            holder = _holder(held) if held else None
            if held and held.tag != seen:
                seen, since = held.tag, now
            is_free = held is None or (holder is not None and (holder.is_released or holder.place == self._me.place))
            silent = not is_free and (now - since > self.silent_seconds or (first and self._is_old(held)))
            if is_free or silent:
                if silent and holder:
                    log.warning("%s has been silent and loses its lock %r.", _named(holder), self._name)
                self._renewed = time.monotonic()
                tag = self._files.put_if(self.path, msgspec.json.encode(self._me), held.tag if held else None)
                if tag is not None:
                    self._tag = tag
                    self._thread = threading.Thread(target=self._renew_often, name=f"lock {self._name}", daemon=True)
                    self._thread.start()
                    return
            first = False
            left = ends - time.monotonic()
            if left <= 0:
                raise BusyError(f"{busy} It has been {_named(holder)}." if holder else busy)
            time.sleep(min(pause, self.silent_seconds / 10, left))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _look(self) -> Tagged | None:
        try:
            return self._files.tagged(self.path)
        except FileNotFoundError:
            return None

    def _is_old(self, held: Tagged | None) -> bool:
        return held is not None and self._files.now() - held.modified > timedelta(seconds=self.silent_seconds + 1)

    def _renew_often(self) -> None:
        while not self._ended.wait(self.silent_seconds / 6):
            if not self._renew():
                return

    def _renew(self) -> bool:
        """Gives a sign of life; whether the lock is still held."""
        started = time.monotonic()
        self._me = replace(self._me, beats=self._me.beats + 1)
        try:
            tag = self._files.put_if(self.path, msgspec.json.encode(self._me), self._tag)
        except ArchiveError as error:
            log.warning("The lock %r could not be renewed: %s", self._name, error)
            return True  # as long as it lasts: `check` knows
        if tag is None:
            # By a sign of life before this one, whose answer got lost for good, it may still be ours.
            held = self._look()
            if held is None or (_holder(held) or self._me).token != self._me.token:
                self._is_lost = True
                return False
            tag = held.tag
        self._tag, self._renewed = tag, started
        return True

    def check(self) -> None:
        """Makes sure that the lock is held, and will be for as long as one more request takes.

        Raises:
            SupersededError: somebody has taken it over, or may do so soon.
        """
        if self._is_lost or time.monotonic() - self._renewed > self.silent_seconds / 2:
            raise SupersededError(
                f"This process lost its lock {self._name!r} on {self._files.location}, as it was stopped or cut off "
                "from S3 for too long; it writes nothing more: run the same again."
            )

    def release(self) -> None:
        """Gives it back; nothing happens where it was lost."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if not self._is_lost:
            with suppress(ArchiveError):  # others find it silent
                content = msgspec.json.encode(replace(self._me, is_released=True))
                self._files.put_if(self.path, content, self._tag)


def place_of(folder: Path) -> str:
    """A name for the local folder of locks that no other folder has, on whatever machine."""
    path = folder / _PLACE
    with suppress(FileExistsError):
        aside = folder / f".{_PLACE}-{token_hex(8)}"
        aside.write_text(token_hex(16), encoding="ascii")
        try:
            path.hardlink_to(aside)
        finally:
            aside.unlink()
    return path.read_text(encoding="ascii")


def _holder(held: Tagged) -> Holder | None:
    try:
        return msgspec.json.decode(held.content, type=Holder)
    except msgspec.DecodeError:
        return None  # damaged: taken over when it has not changed for long


def _named(holder: Holder) -> str:
    return f"process {holder.pid} on {holder.machine} since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
