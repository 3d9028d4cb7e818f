"""A tap on the way to Firestore's emulator: what is asked of it, and how many documents it hands out for that."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.cloud.firestore_v1.types import firestore as calls

_STREAMS = {"RunQuery", "RunAggregationQuery", "BatchGetDocuments"}
_Query, _Queried = calls.RunQueryRequest.pb(), calls.RunQueryResponse.pb()
_Count = calls.RunAggregationQueryRequest.pb()
_Got = calls.BatchGetDocumentsResponse.pb()

Pb = Any


class Tap(grpc.GenericRpcHandler):
    """Hands calls through as they are, and remembers: queries, those that count included, and `read` documents."""

    def __init__(self, emulator: str) -> None:
        self._channel = grpc.insecure_channel(emulator, options=[("grpc.max_receive_message_length", -1)])
        self.forget()

    def forget(self) -> None:
        """Remember nothing of what was before."""
        self.queries: list[Pb] = []
        self.counts: list[Pb] = []
        self.read = 0

    def of(self, collection: str) -> list[Pb]:
        """The StructuredQueries about a collection, those that count included."""
        return [each for each in (*self.queries, *self.counts) if each.from_[0].collection_id == collection]

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        name = details.method.rpartition("/")[2]
        if name not in _STREAMS:
            call: Pb = self._channel.unary_unary(details.method)
            return grpc.unary_unary_rpc_method_handler(lambda said, context: self._one(call, said, context))
        stream: Pb = self._channel.unary_stream(details.method)
        return grpc.unary_stream_rpc_method_handler(lambda said, context: self._many(stream, name, said, context))

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def _one(self, call: Any, said: bytes, context: grpc.ServicerContext) -> Any:
        try:
            return call(said, metadata=_passed_on(context), timeout=60)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details() or "")

    def _many(self, stream: Any, name: str, said: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        if name == "RunQuery":
            self.queries.append(_Query.FromString(said).structured_query)
        elif name == "RunAggregationQuery":
            self.counts.append(_Count.FromString(said).structured_aggregation_query.structured_query)
        try:
            for reply in stream(said, metadata=_passed_on(context), timeout=60):
                self.read += _documents(name, reply)
                yield reply
        except grpc.RpcError as error:
            context.abort(error.code(), error.details() or "")


def _documents(name: str, reply: bytes) -> int:
    if name == "RunQuery":
        return int(_Queried.FromString(reply).HasField("document"))
    return int(name == "BatchGetDocuments" and _Got.FromString(reply).HasField("found"))


def _passed_on(context: grpc.ServicerContext) -> tuple[tuple[str, str | bytes], ...]:
    return tuple((key, value) for key, value in context.invocation_metadata() if key != "user-agent")


@contextmanager
def tapped(emulator: str) -> Iterator[tuple[str, Tap]]:
    """The address to be used instead of the emulator's, and the tap."""
    tap = Tap(emulator)
    server = grpc.server(ThreadPoolExecutor(16), handlers=[tap])
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield address, tap
    finally:
        server.stop(None).wait()
        tap.close()
