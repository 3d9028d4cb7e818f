"""One streaming pull on a channel of its own, from open to close."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress

from google.api_core import exceptions as google_errors
from google.cloud.pubsub_v1 import SubscriberClient  # type: ignore[import-untyped] # has no types
from google.cloud.pubsub_v1.subscriber.message import Message  # type: ignore[import-untyped] # has no types
from google.cloud.pubsub_v1.types import FlowControl  # type: ignore[import-untyped] # has no types
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from worker.backends.gcp.channel import open_pubsub
from worker.backends.gcp.errors import FOREIGN
from worker.backends.gcp.lanes import Lane, Pool

CLOSE_SECONDS = 3.0
"""What the client library may take to wind up its threads after the last handler."""


class Stream:
    """Deliveries of one subscription into a lane of the pool, until it ends or is closed.

    `lease` pins the extension of leases (seconds, 10 to 600): long enough to survive a stall of the CPU, short
    enough that what a killed process held comes back soon. Twice as many messages as there are threads are pulled,
    for a message counts until its ack is on its way: with fewer, threads starve meanwhile (docs/performance.md).
    """

    def __init__(self, path: str, pool: Pool, concurrency: int, lease: int, handle: Callable[[Message], None]) -> None:
        self.ended = threading.Event()
        self._path = path
        self._pool = pool
        self._lane = Lane(pool, self._held)
        self._client = SubscriberClient(transport=SubscriberGrpcTransport(channel=open_pubsub()))
        self._future = self._client.subscribe(
            path,
            handle,
            flow_control=FlowControl(
                max_messages=2 * concurrency,
                min_duration_per_lease_extension=lease,
                max_duration_per_lease_extension=lease,
            ),
            scheduler=self._lane,
            await_callbacks_on_shutdown=True,  # else the acks of running handlers are never sent
        )
        self._future.add_done_callback(lambda _: self.ended.set())

    def on_end(self, call: Callable[[], None]) -> None:
        """Have `call` called when the stream has ended by itself or was closed; at once if it has."""
        self._future.add_done_callback(lambda _: call())

    def error(self) -> BaseException | None:
        """Why the stream has ended by itself; None while it runs, or where it was closed."""
        return self._future.exception() if self._future.done() else None

    def ping(self, timeout: float) -> None:
        """Ask for something that changes nothing; raises the server's answer only where it is a real fault.

        An empty queue sends nothing, so silence alone does not tell whether the channel is alive. The call needs
        no permission beyond that to pull.
        """
        with suppress(google_errors.InvalidArgument, google_errors.ResourceExhausted):
            self._client.modify_ack_deadline(
                subscription=self._path, ack_ids=["nobody"], ack_deadline_seconds=10, retry=None, timeout=timeout
            )

    def release(self) -> None:
        """Start no more handlers, at once; what waits is given back when the stream is closed."""
        self._lane.close()

    def close(self) -> None:
        """Wait for the handlers as long as the pool does, settle, give back the rest, close the channel.

        On a dead channel the last acks would wait for a minute; then closing it is what ends the library's threads.
        """
        self.release()
        self._future.cancel()
        self._pool.finish(self._lane)
        with suppress(FutureTimeoutError, *FOREIGN):
            self._future.result(timeout=CLOSE_SECONDS)
        self._client.close()

    def _held(self) -> Iterator[Message]:
        """What the library received beyond its limit. By itself it would keep it until the last handler is done."""
        with suppress(AttributeError):  # a private part: were it renamed, those messages would only come back later
            held = self._future._StreamingPullFuture__manager._messages_on_hold
            while (message := held.get()) is not None:
                yield message


def drop_locally_cancelled(record: logging.LogRecord) -> bool:
    """Logging filter: the library reports its own cancelling of a stream as an error, on every orderly stop."""
    cancelled = "Locally cancelled by application"
    return cancelled not in record.getMessage() and cancelled not in str(record.exc_info and record.exc_info[1])


for _name in ("google.api_core.bidi", "google.cloud.pubsub_v1.subscriber._protocol.streaming_pull_manager"):
    logging.getLogger(_name).addFilter(drop_locally_cancelled)
