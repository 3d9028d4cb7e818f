import zlib
from contextlib import suppress

import pytest

from tests.extract import build
from tests.extract.build import EXIF, HEIGHT, WIDTH, XMP
from tests.extract.walks import assert_all_three, exif_of, walked
from worker.extract.budget import Budget, Oversized, Spent
from worker.extract.containers import WALKS
from worker.extract.sniff import Container, sniff
from worker.extract.window import Cut

FILES = build.whole_files()
WALKED = sorted(set(FILES) - {"tiff"})


@pytest.mark.parametrize("name", WALKED)
def test_size_is_found_in_every_container(name: str) -> None:
    parts, _ = walked(FILES[name])
    assert (parts.width, parts.height) == ((None, None) if name == "cr3" else (WIDTH, HEIGHT))
    assert parts.problems == []


@pytest.mark.parametrize("name", ["jpeg", "png", "psd", "raf"])
def test_all_three_blocks_are_found(name: str) -> None:
    assert_all_three(walked(FILES[name])[0])


@pytest.mark.parametrize("name", ["webp", "heic", "avif", "jxl", "jp2"])
def test_exif_and_xmp_are_found(name: str) -> None:
    assert_all_three(walked(FILES[name])[0], iptc=False)


def test_blocks_of_the_smaller_containers() -> None:
    assert walked(FILES["gif"])[0].xmp == [XMP]
    assert walked(FILES["gif"])[0].frames == 2
    assert exif_of(walked(FILES["mrw"])[0]) == [EXIF]
    assert exif_of(walked(FILES["x3f"])[0]) == [EXIF]


def test_cr3_has_a_block_for_each_directory() -> None:
    parts, _ = walked(build.cr3())
    assert [block.first_ifd for block in parts.exif] == ["IFD0", "ExifIFD"]
    assert parts.xmp == [XMP]


HOSTILE = {
    "tiny JPEG segments": b"\xff\xd8" + b"\xff\xe1\x00\x02" * 60_000,
    "JPEG of fill bytes": b"\xff\xd8" + b"\xff" * 240_000,
    "tiny PNG chunks": build.png(*[build.chunk(b"abcd", b"")] * 20_000),
    "PNG chunk that claims 4 GiB": build.png()[:33] + b"\xff\xff\xff\xffIDAT",
    "tiny RIFF chunks": b"RIFF\xff\xff\xff\xffWEBP" + b"ANMF\0\0\0\0" * 30_000,
    "boxes of size 8": build.box(b"ftyp", b"heic\0\0\0\0heic") + b"\0\0\0\x08free" * 30_000,
    "box of size 1 that claims all": build.box(b"ftyp", b"heic\0\0\0\0") + b"\0\0\0\x01meta" + b"\xff" * 8,
    "box shorter than its head": build.box(b"ftyp", b"heic\0\0\0\0") + b"\0\0\0\x02meta" + b"\xff" * 8,
    "65535 empty extents": build.heif(more=build.full_box(b"iloc", b"\0\0\0\xff" + b"\0\1\0\0\xff\xff" * 255)),
    "GIF of empty blocks": build.gif()[:13] + b"\x21\xfe\0" * 80_000,
    "GIF of one-byte blocks": build.gif()[:13] + b"\x21\xfe" + b"\1x" * 120_000,
    "Photoshop resources without end": build.psd()[:30] + b"\xff\xff\xff\xff" + build.resource(1, b"") * 20_000,
    "X3F directory outside": build.x3f()[:-4] + b"\xff\xff\xff\xff",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_soon(name: str) -> None:
    """Within the budget of CPU time, which raises where a walk has no bound of its own."""
    with suppress(Cut, Oversized):
        walked(HOSTILE[name], seconds=1.0)


@pytest.mark.parametrize("name", WALKED)
def test_every_prefix_is_walked_or_said_to_be_cut(name: str) -> None:
    """No other exception leaves a walk, wherever the file ends."""
    whole = FILES[name]
    for end in range(64, len(whole)):
        with suppress(Cut):
            walked(whole[:end])


def test_every_container_but_tiff_has_its_walk_here() -> None:
    assert set(WALKS) | {Container.TIFF} == set(Container)


def test_the_budget_of_time_ends_a_walk() -> None:
    with pytest.raises(Spent):
        walked(b"\xff\xd8" + b"\xff" * 240_000, seconds=0.0)


def test_every_signature_is_told() -> None:
    found = {name: sniff(data[:64]) for name, data in FILES.items()}
    assert {name: kind.format for name, kind in found.items() if kind} == {
        "jpeg": "JPEG",
        "png": "PNG",
        "webp": "WebP",
        "heic": "HEIC",
        "avif": "AVIF",
        "cr3": "CR3",
        "jxl": "JPEG XL",
        "jp2": "JPEG 2000",
        "psd": "PSD",
        "gif": "GIF",
        "raf": "RAF",
        "mrw": "MRW",
        "x3f": "X3F",
        "bmp": "BMP",
        "tiff": "TIFF",
    }


@pytest.mark.parametrize(
    "head", [b"", b"\0", b"%PDF-1.7", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", b"RIFF\0\0\0\0WAVE", b"BM text"]
)
def test_what_is_no_image_is_not_taken_for_one(head: bytes) -> None:
    assert sniff(head) is None


def test_inflation_is_shared_by_all_texts_of_a_file() -> None:
    budget = Budget(1.0, inflated_bytes=1000)
    assert len(budget.inflate(zlib.compress(b"x" * 600))) == 600
    with pytest.raises(Oversized):
        budget.inflate(zlib.compress(b"x" * 600))
