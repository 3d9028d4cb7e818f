"""Where documents live, and what is remembered beside them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.errors import WorkerError
from worker.model import Document, FailedAttempt, Head, Value


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
