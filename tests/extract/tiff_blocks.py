"""A writer of TIFF structures of any shape: chains, directories below each other, BigTIFF, odd types and counts."""

import struct
from dataclasses import dataclass, field
from typing import Literal

Order = Literal["<", ">"]

CODES = {1: "B", 3: "H", 4: "I", 5: "I", 6: "b", 7: "B", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d", 13: "I", 16: "Q"}
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL, FLOAT, DOUBLE, LONG8 = 1, 2, 3, 4, 5, 7, 10, 11, 12, 16


@dataclass(frozen=True)
class Value:
    """A field as it shall stand in the file; `count` and `data` need not fit together."""

    kind: int
    count: int
    data: bytes | tuple[float, ...]

    def packed(self, order: Order) -> bytes:
        if isinstance(self.data, bytes):
            return self.data
        return struct.pack(f"{order}{len(self.data)}{CODES[self.kind]}", *self.data)


@dataclass(frozen=True)
class Below:
    """A field that points to directories."""

    directories: tuple["Directory", ...]


Directory = dict[int, Value | Below]


def numbers(kind: int, *values: float) -> Value:
    """Numbers of one type; two for each rational."""
    return Value(kind, len(values) // (2 if kind in {RATIONAL, SRATIONAL} else 1), values)


def text(value: str | bytes) -> Value:
    data = value.encode() + b"\0" if isinstance(value, str) else value
    return Value(ASCII, len(data), data)


def blob(data: bytes, kind: int = UNDEFINED) -> Value:
    return Value(kind, len(data), data)


def below(*directories: Directory) -> Below:
    return Below(directories)


@dataclass
class _Writer:
    order: Order
    big: bool
    out: bytearray = field(default_factory=bytearray)

    def pointer(self, offset: int) -> bytes:
        return struct.pack(self.order + ("Q" if self.big else "I"), offset)

    def patch(self, at: int, offset: int) -> None:
        raw = self.pointer(offset)
        self.out[at : at + len(raw)] = raw

    def directory(self, entries: Directory) -> tuple[int, int]:
        """Write a directory and all below it; return its offset and the place of the offset of the next one."""
        start, wide = len(self.out), 8 if self.big else 4
        self.out += struct.pack(self.order + ("Q" if self.big else "H"), len(entries))
        first, size = len(self.out), 4 + 2 * wide
        self.out += b"\0" * (size * len(entries) + wide)
        for index, (tag, value) in enumerate(entries.items()):
            self.entry(first + index * size, tag, value, wide)
        return start, first + len(entries) * size

    def entry(self, at: int, tag: int, value: Value | Below, wide: int) -> None:
        if isinstance(value, Below):
            offsets = [self.directory(each)[0] for each in value.directories]
            value = numbers(LONG8 if self.big else LONG, *offsets)
        raw = value.packed(self.order)
        head = struct.pack(self.order + "HH" + ("Q" if self.big else "I"), tag, value.kind, value.count)
        if len(raw) > wide:
            slot = self.pointer(len(self.out))
            self.out += raw
        else:
            slot = raw.ljust(wide, b"\0")
        self.out[at : at + 4 + 2 * wide] = head + slot


def tiff(*chain: Directory, order: Order = "<", big: bool = False, magic: int = 42) -> bytes:
    """A TIFF structure of these directories, one after the other."""
    writer = _Writer(order, big)
    mark = b"II" if order == "<" else b"MM"
    writer.out += mark + (struct.pack(order + "HHH", 43, 8, 0) if big else struct.pack(order + "H", magic))
    link = len(writer.out)
    writer.out += writer.pointer(0)
    for directory in chain:
        offset, following = writer.directory(directory)
        writer.patch(link, offset)
        link = following
    return bytes(writer.out)
