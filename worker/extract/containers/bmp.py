"""BMP: no metadata, but a size."""

from worker.extract.parts import Parts
from worker.extract.window import Window, exactly

_OLDEST_HEADER = 12


def walk(window: Window, parts: Parts) -> None:
    """Fill in size and depth from the header."""
    head = exactly(window, 14, 16)
    if int.from_bytes(head[:4], "little") == _OLDEST_HEADER:
        parts.width, parts.height = (int.from_bytes(head[at : at + 2], "little") for at in (4, 6))
        parts.bit_depth = int.from_bytes(head[10:12], "little")
    else:
        width, height = (int.from_bytes(head[at : at + 4], "little", signed=True) for at in (4, 8))
        parts.width, parts.height = abs(width), abs(height)  # a negative height: rows from the top
        parts.bit_depth = int.from_bytes(head[14:16], "little")
