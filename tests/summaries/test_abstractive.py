"""Digests by an OpenAI-compatible endpoint, against a server on loopback that answers as it is told."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from crawler.errors import UsageError
from summaries.abstractive import Endpoint, EndpointError, abstract, ask, endpoint_of

POSTS = [
    {
        "post_id": post_id,
        "position": number,
        "author_key": author,
        "created_at": None,
        "body_text": text,
        "score": None,
        "reactions": None,
        "is_opening": number == 1,
        "status": status,
    }
    for number, (post_id, author, text, status) in enumerate(
        [
            ("p100", "key-of-opener", "Is a resting heart rate of 48 too slow for me?", "visible"),
            ("p101", "key-of-runner", "Mine is 44 and my doctor is content with it.", "visible"),
            ("p102", "key-of-seller", "Buy our heart pills.", "removed"),
            ("p103", "key-of-opener", "That is a relief.", "visible"),
        ],
        1,
    )
]


class FakeEndpoint(ThreadingHTTPServer):
    """Answers chat completions with `answer` and `status`, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = "OP asks whether 48 is too slow [1]. A has 44 [2]."
        self.status = 200
        self.body: bytes | None = None
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    def endpoint(self, key: str | None = None) -> Endpoint:
        return Endpoint(f"http://127.0.0.1:{self.server_port}/v1", "small-model", key)


class _Handler(BaseHTTPRequestHandler):
    server: FakeEndpoint

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), json.loads(request)))
        body = self.server.body
        if body is None:
            body = json.dumps({"choices": [{"message": {"role": "assistant", "content": self.server.answer}}]}).encode()
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def server() -> Iterator[FakeEndpoint]:
    with FakeEndpoint() as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def test_the_answer_cites_post_ids(server: FakeEndpoint) -> None:
    text = abstract(POSTS, "Slow heart", server.endpoint("secret"), ask)
    assert text == "OP asks whether 48 is too slow [p100]. A has 44 [p101]."
    ((path, headers, request),) = server.asked
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    assert (request["model"], request["temperature"]) == ("small-model", 0)


def test_only_labels_and_standing_posts_are_sent(server: FakeEndpoint) -> None:
    abstract(POSTS, "Slow heart", server.endpoint(), ask)
    ((_, headers, request),) = server.asked
    assert "Authorization" not in headers
    material = json.loads(request["messages"][1]["content"])
    assert [(post["number"], post["speaker"]) for post in material["posts"]] == [(1, "OP"), (2, "A"), (3, "OP")]
    sent = json.dumps(request)
    assert "key-of" not in sent
    assert "p100" not in sent
    assert "pills" not in sent


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        ("It is fine.", "without a citation"),
        ("Fine [1].\n\nAnd then some.", "without a citation"),
        ("Fine [9].", "there is not"),
        ("Fine [0].", "there is not"),
        ("Fine [1]." + " so" * 1000, "longer"),
    ],
)
def test_answers_that_do_not_count(server: FakeEndpoint, answer: str, reason: str) -> None:
    server.answer = answer
    with pytest.raises(EndpointError, match=reason):
        abstract(POSTS, None, server.endpoint(), ask)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"choices": []}', b'{"choices": [{"message": null}]}'])
def test_responses_that_are_no_chat_completion(server: FakeEndpoint, body: bytes) -> None:
    server.body = body
    with pytest.raises(EndpointError, match="not that of a chat completion"):
        abstract(POSTS, None, server.endpoint(), ask)


@pytest.mark.parametrize("status", [302, 401, 429, 500])
def test_refusals_and_redirects_are_not_followed(server: FakeEndpoint, status: int) -> None:
    server.status = status
    with pytest.raises(EndpointError, match=f"status {status}"):
        abstract(POSTS, None, server.endpoint("secret"), ask)
    assert len(server.asked) == 1


def test_nobody_listens() -> None:
    endpoint = Endpoint("http://127.0.0.1:1/v1", "m")
    with pytest.raises(EndpointError, match="URLError"):
        abstract(POSTS, None, endpoint, ask)


def test_the_environment_decides() -> None:
    url = {"MEDTHREADS_DIGEST_URL": "http://127.0.0.1:8080/v1/"}
    assert endpoint_of({}) is None
    endpoint = endpoint_of(url | {"MEDTHREADS_DIGEST_MODEL": "m", "MEDTHREADS_DIGEST_KEY": "k"})
    assert endpoint == Endpoint("http://127.0.0.1:8080/v1", "m", "k")
    assert endpoint.method == "abstractive-1:m"
    assert "k" not in repr(endpoint).replace("Endpoint", "")
    with pytest.raises(UsageError, match="MEDTHREADS_DIGEST_MODEL"):
        endpoint_of(url)
    with pytest.raises(UsageError, match="http"):
        endpoint_of({"MEDTHREADS_DIGEST_URL": "file:///etc/passwd", "MEDTHREADS_DIGEST_MODEL": "m"})
