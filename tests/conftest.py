"""What every test may use: the shared real pages, where they are present."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """Real saved pages and API responses (238 files), kept outside the repository."""
    folder = Path(os.environ.get("MEDTHREADS_FIXTURES", ROOT / ".." / "shared" / "fixtures")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real pages at {folder}; set MEDTHREADS_FIXTURES to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def shared_dir(fixtures_dir: Path) -> Path:
    """The folder around the real pages: seeds/, sites/, robots/."""
    return fixtures_dir.parent
