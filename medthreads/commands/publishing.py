"""`publish`: `current/` brought up to the last commit, and releases that can be handed on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from crawler.errors import UsageError
from medthreads.commands.options import ArchiveOption, JsonOption
from medthreads.location import archive_location

if TYPE_CHECKING:
    from storage.archive import Archive
    from storage.release import Release

_LONGEST_NOTES = 100_000


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this module."""
    app.command("publish")(publish_command)


def publish_command(
    release: Annotated[bool, typer.Option("--release", help="Make a release of the last snapshot.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the releases.")] = False,
    site: Annotated[list[str] | None, typer.Option(help="Only this site; may be given several times.")] = None,
    version: Annotated[str | None, typer.Option(help="The release's version; else day and number.")] = None,
    licence: Annotated[str | None, typer.Option(help="The licence that you state: a name, an address, words.")] = None,
    notes: Annotated[Path | None, typer.Option(metavar="FILE", help="Markdown for the release's README.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the release, new or empty.")] = None,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring `current/` up to the last commit; with --release, make a folder of everything to hand on.

    A release holds the posts and threads with their history as Parquet, a data dictionary, checksums, metadata and a
    README with counts and known gaps; no names. It goes to `releases/` in the archive. The same snapshot gives the
    same bytes, and is not made twice.
    """
    from storage.archive import Archive

    of_release = {"--version": version, "--licence": licence, "--notes": notes, "--output": output}
    for option, value in of_release.items():
        if value is not None and not release:
            raise UsageError(f"{option} is for releases; add --release.")
    if listed and (release or site):
        raise UsageError("--list shows the releases that are there; leave the other options out.")
    opened = Archive.open(archive_location(archive), create=False)
    if listed:
        from storage.release import releases

        for found in releases(opened):
            _print(found, as_json)
    elif release:
        from storage.release import Wanted, make_release

        wanted = Wanted(tuple(site or ()), version, licence, _words(notes) if notes else None)
        _print(make_release(opened, wanted, output.absolute() if output else None), as_json)
    else:
        _publish(opened, site, as_json)


def _publish(archive: "Archive", sites: list[str] | None, as_json: bool) -> None:
    from storage.publish import publish

    held = sorted({commit.site for commit in archive.committed()})
    for name in sites or ():
        if name not in held:
            raise UsageError(f"The archive holds no site {name!r}; it holds {', '.join(held) or 'none yet'}.")
    for site in sites or (None,):
        done = publish(archive, site)
        if as_json:
            print(msgspec.json.encode(done).decode())
        else:
            of_site = f" of {site}" if site else ""
            print(
                f"current/ shows snapshot {done.snapshot:,}{of_site}: {len(done.files):,} files written "
                f"({done.rows:,} rows, {done.bytes:,} bytes), {len(done.removed):,} removed."
            )


def _words(path: Path) -> str:
    try:
        words = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The notes in {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise UsageError(f"The notes in {path} are no text in UTF-8.") from None
    if len(words) > _LONGEST_NOTES:
        raise UsageError(f"The notes in {path} are longer than {_LONGEST_NOTES:,} characters; shorten them.")
    return words


def _print(release: "Release", as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(release).decode())
        return
    made = "made" if release.made else "there"
    print(
        f"{release.name}, version {release.version} ({made}): {release.rows:,} rows in {release.files:,} files, "
        f"{release.bytes:,} bytes, in {release.location}\n"
        f"  sites {', '.join(release.sites)}; SHA-256 of the data {release.data_sha256}, of SHA256SUMS "
        f"{release.sums_sha256}"
    )
