"""Images of every kind that a batch meets, each with the picture that a person sees in it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import pillow_heif
from PIL import Image, ImageCms

from tests.samples.drawing import draw
from worker.batches.policy import Format, Policy, Retain

pillow_heif.register_heif_opener()

SIZE = (320, 200)
Turn = Image.Transpose
_STORED = {
    1: None,
    2: Turn.FLIP_LEFT_RIGHT,
    3: Turn.ROTATE_180,
    4: Turn.FLIP_TOP_BOTTOM,
    5: Turn.TRANSPOSE,
    6: Turn.ROTATE_90,
    7: Turn.TRANSVERSE,
    8: Turn.ROTATE_270,
}
"""How an upright picture lies in a file of that orientation."""


def picture(mode: str = "RGB") -> Image.Image:
    """A drawing, upright."""
    return draw(7, SIZE).convert(mode)


def see_through() -> Image.Image:
    """The drawing, fading to nothing from left to right."""
    image = picture("RGBA")
    image.putalpha(Image.linear_gradient("L").rotate(90).resize(SIZE))
    return image


def see_through_gray() -> Image.Image:
    return see_through().convert("LA")


def few() -> Image.Image:
    """The drawing in 64 colours."""
    return picture().quantize(64)


def grainy() -> Image.Image:
    """The drawing with noise on it, which no format makes small."""
    noise = [Image.effect_noise(SIZE, 60) for _ in "RGB"]
    return Image.blend(picture(), Image.merge("RGB", noise), 0.4)


def on_white(image: Image.Image) -> Image.Image:
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")


@cache
def srgb() -> bytes:
    """A colour profile; always the same, though one says the second in which it was made."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(image: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002 -- Pillow's own word
    out = BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def turned(orientation: int, format: str = "JPEG", **options: Any) -> bytes:  # noqa: A002
    """The drawing as a camera held in some way stores it."""
    turn = _STORED[orientation]
    image = picture() if turn is None else picture().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image, format, exif=exif.tobytes(), **options)


def tagged() -> bytes:
    """A camera's name, as EXIF."""
    exif = Image.Exif()
    exif[0x010F] = "Canon"
    return exif.tobytes()


def sixteen_bit() -> Image.Image:
    gray = picture("L")
    return Image.frombytes("I;16", SIZE, b"".join(bytes((value // 2, value)) for value in gray.tobytes()))


def frames(count: int = 4) -> list[Image.Image]:
    return [draw(seed, SIZE) for seed in range(count)]


def moving(format: str, **options: Any) -> bytes:  # noqa: A002
    first, *more = frames()
    return saved(first, format, save_all=True, append_images=more, duration=[100, 200, 300, 400], loop=0, **options)


@dataclass(frozen=True)
class Case:
    """`seen` is what must be seen in the result, of which any pixel may differ by `off` on average (0 to 255)."""

    name: str
    data: Callable[[], bytes]
    mime: str
    seen: Callable[[], Image.Image] = picture
    policy: Policy = Policy()  # noqa: RUF009 -- frozen
    off: float = 6.0
    frames: int = 1
    notes: tuple[str, ...] = ()
    size: tuple[int, int] = SIZE


JPEG, PNG, WEBP, AVIF, GIF = "image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"
_STAYS = "already small: left as it was"
_TO_JPEG = Policy(format=Format.JPEG)
_TO_WEBP = Policy(format=Format.WEBP)
_TO_AVIF = Policy(format=Format.AVIF)

CASES = [
    *(
        Case(f"jpeg-orientation-{number}", lambda number=number: turned(number, quality=92), JPEG)  # type: ignore[misc]
        for number in range(1, 9)
    ),
    Case("png-orientation-6", lambda: turned(6, "PNG", compress_level=1), PNG, off=0),
    Case("webp-orientation-8", lambda: turned(8, "WEBP", quality=95), WEBP),
    Case("avif-orientation-3", lambda: turned(3, "AVIF", quality=90), AVIF),
    Case("heic", lambda: saved(picture(), "HEIF", quality=95), JPEG, notes=("HEIF made JPEG",)),
    Case("heic-orientation-6", lambda: turned(6, "HEIF", quality=95), JPEG, notes=("HEIF made JPEG",)),
    Case("heic-to-avif", lambda: saved(picture(), "HEIF", quality=95), AVIF, policy=_TO_AVIF),
    Case("png", lambda: saved(picture(), "PNG", compress_level=1), PNG, off=0),
    Case("png-to-webp", lambda: saved(picture(), "PNG"), WEBP, policy=_TO_WEBP),
    Case("png-alpha", lambda: saved(see_through(), "PNG", compress_level=1), PNG, see_through, off=0),
    Case("png-alpha-to-webp", lambda: saved(see_through(), "PNG"), WEBP, see_through, _TO_WEBP),
    Case("png-alpha-to-avif", lambda: saved(see_through(), "PNG"), AVIF, see_through, _TO_AVIF),
    Case(
        "png-alpha-to-jpeg",
        lambda: saved(see_through(), "PNG"),
        JPEG,
        lambda: on_white(see_through()),
        _TO_JPEG,
        notes=("transparency laid on white",),
    ),
    Case("png-opaque-alpha-to-jpeg", lambda: saved(picture("RGBA"), "PNG"), JPEG, policy=_TO_JPEG),
    Case(
        "png-gray-alpha",
        lambda: saved(see_through_gray(), "PNG"),
        WEBP,
        lambda: see_through().convert("LA"),
        _TO_WEBP,
    ),
    Case(
        "png-palette",
        lambda: saved(picture().quantize(64), "PNG", compress_level=0),
        PNG,
        lambda: picture().quantize(64),
        off=0,
    ),
    Case("png-two-colours", lambda: saved(picture("1"), "PNG", compress_level=0), PNG, lambda: picture("1"), off=0),
    Case(
        "png-16-bit-to-jpeg",
        lambda: saved(sixteen_bit(), "PNG"),
        JPEG,
        lambda: picture("L"),
        _TO_JPEG,
        notes=("16 bits a sample made 8",),
    ),
    Case("png-16-bit", lambda: saved(sixteen_bit(), "PNG", compress_level=0), PNG, lambda: picture("L"), off=1),
    Case("jpeg-gray", lambda: saved(picture("L"), "JPEG", quality=92), JPEG, lambda: picture("L")),
    Case(
        "jpeg-inks",
        lambda: saved(picture("CMYK"), "JPEG", quality=92),
        JPEG,
        lambda: picture("CMYK").convert("RGB"),
        notes=("CMYK made sRGB",),
    ),
    Case(
        "tiff-inks",
        lambda: saved(picture("CMYK"), "TIFF"),
        JPEG,
        lambda: picture("CMYK").convert("RGB"),
        notes=("TIFF made JPEG", "CMYK made sRGB"),
    ),
    Case("tiff", lambda: saved(picture(), "TIFF", compression="tiff_lzw"), JPEG, notes=("TIFF made JPEG",)),
    Case("tiff-alpha", lambda: saved(see_through(), "TIFF"), PNG, see_through, off=0, notes=("TIFF made PNG",)),
    Case("bmp", lambda: saved(picture(), "BMP"), JPEG, notes=("BMP made JPEG",)),
    Case("jpeg-2000", lambda: saved(picture(), "JPEG2000"), JPEG, notes=("JPEG2000 made JPEG",)),
    Case("jpeg-profile", lambda: saved(picture(), "JPEG", quality=92, icc_profile=srgb()), JPEG),
    Case(
        "jpeg-of-several",
        lambda: saved(picture(), "MPO", save_all=True, append_images=[draw(1, SIZE)], quality=92),
        JPEG,
    ),
    Case("gif", lambda: saved(few(), "GIF"), GIF, few, off=0, notes=(_STAYS,)),
    Case("gif-moving", lambda: moving("GIF"), GIF, off=8, frames=4, seen=lambda: frames()[0]),
    Case("gif-moving-to-webp", lambda: moving("GIF"), WEBP, lambda: frames()[0], _TO_WEBP, 8, 4),
    Case("webp-moving", lambda: moving("WEBP", quality=95), WEBP, lambda: frames()[0], frames=4),
    Case("png-moving", lambda: moving("PNG"), PNG, lambda: frames()[0], frames=4, off=0),
    Case(
        "longest-160",
        lambda: turned(6, quality=92),
        JPEG,
        lambda: picture().resize((160, 100)),
        Policy(longest=160, quality=80),
        size=(160, 100),
    ),
    Case(
        "already-small",
        lambda: saved(grainy(), "JPEG", quality=12, optimize=True, progressive=True),
        JPEG,
        grainy,
        off=24,
        notes=(_STAYS,),
    ),
    Case(
        "already-small-with-tags",
        lambda: saved(grainy(), "JPEG", quality=12, optimize=True, progressive=True, exif=tagged()),
        JPEG,
        grainy,
        Policy(metadata=Retain.KEEP),
        off=24,
        notes=(_STAYS,),
    ),
    Case(
        "already-small-but-talkative",
        lambda: saved(grainy(), "JPEG", quality=12, optimize=True, progressive=True, exif=tagged()),
        JPEG,
        grainy,
        Policy(metadata=Retain.STRIP),
        off=30,
    ),
]
