"""How long a site asks to be left alone."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def asked_pause(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3: a number, or a date); None where it says
    nothing that can be understood."""
    if value is None:
        return None
    value = value.strip()
    if value.isdecimal() and len(value) < 10:
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
