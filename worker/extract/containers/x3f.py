"""Sigma X3F: a directory at the end names sections; the preview is a JPEG with the EXIF block."""

from worker.extract.containers import jpeg
from worker.extract.parts import Parts
from worker.extract.window import Cut, Section, Window, exactly

_MOST_SECTIONS = 100
_IMAGE_HEAD = 28
_JPEG = 18


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from the first JPEG section that holds anything; the size is the one in the header."""
    head = exactly(window, 0, 40)
    parts.width, parts.height = int.from_bytes(head[28:32], "little"), int.from_bytes(head[32:36], "little")
    for offset, length in _images(window):
        inner = Parts(parts.format, parts.mime)
        try:
            jpeg.walk(Section(window, offset + _IMAGE_HEAD, length - _IMAGE_HEAD), inner)
        finally:
            parts.exif += inner.exif
            parts.xmp += inner.xmp
            parts.problems += inner.problems
        if parts.exif:
            return


def _images(window: Window) -> list[tuple[int, int]]:
    """(offset, length) of the sections that are JPEG pictures, in the directory's order."""
    directory = int.from_bytes(exactly(window, window.size - 4, 4), "little")
    head = exactly(window, directory, 12)
    if head[:4] != b"SECd":
        raise Cut("the file does not end with its directory")
    count = min(int.from_bytes(head[8:], "little"), _MOST_SECTIONS)
    entries = exactly(window, directory + 12, 12 * count)
    found = []
    for at in range(0, len(entries), 12):
        offset, length = (int.from_bytes(entries[at + i : at + i + 4], "little") for i in (0, 4))
        if entries[at + 8 : at + 12] in {b"IMAG", b"IMA2"} and length > _IMAGE_HEAD:
            section = exactly(window, offset, _IMAGE_HEAD)
            if int.from_bytes(section[12:16], "little") == _JPEG:
                found.append((offset, length))
    return found
