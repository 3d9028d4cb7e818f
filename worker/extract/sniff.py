"""From the first bytes to the format. A name's extension and a content type are claims; the signature decides."""

import re
from dataclasses import dataclass
from enum import StrEnum

LENGTH = 64
"""As many first bytes as `sniff` looks at."""
TEXT_LENGTH = 1024
"""As many as `sniff_text` looks at: declarations and comments may stand before the first element."""


class Container(StrEnum):
    """The ways in which files are built, one walk each."""

    JPEG = "jpeg"
    PNG = "png"
    RIFF = "riff"
    TIFF = "tiff"
    HEIF = "heif"
    CR3 = "cr3"
    JXL = "jxl"
    JP2 = "jp2"
    PSD = "psd"
    GIF = "gif"
    BMP = "bmp"
    RAF = "raf"
    MRW = "mrw"
    X3F = "x3f"
    XMP = "xmp"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is: how it is built, the format's name and its registered or customary media type."""

    container: Container
    format: str
    mime: str


_JPEG = Kind(Container.JPEG, "JPEG", "image/jpeg")
_TIFF = Kind(Container.TIFF, "TIFF", "image/tiff")

# The walk of a TIFF tells the RAW formats apart by their tags.
_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", _JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind(Container.PNG, "PNG", "image/png")),
    (b"II*\x00", _TIFF),
    (b"MM\x00*", _TIFF),
    (b"II+\x00", _TIFF),
    (b"MM\x00+", _TIFF),
    (b"IIRO", _TIFF),
    (b"IIRS", _TIFF),
    (b"MMOR", _TIFF),
    (b"IIU\x00", _TIFF),
    (b"II\xbc\x01", _TIFF),
    (b"GIF87a", Kind(Container.GIF, "GIF", "image/gif")),
    (b"GIF89a", Kind(Container.GIF, "GIF", "image/gif")),
    (b"8BPS", Kind(Container.PSD, "PSD", "image/vnd.adobe.photoshop")),
    (b"FUJIFILMCCD-RAW", Kind(Container.RAF, "RAF", "image/x-fuji-raf")),
    (b"\x00MRM", Kind(Container.MRW, "MRW", "image/x-minolta-mrw")),
    (b"FOVb", Kind(Container.X3F, "X3F", "image/x-sigma-x3f")),
    (b"\xff\x0a", Kind(Container.JXL, "JPEG XL", "image/jxl")),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", Kind(Container.JXL, "JPEG XL", "image/jxl")),
    (b"\xff\x4f\xff\x51", Kind(Container.JP2, "JPEG 2000", "image/j2c")),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Kind(Container.JP2, "JPEG 2000", "image/jp2")),
)

_WEBP = Kind(Container.RIFF, "WebP", "image/webp")
_BMP = Kind(Container.BMP, "BMP", "image/bmp")
_CR3 = Kind(Container.CR3, "CR3", "image/x-canon-cr3")
XMP = Kind(Container.XMP, "XMP", "application/rdf+xml")
_AVIF = Kind(Container.HEIF, "AVIF", "image/avif")
_HEIC = Kind(Container.HEIF, "HEIC", "image/heic")
_HEIF = Kind(Container.HEIF, "HEIF", "image/heif")

_BRANDS: dict[bytes, Kind] = {
    b"crx ": _CR3,
    b"jp2 ": Kind(Container.JP2, "JPEG 2000", "image/jp2"),
    b"jpx ": Kind(Container.JP2, "JPEG 2000", "image/jpx"),
    b"jxl ": Kind(Container.JXL, "JPEG XL", "image/jxl"),
    **dict.fromkeys((b"avif", b"avis", b"avio"), _AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), _HEIC),
    **dict.fromkeys((b"mif1", b"mif2", b"mif3", b"msf1", b"miaf"), _HEIF),
    **dict.fromkeys((b"jpeg", b"jpgs", b"avci", b"avcs", b"j2ki", b"j2is", b"vvic", b"vvis"), _HEIF),
}
"""ISO 14496-12 major brands of still images; ISO 23008-12 and its amendments name the HEIF ones."""

_GENERAL = {b"mif1", b"mif2", b"mif3", b"msf1", b"miaf"}
"""Brands that leave the codec open: a compatible brand says it."""

_XMP_ROOT = re.compile(
    rb"(?:<\?[^>]*>\s*|<!--(?:(?!-->).)*-->\s*)*<(?:[A-Za-z][\w.-]{0,30}:)?(?:xmpmeta|xapmeta|RDF)[\s/>]", re.DOTALL
)
"""The first element, behind declarations and comments; each alternative ends in one way only, so matching is linear."""


def sniff(head: bytes) -> Kind | None:
    """The kind of file that begins with `head` (up to LENGTH bytes), or None where no image is known by it."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _WEBP
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0" and head[14:18] in _BMP_HEADERS:
        return _BMP
    return None


def sniff_text(head: bytes) -> Kind | None:
    """XMP, if the first element in `head` (up to TEXT_LENGTH bytes) is that of an XMP file, in any of its encodings."""
    ascii_only = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n")  # UTF-16 is ASCII with NULs in between
    return XMP if _XMP_ROOT.match(ascii_only) else None


_BMP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}


def _by_brand(head: bytes) -> Kind | None:
    """The kind by the `ftyp` box: its major brand, or the codec's brand among the compatible ones.

    Any minor version is fine: exif-py refuses all but 0 and loses real files by it.
    """
    length = int.from_bytes(head[:4], "big")
    compatible = [head[at : at + 4] for at in range(16, min(length, len(head)), 4)]
    kind = _BRANDS.get(head[8:12])
    if kind is None or head[8:12] in _GENERAL:
        known = (_BRANDS[brand] for brand in compatible if brand in _BRANDS and brand not in _GENERAL)
        general = next((_BRANDS[brand] for brand in compatible if brand in _GENERAL), None)
        return next(known, kind or general)
    return kind
