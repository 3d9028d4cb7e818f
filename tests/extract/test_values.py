"""Values: twelve encodings of text, comments and their codes, numbers that no document can hold, place holders."""

import hashlib
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.extract.tiff_blocks import (
    ASCII,
    BYTE,
    LONG,
    LONG8,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Order,
    Value,
    below,
    blob,
    numbers,
    text,
    tiff,
)
from worker.extract import values
from worker.extract.budget import Budget
from worker.extract.exif import read_all
from worker.extract.parts import TiffBlock
from worker.extract.window import BytesBuffer
from worker.model import Limits, Tag


def tag_of(number: int, value: Value, order: Order = "<", *, big: bool = False, **limits: Any) -> Tag:
    """What one tag of IFD0 is read as."""
    block = tiff({number: value}, order=order, big=big)
    tags, _ = read_all([TiffBlock(BytesBuffer(block))], Limits(**limits), Budget(5))
    return next(tag for tag in tags.values() if tag.id == number)


# --- text --------------------------------------------------------------------------------------------------

COMMENT, TITLE, DESCRIPTION = 0x9286, 0x9C9B, 0x010E

ENCODINGS: dict[str, tuple[int, Value, Order, str]] = {
    "ASCII": (DESCRIPTION, text("plain"), "<", "plain"),
    "UTF-8": (DESCRIPTION, text("Zürich – 東京"), "<", "Zürich – 東京"),
    "UTF-8, type 129": (DESCRIPTION, Value(129, 8, "Zürich\0".encode()), "<", "Zürich"),
    "Windows-1252": (DESCRIPTION, text("“Café” €".encode("cp1252") + b"\0"), "<", "“Café” €"),
    "Latin-1": (DESCRIPTION, text(b"caf\xe9 \x81\0"), "<", "caf\xe9 \x81"),
    "UTF-16LE of Windows": (TITLE, blob("Über 東\0".encode("utf-16-le"), BYTE), ">", "Über 東"),
    "comment, ASCII": (COMMENT, blob(b"ASCII\0\0\0hello  \0"), "<", "hello"),
    "comment, UNICODE in the TIFF's order": (COMMENT, blob(b"UNICODE\0" + "Grüße".encode("utf-16-be")), ">", "Grüße"),
    "comment, UNICODE in the other order": (COMMENT, blob(b"UNICODE\0" + "Grüße".encode("utf-16-be")), "<", "Grüße"),
    "comment, UNICODE with a mark": (COMMENT, blob(b"UNICODE\0\xff\xfe" + "東京".encode("utf-16-le")), ">", "東京"),
    "comment, JIS": (COMMENT, blob(b"JIS\0\0\0\0\0" + "日本".encode("iso2022_jp")), "<", "日本"),
    "comment, JIS that is Shift-JIS": (COMMENT, blob(b"JIS\0\0\0\0\0" + "日本".encode("shift_jis")), "<", "日本"),
    "comment, no code": (COMMENT, blob(b"\0" * 8 + "naïve".encode()), "<", "naïve"),
    "comment, code left out": (COMMENT, blob(b"just words"), "<", "just words"),
    "comment, code turned round": (COMMENT, blob(b"\0\0\0IICSAwords"), "<", "words"),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_text_in_each_encoding_that_files_have(name: str) -> None:
    number, value, order, expected = ENCODINGS[name]
    tag = tag_of(number, value, order)
    assert (tag.value, tag.text) == (expected, expected)


@pytest.mark.parametrize("name", ["GPSProcessingMethod", "GPSAreaInformation"])
def test_gps_texts_have_codes_like_comments(name: str) -> None:
    number = {"GPSProcessingMethod": 0x1B, "GPSAreaInformation": 0x1C}[name]
    block = tiff({0x8825: below({number: blob(b"ASCII\0\0\0fused")})})
    tags, _ = read_all([TiffBlock(BytesBuffer(block))], Limits(), Budget(1))
    assert tags[f"GPS:{name}"].value == "fused"


@pytest.mark.parametrize("raw", [b"ASCII\0\0\0" + b" " * 40, b"\0" * 64, b"UNICODE\0" + b"\0" * 20])
def test_a_blank_comment_is_null(raw: bytes) -> None:
    assert tag_of(COMMENT, blob(raw)).value is None


def test_text_ends_at_nul() -> None:
    assert tag_of(DESCRIPTION, text(b"before\0behind\0")).value == "before"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Photographer\0Editor\0", "Photographer\nEditor"),
        (b"Photographer\0", "Photographer"),
        (b"Photographer\0 \0", "Photographer"),
        (b" \0Editor\0", " \nEditor"),
    ],
)
def test_copyright_has_two_parts(raw: bytes, expected: str) -> None:
    assert tag_of(0x8298, text(raw)).value == expected


def test_versions_are_text_although_their_type_is_bytes() -> None:
    assert tag_of(0x9000, blob(b"0232")) == Tag(0x9000, "UNDEFINED", "0232", "0232")


@given(st.binary(max_size=100), st.sampled_from(["<", ">"]))
def test_any_bytes_are_a_comment_without_nul_that_can_be_written(raw: bytes, order: str) -> None:
    for code in (b"", b"ASCII\0\0\0", b"UNICODE\0", b"JIS\0\0\0\0\0"):
        comment = values.comment(code + raw, order)
        assert "\0" not in comment
        comment.encode()


# --- numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected", "printed"),
    [
        (numbers(RATIONAL, 1, 3), 1 / 3, "1/3"),
        (numbers(RATIONAL, 6, 2), 3.0, "3"),
        (numbers(RATIONAL, 0, 0), None, "0/0"),
        (numbers(RATIONAL, 7, 0), None, "7/0"),
        (numbers(RATIONAL, 0, 0, 1, 2), [None, 0.5], "[0/0, 1/2]"),
        (numbers(10, -1, 3), -1 / 3, "-1/3"),
        (numbers(10, 1, -3), -1 / 3, "-1/3"),
        (numbers(SHORT, 5), 5, "5"),
        (numbers(SHORT), None, "[]"),
    ],
)
def test_rationals_are_floats_and_undefined_ones_null(value: Value, expected: object, printed: str) -> None:
    tag = tag_of(0x1234, value)
    assert (tag.value, tag.text) == (expected, printed)
    assert isinstance(tag.value, int) == isinstance(expected, int)


def test_integers_above_64_bits_with_a_sign_are_null_and_stay_as_text() -> None:
    tag = tag_of(0x1234, numbers(LONG8, 2**64 - 1), big=True)
    assert (tag.value, tag.text) == (None, str(2**64 - 1))
    assert tag_of(0x1234, numbers(LONG8, 2**63 - 1), big=True).value == 2**63 - 1


def test_codes_are_numbers_with_exifreads_words_beside_them() -> None:
    assert tag_of(0x0112, numbers(SHORT, 3)) == Tag(0x0112, "SHORT", 3, "Rotated 180")
    assert tag_of(0x0112, numbers(SHORT, 77)) == Tag(0x0112, "SHORT", 77, "77")


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_any_fraction_is_printed_as_python_prints_it(num: int, den: int) -> None:
    assert values.fraction(num, den) == (str(Fraction(num, den)) if den else f"{num}/0")


# --- place holders -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [65, 5000, 16 * 1024 + 1, 60_000])
def test_blobs_are_left_out_with_their_length_and_hash(length: int) -> None:
    data = bytes(index % 251 for index in range(length))
    expected = {"omitted": length, "sha256": hashlib.sha256(data).hexdigest()}
    assert tag_of(0x1234, blob(data)).value == expected
    assert tag_of(0x927C, blob(data)).value == expected


def test_a_few_bytes_are_a_list() -> None:
    assert tag_of(0x1234, blob(bytes(range(64)))).value == list(range(64))


def test_a_value_above_the_limit_is_left_out_whole() -> None:
    long = numbers(LONG, *range(100))
    assert tag_of(0x1234, long, tag_bytes=400).value == list(range(100))
    assert tag_of(0x1234, long, tag_bytes=399).value == {
        "omitted": 400,
        "sha256": hashlib.sha256(long.packed("<")).hexdigest(),
    }
    assert tag_of(DESCRIPTION, Value(ASCII, 20_000, b"x" * 20_000)).text == "(20000 bytes)"


def test_more_than_a_thousand_numbers_are_kept() -> None:
    tag = tag_of(0x1234, numbers(SHORT, *range(2000)))
    assert tag.value == list(range(2000))
    assert tag.text == f"{str(list(range(20)))[:-1]}, ... ]"


def test_types_keep_their_names_of_the_standard() -> None:
    assert tag_of(0x1234, blob(b"\1", UNDEFINED)).type == "UNDEFINED"
    assert tag_of(0x1234, numbers(SHORT, 1)).type == "SHORT"
