"""The heart: decode, open, extract, document, put. It knows no cloud and no thread.

One `try` surrounds what can be the input's fault. The write stands outside it: a store that is down can only give the
message back, and can never make a good image "failed".
"""

from dataclasses import replace
from datetime import UTC, datetime

from worker import events
from worker.decode import decode, encode
from worker.document import Attempt, extracted, failed, key_for, tombstone
from worker.errors import Misconfigured, ObjectGone, Permanent, SourceUnavailable
from worker.extract import EXTRACTOR
from worker.model import Document, Event, Message, Metadata, Notification, ObjectRef, Outcome
from worker.ports import DocumentStore, ObjectStore
from worker.sidecars import Read, Sidecars
from worker.write_ladder import WriteLadder, complete

_OTHERS_BUSINESS = frozenset({Outcome.SUPERSEDED, Outcome.PATCHED, Outcome.IGNORED})
"""Outcomes after which a sidecar's images are as they were, or seen to by other news."""


class Processor:
    """Turns one message into one durable outcome. Thread-safe.

    `read` reads an object here; `read_alone` reads one that a process died over before, in a process of its own.
    Without `sidecars`, none is merged.
    """

    def __init__(
        self,
        objects: ObjectStore,
        documents: DocumentStore,
        ladder: WriteLadder,
        read: Read,
        read_alone: Read,
        worker: str = "",
        sidecars: Sidecars | None = None,
    ) -> None:
        self._objects = objects
        self._documents = documents
        self._ladder = ladder
        self._read = read
        self._read_alone = read_alone
        self._worker = worker
        self._sidecars = sidecars

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
        outcome = document if isinstance(document, Outcome) else self._put(document)
        if notification and outcome not in _OTHERS_BUSINESS:
            self._renew_images(notification.ref, message, attempt, last=last)
        return outcome

    def _put(self, document: Document) -> Outcome:
        with events.stage("write"):
            return self._ladder.put(document)

    def _renew_images(self, beside: ObjectRef, message: Message, attempt: int, *, last: bool) -> None:
        """The images of a sidecar, as if there was news of them. Nothing to do where the object is no sidecar."""
        for image in self._sidecars.images(beside) if self._sidecars else ():
            news = encode(Notification(Event.FINALIZE, image, image.updated))
            self.process(replace(news, id=message.id), attempt, last=last)

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
        # What was tried before may be done, or have killed who tried. A first delivery pays for neither look.
        tried = made_by.number > 1
        if tried and self._is_done(ref):
            return Outcome.UNCHANGED
        read = self._read_suspect if tried else self._read
        try:
            metadata = self._sidecars.read(ref, read) if self._sidecars else read(ref)
        except ObjectGone:
            return self._gone(notification, made_by)
        return extracted(notification, metadata, made_by)

    def _is_done(self, ref: ObjectRef) -> bool:
        head = self._ladder.head(key_for(ref.bucket, ref.name))
        if head is None or not complete(head, ref.generation, EXTRACTOR):
            return False
        return head.sidecar == (self._sidecars.of(ref) if self._sidecars else None)

    def _read_suspect(self, ref: ObjectRef) -> Metadata:
        struck = self._documents.strikes(key_for(ref.bucket, ref.name))
        return (self._read_alone if struck else self._read)(ref)

    def _gone(self, notification: Notification, made_by: Attempt) -> Document | Outcome:
        """This generation is no longer there: replaced, whose own notification will come, or deleted."""
        live = self._objects.live(notification.ref.bucket, notification.ref.name)
        if live is None:
            return tombstone(notification, made_by)
        if live.generation == notification.ref.generation:
            raise SourceUnavailable(f"{live.uri} was not found under the generation that its bucket calls live")
        return Outcome.SUPERSEDED
