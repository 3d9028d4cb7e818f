"""Boxes of the ISO base media file format (ISO 14496-12, 4.2), on which HEIF, AVIF, CR3, JPEG XL and JP2 stand."""

from collections.abc import Iterator
from dataclasses import dataclass

from worker.extract.budget import Oversized
from worker.extract.parts import Buffer
from worker.extract.window import Cut, exactly

_MOST_BOXES = 5000
"""Per level. Real files have tens; a file of 300,000 boxes keeps ExifTool busy for a minute."""

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its payload is [offset, offset + length); `uuid` is the user type of a `uuid` box, else empty.

    The payload may reach beyond the file's end: whoever reads it finds out.
    """

    name: bytes
    offset: int
    length: int
    uuid: bytes = b""

    @property
    def end(self) -> int:
        """Where the next box begins."""
        return self.offset + self.length


def top_boxes(buffer: Buffer, *essential: bytes) -> Iterator[Box]:
    """The boxes of a whole file. Raises Cut where they do not add up, or where the file has none of `essential`."""
    seen = False
    for box in boxes(buffer, 0, buffer.size):
        seen = seen or box.name in essential
        yield box
    if not seen:
        raise Cut("the file ends before its picture")


def boxes(buffer: Buffer, start: int, end: int) -> Iterator[Box]:
    """The boxes of [start, end). Raises Cut where they do not add up."""
    at = start
    for _ in range(_MOST_BOXES):
        if at > end:
            raise Cut("a box is longer than what holds it")
        if at == end:
            return
        box = _box(buffer, at, end)
        yield box
        at = box.end
    raise Oversized(f"more than {_MOST_BOXES} boxes in one place")


def _box(buffer: Buffer, at: int, end: int) -> Box:
    head = exactly(buffer, at, 8)
    size, name, begin = int.from_bytes(head[:4], "big"), head[4:], at + 8
    if size == 1:
        size, begin = int.from_bytes(exactly(buffer, begin, 8), "big"), begin + 8
    elif size == 0:
        size = end - at
    uuid = b""
    if name == b"uuid":
        uuid, begin = exactly(buffer, begin, 16), begin + 16
    if at + size < begin:
        raise Cut("a box is shorter than its own head")
    return Box(name, begin, at + size - begin, uuid)


def payload(buffer: Buffer, box: Box) -> bytes:
    """All bytes of the box. Raises Cut where the file ends before."""
    return exactly(buffer, box.offset, box.length)


class Fields:
    """Big-endian fields of a box's payload, read one after the other. Raises Cut past its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def uint(self, length: int) -> int:
        """The next `length` bytes as an unsigned number; 0 bytes are 0."""
        return int.from_bytes(self.take(length), "big")

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        self.at += length
        if self.at > len(self.data):
            raise Cut("a box ends inside of a field")
        return self.data[self.at - length : self.at]

    def text(self) -> bytes:
        """The next text, without the NUL that ends it."""
        end = self.data.find(b"\0", self.at)
        end = len(self.data) if end < 0 else end
        return self.take(end - self.at) + self.take(min(1, len(self.data) - end))[:0]

    def version(self) -> int:
        """Version of a full box; its flags are skipped."""
        version = self.uint(1)
        self.take(3)
        return version
