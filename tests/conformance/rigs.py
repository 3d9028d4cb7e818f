"""What a backend hands to the suites: its ports, and what only it knows how to do. conftest.py registers them."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.fakes import MemoryBucket, MemoryDocuments, MemoryQueue, MemoryRecords, a_document
from worker.backends.local.catalog import LocalCatalog
from worker.backends.local.documents import LocalDocuments
from worker.backends.local.folder import FolderStore
from worker.backends.local.names import path_of
from worker.backends.local.queue import LocalDeadLetters, LocalPublisher, LocalSubscription
from worker.backends.local.records import LocalRecords
from worker.catalog.tag_values import Promoted
from worker.model import Document, ObjectRef
from worker.ports import (
    Catalog,
    DeadLetters,
    Delivery,
    DocumentReader,
    DocumentStore,
    ObjectStore,
    Publisher,
    Records,
    Subscription,
    Write,
)


class Store(DocumentStore, DocumentReader, Protocol):
    """A document store that can be read."""


@dataclass(frozen=True)
class QueueRig:
    """A queue of its own for one test, which gives up on a message after `max_attempts` deliveries."""

    subscribe: Callable[[int], Subscription]
    """A new subscription to the queue, for so many threads."""
    publisher: Publisher
    dead_letters: DeadLetters
    max_attempts: int
    missing: Callable[[], Subscription] | None = None
    """A subscription to a queue that does not exist."""
    take_and_die: Callable[[], None] | None = None
    """Another process takes one message, and is killed with it in its hands."""
    outlive_a_lease: Callable[[], None] | None = None
    """Return when a message that was leased before, and not extended since, would be delivered again."""
    shared: bool = True
    """Whether several subscriptions may pull at once."""
    counts_unused: bool = False
    """Whether a message that was given back without a handler has lost an attempt."""


@dataclass(frozen=True)
class ObjectRig:
    """A bucket of its own for one test."""

    store: ObjectStore
    bucket: str
    put: Callable[[str, bytes], ObjectRef]
    """Create or overwrite an object; return what is live then."""
    delete: Callable[[str], None]
    holds: Callable[[str], bool] = lambda _: True
    """Whether an object may have that name. Where not, asking for one must do no harm."""
    missing: Callable[[], ObjectStore] | None = None
    """A store whose bucket does not exist, where a store has its bucket from the start."""


@dataclass(frozen=True)
class DocumentRig:
    """An empty collection of its own for one test."""

    open: Callable[[], Store]
    """Another connection to the same collection."""
    unwritable: Document
    """A document that the store refuses for good."""
    commit_and_die: Callable[[Sequence[Write]], None] | None = None
    """Another process commits, and is killed as soon as `commit` has returned."""


@dataclass(frozen=True)
class CatalogRig:
    """An empty collection of its own for one test, to be filled and searched."""

    documents: Store
    catalog: Catalog
    knowing: Callable[[Promoted], AbstractContextManager[Catalog]]
    """Another catalog of the same collection, which is told what is promoted."""
    by_indexes_alone: bool = False
    """Whether it refuses what its indexes cannot tell."""


# --- memory ------------------------------------------------------------------------------------------------


@contextmanager
def memory_queue(_request: pytest.FixtureRequest) -> Iterator[QueueRig]:
    queue = MemoryQueue(max_attempts=3)

    def subscribe(concurrency: int) -> MemoryQueue:
        queue.concurrency = concurrency
        return queue

    yield QueueRig(subscribe, queue, queue, 3, shared=False)
    queue.stop(0)


@contextmanager
def memory_objects(_request: pytest.FixtureRequest) -> Iterator[ObjectRig]:
    bucket = MemoryBucket()
    yield ObjectRig(bucket, bucket.name, bucket.put, bucket.delete)


@contextmanager
def memory_documents(_request: pytest.FixtureRequest) -> Iterator[DocumentRig]:
    documents = MemoryDocuments()
    yield DocumentRig(lambda: documents, unwritable_json())


# --- local -------------------------------------------------------------------------------------------------


LEASE = 1.5
"""Seconds; a busy machine must still extend it in time."""


@contextmanager
def local_queue(request: pytest.FixtureRequest) -> Iterator[QueueRig]:
    folder: Path = request.getfixturevalue("tmp_path")
    path = folder / "queue.db"
    subscriptions: list[LocalSubscription] = []

    def subscribe(concurrency: int) -> LocalSubscription:
        subscriptions.append(LocalSubscription(path, concurrency, LEASE, 0.05, 0.1, max_attempts=3))
        return subscriptions[-1]

    publisher = LocalPublisher(path)
    dead_letters = LocalDeadLetters(path)
    yield QueueRig(
        subscribe,
        publisher,
        dead_letters,
        max_attempts=3,
        missing=lambda: LocalSubscription(folder / "nothing.db", 1),
        take_and_die=lambda: run_and_kill(hold_a_message, path),
        outlive_a_lease=lambda: time.sleep(2 * LEASE),
    )
    for subscription in subscriptions:
        subscription.stop(0)
    dead_letters.close()
    publisher.close()


@contextmanager
def local_objects(request: pytest.FixtureRequest) -> Iterator[ObjectRig]:
    root: Path = request.getfixturevalue("tmp_path") / "photos"
    root.mkdir()
    store = FolderStore(root, "photos")

    def file(name: str) -> Path:
        return root / os.fsdecode(path_of(name) or b"")

    def put(name: str, data: bytes) -> ObjectRef:
        file(name).parent.mkdir(parents=True, exist_ok=True)
        file(name).write_bytes(data)
        ref = store.live("photos", name)
        assert ref
        return ref

    yield ObjectRig(
        store,
        "photos",
        put,
        lambda name: file(name).unlink(),
        holds=lambda name: path_of(name) is not None and all(len(part.encode()) < 256 for part in name.split("/")),
        missing=lambda: FolderStore(root / "nothing", "nothing"),
    )


@contextmanager
def local_documents(request: pytest.FixtureRequest) -> Iterator[DocumentRig]:
    path: Path = request.getfixturevalue("tmp_path") / "documents.db"
    opened: list[LocalDocuments] = []

    def open_another() -> LocalDocuments:
        opened.append(LocalDocuments(path))
        return opened[-1]

    def commit_and_die(writes: Sequence[Write]) -> None:
        run_and_kill(commit, path, writes)

    yield DocumentRig(open_another, unwritable_json(), commit_and_die)
    for documents in opened:
        documents.close()


@contextmanager
def memory_records(_: pytest.FixtureRequest) -> Iterator[Records]:
    yield MemoryRecords()


@contextmanager
def local_records(request: pytest.FixtureRequest) -> Iterator[Records]:
    with closing(LocalRecords(request.getfixturevalue("tmp_path") / "documents.db")) as store:
        yield store


@contextmanager
def local_catalog(request: pytest.FixtureRequest) -> Iterator[CatalogRig]:
    path: Path = request.getfixturevalue("tmp_path") / "documents.db"
    with closing(LocalDocuments(path)) as documents, closing(LocalCatalog(path)) as catalog:
        yield CatalogRig(documents, catalog, lambda promoted: closing(LocalCatalog(path, promoted=promoted)))


def unwritable_json() -> Document:
    """A document that cannot become JSON: half a character is no text."""
    return a_document("unwritable", title="\ud800")


# --- processes that die ------------------------------------------------------------------------------------


def run_and_kill(target: Callable[..., None], *arguments: Any) -> None:
    """Run the function in a new process, and end it with SIGKILL when it says that it is ready."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, *arguments), daemon=True)
    process.start()
    assert here.poll(60), "the other process does not answer"
    assert here.recv() == "ready"
    process.kill()
    process.join()


def hold_a_message(ready: Connection, path: Path) -> None:
    def hold(_delivery: Delivery) -> None:
        ready.send("ready")
        multiprocessing.Event().wait()

    LocalSubscription(path, 1, ack_deadline=LEASE).start(hold)
    multiprocessing.Event().wait()


def commit(ready: Connection, path: Path, writes: Sequence[Write]) -> None:
    assert LocalDocuments(path).commit(writes) == [None] * len(writes)
    ready.send("ready")
    multiprocessing.Event().wait()
