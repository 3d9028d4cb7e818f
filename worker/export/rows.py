"""A document becomes a row: the values of its columns, or their texts.

A text that a spreadsheet would run as a formula is given a leading apostrophe (OWASP, "CSV injection"): whoever uploads
a picture decides what its caption says. Numbers stay numbers, negative ones too.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from worker.model import Value
from worker.outlet import Column

Cell = str | int | float | None
Fields = Mapping[str, Value]

_FORMULA = re.compile(
    r"[\t\r\n]|[\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2060\ufeff]*[-=+@\uff0d\uff1d\uff0b\uff20\ufe63\ufe66\ufe62\ufe6b]"
)
"""What a spreadsheet may take for the beginning of a formula: the four signs, also fullwidth and small, also behind
what is trimmed or not seen; and the blanks that end a cell."""


def safe(text: str) -> str:
    """The text, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def flat(value: Value, *, raw: bool = False) -> Cell:
    """A value as the cell of a table of texts: lists are joined by `; `, maps are JSON."""
    if isinstance(value, str):  # what most are
        return value if raw else safe(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, list) and not any(isinstance(item, dict) for item in value):
        items = [_text(item) for item in value]
        return "; ".join(items if raw else map(safe, items))
    return _text(value)  # begins with a bracket


def cutter(columns: Sequence[Column]) -> Callable[[str, Fields], list[Value]]:
    """What cuts a document, given with its key, into the cells of these columns."""
    gets = [_getter(column) for column in columns]

    def cut(key: str, fields: Fields) -> list[Value]:
        whole = fields.get("long_texts")
        seen = _restored(fields, whole) if isinstance(whole, Mapping) else fields
        return [get(key, seen) for get in gets]

    return cut


def as_json(value: object) -> bytes:
    """A value as JSON text."""
    return orjson.dumps(value)


def _text(value: Value) -> str:
    return value if isinstance(value, str) else as_json(value).decode()


def _getter(column: Column) -> Callable[[str, Fields], Value]:
    """Compiled, for there are a million rows: most columns stand at the top or one level down."""
    if not column.path:
        return lambda key, _: key
    if " " in column.path:
        first, second = (_path(path) for path in column.path.split(" "))
        return lambda _, fields: _joined(_at(fields, first), _at(fields, second))
    path = _path(column.path)
    if len(path) == 1:
        top = path[0]
        return lambda _, fields: fields.get(top)
    if len(path) == 2:
        return _below(*path)
    return lambda _, fields: _at(fields, path)


def _below(top: str, name: str) -> Callable[[str, Fields], Value]:
    def get(_: str, fields: Fields) -> Value:
        part = fields.get(top)
        return part.get(name) if isinstance(part, dict) else None

    return get


def _path(path: str) -> list[str]:
    """Names are separated by dots; where a name may have dots itself, a tag's, by NUL."""
    return path.split("\0" if "\0" in path else ".")


def _at(value: Any, path: Sequence[str]) -> Value:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value  # type: ignore[no-any-return] # a document holds nothing else


def _joined(first: Value, second: Value) -> Value:
    return first if first is None or second is None else f"{first}{second}"


def _restored(fields: Fields, whole: Mapping[str, Value]) -> Fields:
    """The document with its long texts, which are cut for the sake of indexes, whole and in their places."""
    found: Any = fields
    for path, text in whole.items():
        if isinstance(text, str):
            found = _with(found, path.split("."), text)
    return found  # type: ignore[no-any-return] # a copy of a document


def _with(value: Any, path: Sequence[str], text: str) -> Any:
    """A copy of the value with that text in its place, if there is such a place."""
    if not path:
        return text
    name, *rest = path
    if isinstance(value, dict):
        return {**value, name: _with(value.get(name), rest, text)}
    if isinstance(value, list) and name.isdigit() and int(name) < len(value):
        return [*value[: int(name)], _with(value[int(name)], rest, text), *value[int(name) + 1 :]]
    return value
