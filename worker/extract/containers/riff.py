"""WebP (RFC 9649): RIFF chunks, with EXIF and XMP behind the pixels."""

from collections.abc import Iterator

from worker.extract import icc
from worker.extract.budget import Oversized
from worker.extract.containers.embedded import read_exif
from worker.extract.parts import Parts
from worker.extract.window import Cut, Window, exactly

_NAMES = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "}
_MOST_CHUNKS = 20_000
_HAS_METADATA = 0x08 | 0x04


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from all chunks; raises Cut where the file ends before its last."""
    metadata = True
    frames = 0
    for name, offset, length in _chunks(window):
        if not metadata and not window.has(offset, length + 10):
            return  # its own flags say that no metadata follows: not worth another request
        if name == b"VP8X":
            head = exactly(window, offset, 10)
            metadata = bool(head[0] & _HAS_METADATA)
            parts.width, parts.height = _three(head, 4) + 1, _three(head, 7) + 1
        elif name == b"EXIF":
            read_exif(parts, window, offset, length)
        elif name == b"XMP ":
            parts.xmp.append(exactly(window, offset, length))
        elif name == b"ICCP":
            parts.icc = exactly(window, offset, min(length, icc.HEAD))
        elif name in {b"VP8 ", b"VP8L"} and parts.width is None:
            _pixels(parts, name, window.read(offset, min(length, 10)))
        elif name == b"ANMF":
            frames += 1
    parts.frames = frames or None


def _chunks(window: Window) -> Iterator[tuple[bytes, int, int]]:
    """(name, offset, length) of each chunk, to the end that the RIFF header states or the file has."""
    stated_end = 8 + int.from_bytes(exactly(window, 4, 4), "little")
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > window.size:
            if at < max(stated_end, 20):
                raise Cut("the file ends before its last chunk")
            return
        head = exactly(window, at, 8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] not in _NAMES and at >= stated_end:
            return
        yield head[:4], at + 8, length
        at = _next(window, at + 8 + length)
    raise Oversized(f"more than {_MOST_CHUNKS} chunks")


def _next(window: Window, end: int) -> int:
    """The place of the next chunk: at an even one, but some writers forget to pad."""
    odd = end & 1
    return end if odd and window.has(end, 4) and window.read(end, 4) in _NAMES else end + odd


def _pixels(parts: Parts, name: bytes, head: bytes) -> None:
    """Size from the first bytes of a lossy (RFC 6386, 9.1) or lossless bitstream."""
    if name == b"VP8 " and head[3:6] == b"\x9d\x01\x2a" and len(head) == 10:
        parts.width = int.from_bytes(head[6:8], "little") & 0x3FFF
        parts.height = int.from_bytes(head[8:10], "little") & 0x3FFF
    elif name == b"VP8L" and head[:1] == b"\x2f" and len(head) >= 5:
        bits = int.from_bytes(head[1:5], "little")
        parts.width, parts.height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _three(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 3], "little")
