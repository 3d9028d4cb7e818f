"""No document can be made that Firestore would refuse, and none says less than was found without saying so."""

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.document import UNINDEXED, Attempt, extracted, failed, key_for, tombstone
from worker.errors import CorruptImage
from worker.legal import DOCUMENT_BYTES, legal, legal_name, legal_text, long_texts, omitted, size_at_most, size_of
from worker.model import (
    Block,
    BlockStatus,
    Document,
    Event,
    ImageInfo,
    Message,
    Metadata,
    Notification,
    ObjectRef,
    Status,
    Tag,
    Text,
)

REF = ObjectRef("photos", "holiday/Ünïcode – sunset (1).JPG", 7, size=1000)
SEEN = Notification(Event.FINALIZE, REF, datetime(2026, 1, 2, tzinfo=UTC))
OK = {"exif": Block(BlockStatus.OK)}


def document(tags: dict[str, Tag] | None = None, **more: Any) -> Document:
    return extracted(SEEN, Metadata(ImageInfo("jpeg"), tags or {}, OK, **more), Attempt(1, "w1"))


def test_the_key_spreads_and_is_readable() -> None:
    key = key_for("photos", "holiday/Ünïcode – sunset (1).JPG")
    assert re.fullmatch(r"[a-z2-7]{32}-n-code-sunset-1-.JPG", key), key
    assert key != key_for("photos", "Holiday/Ünïcode – sunset (1).JPG")
    # The separator keeps bucket "a", object "b/c" apart from bucket "a/b", object "c".
    assert key_for("a", "b/c") != key_for("a/b", "c")


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_name_has_a_legal_key(bucket: str, name: str) -> None:
    key = key_for(bucket, name)
    assert key.isascii()
    assert len(key) <= 93
    assert "/" not in key
    assert not key.startswith("__")


def test_a_result_says_who_what_when() -> None:
    fields = document({"IFD0:Make": Tag(271, "ASCII", "Canon", "Canon")}).fields
    assert fields["uri"] == "gs://photos/holiday/Ünïcode – sunset (1).JPG"
    assert (fields["status"], fields["generation"], fields["attempt"], fields["worker"]) == ("ok", 7, 1, "w1")
    assert fields["tags"] == {"IFD0:Make": {"id": 271, "type": "ASCII", "value": "Canon", "text": "Canon"}}
    assert fields["blocks"] == {"exif": {"status": "ok"}}


def test_a_failure_keeps_the_reason_and_the_notification() -> None:
    message = Message("m1", {"bucketId": "photos", "objectId": REF.name, "objectGeneration": "7"})
    fields = failed(message, SEEN, CorruptImage("the object is empty"), Attempt(3, "w1")).fields
    assert fields["status"] == "failed"
    errors: Any = fields["errors"]
    assert errors[0]["code"] == "corrupt_image"
    assert errors[0]["message"] == "the object is empty"
    assert fields["notification"] == {"id": "m1", "attributes": dict(message.attributes)}


def test_a_message_without_an_object_has_a_place_too() -> None:
    made = failed(Message("m1", {}), None, CorruptImage("?"), Attempt())
    assert made.key == key_for("", "message m1")
    assert made.status is Status.FAILED


def test_a_tombstone_speaks_of_its_generation() -> None:
    made = tombstone(Notification(Event.DELETE, REF, datetime(2026, 1, 2, tzinfo=UTC)), Attempt())
    assert (made.status, made.fields["generation"], made.fields["status"]) == (Status.DELETED, 7, "deleted")


def test_a_long_caption_is_cut_for_the_index_and_kept_whole_beside_it() -> None:
    caption = "ä" * 5000
    fields = document(text=Text(description=caption)).fields
    text: Any = fields["text"]
    assert len(text["description"].encode()) <= 1500
    assert fields["long_texts"] == {"text.description": caption}
    assert "long_texts" in UNINDEXED


def test_a_document_that_is_too_large_drops_its_largest_tags_and_names_them() -> None:
    tags = {f"XMP-x:p{n}": Tag(n, "xmp", "x" * 1000 * n, "t") for n in range(1, 60)}
    fields = dict(document(tags).fields)
    assert size_of(fields) <= DOCUMENT_BYTES
    dropped: Any = fields["dropped"]
    kept: Any = fields["tags"]
    assert "tags.XMP-x:p59" in dropped["names"]
    assert set(kept["XMP-x:p59"]) == {"omitted", "sha256"}
    assert kept["XMP-x:p1"]["value"] == "x" * 1000


def test_very_many_small_tags_fit_as_well() -> None:
    tags = {f"XMP-x:property{n:06}": Tag(n, "xmp", n, str(n)) for n in range(60_000)}
    fields = dict(document(tags).fields)
    assert size_of(fields) <= DOCUMENT_BYTES
    dropped: Any = fields["dropped"]
    kept: Any = fields["tags"]
    assert dropped["count"] + len(kept) == 60_000


def walk(value: object, depth: int = 1) -> Iterator[tuple[object, int]]:
    yield value, depth
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, depth
            yield from walk(item, depth + 1)
    if isinstance(value, list):
        for item in value:
            assert not isinstance(item, list), "Firestore refuses a list in a list"
            yield from walk(item, depth + 1)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary() | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=20), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(anything)
@settings(max_examples=300)
def test_whatever_goes_in_comes_out_legal(value: object) -> None:
    for part, depth in walk(legal({"field": value})):
        assert depth <= 20
        if isinstance(part, float):
            assert math.isfinite(part)
        if isinstance(part, int):
            assert -(2**63) <= part < 2**63
        if isinstance(part, str):
            assert "\0" not in part
            part.encode()


def as_the_rules_say(value: Any, depth: int = 0) -> Any:
    """`legal` word for word, each value by each rule: what its fast path must equal."""
    match value:
        case None | bool():
            return value
        case str():
            return legal_text(str(value))
        case int():
            return int(value) if -(2**63) <= value < 2**63 else str(value)
        case float():
            return float(value) if math.isfinite(value) else None
        case datetime():
            return value.astimezone(UTC) if value.tzinfo else value.isoformat()
        case bytes():
            return omitted(value)
        case dict() | list() | tuple() if depth >= 16:
            return legal_text(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode())
        case dict():
            return {as_a_name(str(name)): as_the_rules_say(item, depth + 1) for name, item in value.items()}
        case list() | tuple():
            items = [as_the_rules_say(item, depth + 1) for item in value]
            return [{"list": item} if isinstance(item, list) else item for item in items]
    return str(value)


def as_a_name(name: str) -> str:
    clean = legal_text(name) or "_"
    if clean.startswith("__") and clean.endswith("__"):
        clean = f"_{clean}" if not f"_{clean}".endswith("__") else f"_{clean}."
    return clean


@given(anything | st.sampled_from(Status) | st.tuples(st.integers(), st.sampled_from(Event)))
@settings(max_examples=300)
def test_the_fast_path_is_what_the_rules_say(value: object) -> None:
    expected = as_the_rules_say(value)
    assert typed(legal(value)) == typed(expected)
    assert typed(document({"x": Tag(1, "t", cast(Any, value), "")}).fields["tags"]) == typed(
        {"x": as_the_rules_say({"": {"id": 1, "type": "t", "value": value, "text": ""}})["_"]}
    )


def typed(value: Any) -> str:
    """True is not 1, 0.0 is not 0, and a member of an enumeration is not its text."""
    return repr([(type(part), part) for part, _ in walk(value)])


@given(st.text(st.characters(), max_size=6) | st.text("_\0a", max_size=6) | st.text("_ä", max_size=6))
def test_the_fast_path_of_names_is_what_the_rules_say(name: str) -> None:
    assert legal_name(name) == as_a_name(name)


@given(st.dictionaries(st.text(), anything, max_size=4))
def test_the_quick_bound_of_a_size_holds(fields: dict[str, Any]) -> None:
    made: Any = legal(fields)
    assert size_of(made) <= size_at_most(made)


@given(st.integers(370, 380) | st.integers(1495, 1505), st.sampled_from("aä日😀"))
def test_a_text_is_long_by_its_bytes(length: int, letter: str) -> None:
    text = letter * length
    found = long_texts({"a": {"b": [1, text]}, "c": "short"})
    assert found == ({"a.b.1": text} if len(text.encode()) > 1500 else {})


def test_names_that_firestore_reserves_are_renamed_and_stay_apart() -> None:
    names = ["__x__", "___x__", "_", "", "__", "____", "a" * 3000, "a" * 3001, "ä" * 1500]
    made = legal(dict.fromkeys(names, 1))
    assert isinstance(made, dict)
    for name in made:
        assert name
        assert len(name.encode()) <= 1500
        assert not (name.startswith("__") and name.endswith("__"))
    assert len(made) >= len(names) - 1  # "" becomes "_", and there is one already


@pytest.mark.parametrize(("bottom", "levels"), [("\ud800", 20), (2**70, 20), ("bottom", 500)])
def test_what_one_encoder_refuses_becomes_text_all_the_same(bottom: object, levels: int) -> None:
    deep = bottom
    for _ in range(levels):
        deep = {"in": deep}
    texts = [part for part, _ in walk(legal(deep)) if isinstance(part, str)]
    assert json.dumps(bottom) in texts[-1]


def test_what_is_nested_too_deep_becomes_text() -> None:
    deep: Any = "bottom"
    for _ in range(60):
        deep = {"in": deep}
    assert max(depth for _, depth in walk(legal(deep))) <= 20
    assert "bottom" in json.dumps(legal(deep))
