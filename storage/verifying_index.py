"""The index of known records against the tables. It is a cache: whatever is wrong with it, deleting it mends it."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from storage.archive import Archive
from storage.verifying_findings import Finding, Severity

_WHERE = ".index/known.sqlite"
_DELETE = "Delete the folder .index/ when nothing runs; the next crawl makes it anew."
_SECONDS = 60.0


class _State(NamedTuple):
    archive_id: str
    snapshot: int
    """The newest that it has taken in."""
    posts: dict[str, int]
    """By site."""


def check_index(archive: Archive, newest: int, posts: Mapping[str, int]) -> Iterator[Finding]:
    """Whether it is sound, of this archive, and up to date.

    Args:
        archive: whose index it is.
        newest: the last snapshot.
        posts: per site (of some, or of all), the posts in the tables as of that snapshot.
    """
    if not archive.index.path.exists():
        return
    try:
        state = _state(archive.index.path)
    except sqlite3.DatabaseError as error:
        what = f"the index of known records cannot be read ({error})."
        yield Finding(Severity.INCONSISTENCY, "index", _WHERE, what, _DELETE)
        return
    if state.archive_id != archive.index.archive_id:
        what = "the index was made before something was erased, or for another archive."
        yield Finding(Severity.LAGGING, "lagging", _WHERE, what, "The next crawl or commit makes it anew.")
    elif state.snapshot > newest:
        newest = max((commit.snapshot for commit in archive.committed()), default=0)
        if state.snapshot <= newest:
            return  # committed since the tables were read
        what = f"the index knows of snapshot {state.snapshot}, the tables have only {newest}."
        yield Finding(Severity.INCONSISTENCY, "index", _WHERE, what, _DELETE)
    elif state.snapshot < newest:
        what = f"the index knows the archive up to snapshot {state.snapshot}, the tables have {newest}."
        yield Finding(Severity.LAGGING, "lagging", _WHERE, what, "The next crawl or commit brings it up.")
    else:
        for site, count in posts.items():
            if state.posts.get(site, 0) != count:
                what = f"the index has {state.posts.get(site, 0):,} posts of {site}, the tables have {count:,}."
                yield Finding(Severity.INCONSISTENCY, "index", _WHERE, what, _DELETE)


def _state(path: Path) -> _State:
    with closing(sqlite3.connect(path, timeout=_SECONDS, isolation_level=None)) as connection:
        [(said,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
        if said != "ok":
            raise sqlite3.DatabaseError(said)
        connection.execute("BEGIN")
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        posts = dict(connection.execute("SELECT site, count(*) FROM posts GROUP BY site").fetchall())
        connection.execute("COMMIT")
    return _State(str(meta["of"]).partition(" ")[2], int(meta["snapshot"]), posts)
