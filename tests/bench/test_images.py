import io

import exifread
from hypothesis import given
from hypothesis import strategies as st

from bench.images import SMALL_BYTES, camera_jpeg
from worker.extract import extract
from worker.extract.window import BytesReader
from worker.model import BlockStatus, Limits

IMAGE = camera_jpeg(7, SMALL_BYTES)
WHOLE = b"".join(IMAGE.pieces(0, IMAGE.size))
OFFSETS = st.one_of(
    st.integers(0, IMAGE.size),
    st.integers(-3, 3).map(lambda near: len(IMAGE.head) + near),
    st.integers(0, 3).map(lambda near: IMAGE.size - near),
)


@given(OFFSETS, OFFSETS)
def test_a_range_is_that_part_of_the_whole(one: int, other: int) -> None:
    start, end = sorted((one, other))
    assert b"".join(IMAGE.pieces(start, end)) == WHOLE[start:end]


def test_both_engines_read_the_serial_number_that_tells_images_apart() -> None:
    theirs = exifread.process_file(io.BytesIO(WHOLE), details=False)
    ours = extract(BytesReader.of(WHOLE), Limits())
    assert str(theirs["EXIF BodySerialNumber"]) == ours.tags["ExifIFD:SerialNumber"].value == IMAGE.serial
    assert camera_jpeg(8, SMALL_BYTES).serial != IMAGE.serial


def test_an_image_is_whole_and_well_formed() -> None:
    found = extract(BytesReader.of(WHOLE), Limits(makernotes="always"))
    blocks = {name: block.status for name, block in found.blocks.items() if block.status is not BlockStatus.ABSENT}
    assert blocks == dict.fromkeys(("exif", "xmp", "makernotes"), BlockStatus.OK)
    assert (found.image.width, found.image.height) in {(6048, 4024), (4024, 6048)}
