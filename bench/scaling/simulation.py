"""One run: a trace, a policy, a seed; in small steps, with whole messages."""

import math
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from bench.measured import CPU_WHEN_FULL, IN_HAND_SECONDS
from bench.scaling.fleet import Fleet
from bench.scaling.policies import Policy, Scaler
from bench.scaling.queue import Queue
from bench.scaling.signals import Sample
from bench.scaling.traces import Trace

RAMP_SECONDS, RAMP_GROWTH, RAMP_START = 300.0, 1.5, 500.0
"""Firestore's 500/50/5 rule: 500 writes/s on a new collection, half as many again every five minutes."""


@dataclass(frozen=True, slots=True)
class World:
    """What surrounds the policy.

    cold: a new collection, with Firestore's ramp before it. spread: of a message's work, standard deviation by mean.
    neighbours: of an instance's speed, likewise. lease_s: until what a killed worker had in hand comes again. kills,
    preemptions: per instance and hour. All but the lease are assumed.
    """

    cold: bool = False
    spread: float = 0.5
    neighbours: float = 0.05
    lease_s: float = 60.0
    kills: float = 0.01
    preemptions: float = 0.05


CALM = World(spread=0.0, neighbours=0.0, kills=0.0, preemptions=0.0)
"""Nothing is left to chance but arrivals, boots and metrics."""


class WriteRamp:
    """What Firestore takes. The ceiling rises only by being used: for five minutes, at least by half."""

    def __init__(self, *, cold: bool) -> None:
        self.ceiling = RAMP_START if cold else math.inf
        self._used = 0.0

    def use(self, rate: float, seconds: float) -> None:
        if rate >= self.ceiling / 2:
            self._used += seconds
        if self._used >= RAMP_SECONDS:
            self._used -= RAMP_SECONDS
            self.ceiling *= RAMP_GROWTH


@dataclass(slots=True)
class Result:
    """What a run came to. ages: seconds from published to durable, with numbers of messages. sizes: by step."""

    trace: Trace
    policy: Policy
    published: int = 0
    served: int = 0
    left: int = 0
    twice: int = 0
    instance_seconds: float = 0.0
    ages: list[tuple[float, int]] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    backlogs: list[int] = field(default_factory=list)

    def age(self, share: float) -> float:
        """The age below which `share` of the messages stayed; what was not served at all is not counted."""
        rank, seen = share * self.served, 0
        for age, count in sorted(self.ages):
            seen += count
            if seen >= rank:
                return age
        return 0.0

    @property
    def mean_age(self) -> float:
        return sum(age * count for age, count in self.ages) / max(self.served, 1)

    @property
    def over_ideal(self) -> float:
        """Instance-seconds by those of instances that appear and vanish at will and are never idle."""
        return self.instance_seconds / max(self.served / self.policy.platform.images_per_s, 1e-9)

    @property
    def idle(self) -> float:
        """The part of `over_ideal` that the minimum costs while it has less to do than it could."""
        trace, rate = self.trace, self.policy.platform.images_per_s
        if not self.policy.platform.idle_billed:
            return 0.0
        times = [number * trace.step for number in range(round(trace.seconds / trace.step))]
        spare = sum(max(0.0, self.policy.floor(at) - trace.rate(at) / rate) for at in times)
        return spare * trace.step / max(self.served / rate, 1e-9)

    @property
    def turns(self) -> int:
        """How often the target went the other way."""
        moves = [after > before for before, after in pairwise(self.targets) if after != before]
        return sum(one != other for one, other in pairwise(moves))


class Run:
    """The state of one run."""

    def __init__(self, trace: Trace, policy: Policy, seed: int, world: World) -> None:
        self.world = world
        self.random = Random(seed)
        self.queue = Queue()
        self.fleet = Fleet(
            policy.platform, self.random, world.kills, world.preemptions, world.neighbours, target=policy.floor(0.0)
        )
        self.scaler = Scaler(policy, self.random)
        self.ramp = WriteRamp(cold=world.cold)
        self.result = Result(trace, policy)
        self.view = View()
        self._carry = 0.0

    def step(self, now: float) -> None:
        """Everything that happens from `now` on in one step."""
        trace, seconds = self.result.trace, self.result.trace.step
        self.queue.expire(now)
        arrived = poisson(trace.rate(now) * seconds, self.random)
        self.queue.publish(now, arrived)
        self.result.published += arrived
        killed = self.fleet.advance(now, seconds, self._busy())
        if killed:
            in_hand = round(killed * self.view.served / max(self.fleet.serving + killed, 1) * IN_HAND_SECONDS)
            self.result.twice += self.queue.lose(in_hand, now + self.world.lease_s)
        possible = self.fleet.images_per_s
        down = trace.outage[0] <= now < trace.outage[1]
        allowed = 0.0 if down else self.ramp.ceiling
        served = self._serve(now, min(possible, allowed) * seconds)
        self.ramp.use(served / seconds, seconds)
        throttled = allowed < possible and self.queue.backlog > 0
        self.view.update(now, served, seconds, possible, self.queue.backlog)
        self.scaler.observe(self.view.sample(now, self.queue.backlog, self.fleet.serving, throttled=throttled))
        if self.scaler.due(now):
            self.fleet.resize(self.scaler.decide(now, self.fleet.target), now)
        self.result.targets.append(self.fleet.target)
        self.result.backlogs.append(self.queue.backlog)

    def _serve(self, now: float, room: float) -> int:
        """Settle the oldest messages for which there is room; their number."""
        room += self._carry
        if self.world.spread:
            room = max(0.0, self.random.gauss(room, self.world.spread * math.sqrt(room)))
        count = int(room)
        self._carry = room - count
        served = 0
        for published, size in self.queue.take(count):
            in_hand = IN_HAND_SECONDS * (0.6 + self.random.expovariate(2.5))
            self.result.ages.append((now - published + in_hand, size))
            self.view.head = max(self.view.head, published)
            served += size
        self.result.served += served
        return served

    def _busy(self) -> float:
        """The share of instances with at least one request in hand, when requests are spread evenly."""
        if not self.fleet.serving:
            return 0.0
        return 1 - math.exp(-self.view.served * IN_HAND_SECONDS / self.fleet.serving)


@dataclass(slots=True)
class View:
    """What the workers see of the world: the publish times of what they are given, and what they get done."""

    head: float = 0.0
    served: float = 0.0
    arriving: float = 0.0
    utilisation: float = 0.0
    _count: int = 0
    _since: float = 0.0
    _head: float = 0.0

    def update(self, now: float, served: int, seconds: float, possible: float, backlog: int) -> None:
        """After each step. The rate of arrival is that of publish times, over 15 s at least."""
        self.served = served / seconds
        self.utilisation = CPU_WHEN_FULL * min(1.0, self.served / possible) if possible else 0.0
        if not backlog:
            self.head = now
        self._count += served
        if now - self._since >= 15 and self.head > self._head:
            rate = self._count / (self.head - self._head)
            self.arriving = (self.arriving + rate) / 2
            self._count, self._since, self._head = 0, now, self.head

    def sample(self, now: float, backlog: int, serving: int, *, throttled: bool) -> Sample:
        age = max(0.0, now - self.head)
        return Sample(now, backlog, serving, self.utilisation, self.arriving, age, self.served, throttled)


def poisson(mean: float, random: Random) -> int:
    """A Poisson number; above 30 by its normal approximation."""
    if mean > 30:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count


def simulate(trace: Trace, policy: Policy, seed: int = 1, world: World | None = None) -> Result:
    """Play `trace` to its end under `policy`."""
    run = Run(trace, policy, seed, world or World())
    for number in range(round(trace.seconds / trace.step)):
        run.step(number * trace.step)
    run.result.left = run.queue.backlog + run.queue.leased
    run.result.instance_seconds = run.fleet.seconds
    return run.result
