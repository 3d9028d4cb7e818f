"""Times as people write them."""

import re
from datetime import UTC, datetime, timedelta

from worker.errors import Misconfigured

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGO = re.compile(r"(\d{1,6})([smhd])", re.ASCII)


def moment(text: str) -> datetime:
    """ISO 8601, or `90m`, `24h`, `7d` ago. Raises Misconfigured for anything else."""
    if match := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Misconfigured(
            f"{text!r} is no time: write 2026-11-25T08:00:00Z, or 90m, 24h, 7d for so long ago"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
