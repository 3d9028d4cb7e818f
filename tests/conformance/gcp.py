"""The cloud backend's rigs, on the emulators."""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud.pubsub_v1 import SubscriberClient  # type: ignore[import-untyped] # has no types

from tests.conformance.rigs import CatalogRig, DocumentRig, ObjectRig, QueueRig, run_and_kill
from tests.fakes import a_document
from worker.backends.gcp.catalog import FirestoreCatalog
from worker.backends.gcp.firestore import FirestoreDocuments
from worker.backends.gcp.pubsub import PubSubDeadLetters, PubSubPublisher, PubSubSubscription
from worker.backends.gcp.records import FirestoreRecords
from worker.backends.gcp.storage import CloudStorage
from worker.catalog.tag_values import Promoted
from worker.model import ObjectRef
from worker.ports import Catalog, Delivery, Records, Write

if TYPE_CHECKING:
    from tests.conftest import Cloud

ATTEMPTS = 5
"""The fewest that Pub/Sub takes."""
LEASE = 10
"""The shortest that Pub/Sub takes, in seconds."""


@contextmanager
def gcp_queue(request: pytest.FixtureRequest) -> Iterator[QueueRig]:
    cloud: Cloud = request.getfixturevalue("cloud")
    cloud.stack.create_queue(cloud.project, "conformance", ATTEMPTS)
    subscriptions: list[PubSubSubscription] = []

    def subscribe(concurrency: int) -> PubSubSubscription:
        subscriptions.append(PubSubSubscription(cloud.project, "conformance-worker", concurrency, lease=LEASE))
        return subscriptions[-1]

    publisher = PubSubPublisher(cloud.project, "conformance")
    yield QueueRig(
        subscribe,
        publisher,
        ForwardedDeadLetters(cloud.project, "conformance-dead"),
        ATTEMPTS,
        missing=lambda: PubSubSubscription(cloud.project, "nothing", 1),
        take_and_die=lambda: run_and_kill(hold_a_message, cloud.project),
        outlive_a_lease=lambda: time.sleep(1.2 * LEASE),
        counts_unused=True,
    )
    for subscription in subscriptions:
        subscription.stop(0)
    publisher.close()


@contextmanager
def gcp_objects(request: pytest.FixtureRequest) -> Iterator[ObjectRig]:
    cloud: Cloud = request.getfixturevalue("cloud")
    store = CloudStorage()

    def put(name: str, data: bytes) -> ObjectRef:
        generation = cloud.upload(name, data)
        ref = store.live(cloud.bucket, name)
        assert ref
        assert ref.generation == generation
        return ref

    yield ObjectRig(store, cloud.bucket, put, cloud.delete, holds=lambda name: name not in {".", ".."})


@contextmanager
def gcp_records(request: pytest.FixtureRequest) -> Iterator[Records]:
    cloud: Cloud = request.getfixturevalue("cloud")
    with closing(FirestoreRecords(cloud.project)) as store:
        yield store


@contextmanager
def gcp_documents(request: pytest.FixtureRequest) -> Iterator[DocumentRig]:
    cloud: Cloud = request.getfixturevalue("cloud")
    opened: list[FirestoreDocuments] = []

    def open_another() -> FirestoreDocuments:
        opened.append(FirestoreDocuments(cloud.project))
        return opened[-1]

    def commit_and_die(writes: Sequence[Write]) -> None:
        run_and_kill(commit, cloud.project, writes)

    yield DocumentRig(open_another, a_document("unwritable", __reserved__=1), commit_and_die)
    for documents in opened:
        documents.close()


@contextmanager
def gcp_catalog(request: pytest.FixtureRequest) -> Iterator[CatalogRig]:
    cloud: Cloud = request.getfixturevalue("cloud")
    with closing(FirestoreDocuments(cloud.project)) as documents, closing(FirestoreCatalog(cloud.project)) as catalog:

        def knowing(promoted: Promoted) -> AbstractContextManager[Catalog]:
            return closing(FirestoreCatalog(cloud.project, promoted=promoted))

        yield CatalogRig(documents, catalog, knowing, by_indexes_alone=True)


class ForwardedDeadLetters(PubSubDeadLetters):
    """The emulator forwards a dead letter only while somebody pulls from the subscription that gave up on it."""

    def pull(self, limit: int) -> Sequence[Delivery]:
        with SubscriberClient() as client, suppress(DeadlineExceeded):
            path = client.subscription_path(os.environ["GOOGLE_CLOUD_PROJECT"], "conformance-worker")
            client.pull(subscription=path, max_messages=1, retry=None, timeout=0.5)
        return super().pull(limit)


def hold_a_message(ready: Connection, project: str) -> None:
    def hold(_delivery: Delivery) -> None:
        ready.send("ready")
        multiprocessing.Event().wait()

    PubSubSubscription(project, "conformance-worker", 1, lease=LEASE).start(hold)
    multiprocessing.Event().wait()


def commit(ready: Connection, project: str, writes: Sequence[Write]) -> None:
    assert list(FirestoreDocuments(project).commit(writes)) == [None] * len(writes)
    ready.send("ready")
    multiprocessing.Event().wait()
