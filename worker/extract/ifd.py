"""Image file directories (TIFF 6.0, section 2; BigTIFF) in a block of bytes of which not all may be there."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from worker.extract.parts import Buffer
from worker.extract.values import CODES, RATIONALS, SMALL_INTEGERS

MARKS = {b"II": "I", b"MM": "M"}
"""Byte order marks, and exifread's letters for them."""

BIG_MAGIC = 43
_MAGIC = {42, BIG_MAGIC, 0x55, 0x4F52, 0x5352, 0x01BC}
"""TIFF, BigTIFF, Panasonic RW2, Olympus ORF (RO, RS), JPEG XR."""


class Missing(Exception):
    """Bytes that a directory names do not exist in the block."""


class Source:
    """The bytes of one TIFF block by their offset from its byte order mark.

    A block of at most `whole` bytes is read at once; of a larger one, only what is asked for. Raises Unread where
    the budget does not allow to fetch them. `data` is all of it, or empty where it is not `in_memory`.
    """

    __slots__ = ("_base", "_buffer", "data", "in_memory", "size")

    def __init__(self, buffer: Buffer, base: int, whole: int) -> None:
        self._buffer, self._base = buffer, base
        self.size = max(buffer.size - base, 0)
        self.in_memory = buffer.size <= whole
        self.data = buffer.read(base, self.size) if self.in_memory else b""

    def upto(self, offset: int, length: int) -> bytes:
        """The bytes [offset, offset + length) cut at the end of the block."""
        if offset < 0:
            return b""
        if self.in_memory:
            return self.data[offset : offset + length]
        return self._buffer.read(self._base + offset, max(min(length, self.size - offset), 0))

    def read(self, offset: int, length: int) -> bytes:
        """The bytes [offset, offset + length), all of them, or Missing."""
        at_hand = self.in_memory and offset >= 0
        piece = self.data[offset : offset + length] if at_hand else self.upto(offset, length)
        if len(piece) != length:
            raise Missing
        return piece

    def require(self, offset: int, length: int) -> None:
        """Raise Missing unless the bytes [offset, offset + length) lie in the block; reads nothing."""
        if offset + length > self.size:
            raise Missing


@dataclass(frozen=True, slots=True)
class Layout:
    """How a TIFF writes its directories: the number of entries, an entry (tag, type, count, slot), an offset.

    `single` reads, by field type, the one integer that stands in a slot; `pairs` are the two halves of a rational.
    """

    order: str
    number: struct.Struct
    entry: struct.Struct
    pointer: struct.Struct
    single: Mapping[int, Callable[[bytes], tuple[Any, ...]]]
    pairs: Mapping[int, struct.Struct]


def _layout(order: str, *codes: str) -> Layout:
    number, entry, pointer = (struct.Struct(order + code) for code in codes)
    single = {kind: struct.Struct(order + CODES[kind]).unpack_from for kind in SMALL_INTEGERS}
    pairs = {kind: struct.Struct(order + 2 * letter) for kind, letter in RATIONALS.items()}
    return Layout(order, number, entry, pointer, single, pairs)


CLASSIC = {"I": _layout("<", "H", "HHI4s", "I"), "M": _layout(">", "H", "HHI4s", "I")}
BIG = {"I": _layout("<", "Q", "HHQ8s", "Q"), "M": _layout(">", "Q", "HHQ8s", "Q")}

Entry = tuple[int, int, int, bytes]
"""Tag, field type, count, and the slot that holds the value or its offset."""


class Preamble(NamedTuple):
    """What a TIFF header says: the byte order's mark (exifread's letter), the layouts, the first offset, the magic."""

    mark: str
    layouts: dict[str, Layout]
    first: int
    magic: int


def read_preamble(source: Source) -> Preamble | None:
    """The header of the block, or None where this is no TIFF. Raises Missing where it is shorter than a header."""
    head = source.read(0, 8)
    mark = MARKS.get(head[:2])
    if mark is None:
        return None
    magic = int.from_bytes(head[2:4], "little" if mark == "I" else "big")
    if magic not in _MAGIC:
        return None
    layouts = BIG if magic == BIG_MAGIC else CLASSIC
    pointer = layouts[mark].pointer
    (first,) = pointer.unpack(source.read(pointer.size, pointer.size))
    return Preamble(mark, layouts, first, magic)


class Directory(NamedTuple):
    """The entries of a directory that are there, and whether that is all of them.

    `following` is the offset of the next directory, 0 for none, None where it is not there to be read.
    """

    entries: list[Entry]
    whole: bool
    following: int | None


def read_directory(source: Source, layout: Layout, at: int, most: int) -> Directory:
    """The directory at `at`, at most `most` entries of it. Raises Missing where not even its number is there."""
    start = at + layout.number.size
    (number,) = layout.number.unpack(source.read(at, layout.number.size))
    size, pointer = layout.entry.size, layout.pointer
    wanted = min(number, most)
    body = source.upto(start, wanted * size + pointer.size)
    if len(body) == number * size + pointer.size:
        entries = list(layout.entry.iter_unpack(body[: -pointer.size]))
        return Directory(entries, whole=True, following=pointer.unpack_from(body, number * size)[0])
    there = min(len(body) // size, wanted)
    return Directory(list(layout.entry.iter_unpack(body[: there * size])), there == number, None)
