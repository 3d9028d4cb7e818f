"""An image opened: its header is judged before a pixel is decoded, and whatever a decoder raises is the file's fault.

Runs in a process of its own (press.py). Pillow is imported here and in what stands on this, so nobody else needs it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from worker.errors import CorruptImage, LimitExceeded, UnsupportedFormat
from worker.model import Metadata

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "HEIF", "JPEG2000")
"""Pillow's names of what is decoded. Not EPS, which starts another program, and nothing that nobody sends."""
_ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
_PLAIN_TIFF = "TIFF"
"""Our name of a TIFF that is no camera's raw file: of such a one, Pillow would show the thumbnail."""
_LONGEST_SIDE = 65_535


@dataclass(slots=True)
class Picture:
    """A decoded image, upright. `frames` are the pictures of an animation, or the one; `durations` are milliseconds."""

    format: str
    frames: list[Image.Image]
    durations: list[int]
    loop: int
    turned: bool
    icc: bytes | None
    exif: Image.Exif
    xmp: bytes
    photoshop: dict[int, bytes]

    @property
    def animated(self) -> bool:
        """Whether it moves."""
        return len(self.frames) > 1


def opened(data: bytes, metadata: Metadata, pixels: int) -> Picture:
    """The image. Raises LimitExceeded for more than `pixels`, UnsupportedFormat and CorruptImage."""
    _prepare()
    with _the_files_fault():
        image: Image.Image = Image.open(BytesIO(data), formats=FORMATS)
    with image:
        _judge(image, metadata, pixels)
        with _the_files_fault():
            return _decoded(image)


def _prepare() -> None:
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = 2
    pillow_heif.register_heif_opener()
    Image.init()
    Image.MAX_IMAGE_PIXELS = None  # `_judge` is stricter, and raises an error of ours


@contextmanager
def _the_files_fault() -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError as error:
        raise UnsupportedFormat("it is in a format that is not compressed here") from error
    except MemoryError as error:
        raise LimitExceeded("decoding it takes more memory than one image may have") from error
    except Exception as error:
        raise CorruptImage(f"it cannot be decoded: {error}") from error


def _judge(image: Image.Image, metadata: Metadata, pixels: int) -> None:
    """What the header says is enough to refuse it."""
    if image.format == "TIFF" and metadata.image.format != _PLAIN_TIFF:
        raise UnsupportedFormat(f"{metadata.image.format} is a camera's raw format, which has to be developed first")
    frames = _frames(image)
    if image.format == "TIFF" and frames > 1:
        raise UnsupportedFormat(f"it has {frames} pages, and only single pictures are compressed")
    if image.width * image.height * max(1, frames) > pixels or max(image.size) > _LONGEST_SIDE:
        of = f", {frames} times" if frames > 1 else ""
        raise LimitExceeded(f"it has {image.width} x {image.height} pixels{of}; at most {pixels} are decoded")


def _frames(image: Image.Image) -> int:
    with _the_files_fault():
        return int(getattr(image, "n_frames", 1)) if image.format in _ANIMATED | {"TIFF"} else 1


def _decoded(image: Image.Image) -> Picture:
    exif = image.getexif()
    turned = exif.get(0x0112, 1) not in {0, 1}
    format_name = "JPEG" if image.format == "MPO" else str(image.format)
    xmp = _xmp(image, exif)
    photoshop = {number: block for number, block in image.info.get("photoshop", {}).items() if isinstance(block, bytes)}
    icc = image.info.get("icc_profile") or None
    loop = int(image.info.get("loop", 1 if format_name == "GIF" else 0))
    frames: list[Image.Image] = []
    durations: list[int] = []
    if _frames(image) == 1:
        image.load()
        frames = [ImageOps.exif_transpose(image)]
    else:
        for frame in ImageSequence.Iterator(image):
            durations.append(int(frame.info.get("duration", 100) or 100))
            frames.append(ImageOps.exif_transpose(frame.convert("RGBA")))
    return Picture(format_name, frames, durations, loop, turned, icc, exif, xmp, photoshop)


def _xmp(image: Image.Image, exif: Image.Exif) -> bytes:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or exif.get(700) or b""
    return found.encode() if isinstance(found, str) else bytes(found)
