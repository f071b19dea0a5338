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
    """One file on its way into the archive: a landing for each site that it holds records of."""

    def __init__(self, path: Path, archive: Archive, sites: dict[str, Site]) -> None:
        self._path = path
        self._archive = archive
        self._sites = sites
        self._landings: dict[str, SiteLanding] = {}
        self._elsewhere: Counter[str] = Counter()

    def stage(self, site_of: SiteOf) -> None:
        """Reads all of it into landings named after its content.

        Raises:
            UsageError: it is in no known form, or gives no record.
        """
        crawl_id = f"{IMPORT_PREFIX}{_digest(self._path)[:16]}"
        waiting: dict[str | None, list[Piece | Skipped]] = {}
        for told in read_file(self._path, site_of):
            landing = self._landings.get(told.site or "")
            if landing is None and isinstance(told, Piece) and told.parsed.records():
                site = self._sites.get(told.site) or Site(name=told.site, url="http://localhost/")
                landing = self._landings[told.site] = SiteLanding(self._archive, site, crawl_id)
            if landing is not None:
                landing.add(told)
            else:
                # What gives no record opens no site; where the site does come, it counts there.
                waiting.setdefault(told.site, []).append(told)
        self._place(waiting)
        size = self._path.stat().st_size
        for landing in self._landings.values():
            landing.close(size if len(self._landings) == 1 else 0)

    def _place(self, waiting: dict[str | None, list[Piece | Skipped]]) -> None:
        """Gives what has no record to the landing of its site; what is of no site that was met is counted."""
        for name, entries in waiting.items():
            landing = next(iter(self._landings.values()), None) if name is None else self._landings.get(name)
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
        """Commits the landings, one a site."""
        done: list[Imported] = []
        for landing in self._landings.values():
            stored = landing.store()
            reasons = landing.skipped + (Counter() if done else self._elsewhere)
            if landing.skipped:
                told = f"{landing.skipped.total():,}"
                logger.warning("%s: %s entries gave no record; they are kept in %s.", self._path, told, landing.kept)
            done.append(
                Imported(
                    path=str(self._path),
                    site=landing.site,
                    thread_id=next(iter(landing.thread_ids)) if len(landing.thread_ids) == 1 else None,
                    threads=len(landing.thread_ids),
                    posts=landing.posts,
                    new=stored.new,
                    edited=stored.edited,
                    seen=stored.seen,
                    skipped=reasons.total(),
                    reasons=dict(reasons.most_common()),
                )
            )
        return done

    def discard(self) -> None:
        """Removes what was staged and not committed."""
        for landing in self._landings.values():
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
