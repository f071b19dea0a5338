"""Masking of identifiers: what is found of the labelled lines, by kind, and what it costs beside one regex's scan.

The labelled lines (tests/storage/identifiers_labelled.jsonl) are invented, in two halves: the rules were written with
the one; the other was written and labelled after them. An identifier counts as found where all of it is masked, a mask
as wrong where it covers none. The posts of the cost are invented too: one in fifty holds a labelled line.
"""

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from storage.identifiers import KINDS, find

LABELLED = Path(__file__).parent.parent / "tests" / "storage" / "identifiers_labelled.jsonl"
_FILLING = (
    "the pain was worse after surgery but my cardiologist said it would settle within weeks and so far he is right "
    "we did an angiogram on Monday EF 45% lesion in the SFA 5 mg bisoprolol twice a day since 2019 INR 2.4 nothing else"
)


class Line(NamedTuple):
    """A labelled line: its half (`seen` or `held out`), its text, and kind and text of each identifier, in order."""

    half: str
    text: str
    identifiers: list[tuple[str, str]]


def labelled() -> list[Line]:
    """The labelled lines."""
    with LABELLED.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [Line(row["half"], row["text"], [(kind, text) for kind, text in row["identifiers"]]) for row in rows]


class Score(NamedTuple):
    """Identifiers that are there, those found whole, masks that were set, and those of them that cover none."""

    there: int
    found: int
    masks: int
    wrong: int

    @property
    def recall(self) -> float:
        return self.found / self.there if self.there else 1.0

    @property
    def precision(self) -> float:
        return 1 - self.wrong / self.masks if self.masks else 1.0


def scores(lines: Iterable[Line]) -> dict[str, Score]:
    """Per kind how much of the lines' identifiers is found."""
    there, found, masks, wrong = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for line in lines:
        spans, at = [], 0
        for kind, text in line.identifiers:
            at = line.text.index(text, at)
            spans.append((kind, at, at + len(text)))
            at += len(text)
        marked = find(line.text)
        for kind, start, end in spans:
            there[kind] += 1
            found[kind] += any(one.kind == kind and one.start <= start and end <= one.end for one in marked)
        for one in marked:
            masks[one.kind] += 1
            wrong[one.kind] += not any(one.kind == k and one.start < end and start < one.end for k, start, end in spans)
    return {kind: Score(there[kind], found[kind], masks[kind], wrong[kind]) for kind in KINDS}


def posts(count: int) -> list[str]:
    """Invented posts of about 600 characters, one in fifty of them with an identifier."""
    chance = random.Random(11)
    lines = [line.text for line in labelled() if line.identifiers]
    filling, made = _FILLING.split(), []
    for number in range(count):
        words = chance.choices(filling, k=110)
        if number % 50 == 0:
            words.insert(chance.randrange(110), chance.choice(lines))
        made.append(" ".join(words))
    return made


def seconds(run: Callable[[str], object], texts: list[str]) -> float:
    """The least of three runs over the texts."""
    least = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        for text in texts:
            run(text)
        least = min(least, time.perf_counter() - begun)
    return least


def main() -> None:
    """Prints both tables."""
    lines = labelled()
    print(f"{'half':<10}{'kind':<15}{'there':>7}{'found':>7}{'recall':>8}{'masks':>7}{'wrong':>7}{'precision':>11}")
    for half in ("seen", "held out"):
        for kind, score in scores(line for line in lines if line.half == half).items():
            print(
                f"{half:<10}{kind:<15}{score.there:>7}{score.found:>7}{score.recall:>8.2f}{score.masks:>7}"
                f"{score.wrong:>7}{score.precision:>11.2f}"
            )
    texts = posts(20_000)
    size = sum(len(text) for text in texts) / 1e6
    bare = seconds(re.compile(r"[\w.+-]+@[\w.-]+").search, texts)
    ours = seconds(find, texts)
    print(f"\none regex {size / bare:,.0f} MB/s, masking {size / ours:,.0f} MB/s: {ours / bare:.1f} times the cost")


if __name__ == "__main__":
    main()
