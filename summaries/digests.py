"""A short account of a thread in its own words: a pure function of the thread's posts.

Sentences are ranked by position x centrality x score and chosen one after the other by maximal marginal relevance
(Carbonell & Goldstein 1998), so that no two say the same, with a penalty on further sentences of a post already
cited. The opener's question comes first where there is one. Centrality is the cosine of a sentence's TF-IDF vector
with the centroid of all others: linear in the thread's length, so that a thread of 10,000 posts needs no sampling.

Sums go through `math.fsum` and ranks are rounded, so that the result is the same on every Python version.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from summaries.activity import GONE
from summaries.sentences import plain, split, terms

METHOD = "extractive-1"
"""In the row and in every input hash: a change of how digests are made makes all of them due."""

Vector = Mapping[str, float]

_QUOTED_LINE = re.compile(r"^[ \t]*>+(?:[ \t]|[^\W\d]|$).*$", re.MULTILINE)
"""A quote typed by hand, as in e-mail; but ">50 % stenosis" are own words."""
_SHORTEST = 4
"""Words; less ("Same here.", "Thanks!") says too little to be cited."""
_CANDIDATES = 400
"""Sentences, best first, among which redundancy is weighed; bounds the cost of a huge thread."""
_TITLE = 160
_LEAST = 0.1
"""Rank, of 1, below which a sentence is beside the thread's subject and not worth the room."""
_REDUNDANCY = 0.45
_SAME_POST = 0.12


@dataclass(frozen=True)
class Budget:
    """How long a digest may be: sentences, and characters of `digest_text` with its title and labels."""

    sentences: int = 7
    characters: int = 900


@dataclass(frozen=True)
class CitedSentence:
    """A sentence of a post, word for word (white space apart), and who says it."""

    post_id: str
    speaker: str
    text: str


@dataclass(frozen=True)
class Digest:
    """A thread in short; the fields are described in `summaries.schema.DIGESTS`."""

    digest_text: str
    question: str | None
    sentences: list[CitedSentence]
    posts: int
    authors: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass
class _Candidate:
    order: int
    post: int
    text: str
    terms: list[str]
    is_question: bool
    weight: float
    vector: Vector = field(default_factory=dict)
    rank: float = 0.0


def digest(posts: Sequence[Mapping[str, Any]], title: str | None = None, budget: Budget | None = None) -> Digest:
    """The digest of one thread.

    Args:
        posts: Its posts in any order, each with post_id, position, author_key, created_at, body_text (own words,
            quotes left out), score, reactions, is_opening and status. Deleted and removed ones are passed over.
        title: The thread's title.
        budget: Length; about seven sentences where absent.
    """
    budget = budget or Budget()
    ordered = in_order(posts)
    standing = [post for post in ordered if post["status"] not in GONE]
    names = speakers(ordered)
    candidates = _candidates(standing)
    _rank(candidates)
    head = _shortened(plain(title or ""), min(_TITLE, budget.characters))
    question = _question(candidates)
    ids = [str(post["post_id"]) for post in standing]
    labels = [len(f"\n{names[post_id]}:  [{post_id}]") for post_id in ids]
    chosen = _choose(candidates, question, budget.characters - len(head), labels, budget.sentences)
    cited = [CitedSentence(ids[each.post], names[ids[each.post]], each.text) for each in chosen]
    instants = [post["created_at"] for post in standing if post["created_at"] is not None]
    return Digest(
        digest_text=_text(head, cited),
        question=next((each.text for each in chosen if each is question), None),
        sentences=cited,
        posts=len(standing),
        authors=len({post["author_key"] for post in standing} - {None}),
        first_at=min(instants, default=None),
        last_at=max(instants, default=None),
    )


def in_order(posts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Opening post first, then by instant; undated ones last, by position; ties by position and id."""

    def key(post: Mapping[str, Any]) -> tuple[Any, ...]:
        instant, position, post_id = post["created_at"], post["position"], str(post["post_id"])
        return (
            not post["is_opening"],
            instant.timestamp() if instant else math.inf,
            math.inf if position is None else position,
            len(post_id),
            post_id,
        )

    return sorted(posts, key=key)


def speakers(ordered: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Label of each post's author by post id: OP for the opener, then A, B, ... Z, AA, ... as they appear.

    Posts without an author are by "?", which may be several people.
    """
    labels: dict[str, str] = {}
    by_post: dict[str, str] = {}
    for post in ordered:
        author = post["author_key"]
        if author is None:
            by_post[str(post["post_id"])] = "OP" if post["is_opening"] else "?"
            continue
        if author not in labels:
            others = len(labels) - ("OP" in labels.values())
            labels[author] = "OP" if post["is_opening"] and "OP" not in labels.values() else _letters(others)
        by_post[str(post["post_id"])] = labels[author]
    return by_post


def standing_of(post: Mapping[str, Any]) -> int:
    """A post's score (else its reactions) by order of magnitude: 0 for none or less, 1 for 1-2, 2 for 3-6, ...

    Votes come in all the time; only a doubling changes the digest and its input hash.
    """
    votes = post["score"] if post["score"] is not None else post["reactions"]
    return (max(int(votes or 0), 0) + 1).bit_length() - 1


def _letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _candidates(standing: Sequence[Mapping[str, Any]]) -> list[_Candidate]:
    """The sentences that may be cited. One that an earlier post has word for word is its quote or copy: left out."""
    best = max((standing_of(post) for post in standing), default=0)
    seen: set[str] = set()
    candidates: list[_Candidate] = []
    for place, post in enumerate(standing):
        votes = 1 + 0.5 * standing_of(post) / best if best else 1.0
        opening = 1.5 if post["is_opening"] else 1.0 + 0.25 / (1 + place)
        for index, text in enumerate(split(_QUOTED_LINE.sub("", post["body_text"] or ""))):
            words = terms(text)
            said = text.casefold()
            if len(text.split()) < _SHORTEST or len(set(words)) < 2 or said in seen or text.endswith(":"):
                continue
            seen.add(said)
            position = 0.6 + 0.4 / (1 + index)
            candidates.append(
                _Candidate(
                    order=len(candidates),
                    post=place,
                    text=text,
                    terms=words,
                    is_question=bool(post["is_opening"]) and text.rstrip("\"'\u201d\u2019)").endswith("?"),
                    weight=opening * votes * position * math.sqrt(min(1.0, len(words) / 6)),
                )
            )
    return candidates


def _rank(candidates: list[_Candidate]) -> None:
    """Sets each candidate's vector and rank; the best rank is 1."""
    frequency = Counter(term for candidate in candidates for term in set(candidate.terms))
    rarity = {term: 1 + math.log((1 + len(candidates)) / (1 + count)) for term, count in frequency.items()}
    parts: dict[str, list[float]] = {term: [] for term in rarity}
    for candidate in candidates:
        counts = Counter(candidate.terms)
        weights = {term: (1 + math.log(count)) * rarity[term] for term, count in counts.items()}
        length = math.sqrt(math.fsum(weight * weight for weight in weights.values())) or 1.0
        candidate.vector = {term: weight / length for term, weight in weights.items()}
        for term, weight in candidate.vector.items():
            parts[term].append(weight)
    centroid = {term: math.fsum(weights) for term, weights in parts.items()}
    # The candidate's own part (cosine 1 with itself) is taken out: what counts is what it shares with the others.
    central = [max(_dot(candidate.vector, centroid) - 1.0, 0.0) for candidate in candidates]
    most = max(central, default=0.0) or 1.0
    ranks = [candidate.weight * (0.1 + shared / most) for candidate, shared in zip(candidates, central, strict=True)]
    highest = max(ranks, default=0.0) or 1.0
    for candidate, rank in zip(candidates, ranks, strict=True):
        candidate.rank = round(rank / highest, 9)


def _question(candidates: Sequence[_Candidate]) -> _Candidate | None:
    """The opening post's highest-ranked question; the later of two equals, as people ask at the end."""
    asked = [candidate for candidate in candidates if candidate.is_question]
    return max(asked, key=lambda candidate: (candidate.rank, candidate.order), default=None)


def _choose(
    candidates: Sequence[_Candidate], question: _Candidate | None, characters: int, labels: Sequence[int], most: int
) -> list[_Candidate]:
    """Up to `most` sentences within `characters`, by maximal marginal relevance, `question` first; in thread order.

    `labels` is what the first sentence of each post costs besides its own characters.
    """
    on_subject = (candidate for candidate in candidates if candidate.rank >= _LEAST)
    pool = sorted(on_subject, key=lambda candidate: (-candidate.rank, candidate.order))[:_CANDIDATES]
    nearest = {candidate.order: 0.0 for candidate in pool}
    chosen: list[_Candidate] = []
    per_post: Counter[int] = Counter()

    def cost(candidate: _Candidate) -> int:
        return len(candidate.text) + (1 if per_post[candidate.post] else labels[candidate.post])

    def worth(candidate: _Candidate) -> tuple[float, int]:
        repeats = _REDUNDANCY * nearest[candidate.order] + _SAME_POST * per_post[candidate.post]
        return round(candidate.rank - repeats, 9), -candidate.order

    following = question if question is not None and cost(question) <= characters else None
    while len(chosen) < most:
        following = following or max((each for each in pool if cost(each) <= characters), key=worth, default=None)
        if following is None:
            break
        characters -= cost(following)
        chosen.append(following)
        per_post[following.post] += 1
        pool = [candidate for candidate in pool if candidate is not following]
        for candidate in pool:
            nearest[candidate.order] = max(nearest[candidate.order], _dot(candidate.vector, following.vector))
        following = None
    return sorted(chosen, key=lambda candidate: candidate.order)


def _dot(one: Vector, other: Vector) -> float:
    if len(one) > len(other):
        one, other = other, one
    return math.fsum(weight * other[term] for term, weight in one.items() if term in other)


def _shortened(title: str, characters: int) -> str:
    if len(title) <= characters:
        return title
    return title[: characters - 1].rsplit(" ", 1)[0].rstrip(" ,;:-") + "\u2026"


def _text(head: str, cited: Sequence[CitedSentence]) -> str:
    """Title, then a line for each run of sentences of one post: `A: First. Second. [post id]`."""
    by_post: dict[str, list[str]] = {}
    label: dict[str, str] = {}
    for sentence in cited:
        by_post.setdefault(sentence.post_id, []).append(sentence.text)
        label[sentence.post_id] = sentence.speaker
    lines = [f"{label[post_id]}: {' '.join(texts)} [{post_id}]" for post_id, texts in by_post.items()]
    return "\n".join([head, *lines] if head else lines)
