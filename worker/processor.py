"""The heart: decode, open, extract, document, put. It knows no cloud and no thread.

One `try` surrounds what can be the input's fault. The write stands outside it: a store that is down can only give the
message back, and can never make a good image "failed".
"""

from collections.abc import Callable
from datetime import UTC, datetime

from worker import events
from worker.decode import decode
from worker.document import Attempt, extracted, failed, key_for, tombstone
from worker.errors import Misconfigured, ObjectGone, Permanent, SourceUnavailable
from worker.extract import EXTRACTOR
from worker.model import Document, Event, Message, Metadata, Notification, ObjectRef, Outcome
from worker.ports import DocumentStore, ObjectStore
from worker.write_ladder import WriteLadder, complete

Read = Callable[[ObjectRef], Metadata]


class Processor:
    """Turns one message into one durable outcome. Thread-safe.

    `read` reads an object here; `read_alone` reads one that a process died over before, in a process of its own.
    """

    def __init__(
        self,
        objects: ObjectStore,
        documents: DocumentStore,
        ladder: WriteLadder,
        read: Read,
        read_alone: Read,
        worker: str = "",
    ) -> None:
        self._objects = objects
        self._documents = documents
        self._ladder = ladder
        self._read = read
        self._read_alone = read_alone
        self._worker = worker

    def process(self, message: Message, attempt: int = 1, *, last: bool = False) -> Outcome:
        """Return once the outcome is durable; raise where another attempt may do better.

        `last` says that no other attempt is wanted: whatever fails is then written down as a failed document.
        """
        notification: Notification | None = None
        made_by = Attempt(attempt, self._worker, datetime.now(UTC))
        try:
            notification = decode(message)
            document = self._document(notification, made_by) if notification else Outcome.IGNORED
        except Exception as error:
            if isinstance(error, Misconfigured) or not (last or isinstance(error, Permanent)):
                raise
            document = failed(message, notification, error, made_by)
        if isinstance(document, Outcome):
            return document
        with events.stage("write"):
            return self._ladder.put(document)

    def _document(self, notification: Notification, made_by: Attempt) -> Document | Outcome:
        """What the notification asks to be written, or the outcome where nothing is left to write."""
        if notification.event is Event.METADATA_UPDATE:
            patched = self._ladder.patch(notification)
            # Where no document can take the facts, the document itself is what is missing: make it.
            return patched or self._finalized(notification, made_by)
        if notification.event is Event.FINALIZE:
            return self._finalized(notification, made_by)
        if notification.overwritten_by is not None:
            return Outcome.SUPERSEDED  # the notification of the generation that came after writes the document
        return tombstone(notification, made_by)

    def _finalized(self, notification: Notification, made_by: Attempt) -> Document | Outcome:
        ref = notification.ref
        read = self._read
        if made_by.number > 1:
            # It was tried before: it may be done, or have killed who tried. A first delivery pays for neither look.
            key = key_for(ref.bucket, ref.name)
            head = self._ladder.head(key)
            if head and complete(head, ref.generation, EXTRACTOR):
                return Outcome.UNCHANGED
            if self._documents.strikes(key):
                read = self._read_alone
        try:
            return extracted(notification, read(ref), made_by)
        except ObjectGone:
            return self._gone(notification, made_by)

    def _gone(self, notification: Notification, made_by: Attempt) -> Document | Outcome:
        """This generation is no longer there: replaced, whose own notification will come, or deleted."""
        live = self._objects.live(notification.ref.bucket, notification.ref.name)
        if live is None:
            return tombstone(notification, made_by)
        if live.generation == notification.ref.generation:
            raise SourceUnavailable(f"{live.uri} was not found under the generation that its bucket calls live")
        return Outcome.SUPERSEDED
