"""The queue, as the worker has it."""

from collections.abc import Callable, Iterable
from typing import Protocol

from worker.errors import WorkerError
from worker.model import Message


class Delivery(Protocol):
    """One attempt at a message. Exactly one of `ack` and `nack` is called, once, by `Worker` and nobody else.

    (Dead letters are settled by who drains them.)
    """

    @property
    def message(self) -> Message:
        """The message."""

    @property
    def attempt(self) -> int:
        """1 for the first delivery, 0 each time where the queue does not count; it may be approximate."""

    def ack(self) -> None:
        """Settle for good. Does not raise; if it is lost, the message comes again."""

    def nack(self) -> None:
        """Give back, for redelivery after the queue's own back-off. Does not raise."""


Handler = Callable[[Delivery], None]


class Subscription(Protocol):
    """A source of deliveries. One per process.

    The handler is called from several threads at once, at most `concurrency` (a matter of construction), and
    returns when its delivery is settled. A handler that raises is a bug; the delivery is then given back.
    """

    def start(self, handler: Handler) -> None:
        """Begin to pull and return at once. Raises Misconfigured where the subscription does not exist."""

    def pause(self) -> None:
        """Pull no more until `resume`; what is in hand is finished, what waits unhandled is given back."""

    def resume(self) -> None:
        """Pull again after `pause`."""

    def stop(self, grace: float) -> None:
        """Pull no more, wait up to `grace` seconds for the handlers, give back the rest, free everything."""

    def failure(self) -> WorkerError | None:
        """Why pulling has ended by itself, or None. Misconfigured is final; a Transient was retried in vain."""

    def silence(self) -> float:
        """Seconds since the queue last gave a sign of life, a message or not. 0 while paused."""


class Publisher(Protocol):
    """Puts messages on the queue that the worker reads."""

    def publish(self, messages: Iterable[Message]) -> int:
        """Return the number of messages once all are durable; raise a WorkerError otherwise. Ids are the queue's."""

    def close(self) -> None:
        """Free everything."""
