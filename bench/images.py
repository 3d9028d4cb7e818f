"""Camera-like JPEGs, made from a seed: real metadata in front, then bytes that stand for the picture.

The head is what a camera and its owner's catalog write: an EXIF block with a maker note, a position and a thumbnail,
an XMP packet, the tables of the picture. What follows is shared by all images, so that thousands fit into memory.
"""

import random
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import google_crc32c

from bench.tiff import Entry, ascii_text, long, rational, short, signed_rational, tiff, undefined

CAMERA_BYTES = (1_500_000, 4_000_000)
SMALL_BYTES = (100_000, 100_000)
_END = b"\xff\xd9"
_FIRST_SHOT = datetime(2025, 3, 1, 6, 30)  # noqa: DTZ001 -- a camera's clock has no zone


@dataclass(frozen=True, slots=True)
class Image:
    """One file: `head` is its own, the rest comes from `scan_data`. No other image has its `serial`."""

    head: bytes
    size: int
    serial: str
    crc32c: bytes

    def pieces(self, start: int, end: int) -> list[bytes | memoryview]:
        """The bytes [start, end), without copying those that the images share."""
        seam, last = len(self.head), self.size - len(_END)
        parts: list[bytes | memoryview] = [
            self.head[start:end],
            memoryview(scan_data())[max(start - seam, 0) : max(min(end, last) - seam, 0)],
            _END[max(start - last, 0) : max(end - last, 0)],
        ]
        return [part for part in parts if part]


def camera_jpeg(seed: int, sizes: tuple[int, int] = CAMERA_BYTES) -> Image:
    """An image whose size lies within `sizes`; the same for the same seed."""
    dice = random.Random(seed)
    serial = f"SN{seed:06d}X{dice.randrange(10**6):06d}"
    taken = _FIRST_SHOT + timedelta(seconds=dice.randrange(10**7))
    segments = [
        (0xE1, b"Exif\0\0" + _exif(dice, serial, taken)),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + _xmp(dice, serial, taken)),
        (0xDB, bytes(130)),
        (0xC0, struct.pack(">BHHB", 8, 4024, 6048, 3) + bytes.fromhex("012100 021101 031101")),
        (0xC4, bytes(400)),
        (0xDA, bytes.fromhex("03 0100 0211 0311 003f00")),
    ]
    head = b"\xff\xd8" + b"".join(struct.pack(">BBH", 0xFF, mark, len(body) + 2) + body for mark, body in segments)
    size = dice.randint(*sizes)
    checksum = google_crc32c.extend(google_crc32c.value(head), scan_data()[: size - len(head) - len(_END)])
    return Image(head, size, serial, google_crc32c.extend(checksum, _END).to_bytes(4, "big"))


@cache
def scan_data() -> bytes:
    """Noise as an entropy coder would leave it: no byte that a reader could take for a marker."""
    return random.Random(0).randbytes(CAMERA_BYTES[1]).replace(b"\xff", b"\xfe")


def _exif(dice: random.Random, serial: str, taken: datetime) -> bytes:
    thumbnail = b"\xff\xd8" + scan_data()[: dice.randint(6_000, 14_000)] + _END
    stamp = f"{taken:%Y:%m:%d %H:%M:%S}"
    first = [
        ascii_text(0x010F, "NIKON CORPORATION"),
        ascii_text(0x0110, "NIKON Z 6"),
        short(0x0112, dice.choice((1, 1, 1, 6, 8))),
        rational(0x011A, (300, 1)),
        rational(0x011B, (300, 1)),
        short(0x0128, 2),
        ascii_text(0x0131, "Ver.03.60"),
        ascii_text(0x0132, stamp),
        ascii_text(0x013B, "A. Photographer"),
        short(0x0213, 2),
        ascii_text(0x8298, "(c) A. Photographer"),
    ]
    return tiff(first, _exposure(dice, serial, stamp), _position(dice, taken), thumbnail)


def _exposure(dice: random.Random, serial: str, stamp: str) -> list[Entry]:
    focal, aperture, shutter = dice.randint(24, 70), dice.choice((28, 40, 56, 80)), dice.choice((60, 125, 250, 1000))
    note = b"Nikon\0\x02\x11\0\0" + tiff(_maker_note(dice, serial))
    return [
        rational(0x829A, (1, shutter)),
        rational(0x829D, (aperture, 10)),
        short(0x8822, 3),
        short(0x8827, dice.choice((100, 200, 400, 1600))),
        short(0x8830, 2),
        undefined(0x9000, b"0231"),
        ascii_text(0x9003, stamp),
        ascii_text(0x9004, stamp),
        *(ascii_text(tag, "+02:00") for tag in (0x9010, 0x9011, 0x9012)),
        undefined(0x9101, b"\1\2\3\0"),
        rational(0x9102, (4, 1)),
        signed_rational(0x9204, (dice.randint(-3, 3), 3)),
        rational(0x9205, (30, 10)),
        short(0x9207, 5),
        short(0x9208, 0),
        short(0x9209, 16),
        rational(0x920A, (focal * 10, 10)),
        undefined(0x927C, note),
        undefined(0x9286, b"ASCII\0\0\0" + b" " * 36),
        *(ascii_text(tag, f"{dice.randrange(100):02d}") for tag in (0x9290, 0x9291, 0x9292)),
        undefined(0xA000, b"0100"),
        short(0xA001, 1),
        long(0xA002, 6048),
        long(0xA003, 4024),
        short(0xA217, 2),
        undefined(0xA300, b"\3"),
        undefined(0xA301, b"\1"),
        *(short(tag, 0) for tag in (0xA401, 0xA402, 0xA403)),
        rational(0xA404, (1, 1)),
        short(0xA405, focal),
        *(short(tag, 0) for tag in (0xA406, 0xA407, 0xA408, 0xA409, 0xA40A, 0xA40C)),
        ascii_text(0xA431, serial),
        rational(0xA432, (240, 10), (700, 10), (28, 10), (28, 10)),
        ascii_text(0xA433, "NIKON"),
        ascii_text(0xA434, "NIKKOR Z 24-70mm f/2.8 S"),
    ]


def _maker_note(dice: random.Random, serial: str) -> list[Entry]:
    """Some of what a Nikon writes, and as much again that only Nikon can read."""
    return [
        undefined(0x0001, b"0211"),
        short(0x0002, 0, 400),
        ascii_text(0x0004, "FINE   "),
        ascii_text(0x0005, "AUTO1       "),
        ascii_text(0x0007, "AF-C  "),
        ascii_text(0x001D, serial),
        rational(0x0084, (240, 10), (700, 10), (28, 10), (28, 10)),
        undefined(0x0091, dice.randbytes(3_000)),
        long(0x00A7, dice.randrange(200_000)),
    ]


def _position(dice: random.Random, taken: datetime) -> list[Entry]:
    return [
        (0x0000, 1, 4, b"\2\3\0\0"),
        ascii_text(0x0001, "N"),
        rational(0x0002, (dice.randrange(60), 1), (dice.randrange(60), 1), (dice.randrange(6000), 100)),
        ascii_text(0x0003, "E"),
        rational(0x0004, (dice.randrange(180), 1), (dice.randrange(60), 1), (dice.randrange(6000), 100)),
        (0x0005, 1, 1, b"\0"),
        rational(0x0006, (dice.randrange(20_000), 10)),
        rational(0x0007, (taken.hour, 1), (taken.minute, 1), (taken.second, 1)),
        ascii_text(0x0012, "WGS-84"),
        ascii_text(0x001D, f"{taken:%Y:%m:%d}"),
    ]


def _xmp(dice: random.Random, serial: str, taken: datetime) -> bytes:
    """A catalog program's packet, with the two kilobytes of blanks that such programs leave for later."""
    keywords = "".join(f"<rdf:li>keyword {dice.randrange(1000)}</rdf:li>" for _ in range(8))
    develop = " ".join(f'crs:{name}="{dice.randint(-50, 50)}"' for name in ("Tint", "Contrast2012", "Shadows2012"))
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmp:CreatorTool="NIKON Z 6 Ver.03.60" xmp:Rating="{dice.randrange(6)}" xmp:CreateDate="{taken.isoformat()}.12"
 xmp:ModifyDate="{taken.isoformat()}" aux:SerialNumber="{serial}" aux:Lens="NIKKOR Z 24-70mm f/2.8 S"
 photoshop:DateCreated="{taken.isoformat()}.12" xmpMM:DocumentID="xmp.did:{serial}" crs:Version="15.0" {develop}>
<dc:subject><rdf:Bag>{keywords}</rdf:Bag></dc:subject>
<dc:creator><rdf:Seq><rdf:li>A. Photographer</rdf:li></rdf:Seq></dc:creator>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Shot {serial}</rdf:li></rdf:Alt></dc:title>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) A. Photographer</rdf:li></rdf:Alt></dc:rights>
</rdf:Description></rdf:RDF></x:xmpmeta>
{(" " * 99 + chr(10)) * 20}<?xpacket end="w"?>""".encode()
