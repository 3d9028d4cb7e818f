"""Concurrent writes folded into batches (fold.py), bounded in number and bytes."""

from collections import deque
from collections.abc import Sequence

import orjson

from worker.errors import Throttled
from worker.fold import Fold, Waiting
from worker.ports import Clock, DocumentStore, Patch, Write, WriteResult, key_of

BATCH_WRITES = 100
"""Larger batches gain nothing (bench/), and smaller ones fail in smaller pieces."""
BATCH_BYTES = 3 * 1024 * 1024
"""Well below Firestore's 10 MiB a request, and below its emulator's 4 MiB."""
_LONGEST_PAUSE = 8.0
_FIRST_PAUSE = 0.5

_Queue = deque[Waiting[Write, None]]


class GroupCommit(Fold[Write, None]):
    """Commits writes in batches from one thread of its own.

    `put` may be called from any number of threads. `close` finishes what is queued; a `put` after it is refused.
    """

    def __init__(self, documents: DocumentStore, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._pause = 0.0
        super().__init__("group-commit")

    def put(self, write: Write) -> None:
        """Return once the write is durable. Raises Conflict where its condition did not hold, or a WorkerError."""
        self._order(write, size_of_write(write)).result()

    def _take(self, queue: _Queue) -> list[Waiting[Write, None]]:
        """In order of arrival, but no document twice, for batches are not ordered."""
        batch: list[Waiting[Write, None]] = []
        later: list[Waiting[Write, None]] = []
        keys: set[str] = set()
        size = 0
        while queue and len(batch) < BATCH_WRITES:
            size += queue[0].size
            if batch and size > BATCH_BYTES:
                break
            waiting = queue.popleft()
            key = key_of(waiting.order)
            (later if key in keys else batch).append(waiting)
            keys.add(key)
        queue.extendleft(reversed(later))
        return batch

    def _serve(self, orders: Sequence[Write]) -> Sequence[WriteResult]:
        return self._documents.commit(orders)

    def _served(self, answers: Sequence[Exception | None]) -> None:
        """A store that throttles is left alone for a while; meanwhile the writers wait, and with them the intake."""
        if not any(isinstance(answer, Throttled) for answer in answers):
            self._pause = 0.0
            return
        self._pause = min(_LONGEST_PAUSE, self._pause * 2 or _FIRST_PAUSE)
        self._clock.sleep(self._pause)


def size_of_write(write: Write) -> int:
    """Bytes of a write, nearly: those of its JSON, which are quickly counted."""
    fields = write.fields if isinstance(write, Patch) else write.document.fields
    return len(orjson.dumps(fields))
