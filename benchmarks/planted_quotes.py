"""Invented threads in which posts repeat earlier ones in known ways, and posts that only look as if they did.

Used by benchmarks/near_duplicates.py and tests/summaries/test_quotations.py; seeded, and the same on every machine.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from summaries.quotations import quotations

_NOUNS = tuple(
    word
    for line in (
        "stent valve ablation echo rhythm pressure dose tablet ward surgeon scan report catheter sheath balloon lesion",
        "artery femoral radial contrast biopsy drain abscess fellow residency contract salary hospital referral port",
        "clinic overhead imaging ultrasound fluoroscopy embolisation fibroid prostate thrombus filter fistula graft",
    )
    for word in line.split()
)
_VERBS = (
    "placed",
    "removed",
    "advanced",
    "measured",
    "declined",
    "billed",
    "reviewed",
    "missed",
    "ordered",
    "inflated",
)
_OTHERS = ("early", "late", "distal", "proximal", "slow", "costly", "narrow", "calcified", "stable", "private", "rural")
_SMALL = ("the", "a", "of", "in", "with", "for", "after", "before", "and", "but", "because", "while", "then", "when")

GUIDELINE = (
    "Patients with a moderate to high risk of stroke should receive oral anticoagulation for at least three weeks "
    "before and four weeks after elective cardioversion of atrial fibrillation."
)
SIGNATURE = "Attending radiologist, twelve years in practice, nothing written here replaces your own physician."
_SAYINGS = (
    "Please talk to your doctor before you do anything, and I hope you feel better soon.",
    "Thank you all so much for your help and advice, I really do appreciate it a lot.",
    "I am not a doctor but I have had a similar experience, so good luck to you and keep us posted.",
)
Make = Callable[[random.Random, Sequence[str]], str]
"""Makes a quoting post's text out of the sentences that it quotes."""


class Figures(NamedTuple):
    """How many quotes were planted, how many were found, and how many of these are right."""

    planted: int
    found: int
    right: int

    @property
    def recall(self) -> float:
        """Share of the planted that were found."""
        return self.right / self.planted

    @property
    def precision(self) -> float:
        """Share of the found that were planted."""
        return self.right / self.found


def sentence(rng: random.Random, words: int = 0) -> str:
    """Words of no meaning in the rhythm of English."""
    pools = (_SMALL, _NOUNS, _VERBS, _OTHERS, _SMALL, _NOUNS)
    length = words or rng.randint(9, 20)
    return " ".join(rng.choice(pools[place % len(pools)]) for place in range(length)).capitalize() + "."


def paragraph(rng: random.Random, sentences: int = 0) -> list[str]:
    """Sentences of a post."""
    return [sentence(rng) for _ in range(sentences or rng.randint(3, 6))]


def _reply(rng: random.Random) -> str:
    return " ".join(paragraph(rng, 2))


def _inline(rng: random.Random, quoted: Sequence[str]) -> str:
    before, after = sentence(rng, 4).rstrip("."), sentence(rng, 5).lower()
    return f"{sentence(rng, 6)} {before} {quoted[0].rstrip('.').lower()} {after} {_reply(rng)}"


def _eight_words(rng: random.Random, quoted: Sequence[str]) -> str:
    words = quoted[0].rstrip(".").split()
    return f"{_reply(rng)} About {' '.join(words[-8:]).lower()}: {sentence(rng)}"


def _whole(rng: random.Random, quoted: Sequence[str]) -> str:
    return f"{' '.join(quoted)}\n\n{_reply(rng)}"


def _edited(rng: random.Random, quoted: Sequence[str]) -> str:
    words = " ".join(quoted[:2]).split()
    words[len(words) // 3] = "probably"
    del words[2 * len(words) // 3]
    return f"{' '.join(words)}\n\n{_reply(rng)}"


def _ellipsis(rng: random.Random, quoted: Sequence[str]) -> str:
    return f"> {quoted[0].rstrip('.')} ... {quoted[-1]}\n\n{_reply(rng)}"


def _lines(rng: random.Random, quoted: Sequence[str]) -> str:
    return "\n".join(f"> {line}" for line in quoted[:2]) + f"\n\n{_reply(rng)}"


def _wrote(rng: random.Random, quoted: Sequence[str]) -> str:
    return f"Dr. Somebody wrote:\n{quoted[0]}\n\n{_reply(rng)}"


def _marks(rng: random.Random, quoted: Sequence[str]) -> str:
    return f"{sentence(rng, 6)} You wrote \u201c{quoted[0].rstrip('.')}\u201d. {_reply(rng)}"


def _guideline(rng: random.Random, quoted: Sequence[str]) -> str:
    del quoted
    return f"{sentence(rng, 7)} {GUIDELINE} {_reply(rng)}"


def _guideline_in_marks(rng: random.Random, quoted: Sequence[str]) -> str:
    del quoted
    return f"{sentence(rng, 7)} The guideline says: \u201c{GUIDELINE}\u201d {_reply(rng)}"


def _saying(rng: random.Random, quoted: Sequence[str]) -> str:
    del quoted
    return f"{_reply(rng)} {rng.choice(_SAYINGS)}"


def _nothing(rng: random.Random, quoted: Sequence[str]) -> str:
    """Of the quoted post no more than a few words in a row."""
    words = quoted[0].rstrip(".").split()
    return f"{_reply(rng)} {' '.join(words[:5])}? {sentence(rng)}"


QUOTING: Mapping[str, Make] = {
    "a sentence within a sentence": _inline,
    "8 words": _eight_words,
    "whole paragraph in front": _whole,
    "words changed and left out": _edited,
    "shortened by an ellipsis": _ellipsis,
    "lines with >": _lines,
    "X wrote:": _wrote,
    "in quotation marks": _marks,
    "a box without an id": _whole,
}
NOT_QUOTING: Mapping[str, Make] = {
    "a guideline that many paste": _guideline,
    "a guideline in marks": _guideline_in_marks,
    "small talk": _saying,
    "a signature": _nothing,
    "five words": _nothing,
    "one's own words again": _whole,
}
CASES = (*QUOTING, *NOT_QUOTING)


def thread_of(case: str, seed: int) -> tuple[list[dict[str, Any]], set[tuple[str, str]]]:
    """A thread of twelve posts in which four repeat an earlier one in this way; and who truly quotes whom."""
    rng = random.Random(f"{case} {seed}")
    said: list[list[str]] = []
    posts: list[dict[str, Any]] = []
    quoting: set[tuple[str, str]] = set()
    for number in range(12):
        repeats = number in {5, 7, 9, 11}
        author, quotes = f"author{number % 6}", []
        own = paragraph(rng)
        body = " ".join(own)
        if repeats:
            source = rng.choice([other for other in range(number) if other % 2 == 0 and other % 6 != number % 6])
            body = (QUOTING | NOT_QUOTING)[case](rng, said[source])
            if case in QUOTING:
                quoting.add((f"{number}", f"{source}"))
            if case == "a box without an id":
                quotes = [{"post_id": None, "author_key": None, "text": " ".join(said[source])}]
                body = _reply(rng)
            if case == "one's own words again":
                author = posts[source]["author_key"]
            own = [body]
        if case == "a signature":
            author = f"author{number % 3}"
            body += f"\n\n{SIGNATURE} {author}"
        if case == "a guideline that many paste" and number == 2:
            body += f" {GUIDELINE}"
        if case == "a guideline in marks" and number == 2:
            body += f" It reads: \u201c{GUIDELINE}\u201d"
        if case == "small talk":
            body += f" {rng.choice(_SAYINGS)}"
        said.append(own)
        at = datetime(2024, 5, 1, tzinfo=UTC) + timedelta(hours=number)
        known = {"site": "planted", "thread_id": case, "post_id": f"{number}", "position": number + 1}
        posts.append(known | {"author_key": author, "created_at": at, "body_text": body, "quotes": quotes})
    return posts, quoting


def figures_of(case: str, threads: int = 50) -> Figures:
    """What is found in threads of a case; `all` is all cases together."""
    if case == "all":
        parts = [figures_of(name, threads) for name in CASES]
        return Figures(*(sum(column) for column in zip(*parts, strict=True)))
    planted = found = right = 0
    for seed in range(threads):
        posts, truth = thread_of(case, seed)
        pairs = {(row["post_id"], row["quoted_post_id"]) for row in quotations(posts)}
        planted, found, right = planted + len(truth), found + len(pairs), right + len(pairs & truth)
    return Figures(planted, found, right)
