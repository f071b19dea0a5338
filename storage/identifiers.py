"""Identifiers of people in running text, found by their form and masked: e-mail, telephone, card and other numbers.

Pure. Only what can be told by its form, by a check digit or by the words around it is found; docs/privacy.md says how
much that is (measured) and what is not caught: names, addresses, dates of birth and all that is told in words.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from storage.identifier_checks import is_card, is_date_or_time, is_national_number, is_nhs_number

E_MAIL, PHONE, SSN, RECORD, CARD = KINDS = ("e-mail", "phone", "ssn", "record number", "card number")
"""What is masked, in square brackets in the text: social-security numbers are those of other countries too."""


class Identifier(NamedTuple):
    """One identifier: its kind (of `KINDS`) and where it stands, as offsets of characters."""

    kind: str
    start: int
    end: int


def mask(text: str) -> tuple[str, list[str]]:
    """The text with `[kind]` in each identifier's place, and their kinds in order."""
    found = find(text)
    if not found:
        return text, []
    parts, at = [], 0
    for kind, start, end in found:
        parts += [text[at:start], f"[{kind}]"]
        at = end
    return "".join([*parts, text[at:]]), [one.kind for one in found]


def find(text: str) -> list[Identifier]:
    """The identifiers in order; where two rules meet, the first of the more certain kind counts."""
    # Few posts hold any: a look for an `@` and for a run of digits costs a fraction of what the rules do.
    found: list[Identifier] = []
    if "@" in text or _may_spell_address(text):
        for kind, pattern, is_one in _ADDRESS_RULES:
            _apply(found, kind, pattern.finditer(text), is_one)
    for start, end, digits in _regions(text):
        for least, kind, pattern, is_one in _NUMBER_RULES:
            if digits >= least:
                _apply(found, kind, pattern.finditer(text, start, end), is_one)
    return sorted(found, key=lambda one: one.start)


def _apply(
    found: list[Identifier], kind: str, matches: Iterator[re.Match[str]], is_one: Callable[[re.Match[str]], bool]
) -> None:
    for match in matches:
        start, end = match.span("it")
        if match.string[start] == "(" and match.string.find(")", start, end) < 0:
            start += 1
        if is_one(match) and all(end <= other.start or other.end <= start for other in found):
            found.append(Identifier(kind, start, end))


def _regions(text: str) -> list[tuple[int, int, int]]:
    """Where numbers may be: start and end of what is about each run of digits, and how many the longest run has."""
    regions: list[tuple[int, int, int]] = []
    for run in _NUMBERS.finditer(text):
        digits = sum(map(str.isdigit, run[0]))
        start, end = max(0, run.start() - _WORDS_BEFORE), run.end() + _REST_AFTER
        if regions and start <= regions[-1][1]:
            start, _, most = regions.pop()
            digits = max(digits, most)
        regions.append((start, end, digits))
    return regions


def mask_address(url: str) -> tuple[str, list[str]]:
    """As `mask`, for e-mail addresses in a link; other numbers in links are mostly ids."""
    if "@" not in url and "%40" not in url:
        return url, []
    masked, count = _LINKED.subn(f"[{E_MAIL}]", url)
    return masked, [E_MAIL] * count


_NUMBERS = re.compile(r"[0-9](?:[ ()./\-\u00a0\u2009\u202f\u2010-\u2013]{0,3}[0-9]){4,}")
_WORDS_BEFORE, _REST_AFTER = 80, 30
_BRACKETED_SIGNS = ("(at", "(a)", "[a]", "[at", "{at", "<at", "( at", "[ at")
_DOTS = (
    " dot ",
    "dot)",
    "dot]",
    "[.]",
    "(.)",
    " punkt ",
    "gmail",
    "yahoo",
    "hotmail",
    "outlook",
    "icloud",
    "aol",
    "proton",
)


def _may_spell_address(text: str) -> bool:
    lowered = text.lower()
    if any(opening in text for opening in "([{<") and any(at in lowered for at in _BRACKETED_SIGNS):
        return True
    return " at " in lowered and any(dot in lowered for dot in _DOTS)


# -- e-mail -------------------------------------------------------------------------------------------------------

_LINKED = re.compile(r"[\w.+-]{1,64}(?:@|%40)(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}", re.IGNORECASE)
_E_MAIL = re.compile(r"(?<![\w.+%-])(?P<it>[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,5}[^\W\d_]{2,24})(?![\w-])")
_TLD = (
    "(?:com|org|net|edu|gov|info|io|co|uk|de|fr|ca|au|nl|it|es|ch|at|be|se|no|fi|dk|pl|ru|in|nz|ie|za|br|us|me|eu|"
    "gmx|hotmail|health|nhs|ac|med)"
)
_BRACKETED_AT = r"\s{0,2}[(\[{<]\s?(?:at|@|a)\s?[)\]}>]\s{0,2}"
_BRACKETED_DOT = r"\s{0,2}[(\[{<]\s?(?:dot|\.|punkt)\s?[)\]}>]\s{0,2}"
_ANY_DOT = rf"(?:\.|{_BRACKETED_DOT}|\s(?:dot|punkt)\s)"
_USER = r"(?<![\w.+-])(?P<it>[\w+-]{1,40}"
_HOST = r"[\w-]{2,40}"
_BRACKETED = re.compile(
    rf"{_USER}(?:{_ANY_DOT}[\w+-]{{1,40}}){{0,3}}{_BRACKETED_AT}{_HOST}(?:{_ANY_DOT}{_HOST}){{0,2}}{_ANY_DOT}{_TLD})"
    r"(?![\w-])",
    re.IGNORECASE,
)
_IN_WORDS = re.compile(
    rf"{_USER}(?:{_ANY_DOT}[\w+-]{{1,40}}){{0,3}}\s{{1,2}}(?:at|@)\s{{1,2}}"
    rf"{_HOST}(?:(?:{_BRACKETED_DOT}|\s(?:dot|punkt)\s){_HOST}){{0,2}}(?:{_BRACKETED_DOT}|\s(?:dot|punkt)\s){_TLD})"
    r"(?![\w-])",
    re.IGNORECASE,
)
_MAILERS = r"(?:gmail|googlemail|yahoo|hotmail|outlook|icloud|aol|protonmail|proton|gmx|live|msn|ymail)"
_OF_MAILER = re.compile(
    rf"(?<![\w.+-])(?P<it>(?P<user>[\w.+-]{{2,40}})\s{{1,2}}(?:at|@)\s{{0,2}}{_MAILERS}\s?\.\s?(?:com?|net|org|de|me|fr)"
    r"(?:\.[a-z]{2})?)(?![\w-])",
    re.IGNORECASE,
)
_GAPPED = re.compile(
    rf"(?<![\w.+-])(?P<it>[\w.+-]{{2,40}}\s@\s(?:[\w-]{{2,40}}\s?\.\s?){{1,3}}{_TLD})(?![\w-])", re.IGNORECASE
)
_LOOKS_AT = frozenset(
    (
        "look",
        "looked",
        "looking",
        "sign",
        "signed",
        "log",
        "logged",
        "me",
        "us",
        "him",
        "her",
        "them",
        "it",
        "is",
        "was",
    )
)


def _always(_match: re.Match[str]) -> bool:
    return True


def _is_user(match: re.Match[str]) -> bool:
    return match["user"].lower() not in _LOOKS_AT


# -- numbers ------------------------------------------------------------------------------------------------------

_GAP = r"[ \u00a0\u2009\u202f]"
_DASH = r"[-\u2010-\u2013]"
_SEPARATOR = rf"(?:{_GAP}?[.\-\u2010-\u2013]{_GAP}?|{_GAP})"
_BEFORE = r"(?<![\w.$€£#/+\-])(?<![0-9][ ,:])"
_NO_UNIT = r"(?!\s?(?:mg|ml|mcg|\u00b5g|IU|units|kcal|cal|kg|g|mm|cm|per|steps)\b|\s?%)"
_AFTER = rf"(?!\w)(?![-./ ,:]?[0-9]){_NO_UNIT}"
_NO_PERSONS = re.compile(
    r"\b(?:lot|vial|ref|reference|part|cat|catalog(?:ue)?|serial|s/n|sn|order|item|model|batch|sku|isbn|issn|doi|pmid|"
    r"pmcid|ndc|gtin|upc|ean|udi|imei|tracking|invoice|device|product|trial|nct|din|ip|version|build|ticket|grant|npi)"
    r"\b(?:\s?(?:number|num|no|nr|code|id|is|was))?[\s.:#=()]{0,4}$",
    re.IGNORECASE,
)
"""Words that name a thing's number, not a person's."""


def _is_no_thing(match: re.Match[str]) -> bool:
    start = match.start("it")
    return _NO_PERSONS.search(match.string, max(0, start - 32), start) is None


def _digits(match: re.Match[str]) -> str:
    return re.sub(r"[^0-9]", "", match["it"])


_CARD = re.compile(rf"(?<![\w.$€£#/+\-])(?P<it>[0-9](?:{_SEPARATOR}?[0-9]){{12,18}})(?!\w)(?![-.][0-9])")

_SSN = re.compile(
    rf"{_BEFORE}(?P<it>(?!000|666|9)[0-9]{{3}}(?P<by>{_DASH}|{_GAP})(?!00)[0-9]{{2}}(?P=by)(?!0000)[0-9]{{4}}){_AFTER}"
)
_SSN_NAMED = re.compile(
    r"(?:\bSSN\b|\bSS\s?(?:#|no\.?|num(?:ber)?)|\bsocial(?:[ -]?security)?(?: insurance)?(?: (?:number|no\.?|num|#))?|"
    r"\bSIN\b|\bITIN\b)"
    r"[\s:#=]{0,3}(?:(?:is|was|number|no\.?)[\s:]{1,2}){0,2}"
    rf"(?P<it>[0-9]{{3}}(?:{_SEPARATOR}?[0-9]{{2}}{_SEPARATOR}?[0-9]{{4}}|{_SEPARATOR}[0-9]{{3}}{_SEPARATOR}[0-9]{{3}}))"
    r"(?!\w)(?![-.]?[0-9])",
    re.IGNORECASE,
)
_NATIONAL = re.compile(
    r"(?<![\w./=-])(?P<it>"
    r"(?P<uk>(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D])"
    r"|(?P<finland>[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-Y])"
    r"|(?P<sweden>(?:19|20)?[0-9]{2}[01][0-9][0-3][0-9][-+][0-9]{4})"
    r"|(?P<france>[12] ?[0-9]{2} ?[01][0-9] ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2})"
    r"|(?P<switzerland>756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2})"
    r")(?!\w)(?![-.]?[0-9])"
)
_SSN_ABROAD = re.compile(
    r"(?:sozialversicherungs|rentenversicherungs|versicherungs|SV)-?(?:nummer|nr\.?)[\s:]{0,3}(?:ist )?"
    r"(?P<it>[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}|[0-9]{4} ?[0-9]{6})(?!\w)",
    re.IGNORECASE,
)


def _is_national(match: re.Match[str]) -> bool:
    return is_national_number(str(match.lastgroup), match["it"]) and _is_no_thing(match)


_RECORD_WORDS = (
    r"(?:\bM\.?R\.?N\.?(?=[\W0-9_])|\bmed(?:ical)?\.? rec(?:ord)?s?\.? ?(?:number|num|no\.?|nr|id|#)"
    r"|\b(?:chart|patient|hospital|record|clinic|unit|account|accession|case|encounter|member|subscriber|policy)"
    r"['\u2019s]{0,2}"
    r" ?(?:number|num|no\.?|nr\.?|id|identifier|#)"
    r"|\b(?:pat(?:ient)?|pt)[ .-]{0,2}(?:id|no\.?|nr\.?)\b|\bhosp\.? (?:no\.?|number)"
    r"|\bUR ?(?:number|no\.?)|\bURN\b|\bUHID\b"
    r"|\bCHI\b"
    r"|\bNHS ?(?:number|no\.?|num|#)?|\bmedicare ?(?:number|no\.?|id|#|card)|\bhealth ?card ?(?:number|no\.?|#)?"
    r"|\bPHN\b"
    r"|\b(?:patienten|fall|aufnahme|kranken(?:haus|versicherten)?)-?(?:nummer|nr\.?)"
    r"|\bnum[ée]ro de (?:dossier|paciente)"
    r"|\bdossier (?:n[°o]\.?|num[ée]ro)|\bn[°º] de dossier|\bhistoria cl[íi]nica(?: n[°ºo]\.?)?|\bpatientnummer)"
)
_RECORD = re.compile(
    _RECORD_WORDS + r"[\s:#=.\-(/]{0,4}(?:(?:is|was|number|no\.?|of|n[°º]|ist)[\s:#.]{1,3}){0,2}"
    r"(?P<it>(?=[A-Z0-9\-/ ]{0,6}[0-9])(?:[A-Z]{1,4}[-/ ]?)?[0-9](?:[0-9]|[-/ ](?=[0-9]))*[A-Z]?)(?!\w)(?!,[0-9])",
    re.IGNORECASE,
)
_SPACED_NHS = re.compile(rf"{_BEFORE}(?P<it>[0-9]{{3}}(?P<by>[ -])[0-9]{{3}}(?P=by)[0-9]{{4}}){_AFTER}")


def _is_record(match: re.Match[str]) -> bool:
    return 5 <= len(_digits(match)) <= 15 and not is_date_or_time(match["it"])


def _is_nhs(match: re.Match[str]) -> bool:
    digits = _digits(match)
    # What may be an American telephone number is taken for one.
    return is_nhs_number(digits) and not (digits[0] > "1" and digits[3] > "1") and _is_no_thing(match)


_EXTENSION = r"(?:,? ?(?:x|ext\.?|extension) ?[0-9]{1,5})?"
_NANP = re.compile(
    rf"{_BEFORE}(?P<it>(?:\+?1{_SEPARATOR}?)?(?:\([2-9][0-9]{{2}}\){_GAP}?{_SEPARATOR}?|[2-9][0-9]{{2}}(?:{_SEPARATOR}|/))"
    rf"[2-9][0-9]{{2}}{_SEPARATOR}[0-9]{{4}}{_EXTENSION}){_AFTER}",
    re.IGNORECASE,
)
_COUNTRY = (
    r"(?:2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2[1-69][0-9]|3[578][0-9]|42[013]|[68][578][0-9]|"
    r"9[679][0-9])"
)
_ABROAD = re.compile(
    rf"(?<![\w+.$€£#/)\-])(?P<it>\(?(?:\+(?=[1-9])|00(?={_COUNTRY}))[0-9]"
    r"(?:[ \u00a0\u202f.\-\u2010-\u2013/()]{0,3}[0-9]){7,14})"
    rf"(?!\w)(?!\.[0-9]){_NO_UNIT}"
)
_NATIONAL_PHONE = re.compile(
    rf"{_BEFORE}(?P<it>"
    r"0[1-9](?:[ .-][0-9]{2}){4}"  # France
    r"|0[0-9]{10}|\(?0[0-9]{4}\)?[ -][0-9]{3}[ -]?[0-9]{3}|\(?0[0-9]{3}\)?[ -][0-9]{3}[ -][0-9]{4}"  # United Kingdom
    r"|\(?0[0-9]{2}\)?[ -][0-9]{4}[ -][0-9]{4}|\(?0[0-9]{2}\)?[ -][0-9]{3}[ -]?[0-9]{4}|0[0-9]{4} ?[0-9]{6}"
    r"|\(?0[2-8]\)?[ -]?[0-9]{4}[ -][0-9]{4}|04[0-9]{2}[ -][0-9]{3}[ -][0-9]{3}"  # Australia
    r"|0[1-9][0-9]{0,4} ?[/ \-\u2013] ?[0-9]{5,9}|\(0[1-9][0-9]{1,4}\) ?[0-9]{4,9}"  # Germany, Netherlands, Nordic
    r"|0[1-9][0-9]{1,4} ?[/\-\u2013] ?[0-9]{2,4}(?:[ -][0-9]{2,4}){1,3}|0[1-9][0-9]{1,4} [0-9]{3,5} [0-9]{3,5}"
    rf"){_AFTER}"
)
_CALLED = re.compile(
    r"(?:\b(?:tel(?:ephone|efon|éfono|\.)?|phone|ph|cell(?:phone|ular)?|mobile?|fax|"
    r"call(?: me| us| him| her| them| you)?|ring(?: me)?|text(?: me| us)?|dial|whatsapp|"
    r"handy|portable|móvil|hotline|pager|beeper|landline|reach me)\b)"
    r"(?:[ \t]{0,2}(?:number|num|no\.?|nr\.?|#|phone|is|at|on|under|unter|est|es|ist|[:.=\-\u2013])){0,5}[ \t]{0,2}"
    r"(?P<it>(?<![0-9$€£])\+?\(?[0-9](?:[ ().\-/\u2010-\u2013]{0,3}[0-9]){6,14}"
    + _EXTENSION
    + r")(?!\w)(?![.,:][0-9])"
    + _NO_UNIT,
    re.IGNORECASE,
)
_CALLED_FAR = re.compile(
    r"\b(?:call|phone|text|ring|reach|contact|dial|fax|page|whatsapp|number|cell|mobile)\b[^0-9\n]{0,40}"
    r"(?<![\w$€£#.,\-])(?P<it>1?[2-9][0-9]{2}[2-9][0-9]{6})(?!\w)(?![.,][0-9])",
    re.IGNORECASE,
)


def _is_phone(match: re.Match[str]) -> bool:
    return len(_digits(match)) >= 9 and _is_no_thing(match) and not is_date_or_time(match["it"])


def _is_called(match: re.Match[str]) -> bool:
    return not is_date_or_time(match["it"])


_ADDRESS_RULES: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    (E_MAIL, _E_MAIL, _always),
    (E_MAIL, _BRACKETED, _always),
    (E_MAIL, _IN_WORDS, _always),
    (E_MAIL, _OF_MAILER, _is_user),
    (E_MAIL, _GAPPED, _always),
)
_NUMBER_RULES: tuple[tuple[int, str, re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    (13, CARD, _CARD, lambda match: is_card(match["it"]) and _is_no_thing(match)),
    (5, RECORD, _RECORD, _is_record),
    (9, SSN, _SSN_NAMED, _always),
    (6, SSN, _SSN_ABROAD, _always),
    (9, SSN, _SSN, _is_no_thing),
    (6, SSN, _NATIONAL, _is_national),
    (10, RECORD, _SPACED_NHS, _is_nhs),
    (7, PHONE, _CALLED, _is_called),
    (10, PHONE, _NANP, _is_phone),
    (9, PHONE, _ABROAD, _is_phone),
    (9, PHONE, _NATIONAL_PHONE, _is_phone),
    (10, PHONE, _CALLED_FAR, _is_no_thing),
)
"""Each with the least digits that a run must have for it."""
