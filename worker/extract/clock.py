"""Dates and times as files write them: one reader for EXIF, XMP and IPTC forms."""

import re
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
    year, month, day, hour, minute, second, digits, zone = match.groups()
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        return None
    try:
        if month in _UNKNOWN:
            return Clock(year, "year", _moment(f"{year}-01-01"), None)
        if day in _UNKNOWN:
            return Clock(f"{year}-{month}", "month", _moment(f"{year}-{month}-01"), None)
        date = f"{year}-{month}-{day}"
        if hour is None or hour > "23" or minute > "59":
            return Clock(date, "day", _moment(date), None)
        local, offset = f"{date}T{hour}:{minute}", offset_in(zone) if zone else None
        if second is None or second > "59":
            return Clock(local, "minute", _moment(local), offset)
        return _to_the_second(f"{local}:{second}", digits or _digits(subseconds), offset)
    except ValueError:
        return None


_UNKNOWN = {None, "  ", "00"}
_moment = datetime.fromisoformat
"""A wall clock's, as it has no zone. Raises ValueError where there is no such day."""


def _to_the_second(local: str, digits: str, offset: str | None) -> Clock:
    """The clock of what is known to the second, and to these digits of it."""
    moment = _moment(local)
    if not digits:
        return Clock(local, "second", moment, offset)
    moment = moment.replace(microsecond=int(digits[:6].ljust(6, "0")))
    return Clock(f"{local}.{digits}", "subsecond", moment, offset)


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
