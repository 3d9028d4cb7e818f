"""How each maker writes its note: signature, where the directory begins, what offsets count from, the tag table.

The tables are exifread's, with a few tags that it lacks. Where its decoder mistakes the form (it reads the headers
of Sony, newer Olympus and Casio as entries, and Apple's offsets from the wrong place), the forms here are those that
https://exiftool.org/makernote_types.html describes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from exifread.tags.makernote import apple, canon, casio, dji, fujifilm, nikon, olympus, sony

from worker.extract.tag_tables import Known, Table

LENS, ZONE, SERIAL, DISTANCE, POSE, PAIR = "lens", "zone", "serial", "distance", "pose", "pair"

STANDARD: dict[str, tuple[str, ...]] = {
    LENS: ("ExifIFD:LensModel",),
    ZONE: ("ExifIFD:OffsetTimeOriginal", "ExifIFD:OffsetTime", "ExifIFD:OffsetTimeDigitized", "ExifIFD:TimeZoneOffset"),
    SERIAL: ("ExifIFD:SerialNumber", "IFD0:CameraSerialNumber"),
    DISTANCE: ("ExifIFD:SubjectDistance",),
    POSE: (),
    PAIR: (),
}
"""The questions that notes are asked, and the standard tags any of which answers them."""


class Maker(NamedTuple):
    """A maker's tag table, and which of its tags answer which question."""

    name: str
    table: Table
    answers: Mapping[str, tuple[int, ...]]


class Form(NamedTuple):
    """One way of writing a note.

    Notes begin with `signature`; the directory stands `start` bytes into them, or where the TIFF header at `header`
    says. Offsets count from the note (`own`), from that header, or from the block that the note is in. `mark` is
    the byte order, exifread's letter, where it is not the block's; `order_at` is where the note states it. A note
    with a `footer` says in its last bytes where it once stood.
    """

    maker: Maker
    signature: bytes
    start: int = 0
    own: bool = False
    mark: str | None = None
    order_at: int | None = None
    header: int | None = None
    footer: bool = False


def _table(theirs: Mapping[int, Any], more: Mapping[int, str] | None = None) -> Table:
    """exifread's table with names in one word, and more names."""
    table: dict[int, Known] = {tag: (name.replace(" ", ""), rule) for tag, (name, rule) in theirs.items()}
    return Table(table | {tag: (name, None) for tag, name in (more or {}).items()})


_CANON = Maker(
    "Canon",
    _table(canon.TAGS, {0x0035: "TimeInfo"}),
    {LENS: (0x0095, 0x0001), SERIAL: (0x000C, 0x0096), ZONE: (0x0035,), DISTANCE: (0x0004,)},
)
_NIKON = Maker(
    "Nikon",
    _table(nikon.TAGS_NEW, {0x0084: "Lens"}),
    {LENS: (0x0083, 0x0084), SERIAL: (0x001D, 0x00A0), ZONE: (0x0024,), DISTANCE: (0x0085,)},
)
_NIKON_OLD = Maker("Nikon", _table(nikon.TAGS_OLD), {})
_OLYMPUS = Maker(
    "Olympus",
    _table(olympus.TAGS),
    {LENS: (0x2010,), SERIAL: (0x2010, 0x0404, 0x101A), DISTANCE: (0x2050,)},
)
_CASIO = Maker("Casio", _table(casio.TAGS), {DISTANCE: (0x0006,)})
_CASIO_2 = Maker("Casio", _table({}, {0x2022: "ObjectDistance"}), {DISTANCE: (0x2022,)})
_SONY = Maker("Sony", _table(sony.TAGS, {0xB027: "LensType", 0xB02A: "LensSpec"}), {LENS: (0xB02A,)})
_FUJIFILM = Maker("Fujifilm", _table(fujifilm.TAGS), {SERIAL: (0x0010,)})
_APPLE = Maker(
    "Apple", _table(apple.TAGS, {0x0008: "AccelerationVector", 0x0011: "ContentIdentifier"}), {PAIR: (0x0011,)}
)
_DJI = Maker("DJI", _table(dji.TAGS), {POSE: tuple(range(0x03, 0x0C))})

FORMS = (
    Form(_NIKON, b"Nikon\0\x02", header=10),
    Form(_NIKON_OLD, b"Nikon\0\x01", start=8),
    Form(_OLYMPUS, b"OLYMPUS\0", start=12, own=True, order_at=8),
    Form(_OLYMPUS, b"OM SYSTEM\0", start=16, own=True, order_at=12),
    Form(_OLYMPUS, b"OLYMP\0", start=8),
    Form(_CASIO_2, b"QVC\0", start=6, mark="M"),
    Form(_SONY, b"SONY DSC \0", start=12),
    Form(_SONY, b"SONY CAM \0", start=12),
    Form(_SONY, b"SONY MOBILE", start=12),
    Form(_FUJIFILM, b"FUJIFILM", start=12, own=True, mark="I"),
    Form(_APPLE, b"Apple iOS\0", start=14, own=True, order_at=12),
)
"""Notes that say whose they are."""

PLAIN_FORMS = (
    ("CANON", Form(_CANON, b"", footer=True)),
    ("NIKON", Form(_NIKON, b"")),
    ("CASIO", Form(_CASIO, b"")),
    ("SONY", Form(_SONY, b"")),
    ("DJI", Form(_DJI, b"", own=True, mark="I")),
)
"""Notes that are a directory and nothing else, by what the Make begins with."""

CANON_BLOCK = PLAIN_FORMS[0][1]
"""The form of a block of its own, as Canon's CR3 has it."""

ARRAYS: dict[int, Table] = {tag: _table(table) for tag, table in canon.OFFSET_TAGS.items()}
"""Canon's tags that are arrays, whose places are tags by themselves."""

DIRECTORIES: dict[int, Table] = {
    0x2010: _table(
        {}, {0x0101: "SerialNumber", 0x0102: "InternalSerialNumber", 0x0202: "LensSerialNumber", 0x0203: "LensModel"}
    ),
    0x2020: _table(olympus.TAG_0x2020),
    0x2050: _table({}, {0x0305: "FocusDistance"}),
}
"""Olympus's tags that point to directories: Equipment, CameraSettings, FocusInfo."""
