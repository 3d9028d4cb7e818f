"""Documents in Firestore, by raw gRPC: writes as bytes of our own making (wire.py), the rest as raw protobuf.

Google's `BulkWriter` loses batches in silence and its other writers cost thirty times the CPU (docs/delivery.md,
docs/performance.md), so `BatchWrite` is called directly: a status for each write, and no retry that we do not see.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.types import firestore as calls
from google.cloud.firestore_v1.types import query

from worker.backends.gcp import wire
from worker.backends.gcp.channel import open_firestore
from worker.backends.gcp.errors import Code, from_number, translated
from worker.backends.gcp.values import Pb, decode_fields, encode_version, field_path
from worker.errors import Refused, StoreUnavailable, WorkerError
from worker.model import Head, Sidecar, Status, Value
from worker.ports import Conflict, Patch, Replace, Write, WriteResult, key_of

if TYPE_CHECKING:
    import grpc

WRITE_SECONDS = 12.0
"""Longer than any healthy write takes; the batch behind it waits that long when an answer is lost."""
QUERY_SECONDS = 60.0
REQUEST_BYTES = 4_000_000
"""Firestore takes 10 MiB, its emulator 4 MiB."""
PAGE = 300
"""Documents of one query of `scan`."""
QUERY_NAMES = 30
"""The most names that one query may ask for ("Queries: limits on OR queries")."""

_SERVICE = "/google.firestore.v1.Firestore/"
_PROBE = Patch("imagemeta-probe", {}, "1.000000000")
_STATUSES = frozenset(Status)
_HEAD_FIELDS = ("generation", "metageneration", "status", "extractor", "sidecar")
_CONFLICTS = frozenset(code.value[0] for code in (Code.ALREADY_EXISTS, Code.FAILED_PRECONDITION, Code.NOT_FOUND))
_WriteMessage = types.Write.pb()
_BatchWriteRequest = calls.BatchWriteRequest.pb()
_BatchGetRequest = calls.BatchGetDocumentsRequest.pb()
_RunQueryRequest = calls.RunQueryRequest.pb()


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A write as it travels, and the key of its document."""

    key: str
    wire: bytes


class FirestoreDocuments:
    """One collection of one database: a DocumentStore and a DocumentReader. Thread-safe.

    Make it after the process was spawned: gRPC does not survive a fork. Strikes live in the sibling collection
    `<collection>_strikes`.
    """

    def __init__(self, project: str, database: str = "(default)", collection: str = "images") -> None:
        self._database = f"projects/{project}/databases/{database}"
        self._root = f"{self._database}/documents"
        self._collection = collection
        self._documents = f"{self._root}/{collection}/"
        self._strikes = f"{self._root}/{collection}_strikes/"
        self._metadata: tuple[tuple[str, str], ...] = (
            ("google-cloud-resource-prefix", self._database),
            ("x-goog-request-params", f"project_id={project}&database_id={database}"),
        )
        if "FIRESTORE_EMULATOR_HOST" in os.environ:
            self._metadata += (("authorization", "Bearer owner"),)  # it lets nobody else write batches
        self._channel = open_firestore()
        self._batch_write: grpc.UnaryUnaryMultiCallable[bytes, Pb] = self._channel.unary_unary(
            _SERVICE + "BatchWrite",
            request_serializer=None,  # `_answers` has the bytes already, to know their number
            response_deserializer=calls.BatchWriteResponse.pb().FromString,
        )
        self._batch_get = self._channel.unary_stream(
            _SERVICE + "BatchGetDocuments",
            request_serializer=_BatchGetRequest.SerializeToString,
            response_deserializer=calls.BatchGetDocumentsResponse.pb().FromString,
        )
        self._run_query = self._channel.unary_stream(
            _SERVICE + "RunQuery",
            request_serializer=_RunQueryRequest.SerializeToString,
            response_deserializer=calls.RunQueryResponse.pb().FromString,
        )

    # DocumentStore

    def commit(self, writes: Sequence[Write]) -> Sequence[WriteResult]:
        """One BatchWrite, and a status for each write in it."""
        answers: list[WriteResult] = [None] * len(writes)
        sent: list[tuple[int, _Encoded]] = []
        for place, write in enumerate(writes):
            try:
                sent.append((place, self._encode(write)))
            except (TypeError, ValueError) as error:
                answers[place] = _refused(f"{key_of(write)}: {error}", error)
        for (place, _), answer in zip(sent, self._answers([each for _, each in sent]), strict=True):
            answers[place] = answer
        return answers

    def heads(self, keys: Sequence[str]) -> Sequence[Head | None]:
        """Queries by name, at once: a look-up would answer and be billed for each document that is not there, too."""
        names = [self._documents + key for key in keys]
        requests = [self._by_name(batch) for batch in _batches(list(dict.fromkeys(names)), QUERY_NAMES)]
        with translated(StoreUnavailable):
            streams = [self._run_query(request, timeout=WRITE_SECONDS, metadata=self._metadata) for request in requests]
            found = {reply.document.name: reply.document for reply in chain(*streams) if reply.HasField("document")}
        return [_head(found[name]) if name in found else None for name in names]

    def strike(self, key: str) -> int:
        """One write with an increment, which answers with the sum."""
        write = _WriteMessage()
        write.update.name = self._strikes + key
        write.update_mask.SetInParent()
        write.update_transforms.add(field_path="count").increment.integer_value = 1
        reply = self._write(_BatchWriteRequest(database=self._database, writes=[write]).SerializeToString())
        if reply.status[0].code:
            raise from_number(reply.status[0].code, reply.status[0].message, StoreUnavailable)
        return int(reply.write_results[0].transform_results[0].integer_value)

    def strikes(self, key: str) -> int:
        """One read."""
        document = self._read(self._strikes + key)
        return 0 if document is None else int(document.fields["count"].integer_value)

    def probe(self) -> None:
        """Send a write whose condition cannot hold: it takes all that a real one takes, and writes nothing."""
        answer = self.commit([_PROBE])[0]
        if isinstance(answer, WorkerError):
            raise answer

    def close(self) -> None:
        """Close the channel; calls under way end with StoreUnavailable."""
        self._channel.close()

    # DocumentReader

    def get(self, key: str) -> dict[str, Value] | None:
        """One read."""
        document = self._read(self._documents + key)
        return None if document is None else decode_fields(document.fields)

    def scan(self, start_after: str = "") -> Iterator[tuple[str, dict[str, Value]]]:
        """Pages of a query by name, because the server ends a query after a minute."""
        last: str | None = start_after
        while last is not None:
            page = [reply.document for reply in self._query(last) if reply.HasField("document")]
            keys = [document.name.removeprefix(self._documents) for document in page]
            for key, document in zip(keys, page, strict=True):
                yield key, decode_fields(document.fields)
            last = keys[-1] if len(page) == PAGE else None

    # writing

    def _encode(self, write: Write) -> _Encoded:
        key = key_of(write)
        name = self._documents + key
        condition = wire.unchanged(write.version) if isinstance(write, Patch | Replace) else wire.ABSENT
        if isinstance(write, Patch):
            return _Encoded(key, wire.write(name, write.fields, condition, map(field_path, write.fields)))
        return _Encoded(key, wire.write(name, write.document.fields, condition))

    def _answers(self, writes: Sequence[_Encoded]) -> list[WriteResult]:
        """Send as one batch; halve what is too large, or refused as a whole because of one bad write in it."""
        if not writes:
            return []
        request = wire.batch(self._database, [write.wire for write in writes])
        if len(request) > REQUEST_BYTES and len(writes) > 1:
            return self._halves(writes)
        try:
            reply = self._write(request)
        except Refused as error:
            if len(writes) > 1:
                return self._halves(writes)
            return [_refused(f"{writes[0].key}: {error}", error)]
        return [_answer(write.key, status) for write, status in zip(writes, reply.status, strict=True)]

    def _halves(self, writes: Sequence[_Encoded]) -> list[WriteResult]:
        middle = len(writes) // 2
        answers: list[WriteResult] = []
        for half in (writes[:middle], writes[middle:]):
            try:
                answers += self._answers(half)
            except WorkerError as error:  # it does not hold for the other half
                answers += [error] * len(half)
        return answers

    def _write(self, request: bytes) -> Pb:
        with translated(StoreUnavailable):
            return self._batch_write(request, timeout=WRITE_SECONDS, metadata=self._metadata)

    # reading

    def _read(self, name: str) -> Pb | None:
        return next(iter(self._found(_BatchGetRequest(database=self._database, documents=[name]))), None)

    def _found(self, request: Pb) -> list[Pb]:
        with translated(StoreUnavailable):
            replies = self._batch_get(request, timeout=WRITE_SECONDS, metadata=self._metadata)
            return [reply.found for reply in replies if reply.HasField("found")]

    def _statement(self) -> tuple[Pb, Pb]:
        """A query of the collection: the request, and its part that says what is wanted."""
        request = _RunQueryRequest(parent=self._root)
        request.structured_query.from_.add(collection_id=self._collection)
        return request, request.structured_query

    def _by_name(self, names: Sequence[str]) -> Pb:
        """The query for the heads of these documents, with a field mask so that no tags travel."""
        request, statement = self._statement()
        for field in _HEAD_FIELDS:
            statement.select.fields.add(field_path=field)
        condition = statement.where.field_filter
        condition.field.field_path, condition.op = "__name__", query.StructuredQuery.FieldFilter.Operator.IN
        for name in names:
            condition.value.array_value.values.add(reference_value=name)
        return request

    def _query(self, start_after: str) -> list[Pb]:
        request, statement = self._statement()
        statement.order_by.add(direction=query.StructuredQuery.Direction.ASCENDING).field.field_path = "__name__"
        statement.limit.value = PAGE
        if start_after:
            statement.start_at.values.add(reference_value=self._documents + start_after)
            statement.start_at.before = False
        with translated(StoreUnavailable):
            return list(self._run_query(request, timeout=QUERY_SECONDS, metadata=self._metadata))


def _answer(key: str, status: Pb) -> WriteResult:
    """What the status of one write in a batch means; here a missing document is a condition that did not hold."""
    if status.code == 0:
        return None
    if status.code in _CONFLICTS:
        return Conflict(f"{key}: {status.message}")
    return from_number(status.code, f"{key}: {status.message}", StoreUnavailable)


def _batches(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))


def _refused(sentence: str, cause: Exception) -> Refused:
    refused = Refused(sentence)
    refused.__cause__ = cause
    return refused


def _head(document: Pb) -> Head:
    """The head of any document: one that is not ours counts as failed, so that the ladder asks the bucket."""
    fields = document.fields
    status = fields["status"].string_value
    return Head(
        generation=fields["generation"].integer_value,
        metageneration=fields["metageneration"].integer_value,
        status=Status(status) if status in _STATUSES else Status.FAILED,
        extractor=fields["extractor"].string_value,
        version=encode_version(document.update_time),
        sidecar=_sidecar(fields["sidecar"].map_value.fields) if "sidecar" in fields else None,
    )


def _sidecar(fields: Pb) -> Sidecar:
    return Sidecar(fields["name"].string_value, fields["generation"].integer_value)
