"""Pictures to carry the metadata: skies, hills and a sun, the same for the same seed."""

import io
import random

import pillow_heif
from PIL import Image, ImageDraw

pillow_heif.register_heif_opener()

Size = tuple[int, int]
Colour = tuple[int, int, int]

_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((252, 176, 105), (70, 60, 120)),
    ((190, 225, 245), (60, 120, 190)),
    ((30, 30, 60), (5, 5, 20)),
    ((245, 220, 190), (150, 110, 140)),
)
_HILLS = 4


def draw(seed: int, size: Size = (480, 320)) -> Image.Image:
    """A landscape: a sky that fades upwards, a sun or moon, and ranges of hills that darken as they come near."""
    chance = random.Random(seed)
    low, high = _SKIES[seed % len(_SKIES)]
    image = Image.new("RGB", size)
    pen = ImageDraw.Draw(image)
    width, height = size
    for y in range(height):
        pen.line([(0, y), (width, y)], fill=_between(high, low, y / height))
    radius, x, y = (
        height // 10,
        chance.randrange(width // 5, width * 4 // 5),
        chance.randrange(height // 5, height // 2),
    )
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=_between(low, (255, 250, 225), 0.8))
    for near in range(1, _HILLS + 1):
        _hills(pen, size, height * (0.4 + 0.13 * near), _between(low, (15, 25, 30), near / _HILLS), chance)
    return image


def encoded(image: Image.Image, format: str, **options: object) -> bytes:  # noqa: A002 -- Pillow's own word
    """The picture as a file's bytes. The options are Pillow's: `exif` and `xmp` where the format takes them."""
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def _hills(pen: ImageDraw.ImageDraw, size: Size, level: float, fill: Colour, chance: random.Random) -> None:
    width, height = size
    step = width // 12
    outline: list[tuple[float, float]] = []
    for x in range(0, width + step, step):
        level += chance.uniform(-1, 1) * height * 0.06
        outline.append((x, level))
    pen.polygon([(0, height), *outline, (width + step, height)], fill=fill)


def _between(start: Colour, end: Colour, part: float) -> Colour:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
    return red, green, blue
