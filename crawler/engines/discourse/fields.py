"""Single fields of Discourse's JSON: typed, and None where the answer holds something else."""

from collections.abc import Mapping
from datetime import datetime

from crawler.engines.html import from_iso
from crawler.engines.json_fields import truth_of

_MOST = 2**53


class Fields:
    """One object of an answer."""

    __slots__ = ("data",)

    def __init__(self, data: object) -> None:
        self.data: Mapping[str, object] = data if isinstance(data, dict) else {}

    def text(self, name: str) -> str | None:
        """A string that is not empty."""
        value = self.data.get(name)
        return value or None if isinstance(value, str) else None

    def integer(self, name: str) -> int | None:
        """A whole number; also where it is written as a string of digits."""
        value = self.data.get(name)
        if isinstance(value, str) and value.isdecimal() and len(value) < 16:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and -_MOST < value < _MOST:
            return value
        return None

    def number_id(self, name: str) -> str | None:
        """An id, as text; 0 and less are none (-1 is Discourse's own "system", -2 its robot: ids of users)."""
        value = self.integer(name)
        return str(value) if value is not None and value != 0 else None

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        return truth_of(self.data.get(name))

    def instant(self, name: str) -> datetime | None:
        """An ISO 8601 text with its offset, in UTC."""
        value = self.text(name)
        return from_iso(value) if value else None

    def inner(self, name: str) -> "Fields":
        """An object in this one; empty where there is none."""
        return Fields(self.data.get(name))

    def listed(self, name: str) -> "list[Fields]":
        """The objects of a list in this one."""
        value = self.data.get(name)
        return [Fields(part) for part in value if isinstance(part, dict)] if isinstance(value, list) else []

    def integers(self, name: str) -> list[int]:
        """The whole numbers of a list in this one."""
        value = self.data.get(name)
        if not isinstance(value, list):
            return []
        return [part for part in value if isinstance(part, int) and not isinstance(part, bool)]

    def names(self, name: str) -> list[str]:
        """Words of a list: strings (up to 3.4) or objects with a name (tags since)."""
        value = self.data.get(name)
        if not isinstance(value, list):
            return []
        words = [part.get("name") if isinstance(part, dict) else part for part in value]
        return [word for word in words if isinstance(word, str) and word]
