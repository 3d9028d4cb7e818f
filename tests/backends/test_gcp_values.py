"""Our values and writes as Firestore's protobuf, byte by byte, and back."""

from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from typing import Any

import pytest
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1._helpers import decode_value, encode_value
from google.cloud.firestore_v1.types import firestore as calls
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import plain_json
from worker.backends.gcp import wire
from worker.backends.gcp.values import decode, encode_version, field_path
from worker.model import Status, Value

EARLIEST, LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
TIMES = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | TIMES
)
Write = types.Write.pb()
BatchWriteRequest = calls.BatchWriteRequest.pb()
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner.filter(lambda value: not isinstance(value, list)))
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), inner)
    ),
    max_leaves=20,
)


def encoded(value: Value) -> Any:
    return types.Value.pb().FromString(wire.encode(value))


def without_infinities(value: Any) -> bool:
    return "inf" not in repr(value).lower()


@given(VALUES)
def test_google_would_encode_it_the_same(value: Value) -> None:
    theirs = encode_value(value)
    assert encoded(value) == types.Value.pb(theirs)


@given(VALUES)
def test_what_is_encoded_can_be_read_by_google_and_by_us(value: Value) -> None:
    message = encoded(value)
    assert decode_value(types.Value.wrap(message), None) == value
    if without_infinities(value):  # JSON has none, and a document holds none
        assert {"value": decode(message)} == plain_json({"value": value})


@pytest.mark.parametrize(
    "value", [object(), b"bytes", {1, 2}, 2**63, -(2**63) - 1, "\ud800", {"\ud800": 1}, EARLIEST.replace(tzinfo=None)]
)
def test_what_firestore_cannot_hold_is_refused_before_it_is_sent(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        encoded([value])


def test_the_time_zone_does_not_matter() -> None:
    east = datetime(2024, 6, 1, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert encoded(east) == encoded(east.astimezone(UTC))
    assert decode(encoded(east)) == "2024-05-31T20:45:00Z"


def test_the_epoch_is_a_time_and_not_nothing() -> None:
    assert decode(encoded(datetime(1970, 1, 1, tzinfo=UTC))) == "1970-01-01T00:00:00Z"


def test_kinds_that_others_wrote_can_be_read() -> None:
    assert decode(types.Value.pb()(bytes_value=b"\xff")) == "/w=="
    assert decode(types.Value.pb()(geo_point_value={"latitude": 1.5})) == {"latitude": 1.5, "longitude": 0.0}
    assert decode(types.Value.pb()(reference_value="projects/p")) == "projects/p"
    assert decode(types.Value.pb()()) is None


@given(st.integers(-62_135_596_800, 253_402_300_799), st.integers(0, 999_999_999))
def test_a_version_is_exact_to_the_nanosecond(seconds: int, nanos: int) -> None:
    stamp = types.Value.pb()(timestamp_value={"seconds": seconds, "nanos": nanos}).timestamp_value
    write = types.Write.pb().FromString(wire.write("n", {}, wire.unchanged(encode_version(stamp))))
    assert write.current_document.update_time == stamp


FIELDS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), VALUES, max_size=4)


@given(st.lists(st.tuples(FIELDS, st.booleans(), st.none() | st.lists(st.text("a.`", min_size=1))), max_size=3))
def test_a_batch_is_the_one_that_google_would_send(
    writes: list[tuple[dict[str, Value], bool, list[str] | None]],
) -> None:
    ours = [
        wire.write(f"db/é{number}", fields, wire.ABSENT if absent else wire.unchanged("5.000000007"), paths)
        for number, (fields, absent, paths) in enumerate(writes)
    ]
    theirs = BatchWriteRequest(database="db")
    for number, (fields, absent, paths) in enumerate(writes):
        write = Write(update={"name": f"db/é{number}", "fields": {name: as_google(fields[name]) for name in fields}})
        if paths is not None:
            write.update_mask.SetInParent()
            write.update_mask.field_paths.extend(paths)
        if absent:
            write.current_document.exists = False
        else:
            write.current_document.update_time.FromNanoseconds(5_000_000_007)
        theirs.writes.append(write)
    assert BatchWriteRequest.FromString(wire.batch("db", ours)) == theirs


def as_google(value: Value) -> Any:
    return types.Value.pb(encode_value(value))


@given(st.integers(0, 2**64 - 1))
def test_a_number_has_seven_bits_a_byte(number: int) -> None:
    raw = wire.varint(number)
    assert [byte > 127 for byte in raw] == [True] * (len(raw) - 1) + [False]
    assert sum((byte & 127) << 7 * place for place, byte in enumerate(raw)) == number


@pytest.mark.parametrize("length", [0, 1, 127, 128, 2047, 2048, 16_383, 16_384, 2_097_152])
def test_lengths_of_all_sizes(length: int) -> None:
    values: tuple[Any, ...] = ("a" * length, {"n" * length: 1}, ["ä" * length], list(range(length // 16)))
    for value in values:
        assert encoded(value) == as_google(value)


class Number(IntEnum):
    ONE = 1


def test_a_member_of_an_enumeration_counts_as_what_it_is() -> None:
    assert encoded({"a": Status.OK, "b": Number.ONE}) == as_google({"a": "ok", "b": 1})


def test_what_is_alike_is_not_mistaken_for_the_same() -> None:
    for value in (1, True, 1.0, "1", 0, False, 0.0, None, ""):  # the second time from what was kept
        assert encoded({"a": value}) == encoded({"a": value}) == as_google({"a": value})


def test_field_paths_are_quoted_where_they_must_be() -> None:
    assert field_path("custom_1") == "custom_1"
    assert field_path("with.dot") == "`with.dot`"
    assert field_path("1st") == "`1st`"
    assert field_path("tick`and\\slash") == "`tick\\`and\\\\slash`"
