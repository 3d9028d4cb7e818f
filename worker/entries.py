"""What a scan finds, and what comes of it."""

from dataclasses import dataclass
from enum import Enum

from worker.errors import WorkerError
from worker.model import ObjectRef


class Kind(Enum):
    """What came of one entry."""

    READ = "read"
    FAILED = "failed"
    SKIPPED = "skipped"
    """No image, and not asked for by name."""
    UNREACHABLE = "unreachable"
    """Not there, or not allowed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or object that was found, or the `error` that stands in its place.

    `file` is what a person would call it: its path, or its URI. `objects` is the URL of the store that has it.
    `named` says that it was asked for by its own name, `deep` that it is in a folder below what was asked for.
    """

    file: str
    objects: str = ""
    ref: ObjectRef | None = None
    named: bool = False
    deep: bool = False
    error: WorkerError | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one entry. `record` is a JSON object in one line: `file`, `status`, and `error` if it failed.

    `reason` is the error in words, empty where there is none; `notes` are lines that explain the record, if asked for.
    """

    file: str
    kind: Kind
    record: bytes
    reason: str = ""
    notes: tuple[str, ...] = ()
