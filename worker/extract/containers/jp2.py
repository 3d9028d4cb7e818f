"""JPEG 2000 (ISO 15444-1 annex I): boxes, with EXIF, XMP and IPTC in `uuid` boxes; and the bare codestream."""

from worker.extract import icc
from worker.extract.containers.embedded import read_exif
from worker.extract.containers.isobmff import XMP_UUID, Box, boxes, payload, top_boxes
from worker.extract.containers.photoshop import add_resources
from worker.extract.parts import Parts
from worker.extract.window import Window, exactly

_CODESTREAM = b"\xff\x4f\xff\x51"
_EXIF = {
    b"JpgTiffExif->JP2",
    bytes.fromhex("0537cdab9d0c4431a72afa561f2a113e"),
    bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03"),
}
"""Two spellings of EXIF, and the TIFF structure of GeoJP2."""
_IPTC = {
    bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"),
    bytes.fromhex("09a14e97c0b442e0bebf36df6f0ce36f"),
}
_PHOTOSHOP = bytes.fromhex("2c4c0100850440b9a03e562148d6dfeb")
_COLORS = {16: "sRGB", 17: "Gray", 18: "YCbCr"}


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from all boxes, in front of the codestream and behind it."""
    if window.read(0, 4) == _CODESTREAM:
        _size(parts, exactly(window, 4, 20))
        return
    for box in top_boxes(window, b"jp2c"):
        if box.name == b"jp2h":
            for inner in boxes(window, box.offset, box.end):
                _header(window, parts, inner)
        elif box.name == b"uuid":
            _uuid(window, parts, box)
        elif box.name == b"xml ":
            _xml(parts, payload(window, box))
        elif box.name == b"jp2c" and parts.width is None:
            _size(parts, exactly(window, box.offset + 4, 20))


def _header(window: Window, parts: Parts, box: Box) -> None:
    if box.name == b"ihdr":
        data = exactly(window, box.offset, 11)
        parts.height, parts.width = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
        parts.bit_depth = (data[10] & 0x7F) + 1 if data[10] != 0xFF else None
    elif box.name == b"colr" and parts.color_space is None:
        data = exactly(window, box.offset, min(box.length, icc.HEAD))
        if data[:1] == b"\1":
            parts.color_space = _COLORS.get(int.from_bytes(data[3:7], "big"))
        elif data[:1] in {b"\2", b"\3"}:
            parts.icc = data[3:]


def _xml(parts: Parts, data: bytes) -> None:
    """XML of any kind may stand in this box; some of it is XMP."""
    if b"<rdf:RDF" in data:
        parts.xmp.append(data)


def _uuid(window: Window, parts: Parts, box: Box) -> None:
    if box.uuid in _EXIF:
        read_exif(parts, window, box.offset, box.length)
    elif box.uuid == XMP_UUID:
        parts.xmp.append(payload(window, box))
    elif box.uuid in _IPTC:
        parts.iptc.append(payload(window, box))
    elif box.uuid == _PHOTOSHOP:
        add_resources(parts, window, box.offset, box.end)


def _size(parts: Parts, siz: bytes) -> None:
    """Size from the SIZ marker segment: the reference grid without its margin."""
    right, bottom, left, top = (int.from_bytes(siz[at : at + 4], "big") for at in (4, 8, 12, 16))
    if right > left and bottom > top:
        parts.width, parts.height = right - left, bottom - top
