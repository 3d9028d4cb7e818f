"""Who listens hears of every document that changed: after it is durable, before its message is settled."""

import threading
from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from tests.fakes import MemoryDocuments, MemoryQueue
from tests.operate.rig import Rig
from worker.attempts import Maker
from worker.breaker import Breaker
from worker.changes import EVENT, Announced
from worker.decode import encode
from worker.document import key_for
from worker.errors import Misconfigured, StoreUnavailable
from worker.group_commit import GroupCommit
from worker.model import Event, Message, Notification, ObjectRef, Outcome, Status
from worker.ports import Delivery
from worker.processor import Processor
from worker.worker import Worker
from worker.write_ladder import WriteLadder


class Topic(MemoryQueue):
    """Notes what was stored of a document when it was told of; fails as often as it is told to."""

    def __init__(self, documents: MemoryDocuments, failures: int = 0) -> None:
        super().__init__()
        self.documents = documents
        self.failures = failures
        self.batches: list[int] = []

    def publish(self, messages: Iterable[Message]) -> int:
        batch = list(messages)
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the topic does not answer")
        for message in batch:
            assert orjson.loads(message.data)["key"] in self.documents.stored, "told before it was stored"
        self.batches.append(len(batch))
        return super().publish(batch)

    def told(self) -> list[dict[str, Any]]:
        return [orjson.loads(delivery.message.data) for delivery in self.waiting]


class Telling(Rig):
    """The small world, with a topic."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.topic = Topic(self.documents, failures)
        ladder = WriteLadder(GroupCommit(self.documents, self.clock), self.documents, self.bucket, self.clock)
        changes = Announced(self.topic, self.documents)
        processor = Processor(
            self.bucket, self.documents, ladder, self._read, self._read, Maker("w1", max_attempts=3), changes=changes
        )
        self.worker = Worker(processor, Breaker(self.clock, threshold=10_000))

    def statuses(self) -> list[tuple[str, str]]:
        return [(told["name"], told["status"]) for told in self.topic.told()]


def test_each_outcome_is_told() -> None:
    world = Telling()
    world.broken.add("broken.jpg")
    world.upload("good.jpg")
    world.upload("broken.jpg")
    world.queue.run(world.worker.handle)
    assert world.statuses() == [("good.jpg", "ok"), ("broken.jpg", "failed")]
    ref = world.bucket.objects["good.jpg"][0]
    patched = Notification(Event.METADATA_UPDATE, ObjectRef("photos", "good.jpg", ref.generation, 2))
    world.bucket.delete("good.jpg")
    world.queue.publish([encode(patched)])
    world.queue.run(world.worker.handle)
    stored = world.documents.stored[key_for("photos", "good.jpg")].fields
    assert str(stored["patched_at"]) > str(stored["processed_at"]), "which is how an export knows"
    world.queue.publish([encode(Notification(Event.DELETE, ref))])
    world.queue.run(world.worker.handle)
    assert world.statuses()[2:] == [("good.jpg", "ok"), ("good.jpg", "deleted")]


def test_the_message_says_what_the_docs_say() -> None:
    world = Telling()
    world.upload("good.jpg")
    world.queue.run(world.worker.handle)
    (delivery,) = world.topic.waiting
    told = orjson.loads(delivery.message.data)
    assert told.pop("told_at").endswith("Z")
    generation = world.bucket.objects["good.jpg"][0].generation
    key = key_for("photos", "good.jpg")
    assert told == {"key": key, "bucket": "photos", "name": "good.jpg", "generation": generation, "status": "ok"}
    assert delivery.message.attributes == {"event": EVENT, "bucket": "photos", "status": "ok"}


def test_a_topic_that_does_not_answer_gives_the_message_back_until_it_is_told() -> None:
    world = Telling(failures=2)
    world.upload("good.jpg")
    attempts: list[int] = []

    def handle(delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        world.worker.handle(delivery)

    world.queue.run(handle)
    assert attempts == [1, 2, 3]
    assert world.statuses() == [("good.jpg", "ok")]
    assert len(world.documents.batches) == 1, "it was written once"


def test_what_a_killed_worker_wrote_and_did_not_tell_is_told_by_the_next() -> None:
    world = Telling()
    message = world.upload("good.jpg")
    world.queue.run(world.worker.handle)
    world.topic.waiting.clear()
    world.queue.publish([message])
    world.queue.run(world.worker.handle)
    assert world.statuses() == [("good.jpg", "ok")]


def test_threads_share_requests() -> None:
    documents = MemoryDocuments()
    topic = Slow(documents)
    announced = Announced(topic, documents)
    threads = [
        threading.Thread(target=announced.tell, args=(Outcome.STORED, ObjectRef("b", str(n), 1), Status.OK))
        for n in range(40)
    ]
    for thread in threads:
        thread.start()
    topic.go.set()
    for thread in threads:
        thread.join()
    assert sorted(told["name"] for told in topic.told()) == sorted(map(str, range(40)))
    assert len(topic.batches) <= 3


class Slow(Topic):
    """Waits for all before the first request goes out."""

    def __init__(self, documents: MemoryDocuments) -> None:
        super().__init__(documents)
        self.go = threading.Event()

    def publish(self, messages: Iterable[Message]) -> int:
        batch = list(messages)
        assert self.go.wait(30)
        self.batches.append(len(batch))
        return MemoryQueue.publish(self, batch)


def test_a_failure_reaches_everybody_who_shared_the_request() -> None:
    documents = MemoryDocuments()
    announced = Announced(Topic(documents, failures=1), documents)
    with pytest.raises(StoreUnavailable):
        announced.tell(Outcome.STORED, ObjectRef("b", "n", 1), Status.OK)
    announced.tell(Outcome.QUARANTINED, ObjectRef("b", "n", 1))
    announced.tell(Outcome.UNCHANGED, ObjectRef("b", "n", 1))  # there is no document: nothing to tell


def test_a_topic_is_named_as_a_queue_is() -> None:
    from worker.bootstrap import open_changes
    from worker.settings import load

    with pytest.raises(Misconfigured, match="IMAGEMETA_CHANGES"):
        open_changes(load({"IMAGEMETA_CHANGES": "kafka://x"}), MemoryDocuments())
