"""Ids of posts from the page's own HTML, where its description in the words of schema.org has none.

Elements of posts carry the post's number (`id="comment-123"`, Drupal's `class="comment comment-123"`). The numbers are
taken only where there are as many as posts and the words of the posts stand in them in the same order.
"""

import re
from html import unescape
from itertools import islice

from crawler.engines.html import inline_text, tag_at

# One pattern a word: a search for a fixed text costs a fraction of one for several.
_ANCHORS = [
    re.compile(word + r"(?:-id=[\"']?|[-_]?)(\d{2,18})(?=[\s\"'>])")
    for word in ("comment", "post", "reply", "answer", "message")
]
_BEFORE = frozenset(" \t\n\"'=-")
_WORDS = re.compile(r"\W+")
_COMPARED = 30
_ENOUGH = 0.6
# Buttons and forms of a post name its number, too.
_MOST_A_POST = 60


def anchored_ids(markup: str, texts: list[str]) -> list[str]:
    """The ids of posts with these texts, in order; none where the page does not show that they are theirs."""
    most = _MOST_A_POST * (len(texts) + 1)
    signs = [found for sign in _ANCHORS for found in islice(sign.finditer(markup), most + 1)]
    if not texts or len(signs) > most:
        return []
    starts: dict[str, int] = {}
    for found in sorted(signs, key=re.Match.start):
        before = markup[found.start() - 1 : found.start()]
        if before in _BEFORE and (bounds := tag_at(markup, found.start())) is not None:
            starts.setdefault(found[1], bounds[0])
    if len(starts) != len(texts):
        return []
    places = [*starts.values(), len(markup)]
    alike = sum(
        _begins_in(text, inline_text(markup[start:end]))
        for text, start, end in zip(texts, places, places[1:], strict=False)
    )
    return list(starts) if alike >= _ENOUGH * len(texts) else []


def _begins_in(text: str, place: str) -> bool:
    """Whether a text begins somewhere in another, whatever stands between its words."""
    start = text[: 2 * _COMPARED]
    enough = len(start) == len(text) or len(_folded(start)) >= _COMPARED
    if enough and "&" not in start and " ".join(start.split()) in place:
        return True  # as nearly always, and many times cheaper
    return _folded(text)[:_COMPARED] in _folded(place)


def _folded(text: str) -> str:
    return _WORDS.sub("", unescape(text)).casefold()
