"""Step 3 of the walk: what is known of an object becomes its document, legal for every store.

docs/documents.md describes every field. One document per object: its key is a hash of bucket and name, so that keys
spread and any name is legal, followed by a readable slug of the file's name, so that a person finds it.
"""

import base64
import hashlib
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from worker.catalog.searchable import searchable
from worker.errors import Poison, code_of
from worker.extract import EXTRACTOR
from worker.legal import DOCUMENT_BYTES, legal, legal_name, long_texts, omitted, shortened, size_at_most, size_of
from worker.model import (
    Document,
    Event,
    FailedAttempt,
    Message,
    Metadata,
    Notification,
    ObjectRef,
    Status,
    Tag,
    Value,
)
from worker.trace import Trace, fingerprint

UNINDEXED = (
    "tags",
    "long_texts",
    "errors",
    "custom",
    "sources",
    "dropped",
    "notification",
    "attempts",
    "timings",
    "first_bytes",
)
"""Top-level fields that no index may cover: they are large, open-ended, or of no use in a query."""

_KEY_BYTES = 20
_SLUG = re.compile(r"[^A-Za-z0-9.]+")
_SLUG_LENGTH = 60
_TRACEBACK_LINES = 30
_DROPPED_NAMES = 200
_PAYLOAD_BYTES = 8192
_SENTENCE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who made a document, when, at which attempt, and by which recipe: the extractor's version and its limits."""

    number: int = 1
    worker: str = ""
    time: datetime | None = None
    recipe: str = EXTRACTOR


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a failure beside its error: seconds by stage, earlier attempts, the object's first bytes."""

    timings: Mapping[str, float] = field(default_factory=dict)
    attempts: Sequence[FailedAttempt] = ()
    first_bytes: bytes = b""


def key_for(bucket: str, name: str) -> str:
    """The id of an object's document: 32 letters of SHA-256, a dash, and a slug of the last part of the name."""
    digest = hashlib.sha256(f"{bucket}\0{name}".encode("utf-8", "surrogatepass")).digest()[:_KEY_BYTES]
    spread = base64.b32encode(digest).decode().lower()
    slug = _SLUG.sub("-", name.rsplit("/", 1)[-1])[:_SLUG_LENGTH].strip("-.")
    return f"{spread}-{slug}" if slug else spread


def extracted(notification: Notification, metadata: Metadata, attempt: Attempt) -> Document:
    """The document of an object that was read, whether or not it held metadata."""
    content: dict[str, object] = {
        "image": metadata.image,
        "taken": metadata.taken,
        "position": metadata.position,
        "camera": metadata.camera,
        "exposure": metadata.exposure,
        "pose": metadata.pose,
        "text": metadata.text,
        "blocks": metadata.blocks,
        "sources": metadata.sources or None,
        "sidecar": metadata.sidecar,
        "truncated": metadata.truncated,
        "bytes_read": sum(length for _, length in metadata.ranges),
        "errors": [
            {"stage": block, "code": str(state.status), "message": state.reason}
            for block, state in metadata.blocks.items()
            if state.reason
        ],
    }
    tags: dict[str, Value] = {legal_name(name): _tag(tag) for name, tag in metadata.tags.items()}
    document = _document(notification, metadata.status, content, attempt, tags)
    return replace(document, sidecar=metadata.sidecar)


def failed(
    message: Message,
    notification: Notification | None,
    error: Exception,
    attempt: Attempt,
    evidence: Evidence = Evidence(),
) -> Document:
    """The document of a failure that no further attempt can mend: what, where, and the notification itself."""
    about = notification or Notification(Event.FINALIZE, _nameless(message), message.published)
    trace = Trace.of(error)
    content: dict[str, object] = {
        "failure": {
            "code": code_of(error),
            "stage": trace.stage,
            "frame": trace.frame,
            "fingerprint": fingerprint(code_of(error), trace.stage, trace.frame),
            "redrives": about.action.redrives if about.action else 0,
            "at": attempt.time,
            "message": str(error)[:_SENTENCE_LENGTH],
        },
        "quarantined": True if isinstance(error, Poison) else None,
        "errors": [_error(error, trace)],
        "attempts": evidence.attempts or None,
        "timings": {name: round(seconds, 4) for name, seconds in evidence.timings.items()} or None,
        "first_bytes": evidence.first_bytes.hex(" ", 1) or None,
        "notification": _kept(message),
    }
    return _document(about, Status.FAILED, content, attempt)


def tombstone(notification: Notification, attempt: Attempt) -> Document:
    """The document of an object that is gone. It stays a while, so that late news of the object finds it."""
    content: dict[str, object] = {"deleted_at": notification.time or attempt.time}
    return _document(notification, Status.DELETED, content, attempt)


def object_facts(ref: ObjectRef) -> dict[str, Value]:
    """What the bucket states about the object; the fields that a METADATA_UPDATE patches."""
    facts = {
        "metageneration": ref.metageneration,
        "size": ref.size,
        "content_type": ref.content_type,
        "crc32c": ref.crc32c,
        "md5": ref.md5,
        "storage_class": ref.storage_class,
        "created": ref.created,
        "updated": ref.updated,
        "custom": dict(ref.custom) or None,
    }
    return {name: legal(value) for name, value in facts.items() if value is not None}


OBJECT_FACTS = (
    "bucket",
    "name",
    "generation",
    "metageneration",
    "size",
    "content_type",
    "crc32c",
    "md5",
    "storage_class",
    "created",
    "updated",
    "custom",
)
"""The fields that say what the bucket stated about the object."""


def ref_of(fields: Mapping[str, Any]) -> ObjectRef:
    """The object that a stored document speaks of, from its plain JSON fields."""
    facts: dict[str, Any] = {name: fields[name] for name in OBJECT_FACTS if fields.get(name) is not None}
    for name in ("created", "updated"):
        if name in facts:
            facts[name] = datetime.fromisoformat(facts[name])
    return ObjectRef(**facts)


def plain(value: object) -> object:
    """Our dataclasses as plain mappings, without what is None: absent and unknown are the same in a document."""
    if isinstance(value, str | int | float | None):  # what most are
        return value
    if names := _fields_of(type(value)):  # type: ignore[arg-type] # mypy takes object's class for unhashable
        pairs = [(name, getattr(value, name)) for name in names]
        return {name: plain(item) for name, item in pairs if item is not None and item != ()}
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@cache
def _fields_of(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def _tag(tag: Tag) -> Value:
    """One of a hundred per image: legal in one pass. It stands two levels below its field."""
    return {"id": legal(tag.id), "type": legal(tag.type), "value": legal(tag.value, 2), "text": legal(tag.text)}


def _document(
    notification: Notification,
    status: Status,
    content: Mapping[str, object],
    attempt: Attempt,
    tags: dict[str, Value] | None = None,
) -> Document:
    ref, action = notification.ref, notification.action
    key = key_for(ref.bucket, ref.name)
    passes = action.passes if action else 1
    stored: dict[str, Value] = {
        "bucket": legal(ref.bucket),
        "name": legal(ref.name),
        "uri": legal(ref.uri),
        "generation": ref.generation,
        **object_facts(ref),
        "event_time": legal(notification.time),
        "status": str(status),
        "extractor": EXTRACTOR,
        "recipe": attempt.recipe,
        "passes": passes,
        "attempt": attempt.number,
        "worker": attempt.worker,
        "processed_at": legal(attempt.time or datetime.now(UTC)),
    }
    stored |= {name: legal(plain(value)) for name, value in content.items() if value is not None}
    if action:
        stored["run"] = legal(action.run)
    if tags is not None:
        stored["tags"] = tags
    fields = _indexable(stored) | {"search": searchable(stored)}
    return Document(key, ref, status, EXTRACTOR, _within_budget(fields), passes)


def _indexable(stored: dict[str, Value]) -> dict[str, Value]:
    """Texts too long for an index stand cut in their place and whole under `long_texts`."""
    indexed = {name: value for name, value in stored.items() if name not in UNINDEXED}
    whole = long_texts(indexed)
    if not whole:
        return stored
    cut = {name: _cut(value) for name, value in indexed.items()}
    return stored | cut | {"long_texts": whole}


def _cut(value: Value) -> Value:
    if isinstance(value, str):
        return shortened(value)
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    return [_cut(item) for item in value] if isinstance(value, list) else value


def _within_budget(stored: dict[str, Value]) -> dict[str, Value]:
    """The largest tags, then the largest fields, make way until the document fits; `dropped` names them."""
    if size_at_most(stored) <= DOCUMENT_BYTES:
        return stored
    excess = size_of(stored) - DOCUMENT_BYTES
    if excess <= 0:
        return stored
    stored = dict(stored)
    dropped: list[Value] = []
    excess += 64 * _DROPPED_NAMES  # room for the list of names itself
    tags = stored.get("tags")
    if isinstance(tags, dict):
        stored["tags"], excess = _without_largest(tags, excess, dropped, "tags.")
    if excess > 0:
        spare = {name: stored.pop(name) for name in UNINDEXED if name in stored}
        kept, _ = _without_largest(spare, excess, dropped, "")
        stored |= kept
    return stored | {"dropped": {"count": len(dropped), "names": dropped[:_DROPPED_NAMES]}}


def _without_largest(
    values: dict[str, Value], excess: int, dropped: list[Value], prefix: str
) -> tuple[dict[str, Value], int]:
    """The values without as many of the largest as it takes; each leaves its size behind, or nothing if small."""
    kept = dict(values)
    for name in sorted(values, key=lambda name: size_of(values[name]), reverse=True):
        if excess <= 0:
            break
        size = size_of(kept.pop(name)) + len(name.encode()) + 1
        trace = omitted(repr(values[name]).encode())
        if size > 4 * size_of(trace):
            kept[name] = trace
            size -= size_of(trace) + len(name.encode()) + 1
        excess -= size
        dropped.append(f"{prefix}{name}"[:60])
    return kept, excess


def _error(error: Exception, trace: Trace) -> dict[str, object]:
    lines = traceback.format_exception(error)[-_TRACEBACK_LINES:]
    return {
        "code": code_of(error),
        "type": type(error).__name__,
        "message": str(error),
        "stage": trace.stage,
        "traceback": "".join(lines)[-8000:],
    }


def _kept(message: Message) -> dict[str, object]:
    """The message, so that it can be sent again."""
    kept: dict[str, object] = {"id": message.id, "attributes": dict(message.attributes)}
    data = message.data[:_PAYLOAD_BYTES].decode("utf-8", "replace")
    return kept | {"data": data} if data else kept


def _nameless(message: Message) -> ObjectRef:
    """A place for a message that names no object: it is kept under its own id."""
    attributes = message.attributes
    return ObjectRef(
        bucket=attributes.get("bucketId", "")[:256],
        name=attributes.get("objectId", "")[:1024] or f"message {message.id}",
        generation=0,
    )
