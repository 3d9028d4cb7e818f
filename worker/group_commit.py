"""Concurrent writes folded into batches, with no timer: what arrives while one batch is in flight is the next.

An idle worker pays no latency for it, a busy one writes larger batches by itself. Every writer gets its own answer.
"""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import orjson

from worker.errors import StoreUnavailable, Throttled, WorkerError
from worker.ports import Clock, DocumentStore, Patch, Write, WriteResult, key_of

BATCH_WRITES = 100
"""Larger batches gain nothing (bench/), and smaller ones fail in smaller pieces."""
BATCH_BYTES = 3 * 1024 * 1024
"""Well below Firestore's 10 MiB a request, and below its emulator's 4 MiB."""
_LONGEST_PAUSE = 8.0
_FIRST_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A write of `size` bytes, nearly, and the answer that its writer waits for."""

    write: Write
    size: int
    answer: Future[None] = field(default_factory=Future)


class GroupCommit:
    """Commits writes in batches from one thread of its own.

    `put` may be called from any number of threads. `close` finishes what is queued; a `put` after it is refused.
    """

    def __init__(self, documents: DocumentStore, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._queue: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._pause = 0.0
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def put(self, write: Write) -> None:
        """Return once the write is durable. Raises Conflict where its condition did not hold, or a WorkerError."""
        waiting = _Waiting(write, size_of_write(write))
        with self._wake:
            if self._closed:
                raise StoreUnavailable("the worker is stopping; the write was not sent")
            self._queue.append(waiting)
            self._wake.notify()
        waiting.answer.result()

    def close(self) -> None:
        """Answer everybody who waits, then end the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            results = self._commit([waiting.write for waiting in batch])
            for waiting, result in zip(batch, results, strict=True):
                if result is None:
                    waiting.answer.set_result(None)
                else:
                    waiting.answer.set_exception(result)
            self._breathe(results)

    def _next_batch(self) -> list[_Waiting]:
        """All that waits, up to the limits; nothing only when closed and empty."""
        with self._wake:
            self._wake.wait_for(lambda: self._queue or self._closed)
            return _take(self._queue)

    def _commit(self, writes: Sequence[Write]) -> Sequence[WriteResult]:
        try:
            results = self._documents.commit(writes)
        except WorkerError as error:
            return [error] * len(writes)
        except Exception as error:  # noqa: BLE001 -- a bug in a backend must not leave anybody waiting for ever
            unknown = StoreUnavailable(f"the store failed unexpectedly: {error!r}")
            unknown.__cause__ = error
            return [unknown] * len(writes)
        if len(results) != len(writes):
            return [StoreUnavailable("the store answered another number of writes than it was given")] * len(writes)
        return results

    def _breathe(self, results: Sequence[WriteResult]) -> None:
        """A store that throttles is left alone for a while; meanwhile the writers wait, and with them the intake."""
        if not any(isinstance(result, Throttled) for result in results):
            self._pause = 0.0
            return
        self._pause = min(_LONGEST_PAUSE, self._pause * 2 or _FIRST_PAUSE)
        self._clock.sleep(self._pause)


def _take(queue: deque[_Waiting]) -> list[_Waiting]:
    """The next batch: in order of arrival, but no document twice, for batches are not ordered."""
    batch: list[_Waiting] = []
    later: list[_Waiting] = []
    keys: set[str] = set()
    size = 0
    while queue and len(batch) < BATCH_WRITES:
        size += queue[0].size
        if batch and size > BATCH_BYTES:
            break
        waiting = queue.popleft()
        key = key_of(waiting.write)
        (later if key in keys else batch).append(waiting)
        keys.add(key)
    queue.extendleft(reversed(later))
    return batch


def size_of_write(write: Write) -> int:
    """Bytes of a write, nearly: those of its JSON, which are quickly counted."""
    fields = write.fields if isinstance(write, Patch) else write.document.fields
    return len(orjson.dumps(fields))
