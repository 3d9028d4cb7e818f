"""Extraction on demand: one file or object is read in a process of its own, and nothing is stored."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from queue import SimpleQueue

from worker import events
from worker.crew import Crew
from worker.entries import Entry, Kind, Result
from worker.errors import SourceUnavailable, Throttled
from worker.model import Limits
from worker.scan import Reader

WAITING = 16
"""Requests that wait for their turn, at most."""
SECONDS = 20.0
_PATIENCE = 3 * SECONDS
"""Two deaths, and somebody before."""
_PROCESSES = 1
_SILENT = "the process that reads pictures does not answer"

_Asked = tuple[Entry, "Future[Result]"]


class Inspector:
    """A crew that is asked for one entry at a time. It starts with the first, and what kills it kills nothing else."""

    def __init__(self, limits: Limits) -> None:
        self._crew: Crew[Entry, Result] = Crew(Reader(limits), _lost, _PROCESSES, SECONDS)
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._places = threading.Semaphore(WAITING)
        self._thread = threading.Thread(target=self._work, name="inspector", daemon=True)
        self._starting = threading.Lock()

    def read(self, entry: Entry) -> Result:
        """What is in it, or why that cannot be told. Raises Throttled where too many wait."""
        with self._starting:
            if self._thread.ident is None:
                self._thread.start()
        if not self._places.acquire(blocking=False):
            raise Throttled("too many pictures wait to be read; try again soon")
        try:
            answer: Future[Result] = Future()
            self._asked.put((entry, answer))
            return answer.result(_PATIENCE)
        except TimeoutError:
            raise SourceUnavailable(_SILENT) from None
        finally:
            self._places.release()

    def close(self) -> None:
        """End the process."""
        self._asked.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        """Until it is closed, with one crew after the other: one that cannot even start fails those who wait for it."""
        closed = False
        while not closed:
            taken: SimpleQueue[Future[Result]] = SimpleQueue()
            try:
                for result in self._crew.map(self._batches(taken)):  # in the order of what was asked
                    taken.get().set_result(result)
                closed = True
            except Exception as error:  # noqa: BLE001 -- whatever it was, the next may fare better
                events.bug(error)
                while not taken.empty():
                    taken.get().set_exception(SourceUnavailable(_SILENT))

    def _batches(self, taken: "SimpleQueue[Future[Result]]") -> Iterator[list[Entry]]:
        while (asked := self._asked.get()) is not None:
            entry, answer = asked
            taken.put(answer)
            yield [entry]


def _lost(entry: Entry, reason: str) -> Result:
    return Result(entry.file, Kind.FAILED, b"", reason)
