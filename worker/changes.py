"""Tells whoever listens that a document changed: a message on a topic of its own, once the document is durable.

At least once: the message is published before the notification it came from is acknowledged, and a notification that is
delivered again is told again, whether or not it had to write anything the second time. Who listens reads the document,
or drops what it knows: `key`, `generation` and `status` say what there is.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Protocol

import orjson

from worker.document import key_for
from worker.model import Message, ObjectRef, Outcome, Status
from worker.ports import DocumentStore, Publisher

EVENT = "document.changed"

_STATUS = {Outcome.FAILED: Status.FAILED, Outcome.DELETED: Status.DELETED}
_TOLD = {Outcome.STORED, Outcome.DELETED, Outcome.FAILED, Outcome.PATCHED, Outcome.UNCHANGED}


class Changes(Protocol):
    """Where changes are told."""

    def tell(self, outcome: Outcome, ref: ObjectRef, status: Status | None = None) -> None:
        """Return once it is durable that the document of this object may have changed; raise a WorkerError otherwise.

        `status` is the document's, where it was just stored.
        """

    def close(self) -> None:
        """Free everything."""


class Untold:
    """Nobody listens."""

    def tell(self, outcome: Outcome, ref: ObjectRef, status: Status | None = None) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Announced:
    """Publishes changes. Thread-safe: what several threads have to tell at once travels together."""

    def __init__(self, publisher: Publisher, documents: DocumentStore) -> None:
        self._publisher = publisher
        self._documents = documents
        self._waiting: list[tuple[Message, Future[None]]] = []
        self._adding = threading.Lock()
        self._publishing = threading.Lock()

    def tell(self, outcome: Outcome, ref: ObjectRef, status: Status | None = None) -> None:
        """The status of what was found unchanged, or patched, is looked up."""
        if outcome not in _TOLD:
            return
        generation, known = ref.generation, status if outcome is Outcome.STORED else _STATUS.get(outcome)
        if known is None:
            head = self._documents.heads([key_for(ref.bucket, ref.name)])[0]
            if head is None:
                return
            generation, known = head.generation, head.status
        self._publish(message_of(ref, generation, known))

    def close(self) -> None:
        """Close the publisher."""
        self._publisher.close()

    def _publish(self, message: Message) -> None:
        told: Future[None] = Future()
        with self._adding:
            self._waiting.append((message, told))
        with self._publishing:  # who comes in first publishes for all who wait
            if not told.done():
                with self._adding:
                    batch, self._waiting = self._waiting, []
                self._publish_all(batch)
        told.result()

    def _publish_all(self, batch: Sequence[tuple[Message, Future[None]]]) -> None:
        try:
            self._publisher.publish([message for message, _ in batch])
        except Exception as error:  # noqa: BLE001 -- each of the threads raises it again, and gives its message back
            for _, told in batch:
                told.set_exception(error)
        else:
            for _, told in batch:
                told.set_result(None)


def message_of(ref: ObjectRef, generation: int, status: Status) -> Message:
    """The message that tells of a document; docs/export.md has its schema."""
    now = datetime.now(UTC)
    content = {
        "key": key_for(ref.bucket, ref.name),
        "bucket": ref.bucket,
        "name": ref.name,
        "generation": generation,
        "status": str(status),
        "told_at": now,
    }
    attributes = {"event": EVENT, "bucket": ref.bucket, "status": str(status)}
    return Message("", attributes, orjson.dumps(content, option=orjson.OPT_UTC_Z), now)
