"""Erasures as commands, crawls and DAGs ask for them: what is erased goes from everywhere, and does not come back."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crawler.errors import UsageError
from crawler.landing import RECEIPT, Landing
from crawler.site import Site, usable_sites
from medthreads import pipeline
from storage.archive import Archive
from storage.erasure import Account
from storage.erasure import erase as erase_from
from storage.erasure_scope import Scope, Subject, scope_of
from storage.purging import purge_site

logger = logging.getLogger("medthreads")


def preview(location: str, subject: Subject) -> Scope:
    """What the archive holds of what is to be erased.

    Raises:
        UsageError: nobody knows the site.
    """
    archive = Archive.open(location, create=False)
    known = {commit.site for commit in archive.committed()} | usable_sites()[0].keys()
    if subject.site not in known and not archive.landings.ids(subject.site):
        raise UsageError(f"There is no site {subject.site!r}: it is neither registered nor in the archive.")
    scope = scope_of(archive, subject)
    if not (scope.versions or scope.titles or scope.needles.lines):
        logger.warning("The archive holds nothing of this %s; is it spelled as the site has it?", subject.kind)
    return scope


def erase(location: str, subject: Subject) -> Account:
    """Erases it; called again after an interruption it goes on.

    Raises:
        BusyError: the site is being committed for long.
        DiskFullError, ArchiveError: something could not be written.
    """
    archive = Archive.open(location, create=False)
    return erase_from(archive, subject, lambda folder: landing_hold(archive, folder))


def purge_deleted(location: str, only: str | None = None) -> dict[str, Account]:
    """Takes out what was deleted at its source, of the sites whose terms ask for that; by site where there was any.

    To be called every few hours: the terms give 48 hours from when the deletion was seen.
    """
    archive = Archive.open(location, create=False)
    found = {}
    for name in sorted({commit.site for commit in archive.committed()}):
        if only not in {None, name} or not _asks(archive, name):
            continue
        account = purge_site(archive, name, lambda folder: landing_hold(archive, folder))
        if account is not None:
            found[name] = account
    return found


def _asks(archive: Archive, name: str) -> bool:
    """Whether the site asks for it: by its registered file, else by the one that its last crawl went by."""
    site = usable_sites()[0].get(name)
    if site is None:
        last = archive.committed(name)[-1].crawl_id
        kept = archive.landings.folder(name, last) / pipeline.SITE
        site = Site.model_validate_json(kept.read_bytes()) if kept.exists() else None
    return site is not None and site.purge_deleted


@contextmanager
def landing_hold(archive: Archive, folder: Path) -> Iterator[None]:
    """Keeps crawls from going on with an unfinished landing meanwhile.

    Raises:
        BusyError: a crawl is at it.
    """
    is_finished = (folder / RECEIPT).exists() and Landing(folder).receipt().outcome in pipeline.FINISHED
    if is_finished or not (folder / pipeline.SITE).exists():
        yield
        return
    site = Site.model_validate_json((folder / pipeline.SITE).read_bytes())
    with pipeline.host_lease(archive, site, "medthreads erase"):
        yield
