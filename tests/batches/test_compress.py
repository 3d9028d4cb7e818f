"""Compression: what is seen in the results, what ExifTool reads in them, and what is refused."""

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.batches.images import CASES, SIZE, Case, frames, grainy, moving, picture, saved, srgb
from worker.batches.compress import Compressed, compressed
from worker.batches.policy import Caps, Format, Policy
from worker.batches.press import Whole
from worker.errors import BadInput, CorruptImage, LimitExceeded, UnsupportedFormat, WorkerError
from worker.extract import extract
from worker.model import ObjectRef

CAPS = Caps(pixels=1_000_000)


def compress(data: bytes, policy: Policy, caps: Caps = CAPS) -> Compressed:
    metadata = extract(Whole(ObjectRef("b", "n", 1, size=len(data)), data), caps.limits)
    return compressed(data, metadata, policy, caps)


def distance(found: Image.Image, wanted: Image.Image) -> float:
    """Mean difference of what is seen, on black and on white, 0 to 255."""
    assert found.size == wanted.size
    worst = 0.0
    for colour in ("black", "white"):
        ground = Image.new("RGBA", found.size, colour)
        shown = [Image.alpha_composite(ground, each.convert("RGBA")).convert("RGB") for each in (found, wanted)]
        worst = max(worst, *ImageStat.Stat(ImageChops.difference(*shown)).mean)
    return worst


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_seen_stays(case: Case) -> None:
    data = case.data()
    result = compress(data, case.policy)
    assert len(result.data) <= len(data)
    assert (result.mime, result.notes, (result.width, result.height)) == (case.mime, case.notes, case.size)
    with Image.open(BytesIO(result.data)) as image:
        assert Image.MIME[str(image.format)] == case.mime
        assert image.getexif().get(0x0112, 1) == 1
        assert getattr(image, "n_frames", 1) == case.frames
        sixteen = image.mode.startswith("I;16")
        shown = image.convert("I").point(lambda value: value * (1 / 256)).convert("L") if sixteen else image
        assert distance(shown, case.seen()) <= case.off


def test_every_frame_moves_on_at_its_time() -> None:
    result = compress(moving("GIF"), Policy(format=Format.WEBP))
    with Image.open(BytesIO(result.data)) as image:
        seen = []
        for number, wanted in enumerate(frames()):
            image.seek(number)
            image.load()
            assert distance(image, wanted) < 8
            seen.append(image.info["duration"])
    assert seen == [100, 200, 300, 400]


def test_the_colour_profile_stays_in_every_format() -> None:
    data = saved(picture(), "PNG", icc_profile=srgb(), compress_level=1)
    for format_ in Format:
        with Image.open(BytesIO(compress(data, Policy(format=format_)).data)) as image:
            assert image.info["icc_profile"] == srgb()


@pytest.mark.parametrize("format_", list(Format))
@pytest.mark.parametrize("target", [3000, 20_000])
def test_a_target_is_met(format_: Format, target: int) -> None:
    data = saved(grainy(), "PNG")
    assert len(data) > 100_000
    result = compress(data, Policy(quality=90, format=format_, target_bytes=target))
    assert len(result.data) <= target


def test_quality_decides_the_size() -> None:
    data = saved(grainy(), "PNG")
    sizes = [len(compress(data, Policy(quality=quality, format=Format.JPEG)).data) for quality in (90, 60, 30)]
    assert sizes == sorted(sizes, reverse=True)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it is huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))

    header = struct.pack(">LLBBBBB", width, height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def many_pages() -> bytes:
    return saved(picture(), "TIFF", save_all=True, append_images=[picture()])


@pytest.mark.parametrize(
    ("data", "policy", "error", "says"),
    [
        (bomb(50_000, 50_000), {}, LimitExceeded, "50000 x 50000 pixels"),
        (bomb(1_000_000, 1), {}, LimitExceeded, "1000000 x 1 pixels"),
        (moving("GIF"), {"caps": 200_000}, LimitExceeded, "320 x 200 pixels, 4 times"),
        (moving("GIF"), {"format": Format.JPEG}, UnsupportedFormat, "4 frames, and JPEG has one"),
        (many_pages(), {}, UnsupportedFormat, "2 pages"),
        (saved(Image.new("F", SIZE), "TIFF"), {}, UnsupportedFormat, "32 bits a sample"),
        (saved(picture(), "JPEG")[:-2000], {}, CorruptImage, "truncated"),
        (saved(grainy(), "PNG")[:3000], {}, CorruptImage, "cannot be decoded"),
        (b"<html>not found</html>", {}, UnsupportedFormat, "no image format"),
        (b"", {}, CorruptImage, "empty"),
        (saved(picture(), "ICO"), {}, UnsupportedFormat, "no image format"),
    ],
)
def test_what_cannot_be_done_well_is_refused_with_a_reason(
    data: bytes, policy: dict[str, Any], error: type[WorkerError], says: str
) -> None:
    caps = Caps(pixels=policy.pop("caps", CAPS.pixels))
    with pytest.raises(error, match=says):
        compress(data, Policy(**policy), caps)


@pytest.mark.parametrize(
    "given",
    [
        {"quality": 0},
        {"quality": 101},
        {"longest": 3},
        {"target_bytes": 5},
        {"format": "bmp"},
        {"metadata": "all"},
        {"x": 1},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Policy.of(given)


def test_a_policy_survives_being_written_down() -> None:
    policy = Policy(70, 800, Format.AVIF, 50_000)
    assert Policy.of(policy.record()) == policy
