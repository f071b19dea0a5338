"""`erase`, `purge`: what must go from the archive for good."""

import sys
from typing import Annotated

import msgspec
import typer

from crawler.errors import UsageError
from medthreads.commands.options import ArchiveOption, JsonOption
from medthreads.location import archive_location

SHOWN = 20


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this module."""
    app.command("erase")(erase_command)
    app.command("purge")(purge_command)


def erase_command(
    site: Annotated[str, typer.Option(help="The site that it is of.")],
    author: Annotated[str | None, typer.Option(metavar="NAME", help="Everything of this author.")] = None,
    post: Annotated[str | None, typer.Option(metavar="ID", help="This post, in all its versions.")] = None,
    thread: Annotated[str | None, typer.Option(metavar="ID", help="This thread with all its posts.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase an author, post or thread from everywhere in the archive, and keep it from coming back.

    Tables, versions, landings, indexes, published files, summaries and releases; then every file is searched for what
    was erased. Cannot be undone. Run again after an interruption it goes on. docs/privacy.md says what remains.
    """
    from medthreads import erasing
    from storage.erasure_scope import Kind, Subject

    given: list[tuple[Kind, str | None]] = [("author", author), ("post", post), ("thread", thread)]
    subjects = [Subject(site, kind, value) for kind, value in given if value]
    if len(subjects) != 1:
        raise UsageError("Give one of --author, --post and --thread.")
    [subject] = subjects
    location = archive_location(archive)
    scope = erasing.preview(location, subject)
    if not yes:
        told = f"{scope.posts:,} posts in {scope.versions:,} versions, {scope.threads:,} threads as a whole, "
        told += f"the titles of {scope.titles:,} other threads"
        if not sys.stdin.isatty():
            raise UsageError(f"This would erase {told} of {site}, for good; give --yes if that is meant.")
        print(f"This erases {told} of {site}, and keeps later crawls from collecting it. It cannot be undone.")
        if not typer.confirm("Erase it?"):
            raise typer.Exit(1)
    _print(erasing.erase(location, subject), as_json=as_json)


def purge_command(
    site: Annotated[str | None, typer.Argument(metavar="SITE", help="Only this site.")] = None,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take out the content of what was deleted at its source, of sites whose file says `purge_deleted`.

    The bare fact of the deletion stays. Airflow does this by itself.
    """
    from medthreads import erasing

    done = erasing.purge_deleted(archive_location(archive), site)
    if not done and not as_json:
        print("Nothing was due.")
    for account in done.values():
        _print(account, as_json=as_json)


def _print(account: object, *, as_json: bool) -> None:
    from storage.erasure import Account

    assert isinstance(account, Account)
    if as_json:
        print(msgspec.json.encode(account).decode())
        return
    rows = ", ".join(f"{name} {count:,}" for name, count in account.rows.items()) or "none"
    print(
        f"Erased from {account.site}: {account.posts:,} posts, {account.threads:,} threads, {account.titles:,} titles."
    )
    print(f"  rows removed or changed   {rows}")
    print(
        f"  landings                  {account.landings:,} changed: {account.warc_records:,} WARC records taken out, "
        f"{account.staged_pages:,} staged pages cleaned"
    )
    print(f"  published files           {account.published:,}; releases changed: {account.releases:,}")
    deleted = f"{account.files_deleted:,} files deleted"
    print(f"  on the disk               {account.bytes_rewritten:,} bytes rewritten, {deleted}")
    found = "nothing is left" if not account.left else f"something is left in {len(account.left):,} files"
    print(f"  search                    {account.files_searched:,} files: {found}")
    for left in account.left[:SHOWN]:
        print(f"    {left.path}: {left.finds:,} x {left.why}")
    if len(account.left) > SHOWN:
        print(f"    and {len(account.left) - SHOWN:,} more (--json lists all)")
    if account.landings_busy:
        print(f"{account.landings_busy:,} landings are still being written; run the same again when their crawls end.")
    print(f"Receipt: erasures/{account.id}.done.json")
