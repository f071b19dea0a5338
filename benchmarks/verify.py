"""Verifying an archive against bare SHA-256 of the same bytes. Run: python -m benchmarks.verify

An archive of 200,000 posts with its published files. The bare measure reads and hashes each file with hashlib, in one
thread, as the verification does; the ratio is what everything else costs: ledgers, logs, rows, versions, the index.
"""

import hashlib
import random
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.commit import MONTHS, POSTS_A_THREAD, START, _crawl, _store, _thread
from storage.archive import Archive
from storage.files import files_at
from storage.verification import verify
from storage.verifying_files import check_files, durable_files

END = START + timedelta(days=31 * MONTHS)


def run(posts: int = 200_000) -> dict[str, float]:
    """The figures: megabytes, seconds, and their ratios."""
    with tempfile.TemporaryDirectory() as folder:
        location = Path(folder) / "archive"
        archive = Archive.open(location, environ={})
        rng, threads = random.Random(7), posts // POSTS_A_THREAD
        _store(archive, *_crawl("first", (_thread(number, threads, rng) for number in range(threads)), END))
        files = files_at(str(location))
        paths = [location / entry.path for entry in durable_files(files)]
        size = sum(path.stat().st_size for path in paths) / 1e6
        _bare(paths)  # so that neither has to wait for the disk
        began = time.perf_counter()
        _bare(paths)
        bare = time.perf_counter() - began
        began = time.perf_counter()
        assert check_files(files).findings == []
        checked = time.perf_counter() - began
        began = time.perf_counter()
        done = verify(str(location))
        whole = time.perf_counter() - began
        assert done.findings == [], done.findings
    return {
        "posts": posts,
        "files": len(paths),
        "megabytes": size,
        "bare SHA-256 MB/s": size / bare,
        "checksums MB/s": size / checked,
        "checksums, times bare": checked / bare,
        "all of it MB/s": size / whole,
        "all of it, times bare": whole / bare,
    }


def _bare(paths: list[Path]) -> None:
    for path in paths:
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Prints the figures."""
    posts = int(sys.argv[1]) if len(sys.argv) > 1 and __name__ == "__main__" else 200_000
    for name, value in run(posts).items():
        print(f"{name:<28}{value:>12,.2f}")


if __name__ == "__main__":
    main()
