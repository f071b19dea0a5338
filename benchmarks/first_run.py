"""From a fresh clone to the first crawl's data: `make run` as a stranger types it, package cache warm, then stopped."""

import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Prints a line: seconds of the set-up, and until data and summaries were there."""
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name) / "medthreads"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        began = time.monotonic()
        subprocess.run(["make", ".venv/.ready"], cwd=clone, check=True, capture_output=True)
        ready = time.monotonic()
        command = ["make", "run", "ARGS=--exit-after-first-crawl --port 18080"]
        done = subprocess.run(command, cwd=clone, check=True, capture_output=True, text=True)
        whole = time.monotonic() - began
    told = next(line for line in done.stdout.splitlines() if "first crawl and summaries" in line)
    print(
        f"make run from a fresh clone: set-up {ready - began:.0f} s; then {told.strip()}; {whole:.0f} s until stopped"
    )


if __name__ == "__main__":
    main()
