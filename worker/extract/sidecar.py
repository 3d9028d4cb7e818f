"""Sidecars: which .xmp file belongs to which image, and how its tags join the image's own.

Two forms of names are in use: `IMG.xmp` (Adobe) and `IMG.JPG.xmp` (darktable, digiKam, RawTherapee). Where both are
there, the one that names the file in full counts.

What a sidecar says is what a person last said: it replaces the same XMP property of the image, and for what people
edit (capture time, position, texts, rating) it outranks EXIF and IPTC too. What it does not say stays as it is; what
the camera measured (camera, exposure) stays EXIF's. docs/dates.md and docs/positions.md have the order.
"""

from collections.abc import Mapping
from dataclasses import replace

from worker.extract.lookup import SIDECAR
from worker.model import Tag

SUFFIX = ".xmp"


def is_sidecar(name: str) -> bool:
    """Whether an object's name is that of a sidecar."""
    return name.lower().endswith(SUFFIX) and _file_name(name).lower() != SUFFIX


def belongs(sidecar: str, image: str) -> bool:
    """Whether this sidecar speaks of this image: same folder, and the image's name with or without its extension."""
    if not is_sidecar(sidecar) or is_sidecar(image):
        return False
    described = prefix(sidecar)
    return image == described or _without_extension(image) == described


def prefix(sidecar: str) -> str:
    """How the names of the images begin that the sidecar can belong to: list these, then ask `belongs`."""
    return sidecar[: -len(SUFFIX)]


def candidates(image: str) -> tuple[str, ...]:
    """The names that a sidecar of this image can have, the one that counts first."""
    stems = dict.fromkeys((image, _without_extension(image)))
    return tuple(stem + suffix for stem in stems for suffix in (SUFFIX, SUFFIX.upper()))


def merge(tags: Mapping[str, Tag], sidecar: Mapping[str, Tag]) -> dict[str, Tag]:
    """The image's own tags with the sidecar's over them, marked as such.

    Keep the two apart where they are stored, and merge to sum up: then neither the order of arrival nor an earlier
    sidecar can make a difference.
    """
    return {**tags, **{name: replace(tag, type=SIDECAR) for name, tag in sidecar.items()}}


def _file_name(name: str) -> str:
    return name.rpartition("/")[2]


def _without_extension(image: str) -> str:
    stem, dot, _ = _file_name(image).rpartition(".")
    return image if not (dot and stem) else image[: len(image) - len(_file_name(image)) + len(stem)]
