"""Verifying and keeping up an archive, as commands and DAGs ask for it."""

import logging
import os
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta

from crawler.errors import DamagedArchiveError, UsageError
from storage.archive import Archive
from storage.maintenance import Maintained
from storage.publish import FOLDER as CURRENT
from storage.publish import publish
from storage.sealing import seal
from storage.verification import Verified, verify
from storage.verifying_findings import Finding, Severity
from storage.views import MANIFEST
from summaries.refresh import refresh

LANDING_DAYS_VARIABLE = "MEDTHREADS_LANDING_DAYS"
SHOWN = 20
"""Findings of one kind that are listed one by one."""
_SECONDS = 5.0

logger = logging.getLogger("medthreads")


def landings_after(environ: Mapping[str, str] = os.environ) -> timedelta | None:
    """Age from which committed landings are deleted (MEDTHREADS_LANDING_DAYS); None: they are kept for ever.

    Raises:
        UsageError: the variable is no number of days.
    """
    said = environ.get(LANDING_DAYS_VARIABLE, "").strip()
    if not said:
        return None
    if not said.isdigit() or int(said) < 1:
        raise UsageError(f"{LANDING_DAYS_VARIABLE} is {said!r}; give a number of days from 1, or unset it.")
    return timedelta(days=int(said))


def verified(location: str, site: str | None = None) -> Verified:
    """Verifies the archive and logs how far it is.

    Raises:
        ArchiveError: there is no archive.
    """
    read, due = 0, time.monotonic() + _SECONDS

    def watch(count: int) -> None:
        nonlocal read, due
        read += count
        if time.monotonic() > due:
            logger.info("Read %s MB.", f"{read / 1e6:,.0f}")
            due = time.monotonic() + _SECONDS

    return verify(location, site, watch=watch)


def refuse_damage(done: Verified, location: str) -> None:
    """Raises:
    DamagedArchiveError: something in the archive is not as it was written, or does not agree.
    """
    if done.is_faulty:
        found = ", ".join(f"{count:,} {name}" for name, count in done.counts.items() if count and name in _FAULTS)
        raise DamagedArchiveError(
            f"The archive {location} is not as it was written ({found}): see the findings above, and "
            "docs/integrity.md for what to do about each."
        )


_FAULTS = (Severity.DAMAGE, Severity.INCONSISTENCY)


def lines(findings: Iterable[Finding]) -> list[str]:
    """The findings for people, a line each; of many of one kind the first ones, and how many there are."""
    told: list[str] = []
    shown: dict[tuple[str, str], int] = {}
    for finding in findings:
        kind = (finding.severity.value, finding.kind)
        shown[kind] = shown.get(kind, 0) + 1
        if shown[kind] <= SHOWN:
            told.append(f"{finding.severity} ({finding.kind}): {finding.sentence}")
    more = [f"{name} ({kind}): {count - SHOWN:,} more" for (name, kind), count in shown.items() if count > SHOWN]
    return told + more


def repair(location: str, done: Verified) -> list[str]:
    """Makes anew what is derived and not as it should be: `current/`, summaries, the index, missing checksums.

    What is not derived (tables, landings, releases) is left as it is: only a copy can mend it.

    Returns: what was done, a sentence each.
    """
    archive = Archive.open(location, create=False)
    told = []
    places = {finding.where.split("/", maxsplit=1)[0] for finding in done.findings if finding.kind != "unsealed"}
    if CURRENT in places:
        archive.files.delete(f"{CURRENT}/{MANIFEST}")
        made = publish(archive)
        told.append(f"Published anew: {len(made.files):,} files, {made.rows:,} rows.")
    if ".index" in places:
        archive.index.remove()
        told.append("Deleted the index; the next crawl makes it anew.")
    if "summaries" in places:
        for finding in done.findings:
            if finding.where.startswith("summaries/") and finding.severity is Severity.DAMAGE:
                archive.files.delete(finding.where)
        refresh(archive)
        told.append("Computed the summaries anew where they were damaged.")
    if any(finding.kind == "unsealed" for finding in done.findings):
        told.append(f"Recorded checksums of {seal(archive).files_sealed:,} files.")
    return told


def sentences(done: Maintained, *, dry_run: bool = False) -> list[str]:
    """What upkeep did, or would do."""
    would = "Would have " if dry_run else "Have "
    told = []
    if done.partitions_compacted:
        files = f" of {done.files_before:,} files" + ("" if dry_run else f" (now {done.files_after:,})")
        told.append(f"{would}put together {done.partitions_compacted:,} partitions{files}.")
    if done.rows_dropped:
        told.append(f"{would}dropped {done.rows_dropped:,} rows of commits that can never be completed.")
    if done.replaced_deleted or done.orphans_deleted:
        what = f"{done.replaced_deleted:,} replaced and {done.orphans_deleted:,} left files"
        told.append(f"{would}deleted {what}.")
    lost = "a later engine can no longer read its pages again"
    told += [f"{would}deleted the landing {name}: {lost}." for name in done.landings_deleted]
    if done.files_sealed:
        told.append(f"{would}recorded checksums of {done.files_sealed:,} files that had none.")
    if done.ledgers_put_together:
        told.append(f"{would}put together {done.ledgers_put_together:,} ledgers of checksums.")
    told += [f"Left {name} as it is: too large, damaged or in use." for name in done.partitions_left]
    return told or ["Nothing to do."]
