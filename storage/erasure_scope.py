"""What an erasure is of: found in the tables (all rows, also of commits that did not end), and made into marks."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import pyarrow as pa

from crawler.errors import UsageError
from storage.archive import Archive
from storage.known import Row
from storage.needles import Needles, lines_of, written
from storage.schema import TABLES
from storage.suppressions import ANCHOR_WORDS, Marks, Passage, Suppression, marks_of_name, words_of
from storage.views import quoted, reading

Kind = Literal["author", "post", "thread"]
COPY_CHARACTERS = 40
"""From how many characters on a line or sentence that stands in somebody else's post counts as a copy."""
_TITLE_CHARACTERS, _LEAST_WORDS = 12, 3
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


class Subject(NamedTuple):
    """What is to be erased."""

    site: str
    kind: Kind
    value: str
    """The author's name, or the id of the post or thread."""


class Scope(NamedTuple):
    """What the archive holds of a subject."""

    posts: int
    versions: int
    threads: int
    """Threads that go as a whole."""
    titles: int
    """Threads of other people's posts that stay, without their title."""
    marks: Marks
    needles: Needles


def scope_of(archive: Archive, subject: Subject) -> Scope:
    """Finds what there is of a subject.

    Raises:
        UsageError: what is given as an author's name can be nobody's.
    """
    key = archive.pseudonyms.author_key(subject.site, subject.value) if subject.kind == "author" else None
    if subject.kind == "author" and key is None:
        raise UsageError(f"{subject.value!r} is what sites show in place of a lost author, nobody's name.")
    column, value = ("author_key", key or "") if subject.kind == "author" else (f"{subject.kind}_id", subject.value)
    posts = _of_site(archive, subject.site, "post_versions", f"{column} = {quoted(value)}")
    ids = {row["post_id"] for row in posts} | ({subject.value} if subject.kind == "post" else set())
    if subject.kind == "author":  # versions in which the page named nobody
        posts = _of_site(archive, subject.site, "post_versions", "post_id IN (FROM ids)", ids=ids)
    threads = {subject.value} if subject.kind == "thread" else set()
    opened = {row["thread_id"] for row in posts if row["is_opening"]}
    by_author = f"author_key = {quoted(key)}" if key else "false"
    where = f"thread_id IN (FROM ids) OR {by_author}"
    described = _of_site(archive, subject.site, "thread_versions", where, ids=opened | threads)
    titles = {row["thread_id"] for row in described} | opened
    titles -= threads
    touched = ({row["thread_id"] for row in posts} | titles) - threads
    others = _of_site(archive, subject.site, "post_versions", "thread_id IN (FROM ids)", ids=touched)
    others = [row for row in others if row["post_id"] not in ids]
    needles = Needles(
        names=_spellings(archive, subject) if subject.kind == "author" else [],
        ids=sorted(ids | threads),
        lines=list(dict.fromkeys(_lines(posts, described))),
        posts=sorted(ids),
        threads=sorted(threads),
        touched=sorted(touched),
    )
    marks = marks_of(archive, subject.site, posts, others, described, needles, titles)
    return Scope(len(ids), len(posts), len(threads), len(titles), marks, needles)


def _spellings(archive: Archive, subject: Subject) -> list[str]:
    """The name, and other letter cases in which only others wrote it: by nobody who has posts of their own."""
    with archive.connection() as connection:
        files = {name: archive.tables.files(name, site=subject.site) for name in ("post_versions", "thread_versions")}
        wrote = " UNION ".join(
            f"SELECT author_key FROM {reading(held, TABLES[name])} WHERE author_key IS NOT NULL"  # noqa: S608 - ours
            for name, held in files.items()
        )
        known = reading(archive.tables.files("authors"), TABLES["authors"])
        found = connection.sql(
            f"SELECT author FROM {known} WHERE site = {quoted(subject.site)} "  # noqa: S608 - ours
            f"AND lower(nfc_normalize(author)) = lower(nfc_normalize({quoted(subject.value)})) "
            f"AND author_key NOT IN ({wrote}) ORDER BY author"
        ).fetchall()
    return list(dict.fromkeys([subject.value, *(name for (name,) in found)]))


def _lines(posts: Iterable[Row], threads: Iterable[Row]) -> Iterable[str]:
    for row in posts:
        yield from lines_of(row["body_text"] or "")
    for row in threads:
        if len(row["title"] or "") >= _TITLE_CHARACTERS and len(words_of(row["title"])) >= _LEAST_WORDS:
            yield row["title"]


def marks_of(
    archive: Archive,
    site: str,
    posts: list[Row],
    others: list[Row],
    threads: list[Row],
    needles: Needles,
    titles: Iterable[str],
) -> Marks:
    """The marks of erased posts (all versions), given the other posts of their threads."""
    marking = Suppression(site, archive.pseudonyms, [])
    marks = Marks(
        posts=[marking.mark("posts", one) for one in needles.posts],
        threads=[marking.mark("threads", one) for one in needles.threads],
        titles=[marking.mark("titles", one) for one in sorted(titles)],
        touched=[marking.mark("touched", one) for one in needles.touched],
    )
    for name in needles.names:
        key = archive.pseudonyms.author_key(site, name)
        marks.authors += [marking.mark("authors", key)] if key else []
        marks.names += marks_of_name(marking, name) if name else []
    by_thread: dict[str, list[Row]] = defaultdict(list)
    for row in others:
        by_thread[row["thread_id"]].append(row)
    sizes: set[int] = set()
    starts: set[str] = set()
    for words, replaces in _passages(posts, by_thread, threads):
        size = min(len(words), ANCHOR_WORDS)
        sizes.add(size)
        starts.add(marking.mark("starts", words[0]))
        anchor = marking.mark("anchor", " ".join(words[:size]))
        passage = Passage(len(words), marking.mark("passage", " ".join(words)), replaces)
        held = marks.anchors.setdefault(anchor, [])
        if passage not in held:
            held.append(passage)
    marks.sizes, marks.starts = sorted(sizes), sorted(starts)
    marks.quotes = sorted({marking.mark("quotes", text) for text in _quotes(posts, by_thread)})
    return marks


def _passages(
    posts: list[Row], by_thread: Mapping[str, list[Row]], threads: list[Row]
) -> Iterable[tuple[list[str], bool]]:
    """Lines and sentences that would be a copy anywhere else, and titles."""
    for row in posts:
        earlier = [
            f" {' '.join(words_of(other['body_text'] or ''))} "
            for other in by_thread.get(row["thread_id"], ())
            if other["created_at"] and row["created_at"] and other["created_at"] < row["created_at"]
        ]
        for piece in dict.fromkeys(_pieces(row["body_text"] or "")):
            words = words_of(piece)
            # What somebody else wrote there before is theirs.
            if len(words) >= ANCHOR_WORDS and not any(f" {' '.join(words)} " in text for text in earlier):
                yield words, True
    for row in threads:
        words = words_of(row["title"] or "")
        if len(words) >= _LEAST_WORDS and len(row["title"]) >= _TITLE_CHARACTERS:
            yield words, False


def _pieces(text: str) -> Iterable[str]:
    for line in text.splitlines():
        for piece in (line, *_SENTENCE.split(line)):
            yield from (part.strip() for part in written(piece) if len(part.strip()) >= COPY_CHARACTERS)


def _quotes(posts: list[Row], by_thread: Mapping[str, list[Row]]) -> Iterable[str]:
    """Quotes without a name or number that are words of the erased posts."""
    texts: dict[str, str] = defaultdict(str)
    for row in posts:
        texts[row["thread_id"]] += f" {' '.join(words_of(row['body_text'] or ''))} \n"
    for thread_id, text in texts.items():
        for other in by_thread.get(thread_id, ()):
            for quote in other["quotes"] or []:
                words = words_of(quote["text"] or "")
                if not quote["post_id"] and len(words) >= _LEAST_WORDS and f" {' '.join(words)} " in text:
                    yield " ".join(words)


_WANTED = {
    "post_versions": "post_id, thread_id, body_text, quotes, is_opening, epoch_us(created_at) AS created_at",
    "thread_versions": "thread_id, title",
}


def _of_site(archive: Archive, site: str, table: str, where: str, ids: Iterable[str] = ()) -> list[Row]:
    with archive.connection() as connection:
        connection.register("ids", pa.table({"id": pa.array(sorted(ids), pa.string())}))
        files = archive.tables.files(table, site=site)
        query = (
            f"SELECT {_WANTED[table]} FROM {reading(files, TABLES[table])} "  # noqa: S608 - ours
            f"WHERE site = {quoted(site)} AND ({where})"
        )
        rows: list[Row] = connection.sql(query).to_arrow_table().to_pylist()
    return rows
