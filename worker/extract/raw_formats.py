"""Which format a TIFF-based file is: by its header, its maker, and how its picture is coded."""

from collections.abc import Collection
from typing import NamedTuple

from worker.extract.ifd import BIG_MAGIC


class Format(NamedTuple):
    """A format's name and its registered or customary media type."""

    name: str
    mime: str


TIFF = Format("TIFF", "image/tiff")
DNG = Format("DNG", "image/x-adobe-dng")
CR2 = Format("CR2", "image/x-canon-cr2")
ARW = Format("ARW", "image/x-sony-arw")
RW2 = Format("RW2", "image/x-panasonic-rw2")
JXR = Format("JPEG XR", "image/jxr")

_BY_MAGIC = {
    BIG_MAGIC: TIFF,
    0x55: RW2,
    0x4F52: Format("ORF", "image/x-olympus-orf"),
    0x5352: Format("ORF", "image/x-olympus-orf"),
    0x01BC: JXR,
}

_BY_MAKER = (
    ("NIKON", Format("NEF", "image/x-nikon-nef")),
    ("SONY", ARW),
    ("PENTAX", Format("PEF", "image/x-pentax-pef")),
    ("RICOH", Format("PEF", "image/x-pentax-pef")),
    ("SAMSUNG", Format("SRW", "image/x-samsung-srw")),
    ("HASSELBLAD", Format("3FR", "image/x-hasselblad-3fr")),
    ("SEIKO EPSON", Format("ERF", "image/x-epson-erf")),
    ("EASTMAN KODAK", Format("DCR", "image/x-kodak-dcr")),
    ("KODAK", Format("DCR", "image/x-kodak-dcr")),
    ("MAMIYA", Format("MEF", "image/x-mamiya-mef")),
    ("LEAF", Format("IIQ", "image/x-phaseone-iiq")),
    ("PHASE ONE", Format("IIQ", "image/x-phaseone-iiq")),
)
"""Makers whose RAW format has no sign of its own: it is theirs where the picture is a sensor's."""

_CFA, _LINEAR_RAW = 32803, 34892
_RAW_PHOTOMETRICS = {_CFA, _LINEAR_RAW}


def format_of(magic: int, head: bytes, *, dng: bool, maker: str, photometrics: Collection[int | None]) -> Format:
    """The format of a TIFF with this magic number, first bytes, maker, and kinds of pictures.

    `dng` says that its first directory has a DNGVersion.
    """
    if magic in _BY_MAGIC:
        return _BY_MAGIC[magic]
    if dng:
        return DNG
    if head[8:10] == b"CR":
        return CR2
    if head[8:12] in {b"IIII", b"MMMM"}:
        return Format("IIQ", "image/x-phaseone-iiq")
    if _RAW_PHOTOMETRICS.intersection(photometrics):
        return next((found for name, found in _BY_MAKER if maker.upper().startswith(name)), TIFF)
    return TIFF
