"""Extraction end to end, over files that we build; over the corpora where they are at hand."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.extract import build
from tests.extract.build import XMP
from tests.samples.tiff import exif, short
from worker.errors import CorruptImage, SourceUnavailable, UnsupportedFormat, WorkerError
from worker.extract import EXTRACTOR, extract
from worker.extract.budget import Spent
from worker.extract.parts import Unread
from worker.extract.stages import guarded
from worker.extract.window import BytesReader, Cut
from worker.model import Block, BlockStatus, Limits, Metadata, ObjectRef, Status

FILES = build.whole_files()
ALL = Limits(makernotes="always")
FOUR_KINDS = ["jpeg", "png", "webp", "heic"]


def read(data: bytes, limits: Limits = ALL) -> Metadata:
    return extract(BytesReader.of(data), limits)


def states(metadata: Metadata) -> dict[str, str]:
    return {name: block.status.value for name, block in metadata.blocks.items() if name != "makernotes"}


# --- what is found -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(FILES) - {"gif", "bmp"}))
def test_the_same_words_are_found_in_every_container(name: str) -> None:
    metadata = read(FILES[name])
    assert metadata.tags["IFD0:Make"].value == build.MAKE
    assert metadata.tags["ExifIFD:DateTimeOriginal"].value
    assert metadata.taken is not None
    assert metadata.taken.local == "2024-05-06T07:08:09"
    assert metadata.status is Status.OK
    assert not metadata.truncated


@pytest.mark.parametrize("name", [*FOUR_KINDS, "avif", "jxl", "jp2", "psd", "gif", "cr3"])
def test_xmp_is_found(name: str) -> None:
    metadata = read(FILES[name])
    assert states(metadata)["xmp"] == "ok"
    assert metadata.text is not None
    assert metadata.text.title == build.TITLE


@pytest.mark.parametrize("name", ["jpeg", "png", "psd"])
def test_iptc_is_found(name: str) -> None:
    assert read(FILES[name]).tags["IPTC:City"].value == build.CITY


def test_an_image_without_metadata_is_an_answer() -> None:
    metadata = read(build.jpeg())
    assert metadata.status is Status.NONE
    assert states(metadata) == {"exif": "absent", "xmp": "absent", "iptc": "absent"}
    assert (metadata.image.format, metadata.image.width, metadata.image.height) == ("JPEG", 640, 480)


@pytest.mark.parametrize(("orientation", "size"), [(1, (640, 480)), (3, (640, 480)), (6, (480, 640)), (8, (480, 640))])
def test_size_is_as_displayed(orientation: int, size: tuple[int, int]) -> None:
    image = read(build.jpeg(build.exif_segment(exif({0x0112: short(orientation)})))).image
    assert (image.width, image.height) == size
    assert image.orientation == orientation


def test_heif_is_displayed_by_its_own_rotation_not_by_exif() -> None:
    sideways = build.heif_exif(exif({0x0112: short(6)}))
    image = read(build.heif(exif_item=sideways, more=build.properties())).image
    assert (image.width, image.height, image.orientation) == (640, 480, 1)
    image = read(build.heif(more=build.properties(rotation=1))).image
    assert (image.width, image.height, image.orientation) == (480, 640, 8)


def test_the_icc_profile_is_named() -> None:
    name = "Wide Gamut".encode("utf-16-be")
    text = b"mluc\0\0\0\0" + bytes([0, 0, 0, 1, 0, 0, 0, 12]) + b"enUS" + len(name).to_bytes(4, "big")
    text += (28).to_bytes(4, "big") + name
    tag = b"desc" + (144).to_bytes(4, "big") + len(text).to_bytes(4, "big")
    profile = b"\0" * 128 + (1).to_bytes(4, "big") + tag + text
    assert read(build.jpeg(build.icc_segment(1, 1, profile))).image.icc_profile == "Wide Gamut"
    assert read(build.jpeg(build.icc_segment(1, 1, profile[:-4]))).image.icc_profile is None


def test_documents_say_which_rules_made_them() -> None:
    assert EXTRACTOR


# --- what is refused, and what is only said ------------------------------------------------------------------


def test_an_empty_object_is_corrupt() -> None:
    with pytest.raises(CorruptImage, match="the object is empty"):
        read(b"")


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"\0" * 5000, b"<svg/>", b"\0\0\0\x18ftypmp42"])
def test_what_is_no_image_is_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat):
        read(data)


@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"8BPS\0\1", b"RIFF\0\0\0\0WEBP"])
def test_a_file_that_ends_before_its_first_part_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptImage):
        read(data)


def test_a_cut_file_says_of_each_missing_block_that_it_may_be_lost() -> None:
    whole = FILES["jpeg"]
    metadata = read(whole[: whole.index(b"Photoshop")])
    assert states(metadata) == {"exif": "ok", "xmp": "ok", "iptc": "partial"}
    assert metadata.blocks["iptc"].reason
    assert metadata.status is Status.PARTIAL
    assert metadata.image.width is None, "the frame was not seen"


def test_a_broken_block_costs_only_itself() -> None:
    metadata = read(
        build.jpeg(build.exif_segment(), build.xmp_segment(XMP[:-60]), build.exif_segment(b"II*\0\xff\xff"))
    )
    assert metadata.tags["IFD0:Make"].value == build.MAKE
    assert states(metadata)["xmp"] in {"partial", "failed"}
    assert states(metadata)["iptc"] == "absent"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Cut("x"), BlockStatus.PARTIAL, "cut"),
        (Unread("x"), BlockStatus.PARTIAL, "budget"),
        (Spent(), BlockStatus.PARTIAL, "time"),
        (IndexError("a GPS position"), BlockStatus.FAILED, "internal"),
        (MemoryError(), BlockStatus.FAILED, "internal"),
        (RecursionError(), BlockStatus.FAILED, "internal"),
    ],
)
def test_whatever_a_parser_raises_is_written_down(error: Exception, status: BlockStatus, code: str) -> None:
    told = guarded(raising(error))
    assert isinstance(told, Block)
    assert told.status == status
    reason = told.reason or ""
    assert reason.startswith(code)
    assert "GPS" not in reason, "what a parser says may hold what the file holds"


def raising(error: Exception) -> Callable[[], None]:
    def stage() -> None:
        raise error

    return stage


class FailingReader(BytesReader):
    """A bucket that answers once and is down from then on."""

    def read(self, offset: int, length: int) -> bytes:
        if offset:
            raise SourceUnavailable("the bucket is down")
        return super().read(offset, length)


def test_an_outage_of_the_bucket_is_never_taken_for_a_broken_image() -> None:
    data = build.heif(gap=1_000_000)
    with pytest.raises(SourceUnavailable):
        extract(FailingReader(data, ObjectRef("b", "n", 1, size=len(data))), Limits())


def test_beyond_the_limits_the_result_is_marked_truncated() -> None:
    data = build.heif(gap=1_000_000)
    metadata = read(data, Limits(reads=1))
    assert metadata.truncated
    assert metadata.status is Status.PARTIAL
    assert states(metadata)["exif"] == "partial"


def test_no_time_is_a_partial_result() -> None:
    metadata = read(FILES["jpeg"], Limits(seconds=0.0))
    assert metadata.status is Status.PARTIAL
    assert any((block.reason or "").startswith("time") for block in metadata.blocks.values())


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_large_file_is_read_in_two_requests(name: str) -> None:
    data = FILES[name] + b"\0" * 2_000_000
    metadata = read(data)
    assert len(metadata.ranges) <= 4
    assert sum(length for _, length in metadata.ranges) <= 4 * 64 * 1024 or name == "gif"


# --- truth under cut and mutated data --------------------------------------------------------------------------


def assert_no_new_value(whole: bytes, end: int) -> None:
    """A prefix gives no tag that the whole file does not give alike, and no other picture."""
    try:
        all_of_it, cut = read(whole), read(whole[:end])
    except WorkerError:
        return
    wrong = {key: tag for key, tag in cut.tags.items() if all_of_it.tags.get(key) != tag}
    assert not wrong, f"cut at {end}"
    if cut.status in {Status.OK, Status.NONE}:
        assert cut.tags == all_of_it.tags, f"cut at {end}, and not said to be partial"
        assert (cut.taken, cut.position, cut.text) == (all_of_it.taken, all_of_it.position, all_of_it.text)
    for part in ("width", "height", "orientation", "bit_depth", "color_space", "icc_profile", "frames"):
        told = getattr(cut.image, part)
        assert told is None or told == getattr(all_of_it.image, part), f"{part}, cut at {end}"


@pytest.mark.parametrize("name", sorted(FILES))
def test_no_prefix_says_what_the_whole_file_does_not(name: str) -> None:
    for end in range(0, len(FILES[name]), 7):
        assert_no_new_value(FILES[name], end)


NUMBERS = [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\1\0\0\0", b"\xff\xff", b"\0"]


def mutated(seed: int, files: list[bytes]) -> bytes:
    """One of the files with a few bytes changed, taken out or doubled, most often near its beginning."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(files))
    for _ in range(chance.choice([1, 2, 4, 16])):
        at = chance.randrange(4, max(5, min(len(data), chance.choice([64, 512, 4096, 1 << 30]))))
        length = chance.randrange(1, 200)
        match chance.randrange(5):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                number = chance.choice(NUMBERS)
                data[at : at + len(number)] = number
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case _:
                data[at : at + 1] = bytes(byte ^ 1 << chance.randrange(8) for byte in data[at : at + 1])
    return bytes(data)


def assert_classified(data: bytes, what: str) -> None:
    """It ends in a Metadata without an internal failure, or in an error of the taxonomy, within a second of CPU."""
    start = time.thread_time()
    try:
        metadata = read(data)
    except WorkerError:
        pass
    else:
        reasons = [block.reason or "" for block in metadata.blocks.values()]
        assert not [reason for reason in reasons if "internal" in reason], what
    assert time.thread_time() - start < 1.5, what


def test_mutated_files_end_in_an_answer() -> None:
    for seed in range(1500):
        assert_classified(mutated(seed, list(FILES.values())), f"seed {seed}")


# --- the corpora -----------------------------------------------------------------------------------------------


def images(corpora: Path) -> Iterator[Path]:
    return (path for path in sorted(corpora.rglob("*")) if path.is_file() and path.suffix not in {".md", ".jsonl"})


@pytest.mark.corpora
def test_every_corpus_file_ends_in_an_answer(corpora: Path) -> None:
    for path in images(corpora):
        assert_classified(path.read_bytes(), path.name)


@pytest.mark.corpora
def test_the_poison_file_ends_at_once_and_keeps_what_can_be_kept(corpora: Path) -> None:
    start = time.thread_time()
    metadata = read((corpora / "crafted" / "poison_exifread_122bytes.jpg").read_bytes())
    assert metadata.status is Status.PARTIAL
    assert time.thread_time() - start < 0.2


@pytest.mark.corpora
@pytest.mark.deep
def test_no_prefix_of_a_corpus_file_says_what_the_whole_does_not(corpora: Path) -> None:
    for path in images(corpora):
        data = path.read_bytes()
        for place in range(1, 65):
            assert_no_new_value(data, len(data) * place // 65)


@pytest.mark.corpora
@pytest.mark.deep
@pytest.mark.timeout(1200)
def test_twenty_thousand_mutated_corpus_files_end_in_an_answer(corpora: Path) -> None:
    files = [path.read_bytes() for path in images(corpora) if path.stat().st_size < 200_000]
    for seed in range(20_000):
        assert_classified(mutated(seed, files), f"seed {seed}")
