"""Import of what holds threads already, and export of threads: the I/O around crawler.documents and storage.export."""

import hashlib
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
from msgspec import Struct, field

from crawler.documents.pieces import Piece, Skipped
from crawler.errors import UsageError
from crawler.receipt import IMPORT_PREFIX
from crawler.site import Site, usable_sites
from medthreads.imported_files import SiteOf, read_file, site_namer
from medthreads.imported_pages import SiteLanding
from storage.archive import Archive
from storage.bulk import import_release, is_release
from storage.export import export_thread
from storage.mentions import show
from storage.publish import publish

logger = logging.getLogger("medthreads")

PART_POSTS = 100_000
"""Some 0.5 GB of memory in the commit."""


class Imported(Struct, kw_only=True):
    """What became of one file, as far as it is of one site."""

    path: str
    site: str
    thread_id: str | None
    """The thread, where it is only one."""
    threads: int
    posts: int
    new: int
    edited: int
    seen: int
    skipped: int = 0
    """Rows, lines or pages that gave no record; the landing keeps them in `skipped.jsonl`."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Why, and how many each. The first site's tell of pages on hosts of no known forum, too."""

    def sentence(self) -> str:
        """The output line for people."""
        what = self.thread_id or f"{self.threads:,} threads"
        skipped = "".join(f"; {count:,} skipped: {reason}" for reason, count in self.reasons.items())
        return (
            f"{self.path}: {self.site}/{what}, {self.posts:,} posts "
            f"({self.new:,} new, {self.edited:,} edited, {self.seen:,} seen){skipped}"
        )


def import_path(path: Path, location: str) -> list[Imported]:
    """Imports a file, or every file of a folder; all are read before the first is committed. Or a release.

    Raises:
        UsageError: the path is not there, or a file is in no known form.
    """
    if not path.exists():
        raise UsageError(f"There is no {path} to import.")
    if path.is_dir() and is_release(path):
        return _import_release(path, location)
    files = sorted(entry for entry in path.rglob("*") if entry.is_file()) if path.is_dir() else [path]
    if not files:
        raise UsageError(f"The folder {path} holds no file to import.")
    archive = Archive.open(location)
    sites = usable_sites()[0]
    read: list[_File] = []
    try:
        for file in files:
            read.append(_File(file, archive, sites))
            read[-1].stage(site_namer(sites))
        return [imported for file in read for imported in file.store()]
    finally:
        for each in read:
            each.discard()


def _import_release(folder: Path, location: str) -> list[Imported]:
    archive = Archive.open(location)
    done = []
    for one in import_release(archive, folder):
        site, counts = one.snapshot.site, one.snapshot.counts
        publish(archive, site)
        new = 0 if one.is_repeated else counts["new"]
        done.append(
            Imported(
                path=str(folder),
                site=site,
                thread_id=None,
                threads=one.threads,
                posts=one.posts,
                new=new,
                edited=0,
                seen=one.posts,
            )
        )
    return done


class _File:
    """One file on its way into the archive: landings for each site that it holds records of.

    A part of PART_POSTS posts has a landing and a commit of its own, so that memory does not grow with the file.
    """

    def __init__(self, path: Path, archive: Archive, sites: dict[str, Site]) -> None:
        self._path = path
        self._archive = archive
        self._sites = sites
        self._landings: dict[str, list[SiteLanding]] = {}
        self._elsewhere: Counter[str] = Counter()

    def stage(self, site_of: SiteOf) -> None:
        """Reads all of it into landings named after its content.

        Raises:
            UsageError: it is in no known form, or gives no record.
        """
        crawl_id = f"{IMPORT_PREFIX}{_digest(self._path)[:16]}"
        waiting: dict[str | None, list[Piece | Skipped]] = {}
        for told in read_file(self._path, site_of):
            landing = self._landing_of(told.site)
            if isinstance(told, Piece) and told.parsed.records() and (landing is None or landing.posts >= PART_POSTS):
                if landing is not None:
                    landing.close(0)
                landing = self._open(told.site, crawl_id)
            if landing is not None:
                landing.add(told)
            else:
                # What gives no record opens no site; where the site does come, it counts there.
                waiting.setdefault(told.site, []).append(told)
        self._place(waiting)
        size = self._path.stat().st_size
        for parts in self._landings.values():
            parts[-1].close(size if len(self._landings) == len(parts) == 1 else 0)

    def _landing_of(self, site: str | None) -> SiteLanding | None:
        parts = self._landings.get(site or "")
        return parts[-1] if parts else None

    def _open(self, name: str, crawl_id: str) -> SiteLanding:
        site = self._sites.get(name) or Site(name=name, url="http://localhost/")
        parts = self._landings.setdefault(name, [])
        parts.append(SiteLanding(self._archive, site, f"{crawl_id}-{len(parts) + 1}" if parts else crawl_id))
        return parts[-1]

    def _place(self, waiting: dict[str | None, list[Piece | Skipped]]) -> None:
        """Gives what has no record to the landing of its site; what is of no site that was met is counted."""
        for name, entries in waiting.items():
            landing = self._landing_of(next(iter(self._landings), None) if name is None else name)
            for entry in entries:
                if landing is not None:
                    landing.add(entry)
                elif isinstance(entry, Skipped):
                    self._elsewhere[entry.reason] += 1
                else:
                    self._elsewhere[entry.parsed.reason or f"{entry.parsed.page_kind} page without records"] += 1
        if not self._landings:
            reasons = "; ".join(f"{count:,} x {reason}" for reason, count in self._elsewhere.most_common(3))
            raise UsageError(
                f"{self._path} holds nothing that could be read into threads ({reasons or 'it has no page or row'})."
            )

    def store(self) -> list[Imported]:
        """Commits the landings, part by part."""
        done: list[Imported] = []
        for site, parts in self._landings.items():
            stored = [landing.store() for landing in parts]
            reasons = sum((landing.skipped for landing in parts), Counter() if done else Counter(self._elsewhere))
            for landing in parts:
                if landing.skipped:
                    told = f"{landing.skipped.total():,}"
                    logger.warning("%s: %s entries gave no record; they are in %s.", self._path, told, landing.kept)
            thread_ids = set().union(*(landing.thread_ids for landing in parts))
            done.append(
                Imported(
                    path=str(self._path),
                    site=site,
                    thread_id=next(iter(thread_ids)) if len(thread_ids) == 1 else None,
                    threads=len(thread_ids),
                    posts=sum(landing.posts for landing in parts),
                    new=sum(one.new for one in stored),
                    edited=sum(one.edited for one in stored),
                    seen=sum(one.seen for one in stored),
                    skipped=reasons.total(),
                    reasons=dict(reasons.most_common()),
                )
            )
        return done

    def discard(self) -> None:
        """Removes what was staged and not committed."""
        for parts in self._landings.values():
            for landing in parts:
                landing.discard()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error


def export(location: str, site: str, thread_id: str, form: str, *, names: bool) -> bytes:
    """One thread as a document.

    Raises:
        UsageError: the thread is not in the archive, or the form is unknown.
    """
    with Archive.open(location, create=False).connect() as connection:
        query = "SELECT * FROM {} WHERE site = ? AND thread_id = ?"
        threads = _rows(connection.sql(query.format("threads"), params=[site, thread_id]))
        if not threads:
            raise UsageError(
                f"The archive holds no thread {thread_id!r} of {site}; "  # noqa: S608 - a message
                "`SELECT thread_id, title FROM threads` lists them."
            )
        order = " ORDER BY position NULLS LAST, created_at, post_id"
        posts = _rows(connection.sql(query.format("posts") + order, params=[site, thread_id]))
        held = None
        if names:
            rows = connection.execute("SELECT author_key, author FROM authors WHERE site = ?", [site]).fetchall()
            held = dict(rows)
            for post in posts:
                post["body_text"] = show(post["body_text"], held)
                post["quotes"] = [{**quote, "text": show(quote["text"], held)} for quote in post["quotes"]]
    return export_thread(threads[0], posts, form, held)


def _rows(relation: duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = relation.to_arrow_table().to_pylist()
    return rows
