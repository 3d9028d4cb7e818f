"""What a notification says, and what is made of those that say it badly."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decode import decode, encode
from worker.errors import BadMessage
from worker.model import Event, Message, Notification, ObjectRef

ATTRIBUTES = {
    "eventType": "OBJECT_FINALIZE",
    "bucketId": "photos",
    "objectId": "a/b c%2F.jpg",
    "objectGeneration": "1700000000000001",
    "eventTime": "2026-11-20T19:25:46.123456Z",
}
PAYLOAD = {
    "bucket": "photos",
    "name": "a/b c%2F.jpg",
    "generation": "1700000000000001",
    "metageneration": "3",
    "size": "123456",
    "contentType": "image/jpeg",
    "crc32c": "AAAAAA==",
    "md5Hash": "abc=",
    "metadata": {"album": "summer"},
}


def message(data: object = PAYLOAD, **attributes: str) -> Message:
    raw = data if isinstance(data, bytes) else orjson.dumps(data)
    return Message("1", {**ATTRIBUTES, **attributes}, raw)


def ref_of(data: object = PAYLOAD, **attributes: str) -> ObjectRef:
    notification = decode(message(data, **attributes))
    assert notification
    return notification.ref


def test_attributes_say_what_and_payload_adds_facts() -> None:
    notification = decode(message())
    assert notification
    assert notification.event is Event.FINALIZE
    assert notification.time
    assert notification.time.isoformat() == "2026-11-20T19:25:46.123456+00:00"
    ref = notification.ref
    assert (ref.bucket, ref.name, ref.generation) == ("photos", "a/b c%2F.jpg", 1700000000000001)
    assert (ref.metageneration, ref.size, ref.content_type, ref.custom) == (
        3,
        123456,
        "image/jpeg",
        {"album": "summer"},
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000, b" " * 2_000_000, PAYLOAD | {"name": "other"}],
)
def test_a_payload_that_is_broken_or_of_something_else_is_left_aside(data: object) -> None:
    assert ref_of(data) == ObjectRef("photos", "a/b c%2F.jpg", 1700000000000001)


@pytest.mark.parametrize("size", ["", "abc", "-1", "9" * 400, None, [], {}, 1.5])
def test_facts_of_a_wrong_type_are_left_out(size: object) -> None:
    assert ref_of(PAYLOAD | {"size": size, "contentType": 7, "metadata": ["x"], "updated": 3}).size is None


@pytest.mark.parametrize("event", ["OBJECT_INITIALIZE", "OBJECT_INVENTED_LATER", ""])
def test_other_events_ask_nothing(event: str) -> None:
    assert decode(message(eventType=event)) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"bucketId": ""},
        {"objectId": ""},
        {"objectId": "x" * 1025},
        {"objectGeneration": ""},
        {"objectGeneration": "seven"},
        {"objectGeneration": "9" * 30},
        {"objectGeneration": "-1"},
        {"overwrittenByGeneration": "?"},
    ],
)
def test_a_message_that_names_no_generation_of_an_object_is_bad(broken: dict[str, str]) -> None:
    with pytest.raises(BadMessage):
        decode(message(**broken))


def test_replaced_and_removed_are_told_apart() -> None:
    replaced = decode(message(eventType="OBJECT_DELETE", overwrittenByGeneration="17"))
    removed = decode(message(eventType="OBJECT_DELETE"))
    assert replaced
    assert removed
    assert (replaced.overwritten_by, removed.overwritten_by) == (17, None)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).filter(
    lambda name: len(name.encode()) <= 1024
)


@given(
    ref=st.builds(
        ObjectRef,
        bucket=names,
        name=names,
        generation=st.integers(1, 2**63 - 1),
        metageneration=st.integers(1, 2**31),
        size=st.none() | st.integers(0, 2**42),
        custom=st.dictionaries(names, names, max_size=3),
    ),
    event=st.sampled_from(Event),
)
def test_what_encode_writes_decode_reads(ref: ObjectRef, event: Event) -> None:
    read = decode(encode(Notification(event, ref)))
    assert read
    assert (read.event, read.ref) == (event, ref)


@given(st.dictionaries(st.sampled_from([*ATTRIBUTES, "overwrittenByGeneration", "x"]), st.text()), st.binary())
def test_any_message_is_read_or_is_bad(attributes: dict[str, str], data: bytes) -> None:
    with suppress(BadMessage):
        decode(Message("1", attributes, data))
