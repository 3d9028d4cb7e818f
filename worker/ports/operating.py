"""The queue, as operators have it: what waits, what it gave up on, and the switches before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from worker.ports.queue import Delivery


class DeadLetters(Protocol):
    """Messages that the queue gave up on."""

    def pull(self, limit: int) -> Sequence[Delivery]:
        """At most `limit` dead letters, leased to the caller, who settles each."""

    def close(self) -> None:
        """Free everything."""


Saved = Mapping[str, Any]
"""What an intake turned off, as JSON values that only the same kind of intake reads. Empty: nothing was on."""


class Intake(Protocol):
    """The switch between a bucket and the queue: whether what happens to its objects is announced.

    A process may die between any two calls, so whoever pauses keeps what `announced` says before, and hands it to
    `resume` after. What happened in between is announced by nobody in the cloud, and is for a reconcile to find.
    """

    def announced(self, bucket: str) -> Saved:
        """What announces the bucket's objects to our queue now; changes nothing."""

    def pause(self, bucket: str) -> Saved:
        """Turn that off and return it. Where nothing is on, nothing happens, and what comes back is empty."""

    def resume(self, bucket: str, saved: Saved) -> None:
        """Turn on again what `pause` or `announced` returned. What is on already is not turned on twice."""

    def close(self) -> None:
        """Free everything."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits on a queue: messages (those in hand included where the queue cannot tell), in hand, dead letters, and
    the age in seconds of the oldest. None: the queue does not say."""

    waiting: int | None = None
    in_hand: int | None = None
    dead: int | None = None
    oldest: float | None = None


class Gauge(Protocol):
    """Looks at a queue without taking anything off it."""

    def backlog(self) -> Backlog:
        """What waits. In the cloud the figures are minutes old."""

    def close(self) -> None:
        """Free everything."""


class Rewind(Protocol):
    """Makes a queue deliver again what it has delivered."""

    def reaches(self) -> datetime | None:
        """The earliest moment from which on acknowledged messages are still kept; None where none are."""

    def seek(self, moment: datetime) -> None:
        """Have everything that was published since delivered again, acknowledged or not; what is older is dropped."""

    def close(self) -> None:
        """Free everything."""
