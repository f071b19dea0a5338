"""The few calls of Airflow's REST API that `medthreads up` needs."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlencode

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Without proxies: the API is on this machine, whatever the environment says of proxies."""

Answer = dict[str, Any]


class AirflowApi:
    """A client that logs in when it has to.

    Raises:
        OSError: (every call) no answer, or an answer that says no (urllib.error.HTTPError).
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._login = {"username": user, "password": password}
        self._token: str | None = None

    def is_up(self) -> bool:
        """Whether the web server answers, the part that tasks talk to included.

        That part is made at its first request, which takes seconds: better now than when the first task starts.
        """
        try:
            self._call("GET", "/execution/health", authorised=False)
        except OSError:
            return False
        return True

    def dag(self, dag_id: str) -> Answer | None:
        """The DAG, or None while Airflow has not read its file."""
        try:
            return self._call("GET", f"/api/v2/dags/{quote(dag_id)}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def import_errors(self) -> list[str]:
        """DAG files that cannot be read: file and last line of the error."""
        found = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in found]

    def trigger(self, dag_id: str, conf: Answer | None = None) -> str:
        """Starts a run; returns its id."""
        body = {"logical_date": None, "conf": conf or {}}
        return str(self._call("POST", f"/api/v2/dags/{quote(dag_id)}/dagRuns", body)["dag_run_id"])

    def runs(self, dag_id: str, **filters: str | int) -> list[Answer]:
        """Runs of a DAG, newest first."""
        query = urlencode({"order_by": "-run_after", "limit": 100, **filters})
        runs: list[Answer] = self._call("GET", f"/api/v2/dags/{quote(dag_id)}/dagRuns?{query}")["dag_runs"]
        return runs

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """State of each task of a run, in the order in which they started."""
        found = self._call("GET", f"/api/v2/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}/taskInstances")
        return {task["task_id"]: task["state"] for task in found["task_instances"]}

    def backfill(self, dag_id: str, since: str, until: str, **options: object) -> Answer:
        """Starts a backfill of the days from `since` to `until`, both included (ISO dates)."""
        body = {"dag_id": dag_id, "from_date": f"{since}T00:00:00Z", "to_date": f"{until}T00:00:00Z", **options}
        return self._call("POST", "/api/v2/backfills", body)

    def pools(self) -> set[str]:
        """Names of all pools."""
        return {pool["name"] for pool in self._call("GET", "/api/v2/pools?limit=1000")["pools"]}

    def make_pool(self, name: str, description: str) -> None:
        """Makes a pool of one slot."""
        body = {"name": name, "slots": 1, "description": description, "include_deferred": False}
        self._call("POST", "/api/v2/pools", body)

    def _call(self, method: str, path: str, body: Answer | None = None, *, authorised: bool = True) -> Answer:
        try:
            return self._ask(method, path, body, authorised=authorised)
        except urllib.error.HTTPError as error:
            if error.code not in {401, 403} or not authorised or self._token is None:
                raise
        self._token = None  # a token lasts for a day, `up` may run for months; one that is not accepted may be a 403
        return self._ask(method, path, body, authorised=True)

    def _ask(self, method: str, path: str, body: Answer | None, *, authorised: bool) -> Answer:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if authorised:
            headers["Authorization"] = f"Bearer {self._token or self._new_token()}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}{path}", data, headers, method=method)  # noqa: S310 - our own server
        with _OPENER.open(request, timeout=30) as response:
            answer: Answer = json.load(response)
        return answer

    def _new_token(self) -> str:
        self._token = str(self._call("POST", "/auth/token", self._login, authorised=False)["access_token"])
        return self._token
