"""What no policy can be cheaper than if 99 of 100 images are to be durable in time, whatever it knows beforehand.

It leaves out what a policy may be lucky with: instances come in fractions, at the right moment, after the shortest of
boots. So what is above the goal here cannot be reached at all; what is below it may be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, count

from bench.measured import IN_HAND_SECONDS
from bench.scaling.fleet import DRAIN_SECONDS, Platform
from bench.scaling.traces import Trace

LATE = 0.01
"""The share of the images that may be late, and so need not be worked at all."""


@dataclass(frozen=True, slots=True)
class LeastCost:
    """Instance-seconds by the ideal's; `idle` and `starts` are the parts of `all` that are no work.

    idle: the minimum while it has nothing to do; where use is billed, an instance that is not full. starts: the boots
    and stops of as many as are needed at once, once.
    """

    all: float
    idle: float
    starts: float


@cache
def least_cost(trace: Trace, platform: Platform, minimum: float, wait_s: float) -> LeastCost:
    """The bound, for a store that takes everything. `minimum`: instances, a part of one for a smaller machine."""
    arrivals = [trace.rate(number * trace.step) * trace.step for number in range(round(trace.seconds / trace.step))]
    published, rate = sum(arrivals), platform.images_per_s
    ideal = published / rate
    if platform.idle_billed:
        beyond = _beyond(arrivals, trace.step, minimum * rate, wait_s)
        seconds = minimum * trace.seconds + max(0.0, beyond - LATE * published) / rate
    else:
        seconds = _by_use(arrivals, trace.step, rate, wait_s) - LATE * ideal
    once = platform.boot[0] + (DRAIN_SECONDS if platform.idle_billed else 0.0)
    started = next(
        more for more in count() if _beyond(arrivals, trace.step, (minimum + more) * rate, wait_s) <= LATE * published
    )
    starts = started * once
    return LeastCost((seconds + starts) / ideal, max(0.0, seconds / ideal - 1), starts / ideal)


def _beyond(arrivals: Sequence[float], step: float, capacity: float, wait_s: float) -> float:
    """Images that so many images/s cannot take in time.

    All wait for the minimum as long as they may: so it is idle as little as can be.
    """
    window = max(1, round(wait_s / step))
    total = list(accumulate(arrivals, initial=0.0))
    backlog = beyond = 0.0
    for number, arriving in enumerate(arrivals, 1):
        backlog = max(0.0, backlog + arriving - capacity * step)
        may_wait = total[number] - total[max(0, number - window)]
        beyond += max(0.0, backlog - may_wait)
        backlog = min(backlog, may_wait)
    return beyond


def _by_use(arrivals: Sequence[float], step: float, images_per_s: float, wait_s: float) -> float:
    """Instance-seconds that are billed where an image is begun as soon as there is an instance.

    What comes slower than one instance can do keeps it busy while it holds an image or more. In what comes faster, and
    as long after it as images may wait, all may be full.
    """
    calm_s, seconds = wait_s, 0.0
    for arriving in arrivals:
        rate = arriving / step
        calm_s = 0.0 if rate >= images_per_s else calm_s + step
        busy = 1 - math.exp(-rate * IN_HAND_SECONDS)
        seconds += busy * step if calm_s > wait_s else arriving / images_per_s
    return seconds
