"""The queue in Pub/Sub: a streaming pull that is looked after, a publisher, and the dead letters.

The client library's streams may end, or fall silent for good and raise nothing (docs/delivery.md), so a thread looks
after the stream in use: one that ended is opened again, one that is dead is replaced by another on a new channel.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC

from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1.subscriber.message import (  # type: ignore[import-untyped] # has no types
    Message as PulledMessage,
)
from google.pubsub_v1 import types
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from worker.backends.gcp.channel import open_pubsub
from worker.backends.gcp.errors import FOREIGN, translate, translated
from worker.backends.gcp.lanes import Pool
from worker.backends.gcp.stream import CLOSE_SECONDS, Stream
from worker.errors import Misconfigured, Transient, WorkerError
from worker.model import Message
from worker.ports import Delivery, Handler

LEASE_SECONDS = 60
PATIENCE_SECONDS = 90.0
GIVE_UP_SECONDS = 600.0
"""After that long without a sign of life `failure` speaks of it; the stream is opened again and again all the same."""
PUBLISH_MESSAGES = 500
PUBLISH_BYTES = 5_000_000
"""Half of what one request may hold."""

_LONGEST_PAUSE = 30.0
_REFRESH = 10
_PULL_SECONDS = 5.0
_PING_SECONDS = 10.0
_PUBLISH_RETRY = Retry(
    predicate=if_exception_type(
        google_errors.Aborted,
        google_errors.DeadlineExceeded,
        google_errors.InternalServerError,
        google_errors.ResourceExhausted,
        google_errors.ServiceUnavailable,
        google_errors.Unknown,
    ),
    initial=0.1,
    maximum=5.0,
    timeout=30.0,
)
_log = logging.getLogger(__name__)


class PubSubSubscription:
    """One subscription, by streaming pull: a ports.Subscription.

    `lease` is the longest, in seconds (10 to 600), that what a killed process held stays away; `patience` is how
    long the queue may give no sign of life before its stream is replaced.
    """

    def __init__(
        self,
        project: str,
        subscription: str,
        concurrency: int,
        *,
        lease: int = LEASE_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._path = f"projects/{project}/subscriptions/{subscription}"
        self._concurrency = concurrency
        self._lease = lease
        self._patience = patience
        self._pool = Pool(concurrency)
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._retired: list[threading.Thread] = []
        self._paused = False
        self._halt = threading.Event()
        self._wake = threading.Event()
        self._final: Misconfigured | None = None
        self._problem: WorkerError | None = None
        self._last_sign = self._last_message = time.monotonic()

    def start(self, handler: Handler) -> None:
        """Open a stream and ask once whether the subscription is there."""
        self._handler = handler
        self._stream = stream = self._open()
        try:
            self._ask(stream)
        except Misconfigured:
            self.stop(0)
            raise
        except Transient as error:
            _log.warning("the queue does not answer yet: %s", error)
        self._watcher = threading.Thread(target=self._watch, name="subscription-watch", daemon=True)
        self._watcher.start()

    def pause(self) -> None:
        """Close the stream behind the scenes; its handlers finish and settle."""
        with self._lock:
            self._paused = True
            self._retire()

    def resume(self) -> None:
        """Have a new stream opened."""
        with self._lock:
            self._paused = False
            self._last_sign = self._last_message = time.monotonic()
        self._wake.set()

    def stop(self, grace: float) -> None:
        """Start nothing more from this moment on; wait for the handlers; close every channel."""
        deadline = time.monotonic() + grace + CLOSE_SECONDS + 0.5
        self._halt.set()
        self._wake.set()
        with self._lock:
            self._retire()
            self._pool.close(grace)
        for closing in self._retired:
            closing.join(max(0.0, deadline - time.monotonic()))

    def failure(self) -> WorkerError | None:
        """What ended the pulling for good, or what has kept it from working for long and may pass yet."""
        return self._final or (self._problem if self.silence() > GIVE_UP_SECONDS else None)

    def silence(self) -> float:
        """An answer to any call on the stream's channel is a sign of life, for an empty queue sends nothing."""
        return 0.0 if self._paused or self._halt.is_set() else time.monotonic() - self._last_sign

    def _handle(self, pulled: PulledMessage) -> None:
        self._last_sign = self._last_message = time.monotonic()
        delivery = _StreamDelivery(pulled)
        try:
            self._handler(delivery)
        except Exception:  # noqa: BLE001 -- whatever it is, the library must not take it for the stream's end
            _log.exception("a handler raised; its message is given back")
        delivery.nack()  # without effect unless the handler has not settled

    def _watch(self) -> None:
        failures, failed_at = 0, time.monotonic()
        while not self._halt.is_set():
            try:
                self._look_after()
            except Misconfigured as error:
                self._final = error
                return
            except WorkerError as error:
                self._problem = error
                failures = failures + 1 if self._last_sign < failed_at else 1
                failed_at = time.monotonic()
                _log.warning("the stream is opened again: %s", error)
                self._halt.wait(random.uniform(0, min(_LONGEST_PAUSE, 0.25 * 2**failures)))  # noqa: S311 -- jitter
            else:
                self._wake.wait(self._patience / 3)
                self._wake.clear()

    def _look_after(self) -> None:
        """Have a live stream, unless paused. Raises why the one there was had to go."""
        with self._lock:
            if self._paused or self._halt.is_set():
                return
            if self._stream is None:
                self._stream = self._open()
            stream = self._stream
        try:
            self._examine(stream)
        except WorkerError:
            if self._replaces(stream):
                raise
            return
        if time.monotonic() - self._last_message > _REFRESH * self._patience and self._replaces(stream):
            # The library's own reader can die unnoticed (docs/delivery.md); on an empty queue this costs nothing.
            _log.info("no message for long: a new stream tells an empty queue from a deaf one")
            self._last_message = time.monotonic()
            self._wake.set()

    def _replaces(self, stream: Stream) -> bool:
        """Let a stream go, unless it was let go meanwhile."""
        with self._lock:
            if self._stream is not stream:
                return False
            self._retire()
            return True

    def _examine(self, stream: Stream) -> None:
        if stream.ended.is_set():
            raise _reason(stream.error())
        if self.silence() < self._patience / 3:
            return
        try:
            self._ask(stream)
        except Transient as error:
            if self.silence() > self._patience:
                raise Transient(f"no sign of life for {self.silence():.0f} s: {error}") from error

    def _ask(self, stream: Stream) -> None:
        try:
            with translated(Transient):
                stream.ping(min(_PING_SECONDS, self._patience / 3))
        except ValueError as error:  # gRPC's word for a channel that was closed meanwhile
            raise Transient("the stream was closed") from error
        self._last_sign = time.monotonic()

    def _open(self) -> Stream:
        stream = Stream(self._path, self._pool, self._concurrency, self._lease, self._handle)
        stream.on_end(self._wake.set)
        return stream

    def _retire(self) -> None:
        """Let the stream in use go: it starts no more handlers, and is closed when the last of them is done."""
        if self._stream is None:
            return
        self._stream.release()
        closing = threading.Thread(target=self._stream.close, daemon=True)
        closing.start()
        self._retired = [*(thread for thread in self._retired if thread.is_alive()), closing]
        self._stream = None


class _StreamDelivery:
    """One message of a stream: a ports.Delivery."""

    def __init__(self, pulled: PulledMessage) -> None:
        self._pulled = pulled
        self._settled = False
        self.message = Message(pulled.message_id, dict(pulled.attributes), pulled.data, pulled.publish_time)
        self.attempt: int = pulled.delivery_attempt or 0

    def ack(self) -> None:
        """Hand the ack to the stream's dispatcher."""
        self._settle(self._pulled.ack)

    def nack(self) -> None:
        """Hand the nack to the stream's dispatcher."""
        self._settle(self._pulled.nack)

    def _settle(self, how: Callable[[], None]) -> None:
        if not self._settled:
            self._settled = True
            how()


class PubSubPublisher:
    """Publishes to one topic: a ports.Publisher. One request after the other, each a batch."""

    def __init__(self, project: str, topic: str) -> None:
        self._topic = f"projects/{project}/topics/{topic}"
        self._client = PublisherClient(transport=PublisherGrpcTransport(channel=open_pubsub()))

    def publish(self, messages: Iterable[Message]) -> int:
        """Return once the last batch is confirmed. Those before a batch that fails are published."""
        count = 0
        for batch in _batches(messages):
            with translated(Transient):
                self._client.publish(topic=self._topic, messages=batch, retry=_PUBLISH_RETRY, timeout=15.0)
            count += len(batch)
        return count

    def close(self) -> None:
        """Close the channel."""
        self._client.transport.close()  # type: ignore[no-untyped-call] # has no types


class PubSubDeadLetters:
    """The subscription on the dead-letter topic: a ports.DeadLetters, by unary pull."""

    def __init__(self, project: str, subscription: str) -> None:
        self._path = f"projects/{project}/subscriptions/{subscription}"
        self._client = SubscriberClient(transport=SubscriberGrpcTransport(channel=open_pubsub()))

    def pull(self, limit: int) -> Sequence[Delivery]:
        """One pull, which may bring fewer than there are; none where there is none for some seconds."""
        try:
            reply = self._client.pull(subscription=self._path, max_messages=limit, retry=None, timeout=_PULL_SECONDS)
        except google_errors.DeadlineExceeded:
            return []
        except FOREIGN as error:
            raise translate(error, Transient) from error
        return [_PulledDelivery(self._client, self._path, received) for received in reply.received_messages]

    def close(self) -> None:
        """Close the channel."""
        self._client.transport.close()  # type: ignore[no-untyped-call] # has no types


class _PulledDelivery:
    """One message of a unary pull: a ports.Delivery."""

    def __init__(self, client: SubscriberClient, path: str, received: types.ReceivedMessage) -> None:
        self._client = client
        self._path = path
        self._ack_id = received.ack_id
        message = types.ReceivedMessage.pb(received).message
        published = message.publish_time.ToDatetime(tzinfo=UTC)
        self.message = Message(message.message_id, dict(message.attributes), message.data, published)
        self.attempt: int = received.delivery_attempt or 1

    def ack(self) -> None:
        """One call; if it fails, the message comes again."""
        with suppress(*FOREIGN):
            self._client.acknowledge(subscription=self._path, ack_ids=[self._ack_id])

    def nack(self) -> None:
        """One call; if it fails, the message comes again all the same, later."""
        with suppress(*FOREIGN):
            self._client.modify_ack_deadline(subscription=self._path, ack_ids=[self._ack_id], ack_deadline_seconds=0)


def _batches(messages: Iterable[Message]) -> Iterator[list[types.PubsubMessage]]:
    batch: list[types.PubsubMessage] = []
    size = 0
    for message in messages:
        encoded = types.PubsubMessage(data=message.data, attributes=dict(message.attributes))
        size += types.PubsubMessage.pb(encoded).ByteSize()
        if batch and (size > PUBLISH_BYTES or len(batch) == PUBLISH_MESSAGES):
            yield batch
            batch, size = [], types.PubsubMessage.pb(encoded).ByteSize()
        batch.append(encoded)
    if batch:
        yield batch


def _reason(error: BaseException | None) -> WorkerError:
    """Why a stream ended. What is no fault of the moment will not mend itself, whatever the code."""
    if error is None:
        return Transient("the stream ended")
    known = translate(error, Transient)
    return known if isinstance(known, Transient) else Misconfigured(str(known))
