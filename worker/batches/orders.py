"""What a worker knows of the batches whose messages it gets, without asking the store for each of them."""

import threading
from dataclasses import dataclass
from datetime import datetime

from worker.batches.batch import Book
from worker.batches.policy import Policy
from worker.errors import BadInput, BadMessage
from worker.ports import Clock

_CANCELLED_SECONDS = 2.0
"""How long a worker may go on with a batch that was cancelled."""
_MANY = 100


@dataclass(frozen=True, slots=True)
class Order:
    """A batch's policy, when its items expire, if they do, and whether it was cancelled when it was last looked at."""

    policy: Policy
    expires_at: datetime | None
    cancelled: bool
    looked: float


class Orders:
    """The batches at hand. Thread-safe; two threads may look at once, and find the same."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Order] = {}

    def of(self, batch: str) -> Order:
        """What is to be done. Raises BadMessage where there is no such batch, or none any more."""
        now = self._clock.monotonic()
        with self._lock:
            known = self._known.get(batch)
        if known and now - known.looked < _CANCELLED_SECONDS:
            return known
        try:
            found = self._book.find(batch)
        except BadInput as error:
            raise BadMessage(str(error)) from error
        order = Order(found.policy, found.expires_at, self._book.cancelled(found), now)
        with self._lock:
            if len(self._known) >= _MANY:
                self._known.clear()
            self._known[batch] = order
        return order
