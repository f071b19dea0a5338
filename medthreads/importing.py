"""Import of thread documents, and export of threads: the I/O around crawler.documents and storage.export."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from msgspec import Struct

from crawler.documents import Document, read_document
from crawler.errors import UsageError
from crawler.landing import Landing
from crawler.receipt import IMPORT_PREFIX, Outcome, Receipt, StagedPage
from crawler.site import Expectation, Site, usable_sites
from medthreads import pipeline
from storage.archive import Archive
from storage.export import export_thread
from storage.mentions import show


class Imported(Struct, kw_only=True):
    """What became of one document."""

    path: str
    site: str
    thread_id: str
    posts: int
    new: int
    edited: int
    seen: int


def import_path(path: Path, location: str) -> list[Imported]:
    """Imports a document, or every file of a folder; all are read before the first is committed.

    Raises:
        UsageError: the path is not there, or a document is in no known form.
    """
    if not path.exists():
        raise UsageError(f"There is no {path} to import.")
    files = sorted(entry for entry in path.rglob("*") if entry.is_file()) if path.is_dir() else [path]
    if not files:
        raise UsageError(f"The folder {path} holds no file to import.")
    documents = []
    for file in files:
        try:
            body = file.read_bytes()
        except OSError as error:
            raise UsageError(f"Cannot read {file}: {error.strerror}.") from error
        saved_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        documents.append((file, body, read_document(body, file.name, saved_at)))
    return [_import(file, body, document, location) for file, body, document in documents]


def _import(file: Path, body: bytes, document: Document, location: str) -> Imported:
    """The document becomes a landing of its own, named after its content, and goes the way of every landing."""
    thread = document.parsed.threads[0]
    archive = Archive.open(location)
    folder = archive.landing_root / thread.site / f"{IMPORT_PREFIX}{hashlib.sha256(body).hexdigest()[:16]}"
    with pipeline.commit_lock(archive, thread.site):
        landing = Landing.begin(folder)
        site = usable_sites()[0].get(thread.site) or Site(name=thread.site, url="http://localhost/")
        # The site's minimums are for whole crawls of it, not for one thread that somebody saved.
        site = site.model_copy(update={"expect": Expectation()})
        pipeline.keep_site(folder, site)
        url = thread.url or f"import:{thread.site}/{thread.thread_id}"
        landing.stage(StagedPage(url=url, fetched_at=document.observed_at, parsed=document.parsed))
        landing.write_receipt(
            Receipt(
                site=thread.site,
                crawl_id=folder.name,
                engine=document.parsed.engine,
                started_at=document.observed_at,
                finished_at=datetime.now(UTC),
                outcome=Outcome.COMPLETE,
                discovered=1,
                parsed=1,
                page_kinds={document.parsed.page_kind.value: 1},
                threads_opened=1,
                posts=len(document.parsed.posts),
                bytes=len(body),
            )
        )
        landing.close()
    unchanged = {"new": 0, "edited": 0, "seen": len(document.parsed.posts)}
    is_known = archive.is_committed(folder.name, thread.site)
    counts = unchanged if is_known else pipeline.store(location, folder).counts
    return Imported(
        path=str(file),
        site=thread.site,
        thread_id=thread.thread_id,
        posts=len(document.parsed.posts),
        new=counts["new"],
        edited=counts["edited"],
        seen=counts["seen"],
    )


def export(location: str, site: str, thread_id: str, form: str, *, names: bool) -> bytes:
    """One thread as a document.

    Raises:
        UsageError: the thread is not in the archive, or the form is unknown.
    """
    with Archive.open(location, create=False).connect() as connection:
        query = "SELECT * FROM {} WHERE site = ? AND thread_id = ?"
        threads = _rows(connection.sql(query.format("threads"), params=[site, thread_id]))
        if not threads:
            raise UsageError(f"The archive holds no thread {thread_id!r} of {site}; `SELECT thread_id, title FROM threads` lists them.")
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
