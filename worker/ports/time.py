"""Time."""

from typing import Protocol


class Clock(Protocol):
    """Time as the core sees it, so that tests can turn the hands."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    def sleep(self, seconds: float) -> None:
        """Return after that time."""
