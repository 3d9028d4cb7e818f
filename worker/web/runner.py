"""Bulk actions in the background: a few at a time, each with a set-up of its own, each written down in the ledger.

Whoever wants one stopped leaves a note among the records, so that it makes no difference which process it runs in.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic

from worker import events
from worker.errors import Misconfigured, Throttled, WorkerError
from worker.operate.conveyor import Watch
from worker.operate.runs import Ledger, Run, State
from worker.ports import Records
from worker.settings import Settings
from worker.site import Site

MOST = 4
NOTES = "stops"
_LOOK_SECONDS = 2.0
_BEGIN_SECONDS = 20.0
_JOIN_SECONDS = 5.0

Work = Callable[[Site, Watch], Run | None]
"""An action: with this set-up, telling so of each step."""


class Stopped(WorkerError):
    """Somebody wants the run stopped. It goes on where it is, when it is asked for again."""

    code = "stopped"


class Runner:
    """Runs actions in threads. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._beginning = threading.Lock()
        self._jobs: list[_Job] = []

    def start(self, who: str, work: Work) -> Run | None:
        """Begin an action and return its run, or None for one that has to wait before it begins.

        Raises what the action raises before it begins, Throttled where too many are at work.
        """
        job = _Job(self._settings, who, work, self._begin)
        with self._lock:
            self._jobs = [each for each in self._jobs if each.thread.is_alive()]
            if len(self._jobs) >= MOST:
                raise Throttled(f"{MOST} runs are at work already; wait for one to end, or stop one")
            self._jobs.append(job)
            job.thread.start()
        with suppress(TimeoutError):
            return job.begun.result(_BEGIN_SECONDS)
        return None

    def close(self) -> None:
        """Stop all; what they have done is written down."""
        with self._lock:
            jobs = list(self._jobs)
        for job in jobs:
            job.stop("the server ended")
        for job in jobs:
            job.thread.join(_JOIN_SECONDS)

    def _begin(self, job: "_Job", action: str, scope: str, begin: Callable[[], Run]) -> Run:
        """Have a job's run begin, unless another job has it in hand."""
        with self._beginning:
            for each in self._jobs:
                run = each.taken
                if run and each.thread.is_alive() and (run.action, run.scope) == (action, scope):
                    raise Misconfigured(f"this is at work already: run {run.id}")
            job.taken = begin()
        job.site.records.drop(NOTES, job.taken.id)  # left for a run that nobody could stop
        job.begun.set_result(job.taken)
        return job.taken


def stop(records: Records, run: Run, who: str) -> None:
    """Have a run stopped, wherever it is: within seconds, if it is one of a runner's."""
    records.put(NOTES, run.id, {"at": datetime.now(UTC), "by": who})


class _Job:
    """One action at work. It is the clock that its action waits by, so that it can be stopped while it waits."""

    def __init__(self, settings: Settings, who: str, work: Work, begin: "_Begin") -> None:
        self.thread = threading.Thread(target=self._live, name="run", daemon=True)
        self.begun: Future[Run | None] = Future()
        self.taken: Run | None = None
        self._work = work
        self.site = Site(settings, lambda records: _Noted(records, who, partial(begin, self)), self)
        self._told = threading.Event()
        self._why = ""
        self._looked = monotonic()

    def stop(self, why: str) -> None:
        """Have it end soon."""
        self._why = why
        self._told.set()

    def monotonic(self) -> float:
        """As a clock."""
        return monotonic()

    def sleep(self, seconds: float) -> None:
        """As a clock; raises Stopped."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            self._told.wait(min(left, _LOOK_SECONDS))
            self._look()

    def _live(self) -> None:
        with self.site:
            try:
                self._work(self.site, lambda _: self._look())
            except Exception as error:  # noqa: BLE001 -- whoever waits for the beginning is told, or else the ledger
                self._failed(error)
            finally:
                if self.taken:
                    self.site.records.drop(NOTES, self.taken.id)
        if not self.begun.done():
            self.begun.set_result(None)

    def _look(self) -> None:
        """Raise Stopped, if somebody said so."""
        if self._told.is_set():
            raise Stopped(self._why)
        if self.taken and monotonic() - self._looked >= _LOOK_SECONDS:
            self._looked = monotonic()
            if note := self.site.records.get(NOTES, self.taken.id):
                raise Stopped(f"stopped by {note['by']}")

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, WorkerError):
            events.bug(error)
            if self.taken:  # errors of ours are written down where they are met
                self.site.ledger.save(replace(self.taken, state=State.STOPPED, why="a fault of ours; it is logged"))
        if not self.begun.done():
            self.begun.set_exception(error)


_Begin = Callable[[_Job, str, str, Callable[[], Run]], Run]


class _Noted(Ledger):
    """A ledger that takes runs for one job, and lets it know."""

    def __init__(self, records: Records, who: str, begin: Callable[[str, str, Callable[[], Run]], Run]) -> None:
        super().__init__(records, who)
        self._begin = begin

    def begin(self, action: str, scope: str, *, fresh: bool = False) -> Run:
        """As a ledger. Raises Misconfigured where this very run is at work."""
        return self._begin(action, scope, lambda: super(_Noted, self).begin(action, scope, fresh=fresh))
