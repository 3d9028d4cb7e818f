"""Step 1: a message becomes a notification about one generation of one object.

The attributes decide what happened to what; the JSON payload only adds facts, and only where it speaks of the
same generation. Sources: Cloud Storage's "Pub/Sub notifications" page (attributes) and its JSON API object resource.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from worker.errors import BadMessage
from worker.model import Action, Event, Link, Message, Notification, ObjectRef

_INT64 = 2**63
_NAME_BYTES = 1024
_PAYLOAD_BYTES = 1024 * 1024
_ACTION, _RUN, _PASSES, _REDRIVES = "imagemetaAction", "imagemetaRun", "imagemetaPasses", "imagemetaRedrives"
"""Attributes that only our own messages have."""
_OF_DEAD_LETTERS = "CloudPubSubDeadLetter"
_LINK = "IMAGE_URL"
"""The event type of the messages of a batch."""
_BATCH, _ROW, _COLUMN = "imagemetaBatch", "imagemetaRow", "imagemetaColumn"


def decode(message: Message) -> Notification | None:
    """What the message says, or None where its event asks nothing of us (INITIALIZE, or one invented later).

    Raises BadMessage where it does not name a bucket, an object and a generation.
    """
    attributes = message.attributes
    try:
        event = Event(attributes.get("eventType", ""))
    except ValueError:
        return None
    bucket = _text(attributes, "bucketId")
    name = _text(attributes, "objectId")
    generation = _number(attributes, "objectGeneration")
    facts = _facts(message.data, bucket, name, generation)
    overwritten_by = attributes.get("overwrittenByGeneration")
    return Notification(
        event=event,
        ref=_ref(bucket, name, generation, facts),
        time=_time(attributes.get("eventTime")) or message.published,
        overwritten_by=_number(attributes, "overwrittenByGeneration") if overwritten_by else None,
        action=_action(attributes),
    )


def encode(notification: Notification) -> Message:
    """The message that Cloud Storage would send for this; its id is the queue's to give. Inverse of `decode`."""
    ref = notification.ref
    time = notification.time or datetime.now(UTC)
    attributes = {
        "eventType": str(notification.event),
        "payloadFormat": "JSON_API_V1",
        "bucketId": ref.bucket,
        "objectId": ref.name,
        "objectGeneration": str(ref.generation),
        "eventTime": time.isoformat().replace("+00:00", "Z"),
    }
    if notification.overwritten_by is not None:
        attributes["overwrittenByGeneration"] = str(notification.overwritten_by)
    if notification.action:
        attributes |= action_attributes(notification.action)
    return Message(id="", attributes=attributes, data=orjson.dumps(resource_of(ref)), published=time)


def decode_link(message: Message) -> Link | None:
    """What a batch's message says; None for any other message. Raises BadMessage where it does not say all of it."""
    attributes = message.attributes
    if attributes.get("eventType") != _LINK:
        return None
    return Link(
        batch=_text(attributes, _BATCH),
        row=_number(attributes, _ROW),
        column=_number(attributes, _COLUMN),
        url=message.data[:_PAYLOAD_BYTES].decode("utf-8", "replace"),
        passes=_fact_number(attributes, _PASSES) or 1,
    )


def encode_link(link: Link) -> Message:
    """The inverse of `decode_link`. The URL is the payload: Pub/Sub's attributes end at 1,024 bytes, URLs do not."""
    attributes = {
        "eventType": _LINK,
        _BATCH: link.batch,
        _ROW: str(link.row),
        _COLUMN: str(link.column),
        _PASSES: str(link.passes),
    }
    return Message(id="", attributes=attributes, data=link.url.encode())


def action_attributes(action: Action) -> dict[str, str]:
    """What an operator's action adds to the attributes of a message."""
    return {
        _ACTION: action.name,
        _RUN: action.run,
        _PASSES: str(action.passes),
        _REDRIVES: str(action.redrives),
    }


def resource_of(ref: ObjectRef) -> dict[str, Any]:
    """The object resource of the JSON API (numbers as text, as there), without what is unknown."""
    resource = {
        "kind": "storage#object",
        "bucket": ref.bucket,
        "name": ref.name,
        "generation": str(ref.generation),
        "metageneration": str(ref.metageneration),
        "size": None if ref.size is None else str(ref.size),
        "contentType": ref.content_type,
        "crc32c": ref.crc32c,
        "md5Hash": ref.md5,
        "storageClass": ref.storage_class,
        "timeCreated": ref.created and ref.created.isoformat().replace("+00:00", "Z"),
        "updated": ref.updated and ref.updated.isoformat().replace("+00:00", "Z"),
        "metadata": dict(ref.custom) or None,
    }
    return {field: value for field, value in resource.items() if value is not None}


def ref_from_resource(resource: Mapping[str, Any]) -> ObjectRef:
    """The object that a JSON API resource describes. Raises BadMessage where it names none."""
    return _ref(_text(resource, "bucket"), _text(resource, "name"), _number(resource, "generation"), resource)


def again(kept: Mapping[str, Any], action: Action) -> Message:
    """The message that a failed document keeps, to be sent once more: as it came, without what Pub/Sub added."""
    attributes = {
        str(name): str(value)
        for name, value in (kept.get("attributes") or {}).items()
        if not str(name).startswith(_OF_DEAD_LETTERS)
    }
    return Message(id="", attributes=attributes | action_attributes(action), data=str(kept.get("data") or "").encode())


def _action(attributes: Mapping[str, str]) -> Action | None:
    if _ACTION not in attributes:
        return None
    return Action(
        name=attributes[_ACTION],
        run=attributes.get(_RUN, ""),
        passes=_fact_number(attributes, _PASSES) or 1,
        redrives=_fact_number(attributes, _REDRIVES) or 0,
    )


def _ref(bucket: str, name: str, generation: int, facts: Mapping[str, Any]) -> ObjectRef:
    custom = facts.get("metadata")
    return ObjectRef(
        bucket=bucket,
        name=name,
        generation=generation,
        metageneration=_fact_number(facts, "metageneration") or 1,
        size=_fact_number(facts, "size"),
        content_type=_fact_text(facts, "contentType"),
        crc32c=_fact_text(facts, "crc32c"),
        md5=_fact_text(facts, "md5Hash"),
        storage_class=_fact_text(facts, "storageClass"),
        created=_time(facts.get("timeCreated")),
        updated=_time(facts.get("updated")),
        custom={str(k): str(v) for k, v in custom.items()} if isinstance(custom, dict) else {},
    )


def _facts(data: bytes, bucket: str, name: str, generation: int) -> Mapping[str, Any]:
    """The payload, or nothing where it is missing, broken, huge, or about something else."""
    if not data or len(data) > _PAYLOAD_BYTES:
        return {}
    try:
        facts = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(facts, dict):
        return {}
    same = (facts.get("bucket"), facts.get("name"), _fact_number(facts, "generation")) == (
        bucket,
        name,
        generation,
    )
    return facts if same else {}


def _text(attributes: Mapping[str, Any], name: str) -> str:
    value = attributes.get(name)
    if not isinstance(value, str) or not 0 < len(value.encode("utf-8", "replace")) <= _NAME_BYTES:
        raise BadMessage(f"the notification's {name} is missing, or longer than {_NAME_BYTES} bytes")
    return value


def _number(attributes: Mapping[str, Any], name: str) -> int:
    number = _fact_number(attributes, name)
    if number is None:
        raise BadMessage(f"the notification's {name} is not a whole number of 64 bits")
    return number


def _fact_number(facts: Mapping[str, Any], name: str) -> int | None:
    value = facts.get(name)
    # The length is checked first: int() of a megabyte of digits is a way to burn time.
    if not isinstance(value, str | int) or len(str(value)) > 20:
        return None
    try:
        number = int(value)
    except ValueError:
        return None
    return number if 0 <= number < _INT64 else None


def _fact_text(facts: Mapping[str, Any], name: str) -> str | None:
    value = facts.get(name)
    return value[:_NAME_BYTES] if isinstance(value, str) else None


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else None
