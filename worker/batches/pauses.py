"""Sites that asked to be left alone, and until when. Thread-safe."""

import threading

from worker.ports import Clock

LONGEST = 60.0
"""Seconds that a site is granted at most: it must not hold up a batch for a day by one header."""
_MANY = 1000


class Pauses:
    """Keeps the moments of one process, by host."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def asked(self, host: str, seconds: float) -> None:
        """The host asked for so many seconds."""
        until = self._clock.monotonic() + min(seconds, LONGEST)
        with self._lock:
            if len(self._until) >= _MANY:
                self._until.clear()
            self._until[host] = max(until, self._until.get(host, 0.0))

    def left(self, host: str) -> float:
        """Seconds until the host may be asked again."""
        with self._lock:
            return max(0.0, self._until.get(host, 0.0) - self._clock.monotonic())
