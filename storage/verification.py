"""Whether an archive is what was written to it: checksums of every file, then what the tables say of each other.

Reads only, and may run while others crawl, commit, publish and compact. docs/integrity.md says what to do for each
finding.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import duckdb
import msgspec
import pyarrow as pa

from crawler.errors import ArchiveError
from storage.about import ABOUT
from storage.archive import Archive
from storage.files import Files, files_at
from storage.schema import TABLES
from storage.suppressions import unfinished
from storage.verifying_files import IN_THE_MAKING, check_files
from storage.verifying_findings import Finding, Severity, Watch, damaged, gravest_first
from storage.verifying_tables import check_tables
from storage.views import MANIFEST, read_manifest

_TRIES = 3


@dataclass
class Verified:
    """What a verification came to."""

    findings: list[Finding] = field(default_factory=list)
    """Gravest first."""
    files: int = 0
    bytes: int = 0
    """Of these files; read as a whole."""
    snapshot: int = 0
    """The last one when it began."""
    tables_read: bool = False
    """Whether the tables were held against each other; not where their files are damaged."""

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity.value: found[severity] for severity in Severity}

    @property
    def is_damaged(self) -> bool:
        """Whether something that was written is not as it was."""
        return bool(self.counts["damage"])

    @property
    def is_faulty(self) -> bool:
        """Whether somebody has to see to it: something is damaged, or does not agree."""
        return self.is_damaged or bool(self.counts["inconsistency"])

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        told = ", ".join(f"{count:,} {_WORDS[name][count != 1]}" for name, count in self.counts.items() if count)
        read = f"{self.files:,} files ({self.bytes / 1e6:,.1f} MB), snapshot {self.snapshot}"
        return f"{read}: {told or 'everything is as it was written'}."


_WORDS = {
    "damage": ("damage", "damages"),
    "inconsistency": ("inconsistency", "inconsistencies"),
    "lagging": ("thing that lags", "things that lag"),
    "leftover": ("leftover", "leftovers"),
}


def verify(
    location: str,
    site: str | None = None,
    grace: timedelta = IN_THE_MAKING,
    watch: Watch = lambda _bytes: None,
) -> Verified:
    """Reads the whole archive and tells what is not as it should be.

    Args:
        location: the archive's folder or s3:// address. No key is needed.
        site: of the tables only what concerns this site; files are read all the same.
        grace: age below which files without checksum are taken for files in the making.
        watch: is told of bytes read.

    Raises:
        ArchiveError: there is no archive, or a disk fails.
    """
    files = files_at(location)
    try:
        archive = Archive.open(location, create=False)
    except ArchiveError as error:
        if not files.exists(ABOUT) and not any(files.exists(f"{name}/_delta_log/{0:020d}.json") for name in TABLES):
            raise
        checked = check_files(files, None, grace, watch)
        if all(finding.where != ABOUT for finding in checked.findings):
            checked.findings.append(damaged(ABOUT, f"the archive cannot be opened: {error}"))
        return Verified(gravest_first(checked.findings), checked.files, checked.bytes)
    committed, newest = _committed(archive)
    checked = check_files(files, committed, grace, watch)
    checked.findings.extend(_of_erasures(files))
    done = Verified(checked.findings, checked.files, checked.bytes, max(newest.values(), default=0))
    if not any(_is_of_tables(finding) for finding in checked.findings):
        done.findings += _of_tables(archive, site)
        done.tables_read = True
    done.findings = gravest_first(_explained(files, done.findings, newest))
    return done


def _committed(archive: Archive) -> tuple[Collection[tuple[str, str]] | None, dict[str, int]]:
    """Committed crawls, and the last snapshot of each site; nothing where their table is damaged."""
    try:
        commits = archive.committed()
    except (ArchiveError, pa.ArrowException):
        return None, {}
    return {(commit.site, commit.crawl_id) for commit in commits}, {commit.site: commit.snapshot for commit in commits}


def _of_erasures(files: Files) -> Iterator[Finding]:
    try:
        halted = unfinished(files)
    except (ValueError, msgspec.DecodeError):
        return  # damaged, which is told already
    for record in halted:
        what = f"an erasure of {record.site} ({record.kind}) did not come to its end, or is being made."
        advice = "Run the same `medthreads erase` again: it goes on; a purge goes on by itself."
        yield Finding(Severity.LAGGING, "unfinished", f"erasures/{record.id}.json", what, advice)


def _is_of_tables(finding: Finding) -> bool:
    """Whether it keeps the tables from being read as they were written."""
    is_read = finding.where.split("/")[0] in TABLES or finding.where == f"current/{MANIFEST}"
    return finding.severity is Severity.DAMAGE and is_read


def _of_tables(archive: Archive, site: str | None) -> list[Finding]:
    for tries_left in reversed(range(_TRIES)):
        try:
            before = _standing(archive)
            found = list(check_tables(archive, site))
            disagrees = any(finding.severity is Severity.INCONSISTENCY for finding in found)
            if not tries_left or not disagrees or _standing(archive) == before:
                return found
            # Something was committed, published or erased in between: what does not agree may be just that.
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            # A file was replaced between the list and the reading, or published anew.
            if not tries_left:
                what = f"the tables cannot be read: {' '.join(str(error).split())}."
                advice = "Verify again; if it stays, put the archive back from a copy."
                return [Finding(Severity.DAMAGE, "unreadable", "tables", what, advice)]
    return []


def _standing(archive: Archive) -> tuple[object, ...]:
    """What changes with each commit, publish and erasure."""
    crawls = archive.tables.read_whole("crawls", ("snapshot",))
    erasures = sorted(entry.path for entry in archive.files.list("erasures"))
    return len(crawls), read_manifest(archive.files), erasures


def _explained(files: Files, findings: list[Finding], newest: dict[str, int]) -> list[Finding]:
    """What a killed publish leaves looks like damage: where the tables are ahead of it, the next one mends it."""
    if not any(finding.where.startswith("current/") for finding in findings):
        return findings
    try:
        manifest = read_manifest(files) or {}
    except ValueError:
        return findings
    shown = manifest.get("sites", {})
    assert isinstance(shown, dict)
    lagging = {site for site, snapshot in newest.items() if shown.get(site, 0) < snapshot}
    return [
        finding._replace(
            severity=Severity.LAGGING,
            what=f"{finding.what} A publish of its site was killed half-way, or the file is damaged.",
            advice="Run `medthreads publish`: it makes the file anew from the tables.",
        )
        if finding.severity is Severity.DAMAGE
        and any(f"/site={site}/" in finding.where for site in lagging)
        and finding.where.startswith("current/")
        else finding
        for finding in findings
    ]
