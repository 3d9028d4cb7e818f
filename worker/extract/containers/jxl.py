"""JPEG XL (ISO 18181-1, -2): boxes around the codestream, or the bare codestream; some boxes brotli-compressed."""

from worker.extract.budget import Oversized
from worker.extract.containers.embedded import add_exif, read_exif
from worker.extract.containers.isobmff import payload, top_boxes
from worker.extract.parts import Parts
from worker.extract.window import Window

_CODESTREAM = b"\xff\x0a"
_LONGEST_HEADER = 32
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from all boxes; raises Cut where the file ends before its last."""
    if window.read(0, 2) == _CODESTREAM:
        _picture(parts, window.read(2, _LONGEST_HEADER))
        return
    for box in top_boxes(window, b"jxlc", b"jxlp"):
        if box.name == b"Exif":
            read_exif(parts, window, box.offset, box.length)
        elif box.name == b"xml ":
            parts.xmp.append(payload(window, box))
        elif box.name == b"brob" and window.read(box.offset, 4) in {b"Exif", b"xml "}:
            _compressed(window, parts, payload(window, box))
        elif box.name in {b"jxlc", b"jxlp"} and parts.width is None:
            start = box.offset + (4 if box.name == b"jxlp" else 0)
            head = window.read(start, min(2 + _LONGEST_HEADER, max(box.end - start, 0)))
            if head.startswith(_CODESTREAM):
                _picture(parts, head[2:])


def _compressed(window: Window, parts: Parts, data: bytes) -> None:
    """A `brob` box: the name of the box inside, and its payload compressed."""
    exif = data.startswith(b"Exif")
    try:
        inflated = window.budget.unbrotli(data[4:])
    except Oversized as oversized:
        parts.problems.append(("exif" if exif else "xmp", f"oversized: {oversized}"))
        return
    if exif:
        add_exif(parts, inflated)
    else:
        parts.xmp.append(inflated)


class _Bits:
    """Bits of a codestream header, least significant first."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise EOFError
        value = self._bits & (1 << count) - 1
        self._bits >>= count
        return value

    def size(self) -> int:
        """One dimension in the long form: 9, 13, 18 or 30 bits, less 1."""
        return self.take((9, 13, 18, 30)[self.take(2)]) + 1


def _picture(parts: Parts, header: bytes) -> None:
    """Size and orientation (18181-1, D.2 and D.3); JPEG XL displays by these, not by EXIF."""
    try:
        bits = _Bits(header)
        small = bits.take(1)
        height = (bits.take(5) + 1) * 8 if small else bits.size()
        ratio = bits.take(3)
        if ratio:
            across, down = _RATIOS[ratio]
            width = height * across // down
        else:
            width = (bits.take(5) + 1) * 8 if small else bits.size()
        all_default = bits.take(1)
        extra_fields = 0 if all_default else bits.take(1)
        rotation = bits.take(3) + 1 if extra_fields else 1
    except EOFError:
        return
    parts.width, parts.height, parts.rotation = width, height, rotation
