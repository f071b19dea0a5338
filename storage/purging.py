"""Content that was deleted at its source, taken out of the archive for good; the bare fact of the deletion stays.

Some sites' terms ask for that (Reddit's: within 48 hours). Unlike an erasure it keeps nobody from collecting what the
site shows again, and leaves other people's posts as they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa

from crawler.errors import BusyError
from crawler.landing import RECEIPT, Landing
from storage.archive import Archive
from storage.erasing import blank_thread, derived_row, json_without, plain_address
from storage.erasure import Account, Erasing, LandingHold, site_lock, together
from storage.erasure_scope import marks_of
from storage.known import GONE, Row
from storage.needles import Needles, lines_of
from storage.schema import TABLES
from storage.suppressions import ERASED, Record, Suppression, opened, sealed, unfinished, write_record
from storage.tables import storage_errors
from storage.views import quoted, reading

_KIND = "purge"
_COMMIT_WITHIN = timedelta(hours=24)
_GONE = ", ".join(quoted(status.value) for status in sorted(GONE))


def purge_site(archive: Archive, site: str, hold: LandingHold, now: datetime | None = None) -> Account | None:
    """Purges all that is due of a site, in one go; None where nothing is.

    Raises:
        BusyError: the site is being committed, published or refreshed by others for long.
        DiskFullError, ArchiveError: something could not be written; the next purge goes on.
    """
    with storage_errors(archive.location):
        begun = [one for one in unfinished(archive.files) if (one.site, one.kind) == (site, _KIND)]
        if not begun and not _due(archive, site):
            return None
        with site_lock(archive, site):
            record, needles = _begin(archive, site, begun, now or datetime.now(UTC))
            run = Erasing(archive, record, needles, _waiting(archive, site, hold), rows_purged)
            run.account.posts, run.account.titles = len(needles.posts), len(record.marks.titles)
            run.held_part(everything=bool(begun))
    return run.open_part()


def _waiting(archive: Archive, site: str, hold: LandingHold) -> LandingHold:
    """Leaves a landing alone that is about to be committed: it may hold what was restored since."""
    committed = {commit.crawl_id for commit in archive.committed(site)}

    @contextmanager
    def held(folder: Path) -> Iterator[None]:
        if folder.name not in committed and (folder / RECEIPT).exists():
            ended = Landing(folder).receipt().finished_at
            if ended is not None and datetime.now(UTC) - ended < _COMMIT_WITHIN:
                raise BusyError(f"{folder} is not committed yet.")
        with hold(folder):
            yield

    return held


def rows_purged(table: str, rows: pa.Table, gone: Suppression) -> pa.Table:
    """The rows without the content of purged posts; the very same where there was none."""
    change = {
        **dict.fromkeys(("post_versions", "posts"), _post_row),
        **dict.fromkeys(("thread_versions", "threads"), _thread_row),
        **dict.fromkeys(("observations", "authors", "boards", "activity"), lambda row, _: row),
        "crawls": _crawl,
    }.get(table, derived_row)
    before = rows.to_pylist()
    after = [change(row, gone) if row.get("site") in {None, gone.site} else row for row in before]
    if after == before:
        return rows
    return pa.Table.from_pylist([row for row in after if row is not None], rows.schema)


def _post_row(row: Row, gone: Suppression) -> Row | None:
    kept = dict(row)
    if gone.has_post(row["post_id"]):
        if row["status"] not in GONE:
            return None
        kept |= {name: None for name in ("author_key", "author", "url") if name in row}
    elif gone.has_title(row["thread_id"]) and row["url"]:
        kept["url"] = plain_address(row["url"], row["thread_id"])
    return kept


def _thread_row(row: Row, gone: Suppression) -> Row:
    return blank_thread(row) if gone.has_title(row["thread_id"]) else row


def _crawl(row: Row, gone: Suppression) -> Row:
    receipt = json_without(row["receipt"].encode(), gone) if row.get("receipt") else None
    return row if receipt is None else {**row, "receipt": receipt.decode()}


def _due(archive: Archive, site: str) -> bool:
    return bool(_posts(archive, site) or _threads(archive, site, []))


def _begin(archive: Archive, site: str, begun: list[Record], now: datetime) -> tuple[Record, Needles]:
    posts = _posts(archive, site)
    opened_by = sorted({row["thread_id"] for row in posts if row["is_opening"]})
    threads = _threads(archive, site, opened_by)
    titles = sorted({row["thread_id"] for row in threads})
    needles = Needles(
        lines=[line for row in posts for line in lines_of(row["body_text"] or "")],
        posts=sorted({row["post_id"] for row in posts}),
        touched=sorted({row["thread_id"] for row in posts} | set(titles)),
    )
    marks = marks_of(archive, site, posts, [], [], needles, titles)
    # Copies in other people's posts are theirs as long as the site shows them.
    marks.anchors, marks.sizes, marks.starts, marks.quotes = {}, [], [], []
    for one in begun:
        marks = together(one.marks, marks)
        if one.sealed:
            held = msgspec.json.decode(opened(archive.pseudonyms, one.id, one.sealed), type=Needles)
            needles = together(held, needles)
    name = begun[0].id if begun else f"{_KIND}-{site}-{now:%Y%m%dT%H%M%S%f}"
    content = sealed(archive.pseudonyms, name, msgspec.json.encode(needles))
    record = Record(id=name, site=site, kind=_KIND, begun_at=now, marks=marks, suppresses=False, sealed=content)
    write_record(archive.files, record)
    return record, needles


def _posts(archive: Archive, site: str) -> list[Row]:
    """Versions with content of posts whose last version is deleted or removed."""
    return _rows(
        archive,
        site,
        "post_versions",
        "post_id, thread_id, body_text, quotes, is_opening, created_at::VARCHAR AS created_at, status, last",
        "arg_max(status, version) OVER (PARTITION BY post_id)",
        f"status NOT IN ({_GONE}) AND last IN ({_GONE})",
    )


def _threads(archive: Archive, site: str, opened_by: list[str]) -> list[Row]:
    """Versions with a title of threads that are deleted or removed, or whose opening post is."""
    listed = ", ".join(quoted(one) for one in ["", *opened_by])
    return _rows(
        archive,
        site,
        "thread_versions",
        "thread_id, title",
        "arg_max(status, version) OVER (PARTITION BY thread_id)",
        f"title != {quoted(ERASED)} AND (last IN ({_GONE}) OR thread_id IN ({listed}))",
    )


def _rows(archive: Archive, site: str, table: str, columns: str, last: str, where: str) -> list[Row]:
    attempts = pa.array([commit.attempt for commit in archive.committed(site)], pa.string())
    with archive.connection() as connection:
        connection.register("committed", pa.table({"attempt": attempts}))
        files = archive.tables.files(table, site=site)
        found = connection.sql(
            f"SELECT {columns} FROM (SELECT *, {last} AS last FROM {reading(files, TABLES[table])} "  # noqa: S608 - ours
            f"WHERE site = {quoted(site)} AND attempt IN (FROM committed)) WHERE {where}"
        ).to_arrow_table()
    rows: list[Row] = found.to_pylist()
    return rows
