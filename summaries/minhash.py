"""MinHash fingerprints of texts: what near-duplicates are found by, without comparing every text with every other.

Two texts are as alike as the Jaccard similarity of their sets of three-word shingles. A MinHash signature has 128
values (rensa's R-MinHash); two texts have about as many of them in common as their similarity says. Of these, 120 are
folded into 20 bands of 6 (Broder 1997; Leskovec, Rajaraman & Ullman, "Mining of Massive Datasets", 3.4): texts that
share a band are candidates. Of pairs at 0.8 that is 99.8 %, at 0.5 27 %; `similarity` then decides on the words.

Pure, and the same on every machine: `fingerprints` may be mapped over the batches of any engine (Spark's mapInArrow).
"""

import re
import struct
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from zlib import crc32

import pyarrow as pa
from rensa import RMinHash  # type: ignore[import-untyped] # rensa ships no types

PERMUTATIONS = 128
BANDS = 20
ROWS = 6
"""Signature values a band: 20 x 6 = 120; the other 8 are not used."""
SHINGLE = 3
"""Words."""
SEED = 20_261_122
NEAR_WORDS = 12
"""Shorter texts have no bands: one word more or less makes another text of them."""
EXACT_WORDS = 5
"""Shorter texts ("Thanks!") have no key either: everybody writes them."""
THRESHOLD = 0.8
"""Similarity from which two texts are near-duplicates."""
METHOD = f"minhash-1/{RMinHash.ALGORITHM_VERSION}"
"""Fingerprints of another method cannot be compared; the second number is that of rensa's algorithm."""

BAND_COLUMNS = tuple(f"band{number:02}" for number in range(BANDS))
FINGERPRINTS = pa.schema(
    [pa.field("words", pa.int32()), pa.field("text_key", pa.int64())]
    + [pa.field(name, pa.uint32()) for name in BAND_COLUMNS]
)
"""What `fingerprints` gives: the number of words; a key of the words (the same for the same words in the same order,
null below EXACT_WORDS); and the bands (null below NEAR_WORDS)."""

_AT_ONCE = 512
"""Texts whose signatures are in memory together: more of them only cost time."""
_TYPOGRAPHIC = re.compile("[\u2018\u2019\u02bc\u00b4\u00ad\u200b-\u200d\ufeff]")
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)} | {ord("'"): None}
_WORD = re.compile(r"[^\W_]+")
_PACK = struct.Struct(f"<{PERMUTATIONS}I").pack
_CUTS = tuple(slice(4 * ROWS * band, 4 * ROWS * (band + 1)) for band in range(BANDS))


def words_of(text: str) -> list[str]:
    """The words that texts are compared by: in lower case, without apostrophes, punctuation and white space.

    Numbers are words. Characters of compatibility (ligatures, full-width letters) are taken for what they stand for.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _TYPOGRAPHIC.sub("", text))
        if not text.isascii():
            return _WORD.findall(text.replace("'", "").casefold())
    return text.translate(_ASCII).split()


def shingles(words: Sequence[str]) -> list[str]:
    """The runs of SHINGLE words, in order and with repetitions; none of shorter texts."""
    return list(map(" ".join, zip(*(words[start:] for start in range(SHINGLE)), strict=False)))


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard similarity of two sets of shingles, from 0 to 1."""
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0


def text_key(words: Sequence[str]) -> int:
    """64 bits of BLAKE2b over the words, as a signed integer: of 10 million texts two differ in spite of it once in
    370,000 archives.
    """
    return int.from_bytes(blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=8).digest(), "little") - 2**63


def signatures(word_lists: Iterable[Sequence[str]]) -> Iterator[list[int]]:
    """The MinHash signature of each text given as words: PERMUTATIONS integers of 32 bits."""
    texts = iter(word_lists)
    while chunk := [shingles(words) for words in islice(texts, _AT_ONCE)]:
        yield from RMinHash.digest_matrix_from_token_sets(chunk, PERMUTATIONS, SEED).to_rows()


def bands_of(signature: Sequence[int]) -> list[int]:
    """The BANDS values of a signature, 32 bits each (CRC-32 of what are uniform bits already)."""
    packed = _PACK(*signature)
    return [crc32(packed[cut]) for cut in _CUTS]


def fingerprints(texts: Iterable[str | None]) -> pa.Table:
    """Fingerprints of texts, a row each in their order, as FINGERPRINTS says; null is a text without words."""
    counts: list[int] = []
    keys: list[int | None] = []
    rows: list[list[int] | None] = []
    remaining = iter(texts)
    nothing = [None] * BANDS
    while chunk := [words_of(text or "") for text in islice(remaining, _AT_ONCE)]:
        counts += map(len, chunk)
        keys += [text_key(words) if len(words) >= EXACT_WORDS else None for words in chunk]
        made = signatures(words for words in chunk if len(words) >= NEAR_WORDS)
        rows += [bands_of(next(made)) if len(words) >= NEAR_WORDS else None for words in chunk]
    columns = zip(*(row or nothing for row in rows), strict=True) if rows else [()] * BANDS
    bands = (pa.array(column, pa.uint32()) for column in columns)
    return pa.Table.from_arrays([pa.array(counts, pa.int32()), pa.array(keys, pa.int64()), *bands], schema=FINGERPRINTS)
