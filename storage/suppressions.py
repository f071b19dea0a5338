"""What was erased and must not come back, as marks: keyed hashes that tell nothing without the archive's key.

<archive>/erasures/
    <id>.json           one erasure: what it is of (marks only); from the moment it is written, crawls obey it
    <id>.done.json      what was done about it; while it is missing the erasure has not come to its end

What is looked for in pages meanwhile (names, lines of text) stands in the first file sealed with the archive's key, and
is taken out of it when the erasure is done.
"""

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache

import msgspec
from msgspec import Struct, field

from storage.checksums import Checksums
from storage.files import Files
from storage.keys import Pseudonyms
from storage.unusual_names import is_unusual

FOLDER = "erasures"
ERASED = "[erased]"
LEAST_NAME = 4
"""Characters of a name that is looked for without a sign before it."""
ANCHOR_WORDS = 6
"""Words of a passage that are looked for first; of a shorter one, all."""
_DONE = ".done.json"
_WORD = re.compile(r"\w+")
_KEY = re.compile(r"\ba[a-z2-7]{26}\b")
_SIGNS = ("@", "u/")
_POST_WORDS = frozenset({"post", "posts", "p", "pid", "comment", "msg", "t1", "entry"})
_THREAD_WORDS = frozenset({"thread", "threads", "topic", "topics", "t", "tid", "d", "comments", "showthread", "t3"})
_OTHER_WORDS = frozenset({"page", "start", "offset", "f", "fid", "forum", "forums", "board", "boards"})


class Passage(Struct, frozen=True):
    """Words in a row that were erased."""

    words: int
    mark: str
    replaces: bool
    """Whether it is taken out of other people's posts (a copy); else only pages that hold it go."""


class Name(Struct, frozen=True):
    """An erased author's name: so much of its form as is needed to find it in a text."""

    characters: int
    mark: str
    signed: bool
    """Whether it is looked for only behind `@` or `u/`, as it may be a common word."""
    lowered: bool = False
    """Whether letter case plays no part; the mark is of the name in small letters then."""


class Marks(Struct, kw_only=True):
    """What one erasure is of."""

    authors: list[str] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    """Threads that stay, and whose title was an erased author's words."""
    touched: list[str] = field(default_factory=list)
    """Threads in which copies of what was erased are looked for."""
    anchors: dict[str, list[Passage]] = field(default_factory=dict)
    """Passages by the mark of their first words."""
    sizes: list[int] = field(default_factory=list)
    """How many words the anchors have."""
    starts: list[str] = field(default_factory=list)
    """First words of the anchors: nearly all of a text is passed by with one look at these."""
    quotes: list[str] = field(default_factory=list)
    """Short quotes of erased words that name nobody."""


class Record(Struct, kw_only=True):
    """One erasure, as it is kept."""

    id: str
    site: str
    kind: str
    """author, post, thread, or purge (deleted at the source)."""
    begun_at: datetime
    marks: Marks
    suppresses: bool = True
    """Whether later crawls leave it out; what was deleted at the source may be restored there."""
    sealed: str | None = None
    """What is looked for, sealed; None when done."""


@cache
def _run(characters: int) -> re.Pattern[str]:
    """As many characters as a name has, from the start of a word to the end of one; also where they overlap.

    `_` around a word is emphasis, within one it is part of it.
    """
    start, end = r"(?:(?<!\w)|(?<=\W_)|(?<=\A_))", r"(?:(?!\w)|(?=_+(?!\w)))"
    return re.compile(rf"(?={start}(\S.{{{characters - 1}}}){end})")


def lowered(text: str) -> str:
    """The text in small letters, each in its place."""
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)


def composed(text: str) -> str:
    """The text in Unicode normal form C, in which names are compared."""
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def marks_of_name(marking: "Suppression", name: str) -> list[Name]:
    """What finds a name in texts: as it is written, and in other letter case where it is told from words then."""
    plain = composed(name)
    is_word = len(plain) < LEAST_NAME or (plain.isalpha() and plain.islower())
    small = lowered(plain)
    is_clear = is_unusual(plain) and " " not in plain
    return [
        Name(len(plain), marking.mark("name", plain), signed=is_word),
        Name(len(small), marking.mark("lowered", small), signed=not is_clear, lowered=True),
    ]


def words_of(text: str) -> list[str]:
    """The words of a text, without case and punctuation."""
    return [word.casefold() for word in _WORD.findall(text)]


class Suppression:
    """The marks of a site's erasures, for asking whether something is to go. Pure."""

    def __init__(self, site: str, pseudonyms: Pseudonyms, marks: Iterable[Marks]) -> None:
        self.site, self._pseudonyms = site, pseudonyms
        self.all = Marks()
        self._of_threads: dict[str, set[str]] = {}
        """Threads in which a passage or quote is looked for: one erasure's words are not taken for another's."""
        for one in marks:
            for mark in (*one.quotes, *(passage.mark for held in one.anchors.values() for passage in held)):
                self._of_threads.setdefault(mark, set()).update(one.touched)
            for name in ("authors", "names", "posts", "threads", "titles", "touched", "sizes", "starts", "quotes"):
                getattr(self.all, name).extend(getattr(one, name))
            for anchor, passages in one.anchors.items():
                self.all.anchors.setdefault(anchor, []).extend(passages)
        self._held = {
            kind: frozenset(getattr(self.all, kind))
            for kind in ("authors", "posts", "threads", "titles", "touched", "starts", "quotes")
        }
        self._names = sorted(set(self.all.names), key=lambda name: -name.characters)
        self._sizes = sorted(set(self.all.sizes), reverse=True)
        self._asked: dict[tuple[str, str], bool] = {}
        self.titled: set[str] = set()
        """Threads met meanwhile that an erased author opened."""
        self._met: set[str] = set()
        self._others: set[str] = set()

    def __bool__(self) -> bool:
        return any(self._held.values())

    def mark(self, kind: str, value: str) -> str:
        """The mark of a value: 24 hexadecimal digits of a keyed hash."""
        return self._pseudonyms.mark(self.site, kind, value)

    def _has(self, kind: str, value: str | None) -> bool:
        if value is None or not self._held[kind]:
            return False
        known = self._asked.get((kind, value))
        if known is None:
            known = self._asked[kind, value] = self.mark(kind, value) in self._held[kind]
        return known

    def has_post(self, post_id: str | None) -> bool:
        """Whether the post was erased by its id."""
        return self._has("posts", post_id)

    def has_thread(self, thread_id: str | None) -> bool:
        """Whether the whole thread was erased."""
        return self._has("threads", thread_id)

    def has_title(self, thread_id: str | None) -> bool:
        """Whether the thread's title was erased."""
        return thread_id in self.titled or self._has("titles", thread_id)

    def is_touched(self, thread_id: str | None) -> bool:
        """Whether something was erased in the thread."""
        return thread_id in self.titled or self._has("touched", thread_id)

    def has_key(self, author_key: str | None) -> bool:
        """Whether the pseudonym is an erased author's."""
        return self._has("authors", author_key)

    def has_author(self, name: str | None) -> bool:
        """Whether the name is an erased author's."""
        return bool(self._held["authors"]) and self.has_key(self._pseudonyms.author_key(self.site, name))

    def has_quote(self, text: str, thread_id: str) -> bool:
        """Whether these are erased words that somebody quoted in the thread."""
        words = " ".join(words_of(text))
        return self._has("quotes", words) and self._is_of(thread_id, self.mark("quotes", words))

    def _is_of(self, thread_id: str | None, mark: str) -> bool:
        if thread_id is not None and self._has("touched", thread_id):
            return self.mark("touched", thread_id) in self._of_threads[mark]
        return thread_id in self.titled

    def names_in(self, text: str) -> Iterator[tuple[int, int]]:
        """Where erased authors are named in a text, or stand by their pseudonym."""
        if not self._held["authors"]:
            return
        for found in _KEY.finditer(text):
            if self.has_key(found[0]):
                yield found.span()
        small = lowered(text)
        for name in self._names:
            kind, searched = ("lowered", small) if name.lowered else ("name", text)
            for found in _run(name.characters).finditer(searched):
                start, end = found.span(1)
                if name.signed and not text[max(0, start - 4) : start].rstrip('"[').endswith(_SIGNS):
                    continue
                if self.mark(kind, found[1]) == name.mark and not self._is_others(text, start, end):
                    yield start, end

    def spare(self, names: Iterable[str]) -> None:
        """Tells of names that people have; those that an erased name stands in are not taken for it."""
        if not self._held["authors"]:
            return
        for name in {composed(name) for name in names} - self._met:
            self._met.add(name)
            if not self.has_author(name) and any(True for _ in self.names_in(f"@{name}")):
                self._others.add(name)

    def _is_others(self, text: str, start: int, end: int) -> bool:
        """Whether what stands there is somebody else's name, or a part of it."""
        return any(name in text[max(0, end - len(name)) : start + len(name)] for name in self._others)

    def passages_in(self, text: str, copied_in: str | None = None) -> Iterator[tuple[int, int]]:
        """Where erased passages stand in a text; of the thread `copied_in`, if given, only copies within it."""
        if not self._sizes:
            return
        found = [(one.start(), one.end(), one[0].casefold()) for one in _WORD.finditer(text)]
        words = [word for _, _, word in found]
        for at, word in enumerate(words):
            for size in self._sizes if self._has("starts", word) else ():
                if at + size > len(words):
                    continue
                for passage in self.all.anchors.get(self.mark("anchor", " ".join(words[at : at + size])), ()):
                    end = at + passage.words
                    if copied_in is not None and not (passage.replaces and self._is_of(copied_in, passage.mark)):
                        continue
                    if end <= len(words) and self.mark("passage", " ".join(words[at:end])) == passage.mark:
                        yield found[at][0], found[end - 1][1]

    def text(self, text: str, thread_id: str | None) -> str:
        """A text of somebody else without what was erased."""
        if (plain := composed(text)) != text and any(True for _ in self.names_in(plain)):
            text = plain
        spans = list(self.names_in(text))
        if thread_id is not None and self.is_touched(thread_id):
            spans += self.passages_in(text, copied_in=thread_id)
        for start, end in _apart(spans):
            text = text[:start] + ERASED + text[end:]
        return text

    def is_in(self, text: str) -> bool:
        """Whether a text holds anything that was erased."""
        if any(True for _ in self.names_in(composed(text))):
            return True
        return any(True for _ in self.passages_in(text))

    def names_record(self, address: str) -> bool:
        """Whether an address names an erased author, post or thread, as a piece of its path or query."""
        _, _, rest = address.partition("://")
        _, _, path = rest.partition("/")
        if any(self.has_author(piece) for piece in re.split(r"[/?&=#]", path) if piece):
            return True
        before: list[str] = []
        for word in re.split(r"[^A-Za-z0-9]+", path):
            of = before[-1] if before else ""
            # A number is a post's or thread's by the words before it: it may as well be a page's or a board's.
            is_post = of in _POST_WORDS or "comments" in before
            is_thread = of not in _POST_WORDS | _OTHER_WORDS and not _THREAD_WORDS.isdisjoint(before)
            if (is_post and self.has_post(word)) or (is_thread and self.has_thread(word)):
                return True
            before.append(word.lower())
        return False


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that overlap put together, last first."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined[::-1]


def records(files: Files) -> list[Record]:
    """All erasures, oldest first."""
    paths = [entry.path for entry in files.list(FOLDER) if not entry.path.endswith(_DONE)]
    return sorted((msgspec.json.decode(files.read(path), type=Record) for path in paths), key=lambda one: one.begun_at)


def write_record(files: Files, record: Record) -> None:
    """Makes or replaces the erasure's record."""
    path, content = f"{FOLDER}/{record.id}.json", msgspec.json.encode(record)
    Checksums(files).expect(path, content)
    files.write(path, content)


def write_done(files: Files, record: Record, account: bytes) -> None:
    """Ends the erasure: what was done is kept, what was looked for is not."""
    write_record(files, msgspec.structs.replace(record, sealed=None))
    Checksums(files).expect(f"{FOLDER}/{record.id}{_DONE}", account)
    files.write(f"{FOLDER}/{record.id}{_DONE}", account)


def unfinished(files: Files) -> list[Record]:
    """Erasures that did not come to their end: the same command again completes them."""
    done = {entry.path for entry in files.list(FOLDER)}
    return [record for record in records(files) if f"{FOLDER}/{record.id}{_DONE}" not in done]


def state_of(files: Files) -> str:
    """What tells whether erasures were begun or ended since: caches made before may hold what is gone."""
    return str(sum(1 for _ in files.list(FOLDER)))


def suppression_of(files: Files, pseudonyms: Pseudonyms, site: str) -> Suppression:
    """What crawls of the site must leave out."""
    of_site = [one.marks for one in records(files) if one.site == site and one.suppresses]
    return Suppression(site, pseudonyms, of_site)


def sealed(pseudonyms: Pseudonyms, record_id: str, content: bytes) -> str:
    """Content that only the archive's key opens: HMAC-SHA256 in counter mode, and a keyed hash over all of it."""
    hidden = _masked(pseudonyms, record_id, content)
    return base64.b85encode(pseudonyms.stream(record_id, "tag", hidden) + hidden).decode("ascii")


def opened(pseudonyms: Pseudonyms, record_id: str, text: str) -> bytes:
    """What `sealed` sealed.

    Raises:
        ValueError: it was changed.
    """
    whole = base64.b85decode(text)
    if not hmac.compare_digest(pseudonyms.stream(record_id, "tag", whole[32:]), whole[:32]):
        raise ValueError("the sealed part was changed")
    return _masked(pseudonyms, record_id, whole[32:])


def _masked(pseudonyms: Pseudonyms, record_id: str, content: bytes) -> bytes:
    seed = pseudonyms.stream(record_id, "seed", b"")
    blocks = -(-len(content) // 64)
    stream = b"".join(
        hashlib.blake2b(number.to_bytes(8, "big"), key=seed, digest_size=64).digest() for number in range(blocks)
    )
    size = len(content)
    return (int.from_bytes(content, "big") ^ int.from_bytes(stream[:size], "big")).to_bytes(size, "big")
