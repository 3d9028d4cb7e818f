"""Instances: they boot, serve at speeds of their own, drain, are preempted and killed."""

import heapq
from dataclasses import dataclass, field
from random import Random

from bench.measured import images_per_second

DRAIN_SECONDS = 10.0
"""From the stop signal to the end of the bill: what is in hand is finished, then the machine halts."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Where workers run: images/s of an instance, seconds from wish to work, and whether idle time is on the bill."""

    name: str
    images_per_s: float
    boot: tuple[float, float]
    idle_billed: bool = True


GROUP = Platform("group", images_per_second(2), (55.0, 115.0))
"""e2-standard-2: 45 to 90 s to boot, 10 to 25 s to pull the image; assumed."""
POOL = Platform("worker pool", images_per_second(1), (2.0, 10.0))
PUSH = Platform("push", images_per_second(1), (2.0, 10.0), idle_billed=False)


@dataclass(slots=True)
class Fleet:
    """Instances of one platform. `kills` and `preemptions` are rates per instance and hour.

    neighbours: standard deviation of an instance's speed, by what else runs on its host.
    """

    platform: Platform
    random: Random
    kills: float
    preemptions: float
    neighbours: float
    target: int = 0
    seconds: float = 0.0
    _booting: list[tuple[float, float]] = field(default_factory=list)
    _speeds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._speeds = [self._speed() for _ in range(self.target)]

    @property
    def serving(self) -> int:
        return len(self._speeds)

    @property
    def images_per_s(self) -> float:
        """What all that serve can do together."""
        return sum(self._speeds) * self.platform.images_per_s

    def resize(self, target: int, now: float) -> None:
        """Start what is missing; stop what is too much, those that still boot first."""
        self.target = target
        self._start(target - len(self._booting) - self.serving, now)
        while len(self._booting) + self.serving > target:
            if self._booting:
                self._booting.remove(max(self._booting))
                heapq.heapify(self._booting)
            else:
                self._speeds.pop()
                self.seconds += DRAIN_SECONDS if self.platform.idle_billed else 0.0

    def advance(self, now: float, step: float, busy: float) -> int:
        """Let `step` seconds pass, with the share `busy` of instances at work. How many instances were killed."""
        while self._booting and self._booting[0][0] <= now:
            self._speeds.append(heapq.heappop(self._booting)[1])
        share = 1.0 if self.platform.idle_billed else busy
        self.seconds += (len(self._booting) + self.serving * share) * step
        killed = self._fail(self.kills, step)
        gone = killed + self._fail(self.preemptions, step)  # told in time to drain: nothing comes twice
        self._start(gone, now)
        return killed

    def _start(self, count: int, now: float) -> None:
        for _ in range(count):
            heapq.heappush(self._booting, (now + self.random.uniform(*self.platform.boot), self._speed()))

    def _fail(self, per_hour: float, step: float) -> int:
        if not per_hour or self.random.random() >= self.serving * per_hour * step / 3600:
            return 0
        self._speeds.pop(self.random.randrange(self.serving))
        return 1

    def _speed(self) -> float:
        return max(0.5, self.random.gauss(1.0, self.neighbours))
