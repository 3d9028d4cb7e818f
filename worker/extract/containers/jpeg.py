"""JPEG (ITU-T T.81 annex B): every segment up to the start of the scan.

All of them, because EXIF stands behind other large segments in real files (APP6 of GoPro, APP11 of C2PA, a big
XMP), where readers that look at the first bytes only find nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from worker.extract import icc
from worker.extract.budget import Oversized
from worker.extract.containers.embedded import add_exif
from worker.extract.containers.photoshop import add_pieces
from worker.extract.parts import ExtendedXmp, Parts
from worker.extract.window import Cut, View, exactly, require

_SOS, _EOI, _APP1, _APP2, _APP13 = 0xDA, 0xD9, 0xE1, 0xE2, 0xED
_ENDS = {_SOS, _EOI}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_BARE = {0x01, *range(0xD0, 0xD9)}
"""TEM, RST0-7 and SOI: markers without a length."""
_UNSIZED = _ENDS | _BARE
_NO_MARKERS = {0x00, 0xFF}
_WANTED = {_APP1, _APP2, _APP13} | _FRAMES
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_BLOCK = 64 * 1024
_MOST_SEGMENTS = 20_000

_TIFF = (b"II*\0", b"MM\0*")
_XMP = re.compile(rb"(?:http|XMP\0)://ns\.adobe\.com/xap/1\.0/ ?\0")
"""Adobe's signature, and the two misspellings of it that real files have."""
_XMP_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = re.compile(rb"Photoshop 3\.0\0|Adobe_Photoshop2\.5:")
_ICC = b"ICC_PROFILE\0"
_LONGEST_EXTENDED_XMP = 1024 * 1024
_SERIES_HEAD = 4 + 35 + 32 + 4 + 4
"""Marker, length, signature, GUID, length of the whole, place: the head of an Extended XMP segment."""
_SERIES_STRIDE = 32 * 1024
"""Writers fill the segments of a series; shorter ones are not worth a thought."""
_MODELS = {1: "Gray", 3: "YCbCr", 4: "CMYK"}


@dataclass(slots=True)
class _Pieces:
    """What may span several segments and is put together at the end."""

    exif: list[bytes] = field(default_factory=list)
    photoshop: list[bytes] = field(default_factory=list)


def walk(view: View, parts: Parts) -> None:
    """Fill `parts` from the segments in front of the first scan. Raises Cut where the file ends before it."""
    pieces = _Pieces()
    try:
        for marker, offset, length in _segments(view):
            _segment(view, parts, pieces, marker, offset, length)
    finally:
        for data in pieces.exif:
            add_exif(parts, data)
        if pieces.photoshop:
            add_pieces(parts, pieces.photoshop)


def _segments(view: View) -> Iterator[tuple[int, int, int]]:
    """(marker, offset, length) of the payload of each wanted segment, until the scan begins."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        head = view.at_hand[at : at + 4]
        if len(head) < 4:
            head = view.read(at, 4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in _NO_MARKERS:
            at = _next_marker(view, at)
            head = view.read(at, 4)
        marker = head[1]
        if marker in _UNSIZED:
            if marker in _ENDS:
                return
            at += 2
            continue
        if len(head) < 4:
            require(view, at + 2, 2)
        length = head[2] << 8 | head[3]
        if length < 2:
            raise Cut("a segment has no length")
        if marker in _WANTED:
            yield marker, at + 4, length - 2
        at = _next(view, at, 2 + length) if length > _SERIES_STRIDE else at + 2 + length
    raise Oversized(f"more than {_MOST_SEGMENTS} segments")


def _next(view: View, at: int, stride: int) -> int:
    """The place of the segment behind the one at `at`, or the last one of the series that it begins.

    An ICC profile of 1.6 MiB or a depth map in Extended XMP is a series of segments of one length. Where it leads
    out of the bytes at hand, it is jumped over: its last segment states that it is the last, so nothing else can
    stand between. Without that, such pictures would be read almost whole.
    """
    following = at + stride
    if stride < _SERIES_STRIDE or view.has(following, 4):
        return following
    head = view.read(at, _SERIES_HEAD)
    chunk, total, place = stride - _SERIES_HEAD, int.from_bytes(head[71:75], "big"), int.from_bytes(head[75:79], "big")
    if head[4:16] == _ICC:
        left = head[17] - head[16]
        last_begins = head[:2] + head[4:16] + head[17:18] * 2
    elif head[4:39] == _XMP_EXTENDED and total > _LONGEST_EXTENDED_XMP and chunk > 0:
        left = (total - 1 - place) // chunk
        last_begins = head[:2] + head[4:75] + (place + left * chunk).to_bytes(4, "big")
    else:
        return following
    last = at + left * stride
    there = view.read(last, _SERIES_HEAD) if left > 1 else b""
    return last if (there[:2] + there[4:]).startswith(last_begins) else following


def _next_marker(view: View, at: int) -> int:
    """The place of the next marker, past fill bytes and stray ones between segments."""
    while at < view.size:
        block = view.read(at, _BLOCK)
        view.budget.check()
        found = _MARKER.search(block)
        if found:
            return at + found.start()
        at += max(len(block) - 1, 1)
    raise Cut("the file ends before its image data begins")


def _segment(view: View, parts: Parts, pieces: _Pieces, marker: int, offset: int, length: int) -> None:
    if marker in _FRAMES:
        _frame(parts, exactly(view, offset, min(length, 6)))
        return
    head = view.read(offset, min(length, len(_XMP_EXTENDED)))
    if marker == _APP1 and head.startswith(b"Exif\0"):
        _exif(pieces, view.read(offset + 6, length - 6))  # half a block is worth reading, half a packet is not
        require(view, offset, length)
    elif marker == _APP1 and (signature := _XMP.match(head)):
        parts.xmp.append(_behind(signature, view, offset, length))
    elif marker == _APP1 and head == _XMP_EXTENDED:
        _extended_xmp(view, parts, offset + len(_XMP_EXTENDED), length - len(_XMP_EXTENDED))
    elif marker == _APP2 and head.startswith(_ICC) and parts.icc is None:
        parts.icc = exactly(view, offset + 14, min(max(length - 14, 0), icc.HEAD))
    elif marker == _APP13 and (signature := _PHOTOSHOP.match(head)):
        pieces.photoshop.append(_behind(signature, view, offset, length))


def _behind(signature: re.Match[bytes], view: View, offset: int, length: int) -> bytes:
    """The segment behind its signature, copied once."""
    require(view, offset, length)
    return view.read(offset + signature.end(), length - signature.end())


def _exif(pieces: _Pieces, data: bytes) -> None:
    """A block of its own, or the next piece of one that is too large for one segment."""
    if pieces.exif and not data.startswith(_TIFF) and pieces.exif[-1].startswith(_TIFF):
        pieces.exif[-1] += data
    else:
        pieces.exif.append(data)


def _extended_xmp(view: View, parts: Parts, offset: int, length: int) -> None:
    """One chunk: GUID, length of the whole, place, data (Adobe, "XMP Specification Part 3", 1.1.3.1).

    A large whole is left out: it is a depth map or a second picture, not words about this one.
    """
    if length < 40:
        parts.problems.append(("xmp", "damaged: a chunk of the extended packet has no head"))
        return
    head = exactly(view, offset, 40)
    guid, total, place = head[:32].decode("latin-1"), int.from_bytes(head[32:36], "big"), head[36:]
    if total > _LONGEST_EXTENDED_XMP:
        problem = ("xmp", f"oversized: the extended packet of {total} bytes is left out")
        parts.problems.extend([problem] if problem not in parts.problems else [])
    else:
        data = exactly(view, offset + 40, length - 40)
        parts.xmp_extended.append(ExtendedXmp(guid, total, int.from_bytes(place, "big"), data))


def _frame(parts: Parts, head: bytes) -> None:
    """Size and depth from a frame header; the first one is the picture's, later ones are those of a hierarchy."""
    if len(head) == 6 and parts.width is None:
        parts.bit_depth = head[0]
        parts.height = int.from_bytes(head[1:3], "big") or None
        parts.width = int.from_bytes(head[3:5], "big") or None
        parts.color_space = _MODELS.get(head[5])
