"""Pixels in a form that the wanted format can hold: what is lost on the way is noted.

Alpha on a format without one is laid on white; inks become sRGB by their profile; 16 bits become 8. What cannot be
done well is refused.
"""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageCms

from worker.errors import UnsupportedFormat

_SIXTEEN = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_ALPHA = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_WIDE = frozenset({"I", "F"})
_AS_IT_IS = {"PNG": frozenset({"1", "L", "LA", "P", "RGB", "RGBA", *_SIXTEEN}), "GIF": frozenset({"1", "L", "P"})}
"""Modes that a format without loss holds unchanged."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """An image that can be encoded, the colour profile that belongs to it, and what became of it on the way."""

    image: Image.Image
    icc: bytes | None
    notes: tuple[str, ...] = ()


def has_alpha(image: Image.Image) -> bool:
    """Whether any pixel is not opaque."""
    if image.mode not in _ALPHA and "transparency" not in image.info:
        return False
    low, _ = image.convert("RGBA").getchannel("A").getextrema()
    return isinstance(low, int | float) and low < 255


def fitted(image: Image.Image, icc: bytes | None, target: str, longest: int) -> Fitted:
    """The image for Pillow's format `target`, no larger than `longest` (0: as it is). Raises UnsupportedFormat."""
    if image.mode in _WIDE:
        raise UnsupportedFormat("it has 32 bits a sample, which no format of the web holds")
    resize = bool(longest) and max(image.size) > longest
    if not resize and image.mode in _AS_IT_IS.get(target, frozenset()):
        return Fitted(image, icc)
    plain = _plain(image, icc)
    notes = list(plain.notes)
    ready = plain.image
    if target == "JPEG" and ready.mode == "RGBA":
        ready = _on_white(ready)
        notes.append("transparency laid on white")
    if resize:
        ready.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Fitted(ready, plain.icc, tuple(notes))


def _plain(image: Image.Image, icc: bytes | None) -> Fitted:
    """As 8-bit L, RGB, or RGBA where something shows through; a copy, never the image itself."""
    if image.mode in _SIXTEEN:
        eight = image.convert("I").point(lambda value: value * (1 / 256))
        return Fitted(eight.convert("L"), icc, ("16 bits a sample made 8",))
    if image.mode in {"CMYK", "LAB"}:
        return Fitted(_in_srgb(image, icc), None, (f"{image.mode} made sRGB",))
    if has_alpha(image):
        return Fitted(image.convert("RGBA"), icc)
    gray = image.mode in {"1", "L", "LA", "La"}
    return Fitted(image.convert("L") if gray else _opaque(image), icc)


def _opaque(image: Image.Image) -> Image.Image:
    """Without the alpha that hides nothing."""
    return image.convert("RGBA").convert("RGB") if "transparency" in image.info else image.convert("RGB").copy()


def _in_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """By its profile; inks without one by the simple formula, as browsers do."""
    if image.mode == "LAB":
        source = ImageCms.createProfile("LAB")
        return _transformed(image, ImageCms.ImageCmsProfile(source))
    if icc:
        try:
            return _transformed(image, ImageCms.ImageCmsProfile(BytesIO(icc)))
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile, or one for other inks: the picture need not suffer for it
    return image.convert("RGB")


def _transformed(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    changed = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    if changed is None:
        raise ValueError("no transform")
    return changed


def _on_white(image: Image.Image) -> Image.Image:
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground
