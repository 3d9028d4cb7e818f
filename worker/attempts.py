"""How often an object was tried in vain, counted in the store, so that neither a restart nor a new queue forgets.

The queue's own count is not it: that one grows with every worker that stops, with every outage, and may begin anew.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from worker.document import key_for
from worker.errors import Misconfigured, Overtaken, Permanent, StoreUnavailable, Throttled, WorkerError, code_of
from worker.extract import EXTRACTOR
from worker.model import FailedAttempt, Notification
from worker.ports import DocumentStore

_NEVER_THE_OBJECT = (Misconfigured, StoreUnavailable, Throttled, Overtaken)
"""Errors that say nothing about the object: however often they come, they make no image a failed one."""
_MESSAGE_LENGTH = 500
_KEPT = 100
"""An object that is overwritten again and again, and fails each time, would fill its record."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes documents, and how: its name, the recipe of its extraction, attempts before it writes a failure."""

    worker: str = ""
    recipe: str = EXTRACTOR
    max_attempts: int = 10


class Attempts:
    """Counts failed attempts. Thread-safe."""

    def __init__(self, documents: DocumentStore, maker: Maker) -> None:
        self._documents = documents
        self._maker = maker

    def before(self, key: str) -> Sequence[FailedAttempt]:
        """Those at the object of this key since it was last read, the oldest first."""
        return self._documents.attempts(key)

    def last(
        self, notification: Notification | None, error: Exception, *, counted: bool
    ) -> Sequence[FailedAttempt] | None:
        """All failed attempts, this one included, where no other is wanted; None where another may do better.

        What may pass is written down, if it is to be `counted`; where that fails, it was no attempt.
        """
        now = self._failed(notification, error)
        if isinstance(error, Permanent):
            return [*self._known(notification), now]
        if notification is None or not counted or isinstance(error, _NEVER_THE_OBJECT):
            return None
        with suppress(WorkerError):
            past = self._documents.attempted(_key(notification), now)
            if len(past) > _KEPT:
                self._documents.forget_attempts(_key(notification))
            alike = [each for each in past if (each.generation, each.passes) == (now.generation, now.passes)]
            return past if len(alike) >= self._maker.max_attempts else None
        return None

    def forget(self, key: str) -> None:
        """The object was read after all. That this is not forgotten costs nothing but a wrong count."""
        with suppress(WorkerError):
            self._documents.forget_attempts(key)

    def _failed(self, notification: Notification | None, error: Exception) -> FailedAttempt:
        return FailedAttempt(
            time=datetime.now(UTC),
            worker=self._maker.worker,
            code=code_of(error),
            message=str(error)[:_MESSAGE_LENGTH],
            generation=notification.ref.generation if notification else 0,
            passes=notification.action.passes if notification and notification.action else 1,
        )

    def _known(self, notification: Notification | None) -> Sequence[FailedAttempt]:
        """A failure that is certain is written down whether or not its history can be read."""
        if notification is None:
            return []
        with suppress(WorkerError):
            return self._documents.attempts(_key(notification))[-_KEPT:]
        return []


def _key(notification: Notification) -> str:
    return key_for(notification.ref.bucket, notification.ref.name)
