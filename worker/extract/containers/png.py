"""PNG (W3C PNG 3rd edition): every chunk; behind the pixels too, where many writers put EXIF and XMP."""

import re
import struct
from collections.abc import Iterator

from worker.extract import icc
from worker.extract.budget import Budget, Oversized
from worker.extract.containers.embedded import add_exif, read_exif
from worker.extract.containers.photoshop import add_resources
from worker.extract.parts import Parts
from worker.extract.window import STEP, BytesBuffer, Cut, Window, exactly

_MOST_CHUNKS = 50_000
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
_MODELS = {0: "Gray", 2: "RGB", 3: "Indexed", 4: "Gray", 6: "RGB"}
_LONGEST_KEYWORD = 80
_XMP = b"XML:com.adobe.xmp"
_RAW_PROFILE = b"Raw profile type "
_PROFILE = re.compile(rb"\s*[^\n]*\n\s*\d+\s*\n(.*)", re.DOTALL)
_NOT_HEX = re.compile(rb"[^0-9A-Fa-f]+")
_APP1_XMP = b"http://ns.adobe.com/xap/1.0/\0"


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from all chunks; raises Cut where the file ends before IEND."""
    for name, offset, length in _chunks(window):
        if name in _TEXTS:
            _text(window, parts, name, offset, length)
        elif name == b"IHDR":
            _header(parts, exactly(window, offset, 13))
        elif name == b"eXIf":
            read_exif(parts, window, offset, length)
        elif name == b"iCCP":
            _profile(parts, exactly(window, offset, min(length, icc.HEAD)))
        elif name == b"sRGB":
            parts.color_space = "sRGB"
        elif name == b"acTL":
            parts.frames = int.from_bytes(exactly(window, offset, 4), "big")


def _chunks(window: Window) -> Iterator[tuple[bytes, int, int]]:
    """(type, offset, length) of each chunk's data, those of the pixels jumped over."""
    at, pixels = 8, False
    for _ in range(_MOST_CHUNKS):
        length, name = struct.unpack(">I4s", exactly(window, at, 8))
        if name == b"IEND":
            return
        if name == b"IDAT" and not pixels:
            pixels = True
            at = _behind_pixels(window, at)
            continue
        if length > 0x7FFFFFFF:
            raise Cut("a chunk is longer than the format allows")
        yield name, at + 8, length
        at += 12 + length
    raise Oversized(f"more than {_MOST_CHUNKS} chunks")


def _behind_pixels(window: Window, at: int) -> int:
    """The place of a chunk from which all that follows the first IDAT chunk at `at` can be walked.

    Where the chunks lead out of the bytes at hand and far from the end, the end is read and searched for an IDAT
    whose chunks lead to IEND: IDAT chunks follow each other, so nothing else stands between.
    """
    at += 12 + int.from_bytes(exactly(window, at, 4), "big")
    while window.has(at, 8) and exactly(window, at, 8)[4:] == b"IDAT":
        at += 12 + int.from_bytes(window.read(at, 4), "big")
    if window.has(at, 8) or window.size - at <= STEP:
        return at
    start = window.size - STEP
    window.prefetch([(start, STEP)])
    found = _last_pixels(window.read(start, STEP))
    return at if found is None else start + found


def _last_pixels(tail: bytes) -> int | None:
    """The place of the last IDAT chunk in `tail` from which chunks lead to IEND, or None."""
    name = tail.rfind(b"IDAT")
    while name >= 4:
        if _leads_to_end(tail, name - 4):
            return name - 4
        name = tail.rfind(b"IDAT", 0, name)
    return None


def _leads_to_end(tail: bytes, at: int) -> bool:
    for _ in range(_MOST_CHUNKS):
        name = tail[at + 4 : at + 8]
        if name == b"IEND" or not name.isalpha():
            return name == b"IEND"
        at += 12 + int.from_bytes(tail[at : at + 4], "big")
    return False


def _header(parts: Parts, data: bytes) -> None:
    parts.width, parts.height, parts.bit_depth, model = struct.unpack_from(">IIBB", data)
    parts.color_space = _MODELS.get(model)


def _profile(parts: Parts, data: bytes) -> None:
    """The head of the ICC profile, behind a name that says nothing; a broken one costs no more than itself."""
    compressed = data.partition(b"\0")[2][1:]
    parts.icc = Budget.inflate_head(compressed, icc.HEAD) or None


def _text(window: Window, parts: Parts, name: bytes, offset: int, length: int) -> None:
    """One text chunk, if its keyword is one of those that carry metadata blocks."""
    keyword = window.read(offset, min(length, _LONGEST_KEYWORD)).split(b"\0")[0]
    if keyword == _XMP or keyword.startswith(_RAW_PROFILE):
        block = "xmp" if keyword.endswith(b"xmp") else "iptc" if keyword.endswith((b"iptc", b"8bim")) else "exif"
        try:
            text = _unpack(window, name, exactly(window, offset, length)[len(keyword) + 1 :])
        except Oversized as oversized:
            parts.problems.append((block, f"oversized: {oversized}"))
        else:
            _file(parts, keyword, text)


def _unpack(window: Window, name: bytes, data: bytes) -> bytes:
    """The text of a chunk's data behind its keyword. Raises Oversized."""
    if name == b"tEXt":
        return data
    if name == b"zTXt":
        return window.budget.inflate(data[1:])
    compressed, _, rest = data[:1], data[1:2], data[2:]
    text = rest.split(b"\0", 2)[-1]  # behind the language tag and the translated keyword
    return window.budget.inflate(text) if compressed == b"\1" else text


def _file(parts: Parts, keyword: bytes, text: bytes) -> None:
    if keyword == _XMP:
        parts.xmp.append(text)
        return
    data = _raw_profile(text)
    if data.startswith(_APP1_XMP):
        parts.xmp.append(data[len(_APP1_XMP) :])
    elif keyword.endswith(b"xmp"):
        parts.xmp.append(data)
    elif keyword.endswith((b"exif", b"APP1")):
        add_exif(parts, data)
    elif data.startswith(b"\x1c"):
        parts.iptc.append(data)
    elif keyword.endswith((b"iptc", b"8bim")):
        data = data.removeprefix(b"Photoshop 3.0\0")
        add_resources(parts, BytesBuffer(data), 0, len(data))


def _raw_profile(text: bytes) -> bytes:
    """The bytes of ImageMagick's hexadecimal profile: a name, a length, and lines of digits.

    Stray characters between the digits are skipped, as ExifTool and Exiv2 do; real files have them.
    """
    found = _PROFILE.match(text)
    digits = _NOT_HEX.sub(b"", found[1]) if found else b""
    return bytes.fromhex(digits[: len(digits) & ~1].decode("ascii"))
