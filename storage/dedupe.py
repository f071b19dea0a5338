"""What a crawl adds to what is known: pure functions of a batch and the known records, without any input or output."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from msgspec import structs

from crawler.records import Poll, Post, Status, Thread
from storage.absences import vanished
from storage.batch import Batch, Figures
from storage.canonical import canonical_url, content_hash, month_of
from storage.hiding import Hiding, Privacy, masked_in
from storage.keys import Pseudonyms
from storage.known import GONE, Known, KnownPost, KnownThread, Row, ThreadRecord
from storage.schema import UNKNOWN_MONTH


@dataclass
class Changes:
    """What a commit will append, as rows of each table but `crawls`."""

    site: str
    crawl_id: str
    generation: int
    """Ordinal among the site's crawls that the commit will take."""
    figures: Figures
    rows: dict[str, list[Row]]
    counts: dict[str, int]
    """Posts new, edited, deleted, restored, moved, seen; threads_new, threads_changed, threads_seen, boards_seen;
    outdated: posts and threads of which the archive holds a later sighting than this crawl's;
    absent: posts that were not found where they should stand, which is no proof yet;
    masked: identifiers that are masked in the new versions."""


_FIRST = ("created_at", "created_text", "author_key", "crosspost_of", "url")
"""Values of a thread that are kept as first stated: pages differ in how exactly they tell them."""
_KEPT = tuple(name for name in ThreadRecord.__struct_fields__ if name not in {*_FIRST, "tags", "status"})


def dedupe(batch: Batch, known: Known, pseudonyms: Pseudonyms, privacy: Privacy = "pseudonymise") -> Changes:
    """Versions for what is new or changed, an observation for everything met, deletions where they are proven.

    A sighting that is older than what the archive holds (an old dump, a landing committed late) adds a record that is
    unknown, and an observation of one that is known, but no version: versions follow each other in time.
    """
    work = _Work(batch, known, pseudonyms, privacy)
    work.threads()
    work.posts()
    work.absences()
    work.boards()
    counts = {name: work.counts[name] for name in ("new", "edited", "deleted", "restored", "moved")}
    counts["seen"] = len(batch.posts)
    counts |= {name: work.counts[name] for name in ("threads_new", "threads_changed")}
    counts |= {"threads_seen": len(batch.threads), "boards_seen": len(batch.boards)}
    counts |= {name: work.counts[name] for name in ("outdated", "absent", "masked")}
    work.rows["authors"] = list(work.authors.values())
    return Changes(batch.site, batch.crawl_id, work.generation, batch.figures, work.rows, counts)


def post_hash(row: Row) -> str:
    """Hash of what makes a version of a post. Of one that is gone only that it is gone, and where it stood."""
    if row["status"] in GONE:
        return content_hash([row["thread_id"], row["status"]])
    quotes = [quote["text"] for quote in row["quotes"]]  # whose words they are, some pages know by a number only
    attachments = [[attachment["url"], attachment["name"]] for attachment in row["attachments"]]
    names = ("thread_id", "status", "created_at", "edited", "edited_at", "body_text", "links")
    return content_hash([*(row[name] for name in names), quotes, attachments])


def board_hash(row: Row) -> str:
    """Hash of a board's values."""
    names = ("title", "description", "parent_id", "thread_count", "post_count", "url")
    return content_hash(row[name] for name in names)


class _Work:
    """One run of `dedupe`: the rows as they come about."""

    def __init__(self, batch: Batch, known: Known, pseudonyms: Pseudonyms, privacy: Privacy) -> None:
        self.batch, self.known, self.pseudonyms, self.privacy = batch, known, pseudonyms, privacy
        self.generation = known.generation + 1
        met = batch.author_names()
        met |= {name for name in batch.mentioned_names() if pseudonyms.author_key(batch.site, name) in known.authors}
        self.hiding = Hiding(batch, met, privacy, lambda name, seen_at: self.author_key(name, None, seen_at))
        self.origin = {"crawl_id": batch.crawl_id}
        tables = ("boards", "thread_versions", "post_versions", "observations")
        self.rows: dict[str, list[Row]] = {name: [] for name in tables}
        self.authors: dict[str, Row] = {}
        self.counts: Counter[str] = Counter()
        self.board_of: dict[str, str | None] = {
            thread_id: thread.record.board_id for thread_id, thread in known.threads.items()
        }

    def author_key(self, name: str | None, author_id: str | None, seen_at: datetime) -> str | None:
        """The author's pseudonym; the name goes into `authors` if it is new there."""
        if self.privacy == "drop":
            return None
        key = self.pseudonyms.author_key(self.batch.site, name)
        if key is None:
            return None
        row = self.authors.get(key)
        if row is not None:
            row["author_id"] = row["author_id"] or author_id
        elif key not in self.known.authors or (author_id and not self.known.authors[key]):
            self.authors[key] = {
                "site": self.batch.site,
                "author_key": key,
                "author": name,
                "author_id": author_id,
                "first_seen_at": seen_at,
                **self.origin,
            }
        return key

    def threads(self) -> None:
        for thread_id, (thread, seen_at) in self.batch.threads.items():
            key = self.author_key(thread.author, thread.author_id, seen_at)
            known = self.known.threads.get(thread_id)
            record = merged(known.record if known else None, thread, key)
            month = month_of(record.created_at, UNKNOWN_MONTH)
            kept = self.hiding.thread(thread_id, record, seen_at)
            hash_, shown = record.content_hash(), kept.content_hash()
            if known is None:
                change = "new"
            elif seen_at < known.last_seen:
                self.counts["outdated"] += 1
                change, month = None, known.month
            else:
                # A value that this crawl did not tell is the kept one, with its masks: its hash is the kept record's.
                is_same = self._is_same(known.content_hash, hash_) or known.record.content_hash() == shown
                change = _thread_change(known, kept, not is_same)
            self.board_of[thread_id] = record.board_id
            counters = {name: getattr(thread, name) for name in THREAD_COUNTERS}
            if change:
                hash_ = hash_ if hash_ == shown else self.pseudonyms.sealed(hash_)
                self._thread_version(thread_id, kept, change, hash_, known, month, seen_at, counters)
            self._observe("thread", thread_id, None, month, seen_at, counters)

    def _thread_version(
        self,
        thread_id: str,
        record: ThreadRecord,
        change: str,
        hash_: str,
        known: KnownThread | None,
        month: str,
        seen_at: datetime,
        counters: Row,
    ) -> None:
        self.counts["threads_new" if change == "new" else "threads_changed"] += 1
        masked = masked_in(record)
        self.counts["masked"] += len(masked)
        self.rows["thread_versions"].append(
            {
                "site": self.batch.site,
                "thread_id": thread_id,
                **structs.asdict(record),
                "poll": poll_row(record.poll),
                "masked": masked,
                **counters,
                **self._version(change, hash_, known, month, seen_at),
            }
        )

    def posts(self) -> None:
        for post_id, (post, seen_at) in self.batch.posts.items():
            known = self.known.posts.get(post_id)
            row = self._post_row(post, known, seen_at)
            month = month_of(row["created_at"], UNKNOWN_MONTH)
            hash_ = post_hash(row)
            if known is not None and seen_at < known.last_seen:
                self.counts["outdated"] += 1
                change, month = None, known.month
            else:
                change = _post_change(known, row, known is None or not self._is_same(known.content_hash, hash_))
            kept = self.hiding.post(row, seen_at) if change else row
            if change and known is not None and post_hash(kept) == known.content_hash:
                change = None  # an erasure made that hash, of what is kept
            if change:
                self.counts[change] += 1
                self.counts["masked"] += len(kept["masked"])
                hash_ = hash_ if post_hash(kept) == hash_ else self.pseudonyms.sealed(hash_)
                self.rows["post_versions"].append(kept | self._version(change, hash_, known, month, seen_at))
            self._observe(
                "post", post.thread_id, post_id, month, seen_at, {"score": post.score, "reactions": post.reactions}
            )

    def absences(self) -> None:
        """Versions of what is gone, and a row for each post of which that is not proven yet."""
        found = vanished(self.batch, self.known)
        for thread_id, seen_at in found.threads.items():
            thread = self.known.threads[thread_id]
            record = structs.replace(thread.record, status=Status.DELETED)
            record = self.hiding.thread(thread_id, record, seen_at)
            self._thread_version(thread_id, record, "deleted", record.content_hash(), thread, thread.month, seen_at, {})
        for post_id, seen_at in found.deleted.items():
            known = self.known.posts[post_id]
            row = {**self.hiding.gone(self.known.last_rows[post_id]), "status": Status.DELETED, **_NOTHING}
            row |= self._version("deleted", post_hash(row), known, known.month, seen_at)
            self.counts["deleted"] += 1
            self.rows["post_versions"].append(row)
        for post_id, seen_at in found.absent.items():
            known = self.known.posts[post_id]
            self.counts["absent"] += 1
            self._observe("absence", known.thread_id, post_id, known.month, seen_at, {})

    def boards(self) -> None:
        for board_id, (board, seen_at) in self.batch.boards.items():
            row = self.hiding.board({**structs.asdict(board), "site": self.batch.site, "observed_at": seen_at})
            row |= self.origin
            if self.known.boards.get(board_id) != board_hash(row):
                self.rows["boards"].append(row)

    def _post_row(self, post: Post, known: KnownPost | None, seen_at: datetime) -> Row:
        created_at = post.created_at or (known.created_at if known else None)
        row = {
            "site": self.batch.site,
            "board_id": self.board_of.get(post.thread_id),
            "thread_id": post.thread_id,
            "post_id": post.post_id,
            "parent_id": post.parent_id,
            "position": post.position,
            "author_key": self.author_key(post.author, post.author_id, seen_at),
            "author": post.author,
            "created_at": created_at,
            "created_text": post.created_text,
            "edited_at": post.edited_at,
            "edited": post.edited,
            "body_text": post.body_text,
            "quotes": [
                {
                    "post_id": quote.post_id,
                    "author_key": self.author_key(quote.author, None, seen_at),
                    "text": quote.text,
                }
                for quote in post.quotes
            ],
            "reactions": post.reactions,
            "score": post.score,
            "attachments": [{"url": canonical_url(entry.url), "name": entry.name} for entry in post.attachments],
            "links": [canonical_url(link) for link in post.links],
            "is_opening": post.is_opening,
            "status": post.status,
            "url": post.url and canonical_url(post.url),
        }
        return row | _NOTHING if post.status in GONE else row

    def _is_same(self, held: str, hash_: str) -> bool:
        return held == hash_ or held == self.pseudonyms.sealed(hash_)

    def _version(
        self, change: str, hash_: str, known: KnownPost | KnownThread | None, month: str, seen_at: datetime
    ) -> Row:
        return {
            "month": month,
            "content_hash": hash_,
            "version": known.version + 1 if known else 1,
            "change": change,
            "observed_at": seen_at,
            **self.origin,
            "previous_month": known.month if known and known.month != month else None,
        }

    def _observe(
        self, kind: str, thread_id: str, post_id: str | None, month: str, seen_at: datetime, counters: Row
    ) -> None:
        self.rows["observations"].append(
            {
                "site": self.batch.site,
                "month": month_of(seen_at, UNKNOWN_MONTH),
                "kind": kind,
                "thread_id": thread_id,
                "post_id": post_id,
                "record_month": month,
                "observed_at": seen_at,
                **self.origin,
                **counters,
            }
        )


_NOTHING: Row = {"body_text": "", "quotes": [], "attachments": [], "links": [], "masked": []}
THREAD_COUNTERS = ("last_post_at", "reply_count", "view_count", "score", "page_count")


def merged(below: ThreadRecord | None, thread: Thread, author_key: str | None) -> ThreadRecord:
    """What the crawl says of the thread over what is known of it: untold values stay as they are."""
    record = ThreadRecord(
        author_key=author_key,
        created_at=thread.created_at,
        created_text=thread.created_text,
        crosspost_of=thread.crosspost_of,
        url=thread.url and canonical_url(thread.url),
        tags=thread.tags,
        status=thread.status,
        **{name: getattr(thread, name) for name in _KEPT},
    )
    if below is None:
        return record
    for name in _FIRST:
        if (first := getattr(below, name)) is not None:
            setattr(record, name, first)
    for name in _KEPT:
        if getattr(record, name) is None:
            setattr(record, name, getattr(below, name))
    # Listings show no tags; that a thread lost all of its tags cannot be told from that.
    record.tags = record.tags or below.tags
    return record


def _thread_change(known: KnownThread, record: ThreadRecord, differs: bool) -> str | None:
    stated_first = any(getattr(known.record, name) is None and getattr(record, name) is not None for name in _FIRST)
    change = _change(known.record.status, record.status, differs or stated_first)
    board_id = known.record.board_id
    return "moved" if change == "edited" and board_id is not None and board_id != record.board_id else change


def _post_change(known: KnownPost | None, row: Row, differs: bool) -> str | None:
    if known is None:
        return "new"
    change = _change(known.status, row["status"], differs)
    return "moved" if change == "edited" and known.thread_id != row["thread_id"] else change


def _change(before: str, now: str, differs: bool) -> str | None:
    if not differs:
        return None
    if now != Status.VISIBLE and before == Status.VISIBLE:
        return "deleted"
    if now == Status.VISIBLE and before != Status.VISIBLE:
        return "restored"
    return "edited"


def poll_row(poll: Poll | None) -> Row | None:
    if poll is None:
        return None
    return {
        "question": poll.question,
        "options": [structs.asdict(option) for option in poll.options],
        "voters": poll.voters,
    }
