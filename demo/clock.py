"""The demo's clock: the wall clock, a faster one, or one that stands until it is set."""

import time
from datetime import UTC, datetime, timedelta
from re import fullmatch

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


class Clock:
    """What time it is on the demo sites.

    Args:
        now: the time at the start; None for the wall clock's.
        speed: seconds there for a second here; 0 for a clock that stands.
    """

    def __init__(self, now: datetime | None = None, speed: float = 1.0) -> None:
        self.speed = speed
        self._set(now.timestamp() if now else time.time())

    def _set(self, now: float) -> None:
        self._now, self._since = now, time.monotonic()

    @property
    def now(self) -> datetime:
        """The time there, in whole seconds (UTC)."""
        return datetime.fromtimestamp(int(self._now + self.speed * (time.monotonic() - self._since)), UTC)

    def set(self, instant: datetime) -> None:
        """Makes it that time there (backwards too)."""
        self._set(instant.timestamp())

    def advance(self, interval: timedelta) -> None:
        """Lets that much time pass there."""
        self._set((self.now + interval).timestamp())


def interval(text: str) -> timedelta:
    """The interval that `1d`, `12h`, `30min` or `45s` means.

    Raises:
        ValueError: it is none of these.
    """
    match = fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no interval; write 45s, 30min, 12h or 1d.")
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
