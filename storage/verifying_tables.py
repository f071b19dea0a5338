"""What the tables say, held against each other: receipts, rows of commits, versions, what is published, the index.

Only rows of committed crawls count. What is published is read first, then the list of crawls: whatever else is read
then holds at least their rows, also while others commit and publish.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from crawler.receipt import REPARSE_PREFIX, Receipt
from storage.archive import Archive
from storage.checksums import digest_of
from storage.known import Row
from storage.schema import PUBLISHED, TABLES
from storage.suppressions import unfinished
from storage.verifying_findings import Finding, Severity
from storage.verifying_index import check_index
from storage.views import quoted, read_manifest, reading

_VERSIONS = {
    "post_versions": ("posts_new", "posts_edited", "posts_deleted", "posts_restored", "posts_moved", "posts_reparsed"),
    "thread_versions": ("threads_new", "threads_changed"),
}
"""Tables of versions, and the figures of a crawl that together are the rows that it brought."""
_KEYED = tuple(name for name in TABLES if name != "crawls")
_SEEN = {"post": "posts_seen", "thread": "threads_seen"}
_SHOWN = 5
"""Examples in a sentence."""
_REPORT = "Keep the archive as it is and report it: this is a fault of the program, or somebody changed the tables."


def _inconsistent(kind: str, where: str, what: str, advice: str = _REPORT) -> Finding:
    return Finding(Severity.INCONSISTENCY, kind, where, what, advice)


def check_tables(archive: Archive, site: str | None = None) -> Iterator[Finding]:
    """Everything that can be held against the tables.

    Args:
        archive: opened for reading.
        site: only what concerns this site; all where None.
    """
    manifest = read_manifest(archive.files) or {"files": {}, "sites": {}}
    columns = [column.name for column in TABLES["crawls"].columns]
    crawls = sorted(archive.tables.read_whole("crawls", columns), key=lambda row: (row["snapshot"], row["site"]))
    erased = erased_sites(archive)
    chosen = [row for row in crawls if site in {None, row["site"]}]
    yield from _check_list(crawls)
    yield from _check_shown(manifest, crawls)
    yield from _check_receipts(chosen)
    if not crawls:
        return
    with archive.connection() as connection:
        attempts = pa.table(
            {
                "attempt": pa.array([row["attempt"] for row in crawls], pa.string()),
                "snapshot": pa.array([row["snapshot"] for row in crawls], pa.int64()),
            }
        )
        connection.register("committed", attempts)
        for name in _KEYED:
            _prepare(archive, connection, name, site)
        yield from _check_rows(connection, [row for row in chosen if row["site"] not in erased])
        for name, (table, versions) in PUBLISHED.items():
            yield from _check_versions(connection, versions.name, f"{name[:-1]}_id", erased)
            yield from _check_published(archive, manifest, connection, table.name, versions.name, chosen)
        yield from _check_leftovers(connection)
        query = "SELECT site, count(DISTINCT post_id) FROM post_versions JOIN committed USING (attempt) GROUP BY site"
        posts = dict(connection.execute(query).fetchall())
        yield from check_index(archive, int(crawls[-1]["snapshot"]), posts)


def _prepare(archive: Archive, connection: duckdb.DuckDBPyConnection, name: str, site: str | None) -> None:
    """The keys of a table's rows as a temporary table: files that are replaced meanwhile do not matter then."""
    files = archive.tables.files(name, site=site if TABLES[name].partition_by else None)
    keys = list(dict.fromkeys(("site", "attempt", *TABLES[name].key)))
    condition = f"site = {quoted(site)}" if site else "true"
    connection.execute(
        f"CREATE TEMP TABLE {name} AS SELECT {', '.join(keys)} FROM {reading(files, TABLES[name])} WHERE {condition}"  # noqa: S608 - ours
    )


def erased_sites(archive: Archive) -> set[str]:
    """Sites of which something was erased or purged: their crawls brought more rows than there are now."""
    sites = set()
    for entry in archive.files.list("erasures"):
        try:
            said = msgspec.json.decode(archive.files.read(entry.path))
        except (msgspec.DecodeError, UnicodeDecodeError, FileNotFoundError):
            continue
        if isinstance(said, dict):
            sites |= {str(said["site"])} if "site" in said else set()
    return sites


def _sites_being_erased(archive: Archive) -> set[str]:
    try:
        return {record.site for record in unfinished(archive.files)}
    except (ValueError, msgspec.DecodeError):
        return set()  # damaged, which is told already


def _check_list(crawls: list[Row]) -> Iterator[Finding]:
    numbers = [row["snapshot"] for row in crawls]
    if numbers != list(range(1, len(numbers) + 1)):
        repeated = {number for number in numbers if numbers.count(number) > 1}
        odd = sorted(set(range(1, max(numbers) + 1)) ^ set(numbers) | repeated)
        what = f"snapshots are not numbered from 1 without gaps; the odd ones: {_some(odd)}."
        yield _inconsistent("crawls", "crawls", what)
    keys = [(row["site"], row["crawl_id"]) for row in crawls]
    if twice := sorted({" ".join(key) for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []:
        yield _inconsistent("crawls", "crawls", f"a crawl is there twice: {_some(twice)}.")
    for site in sorted({row["site"] for row in crawls}):
        generations = [row["generation"] for row in crawls if row["site"] == site]
        if generations != list(range(1, len(generations) + 1)):
            what = f"the crawls of {site} are not numbered from 1 without gaps ({_some(generations)})."
            yield _inconsistent("crawls", f"crawls of {site}", what)


def _check_shown(manifest: Mapping[str, object], crawls: list[Row]) -> Iterator[Finding]:
    """Nothing is published that is not committed."""
    shown = manifest["sites"]
    assert isinstance(shown, dict)
    for site, snapshot in sorted(shown.items()):
        newest = max((row["snapshot"] for row in crawls if row["site"] == site), default=0)
        if snapshot > newest:
            what = f"it shows {site} as of snapshot {snapshot}, the tables have only {newest}."
            yield _inconsistent("published", "current", what, "Put the table crawls back from a copy; do not publish.")


def _check_receipts(crawls: list[Row]) -> Iterator[Finding]:
    for row in crawls:
        where = f"crawls, {row['site']} {row['crawl_id']}"
        accounted = sum(int(row[name]) for name in ("parsed", "quarantined", "refused", "failed", "pending"))
        if difference := int(row["discovered"]) - accounted:
            what = f"the receipt does not balance: {difference:+,} of {row['discovered']:,} pages are unaccounted for."
            yield _inconsistent(
                "receipt", where, what, "Crawl the site again with --full; report it if it comes again."
            )
            continue
        try:
            receipt = msgspec.json.decode(row["receipt"], type=Receipt)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield _inconsistent("receipt", where, f"the receipt cannot be read: {error}.")
            continue
        if (receipt.site, receipt.crawl_id) != (row["site"], row["crawl_id"]) or receipt.difference:
            yield _inconsistent("receipt", where, "the receipt is of another crawl, or does not balance.")


def _check_rows(connection: duckdb.DuckDBPyConnection, crawls: list[Row]) -> Iterator[Finding]:
    """The rows of each commit against the figures of its crawl."""
    held: dict[str, dict[str, int]] = {}
    for name in _VERSIONS:
        query = f"SELECT attempt, count(*) FROM {name} GROUP BY attempt"  # noqa: S608 - ours
        held[name] = dict(connection.execute(query).fetchall())
    for kind in _SEEN:
        query = f"SELECT attempt, count(*) FROM observations WHERE kind = {quoted(kind)} GROUP BY attempt"  # noqa: S608 - ours
        held[kind] = dict(connection.execute(query).fetchall())
    for row in crawls:
        if row["engine"] is None:
            continue  # a release that was taken in: its figures are those of its last state, not of its rows
        wanted = {name: sum(int(row.get(column) or 0) for column in columns) for name, columns in _VERSIONS.items()}
        if not row["crawl_id"].startswith(REPARSE_PREFIX):
            wanted |= {kind: int(row[column]) for kind, column in _SEEN.items()}
        for name, count in wanted.items():
            there = held[name].get(row["attempt"], 0)
            if there != count:
                table, which = (name, "rows") if name in TABLES else ("observations", f"rows of kind {name}")
                where = f"{table}, {row['site']} {row['crawl_id']}"
                what = f"the crawl brought {count:,} {which}, there are {there:,}."
                advice = "Put the table back from a copy, or erase the site and commit its landings again."
                yield _inconsistent("rows", where, what, advice)


def _check_versions(
    connection: duckdb.DuckDBPyConnection, name: str, key: str, erased: Collection[str]
) -> Iterator[Finding]:
    """No version twice, none left out but what was purged."""
    odd = connection.execute(
        f"SELECT site, {key}, count(*) AS n, count(DISTINCT version) AS different, max(version) AS last FROM {name} "  # noqa: S608 - ours
        f"WHERE attempt IN (SELECT attempt FROM committed) GROUP BY site, {key} "
        "HAVING n != last OR different != last ORDER BY ALL"
    ).fetchall()
    twice = [f"{site} {record}" for site, record, n, different, _ in odd if n > different]
    gaps = [f"{site} {record}" for site, record, _, different, last in odd if different < last and site not in erased]
    if twice:
        yield _inconsistent("versions", name, f"versions are there twice, of {len(twice):,} records: {_some(twice)}.")
    if gaps:
        yield _inconsistent("versions", name, f"versions are missing, of {len(gaps):,} records: {_some(gaps)}.")


def _check_published(
    archive: Archive,
    manifest: Mapping[str, object],
    connection: duckdb.DuckDBPyConnection,
    table: str,
    versions: str,
    crawls: list[Row],
) -> Iterator[Finding]:
    """`current/` against the versions that it shows, by site; and its files' rows against its manifest."""
    again = "Delete the folder current/ and run `medthreads publish`: it is made anew from the tables."
    erasing = _sites_being_erased(archive)
    files, shown = manifest["files"], manifest["sites"]
    assert isinstance(files, dict)
    assert isinstance(shown, dict)
    key = f"{table[:-1]}_id"
    for site in sorted({row["site"] for row in crawls}):
        newest = max(row["snapshot"] for row in crawls if row["site"] == site)
        if shown.get(site, 0) < newest and table == "posts":
            what = f"it shows {site} as of snapshot {shown.get(site, 0)}, the tables have {newest}."
            yield Finding(Severity.LAGGING, "lagging", "current", what, "Run `medthreads publish`.")
        if site not in shown:
            continue
        [(wanted,)] = connection.execute(
            f"SELECT count(DISTINCT {key}) FROM {versions} JOIN committed USING (attempt) "  # noqa: S608 - ours
            "WHERE site = ? AND snapshot <= ?",
            (site, shown[site]),
        ).fetchall()
        held = sum(entry["rows"] for path, entry in files.items() if path.startswith(f"{table}/site={site}/"))
        if held != wanted:
            what = f"it has {held:,} {table} of {site}, the tables have {wanted:,} as of that snapshot."
            if site in erasing:
                yield Finding(Severity.LAGGING, "lagging", "current", what, "The erasure publishes it anew.")
            else:
                yield _inconsistent("published", "current", what, again)
    if archive.files.local is None:
        return  # a footer costs the whole file there; the checksums hold
    for path, entry in sorted(files.items()):
        if path.startswith(f"{table}/") and archive.files.exists(f"current/{path}"):
            try:
                rows = archive.files.parquet(f"current/{path}").metadata.num_rows
            except (OSError, pa.ArrowException):
                continue  # damaged: the checksums tell
            if rows != entry["rows"] and _is_as_listed(archive, f"current/{path}", entry["sha256"]):
                what = f"it has {rows:,} rows, the manifest says {entry['rows']:,}."
                yield _inconsistent("published", f"current/{path}", what, again)


def _is_as_listed(archive: Archive, path: str, sha256: str) -> bool:
    """Whether the file is still the one of that manifest, not one that was published since."""
    try:
        return digest_of(archive.files, path).sha256 == sha256
    except OSError:
        return False


def _check_leftovers(connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    """Rows of commits that did not come to their end."""
    found = []
    for name in _KEYED:
        query = f"SELECT count(*) FROM {name} WHERE attempt NOT IN (SELECT attempt FROM committed)"  # noqa: S608 - ours
        [(count,)] = connection.execute(query).fetchall()
        found += [f"{count:,} of {name}"] if count else []
    if found:
        what = f"rows of a commit that did not come to its end, or is being made: {', '.join(found)}."
        advice = "No view shows them. The same commit again completes it; else `medthreads maintain` drops them."
        yield Finding(Severity.LEFTOVER, "unfinished", "tables", what, advice)


def _some(values: list[Any]) -> str:
    shown = ", ".join(str(value) for value in values[:_SHOWN])
    return shown + (f" and {len(values) - _SHOWN:,} more" if len(values) > _SHOWN else "")
