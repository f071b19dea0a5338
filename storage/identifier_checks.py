"""Check digits and forms that tell a person's number from any other. Pure.

Sources: ISO/IEC 7812-1 (cards, Luhn), NHS Data Dictionary (NHS number, modulus 11), INSEE (French NIR, modulus 97),
DVV Finland (henkilötunnus, modulus 31), Skatteverket (personnummer, Luhn), EAN-13 (Swiss AHV number).
"""

import re

_NO_DIGIT = re.compile(r"[^0-9]")
_CARD_GROUPS = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 1)})
_CARD_START = re.compile(
    r"3[47]|30[0-5]|35(?:2[89]|[3-8][0-9])[0-9]{12}$|3[689]|4|5[0-9]|6|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"
)
"""Ranges of payment cards; other numbers with a Luhn digit (IMEI, NPI) start otherwise."""


def luhn(digits: str) -> bool:
    """Whether the last digit is right for those before it (ISO/IEC 7812-1)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def is_card(text: str) -> bool:
    """Whether digits, with or without separators, are a payment card's: length, range, groups and check digit."""
    groups = [group for group in _NO_DIGIT.split(text) if group]
    digits = "".join(groups)
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1 or not _CARD_START.match(digits):
        return False
    return (len(groups) == 1 or tuple(map(len, groups)) in _CARD_GROUPS) and luhn(digits)


def is_nhs_number(digits: str) -> bool:
    """Whether ten digits end in the check digit of an NHS number."""
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return rest % 11 == int(digits[-1]) and rest != 10


def is_national_number(country: str, text: str) -> bool:
    """Whether a number that looks like a country's personal number has its check digit.

    Args:
        country: uk (it has none), finland, sweden, france or switzerland.
        text: the number as written.
    """
    digits = _NO_DIGIT.sub("", text)
    if country == "finland":
        return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(text[:6] + text[7:10]) % 31] == text[-1]
    if country == "sweden":
        return 1 <= int(digits[-8:-6]) <= 12 and 1 <= int(digits[-6:-4]) <= 31 and luhn(digits[-10:])
    if country == "france":
        bare = text.replace(" ", "").replace("2A", "19").replace("2B", "18")
        return bare.isdigit() and 97 - int(bare[:13]) % 97 == int(bare[13:])
    if country == "switzerland":
        return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0
    return True


_YEAR = r"(?:19|20)[0-9]{2}"
_DATE_OR_TIME = re.compile(
    rf"(?:[0-3]?[0-9][/.\- ][0-3]?[0-9][/.\- ](?:{_YEAR}|[0-9]{{2}})|{_YEAR}[/.\- ][01]?[0-9][/.\- ][0-3]?[0-9]"
    rf"|{_YEAR} ?[-\u2013/] ?{_YEAR}|{_YEAR}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])"
    r"|(?:[01][0-9]|2[0-4])[0-5][0-9] ?[-\u2013/] ?(?:[01][0-9]|2[0-4])[0-5][0-9])"
    r"(?![0-9]|[./\-][0-9]| [0-9]{2} [0-9]{2}\b)"
)


def is_date_or_time(text: str) -> bool:
    """Whether the text begins with a date, or a span of years or of hours (0800-1600)."""
    return _DATE_OR_TIME.match(text) is not None
