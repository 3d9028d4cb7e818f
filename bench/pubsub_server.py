"""A Pub/Sub subscription that delivers: StreamingPull with flow control, acknowledgements, leases given back.

What the official subscriber needs and no more: no expiry of leases, for nobody is late here; a stream that ends gives
back what it held.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

_MESSAGES_PER_RESPONSE = 100
_PullRequest, _PullResponse = types.StreamingPullRequest.pb(), types.StreamingPullResponse.pb()

Pb = Any
"""A raw protobuf message; its class is made at run time."""


class _Stream:
    """One StreamingPull: how many more messages it may hold, and what wakes it."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.wake = asyncio.Event()


class PubSubServer:
    """One subscription. An acknowledgement takes effect, and is answered, `round_trip` seconds after it came."""

    def __init__(self, round_trip: float) -> None:
        self._round_trip = round_trip
        self._waiting: deque[tuple[Pb, int]] = deque()
        self._held: dict[str, tuple[_Stream, Pb, int]] = {}
        self._streams: set[_Stream] = set()
        self._delivered = 0
        self._unacked: set[str] = set()
        self._all_acked = asyncio.Event()

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods of `google.pubsub.v1.Subscriber`."""
        acknowledge, modify = types.AcknowledgeRequest.pb(), types.ModifyAckDeadlineRequest.pb()
        return grpc.method_handlers_generic_handler(
            "google.pubsub.v1.Subscriber",
            {
                "StreamingPull": grpc.stream_stream_rpc_method_handler(
                    self._pull, _PullRequest.FromString, _PullResponse.SerializeToString
                ),
                "Acknowledge": grpc.unary_unary_rpc_method_handler(
                    self._acknowledge, acknowledge.FromString, Empty.SerializeToString
                ),
                "ModifyAckDeadline": grpc.unary_unary_rpc_method_handler(
                    self._modify, modify.FromString, Empty.SerializeToString
                ),
            },
        )

    def publish(self, messages: Sequence[Pb]) -> None:
        """Queue PubsubMessages with ids of their own."""
        self._unacked |= {message.message_id for message in messages}
        self._all_acked.clear()
        self._waiting.extend((message, 1) for message in messages)
        self._wake_all()

    async def all_acked(self) -> None:
        """Return when every message that was published is acknowledged."""
        await self._all_acked.wait()

    async def _pull(self, requests: AsyncIterator[Pb], _: grpc.aio.ServicerContext[Pb, Pb]) -> AsyncIterator[Pb]:
        first = await anext(requests)
        stream = _Stream(first.max_outstanding_messages or 1000)
        self._streams.add(stream)
        try:
            while True:
                while self._waiting and stream.room > 0:
                    yield self._deliver(stream)
                stream.wake.clear()
                await stream.wake.wait()
        finally:
            self._streams.discard(stream)
            self._give_back([ack_id for ack_id, (holder, *_) in self._held.items() if holder is stream])

    def _deliver(self, stream: _Stream) -> Pb:
        response = _PullResponse()
        while self._waiting and stream.room > 0 and len(response.received_messages) < _MESSAGES_PER_RESPONSE:
            message, attempt = self._waiting.popleft()
            self._delivered += 1
            ack_id = f"ack-{self._delivered:0160d}"  # as long as a real one
            self._held[ack_id] = (stream, message, attempt)
            stream.room -= 1
            response.received_messages.add(ack_id=ack_id, message=message, delivery_attempt=attempt)
        return response

    async def _acknowledge(self, request: Pb, _: grpc.aio.ServicerContext[Pb, Pb]) -> Empty:
        await asyncio.sleep(self._round_trip)
        for ack_id in request.ack_ids:
            if ack_id in self._held:
                stream, message, _attempt = self._held.pop(ack_id)
                stream.room += 1
                stream.wake.set()
                self._unacked.discard(message.message_id)
        if not self._unacked:
            self._all_acked.set()
        return Empty()

    async def _modify(self, request: Pb, _: grpc.aio.ServicerContext[Pb, Pb]) -> Empty:
        await asyncio.sleep(self._round_trip)
        if request.ack_deadline_seconds == 0:
            self._give_back([ack_id for ack_id in request.ack_ids if ack_id in self._held])
        return Empty()

    def _give_back(self, ack_ids: Sequence[str]) -> None:
        for ack_id in ack_ids:
            stream, message, attempt = self._held.pop(ack_id)
            stream.room += 1
            self._waiting.append((message, attempt + 1))
        self._wake_all()

    def _wake_all(self) -> None:
        for stream in self._streams:
            stream.wake.set()
