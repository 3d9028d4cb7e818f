"""Our values as Firestore's protobuf and back."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1._helpers import decode_value, encode_value
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import plain_json
from worker.backends.gcp.values import decode, decode_version, encode, encode_version, field_path
from worker.model import Value

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
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner.filter(lambda value: not isinstance(value, list)))
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), inner)
    ),
    max_leaves=20,
)


def encoded(value: Value) -> Any:
    message = types.Value.pb()()
    encode(message, value)
    return message


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
    again = types.Value.pb()().timestamp_value
    decode_version(again, encode_version(stamp))
    assert again == stamp


def test_field_paths_are_quoted_where_they_must_be() -> None:
    assert field_path("custom_1") == "custom_1"
    assert field_path("with.dot") == "`with.dot`"
    assert field_path("1st") == "`1st`"
    assert field_path("tick`and\\slash") == "`tick\\`and\\\\slash`"
