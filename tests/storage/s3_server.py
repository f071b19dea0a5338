"""An S3 server on loopback for tests: moto in a process of its own, and in front of it a proxy that makes faults."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

WHO = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "secret of no use", "AWS_REGION": "us-east-1"}
_START_SECONDS = 60.0


@dataclass
class Fault:
    """What goes wrong with some requests.

    kind: a status such as `500`, `503 SlowDown` or `403 AccessDenied`, which is answered at once; or `cut upload`,
    `stall upload` (in the middle of the request's body), `cut download`, `stall download` (in the middle of the
    answer's), `lost answer` (the request has been carried out, and the connection ends without a word of it).
    """

    kind: str
    method: str
    path: str = ""
    """Part of the path of requests that it strikes."""
    times: int = 1
    every: int = 1
    """Strikes each so-manieth that fits."""
    struck: int = 0
    _fitting: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is struck; to be asked once of each."""
        if self.struck >= self.times or method != self.method or self.path not in path:
            return False
        self._fitting += 1
        if self._fitting % self.every:
            return False
        self.struck += 1
        return True


class S3Server:
    """The server, whose address is `endpoint`; that of the proxy, while there is one, is `Proxy.endpoint`."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._buckets = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            env={**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(64 << 20)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ends = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, "moto has ended"
                assert time.monotonic() < ends, "moto does not answer"
                time.sleep(0.02)
            else:
                return

    def bucket(self) -> str:
        """A new bucket's name."""
        self._buckets += 1
        name = f"bucket-{self._buckets}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("PUT", f"/{name}")
        assert connection.getresponse().status == 200
        connection.close()
        return name

    def environ(self, work: Path, endpoint: str | None = None) -> dict[str, str]:
        """Variables for a machine whose local files are in `work`; the key's file is the same for all beside it."""
        return {
            **WHO,
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "MEDTHREADS_WORK": str(work),
            "MEDTHREADS_KEY_FILE": str(work.parent / "pseudonyms.key"),
        }

    def stop(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()

    @contextmanager
    def proxy(self, *faults: Fault) -> Iterator["Proxy"]:
        """The server behind a proxy that makes these faults."""
        proxy = Proxy(self.port, list(faults))
        try:
            yield proxy
        finally:
            proxy.stop()


@dataclass
class Proxy:
    """Passes requests on, but for those that a fault strikes."""

    upstream: int
    faults: list[Fault]
    requests: Counter[str] = field(default_factory=Counter)
    """By method."""
    paths: list[str] = field(default_factory=list)
    """Method and path of each."""

    def __post_init__(self) -> None:
        self.ended = threading.Event()
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            """Knows its proxy."""

            def __init__(self, *arguments: object) -> None:
                self.proxy = proxy
                super().__init__(*arguments)  # type: ignore[arg-type]

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def strike(self, method: str, path: str) -> str | None:
        """The kind of fault that strikes the request; counts it."""
        with self._lock:
            self.requests[method] += 1
            self.paths.append(f"{method} {unquote(path)}")
            return next((fault.kind for fault in self.faults if fault.strikes(method, unquote(path))), None)

    def stop(self) -> None:
        """Ends it, and what stalls."""
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 20
    """Answers leave in one piece."""
    proxy: Proxy

    def handle(self) -> None:
        self._upstream = http.client.HTTPConnection("127.0.0.1", self.proxy.upstream)
        try:
            super().handle()
        except ConnectionError:
            pass  # the client is gone
        finally:
            self._upstream.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Says nothing."""

    def _serve(self) -> None:
        fault = self.proxy.strike(self.command, self.path)
        size = int(self.headers.get("Content-Length") or 0)
        if fault in {"cut upload", "stall upload"}:
            self.rfile.read(size // 2)
            self._break_off(stall=fault == "stall upload")
            return
        body = self.rfile.read(size)
        if fault and fault[0].isdigit():
            self._refuse(*fault.partition(" ")[::2])
            return
        self._upstream.request(self.command, self.path, body=body, headers=_end_to_end(dict(self.headers.items())))
        answer = self._upstream.getresponse()
        content = answer.read()
        if fault == "lost answer":
            self._break_off(stall=False)
            return
        self.send_response_only(answer.status)
        for name, value in _end_to_end(dict(answer.getheaders())).items():
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        elif answer.getheader("Content-Length"):
            self.send_header("Content-Length", str(answer.getheader("Content-Length")))
        self.end_headers()
        if fault in {"cut download", "stall download"}:
            self.wfile.write(content[: len(content) // 2])
            self._break_off(stall=fault == "stall download")
            return
        self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - names that http.server calls

    def _refuse(self, status: str, code: str) -> None:
        content = f"<Error><Code>{code or 'InternalError'}</Code><Message>planned</Message></Error>".encode()
        self.send_response_only(int(status))
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _break_off(self, *, stall: bool) -> None:
        self.wfile.flush()
        if stall:
            self.proxy.ended.wait(60)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


_OF_ONE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_ONE_CONNECTION}
