"""Serves the demo sites: the forum and the Reddit-like API, each on a port of its own, with one clock.

Under `/_demo/` either port takes orders (tests and demonstrations use them; robots.txt keeps crawlers out):
`clock` (GET; POST `{"now": ISO}` or `{"advance": "1d"}`), `truth` (JSON lines; `?at=ISO`), `requests` (what was asked
of this port, with the instants of arrival; JSON lines) and `reset` (POST: forgets the requests and the rate limit).
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import msgspec

from demo.clock import Clock, interval
from demo.forum import Forum, Response
from demo.reddit import Reddit
from demo.reddit_rate import RateLimit
from demo.reddit_truth import reddit_truth
from demo.reddit_world import RedditWorld
from demo.truth import Truth, forum_truth
from demo.web import LOOPBACK, Request, listen, run
from demo.world import World

FORUM_PORT, REDDIT_PORT = 8790, 8791
_KEPT_REQUESTS = 100_000


class Arrival(msgspec.Struct, frozen=True):
    """One request as the server met it; `at` is real time (epoch seconds), whatever the demo's clock says."""

    at: float
    method: str
    target: str
    status: int
    agent: str


class Site:
    """One port of the demo: what it answers, and its log."""

    def __init__(
        self, clock: Clock, answer: Callable[[Request, datetime], Response], truth: Callable[[datetime], Truth]
    ) -> None:
        self.clock, self.truth = clock, truth
        self._answer = answer
        self.arrivals: deque[Arrival] = deque(maxlen=_KEPT_REQUESTS)
        self.faults: dict[str, int] = {}
        """Paths that answer with a status and nothing else, as a server in trouble does; tests set them."""
        self.on_reset: Callable[[], None] = lambda: None

    def __call__(self, request: Request) -> Response:
        """The answer to a request; those of visitors are logged."""
        if request.target.startswith("/_demo/"):
            return self._control(request)
        now = self.clock.now
        arrived = time.time()
        fault = self.faults.get(request.target.partition("?")[0])
        response = Response(status=fault) if fault else self._answer(request, now)
        agent = request.headers.get("user-agent", "")
        self.arrivals.append(Arrival(arrived, request.method, request.target, response.status, agent))
        clock = ("X-Demo-Clock", now.isoformat())
        return msgspec.structs.replace(response, headers=(*response.headers, clock))

    def _control(self, request: Request) -> Response:
        path, _, query = request.target.partition("?")
        match request.method, path.removeprefix("/_demo/"):
            case "GET", "clock":
                return _json({"now": self.clock.now, "speed": self.clock.speed})
            case "POST", "clock":
                return self._set_clock(request.body)
            case "GET", "truth":
                return self._tell(parse_qs(query).get("at", [""])[0])
            case "GET", "requests":
                return _lines(list(self.arrivals))
            case "POST", "reset":
                self.arrivals.clear()
                self.on_reset()
                return _json({"requests": 0})
        return _json({"error": "There is no such order."}, 404)

    def _tell(self, at: str) -> Response:
        try:
            now = _utc(at) if at else self.clock.now
        except ValueError as error:
            return _json({"error": f"`at` must be an ISO instant: {error}"}, 400)
        truth = self.truth(now)
        return _lines([*truth.boards, *truth.threads, *truth.redirects, *truth.posts])

    def _set_clock(self, body: bytes) -> Response:
        try:
            order = msgspec.json.decode(body, type=dict[str, str])
            if "now" in order:
                self.clock.set(_utc(order["now"]))
            else:
                self.clock.advance(interval(order.get("advance", "")))
        except (msgspec.DecodeError, ValueError, OverflowError) as error:
            return _json({"error": f'Send {{"now": ISO}} or {{"advance": "1d"}}: {error}'}, 400)
        return _json({"now": self.clock.now, "speed": self.clock.speed})


def _utc(text: str) -> datetime:
    """An ISO instant; without offset it is UTC."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _json(value: object, status: int = 200) -> Response:
    return Response(status=status, content_type="application/json", body=msgspec.json.encode(value))


def _lines(values: Sequence[object]) -> Response:
    return Response(content_type="application/jsonl", body=msgspec.json.Encoder().encode_lines(list(values)))


class Demo:
    """The two sites of one world, listening, not yet served.

    Args:
        world: the forum's world; the Reddit-like site has the same seed and epoch.
        forum_port, reddit_port: 0 takes a free one.
        now: the demo's time at the start; None for the wall clock's.
        speed: seconds there for a second here; 0 for a clock that stands.
        per_minute: requests a minute that the API allows.

    Raises:
        OSError: a port is taken.
    """

    def __init__(
        self,
        world: World,
        *,
        forum_port: int = 0,
        reddit_port: int = 0,
        now: datetime | None = None,
        speed: float = 1.0,
        per_minute: float = 100,
    ) -> None:
        self.world, self.clock = world, Clock(now, speed)
        self.reddit_world = RedditWorld.beside(world)
        self._listeners = listen(forum_port), listen(reddit_port)
        urls = [f"http://{LOOPBACK}:{listener.getsockname()[1]}" for listener in self._listeners]
        self.forum_url, self.reddit_url = urls
        self.forum = Forum(world, self.forum_url)
        self.limit = RateLimit(per_minute)
        self.reddit = Reddit(self.reddit_world, self.reddit_url, self.limit)
        self.forum_site = Site(self.clock, self._forum_answer, self.truth)
        self.reddit_site = Site(self.clock, self.reddit.answer, self.reddit_truth)
        self.reddit_site.on_reset = self.limit.reset
        self._stop: Callable[[], object] = lambda: None

    def _forum_answer(self, request: Request, now: datetime) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return Response(status=405, headers=(("Allow", "GET, HEAD"),))
        return self.forum.get(request.target, self.world.at(now))

    def truth(self, instant: datetime | None = None) -> Truth:
        """The forum as a guest's correct crawl records it then (now, if not said)."""
        return forum_truth(self.world.at(instant or self.clock.now), self.forum_url)

    def reddit_truth(self, instant: datetime | None = None) -> Truth:
        """The Reddit-like site as a correct crawl records it then (now, if not said)."""
        return reddit_truth(self.reddit_world.at(instant or self.clock.now))

    def set_clock(self, instant: datetime) -> None:
        """Makes it that time on both sites."""
        self.clock.set(instant)

    def advance(self, by: timedelta) -> None:
        """Lets that much time pass on both sites."""
        self.clock.advance(by)

    @property
    def requests(self) -> list[Arrival]:
        """What was asked of the forum, in the order of arrival."""
        return list(self.forum_site.arrivals)

    @property
    def reddit_requests(self) -> list[Arrival]:
        """What was asked of the Reddit-like site, in the order of arrival."""
        return list(self.reddit_site.arrivals)

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serves until `stop` is called (from any thread) or Ctrl-C."""
        asyncio.run(self._run(ready))

    async def _run(self, ready: Callable[[], None]) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stop.set)
        forum, reddit = self._listeners
        await run({forum: self.forum_site, reddit: self.reddit_site}, stop, ready)

    def stop(self) -> None:
        """Ends `run`."""
        self._stop()


def serve(
    world: World,
    *,
    forum_port: int = FORUM_PORT,
    reddit_port: int = REDDIT_PORT,
    now: datetime | None = None,
    speed: float = 1.0,
    per_minute: float = 100,
    ready: Callable[[Demo], None] = lambda _: None,
) -> None:
    """Serves the demo sites on loopback until Ctrl-C; `ready` is called once they answer.

    Raises:
        OSError: a port is taken.
        KeyboardInterrupt: Ctrl-C.
    """
    demo = Demo(world, forum_port=forum_port, reddit_port=reddit_port, now=now, speed=speed, per_minute=per_minute)
    demo.run(lambda: ready(demo))


def main(
    *,
    seed: int = 7,
    threads: int = 120,
    forum_port: int = FORUM_PORT,
    reddit_port: int = REDDIT_PORT,
    speed: float = 1.0,
    now: datetime | None = None,
    ready: Callable[[Demo], None] = lambda _: None,
) -> None:
    """Serves a world of `threads` threads (and as many submissions) by the wall clock until Ctrl-C; as `serve`."""
    world = World(seed=seed, threads=threads)
    serve(world, forum_port=forum_port, reddit_port=reddit_port, now=now, speed=speed, ready=ready)


@contextmanager
def running_demo(
    world: World | None = None,
    *,
    now: datetime | None = None,
    speed: float = 0.0,
    per_minute: float = 1_000_000,
    forum_port: int = 0,
    reddit_port: int = 0,
) -> Iterator[Demo]:
    """The demo sites, served by a thread of this process while the block lasts.

    The clock stands (unless `speed` is given) at `now`, or where the world's first stretch is over. The API's limit is
    out of the way unless `per_minute` is given.
    """
    world = world or World()
    demo = Demo(
        world,
        forum_port=forum_port,
        reddit_port=reddit_port,
        now=now or world.settled,
        speed=speed,
        per_minute=per_minute,
    )
    up = threading.Event()
    thread = threading.Thread(target=demo.run, args=(up.set,), name="demo", daemon=True)
    thread.start()
    up.wait(10)
    try:
        yield demo
    finally:
        demo.stop()
        thread.join(10)
