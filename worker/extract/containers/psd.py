"""Photoshop documents, PSD and PSB: the header and the image resources."""

from worker.extract.containers.photoshop import add_resources
from worker.extract.parts import Parts
from worker.extract.window import Window, exactly

_MODELS = {0: "Bitmap", 1: "Gray", 2: "Indexed", 3: "RGB", 4: "CMYK", 7: "Multichannel", 8: "Duotone", 9: "Lab"}


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from the header and the resources behind the colour table."""
    head = exactly(window, 0, 30)
    parts.height, parts.width = int.from_bytes(head[14:18], "big"), int.from_bytes(head[18:22], "big")
    parts.bit_depth = int.from_bytes(head[22:24], "big")
    parts.color_space = _MODELS.get(int.from_bytes(head[24:26], "big"))
    start = 30 + int.from_bytes(head[26:], "big")
    length = int.from_bytes(exactly(window, start, 4), "big")
    add_resources(parts, window, start + 4, start + 4 + length)
