"""Pixels and blocks become a file, by Pillow."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, PngImagePlugin

from worker.batches.retain import Retained

MIMES = {
    "JPEG": ("image/jpeg", "jpg"),
    "PNG": ("image/png", "png"),
    "WEBP": ("image/webp", "webp"),
    "AVIF": ("image/avif", "avif"),
    "GIF": ("image/gif", "gif"),
}
"""By Pillow's name, the content type and the ending of a file's name."""
_SEGMENT = 65_000
"""A JPEG's segment holds so much, nearly; Pillow does not spread a block over several."""
_APP13 = b"\xff\xed"
_BY_COLOURS = frozenset({"PNG", "GIF"})
_FEWER_BELOW = 50


@dataclass(frozen=True, slots=True)
class Frames:
    """What is to be encoded: one image, or an animation's with their durations in milliseconds."""

    images: list[Image.Image]
    durations: list[int]
    loop: int
    icc: bytes | None


def encoded(frames: Frames, target: str, quality: int, blocks: Retained) -> bytes:
    """The file. To PNG and GIF, which lose nothing, a quality below 50 means fewer colours."""
    few = target in _BY_COLOURS and quality < _FEWER_BELOW
    first, *more = [_with_fewer_colours(each, quality) for each in frames.images] if few else frames.images
    options: dict[str, Any] = {"icc_profile": frames.icc} if frames.icc else {}
    options |= _OPTIONS[target](quality, blocks)
    if more:
        options |= {"save_all": True, "append_images": more, "duration": frames.durations, "loop": frames.loop}
        if target == "GIF":
            options["disposal"] = 2
    out = BytesIO()
    clean = first.copy()
    clean.info = {name: value for name, value in first.info.items() if name == "transparency"}
    clean.save(out, target, **options)
    return out.getvalue()


def _with_fewer_colours(image: Image.Image, quality: int) -> Image.Image:
    """With a palette of 256 colours, or of 64 for the lowest qualities. Two colours, and 16 bits of grey, stay."""
    if image.mode == "1" or image.mode.startswith("I;16"):
        return image
    plain = image if image.mode in {"L", "RGB", "RGBA"} else image.convert("RGBA")
    method = Image.Quantize.FASTOCTREE if plain.mode == "RGBA" else Image.Quantize.MEDIANCUT
    return plain.quantize(256 if quality >= 30 else 64, method=method)


def _jpeg(quality: int, blocks: Retained) -> dict[str, Any]:
    options: dict[str, Any] = {"quality": quality, "optimize": True, "progressive": True}
    if 0 < len(blocks.exif) < _SEGMENT:
        options["exif"] = blocks.exif
    if 0 < len(blocks.xmp) < _SEGMENT:
        options["xmp"] = blocks.xmp
    if 0 < len(blocks.iptc) < _SEGMENT:
        options["extra"] = _APP13 + (len(blocks.iptc) + 2).to_bytes(2, "big") + blocks.iptc
    return options


def _webp(quality: int, blocks: Retained) -> dict[str, Any]:
    return {"quality": quality, "method": 4} | _both(blocks)


def _avif(quality: int, blocks: Retained) -> dict[str, Any]:
    return {"quality": quality, "speed": 8, "max_threads": 2} | _both(blocks)


def _png(_quality: int, blocks: Retained) -> dict[str, Any]:
    options: dict[str, Any] = {"optimize": True}
    if blocks.exif:
        options["exif"] = blocks.exif
    if blocks.xmp:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", blocks.xmp.decode("utf-8", "replace"))
    return options


def _gif(_quality: int, _blocks: Retained) -> dict[str, Any]:
    return {"optimize": True}


def _both(blocks: Retained) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if blocks.exif:
        options["exif"] = blocks.exif
    if blocks.xmp:
        options["xmp"] = blocks.xmp
    return options


_OPTIONS = {"JPEG": _jpeg, "WEBP": _webp, "AVIF": _avif, "PNG": _png, "GIF": _gif}
