import pytest

from tests.extract import build
from tests.extract.build import EXIF, XMP
from tests.extract.walks import assert_all_three, exif_of, walked

KIB = 1024


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
@pytest.mark.parametrize("padded", [True, False])
def test_webp_with_and_without_prefix_and_padding(prefix: bytes, *, padded: bool) -> None:
    data = build.webp(build.riff_chunk(b"EXIF", prefix + EXIF), pixels=b"\x55" * 33, padded=padded)
    assert exif_of(walked(data)[0]) == [EXIF]


def test_webp_metadata_at_the_end_of_a_large_file_is_read_by_its_range() -> None:
    data = build.webp(build.riff_chunk(b"EXIF", EXIF), build.riff_chunk(b"XMP ", XMP), pixels=b"\x55" * 3_000_001)
    parts, window = walked(data)
    assert_all_three(parts, iptc=False)
    assert len(window.ranges) == 2
    assert window.ranges[1][1] < KIB * 4


def test_a_large_webp_that_says_it_has_no_metadata_costs_one_request() -> None:
    data = build.webp(build.riff_chunk(b"JUNK", b"\0"), flags=0, pixels=b"\x55" * 3_000_000)
    assert len(walked(data)[1].ranges) == 1
