"""Memory fakes of the ports. They pass the conformance suites, so a test of the core may trust them."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import orjson

from worker.catalog.matching import matches
from worker.catalog.query import Query
from worker.errors import ObjectGone, Refused, WorkerError
from worker.model import Document, FailedAttempt, Head, Message, ObjectRef, Sidecar, Status, Value
from worker.ports import Conflict, Create, Delivery, Handler, Page, Patch, Write, WriteResult, key_of
from worker.ports import Stored as StoredFacts

# --- time --------------------------------------------------------------------------------------------------


class FakeClock:
    """Time that passes only when somebody sleeps, or a test turns the hands (`clock.now += 5`)."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


# --- queue -------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class MemoryDelivery:
    """A delivery that remembers how it was settled: `settled` is None, "ack" or "nack"."""

    message: Message
    attempt: int = 1
    settled: str | None = None
    on_settle: Callable[["MemoryDelivery"], None] = lambda _: None

    def ack(self) -> None:
        self._settle("ack")

    def nack(self) -> None:
        self._settle("nack")

    def _settle(self, how: str) -> None:
        if self.settled is None:
            self.settled = how
            self.on_settle(self)


class MemoryQueue:
    """Subscription, Publisher and DeadLetters in one. A nack redelivers at once, without back-off.

    Tests of the core need no threads: `run(handler)` handles what waits, redeliveries too, until nothing does.
    """

    def __init__(self, concurrency: int = 1, max_attempts: int = 20) -> None:
        self.waiting: deque[MemoryDelivery] = deque()
        self.dead: deque[MemoryDelivery] = deque()
        self.in_hand: list[MemoryDelivery] = []
        self._ids = count(1)
        self._max_attempts = max_attempts
        self.concurrency = concurrency
        self._changed = threading.Condition(threading.RLock())
        self._pulling = False
        self._run = 0

    def publish(self, messages: Iterable[Message]) -> int:
        batch = [replace(message, id=str(next(self._ids)), published=datetime.now(UTC)) for message in messages]
        with self._changed:
            self.waiting += [MemoryDelivery(message, on_settle=self._settled) for message in batch]
            self._changed.notify_all()
        return len(batch)

    def close(self) -> None:
        pass

    def start(self, handler: Handler) -> None:
        self._pulling = True
        for _ in range(self.concurrency):
            threading.Thread(target=self._work, args=(handler, self._run), daemon=True).start()

    def run(self, handler: Handler) -> None:
        while self.waiting:
            self._handle(handler, self._take())

    def pause(self) -> None:
        with self._changed:
            self._pulling = False

    def resume(self) -> None:
        with self._changed:
            self._pulling = True
            self._changed.notify_all()

    def stop(self, grace: float) -> None:
        with self._changed:
            self._pulling, self._run = False, self._run + 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self.in_hand, grace)
            for delivery in list(self.in_hand):
                delivery.nack()

    def failure(self) -> WorkerError | None:
        return None

    def silence(self) -> float:
        return 0.0

    def pull(self, limit: int) -> Sequence[Delivery]:
        with self._changed:
            return [self.dead.popleft() for _ in range(min(limit, len(self.dead)))]

    def _take(self) -> MemoryDelivery:
        delivery = self.waiting.popleft()
        self.in_hand.append(delivery)
        return delivery

    def _work(self, handler: Handler, run: int) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._run != run or (self._pulling and self.waiting))
                if self._run != run:  # stopped, and perhaps started anew with another handler
                    return
                delivery = self._take()
            self._handle(handler, delivery)

    def _handle(self, handler: Handler, delivery: MemoryDelivery) -> None:
        try:
            handler(delivery)
        except Exception:  # noqa: BLE001 -- a handler that raises is a bug; the port says that it gives back
            delivery.nack()
        delivery.nack()  # no effect unless the handler forgot to settle

    def _settled(self, delivery: MemoryDelivery) -> None:
        with self._changed:
            self.in_hand.remove(delivery)
            if delivery.settled == "nack":
                self._give_back(delivery)
            self._changed.notify_all()

    def _give_back(self, delivery: MemoryDelivery) -> None:
        if delivery.attempt < self._max_attempts:
            self.waiting.append(MemoryDelivery(delivery.message, delivery.attempt + 1, None, self._settled))
            return
        source = {"CloudPubSubDeadLetterSourceDeliveryCount": str(delivery.attempt)}
        letter = replace(delivery.message, attributes={**delivery.message.attributes, **source})
        self.dead.append(MemoryDelivery(letter, on_settle=self._letter_settled))

    def _letter_settled(self, letter: MemoryDelivery) -> None:
        if letter.settled == "nack":
            with self._changed:
                self.dead.append(MemoryDelivery(letter.message, letter.attempt + 1, None, self._letter_settled))


# --- bucket ------------------------------------------------------------------------------------------------


class MemoryReader:
    """Reads one generation, which must stay the live one."""

    def __init__(self, bucket: "MemoryBucket", ref: ObjectRef) -> None:
        self._bucket = bucket
        self.ref = ref

    def read(self, offset: int, length: int) -> bytes:
        self._bucket.reads.append((self.ref.name, offset, length))
        self._bucket.before_read(self.ref)
        live, data = self._bucket.objects.get(self.ref.name, (None, b""))
        if live is None or live.generation != self.ref.generation:
            raise ObjectGone(f"{self.ref.uri} has no generation {self.ref.generation} any more")
        return data[offset : offset + length]


class MemoryBucket:
    """An ObjectStore of one bucket. `before_read` may raise; `reads` are (name, offset, length) in order."""

    def __init__(self, name: str = "photos") -> None:
        self.name = name
        self.objects: dict[str, tuple[ObjectRef, bytes]] = {}
        self.reads: list[tuple[str, int, int]] = []
        self.asked = 0
        """How often `live` was called."""
        self.before_read: Callable[[ObjectRef], None] = lambda _: None
        self.on_probe: Callable[[], None] = lambda: None
        self._generations = count(1_700_000_000_000_000)

    def put(
        self,
        name: str,
        data: bytes,
        generation: int | None = None,
        *,
        content_type: str | None = None,
        custom: Mapping[str, str] | None = None,
        metageneration: int = 1,
    ) -> ObjectRef:
        """Create or overwrite the object; the generation is a new one unless the test chooses it."""
        ref = ObjectRef(
            self.name,
            name,
            next(self._generations) if generation is None else generation,
            metageneration,
            len(data),
            content_type,
            custom=custom or {},
        )
        self.objects[name] = (ref, data)
        return ref

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    @contextmanager
    def open(self, ref: ObjectRef) -> Iterator[MemoryReader]:
        if ref.size is None:
            live = self.live(ref.bucket, ref.name)
            if live is None or live.generation != ref.generation:
                raise ObjectGone(f"{ref.uri} has no generation {ref.generation} any more")
            ref = live
        yield MemoryReader(self, ref)

    def live(self, bucket: str, name: str) -> ObjectRef | None:
        self.asked += 1
        return self.objects[name][0] if bucket == self.name and name in self.objects else None

    def list(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[ObjectRef]:
        names = [name for name in self.objects if bucket == self.name and name.startswith(prefix)]
        for name in sorted(names, key=str.encode):
            if name.encode() > start_after.encode():
                yield self.objects[name][0]

    def probe(self) -> None:
        self.on_probe()


# --- store -------------------------------------------------------------------------------------------------


@dataclass
class Stored:
    """A document in memory: its fields as JSON, and the number of the write that made it so."""

    fields: dict[str, Value]
    version: int


@dataclass
class MemoryDocuments:
    """DocumentStore and DocumentReader in one.

    `fault(n, when)` is called for the n-th commit (from 1) with when = "before" and "after" it is applied, and may
    raise: after means that the answer is lost. `refuse(write)` may answer one write with an error.
    """

    fault: Callable[[int, str], None] = lambda _n, _when: None
    refuse: Callable[[Write], WorkerError | None] = lambda _: None
    on_probe: Callable[[], None] = lambda: None
    stored: dict[str, Stored] = field(default_factory=dict)
    batches: list[Sequence[Write]] = field(default_factory=list)
    """What was committed, batch by batch, whatever came of it."""
    heads_asked: int = 0
    _attempts: dict[str, list[FailedAttempt]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _versions: Iterator[int] = field(default_factory=lambda: count(1))

    def commit(self, writes: Sequence[Write]) -> Sequence[WriteResult]:
        with self._lock:
            self.batches.append(list(writes))
            number = len(self.batches)
            self.fault(number, "before")
            results = [self.refuse(write) or self._apply(write) for write in writes]
            self.fault(number, "after")
            return results

    def heads(self, keys: Sequence[str]) -> Sequence[Head | None]:
        with self._lock:
            self.heads_asked += 1
            return [head_of(self.stored[key]) if key in self.stored else None for key in keys]

    def attempted(self, key: str, attempt: FailedAttempt) -> Sequence[FailedAttempt]:
        with self._lock:
            self._attempts[key] = [*self._attempts.get(key, []), attempt]
            return self._attempts[key]

    def attempts(self, key: str) -> Sequence[FailedAttempt]:
        return self._attempts.get(key, [])

    def forget_attempts(self, key: str) -> None:
        self._attempts.pop(key, None)

    def probe(self) -> None:
        self.on_probe()

    def close(self) -> None:
        pass

    def get(self, key: str) -> dict[str, Value] | None:
        return dict(self.stored[key].fields) if key in self.stored else None

    def scan(self, start_after: str = "") -> Iterator[tuple[str, dict[str, Value]]]:
        for key in sorted(self.stored, key=str.encode):
            if key.encode() > start_after.encode():
                yield key, dict(self.stored[key].fields)

    def _apply(self, write: Write) -> WriteResult:
        key = key_of(write)
        found = self.stored.get(key)
        expected = None if isinstance(write, Create) else write.version
        if (str(found.version) if found else None) != expected:
            return Conflict(key)
        try:
            new = plain_json(write.fields if isinstance(write, Patch) else write.document.fields)
        except orjson.JSONEncodeError as error:
            return Refused(str(error))
        old = found.fields if found and isinstance(write, Patch) else {}
        self.stored[key] = Stored({**old, **new}, next(self._versions))
        return None


class MemoryCatalog:
    """A Catalog over the documents in memory: newest upload first, a cursor is the number of rows before it."""

    def __init__(self, documents: MemoryDocuments) -> None:
        self._documents = documents

    def page(self, query: Query, cursor: str = "", limit: int = 100) -> Page:
        rows = list(self._found(query))
        first = int(cursor or 0)
        return Page(tuple(rows[first : first + limit]), str(first + limit) if first + limit < len(rows) else "")

    def count(self, query: Query) -> int:
        return sum(1 for _ in self._found(query))

    def stream(self, query: Query, fields: Sequence[str] | None = None) -> Iterator[tuple[str, dict[str, Value]]]:
        for key, found in list(self._found(query)):
            yield key, found if fields is None else {name: found[name] for name in fields if name in found}

    def facets(self, query: Query, names: Sequence[str]) -> Mapping[str, Sequence[tuple[str, int]]]:
        raise NotImplementedError

    def by_name(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[StoredFacts]:
        found: list[tuple[str, Any]] = [each for each in self._documents.scan() if each[1]["bucket"] == bucket]
        for key, fields in sorted(found, key=lambda each: each[1]["name"].encode()):
            name = fields["name"]
            if name.startswith(prefix) and name.encode() > start_after.encode():
                code = fields.get("failure", {}).get("code", "")
                about = name, fields["generation"], fields["status"], fields["extractor"], code, fields.get("size")
                yield StoredFacts(key, *about)

    def close(self) -> None:
        pass

    def _found(self, query: Query) -> Iterator[tuple[str, dict[str, Value]]]:
        rows = [(key, fields) for key, fields in self._documents.scan() if matches(query, fields)]
        yield from sorted(rows, key=lambda row: str(row[1].get("processed_at", "")), reverse=True)


class MemoryRecords:
    """Records."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], dict[str, Value]] = {}

    def put(self, kind: str, key: str, fields: Mapping[str, Value]) -> None:
        self._kept[kind, key] = plain_json(fields)

    def get(self, kind: str, key: str) -> dict[str, Value] | None:
        return self._kept.get((kind, key))

    def newest(self, kind: str, limit: int = 100) -> Sequence[tuple[str, dict[str, Value]]]:
        found = [(key, fields) for (of, key), fields in self._kept.items() if of == kind]
        return sorted(found, key=lambda each: moment_of(each[1]), reverse=True)[:limit]

    def drop(self, kind: str, key: str) -> None:
        self._kept.pop((kind, key), None)

    def close(self) -> None:
        pass


def moment_of(record: Mapping[str, Value]) -> datetime:
    return datetime.fromisoformat(str(record["at"]))


def head_of(stored: Stored) -> Head:
    """A head is read from the fields, as in every store."""
    known: dict[str, Any] = dict(stored.fields)
    sidecar = known.get("sidecar")
    return Head(
        known["generation"],
        known["metageneration"],
        Status(known["status"]),
        known["extractor"],
        str(stored.version),
        known.get("passes", 1),
        known.get("quarantined", False),
        Sidecar(**sidecar) if sidecar else None,
    )


def plain_json(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Fields as a reader hands them out: JSON values, times as ISO 8601 text in UTC."""
    plain: dict[str, Value] = orjson.loads(orjson.dumps(fields, option=orjson.OPT_UTC_Z))
    return plain


# --- things to put in them ---------------------------------------------------------------------------------


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Return as soon as the condition holds; fail where it does not within that (generous) time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def a_document(
    key: str = "key",
    *,
    generation: int = 1,
    metageneration: int = 1,
    status: Status = Status.OK,
    extractor: str = "1",
    **fields: Value,
) -> Document:
    """A document with the fields that every one has, and those given."""
    ref = ObjectRef("photos", f"{key}.jpg", generation, metageneration)
    stored: dict[str, Value] = {
        "bucket": ref.bucket,
        "name": ref.name,
        "generation": generation,
        "metageneration": metageneration,
        "status": str(status),
        "extractor": extractor,
        **fields,
    }
    return Document(key, ref, status, extractor, stored)
