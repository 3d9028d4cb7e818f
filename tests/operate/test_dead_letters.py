"""Dead letters become failures, and nothing that is right is spoilt by one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes import FakeClock, MemoryBucket, MemoryDelivery, MemoryDocuments, MemoryQueue, a_document
from worker.attempts import Maker
from worker.decode import encode
from worker.document import key_for
from worker.errors import StoreUnavailable
from worker.group_commit import GroupCommit
from worker.model import DIED, Event, FailedAttempt, Message, Notification, ObjectRef
from worker.operate.dead_letters import Drain, Drained
from worker.ports import Create
from worker.write_ladder import WriteLadder

SOURCE = {"CloudPubSubDeadLetterSourceDeliveryCount": "20", "CloudPubSubDeadLetterSourceSubscription": "images"}


class Rig:
    """A drain over memory."""

    def __init__(self) -> None:
        self.documents = MemoryDocuments()
        self.bucket = MemoryBucket()
        self.queue = MemoryQueue()
        clock = FakeClock()
        ladder = WriteLadder(GroupCommit(self.documents, clock), self.documents, self.bucket, clock)
        self.drain = Drain(self.queue, self.documents, ladder, Maker("w1"))

    def letter(self, name: str, event: Event = Event.FINALIZE) -> ObjectRef:
        ref = self.bucket.put(name, b"data")
        self.add(encode(Notification(event, ref, datetime(2026, 1, 1, tzinfo=UTC))))
        return ref

    def add(self, message: Message) -> None:
        letter = Message("m1", {**message.attributes, **SOURCE}, message.data)
        self.queue.dead.append(MemoryDelivery(letter, on_settle=self.queue._letter_settled))

    def fields(self, name: str) -> Any:
        return self.documents.get(key_for("photos", name))


def test_a_dead_letter_becomes_a_failure_with_its_attributes() -> None:
    rig = Rig()
    ref = rig.letter("a.jpg")
    assert rig.drain.all() == Drained(1, 1)
    fields = rig.fields("a.jpg")
    assert (fields["status"], fields["generation"], fields["uri"]) == ("failed", ref.generation, "gs://photos/a.jpg")
    assert fields["failure"]["code"] == "dead_letter"
    assert "20 deliveries" in fields["errors"][0]["message"]
    assert fields["notification"]["attributes"].items() >= SOURCE.items()
    assert not rig.queue.dead
    assert not rig.bucket.reads


def test_what_killed_its_readers_is_quarantined_and_its_deaths_are_told() -> None:
    rig = Rig()
    rig.letter("a.jpg")
    for _ in range(5):
        death = FailedAttempt(datetime(2026, 1, 1, tzinfo=UTC), "w0", DIED, "a process died")
        rig.documents.attempted(key_for("photos", "a.jpg"), death)
    rig.drain.all()
    fields = rig.fields("a.jpg")
    assert fields["quarantined"] is True
    assert [attempt["code"] for attempt in fields["attempts"]] == [DIED] * 5
    assert "5 processes died" in fields["failure"]["message"]


def test_what_was_read_meanwhile_stands() -> None:
    rig = Rig()
    ref = rig.letter("a.jpg")
    done = a_document(key_for("photos", "a.jpg"), generation=ref.generation)
    rig.documents.commit([Create(done)])
    assert rig.drain.all() == Drained(1, 0)
    assert rig.fields("a.jpg")["status"] == "ok"


def test_a_failure_that_is_known_already_keeps_its_own_reason_or_gets_a_new_one_but_stays_one() -> None:
    rig = Rig()
    rig.letter("a.jpg")
    rig.drain.all()
    rig.add(encode(Notification(Event.FINALIZE, rig.bucket.objects["a.jpg"][0])))
    rig.drain.all()
    assert rig.fields("a.jpg")["status"] == "failed"
    assert len(rig.documents.stored) == 1


def test_a_lost_deletion_is_made_up_for() -> None:
    rig = Rig()
    ref = rig.letter("a.jpg", Event.DELETE)
    rig.documents.commit([Create(a_document(key_for("photos", "a.jpg"), generation=ref.generation))])
    rig.bucket.delete("a.jpg")
    rig.drain.all()
    assert rig.fields("a.jpg")["status"] == "deleted"


def test_a_message_that_names_nothing_is_kept() -> None:
    rig = Rig()
    rig.add(Message("", {"eventType": "OBJECT_FINALIZE"}))
    rig.add(Message("", {"eventType": "OBJECT_INITIALIZE"}))
    assert rig.drain.all() == Drained(2, 1)
    (kept,) = rig.documents.stored.values()
    assert kept.fields["status"] == "failed"


def test_what_cannot_be_written_now_stays_a_dead_letter() -> None:
    rig = Rig()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        rig.letter(name)

    def down(_number: int, _when: str) -> None:
        raise StoreUnavailable("down")

    rig.documents.fault = down
    with pytest.raises(StoreUnavailable):
        rig.drain.all()
    assert len(rig.queue.dead) == 3
    rig.documents.fault = lambda _number, _when: None
    assert rig.drain.all() == Drained(3, 3)


def test_a_limit_is_kept() -> None:
    rig = Rig()
    for number in range(5):
        rig.letter(f"{number}.jpg")
    assert rig.drain.all(3) == Drained(3, 3)
    assert len(rig.queue.dead) == 2
