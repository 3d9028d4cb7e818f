"""Photoshop image resources, as JPEG APP13, PSD and JPEG 2000 hold them (Adobe, "Photoshop File Formats")."""

from collections.abc import Iterator

from worker.extract import icc
from worker.extract.containers.embedded import add_exif
from worker.extract.parts import Buffer, Parts
from worker.extract.window import BytesBuffer, Cut, exactly

_IPTC, _ICC, _EXIF, _XMP = 0x0404, 0x040F, 0x0422, 0x0424
_WANTED = {_IPTC, _ICC, _EXIF, _XMP}
_SIGNATURES = {b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"}
_MOST = 5000
_SHORTEST_HEAD, _LONGEST_HEAD = 4 + 2 + 2 + 4, 4 + 2 + 256 + 4


class CutResource(Cut):
    """The bytes end inside of a resource; `start` is where it begins."""

    def __init__(self, start: int) -> None:
        super().__init__("the file ends inside of a Photoshop resource")
        self.start = start


def add_resources(parts: Parts, buffer: Buffer, start: int, end: int) -> None:
    """File the resources in [start, end) of `buffer` under what they are. Raises CutResource."""
    for number, offset, length in _resources(buffer, start, end):
        if number in _WANTED:
            _add(parts, number, exactly(buffer, offset, min(length, icc.HEAD) if number == _ICC else length))


def _resources(buffer: Buffer, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, offset, length) of each; anything but a known signature ends them, but the file's end is a cut."""
    for _ in range(_MOST):
        head = buffer.read(at, min(_LONGEST_HEAD, end - at))
        if len(head) < _SHORTEST_HEAD <= end - at:
            raise CutResource(at)
        if head[:4] not in _SIGNATURES:
            return
        name = 2 + (head[6] & ~1) if len(head) > 6 else 2  # a Pascal string, padded to even with its length byte
        offset = at + 6 + name + 4
        length = int.from_bytes(head[offset - 4 - at : offset - at], "big")
        if offset + length > min(end, buffer.size):
            raise CutResource(at)
        yield int.from_bytes(head[4:6], "big"), offset, length
        at = offset + length + (length & 1)


def _add(parts: Parts, number: int, data: bytes) -> None:
    if number == _IPTC:
        parts.iptc.append(data)
    elif number == _XMP:
        parts.xmp.append(data)
    elif number == _EXIF:
        add_exif(parts, data)
    elif parts.icc is None:
        parts.icc = data


def add_pieces(parts: Parts, pieces: list[bytes]) -> None:
    """File the resources of several pieces, one of which may go on in the next (JPEG's segments do)."""
    rest = b""
    for piece in pieces:
        rest += piece
        try:
            add_resources(parts, BytesBuffer(rest), 0, len(rest))
            rest = b""
        except CutResource as cut:
            rest = rest[cut.start :]
    if rest:
        parts.problems.append(("iptc", "cut: a Photoshop resource is longer than its segment"))
