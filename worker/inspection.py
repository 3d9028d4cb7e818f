"""What a set-up looks like, as facts without judgement: what a doctor asks, and what it is told.

`worker/operate` judges; backends look. Nothing here changes anything.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from worker.errors import Misconfigured


class Unanswered(Misconfigured):
    """The other side does not implement what was asked, as emulators do not implement all of an API."""


class SwitchedOff(Misconfigured):
    """The project does not use this API."""


# --- the cloud ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """Where a bucket is (`US-CENTRAL1`, `EU`, ...), and its project's number."""

    location: str
    project_number: str


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """A notification configuration: what a bucket announces, how, and to which topic (`projects/P/topics/T`)."""

    id: str
    topic: str
    events: frozenset[str]
    payload: str
    prefix: str
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """How a subscription delivers. Topics are full names (`_deleted-topic_` where one is gone), empty for none."""

    topic: str
    ack_seconds: int
    expires: bool
    retains_acked: bool
    exactly_once: bool
    filter: str
    push_endpoint: str
    push_account: str
    push_audience: str
    dead_letter_topic: str
    max_attempts: int
    backs_off: bool


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Where a database is (`us-central1`, `nam5`, ...), and whether it is one of documents, in native mode."""

    location: str
    native: bool


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """A collection's composite indexes, as ((field, ASCENDING or DESCENDING), ...) with their states (READY,
    CREATING, ...), and the fields that no index covers."""

    indexes: Mapping[tuple[tuple[str, str], ...], str]
    exempt: frozenset[str]


class CloudInspection(Protocol):
    """The cloud as it is. Resources are `projects/P/topics/T`, `projects/P/subscriptions/S`, `buckets/B`.

    Everything raises Unanswered where it cannot be known, SwitchedOff where the API is off, Misconfigured where the
    account may not look, and Transient where nobody answers. Answers are remembered: an inspection is of one moment.
    """

    def account(self) -> str:
        """Who asks, as IAM calls its members (`serviceAccount:...`), empty where that cannot be known. Raises
        Misconfigured without valid credentials."""

    def answers(self, api: str) -> None:
        """Return if the API (`pubsub`, `storage`, `firestore`) answers anything, whatever it is."""

    def bucket(self, name: str) -> BucketFacts | None:
        """A bucket, or None where there is none."""

    def configs(self, bucket: str) -> Sequence[ConfigFacts]:
        """All that a bucket announces."""

    def bucket_agent(self, bucket: str) -> str:
        """The account by which Cloud Storage publishes what happens to a bucket."""

    def queue_agent(self) -> str:
        """The account by which Pub/Sub forwards dead letters."""

    def topic(self, name: str) -> bool:
        """Whether a topic exists."""

    def subscriptions(self, topic: str) -> Sequence[str]:
        """The subscriptions on a topic."""

    def subscription(self, name: str) -> SubscriptionFacts | None:
        """A subscription, or None where there is none."""

    def members(self, resource: str, role: str) -> AbstractSet[str]:
        """Who has a role on the very resource; what is granted on its project is not among it."""

    def permitted(self, resource: str, permissions: Sequence[str]) -> AbstractSet[str]:
        """Those of the permissions that the account has on a resource."""

    def database(self) -> DatabaseFacts | None:
        """The database of the documents, or None where there is none."""

    def collection(self) -> CollectionFacts:
        """The collection of the documents. Raises Misconfigured where the database is none of that kind."""

    def writes(self) -> bool:
        """Whether the account may write documents; writes none."""

    def clock_ahead(self) -> float:
        """Seconds by which this machine's clock is ahead of Google's; negative where it is behind."""


# --- a folder ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A database file of a catalog: whether it is sound, of our kind, and by how many versions it is newer than us."""

    sound: bool
    ours: bool
    newer: int


class FolderInspection(Protocol):
    """A folder and its catalog as they are."""

    @property
    def folder(self) -> Path:
        """The folder."""

    @property
    def catalog(self) -> Path:
        """The catalog's folder."""

    def readable(self) -> bool:
        """Whether the folder can be listed."""

    def unreadable_files(self) -> int:
        """How many pictures and folders in it cannot be read."""

    def folders(self) -> int:
        """How many folders are to be watched, the folder itself included."""

    def newest(self) -> float | None:
        """When the youngest file last changed, in seconds since 1970."""

    def unwritable(self) -> Sequence[Path]:
        """What of the catalog cannot be written: its folder, or files in it."""

    def files(self) -> Mapping[str, FileFacts]:
        """The database files that are there, by name. Raises Transient where one is locked for long."""

    def free_bytes(self) -> int:
        """Free space where the catalog is."""

    def watch_limit(self) -> int:
        """How many folders the kernel lets one user watch. Raises Unanswered where it does not say."""

    def paused(self) -> bool:
        """Whether the folder is paused."""

    def at_work(self) -> bool:
        """Whether an imagemeta is at work on the catalog. Raises Misconfigured where its lock cannot be taken."""

    def now(self) -> float:
        """This machine's clock, in seconds since 1970."""
