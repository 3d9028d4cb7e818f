"""Values of maker notes in the units of the standard tags: metres, minutes, names.

exifread leaves most of these as the camera wrote them; the names of the results are those that ExifTool uses for the
same thing, or the standard's (SubjectDistance), so that one place can look for every maker's.
"""

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from exifread.tags.makernote import canon

from worker.extract.header import Bounds, Header
from worker.extract.ifd import Source
from worker.extract.maker_forms import ARRAYS, DIRECTORIES
from worker.extract.tag_tables import Known, Table
from worker.extract.values import FIELDS, SIZES, content, number
from worker.model import Tag, TagValue

GROUP = "MakerNotes"
Named = tuple[str, Tag]
Converter = Callable[["Field"], Iterator[Named]]

_POINTERS = {4, 13}
"""The types of a pointer to a directory."""
_CAMERA_INFO = 0x000D
_ANSWERS: dict[int, tuple[int, ...]] = {0x0001: (22, 23, 24, 25), 0x0004: (19,)}
"""The places of Canon's arrays that say lens and distance."""
_INFINITE = {0, 65535}
"""What Canon writes for a distance that is not known or infinite."""
_FARTHEST = 100_000
"""Metres beyond which a distance stands for infinity."""
_WIDEST_ZONE = 15 * 60
"""Minutes."""
_LONG, _SLONG = 4, 9


class NoteHeader(Header):
    """A header whose directory is a maker's note; `detailed` takes all places of Canon's arrays."""

    def __init__(self, source: Source, mark: str, bounds: Bounds, maker: str, model: str, *, detailed: bool) -> None:
        super().__init__(source, mark, bounds)
        self.special = _SPECIAL.get(maker, frozenset())
        self.directories: list[tuple[Table, int]] = []
        """Directories that the tags point to: table and offset."""
        self._maker = maker
        self._model = model
        self._detailed = detailed

    def convert(self, tag: int, kind: int, raw: bytes, offset: int) -> None:
        """Keep what a tag stands for."""
        field = Field(tag, kind, raw, "<" if self.endian == "I" else ">")
        if self._maker == "Olympus" and tag in DIRECTORIES:
            self.directories.append((DIRECTORIES[tag], _target(field, offset - self.offset)))
            return
        if tag in ARRAYS and self._maker == "Canon":
            named = _places(field, None if self._detailed else _ANSWERS.get(tag, ()))
        elif tag == _CAMERA_INFO and self._maker == "Canon":
            named = _camera_info(raw, self._model)
        else:
            named = _CONVERTERS[self._maker, tag](field)
        for name, value in named:
            self.tags.setdefault(f"{GROUP}:{name}", value)


class Field(NamedTuple):
    """A tag of a note as the file has it."""

    tag: int
    kind: int
    raw: bytes
    order: str

    @property
    def type(self) -> str:
        """The name of its type."""
        return FIELDS[self.kind]

    def numbers(self, kind: int | None = None) -> list[Any]:
        """Its numbers, or those of another type in the same bytes."""
        kind = self.kind if kind is None else kind
        found = content(
            kind, len(self.raw) // SIZES[kind], self.raw[: len(self.raw) // SIZES[kind] * SIZES[kind]], self.order
        )
        return found if isinstance(found, list) else []


def _target(field: Field, offset: int) -> int:
    """Where a directory stands: the value is its offset, or in older cameras the directory itself."""
    numbers = field.numbers() if field.kind in _POINTERS else []
    return numbers[0] if numbers else offset


def _places(field: Field, wanted: tuple[int, ...] | None) -> Iterator[Named]:
    """The tags that an array of Canon's holds: its place 0 is its length."""
    for place, value in enumerate(field.numbers()):
        known = ARRAYS[field.tag].get(place)
        if known is None or place == 0 or (wanted is not None and place not in wanted):
            continue
        path = f"0x{field.tag:04X}.{place}"
        if known[0] == "SubjectDistance":
            yield known[0], _distance(path, field.type, None if value in _INFINITE else value / 100, str(value))
        else:
            yield known[0], Tag(path, field.type, value, _label(known, value))


def _label(known: Known, value: int) -> str:
    """exifread's text for a code; its tables have codes below zero, which the file has as large ones."""
    rule = known[1]
    if rule is None:
        return str(value)
    if isinstance(rule, dict):
        return rule.get(value) or rule.get(value - 0x10000) or f"Unknown ({value})"
    return rule(value)


def _camera_info(raw: bytes, model: str) -> Iterator[Named]:
    """The fields of Canon's CameraInfo, for the models whose layout exifread knows."""
    layout = next((fields for name, fields in canon.CAMERA_INFO_MODEL_MAP.items() if re.search(name, model)), {})
    for place, (name, form, reading) in layout.items():
        if place + struct.calcsize(form) <= len(raw):
            value = reading(struct.unpack_from(form, raw, place)[0])
            yield name, Tag(f"0x{_CAMERA_INFO:04X}.{place}", "UNDEFINED", value, str(value))


def _distance(path: int | str, kind: str, metres: float | None, raw: str) -> Tag:
    return Tag(path, kind, metres, raw if metres is None else f"{metres:g} m")


def _metres(unit: int) -> Converter:
    """A converter of a distance, of which `unit` make a metre."""

    def convert(field: Field) -> Iterator[Named]:
        for value in field.numbers()[:1]:
            length = number(value)
            usable = length is not None and 0 < length < _FARTHEST * unit
            metres = length / unit if length is not None and usable else None
            yield "SubjectDistance", _distance(field.tag, field.type, metres, str(value))

    return convert


def _olympus_distance(field: Field) -> Iterator[Named]:
    """Millimetres in the numerator; the denominator says something else."""
    for length in field.numbers(_LONG)[:1]:
        metres = length / 1000 if 0 < length < _FARTHEST * 1000 else None
        yield "SubjectDistance", _distance(field.tag, field.type, metres, str(length))


def _zone(field: Field, minutes: int, saving: int) -> Iterator[Named]:
    """The camera's zone, minutes east of UTC, and the minutes of daylight saving on top of it."""
    if abs(minutes) <= _WIDEST_ZONE:
        hours = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        yield "TimeZone", Tag(field.tag, field.type, minutes, hours)
        yield "DaylightSavings", Tag(field.tag, field.type, saving, str(saving))


def _canon_time(field: Field) -> Iterator[Named]:
    """TimeInfo: length, zone, city, daylight saving, in 32 bits with a sign."""
    numbers = field.numbers(_SLONG)
    if len(numbers) >= 4:
        yield from _zone(field, numbers[1], numbers[3])


def _nikon_time(field: Field) -> Iterator[Named]:
    """WorldTime: the zone in 16 bits with a sign, then whether daylight is saved."""
    if len(field.raw) == 4:
        minutes, saved = struct.unpack_from(f"{field.order}hB", field.raw)
        yield from _zone(field, minutes, 60 if saved == 1 else 0)


def _sony_lens(field: Field) -> Iterator[Named]:
    """LensSpec: between two bytes of features, focal lengths in two and apertures in one byte, decimal digits."""
    digits = field.raw.hex()[2:14]
    if len(field.raw) == 8 and digits.isdecimal() and int(digits):
        lens: list[TagValue] = [int(digits[:4]), int(digits[4:8]), int(digits[8:10]) / 10, int(digits[10:]) / 10]
        yield "Lens", Tag(field.tag, field.type, lens, str(lens))


_CONVERTERS: dict[tuple[str, int], Converter] = {
    ("Canon", 0x0035): _canon_time,
    ("Nikon", 0x0024): _nikon_time,
    ("Nikon", 0x0085): _metres(1),
    ("Casio", 0x0006): _metres(1000),
    ("Casio", 0x2022): _metres(1000),
    ("Olympus", 0x0305): _olympus_distance,
    ("Sony", 0xB02A): _sony_lens,
}

_SPECIAL: dict[str, frozenset[int]] = {
    maker: frozenset(tag for owner, tag in _CONVERTERS if owner == maker) for maker, _ in _CONVERTERS
}
_SPECIAL["Canon"] |= {*ARRAYS, _CAMERA_INFO}
_SPECIAL["Olympus"] |= DIRECTORIES.keys()
