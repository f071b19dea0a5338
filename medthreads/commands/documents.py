"""`import` and `export`: threads that somebody has already, and threads for somebody else."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from crawler.errors import UsageError
from medthreads.commands.options import ArchiveOption, JsonOption
from medthreads.location import archive_location


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this module."""
    app.command("import")(import_command)
    app.command("export")(export_command)


def import_command(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file of threads, a folder of them, or a release.")],
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read threads that somebody has already into the archive: documents, Reddit dumps, WARC, WACZ, forum-dl, releases.

    Importing the same file again changes nothing.
    """
    from medthreads import importing

    imported = importing.import_path(path, archive_location(archive))
    for file in imported:
        print(msgspec.json.encode(file).decode() if as_json else file.sentence())


def export_command(
    site: Annotated[str, typer.Option(help="Name of the site.")],
    thread: Annotated[str, typer.Option(help="Id of the thread.")],
    form: Annotated[str, typer.Option("--format", help="text, markdown, json, csv or parquet.")] = "text",
    names: Annotated[bool, typer.Option("--names", help="Author names, where held; else pseudonyms.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else standard output.")] = None,
    archive: ArchiveOption = None,
) -> None:
    """Write one thread as a document."""
    from medthreads import importing

    if output is not None and (not output.name or output.is_dir()):
        raise UsageError(f"Cannot write to {str(output)!r}, which names no file; give --output a file's path.")
    data = importing.export(archive_location(archive), site, thread, form, names=names)
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    aside = output.with_name(output.name + ".new")
    try:
        aside.write_bytes(data)
        aside.replace(output)
    except OSError as error:
        raise UsageError(f"Cannot write {output}: {error.strerror}.") from error
