"""Stops pulling when everything fails, so that an outage or a bad release never wears out good messages.

It opens when as many different messages as `threshold` failed in a row with no success between them, or at once on a
Misconfigured with no success of late: one bucket without permission must not hold up the others.
Open: pulling is paused, and the backends are probed with growing pauses. Half open: a few messages are let in; the
first success closes it, the first failure opens it again. Messages that keep failing beside others that succeed never
open it, and neither does a site of the outside world that does not answer.
"""

import random
import threading
from enum import Enum

from worker.errors import Misconfigured, SiteUnavailable
from worker.ports import Clock

_OF_LATE = 10.0
"""Seconds for which a success shows that the configuration is right for others."""


class State(Enum):
    """The three states of a circuit breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Counts outcomes; thread-safe. The shard acts on its state. Times are seconds."""

    def __init__(
        self, clock: Clock, threshold: int = 10, first_pause: float = 1.0, longest_pause: float = 60.0
    ) -> None:
        self._clock = clock
        self._threshold = threshold
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._lock = threading.Lock()
        self._failed: set[str] = set()
        self._pause = 0.0
        self._probe_at = 0.0
        self._succeeded_at = -_OF_LATE
        self.state = State.CLOSED
        self.error: BaseException | None = None

    @property
    def open(self) -> bool:
        """Whether everything failed of late."""
        return self.state is State.OPEN

    def succeeded(self) -> None:
        """A message was settled durably."""
        self._succeeded_at = self._clock.monotonic()
        if not self._failed and self.state is State.CLOSED:
            return  # the usual case takes no lock
        with self._lock:
            if self.state is not State.OPEN:  # late news from before the opening proves nothing
                self._close()

    def failed(self, message_id: str, error: BaseException) -> None:
        """A message was given back."""
        if isinstance(error, SiteUnavailable):
            return
        with self._lock:
            self._failed.add(message_id)
            hopeless = isinstance(error, Misconfigured) and self._clock.monotonic() - self._succeeded_at >= _OF_LATE
            worn = hopeless or len(self._failed) >= self._threshold
            if self.state is State.HALF_OPEN or (self.state is State.CLOSED and worn):
                self.error = error
                self._open()

    def due(self) -> bool:
        """Whether it is open and time for a probe."""
        return self.state is State.OPEN and self._clock.monotonic() >= self._probe_at

    @property
    def pause(self) -> float:
        """The pause before the next probe."""
        return self._pause

    def probed(self, error: BaseException | None) -> None:
        """The answer of a probe: None lets a few messages in, an error means a longer pause."""
        with self._lock:
            if error is None:
                self.state = State.HALF_OPEN
            else:
                self.error = error
                self._open()

    def _open(self) -> None:
        self.state = State.OPEN
        self._pause = min(self._longest_pause, self._pause * 2 or self._first_pause)
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 -- spreads the probes of many workers; no secret
        self._probe_at = self._clock.monotonic() + self._pause * jitter

    def _close(self) -> None:
        self.state = State.CLOSED
        self._failed.clear()
        self._pause = 0.0
        self.error = None
