"""Names of authors in running text become their pseudonyms, so that a text names nobody whom `authors` does not.

Found are: `@name` of somebody whom the crawl has met, and of anybody where the name is an unusual one; `u/name`; the
line over a quote ("name said:"); profiles' addresses, bare or as Markdown; and, without any sign, the unusual names
(`is_unusual`) of the thread's own participants, and those of anybody met that can be no word at all. Names that are
ordinary words (Hope, doc) stay in the text without a sign: nothing tells them from the words.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from unicodedata import normalize

from storage.profiles import Profile, is_profile_url, profile_of
from storage.unusual_names import is_unusual

_USER = re.compile(r"(?<![\w/.-])(?P<sign>/?u/)(?P<name>[A-Za-z0-9_-]{3,20})(?![\w-])")
"""Reddit's own form and its rule for names (3 to 20 letters, digits, `_`, `-`)."""
_KEY = re.compile(r"\ba[a-z2-7]{26}\b")
NOBODY = "[name]"
_HANDLE = re.compile(r"[A-Za-z][\w-]{3,30}(?:\.[\w-]+)*")
_NO_WORD = re.compile(r"(?<!\w)\w[\w-]{5,}(?!\w)")
_WORD = re.compile(r"(?<!\w)\w[\w-]{5,}(?!\w)")
_LETTER_AND_DIGIT = re.compile(r"[A-Za-z][-_]?[0-9]|[0-9][A-Za-z]{2}")
_FIRST_WORDS = re.compile(r"[^\W_][\w.'-]{0,40}(?: [\w.'-]{1,40}){0,2}")
_GAP = re.compile(r" |(?<=\w)'s\b")
_LINK = re.compile(r"(?P<words>\[[^\[\]\n]{0,80}\]\()?(?P<url>https?://[^\s<>\"\])]+)(?(words)[^\n()]{0,80}\))")
_SAID = re.compile(
    r"^[ \t>*_\"\u201c]*(?P<name>[^\n:]{2,60}?)[ \t*_]+(?:said|wrote|writes|schrieb|schreef|skrev|escribi\u00f3"
    r"|a \u00e9crit|ha scritto|kirjoitti|\u043d\u0430\u043f\u0438\u0441\u0430\u043b\(?\u0430?\)?)"
    r"(?:[ \t]+(?:on|am|le|the|at)\b[^\n:]{3,40}(?::[0-9]{2}[^\n:]{0,12})?|[ \t]*\([^()\n]*\))?[ \t*_]*:",
    re.MULTILINE,
)
_POSTED = re.compile(
    r"(?:Originally (?:posted|written) by|Urspr\u00fcnglich (?:geschrieben|gepostet) von)[ \t:]*"
    r"(?P<posted>[^\n]{2,60}?)(?=[ \t]*(?:$|View Post|\u00bb|[ \t]on [A-Z0-9]))"
    r"|(?:Quote from:|Zitat von:?)[ \t]*(?P<name>[^\n]{2,60}?)(?=[ \t]*(?:$| on | am |\())",
    re.MULTILINE | re.IGNORECASE,
)
_SIGNS_OF_SAYING = (
    "said",
    "wrote",
    "writes",
    "schr",
    "skrev",
    "escri",
    "crit",
    "kirj",
    "\u043d\u0430\u043f\u0438\u0441",
)
_SIGNS_OF_POSTING = ("riginally", "glich ge", "uote from", "itat von")

Pseudonym = Callable[[str], str | None]


class MentionedNames:
    """The names that a crawl has met, for finding them where a sign marks them."""

    def __init__(self, names: Iterable[str | None], by_id: Mapping[str, str] | None = None) -> None:
        """Names by the site's ids of them besides, for addresses of profiles."""
        self._by_start: dict[str, list[tuple[str, str]]] = {}
        self._by_lowered: dict[str, str] = {}
        self._by_slug: dict[str, str] = {}
        self._by_id = by_id or {}
        self._no_words: dict[str, str] = {}
        """Names that cannot be taken for a word: one word of six characters or more with `_`, or several digits."""
        for name in sorted({_composed(name) for name in names if name}, key=lambda name: (-len(name), name)):
            lowered = name.lower()
            self._by_start.setdefault(lowered[0], []).append((lowered, name))
            self._by_lowered.setdefault(lowered, name)
            self._by_slug.setdefault(slug_of(name), name)
            if _NO_WORD.fullmatch(name) and is_unusual(name):
                self._no_words.setdefault(lowered, name)

    def hide(self, text: str, pseudonym: Pseudonym) -> str:
        """The text with the pseudonym of who is mentioned in each mention's place, or `[name]` where there is none."""
        if "://" in text:
            text = _LINK.sub(lambda found: self._hide_link(found, pseudonym), text)
        if "@" in text:
            text = self._hide_signed(text, pseudonym)
        if "u/" in text:
            text = _USER.sub(lambda found: found["sign"] + (pseudonym(found["name"]) or NOBODY), text)
        if ":" in text and any(sign in text for sign in _SIGNS_OF_SAYING):
            text = _SAID.sub(lambda found: self._hide_header(found, pseudonym), text)
        if any(sign in text for sign in _SIGNS_OF_POSTING):
            text = _POSTED.sub(lambda found: self._hide_header(found, pseudonym), text)
        return self.hide_no_words(text, pseudonym)

    def hide_no_words(self, text: str, pseudonym: Pseudonym) -> str:
        """The text, or address, without the names that can be no words."""
        if not self._no_words or not ("_" in text or _LETTER_AND_DIGIT.search(text)):
            return text
        if self._no_words.keys().isdisjoint(_WORD.findall(text.lower())):
            return text

        def hidden(found: re.Match[str]) -> str:
            name = self._no_words.get(found[0].lower())
            return found[0] if name is None else pseudonym(name) or NOBODY

        return _WORD.sub(hidden, text)

    def name_of(self, profile: Profile) -> str | None:
        """The name of whose profile it is, as far as the address or the crawl tells."""
        known = self._by_id.get(profile.member_id or "")
        if known is None and profile.name is not None:
            known = self._by_lowered.get(profile.name.lower()) or self._by_slug.get(slug_of(profile.name))
        return known or (profile.name if profile.is_exact else None)

    def _hide_link(self, found: re.Match[str], pseudonym: Pseudonym) -> str:
        profile = profile_of(found["url"])
        if profile is None:
            return found[0]
        name = self.name_of(profile)
        return f"@{(pseudonym(name) if name else None) or NOBODY}"

    def _hide_header(self, found: re.Match[str], pseudonym: Pseudonym) -> str:
        group = "name" if found["name"] else "posted"
        name = found[group]
        known = self._by_lowered.get(name.lower())
        if _KEY.search(name) or (known is None and group == "name" and not is_unusual(name)):
            return found[0]
        start, end = (at - found.start() for at in found.span(group))
        return found[0][:start] + (pseudonym(known or name) or NOBODY) + found[0][end:]

    def _hide_signed(self, text: str, pseudonym: Pseudonym) -> str:
        parts = text.split("@")
        told = [parts[0]]
        for before, part in pairwise(parts):
            bare = part.lstrip('"[')
            opening = part[: len(part) - len(bare)]
            met = None if before[-1:].isalnum() else self._at_start(bare)
            told.append(part if met is None else opening + (pseudonym(met[1]) or NOBODY) + bare[met[0] :])
        return "@".join(told)

    def _at_start(self, text: str) -> tuple[int, str] | None:
        """The longest known name that the text starts with and that ends where a word does; its length and itself.

        Else a name that nobody has met, where it can be nothing but a name.
        """
        lowered = text[:100].lower()
        for start, name in self._by_start.get(lowered[:1], ()):
            if lowered.startswith(start) and not _goes_on(lowered[len(start) : len(start) + 1]):
                return len(start), name
        handle = _HANDLE.match(text)
        if handle and is_unusual(handle[0]) and not _KEY.fullmatch(handle[0]):
            return handle.end(), handle[0]
        return None


class RunningNames:
    """The unusual names of a thread's participants, for finding them without any sign."""

    def __init__(self, names: Iterable[str]) -> None:
        unusual = sorted(
            (name for name in map(_composed, names) if is_unusual(name)), key=lambda name: (-len(name), name)
        )
        self._names = [(name.lower(), name) for name in unusual]
        self._slugs = [(slug_of(name), name) for name in unusual if len(slug_of(name)) > 4]

    def hide(self, text: str, pseudonym: Pseudonym) -> str:
        """The text with pseudonyms, or `[name]`, in the names' places."""
        if not self._names:
            return text
        lowered = text.lower()
        for start, name in self._names:
            if start in lowered:
                # Of two words only as they are written: "just me" is nobody.
                flags = re.NOFLAG if " " in name else re.IGNORECASE
                hidden = pseudonym(name) or NOBODY
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", hidden, text, flags=flags)
        return text

    def hide_in_address(self, url: str) -> str:
        """The address with `[name]` in the place of names in its path; forum software finds threads by number only."""
        lowered = url.lower()
        for slug, name in self._slugs:
            for form in {slug, name.lower()}:
                if form in lowered:
                    url = re.sub(rf"(?<=[/?=&._-]){re.escape(form)}(?![a-z0-9])", NOBODY, url, flags=re.IGNORECASE)
        return url


def candidates(text: str) -> set[str]:
    """What may be names behind each `@` of a text: up to three words, for asking whom the archive knows."""
    found: set[str] = set()
    for after in text.split("@")[1:]:
        words = _FIRST_WORDS.match(after.lstrip('"['))
        if words:
            found.update(words[0][: gap.start()].rstrip(".,;:!?'-") for gap in _GAP.finditer(words[0] + " "))
    return found


def without_profiles(links: Iterable[str]) -> list[str]:
    """Links but those to profiles."""
    return [link for link in links if not is_profile_url(link)]


def slug_of(name: str) -> str:
    """The name as addresses have it: lower case, hyphens for all that is neither letter nor digit."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def show(text: str, names: Mapping[str, str]) -> str:
    """The text with pseudonyms turned back into names, as far as these are held."""
    return _KEY.sub(lambda found: names.get(found[0], found[0]), text)


def _composed(name: str) -> str:
    return normalize("NFC", name)


def _goes_on(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
