"""The threads that handle deliveries: one pool for the life of a subscription, one lane in it per stream.

The client library's own scheduler starts a pool per stream, cannot stop what it has queued without touching another
library's private parts, and waits for a handler that hangs for as long as it hangs.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from google.cloud.pubsub_v1.subscriber.message import Message  # type: ignore[import-untyped] # has no types
from google.cloud.pubsub_v1.subscriber.scheduler import Scheduler  # type: ignore[import-untyped] # has no types

_Task = Callable[[Message], object]


class Pool:
    """`concurrency` threads, which is how many handlers run at once whatever becomes of the streams.

    They are daemons: a handler that hangs cannot keep the process alive.
    """

    def __init__(self, concurrency: int) -> None:
        lock = threading.Lock()
        self._work = threading.Condition(lock)
        """For the threads: something waits, or the end. A free thread must not wake for every message that is done."""
        self._done = threading.Condition(lock)
        """For who waits for a lane to be finished."""
        self._waiting: deque[tuple[Lane, _Task, Message]] = deque()
        self._in_hand: dict[Message, Lane] = {}
        self._until = float("inf")
        for number in range(concurrency):
            threading.Thread(target=self._run, name=f"delivery-{number}", daemon=True).start()

    def put(self, lane: "Lane", task: _Task, message: Message) -> None:
        """Queue a message for the next free thread."""
        with self._work:
            self._waiting.append((lane, task, message))
            self._work.notify()

    def withdraw(self, lane: "Lane") -> list[Message]:
        """Take back what waits in a lane."""
        with self._work:
            mine = [message for owner, _, message in self._waiting if owner is lane]
            self._waiting = deque(item for item in self._waiting if item[0] is not lane)
            return mine

    def finish(self, lane: "Lane") -> list[Message]:
        """Wait until nothing of a lane is in hand, or until the last moment; return what still is."""
        with self._done:
            while lane in self._in_hand.values() and (left := self._until - time.monotonic()) > 0:
                self._done.wait(min(left, threading.TIMEOUT_MAX))
            return [message for message, owner in self._in_hand.items() if owner is lane]

    def close(self, grace: float) -> None:
        """The last moment is in `grace` seconds, for all lanes; idle threads end."""
        with self._work:
            self._until = time.monotonic() + grace
            self._work.notify_all()
            self._done.notify_all()

    def _run(self) -> None:
        while (work := self._take()) is not None:
            _, task, message = work
            try:
                task(message)
            finally:
                with self._done:
                    del self._in_hand[message]
                    self._done.notify_all()

    def _take(self) -> "tuple[Lane, _Task, Message] | None":
        with self._work:
            self._work.wait_for(lambda: self._waiting or self._until < float("inf"))
            if not self._waiting:
                return None
            work = self._waiting.popleft()
            self._in_hand[work[2]] = work[0]
            return work


class Lane(Scheduler):  # type: ignore[misc] # the library has no types
    """One stream's share of the pool. Once closed it starts nothing, and gives back what waits at once.

    `held` hands over the messages that the stream holds back by itself.
    """

    def __init__(self, pool: Pool, held: Callable[[], Iterable[Message]]) -> None:
        self._pool = pool
        self._held = held
        self._queue: queue.Queue[Any] = queue.Queue()
        self._lock = threading.Lock()
        self._open = True

    @property
    def queue(self) -> "queue.Queue[Any]":
        """Where messages leave their acks and nacks for the stream's dispatcher."""
        return self._queue

    def schedule(self, callback: Callable[..., object], *args: Message, **_: Any) -> None:
        """Queue a message, or give it back."""
        (message,) = args
        with self._lock:
            if self._open:
                self._pool.put(self, callback, message)
            else:
                message.nack()

    def close(self) -> None:
        """Start no more handlers, from this moment on, and give back what waits for one."""
        with self._lock:
            self._open = False
            for message in self._pool.withdraw(self):
                message.nack()

    def shutdown(self, await_msg_callbacks: bool = False) -> list[Message]:
        """Wait for the handlers; return the messages of those that are late, which the stream then gives back."""
        self.close()
        for message in self._held():
            message.nack()
        return self._pool.finish(self) if await_msg_callbacks else []
