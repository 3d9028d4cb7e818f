"""Faults for tests: a Firestore that fails a third of the writes, and a network that swallows what is sent."""

import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import grpc
from google.cloud.firestore_v1.types import firestore as calls

_BATCH_WRITE = "/google.firestore.v1.Firestore/BatchWrite"
_REQUEST = calls.BatchWriteRequest.pb()
_REPLY = calls.BatchWriteResponse.pb()
_PASSED_ON = ("authorization", "google-cloud-resource-prefix", "x-goog-request-params")
_ABORTED = grpc.StatusCode.ABORTED.value[0]


class FaultyFirestore:
    """A proxy before the Firestore emulator; `address` goes into FIRESTORE_EMULATOR_HOST. A context manager.

    Of all the writes of `BatchWrite`, a share (by default a third) fails in one of three ways, equally often:
    `before`: the call fails with UNAVAILABLE and nothing is applied; `after`: all is applied, and the answer is lost
    (DEADLINE_EXCEEDED); `item`: a part is applied, the other writes are ABORTED. Everything else passes through.
    The same seed and the same sequence of calls give the same faults. `failed` counts writes by way.
    """

    def __init__(self, emulator: str, seed: int = 0, share: float = 1 / 3) -> None:
        self.failed: Counter[str] = Counter()
        self.writes = 0
        self.down = False
        """While it is true, every call but those under way is refused."""
        self._share = share
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._channel = grpc.insecure_channel(emulator, options=[("grpc.max_receive_message_length", -1)])
        self._server = grpc.server(
            ThreadPoolExecutor(32),
            handlers=[_AllMethods(self._handle)],
            options=[("grpc.max_receive_message_length", -1)],
        )
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(None).wait()
        self._channel.close()

    def _handle(self, method: str, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        if self.down:
            context.abort(grpc.StatusCode.UNAVAILABLE, "injected: the store is down")
        metadata = tuple(item for item in context.invocation_metadata() if item[0] in _PASSED_ON)
        forward: grpc.StreamStreamMultiCallable[bytes, bytes] = self._channel.stream_stream(method)
        try:
            if method == _BATCH_WRITE:
                for request in requests:
                    yield self._batch_write(
                        request, lambda data: next(iter(forward(iter([data]), metadata=metadata))), context
                    )
            else:
                yield from forward(requests, metadata=metadata)
        except grpc.RpcError as error:
            call: Any = error  # an error of a call is that call
            context.abort(call.code(), call.details())

    def _batch_write(self, data: bytes, forward: Callable[[bytes], bytes], context: grpc.ServicerContext) -> bytes:
        request = _REQUEST.FromString(data)
        way, kept = self._draw(len(request.writes))
        if way == "before":
            context.abort(grpc.StatusCode.UNAVAILABLE, "injected: nothing was applied")
        if way == "after":
            forward(data)
            context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "injected: all was applied")
        return self._in_part(request, kept, forward)

    def _in_part(self, request: Any, kept: list[bool], forward: Callable[[bytes], bytes]) -> bytes:
        part = _REQUEST(database=request.database)
        part.writes.extend(write for write, keep in zip(request.writes, kept, strict=True) if keep)
        answer = _REPLY.FromString(forward(part.SerializeToString())) if part.writes else _REPLY()
        results, statuses = iter(answer.write_results), iter(answer.status)
        reply = _REPLY()
        for keep in kept:
            result, status = reply.write_results.add(), reply.status.add()
            if keep:
                result.CopyFrom(next(results))
                status.CopyFrom(next(statuses))
            else:
                status.code, status.message = _ABORTED, "injected: this write was not applied"
        return bytes(reply.SerializeToString())

    def _draw(self, count: int) -> tuple[str, list[bool]]:
        """How this call fails, and which writes are kept where it fails in part."""
        with self._lock:
            each = self._share / 3
            way = self._random.choices(("before", "after", "item"), (each, each, 1 - 2 * each))[0]
            kept = [self._random.random() >= each / (1 - 2 * each) for _ in range(count)]
            self.writes += count
            self.failed[way] += kept.count(False) if way == "item" else count
            return way, kept


class _AllMethods(grpc.GenericRpcHandler):
    def __init__(self, handle: Callable[[str, Iterator[bytes], grpc.ServicerContext], Iterator[bytes]]) -> None:
        self._handle = handle

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        # One shape fits all: on the wire, a unary call is a stream of one message.
        return grpc.stream_stream_rpc_method_handler(
            lambda requests, context: self._handle(details.method, requests, context)
        )


class TcpProxy:
    """Passes TCP on to `target` (`host:port`) until `swallow()`: then whatever is sent is lost, and nobody is told.

    `connections` counts those accepted. A context manager.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self._swallowed: set[socket.socket] = set()
        self._open: list[tuple[socket.socket, socket.socket]] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept, which close does not
        self._listener.close()
        for pair in self._open:
            for end in pair:
                end.close()

    def swallow(self) -> None:
        """The connections that are open go dead without a word to the client; new ones are sound.

        As when a router forgets them: the target sees its end closed, the client sends into the void.
        """
        for client, server in self._open:
            self._swallowed.update((client, server))
            with suppress(OSError):  # closed already
                server.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(self._target)
                self._open.append((client, server))
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # one of the ends was closed
            while data := source.recv(65536):
                if source not in self._swallowed:
                    sink.sendall(data)
            if source not in self._swallowed:
                sink.shutdown(socket.SHUT_WR)
