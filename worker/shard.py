"""One worker process: build, run, drain.

The main thread only beats the heart and watches for the end; a second one minds the breaker, whose probes may block.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from worker import events, logs, telemetry
from worker.bootstrap import Wiring, open_subscription, wire
from worker.breaker import State
from worker.duties import Duties, on_duty
from worker.errors import Misconfigured, WorkerError
from worker.in_flight import Board, ShardState
from worker.model import DIED, FailedAttempt
from worker.ports import Subscription
from worker.settings import Settings

BEAT_SECONDS = 0.25
EXIT_CONFIG = 78
"""sysexits.h EX_CONFIG: a person must mend something; starting again does not help."""
GC_THRESHOLDS = (20_000, 20, 50)
"""How seldom garbage is looked for: an image makes thousands of objects and no cycle. 3 to 8 % of the CPU (bench/)."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the supervisor tells a new shard. `strikes` are the keys that its predecessor died over."""

    number: int
    settings: Settings
    board: Path
    strikes: tuple[str, ...] = ()


class Shard:
    """A worker on a subscription, from start to drained."""

    def __init__(self, wiring: Wiring, subscription: Subscription, board: Board) -> None:
        self._wiring = wiring
        self._subscription = subscription
        self._board = board
        self._held = False

    def run(self, stopped: threading.Event, grace: float, alive: Callable[[], bool] = lambda: True) -> None:
        """Work until `stopped` is set or `alive` says no, then drain.

        Raises why pulling has ended by itself: Misconfigured, or what a new process may get over.
        """
        self._subscription.start(self._wiring.worker.handle)
        minder = threading.Thread(target=self._mind_breaker, args=(stopped,), name="breaker", daemon=True)
        minder.start()
        try:
            while not stopped.wait(BEAT_SECONDS) and alive():
                self._beat()
        finally:
            stopped.set()
            self._drain(grace)
            minder.join(grace)

    def _beat(self) -> None:
        state = ShardState.HELD if self._held else ShardState.PULLING
        self._board.beat(state, self._subscription.silence())
        if failure := self._subscription.failure():
            raise failure

    def _drain(self, grace: float) -> None:
        started = monotonic()
        self._board.beat(ShardState.DRAINING)
        events.draining(grace)
        self._subscription.stop(grace)
        self._wiring.close()
        events.drained(monotonic() - started)

    def _mind_breaker(self, stopped: threading.Event) -> None:
        """Holds the intake while the breaker is open, and probes when it is due."""
        breaker = self._wiring.breaker
        seen = breaker.state
        while not stopped.wait(BEAT_SECONDS):
            state = breaker.state
            if state is State.OPEN and not self._held:
                events.breaker_opened(breaker.error or WorkerError("unknown"), breaker.pause)
                self._held = True
                self._subscription.pause()
            elif state is State.OPEN and breaker.due():
                self._probe()
            elif state is not State.OPEN and self._held:
                self._held = False
                self._subscription.resume()
            elif state is State.CLOSED and seen is not State.CLOSED:
                events.breaker_closed()
            seen = state

    def _probe(self) -> None:
        breaker = self._wiring.breaker
        try:
            self._wiring.documents.probe()
            self._wiring.objects.probe()
        except WorkerError as error:
            breaker.probed(error)
            events.breaker_opened(error, breaker.pause)
        else:
            events.breaker_probing()
            breaker.probed(None)


@dataclass(frozen=True, slots=True)
class Post:
    """What a process of ours works with: its wired objects, its board, and the word to stop."""

    wiring: Wiring
    board: Board
    stopped: threading.Event
    alive: Callable[[], bool]
    """False once the supervisor is gone: a process that nobody watches drains."""


@contextmanager
def posted(order: Order) -> Iterator[Post]:
    """Around the life of a process that the supervisor started: signals, logs, telemetry, wiring, strikes.

    Exits with EXIT_CONFIG on Misconfigured, with 1 on what a new process may get over, after one line that says why.
    """
    gc.set_threshold(*GC_THRESHOLDS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor passes it on
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    settings, parent = order.settings, os.getppid()
    logs.configure(settings.log_level, settings.log_format)
    flush = telemetry.configure(settings.worker)
    board = Board(settings.threads, order.board)
    board.beat(ShardState.STARTING)
    try:
        wiring = wire(settings, board)
        for key in order.strikes:
            death = FailedAttempt(datetime.now(UTC), settings.worker, DIED, "a process died or hung over it")
            past = wiring.documents.attempted(key, death)
            events.struck(key, sum(attempt.code == DIED for attempt in past))
        yield Post(wiring, board, stopped, lambda: os.getppid() == parent)
    except Misconfigured as error:
        events.misconfigured(error)
        sys.exit(EXIT_CONFIG)
    except WorkerError as error:
        events.gave_up(error)
        sys.exit(1)
    finally:
        flush()


def main(order: Order) -> None:
    """The life of a shard's process."""
    settings = order.settings
    with posted(order) as post:
        shard = Shard(post.wiring, open_subscription(settings), post.board)
        events.pulling(settings.queue)
        with on_duty(Duties(settings, post.wiring, post.board, order.number)):
            shard.run(post.stopped, settings.grace_seconds, post.alive)
