"""A whole real forum, mirrored, served on loopback and crawled: the main job on real input."""

import functools
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import Medthreads


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files, notes what was asked for, prints nothing."""

    asked: list[str]

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """Notes the path."""
        self.asked.append(self.path)
        super().do_GET()


@pytest.fixture(scope="module")
def mirror(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """Address of the served mirror, and the list of paths asked for."""
    packed = shared_dir / "sites" / "xenforo2-mirror.tar.xz"
    if not packed.is_file():
        pytest.skip(f"no mirrored forum at {packed}")
    folder = tmp_path_factory.mktemp("mirror")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    asked: list[str] = []
    handler = functools.partial(type("Handler", (QuietHandler,), {"asked": asked}), directory=str(folder / "tti"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()


def test_a_real_forum_is_archived_whole_and_only_once(mirror: tuple[str, list[str]], medthreads: Medthreads) -> None:
    url, asked = mirror
    site = medthreads.site_file("mirror", url)  # engine: auto

    [first] = medthreads.json("crawl", site, "--archive", "archive", "--json")
    receipt = first["receipt"]
    assert (receipt["threads_opened"], receipt["posts"]) == (207, 1680)
    assert (receipt["difference"], receipt["quarantined"], receipt["pending"]) == (0, 0, 0)
    assert receipt["page_kinds"]["thread"] == 212
    assert "unknown" not in receipt["page_kinds"]
    [held] = medthreads.json(
        "sql",
        "SELECT (SELECT count(*) FROM posts) p, (SELECT count(*) FROM threads) t",
        "--archive",
        "archive",
        "--json",
    )
    assert held == {"p": 1680, "t": 207}

    asked.clear()
    [second] = medthreads.json("crawl", site, "--archive", "archive", "--json")
    assert second["receipt"]["threads_opened"] == 0
    assert not [path for path in asked if path.startswith("/threads/")]
    versions = medthreads.json("sql", "SELECT count(*) n FROM post_versions", "--archive", "archive", "--json")
    assert versions == [{"n": 1680}]
    added = medthreads.json("snapshots", "--archive", "archive", "--json")[-1]
    assert {added[name] for name in ("new", "edited", "deleted", "moved", "threads_new", "threads_changed")} == {0}
