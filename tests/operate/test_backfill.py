"""Backfill: every object announced once and again after each kill, at a bearable pace, with a record of it all."""

from collections.abc import Iterable, Iterator

import pytest

from tests.fakes import FakeClock, MemoryBucket, MemoryDocuments, MemoryQueue, MemoryRecords, a_document
from worker.decode import decode
from worker.document import key_for
from worker.errors import Misconfigured, SourceUnavailable
from worker.model import Document, Limits, Message, Status
from worker.operate.backfill import Estimate, Select, estimate, items
from worker.operate.conveyor import Conveyor, Item
from worker.operate.pace import Pace
from worker.operate.runs import Ledger, Run, State
from worker.operate.scope import Scope
from worker.ports import Create

OBJECTS = 230
EVERYTHING = Scope("photos")


class Rig:
    """A bucket of objects, and the queue that a backfill of it fills."""

    def __init__(self) -> None:
        self.bucket = MemoryBucket()
        for number in range(OBJECTS):
            self.bucket.put(f"{number % 7}/{number:03}.jpg", b"x" * 100)
        self.documents = MemoryDocuments()
        self.queue = MemoryQueue()
        self.ledger = Ledger(MemoryRecords(), "somebody@somewhere")
        self.clock = FakeClock()

    def run(self, scope: Scope = EVERYTHING, select: Select = Select.MISSING, cap: int | None = None) -> Run:
        run = self.ledger.begin("backfill", f"{scope} --{select}")
        conveyor = Conveyor(self.queue, self.ledger, Pace(self.clock))
        return conveyor.carry(run, items(scope, select, self.bucket, self.documents, run), cap)

    def announced(self) -> list[str]:
        return [delivery.message.attributes["objectId"] for delivery in self.queue.waiting]

    def store(self, name: str, **about: object) -> None:
        made = a_document(key_for("photos", name), generation=self.bucket.objects[name][0].generation)
        extractor = str(about.get("extractor", made.extractor))
        status = Status(str(about.get("status", "ok")))
        fields = {**made.fields, "extractor": extractor, "status": str(status)}
        assert self.documents.commit([Create(Document(made.key, made.ref, status, extractor, fields))]) == [None]


def test_each_object_is_announced_as_its_bucket_would() -> None:
    rig = Rig()
    run = rig.run()
    assert rig.announced() == sorted(rig.bucket.objects)
    assert (run.state, run.seen, run.published) == (State.DONE, OBJECTS, OBJECTS)
    seen = decode(rig.queue.waiting[0].message)
    assert seen
    assert seen.ref == rig.bucket.objects[seen.ref.name][0]
    assert seen.action
    assert (seen.action.name, seen.action.run) == ("backfill", run.id)


def test_the_run_says_who_did_what_and_when() -> None:
    rig = Rig()
    rig.run()
    (run,) = rig.ledger.newest()
    assert (run.who, run.action, run.scope) == ("somebody@somewhere", "backfill", "gs://photos/ --missing")


class Broken(MemoryQueue):
    """A queue that takes a number of portions, and then no more."""

    def __init__(self, portions: int) -> None:
        super().__init__()
        self.portions = portions

    def publish(self, messages: Iterable[Message]) -> int:
        if not self.portions:
            raise SourceUnavailable("the queue is full")
        self.portions -= 1
        return super().publish(messages)


@pytest.mark.parametrize("portions", [0, 1, 2])
def test_what_broke_off_goes_on_behind_what_was_published(portions: int) -> None:
    rig = Rig()
    rig.queue = Broken(portions)
    with pytest.raises(SourceUnavailable):
        rig.run()
    (stopped,) = rig.ledger.newest()
    assert (stopped.state, stopped.why, stopped.published) == (State.STOPPED, "the queue is full", 100 * portions)
    before = rig.announced()
    rig.queue = MemoryQueue()
    done = rig.run()
    assert (done.id, done.state, done.continued) == (stopped.id, State.DONE, 1)
    assert before + rig.announced() == sorted(rig.bucket.objects)


def test_a_cap_holds_to_the_message_and_the_same_command_goes_on() -> None:
    rig = Rig()
    runs = [rig.run(cap=70) for _ in range(4)]
    assert [run.published for run in runs] == [70, 140, 210, 230]
    assert [run.state for run in runs] == [State.STOPPED] * 3 + [State.DONE]
    assert "cap of 70" in runs[0].why
    assert rig.announced() == sorted(rig.bucket.objects)


def test_only_a_prefix_and_what_its_glob_matches() -> None:
    rig = Rig()
    rig.run(Scope("photos", "3/", "*7.jpg"))
    assert rig.announced() == [name for name in sorted(rig.bucket.objects) if name[:2] == "3/" and name[-5] == "7"]
    assert rig.announced()


@pytest.mark.parametrize(("select", "wanted"), [(Select.MISSING, 2), (Select.OUTDATED, 3), (Select.ALL, 6)])
def test_what_has_its_document_is_announced_only_on_demand(select: Select, wanted: int) -> None:
    rig = Rig()
    rig.bucket.objects.clear()
    for name in ("current", "failed", "old", "overwritten", "poison", "none"):
        rig.bucket.put(name, b"x")
    rig.store("current")
    rig.store("failed", status="failed")
    rig.store("old", extractor="0")
    rig.store("overwritten")
    rig.bucket.put("overwritten", b"y")
    rig.store("poison")
    rig.run(select=select)
    assert len(rig.announced()) == wanted


def test_an_estimate_counts_to_the_object_and_publishes_nothing() -> None:
    rig = Rig()
    rig.bucket.put("large.jpg", b"x" * 1_000_000)
    rig.store("0/000.jpg")
    *_, whole = estimate(Scope("photos"), Select.MISSING, rig.bucket, rig.documents, Limits())
    assert (whole.listed, whole.messages) == (OBJECTS + 1, OBJECTS)
    assert whole.bytes_to_read == (OBJECTS - 1) * 100 + 64 * 1024
    assert whole.usd > 0
    assert not rig.announced()
    assert not rig.ledger.newest()


def test_an_empty_bucket_is_done_at_once() -> None:
    rig = Rig()
    rig.bucket.objects.clear()
    assert rig.run().state is State.DONE
    assert list(estimate(Scope("photos"), Select.ALL, rig.bucket, rig.documents, Limits()))[-1] == Estimate()


@pytest.mark.parametrize("uri", ["photos", "gs://", "s3://photos", ""])
def test_what_names_no_bucket_is_refused_with_a_hint(uri: str) -> None:
    with pytest.raises(Misconfigured, match="gs://BUCKET"):
        Scope.of(uri)


def test_the_ramp_begins_at_500_a_second_and_grows_by_half_every_five_minutes() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    started, sent = clock.now, 0
    while clock.now - started < 300:
        pace.take(100)
        sent += 100
    assert sent / 300 == pytest.approx(500, rel=0.01)
    assert [pace.rate(age) for age in (0, 299, 300, 600)] == [500, 500, 750, 1125]


@pytest.mark.parametrize(("rate", "warm", "seconds"), [(50.0, False, 20), (50.0, True, 20), (None, True, 0)])
def test_a_rate_that_is_asked_for_is_kept(rate: float | None, warm: bool, seconds: float) -> None:
    clock = FakeClock()
    pace = Pace(clock, rate, warm=warm)
    for _ in range(11):
        pace.take(100)
    assert sum(clock.slept) == pytest.approx(seconds, abs=0.1)


def test_a_run_of_another_scope_is_not_gone_on_with() -> None:
    rig = Rig()
    first = rig.run(cap=10)
    other = rig.run(Scope("photos", "1/"), cap=10)
    assert other.id != first.id
    assert rig.run(cap=10).id == first.id
    assert rig.ledger.begin("backfill", first.scope, fresh=True).id not in {first.id, other.id}


def test_items_are_made_as_they_are_needed() -> None:
    def endless() -> Iterator[Item]:
        while True:
            yield Item(Message("", {}))

    rig = Rig()
    run = Conveyor(rig.queue, rig.ledger, Pace(rig.clock)).carry(rig.ledger.begin("backfill", "x"), endless(), 1000)
    assert run.published == 1000
