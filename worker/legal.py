"""What a store accepts: values, names and sizes made legal before anything is sent, so that nothing is refused.

The rules are Firestore's (its "Usage and limits" page), the strictest of our stores: no NaN or infinity (ours: JSON
has none), 64-bit integers, valid UTF-8, no list directly in a list, 20 levels, field names of at most 1,500 bytes
that do not look like `__name__`, indexed text of at most 1,500 bytes, a document of at most 1 MiB.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import orjson

from worker.model import Value

DOCUMENT_BYTES = 900 * 1024
"""Our budget for one document; Firestore's own limit is 1 MiB."""
INDEXED_TEXT_BYTES = 1500
_SURELY_SHORT = INDEXED_TEXT_BYTES // 4
"""Characters that no encoding makes too long for an index: UTF-8 has at most four bytes for one."""
_NAME_BYTES = 1500
_DEPTH = 16
"""Levels below a top-level field; the path to it takes the rest of the 20."""
_INT64 = 2**63


def legal(value: object, depth: int = 0) -> Value:
    """The value as every store takes it. What JSON cannot say becomes null; what is too deep becomes JSON text."""
    # By exact type first: half a thousand values pass here per image, nearly all of these types and legal as they are.
    if type(value) is str:
        return value if value.isascii() and "\0" not in value else legal_text(value)
    if type(value) is int:
        return value if -_INT64 <= value < _INT64 else str(value)
    if value is None or type(value) is bool:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else None
    if depth < _DEPTH:
        if type(value) is dict:
            return {legal_name(str(name)): legal(item, depth + 1) for name, item in value.items()}
        if type(value) is list:
            return [_in_list(legal(item, depth + 1)) for item in value]
    return _legal_kin(value, depth)


def legal_text(text: str) -> str:
    """Valid UTF-8 without NUL: lone surrogates become U+FFFD, NULs U+2400, so that nothing disappears."""
    if "\0" in text:
        text = text.replace("\0", "\u2400")
    if not text.isascii():
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text


def legal_name(name: str) -> str:
    """A field name that Firestore takes; different names stay different."""
    if name.isascii() and 0 < len(name) <= _NAME_BYTES and not name.startswith("__") and "\0" not in name:
        return name
    clean = legal_text(name) or "_"
    if clean.startswith("__") and clean.endswith("__"):
        clean = f"_{clean}"
        if clean.endswith("__"):
            clean += "."
    raw = clean.encode()
    if len(raw) > _NAME_BYTES:
        digest = hashlib.sha256(raw).hexdigest()[:16]
        clean = raw[: _NAME_BYTES - 20].decode("utf-8", "ignore") + "…" + digest
    return clean


def omitted(data: bytes) -> dict[str, Value]:
    """What stands in place of a value that is left out: its length in bytes and its SHA-256."""
    return {"omitted": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def size_of(value: Value) -> int:
    """Bytes that Firestore counts for a value ("Storage size calculations"): names and text plus one, numbers 8."""
    if isinstance(value, str):
        return len(value.encode()) + 1
    if isinstance(value, dict):
        return sum(len(name.encode()) + 1 + size_of(item) for name, item in value.items())
    if isinstance(value, list):
        return sum(size_of(item) for item in value)
    return 1 if value is None or isinstance(value, bool) else 8


def size_at_most(fields: Mapping[str, Value]) -> int:
    """A bound of `size_of` at a fraction of its price.

    JSON spells every name and text with at least as many bytes as Firestore counts, and a number, which counts 8, with
    at least one and its comma.
    """
    return 4 * len(orjson.dumps(fields))


def long_texts(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Every text too long for an index, by its dotted path."""
    found: dict[str, Value] = {}
    _gather_long(fields.items(), "", found)
    return found


def _gather_long(items: Iterable[tuple[object, Value]], path: str, found: dict[str, Value]) -> None:
    for name, value in items:
        if isinstance(value, str):
            if len(value) > _SURELY_SHORT and len(value.encode()) > INDEXED_TEXT_BYTES:
                found[f"{path}{name}"] = value
        elif isinstance(value, dict):
            _gather_long(value.items(), f"{path}{name}.", found)
        elif isinstance(value, list):
            _gather_long(enumerate(value), f"{path}{name}.", found)


def shortened(text: str) -> str:
    """The longest head of a text that an index takes, cut between characters."""
    return text.encode()[:INDEXED_TEXT_BYTES].decode("utf-8", "ignore")


def _legal_kin(value: object, depth: int) -> Value:
    """`legal` of what is no plain legal value: other types, and those derived from the plain ones."""
    if isinstance(value, str):
        return legal_text(str(value))
    if isinstance(value, int):
        return legal(int(value))
    if isinstance(value, float):
        return legal(float(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else legal_text(value.isoformat())
    if isinstance(value, bytes):
        return omitted(value)
    if isinstance(value, Mapping | list | tuple) and depth >= _DEPTH:
        return legal_text(_as_json(value))
    if isinstance(value, Mapping):
        return {legal_name(str(name)): legal(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_in_list(legal(item, depth + 1)) for item in value]
    return legal_text(str(value))


def _as_json(value: object) -> str:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # half a character, a number of more than 64 bits, 254 levels
        return json.dumps(value, default=str)


def _in_list(item: Value) -> Value:
    return {"list": item} if isinstance(item, list) else item
