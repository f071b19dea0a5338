"""Words that two texts have in common: fingerprints of runs, the runs themselves, and which belong together. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

GRAM = 4
"""Words that one fingerprint is of."""
WINDOW = 5
"""Fingerprints in a row of which winnowing keeps the least."""
_CHANGED = 5
"""Words between two runs that may differ in a bare repetition."""
_SKIPPED = 400
"""Words of the quoted post that may be left out between two runs."""
_PRIME, _MASK = 0x9E3779B97F4A7C15, 2**62 - 1
"""Of the fingerprints of runs: a polynomial over the words' CRC-32."""


class Run(NamedTuple):
    """Words that agree: where in the passage, where in the earlier post, and how many."""

    at: int
    source: int
    length: int


@lru_cache(maxsize=100_000)
def _code(word: str) -> int:
    return crc32(word.encode("utf-8", "replace")) + 1 if word else 0


def fingerprints(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Fingerprint and place of each run of GRAM words that no break stands in."""
    codes = [_code(word) for word in words]
    for place, (a, b, c, d) in enumerate(zip(codes, codes[1:], codes[2:], codes[3:], strict=False)):
        if a and b and c and d:
            yield (((a * _PRIME + b) * _PRIME + c) * _PRIME + d) & _MASK, place


def winnowed(all_grams: Sequence[tuple[int, int]]) -> set[int]:
    """The least fingerprint of every WINDOW in a row; all of them where there are fewer."""
    values = [gram for gram, _ in all_grams]
    return (
        {min(values[start : start + WINDOW]) for start in range(max(1, len(values) - WINDOW + 1))} if values else set()
    )


def runs_in_common(words: Sequence[str], source: Sequence[str], places: Mapping[int, Sequence[int]]) -> list[Run]:
    """Maximal runs of words that both texts have, of GRAM and more; `places` are those of the source's `grams`."""
    runs: list[Run] = []
    reached: dict[int, int] = {}
    for gram, at in fingerprints(words):
        for place in places.get(gram, ()):
            if at < reached.get(at - place, 0):
                continue
            length = 0
            while (
                at + length < len(words)
                and place + length < len(source)
                and words[at + length] == source[place + length]
            ):
                length += 1
            reached[at - place] = at + length
            while length and not words[at + length - 1]:
                length -= 1
            if length >= GRAM:
                runs.append(Run(at, place, length))
    return sorted(runs)


def joined(runs: Collection[Run], *, marked: bool) -> list[Run]:
    """The runs that go together best, in the order of both sides, from the longest outwards."""
    if not runs:
        return []
    longest = max(runs, key=lambda run: (run.length, -run.at, -run.source))
    most = 10**6 if marked else _CHANGED
    chosen = [longest]
    for run in sorted(run for run in runs if run.at > longest.at):
        last = chosen[-1]
        gap = run.at - last.at - last.length, run.source - last.source - last.length
        if 0 <= gap[0] <= most and 0 <= gap[1] <= _SKIPPED:
            chosen.append(run)
    for run in sorted((run for run in runs if run.at < longest.at), reverse=True):
        first = chosen[0]
        gap = first.at - run.at - run.length, first.source - run.source - run.length
        if 0 <= gap[0] <= most and 0 <= gap[1] <= _SKIPPED:
            chosen.insert(0, run)
    return chosen


def all_joined(runs: Collection[Run]) -> Iterator[list[Run]]:
    """One chain after the other, the one around the longest run first, over what the ones before left."""
    left = list(runs)
    while left:
        one = joined(left, marked=False)
        yield one
        start, end = one[0].at, one[-1].at + one[-1].length
        left = [run for run in left if run.at + run.length <= start or run.at >= end]
