"""Reading single tags: as text, as a number, or as the first of several names that has one."""

import math
from collections.abc import Callable, Mapping
from typing import TypeVar

from worker.model import Tag

Tags = Mapping[str, Tag]
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


def first(tags: Tags, names: tuple[str, ...], read: Callable[[Tags, str], T | None]) -> tuple[T, str] | None:
    """What `read` makes of the first tag for which that is anything, and this tag's name."""
    for name in names:
        if name in tags and (value := read(tags, name)) is not None:
            return value, name
    return None
