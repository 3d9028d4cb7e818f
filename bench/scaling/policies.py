"""Who wants how many instances: rules on samples, and what holds back a change."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from bench.measured import CPU_WHEN_FULL, IN_HAND_SECONDS
from bench.scaling.fleet import Platform
from bench.scaling.signals import AT_ONCE, Meter, Sample, Stream

Rule = Callable[[Sample], float]
"""Instances wanted for a sample; rounded up by the scaler."""


def by_backlog(assignment: float) -> Rule:
    """One instance per `assignment` messages (`single_instance_assignment`; KEDA's `value`)."""
    return lambda seen: seen.backlog / assignment


def by_utilisation(target: float) -> Rule:
    """So many that each would show `target` of CPU, 0 to 1."""
    return lambda seen: seen.serving * seen.utilisation / target


def by_requests(concurrency: float, target: float, images_per_s: float, cpu: float | None = None) -> Rule:
    """Cloud Run: requests under way by `concurrency`, kept at `target`, or CPU at its own, whichever wants more.

    What is under way is what is served and what waits, as Pub/Sub pushes on; its window is taken for no limit.
    """

    def rule(seen: Sample) -> float:
        under_way = min(seen.served * IN_HAND_SECONDS + seen.backlog, 3000.0)
        return max(under_way / concurrency / target, seen.served * CPU_WHEN_FULL / images_per_s / (cpu or target))

    return rule


def by_rate_and_age(images_per_s: float, drain_s: float) -> Rule:
    """What workers can say themselves: enough for what arrives, and to be through with what waits in `drain_s`.

    What waits is age times rate; it counts for nothing while nothing can be done about it. Where the store limits, more
    workers would only be refused more: enough for what it takes now, and for the half more that it may take in five
    minutes.
    """

    def rule(seen: Sample) -> float:
        waiting = seen.arriving * seen.age if seen.served else 0.0
        needed = seen.arriving + waiting / drain_s
        allowed = 1.5 * seen.served if seen.throttled else math.inf
        return min(needed, allowed) / images_per_s

    return rule


def by_need(rule: Rule, least: float, age_s: float = 5.0) -> Rule:
    """The same, but none at all where less than `least` of an instance is needed and nothing has waited for `age_s`."""

    def needed(seen: Sample) -> float:
        wanted = rule(seen)
        return 0.0 if wanted < least and seen.age < age_s else wanted

    return needed


def by_waking(patience_s: float, many: int) -> Rule:
    """One instance, once something has waited so long, or so much waits."""
    return lambda seen: 1.0 if seen.age >= patience_s or seen.backlog >= many else 0.0


@dataclass(frozen=True, slots=True)
class Brake:
    """What holds back a change of size.

    The size follows the most that was wanted within `stabilise_s`. It falls by no more than `share` of the greatest
    size within `window_s`, though by one in any case, and grows to `growth` times the size, or by four, at most.
    """

    stabilise_s: float = 600.0
    share: float = 1.0
    window_s: float = 600.0
    growth: float = math.inf


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules with the meters they read, of which the greatest wish counts, on a platform, within limits.

    schedule: from, to (seconds) and the minimum meanwhile.
    """

    name: str
    platform: Platform
    signals: tuple[tuple[Meter, Rule], ...]
    brake: Brake
    minimum: int = 0
    maximum: int = 40
    decide_s: float = 15.0
    schedule: tuple[float, float, int] | None = None

    def floor(self, now: float) -> int:
        """The minimum now."""
        if self.schedule and self.schedule[0] <= now < self.schedule[1]:
            return max(self.minimum, self.schedule[2])
        return self.minimum


def bound(platform: Platform, minimum: int) -> Policy:
    """No policy without foresight can be faster: it knows at once, starts without limit, and never stops any."""
    signals = ((AT_ONCE, lambda seen: 400.0 if seen.backlog else 0.0),)
    return Policy("bound", platform, signals, Brake(math.inf), minimum, maximum=400, decide_s=0.0)


def clear_sighted(policy: Policy) -> Policy:
    """The same rules, with metrics that are never late: what it loses by seeing late is the difference."""
    return replace(policy, signals=tuple((AT_ONCE, rule) for _, rule in policy.signals), decide_s=0.0)


class Scaler:
    """A policy at work."""

    def __init__(self, policy: Policy, random: Random) -> None:
        self._policy = policy
        self._streams = [(Stream(meter, random), rule) for meter, rule in policy.signals]
        self._wanted: deque[tuple[float, int]] = deque()
        self._sizes: deque[tuple[float, int]] = deque()
        self._next = 0.0

    def due(self, now: float) -> bool:
        return now >= self._next

    def observe(self, sample: Sample) -> None:
        for stream, _ in self._streams:
            stream.offer(sample)

    def decide(self, now: float, size: int) -> int:
        """The size from now on. Without any visible sample it is the size so far, within the limits."""
        self._next = now + self._policy.decide_s
        seen = [(stream.see(now), rule) for stream, rule in self._streams]
        wishes = [rule(sample) for sample, rule in seen if sample is not None]
        wanted = math.ceil(max(wishes, default=size) - 1e-9)
        wanted = min(max(wanted, self._policy.floor(now)), self._policy.maximum)
        brake = self._policy.brake
        steady = _peak(self._wanted, now, wanted, brake.stabilise_s)
        recent = _peak(self._sizes, now, size, brake.window_s)
        if steady >= size:
            return steady if brake.growth == math.inf else min(steady, max(math.ceil(size * brake.growth), size + 4))
        return max(steady, min(size, recent - max(1, math.floor(recent * brake.share))))


def _peak(history: deque[tuple[float, int]], now: float, value: int, seconds: float) -> int:
    """The greatest value of the last `seconds`; `history` falls, so that its first is the greatest."""
    while history and history[-1][1] <= value:
        history.pop()
    history.append((now, value))
    while history[0][0] < now - seconds:
        history.popleft()
    return history[0][1]
