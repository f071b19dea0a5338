"""Fixtures of the archive's tests: an empty archive, and a small invented forum."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ward_forum import Forum

from storage.archive import Archive


@pytest.fixture
def archive_at(tmp_path: Path) -> Callable[[], Archive]:
    """Opens the test's archive, anew at each call, as another process would."""
    return lambda: Archive.open(tmp_path / "archive", environ={})


@pytest.fixture
def archive(archive_at: Callable[[], Archive]) -> Archive:
    """A new, empty archive."""
    return archive_at()


@pytest.fixture
def forum() -> Forum:
    """Four threads of five posts each, in two boards and four months."""
    return Forum.with_threads()
