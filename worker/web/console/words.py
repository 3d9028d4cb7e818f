"""Figures and times as people read them: every number has its unit, and a time its zone."""

import re
from datetime import UTC, datetime

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Control characters, what reorders or hides text, and halves of characters."""
_COLUMNS = re.compile(r"--columns [^ ,]+(?:,[^ ,]+){6,}")
_STEPS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))
_MANY = 100
_IRREGULAR = {"entry": "entries", "process": "processes"}


def visible(text: str) -> str:
    """The text with what a page would obey, not show, written as an escape."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)


def briefly(scope: str) -> str:
    """What a run is about; of many columns only how many there are."""
    return _COLUMNS.sub(lambda match: f"--columns ({match[0].count(',') + 1})", scope)


def number(value: float | None) -> str:
    """With commas; "unknown" where nobody knows."""
    return "unknown" if value is None else f"{value:,}"


def count(value: int, noun: str) -> str:
    """`1 failure`, `344 failures`."""
    return f"{value:,} {noun if value == 1 else _IRREGULAR.get(noun, f'{noun}s')}"


def size(value: float | None) -> str:
    """Bytes: `512 B`, `2.3 MB`."""
    if value is None:
        return "unknown"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= _MANY else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `9 min`, `3.4 h`, `2.0 d`."""
    if seconds is None:
        return "unknown"
    for length, unit in _STEPS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}" if unit == "min" else f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 or seconds == int(seconds) else f"{seconds:.1f} s"


def rate(value: float | None) -> str:
    """Messages a second."""
    return "unknown" if value is None else f"{value:.0f}/s" if value >= 10 else f"{value:.1f}/s"


def moment(value: datetime | str | None) -> str:
    """`2026-11-25 18:02:31 UTC`; what is no time is shown as it is."""
    found = read_moment(value)
    return str(value or "") if found is None else f"{found.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(value: datetime | str | None, now: datetime) -> str:
    """`12 s ago`."""
    found = read_moment(value)
    return "" if found is None else f"{duration(max(0.0, round((now - found).total_seconds())))} ago"


def read_moment(value: datetime | str | None) -> datetime | None:
    """The moment, in UTC where it has no zone."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def local_time(value: str | None) -> str:
    """What the camera's clock showed: `2024-07-14 05:42:10`."""
    return (value or "").replace("T", " ")


def exposure(seconds: float | None) -> str:
    """`1/250 s`, `1.3 s`."""
    if not seconds:
        return ""
    return f"1/{1 / seconds:.0f} s" if seconds < 0.4 else f"{seconds:g} s"


def place(latitude: float, longitude: float) -> str:
    """`46.5775° N, 7.985° E`, with as many decimals as are known."""
    north = "N" if latitude >= 0 else "S"
    east = "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.6g}° {north}, {abs(longitude):.7g}° {east}"
