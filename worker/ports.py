"""The boundary: what the core asks of a queue, a bucket and a store, and what it may rely on.

Every port has one conformance suite (tests/conformance) that each backend passes. The obligations stand here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from worker.catalog.query import Query
from worker.errors import WorkerError
from worker.model import Document, FailedAttempt, Head, Message, ObjectRef, Status, Value

# --- queue -------------------------------------------------------------------------------------------------


class Delivery(Protocol):
    """One attempt at a message. Exactly one of `ack` and `nack` is called, once, by `Worker` and nobody else.

    (Dead letters are settled by who drains them.)
    """

    @property
    def message(self) -> Message:
        """The message."""

    @property
    def attempt(self) -> int:
        """1 for the first delivery, 0 each time where the queue does not count; it may be approximate."""

    def ack(self) -> None:
        """Settle for good. Does not raise; if it is lost, the message comes again."""

    def nack(self) -> None:
        """Give back, for redelivery after the queue's own back-off. Does not raise."""


Handler = Callable[[Delivery], None]


class Subscription(Protocol):
    """A source of deliveries. One per process.

    The handler is called from several threads at once, at most `concurrency` (a matter of construction), and
    returns when its delivery is settled. A handler that raises is a bug; the delivery is then given back.
    """

    def start(self, handler: Handler) -> None:
        """Begin to pull and return at once. Raises Misconfigured where the subscription does not exist."""

    def pause(self) -> None:
        """Pull no more until `resume`; what is in hand is finished, what waits unhandled is given back."""

    def resume(self) -> None:
        """Pull again after `pause`."""

    def stop(self, grace: float) -> None:
        """Pull no more, wait up to `grace` seconds for the handlers, give back the rest, free everything."""

    def failure(self) -> WorkerError | None:
        """Why pulling has ended by itself, or None. Misconfigured is final; a Transient was retried in vain."""

    def silence(self) -> float:
        """Seconds since the queue last gave a sign of life, a message or not. 0 while paused."""


class Publisher(Protocol):
    """Puts messages on the queue that the worker reads."""

    def publish(self, messages: Iterable[Message]) -> int:
        """Return the number of messages once all are durable; raise a WorkerError otherwise. Ids are the queue's."""

    def close(self) -> None:
        """Free everything."""


class DeadLetters(Protocol):
    """Messages that the queue gave up on."""

    def pull(self, limit: int) -> Sequence[Delivery]:
        """At most `limit` dead letters, leased to the caller, who settles each."""

    def close(self) -> None:
        """Free everything."""


Saved = Mapping[str, Any]
"""What an intake turned off, as JSON values that only the same kind of intake reads. Empty: nothing was on."""


class Intake(Protocol):
    """The switch between a bucket and the queue: whether what happens to its objects is announced.

    A process may die between any two calls, so whoever pauses keeps what `announced` says before, and hands it to
    `resume` after. What happened in between is announced by nobody in the cloud, and is for a reconcile to find.
    """

    def announced(self, bucket: str) -> Saved:
        """What announces the bucket's objects to our queue now; changes nothing."""

    def pause(self, bucket: str) -> Saved:
        """Turn that off and return it. Where nothing is on, nothing happens, and what comes back is empty."""

    def resume(self, bucket: str, saved: Saved) -> None:
        """Turn on again what `pause` or `announced` returned. What is on already is not turned on twice."""

    def close(self) -> None:
        """Free everything."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits on a queue: messages (those in hand included where the queue cannot tell), in hand, dead letters, and
    the age in seconds of the oldest. None: the queue does not say."""

    waiting: int | None = None
    in_hand: int | None = None
    dead: int | None = None
    oldest: float | None = None


class Gauge(Protocol):
    """Looks at a queue without taking anything off it."""

    def backlog(self) -> Backlog:
        """What waits. In the cloud the figures are minutes old."""

    def close(self) -> None:
        """Free everything."""


class Rewind(Protocol):
    """Makes a queue deliver again what it has delivered."""

    def reaches(self) -> datetime | None:
        """The earliest moment from which on acknowledged messages are still kept; None where none are."""

    def seek(self, moment: datetime) -> None:
        """Have everything that was published since delivered again, acknowledged or not; what is older is dropped."""

    def close(self) -> None:
        """Free everything."""


# --- bucket ------------------------------------------------------------------------------------------------


class RangeReader(Protocol):
    """One generation of one object, open for reading. Used by one thread."""

    @property
    def ref(self) -> ObjectRef:
        """The object; its size is known."""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly the bytes [offset, offset + length) cut at the object's end; never fewer, never of another
        generation.

        One call is one request. Raises ObjectGone when this generation is no longer there, SourceUnavailable or
        Throttled when it could not be read now.
        """


class ObjectStore(Protocol):
    """The buckets. Thread-safe."""

    def open(self, ref: ObjectRef) -> AbstractContextManager[RangeReader]:
        """A reader pinned to `ref.generation`. May raise ObjectGone here or at the first read.

        Asks the bucket only where `ref.size` is unknown.
        """

    def live(self, bucket: str, name: str) -> ObjectRef | None:
        """The live generation with its facts, strongly consistent, or None where there is none."""

    def list(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[ObjectRef]:
        """The live objects whose name begins with `prefix` and sorts after `start_after` by UTF-8 bytes, in that
        order."""

    def probe(self) -> None:
        """Raise what a read would raise now, at the least cost; return where reading works."""


# --- store -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Create:
    """Write the document if there is none under its key."""

    document: Document


@dataclass(frozen=True, slots=True)
class Replace:
    """Write the document in place of the stored one, if its version is still `version`."""

    document: Document
    version: str


@dataclass(frozen=True, slots=True)
class Patch:
    """Set these top-level fields of the stored document, if its version is still `version`."""

    key: str
    fields: Mapping[str, Value]
    version: str


Write = Create | Replace | Patch


def key_of(write: Write) -> str:
    """The key of the document that a write is about."""
    return write.key if isinstance(write, Patch) else write.document.key


class Conflict(Exception):
    """The condition of a write did not hold: somebody else's write came first. Nothing was written."""


WriteResult = None | Conflict | WorkerError
"""None: durable. Conflict: the condition did not hold. An error: not written, or (Transient) not known."""


class DocumentStore(Protocol):
    """Where documents live. Thread-safe."""

    def commit(self, writes: Sequence[Write]) -> Sequence[WriteResult]:
        """One answer per write, in order; each write stands or falls alone, and no two have the same key.

        Blocks until the answers are known and never retries: an answer that was lost is a StoreUnavailable,
        and the write may have been applied. Raises only what holds for all writes alike (Misconfigured,
        StoreUnavailable, Throttled).
        """

    def heads(self, keys: Sequence[str]) -> Sequence[Head | None]:
        """The heads of the documents under `keys`, strongly consistent, None where there is none."""

    def attempted(self, key: str, attempt: FailedAttempt) -> Sequence[FailedAttempt]:
        """Write down one more failed attempt at the object of this key; return all of them, the oldest first.

        Durable, and counted whatever becomes of the queue and of this process.
        """

    def attempts(self, key: str) -> Sequence[FailedAttempt]:
        """The failed attempts at the object of this key, the oldest first."""

    def forget_attempts(self, key: str) -> None:
        """Forget them: the object was read after all."""

    def probe(self) -> None:
        """Raise what a write would raise now, without writing; return where writing works."""

    def close(self) -> None:
        """Free everything."""


class Records(Protocol):
    """Small things to remember beside the documents, by kind (`runs`, `workers`, `pauses`) and key. Thread-safe.

    Hands out plain JSON values, times as ISO 8601 text. Every record has a time `at`.
    """

    def put(self, kind: str, key: str, fields: Mapping[str, Value]) -> None:
        """Durable on return; takes the place of what was there."""

    def get(self, kind: str, key: str) -> dict[str, Value] | None:
        """The record, or None."""

    def newest(self, kind: str, limit: int = 100) -> Sequence[tuple[str, dict[str, Value]]]:
        """Keys and records, by `at`, the newest first."""

    def drop(self, kind: str, key: str) -> None:
        """Have none under that key."""

    def close(self) -> None:
        """Free everything."""


class DocumentReader(Protocol):
    """The read side of the store. Thread-safe; hands out plain JSON values, times as ISO 8601 text."""

    def get(self, key: str) -> dict[str, Value] | None:
        """The document's fields, or None."""

    def scan(self, start_after: str = "") -> Iterator[tuple[str, dict[str, Value]]]:
        """All documents after that key, by key."""

    def close(self) -> None:
        """Free everything."""


# --- batches -----------------------------------------------------------------------------------------------


class Items(DocumentStore, Protocol):
    """What became of each URL of a batch: a store of documents beside the images', whose `bucket` is the batch."""

    def fields(self, keys: Sequence[str]) -> Sequence[dict[str, Value] | None]:
        """The documents under `keys` as plain JSON values, None where there is none."""

    def tally(self, bucket: str) -> Mapping[Status, int]:
        """How many documents of the batch there are by status, counted now."""


class Outputs(Protocol):
    """Where the images of batches go. Thread-safe."""

    def put(self, name: str, data: bytes, content_type: str) -> str:
        """Return the URL once it is durable. Whoever puts the same again changes nothing.

        Raises SourceUnavailable or Throttled where it cannot be written now, Misconfigured where it may not be.
        """

    def close(self) -> None:
        """Free everything."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The body of an answer; `url` is where it was in the end, after redirects."""

    url: str
    data: bytes


class Fetcher(Protocol):
    """Gets what strangers' URLs lead to, and never from an address that is not the public internet's. Thread-safe."""

    def fetch(self, url: str) -> Fetched:
        """One attempt. Raises BadUrl, AddressRefused, NotServed and LimitExceeded for good, SiteUnavailable for now."""


# --- catalog -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the documents that match: their keys and fields, and the cursor of the next page, "" after the last."""

    rows: tuple[tuple[str, dict[str, Value]], ...]
    next: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of an object without its whole document; `code` is its failure's, "" where there is none."""

    key: str
    name: str
    generation: int
    status: str
    extractor: str
    code: str
    size: int | None


class Catalog(Protocol):
    """The documents, searched. Thread-safe; hands out plain JSON values, times as ISO 8601 text.

    Newest first: by the moment a picture was taken, or, where that is not known, by when it was uploaded. What is
    returned is exactly what matches. What a store cannot answer is a QueryError that says what to ask instead, and a
    store that does not answer now is a StoreUnavailable or Throttled.
    """

    def page(self, query: Query, cursor: str = "", limit: int = 100) -> Page:
        """At most `limit` documents; fewer only on the last page.

        `cursor` is a former page's `next`. Documents that are written between two pages move no other from one page to
        another: none is seen twice or missed. Raises QueryError for a cursor that is none.
        """

    def count(self, query: Query) -> int:
        """How many documents match."""

    def stream(self, query: Query, fields: Sequence[str] | None = None) -> Iterator[tuple[str, dict[str, Value]]]:
        """All that match, newest first, in constant memory; of each only these fields (`status`, `camera.make`).

        A field that a document lacks is not there. What is written meanwhile may or may not be seen.
        """

    def facets(self, query: Query, names: Sequence[str]) -> Mapping[str, Sequence[tuple[str, int]]]:
        """Of each of these facets (worker/catalog/facets.py) the values among what matches, the most frequent first."""

    def by_name(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[Stored]:
        """All documents of a bucket's objects whose name begins with `prefix` and sorts after `start_after` by UTF-8
        bytes, in that order, in constant memory: what a listing of the bucket is merged with."""

    def close(self) -> None:
        """Free everything."""


# --- time --------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Time as the core sees it, so that tests can turn the hands."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    def sleep(self, seconds: float) -> None:
        """Return after that time."""
