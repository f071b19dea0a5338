"""Which names can be told from the words of a text by their looks alone. Pure."""

import re

_LETTERS = re.compile(r"[^\W\d_]")
_INNER_CAPITAL = re.compile(r"[a-z]{2}[A-Z][a-z]|^[A-Z][a-z]+[A-Z]")
_LOOKS_LIKE_A_TERM = re.compile(
    r"[A-Z]{1,7}-?[0-9]{1,4}[A-Za-z]?"  # COVID19, IL-6, T1, PM2
    r"|[0-9]+[-_]?[A-Za-z]{1,6}"  # 10mg, 24hours, 2nd
    r"|[A-Za-z]{1,3}[0-9]{1,3}[A-Za-z]{0,2}|[a-z]{2,5}[A-Z]{1,3}[0-9]?"  # HbA1c, mRNA
    r"|(?:covid|sars|type|stage|grade|phase|day|week|month|year|post|page|room|step|part|chapter|vitamin|omega|"
    r"version|ios|windows|level|class|group|size|hiv|hpv|iphone|ipad|android)[-_ ]?(?:cov[-_ ]?)?[0-9]{1,4}[a-z]?",
)
_TERMS = frozenset(
    """
    iphone ipad ipod imac ecg youtube linkedin pubmed mychart webmd facebook tiktok whatsapp paypal
    healthunlocked gofundme macbook oxycontin astrazeneca biontech cyberknife davinci floseal
    glaxosmithkline epipen miralax medscape uptodate clinicaltrials github wikipedia javascript powerpoint
    onenote mcdonald mcdonalds macdonald fitbit freestyle dexcom omnipod bristolmyers bluecross
    unitedhealthcare healthcare researchgate duckduckgo eczema macmillan mckesson mcgill medicalert humalog
    lasix
    """.split()  # noqa: SIM905 - one text reads better
)
_PARTICLES = frozenset({"von", "van", "der", "den", "de", "la", "le", "du", "da", "di", "del", "bin", "al", "of"})
_ORDINARY_PAIRS = frozenset(
    {"the", "a", "an", "my", "just", "new", "i", "dear", "good", "hi", "hello", "thank", "thanks"}
)


def is_unusual(name: str) -> bool:
    """Whether a name would hardly stand in a text without meaning its bearer.

    It has at least five characters and three letters, and a digit, an underscore or a capital inside a word, or two or
    more words that all begin with a capital; terms that look alike (COVID19, iPhone, 500mg) are none.
    """
    if len(name) < 5 or len(_LETTERS.findall(name)) < 3 or name.lower() in _TERMS:
        return False
    words = name.split()
    if len(words) > 1:
        if any(character.isdigit() or character == "_" for character in name):
            return len(name) >= 8 and not _LOOKS_LIKE_A_TERM.fullmatch(name.lower())
        capitals = all(word[0].isupper() or not word[0].isalpha() or word in _PARTICLES for word in words)
        return words[0][0].isupper() and capitals and len(name) >= 8 and words[0].lower() not in _ORDINARY_PAIRS
    if _LOOKS_LIKE_A_TERM.fullmatch(name) or _LOOKS_LIKE_A_TERM.fullmatch(name.lower()):
        return False
    has_sign = any(character.isdigit() or character == "_" for character in name)
    return has_sign or _INNER_CAPITAL.search(name) is not None
