"""Dates and times as files write them: one reader for EXIF, XMP and IPTC forms."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

FIRST_YEAR, LAST_YEAR = 1826, 2100
"""Before the first photograph, and beyond it, a year is a default (0001, 9999) and not a date."""


class Clock(NamedTuple):
    """What a clock showed: `local` in ISO 8601 as far as it is known, and `moment`, the rest being lowest values."""

    local: str
    precision: str
    """year, month, day, minute, second or subsecond"""
    moment: datetime
    offset: str | None

    @property
    def has_time(self) -> bool:
        """Whether more than the day is known."""
        return self.precision not in ("year", "month", "day")

    @property
    def utc(self) -> datetime | None:
        """The moment in UTC, where offset and time of day are known."""
        if self.offset is None or not self.has_time:
            return None
        return (self.moment - _ahead(self.offset)).replace(tzinfo=UTC)


_CLOCK = re.compile(
    r"\s*([0-9]{4})(?:[-:/.]([0-9]{2}|  )(?:[-:/.]([0-9]{2}|  ))?)?"
    r"(?:[T ]\s*([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?"
    r"[^0-9+-]{0,9}?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?[\s:]*"
)
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*(?:([+-])(\d{1,2})(?::?(\d\d))?|(Z))")


@lru_cache(maxsize=256)  # a picture has the same moment in up to five tags; a text is no longer than `tag_bytes`
def parse(text: str, subseconds: str = "") -> Clock | None:
    """The clock in a text such as `2017:05:29 17:19:21` or `2017-05-29T17:19:21.57-04:00`; None if impossible.

    Blank or zero months and days are not known (Exif 2.32, 4.6.5.4.1). A time that no clock shows leaves the day.
    `subseconds` are the digits of a SubSecTime tag.
    """
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, *rest = match.groups()
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        return None
    if month in _UNKNOWN:
        return Clock(year, "year", datetime(int(year), 1, 1), None)  # noqa: DTZ001 -- a wall clock has no zone
    try:
        if day in _UNKNOWN:
            return Clock(f"{year}-{month}", "month", datetime(int(year), int(month), 1), None)  # noqa: DTZ001
        date = int(year), int(month), int(day)
        if hour is None or hour > "23" or minute > "59":
            return Clock(f"{year}-{month}-{day}", "day", datetime(*date), None)  # noqa: DTZ001
        local = f"{year}-{month}-{day}T{hour}:{minute}"
        return _with_time(local, (*date, int(hour), int(minute)), rest, subseconds)
    except ValueError:
        return None


_UNKNOWN = {None, "  ", "00"}


def _with_time(local: str, upto: tuple[int, int, int, int, int], rest: Sequence[str | None], subseconds: str) -> Clock:
    """The clock of what is known up to the minute, as text and as numbers; `rest` are second, its digits, offset.

    Raises ValueError where there is no such day.
    """
    second, digits, zone = rest
    offset = offset_in(zone) if zone else None
    if second is None or second > "59":
        return Clock(local, "minute", datetime(*upto), offset)  # noqa: DTZ001
    digits = digits or _digits(subseconds)
    if not digits:
        return Clock(f"{local}:{second}", "second", datetime(*upto, int(second)), offset)  # noqa: DTZ001
    moment = datetime(*upto, int(second), int(digits[:6].ljust(6, "0")))  # noqa: DTZ001
    return Clock(f"{local}:{second}.{digits}", "subsecond", moment, offset)


def _digits(subseconds: str) -> str:
    digits = subseconds.strip()
    return digits[:9] if digits.isascii() and digits.isdigit() else ""


def offset_in(text: str) -> str | None:
    """The offset from UTC in a text, as `+hh:mm`; None unless it is a quarter-hour from -12:00 to +14:00."""
    match = _OFFSET.fullmatch(text.strip())
    if match is None:
        return None
    if match[4]:
        return "+00:00"
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return offset_of(-minutes if match[1] == "-" else minutes)


def offset_of(minutes: int) -> str | None:
    """`+hh:mm` of an offset in minutes; None unless it is a quarter-hour from -12:00 to +14:00."""
    if minutes % 15 or not -12 * 60 <= minutes <= 14 * 60:
        return None
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def minutes_of(offset: str) -> int:
    """Minutes east of UTC of an offset that `offset_of` wrote."""
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return -minutes if offset[0] == "-" else minutes


@lru_cache(maxsize=128)  # there are 105 offsets
def _ahead(offset: str) -> timedelta:
    return timedelta(minutes=minutes_of(offset))
