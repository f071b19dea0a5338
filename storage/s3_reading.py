"""How DuckDB reads an archive on S3: one request for a small file, a few for a big one, none to ask for its size.

The first request for a file brings its end with its size (`S3Files.end`), where Parquet has its footer. Bytes before
that are fetched as DuckDB asks for them: it reads the columns of a query only, and neighbouring ones together.
"""

import io
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from fsspec import AbstractFileSystem

if TYPE_CHECKING:
    from storage.s3_files import End, S3Files

_KEPT = 64 << 20
"""Bytes of ends of files that a connection keeps."""


class ReadingFromS3(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    """The archive's files for one DuckDB connection, read only."""

    protocol = "s3"
    cachable = False

    def __init__(self, files: "S3Files") -> None:
        super().__init__()
        self._files = files
        self._ends: dict[str, End] = {}

    def _below(self, path: str) -> str:
        return path.removeprefix("s3://").removeprefix(f"{self._files.location.removeprefix('s3://')}/")

    def end(self, path: str) -> "End":
        """The file's last bytes, the same for as long as the connection is open."""
        below = self._below(path)
        if below not in self._ends:
            if sum(len(end.content) for end in self._ends.values()) > _KEPT:
                self._ends.clear()
            self._ends[below] = self._files.end(below)
        return self._ends[below]

    def glob(self, path: str, maxdepth: int | None = None, **_options: object) -> list[str]:  # noqa: ARG002 - fsspec's
        """The path itself: all that is read is listed by name."""
        return [path]

    def exists(self, path: str, **_options: object) -> bool:
        """Whether there is such a file."""
        try:
            self.end(path)
        except FileNotFoundError:
            return False
        return True

    def info(self, path: str, **_options: object) -> Mapping[str, object]:
        """Name, size and kind of the file."""
        end = self.end(path)
        return {"name": path, "size": end.size, "type": "file", "e_tag": end.tag, "last_modified": end.modified}

    def modified(self, path: str) -> datetime:
        """When it was written (aware, UTC)."""
        return self.end(path).modified

    def open(self, path: str, mode: str = "rb", *_more: object, **_options: object) -> "io.RawIOBase":
        """The file, for reading.

        Raises:
            PermissionError: it is to be written.
        """
        if "r" not in mode:
            raise PermissionError(f"{path} cannot be written by a query.")
        return _Reading(self._files, self._below(path), self.end(path))


class _Reading(io.RawIOBase):
    """One open file."""

    def __init__(self, files: "S3Files", path: str, end: "End") -> None:
        super().__init__()
        self._files, self._path, self._end = files, path, end
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end.size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._end
        stop = end.size if size < 0 else min(self._at + size, end.size)
        begin, self._at = self._at, max(self._at, stop)
        if stop <= begin:
            return b""
        known_from = end.size - len(end.content)
        if begin >= known_from:
            return end.content[begin - known_from : stop - known_from]
        return self._files.piece(self._path, begin, stop, end.tag)
