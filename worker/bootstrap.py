"""Settings become wired objects. The only importer of backends, and of each only when it is asked for."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from worker.breaker import Breaker
from worker.clock import SystemClock
from worker.errors import Misconfigured
from worker.group_commit import GroupCommit
from worker.group_lookup import GroupLookup
from worker.in_flight import Board
from worker.ports import DeadLetters, DocumentStore, ObjectStore, Publisher, Subscription
from worker.processor import Processor
from worker.reading import Reading, ReadingAlone
from worker.settings import Settings
from worker.sidecars import Sidecars
from worker.worker import Worker
from worker.write_ladder import WriteLadder

if TYPE_CHECKING:
    from worker.backends.local.folder import FolderStore

PushCheck = Callable[[str | None], None]
"""Given the `Authorization` header of a push request: returns, or raises Forbidden."""

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

    def close(self) -> None:
        """Finish what waits for the store, then free it."""
        self.lookup.close()
        self.commit.close()
        self.documents.close()


def wire(settings: Settings, board: Board) -> Wiring:
    """A worker and all it stands on, without a subscription. Raises Misconfigured with the setting's name."""
    clock = SystemClock()
    objects, documents = open_objects(settings), open_documents(settings)
    commit, lookup = GroupCommit(documents, clock), GroupLookup(documents)
    sidecars = Sidecars(objects, lookup) if settings.sidecars == "on" else None
    processor = Processor(
        objects,
        documents,
        WriteLadder(commit, documents, objects, clock, sidecars),
        Reading(objects, settings.limits, board),
        ReadingAlone(partial(open_objects, settings), settings.limits),
        settings.worker,
        sidecars,
    )
    # One lost batch fails as many messages as there are threads; that alone is no outage.
    breaker = Breaker(clock, threshold=2 * settings.threads)
    worker = Worker(processor, breaker, settings.max_attempts)
    return Wiring(worker, breaker, commit, lookup, objects, documents)


def open_subscription(settings: Settings) -> Subscription:
    """The queue that `IMAGEMETA_QUEUE` names."""
    match _url("queue", settings.queue):
        case "pubsub", project, subscription:
            from worker.backends.gcp.pubsub import PubSubSubscription

            return PubSubSubscription(project, subscription, settings.threads, lease=settings.lease_seconds)
        case "sqlite", _, path:
            from worker.backends.local.queue import LocalSubscription

            return LocalSubscription(Path(path), settings.threads, settings.lease_seconds)
        case scheme, _, _:
            raise _no_backend("queue", scheme, "pubsub, sqlite")


def open_publisher(settings: Settings) -> Publisher:
    """The topic that `IMAGEMETA_TOPIC` names; a local queue is its own topic."""
    match _url("topic", settings.topic or settings.queue):
        case "pubsub", project, topic if settings.topic:
            from worker.backends.gcp.pubsub import PubSubPublisher

            return PubSubPublisher(project, topic)
        case "sqlite", _, path:
            from worker.backends.local.queue import LocalPublisher

            return LocalPublisher(Path(path))
        case scheme, _, _:
            raise _no_backend("topic", scheme, "pubsub, sqlite")


def open_dead_letters(settings: Settings) -> DeadLetters:
    """The dead letters that `IMAGEMETA_DEAD_LETTERS` names; a local queue keeps its own."""
    match _url("dead_letters", settings.dead_letters or settings.queue):
        case "pubsub", project, subscription if settings.dead_letters:
            from worker.backends.gcp.pubsub import PubSubDeadLetters

            return PubSubDeadLetters(project, subscription)
        case "sqlite", _, path:
            from worker.backends.local.queue import LocalDeadLetters

            return LocalDeadLetters(Path(path))
        case scheme, _, _:
            raise _no_backend("dead_letters", scheme, "pubsub, sqlite")


def open_objects(settings: Settings) -> ObjectStore:
    """The buckets that `IMAGEMETA_OBJECTS` names."""
    match _url("objects", settings.objects):
        case "gs", _, _:
            from worker.backends.gcp.storage import CloudStorage

            return CloudStorage()
        case "file", bucket, path:
            from worker.backends.local.folder import FolderStore

            return FolderStore(Path(path), bucket or bucket_of(Path(path)))
        case scheme, _, _:
            raise _no_backend("objects", scheme, "gs, file")


def open_documents(settings: Settings) -> DocumentStore:
    """The store that `IMAGEMETA_DOCUMENTS` names."""
    match _url("documents", settings.documents):
        case "firestore", project, path:
            from worker.backends.gcp.firestore import FirestoreDocuments

            database, _, collection = path.partition("/")
            return FirestoreDocuments(project, database or "(default)", collection or "images")
        case "sqlite", _, path:
            from worker.backends.local.documents import LocalDocuments

            return LocalDocuments(Path(path))
        case scheme, _, _:
            raise _no_backend("documents", scheme, "firestore, sqlite")


def open_push_check(settings: Settings) -> PushCheck:
    """The check of push requests. Raises Misconfigured where every address is listened on and anybody could push."""
    if settings.push_audience and settings.push_account:
        from worker.backends.gcp.push_token import Certificates, TokenCheck, google_certificates

        return TokenCheck(settings.push_audience, settings.push_account, Certificates(google_certificates))
    if settings.push_address.rpartition(":")[0] in _LOOPBACK:
        return lambda _: None
    raise Misconfigured(
        "IMAGEMETA_PUSH_AUDIENCE and IMAGEMETA_PUSH_ACCOUNT must be set where IMAGEMETA_PUSH_ADDRESS is not loopback"
    )


def open_folder(folder: Path) -> "FolderStore":
    """A folder as a bucket of its own name. Raises Misconfigured where it cannot be entered."""
    from worker.backends.local.folder import FolderStore

    return FolderStore(folder, bucket_of(folder))


def folder_url(folder: Path) -> str:
    """The URL under which `open_objects` opens a folder."""
    path = folder.resolve()
    return f"file://{quote(bucket_of(path), safe='')}{quote(os.fsencode(path))}"


def bucket_of(folder: Path) -> str:
    """The bucket's name of a folder: its own."""
    return object_name(folder.resolve().name) or "root"


def object_name(path: str) -> str:
    """What a path below a folder is called as an object of its bucket: the same, but always valid text."""
    from worker.backends.local.names import name_of

    return name_of(os.fsencode(path))


def _url(setting: str, value: str) -> tuple[str, str, str]:
    """Scheme, host and path of a backend's URL."""
    if not value:
        raise Misconfigured(f"IMAGEMETA_{setting.upper()} is not set; docs/settings.md says what it takes")
    parts = urlsplit(value)
    path = unquote(parts.path, errors="surrogateescape")  # a file name is bytes, not text
    # sqlite:///relative would be a surprise: local paths are absolute, the cloud's names have no leading slash.
    return (
        parts.scheme,
        unquote(parts.netloc),
        path if parts.scheme in {"sqlite", "file"} else path.strip("/"),
    )


def _no_backend(setting: str, scheme: str, known: str) -> Misconfigured:
    return Misconfigured(
        f"IMAGEMETA_{setting.upper()}: no backend for {scheme or 'a URL without a scheme'!r}; known: {known}"
    )
