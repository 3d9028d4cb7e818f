"""Whichever comes first, image or sidecar, and whatever comes between: the document says what the bucket says."""

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes import FakeClock, MemoryBucket, MemoryDocuments, a_document
from tests.samples.catalogue import SAMPLES
from tests.samples.packets import xmp
from worker.attempts import Maker
from worker.decode import encode
from worker.document import key_for
from worker.errors import Poison, SourceUnavailable
from worker.extract import extract
from worker.group_lookup import GroupLookup
from worker.model import DIED, Event, FailedAttempt, Head, Limits, Message, Metadata, Notification, ObjectRef, Outcome
from worker.ports import Create, Write
from worker.processor import Processor
from worker.sidecars import IMAGES, Sidecars
from worker.write_ladder import WriteLadder

IMAGE = "holiday/IMG.JPG"
NAMES = ["holiday/IMG.JPG.xmp", "holiday/IMG.xmp", "holiday/IMG.JPG.XMP", "holiday/IMG.XMP"]
PHOTO = next(sample for sample in SAMPLES if sample.name == "alps-sunrise.jpg").make()
PACKET = xmp({"dc:title": {"x-default": "Mine"}, "xmp:Rating": "2"})
VARYING = {"event_time", "processed_at", "attempt"}


class Direct:
    """The store without batches: one write or look-up at a time, in the thread that asks."""

    def __init__(self, documents: MemoryDocuments) -> None:
        self._documents = documents

    def put(self, write: Write) -> None:
        (answer,) = self._documents.commit([write])
        if answer is not None:
            raise answer

    def heads(self, keys: Sequence[str]) -> Future[Sequence[Head | None]]:
        answer: Future[Sequence[Head | None]] = Future()
        answer.set_result(self._documents.heads(keys))
        return answer


class World:
    """A bucket, a store, and a processor between them; what happens in the bucket gives the message about it."""

    def __init__(
        self, bucket: MemoryBucket | None = None, documents: MemoryDocuments | None = None, *, on: bool = True
    ) -> None:
        self.bucket = bucket or MemoryBucket()
        self.documents = documents or MemoryDocuments()
        direct, clock = Direct(self.documents), FakeClock()
        sidecars = Sidecars(self.bucket, direct) if on else None
        ladder = WriteLadder(direct, self.documents, self.bucket, clock, sidecars)
        self.processor = Processor(
            self.bucket,
            self.documents,
            ladder,
            lambda ref: self.read(ref),
            lambda ref: self.alone(ref),
            Maker(),
            sidecars,
        )
        self.read: Callable[[ObjectRef], Metadata] = self._extract
        self.alone: Callable[[ObjectRef], Metadata] = self._extract

    def _extract(self, ref: ObjectRef) -> Metadata:
        with self.bucket.open(ref) as image:
            return extract(image, Limits())

    def upload(self, name: str, data: bytes) -> Message:
        return encode(Notification(Event.FINALIZE, self.bucket.put(name, data)))

    def delete(self, name: str) -> Message:
        live = self.bucket.live("photos", name)
        assert live
        self.bucket.delete(name)
        return encode(Notification(Event.DELETE, live))

    def hear(self, *messages: Message) -> list[Outcome]:
        return [self.processor.process(message) for message in messages]

    def fields(self, name: str = IMAGE) -> dict[str, Any]:
        return dict(self.documents.get(key_for("photos", name)) or {})

    def unvarying(self, name: str = IMAGE) -> dict[str, Any]:
        return {field: value for field, value in self.fields(name).items() if field not in VARYING}


# --- what is merged ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_both_orders_end_in_the_same_document(name: str) -> None:
    found = []
    for order in itertools.permutations(range(2)):
        world = World()
        news = [world.upload(IMAGE, PHOTO), world.upload(name, PACKET)]
        world.hear(*(news[place] for place in order))
        found.append(world.unvarying())
        assert world.fields(name)["status"] == "ok"
    assert found[0] == found[1]
    assert found[0]["sidecar"] == {"name": name, "generation": world.fields(name)["generation"]}
    assert (found[0]["text"]["title"], found[0]["text"]["rating"]) == ("Mine", 2)
    assert found[0]["text"]["copyright"] == "CC0"  # what the sidecar does not say stays
    assert found[0]["tags"]["XMP-dc:title"]["type"] == "sidecar"
    assert (found[0]["status"], found[0]["blocks"]["sidecar"]) == ("ok", {"status": "ok"})


@pytest.mark.parametrize("late", [True, False])
def test_a_sidecar_that_was_there_before_the_image_was_uploaded_is_found(late: bool) -> None:
    world = World()
    before = world.upload(NAMES[1], PACKET)
    if late:
        world.hear(before, world.upload(IMAGE, PHOTO))
    else:
        world.hear(world.upload(IMAGE, PHOTO), before)
    assert world.fields()["text"]["title"] == "Mine"


def test_the_sidecar_has_a_document_of_its_own() -> None:
    world = World()
    world.hear(world.upload(NAMES[0], PACKET))
    fields = world.fields(NAMES[0])
    assert fields["status"] == "ok"
    assert fields["image"] == {"format": "XMP", "mime": "application/rdf+xml"}
    assert fields["tags"]["XMP-dc:title"]["value"] == "Mine"
    assert fields["text"]["title"] == "Mine"
    assert "sidecar" not in fields


def test_of_two_sidecars_the_one_with_the_full_name_counts_in_any_order() -> None:
    full, short = xmp({"dc:title": {"x-default": "full"}}), xmp({"dc:title": {"x-default": "short"}})
    for order in itertools.permutations(range(3)):
        world = World()
        news = [world.upload(IMAGE, PHOTO), world.upload(NAMES[0], full), world.upload(NAMES[1], short)]
        world.hear(*(news[place] for place in order))
        assert world.fields()["text"]["title"] == "full"
        world.hear(world.delete(NAMES[0]))
        assert world.fields()["text"]["title"] == "short"


def test_a_sidecar_that_is_overwritten_is_merged_anew_and_one_that_is_deleted_no_longer() -> None:
    world = World()
    alone = World()
    alone.hear(alone.upload(IMAGE, PHOTO))
    world.hear(world.upload(IMAGE, PHOTO), world.upload(NAMES[1], PACKET))
    world.hear(world.upload(NAMES[1], xmp({"dc:title": {"x-default": "Newer"}})))
    assert world.fields()["text"]["title"] == "Newer"
    assert world.fields()["text"]["rating"] == 5  # the image's own again
    world.hear(world.delete(NAMES[1]))
    assert world.unvarying() == alone.unvarying()


def test_a_short_name_is_that_of_every_image_of_the_stem_and_of_no_other() -> None:
    world = World()
    mine = ["holiday/IMG.JPG", "holiday/IMG.CR2", "holiday/IMG"]
    others = ["holiday/IMG.1.JPG", "holiday/IMG-1.JPG", "holiday/IMG.d/IMG.JPG", "IMG.JPG", "holiday/img.JPG"]
    world.hear(*(world.upload(name, PHOTO) for name in [*mine, *others]), world.upload("holiday/IMG.xmp", PACKET))
    assert [name for name in [*mine, *others] if "sidecar" in world.fields(name)] == mine


def test_an_image_that_is_replaced_keeps_its_sidecar() -> None:
    world = World()
    world.hear(world.upload(IMAGE, PHOTO), world.upload(NAMES[1], PACKET))
    world.hear(world.upload(IMAGE, PHOTO + b"longer"))
    assert world.fields()["text"]["title"] == "Mine"
    world.hear(world.delete(IMAGE))
    assert (world.fields()["status"], world.fields().get("sidecar")) == ("deleted", None)


# --- what is not -------------------------------------------------------------------------------------------


def test_when_it_is_off_nothing_is_merged_or_asked_and_an_image_made_anew_loses_its_sidecar() -> None:
    world = World()
    world.hear(world.upload(IMAGE, PHOTO), world.upload(NAMES[1], PACKET))
    off = World(world.bucket, world.documents, on=False)
    off.documents.heads_asked = 0
    off.hear(off.upload("other.JPG", PHOTO), off.upload("other.xmp", PACKET))
    assert off.documents.heads_asked == 0
    assert "sidecar" not in off.fields("other.JPG")
    assert off.fields("other.xmp")["status"] == "ok"
    live = off.bucket.live("photos", IMAGE)
    assert live
    off.hear(encode(Notification(Event.FINALIZE, live)))
    assert "sidecar" not in off.fields()


def test_an_image_without_a_sidecar_costs_one_look_up_and_no_question_to_the_bucket() -> None:
    world = World()
    news = world.upload(IMAGE, PHOTO)
    world.bucket.asked = 0
    world.hear(news)
    assert (world.documents.heads_asked, world.bucket.asked, len(world.documents.batches)) == (1, 0, 1)


def test_new_facts_about_a_sidecar_read_no_image() -> None:
    world = World()
    world.hear(world.upload(IMAGE, PHOTO), world.upload(NAMES[1], PACKET))
    ref = world.bucket.put(NAMES[1], PACKET, world.fields()["sidecar"]["generation"], metageneration=2)
    world.bucket.reads.clear()
    assert world.hear(encode(Notification(Event.METADATA_UPDATE, ref))) == [Outcome.PATCHED]
    assert world.bucket.reads == []


def test_at_most_so_many_images_are_made_anew() -> None:
    world = World()
    for number in range(IMAGES + 5):
        world.upload(f"IMG.{number:03}", PHOTO)
    world.hear(world.upload("IMG.xmp", PACKET))
    assert len(world.documents.stored) == 1 + IMAGES


# --- hostile and unlucky -----------------------------------------------------------------------------------

ILL_FORMED = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF <<<'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ILL_FORMED, "ill_formed"),
        (b"", "failed"),
        (b"\0\1\2 no XML at all", "failed"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "failed"),
        (PHOTO, "no_xmp"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><x:xmpmeta xmlns:x="adobe:ns:meta/"/>', "failed"),
    ],
)
def test_a_sidecar_that_cannot_be_read_costs_its_own_block(data: bytes, reason: str) -> None:
    found = []
    for order in itertools.permutations(range(2)):
        world = World()
        news = [world.upload(IMAGE, PHOTO), world.upload(NAMES[1], data)]
        world.hear(*(news[place] for place in order))
        found.append(world.unvarying())
    assert found[0] == found[1]
    block = found[0]["blocks"]["sidecar"]
    assert (found[0]["status"], block["status"], block["reason"].partition(":")[0]) == ("partial", "failed", reason)
    assert found[0]["text"]["title"] == "Sunrise over the Aletsch"
    assert found[0]["blocks"]["exif"] == {"status": "ok"}
    assert [error["stage"] for error in found[0]["errors"]] == ["sidecar"]


def test_a_huge_sidecar_is_not_read() -> None:
    world = World()
    world.hear(world.upload(IMAGE, PHOTO), world.upload(NAMES[1], PACKET + b" " * 100_000_000))
    assert world.fields()["blocks"]["sidecar"]["reason"].startswith("too_large")
    assert (world.fields()["status"], world.fields(NAMES[1])["status"]) == ("partial", "partial")
    assert sum(length for name, _, length in world.bucket.reads if name == NAMES[1]) < 300_000


@pytest.mark.parametrize("name", [".xmp", "a/.xmp", "/.xmp", "a.jpg/.XMP", "\n.xmp", "..xmp", "a/b.xmp/c"])
def test_odd_names_do_no_harm(name: str) -> None:
    world = World()
    for other in (".jpg", "a/.jpg", "/.jpg", "a.jpg", "a.jpg/.JPG", "a\n/b\n.jpg", "a/b.jpg"):
        world.hear(world.upload(other, PHOTO))
    assert world.hear(world.upload(name, PACKET)) == [Outcome.STORED]
    assert world.hear(world.delete(name)) == [Outcome.DELETED]
    assert not [key for key, fields in world.documents.scan() if "sidecar" in fields]


def test_a_sidecar_of_a_sidecar_is_none() -> None:
    world = World()
    world.hear(*(world.upload(f"a.jpg{'.xmp' * count}", PACKET if count else PHOTO) for count in range(4)))
    world.bucket.reads.clear()
    world.hear(world.upload("a.jpg.xmp.xmp.xmp", PACKET))
    assert {name for name, _, _ in world.bucket.reads} == {"a.jpg.xmp.xmp.xmp"}
    assert world.fields("a.jpg")["sidecar"]["name"] == "a.jpg.xmp"


def test_a_name_with_a_newline_is_a_name() -> None:
    world = World()
    world.hear(world.upload("a\n/b\n.jpg", PHOTO), world.upload("a\n/b\n.xmp", PACKET))
    assert world.fields("a\n/b\n.jpg")["sidecar"]["name"] == "a\n/b\n.xmp"


def test_a_sidecar_that_killed_a_process_is_read_alone_and_then_no_more() -> None:
    world = World()
    sidecar, image = world.upload(NAMES[1], PACKET), world.upload(IMAGE, PHOTO)
    in_process: list[str] = []

    def read(ref: ObjectRef) -> Metadata:
        in_process.append(ref.name)
        return world._extract(ref)

    def deadly(_: ObjectRef) -> Metadata:
        raise Poison("it killed the process that read it, for the second time")

    world.read, world.alone = read, deadly
    death = FailedAttempt(datetime(2026, 1, 1, tzinfo=UTC), "w0", DIED, "it died")
    world.documents.attempted(key_for("photos", NAMES[1]), death)
    assert world.processor.process(sidecar, 2) is Outcome.FAILED
    assert world.hear(image) == [Outcome.UNCHANGED]  # the sidecar's message made it
    assert NAMES[1] not in in_process
    assert world.fields()["blocks"]["sidecar"]["status"] == "failed"


def test_an_image_that_cannot_be_read_is_failed_and_its_sidecar_is_not() -> None:
    world = World()
    world.hear(world.upload(IMAGE, b"\xff\xd8\xff"), world.upload(NAMES[1], PACKET))
    assert (world.fields()["status"], world.fields(NAMES[1])["status"]) == ("failed", "ok")


def test_a_bucket_that_does_not_answer_gives_the_sidecars_message_back() -> None:
    world = World()
    world.hear(world.upload(IMAGE, PHOTO))
    news = world.upload(NAMES[1], PACKET)

    def unavailable(ref: ObjectRef) -> None:
        if ref.name == IMAGE:
            raise SourceUnavailable("no answer")

    world.bucket.before_read = unavailable
    with pytest.raises(SourceUnavailable):
        world.hear(news)
    world.bucket.before_read = lambda _: None
    assert "sidecar" not in world.fields()
    assert world.processor.process(news, 2) is Outcome.UNCHANGED  # its own document; but the image is made anew
    assert world.fields()["text"]["title"] == "Mine"


def test_a_redelivery_reads_nothing_that_is_done() -> None:
    world = World()
    news = [world.upload(IMAGE, PHOTO), world.upload(NAMES[1], PACKET)]
    world.hear(*news)
    world.bucket.reads.clear()
    assert [world.processor.process(message, 2) for message in news] == [Outcome.UNCHANGED] * 2
    assert world.bucket.reads == []


# --- look-ups in batches -----------------------------------------------------------------------------------


def test_what_is_asked_during_a_look_up_is_the_next_one_and_everybody_gets_his_own() -> None:
    class Gated(MemoryDocuments):
        gate, busy = threading.Event(), threading.Event()

        def heads(self, keys: Sequence[str]) -> Sequence[Head | None]:
            self.busy.set()
            assert self.gate.wait(20)
            return super().heads(keys)

    world = World(documents=Gated())
    world.documents.commit([Create(a_document(f"k{number}", generation=number)) for number in range(40)])
    lookup = GroupLookup(world.documents)
    first = lookup.heads(["k0"])
    assert Gated.busy.wait(20)
    answers = [lookup.heads([f"k{number}", "none", "k0"]) for number in range(40)]
    Gated.gate.set()
    assert [head and head.generation for head in first.result(20)] == [0]
    for number, answer in enumerate(answers):
        assert [head and head.generation for head in answer.result(20)] == [number, None, 0]
    assert world.documents.heads_asked == 2
    lookup.close()
