"""What is acknowledged is durable: every step may fail, before or after it took effect."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes import FakeClock, MemoryBucket, MemoryDelivery, MemoryDocuments, MemoryQueue
from worker.attempts import Maker
from worker.breaker import Breaker
from worker.decode import action_attributes, encode
from worker.document import key_for
from worker.errors import (
    CorruptImage,
    LimitExceeded,
    Misconfigured,
    Poison,
    SourceUnavailable,
    StoreUnavailable,
    Throttled,
    UnsupportedFormat,
)
from worker.extract import EXTRACTOR
from worker.group_commit import GroupCommit
from worker.model import (
    DIED,
    Action,
    Block,
    BlockStatus,
    Event,
    FailedAttempt,
    ImageInfo,
    Message,
    Metadata,
    Notification,
    ObjectRef,
)
from worker.processor import Processor
from worker.worker import Worker
from worker.write_ladder import WriteLadder

DEATH = FailedAttempt(datetime(2026, 1, 1, tzinfo=UTC), "w0", DIED, "it died")
FOUND = Metadata(ImageInfo("jpeg"), {}, {"exif": Block(BlockStatus.OK)})


class Rig:
    """A worker on memory ports. `read` and `read_alone` may be replaced before use."""

    def __init__(self, documents: MemoryDocuments | None = None) -> None:
        self.clock = FakeClock()
        self.bucket = MemoryBucket()
        self.documents = documents or MemoryDocuments()
        self.queue = MemoryQueue(max_attempts=20)
        self.breaker = Breaker(self.clock)
        self.read: Callable[[ObjectRef], Metadata] = self._open
        self.alone: Callable[[ObjectRef], Metadata] = self._open
        ladder = WriteLadder(GroupCommit(self.documents, self.clock), self.documents, self.bucket, self.clock)
        processor = Processor(
            self.bucket,
            self.documents,
            ladder,
            lambda ref: self.read(ref),
            lambda ref: self.alone(ref),
            Maker("w1", max_attempts=5),
        )
        self.worker = Worker(processor, self.breaker)

    def _open(self, ref: ObjectRef) -> Metadata:
        with self.bucket.open(ref) as image:
            image.read(0, 4)
        return FOUND

    def upload(self, name: str) -> Message:
        return encode(Notification(Event.FINALIZE, self.bucket.put(name, b"data")))

    def handle(self, message: Message, attempt: int = 1) -> str | None:
        delivery = MemoryDelivery(message, attempt)
        self.worker.handle(delivery)
        return delivery.settled

    def fields(self, name: str) -> dict[str, object]:
        return dict(self.documents.get(key_for("photos", name)) or {})


def raising(error: Exception) -> Callable[[ObjectRef], Metadata]:
    def read(_: ObjectRef) -> Metadata:
        raise error

    return read


def asked(message: Message, passes: int, redrives: int = 0) -> Message:
    action = Action("redrive", "run 1", passes, redrives)
    return replace(message, attributes={**message.attributes, **action_attributes(action)})


def test_an_upload_becomes_a_document_and_then_the_message_is_acknowledged() -> None:
    rig = Rig()
    assert rig.handle(rig.upload("a.jpg")) == "ack"
    assert rig.fields("a.jpg")["status"] == "ok"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fails", list(itertools.product([True, False], repeat=3)))
def test_whatever_the_store_does_nothing_is_acknowledged_before_it_is_durable(
    when: str, fails: tuple[bool, ...]
) -> None:
    def fault(number: int, at: str) -> None:
        if at == when and number <= len(fails) and fails[number - 1]:
            raise StoreUnavailable("no answer")

    rig = Rig(MemoryDocuments(fault=fault))
    rig.queue.publish([rig.upload(name) for name in ("a.jpg", "b.jpg", "c.jpg")])
    while rig.queue.waiting:
        delivery = rig.queue._take()
        rig.worker.handle(delivery)
        if delivery.settled == "ack":
            assert rig.documents.get(key_for("photos", delivery.message.attributes["objectId"]))
    assert {rig.fields(name)["status"] for name in ("a.jpg", "b.jpg", "c.jpg")} == {"ok"}
    assert not rig.queue.dead


@pytest.mark.parametrize(
    ("error", "settled", "code"),
    [
        (CorruptImage("broken"), "ack", "corrupt_image"),
        (UnsupportedFormat("a text"), "ack", "unsupported_format"),
        (LimitExceeded("too long"), "ack", "limit_exceeded"),
        (Poison("it kills"), "ack", "poison"),
        (SourceUnavailable("503"), "nack", None),
        (Throttled("429"), "nack", None),
        (Misconfigured("403"), "nack", None),
        (RuntimeError("a bug"), "nack", None),
        (MemoryError(), "nack", None),
        (RecursionError(), "nack", None),
    ],
)
def test_permanent_errors_are_written_down_and_others_come_again(
    error: Exception, settled: str, code: str | None
) -> None:
    rig = Rig()
    rig.read = raising(error)
    assert rig.handle(rig.upload("a.jpg")) == settled
    errors = rig.fields("a.jpg").get("errors")
    assert (errors[0]["code"] if isinstance(errors, list) else None) == code


@pytest.mark.parametrize(
    ("error", "code"), [(RuntimeError("a bug"), "internal"), (SourceUnavailable("?"), "source_unavailable")]
)
def test_on_the_last_attempt_the_reason_is_written_down(error: Exception, code: str) -> None:
    documents = MemoryDocuments()
    message = Rig().upload("a.jpg")
    for settled in ["nack"] * 4 + ["ack"]:
        rig = Rig(documents)  # a new worker each time: the count is in the store
        rig.read = raising(error)
        assert rig.handle(message, attempt=1) == settled
    fields: Any = rig.fields("a.jpg")
    assert fields["errors"][0]["code"] == fields["failure"]["code"] == code
    assert [attempt["code"] for attempt in fields["attempts"]] == [code] * 5
    assert {attempt["worker"] for attempt in fields["attempts"]} == {"w1"}
    assert fields["attempt"] == 5


def test_what_the_queue_counts_makes_no_image_a_failed_one() -> None:
    rig = Rig()
    rig.read = raising(SourceUnavailable("?"))
    assert rig.handle(rig.upload("a.jpg"), attempt=19) == "nack"
    assert not rig.documents.stored


def test_after_a_success_the_failed_attempts_are_forgotten() -> None:
    rig = Rig()
    message = rig.upload("a.jpg")
    rig.read = raising(SourceUnavailable("?"))
    rig.handle(message)
    rig.read = rig._open
    rig.handle(message, attempt=2)
    assert rig.fields("a.jpg")["attempt"] == 2
    assert not rig.documents.attempts(key_for("photos", "a.jpg"))


def test_a_new_generation_has_all_its_attempts() -> None:
    rig = Rig()
    rig.read = raising(SourceUnavailable("?"))
    old = rig.upload("a.jpg")
    assert [rig.handle(old) for _ in range(4)] == ["nack"] * 4
    new = rig.upload("a.jpg")
    assert [rig.handle(new) for _ in range(5)] == ["nack"] * 4 + ["ack"]


def test_a_failure_says_what_one_needs_to_understand_it() -> None:
    rig = Rig()
    rig.read = raising(CorruptImage("broken"))
    message = rig.upload("a.jpg")
    rig.handle(message)
    fields: Any = rig.fields("a.jpg")
    assert fields["uri"] == "gs://photos/a.jpg"
    assert fields["first_bytes"] == b"data".hex(" ")
    assert fields["notification"]["attributes"] == message.attributes
    assert fields["notification"]["data"] == message.data.decode()
    assert fields["extractor"] == fields["recipe"] == EXTRACTOR
    assert len(fields["failure"]["fingerprint"]) == 12
    assert fields["failure"]["redrives"] == 0
    assert "broken" in fields["errors"][0]["traceback"]


def test_failures_of_one_cause_have_one_fingerprint() -> None:
    rig = Rig()
    prints = []
    for name, error in [("a", CorruptImage("at 5")), ("b", CorruptImage("at 9")), ("c", LimitExceeded("at 5"))]:
        rig.read = raising(error)
        rig.handle(rig.upload(name))
        failure: Any = rig.fields(name)["failure"]
        prints.append(failure["fingerprint"])
    assert prints[0] == prints[1] != prints[2]


def test_what_is_quarantined_is_left_alone_until_it_is_redriven() -> None:
    rig = Rig()
    message = rig.upload("a.jpg")
    rig.read = raising(Poison("it kills"))
    rig.handle(message)
    assert rig.fields("a.jpg")["quarantined"] is True
    rig.read = rig._open
    assert rig.handle(message, attempt=2) == "ack"
    assert rig.fields("a.jpg")["status"] == "failed"
    assert rig.handle(asked(message, passes=2, redrives=1)) == "ack"
    assert rig.fields("a.jpg")["status"] == "ok"
    assert "quarantined" not in rig.fields("a.jpg")


def test_what_is_done_is_read_again_only_if_more_passes_are_asked_for() -> None:
    rig = Rig()
    message = rig.upload("a.jpg")
    rig.handle(message)
    rig.bucket.reads.clear()
    rig.handle(asked(message, passes=1))
    assert not rig.bucket.reads
    for _ in range(2):  # the second is a duplicate
        rig.handle(asked(message, passes=2))
    assert len(rig.bucket.reads) == 1
    fields = rig.fields("a.jpg")
    assert (fields["passes"], fields["run"]) == (2, "run 1")


def test_a_late_failure_of_an_earlier_pass_does_not_undo_a_redrive() -> None:
    rig = Rig()
    message = rig.upload("a.jpg")
    rig.read = raising(CorruptImage("broken"))
    rig.handle(asked(message, passes=2, redrives=1))
    rig.handle(message)
    failure: Any = rig.fields("a.jpg")["failure"]
    assert failure["redrives"] == 1


def test_a_wrong_configuration_never_makes_an_image_failed() -> None:
    rig = Rig()
    rig.read = raising(Misconfigured("no permission"))
    assert rig.handle(rig.upload("a.jpg"), attempt=19) == "nack"
    assert not rig.documents.stored


def test_while_the_breaker_is_open_no_attempt_is_the_last() -> None:
    rig = Rig()
    rig.breaker.failed("m", Misconfigured("?"))
    rig.read = raising(SourceUnavailable("down"))
    assert rig.handle(rig.upload("a.jpg"), attempt=9) == "nack"


def test_a_store_that_is_down_never_makes_an_image_failed_even_on_the_last_attempt() -> None:
    def down(_number: int, when: str) -> None:
        if when == "before":
            raise StoreUnavailable("down")

    rig = Rig(MemoryDocuments(fault=down))
    assert rig.handle(rig.upload("a.jpg"), attempt=10) == "nack"


def test_a_message_that_names_nothing_is_kept_and_acknowledged() -> None:
    rig = Rig()
    assert rig.handle(Message("m7", {"eventType": "OBJECT_FINALIZE"})) == "ack"
    kept = rig.documents.get(key_for("", "message m7"))
    assert kept
    assert kept["status"] == "failed"


def test_other_events_are_acknowledged_without_a_write() -> None:
    rig = Rig()
    assert rig.handle(Message("m", {"eventType": "OBJECT_INITIALIZE"})) == "ack"
    assert not rig.documents.batches


def test_a_second_delivery_of_what_is_done_reads_nothing() -> None:
    rig = Rig()
    message = rig.upload("a.jpg")
    rig.handle(message)
    rig.bucket.reads.clear()
    assert rig.handle(message, attempt=2) == "ack"
    assert not rig.bucket.reads


def test_an_object_that_killed_a_process_is_read_alone_from_then_on() -> None:
    rig = Rig()
    message = rig.upload("a.jpg")
    rig.documents.attempted(key_for("photos", "a.jpg"), DEATH)
    rig.alone = raising(Poison("for the second time"))
    assert rig.handle(message, attempt=2) == "ack"
    errors = rig.fields("a.jpg")["errors"]
    assert isinstance(errors, list)
    assert errors[0]["code"] == "poison"


def test_an_innocent_neighbour_of_a_death_is_read_alone_and_is_fine() -> None:
    rig = Rig()
    message = rig.upload("a.jpg")
    rig.documents.attempted(key_for("photos", "a.jpg"), DEATH)
    rig.read = raising(RuntimeError("must not be called"))
    assert rig.handle(message, attempt=2) == "ack"
    assert rig.fields("a.jpg")["status"] == "ok"


def test_failures_open_the_breaker() -> None:
    rig = Rig()
    rig.read = raising(SourceUnavailable("down"))
    for number in range(10):
        message = rig.upload(f"{number}.jpg")
        rig.handle(Message(str(number), message.attributes, message.data))
    assert rig.breaker.open
