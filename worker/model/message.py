"""What arrives: messages, and the objects and events that they speak of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Message:
    """One notification as the queue delivers it."""

    id: str
    attributes: Mapping[str, str]
    data: bytes = b""
    published: datetime | None = None


class Event(StrEnum):
    """What happened to the object, of that which concerns us; the values are Cloud Storage's `eventType`s."""

    FINALIZE = "OBJECT_FINALIZE"
    DELETE = "OBJECT_DELETE"
    ARCHIVE = "OBJECT_ARCHIVE"
    METADATA_UPDATE = "OBJECT_METADATA_UPDATE"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One generation of one object, with the facts that its bucket states about it.

    `generation` is unique per object but not ordered in time. `crc32c` and `md5` are base64 as Cloud Storage
    writes them; `metageneration` grows within one generation; `custom` is the uploader's own metadata.
    """

    bucket: str
    name: str
    generation: int
    metageneration: int = 1
    size: int | None = None
    content_type: str | None = None
    crc32c: str | None = None
    md5: str | None = None
    storage_class: str | None = None
    created: datetime | None = None
    updated: datetime | None = None
    custom: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """`gs://bucket/name`, for people."""
        return f"gs://{self.bucket}/{self.name}"


@dataclass(frozen=True, slots=True)
class Action:
    """What an operator wants with a message that no bucket sent: `name` is the command's (backfill, redrive, ...).

    `run` is the action's record. A document of more `passes` takes the place of one of fewer, so that an operator can
    have a generation read again; 1 asks for nothing that the bucket's own notification would not. `redrives` counts
    how often this generation went back to the queue after it had failed; any at all releases it from quarantine.
    """

    name: str
    run: str
    passes: int = 1
    redrives: int = 0


@dataclass(frozen=True, slots=True)
class Notification:
    """A decoded message: this happened to that object.

    `overwritten_by` is the generation that replaced `ref`; it comes with DELETE and ARCHIVE only.
    """

    event: Event
    ref: ObjectRef
    time: datetime | None = None
    overwritten_by: int | None = None
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A decoded message of a batch (docs/batches.md): the image at `url` is wanted.

    `row` counts the batch's rows and `column` the URLs of that row, both from 1. `passes` is as in Action.
    """

    batch: str
    row: int
    column: int
    url: str
    passes: int = 1
