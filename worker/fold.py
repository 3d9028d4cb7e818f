"""Concurrent orders folded into batches, with no timer: what arrives while one batch is in flight is the next.

An idle worker pays no latency for it, a busy one makes larger batches by itself. Everybody gets an answer of their own.
"""

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from worker.errors import StoreUnavailable, WorkerError

Order = TypeVar("Order")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Order, Answer]):
    """An order of `size`, and the answer that whoever gave it waits for."""

    order: Order
    size: int
    answer: Future[Answer] = field(default_factory=Future)


class Fold(ABC, Generic[Order, Answer]):
    """Serves a store's orders in batches from one thread of its own.

    Orders may be given from any number of threads. `close` serves what is queued; an order after it is refused.
    """

    def __init__(self, name: str) -> None:
        """Starts the thread: a subclass calls this last."""
        self._queue: deque[Waiting[Order, Answer]] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer everybody who waits, then end the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    @abstractmethod
    def _take(self, queue: deque[Waiting[Order, Answer]]) -> list[Waiting[Order, Answer]]:
        """Take the next batch from a queue that is not empty: at least one."""

    @abstractmethod
    def _serve(self, orders: Sequence[Order]) -> Sequence[Answer | Exception]:
        """One answer or error for each order; what is raised is everybody's."""

    def _served(self, answers: Sequence[Answer | Exception]) -> None:
        """The batch was answered; the next is taken on return."""

    def _order(self, order: Order, size: int = 1) -> Future[Answer]:
        """Put the order on the queue and return at once."""
        waiting: Waiting[Order, Answer] = Waiting(order, size)
        with self._wake:
            if self._closed:
                raise StoreUnavailable("the worker is stopping; the store was not asked")
            self._queue.append(waiting)
            self._wake.notify()
        return waiting.answer

    def _run(self) -> None:
        while batch := self._next_batch():
            answers = self._answers([waiting.order for waiting in batch])
            for waiting, answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception):
                    waiting.answer.set_exception(answer)
                else:
                    waiting.answer.set_result(answer)
            self._served(answers)

    def _next_batch(self) -> list[Waiting[Order, Answer]]:
        """What waits, as much as is taken at once; nothing only when closed and empty."""
        with self._wake:
            self._wake.wait_for(lambda: self._queue or self._closed)
            return self._take(self._queue) if self._queue else []

    def _answers(self, orders: Sequence[Order]) -> Sequence[Answer | Exception]:
        try:
            answers = self._serve(orders)
        except WorkerError as error:
            return [error] * len(orders)
        except Exception as error:  # noqa: BLE001 -- a bug in a backend must not leave anybody waiting for ever
            unknown = StoreUnavailable(f"the store failed unexpectedly: {error!r}")
            unknown.__cause__ = error
            return [unknown] * len(orders)
        if len(answers) != len(orders):
            return [StoreUnavailable("the store gave another number of answers than it was asked for")] * len(orders)
        return answers
