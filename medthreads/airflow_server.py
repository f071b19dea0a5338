"""`airflow api-server` that makes its imports while the database is still being prepared.

Its seven seconds of imports are the longest part of a start; beside the database's six, on a second core, they cost
nothing. The command itself must wait: it refuses a database that is not there.

    AIRFLOW_HOME=.airflow python -m medthreads.airflow_server READY-FILE
"""

import importlib
import runpy
import sys
import time
from pathlib import Path

IMPORTS = ("airflow.api_fastapi.core_api.routes.public", "airflow.api_fastapi.core_api.routes.ui")
"""Modules that take long to import and touch no table."""


def main() -> None:
    """Imports, waits for the file that its argument names, then is `airflow api-server`."""
    ready = Path(sys.argv[1])
    for name in IMPORTS:
        importlib.import_module(name)
    while not ready.exists():
        time.sleep(0.05)
    sys.argv = ["airflow", "api-server"]
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
