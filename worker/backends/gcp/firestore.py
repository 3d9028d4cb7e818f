"""Documents in Firestore, by raw gRPC: writes as bytes of our own making (wire.py), the rest as raw protobuf.

Google's `BulkWriter` loses batches in silence and its other writers cost thirty times the CPU (docs/delivery.md,
docs/performance.md), so `BatchWrite` is called directly: a status for each write, and no retry that we do not see.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.types import firestore as calls
from google.cloud.firestore_v1.types import query

from worker.backends.gcp import wire
from worker.backends.gcp.collection import SERVICE, Collection
from worker.backends.gcp.errors import Code, from_number, translated
from worker.backends.gcp.values import Pb, decode, decode_fields, encode_version, field_path
from worker.errors import Refused, StoreUnavailable, WorkerError
from worker.model import FailedAttempt, Head, Sidecar, Status, Value
from worker.ports import Conflict, Patch, Replace, Write, WriteResult, key_of

if TYPE_CHECKING:
    import grpc

WRITE_SECONDS = 12.0
"""Longer than any healthy write takes; the batch behind it waits that long when an answer is lost."""
REQUEST_BYTES = 4_000_000
"""Firestore takes 10 MiB, its emulator 4 MiB."""
PAGE = 300
"""Documents of one query of `scan`."""
QUERY_NAMES = 30
"""The most names that one query may ask for ("Queries: limits on OR queries")."""

_PROBE = Patch("imagemeta-probe", {}, "1.000000000")
_STATUSES = frozenset(Status)
_HEAD_FIELDS = ("generation", "metageneration", "status", "extractor", "passes", "quarantined", "sidecar")
_CONFLICTS = frozenset(code.value[0] for code in (Code.ALREADY_EXISTS, Code.FAILED_PRECONDITION, Code.NOT_FOUND))
_WriteMessage = types.Write.pb()
_BatchWriteRequest = calls.BatchWriteRequest.pb()
_BatchGetRequest = calls.BatchGetDocumentsRequest.pb()
_Query = query.StructuredQuery.pb()


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A write as it travels, and the key of its document."""

    key: str
    wire: bytes


class FirestoreDocuments:
    """One collection of one database: a DocumentStore and a DocumentReader. Thread-safe.

    Make it after the process was spawned: gRPC does not survive a fork. Failed attempts live in the sibling
    collection `<collection>_attempts`.
    """

    def __init__(self, project: str, database: str = "(default)", collection: str = "images") -> None:
        self._collection = Collection(project, database, collection)
        self._database, self._metadata = self._collection.database, self._collection.metadata
        self._documents = self._collection.documents
        self._attempts = f"{self._collection.root}/{collection}_attempts/"
        channel = self._collection.channel
        self._batch_write: grpc.UnaryUnaryMultiCallable[bytes, Pb] = channel.unary_unary(
            SERVICE + "BatchWrite",
            request_serializer=None,  # `_answers` has the bytes already, to know their number
            response_deserializer=calls.BatchWriteResponse.pb().FromString,
        )
        self._batch_get = channel.unary_stream(
            SERVICE + "BatchGetDocuments",
            request_serializer=_BatchGetRequest.SerializeToString,
            response_deserializer=calls.BatchGetDocumentsResponse.pb().FromString,
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
        queries = [_by_name(batch) for batch in _batches(list(dict.fromkeys(names)), QUERY_NAMES)]
        found = {document.name: document for document in self._collection.query(*queries, seconds=WRITE_SECONDS)}
        return [_head(found[name]) if name in found else None for name in names]

    def attempted(self, key: str, attempt: FailedAttempt) -> Sequence[FailedAttempt]:
        """One write that appends to an array, and a read of it."""
        write = _WriteMessage()
        write.update.name = self._attempts + key
        write.update_mask.SetInParent()
        appended = write.update_transforms.add(field_path="attempts").append_missing_elements
        appended.values.add().ParseFromString(wire.encode(asdict(attempt)))
        self._write_one(write)
        return self.attempts(key)

    def attempts(self, key: str) -> Sequence[FailedAttempt]:
        """One read."""
        document = self._read(self._attempts + key)
        if document is None:
            return []
        known: list[Any] = [decode(value) for value in document.fields["attempts"].array_value.values]
        return [FailedAttempt(**each | {"time": datetime.fromisoformat(each["time"])}) for each in known]

    def forget_attempts(self, key: str) -> None:
        """One write that deletes."""
        write = _WriteMessage()
        write.delete = self._attempts + key
        self._write_one(write)

    def probe(self) -> None:
        """Send a write whose condition cannot hold: it takes all that a real one takes, and writes nothing."""
        answer = self.commit([_PROBE])[0]
        if isinstance(answer, WorkerError):
            raise answer

    def close(self) -> None:
        """Close the channel; calls under way end with StoreUnavailable."""
        self._collection.close()

    # DocumentReader

    def get(self, key: str) -> dict[str, Value] | None:
        """One read."""
        document = self._read(self._documents + key)
        return None if document is None else decode_fields(document.fields)

    def scan(self, start_after: str = "") -> Iterator[tuple[str, dict[str, Value]]]:
        """Pages of a query by name, because the server ends a query after a minute."""
        last: str | None = start_after
        while last is not None:
            page = self._query(last)
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

    def _write_one(self, write: Pb) -> None:
        """A write without a condition."""
        reply = self._write(_BatchWriteRequest(database=self._database, writes=[write]).SerializeToString())
        if reply.status[0].code:
            raise from_number(reply.status[0].code, reply.status[0].message, StoreUnavailable)

    # reading

    def _read(self, name: str) -> Pb | None:
        return next(iter(self._found(_BatchGetRequest(database=self._database, documents=[name]))), None)

    def _found(self, request: Pb) -> list[Pb]:
        with translated(StoreUnavailable):
            replies = self._batch_get(request, timeout=WRITE_SECONDS, metadata=self._metadata)
            return [reply.found for reply in replies if reply.HasField("found")]

    def _query(self, start_after: str) -> list[Pb]:
        statement = _Query()
        statement.order_by.add(direction=query.StructuredQuery.Direction.ASCENDING).field.field_path = "__name__"
        statement.limit.value = PAGE
        if start_after:
            statement.start_at.values.add(reference_value=self._documents + start_after)
            statement.start_at.before = False
        return self._collection.query(statement)


def _by_name(names: Sequence[str]) -> Pb:
    """The query for the heads of these documents, with a field mask so that no tags travel."""
    statement = _Query()
    for field in _HEAD_FIELDS:
        statement.select.fields.add(field_path=field)
    condition = statement.where.field_filter
    condition.field.field_path, condition.op = "__name__", query.StructuredQuery.FieldFilter.Operator.IN
    for name in names:
        condition.value.array_value.values.add(reference_value=name)
    return statement


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
        passes=fields["passes"].integer_value or 1,
        quarantined=fields["quarantined"].boolean_value,
        sidecar=_sidecar(fields["sidecar"].map_value.fields) if "sidecar" in fields else None,
    )


def _sidecar(fields: Pb) -> Sidecar:
    return Sidecar(fields["name"].string_value, fields["generation"].integer_value)
