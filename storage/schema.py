"""The archive's tables: every column with its type, its meaning and its merge rule. The single source of all of them.

A column that is a record's field takes its words from crawler/records.py, so that a field is described once.
`python -m storage.schema > docs/data-dictionary.md` writes the data dictionary anew (see storage/dictionary.py).
"""

import sys
import typing
from functools import cache

import msgspec
import pyarrow as pa

from crawler.records import Board, Post, Thread
from storage.columns import ATTACHMENTS, INSTANT, POLL, QUOTES, Column, Merge, Table

SCHEMA_VERSION = 1
"""Raised when a column changes its meaning or goes; a column more is no reason."""
UNKNOWN_MONTH = "unknown"
"""Partition of records whose `created_at` no page states."""


@cache
def _record_docs(record: type[msgspec.Struct]) -> dict[str, str]:
    docs = {}
    for name, hint in typing.get_type_hints(record, include_extras=True).items():
        for meta in getattr(hint, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta) and meta.description:
                docs[name] = meta.description
    return docs


def _of(record: type[msgspec.Struct], name: str, type_: pa.DataType, merge: Merge, **options: bool) -> Column:
    return Column(name, type_, _record_docs(record)[name], merge, **options)


def _author_key(of: str) -> Column:
    return Column(
        "author_key",
        pa.string(),
        f"Keyed pseudonym of the {of}'s author: the same for the same name within a site, and for nobody else; "
        "null where the page names none, for deleted authors, and where the site's privacy is `drop`.",
        Merge.CARRIED if of == "post" else Merge.KEPT,
    )


_AUTHOR = Column(
    "author",
    pa.string(),
    "Name as shown, only where the site's privacy is `keep`; else null, and names are in `authors` alone.",
    Merge.CARRIED,
    later=True,
)
_MASKED = Column(
    "masked",
    pa.list_(pa.string()),
    "The identifiers that are masked in the row's texts, in order, each by its kind: e-mail, phone, ssn (a number of "
    "social security, of any country), record number, card number. `[kind]` stands in the identifier's place. Empty "
    "where there is none; null in versions made before this was kept.",
    Merge.CARRIED,
    dictionary=False,
    later=True,
)


def _site(record: type[msgspec.Struct]) -> Column:
    return _of(record, "site", pa.string(), Merge.KEY)


def _month(doc: str, merge: Merge = Merge.PARTITION) -> Column:
    return Column("month", pa.string(), doc, merge)


_MONTH_OF_RECORD = _month("Month of `created_at` in UTC as YYYY-MM, or `unknown`.")
_CRAWL_ID = Column("crawl_id", pa.string(), "Crawl of the site that brought the row.", Merge.WRITTEN, statistics=True)
_ATTEMPT = Column(
    "attempt",
    pa.string(),
    "Digest of all that the commit brought. Rows whose `attempt` is not in `crawls` are left over from a commit that "
    "did not come to its end; no view shows them.",
    Merge.WRITTEN,
)


def _version_columns(of: str) -> tuple[Column, ...]:
    return (
        Column(
            "content_hash",
            pa.string(),
            "BLAKE2b-128 over the values that make a version, as lower-case hexadecimal digits.",
            Merge.WRITTEN,
            dictionary=False,
        ),
        Column("version", pa.int32(), f"Number of the {of}'s version, from 1.", Merge.WRITTEN, statistics=True),
        Column(
            "change",
            pa.string(),
            f"new, edited, deleted, restored or moved (to another {'thread' if of == 'post' else 'board'}): what the "
            "site did; or reparsed: the same page, read by a later engine.",
            Merge.WRITTEN,
        ),
        Column(
            "observed_at",
            INSTANT,
            "When this version was first seen (fetch of its page); of a reparsed one, when the page was read again.",
            Merge.WRITTEN,
            True,
            False,
        ),
        _CRAWL_ID,
        _ATTEMPT,
        Column(
            "previous_month",
            pa.string(),
            "Partition of the version before, where it is another one; else null.",
            Merge.WRITTEN,
            statistics=True,
        ),
    )


POST_VERSIONS = Table(
    name="post_versions",
    doc="Every version of every post: a row only where something that makes a version changed. Append-only.",
    partition_by=("site", "month"),
    key=("site", "post_id", "version"),
    sort_by=("board_id", "thread_id", "created_at", "post_id", "version"),
    columns=(
        _site(Post),
        _MONTH_OF_RECORD,
        _of(Thread, "board_id", pa.string(), Merge.CARRIED),
        _of(Post, "thread_id", pa.string(), Merge.VERSION),
        _of(Post, "post_id", pa.string(), Merge.KEY, dictionary=False),
        _of(Post, "parent_id", pa.string(), Merge.VERSION),
        _of(Post, "position", pa.int64(), Merge.CARRIED),
        _author_key("post"),
        _AUTHOR,
        _of(Post, "created_at", INSTANT, Merge.KEPT, statistics=True, dictionary=False),
        _of(Post, "created_text", pa.string(), Merge.CARRIED),
        _of(Post, "edited_at", INSTANT, Merge.VERSION, dictionary=False),
        _of(Post, "edited", pa.bool_(), Merge.VERSION),
        _of(Post, "body_text", pa.string(), Merge.VERSION, dictionary=False),
        _of(Post, "quotes", QUOTES, Merge.VERSION, dictionary=False),
        _of(Post, "reactions", pa.int64(), Merge.COUNTER),
        _of(Post, "score", pa.int64(), Merge.COUNTER),
        _of(Post, "attachments", ATTACHMENTS, Merge.VERSION, dictionary=False),
        Column(
            "links",
            pa.list_(pa.string()),
            _record_docs(Post)["links"] + " Links to members' profiles are left out, as they hold names, unless the "
            "site's privacy is `keep`; so are `mailto:` and `tel:`.",
            Merge.VERSION,
            dictionary=False,
        ),
        _of(Post, "is_opening", pa.bool_(), Merge.CARRIED),
        _of(Post, "status", pa.string(), Merge.VERSION),
        _of(Post, "url", pa.string(), Merge.CARRIED),
        _MASKED,
        *_version_columns("post"),
    ),
)

THREAD_VERSIONS = Table(
    name="thread_versions",
    doc="Every version of every thread, put together from its rows in listings and from its own page. Append-only.",
    partition_by=("site", "month"),
    key=("site", "thread_id", "version"),
    sort_by=("board_id", "thread_id", "created_at", "version"),
    columns=(
        _site(Thread),
        _MONTH_OF_RECORD,
        _of(Thread, "board_id", pa.string(), Merge.KEPT),
        _of(Thread, "thread_id", pa.string(), Merge.KEY, dictionary=False),
        _of(Thread, "title", pa.string(), Merge.KEPT),
        _author_key("thread"),
        _AUTHOR,
        _of(Thread, "created_at", INSTANT, Merge.FIRST, statistics=True, dictionary=False),
        _of(Thread, "created_text", pa.string(), Merge.CARRIED),
        _of(Thread, "last_post_at", INSTANT, Merge.COUNTER, dictionary=False),
        _of(Thread, "reply_count", pa.int64(), Merge.COUNTER),
        _of(Thread, "view_count", pa.int64(), Merge.COUNTER),
        _of(Thread, "score", pa.int64(), Merge.COUNTER),
        _of(Thread, "prefix", pa.string(), Merge.KEPT),
        _of(Thread, "tags", pa.list_(pa.string()), Merge.KEPT),
        _of(Thread, "is_sticky", pa.bool_(), Merge.KEPT),
        _of(Thread, "is_locked", pa.bool_(), Merge.KEPT),
        _of(Thread, "thread_type", pa.string(), Merge.KEPT),
        _of(Thread, "solution_post_id", pa.string(), Merge.KEPT),
        _of(Thread, "crosspost_of", pa.string(), Merge.CARRIED),
        _of(Thread, "page_count", pa.int64(), Merge.COUNTER),
        _of(Thread, "status", pa.string(), Merge.VERSION),
        _of(Thread, "url", pa.string(), Merge.CARRIED),
        _MASKED,
        *_version_columns("thread"),
        # After these: deltalake 1.6 reads no statistics of columns that stand behind a struct.
        _of(Thread, "poll", POLL, Merge.KEPT, dictionary=False),
    ),
)

OBSERVATIONS = Table(
    name="observations",
    doc="Every sighting of a post or thread with the values that change all the time; and, as rows of kind absence, "
    "the posts that were not found where they should stand, which is no proof yet that they are gone. Append-only.",
    partition_by=("site", "month"),
    key=("site", "kind", "thread_id", "post_id", "crawl_id"),
    sort_by=("kind", "thread_id", "post_id"),
    row_group_size=131_072,
    columns=(
        Column("site", pa.string(), _record_docs(Post)["site"], Merge.KEY),
        _month("Month of `observed_at` in UTC as YYYY-MM.", Merge.SIGHTING),
        Column("kind", pa.string(), "post, thread or absence; an absence is no sighting.", Merge.KEY),
        _of(Post, "thread_id", pa.string(), Merge.KEY),
        Column("post_id", pa.string(), "Id of the post; null on a thread's row.", Merge.KEY),
        Column("record_month", pa.string(), "Partition of the record itself.", Merge.SIGHTING),
        Column(
            "observed_at",
            INSTANT,
            "When its page was fetched; of an absence, the thread's last page.",
            Merge.SIGHTING,
            statistics=True,
        ),
        _CRAWL_ID,
        _ATTEMPT,
        _of(Post, "score", pa.int64(), Merge.SIGHTING),
        _of(Post, "reactions", pa.int64(), Merge.SIGHTING),
        _of(Thread, "reply_count", pa.int64(), Merge.SIGHTING),
        _of(Thread, "view_count", pa.int64(), Merge.SIGHTING),
        _of(Thread, "last_post_at", INSTANT, Merge.SIGHTING),
        _of(Thread, "page_count", pa.int64(), Merge.SIGHTING),
    ),
)

BOARDS = Table(
    name="boards",
    doc="The boards as they were, a row where something changed; the last one counts. Append-only.",
    partition_by=(),
    key=("site", "board_id", "crawl_id"),
    sort_by=("site", "board_id"),
    columns=(
        _site(Board),
        _of(Board, "board_id", pa.string(), Merge.KEY),
        *(_of(Board, name, pa.string(), Merge.ANY) for name in ("title", "description", "parent_id")),
        *(_of(Board, name, pa.int64(), Merge.ANY) for name in ("thread_count", "post_count")),
        _of(Board, "last_post_at", INSTANT, Merge.CARRIED, later=True),
        _of(Board, "url", pa.string(), Merge.ANY),
        Column("observed_at", INSTANT, "When its page was fetched.", Merge.WRITTEN),
        _CRAWL_ID,
        _ATTEMPT,
    ),
)

AUTHORS = Table(
    name="authors",
    doc="Who stands behind the pseudonyms. Restricted: the only table with names, but for sites whose privacy is "
    "`keep`; no other needs it, and it may be withheld or deleted. Append-only.",
    partition_by=(),
    key=("site", "author_key", "crawl_id"),
    sort_by=("site", "author_key"),
    columns=(
        _site(Post),
        Column("author_key", pa.string(), "Keyed pseudonym of the author in all other tables.", Merge.KEY),
        Column("author", pa.string(), "Name as shown by the site.", Merge.WRITTEN, dictionary=False),
        _of(Post, "author_id", pa.string(), Merge.AUTHOR),
        Column("first_seen_at", INSTANT, "When the name was first met.", Merge.WRITTEN),
        _CRAWL_ID,
        _ATTEMPT,
    ),
)

_CRAWL_INSTANTS = {
    "since": "Start of the interval that was asked for; null where none was.",
    "until": "End of the interval that was asked for; null where none was.",
    "started_at": "When the crawl began.",
    "finished_at": "When the crawl ended.",
    "committed_at": "When its rows became visible.",
}
_CRAWL_COUNTS = {
    "requests": "Requests sent to the site.",
    "discovered": "Pages that the crawl decided to read.",
    "parsed": "Of these: read into records, or told apart as a login, error or empty page.",
    "quarantined": "Of these: landed, but not understood.",
    "refused": "Of these: not asked for (robots, address, budget).",
    "failed": "Of these: asked for without a usable answer.",
    "pending": "Of these: not reached before the crawl ended.",
    "threads_listed": "Threads in the listings.",
    "threads_opened": "Threads that were read.",
    "posts": "Posts that were read, page overlaps included.",
    "bytes": "Bytes of the responses as they came over the wire.",
    "posts_seen": "Different posts met.",
    "posts_new": "Posts met for the first time.",
    "posts_edited": "Posts that changed.",
    "posts_deleted": "Posts that are gone: marked as such, missing in a thread whose own count agrees, found missing "
    "a second time, or of a thread that is gone.",
    "posts_restored": "Posts that are back.",
    "posts_moved": "Posts that stand in another thread than before.",
    "posts_visible": "Of the posts seen: those neither deleted nor hidden.",
    "posts_with_author": "Of the visible posts: those whose page names an author.",
    "posts_with_created_at": "Of the visible posts: those whose page states the instant.",
    "threads_seen": "Different threads met.",
    "threads_new": "Threads met for the first time.",
    "threads_changed": "Threads that changed.",
    "boards_seen": "Different boards met.",
}

_RECEIPT = (
    "The whole receipt as JSON. Beyond the columns it holds, among others, `unavailable` (threads that were asked for "
    "and not shown, each with its `cause`), `revisits_due` and `revisited`, `waited_seconds`, `reservations` (pages by "
    "the use that they reserve), `coverage` and `shortfalls`."
)
_FIELD_COUNTS = (
    "How many records had which field, and of how many, as JSON: `post.author` of the visible posts on thread pages, "
    "`thread.title` of threads on their own page, `listed.reply_count` of threads in listings, `board.thread_count` of "
    "boards in the index, and so on; `page.understood` and `page.thread` of pages. Null in crawls before it was kept."
)
_IDENTIFIERS_MASKED = "Identifiers that are masked in the versions that the crawl made; null before they were masked."

CRAWLS = Table(
    name="crawls",
    doc="The receipts of committed crawls; each row is one snapshot of the archive. Append-only.",
    partition_by=(),
    key=("site", "crawl_id"),
    sort_by=("snapshot",),
    columns=(
        Column("snapshot", pa.int64(), "Number of the snapshot that the commit made, from 1.", Merge.CRAWL),
        _site(Post),
        Column("crawl_id", pa.string(), "Id of the crawl, unique within the site.", Merge.CRAWL, statistics=True),
        Column("generation", pa.int32(), "Ordinal among the site's committed crawls, from 1.", Merge.CRAWL),
        Column("attempt", pa.string(), "Digest of all that the commit brought.", Merge.CRAWL),
        Column("engine", pa.string(), "Engine that read the pages.", Merge.CRAWL),
        Column("outcome", pa.string(), "How the crawl ended.", Merge.CRAWL),
        Column("is_full", pa.bool_(), "Whether every thread was to be read again, moved or not.", Merge.CRAWL),
        *(Column(name, INSTANT, doc, Merge.CRAWL) for name, doc in _CRAWL_INSTANTS.items()),
        *(Column(name, pa.int64(), doc, Merge.CRAWL) for name, doc in _CRAWL_COUNTS.items()),
        Column("receipt", pa.string(), _RECEIPT, Merge.CRAWL, dictionary=False),
        Column("field_counts", pa.string(), _FIELD_COUNTS, Merge.CRAWL, later=True),
        Column("identifiers_masked", pa.int64(), _IDENTIFIERS_MASKED, Merge.CRAWL, later=True),
        Column("posts_reparsed", pa.int64(), "Posts that are read otherwise now.", Merge.CRAWL, later=True),
        Column("row_making", pa.string(), "Digest of the code that made its rows.", Merge.CRAWL, later=True),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table for table in (AUTHORS, BOARDS, THREAD_VERSIONS, POST_VERSIONS, OBSERVATIONS, CRAWLS)
}
"""All tables, in the order in which a commit writes them."""

_LAST_SEEN_AT = Column("last_seen_at", INSTANT, "When it was last met on a page.", Merge.DERIVED)


def _current(name: str, doc: str, versions: Table) -> Table:
    kept = tuple(column for column in versions.columns if column.name not in {"attempt", "previous_month"})
    key = tuple(column for column in versions.key if column != "version")
    order = tuple(column for column in versions.sort_by if column != "version")
    return Table(name, doc, versions.partition_by, key, order, (*kept, _LAST_SEEN_AT))


POSTS = _current(
    "posts",
    "The last version of every post with its last counters, deleted ones included (`status` tells).",
    POST_VERSIONS,
)
THREADS = _current(
    "threads",
    "The last version of every thread with its last counters, deleted ones included (`status` tells).",
    THREAD_VERSIONS,
)
PUBLISHED: dict[str, tuple[Table, Table]] = {"posts": (POSTS, POST_VERSIONS), "threads": (THREADS, THREAD_VERSIONS)}
"""The published tables, each with the table of versions that it is derived from."""
COUNTERS: dict[str, tuple[str, ...]] = {
    "posts": ("score", "reactions"),
    "threads": ("score", "reply_count", "view_count", "last_post_at", "page_count"),
}
"""Columns of the published tables that follow the last sighting instead of the last version."""


def arrow_schema(name: str) -> pa.Schema:
    """The Arrow schema of a table or published table."""
    return (TABLES | {"posts": POSTS, "threads": THREADS})[name].schema


if __name__ == "__main__":
    from storage.dictionary import data_dictionary

    sys.stdout.write(data_dictionary())
