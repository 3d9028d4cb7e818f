"""How a document gets into the store: the cheapest rung that is safe, and never an older truth over a newer one.

1. Create blindly. More than 95 of 100 uploads end here: no read, one place in a shared batch.
2. Somebody was there before: read the stored head. The same generation and complete: nothing to do.
3. Another generation: ask the bucket which one is live, for generations are unique but not ordered in time.
   Live is mine: replace, if the stored document has not changed meanwhile. Live is another: mine is superseded, its
   own notification will come. Gone: a tombstone.
4. The same generation, but another sidecar was merged (sidecars.py): the document with the one that counts now stands.
A replacement that lost its race goes back to 2, a bounded number of times.
"""

from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random,
    wait_random_exponential,
)

from worker.document import Attempt, key_for, object_facts, tombstone
from worker.errors import Overtaken, StoreUnavailable
from worker.model import Document, Event, Head, Notification, Outcome, Sidecar, Status
from worker.ports import Clock, Conflict, Create, DocumentStore, ObjectStore, Patch, Replace, Write
from worker.sidecars import Sidecars

_ROUNDS = 8
_TRIES = 4
_TRY_SECONDS = 8.0
"""A store that stumbles is asked again here: that is cheaper than a redelivery. One that is down is not waited for."""
_COMPLETE = frozenset({Status.OK, Status.PARTIAL, Status.NONE})
_OUTCOMES = {Status.FAILED: Outcome.FAILED, Status.DELETED: Outcome.DELETED}


class Commit(Protocol):
    """One durable write; see `GroupCommit.put`."""

    def put(self, write: Write) -> None:
        """Return once durable; raise Conflict or a WorkerError."""


class Verdict(Enum):
    """What a stored head means for a document of the same object."""

    KEEP = "the stored document stands"
    REPLACE = "the new document takes its place"
    ASK = "only the bucket knows which generation is live"
    ASK_SIDECAR = "only bucket and store together know which sidecar counts"


class WriteLadder:
    """Writes documents. Thread-safe. Every method returns only when its outcome is durable.

    Without `sidecars`, none counts.
    """

    def __init__(
        self,
        commit: Commit,
        documents: DocumentStore,
        objects: ObjectStore,
        clock: Clock,
        sidecars: Sidecars | None = None,
    ) -> None:
        self._commit = commit
        self._documents = documents
        self._objects = objects
        self._sidecars = sidecars
        self._rounds = Retrying(
            retry=retry_if_exception_type(Conflict),
            stop=stop_after_attempt(_ROUNDS),
            wait=wait_random(0, 0.1),
            sleep=clock.sleep,
            retry_error_callback=_lost,
        )
        self._tries = Retrying(
            retry=retry_if_exception_type(StoreUnavailable),
            stop=stop_after_attempt(_TRIES) | stop_after_delay(_TRY_SECONDS),
            wait=wait_random_exponential(multiplier=0.1, max=1),
            sleep=clock.sleep,
            reraise=True,
        )

    def head(self, key: str) -> Head | None:
        """The head of the stored document, or None."""
        return self._documents.heads([key])[0]

    def put(self, document: Document) -> Outcome:
        """Write the document, or find that it need not be written. Raises a Transient where neither is sure."""
        outcome: Outcome = self._tries(self._put, document)
        return outcome

    def patch(self, notification: Notification) -> Outcome | None:
        """New facts of the bucket about a stored generation. None where no document of it can take them."""
        outcome: Outcome | None = self._tries(self._rounds, self._patch, notification)
        return outcome

    def _put(self, document: Document) -> Outcome:
        # A create whose answer was lost may be sent again: what it wrote is then found, and left alone.
        try:
            self._commit.put(Create(document))
        except Conflict:
            outcome: Outcome = self._rounds(self._settle, document)
            return outcome
        return _OUTCOMES.get(document.status, Outcome.STORED)

    def _settle(self, document: Document) -> Outcome:
        head = self.head(document.key)
        if head is None:  # it expired between the rungs
            self._commit.put(Create(document))
            return _OUTCOMES.get(document.status, Outcome.STORED)
        verdict = compare(document, head)
        if verdict is Verdict.ASK:
            return self._arbitrate(document, head)
        if verdict is Verdict.ASK_SIDECAR and document.sidecar != self._sidecar_of(document):
            return Outcome.SUPERSEDED  # news of the one that counts made the stored document, or will replace it
        if verdict is Verdict.KEEP:
            return Outcome.UNCHANGED
        return self._replace(document, head)

    def _arbitrate(self, document: Document, head: Head) -> Outcome:
        live = self._objects.live(document.ref.bucket, document.ref.name)
        if live is None:
            if head.status is Status.DELETED:
                return Outcome.SUPERSEDED
            return self._replace(_buried(document), head)
        if live.generation == document.ref.generation and document.status is not Status.DELETED:
            return self._replace(document, head)
        return Outcome.SUPERSEDED

    def _sidecar_of(self, document: Document) -> Sidecar | None:
        return self._sidecars.of(document.ref) if self._sidecars else None

    def _replace(self, document: Document, head: Head) -> Outcome:
        self._commit.put(Replace(document, head.version))
        return _OUTCOMES.get(document.status, Outcome.STORED)

    def _patch(self, notification: Notification) -> Outcome | None:
        ref = notification.ref
        key = key_for(ref.bucket, ref.name)
        head = self.head(key)
        if head is None or head.generation != ref.generation:
            return None
        if head.status is Status.DELETED or head.metageneration >= ref.metageneration:
            return Outcome.UNCHANGED
        self._commit.put(Patch(key, object_facts(ref) | {"patched_at": datetime.now(UTC)}, head.version))
        return Outcome.PATCHED


def compare(document: Document, head: Head) -> Verdict:
    """What to do about a stored document of the same object. Deleted is final for a generation; a failure never
    takes the place of a result, and a result of an older extractor never that of a newer one with the same sidecar. Of
    two alike, the one of more passes stands: an operator asked for it."""
    if head.generation != document.ref.generation:
        return Verdict.ASK
    if head.status is Status.DELETED:
        return Verdict.KEEP
    if document.status is Status.DELETED:
        return Verdict.REPLACE
    if document.status is Status.FAILED:
        return Verdict.REPLACE if head.status is Status.FAILED and document.passes >= head.passes else Verdict.KEEP
    if head.status is Status.FAILED:
        return Verdict.REPLACE
    if document.sidecar != head.sidecar:
        return Verdict.ASK_SIDECAR
    if document.extractor != head.extractor:
        return Verdict.REPLACE if _version(document.extractor) > _version(head.extractor) else Verdict.KEEP
    better = head.status is Status.PARTIAL and document.status is not Status.PARTIAL
    newer = document.ref.metageneration > head.metageneration or document.passes > head.passes
    return Verdict.REPLACE if better or newer else Verdict.KEEP


def complete(head: Head, generation: int, extractor: str) -> bool:
    """Whether a stored document already is what this generation would come to."""
    if head.generation != generation:
        return False
    done = head.status in _COMPLETE and _version(head.extractor) >= _version(extractor)
    return done or head.status is Status.DELETED


def _buried(document: Document) -> Document:
    if document.status is Status.DELETED:
        return document
    return tombstone(Notification(Event.DELETE, replace(document.ref, custom={})), Attempt())


def _version(extractor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in extractor.split(".") if part.isdigit())


def _lost(_: RetryCallState) -> Outcome:
    raise Overtaken(f"another worker was faster {_ROUNDS} times in a row; the message comes again")
