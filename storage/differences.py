"""What a reading of landed pages by the engines of today says otherwise than the archive does. Pure.

A row that was read again is held against the last version in the archive. Which of its values count depends on the
page that it was read from:

- from the newest page, those that make versions do, if their hash is another one: no crawl has seen them change since
  that version came;
- from the very page that made that version, all others do, and where the hash is the same the masked texts as well;
- what the archive lacks (null), and the page tells, counts in both cases: a column that is new is filled like that.

An untold (null) value of a column that a page may leave out without meaning anything (`Merge.KEPT`, `Merge.FIRST`, the
board, counters) changes nothing. Of counters, only what the archive lacks counts: the others change all the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from storage.columns import Merge, Table
from storage.known import GONE, Row

EXAMPLES = 3
_RECORDED = frozenset({Merge.VERSION, Merge.KEPT, Merge.FIRST, Merge.CARRIED, Merge.COUNTER})
_UNTOLD_MEANS_NOTHING = frozenset({Merge.KEPT, Merge.FIRST, Merge.COUNTER})
_MAKING = frozenset({Merge.VERSION, Merge.KEPT})


def compared(table: Table) -> dict[str, Merge]:
    """The columns of a table of versions that come from pages, each with its rule."""
    return {column.name: column.merge for column in table.columns if column.merge in _RECORDED}


def keeps_untold(name: str, merge: Merge) -> bool:
    """Whether a page that does not tell the value changes nothing."""
    return merge in _UNTOLD_MEANS_NOTHING or name == "board_id"


def overlay(held: Row, read: Row, columns: dict[str, Merge], *, is_own_page: bool, is_newest: bool) -> Row:
    """The values of `read` that the archive's version is to get; empty where it stays.

    Args:
        held: the last version in the archive; of one that is deleted or removed nothing changes.
        read: the same record as it is read today.
        columns: `compared` of the table.
        is_own_page: whether the page is the one that made the version.
        is_newest: whether no later page of those that are landed shows the record.
    """
    if held["status"] in GONE:
        return {}
    is_other = held["content_hash"] != read["content_hash"]
    found: Row = {}
    for name, merge in columns.items():
        was, now = held[name], read[name]
        if is_same(was, now) or (now is None and keeps_untold(name, merge)):
            continue
        makes_versions = merge in _MAKING
        counts = (is_other and is_newest) or (not is_other and is_own_page) if makes_versions else is_own_page
        if was is None or (counts and merge is not Merge.COUNTER):
            found[name] = now
    return found


def thread_overlay(held: Row, before: Row, after: Row, columns: dict[str, Merge], *, is_newest: bool) -> Row:
    """The lasting values that a thread's version is to get; empty where it stays.

    A thread is put together from many pages, some of which may be landed no more. So it counts what differs between
    two readings of the same pages, and what the archive lacks.

    Args:
        held: the last version in the archive.
        before: the thread by the landed pages as they were read when they came.
        after: the same as they are read today.
        columns: `compared` of the table.
        is_newest: whether no page outside of these made the version.
    """
    if held["status"] in GONE:
        return {}
    found: Row = {}
    for name, now in after.items():
        was, is_untold = held[name], now is None or (now == [] and columns.get(name) is Merge.KEPT)
        if name not in columns or is_untold or is_same(was, now):
            continue
        if was is None or was == [] or (is_newest and not is_same(before[name], now)):
            found[name] = now
    return found


def is_same(one: object, other: object) -> bool:
    """Whether two values are the same; structs and dictionaries with the same content are."""
    return one == other or plain(one) == plain(other)


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    """The value with its structs as dictionaries."""
    if hasattr(value, "__struct_fields__"):
        return {name: plain(each) for name, each in structs.asdict(value).items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


@dataclass
class FieldDifference:
    """How many records differ in one field, by kind of difference."""

    gained: int = 0
    """Null before, or empty."""
    lost: int = 0
    """Null now, or empty."""
    changed: int = 0
    examples: list[str] = field(default_factory=list)
    """Ids of the first few records."""
    values: list[tuple[object, object]] = field(default_factory=list)
    """What stood there in each, and what it is now. Texts of posts: never printed unless asked for."""

    @property
    def records(self) -> int:
        """Records that differ."""
        return self.gained + self.lost + self.changed

    def add(self, record_id: str, was: object, now: object) -> None:
        """Counts one record."""
        if _is_empty(was):
            self.gained += 1
        elif _is_empty(now):
            self.lost += 1
        else:
            self.changed += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(record_id)
            self.values.append((plain(was), plain(now)))


@dataclass
class Differences:
    """The differences of one site, by engine, kind of record and field."""

    fields: dict[tuple[str, str, str], FieldDifference] = field(default_factory=dict)

    def add(self, engine: str, kind: str, record_id: str, held: Row, values: Row) -> None:
        """Counts the values that a record gets over those that it has."""
        for name, now in values.items():
            self.fields.setdefault((engine, kind, name), FieldDifference()).add(record_id, held[name], now)

    def sorted(self) -> Iterator[tuple[tuple[str, str, str], FieldDifference]]:
        """Those with the most records first."""
        yield from sorted(self.fields.items(), key=lambda entry: (-entry[1].records, entry[0]))


def _is_empty(value: object) -> bool:
    return value is None or value in ("", [])
