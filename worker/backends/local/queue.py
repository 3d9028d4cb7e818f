"""A queue in an SQLite file: leases, back-off, dead letters; any number of processes and threads on one file.

Each subscription has one thread, the broker, that touches the file. In one transaction it writes down what was
settled meanwhile, extends the leases in hand, and takes new ones: under load the batches grow by themselves, and an
idle queue is only looked at. A process that is killed leaves leases, which run out.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from enum import Enum
from itertools import islice
from pathlib import Path

from worker.backends.local.queue_file import Lease, QueueFile, QueueStats
from worker.errors import Misconfigured, WorkerError
from worker.model import Message
from worker.ports import Backlog, Delivery, Handler

_log = logging.getLogger("imagemeta.queue")

_SHORTEST_POLL = 0.005
_LONGEST_POLL = 0.05
_RETRY_SECONDS = 1.0
_CLOSING_SECONDS = 15.0
"""More than a busy file takes to answer; a stuck disk must not keep a process from ending."""
_PUBLISH_BATCH = 500
_DEAD_LETTER_LEASE = 600.0
_DEAD_LETTER_BACKOFF = 1.0


class _Fate(Enum):
    """What becomes of a lease."""

    DONE = "acknowledged"
    AGAIN = "nacked: again after a pause"
    CUT_OFF = "under way when the grace was over: again, at once"
    UNUSED = "no handler saw it: again, at once, and not counted"


_Settle = Callable[[Lease, _Fate], None]


class LocalDelivery:
    """A leased message. The first of `ack` and `nack` counts; another has no effect."""

    def __init__(self, lease: Lease, settle: _Settle) -> None:
        self.message = lease.message
        self.attempt = lease.attempt
        self._lease = lease
        self._settle: _Settle | None = settle

    def ack(self) -> None:
        """Settle for good. Written down within milliseconds, with others; lost if the process dies before."""
        self._tell(_Fate.DONE)

    def nack(self) -> None:
        """Give back, for redelivery after a pause."""
        self._tell(_Fate.AGAIN)

    def _tell(self, fate: _Fate) -> None:
        settle, self._settle = self._settle, None
        if settle:
            settle(self._lease, fate)


class LocalSubscription:
    """Deliveries from the queue at `path`, to `concurrency` threads. Times are seconds.

    A lease lasts `ack_deadline` and is extended while its handler works, however long. A message that was nacked comes
    again after `min_backoff`, doubled with each attempt up to `max_backoff`; after `max_attempts` deliveries that were
    nacked or ran out, it is a dead letter. What was leased ahead and no handler saw is given back uncounted.
    """

    def __init__(
        self,
        path: Path,
        concurrency: int,
        ack_deadline: float = 60.0,
        min_backoff: float = 1.0,
        max_backoff: float = 60.0,
        max_attempts: int = 20,
    ) -> None:
        self._path = path
        self._concurrency = concurrency
        self._ack_deadline = ack_deadline
        self._min_backoff = min_backoff
        self._max_backoff = max_backoff
        self._max_attempts = max_attempts
        self._lock = threading.Lock()
        self._broker_wakes = threading.Condition(self._lock)
        self._handler_wakes = threading.Condition(self._lock)
        self._hands_empty = threading.Condition(self._lock)
        self._ready: deque[Lease] = deque()
        self._in_hand: set[Lease] = set()
        self._settled: list[tuple[Lease, _Fate]] = []
        self._paused = False
        self._stopping = False
        self._failure: WorkerError | None = None
        self._sign_of_life = time.monotonic()
        self._extend_at = 0.0
        self._threads: list[threading.Thread] = []

    def start(self, handler: Handler) -> None:
        """Begin to pull. Raises Misconfigured where there is no queue at the path."""
        file = QueueFile(self._path)
        self._threads = [threading.Thread(target=self._broker, args=(file,), name="queue-broker", daemon=True)]
        for number in range(self._concurrency):
            name = f"handler-{number}"
            self._threads.append(threading.Thread(target=self._handle, args=(handler,), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Pull no more; no handler begins after this returns."""
        with self._lock:
            self._hold()

    def resume(self) -> None:
        """Pull again."""
        with self._lock:
            self._paused = False
            self._sign_of_life = time.monotonic()
            self._broker_wakes.notify()

    def stop(self, grace: float) -> None:
        """Pull no more, wait for the handlers, give back what they did not settle; a late word of theirs is void."""
        with self._lock:
            self._hold()
            self._hands_empty.wait_for(lambda: not self._in_hand, grace)
            self._settled += [(lease, _Fate.CUT_OFF) for lease in self._in_hand]
            self._in_hand.clear()
            self._stopping = True
            self._broker_wakes.notify_all()
            self._handler_wakes.notify_all()
        if self._threads:
            self._threads[0].join(_CLOSING_SECONDS)

    def failure(self) -> WorkerError | None:
        """Misconfigured once pulling has ended by itself. A file that is locked or a full disk is tried for ever."""
        return self._failure

    def silence(self) -> float:
        """Seconds since the file last answered; 0 while paused."""
        return 0.0 if self._paused else time.monotonic() - self._sign_of_life

    # --- the handlers' threads ---

    def _handle(self, handler: Handler) -> None:
        while lease := self._next():
            delivery = LocalDelivery(lease, self._settle)
            try:
                handler(delivery)
            except Exception:  # noqa: BLE001 -- whatever it was, this thread goes on, and the message goes back
                _log.exception("the handler of message %s raised; the message comes again", lease.message.id)
            delivery.nack()  # no effect where the handler settled, as it should

    def _next(self) -> Lease | None:
        with self._lock:
            self._handler_wakes.wait_for(lambda: self._ready or self._stopping)
            if not self._ready:
                return None
            lease = self._ready.popleft()
            self._in_hand.add(lease)
            return lease

    def _settle(self, lease: Lease, fate: _Fate) -> None:
        with self._lock:
            if lease not in self._in_hand:
                return  # cut off by `stop`
            self._in_hand.remove(lease)
            self._settled.append((lease, fate))
            self._broker_wakes.notify()
            if not self._in_hand:
                self._hands_empty.notify_all()

    def _hold(self) -> None:
        """Give back what no handler has seen. Called with the lock held."""
        self._paused = True
        self._settled += [(lease, _Fate.UNUSED) for lease in self._ready]
        self._ready.clear()
        self._broker_wakes.notify()

    # --- the broker's thread ---

    def _broker(self, file: QueueFile) -> None:
        pause, last = _SHORTEST_POLL, False
        with closing(file):
            while not last and not self._failure:
                last = self._rest(pause)
                pause = self._turn(file, pause)

    def _rest(self, pause: float) -> bool:
        """Wait until there is something to settle, at most that long. True: the next turn is the last."""
        failing = pause > _LONGEST_POLL  # then settlements wait as well
        with self._lock:
            self._broker_wakes.wait_for(lambda: self._stopping or (self._settled and not failing), pause)
            return self._stopping

    def _turn(self, file: QueueFile, pause: float) -> float:
        """One exchange with the file; returns the pause after it."""
        try:
            busy = self._exchange(file)
        except Misconfigured as error:
            self._failure = error
            return pause
        except WorkerError as error:
            _log.warning("the queue does not answer: %s", error)
            return _RETRY_SECONDS
        self._sign_of_life = time.monotonic()
        return _SHORTEST_POLL if busy else min(_LONGEST_POLL, pause * 2)

    def _exchange(self, file: QueueFile) -> bool:
        """Settle, extend and lease in one transaction. False where there was nothing to do."""
        now = time.monotonic()
        until = now + self._ack_deadline
        with self._lock:
            settled, self._settled = self._settled, []
            held = [*self._in_hand, *self._ready] if now >= self._extend_at else []
            room = 0 if self._paused else 2 * self._concurrency - len(self._in_hand) - len(self._ready)
        try:
            if not settled and not held and not (room and file.any_due(now)):
                return False
            with file.transaction():
                self._write_down(file, settled, now)
                file.extend(held, until)
                leases = self._without_worn(file, self._leased(file, room, now, until)) if room else []
        except WorkerError:
            with self._lock:
                self._settled = settled + self._settled
            raise
        if held:
            self._extend_at = now + self._ack_deadline / 3
        self._hand_out(leases)
        return True

    def _leased(self, file: QueueFile, room: int, now: float, until: float) -> list[Lease]:
        """At most `room` messages, and of suspects one at a time: what kills its handler takes no other along twice."""
        with self._lock:
            suspected = any(lease.suspect for lease in (*self._in_hand, *self._ready))
        suspects = [] if suspected else file.lease(1, now, until, suspect=True)
        return suspects + file.lease(room - len(suspects), now, until)

    def _write_down(self, file: QueueFile, settled: Sequence[tuple[Lease, _Fate]], now: float) -> None:
        of: dict[_Fate, list[Lease]] = {fate: [] for fate in _Fate}
        for lease, fate in settled:
            of[fate].append(lease)
        file.forget(of[_Fate.DONE])
        file.free([(lease, 0.0) for lease in of[_Fate.UNUSED]], counted=False)
        file.free([(lease, 0.0) for lease in of[_Fate.CUT_OFF]])
        worn = [lease for lease in of[_Fate.AGAIN] if lease.attempt >= self._max_attempts]
        again = [lease for lease in of[_Fate.AGAIN] if lease.attempt < self._max_attempts]
        file.free([(lease, now + self._backoff(lease.attempt)) for lease in again])
        file.bury([(lease, lease.attempt) for lease in worn])

    def _without_worn(self, file: QueueFile, leases: list[Lease]) -> list[Lease]:
        """Bury what was delivered too often without ever being settled: it kills who handles it."""
        worn = [lease for lease in leases if lease.attempt > self._max_attempts]
        file.bury([(lease, lease.attempt - 1) for lease in worn])
        return [lease for lease in leases if lease.attempt <= self._max_attempts]

    def _backoff(self, attempt: int) -> float:
        return min(self._max_backoff, self._min_backoff * 2.0 ** min(attempt - 1, 32))

    def _hand_out(self, leases: Sequence[Lease]) -> None:
        with self._lock:
            self._ready += leases
            if self._paused:
                self._hold()
            self._handler_wakes.notify(len(leases))


class LocalPublisher:
    """Appends to the queue at `path`, which it makes if need be. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._file = QueueFile(path, durable=True, create=True)
        self._lock = threading.Lock()

    def publish(self, messages: Iterable[Message]) -> int:
        """Return once all are on disk. Where it raises, some of a long run may be, and would come twice."""
        count, rest = 0, iter(messages)
        while batch := list(islice(rest, _PUBLISH_BATCH)):
            with self._lock, self._file.transaction():
                self._file.add(batch)
            count += len(batch)
        return count

    def close(self) -> None:
        """Free everything."""
        with self._lock:
            self._file.close()


class LocalDeadLetters:
    """The dead letters of the queue at `path`. Leased for ten minutes; a nacked one comes again a second later."""

    def __init__(self, path: Path) -> None:
        self._file = QueueFile(path)
        self._lock = threading.Lock()

    def pull(self, limit: int) -> Sequence[Delivery]:
        """At most `limit` dead letters, the oldest first."""
        now = time.monotonic()
        with self._lock, self._file.transaction():
            until = now + _DEAD_LETTER_LEASE
            leases = self._file.lease(limit, now, until, dead=True)
            leases += self._file.lease(limit - len(leases), now, until, dead=True, suspect=True)
        return [LocalDelivery(lease, self._settle) for lease in leases]

    def close(self) -> None:
        """Free everything."""
        with self._lock:
            self._file.close()

    def _settle(self, lease: Lease, fate: _Fate) -> None:
        try:
            with self._lock, self._file.transaction():
                if fate is _Fate.DONE:
                    self._file.forget([lease])
                else:
                    self._file.free([(lease, time.monotonic() + _DEAD_LETTER_BACKOFF)])
        except WorkerError as error:  # its lease runs out, and it comes again
            _log.warning("dead letter %s was not settled: %s", lease.message.id, error)


class LocalGauge:
    """The queue at `path`: a ports.Gauge. A queue that nobody made yet is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def backlog(self) -> Backlog:
        """The queue's own counts."""
        if not self._path.exists():
            return Backlog(0, 0, 0)
        stats = queue_stats(self._path)
        return Backlog(stats.waiting, stats.leased, stats.dead, stats.oldest)

    def close(self) -> None:
        """Nothing is kept open."""


def queue_stats(path: Path) -> QueueStats:
    """What is on the queue at `path`. Raises Misconfigured where there is none."""
    with closing(QueueFile(path)) as file:
        return file.stats()
