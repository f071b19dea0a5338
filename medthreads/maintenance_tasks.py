"""What the tasks of the DAGs `maintenance` and `purge` do; their docstrings are their pages in the UI.

Each is short of figures, logs sentences, and ends in a plain sentence (airflow_failures). All may run while sites are
crawled, committed and published.
"""

import logging

from medthreads.airflow_failures import plain_failures
from medthreads.location import archive_location

log = logging.getLogger("medthreads")


def verify() -> dict[str, int]:
    """Reads the whole archive and holds it against what was written.

    Checked are the checksum of every file, the tables' logs, that receipts balance, that each commit's rows are there,
    that no version is there twice or left out, that `current/` shows what the tables hold, and the index.

    **Fails** (code 16) where something is damaged or does not agree. The log then has a line for each finding: file,
    what it is, what to do. The other tasks do not run then: upkeep would write damaged rows anew. *docs/integrity.md*
    goes through the findings one by one; `medthreads verify --repair` makes anew what is derived (`current/`,
    summaries, index). Leftovers and things that lag are told, and are no failure.
    """
    from medthreads import maintaining

    with plain_failures():
        location = archive_location()
        done = maintaining.verified(location)
        for line in maintaining.lines(done.findings):
            log.warning("%s", line)
        log.info("%s", done.sentence)
        maintaining.refuse_damage(done, location)
    return {"files": done.files, "bytes": done.bytes, **done.counts}


def compact() -> dict[str, int]:
    """Puts the small files that commits leave together into one a partition, where there are more than eight.

    A partition is replaced as a whole in one commit, only on exactly the rows that were read; commits of crawls that
    come in between make it begin again. Rows of commits that can never be completed are left out on the way. The files
    of before stay for a day, for whoever reads them. Partitions of more than 128 MB are left as they are.
    """
    from medthreads import maintaining
    from storage import maintenance
    from storage.archive import Archive

    with plain_failures():
        done = maintenance.compact(Archive.open(archive_location(), create=False))
    for line in (*maintaining.sentences(done), *maintaining.lines(done.findings)):
        log.info("%s", line)
    return done.figures


def vacuum() -> dict[str, int]:
    """Deletes data files that were replaced a day ago, and files of killed commits that are a week old.

    A query that is a day old would miss the first, a commit that takes a week the second: there are none. Nothing else
    is deleted, and no old state is lost: history is in the rows (`posts_asof`), not in the files of before.
    """
    from medthreads import maintaining
    from storage import maintenance
    from storage.archive import Archive

    with plain_failures():
        done = maintenance.vacuum(Archive.open(archive_location(), create=False))
    for line in maintaining.sentences(done):
        log.info("%s", line)
    return done.figures


def landings() -> dict[str, int]:
    """Deletes landings of crawls that were committed more than `MEDTHREADS_LANDING_DAYS` days ago.

    Without that variable all are kept, for ever. Landings that are not committed are never deleted. The tables keep
    everything; what goes is the pages as they came, so `medthreads reparse` can no longer read them with later engines.
    The log names each.
    """
    from medthreads import maintaining
    from storage import maintenance
    from storage.archive import Archive

    with plain_failures():
        age = maintaining.landings_after()
        if age is None:
            log.info("All landings are kept: %s is not set.", maintaining.LANDING_DAYS_VARIABLE)
            return {}
        done = maintenance.expire_landings(Archive.open(archive_location(), create=False), age)
    for line in maintaining.sentences(done):
        log.info("%s", line)
    return done.figures


def seal() -> dict[str, int]:
    """Records checksums of files that have none, as their process was killed before it could, if they can be read.

    Also puts the ledgers of checksums together where there are many. A file that cannot be read gets no checksum and
    is told; the next `verify` fails on it if a table needs it.
    """
    from medthreads import maintaining
    from storage import sealing
    from storage.archive import Archive

    with plain_failures():
        done = sealing.seal(Archive.open(archive_location(), create=False))
    for line in (*maintaining.sentences(done), *maintaining.lines(done.findings)):
        log.info("%s", line)
    return done.figures


def purge() -> dict[str, int]:
    """Takes out what was deleted at its source, of the sites whose terms ask for that within 48 hours.

    Tables, versions, landings, `current/`, summaries, indexes and releases; the log has the counts by site. Runs every
    hour and costs next to nothing where nothing was deleted. What a run that was stopped has left the next one does.
    """
    from medthreads.erasing import purge_deleted

    with plain_failures():
        done = purge_deleted(archive_location())
    for site, account in done.items():
        log.info("%s: %s posts and %s threads purged.", site, f"{account.posts:,}", f"{account.threads:,}")
    if not done:
        log.info("Nothing was deleted at its source since the last run.")
    return {site: account.posts + account.threads for site, account in done.items()}
