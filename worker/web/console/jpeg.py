"""JPEGs that are shown: the picture alone, without what else its file says, and turned as its document says."""

import struct

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP0, _APP1, _APP2, _APP14, _APP15, _COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_ICC = b"ICC_PROFILE\0"
_RESTARTS = range(0xD0, 0xD8)
_TURNED = (
    b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01" + struct.pack(">HHI", 0x0112, 3, 1),
    b"\0\0\0\0\0\0",
)
"""An EXIF block that says nothing but the orientation, before and after that."""


def bare(data: bytes, orientation: int = 1) -> bytes | None:
    """The picture in these bytes, without metadata and without what follows its end; None where it is not whole."""
    if data[:3] != b"\xff\xd8\xff":
        return None
    out = [b"\xff\xd8", _turned(orientation) if 1 < orientation <= 8 else b""]
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _EOI:
            return b"".join((*out, b"\xff\xd9"))
        if marker == 0xFF:  # padding
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SOS:
            end = _end_of_scan(data, end)
        if not _tells(marker, data[at + 4 : at + 16]):
            out.append(data[at:end])
        at = end
    return b"".join((*out, b"\xff\xd9")) if data[at : at + 2] == b"\xff\xd9" else None


def _tells(marker: int, head: bytes) -> bool:
    """Whether a segment is none of the picture."""
    if marker == _APP2:
        return not head.startswith(_ICC)
    return marker == _COMMENT or (_APP0 < marker <= _APP15 and marker != _APP14)


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the next marker is that is none of a scan's own."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] != 0 and data[at + 1] not in _RESTARTS:
            return at
        at += 2
    return len(data)


def _turned(orientation: int) -> bytes:
    block = _TURNED[0] + struct.pack(">HH", orientation, 0) + _TURNED[1]
    return struct.pack(">BBH", 0xFF, _APP1, len(block) + 2) + block
