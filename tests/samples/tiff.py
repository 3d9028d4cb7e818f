"""A small writer of EXIF blocks: TIFF structures as EXIF 3.0, section 4.5 and 4.6 describe them."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Order = Literal["<", ">"]

ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL = 2, 3, 4, 5, 7, 10
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_INLINE = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One IFD entry's value: its type, its count (of values, as the entry states it) and its values."""

    type: int
    values: tuple[int | Fraction, ...] | bytes
    count: int | None = None

    def packed(self, order: Order) -> bytes:
        if isinstance(self.values, bytes):
            return self.values
        if self.type in {RATIONAL, SRATIONAL}:
            pairs = [n for value in self.values for n in Fraction(value).as_integer_ratio()]
            return struct.pack(f"{order}{len(pairs)}{'I' if self.type == RATIONAL else 'i'}", *pairs)
        return struct.pack(f"{order}{len(self.values)}{'H' if self.type == SHORT else 'I'}", *self.values)

    @property
    def stated(self) -> int:
        return len(self.values) if self.count is None else self.count


Ifd = dict[int, Entry]


def text(value: str) -> Entry:
    return Entry(ASCII, value.encode() + b"\0")


def short(*values: int) -> Entry:
    return Entry(SHORT, values)


def long(*values: int) -> Entry:
    return Entry(LONG, values)


def rational(*values: float | Fraction) -> Entry:
    return Entry(RATIONAL, tuple(Fraction(value).limit_denominator(1_000_000) for value in values))


def signed(value: float) -> Entry:
    return Entry(SRATIONAL, (Fraction(value).limit_denominator(1_000_000),))


def raw(value: bytes, count: int | None = None) -> Entry:
    return Entry(UNDEFINED, value, count)


def exif(main: Ifd, photo: Ifd | None = None, gps: Ifd | None = None, order: Order = "<") -> bytes:
    """A TIFF structure of IFD0 and, below it, an Exif and a GPS IFD."""
    below = [(tag, ifd) for tag, ifd in ((_EXIF_IFD, photo), (_GPS_IFD, gps)) if ifd]
    at = 8 + len(_ifd({**main, **{tag: long(0) for tag, _ in below}}, 8, order))
    blocks = []
    for tag, ifd in below:
        main = {**main, tag: long(at)}
        blocks.append(_ifd(ifd, at, order))
        at += len(blocks[-1])
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return head + _ifd(main, 8, order) + b"".join(blocks)


def _ifd(entries: Ifd, at: int, order: Order) -> bytes:
    """One IFD that stands at offset `at`, with its larger values behind it."""
    table = struct.pack(f"{order}H", len(entries))
    behind, next_value = b"", at + 2 + 12 * len(entries) + 4
    for tag, entry in sorted(entries.items()):
        value = entry.packed(order)
        place = value.ljust(_INLINE, b"\0")
        if len(value) > _INLINE:
            place = struct.pack(f"{order}I", next_value + len(behind))
            behind += value + b"\0" * (len(value) % 2)
        table += struct.pack(f"{order}HHI", tag, entry.type, entry.stated) + place
    return table + struct.pack(f"{order}I", 0) + behind
