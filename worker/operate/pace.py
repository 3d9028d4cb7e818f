"""How fast an action may publish: as fast as asked, or as fast as a cold collection takes writes.

Firestore wants a new collection to begin at 500 writes a second and to grow by half every five minutes (its "Best
practices", ramping up traffic); beyond that it slows everybody down.
"""

from worker.ports import Clock

FIRST_RATE = 500.0
GROWTH = 1.5
EVERY_SECONDS = 300.0


class Pace:
    """Lets messages pass. `rate` a second at most; without one, by the ramp, or unless `warm` at any speed."""

    def __init__(self, clock: Clock, rate: float | None = None, *, warm: bool = False) -> None:
        self._clock = clock
        self._rate = rate
        self._warm = warm
        self._started = self._free_at = clock.monotonic()

    def take(self, count: int) -> None:
        """Return when `count` more messages may go."""
        now = self._clock.monotonic()
        rate = self.rate(now - self._started)
        if rate is None:
            return
        wait = self._free_at - now
        self._free_at = max(now, self._free_at) + count / rate
        if wait > 0:
            self._clock.sleep(wait)

    def rate(self, age: float) -> float | None:
        """Messages a second, that many seconds after the start; None: no limit."""
        if self._warm:
            return self._rate
        ramp = FIRST_RATE * GROWTH ** int(age / EVERY_SECONDS)
        return min(self._rate or ramp, ramp)
