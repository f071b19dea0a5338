"""Which code made a crawl's rows out of its records: a digest, so that a reparse knows whether it would make others."""

import hashlib
from functools import cache
from importlib.resources import files

MODULES = (
    *("absences", "batch", "canonical", "columns", "dedupe", "fields", "hiding", "identifier_checks", "identifiers"),
    *("keys", "known", "mentions", "profiles", "schema", "unusual_names"),
)
"""All that dedupe makes rows with; a test holds it against what is imported."""


@cache
def row_making() -> str:
    """Digest of these modules."""
    digest = hashlib.blake2b(digest_size=8)
    for name in MODULES:
        digest.update((files("storage") / f"{name}.py").read_bytes())
    return digest.hexdigest()
