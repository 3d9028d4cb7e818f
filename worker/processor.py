"""The heart: decode, open, extract, document, put. It knows no cloud and no thread.

One `try` surrounds what can be the input's fault. The write stands outside it: a store that is down can only give the
message back, and can never make a good image "failed".
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from worker import events
from worker.attempts import Attempts, Maker
from worker.changes import Changes, Untold
from worker.decode import decode, decode_link, encode
from worker.document import Attempt, Evidence, extracted, failed, key_for, tombstone
from worker.errors import Misconfigured, ObjectGone, Poison, SourceUnavailable
from worker.extract import EXTRACTOR
from worker.model import (
    DIED,
    Action,
    Document,
    Event,
    Link,
    Message,
    Metadata,
    Notification,
    ObjectRef,
    Outcome,
    Status,
)
from worker.ports import DocumentStore, ObjectStore
from worker.sidecars import Read, Sidecars
from worker.write_ladder import WriteLadder, complete


class Follow(Protocol):
    """What handles a URL of a batch (worker/batches/follow.py), with the obligations of `Processor.process`."""

    def __call__(self, link: Link, message: Message, /, *, first: bool, counted: bool) -> Outcome:
        """Return once the outcome is durable; raise where another attempt may do better."""


def _nobody(_link: Link, _message: Message, *, first: bool, counted: bool) -> Outcome:  # noqa: ARG001 -- as Follow
    raise Misconfigured("this worker is not set up for batches")


_FIRST_BYTES = 256
_OTHERS_BUSINESS = frozenset({Outcome.SUPERSEDED, Outcome.PATCHED, Outcome.IGNORED})
"""Outcomes after which a sidecar's images are as they were, or seen to by other news."""


def _as_it_is(document: Document) -> Document:
    return document


class Processor:
    """Turns one message into one durable outcome. Thread-safe.

    `read` reads an object here; `read_alone` reads one that a process died over before, in a process of its own.
    Without `sidecars`, none is merged. `follow` handles the URLs of batches. `kept` puts promoted tags where searches
    look.
    """

    def __init__(
        self,
        objects: ObjectStore,
        documents: DocumentStore,
        ladder: WriteLadder,
        read: Read,
        read_alone: Read,
        maker: Maker = Maker(),  # noqa: B008 -- frozen
        sidecars: Sidecars | None = None,
        changes: Changes = Untold(),  # noqa: B008 -- has no state
        follow: Follow = _nobody,
        kept: Callable[[Document], Document] = _as_it_is,
    ) -> None:
        self._objects = objects
        self._follow = follow
        self._ladder = ladder
        self._read = read
        self._read_alone = read_alone
        self._maker = maker
        self._attempts = Attempts(documents, maker)
        self._changes = changes
        self._sidecars = sidecars
        self._kept = kept

    def process(self, message: Message, attempt: int = 1, *, counted: bool = True) -> Outcome:
        """Return once the outcome is durable; raise where another attempt may do better.

        `attempt` is the queue's count, 0 where it does not count. A failure that may be the object's is counted in
        the store, unless nothing is `counted` now; after `max_attempts` of them it is written down.
        """
        notification, document = self._made(message, attempt, counted=counted)
        outcome = document if isinstance(document, Outcome) else self._put(document)
        if isinstance(document, Document):
            self._changes.tell(outcome, document.ref, document.status)
        elif notification:
            self._changes.tell(outcome, notification.ref)
        if notification and outcome not in _OTHERS_BUSINESS:
            self._renew_images(notification.ref, message, attempt, counted=counted)
        return outcome

    def _made(self, message: Message, attempt: int, *, counted: bool) -> tuple[Notification | None, Document | Outcome]:
        """What the message says, and the document to write, or the outcome where nothing is left to write."""
        notification: Notification | None = None
        made_by = Attempt(1, self._maker.worker, datetime.now(UTC), self._maker.recipe)
        try:
            if link := decode_link(message):
                return None, self._follow(link, message, first=attempt == 1, counted=counted)
            notification = decode(message)
            document = self._document(notification, made_by, first=attempt == 1) if notification else Outcome.IGNORED
        except Exception as error:
            past = self._attempts.last(notification, error, counted=counted)
            if past is None:
                raise
            made_by = replace(made_by, number=len(past))
            evidence = Evidence(events.timings(), past, self._first_bytes(notification, error))
            document = failed(message, notification, error, made_by, evidence)
        return notification, document

    def _put(self, document: Document) -> Outcome:
        with events.stage("write"):
            outcome = self._ladder.put(document)
        if document.fields["attempt"] != 1 and document.status is not Status.FAILED:
            self._attempts.forget(document.key)
        return outcome

    def _renew_images(self, beside: ObjectRef, message: Message, attempt: int, *, counted: bool) -> None:
        """The images of a sidecar, as if there was news of them. Nothing to do where the object is no sidecar."""
        for image in self._sidecars.images(beside) if self._sidecars else ():
            news = encode(Notification(Event.FINALIZE, image, image.updated))
            self.process(replace(news, id=message.id), attempt, counted=counted)

    def _first_bytes(self, notification: Notification | None, error: Exception) -> bytes:
        """To help understand a failure, if they can be had. What kills who opens it is not opened again."""
        if notification is None or notification.event is not Event.FINALIZE or isinstance(error, Poison):
            return b""
        with suppress(Exception), self._objects.open(notification.ref) as image:
            return image.read(0, _FIRST_BYTES)
        return b""

    def _document(self, notification: Notification, made_by: Attempt, *, first: bool) -> Document | Outcome:
        """What the notification asks to be written, or the outcome where nothing is left to write."""
        if notification.event is Event.METADATA_UPDATE:
            patched = self._ladder.patch(notification)
            # Where no document can take the facts, the document itself is what is missing: make it.
            return patched or self._finalized(notification, made_by, first=first)
        if notification.event is Event.FINALIZE:
            return self._finalized(notification, made_by, first=first)
        if notification.overwritten_by is not None:
            return Outcome.SUPERSEDED  # the notification of the generation that came after writes the document
        return tombstone(notification, made_by)

    def _finalized(self, notification: Notification, made_by: Attempt, *, first: bool) -> Document | Outcome:
        ref, action = notification.ref, notification.action
        if first and action is None:  # a first delivery pays for no look at what may be there
            return self._extracted(notification, made_by, self._read)
        if settled := self._settled(ref, action):
            return settled
        past = self._attempts.before(key_for(ref.bucket, ref.name))
        return self._extracted(notification, replace(made_by, number=1 + len(past)), self._read_suspect)

    def _settled(self, ref: ObjectRef, action: Action | None) -> Outcome | None:
        """The outcome, where what is stored is all that can come of this generation, or all that may."""
        head = self._ladder.head(key_for(ref.bucket, ref.name))
        if head is None or head.generation != ref.generation:
            return None
        if head.quarantined and not (action and action.redrives):
            return Outcome.QUARANTINED
        if (action and action.passes > head.passes) or not complete(head, ref.generation, EXTRACTOR):
            return None
        same = head.sidecar == (self._sidecars.of(ref) if self._sidecars else None)
        return Outcome.UNCHANGED if same else None

    def _extracted(self, notification: Notification, made_by: Attempt, read: Read) -> Document | Outcome:
        ref = notification.ref
        try:
            metadata = self._sidecars.read(ref, read) if self._sidecars else read(ref)
        except ObjectGone:
            return self._gone(notification, made_by)
        return self._kept(extracted(notification, metadata, made_by))

    def _read_suspect(self, ref: ObjectRef) -> Metadata:
        """Read what was tried before, in a process of its own if a process died over it."""
        died = any(attempt.code == DIED for attempt in self._attempts.before(key_for(ref.bucket, ref.name)))
        return (self._read_alone if died else self._read)(ref)

    def _gone(self, notification: Notification, made_by: Attempt) -> Document | Outcome:
        """This generation is no longer there: replaced, whose own notification will come, or deleted."""
        live = self._objects.live(notification.ref.bucket, notification.ref.name)
        if live is None:
            return tombstone(notification, made_by)
        if live.generation == notification.ref.generation:
            raise SourceUnavailable(f"{live.uri} was not found under the generation that its bucket calls live")
        return Outcome.SUPERSEDED
