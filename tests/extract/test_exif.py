"""EXIF: what is found in TIFF blocks, that stock exifread finds the same, and what damage and malice come to."""

import io
import json
import logging
import math
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from exifread.core.exif_header import ExifHeader
from exifread.core.ifd_tag import IfdTag
from exifread.utils import Ratio
from hypothesis import given
from hypothesis import strategies as st

from tests.extract.build import exif_segment, jpeg
from tests.extract.tiff_blocks import (
    ASCII,
    BYTE,
    DOUBLE,
    FLOAT,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    UNDEFINED,
    Directory,
    Order,
    Value,
    below,
    blob,
    numbers,
    text,
    tiff,
)
from worker.extract import remembered
from worker.extract.budget import Budget
from worker.extract.containers import jpeg as jpeg_container
from worker.extract.exif import read_all
from worker.extract.parts import Buffer, Parts, TiffBlock, Unread
from worker.extract.tag_tables import EXIF, GPS, INTEROP
from worker.extract.window import BytesBuffer, BytesReader, Window
from worker.model import Block, BlockStatus, Limits, Tag

CAMERA: Directory = {
    0x010F: text("Testar"),
    0x0112: numbers(SHORT, 6),
    0x8769: below(
        {
            0x829A: numbers(RATIONAL, 10, 600),
            0x9003: text("2024:05:06 07:08:09"),
            0xA005: below({1: text("R98")}),
        }
    ),
    0x8825: below({1: text("N"), 2: numbers(RATIONAL, 46, 1, 30, 1, 1234, 100)}),
}


def read(*blocks: bytes, seconds: float = 5.0, **limits: Any) -> tuple[dict[str, Tag], dict[str, Block]]:
    return read_all([TiffBlock(BytesBuffer(block)) for block in blocks], Limits(**limits), Budget(seconds))


# --- what is found -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_groups_names_ids_values_and_texts(order: Order, *, big: bool) -> None:
    tags, blocks = read(tiff(CAMERA, {0x0103: numbers(SHORT, 6)}, order=order, big=big))
    assert tags["IFD0:Make"] == Tag(0x010F, "ASCII", "Testar", "Testar")
    assert tags["IFD0:Orientation"] == Tag(0x0112, "SHORT", 6, "Rotated 90 CW")
    assert tags["ExifIFD:ExposureTime"] == Tag(0x829A, "RATIONAL", 10 / 600, "1/60")
    assert tags["InteropIFD:InteropIndex"].value == "R98"
    assert tags["GPS:GPSLatitude"] == Tag(2, "RATIONAL", [46.0, 30.0, 12.34], "[46, 30, 617/50]")
    assert tags["IFD1:Compression"].text == "JPEG (old-style)"
    assert blocks["exif"] == Block(BlockStatus.OK)


def test_sub_ifds_are_numbered_and_unknown_tags_named_by_their_id() -> None:
    tags, _ = read(tiff({0x014A: below({0xC4F0: numbers(LONG, 7)}, {0x0100: numbers(LONG, 9)})}))
    assert tags["SubIFD:0xC4F0"].value == 7
    assert tags["SubIFD1:ImageWidth"].value == 9


def test_two_tags_of_one_name_both_stay() -> None:
    tags, _ = read(tiff({0x8769: below({0x920B: numbers(RATIONAL, 1, 1), 0xA20B: numbers(RATIONAL, 2, 1)})}))
    assert tags["ExifIFD:FlashEnergy"].value == 1.0
    assert tags["ExifIFD:0xA20B"].value == 2.0


def test_of_a_tag_that_is_repeated_the_first_counts() -> None:
    first, second = tiff({0x010F: text("first")}), tiff({0x010F: text("second"), 0x0110: text("model")})
    tags, _ = read(first, second)
    assert (tags["IFD0:Make"].value, tags["IFD0:Model"].value) == ("first", "model")


def test_the_main_block_counts_before_a_preview() -> None:
    preview = TiffBlock(BytesBuffer(tiff({0x010F: text("preview")})), main=False)
    main = TiffBlock(BytesBuffer(tiff({0x010F: text("main")})))
    tags, _ = read_all([preview, main], Limits(), Budget(1))
    assert tags["IFD0:Make"].value == "main"


def test_blocks_whose_first_directory_is_not_ifd0() -> None:
    gps = TiffBlock(BytesBuffer(tiff({1: text("S")})), first_ifd="GPS")
    photo = TiffBlock(BytesBuffer(tiff({0x9003: text("2024:01:01 00:00:00")})), first_ifd="ExifIFD")
    tags, _ = read_all([gps, photo], Limits(), Budget(1))
    assert {"GPS:GPSLatitudeRef", "ExifIFD:DateTimeOriginal"} == tags.keys()


def test_a_block_may_begin_inside_of_its_buffer() -> None:
    tags, _ = read_all([TiffBlock(BytesBuffer(b"filler" + tiff(CAMERA)), offset=6)], Limits(), Budget(1))
    assert tags["IFD0:Make"].value == "Testar"


def test_no_block_is_absent_and_an_empty_one_too() -> None:
    assert read()[1]["exif"] == Block(BlockStatus.ABSENT)
    assert read(tiff({}))[1]["exif"].status is BlockStatus.ABSENT


# --- what is remembered from image to image ----------------------------------------------------------------


def test_images_that_are_alike_share_no_list() -> None:
    block = tiff({0x8769: below({0x9101: blob(b"\1\2\3\0"), 0xA432: numbers(RATIONAL, 24, 1, 70, 1, 28, 10, 28, 10)})})
    first, _ = read(block)
    for tag in first.values():
        if isinstance(tag.value, list):
            tag.value.append(99)
    again, _ = read(block)
    assert again["ExifIFD:ComponentsConfiguration"].value == [1, 2, 3, 0]
    assert again["ExifIFD:LensInfo"].value == [24.0, 70.0, 2.8, 2.8]


def test_the_same_bytes_mean_what_their_group_and_byte_order_say() -> None:
    value: Directory = {1: numbers(SHORT, 0x0102)}
    for order in "<", ">", "<":
        in_ifd0, _ = read(tiff(value, order=order))
        in_gps, _ = read_all([TiffBlock(BytesBuffer(tiff(value, order=order)), first_ifd="GPS")], Limits(), Budget(1))
        assert in_ifd0["IFD0:0x0001"].value == in_gps["GPS:GPSLatitudeRef"].value == 0x0102


def test_a_value_cut_short_is_not_taken_for_one_that_has_its_first_bytes() -> None:
    read(tiff({0x0102: numbers(SHORT, 8, 8, 8)}))
    cut = tiff({0x0102: numbers(SHORT, 8, 8, 8, 8)})[:-2]
    assert read(cut)[0] == {}


@pytest.mark.parametrize("kind", [SHORT, RATIONAL])
def test_what_files_make_us_remember_is_bounded(kind: int) -> None:
    memory = remembered.memory(remembered.names("IFD0", EXIF), "<", 4)
    for number in range(2 * remembered.MOST_REMEMBERED):
        read(tiff({0x0100: numbers(kind, *([number, 1][: 1 + (kind == RATIONAL)]))}))
        assert len(memory) <= remembered.MOST_REMEMBERED


# --- the same as exifread ----------------------------------------------------------------------------------

GROUPS = {"IFD0": "Image", "IFD1": "Thumbnail", "ExifIFD": "EXIF", "GPS": "GPS", "InteropIFD": "Interoperability"}
TABLES = {"GPS": GPS, "InteropIFD": INTEROP}
OURS_TO_DECODE = {0x9286, 0x001B, 0x001C, *range(0x9C9B, 0x9CA0)}


def stock(block: bytes) -> dict[str, IfdTag]:
    """What stock exifread makes of a TIFF block, by our keys' group and id."""
    header = ExifHeader(io.BytesIO(block), "I" if block[:2] == b"II" else "M", 0, 0, strict=False, detailed=True)
    for name, offset in zip(("Image", "Thumbnail"), header.list_ifd(), strict=False):
        header.dump_ifd(offset, name)
    pointer = header.tags.get("Image ExifOffset")
    if pointer:
        header.dump_ifd(pointer.values[0], "EXIF")
    return header.tags


def kept(values: Any) -> Any:
    """An exifread value as our documents hold it: floats for ratios and 1-tuples, null for what is undefined."""
    if isinstance(values, str | bytes):
        return values
    plain = [_kept(value) for value in values]
    return plain[0] if len(plain) == 1 else plain or None


def _kept(value: Any) -> float | None:
    if isinstance(value, Ratio):
        return float(value) if value.den else None
    if isinstance(value, tuple):
        return value[0] if math.isfinite(value[0]) else None
    return int(value)


def assert_same_as_stock(block: bytes) -> int:
    """Every tag that stock exifread has and keeps has the same value and printable text here; return how many."""
    tags, _ = read(block, makernotes="never")
    found = stock(block)
    theirs = {
        (group, tag.tag): tag
        for group, name in GROUPS.items()
        for key, tag in found.items()
        if key.startswith(f"{name} ")
    }
    compared = 0
    for key, tag in tags.items():
        group = key.partition(":")[0]
        other = theirs.get((group, tag.id if isinstance(tag.id, int) else -1))
        if other is None or tag.type in {"UTF-8", "FLOAT", "DOUBLE"} or tag.id in OURS_TO_DECODE:
            continue  # exifread has no UTF-8, and prints a float as a tuple
        if isinstance(tag.value, dict) or isinstance(other.values, bytes) or "\n" in str(tag.value):
            continue  # blobs, text in other encodings, copyrights in two parts: exifread keeps half of these
        if isinstance(tag.value, str) and isinstance(other.values, list):
            assert tag.value == bytes(other.values).partition(b"\0")[0].decode(), key
        else:
            assert tag.value == kept(other.values), key
            assert tag.text.strip() == other.printable.strip(), key
        compared += 1
    return compared


RICH: Directory = {
    0x010F: text("Testar"),
    0x0102: numbers(SHORT, 8, 8, 8),
    0x0111: numbers(LONG, *range(60)),
    0x011D: text(" page "),
    0x0112: numbers(SHORT, 99),
    0x0153: numbers(SHORT, 1, 2, 9),
    0x8769: below(
        {
            0x829A: numbers(RATIONAL, 10, 600),
            0x829D: numbers(RATIONAL, 28, 10),
            0x8822: numbers(SHORT, 3),
            0x9000: blob(b"0232"),
            0x9101: blob(b"\1\2\3\0"),
            0x9203: numbers(SRATIONAL, -7, 3),
            0x9204: numbers(SRATIONAL, 0, -6),
            0x9206: numbers(RATIONAL, 0, 0),
            0x9209: numbers(SHORT, 16),
            0xA300: blob(b"\3"),
            0xA301: blob(b"\1"),
            0xA302: blob(bytes(range(12))),
            0xA432: numbers(RATIONAL, 24, 1, 70, 1, 28, 10, 0, 0),
        }
    ),
    0x8825: below({0: blob(b"\2\3\0\0", BYTE), 2: numbers(RATIONAL, 46, 1, 30, 1, 0, 1), 5: numbers(BYTE, 1)}),
}


@pytest.mark.parametrize("order", ["<", ">"])
def test_values_and_texts_are_those_of_stock_exifread(order: Order) -> None:
    assert assert_same_as_stock(tiff(RICH, {0x0103: numbers(SHORT, 6)}, order=order)) >= 20


@pytest.mark.corpora
def test_values_and_texts_are_those_of_stock_exifread_on_real_photographs(corpora: Path) -> None:
    compared = 0
    for path in sorted((corpora / "ianare+exif-py").glob("*.jp*g")):
        parts = Parts("JPEG", "image/jpeg")
        try:
            jpeg_container.walk(Window(BytesReader.of(path.read_bytes()), Limits(whole_object=1 << 30)), parts)
        except Exception:  # noqa: BLE001, S112 -- whole containers are another test's
            continue
        for block in parts.exif[:1]:
            data = block.buffer.read(block.offset, block.buffer.size)
            if read(data)[1]["exif"] == Block(BlockStatus.OK):
                compared += assert_same_as_stock(data)
    assert compared > 1000


# --- damage ------------------------------------------------------------------------------------------------


def test_a_value_whose_bytes_are_not_there_is_left_out_and_never_zero() -> None:
    whole = tiff({0x0110: text("a model of some length"), 0x011A: numbers(RATIONAL, 72, 1), 0x0112: numbers(SHORT, 1)})
    tags, blocks = read(whole[:-4])
    assert {key: tag.value for key, tag in tags.items()} == {
        "IFD0:Model": "a model of some length",
        "IFD0:Orientation": 1,
    }
    assert blocks["exif"] == Block(BlockStatus.PARTIAL, "cut: 1 values or directories are outside of the block")


@given(st.integers(0, 400), st.sampled_from(["<", ">"]), st.booleans())
def test_no_prefix_has_a_value_that_the_whole_has_not(length: int, order: Order, big: bool) -> None:
    block = tiff(CAMERA | {0x927C: blob(b"Nikon\0\2" + b"\0" * 20)}, RICH, order=order, big=big)
    whole, _ = read(block)
    part, states = read(block[:length])
    assert all(whole.get(key) == tag for key, tag in part.items())
    if len(part) < len(whole) and length > 8:
        assert states["exif"].status in {BlockStatus.PARTIAL, BlockStatus.FAILED}


def test_a_lost_value_of_the_first_block_is_not_taken_from_the_second() -> None:
    first = tiff({0x0110: text("the model as it is")})[:-4]
    tags, _ = read(first, tiff({0x0110: text("of another picture")}))
    assert "IFD0:Model" not in tags


def test_a_block_that_is_no_tiff_is_a_failure_not_an_absence() -> None:
    assert read(b"not a TIFF at all")[1]["exif"].status is BlockStatus.FAILED
    assert read(b"")[1]["exif"].status is BlockStatus.FAILED


def test_entries_of_unknown_types_are_left_out_and_zeros_are_padding() -> None:
    tags, blocks = read(tiff({0x0100: numbers(LONG, 5), 0x0101: Value(99, 1, b"\1\0\0\0"), 0: Value(0, 0, b"")}))
    assert tags.keys() == {"IFD0:ImageWidth"}
    assert blocks["exif"].reason == "malformed: 1 values or directories are malformed or repeated"


class Sparse:
    """A file of which only the beginning may be read."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head, self.size = head, size

    def read(self, offset: int, length: int) -> bytes:
        if offset + length > len(self.head):
            raise Unread
        return self.head[offset : offset + length]


def test_what_lies_beyond_the_read_budget_is_said_to_be_unread() -> None:
    far = struct.pack("<HHHI", 1, 0x010F, ASCII, 900) + struct.pack("<II", 9_000_000, 0)
    buffer: Buffer = Sparse(b"II*\0\x08\0\0\0" + far, 10_000_000)
    tags, blocks = read_all([TiffBlock(buffer)], Limits(), Budget(1))
    assert tags == {}
    assert blocks["exif"] == Block(
        BlockStatus.PARTIAL, "unread: 1 values or directories are beyond the bytes that are read of one object"
    )


def test_a_large_blob_in_a_large_file_is_not_fetched_to_be_hashed() -> None:
    entry = struct.pack("<HHHII", 1, 0x935C, UNDEFINED, 5_000_000, 1_000_000) + b"\0" * 4
    tags, blocks = read_all([TiffBlock(Sparse(b"II*\0\x08\0\0\0" + entry, 10_000_000))], Limits(), Budget(1))
    assert tags["IFD0:ImageSourceData"].value == {"omitted": 5_000_000}
    assert blocks["exif"] == Block(BlockStatus.OK)


# --- malice ------------------------------------------------------------------------------------------------


def cpu(*blocks: bytes, **limits: Any) -> tuple[float, dict[str, Tag], Block]:
    start = time.thread_time()
    tags, states = read(*blocks, **limits)
    return time.thread_time() - start, tags, states["exif"]


def entries(count: int, entry: bytes) -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<H", min(count, 65535)) + entry * count + b"\0" * 4


HOSTILE = {
    "a maker note of a billion bytes": entries(1, struct.pack("<HHII", 0x927C, 7, 1_006_641_184, 8)),
    "an entry of four thousand million": entries(1, struct.pack("<HHII", 0x0100, 3, 0xFFFFFFFF, 8)),
    "GPS pointers to their own directory": entries(5000, struct.pack("<HHII", 0x8825, 4, 1, 8)),
    "an EXIF directory that is itself": entries(1, struct.pack("<HHII", 0x8769, 4, 1, 8)),
    "thousands of long lists of ratios": entries(5000, struct.pack("<HHII", 0x0102, 5, 999, 8)) + b"\1" * 8000,
    "as many, under names of their own": b"II*\0\x08\0\0\0"
    + struct.pack("<H", 5000)
    + b"".join(struct.pack("<HHII", tag, 5, 999, 8) for tag in range(20_000, 25_000))
    + b"\0" * 12,
    "a chain of empty directories": b"II*\0\x08\0\0\0"
    + b"".join(struct.pack("<HI", 0, 8 + 6 * index) for index in range(1, 100_000)),
    "sixty thousand pointers to directories": tiff({0x014A: numbers(LONG, *range(10, 4000))}),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("makernotes", ["auto", "always"])
def test_hostile_blocks_end_in_time_with_a_state(name: str, makernotes: str) -> None:
    seconds, _, state = cpu(HOSTILE[name], makernotes=makernotes)
    assert state.status in {BlockStatus.PARTIAL, BlockStatus.FAILED, BlockStatus.OK}
    assert seconds < 1.0


def test_a_maker_note_of_a_billion_bytes_costs_milliseconds_and_is_said_to_be_cut() -> None:
    block = tiff({0x010F: text("NIKON"), 0x8769: below({0x927C: Value(UNDEFINED, 1_006_641_184, (8,))})})
    seconds, tags, state = cpu(jpeg_block(block), makernotes="always")
    assert tags["IFD0:Make"].value == "NIKON"
    assert state.status is BlockStatus.PARTIAL
    assert seconds < 0.1


def jpeg_block(block: bytes) -> bytes:
    """The block, after its way through a JPEG."""
    parts = Parts("JPEG", "image/jpeg")
    jpeg_container.walk(Window(BytesReader.of(jpeg(exif_segment(block))), Limits()), parts)
    return parts.exif[0].buffer.read(0, parts.exif[0].buffer.size)


def test_time_that_is_spent_leaves_what_was_read_and_says_so() -> None:
    tags, blocks = read(tiff(CAMERA), seconds=0.0)
    assert tags == {}
    assert blocks["exif"].reason == "time: the CPU time for one object is spent"


@given(st.binary(max_size=300), st.sampled_from([b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"]))
def test_any_bytes_come_to_tags_that_any_store_takes(noise: bytes, head: bytes) -> None:
    assert_storable(*read(head + noise, makernotes="always"))


@given(
    st.dictionaries(
        st.sampled_from([*EXIF, 0x1234]),
        st.tuples(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 129]), st.binary(max_size=200)),
        max_size=20,
    ),
    st.sampled_from(["<", ">"]),
    st.booleans(),
)
def test_any_values_come_to_tags_that_any_store_takes(
    values: dict[int, tuple[int, bytes]],
    order: Order,
    big: bool,
) -> None:
    sizes = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
    ifd: Directory = {tag: Value(kind, len(data) // sizes.get(kind, 1), data) for tag, (kind, data) in values.items()}
    assert_storable(*read(tiff(ifd, order=order, big=big)))


def test_floats_that_no_document_can_hold_are_null_and_stay_as_text() -> None:
    odd = numbers(DOUBLE, math.nan, math.inf, -math.inf, 0.5)
    tags, _ = read(tiff({0xC761: odd, 0x923F: numbers(FLOAT, math.inf), 0x829A: numbers(RATIONAL, 1, 0)}))
    assert tags["IFD0:NoiseProfile"] == Tag(0xC761, "DOUBLE", [None, None, None, 0.5], "[nan, inf, -inf, 0.5]")
    assert (tags["IFD0:StoNits"].value, tags["IFD0:StoNits"].text) == (None, "inf")
    assert (tags["IFD0:ExposureTime"].value, tags["IFD0:ExposureTime"].text) == (None, "1/0")


def assert_storable(tags: dict[str, Tag], blocks: dict[str, Block]) -> None:
    """JSON and Firestore take it: finite numbers, integers of 64 bits, valid text without NUL, no list in a list."""
    for key, tag in tags.items():
        assert_legal(tag.value)
        for each in (key, tag.type, tag.text):
            assert "\0" not in each
            each.encode()
    json.dumps({key: tag.value for key, tag in tags.items()}, allow_nan=False)
    assert {"exif", "makernotes"} == blocks.keys()


def assert_legal(value: Any, *, listed: bool = False) -> None:
    if isinstance(value, str):
        assert "\0" not in value
        value.encode()
    elif isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
    elif isinstance(value, list):
        assert not listed
        for each in value:
            assert_legal(each, listed=True)
    elif isinstance(value, dict):
        assert value.keys() <= {"omitted", "sha256"}
    else:
        assert value is None


# --- good manners ------------------------------------------------------------------------------------------


def test_threads_do_not_disturb_each_other() -> None:
    blocks = [tiff({0x010F: text(f"maker {index}"), **RICH, 0x0110: text(str(index))}) for index in range(8)]
    expected = [read(block) for block in blocks]
    wrong: list[int] = []

    def work(index: int) -> None:
        wrong.extend(index for _ in range(50) if read(blocks[index]) != expected[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_exifread_logs_errors_only_and_the_root_logger_is_left_alone() -> None:
    assert logging.getLogger("exifread").level == logging.ERROR
    assert logging.getLogger("exifread").handlers == []
