"""A Firestore that writes: BatchWrite and Commit with preconditions on existence, reads and queries by name."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.types import firestore as calls

_Document = types.Document.pb()
_BatchWriteRequest, _BatchWriteResponse = calls.BatchWriteRequest.pb(), calls.BatchWriteResponse.pb()
_CommitRequest, _CommitResponse = calls.CommitRequest.pb(), calls.CommitResponse.pb()
_GetRequest, _GetResponse = calls.BatchGetDocumentsRequest.pb(), calls.BatchGetDocumentsResponse.pb()
_QueryRequest, _QueryResponse = calls.RunQueryRequest.pb(), calls.RunQueryResponse.pb()
_SERVICE = "google.firestore.v1.Firestore"

Pb = Any
"""A raw protobuf message; its class is made at run time."""


class FirestoreServer:
    """Serialised documents by name. Every call is answered `round_trip` seconds late."""

    def __init__(self, round_trip: float) -> None:
        self._round_trip = round_trip
        self._documents: dict[str, bytes] = {}
        self._updates = 0

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods of `google.firestore.v1.Firestore` that a writer calls."""
        return grpc.method_handlers_generic_handler(
            _SERVICE,
            {
                "BatchWrite": grpc.unary_unary_rpc_method_handler(
                    self._batch_write, _BatchWriteRequest.FromString, _BatchWriteResponse.SerializeToString
                ),
                "Commit": grpc.unary_unary_rpc_method_handler(
                    self._commit, _CommitRequest.FromString, _CommitResponse.SerializeToString
                ),
                "RunQuery": grpc.unary_stream_rpc_method_handler(
                    self._query, _QueryRequest.FromString, _QueryResponse.SerializeToString
                ),
                "BatchGetDocuments": grpc.unary_stream_rpc_method_handler(
                    self._get, _GetRequest.FromString, _GetResponse.SerializeToString
                ),
            },
        )

    def forget(self) -> list[bytes]:
        """Hand over all documents, serialised, and keep none."""
        documents, self._documents = list(self._documents.values()), {}
        return documents

    async def _batch_write(self, request: Pb, _: grpc.aio.ServicerContext[Pb, Pb]) -> Pb:
        await asyncio.sleep(self._round_trip)
        response = _BatchWriteResponse()
        for write in request.writes:
            code = self._write(write, response.write_results.add())
            response.status.add(code=code.value[0], message="" if code is grpc.StatusCode.OK else code.name)
        return response

    async def _commit(self, request: Pb, context: grpc.aio.ServicerContext[Pb, Pb]) -> Pb:
        await asyncio.sleep(self._round_trip)
        response = _CommitResponse()
        for write in request.writes:
            code = self._write(write, response.write_results.add())
            if code is not grpc.StatusCode.OK:
                await context.abort(code)
        self._stamp(response.commit_time)
        return response

    async def _get(self, request: Pb, _: grpc.aio.ServicerContext[Pb, Pb]) -> AsyncIterator[Pb]:
        await asyncio.sleep(self._round_trip)
        for name in request.documents:
            stored = self._documents.get(name)
            yield _GetResponse(missing=name) if stored is None else _GetResponse(found=_Document.FromString(stored))

    async def _query(self, request: Pb, _: grpc.aio.ServicerContext[Pb, Pb]) -> AsyncIterator[Pb]:
        await asyncio.sleep(self._round_trip)
        for value in request.structured_query.where.field_filter.value.array_value.values:
            stored = self._documents.get(value.reference_value)
            if stored is not None:
                yield _QueryResponse(document=_Document.FromString(stored))
        response = _QueryResponse()
        self._stamp(response.read_time)
        yield response

    def _write(self, write: Pb, result: Pb) -> grpc.StatusCode:
        name = write.update.name
        if write.current_document.HasField("exists") and write.current_document.exists is not (name in self._documents):
            return (
                grpc.StatusCode.FAILED_PRECONDITION if name not in self._documents else grpc.StatusCode.ALREADY_EXISTS
            )
        self._stamp(result.update_time)
        write.update.update_time.CopyFrom(result.update_time)
        self._documents[name] = write.update.SerializeToString()
        return grpc.StatusCode.OK

    def _stamp(self, target: Pb) -> None:
        self._updates += 1
        target.seconds, target.nanos = 1_800_000_000 + self._updates // 1000, self._updates % 1000 * 1_000_000
