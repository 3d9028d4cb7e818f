"""The primary item's properties in HEIF and AVIF (ISO 23008-12, 6.5): size, rotation, depth, colour."""

from dataclasses import dataclass

from worker.extract.containers.isobmff import Box, Fields, boxes
from worker.extract.parts import Buffer
from worker.extract.window import BytesBuffer

_MOST_ASSOCIATIONS = 5000
_PRIMARIES = {1: "sRGB", 9: "BT.2020", 12: "Display P3"}
_ORIENTATIONS = {
    (0, None): 1,
    (1, None): 8,
    (2, None): 3,
    (3, None): 6,
    (0, 0): 4,
    (0, 1): 2,
    (1, 0): 5,
    (1, 1): 7,
    (2, 0): 2,
    (2, 1): 4,
    (3, 0): 7,
    (3, 1): 5,
}
"""(quarter turns anti-clockwise, then mirror axis or None) to the EXIF orientation that displays the same."""


@dataclass(slots=True)
class Properties:
    """Size as stored; `orientation` is what irot and imir amount to, 1 where there is neither.

    HEIF displays by these alone and takes no notice of the orientation in EXIF.
    """

    width: int | None = None
    height: int | None = None
    turns: int = 0
    mirror: int | None = None
    bit_depth: int | None = None
    color_space: str | None = None
    icc: bytes | None = None

    @property
    def orientation(self) -> int:
        """1 to 8, as EXIF counts."""
        return _ORIENTATIONS[self.turns, self.mirror]


def read_properties(data: bytes, primary: int | None) -> Properties:
    """The properties of item `primary` from the payload of an `iprp` box. Raises Cut where it is broken."""
    buffer, found, indexes = BytesBuffer(data), Properties(), []
    kept: list[Box] = []
    for box in boxes(buffer, 0, buffer.size):
        if box.name == b"ipco":
            kept = list(boxes(buffer, box.offset, box.end))
        elif box.name == b"ipma":
            indexes += _associations(data[box.offset : box.end], primary)
    for index in indexes:
        if 0 < index <= len(kept):
            _apply(found, kept[index - 1], buffer)
    return found


def _associations(data: bytes, primary: int | None) -> list[int]:
    """The 1-based indexes into `ipco` of one item's properties."""
    wide = bool(data[3:4] and data[3] & 1)
    fields = Fields(data)
    id_size = 4 if fields.version() else 2
    for _ in range(min(fields.uint(4), _MOST_ASSOCIATIONS)):
        item = fields.uint(id_size)
        count = fields.uint(1)
        entry = fields.take(count * (2 if wide else 1))
        if item == primary:
            step = 2 if wide else 1
            mask = 0x7FFF if wide else 0x7F
            return [int.from_bytes(entry[at : at + step], "big") & mask for at in range(0, len(entry), step)]
    return []


def _apply(found: Properties, box: Box, buffer: Buffer) -> None:
    data = buffer.read(box.offset, box.length)
    fields = Fields(data)
    if box.name == b"ispe":
        fields.version()
        found.width, found.height = fields.uint(4), fields.uint(4)
    elif box.name == b"irot":
        found.turns = fields.uint(1) & 3
    elif box.name == b"imir":
        found.mirror = fields.uint(1) & 1
    elif box.name == b"pixi":
        fields.version()
        found.bit_depth = fields.uint(2) & 0xFF
    elif box.name == b"colr":
        _color(found, fields)


def _color(found: Properties, fields: Fields) -> None:
    kind = fields.take(4)
    if kind == b"nclx":
        found.color_space = _PRIMARIES.get(fields.uint(2))
    elif kind in {b"prof", b"rICC"}:
        found.icc = fields.data[4:]
