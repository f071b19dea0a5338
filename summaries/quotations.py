"""Whose words a post repeats: quotes linked to the earlier post of the thread that said them. Pure, a thread at a time.

A site's own quotes often name the post (`declared`). The others are found by what they say: a quote box without an id
(`block`), lines set off with `>`, after "X wrote:" or in quotation marks (`marked`), and bare repetition (`text`).

Posts are compared by runs of 4 words, of which winnowing (Schleimer, Wilkerson & Aiken 2003) keeps one in every 5 in a
row, so that a run of 8 words in common is never missed. What these find is then compared word by word: runs grow as
far as the words agree, and join over words that were changed or left out.

Bare repetition is a quote only where it is nobody's habit: not what many write (guidelines, sayings), not what its
author repeats (signatures), not small talk, not one's own words, and not what the earlier post itself sets off as
somebody else's.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from summaries.runs_of_words import Run, all_joined, fingerprints, joined, runs_in_common, winnowed
from summaries.sentences import terms

METHOD = "quotations-2"
"""A change of how quotes are found makes all threads due."""
LEAST_BARE = 8
"""Words of a bare repetition; GRAM + WINDOW - 1, so that none is missed."""
LEAST_MARKED = 5
"""Words of a passage that is set off as a quote."""
LEAST_SCORE = 0.6
"""Share of a passage's words that must be found in the quoted post."""
_RUN = 6
"""Words in a row, at least, of a bare repetition with changes."""
_TELLING = 3
"""Different words that say something in a bare repetition."""
_MANY = 3
"""Authors besides the first who write the same without a mark: then it is nobody's in particular."""
_LEADING = 15
"""Words of a whole first paragraph that many may repeat all the same: a quote that lost its box."""
_AS_GOOD = 0.8
"""Of the words that the best match has: an earlier post that has as many is who said it first."""
_POSTS_A_GRAM = 50
"""Posts that are looked at for one run of 4 words, earliest first: no more say it for the first time."""
_COMPARED = 10
"""Earlier posts that a passage is compared with word by word: those that share most fingerprints, earliest first. So
a thread in which everybody fills in the same form costs no more than another."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_QUOTED_LINES = re.compile(r"(?:^[ \t]*>+(?:[ \t]|[^\W\d]).*(?:\n|$))+", re.MULTILINE)
_ATTRIBUTED = re.compile(
    r"^.{1,60}\b(?:wrote|said|posted|writes|says)(?: ?:|, .{0,40}:)[ \t]*\n?(?P<words>(?:.+\n?)+)", re.MULTILINE
)
_IN_MARKS = re.compile(
    '[\u201c\u201e\u00ab]([^\u201c\u201d\u201e\u00ab\u00bb]{20,2000})[\u201d\u201c\u00bb]|"([^"]{20,2000})"'
)
_SMALL_TALK = frozenset(
    word
    for line in (
        "hope hoping help helps helped good luck best wishes wish thank thanks please sorry feel free let know keep",
        "posted everyone anyone everybody somebody someone hello hi hey dear regards welcome post posts posting thread",
        "read question questions answer answers update updates appreciate appreciated advice doctor doctors ask talk",
        "agree similar experience experiences glad hear sure imho great forum advance reply replies happy new day soon",
        "better anything lot lots",
    )
    for word in line.split()
)


class Word(NamedTuple):
    """A word as it is compared, and where it stands."""

    text: str
    start: int
    end: int


@dataclass
class _Passage:
    """Part of a post that may repeat an earlier one."""

    form: str
    words: list[Word]
    number: int | None = None
    """Place in the post's `quotes`."""
    author_key: str | None = None
    """Who is quoted, where the page says."""


@dataclass
class _Post:
    post_id: str
    author: str
    """Author key; one of its own where it is not known."""
    own: list[str]
    """Words that are not set off as somebody else's; breaks between them as empty words."""
    places: dict[int, list[int]] | None = None
    """All runs of GRAM words with their places, once they were asked for."""
    grams: list[tuple[int, int]] = field(default_factory=list)
    """Fingerprints of `own` with their places."""

    def runs(self, words: Sequence[str]) -> list[Run]:
        """Runs of words that the post's own words have, too."""
        if self.places is None:
            self.places = defaultdict(list)
            for gram, place in self.grams:
                self.places[gram].append(place)
        return runs_in_common(words, self.own, self.places)


class _Match(NamedTuple):
    matched: int
    post: int
    runs: list[Run]

    @property
    def span(self) -> tuple[int, int]:
        """First word of the passage that agrees, and the one after the last."""
        return self.runs[0].at, self.runs[-1].at + self.runs[-1].length


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def _same(best: _Match, other: _Match) -> bool:
    """Whether both are about the same words."""
    return _overlap(best.span, other.span) >= _AS_GOOD * max(best.span[1] - best.span[0], other.span[1] - other.span[0])


def _first_of(matches: Sequence[_Match]) -> _Match:
    """Who said it first, among those who said about as much of it as anybody."""
    most = max(match.matched for match in matches)
    return min((match for match in matches if match.matched >= _AS_GOOD * most), key=lambda match: match.post)


def quotations(posts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The quotes of a thread, as rows of QUOTATIONS in the order of posts.

    Args:
        posts: the thread's posts that stand, with site, thread_id, post_id, author_key, created_at, position,
            body_text and quotes; in any order.
    """
    ordered = sorted(posts, key=_place)
    thread = _Thread(ordered)
    rows: list[dict[str, Any]] = []
    for number, post in enumerate(ordered):
        found = [*thread.declared(number), *thread.found(number)]
        known = {name: post[name] for name in ("site", "thread_id", "post_id")}
        rows += [known | {"number": place} | row for place, row in enumerate(found, 1)]
    return rows


def _place(post: Mapping[str, Any]) -> tuple[bool, Any, int, str]:
    instant = post["created_at"]
    return (instant is None, instant if instant is not None else 0, post["position"] or 0, post["post_id"])


class _Thread:
    def __init__(self, posts: Sequence[Mapping[str, Any]]) -> None:
        self._raw = posts
        self._passages: list[list[_Passage]] = []
        self._posts: list[_Post] = []
        self._number: dict[str, int] = {}
        self._by_gram: dict[int, list[int]] = defaultdict(list)
        """Posts that have a fingerprint, in order."""
        self._first: dict[int, str] = {}
        self._others: dict[int, set[str]] = defaultdict(set)
        """Who has written a run of GRAM words outside of quotes: the first author, and further ones; the whole thread
        is in view."""
        self._habits: set[tuple[str, int]] = set()
        """Runs that an author has in several posts."""
        for number, post in enumerate(posts):
            passages, own = _split(post)
            author = post["author_key"] or f" {number}"
            made = _Post(post["post_id"], author, own, grams=list(fingerprints(own)))
            for gram in winnowed(made.grams):
                self._by_gram[gram].append(number)
            self._passages.append(passages)
            self._posts.append(made)
            self._number[made.post_id] = number
        self._note_authors()

    def declared(self, number: int) -> Iterator[dict[str, Any]]:
        """Quotes whose post the site names, with how much of the words is found there (null where it is not here)."""
        for place, quote in enumerate(self._raw[number]["quotes"] or []):
            if not quote["post_id"]:
                continue
            words = _words(quote["text"] or "")
            known = self._number.get(quote["post_id"])
            row = {"form": "declared", "declared": True, "quoted_post_id": quote["post_id"], "quote": place}
            row |= {"starts_at": None, "ends_at": None, "words": len(words), "score": None, "coverage": None}
            if known is not None and known != number and words:
                runs = self._posts[known].runs([word.text for word in words])
                matched = sum(run.length for run in joined(runs, marked=True))
                row |= {"score": matched / len(words), "coverage": self._coverage(matched, known)}
            yield row

    def found(self, number: int) -> Iterator[dict[str, Any]]:
        """Quotes that only their words tell."""
        for passage in self._passages[number]:
            words = [word.text for word in passage.words]
            if passage.form == "text":
                yield from self._bare(number, passage, words)
                continue
            match = self._best(number, words, passage.author_key)
            if match is not None:
                yield self._row(passage, match, passage.words[0].start, passage.words[-1].end, len(words))

    def _best(self, number: int, words: list[str], author_key: str | None) -> _Match | None:
        """The earlier post that has most of a passage; of several the first."""
        if len(words) < LEAST_MARKED:
            return None
        matches = []
        for post in self._candidates(number, words):
            if author_key is not None and self._posts[post].author not in {author_key, f" {post}"}:
                continue
            runs = joined(self._posts[post].runs(words), marked=True)
            matched = sum(run.length for run in runs)
            if matched >= LEAST_MARKED and matched >= LEAST_SCORE * len(words):
                matches.append(_Match(matched, post, runs))
        return _first_of(matches) if matches else None

    def _candidates(self, number: int, words: list[str], by_others: str | None = None) -> list[int]:
        shared = Counter(
            post
            for gram, _ in fingerprints(words)
            for post in self._by_gram.get(gram, ())[:_POSTS_A_GRAM]
            if post < number and self._posts[post].author != by_others
        )
        found = set(sorted(shared, key=lambda post: (-shared[post], post))[:_COMPARED])
        if not found and len(words) < LEAST_BARE:
            # Too short for a fingerprint to be certain; the posts just before are looked at one by one.
            needle = f" {' '.join(words)} "
            nearby = {0, *range(max(0, number - 100), number)} - {number}
            found = {post for post in nearby if needle in f" {' '.join(self._posts[post].own)} "}
        return sorted(found)

    def _bare(self, number: int, passage: _Passage, words: list[str]) -> Iterator[dict[str, Any]]:
        """Repetitions among a post's own words, each with the earlier post that has most of it."""
        author = self._posts[number].author
        matches = []
        for post in self._candidates(number, words, author):
            chains = all_joined(self._posts[post].runs(words))
            matches += [
                _Match(sum(run.length for run in chain), post, chain)
                for chain in chains
                if self._is_quote(words, chain, self._posts[post])
            ]
        taken: list[tuple[int, int]] = []
        rows = []
        for best in sorted(matches, key=lambda match: (-match.matched, match.post, match.runs[0].at)):
            if any(_overlap(best.span, other) for other in taken):
                continue
            match = _first_of([other for other in matches if other.matched <= best.matched and _same(best, other)])
            start, end = match.span
            taken += [best.span, match.span]
            if self._said_before(author, match, words):
                continue
            spoken = sum(1 for word in words[start:end] if word)
            places = passage.words[start].start, passage.words[end - 1].end
            rows.append((start, self._row(passage, match, *places, spoken)))
        yield from (row for _, row in sorted(rows, key=lambda row: row[0]))

    def _said_before(self, author: str, match: _Match, words: Sequence[str]) -> bool:
        """Whether an author repeats own words, which the matched post had from there."""
        start, end = match.span
        said = words[start:end]
        earlier = {post for gram, _ in fingerprints(said) for post in self._by_gram.get(gram, ()) if post < match.post}
        return any(
            sum(run.length for run in joined(self._posts[post].runs(said), marked=True)) >= _AS_GOOD * match.matched
            for post in earlier
            if self._posts[post].author == author
        )

    def _is_quote(self, words: Sequence[str], chain: Sequence[Run], source: _Post) -> bool:
        matched = sum(run.length for run in chain)
        start, end = chain[0].at, chain[-1].at + chain[-1].length
        if matched < LEAST_BARE or max(run.length for run in chain) < _RUN or matched < 0.7 * (end - start):
            return False
        said = [word for run in chain for word in words[run.at : run.at + run.length]]
        if len(set(terms(" ".join(said))) - _SMALL_TALK) < _TELLING:
            return False
        grams = [gram for run in chain for gram, _ in fingerprints(words[run.at : run.at + run.length])]
        if sum((source.author, gram) in self._habits for gram in grams) * 2 > len(grams):
            return False
        leads = start == 0 and (end == len(words) or not words[end]) and matched >= _LEADING
        return leads or sum(len(self._others.get(gram, ())) >= _MANY for gram in grams) * 2 <= len(grams)

    def _note_authors(self) -> None:
        latest: dict[tuple[str, int], int] = {}
        for number, post in enumerate(self._posts):
            for gram, _ in post.grams:
                if self._first.setdefault(gram, post.author) != post.author:
                    self._others[gram].add(post.author)
                if latest.setdefault((post.author, gram), number) != number:
                    self._habits.add((post.author, gram))

    def _row(self, passage: _Passage, match: _Match, start: int, end: int, words: int) -> dict[str, Any]:
        in_body = passage.number is None
        return {
            "form": passage.form,
            "declared": False,
            "quoted_post_id": self._posts[match.post].post_id,
            "quote": passage.number,
            "starts_at": start if in_body else None,
            "ends_at": end if in_body else None,
            "words": words,
            "score": min(1.0, match.matched / words),
            "coverage": self._coverage(match.matched, match.post),
        }

    def _coverage(self, matched: int, post: int) -> float:
        return min(1.0, matched / max(1, sum(1 for word in self._posts[post].own if word)))


def _split(post: Mapping[str, Any]) -> tuple[list[_Passage], list[str]]:
    """What a post may repeat of others, and its own words, with an empty one at each end of a line or quote."""
    body = post["body_text"] or ""
    passages = [
        _Passage("block", _words(quote["text"] or ""), place, quote["author_key"])
        for place, quote in enumerate(post["quotes"] or [])
        if not quote["post_id"]
    ]
    marked = sorted(_marked(body))
    own: list[Word] = []
    position = 0
    for start, end in [*marked, (len(body), len(body))]:
        for line in re.finditer(r"[^\n]+", body[position:start]):
            own += _words(line.group(), position + line.start())
            own.append(Word("", position + line.end(), position + line.end()))
        if words := _words(body[start:end], start):
            passages.append(_Passage("marked", words))
        position = end
    passages.append(_Passage("text", own))
    return [passage for passage in passages if passage.words], [word.text for word in own]


def _marked(body: str) -> Iterator[tuple[int, int]]:
    """Stretches that are set off as somebody else's words; they do not overlap."""
    taken: list[tuple[int, int]] = []
    for pattern in (_QUOTED_LINES, _ATTRIBUTED, _IN_MARKS):
        for match in pattern.finditer(body):
            group = match.lastgroup or match.lastindex or 0
            start, end = match.span(group)
            if all(end <= other_start or start >= other_end for other_start, other_end in taken):
                taken.append((start, end))
                yield start, end


def _words(text: str, offset: int = 0) -> list[Word]:
    return [
        Word(
            match.group().casefold().replace("'", "").replace("\u2019", ""),
            offset + match.start(),
            offset + match.end(),
        )
        for match in _WORD.finditer(text)
    ]
