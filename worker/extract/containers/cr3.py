"""Canon CR3: TIFF blocks in a `uuid` box of `moov`, one per IFD (documented by Laurent Clevy, "canon_cr3")."""

from worker.extract.containers.embedded import read_exif
from worker.extract.containers.isobmff import XMP_UUID, boxes, payload, top_boxes
from worker.extract.parts import Parts
from worker.extract.window import BytesBuffer, Window

_CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_BLOCKS = {b"CMT1": "IFD0", b"CMT2": "ExifIFD", b"CMT3": "MakerNotes", b"CMT4": "GPS"}


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from the boxes in front of the media data."""
    for box in top_boxes(window, b"moov"):
        if box.name == b"moov":
            for inner in boxes(window, box.offset, box.end):
                if inner.uuid == _CANON:
                    _canon(parts, window.read(inner.offset, inner.length))
        elif box.uuid == XMP_UUID:
            parts.xmp.append(payload(window, box))
            return  # previews follow
        elif box.name == b"mdat":
            return


def _canon(parts: Parts, data: bytes) -> None:
    buffer = BytesBuffer(data)
    for box in boxes(buffer, 0, buffer.size):
        if box.name in _BLOCKS:
            read_exif(parts, buffer, box.offset, box.length, first_ifd=_BLOCKS[box.name])
