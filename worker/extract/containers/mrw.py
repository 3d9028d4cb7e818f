"""Minolta MRW: blocks in front of the RAW data; PRD holds the size, TTW a TIFF block."""

from worker.extract.containers.embedded import read_exif
from worker.extract.parts import Parts
from worker.extract.window import Window, exactly

_MOST_BLOCKS = 100


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from the blocks that the header counts."""
    end = 8 + int.from_bytes(exactly(window, 4, 4), "big")
    at = 8
    for _ in range(_MOST_BLOCKS):
        if at + 8 > end:
            return
        head = exactly(window, at, 8)
        name, length = head[:4], int.from_bytes(head[4:], "big")
        if name == b"\0PRD":
            size = exactly(window, at + 8 + 12, 4)
            parts.height, parts.width = int.from_bytes(size[:2], "big"), int.from_bytes(size[2:], "big")
        elif name == b"\0TTW":
            read_exif(parts, window, at + 8, length)
        at += 8 + length
