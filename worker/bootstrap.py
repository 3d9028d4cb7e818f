"""Settings become wired objects. The only importer of backends, and of each only when it is asked for."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from worker import batch_parts, urls
from worker.accounts import SignIn
from worker.attempts import Maker
from worker.batches.links import Links, no_links
from worker.breaker import Breaker
from worker.changes import Announced, Changes, Untold
from worker.clock import SystemClock
from worker.errors import Misconfigured
from worker.extract import recipe
from worker.group_commit import GroupCommit
from worker.group_lookup import GroupLookup
from worker.in_flight import Board
from worker.ports import (
    Catalog,
    DeadLetters,
    DocumentReader,
    DocumentStore,
    Gauge,
    Intake,
    ObjectStore,
    Publisher,
    Records,
    Rewind,
    Subscription,
)
from worker.processor import Processor
from worker.promotions import Promotions
from worker.reading import Reading, ReadingAlone
from worker.settings import Settings
from worker.sidecars import Sidecars
from worker.worker import Worker
from worker.write_ladder import WriteLadder

if TYPE_CHECKING:
    from worker.backends.gcp.firestore import FirestoreDocuments
    from worker.backends.local.documents import LocalDocuments
    from worker.backends.local.folder import FolderStore

PushCheck = Callable[[Mapping[str, str]], None]
"""Given a push request's headers by lower-case names: returns, or raises Forbidden."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Wiring:
    """One process's objects, wired; `close` frees them."""

    worker: Worker
    breaker: Breaker
    commit: GroupCommit
    lookup: GroupLookup
    objects: ObjectStore
    documents: DocumentStore
    ladder: WriteLadder
    maker: Maker
    changes: Changes = field(default_factory=Untold)
    links: Links = field(default_factory=no_links)

    def close(self) -> None:
        """Finish what waits for the store, then free it."""
        self.links.close()
        self.lookup.close()
        self.commit.close()
        self.changes.close()
        self.documents.close()


def wire(settings: Settings, board: Board) -> Wiring:
    """A worker and all it stands on, without a subscription. Raises Misconfigured with the setting's name."""
    clock = SystemClock()
    objects, documents = open_objects(settings), open_documents(settings)
    commit, lookup = GroupCommit(documents, clock), GroupLookup(documents)
    sidecars = Sidecars(objects, lookup) if settings.sidecars == "on" else None
    ladder = WriteLadder(commit, documents, objects, clock, sidecars)
    maker = Maker(settings.worker, recipe(settings.limits), settings.max_attempts)
    changes = open_changes(settings, documents)
    links = open_links(settings, objects, maker)
    processor = Processor(
        objects,
        documents,
        ladder,
        Reading(objects, settings.limits, board),
        ReadingAlone(partial(open_objects, settings), settings.limits),
        maker,
        sidecars,
        changes,
        links.follow,
        _promotions(settings).kept,
    )
    # One lost batch fails as many messages as there are threads; that alone is no outage.
    breaker = Breaker(clock, threshold=2 * settings.threads)
    worker = Worker(processor, breaker)
    return Wiring(worker, breaker, commit, lookup, objects, documents, ladder, maker, changes, links)


def open_links(settings: Settings, objects: ObjectStore, maker: Maker) -> Links:
    """What handles the URLs of batches."""
    return Links(lambda opened: batch_parts.open_follower(settings, objects, open_records(settings), maker, opened))


def open_subscription(settings: Settings) -> Subscription:
    """The queue that `IMAGEMETA_QUEUE` names."""
    match urls.split("queue", settings.queue):
        case "pubsub", project, subscription:
            from worker.backends.gcp.pubsub import PubSubSubscription

            return PubSubSubscription(project, subscription, settings.threads, lease=settings.lease_seconds)
        case "sqlite", _, path:
            from worker.backends.local.queue import LocalSubscription

            return LocalSubscription(Path(path), settings.threads, settings.lease_seconds)
        case scheme, _, _:
            raise urls.no_backend("queue", scheme, "pubsub, sqlite")


def open_publisher(settings: Settings) -> Publisher:
    """The topic that `IMAGEMETA_TOPIC` names; a local queue is its own topic."""
    return _publisher("topic", settings.topic or (settings.queue if settings.queue.startswith("sqlite:") else ""))


def open_changes(settings: Settings, documents: DocumentStore) -> Changes:
    """Who tells the topic that `IMAGEMETA_CHANGES` names; nobody where it is not set."""
    return Announced(_publisher("changes", settings.changes), documents) if settings.changes else Untold()


def _publisher(setting: str, url: str) -> Publisher:
    match urls.split(setting, url):
        case "pubsub", project, topic:
            from worker.backends.gcp.pubsub import PubSubPublisher

            return PubSubPublisher(project, topic)
        case "sqlite", _, path:
            from worker.backends.local.queue import LocalPublisher

            return LocalPublisher(Path(path))
        case scheme, _, _:
            raise urls.no_backend(setting, scheme, "pubsub, sqlite")


def open_intake(settings: Settings) -> Intake:
    """The switch between the buckets and the topic that `IMAGEMETA_TOPIC` names; or of the folder that is watched."""
    match urls.split("topic", settings.topic or settings.queue):
        case "pubsub", project, topic if settings.topic:
            from worker.backends.gcp.notifications import BucketNotifications

            return BucketNotifications(project, topic)
        case "sqlite", _, path:
            from worker.backends.local.intake import LocalIntake

            return LocalIntake(Path(path).parent, urls.split("objects", settings.objects)[1])
        case "pubsub", _, _:
            raise Misconfigured("IMAGEMETA_TOPIC is not set: it names the topic that the buckets publish to")
        case scheme, _, _:
            raise urls.no_backend("topic", scheme, "pubsub, sqlite")


def open_dead_letters(settings: Settings) -> DeadLetters:
    """The dead letters that `IMAGEMETA_DEAD_LETTERS` names; a local queue keeps its own."""
    match urls.split("dead_letters", settings.dead_letters or settings.queue):
        case "pubsub", project, subscription if settings.dead_letters:
            from worker.backends.gcp.pubsub import PubSubDeadLetters

            return PubSubDeadLetters(project, subscription)
        case "sqlite", _, path:
            from worker.backends.local.queue import LocalDeadLetters

            return LocalDeadLetters(Path(path))
        case scheme, _, _:
            raise urls.no_backend("dead_letters", scheme, "pubsub, sqlite")


def open_objects(settings: Settings) -> ObjectStore:
    """The buckets that `IMAGEMETA_OBJECTS` names."""
    match urls.split("objects", settings.objects):
        case "gs", _, _:
            from worker.backends.gcp.storage import CloudStorage

            return CloudStorage()
        case "file", bucket, path:
            from worker.backends.local.folder import FolderStore

            return FolderStore(Path(path), bucket or bucket_of(Path(path)))
        case scheme, _, _:
            raise urls.no_backend("objects", scheme, "gs, file")


def open_documents(settings: Settings) -> DocumentStore:
    """The store that `IMAGEMETA_DOCUMENTS` names."""
    return _open_store(settings)


def open_reader(settings: Settings) -> DocumentReader:
    """The store that `IMAGEMETA_DOCUMENTS` names, to read from."""
    return _open_store(settings)


def _open_store(settings: Settings) -> "FirestoreDocuments | LocalDocuments":
    match urls.split("documents", settings.documents):
        case "firestore", project, path:
            from worker.backends.gcp.firestore import FirestoreDocuments

            return FirestoreDocuments(project, *urls.collection(path))
        case "sqlite", _, path:
            from worker.backends.local.documents import LocalDocuments

            return LocalDocuments(Path(path))
        case scheme, _, _:
            raise urls.no_backend("documents", scheme, "firestore, sqlite")


def open_records(settings: Settings) -> Records:
    """What is remembered beside the documents."""
    match urls.split("documents", settings.documents):
        case "firestore", project, path:
            from worker.backends.gcp.records import FirestoreRecords

            return FirestoreRecords(project, *urls.collection(path))
        case "sqlite", _, path:
            from worker.backends.local.records import LocalRecords

            return LocalRecords(Path(path))
        case scheme, _, _:
            raise urls.no_backend("documents", scheme, "firestore, sqlite")


def open_catalog(settings: Settings) -> Catalog:
    """The documents that `IMAGEMETA_DOCUMENTS` names, to be searched."""
    promoted = _promotions(settings).asked
    match urls.split("documents", settings.documents):
        case "firestore", project, path:
            from worker.backends.gcp.catalog import FirestoreCatalog

            return FirestoreCatalog(project, *urls.collection(path), promoted=promoted)
        case "sqlite", _, path:
            from worker.backends.local.catalog import LocalCatalog

            return LocalCatalog(Path(path), promoted=promoted)
        case scheme, _, _:
            raise urls.no_backend("documents", scheme, "firestore, sqlite")


def _promotions(settings: Settings) -> Promotions:
    return Promotions(partial(open_records, settings), SystemClock())


def open_gauge(settings: Settings) -> Gauge:
    """What tells how much waits on the queue."""
    match urls.split("queue", settings.queue):
        case "pubsub", project, subscription:
            from worker.backends.gcp.gauge import SubscriptionGauge

            return SubscriptionGauge(project, subscription, urls.path_of(settings.dead_letters))
        case "sqlite", _, path:
            from worker.backends.local.queue import LocalGauge

            return LocalGauge(Path(path))
        case scheme, _, _:
            raise urls.no_backend("queue", scheme, "pubsub, sqlite")


def open_rewind(settings: Settings) -> Rewind | None:
    """What makes the queue go back in time; None for a local one, which keeps nothing that is done."""
    match urls.split("queue", settings.queue):
        case "pubsub", project, subscription:
            from worker.backends.gcp.rewind import PubSubRewind

            return PubSubRewind(project, subscription)
        case "sqlite", _, _:
            return None
        case scheme, _, _:
            raise urls.no_backend("queue", scheme, "pubsub, sqlite")


def has_dead_letters(settings: Settings) -> bool:
    """Whether it is known where dead letters go: a local queue keeps its own."""
    return bool(settings.dead_letters) or settings.queue.startswith("sqlite:")


def open_push_check(settings: Settings) -> PushCheck:
    """The check of push requests. Raises Misconfigured where every address is listened on and anybody could push."""
    if settings.push_audience and settings.push_account:
        from worker.backends.gcp.tokens import Certificates, TokenCheck, google_certificates

        certificates, checked = Certificates(google_certificates), settings.push_checked
        return TokenCheck(settings.push_audience, settings.push_account, certificates, checked=checked)
    if is_loopback(settings.push_address):
        return lambda _: None
    raise Misconfigured(
        "IMAGEMETA_PUSH_AUDIENCE and IMAGEMETA_PUSH_ACCOUNT must be set where IMAGEMETA_PUSH_ADDRESS is not loopback"
    )


def open_sign_ins(settings: Settings) -> list[SignIn]:
    """The ways in which people sign in, by the settings: none where none is set."""
    found: list[SignIn] = []
    if settings.iap_audience or settings.oidc_audience:
        from worker.backends.gcp.tokens import Certificates, LetIn, SignedIn, google_certificates, iap_keys

        if settings.iap_audience:
            found.append(LetIn(settings.iap_audience, Certificates(iap_keys)))
        if settings.oidc_audience:
            found.append(SignedIn(settings.oidc_audience, Certificates(google_certificates)))
    return found


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches `HOST:PORT`."""
    return address.rpartition(":")[0] in _LOOPBACK


def open_folder(folder: Path) -> "FolderStore":
    """A folder as a bucket of its own name. Raises Misconfigured where it cannot be entered."""
    from worker.backends.local.folder import FolderStore

    return FolderStore(folder, bucket_of(folder))


def folder_url(folder: Path) -> str:
    """The URL under which `open_objects` opens a folder."""
    path = folder.resolve()
    return f"file://{quote(bucket_of(path), safe='')}{quote(os.fsencode(path))}"


def sqlite_url(path: Path) -> str:
    """The URL under which an SQLite file is opened."""
    return f"sqlite://{quote(os.fsencode(path))}"


def bucket_of(folder: Path) -> str:
    """The bucket's name of a folder: its own."""
    return object_name(folder.resolve().name) or "root"


def object_name(path: str) -> str:
    """What a path below a folder is called as an object of its bucket: the same, but always valid text."""
    from worker.backends.local.names import name_of

    return name_of(os.fsencode(path))
