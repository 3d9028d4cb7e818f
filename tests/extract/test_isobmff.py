import struct

import pytest

from tests.extract import build
from tests.extract.build import EXIF, HEIGHT, WIDTH, XMP
from tests.extract.walks import assert_all_three, exif_of, walked


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"msf1", b"mif1", b"avif", b"avis"])
@pytest.mark.parametrize("version", [0, 1, 2])
def test_heif_of_every_brand_and_place_table(brand: bytes, version: int) -> None:
    assert_all_three(walked(build.heif(brand=brand, version=version))[0], iptc=False)


@pytest.mark.parametrize(("method", "start"), [(0, 0), (0, 100), (1, 0)])
@pytest.mark.parametrize("pieces", [1, 3])
def test_heif_items_in_the_file_or_in_idat_and_in_pieces(method: int, start: int, pieces: int) -> None:
    data = build.heif(method=method, start=start, pieces=pieces, version=1)
    assert_all_three(walked(data)[0], iptc=False)


@pytest.mark.parametrize("offset", range(8))
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_the_tiff_offset_of_a_heif_item_may_be_wrong(offset: int, prefix: bytes) -> None:
    item = build.heif_exif(offset=offset, prefix=prefix)
    assert exif_of(walked(build.heif(exif_item=item))[0]) == [EXIF]


def test_heif_items_far_away_are_read_by_their_range() -> None:
    parts, window = walked(build.heif(gap=2_000_000))
    assert_all_three(parts, iptc=False)
    assert len(window.ranges) == 2
    assert window.ranges[1][1] == len(build.heif_exif()) + len(XMP)


@pytest.mark.parametrize(
    ("rotation", "mirror", "orientation"),
    [
        (None, None, 1),
        (0, None, 1),
        (1, None, 8),
        (2, None, 3),
        (3, None, 6),
        (None, 0, 4),
        (None, 1, 2),
        (1, 0, 5),
        (3, 0, 7),
    ],
)
def test_heif_rotation_and_mirror_make_an_orientation(
    rotation: int | None, mirror: int | None, orientation: int
) -> None:
    parts, _ = walked(build.heif(more=build.properties(rotation, mirror)))
    assert parts.rotation == orientation
    assert (parts.width, parts.height, parts.bit_depth) == (WIDTH, HEIGHT, 10)


def test_an_item_that_describes_another_picture_is_not_the_main_one() -> None:
    links = build.full_box(b"iref", build.box(b"cdsc", struct.pack(">HHH", 2, 1, 9)))
    parts, _ = walked(build.heif(more=links))
    assert [block.main for block in parts.exif] == [False]


def test_an_item_outside_of_the_file_is_noted_and_the_other_one_is_read() -> None:
    data = build.heif()
    parts, _ = walked(data[: -len(XMP) // 2])
    assert exif_of(parts) == [EXIF]
    assert parts.xmp == []
    assert [block for block, _ in parts.problems] == ["xmp"]


def test_jxl_boxes_may_be_compressed() -> None:
    item = build.heif_exif(offset=0, prefix=b"")
    parts, _ = walked(build.jxl(build.brob(b"Exif", item), build.brob(b"xml ", XMP)))
    assert_all_three(parts, iptc=False)


def test_jxl_boxes_may_stand_behind_the_picture() -> None:
    assert walked(build.jxl(behind=build.box(b"xml ", XMP)))[0].xmp == [XMP]


def test_a_brotli_bomb_is_noted_and_costs_only_itself() -> None:
    bomb = build.brob(b"xml ", b"\0" * 64_000_000)
    parts, _ = walked(build.jxl(bomb, build.box(b"Exif", build.heif_exif(offset=0, prefix=b""))))
    assert exif_of(parts) == [EXIF]
    assert [block for block, _ in parts.problems] == ["xmp"]


def test_a_bare_jxl_codestream_has_a_size() -> None:
    parts, _ = walked(build.JXL_PICTURE + b"\x55" * 64)
    assert (parts.width, parts.height) == (WIDTH, HEIGHT)
