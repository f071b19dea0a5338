"""`verify`, `maintain`: whether the archive is as it was written, and its upkeep."""

from typing import Annotated

import msgspec
import typer

from crawler.errors import UsageError
from medthreads.commands.options import ArchiveOption, JsonOption
from medthreads.location import archive_location


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this module."""
    app.command("verify")(verify_command)
    app.command("maintain")(maintain_command)


def verify_command(
    site: Annotated[str | None, typer.Option(help="Of the tables only what concerns this site.")] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make anew what is derived and not as it should be.")
    ] = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that the archive is as it was written: every file's checksum, receipts, rows, versions, what is published.

    Reads only, and may run while others write. Ends with 16 where something is damaged or does not agree; what merely
    lags or was left over is told, and is no failure. docs/integrity.md says what to do for each finding. --repair
    makes `current/`, summaries, index and missing checksums anew; tables and landings only a copy can mend.
    """
    from medthreads import maintaining
    from storage.archive import Archive

    location = archive_location(archive)
    if site is not None:
        held = sorted({commit.site for commit in Archive.open(location, create=False).committed()})
        if site not in held:
            raise UsageError(f"The archive holds no site {site!r}; it holds {', '.join(held) or 'none yet'}.")
    done = maintaining.verified(location, site)
    repaired = []
    if repair and done.findings:
        repaired = maintaining.repair(location, done)
        done = maintaining.verified(location, site)
    if as_json:
        told = {
            "files": done.files,
            "bytes": done.bytes,
            "snapshot": done.snapshot,
            "tables_read": done.tables_read,
            "counts": done.counts,
            "repaired": repaired,
            "findings": [finding._asdict() for finding in done.findings],
        }
        print(msgspec.json.encode(told).decode())
    else:
        for line in (*repaired, *maintaining.lines(done.findings), done.sentence):
            print(line)
    maintaining.refuse_damage(done, location)


def maintain_command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put small files together, delete what was replaced or left over and old landings, record missing checksums.

    May run while others crawl, commit, publish and read. Committed landings are deleted only where
    MEDTHREADS_LANDING_DAYS says from which age on.
    """
    from medthreads import maintaining
    from storage.archive import Archive
    from storage.sealing import maintain

    location = archive_location(archive)
    done = maintain(Archive.open(location, create=False), maintaining.landings_after(), dry_run=dry_run)
    if as_json:
        told = {**done.figures, "landings": done.landings_deleted, "left": done.partitions_left}
        told["findings"] = [finding._asdict() for finding in done.findings]
        print(msgspec.json.encode(told).decode())
    else:
        for line in (*maintaining.sentences(done, dry_run=dry_run), *maintaining.lines(done.findings)):
            print(line)
