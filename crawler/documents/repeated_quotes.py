"""Quotes that lost their box: text of earlier posts that stands in front of somebody's own words.

A page copied as text shows a quote as plain paragraphs, with nothing that sets them off from the reply. They are
found again by what they repeat. Compared are words, so spaces, line breaks and blank lines do not matter, everything
else does. A run of lines is a quote where

- it is found, word for word and without a gap, in the own words of one earlier post. It fills whole lines on the
  quoting side; on the quoted side it may start at any word, and break off inside its last one;
- it is long (`PART`); less is asked of whole lines of the earlier post that end as a sentence does (`LINES`), and
  least of all that the earlier post says (`WHOLE`). "I agree." and a questionnaire's headings stay the author's own;
- own words follow further down. A post that only repeats is somebody posting twice, and a repeated end is a
  signature: both are left as they are.

A quote inside a quote counts as a quote of the post that said it first, because posts are compared with own words.
Not found: quotes of posts that are not in the document, and those whose author edited either side afterwards.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from crawler.records import Quote

PART = (12, 60)
"""Least words and characters of a quote cut out of an earlier post."""
LINES = (8, 40)
WHOLE = (5, 20)

_SENTENCE_ENDS = (".", "!", "?", "\N{HORIZONTAL ELLIPSIS}", '"', "\N{RIGHT DOUBLE QUOTATION MARK}", ")")
_KEY_WORDS = 5
"""Words by which a possible start of a quote is looked up; no quote is shorter."""
_MOST_STARTS = 64
"""Places remembered for one key, the latest: keeps text that repeats itself from costing a square of its length."""


class _Run(Struct, frozen=True):
    """Lines `start` to before `stop` that the earlier post number `post` holds."""

    start: int
    stop: int
    post: int
    words: int


class EarlierPosts:
    """The own words of a thread's posts so far, ready to be found again."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._words: list[list[str]] = []
        self._line_ends: list[set[int]] = []
        self._starts: defaultdict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)

    def add(self, post_id: str, text: str) -> None:
        """Takes in the own words of the next post of the thread."""
        words: list[str] = []
        line_ends = {0}
        for line in text.split("\n"):
            words += line.split()
            line_ends.add(len(words))
        for offset in range(len(words) - _KEY_WORDS + 1):
            places = self._starts[tuple(words[offset : offset + _KEY_WORDS])]
            if len(places) == _MOST_STARTS:
                del places[0]
            places.append((len(self._ids), offset))
        self._ids.append(post_id)
        self._words.append(words)
        self._line_ends.append(line_ends)

    def origin(self, text: str) -> str | None:
        """Id of the earlier post in whose own words a quote is found whole; for quotes that are marked as such."""
        words = text.split()
        runs = self._runs([" ".join(words)], declared=True)
        return self._ids[runs[0].post] if runs else None

    def split(self, lines: Sequence[str]) -> tuple[list[str], list[Quote]]:
        """A post's own lines, and the quotes among its lines, both in order; blank lines separate paragraphs."""
        runs = self._runs(lines)
        taken = {number for run in runs for number in range(run.start, run.stop)}
        last_own = max((n for n, line in enumerate(lines) if n not in taken and line.strip()), default=-1)
        runs = [run for run in runs if run.stop <= last_own]
        own: list[str] = []
        quotes: list[Quote] = []
        position = 0
        previous: _Run | None = None
        for run in runs:
            between = lines[position : run.start]
            own += [*between, ""]
            text = "\n".join(squeeze(lines[run.start : run.stop]))
            if previous is not None and previous.post == run.post and not any(line.strip() for line in between):
                text = f"{quotes.pop().text}\n\n{text}"
            quotes.append(Quote(post_id=self._ids[run.post], text=text))
            previous, position = run, run.stop
        return squeeze([*own, *lines[position:]]), quotes

    def _runs(self, lines: Sequence[str], *, declared: bool = False) -> list[_Run]:
        """Every stretch of lines that an earlier post holds; the longest from each line on, none overlapping."""
        words: list[str] = []
        ends: list[int] = []
        for line in lines:
            words += line.split()
            ends.append(len(words))
        runs: list[_Run] = []
        number = 0
        while number < len(lines):
            run = self._longest(words, ends, number, declared=declared) if lines[number].strip() else None
            if run is not None:
                runs.append(run)
            number = run.stop if run is not None else number + 1
        return runs

    def _longest(self, words: list[str], ends: list[int], number: int, *, declared: bool) -> _Run | None:
        first = ends[number - 1] if number else 0
        best: _Run | None = None
        for post, offset in self._starts.get(tuple(words[first : first + _KEY_WORDS]), ()):
            earlier = self._words[post]
            length = _common(words, first, earlier, offset)
            cut = first + length < len(words) and offset + length < len(earlier)
            if cut and earlier[offset + length].startswith(words[first + length].rstrip(".…")):
                length += 1
            stop = number
            while stop < len(ends) and ends[stop] <= first + length:
                stop += 1
            if stop == number:
                continue
            count = ends[stop - 1] - first
            characters = len(" ".join(words[first : first + count]))
            least = WHOLE if declared else self._least(post, offset, count)
            if count >= least[0] and characters >= least[1] and (best is None or count >= best.words):
                best = _Run(number, stop, post, count)
        return best

    def _least(self, post: int, offset: int, count: int) -> tuple[int, int]:
        """Words and characters that this stretch of an earlier post must have to be no coincidence."""
        words, line_ends = self._words[post], self._line_ends[post]
        if count == len(words):
            return WHOLE
        ends_as_sentence = words[offset + count - 1].endswith(_SENTENCE_ENDS)
        return LINES if ends_as_sentence and {offset, offset + count} <= line_ends else PART


def split_repeated(lines: Sequence[str], earlier: Iterable[tuple[str, str]]) -> tuple[list[str], list[Quote]]:
    """A post's own lines and its unmarked quotes, given the earlier posts of its thread.

    Args:
        lines: the post's lines; blank ones separate paragraphs.
        earlier: (post id, own words) of the posts before it, in order. For a whole thread, `EarlierPosts` does the
            same without reading them anew for each post.
    """
    posts = EarlierPosts()
    for post_id, text in earlier:
        posts.add(post_id, text)
    return posts.split(lines)


def squeeze(lines: Iterable[str]) -> list[str]:
    """Lines without spaces at their ends, and with single blank lines only between others."""
    kept: list[str] = []
    for line in lines:
        stripped = line.rstrip()
        if stripped or (kept and kept[-1]):
            kept.append(stripped)
    if kept and not kept[-1]:
        kept.pop()
    return kept


def _common(left: list[str], left_start: int, right: list[str], right_start: int) -> int:
    """How many words two texts have in common from given places on."""
    most = min(len(left) - left_start, len(right) - right_start)
    length = 0
    while length < most and left[left_start + length] == right[right_start + length]:
        length += 1
    return length
