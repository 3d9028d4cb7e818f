"""Reconcile: a bucket's listing against its documents, both sorted by name, merged in constant memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from worker.decode import encode
from worker.model import Event, Message, Notification, ObjectRef, Status
from worker.operate.runs import Run
from worker.operate.scope import Scope
from worker.ports import Catalog, ObjectStore, Stored

T = TypeVar("T")


class Kind(StrEnum):
    """How an object and its document differ."""

    MISSING = "missing"
    """There is no document."""
    STALE = "stale"
    """The document speaks of a generation that is no longer live."""
    ORPHANED = "orphaned"
    """The object is gone, and its document does not know."""
    FAILED = "failed"
    """The document says that the object could not be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: the object, where it is live, and what is stored of it, where something is."""

    kind: Kind
    name: str
    ref: ObjectRef | None = None
    stored: Stored | None = None

    @property
    def code(self) -> str:
        """The failure's code, where it is one."""
        return self.stored.code if self.stored else ""


def findings(
    scope: Scope, objects: ObjectStore, catalog: Catalog, since: datetime | None = None
) -> Iterator[Finding | None]:
    """A finding, or None where all is well, for each name in the bucket or the store, by the names' bytes.

    With `since`, objects that have not changed from then on are passed by.
    """
    listed = scope.objects(objects)
    known = (stored for stored in catalog.by_name(scope.bucket, scope.prefix) if scope.has(stored.name))
    for ref, stored in _merged(listed, known):
        if not (since and ref and (ref.updated or ref.created or since) < since):
            yield _judged(ref, stored)


def repair(finding: Finding, bucket: str, run: Run) -> Message | None:
    """The message that mends a difference; None for a failure, which `redrive` sees to."""
    if finding.kind is Kind.FAILED:
        return None
    if finding.ref:
        ref = finding.ref
        return encode(Notification(Event.FINALIZE, ref, ref.updated or ref.created, action=run.asks()))
    generation = finding.stored.generation if finding.stored else 0
    return encode(Notification(Event.DELETE, ObjectRef(bucket, finding.name, generation), action=run.asks()))


def _judged(ref: ObjectRef | None, stored: Stored | None) -> Finding | None:
    if ref and stored is None:
        return Finding(Kind.MISSING, ref.name, ref)
    if ref and stored:
        if stored.generation != ref.generation or stored.status == Status.DELETED:
            return Finding(Kind.STALE, ref.name, ref, stored)
        return Finding(Kind.FAILED, ref.name, ref, stored) if stored.status == Status.FAILED else None
    if stored and stored.status != Status.DELETED and stored.generation:  # without one it is a message that names none
        return Finding(Kind.ORPHANED, stored.name, None, stored)
    return None


def _merged(listed: Iterable[ObjectRef], known: Iterable[Stored]) -> Iterator[tuple[ObjectRef | None, Stored | None]]:
    left, right = iter(listed), iter(known)
    ref, stored = next(left, None), next(right, None)
    while ref or stored:
        before, after = _place(ref, lambda it: it.name), _place(stored, lambda it: it.name)
        pair = ref if before <= after else None, stored if after <= before else None
        yield pair
        ref = next(left, None) if pair[0] else ref
        stored = next(right, None) if pair[1] else stored


def _place(item: T | None, name: Callable[[T], str]) -> tuple[bool, bytes]:
    """Where a name stands in the order; nothing stands behind everything."""
    return (True, b"") if item is None else (False, name(item).encode())
