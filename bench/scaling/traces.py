"""How images arrive: rates over time, and when the store is down."""

import math
from collections.abc import Callable
from dataclasses import dataclass

HOUR, DAY = 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Trace:
    """Images per second by time in seconds, simulated in steps of `step` seconds; nothing is written in `outage`."""

    name: str
    about: str
    seconds: float
    step: float
    rate: Callable[[float], float]
    outage: tuple[float, float] = (0.0, 0.0)


def steady(rate: float, seconds: float, step: float = 1.0) -> Trace:
    """A constant rate from the first second."""
    return Trace("steady", f"{rate:g}/s", seconds, step, lambda _: rate)


def _step(at: float) -> float:
    return 1000.0 if at >= 300 else 0.0


def _burst(at: float) -> float:
    return 2000.0 if 300 <= at < 600 else 0.0


def _sawtooth(at: float) -> float:
    return 4.0 * (at % 300) if at < 2 * HOUR - 300 else 0.0


def _diurnal(at: float) -> float:
    return 525.0 - 475.0 * math.cos(2 * math.pi * at / DAY)


def _week(at: float) -> float:
    """Quiet nights and weekends; ten office hours on five days; on Monday the weekend's images come at nine."""
    day, hour = int(at // DAY) % 7, at % DAY / HOUR
    if day == 0 and 9 <= hour < 10:
        return 3000.0 * min(1.0, (hour - 9) * 6)
    if day < 5 and 8 <= hour < 18:
        return 20.0 + 780.0 * math.sin(math.pi * (hour - 8) / 10)
    return 20.0


TRACES = (
    Trace("step", "nothing, then 1,000/s for 85 minutes", 1.5 * HOUR, 1.0, _step),
    Trace("burst", "600,000 in 5 minutes, then nothing for 50", HOUR, 1.0, _burst),
    Trace("sawtooth", "0 to 1,200/s in 5 minutes, again and again for 2 hours", 2 * HOUR, 1.0, _sawtooth),
    Trace("diurnal", "a day between 50 and 1,000/s", DAY, 5.0, _diurnal),
    Trace("week", "office hours to 800/s; Monday at nine 3,000/s for an hour", 7 * DAY, 10.0, _week),
    Trace(
        "outage",
        "500/s for 4 hours; nothing can be written in the second",
        4 * HOUR,
        2.0,
        lambda _: 500.0,
        (HOUR, 2 * HOUR),
    ),
)
