"""TIFF, BigTIFF, JPEG XR, and the RAW formats that are TIFFs: where in the file its metadata stands.

The file is a TIFF block by itself; this walk says which format it is and how large its picture, and takes out
what other readers than that of EXIF read.
"""

from worker.extract import icc, values
from worker.extract.containers import jpeg, photoshop
from worker.extract.ifd import Missing, Source, read_preamble
from worker.extract.parts import Parts, TiffBlock
from worker.extract.raw_formats import ARW, CR2, JXR, RW2, TIFF, Format, format_of
from worker.extract.tiff_scan import ICC, IPTC, PHOTOSHOP, XMP, Entries, Scan
from worker.extract.window import Cut, Section, Window

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _MAKE = 0x00FE, 0x0100, 0x0101, 0x0102, 0x0106, 0x010F
_JXR_SIZE, _EXIF_SIZE, _DNG_VERSION = (0xBC80, 0xBC81), (0xA002, 0xA003), 0xC612
_RW2_JPEG, _RW2_BORDERS = 0x002E, (0x0007, 0x0005, 0x0006, 0x0004)
"""Panasonic's preview, and the right, left, bottom and top border of the picture on the sensor."""
_REDUCED = 1
"""The bit of SubfileType that thumbnails and previews have."""
_COLOR_SPACES: dict[int | None, str] = {0: "Gray", 1: "Gray", 2: "RGB", 3: "Palette", 5: "CMYK", 6: "YCbCr", 8: "Lab"}


def walk(window: Window) -> Parts:
    """The parts of a TIFF-based file. Raises Cut where its header is not whole, and what the window raises."""
    try:
        source = Source(window, 0, window.limits.whole_object)
        preamble = read_preamble(source)
    except Missing:
        preamble = None
    if preamble is None:
        raise Cut("the TIFF header is not whole")
    parts = Parts(*TIFF, exif=[TiffBlock(window)])
    scan = Scan(window, source, preamble)
    if scan.first_is_cut:
        parts.problems.append(("file", "cut: the first directory is longer than the file, or than is read"))
    if scan.directories:
        kind = _kind(window, scan, preamble.magic)
        parts.format, parts.mime = kind
        _describe(parts, scan, kind)
    for directory in scan.directories:
        _collect(parts, scan, directory.entries)
        if _RW2_JPEG in directory.entries:
            _preview(parts, scan, window, directory.entries)
    return parts


def _kind(window: Window, scan: Scan, magic: int) -> Format:
    first = scan.directories[0].entries
    maker = values.text(scan.value(first[_MAKE], 64)) if _MAKE in first else ""
    photometrics = {scan.number(each.entries, _PHOTOMETRIC) for each in scan.directories}
    return format_of(magic, window.read(0, 16), dng=_DNG_VERSION in first, maker=maker, photometrics=photometrics)


def _describe(parts: Parts, scan: Scan, kind: Format) -> None:
    """Fill in size, depth, colours, and how many pages a plain TIFF has."""
    picture = _picture(scan)
    if picture is not None:
        parts.width, parts.height = _size(scan, picture, kind)
        parts.bit_depth = scan.number(picture, _BITS)
        parts.color_space = _COLOR_SPACES.get(scan.number(picture, _PHOTOMETRIC))
    if kind is TIFF and scan.complete:
        pages = [each for each in scan.directories if each.role == "main" and not _reduced(scan, each.entries)]
        parts.frames = len(pages) if len(pages) > 1 else None


def _picture(scan: Scan) -> Entries | None:
    """The directory of the picture itself: the first one, or where that is a preview, the largest that is none.

    None where one that it might be was not there to be read.
    """
    first = scan.directories[0].entries
    if not _reduced(scan, first):
        return first
    full = [each.entries for each in scan.directories if each.role != "other" and not _reduced(scan, each.entries)]
    if not scan.complete:
        return None
    return max(full, key=lambda entries: scan.number(entries, _WIDTH) or 0, default=first)


def _reduced(scan: Scan, entries: Entries) -> bool:
    return bool((scan.number(entries, _SUBFILE) or 0) & _REDUCED)


def _size(scan: Scan, picture: Entries, kind: Format) -> tuple[int | None, int | None]:
    """Width and height in pixels, from where the format keeps them."""
    if kind is RW2:
        right, left, bottom, top = (scan.number(picture, tag) or 0 for tag in _RW2_BORDERS)
        return (right - left) or None, (bottom - top) or None
    if kind in {CR2, ARW}:  # their directories speak of a preview, or of the sensor with its margins
        exif = [each.entries for each in scan.directories if _EXIF_SIZE[0] in each.entries]
        if exif or not scan.complete:
            return _pair(scan, exif[0] if exif else {}, _EXIF_SIZE)
    return _pair(scan, picture, _JXR_SIZE if kind is JXR else (_WIDTH, _HEIGHT))


def _pair(scan: Scan, entries: Entries, tags: tuple[int, int]) -> tuple[int | None, int | None]:
    return scan.number(entries, tags[0]), scan.number(entries, tags[1])


def _collect(parts: Parts, scan: Scan, entries: Entries) -> None:
    """Take out the XMP packet, IPTC, the Photoshop resources, and the head of the ICC profile."""
    xmp = _whole(parts, scan, entries, XMP, "xmp")
    if xmp:
        parts.xmp.append(xmp)
    iptc = _whole(parts, scan, entries, IPTC, "iptc")
    if iptc:
        parts.iptc.append(iptc)
    resources = _whole(parts, scan, entries, PHOTOSHOP, "iptc")
    if resources:
        photoshop.add_pieces(parts, [resources])
    if ICC in entries and parts.icc is None:
        parts.icc = scan.value(entries[ICC], icc.HEAD) or None


def _whole(parts: Parts, scan: Scan, entries: Entries, tag: int, block: str) -> bytes:
    """The tag's bytes, all of them; none where there are none, or, with a note of it, where they are not there."""
    if tag not in entries:
        return b""
    length = scan.length(entries[tag])
    raw = scan.value(entries[tag], length)
    if len(raw) != length:
        parts.problems.append((block, "cut: its bytes lie outside of the file, or beyond what may be read of it"))
    return raw


def _preview(parts: Parts, scan: Scan, window: Window, entries: Entries) -> None:
    """Panasonic keeps part of the EXIF in the JPEG preview only: a second block, which fills in what is missing."""
    offset, length = scan.span(entries[_RW2_JPEG])
    inner = Parts(parts.format, parts.mime)
    try:
        jpeg.walk(Section(window, offset, length), inner)
    except Cut:
        parts.problems.append(("exif", "cut: the preview, which has a part of it, is not whole"))
    parts.exif += [TiffBlock(block.buffer, block.offset, main=False) for block in inner.exif]
