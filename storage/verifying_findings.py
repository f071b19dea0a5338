"""What a verification finds: how grave, where, what it is, and what to do about it."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How grave a finding is, gravest first."""

    DAMAGE = "damage"
    """Something that was written is not as it was."""
    INCONSISTENCY = "inconsistency"
    """Files are as they were written, and what they say does not agree."""
    LAGGING = "lagging"
    """Something derived is older than what it is derived from, or was stopped half-way; the next run brings it up."""
    LEFTOVER = "leftover"
    """Something that a killed process left, or that nobody has recorded yet; nothing reads it, or nothing is wrong."""


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    severity: Severity
    kind: str
    """damaged, missing, unreadable; crawls, receipt, rows, versions, published, index, foreign; lagging; unsealed,
    orphan, unknown, unfinished. docs/integrity.md says what to do for each."""
    where: str
    """File below the archive, or the table and record."""
    what: str
    """One sentence."""
    advice: str
    """One sentence: what to do."""

    @property
    def sentence(self) -> str:
        """All of it."""
        return f"{self.where}: {self.what} {self.advice}"


Watch = Callable[[int], None]
"""Told how many bytes were read since the last time."""

_FROM_A_COPY = "Put it back from a copy of the archive; until then commit nothing to it."
_ADVICE = {
    "archive.json": "Put it back from a copy of the archive.",
    "landing": "Put it back from a copy of the archive; the tables do not need it, a reparse of this crawl does.",
    "current": "Delete the folder current/ and run `medthreads publish`: it is made anew from the tables.",
    "summaries": "Delete the file and run `medthreads summaries`: it is computed anew.",
    "releases": "Put the release back from a copy; what was handed on stands, if its SHA256SUMS hold.",
    "checksums": "Delete the file after a look at the disk, then run `medthreads maintain`: it seals the files anew.",
    "erasures": "Put it back from a copy of the archive, or what was erased may be collected again.",
}


def advice_for(path: str) -> str:
    """What to do about a damaged or missing file."""
    return _ADVICE.get(path.split("/", maxsplit=1)[0], _FROM_A_COPY)


def damaged(path: str, what: str = "its content is not what was written.") -> Finding:
    """A file whose content is another one."""
    return Finding(Severity.DAMAGE, "damaged", path, what, advice_for(path))


def missing(path: str, what: str = "it was written, and is not there any more.") -> Finding:
    """A file that should be there."""
    return Finding(Severity.DAMAGE, "missing", path, what, advice_for(path))


def unsealed(path: str) -> Finding:
    """A file of which no checksum was recorded."""
    return Finding(
        Severity.LEFTOVER,
        "unsealed",
        path,
        "no checksum was recorded: its process was killed after the commit, or it is from an earlier version.",
        "Nothing is wrong; `medthreads maintain` looks whether it can be read, and records one.",
    )


def foreign(path: str) -> Finding:
    """An entry of a table's log that no command of ours has made."""
    what = "rows were added, changed or removed by another program than medthreads."
    advice = "Put the table back from a copy; if you meant it, `medthreads maintain` takes it as it is."
    return Finding(Severity.INCONSISTENCY, "foreign", path, what, advice)


def no_ledgers(folder: str) -> Finding:
    """None of the ledgers of checksums is there."""
    advice = "Put the folder back from a copy; without one, `medthreads maintain` records the files as they are now."
    return missing(folder, "no checksums are there, although crawls are committed.")._replace(advice=advice)


def unknown(path: str) -> Finding:
    """A file that is no archive's."""
    advice = "Move it elsewhere if you need it, else delete it."
    return Finding(Severity.LEFTOVER, "unknown", path, "it is no file of an archive.", advice)


def orphan(path: str) -> Finding:
    """A file that nothing refers to."""
    return Finding(
        Severity.LEFTOVER,
        "orphan",
        path,
        "nothing refers to it: a process was killed before its commit.",
        "Nothing reads it; `medthreads maintain` deletes it when it is 7 days old.",
    )


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """In the order in which a person should look at them."""
    order = list(Severity)
    return sorted(findings, key=lambda finding: (order.index(finding.severity), finding.kind, finding.where))
