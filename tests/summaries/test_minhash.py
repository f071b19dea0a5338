"""Fingerprints of texts: what they do not depend on, and that they find what is alike."""

import random

import pyarrow as pa
import pytest

from summaries.minhash import (
    BAND_COLUMNS,
    EXACT_WORDS,
    FINGERPRINTS,
    NEAR_WORDS,
    PERMUTATIONS,
    fingerprints,
    shingles,
    signatures,
    similarity,
    words_of,
)

VOCABULARY = [f"word{number}" for number in range(3_000)]


def text_of(words: int, seed: int) -> str:
    return " ".join(random.Random(seed).choices(VOCABULARY, k=words))


def bands(table: pa.Table, row: int) -> list[int | None]:
    return [table[name][row].as_py() for name in BAND_COLUMNS]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The LAD was stented, twice!", ["the", "lad", "was", "stented", "twice"]),
        ("don't; don\u2019t", ["dont", "dont"]),
        ("5.5 mg", ["5", "5", "mg"]),
        ("snake_case and  tabs\tand\nlines", ["snake", "case", "and", "tabs", "and", "lines"]),
        ("na\u00efve \ufb01nding \uff21", ["na\u00efve", "finding", "a"]),
        ("zero\u200bwidth", ["zerowidth"]),
        ("\u2764 \u2764", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_ascii_and_other_texts_are_read_alike() -> None:
    text = "It's the Patient's 2nd stent_graft (3-0 suture), isn't it? <b>100%</b>"
    assert [*words_of(text), "\u00e9"] == words_of(f"{text} \u00c9")


def test_fingerprints_are_the_same_on_every_machine() -> None:
    table = fingerprints(["The wire crossed the lesion after the second attempt and the balloon was inflated slowly."])
    assert table.schema == FINGERPRINTS
    assert table["words"].to_pylist() == [15]
    assert (table["text_key"][0].as_py(), bands(table, 0)[:2]) == (KEY, FIRST_BANDS)


KEY, FIRST_BANDS = 5055623258346263568, [3536113726, 404052093]


def test_fingerprints_do_not_depend_on_what_is_asked_with_them() -> None:
    texts = [text_of(words, words) for words in range(1_200)]
    alone = pa.concat_tables([fingerprints([text]) for text in texts[::97]])
    assert fingerprints(texts).take(list(range(0, len(texts), 97))).equals(alone.combine_chunks())


def test_case_punctuation_and_white_space_make_no_difference() -> None:
    text = text_of(40, 1)
    other = text.upper().replace(" ", ",\n", 5) + "!!"
    one, two = fingerprints([text]), fingerprints([other])
    assert one.equals(two)


@pytest.mark.parametrize(
    ("words", "has_key", "has_bands"),
    [(0, False, False), (EXACT_WORDS - 1, False, False), (EXACT_WORDS, True, False), (NEAR_WORDS - 1, True, False),
     (NEAR_WORDS, True, True)],
)  # fmt: skip
def test_short_texts(words: int, has_key: bool, has_bands: bool) -> None:
    table = fingerprints([text_of(words, 3)])
    assert (table["text_key"][0].as_py() is not None) == has_key
    assert {value is not None for value in bands(table, 0)} == {has_bands}


def test_no_text_and_no_texts() -> None:
    assert fingerprints([None])["words"].to_pylist() == [0]
    assert fingerprints([]).equals(FINGERPRINTS.empty_table())


def test_signatures_estimate_similarity_and_bands_find_it() -> None:
    rng = random.Random(5)
    found = errors = 0
    for seed in range(60):
        words = text_of(120, seed).split()
        changed = list(words)
        for place in rng.sample(range(len(words)), 4):
            changed[place] = "changed"
        truth = similarity(frozenset(shingles(words)), frozenset(shingles(changed)))
        one, two = signatures([words, changed])
        estimate = sum(a == b for a, b in zip(one, two, strict=True)) / PERMUTATIONS
        errors += abs(estimate - truth) > 0.12
        table = fingerprints([" ".join(words), " ".join(changed)])
        found += any(a == b for a, b in zip(bands(table, 0), bands(table, 1), strict=True))
    assert errors <= 2
    assert found == 60


def test_strangers_share_no_band() -> None:
    table = fingerprints([text_of(80, seed) for seed in range(400)])
    for name in BAND_COLUMNS:
        assert len(set(table[name].to_pylist())) == 400
