"""Whatever the order in which news of an object arrives, the store ends up saying what the bucket says."""

import itertools
import threading
from collections.abc import Sequence

import pytest

from tests.fakes import FakeClock, MemoryBucket, MemoryDocuments
from worker.document import Attempt, extracted, failed, key_for, tombstone
from worker.errors import CorruptImage, ObjectGone, Overtaken, StoreUnavailable
from worker.extract import EXTRACTOR
from worker.group_commit import GroupCommit
from worker.model import Block, BlockStatus, Event, ImageInfo, Message, Metadata, Notification, ObjectRef, Outcome
from worker.ports import Write
from worker.processor import Processor
from worker.write_ladder import WriteLadder, complete

NAME = "a.jpg"
KEY = key_for("photos", NAME)


class World:
    """A bucket, a store, and a processor between them; uploads and deletions leave their messages with the test."""

    def __init__(self, documents: MemoryDocuments | None = None) -> None:
        self.bucket = MemoryBucket()
        self.documents = documents or MemoryDocuments()
        self.commit = GroupCommit(self.documents, FakeClock())
        self.ladder = WriteLadder(self.commit, self.documents, self.bucket, FakeClock())
        self.processor = Processor(self.bucket, self.documents, self.ladder, self.read, self.read)

    def read(self, ref: ObjectRef) -> Metadata:
        with self.bucket.open(ref) as image:
            image.read(0, 10)
        return Metadata(ImageInfo("jpeg"), {}, {"exif": Block(BlockStatus.OK)})

    def upload(self, generation: int) -> list[Message]:
        before = self.bucket.live("photos", NAME)
        self.bucket.put(NAME, b"0123456789", generation)
        news = [told(Event.FINALIZE, generation)]
        if before:
            news.append(told(Event.DELETE, before.generation, by=generation))
        return news

    def remove(self) -> list[Message]:
        live = self.bucket.live("photos", NAME)
        assert live
        self.bucket.delete(NAME)
        return [told(Event.DELETE, live.generation)]

    def hear(self, messages: Sequence[Message]) -> list[Outcome]:
        return [self.processor.process(message) for message in messages]

    def stored(self) -> tuple[object, object] | None:
        fields = self.documents.get(KEY)
        return (fields["generation"], fields["status"]) if fields else None


def told(event: Event, generation: int, by: int | None = None, metageneration: int = 1) -> Message:
    attributes = {
        "eventType": str(event),
        "bucketId": "photos",
        "objectId": NAME,
        "objectGeneration": str(generation),
    }
    if by is not None:
        attributes["overwrittenByGeneration"] = str(by)
    facts = f'{{"bucket":"photos","name":"{NAME}","generation":"{generation}","metageneration":"{metageneration}"'
    facts += f',"size":"10","contentType":"text/v{metageneration}"}}'
    return Message("m", attributes, facts.encode())


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("generations", [(1, 2, 3), (3, 2, 1), (3, 1, 2)])
def test_three_generations_in_any_order_end_at_the_live_one(
    order: tuple[int, ...], generations: tuple[int, ...]
) -> None:
    world = World()
    news = [world.upload(generation)[0] for generation in generations]
    world.hear([news[place] for place in order])
    assert world.stored() == (generations[-1], "ok")


@pytest.mark.parametrize("order", list(itertools.permutations(range(5))))
def test_all_messages_of_two_uploads_a_deletion_and_a_third_in_any_order(order: tuple[int, ...]) -> None:
    world = World()
    news = [*world.upload(5), *world.upload(9), *world.remove(), *world.upload(4)]
    assert len(news) == 5
    world.hear([news[place] for place in order])
    assert world.stored() == (4, "ok")


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_deletion_that_came_last_wins_whenever_it_is_heard(order: tuple[int, ...]) -> None:
    world = World()
    news = [*world.upload(5), *world.upload(3), *world.remove()]
    world.hear([news[place] for place in order])
    stored = world.stored()
    assert stored
    assert stored[1] == "deleted"


@pytest.mark.parametrize("late", list(itertools.product([False, True], repeat=3)))
def test_news_heard_late_never_moves_the_store_from_a_live_generation_to_a_dead_one(late: tuple[bool, ...]) -> None:
    world = World()
    waiting: list[Message] = []
    for generation, is_late in zip((30, 10, 20), late, strict=True):
        news = world.upload(generation)
        if is_late:
            waiting += news
        else:
            world.hear(news)
            assert world.stored() == (generation, "ok")
    live = world.stored()
    for message in reversed(waiting):
        world.hear([message])
        assert world.stored() in (live, (20, "ok"))
    assert world.stored() == (20, "ok")


def test_delete_heard_before_finalize_leaves_a_tombstone() -> None:
    world = World()
    news = [*world.upload(1), *world.remove()]
    assert world.hear(news[::-1]) == [Outcome.DELETED, Outcome.UNCHANGED]
    assert world.stored() == (1, "deleted")


def test_the_same_news_twice_writes_once() -> None:
    world = World()
    news = world.upload(1)
    assert world.hear(news * 5) == [Outcome.STORED, *[Outcome.UNCHANGED] * 4]
    assert sum(len(batch) for batch in world.documents.batches) == 5  # four creates were refused, none replaced
    assert world.documents.stored[KEY].version == 1


def test_ten_workers_with_the_same_news_make_one_document() -> None:
    world = World()
    news = world.upload(1)
    outcomes: list[Outcome] = []
    workers = [threading.Thread(target=lambda: outcomes.extend(world.hear(news))) for _ in range(10)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(outcomes) == sorted([Outcome.STORED, *[Outcome.UNCHANGED] * 9])


def test_a_first_upload_costs_one_write_and_no_question() -> None:
    world = World()
    news = world.upload(1)
    world.bucket.asked = 0
    world.hear(news)
    assert (len(world.documents.batches), world.documents.heads_asked, world.bucket.asked) == (1, 0, 0)


def test_an_object_that_is_replaced_before_it_was_read_is_superseded() -> None:
    world = World()
    first = world.upload(1)
    world.upload(2)
    assert world.hear(first) == [Outcome.SUPERSEDED]
    assert world.stored() is None


def test_an_object_that_is_deleted_while_it_is_read_gets_a_tombstone() -> None:
    world = World()
    news = world.upload(1)

    def vanish(ref: ObjectRef) -> None:
        world.bucket.delete(ref.name)

    world.bucket.before_read = vanish
    assert world.hear(news) == [Outcome.DELETED]


def test_an_answer_that_was_lost_after_the_write_is_found_to_be_done() -> None:
    def lost(number: int, when: str) -> None:
        if number == 1 and when == "after":
            raise StoreUnavailable("the answer was lost")

    world = World(MemoryDocuments(fault=lost))
    assert world.hear(world.upload(1)) == [Outcome.UNCHANGED]
    assert world.stored() == (1, "ok")
    assert world.documents.stored[KEY].version == 1


def test_a_store_that_stumbles_is_asked_again_and_one_that_is_down_is_not_waited_for() -> None:
    down = [3]

    def fault(_number: int, when: str) -> None:
        if when == "before" and down[0]:
            down[0] -= 1
            raise StoreUnavailable("no answer")

    world = World(MemoryDocuments(fault=fault))
    assert world.hear(world.upload(1)) == [Outcome.STORED]
    down[0] = 100
    news = world.upload(2)
    with pytest.raises(StoreUnavailable):
        world.hear(news)
    assert down[0] >= 95


def test_a_metadata_update_patches_facts_and_reads_no_pixels() -> None:
    world = World()
    world.hear(world.upload(1))
    world.bucket.reads.clear()
    assert world.hear([told(Event.METADATA_UPDATE, 1, metageneration=3)]) == [Outcome.PATCHED]
    assert world.hear([told(Event.METADATA_UPDATE, 1, metageneration=2)]) == [Outcome.UNCHANGED]
    fields = world.documents.get(KEY)
    assert fields
    assert (fields["metageneration"], fields["content_type"], fields["status"]) == (3, "text/v3", "ok")
    assert world.bucket.reads == []


def test_a_metadata_update_heard_before_its_finalize_loses_nothing() -> None:
    world = World()
    finalize = world.upload(1)
    assert world.hear([told(Event.METADATA_UPDATE, 1, metageneration=2), *finalize]) == [
        Outcome.STORED,
        Outcome.UNCHANGED,
    ]
    fields = world.documents.get(KEY)
    assert fields
    assert fields["content_type"] == "text/v2"


def test_a_failure_never_takes_the_place_of_a_result_but_a_result_that_of_a_failure() -> None:
    world = World()
    message = world.upload(1)[0]
    seen = Notification(Event.FINALIZE, ObjectRef("photos", NAME, 1, size=10))
    bad = failed(message, seen, CorruptImage("broken"), Attempt())
    good = extracted(seen, Metadata(ImageInfo("jpeg"), {}, {"exif": Block(BlockStatus.OK)}), Attempt())
    assert world.ladder.put(bad) is Outcome.FAILED
    assert world.ladder.put(good) is Outcome.STORED
    assert world.ladder.put(bad) is Outcome.UNCHANGED
    assert world.stored() == (1, "ok")


def test_a_tombstone_never_buries_a_live_object() -> None:
    world = World()
    world.hear(world.upload(1))
    stale = Notification(Event.DELETE, ObjectRef("photos", NAME, 99))
    assert world.ladder.put(tombstone(stale, Attempt())) is Outcome.SUPERSEDED
    assert world.stored() == (1, "ok")


def test_whoever_loses_every_race_gives_the_message_back() -> None:
    class Contested(MemoryDocuments):
        """Somebody else writes between every look and every write."""

        def commit(self, writes: Sequence[Write]) -> Sequence[object]:  # type: ignore[override]  # narrower on purpose
            for stored in self.stored.values():
                stored.version += 1000
            return super().commit(writes)

    world = World(Contested())
    world.hear(world.upload(1))
    news = world.upload(2)
    with pytest.raises(Overtaken, match="8 times"):
        world.hear(news)


def test_a_gone_object_that_the_bucket_calls_live_is_tried_again() -> None:
    world = World()
    news = world.upload(1)

    def gone(ref: ObjectRef) -> None:
        raise ObjectGone(ref.uri)

    world.bucket.before_read = gone
    with pytest.raises(Exception, match="live"):
        world.hear(news)


def test_complete_means_this_generation_by_this_extractor_or_a_newer_one() -> None:
    world = World()
    world.hear(world.upload(1))
    head = world.ladder.head(KEY)
    assert head
    assert complete(head, 1, EXTRACTOR)
    assert not complete(head, 2, EXTRACTOR)
    assert not complete(head, 1, EXTRACTOR + ".1")
