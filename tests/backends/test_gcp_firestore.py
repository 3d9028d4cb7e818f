"""Firestore beyond the suite: the answers that its emulator never gives, and what makes a batch hold together."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.cloud.firestore_v1.types import firestore as calls

from tests.conftest import Cloud
from tests.fakes import a_document
from tests.faults import FaultyFirestore
from worker.backends.gcp.firestore import REQUEST_BYTES, FirestoreDocuments
from worker.errors import Misconfigured, Refused, StoreUnavailable, Throttled, WorkerError
from worker.model import FailedAttempt
from worker.ports import Conflict, Create, Patch, Replace, Write, WriteResult

Code = grpc.StatusCode
REQUEST = calls.BatchWriteRequest.pb()
REPLY = calls.BatchWriteResponse.pb()
Answer = Callable[[Any, grpc.ServicerContext], Any]


class ScriptedFirestore(grpc.GenericRpcHandler):
    """A gRPC server that answers `BatchWrite` as `answer` says, and every other call with `code`."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        """The keys of each BatchWrite that came."""
        self.answer: Answer = lambda request, _: applied(request)
        self.code = Code.UNAVAILABLE

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        if details.method.endswith("/BatchWrite"):
            return grpc.unary_unary_rpc_method_handler(self._batch_write, REQUEST.FromString, REPLY.SerializeToString)
        return grpc.unary_stream_rpc_method_handler(lambda _, context: context.abort(self.code, "scripted"))

    def _batch_write(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.batches.append([key(write) for write in request.writes])
        return self.answer(request, context)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedFirestore]:
    handler = ScriptedFirestore()
    server = grpc.server(ThreadPoolExecutor(4), handlers=[handler], options=[("grpc.max_receive_message_length", -1)])
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    yield handler
    server.stop(None).wait()


@pytest.fixture
def documents(server: ScriptedFirestore) -> Iterator[FirestoreDocuments]:  # noqa: ARG001 -- it speaks to that server
    documents = FirestoreDocuments("project")
    yield documents
    documents.close()


def key(write: Any) -> str:
    return str(write.update.name.rsplit("/", 1)[-1])


def applied(request: Any, **codes: Code) -> Any:
    """The reply where every write went well, save those whose keys are given a status."""
    reply = REPLY()
    for write in request.writes:
        reply.write_results.add()
        reply.status.add(code=codes.get(key(write), Code.OK).value[0], message="scripted")
    return reply


def creates(*keys: str) -> list[Write]:
    return [Create(a_document(each)) for each in keys]


ATTEMPT = FailedAttempt(datetime(2026, 1, 1, tzinfo=UTC), "w1", "internal", "?")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.RESOURCE_EXHAUSTED, Throttled),
        (Code.UNAVAILABLE, StoreUnavailable),
        (Code.DEADLINE_EXCEEDED, StoreUnavailable),
        (Code.ABORTED, StoreUnavailable),
        (Code.INTERNAL, StoreUnavailable),
        (Code.UNKNOWN, StoreUnavailable),
        (Code.CANCELLED, StoreUnavailable),
        (Code.PERMISSION_DENIED, Misconfigured),
        (Code.UNAUTHENTICATED, Misconfigured),
        (Code.NOT_FOUND, Misconfigured),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_call_that_fails_fails_for_all_and_is_not_repeated(
    server: ScriptedFirestore, documents: FirestoreDocuments, code: Code, kind: type[WorkerError]
) -> None:
    server.answer = lambda _, context: context.abort(code, "scripted")
    server.code = code
    for call in (
        lambda: documents.commit(creates("a", "b")),
        lambda: documents.attempted("a", ATTEMPT),
        documents.probe,
        lambda: documents.heads(["a"]),
        lambda: documents.attempts("a"),
        lambda: documents.get("a"),
        lambda: list(documents.scan()),
    ):
        with pytest.raises(kind, match="scripted"):
            call()
    assert len(server.batches) == 3


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.ALREADY_EXISTS, Conflict),
        (Code.FAILED_PRECONDITION, Conflict),
        (Code.NOT_FOUND, Conflict),
        (Code.INVALID_ARGUMENT, Refused),
        (Code.RESOURCE_EXHAUSTED, Throttled),
        (Code.ABORTED, StoreUnavailable),
        (Code.UNAVAILABLE, StoreUnavailable),
        (Code.DEADLINE_EXCEEDED, StoreUnavailable),
        (Code.INTERNAL, StoreUnavailable),
        (Code.PERMISSION_DENIED, Misconfigured),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_write_stands_or_falls_alone(
    server: ScriptedFirestore, documents: FirestoreDocuments, code: Code, kind: type[Exception]
) -> None:
    server.answer = lambda request, _: applied(request, b=code)
    first, second, third = documents.commit(creates("a", "b", "c"))
    assert (first, third) == (None, None)
    assert type(second) is kind
    assert str(second).find("b: scripted") >= 0


def test_a_batch_refused_as_a_whole_is_halved_until_only_the_bad_write_is_refused(
    server: ScriptedFirestore, documents: FirestoreDocuments
) -> None:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        if any(key(write) == "bad" for write in request.writes):
            context.abort(Code.INVALID_ARGUMENT, "one of them is bad")
        return applied(request)

    server.answer = answer
    keys = [*"abcde", "bad", *"fghij"]
    answers = dict(zip(keys, documents.commit(creates(*keys)), strict=True))
    assert isinstance(answers.pop("bad"), Refused)
    assert set(answers.values()) == {None}
    assert len(server.batches) <= 1 + 2 * 4


def test_a_half_that_fails_does_not_take_the_other_half_along(
    server: ScriptedFirestore, documents: FirestoreDocuments
) -> None:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        if len(request.writes) > 2:
            context.abort(Code.INVALID_ARGUMENT, "too many")
        if key(request.writes[0]) == "c":
            context.abort(Code.UNAVAILABLE, "gone")
        return applied(request)

    server.answer = answer
    answers = documents.commit(creates("a", "b", "c", "d"))
    assert [type(each) for each in answers] == [type(None), type(None), StoreUnavailable, StoreUnavailable]


def test_what_cannot_be_encoded_is_refused_and_the_rest_is_written(
    server: ScriptedFirestore, documents: FirestoreDocuments
) -> None:
    answers = documents.commit([*creates("a"), Create(a_document("bad", title="\ud800")), *creates("b")])
    assert [type(each) for each in answers] == [type(None), Refused, type(None)]
    assert server.batches == [["a", "b"]]


def test_a_batch_too_large_for_one_request_is_sent_in_several(
    server: ScriptedFirestore, documents: FirestoreDocuments
) -> None:
    large = "x" * (REQUEST_BYTES // 10)
    keys = [f"k{number}" for number in range(25)]
    assert list(documents.commit([Create(a_document(each, text=large)) for each in keys])) == [None] * 25
    assert [each for batch in server.batches for each in batch] == keys
    assert max(map(len, server.batches)) < 10


def test_the_conditions_travel_as_they_should(server: ScriptedFirestore, documents: FirestoreDocuments) -> None:
    seen: list[Any] = []

    def answer(request: Any, _: grpc.ServicerContext) -> Any:
        seen.extend(request.writes)
        return applied(request)

    server.answer = answer
    version = "1700000000.123456789"
    documents.commit(
        [Create(a_document("a")), Replace(a_document("b"), version), Patch("c", {"size": 1, "odd.name": 2}, version)]
    )
    create, replace, patch = seen
    assert create.current_document.exists is False
    assert create.current_document.WhichOneof("condition_type") == "exists"
    for write in (replace, patch):
        moment = write.current_document.update_time
        assert (moment.seconds, moment.nanos) == (1_700_000_000, 123_456_789)
    assert not replace.HasField("update_mask")
    assert list(patch.update_mask.field_paths) == ["size", "`odd.name`"]
    assert create.update.name == "projects/project/databases/(default)/documents/images/a"


def test_where_nobody_listens_the_store_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    documents = FirestoreDocuments("project")
    with pytest.raises(StoreUnavailable):
        documents.commit(creates("a"))
    documents.close()


# --- on the emulator ---------------------------------------------------------------------------------------


def test_a_foreign_document_has_a_head_that_makes_the_ladder_ask(cloud: Cloud) -> None:
    from google.cloud import firestore

    client = firestore.Client(project=cloud.project)
    client.collection(cloud.collection).document("a").set({"title": "not ours", "status": "weird"})
    client.close()  # type: ignore[no-untyped-call] # has no types
    documents = FirestoreDocuments(cloud.project)
    (head,) = documents.heads(["a"])
    assert head
    assert (head.generation, head.status, head.extractor) == (0, "failed", "")
    assert list(documents.commit([Replace(a_document("a"), head.version)])) == [None]
    documents.close()


def test_a_database_that_does_not_exist_is_misconfigured(server: ScriptedFirestore) -> None:
    server.answer = lambda _, context: context.abort(Code.NOT_FOUND, "The database nobody does not exist")
    documents = FirestoreDocuments("project", "nobody")
    with pytest.raises(Misconfigured, match="nobody"):
        documents.probe()
    documents.close()


def test_with_a_third_of_the_writes_failing_nothing_is_lost_and_nothing_is_twice(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultyFirestore(os.environ["FIRESTORE_EMULATOR_HOST"], seed=7) as faulty:
        direct = os.environ["FIRESTORE_EMULATOR_HOST"]
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", faulty.address)
        documents = FirestoreDocuments(cloud.project)
        confirmed, rounds = until_all_are_settled(documents, [f"k{number:03}" for number in range(300)])
        documents.close()
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", direct)
    assert set(cloud.documents()) == confirmed == {f"k{number:03}" for number in range(300)}
    assert rounds > 1
    assert all(faulty.failed[way] > 0 for way in ("before", "after", "item"))
    assert 0.2 < faulty.failed.total() / faulty.writes < 0.5


def until_all_are_settled(documents: FirestoreDocuments, keys: list[str]) -> tuple[set[str], int]:
    """Create all in batches of ten, again and again, until each is written or was written before."""
    settled: set[str] = set()
    for rounds in range(1, 50):
        left = [each for each in keys if each not in settled]
        if not left:
            return settled, rounds
        for start in range(0, len(left), 10):
            batch = left[start : start + 10]
            settled.update(
                each for each, result in zip(batch, attempt(documents, batch), strict=True) if is_there(result)
            )
    raise AssertionError("fifty rounds were not enough")


def attempt(documents: FirestoreDocuments, keys: list[str]) -> list[WriteResult]:
    try:
        return list(documents.commit(creates(*keys)))
    except StoreUnavailable as error:
        return [error] * len(keys)


def is_there(result: WriteResult) -> bool:
    return result is None or isinstance(result, Conflict)


def test_many_threads_share_one_channel(server: ScriptedFirestore, documents: FirestoreDocuments) -> None:
    barrier = threading.Barrier(8)

    def work(number: int) -> list[WriteResult]:
        barrier.wait()
        return list(documents.commit(creates(f"k{number}")))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [[None]] * 8
    assert sorted(server.batches) == [[f"k{number}"] for number in range(8)]
