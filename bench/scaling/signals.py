"""What a scaler sees, and how late."""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Sample:
    """The state at a moment. The last four are what the workers see themselves, without asking the queue.

    at: seconds. backlog: messages. serving: instances. utilisation: CPU, 0 to 1.
    arriving: messages per second, from the publish times of what is delivered. age: seconds since the publish time of
    the message now delivered. served: messages per second and group. throttled: the store, not the workers, limits.
    """

    at: float
    backlog: int
    serving: int
    utilisation: float
    arriving: float
    age: float
    served: float
    throttled: bool


@dataclass(frozen=True, slots=True)
class Meter:
    """A metric: sampled every `period` seconds, visible `delay` seconds later, `gap` of the samples never.

    `from_workers`: there is no sample while no instance serves. `fresh_s`: what is older is not believed any more.
    """

    period: float
    delay: tuple[float, float]
    gap: float = 0.0
    from_workers: bool = True
    fresh_s: float = math.inf


QUEUE = Meter(60.0, (60.0, 120.0), gap=0.03, from_workers=False)
"""`num_undelivered_messages`: sampled every 60 s, visible up to 120 s later (list of Google Cloud metrics)."""
CPU = Meter(60.0, (0.0, 60.0), gap=0.01)
"""Assumed: the autoscaler's own way to the hypervisor's figure is shorter than Monitoring's."""
WORKERS = Meter(15.0, (5.0, 30.0), gap=0.01)
"""A metric that workers write; assumed, for a first apply to measure."""
LOOK = Meter(10.0, (0.0, 5.0), from_workers=False)
"""A scaler that looks into the queue itself; nothing of Google's does. Assumed."""
AT_ONCE = Meter(1.0, (0.0, 0.0), from_workers=False)
"""No metric is like this: what a policy would do if it saw everything."""
REQUESTS = Meter(5.0, (0.0, 5.0), from_workers=False)
"""Cloud Run's own view of its requests; assumed."""


class Stream:
    """The samples of one meter on their way to the scaler."""

    def __init__(self, meter: Meter, random: Random) -> None:
        self.latest: Sample | None = None
        self._meter = meter
        self._random = random
        self._next = random.uniform(0, meter.period)
        self._under_way: list[tuple[float, int, Sample]] = []

    def offer(self, sample: Sample) -> None:
        """Sample, if it is time."""
        if sample.at < self._next:
            return
        while self._next <= sample.at:
            self._next += self._meter.period
        if self._random.random() >= self._meter.gap and (sample.serving or not self._meter.from_workers):
            visible = sample.at + self._random.uniform(*self._meter.delay)
            heapq.heappush(self._under_way, (visible, len(self._under_way), sample))

    def see(self, now: float) -> Sample | None:
        """The newest sample that is visible; None before the first, and where it is too old."""
        for sample in self._arrived(now):
            if self.latest is None or sample.at > self.latest.at:
                self.latest = sample
        stale = self.latest is not None and now - self.latest.at > self._meter.fresh_s
        return None if stale else self.latest

    def _arrived(self, now: float) -> Iterator[Sample]:
        while self._under_way and self._under_way[0][0] <= now:
            yield heapq.heappop(self._under_way)[2]
