"""A whole small world in memory: bucket, queue, worker, store, and the operator's ledger."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.fakes import (
    FakeClock,
    MemoryBucket,
    MemoryCatalog,
    MemoryDocuments,
    MemoryQueue,
    MemoryRecords,
    a_document,
)
from worker.attempts import Maker
from worker.breaker import Breaker
from worker.decode import encode
from worker.document import key_for
from worker.errors import CorruptImage, Poison, SourceUnavailable
from worker.extract import EXTRACTOR
from worker.group_commit import GroupCommit
from worker.model import Block, BlockStatus, Event, ImageInfo, Message, Metadata, Notification, ObjectRef
from worker.operate import again, reconcile
from worker.operate.conveyor import Conveyor, Item, tally
from worker.operate.pace import Pace
from worker.operate.reconcile import Finding, Kind, findings
from worker.operate.runs import Ledger, Run, rehearsal
from worker.operate.scope import Scope
from worker.ports import Create
from worker.processor import Processor
from worker.worker import Worker
from worker.write_ladder import WriteLadder


class Rig:
    """Objects whose name is in one of the sets cannot be read, each in its own way."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.bucket = MemoryBucket()
        self.documents = MemoryDocuments()
        self.catalog = MemoryCatalog(self.documents)
        self.queue = MemoryQueue()
        self.ledger = Ledger(MemoryRecords(), "somebody@somewhere")
        self.broken: set[str] = set()
        self.partial: set[str] = set()
        self.poison: set[str] = set()
        self.flaky: set[str] = set()
        self.made_by(EXTRACTOR)

    def made_by(self, recipe: str) -> None:
        """From now on, documents are made by this recipe."""
        ladder = WriteLadder(GroupCommit(self.documents, self.clock), self.documents, self.bucket, self.clock)
        maker = Maker("w1", recipe, max_attempts=3)
        processor = Processor(self.bucket, self.documents, ladder, self._read, self._read, maker)
        self.worker = Worker(processor, Breaker(self.clock, threshold=10_000))

    def upload(self, name: str, *, announce: bool = True) -> Message:
        message = encode(Notification(Event.FINALIZE, self.bucket.put(name, b"data")))
        if announce:
            self.queue.publish([message])
        return message

    def delete(self, name: str) -> None:
        ref = self.bucket.objects[name][0]
        self.bucket.delete(name)
        self.queue.publish([encode(Notification(Event.DELETE, ref))])

    def work(self) -> None:
        """Have the worker empty the queue."""
        self.queue.run(self.worker.handle)

    def fields(self, name: str) -> Any:
        return self.documents.get(key_for("photos", name))

    def forget(self, name: str) -> None:
        del self.documents.stored[key_for("photos", name)]

    def store(self, name: str) -> None:
        made = a_document(key_for("photos", name), generation=1)
        made = type(made)(made.key, made.ref, made.status, made.extractor, {**made.fields, "name": name})
        assert self.documents.commit([Create(made)]) == [None]

    # what operators do

    def findings(self, since: datetime | None = None) -> Iterator[Finding]:
        return (found for found in findings(Scope("photos"), self.bucket, self.catalog, since) if found)

    def repair(self) -> Run:
        run = self.ledger.begin("reconcile", "gs://photos/", fresh=True)

        def items() -> Iterator[Item]:
            for finding in self.findings():
                yield Item(reconcile.repair(finding, "photos", run))
                if finding.kind is Kind.FAILED and finding.stored:
                    yield from again.redriven_again([finding.stored.key], self.documents, self.documents, run)

        return self.carry(run, items())

    def redrive(self, query: str = "", *, release: bool = False, cap: int | None = None) -> Run:
        run = self.ledger.begin("redrive", query)
        asked = again.failed_ones(query)
        return self.carry(run, again.redriven(self.catalog, self.documents, asked, run, release=release), cap)

    def rehearse(self, query: str = "") -> int:
        items = again.redriven(self.catalog, self.documents, again.failed_ones(query), rehearsal("redrive"))
        return tally(items).messages

    def reextract(self, recipe: str, *, partial: bool = False, dry: bool = False) -> int:
        """How many documents go back."""
        run = rehearsal("reextract") if dry else self.ledger.begin("reextract", recipe, fresh=True)
        asked = again.partial_ones("") if partial else again.documents_of("")
        wanted = again.improvable if partial else again.outdated
        items = again.reextracted(self.catalog, self.documents, asked, run, recipe, wanted)
        return tally(items).messages if dry else self.carry(run, items).published

    def carry(self, run: Run, items: Iterator[Item], cap: int | None = None) -> Run:
        conveyor = Conveyor(self.queue, self.ledger, Pace(self.clock), mark=self.documents.commit)
        return conveyor.carry(run, items, cap)

    def _read(self, ref: ObjectRef) -> Metadata:
        with self.bucket.open(ref) as image:
            image.read(0, 4)
        for names, error in ((self.broken, CorruptImage), (self.poison, Poison), (self.flaky, SourceUnavailable)):
            if ref.name in names:
                raise error("it cannot be read")
        status = BlockStatus.PARTIAL if ref.name in self.partial else BlockStatus.OK
        return Metadata(ImageInfo("jpeg"), {}, {"exif": Block(status, "cut off" if ref.name in self.partial else None)})
