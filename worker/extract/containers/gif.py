"""GIF (89a specification): size, frames, and XMP in an application extension."""

from worker.extract.budget import Oversized
from worker.extract.parts import Parts
from worker.extract.window import Cut, Window, exactly

_EXTENSION, _IMAGE, _TRAILER, _APPLICATION = 0x21, 0x2C, 0x3B, 0xFF
_XMP = b"XMP DataXMP"
_MAGIC = b"\x01" + bytes(range(255, -1, -1))
"""What stands behind the packet, so that a reader of sub-blocks finds its way out of it (XMP Specification Part 3)."""
_LONGEST_XMP = 1024 * 1024
_MOST_BLOCKS = 20_000
_MOST_FRAMES = 20_000


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from all blocks; raises Cut where the file ends before its trailer."""
    head = exactly(window, 0, 13)
    parts.width, parts.height = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    parts.bit_depth, parts.color_space = 8, "Indexed"
    at, frames = 13 + _table(head[10]), 0
    for _ in range(_MOST_FRAMES):
        kind, label = exactly(window, at, 1)[0], window.read(at + 1, 1)
        if kind == _TRAILER:
            parts.frames = frames
            return
        if kind == _IMAGE:
            frames += 1
            at = _skip(window, at + 11 + _table(exactly(window, at + 9, 1)[0]))
        elif kind == _EXTENSION and label == b"\xff" and exactly(window, at + 2, 12)[1:] == _XMP:
            at = _xmp(window, parts, at + 14)
        elif kind == _EXTENSION:
            at = _skip(window, at + 2)
        else:
            raise Cut("a block is of no known kind")
    raise Oversized(f"more than {_MOST_FRAMES} blocks")


def _table(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _skip(window: Window, at: int) -> int:
    """The place behind a chain of sub-blocks."""
    for step in range(_MOST_BLOCKS):
        length = exactly(window, at, 1)[0]
        at += 1 + length
        if length == 0:
            return at
        if step % 256 == 0:
            window.budget.check()
    raise Oversized(f"more than {_MOST_BLOCKS} blocks in one chain")


def _xmp(window: Window, parts: Parts, at: int) -> int:
    """File the packet at `at`, which is plain text up to the magic trailer; return the place behind it."""
    text = b""
    while _MAGIC not in text[-len(_MAGIC) - 4096 :] and len(text) < _LONGEST_XMP:
        more = window.read(at + len(text), 4096)
        if not more:
            raise Cut("the file ends inside of the XMP packet")
        text += more
    end = text.find(_MAGIC)
    if end < 0:
        raise Cut("the XMP packet has no end")
    parts.xmp.append(text[:end])
    return at + end + len(_MAGIC) + 1
