"""What is stored of an object, and what a message came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from worker.model.message import ObjectRef
from worker.model.metadata import Sidecar, Status

Scalar = None | bool | int | float | str | datetime
Value = Scalar | list["Value"] | dict[str, "Value"]
"""What a document may hold: JSON and timestamps. Never NaN, infinity, a list in a list, or text with NUL."""


@dataclass(frozen=True, slots=True)
class Document:
    """One object's record, legal for every store.

    `key` is the document's id; `generation` and `metageneration` are the ones it speaks of; `status`, `extractor` (its
    maker's version), `sidecar` (what was merged) and `passes` (see Action) decide if it may stand; `fields` is what is
    kept.
    """

    key: str
    ref: ObjectRef
    status: Status
    extractor: str
    fields: Mapping[str, Value]
    passes: int = 1
    sidecar: Sidecar | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """What the write ladder needs to know of a stored document. `version` changes with every write that changes it.

    `quarantined`: its object kills who reads it, and is left alone until somebody redrives it.
    """

    generation: int
    metageneration: int
    status: Status
    extractor: str
    version: str
    passes: int = 1
    quarantined: bool = False
    sidecar: Sidecar | None = None


DIED = "died"
"""The code of an attempt that a process did not survive; no error of ours has it."""


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One attempt at an object that came to nothing: when, by which worker, and why (`code`, and a sentence).

    `generation` and `passes` say what was tried; both are 0 for a process that died over the object.
    """

    time: datetime
    worker: str
    code: str
    message: str
    generation: int = 0
    passes: int = 0


class Outcome(StrEnum):
    """What a message came to, once it is durable or proven to need no write."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    DELETED = "deleted"
    PATCHED = "patched"
    FAILED = "failed"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"
