"""Maker notes: each maker's form, what is read under which policy, and notes that are moved, cut or hostile."""

import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.extract.tiff_blocks import (
    BYTE,
    LONG,
    RATIONAL,
    SHORT,
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
from worker.extract.budget import Budget
from worker.extract.exif import read_all
from worker.extract.parts import TiffBlock
from worker.extract.window import BytesBuffer
from worker.model import Block, BlockStatus, Limits, MakerNotes, Tag

NOTHING: Mapping[int, Value] = {}
Found = tuple[dict[str, Tag], Block]


def notes(block: bytes, policy: MakerNotes = "always", **limits: Any) -> Found:
    """The tags of the maker's note by their names, and the state of its block."""
    tags, blocks = read_all([TiffBlock(BytesBuffer(block))], Limits(makernotes=policy, **limits), Budget(5))
    found = {key.removeprefix("MakerNotes:"): tag for key, tag in tags.items() if key.startswith("MakerNotes:")}
    return found, blocks["makernotes"]


def directory(entries: Directory, base: int, order: Order = "<") -> bytes:
    """A bare directory with its values behind it, whose offsets count from `base` bytes before it."""
    inner = tiff(entries, order=order)[8:]
    head, out = struct.Struct(f"{order}H"), bytearray(inner)
    for index in range(head.unpack_from(inner)[0]):
        kind, count, offset = struct.unpack_from(f"{order}HII", inner, 2 + 12 * index + 2)
        if {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8, 11: 4}[kind] * count > 4:
            struct.pack_into(f"{order}I", out, 2 + 12 * index + 8, offset - 8 + base)
    return bytes(out)


def photo(
    make: str, note: Callable[[int], bytes], order: Order = "<", standard: Mapping[int, Value] = NOTHING
) -> bytes:
    """An EXIF block with a note, which is made for the offset that it will have in the block."""

    def block(raw: bytes) -> bytes:
        return tiff({0x010F: text(make), 0x8769: below({0x927C: blob(raw), **standard})}, order=order)

    length = len(note(0))
    place = block(b"\xee" * length).index(b"\xee" * length)
    return block(note(place))


# --- each maker's form -------------------------------------------------------------------------------------


def canon(at: int) -> bytes:
    settings = [46, *[0] * 21, 505, 35, 35, 1]
    shot = [68, *[0] * 18, 782]
    entries: Directory = {
        0x0001: numbers(SHORT, *settings),
        0x0004: numbers(SHORT, *shot),
        0x000C: numbers(LONG, 154213267),
        0x0035: numbers(LONG, 16, 2**32 - 300, 0, 60),
        0x0095: text("EF35mm f/2 IS USM"),
    }
    return directory(entries, at)


def nikon(_: int) -> bytes:
    entries: Directory = {
        0x001D: text("6028018"),
        0x0024: blob(struct.pack(">hBB", -360, 1, 0)),
        0x0083: numbers(BYTE, 14),
        0x0084: numbers(RATIONAL, 18, 1, 105, 1, 35, 10, 56, 10),
        0x0085: numbers(RATIONAL, 5, 2),
    }
    return b"Nikon\0\x02\x10\0\0" + tiff(entries, order=">")


def olympus(_: int) -> bytes:
    return b"OLYMPUS\0II\x03\0" + directory({0x0207: text("1.1"), 0x0404: text("A111")}, 12)


def old_olympus(at: int) -> bytes:
    return b"OLYMP\0\x01\0" + directory({0x0404: text("B222222")}, at + 8)


def sony(at: int) -> bytes:
    spec = blob(bytes.fromhex("0000700300405601"))
    return b"SONY DSC \0\0\0" + directory({0xB02A: spec, 0x0102: numbers(LONG, 2)}, at + 12)


def fujifilm(_: int) -> bytes:
    return b"FUJIFILM\x0c\0\0\0" + directory({0x0010: text("SERIAL-1"), 0x1001: numbers(SHORT, 3)}, 12)


def apple(_: int) -> bytes:
    return b"Apple iOS\0\0\x01MM" + directory({0x0004: numbers(LONG, 1), 0x0011: text("ABCD-EF")}, 14, ">")


def dji(_: int) -> bytes:
    return directory({0x0001: text("DJI"), 0x0009: numbers(11, -89.5), 0x000A: numbers(11, -132.0)}, 0)


def casio(_: int) -> bytes:
    return b"QVC\0\0\0" + directory({0x2022: numbers(LONG, 1500)}, 0, ">")


MAKERS: dict[str, tuple[str, Callable[[int], bytes], dict[str, object]]] = {
    "Canon": (
        "Canon",
        canon,
        {
            "LensType": 505,
            "LensModel": "EF35mm f/2 IS USM",
            "SerialNumber": 154213267,
            "TimeZone": -300,
            "DaylightSavings": 60,
            "SubjectDistance": 7.82,
        },
    ),
    "Nikon": (
        "NIKON CORPORATION",
        nikon,
        {
            "SerialNumber": "6028018",
            "TimeZone": -360,
            "DaylightSavings": 60,
            "Lens": [18.0, 105.0, 3.5, 5.6],
            "SubjectDistance": 2.5,
        },
    ),
    "Olympus": ("OLYMPUS IMAGING CORP.", olympus, {"SerialNumber": "A111"}),
    "Olympus of before 2006": ("OLYMPUS OPTICAL CO.,LTD", old_olympus, {"SerialNumber": "B222222"}),
    "Sony": ("SONY", sony, {"Lens": [70, 300, 4.0, 5.6]}),
    "Fujifilm": ("FUJIFILM", fujifilm, {"InternalSerialNumber": "SERIAL-1"}),
    "Apple": ("Apple", apple, {"ContentIdentifier": "ABCD-EF"}),
    "DJI": ("DJI", dji, {"CameraPitch": -89.5, "CameraYaw": -132.0}),
    "Casio": ("CASIO COMPUTER CO.,LTD", casio, {"SubjectDistance": 1.5}),
}
"""Make, note, and what it answers."""


POLICIES: tuple[MakerNotes, ...] = ("auto", "always")
LIKE_THEIR_BLOCK = {"Canon", "Olympus of before 2006", "Sony"}
"""Notes that have the byte order of the block that they are in; the others say or know theirs."""
CASES: list[tuple[str, Order]] = [(name, "<") for name in MAKERS]
CASES += [(name, ">") for name in MAKERS if name not in LIKE_THEIR_BLOCK]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("name", "order"), CASES)
def test_each_makers_answers_are_found(name: str, order: Order, policy: MakerNotes) -> None:
    make, note, answers = MAKERS[name]
    tags, state = notes(photo(make, note, order), policy)
    assert {key: tags[key].value for key in answers} == answers
    assert state == Block(BlockStatus.OK)


def test_zones_are_printed_as_offsets_and_distances_in_metres() -> None:
    tags, _ = notes(photo("Canon", canon))
    assert tags["TimeZone"].text == "-05:00"
    assert tags["SubjectDistance"] == Tag("0x0004.19", "SHORT", 7.82, "7.82 m")
    assert tags["LensType"] == Tag("0x0001.22", "SHORT", 505, "Canon EF 35mm f/2 IS USM")


def test_a_directory_below_olympus_first_one() -> None:
    def note(_: int) -> bytes:
        equipment = directory({0x0203: text("M.14-42mm F3.5-5.6 II")}, 12 + 18)
        main = struct.pack("<HHHIII", 1, 0x2010, 13, 1, 12 + 18, 0)
        return b"OLYMPUS\0II\x03\0" + main + equipment

    for policy in POLICIES:
        tags, _ = notes(photo("OLYMPUS CORPORATION", note), policy)
        assert {key: tag.value for key, tag in tags.items()} == {"LensModel": "M.14-42mm F3.5-5.6 II"}


def test_a_block_of_its_own_as_in_canons_cr3() -> None:
    main = TiffBlock(BytesBuffer(tiff({0x010F: text("Canon")})))
    own = TiffBlock(BytesBuffer(tiff({0x000C: numbers(LONG, 42)})), main=False, first_ifd="MakerNotes")
    tags, blocks = read_all([main, own], Limits(makernotes="always"), Budget(1))
    assert tags["MakerNotes:SerialNumber"].value == 42
    assert blocks["makernotes"] == Block(BlockStatus.OK)


# --- policies ----------------------------------------------------------------------------------------------


def test_never_reads_nothing_and_says_why() -> None:
    tags, state = notes(photo("Canon", canon), "never")
    assert tags == {}
    assert state.status is BlockStatus.ABSENT
    assert "skipped" in (state.reason or "")


def test_without_a_note_the_block_is_absent_without_a_reason() -> None:
    assert notes(tiff({0x010F: text("Canon")})) == ({}, Block(BlockStatus.ABSENT))


def test_always_reads_all_and_auto_only_answers() -> None:
    everything, _ = notes(photo("Canon", canon), "always")
    answers, _ = notes(photo("Canon", canon), "auto")
    assert everything.keys() > answers.keys()
    assert set(answers) <= {
        "LensType",
        "LensModel",
        "SerialNumber",
        "TimeZone",
        "DaylightSavings",
        "SubjectDistance",
        "LongFocalLengthOfLensInFocalUnits",
        "ShortFocalLengthOfLensInFocalUnits",
        "FocalUnitsPerMM",
    }


def test_auto_asks_only_what_the_standard_tags_leave_open() -> None:
    tags, _ = notes(photo("NIKON", nikon, standard={0xA434: text("A lens"), 0xA431: text("77")}), "auto")
    assert tags.keys() == {"TimeZone", "DaylightSavings", "SubjectDistance"}


def test_auto_reads_no_note_that_has_nothing_to_add() -> None:
    distance = numbers(RATIONAL, 3, 1)
    standard = {0xA434: text("A lens"), 0xA431: text("77"), 0x9011: text("+01:00"), 0x9206: distance}
    tags, state = notes(photo("NIKON", nikon, standard=standard), "auto")
    assert tags == {}
    assert state == Block(BlockStatus.ABSENT, "skipped: the standard tags answer what they could")


@pytest.mark.parametrize("blank", ["", "    ", "----", "   :  "])
def test_a_blank_standard_tag_is_no_answer(blank: str) -> None:
    assert "TimeZone" in notes(photo("NIKON", nikon, standard={0x9011: text(blank)}), "auto")[0]


def test_a_makers_form_that_is_not_known_is_not_guessed() -> None:
    tags, state = notes(photo("Unknown", lambda _: b"UNKNOWN\0" + b"\1" * 80))
    assert tags == {}
    assert state == Block(BlockStatus.ABSENT, "skipped: their form is not one that is read here")


# --- damage and malice -------------------------------------------------------------------------------------


def test_a_canon_note_that_an_editor_moved_is_read_where_it_stood() -> None:
    def moved(at: int) -> bytes:
        return canon(at + 54) + b"II*\0" + struct.pack("<I", at + 54)

    tags, _ = notes(photo("Canon", moved))
    assert tags["LensModel"].value == "EF35mm f/2 IS USM"


def test_a_note_that_is_cut_costs_its_own_block_and_exif_says_that_it_is_partial() -> None:
    block = photo("NIKON", nikon)
    tags, blocks = read_all([TiffBlock(BytesBuffer(block[:-30]))], Limits(makernotes="always"), Budget(1))
    assert tags["IFD0:Make"].value == "NIKON"
    assert blocks["exif"].status is BlockStatus.PARTIAL
    assert blocks["makernotes"] == Block(BlockStatus.PARTIAL, "cut: the bytes of the note are not all there")


def test_values_beyond_the_block_are_left_out_of_a_note() -> None:
    broken = bytearray(photo("SONY", sony))
    place = broken.index(b"SONY DSC") + 12 + 2
    struct.pack_into("<HHII", broken, place, 0xB02A, UNDEFINED, 8, 1_000_000)
    tags, state = notes(bytes(broken))
    assert "Lens" not in tags
    assert state.status is BlockStatus.PARTIAL


def test_what_is_not_of_its_makers_form_is_a_failure_of_the_block_only() -> None:
    block = photo("Canon", lambda _: b"\xff" * 60)
    tags, blocks = read_all([TiffBlock(BytesBuffer(block))], Limits(makernotes="always"), Budget(1))
    assert tags["IFD0:Make"].value == "Canon"
    assert blocks["exif"] == Block(BlockStatus.OK)
    assert blocks["makernotes"].status is BlockStatus.FAILED


@given(
    st.sampled_from(sorted(MAKERS)),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=12),
)
def test_no_damage_to_a_note_raises_or_costs_much(name: str, damage: list[tuple[int, int]]) -> None:
    make, note, _ = MAKERS[name]
    block = bytearray(photo(make, note))
    for place, value in damage:
        block[place % len(block)] = value
    start = time.thread_time()
    for policy in POLICIES:
        notes(bytes(block), policy)
    assert time.thread_time() - start < 1.0


def test_a_note_of_tens_of_thousands_of_values_is_bounded() -> None:
    many: Directory = {tag: Value(SHORT, 8000, (0,) * 8000) for tag in range(0x2000, 0x2010)}
    start = time.thread_time()
    tags, state = notes(photo("SONY", lambda at: b"SONY DSC \0\0\0" + directory(many, at + 12)))
    assert time.thread_time() - start < 0.5
    assert len(tags) < len(many)
    assert state.status is BlockStatus.PARTIAL
    assert "limit" in (state.reason or "")
