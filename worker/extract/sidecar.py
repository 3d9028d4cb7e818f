"""Sidecars: which .xmp file belongs to which image, and how its tags join the image's own.

Two forms of names are in use: `IMG.xmp` (Adobe) and `IMG.JPG.xmp` (darktable, digiKam, RawTherapee), each with `.XMP`
too. Where several are there, one counts, and one that names the file in full before one that does not.

What a sidecar says is what a person last said: it replaces the same XMP property of the image, and for what people
edit (capture time, position, texts, rating) it outranks EXIF and IPTC too. What it does not say stays as it is; what
the camera measured (camera, exposure) stays EXIF's. docs/dates.md and docs/positions.md have the order.
"""

from collections.abc import Mapping
from dataclasses import replace

from worker.extract.lookup import SIDECAR
from worker.extract.sniff import XMP
from worker.extract.stages import summed_up
from worker.model import Block, BlockStatus, Metadata, Sidecar, Tag

SUFFIXES = (".xmp", ".XMP")
BLOCK = "sidecar"
"""The block of the image's document that says how reading the sidecar went."""


def is_sidecar(name: str) -> bool:
    """Whether an object's name is that of a sidecar."""
    return name.endswith(SUFFIXES) and _file_name(name) not in SUFFIXES


def belongs(sidecar: str, image: str) -> bool:
    """Whether this sidecar speaks of this image: same folder, and the image's name with or without its extension."""
    if not is_sidecar(sidecar) or is_sidecar(image):
        return False
    described = prefix(sidecar)
    return image == described or _without_extension(image) == described


def prefix(sidecar: str) -> str:
    """How the names of the images begin that the sidecar can belong to: list these, then ask `belongs`."""
    return sidecar[: -len(SUFFIXES[0])]


def candidates(image: str) -> tuple[str, ...]:
    """The names that a sidecar of this image can have, the one that counts first; a sidecar has none itself."""
    if is_sidecar(image):
        return ()
    stems = dict.fromkeys((image, _without_extension(image)))
    return tuple(stem + suffix for stem in stems for suffix in SUFFIXES)


def merge(tags: Mapping[str, Tag], sidecar: Mapping[str, Tag]) -> dict[str, Tag]:
    """The image's own tags with the sidecar's over them, marked as such.

    Keep the two apart where they are stored, and merge to sum up: then neither the order of arrival nor an earlier
    sidecar can make a difference.
    """
    return {**tags, **{name: replace(tag, type=SIDECAR) for name, tag in sidecar.items()}}


def merged(image: Metadata, sidecar: Sidecar, found: Metadata | str) -> Metadata:
    """The image's metadata with what was found in its sidecar; a text says why that could not be read."""
    if isinstance(found, str):
        return _beside(image, sidecar, Block(BlockStatus.FAILED, found))
    if found.image.format != XMP.format:
        return _beside(image, sidecar, Block(BlockStatus.FAILED, f"no_xmp: the file is of format {found.image.format}"))
    # The picture itself is what the image says it is; the answers are those of both.
    return summed_up(replace(_beside(image, sidecar, found.blocks["xmp"]), tags=merge(image.tags, found.tags)))


def _beside(image: Metadata, sidecar: Sidecar, block: Block) -> Metadata:
    return replace(image, sidecar=sidecar, blocks={**image.blocks, BLOCK: block})


def _file_name(name: str) -> str:
    return name.rpartition("/")[2]


def _without_extension(image: str) -> str:
    stem, dot, _ = _file_name(image).rpartition(".")
    return image if not (dot and stem) else image[: len(image) - len(_file_name(image)) + len(stem)]
