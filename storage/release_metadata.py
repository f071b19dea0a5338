"""The documents of a release but its README: manifest, checksums, data dictionary, Frictionless metadata. Pure."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from storage.columns import Table
from storage.publish import sealed
from storage.release_tables import RELEASED, columns_in_files, table_of
from storage.schema import SCHEMA_VERSION

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
README = "README.md"
DICTIONARY = "data-dictionary.md"
DATAPACKAGE = "datapackage.json"

_LICENCE_NAME = re.compile(r"[-a-zA-Z0-9._]+")
_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_RESOURCE_PROFILE = "https://datapackage.org/profiles/2.0/dataresource.json"


class FileEntry(msgspec.Struct, frozen=True):
    """A file of a release as its manifest names it."""

    bytes: int
    sha256: str
    rows: int | None = None
    """None of a document."""


@dataclass
class About:
    """What a release says of itself in its manifest, without its files."""

    name: str
    version: str
    snapshot: int
    as_of: datetime
    """When the snapshot was committed; aware, UTC."""
    sites: dict[str, int]
    """Per site, the snapshot of its last crawl in the release."""
    whole: bool
    """Whether it holds all sites of the archive."""
    software: str
    licence: str | None = None
    notes: str | None = None
    named: list[str] = field(default_factory=list)
    """Sites whose privacy is `keep`, so that texts may hold the names of members."""
    schema_version: int = SCHEMA_VERSION
    changed: list[str] = field(default_factory=list)
    """When the release was changed after it was made; ISO 8601, UTC."""


def manifest_of(about: About, files: Mapping[str, FileEntry]) -> bytes:
    """The manifest as JSON, ending with the SHA-256 of itself (see `storage.publish.sealed`)."""
    fields: dict[str, object] = {
        **vars(about),
        "as_of": about.as_of.astimezone(UTC).isoformat(),
        "data_sha256": data_digest(files),
        "files": {path: msgspec.to_builtins(entry) for path, entry in sorted(files.items())},
    }
    return sealed(fields)


def read_manifest(content: bytes) -> tuple[About, dict[str, FileEntry]]:
    """What a manifest says.

    Raises:
        ValueError: it is damaged, or none of a release.
    """
    try:
        fields = json.loads(content)
        files = msgspec.convert(fields["files"], dict[str, FileEntry])
        known = {name: fields[name] for name in About.__dataclass_fields__ if name in fields}
        about = About(**known | {"as_of": datetime.fromisoformat(fields["as_of"])})
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise ValueError(f"no manifest of a release ({error})") from error
    return about, files


def checksums_of(files: Mapping[str, FileEntry], manifest: bytes) -> bytes:
    """SHA256SUMS in the form of GNU coreutils (`sha256sum -c SHA256SUMS`): every file but itself, by path."""
    sums = {path: entry.sha256 for path, entry in files.items()} | {MANIFEST: hashlib.sha256(manifest).hexdigest()}
    return _lines(sums)


def data_digest(files: Mapping[str, FileEntry]) -> str:
    """SHA-256 of the data alone: of the lines of SHA256SUMS that name Parquet files.

    It can stand in the documents, as it does not depend on them.
    """
    return hashlib.sha256(
        _lines({path: entry.sha256 for path, entry in files.items() if path.endswith(".parquet")})
    ).hexdigest()


def _lines(sums: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items())).encode()


def dictionary_of(about: About) -> str:
    """The data dictionary as Markdown: every table and column that a release may hold."""
    head = f"""# Data dictionary

Release {about.version}, schema version {about.schema_version}. Every instant is in UTC. Null means that no page says.
Columns marked as partition stand in the path of the files (`site=.../month=...`), not in the files.
"""
    return "\n".join([head, *(_section(table) for table in RELEASED.values())])


def _section(table: Table) -> str:
    lines = [f"## {table.name}", "", table.doc, "", f"Key: {', '.join(f'`{name}`' for name in table.key)}.", ""]
    lines += ["| column | type | meaning |", "|---|---|---|"]
    for column in table.columns:
        type_ = "partition" if column.name in table.partition_by else f"`{column.type}`"
        lines.append("| `{}` | {} | {} |".format(column.name, type_, column.doc.replace("|", "\\|")))
    return "\n".join([*lines, ""])


def datapackage_of(about: About, files: Mapping[str, FileEntry], held: Mapping[str, Collection[str]]) -> bytes:
    """The release as a Data Package 2.0 of Frictionless (datapackage.org/standard), as JSON.

    A resource a table. Its fields are just the columns that the files hold, as the standard's default of `fieldsMatch`
    (exact) asks; partition columns stand in `partitionColumns`, a property of ours. Hashes of files are in SHA256SUMS,
    as `hash` of a resource is one for all of its paths.

    Args:
        about: the release.
        files: its Parquet files.
        held: by table the columns that its files hold; a release that was made before a column came lacks it.
    """
    package: dict[str, Any] = {
        "$schema": _PROFILE,
        "name": f"medthreads-{about.name}".lower(),
        "title": f"Medical discussion threads, release {about.version}",
        "description": f"Snapshot {about.snapshot} as of {about.as_of:%Y-%m-%d %H:%M:%S} UTC; see {README}.",
        "version": about.version,
        "created": about.as_of.astimezone(UTC).isoformat(),
        "keywords": ["discussion threads", "medicine", *sorted(about.sites)],
        **_licences(about.licence),
        "resources": [_resource(name, paths, files, held[name]) for name, paths in _paths(files).items()],
    }
    return json.dumps(package, indent=2, ensure_ascii=False).encode() + b"\n"


def _licences(stated: str | None) -> dict[str, Any]:
    """The licence that the operator stated; words that are neither a name nor an address stand in the README alone."""
    if stated and _LICENCE_NAME.fullmatch(stated):
        return {"licenses": [{"name": stated}]}
    if stated and re.fullmatch(r"https?://\S+", stated):
        return {"licenses": [{"path": stated}]}
    return {}


def _paths(files: Mapping[str, FileEntry]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(files):
        if (table := table_of(path)) is not None:
            found.setdefault(table.name, []).append(path)
    return {name: found[name] for name in RELEASED if name in found}


def _resource(name: str, paths: list[str], files: Mapping[str, FileEntry], held: Collection[str]) -> dict[str, Any]:
    table = RELEASED[name]
    schema: dict[str, Any] = {
        "fields": [
            {
                "name": column.name,
                "type": _field_type(column.type),
                "description": column.doc,
            }
            for column in columns_in_files(table)
            if column.name in held
        ]
    }
    if not table.partition_by:
        schema["primaryKey"] = list(table.key)
    return {
        "$schema": _RESOURCE_PROFILE,
        "name": name,
        "type": "table",
        "description": table.doc,
        "path": paths if table.partition_by else paths[0],
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "bytes": sum(files[path].bytes for path in paths),
        "rowCount": sum(files[path].rows or 0 for path in paths),
        **({"partitionColumns": list(table.partition_by)} if table.partition_by else {}),
        "schema": schema,
    }


def _field_type(type_: pa.DataType) -> str:
    """The type of Table Schema 2.0 for an Arrow type; of nested ones `array` and `object`."""
    if pa.types.is_list(type_):
        return "array"
    if pa.types.is_struct(type_) or pa.types.is_map(type_):
        return "object"
    return _FIELD_TYPES.get(type_, "datetime" if pa.types.is_timestamp(type_) else "any")


_FIELD_TYPES: dict[pa.DataType, str] = {
    pa.string(): "string",
    pa.int32(): "integer",
    pa.int64(): "integer",
    pa.float32(): "number",
    pa.float64(): "number",
    pa.bool_(): "boolean",
    pa.date32(): "date",
}
