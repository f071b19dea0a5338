"""The folder in which Airflow runs (`.airflow`): its configuration, its secrets, its database.

Everything is in `airflow.cfg`, so that `AIRFLOW_HOME=.airflow .venv/bin/airflow ...` works beside a running
`medthreads up`. Run as a module, it makes or migrates the database and the pools:

    AIRFLOW_HOME=.airflow python -m medthreads.airflow_home
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from crawler.errors import MedthreadsError
from crawler.site import Site, usable_sites

DAGS_FOLDER = Path(__file__).parent.parent / "dags"
USER = "admin"
POOL_DESCRIPTION = "One crawl at a time at this host"


@dataclass(frozen=True)
class AirflowHome:
    """Airflow's folder and where its web server listens."""

    root: Path
    host: str
    port: int

    @property
    def url(self) -> str:
        """Address of the UI and of the API, as seen from this machine."""
        return f"http://127.0.0.1:{self.port}" if self.host == "0.0.0.0" else f"http://{self.host}:{self.port}"  # noqa: S104

    @property
    def logs(self) -> Path:
        """Folder of the components' logs; the tasks' logs are in its folder `tasks`."""
        return self.root / "logs"

    def write(self) -> str:
        """Writes airflow.cfg and, at the first start, the secrets; returns the password of the UI.

        Raises:
            MedthreadsError: the folder cannot be written, or there are no DAG files beside the package.
        """
        if not DAGS_FOLDER.is_dir():
            raise MedthreadsError(f"There are no DAG files in {DAGS_FOLDER}; run it from a clone of the repository.")
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o700)
            kept = self._secrets()
            self._write_private("passwords.json", json.dumps({USER: kept["password"]}))
            config = ConfigParser(interpolation=None)
            config.read_dict(self._options(kept))
            with self._open_private("airflow.cfg") as file:
                config.write(file)
        except OSError as error:
            raise MedthreadsError(f"Airflow's folder {self.root} cannot be written: {error.strerror}.") from error
        return kept["password"]

    def _secrets(self) -> dict[str, str]:
        """The secrets of this folder, made once: other keys at each start would end every session and running task."""
        path = self.root / "secrets.json"
        if path.is_file():
            kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
            return kept
        made = {
            "password": secrets.token_urlsafe(9),
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "jwt_secret": secrets.token_urlsafe(48),
            "secret_key": secrets.token_urlsafe(48),
        }
        self._write_private(path.name, json.dumps(made))
        return made

    def _options(self, kept: dict[str, str]) -> dict[str, dict[str, str]]:
        return {
            "core": {
                "dags_folder": str(DAGS_FOLDER),
                "executor": "LocalExecutor",
                "parallelism": "4",
                "load_examples": "False",
                "fernet_key": kept["fernet_key"],
                "execution_api_server_url": f"{self.url}/execution/",
                "simple_auth_manager_users": f"{USER}:admin",
                "simple_auth_manager_all_admins": "False",
                "simple_auth_manager_passwords_file": str(self.root / "passwords.json"),
            },
            "database": {"sql_alchemy_conn": f"sqlite:///{self.root / 'airflow.db'}"},
            "logging": {
                "base_log_folder": str(self.logs / "tasks"),
                "dag_processor_child_process_log_directory": str(self.logs / "dag-files"),
                "colored_console_log": "False",
                "uvicorn_logging_level": "WARNING",
            },
            "scheduler": {"scheduler_idle_sleep_time": "0.3"},
            "dag_processor": {"parsing_processes": "1", "refresh_interval": "30"},
            "api": {
                "host": self.host,
                "port": str(self.port),
                "base_url": self.url,
                "workers": "1",
                "secret_key": kept["secret_key"],
                "instance_name": "medthreads",
                "default_wrap": "True",
            },
            "api_auth": {"jwt_secret": kept["jwt_secret"]},
            "usage_data_collection": {"enabled": "False"},
        }

    def _write_private(self, name: str, text: str) -> None:
        with self._open_private(name) as file:
            file.write(text)

    def _open_private(self, name: str) -> TextIO:
        descriptor = os.open(self.root / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(descriptor, 0o600)
        return os.fdopen(descriptor, "w", encoding="utf-8")


def pool_of(site: Site) -> str:
    """Name of the pool that lets one crawl at a time at the site's host; shared by schedules and backfills.

    A port that the address names is part of it: on loopback, each port is a server of its own.
    """
    port = urlsplit(site.url).port
    return f"host_{site.host}" + (f"_{port}" if port else "")


def wanted_pools(environ: Mapping[str, str] = os.environ) -> set[str]:
    """Names of the pools that the crawl tasks of the registered sites wait in."""
    return {pool_of(site) for site in usable_sites(environ)[0].values()}


def ensure_pools() -> list[str]:
    """Makes the pools that the crawl tasks name: one slot for each host of the registry.

    A pool that is there already keeps its slots. A task whose pool is missing would wait for ever.
    """
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    wanted = sorted(wanted_pools())
    with create_session() as session:
        there = {pool.pool for pool in Pool.get_pools(session=session)}
        for name in wanted:
            if name not in there:
                session.add(Pool(pool=name, slots=1, description=POOL_DESCRIPTION, include_deferred=False))
    return wanted


def main() -> None:
    """Makes or migrates the database of AIRFLOW_HOME, then the pools."""
    from airflow.utils import db

    db.upgradedb()
    ensure_pools()


if __name__ == "__main__":
    main()
