"""Our values and writes as the bytes that Firestore's protobuf messages have on the wire, with no message in between.

An image's document is some 500 values: filling messages and serialising them costs more than twice as much
(docs/performance.md). The form is that of the protocol buffers encoding guide
(protobuf.dev/programming-guides/encoding): a mark (the field's number and its kind), then a number, or a length and so
many bytes. A mapping is a list of entries, each with its key in field 1 and its value in field 2. The numbers of the
fields are those of google/firestore/v1/{document,write,common,firestore}.proto and google/protobuf/timestamp.proto.
"""

import struct
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from worker.model import Value


def varint(number: int) -> bytes:
    """A number from 0 to 2**64 - 1: seven bits a byte, the lowest first."""
    raw = bytearray()
    while number > 127:
        raw.append(number & 127 | 128)
        number >>= 7
    raw.append(number)
    return bytes(raw)


_VARINT, _EIGHT_BYTES, _SIZED = 0, 1, 2


def _mark(field: int, kind: int = _SIZED) -> bytes:
    return varint(field << 3 | kind)


_BATCH_DATABASE, _BATCH_WRITES = _mark(1), _mark(2)
_WRITE_UPDATE, _WRITE_MASK, _WRITE_CONDITION = _mark(1), _mark(3), _mark(4)
_MASK_PATHS = _mark(1)
_CONDITION_EXISTS, _CONDITION_UPDATE_TIME = _mark(1, _VARINT), _mark(2)
_DOCUMENT_NAME, _DOCUMENT_FIELDS = _mark(1), _mark(2)
_BOOLEAN, _INTEGER, _DOUBLE, _NULL = _mark(1, _VARINT), _mark(2, _VARINT), _mark(3, _EIGHT_BYTES), _mark(11, _VARINT)
_MAP, _ARRAY, _TIMESTAMP, _STRING = _mark(6), _mark(9), _mark(10), _mark(17)
_MAP_FIELDS, _ARRAY_VALUES, _ENTRY_KEY, _ENTRY_VALUE = _mark(1), _mark(1), _mark(1), _mark(2)
_SECONDS, _NANOS = _mark(1, _VARINT), _mark(2, _VARINT)

_SHORT = 2048
_LENGTHS = [varint(length) for length in range(_SHORT)]
"""Nearly all numbers and lengths that there are, ready made; and values that begin with them."""
_INTEGERS = [_INTEGER + number for number in _LENGTHS]
_TEXTS = [_STRING + length for length in _LENGTHS]
_TRUE, _FALSE, _NOTHING = _BOOLEAN + b"\1", _BOOLEAN + b"\0", _NULL + b"\0"
_FLOAT, _FLOAT_ITEM = struct.Struct("<cd"), struct.Struct("<3sd")
_DOUBLE_ITEM = _ARRAY_VALUES + varint(_FLOAT.size) + _DOUBLE
_KINDS: tuple[Any, ...] = (str, int, float, dict, list)
_INT64, _UINT64 = 2**63, 2**64 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT = 8192
"""Entries and keys that are kept: some 4 MB as they come, 50 MB if every name were as long as a name may be."""
_REPEATING = 16
"""Characters of the longest text that is kept: what cameras call things is short, what is unique mostly is not."""

ABSENT = _CONDITION_EXISTS + b"\0"
"""The condition of a write that there is no such document."""


def batch(database: str, writes: Iterable[bytes]) -> bytes:
    """A BatchWriteRequest."""
    return b"".join([_sized(_BATCH_DATABASE, database.encode()), *(_sized(_BATCH_WRITES, write) for write in writes)])


def write(name: str, fields: Mapping[str, Value], condition: bytes, paths: Iterable[str] | None = None) -> bytes:
    """A Write of a document's fields: of those at `paths` only, where given; none at all are named by no path.

    Raises TypeError or ValueError for what Firestore cannot hold.
    """
    document = _sized(_DOCUMENT_NAME, name.encode()) + _entries(_DOCUMENT_FIELDS, fields)
    mask = b""
    if paths is not None:
        mask = _sized(_WRITE_MASK, b"".join([_sized(_MASK_PATHS, path.encode()) for path in paths]))
    return _sized(_WRITE_UPDATE, document) + mask + _sized(_WRITE_CONDITION, condition)


def unchanged(version: str) -> bytes:
    """The condition of a write that the document's update time is the one that `encode_version` made this of."""
    seconds, nanos = version.split(".")
    return _sized(_CONDITION_UPDATE_TIME, _timestamp(int(seconds), int(nanos)))


def encode(value: Value) -> bytes:
    """A Value. Raises TypeError or ValueError for what Firestore cannot hold."""
    if type(value) is str:
        raw = value.encode()
        return (_TEXTS[len(raw)] if len(raw) < _SHORT else _STRING + varint(len(raw))) + raw
    if type(value) is int:
        return _INTEGERS[value] if 0 <= value < _SHORT else _integer(value)
    if type(value) is dict:
        return _sized(_MAP, _entries(_MAP_FIELDS, value))
    if type(value) is float:
        return _FLOAT.pack(_DOUBLE, value)
    if type(value) is list:
        return _sized(_ARRAY, b"".join([_item(item) for item in value]))
    if value is None:
        return _NOTHING
    if type(value) is bool:
        return _TRUE if value else _FALSE
    return _encode_kin(value)


def _encode_kin(value: object) -> bytes:
    """Times, and what is of a type derived from those that a document holds."""
    if isinstance(value, datetime):
        return _sized(_TIMESTAMP, _moment(value))
    for kind in _KINDS:
        if isinstance(value, kind):
            return encode(kind(value))
    raise TypeError(f"a document cannot hold a {type(value).__name__}")


def _integer(value: int) -> bytes:
    if not -_INT64 <= value < _INT64:
        raise ValueError("an integer of more than 64 bits")
    return _INTEGER + varint(value & _UINT64)


def _entries(mark: bytes, fields: Mapping[str, Value]) -> bytes:
    entries = [b""]  # the mark stands between the parts: in front of each entry
    for name, value in fields.items():
        if type(value) is int or (type(value) is str and len(value) <= _REPEATING):
            entries.append(_repeated(name, value))
        else:
            entries.append(_entry(name, value))
    return mark.join(entries)


def _entry(name: str, value: Value) -> bytes:
    """One entry behind its mark. The lengths are looked up here, for a call each would cost as much as all the rest."""
    raw = encode(value)
    raw = _key(name) + (_LENGTHS[len(raw)] if len(raw) < _SHORT else varint(len(raw))) + raw
    return (_LENGTHS[len(raw)] if len(raw) < _SHORT else varint(len(raw))) + raw


_repeated = lru_cache(_KEPT, typed=True)(_entry)


@lru_cache(_KEPT)
def _key(name: str) -> bytes:
    return _sized(_ENTRY_KEY, name.encode()) + _ENTRY_VALUE


def _item(value: Value) -> bytes:
    if type(value) is float:  # curves and matrices of a camera: there are hundreds, or there are none
        return _FLOAT_ITEM.pack(_DOUBLE_ITEM, value)
    return _sized(_ARRAY_VALUES, encode(value))


def _sized(mark: bytes, raw: bytes) -> bytes:
    return mark + (_LENGTHS[len(raw)] if len(raw) < _SHORT else varint(len(raw))) + raw


def _moment(value: datetime) -> bytes:
    if value.tzinfo is None:
        raise ValueError("a time without a zone")
    past = value - _EPOCH
    return _timestamp(past.days * 86_400 + past.seconds, past.microseconds * 1000)


def _timestamp(seconds: int, nanos: int) -> bytes:
    return _SECONDS + varint(seconds & _UINT64) + _NANOS + varint(nanos)
