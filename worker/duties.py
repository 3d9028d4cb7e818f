"""What a worker does beside its messages: it says that it is alive, has dead letters written down, and keeps the key of
the cursors.

One thread, which may wait for the store as long as it likes; nothing waits for it. What fails is tried again later.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from worker import __version__, events, seals
from worker.bootstrap import Wiring, has_dead_letters, open_dead_letters, open_records
from worker.errors import WorkerError
from worker.in_flight import Board
from worker.operate.dead_letters import Drain
from worker.operate.status import WORKERS, Beat, Held, beat
from worker.settings import Settings

if TYPE_CHECKING:
    from worker.ports import DeadLetters, Records

BEAT_SECONDS = 15.0
"""A write per process and quarter of a minute."""
DRAIN_SECONDS = 10.0
DRAINED_AT_ONCE = 10
"""A letter a second and shard: dead letters are few, and nothing is gained by haste."""
SEAL_SECONDS = 600.0
_HELD = 10
"""Objects in hand that a beat names."""
_LOOK_SECONDS = 0.5
_JOIN_SECONDS = 3.0


class Duties:
    """The duties of one process. The dead letters and the key are the first shard's alone."""

    def __init__(self, settings: Settings, wiring: Wiring, board: Board, number: int) -> None:
        self._settings = settings
        self._wiring = wiring
        self._board = board
        self._number = number
        self._started = datetime.now(UTC)
        self._acked = 0
        self._beaten = monotonic()
        self._records: Records | None = None
        self._letters: DeadLetters | None = None

    def run(self, stopped: threading.Event) -> None:
        """Until `stopped` is set; then take the worker's name off the list of the living."""
        duties = [(self._beat, BEAT_SECONDS)]
        if self._number == 0:
            duties.append((self._seal, SEAL_SECONDS))
        if self._number == 0 and has_dead_letters(self._settings):
            duties.append((self._drain, DRAIN_SECONDS))
        due = [0.0] * len(duties)
        while not stopped.wait(_LOOK_SECONDS):
            for place, (duty, pause) in enumerate(duties):
                if monotonic() >= due[place]:
                    _tried(duty)
                    due[place] = monotonic() + pause
        with suppress(WorkerError):
            self._end()

    def _beat(self) -> None:
        beat(self._remembered(), self._says())

    def _seal(self) -> None:
        seals.key(self._remembered())

    def _remembered(self) -> "Records":
        self._records = self._records or open_records(self._settings)
        return self._records

    def _says(self) -> Beat:
        totals, now = events.totals(), monotonic()
        rate = (totals.acked - self._acked) / max(now - self._beaten, 0.001)
        self._acked, self._beaten = totals.acked, now
        held, told = self._board.in_hand(), datetime.now(UTC)
        return Beat(
            worker=self._settings.worker,
            shard=self._number,
            at=told,
            started=self._started,
            version=__version__,
            recipe=self._wiring.maker.recipe,
            state=self._board.state.name.lower(),
            in_hand=len(held),
            acked=totals.acked,
            nacked=totals.nacked,
            rate=round(rate, 3),
            holding=[Held(each.uri, told - timedelta(seconds=now - each.since), each.attempt) for each in held[:_HELD]],
        )

    def _drain(self) -> None:
        if self._wiring.breaker.open:
            return
        self._letters = self._letters or open_dead_letters(self._settings)
        have = self._wiring
        drain = Drain(self._letters, have.documents, have.ladder, have.maker, have.changes, have.links.give_up)
        if (drained := drain.some(DRAINED_AT_ONCE)).taken:
            events.drained_letters(drained.taken, drained.written)

    def _end(self) -> None:
        if self._records:
            self._records.drop(WORKERS, self._says().key)
            self._records.close()
        if self._letters:
            self._letters.close()


@contextmanager
def on_duty(duties: Duties) -> Iterator[None]:
    """The duties are done meanwhile, by a thread that ends with what is inside, or soon after."""
    stopped = threading.Event()
    thread = threading.Thread(target=duties.run, args=(stopped,), name="duties", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(_JOIN_SECONDS)


def _tried(duty: Callable[[], None]) -> None:
    try:
        duty()
    except Exception as error:  # noqa: BLE001 -- whatever it is, messages go on
        events.duty_failed(error)
