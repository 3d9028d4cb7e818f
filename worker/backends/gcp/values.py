"""Firestore's protobuf `Value`s as our values, straight from the raw messages, and what else stands in text form.

The way there is in wire.py.
"""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.internal import api_implementation

from worker.model import Value

if api_implementation.Type() == "python":  # two orders of magnitude slower, and silent about it
    raise ImportError("protobuf runs on its pure Python implementation; install a wheel that has upb")

Pb = Any
"""A raw protobuf message. Its class comes from a descriptor at run time, so there is no type to name."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIMPLE_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def decode_fields(fields: Pb) -> dict[str, Value]:
    """A `map<string, Value>` field as plain JSON values, times as ISO 8601 text."""
    return {name: decode(value) for name, value in fields.items()}


def decode(value: Pb) -> Value:
    """One `Value` as a plain JSON value. Kinds that we never write come as text, or as a mapping."""
    kind = value.WhichOneof("value_type")
    return _DECODERS[kind](getattr(value, kind)) if kind in _DECODERS else None


def _latitude_and_longitude(point: Pb) -> dict[str, Value]:
    return {"latitude": point.latitude, "longitude": point.longitude}


def _same(value: Any) -> Value:
    plain: Value = value
    return plain


def _iso(timestamp: Pb) -> str:
    moment = _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)
    return moment.isoformat().replace("+00:00", "Z")


_DECODERS: dict[str, Callable[[Any], Value]] = {
    "string_value": _same,
    "boolean_value": _same,
    "integer_value": _same,
    "double_value": _same,
    "reference_value": _same,
    "timestamp_value": _iso,
    "bytes_value": lambda data: base64.b64encode(data).decode(),
    "geo_point_value": _latitude_and_longitude,
    "map_value": lambda mapping: decode_fields(mapping.fields),
    "array_value": lambda array: [decode(item) for item in array.values],
}


def encode_version(timestamp: Pb) -> str:
    """An update time as our version: exact to the nanosecond, which a datetime would not be."""
    return f"{timestamp.seconds}.{timestamp.nanos:09d}"


def field_path(name: str) -> str:
    """The path of a top-level field: what is no simple name stands in backticks."""
    if _SIMPLE_NAME.fullmatch(name):
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
