"""What batches need besides: where images come from and go to, and what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.model import Status, Value
from worker.ports.store import DocumentStore


class Items(DocumentStore, Protocol):
    """What became of each URL of a batch: a store of documents beside the images', whose `bucket` is the batch."""

    def fields(self, keys: Sequence[str]) -> Sequence[dict[str, Value] | None]:
        """The documents under `keys` as plain JSON values, None where there is none."""

    def listed(
        self, bucket: str, status: Status, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, dict[str, Value]]]:
        """Keys and documents of a batch that have this status, by key, behind `after`."""

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
