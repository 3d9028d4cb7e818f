import zlib

import pytest

from tests.extract import build
from tests.extract.build import EXIF, IPTC, XMP
from tests.extract.walks import exif_of, walked

KIB = 1024


def test_metadata_behind_the_pixels_of_a_large_png_is_found_at_its_end() -> None:
    rows = [bytes([n % 256]) * 8192 for n in range(300)]
    data = build.png(build.chunk(b"eXIf", EXIF), build.xmp_chunk(), pixels=rows)
    parts, window = walked(data)
    assert exif_of(parts) == [EXIF]
    assert parts.xmp == [XMP]
    assert window.ranges == [(0, 64 * KIB), (len(data) - 64 * KIB, 64 * KIB)]


def test_metadata_behind_one_huge_pixel_chunk() -> None:
    data = build.png(build.chunk(b"eXIf", EXIF), pixels=[b"\x55" * 3_000_000])
    parts, window = walked(data)
    assert exif_of(parts) == [EXIF]
    assert len(window.ranges) == 2


def test_metadata_larger_than_the_tail_is_still_found() -> None:
    rows = [b"\x55" * 8192] * 40
    long_text = build.chunk(b"tEXt", b"Comment\0" + b"y" * 90_000)
    data = build.png(build.chunk(b"eXIf", EXIF), long_text, pixels=rows)
    assert exif_of(walked(data)[0]) == [EXIF]


@pytest.mark.parametrize("kind", [b"exif", b"APP1"])
def test_exif_in_a_raw_profile(kind: bytes) -> None:
    assert exif_of(walked(build.png(build.raw_profile(kind, b"Exif\0\0" + EXIF)))[0]) == [EXIF]


def test_stray_characters_in_a_raw_profile_are_skipped() -> None:
    parts, _ = walked(build.png(build.raw_profile(b"exif", b"Exif\0\0" + EXIF, stray=b" ?\0-")))
    assert exif_of(parts) == [EXIF]


def test_xmp_in_raw_profiles_and_compressed_text() -> None:
    app1 = build.raw_profile(b"APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    parts, _ = walked(build.png(app1, build.raw_profile(b"xmp", XMP), build.xmp_chunk(compressed=True)))
    assert parts.xmp == [XMP] * 3


def test_bare_iptc_in_a_raw_profile() -> None:
    assert walked(build.png(build.raw_profile(b"iptc", IPTC)))[0].iptc == [IPTC]


def test_a_bomb_is_noted_and_costs_only_itself() -> None:
    bomb = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"\0" * 64_000_000)
    parts, _ = walked(build.png(build.chunk(b"iTXt", bomb), build.chunk(b"eXIf", EXIF)))
    assert exif_of(parts) == [EXIF]
    assert [block for block, _ in parts.problems] == ["xmp"]


@pytest.mark.parametrize("body", [b"not zlib at all", zlib.compress(XMP)[:-20]])
def test_a_broken_compressed_text_is_noted(body: bytes) -> None:
    parts, _ = walked(build.png(build.chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + body)))
    assert parts.xmp == []
    assert [block for block, _ in parts.problems] == ["xmp"]
