from collections.abc import Sequence

import pytest

from tests.extract import build
from tests.extract.build import EXIF, IPTC, XMP
from tests.extract.walks import assert_all_three, exif_of, walked
from tests.samples.tiff import exif, text

KIB = 1024


def test_exif_behind_60_kilobytes_of_other_segments() -> None:
    telemetry = [build.segment(0xE6, b"GoPr" + b"\x55" * 20_000)] * 3
    assert exif_of(walked(build.jpeg(*telemetry, build.exif_segment()))[0]) == [EXIF]


def test_exif_far_behind_in_a_large_file_costs_few_requests() -> None:
    manifest = [build.segment(0xEB, b"JP\x55" * 21_000)] * 6
    data = build.jpeg(*manifest, build.exif_segment(), behind=b"\0" * 600 * KIB)
    parts, window = walked(data)
    assert exif_of(parts) == [EXIF]
    assert len(window.ranges) <= 4


def test_fill_bytes_and_stray_ones_between_segments() -> None:
    stray = b"\xff" * 500 + b"\xff\x00oops\x00" + b"\xff" * 3
    assert_all_three(walked(b"\xff\xd8" + stray + build.full_jpeg()[2:])[0])


def test_two_exif_blocks_keep_their_order() -> None:
    second = exif({0x010F: text("Other")})
    parts, _ = walked(build.jpeg(build.exif_segment(), build.exif_segment(second)))
    assert exif_of(parts) == [EXIF, second]


def test_exif_over_two_segments_is_put_together() -> None:
    parts, _ = walked(build.jpeg(build.exif_segment(EXIF[:50]), build.exif_segment(EXIF[50:])))
    assert exif_of(parts) == [EXIF]


def test_photoshop_resources_over_two_segments_are_put_together() -> None:
    resources = build.resource(0x03ED, b"\x55" * 16) + build.resource(0x0404, IPTC)
    cut = len(resources) - 9
    pieces = [build.photoshop_segment(resources[:cut]), build.photoshop_segment(resources[cut:])]
    assert walked(build.jpeg(*pieces))[0].iptc == [IPTC]


@pytest.mark.parametrize("signature", [b"http://ns.adobe.com/xap/1.0/ \0", b"XMP\0://ns.adobe.com/xap/1.0/\0"])
def test_misspelt_xmp_signatures(signature: bytes) -> None:
    assert walked(build.jpeg(build.segment(0xE1, signature + XMP)))[0].xmp == [XMP]


def test_extended_xmp_comes_in_chunks() -> None:
    guid, packet = "0123456789ABCDEF" * 2, b"<x>" + b"y" * 100_000
    chunks = [build.extended_xmp_segment(guid, len(packet), at, packet[at : at + 60_000]) for at in (0, 60_000)]
    parts, _ = walked(build.jpeg(build.xmp_segment(), *chunks))
    assert [(each.guid, each.total, each.offset) for each in parts.xmp_extended] == [
        (guid, len(packet), 0),
        (guid, len(packet), 60_000),
    ]
    assert b"".join(each.data for each in parts.xmp_extended) == packet


def test_a_depth_map_in_extended_xmp_is_left_out_and_jumped_over() -> None:
    guid, total, step = "0123456789ABCDEF" * 2, 1_500_000, 65_000
    chunks = [
        build.extended_xmp_segment(guid, total, at, b"\x55" * min(step, total - at)) for at in range(0, total, step)
    ]
    parts, window = walked(build.jpeg(build.xmp_segment(), *chunks, build.exif_segment(), behind=b"\0" * KIB))
    assert exif_of(parts) == [EXIF], "what stands behind the series is found"
    assert parts.xmp_extended == []
    assert [block for block, _ in parts.problems] == ["xmp"]
    assert len(window.ranges) == 2
    assert sum(length for _, length in window.ranges) <= 128 * KIB


def icc_series(count: int, lengths: Sequence[int]) -> list[bytes]:
    return [build.icc_segment(n + 1, count, b"\x55" * length) for n, length in enumerate(lengths)]


def test_a_large_icc_profile_is_jumped_over() -> None:
    data = build.jpeg(*icc_series(20, [65_000] * 19 + [7_000]), build.exif_segment(), behind=b"\0" * KIB)
    parts, window = walked(data)
    assert exif_of(parts) == [EXIF]
    assert len(window.ranges) == 2


def test_a_series_of_unequal_segments_is_walked() -> None:
    lengths = [65_000] * 3 + [30_000] + [65_000] * 2
    series = icc_series(6, lengths)
    data = build.jpeg(*series[:4], build.exif_segment(), *series[4:], behind=b"\0" * 64 * KIB)
    assert exif_of(walked(data)[0]) == [EXIF]
