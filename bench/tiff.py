"""A writer of TIFF structures, as far as an EXIF block needs it. Little-endian; offsets count from its first byte."""

import struct
from collections.abc import Sequence

Entry = tuple[int, int, int, bytes]
"""Tag, type, count and the packed value."""

_EXIF, _GPS, _THUMBNAIL, _THUMBNAIL_LENGTH = 0x8769, 0x8825, 0x0201, 0x0202


def ascii_text(tag: int, text: str) -> Entry:
    raw = text.encode() + b"\0"
    return tag, 2, len(raw), raw


def short(tag: int, *numbers: int) -> Entry:
    return tag, 3, len(numbers), struct.pack(f"<{len(numbers)}H", *numbers)


def long(tag: int, *numbers: int) -> Entry:
    return tag, 4, len(numbers), struct.pack(f"<{len(numbers)}I", *numbers)


def rational(tag: int, *fractions: tuple[int, int]) -> Entry:
    return tag, 5, len(fractions), b"".join(struct.pack("<II", *each) for each in fractions)


def signed_rational(tag: int, *fractions: tuple[int, int]) -> Entry:
    return tag, 10, len(fractions), b"".join(struct.pack("<ii", *each) for each in fractions)


def undefined(tag: int, raw: bytes) -> Entry:
    return tag, 7, len(raw), raw


def tiff(
    first: Sequence[Entry], exif: Sequence[Entry] = (), gps: Sequence[Entry] = (), thumbnail: bytes = b""
) -> bytes:
    """IFD0, the Exif and GPS IFDs that it points to, and IFD1 with its thumbnail; what is empty is left out."""
    second = [short(0x0103, 6), long(_THUMBNAIL, 0), long(_THUMBNAIL_LENGTH, len(thumbnail))] if thumbnail else []
    pointers = [long(tag, 0) for tag, ifd in ((_EXIF, exif), (_GPS, gps)) if ifd]
    exif_at = 8 + _size([*first, *pointers])
    gps_at = exif_at + _size(exif)
    second_at = gps_at + _size(gps)
    pointers = [long(tag, at) for tag, at, ifd in ((_EXIF, exif_at, exif), (_GPS, gps_at, gps)) if ifd]
    if thumbnail:
        second[1] = long(_THUMBNAIL, second_at + _size(second))
    return b"".join(
        [
            struct.pack("<2sHI", b"II", 42, 8),
            _ifd([*first, *pointers], 8, second_at if thumbnail else 0),
            _ifd(exif, exif_at),
            _ifd(gps, gps_at),
            _ifd(second, second_at),
            thumbnail,
        ]
    )


def _size(entries: Sequence[Entry]) -> int:
    return 6 + 12 * len(entries) + sum(_outside(raw) for *_, raw in entries) if entries else 0


def _outside(raw: bytes) -> int:
    """Bytes that a value takes behind the directory: none up to 4, else its length made even."""
    return len(raw) + len(raw) % 2 if len(raw) > 4 else 0


def _ifd(entries: Sequence[Entry], at: int, following: int = 0) -> bytes:
    if not entries:
        return b""
    place = at + 6 + 12 * len(entries)
    directory, values = [struct.pack("<H", len(entries))], []
    for tag, kind, count, raw in sorted(entries):
        inside = raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack("<I", place)
        directory.append(struct.pack("<HHI", tag, kind, count) + inside)
        if len(raw) > 4:
            values.append(raw.ljust(_outside(raw), b"\0"))
            place += _outside(raw)
    return b"".join([*directory, struct.pack("<I", following), *values])
