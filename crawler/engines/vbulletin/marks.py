"""Finding numbered ids: `id="post_message_12"`. Finding strings costs a fraction of any pattern over a whole page."""

from collections.abc import Iterator

_MOST_DIGITS = 12


def numbered(markup: str, sign: str, start: int, limit: int | None = None, end: str = '"') -> Iterator[tuple[int, str]]:
    """(offset of `sign`, number) of each place where a number and then `end` follow the sign."""
    limit = len(markup) if limit is None else limit
    width = len(sign)
    at = markup.find(sign, start, limit)
    while at >= 0:
        first = at + width
        last = markup.find(end, first, first + _MOST_DIGITS + len(end))
        if last > first and (number := markup[first:last]).isdecimal() and number.isascii():
            yield at, number
        at = markup.find(sign, first, limit)


def first_number(markup: str, *signs: str, start: int = 0) -> str | None:
    """The digits that follow the first sign (of the first kind) that has some."""
    for sign in signs:
        at = markup.find(sign, start)
        while at >= 0:
            first = last = at + len(sign)
            while last < len(markup) and last - first < _MOST_DIGITS and "0" <= markup[last] <= "9":
                last += 1
            if last > first:
                return markup[first:last]
            at = markup.find(sign, first)
    return None
