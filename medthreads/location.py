"""Where the archive is. A module of its own, because DAG files are parsed every few seconds and must import little."""

import os
from collections.abc import Mapping

ARCHIVE_VARIABLE = "MEDTHREADS_ARCHIVE"
DEFAULT_ARCHIVE = "archive"


def archive_location(given: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """The archive's folder: as given, else MEDTHREADS_ARCHIVE, else ./archive."""
    return given or environ.get(ARCHIVE_VARIABLE) or DEFAULT_ARCHIVE
