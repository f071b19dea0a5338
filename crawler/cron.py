"""Cron expressions, as far as a site file may say them: five fields, in UTC, or a preset."""

import re

CRON_PRESETS = frozenset({"@hourly", "@daily", "@weekly", "@monthly", "@yearly"})
"""Words that stand for an expression."""
_CRON_FIELDS = (
    (0, 59, ""),
    (0, 23, ""),
    (1, 31, ""),
    (1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"),
    (0, 7, "sun mon tue wed thu fri sat"),
)
"""Least and greatest number of each field of a cron expression, and the names that may stand for numbers."""
_CRON_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[1-9]\d?))?", re.ASCII)


def is_cron(expression: str) -> bool:
    """Whether it is a cron expression of five fields whose numbers can be, or a preset."""
    fields = expression.split()
    if len(fields) != len(_CRON_FIELDS):
        return expression in CRON_PRESETS
    return all(
        _is_cron_part(part, *limits)
        for field, limits in zip(fields, _CRON_FIELDS, strict=True)
        for part in field.split(",")
    )


def _is_cron_part(part: str, least: int, greatest: int, names: str) -> bool:
    match = _CRON_PART.fullmatch(part)
    if match is None:
        return False
    ends = [end for end in (match["first"], match["last"]) if end is not None]
    return all(end.lower() in names.split() or (end.isdigit() and least <= int(end) <= greatest) for end in ends)
