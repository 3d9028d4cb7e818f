"""EXIF blocks as other containers embed them, with the prefixes that writers put in front."""

import re

from worker.extract.parts import Buffer, Parts, TiffBlock
from worker.extract.window import BytesBuffer, exactly

_TIFF = re.compile(rb"II\*\0|MM\0\*")
_FARTHEST = 64


def add_exif(parts: Parts, data: bytes, *, main: bool = True, first_ifd: str = "IFD0") -> None:
    """Add the EXIF block in `data`, or note that there is none in it.

    The TIFF header stands at the beginning, behind `Exif\\0\\0`, behind the 4-byte offset of HEIF and JPEG XL, or
    both; as files get each of them wrong (exif-py #137: offsets of 0 to 5), the header itself is looked for.
    """
    found = _TIFF.search(data, 0, _FARTHEST)
    if found:
        block = BytesBuffer(data[found.start() :])
        parts.exif.append(TiffBlock(block, main=main, first_ifd=first_ifd))
    elif data.strip(b"\0"):
        parts.problems.append(("exif", "damaged: the EXIF block has no TIFF header"))


def read_exif(parts: Parts, buffer: Buffer, offset: int, length: int, *, first_ifd: str = "IFD0") -> None:
    """Add the EXIF block at `offset`. Where the file ends inside of it, add what is there and raise Cut.

    Half an EXIF block is worth reading: it says of each value where it is. Half of an XMP packet is not.
    """
    add_exif(parts, buffer.read(offset, length), main=first_ifd != "MakerNotes", first_ifd=first_ifd)
    exactly(buffer, offset, length)
