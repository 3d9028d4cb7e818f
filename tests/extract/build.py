"""Builders of containers, the odd ones that real cameras and programs write, and the hostile ones.

All bytes come from here; the metadata in them is one EXIF block, one XMP packet and one IPTC record, so that a test
can ask of any file whether all three were found.
"""

import struct
import zlib
from collections.abc import Sequence

import brotli  # type: ignore[import-untyped] # it has no annotations

from tests.samples.packets import iptc, xmp
from tests.samples.tiff import exif, raw, short, text

MAKE, TITLE, CITY = "Testar", "Over the pass", "Sion"
WIDTH, HEIGHT = 640, 480

EXIF = exif({0x010F: text(MAKE), 0x0110: text("T-1"), 0x0112: short(1)}, {0x9003: text("2024:05:06 07:08:09")})
XMP = xmp({"dc:title": {"x-default": TITLE}, "xmp:Rating": "3"})
IPTC = iptc([(90, CITY)])
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")


# --- JPEG --------------------------------------------------------------------------------------------------


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def exif_segment(block: bytes = EXIF) -> bytes:
    return segment(0xE1, b"Exif\0\0" + block)


def xmp_segment(packet: bytes = XMP) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def extended_xmp_segment(guid: str, total: int, place: int, chunk: bytes) -> bytes:
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid.encode() + struct.pack(">II", total, place)
    return segment(0xE1, head + chunk)


def resource(number: int, data: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + b"\0" * (len(data) & 1)


def photoshop_segment(resources: bytes) -> bytes:
    return segment(0xED, b"Photoshop 3.0\0" + resources)


def icc_segment(number: int, count: int, chunk: bytes) -> bytes:
    return segment(0xE2, b"ICC_PROFILE\0" + bytes([number, count]) + chunk)


FRAME = segment(0xC0, struct.pack(">BHHB", 8, HEIGHT, WIDTH, 3) + b"\x01\x11\x00\x02\x11\x01\x03\x11\x01")
SCAN = segment(0xDA, b"\x03\x01\x00\x02\x11\x03\x11\x00?\x00") + b"\x55" * 64 + b"\xff\xd9"


def jpeg(*segments: bytes, behind: bytes = b"") -> bytes:
    return b"\xff\xd8" + b"".join(segments) + FRAME + SCAN + behind


def full_jpeg() -> bytes:
    return jpeg(exif_segment(), xmp_segment(), photoshop_segment(resource(0x0404, IPTC)))


# --- PNG ---------------------------------------------------------------------------------------------------


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*chunks: bytes, before: Sequence[bytes] = (), pixels: Sequence[bytes] = (b"\0" * 64,)) -> bytes:
    """A PNG with `before` in front of the pixels, one IDAT for each of `pixels`, and `chunks` behind them."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
    body = b"".join([header, *before, *(chunk(b"IDAT", data) for data in pixels), *chunks])
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def xmp_chunk(packet: bytes = XMP, *, compressed: bool = False) -> bytes:
    body = zlib.compress(packet) if compressed else packet
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + bytes([compressed, 0]) + b"\0\0" + body)


def raw_profile(kind: bytes, data: bytes, *, stray: bytes = b"") -> bytes:
    """ImageMagick's hexadecimal profile, with `stray` characters between its lines."""
    digits = data.hex().encode()
    lines = (b"\n" + stray).join(digits[at : at + 72] for at in range(0, len(digits), 72))
    profile = b"\n" + kind + b"\n" + b"%8d\n" % len(data) + lines + b"\n"
    return chunk(b"zTXt", b"Raw profile type " + kind + b"\0\0" + zlib.compress(profile))


def full_png() -> bytes:
    return png(chunk(b"eXIf", EXIF), xmp_chunk(), raw_profile(b"iptc", resource(0x0404, IPTC)))


# --- WebP --------------------------------------------------------------------------------------------------


def riff_chunk(name: bytes, data: bytes, *, padded: bool = True) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (padded and len(data) & 1)


def webp(*chunks: bytes, flags: int = 0x0C, pixels: bytes = b"\x55" * 33, padded: bool = True) -> bytes:
    size = (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")
    first = riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + size)
    body = first + riff_chunk(b"VP8 ", pixels, padded=padded) + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def full_webp() -> bytes:
    return webp(riff_chunk(b"EXIF", EXIF), riff_chunk(b"XMP ", XMP))


# --- boxes: HEIF, AVIF, CR3, JPEG XL, JPEG 2000 -----------------------------------------------------------------


def box(name: bytes, payload: bytes, *, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, name, 16 + len(payload)) + payload
    return struct.pack(">I4s", 8 + len(payload), name) + payload


def full_box(name: bytes, payload: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags) + payload)


def item_entry(number: int, kind: bytes, content_type: bytes = b"", version: int = 2) -> bytes:
    ident = struct.pack(">I" if version == 3 else ">H", number)
    tail = content_type + b"\0" if kind == b"mime" else b""
    return full_box(b"infe", ident + b"\0\0" + kind + b"\0" + tail, version)


Extents = list[tuple[int, int]]


def item_places(places: dict[int, tuple[int, int, Extents]], version: int = 1) -> bytes:
    """An iloc of items, each (construction method, base offset, extents); offsets and bases of 4 bytes."""
    wide = version == 2
    out = struct.pack(">BB", 0x44, 0x40) + struct.pack(">I" if wide else ">H", len(places))
    for number, (method, start, extents) in places.items():
        out += struct.pack(">I" if wide else ">H", number)
        out += struct.pack(">H", method) if version else b""
        out += struct.pack(">HIH", 0, start, len(extents))
        out += b"".join(struct.pack(">II", *extent) for extent in extents)
    return full_box(b"iloc", out, version)


def properties(rotation: int | None = None, mirror: int | None = None) -> bytes:
    kept = [full_box(b"ispe", struct.pack(">II", WIDTH, HEIGHT)), full_box(b"pixi", b"\x03\x0a\x0a\x0a")]
    kept += [] if rotation is None else [box(b"irot", bytes([rotation]))]
    kept += [] if mirror is None else [box(b"imir", bytes([mirror]))]
    links = struct.pack(">IHB", 1, 1, len(kept)) + bytes(range(1, len(kept) + 1))
    return box(b"iprp", box(b"ipco", b"".join(kept)) + full_box(b"ipma", links))


def heif_exif(block: bytes = EXIF, offset: int = 6, prefix: bytes = b"Exif\0\0") -> bytes:
    """An Exif item: the offset of the TIFF header, then what stands in front of it, then the block."""
    return struct.pack(">I", offset) + prefix + block


def heif(
    *,
    brand: bytes = b"heic",
    exif_item: bytes | None = None,
    version: int = 1,
    method: int = 0,
    start: int = 0,
    pieces: int = 1,
    more: bytes = b"",
    gap: int = 0,
) -> bytes:
    """A HEIF file with an Exif item (1 of 2) and an XMP item, in `mdat` (method 0) or `idat` (method 1)."""
    block = heif_exif() if exif_item is None else exif_item
    entry = 3 if version == 2 else 2
    entries = [
        item_entry(1, b"hvc1"),
        item_entry(2, b"Exif", version=entry),
        item_entry(3, b"mime", b"application/rdf+xml"),
    ]
    items = full_box(b"iinf", struct.pack(">H", 3) + b"".join(entries))
    head = box(b"ftyp", brand + b"\0\0\0\1" + b"mif1" + brand)

    def meta(data_at: int) -> bytes:
        step = -(-len(block) // pieces)
        cut = [(data_at - start + at, min(step, len(block) - at)) for at in range(0, len(block), step)]
        places = {2: (method, start, cut), 3: (method, start, [(data_at - start + len(block), len(XMP))])}
        inner = full_box(b"hdlr", b"\0" * 4 + b"pict" + b"\0" * 13) + full_box(b"pitm", b"\0\1")
        inner += item_places(places, version) + items + more
        return full_box(b"meta", inner + (box(b"idat", block + XMP) if method == 1 else b""))

    if method == 1:
        return head + meta(0) + box(b"mdat", b"\x55" * 64)
    data_at = len(head) + len(meta(start)) + 8 + gap
    return head + meta(data_at) + box(b"mdat", b"\x55" * gap + block + XMP)


def cr3() -> bytes:
    make = exif({0x010F: text(MAKE), 0x0110: text("T-1")})
    taken = exif({0x9003: text("2024:05:06 07:08:09"), 0x9000: raw(b"0232")})
    canon = box(b"uuid", CANON_UUID + box(b"CMT1", make) + box(b"CMT2", taken))
    head = box(b"ftyp", b"crx \0\0\0\1crx isom")
    return head + box(b"moov", canon) + box(b"uuid", XMP_UUID + XMP) + box(b"mdat", b"\x55" * 64, large=True)


JXL_HEAD = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
JXL_PICTURE = b"\xff\x0a" + (HEIGHT - 1 << 3 | 1 << 15 | WIDTH - 1 << 17 | 1 << 30).to_bytes(8, "little")
"""Sides of 9 and 13 bits, then the bit that says that all else is as usual."""


def jxl(*boxes: bytes, behind: bytes = b"") -> bytes:
    return JXL_HEAD + b"".join(boxes) + box(b"jxlc", JXL_PICTURE + b"\x55" * 40) + behind


def brob(name: bytes, payload: bytes) -> bytes:
    return box(b"brob", name + brotli.compress(payload))


def jp2() -> bytes:
    size = box(b"ihdr", struct.pack(">IIHBBBB", HEIGHT, WIDTH, 3, 7, 7, 0, 0))
    head = b"\0\0\0\x0cjP  \r\n\x87\n" + box(b"ftyp", b"jp2 \0\0\0\0jp2 ") + box(b"jp2h", size)
    uuids = box(b"uuid", b"JpgTiffExif->JP2" + EXIF) + box(b"uuid", XMP_UUID + XMP)
    return head + uuids + box(b"jp2c", b"\xff\x4f\xff\x51" + b"\x55" * 64)


# --- the rest ----------------------------------------------------------------------------------------------


def psd() -> bytes:
    resources = (
        resource(0x0404, IPTC) + resource(0x040C, b"\x55" * 301) + resource(0x0422, EXIF) + resource(0x0424, XMP)
    )
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, HEIGHT, WIDTH, 8, 3) + struct.pack(">I", 0)
    return head + struct.pack(">I", len(resources)) + resources + b"\x55" * 64


def gif() -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", WIDTH, HEIGHT, 0, 0, 0)
    packet = b"\x21\xff\x0bXMP DataXMP" + XMP + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, WIDTH, HEIGHT, 0) + b"\x02\x02\x44\x01\0"
    return head + packet + image + image + b"\x3b"


def raf() -> bytes:
    picture = full_jpeg()
    directory = struct.pack(">IHHHH", 1, 0x0100, 4, HEIGHT, WIDTH)
    places = struct.pack(">IIII", 108, len(picture), 108 + len(picture), len(directory))
    return b"FUJIFILMCCD-RAW 0201".ljust(84, b"\0") + places + b"\0" * 8 + picture + directory


def mrw() -> bytes:
    size = b"\0PRD" + struct.pack(">I8xHHHH8x", 24, HEIGHT, WIDTH, HEIGHT, WIDTH)
    blocks = size + b"\0TTW" + struct.pack(">I", len(EXIF)) + EXIF
    return b"\0MRM" + struct.pack(">I", len(blocks)) + blocks + b"\x55" * 64


def x3f() -> bytes:
    head = (b"FOVb" + struct.pack("<I", 0x20002)).ljust(28, b"\0") + struct.pack("<III", WIDTH, HEIGHT, 0)
    picture = b"SECi" + struct.pack("<IIIIII", 0x20000, 2, 18, WIDTH, HEIGHT, 0) + full_jpeg()
    directory = b"SECd" + struct.pack("<II", 0x20000, 1) + struct.pack("<II4s", len(head), len(picture), b"IMA2")
    return head + picture + directory + struct.pack("<I", len(head) + len(picture))


def bmp() -> bytes:
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHH", 40, WIDTH, -HEIGHT, 1, 24) + b"\0" * 24


def whole_files() -> dict[str, bytes]:
    """One good file of each kind, by name."""
    return {
        "jpeg": full_jpeg(),
        "png": full_png(),
        "webp": full_webp(),
        "heic": heif(more=properties(rotation=1)),
        "avif": heif(brand=b"avif", method=1, more=properties()),
        "cr3": cr3(),
        "jxl": jxl(box(b"Exif", heif_exif(offset=0, prefix=b"")), brob(b"xml ", XMP)),
        "jp2": jp2(),
        "psd": psd(),
        "gif": gif(),
        "raf": raf(),
        "mrw": mrw(),
        "x3f": x3f(),
        "bmp": bmp(),
        "tiff": EXIF,
    }
