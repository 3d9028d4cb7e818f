"""Keeps the shards at work: one process per core, spawned; replaced when it dies or hangs; told when to stop.

What a dead shard had in its hands is on its board. Those objects get a strike, which the next shard writes down before
it pulls; an object with a strike is read in a process of its own from then on, so that a second death harms nobody
else, and is proof. Messages need nothing: they were not acknowledged, so they come again.
"""

import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic

from worker import events, interrupts
from worker.errors import Misconfigured
from worker.in_flight import Board, ShardState
from worker.settings import Settings
from worker.shard import EXIT_CONFIG, Order

_WATCH_SECONDS = 0.2
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_SECONDS = 60.0
_START_SECONDS = 60.0
_SILENCE_SECONDS = 120.0

Target = Callable[[Order], None]


class Seat:
    """The place of one shard: the process that sits in it, its board, and what its predecessor died over."""

    def __init__(self, number: int, settings: Settings, target: Target, folder: Path) -> None:
        self._number = number
        self._settings = settings
        self._target = target
        self._folder = folder
        self._generation = 0
        self._pause = 0.0
        self._start_at = 0.0
        self._started = 0.0
        self._strikes: set[str] = set()
        self.process: BaseProcess | None = None
        self.board: Board | None = None

    def watch(self) -> None:
        """Start, restart or kill, as needed. Raises Misconfigured where the shard says that only a person can help."""
        if self.process is None:
            if monotonic() >= self._start_at:
                self._start()
        elif self.process.exitcode is not None:
            self._died(self.process)
        else:
            self._watch_living(self.process)

    def tell(self, number: signal.Signals) -> None:
        """Pass a signal on."""
        if self.process and self.process.is_alive() and self.process.pid:
            os.kill(self.process.pid, number)

    def state(self) -> ShardState | None:
        """What the shard is at; None while there is none."""
        return self.board.state if self.board and self.process and self.process.is_alive() else None

    def silence(self) -> float:
        """Seconds since the shard heard from its queue."""
        return self.board.silence if self.board else 0.0

    def _start(self) -> None:
        self._generation += 1
        path = self._folder / f"shard-{self._number}-{self._generation}"
        self.board = Board(self._settings.threads, path)
        order = Order(self._number, self._settings, path, tuple(sorted(self._strikes)))
        spawn = multiprocessing.get_context("spawn")  # never fork: gRPC's threads do not survive it
        self.process = spawn.Process(target=self._target, args=(order,), name=f"shard-{self._number}")
        with interrupts.blocked():
            self.process.start()
        self._started = monotonic()
        events.shard_started(self.process.pid or 0, self._number)

    def _watch_living(self, process: BaseProcess) -> None:
        board = self.board
        if board is None:
            return
        now = monotonic()
        if board.state is not ShardState.STARTING:
            self._strikes.clear()  # it pulls, so the strikes are written
        limit = self._settings.hang_seconds if board.heartbeat else max(_START_SECONDS, self._settings.hang_seconds)
        silent = now - (board.heartbeat or self._started)
        hung = [item for item in board.in_hand() if now - item.since > self._settings.hang_seconds]
        if hung or silent > limit:
            worst = hung[0] if hung else None
            uri, seconds = (worst.uri, now - worst.since) if worst else ("", silent)
            events.shard_hung(process.pid or 0, self._number, uri, seconds)
            suspects = hung or board.in_hand()
            self._strikes |= {item.key for item in suspects}
            process.kill()
            process.join()
            self._vacate()

    def _died(self, process: BaseProcess) -> None:
        if process.exitcode == EXIT_CONFIG:
            raise Misconfigured("a shard cannot work with this configuration; its last log line says why")
        in_hand = self.board.in_hand() if self.board else []
        self._strikes |= {item.key for item in in_hand}
        events.shard_died(process.pid or 0, self._number, process.exitcode, len(in_hand))
        self._vacate()

    def _vacate(self) -> None:
        """Free the seat; who sits down next waits longer if the last one did not stay."""
        steady = monotonic() - self._started > _STEADY_SECONDS
        self._pause = 0.0 if steady else min(_LONGEST_PAUSE, self._pause * 2 or _FIRST_PAUSE)
        self._start_at = monotonic() + self._pause
        if self.board:
            self.board.close()
        self.process = self.board = None


class Supervisor:
    """Runs `shards` processes until told to stop."""

    def __init__(self, settings: Settings, shards: int, target: Target) -> None:
        self._settings = settings
        self._shards = shards
        self._target = target
        self._seats: list[Seat] = []
        self._looked = monotonic()

    def run(self, stopped: threading.Event, now: threading.Event) -> None:
        """Work until `stopped` is set; then drain, or end at once when `now` is set as well.

        Raises Misconfigured when a shard says so; the others are drained first.
        """
        with tempfile.TemporaryDirectory(prefix="imagemeta-") as folder:
            self._seats = [Seat(number, self._settings, self._target, Path(folder)) for number in range(self._shards)]
            try:
                while not stopped.wait(_WATCH_SECONDS):
                    self._looked = monotonic()
                    for seat in self._seats:
                        seat.watch()
            finally:
                self._drain(now)

    def healthy(self) -> str | None:
        """None where the watch goes on; else what is wrong."""
        age = monotonic() - self._looked
        return f"the supervisor is stuck since {age:.0f} s" if age > self._settings.hang_seconds else None

    def ready(self) -> str | None:
        """None where a shard pulls; else why none does."""
        pulling = [seat for seat in self._seats if seat.state() is ShardState.PULLING]
        if not pulling:
            states = {state.name.lower() if (state := seat.state()) else "none" for seat in self._seats}
            return f"no shard pulls: {', '.join(sorted(states)) or 'none started'}"
        silence = min(seat.silence() for seat in pulling)
        return f"the queue is silent since {silence:.0f} s" if silence > _SILENCE_SECONDS else None

    def _drain(self, now: threading.Event) -> None:
        """SIGTERM to all, a little more than their grace to end, then SIGKILL."""
        for seat in self._seats:
            seat.tell(signal.SIGTERM)
        deadline = monotonic() + self._settings.grace_seconds + 1.5
        processes = [seat.process for seat in self._seats if seat.process]
        while any(process.is_alive() for process in processes) and monotonic() < deadline:
            if now.wait(0.02):
                break
        for process in processes:
            process.kill()
            process.join()


def run_until_signalled(supervisor: Supervisor, stopped: threading.Event | None = None) -> int:
    """Run in the main thread; the first SIGTERM or SIGINT drains, the second ends at once. The exit code.

    Whoever hands in `stopped` may set it, too.
    """
    stopped, now = stopped or threading.Event(), threading.Event()

    def on_signal(*_: object) -> None:
        (now if stopped.is_set() else stopped).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    try:
        supervisor.run(stopped, now)
    except Misconfigured:
        return EXIT_CONFIG
    return 1 if now.is_set() else 0
