"""Writes the documents of a release beside its rows, and reads its manifest."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from crawler.errors import ArchiveError
from storage.publish import sha256_of
from storage.release_facts import count_facts
from storage.release_metadata import (
    DATAPACKAGE,
    DICTIONARY,
    MANIFEST,
    README,
    SUMS,
    About,
    FileEntry,
    checksums_of,
    data_digest,
    datapackage_of,
    dictionary_of,
    manifest_of,
    read_manifest,
)
from storage.release_readme import readme_of
from storage.release_tables import table_of


def entries_of(files: Mapping[str, Path]) -> dict[str, FileEntry]:
    """Parquet files as the manifest names them.

    Args:
        files: where they are, by their path in the release.
    """
    return {
        path: FileEntry(file.stat().st_size, sha256_of(file), pq.read_metadata(file).num_rows)
        for path, file in sorted(files.items())
    }


def write_documents(
    about: About, rows: Mapping[str, FileEntry], files: Mapping[str, Path], folder: Path, spill: Path
) -> None:
    """Writes README, data dictionary, metadata, manifest and checksums into `folder`.

    Args:
        about: the release.
        rows: its Parquet files as the manifest is to name them.
        files: where these are now, by their path in the release.
        folder: where to.
        spill: folder for what counting does not fit into memory.
    """
    facts = count_facts(files, {path: entry.rows or 0 for path, entry in rows.items()}, spill)
    documents = {
        README: readme_of(about, facts, data_digest(rows)).encode(),
        DICTIONARY: dictionary_of(about).encode(),
        DATAPACKAGE: datapackage_of(about, rows, _columns(files)),
    }
    entries = dict(rows)
    for path, content in documents.items():
        (folder / path).write_bytes(content)
        entries[path] = FileEntry(len(content), sha256_of(folder / path))
    manifest = manifest_of(about, entries)
    (folder / SUMS).write_bytes(checksums_of(entries, manifest))
    (folder / MANIFEST).write_bytes(manifest)


def _columns(files: Mapping[str, Path]) -> dict[str, list[str]]:
    """By table, the columns of its files, which are the same in all of them."""
    first = {table.name: files[path] for path in sorted(files, reverse=True) if (table := table_of(path))}
    return {name: pq.read_schema(file).names for name, file in first.items()}


def read_release(place: str, manifest: bytes) -> tuple[About, dict[str, FileEntry]]:
    """What the manifest of the release in `place` says.

    Raises:
        ArchiveError: it is damaged.
    """
    try:
        return read_manifest(manifest)
    except ValueError as error:
        raise ArchiveError(f"{place}/{MANIFEST} is damaged ({error}); put it back from a copy.") from error
