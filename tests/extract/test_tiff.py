"""TIFF files: the format, the picture's size, the parts that other readers read, and how few ranges are read."""

import struct

import pytest

from tests.extract.build import IPTC, XMP, exif_segment, jpeg, resource
from tests.extract.tiff_blocks import (
    ASCII,
    LONG,
    SHORT,
    UNDEFINED,
    Directory,
    Order,
    below,
    blob,
    numbers,
    text,
    tiff,
)
from worker.extract import extract
from worker.extract.parts import Parts
from worker.extract.tiff import walk
from worker.extract.window import BytesReader, Cut, Window
from worker.model import BlockStatus, Limits

MIB = 1024 * 1024


def walked(data: bytes) -> Parts:
    return walk(Window(BytesReader.of(data), Limits()))


def picture(width: int = 640, height: int = 480, *, subfile: int = 0, photometric: int = 2) -> Directory:
    return {
        0x00FE: numbers(LONG, subfile),
        0x0100: numbers(LONG, width),
        0x0101: numbers(SHORT, height),
        0x0102: numbers(SHORT, 8, 8, 8),
        0x0106: numbers(SHORT, photometric),
    }


PREVIEW = picture(160, 120, subfile=1)
SENSOR = picture(6000, 4000, photometric=32803)


# --- format and picture ------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_plain_tiff(order: Order, *, big: bool) -> None:
    parts = walked(tiff(picture(), order=order, big=big))
    assert (parts.format, parts.mime) == ("TIFF", "image/tiff")
    assert (parts.width, parts.height, parts.bit_depth, parts.color_space) == (640, 480, 8, "RGB")
    assert parts.frames is None
    assert parts.problems == []


RAW: dict[str, tuple[bytes, str, tuple[int, int]]] = {
    "DNG": (tiff(PREVIEW | {0xC612: blob(b"\1\4\0\0", 1), 0x014A: below(SENSOR)}), "image/x-adobe-dng", (6000, 4000)),
    "NEF": (
        tiff({0x010F: text("NIKON CORPORATION"), **PREVIEW, 0x014A: below(PREVIEW, SENSOR)}),
        "image/x-nikon-nef",
        (6000, 4000),
    ),
    "PEF": (tiff({0x010F: text("PENTAX"), **SENSOR}), "image/x-pentax-pef", (6000, 4000)),
    "ARW": (
        tiff(
            {
                0x010F: text("SONY"),
                **PREVIEW,
                0x014A: below(SENSOR),
                0x8769: below({0xA002: numbers(LONG, 5990), 0xA003: numbers(LONG, 3990)}),
            }
        ),
        "image/x-sony-arw",
        (5990, 3990),
    ),
    "ORF": (tiff(picture(), magic=0x4F52), "image/x-olympus-orf", (640, 480)),
    "JPEG XR": (tiff({0xBC80: numbers(LONG, 640), 0xBC81: numbers(LONG, 480)}, magic=0x01BC), "image/jxr", (640, 480)),
    "RW2": (
        tiff(
            {
                2: numbers(SHORT, 700),
                4: numbers(SHORT, 8),
                5: numbers(SHORT, 10),
                6: numbers(SHORT, 488),
                7: numbers(SHORT, 650),
            },
            magic=0x55,
        ),
        "image/x-panasonic-rw2",
        (640, 480),
    ),
}


@pytest.mark.parametrize("name", RAW)
def test_raw_formats_and_the_size_of_their_picture(name: str) -> None:
    data, mime, size = RAW[name]
    parts = walked(data)
    assert (parts.format, parts.mime) == (name, mime)
    assert (parts.width, parts.height) == size


def test_a_canon_cr2_says_so_behind_its_header() -> None:
    plain = tiff(
        {0x0100: numbers(LONG, 1600), 0x8769: below({0xA002: numbers(LONG, 5000), 0xA003: numbers(LONG, 3000)})}
    )
    shifted = tiff({0x0100: numbers(LONG, 1600)})
    assert walked(plain).format == "TIFF"
    moved = shifted[:4] + struct.pack("<I", 16) + b"CR\2\0\0\0\0\0" + shifted[8:]
    assert (walked(moved).format, walked(moved).mime) == ("CR2", "image/x-canon-cr2")


def test_a_photograph_by_a_raw_maker_is_not_raw_by_that() -> None:
    assert walked(tiff({0x010F: text("NIKON CORPORATION"), **picture()})).format == "TIFF"


def test_pages_are_counted_and_thumbnails_are_not_pages() -> None:
    assert walked(tiff(picture(), picture(), PREVIEW, picture())).frames == 3


# --- parts -------------------------------------------------------------------------------------------------


def test_xmp_iptc_photoshop_resources_and_the_icc_profile_are_taken_out() -> None:
    profile = bytes(range(256)) * 4
    values = {0x02BC: blob(XMP, 1), 0x83BB: blob(IPTC), 0x8773: blob(profile)}
    parts = walked(tiff(picture() | values | {0x8649: blob(resource(0x0404, b"\x1c\x02\x5a\0\1x"), 1)}))
    assert parts.xmp == [XMP]
    assert parts.iptc == [IPTC, b"\x1c\x02\x5a\0\1x"]
    assert parts.icc == profile
    assert parts.problems == []


def test_xmp_in_a_sub_ifd_is_found() -> None:
    assert walked(tiff(picture() | {0x014A: below({0x02BC: blob(XMP, 1)})})).xmp == [XMP]


def test_the_rest_of_panasonics_exif_is_in_its_preview() -> None:
    inner = jpeg(exif_segment(tiff({0x0131: text("Ver.1.0"), 0x0110: text("of the preview")})))
    data = tiff({0x0110: text("DMC-T1"), 0x002E: blob(inner)}, magic=0x55)
    tags = extract(BytesReader.of(data), Limits()).tags
    assert (tags["IFD0:Model"].value, tags["IFD0:Software"].value) == ("DMC-T1", "Ver.1.0")


# --- damage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"II*\0", b"II*\0\x08\0\0", b"II\0\0\x08\0\0\0\0\0"])
def test_a_header_that_is_not_whole_is_cut(data: bytes) -> None:
    with pytest.raises(Cut):
        walked(data)


def test_a_first_directory_that_is_not_there_is_a_problem_of_the_file() -> None:
    assert [block for block, _ in walked(b"II*\0\xff\0\0\0" + b"\0" * 20).problems] == ["file"]


def test_a_packet_that_is_cut_is_left_out_and_said_to_be() -> None:
    parts = walked(tiff(picture() | {0x02BC: blob(XMP, 1)})[:-10])
    assert parts.xmp == []
    assert [block for block, _ in parts.problems] == ["xmp"]


def test_the_size_of_a_preview_is_not_told_as_the_pictures() -> None:
    whole = tiff({**PREVIEW, 0x014A: below(SENSOR)})
    assert walked(whole).width == 6000
    places = [at for at in range(60, len(whole)) if walked(whole[:at]).width not in {None, 6000}]
    assert places == []


def test_directories_in_a_ring_end() -> None:
    ring = bytearray(tiff(picture()))
    struct.pack_into("<I", ring, 8 + 2 + 12 * 5, 8)
    assert walked(bytes(ring)).width == 640


# --- large files -------------------------------------------------------------------------------------------


def scattered(size: int) -> bytes:
    """A file whose directory is at its end, and whose values and EXIF stand in its middle."""
    exif = struct.pack("<HHHIII", 1, 0x9003, ASCII, 20, size // 2 + 100, 0)
    middle = exif.ljust(100, b"\0") + b"2024:05:06 07:08:09\0" + b"a camera of some name\0" + b"\7" * 3000
    entries = [
        (0x0100, LONG, 1, 6000),
        (0x0101, LONG, 1, 4000),
        (0x0110, ASCII, 22, size // 2 + 120),
        (0x8769, LONG, 1, size // 2),
        (0x927C, UNDEFINED, 3000, size // 2 + 142),
        (0x935C, UNDEFINED, size // 4, 1000),
    ]
    last = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + b"\0" * 4
    out = bytearray(size)
    out[:8] = b"II*\0" + struct.pack("<I", size - len(last))
    out[size // 2 : size // 2 + len(middle)] = middle
    out[-len(last) :] = last
    return bytes(out)


def test_a_large_file_is_read_in_a_few_small_ranges_and_comes_to_the_same() -> None:
    data = scattered(20 * MIB)
    few = extract(BytesReader.of(data), Limits())
    whole = extract(BytesReader.of(data), Limits(whole_object=32 * MIB, first_read=32 * MIB, total_bytes=32 * MIB))
    assert few.tags.keys() == whole.tags.keys()
    assert few.tags["ExifIFD:DateTimeOriginal"].value == "2024:05:06 07:08:09"
    assert few.blocks["exif"].status is BlockStatus.OK
    assert not few.truncated
    assert len(few.ranges) <= 4
    assert sum(length for _, length in few.ranges) <= 512 * 1024


def test_pages_beyond_the_reads_that_one_object_may_have_leave_the_first_ones() -> None:
    size, pages = 30 * MIB, 20
    out = bytearray(size)
    places = [8, *(MIB * (1 + page) for page in range(pages))]
    for number, (place, following) in enumerate(zip(places, [*places[1:], 0], strict=True)):
        out[place : place + 18] = struct.pack("<HHHII", 1, 0x0100, LONG, 1, 100 + number) + struct.pack("<I", following)
    out[:8] = b"II*\0\x08\0\0\0"
    found = extract(BytesReader.of(bytes(out)), Limits())
    assert found.tags["IFD0:ImageWidth"].value == 100
    assert found.tags["IFD1:ImageWidth"].value == 101
    assert found.truncated
    assert found.blocks["exif"].status is BlockStatus.PARTIAL
    assert len(found.ranges) <= Limits().reads


def test_a_value_that_claims_the_whole_file_is_not_fetched() -> None:
    entry = struct.pack("<HHHIII", 1, 0x1234, UNDEFINED, 19 * MIB, 100, 0)
    data = b"II*\0\x08\0\0\0" + entry + b"\0" * (20 * MIB)
    found = extract(BytesReader.of(data), Limits())
    assert found.tags["IFD0:0x1234"].value == {"omitted": 19 * MIB}
    assert sum(length for _, length in found.ranges) <= 128 * 1024
