"""Reading single tags: as text, as a number, or as the first of several names that has one."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from worker.model import Tag

Tags = Mapping[str, Tag]
Sources = dict[str, str]
"""The tag that each field of an answer came from."""
T = TypeVar("T")

SIDECAR = "sidecar"
"""The type of an XMP tag that came from a sidecar file: what people wrote there outranks the image's own."""


def text_of(tags: Tags, name: str) -> str | None:
    """The tag's text without surrounding blanks, or None: of a list the first one, of languages the default.

    A single number counts as text, one in a list does not: that is data in the place of a text.
    """
    tag = tags.get(name)
    if tag is None:
        return None
    value = tag.value
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        value = value[0] if value else None
    elif isinstance(value, dict):
        value = value.get("x-default")
    return value.strip() or None if isinstance(value, str) else None


def number_of(tags: Tags, name: str) -> float | None:
    """The tag's number, or None; of a list the first item. Text that is a plain decimal number counts."""
    tag = tags.get(name)
    if tag is None:
        return None
    value = tag.value
    if value.__class__ is int:  # most are; a truth value is another class
        return value
    if value.__class__ is float:
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        value = value[0] if value else None
    return as_number(value)


def as_number(value: object) -> float | None:
    """A finite number, from a number or from text that is one; truth values are none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


class Row(NamedTuple):
    """A field of an answer, what `sources` calls it, and how it is read from a tag."""

    field: str
    source: str
    read: Callable[[Tags, str], Any]


def rows(answer: str, fields: Iterable[tuple[str, tuple[str, ...], Callable[[Tags, str], Any]]]) -> dict[str, Row]:
    """The rows of an answer by tag, in the order in which they count, from fields with their tags and reader."""
    return {name: Row(field, f"{answer}.{field}", read) for field, names, read in fields for name in names}


def answered(tags: Tags, rows: Mapping[str, Row]) -> tuple[dict[str, Any], Sources]:
    """The fields that the tags answer, each by the first tag that says something, and the tags they came from."""
    fields: dict[str, Any] = {}
    sources: Sources = {}
    for name in rows:
        if name in tags:
            field, source, read = rows[name]
            if field not in fields and (value := read(tags, name)) is not None:
                fields[field], sources[source] = value, name
    return fields, sources


def first(tags: Tags, names: tuple[str, ...], read: Callable[[Tags, str], T | None]) -> tuple[T, str] | None:
    """What `read` makes of the first tag for which that is anything, and this tag's name."""
    for name in names:
        if name in tags and (value := read(tags, name)) is not None:
            return value, name
    return None
