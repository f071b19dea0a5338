"""A small HTTP/1.1 server on asyncio for the demo: GET, HEAD and POST with keep-alive, on loopback only.

One callable answers; nothing else is needed here, and it must not be what a benchmark of the crawler measures.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from email.utils import formatdate, parsedate_to_datetime
from functools import partial
from http import HTTPStatus

from msgspec import Struct

from demo.forum import Response

LOOPBACK = "127.0.0.1"
_LARGEST_HEAD, _LARGEST_BODY = 64 * 1024, 1024 * 1024
_PHRASES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Request(Struct, frozen=True):
    """One request; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


Answer = Callable[[Request], Response]


def _fresh(request: Request, response: Response) -> bool:
    """Whether the client's copy is still the one that it would get (RFC 9110, 13.1)."""
    if asked := request.headers.get("if-none-match"):
        return response.etag is not None and response.etag in asked
    since = request.headers.get("if-modified-since")
    if since and response.changed_at is not None:
        try:
            return response.changed_at <= parsedate_to_datetime(since).timestamp()
        except ValueError:
            return False
    return False


def encode(request: Request, response: Response) -> bytes:
    """The response's bytes on the wire."""
    lines = [f"HTTP/1.1 {_PHRASES[response.status]}"]
    body = response.body
    if response.status == 200 and (response.etag or response.changed_at) and _fresh(request, response):
        lines[0], body = f"HTTP/1.1 {_PHRASES[304]}", b""
    elif response.compressed:
        if "gzip" in request.headers.get("accept-encoding", ""):
            lines.append("Content-Encoding: gzip")
        else:
            body = response.plain()
        lines.append("Vary: Accept-Encoding")
    lines += [f"{name}: {value}" for name, value in response.headers]
    if response.location is not None:
        lines.append(f"Location: {response.location}")
    if response.etag is not None:
        lines.append(f"ETag: {response.etag}")
    if response.changed_at is not None:
        lines.append(f"Last-Modified: {formatdate(response.changed_at, usegmt=True)}")
    if body:
        lines.append(f"Content-Type: {response.content_type}")
    if "304" not in lines[0]:
        lines.append(f"Content-Length: {len(body)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return head if request.method == "HEAD" else head + body


class Connection(asyncio.Protocol):
    """One client's connection: requests one after the other, as many as it sends."""

    def __init__(self, answer: Answer, opened: "set[Connection]") -> None:
        self._answer, self._opened = answer, opened
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._opened.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Called by asyncio."""
        self._opened.discard(self)

    def abort(self) -> None:
        """Ends the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: answers every request that is complete."""
        self._buffer += data
        while self._transport is not None and not self._transport.is_closing() and self._one():
            pass

    def _one(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return self._refuse(431) if len(self._buffer) > _LARGEST_HEAD else False
        first, *rest = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in rest:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = headers.get("content-length", "0")
        words = first.split(" ")
        if len(words) != 3 or not length.isdecimal() or "transfer-encoding" in headers:
            return self._refuse(400)
        if int(length) > _LARGEST_BODY:
            return self._refuse(413)
        total = end + 4 + int(length)
        if len(self._buffer) < total:
            return False
        body = bytes(self._buffer[end + 4 : total])
        del self._buffer[:total]
        assert self._transport is not None
        request = Request(words[0], words[1], headers, body)
        self._transport.write(encode(request, self._answer(request)))
        if headers.get("connection", "").lower() == "close" or words[2] == "HTTP/1.0":
            self._transport.close()
        return True

    def _refuse(self, status: int) -> bool:
        assert self._transport is not None
        self._transport.write(f"HTTP/1.1 {_PHRASES[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        self._transport.close()
        return False


def listen(port: int) -> socket.socket:
    """A socket on loopback; port 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise
    return listener


async def run(listeners: Mapping[socket.socket, Answer], stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Serves each socket with its answers until `stop` is set."""
    loop = asyncio.get_running_loop()
    opened: set[Connection] = set()
    servers = [
        await loop.create_server(partial(Connection, answer, opened), sock=listener, backlog=512)
        for listener, answer in listeners.items()
    ]
    ready()
    await stop.wait()
    for server in servers:
        server.close()
    for connection in list(opened):
        connection.abort()
