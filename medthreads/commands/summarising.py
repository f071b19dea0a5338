"""`summaries`: refresh what is derived from the archive."""

from typing import Annotated

import msgspec
import typer

from crawler.errors import UsageError
from medthreads.commands.options import ArchiveOption, JsonOption
from medthreads.location import archive_location


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this module."""
    app.command("summaries")(summaries_command)


def summaries_command(
    site: Annotated[str | None, typer.Option(help="Only this site.")] = None,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refresh activity, digests, near-duplicates, cross-posts and quotations where their input has changed."""
    from storage.archive import Archive
    from summaries.refresh import refresh

    opened = Archive.open(archive_location(archive), create=False)
    if site is not None:
        held = sorted({commit.site for commit in opened.committed()})
        if site not in held:
            raise UsageError(f"The archive holds no site {site!r}; it holds {', '.join(held) or 'none yet'}.")
    counts = refresh(opened, site)
    if as_json:
        print(msgspec.json.encode(counts).decode())
    else:
        print("; ".join(f"{name.replace('_', ' ')}: {count:,}" for name, count in counts.items()))
