"""The values of a query: numbers with their units, dates as far as they are told, places. Faults are ValueErrors."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from worker.catalog.fields import Clock

EARTH = 6_371_008.8
"""Mean radius in metres."""
AFTER = "~"
"""Sorts after all that stands in a date: what follows `2024-05` and is still May sorts before `2024-05~`."""

_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?:/(\d+(?:\.\d+)?))?([A-Za-z]*)")
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?(Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII,
)
_LENGTHS = {"m": 1.0, "km": 1000.0, "mi": 1609.344}
_LETTERS = (0, 4, 7, 10, 0, 16, 19)
"""Of ISO 8601, by the number of parts that are told."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or time as far as it was told: `2024-05` is the whole month.

    `text` is ISO 8601 without an offset; `start` and `end` are its first moment and the first after it, in UTC (and to
    be read as the camera's clock where that is what the field has).
    """

    text: str
    start: datetime
    end: datetime


def number(text: str, units: Mapping[str, float]) -> float:
    """A decimal number or a fraction, and a unit if the field has some."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no number")
    unit = match[3].lower()
    if unit and unit not in units:
        raise ValueError(f"{match[3]!r} is no unit here" + (f"; known: {', '.join(units)}" if units else ""))
    below = float(match[2]) if match[2] else 1.0
    value = float(match[1]) / below * (units[unit] if unit else 1.0) if below else math.inf
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is beyond all numbers")
    return value


def as_number(text: str) -> float | None:
    """The number that a text is, if it is one."""
    try:
        return number(text, {})
    except ValueError:
        return None


def after_prefix(prefix: str) -> str | None:
    """The first text, by code points, after all that begin with the prefix; None where there is none."""
    head = prefix.rstrip("\U0010ffff")
    if not head:
        return None
    last = ord(head[-1]) + 1
    return head[:-1] + chr(0xE000 if last == 0xD800 else last)


def moment(text: str, clock: Clock) -> Moment:
    """A date, `2024`, `2024-05`, `2024-05-31`, or a time, `2024-05-31T12:30`, `2024-05-31T12:30:05+02:00`."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no date such as 2024, 2024-05, 2024-05-31 or 2024-05-31T12:30")
    if match[7] and clock is Clock.CAMERA:
        raise ValueError("the camera's clock has no offset: leave it out")
    told = [int(part) for part in match.groups()[:6] if part]
    try:
        year, month, day, hour, minute, second = (*told, *(1, 1, 1, 0, 0, 0)[len(told) :])
        start = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _offset(match[7] or "Z")
    except (ValueError, OverflowError):
        raise ValueError(f"there is no {text}") from None
    return Moment(start.isoformat()[: _LETTERS[len(told)]], start, _end(start, len(told)))


def circle(text: str) -> tuple[float, float, float]:
    """`latitude,longitude,radius`: degrees and metres."""
    parts = text.split(",")
    if len(parts) != 3:
        raise ValueError("it takes latitude,longitude,radius such as 48.1,11.5,2km")
    latitude, longitude = _degrees(parts[0], 90), _degrees(parts[1], 180)
    if not parts[2][-1:].isalpha():
        raise ValueError(f"the radius {parts[2]!r} needs its unit: m, km or mi")
    radius = number(parts[2], _LENGTHS)
    if not 0 < radius <= math.pi * EARTH:
        raise ValueError("the radius must be more than nothing, and at most half the way round the earth")
    return latitude, longitude, radius


def box(text: str) -> tuple[float, float, float, float]:
    """`south,west,north,east` in degrees."""
    parts = text.split(",")
    if len(parts) != 4:
        raise ValueError("it takes south,west,north,east such as 47.2,10.5,48.4,13")
    south, north = _degrees(parts[0], 90), _degrees(parts[2], 90)
    if south > north:
        raise ValueError("the south comes first, and is not beyond the north")
    return south, _degrees(parts[1], 180), north, _degrees(parts[3], 180)


def plain(value: float) -> str:
    """A number as a query writes it."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _degrees(text: str, most: int) -> float:
    value = number(text, {})
    if abs(value) > most:
        raise ValueError(f"{text} is not between -{most} and {most} degrees")
    return value


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta()
    east = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return -east if text[0] == "-" else east


def _end(start: datetime, told: int) -> datetime:
    """The first moment after a year, month, day, minute or second."""
    try:
        if told == 1:
            return start.replace(year=start.year + 1)
        if told == 2:
            return (start + timedelta(days=31)).replace(day=1)
        return start + {3: timedelta(days=1), 5: timedelta(minutes=1), 6: timedelta(seconds=1)}[told]
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC)
