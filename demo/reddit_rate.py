"""Reddit's rate limit as its headers tell it: so many requests a minute, averaged over ten minutes."""

import time
from collections.abc import Callable

from msgspec import Struct


class Verdict(Struct, frozen=True):
    """What the limit says to one request; the figures go into the `x-ratelimit-*` headers."""

    allowed: bool
    used: int
    remaining: float
    reset: int
    """Seconds until the count starts anew."""

    def headers(self) -> tuple[tuple[str, str], ...]:
        """The three headers."""
        return (
            ("x-ratelimit-used", str(self.used)),
            ("x-ratelimit-remaining", f"{self.remaining:.1f}"),
            ("x-ratelimit-reset", str(self.reset)),
        )


class RateLimit:
    """Counts requests in windows that start on the clock: 1,000 in ten minutes by default.

    Args:
        per_minute: requests a minute, on average.
        window: seconds over which it is averaged.
        clock: seconds since any start (real time, not the demo's).
    """

    def __init__(
        self, per_minute: float = 100, window: float = 600, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.most, self.window, self._clock = int(per_minute * window / 60), window, clock
        self._since, self._used = clock(), 0

    def take(self) -> Verdict:
        """Counts one request."""
        now = self._clock()
        if now - self._since >= self.window:
            self._since, self._used = now, 0
        allowed = self._used < self.most
        self._used += allowed
        left = self.most - self._used
        return Verdict(allowed, self._used, float(left), max(1, round(self.window - (now - self._since))))

    def reset(self) -> None:
        """Forgets what was counted."""
        self._since, self._used = self._clock(), 0
