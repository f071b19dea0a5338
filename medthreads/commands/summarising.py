"""`summaries`: refresh what is derived from the archive."""

from typing import Annotated

import msgspec
import typer

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
    """Refresh activity figures and thread digests where their input has changed."""
    from storage.archive import Archive
    from summaries.refresh import refresh

    counts = refresh(Archive.open(archive_location(archive), create=False), site)
    if as_json:
        print(msgspec.json.encode(counts).decode())
    else:
        print("; ".join(f"{name.replace('_', ' ')}: {count:,}" for name, count in counts.items()))
