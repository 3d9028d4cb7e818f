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
        return (self.moment - timedelta(minutes=minutes_of(self.offset))).replace(tzinfo=UTC)


_CLOCK = re.compile(
    r"\s*(\d{4})(?:[-:/.](\d\d|  )(?:[-:/.](\d\d|  ))?)?"
    r"(?:[T ]\s*(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"[^\d+-]{0,9}?(Z|[+-]\d\d(?::?\d\d)?)?[\s:]*"
)
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*(?:([+-])(\d{1,2})(?::?(\d\d))?|(Z))")


@lru_cache(maxsize=256)  # a picture has the same moment in up to five tags; a text is no longer than `tag_bytes`
def parse(text: str, subseconds: str = "") -> Clock | None:
    """The clock in a text such as `2017:05:29 17:19:21` or `2017-05-29T17:19:21.57-04:00`; None if impossible.

    Blank or zero months and days are not known (Exif 2.32, 4.6.5.4.1). A time that no clock shows leaves the day.
    `subseconds` are the digits of a SubSecTime tag.
    """
    match = _CLOCK.fullmatch(text)
    if match is None or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
        return None
    year, month, day = int(match[1]), _part(match[2]), _part(match[3])
    try:
        date = datetime(year, month or 1, (day if month else 0) or 1)  # noqa: DTZ001 -- a wall clock has no zone
    except ValueError:
        return None
    if not (month and day):
        return Clock(f"{year}-{month:02d}" if month else str(year), "month" if month else "year", date, None)
    if match[4] is None:
        return Clock(date.isoformat()[:10], "day", date, None)
    return _with_time(date, match, subseconds)


def _part(digits: str | None) -> int:
    return int(digits) if digits and digits != "  " else 0


def _with_time(date: datetime, match: re.Match[str], subseconds: str) -> Clock:
    hour, minute, second = int(match[4]), int(match[5]), int(match[6] or 0)
    if hour > 23 or minute > 59:
        return Clock(date.isoformat()[:10], "day", date, None)
    offset = offset_in(match[8]) if match[8] else None
    if match[6] is None or second > 59:
        moment = date.replace(hour=hour, minute=minute)
        return Clock(moment.isoformat()[:16], "minute", moment, offset)
    digits = match[7] or _digits(subseconds)
    if not digits:
        moment = date.replace(hour=hour, minute=minute, second=second)
        return Clock(moment.isoformat(), "second", moment, offset)
    micro = int(digits[:6].ljust(6, "0"))
    moment = date.replace(hour=hour, minute=minute, second=second, microsecond=micro)
    return Clock(f"{moment.isoformat()[:19]}.{digits}", "subsecond", moment, offset)


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
