"""Sentences of English medical forum text: where one ends, and which words carry it.

Rules instead of a library: pysbd, the usual one, has had no release since 2021, and what these texts need is short:
abbreviations of clinic and correspondence, doses and versions ("5.5 mg"), addresses, numbered lists, writers who
start sentences in lower case, and lines as written by people who do not end them with a full stop.
"""

import re
from collections.abc import Iterator

LONGEST = 320
"""Characters; what runs on for longer is cut at a clause, else at a word, so that a digest's budget holds a few."""


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_OPENS = _words(
    "dr drs mr mrs ms prof st rev hon vs v e.g i.e eg ie cf fig figs eq ref refs approx ca viz resp incl esp",
    "jan feb mar apr jun jul aug sep sept oct nov dec",
)
"""Never at the end of a sentence: something always follows."""
_MAY_END = _words(
    "etc al jr sr inc ltd dept est ave vol ed eds pt pts hx dx tx rx sx fx y.o yo mo wk wks yr yrs hr hrs min mins",
    "sec mg mcg ug g kg ml dl l mm cm lb lbs oz temp wt ht lab labs neg pos abd bid tid qid prn am pm ph.d",
)
"""May end a sentence: it does where the next word starts with a capital."""
_DOTTED = re.compile(r"(?:[a-z]\.)+[a-z]")
"""Letters with full stops between them may end a sentence likewise: "i.v.", "p.m.", "T.B."."""
_NUMBERED = _words("no nos nr p pp ch sec")
"""An abbreviation only where a number follows: "no. 5", but "No. I would not."."""
_LETTERED = _words("vitamin hepatitis influenza type group grade class stage plan option part phase protein")
"""What one letter may end: "vitamin C."; elsewhere it is an initial, as in "J. Smith"."""
_STOPWORDS = _words(
    "a about after again all also am an and any are as at be because been before being but by can could did do does",
    "doing don down during each even ever few for from further get go got had has have having he her here hers him",
    "his how however i if in into is it its just know like lot lots m make many may me might more most much my no",
    "nor not now of off on once one only or other our out over own people really s same say see she should so some",
    "something still such sure t than thank thanks that the their them then there these they thing things think",
    "this those though through to too try up us use very want was way we well were what when where which while who",
    "why will with would yes you your yours ve ll re d im ive id youre dont doesnt didnt isnt cant wont",
)

_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*(?=\s)")
_LIST_MARK = re.compile(r"(?:\(?\d{1,3}|[a-zA-Z])")
_BULLET = re.compile(r"^[ \t]*(?:[-*+\u2022\u2013\u2014]|\(?\d{1,3}[.)](?=\s))[ \t]+")
_CLAUSE = re.compile(r"[;:,\u2013\u2014](?=\s)|\s-(?=\s)")
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?", re.UNICODE)
_SPACE = re.compile(r"\s+")


def split(text: str) -> list[str]:
    """The sentences of `text` in order, each with its white space reduced to single spaces.

    No word is lost or changed, but the marks of lists ("-", "2.") are, and what is longer than LONGEST comes in
    pieces. Blank lines always end a sentence; other line breaks do unless the line plainly goes on.
    """
    return [piece for line in _lines(text) for sentence in _sentences(line) for piece in _pieces(sentence)]


def terms(sentence: str) -> list[str]:
    """Content words for comparison: lower case, without stop words, plural s cut; no single letters or digits."""
    words = (word.lower().replace("\u2019", "'").removesuffix("'s") for word in _WORD.findall(sentence))
    return [_singular(word) for word in words if word.replace("'", "") not in _STOPWORDS and (len(word) > 1)]


def plain(text: str) -> str:
    """White space reduced to single spaces: in this form each sentence of `split` occurs in its text."""
    return _SPACE.sub(" ", text).strip()


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _lines(text: str) -> Iterator[str]:
    """Lines, joined again where a sentence was wrapped: no end mark before the break, lower case after it."""
    pending = ""
    for line in text.splitlines():
        if not line.strip():
            goes_on = False
        else:
            goes_on = bool(pending) and pending[-1] not in ".!?:\u2026" and line.lstrip()[0].islower()
        if goes_on:
            pending = f"{pending} {line.strip()}"
            continue
        if pending:
            yield pending
        pending = _BULLET.sub("", line).strip()
    if pending:
        yield pending


def _sentences(line: str) -> Iterator[str]:
    start = 0
    for match in _END.finditer(line):
        if _ends(line, start, match):
            yield plain(line[start : match.end()])
            start = match.end()
    if rest := plain(line[start:]):
        yield rest


def _ends(line: str, start: int, match: re.Match[str]) -> bool:
    """Whether the mark that `match` found ends the sentence that began at `start`."""
    following = line[match.end() :].lstrip()
    if not following:
        return True
    mark = match.group()
    if mark[0] in "!?":
        return True
    capital = not following[0].islower()
    if mark[0] == "\u2026" or mark.startswith(".."):
        return capital
    before = line[start : match.start()].rsplit(None, 1)
    word = before[-1].lstrip("(\"'[\u201c\u2018") if before else ""
    token = word.lower()
    if len(before) == 1 and _LIST_MARK.fullmatch(word):
        return False
    if token in _OPENS:
        return False
    if token in _NUMBERED and following[0].isdigit():
        return False
    if len(word) == 1 and word.isalpha() and word.isupper() and word != "I":
        lettered = len(before) > 1 and before[0].rsplit(None, 1)[-1].lower() in _LETTERED
        return capital and lettered
    if token in _MAY_END or _DOTTED.fullmatch(token):
        return capital
    return True


def _pieces(sentence: str) -> Iterator[str]:
    """The sentence, or its clauses where it runs on; words are not cut unless one alone is too long."""
    while len(sentence) > LONGEST:
        head = sentence[: LONGEST + 1]
        clauses = [match.end() for match in _CLAUSE.finditer(head) if match.end() > LONGEST // 3]
        cut = clauses[-1] if clauses else head.rfind(" ")
        if cut <= 0:
            cut = LONGEST
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence
