"""Backfill: the objects that are in a bucket already are announced, as if they had just come.

The worker does the rest, so a message for an object that is done costs a look and writes nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from worker.decode import encode
from worker.document import key_for
from worker.extract import EXTRACTOR
from worker.model import Event, Head, Limits, Notification, ObjectRef, Status
from worker.operate import prices
from worker.operate.conveyor import Item
from worker.operate.runs import Run
from worker.operate.scope import Scope
from worker.ports import DocumentStore, ObjectStore

_ASKED_AT_ONCE = 100


class Select(StrEnum):
    """Which objects are announced."""

    MISSING = "missing"
    """Those of which no document speaks in its live generation."""
    OUTDATED = "outdated"
    """Those, and those whose document an older extractor made."""
    ALL = "all"
    """All; what is done already is looked at, and not read again."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a backfill will come to: objects listed, messages, bytes read (about), USD (about, list prices)."""

    listed: int = 0
    messages: int = 0
    bytes_to_read: int = 0
    usd: float = 0.0

    def plus(self, ref: ObjectRef, limits: Limits) -> "Estimate":
        """With one message more."""
        size = limits.first_read if ref.size is None else ref.size
        read = size if size <= limits.whole_object else limits.first_read
        return replace(self, messages=self.messages + 1, bytes_to_read=self.bytes_to_read + read)


def items(
    scope: Scope, select: Select, objects: ObjectStore, documents: DocumentStore, run: Run | None = None
) -> Iterator[Item]:
    """An item for each object of the scope, behind the run's cursor: with a message where the object is selected."""
    for ref, wanted in selected(scope, select, objects, documents, run.cursor if run else ""):
        asked = Notification(Event.FINALIZE, ref, ref.updated or ref.created, action=run.asks() if run else None)
        yield Item(encode(asked) if wanted else None, cursor=ref.name)


def estimate(
    scope: Scope, select: Select, objects: ObjectStore, documents: DocumentStore, limits: Limits
) -> Iterator[Estimate]:
    """How much it will be, ever more of it; the last is the whole. Lists everything, reads no object."""
    found = Estimate()
    yield found
    for ref, wanted in selected(scope, select, objects, documents):
        found = replace(found, listed=found.listed + 1)
        if wanted:
            found = found.plus(ref, limits)
        yield found
    yield replace(found, usd=prices.of_reading(found.messages))


def selected(
    scope: Scope, select: Select, objects: ObjectStore, documents: DocumentStore, start_after: str = ""
) -> Iterator[tuple[ObjectRef, bool]]:
    """The objects of the scope in order of name, and whether each is selected."""
    listed = scope.objects(objects, start_after)
    if select is Select.ALL:
        yield from ((ref, True) for ref in listed)
        return
    for refs in _batches(listed):
        heads = documents.heads([key_for(ref.bucket, ref.name) for ref in refs])
        yield from ((ref, _wants(select, ref, head)) for ref, head in zip(refs, heads, strict=True))


def _wants(select: Select, ref: ObjectRef, head: Head | None) -> bool:
    if head is None or head.generation != ref.generation or head.status is Status.DELETED:
        return True
    return select is Select.OUTDATED and head.extractor != EXTRACTOR and not head.quarantined


def _batches(refs: Iterable[ObjectRef]) -> Iterator[list[ObjectRef]]:
    rest = iter(refs)
    while batch := list(islice(rest, _ASKED_AT_ONCE)):
        yield batch
