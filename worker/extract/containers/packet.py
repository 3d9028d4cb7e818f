"""XMP files, which stand beside an image: the whole file is one packet."""

from worker.extract.parts import Parts
from worker.extract.window import Window


def walk(window: Window, parts: Parts) -> None:
    """The packet, unless it is larger than what is read of XMP."""
    if window.size > window.limits.xmp_bytes:
        parts.problems.append(("xmp", f"too_large: more than {window.limits.xmp_bytes} bytes of XMP"))
    else:
        parts.xmp.append(window.read(0, window.size))
