"""Fujifilm RAF: a JPEG with the EXIF block, and a directory with the size of the picture."""

from worker.extract.containers import jpeg
from worker.extract.parts import Parts
from worker.extract.window import Section, Window, exactly

_JPEG_AT, _DIRECTORY_AT = 84, 92
_FULL_SIZE = 0x0100
_MOST_ENTRIES = 300


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from the embedded JPEG; the size is the RAW picture's own."""
    head = exactly(window, _JPEG_AT, 16)
    offset, length, directory, directory_length = (int.from_bytes(head[at : at + 4], "big") for at in (0, 4, 8, 12))
    inner = Parts(parts.format, parts.mime)
    try:
        jpeg.walk(Section(window, offset, length), inner)
    finally:
        parts.exif, parts.xmp, parts.iptc, parts.problems = inner.exif, inner.xmp, inner.iptc, inner.problems
    _size(parts, exactly(window, directory, directory_length))


def _size(parts: Parts, directory: bytes) -> None:
    """Height and width from the directory's entries (tag, length, value)."""
    at = 4
    for _ in range(min(int.from_bytes(directory[:4], "big"), _MOST_ENTRIES)):
        tag, length = (int.from_bytes(directory[at + i : at + i + 2], "big") for i in (0, 2))
        if tag == _FULL_SIZE and length == 4 and at + 8 <= len(directory):
            parts.height, parts.width = (int.from_bytes(directory[at + i : at + i + 2], "big") for i in (4, 6))
            return
        at += 4 + length
