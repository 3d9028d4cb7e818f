"""What a container walk hands over: the places of metadata in a file, found and bounded, not yet read."""

from dataclasses import dataclass, field
from typing import Protocol


class Buffer(Protocol):
    """Bytes by offset, of which only some may be there. A whole `bytes` wrapped, or the window of a large file."""

    @property
    def size(self) -> int:
        """Length of the whole, in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes [offset, offset + length) cut at `size`.

        Raises Unread where the budget does not allow to fetch them: never short data, never a guess.
        """


class Unread(Exception):
    """The budget of this object is spent; the bytes asked for are not at hand."""


@dataclass(frozen=True, slots=True)
class TiffBlock:
    """A TIFF structure (byte order mark, 42 or 43, IFDs): an EXIF block, or a whole TIFF or RAW file.

    `main` is False for the TIFF blocks that carry maker tags only (CR3's CMT3) or belong to a preview.
    `first_ifd` names the group of its first IFD: `IFD0`, but CR3 keeps `ExifIFD` and `GPS` in blocks of their own.
    """

    buffer: Buffer
    offset: int = 0
    """Where in `buffer` the byte order mark stands; all TIFF offsets count from here."""
    main: bool = True
    first_ifd: str = "IFD0"


@dataclass(frozen=True, slots=True)
class ExtendedXmp:
    """A chunk of a JPEG's Extended XMP: `guid` (32 hex digits), length of the whole, and this chunk's place in it."""

    guid: str
    total: int
    offset: int
    data: bytes


@dataclass(slots=True)
class Parts:
    """One file's parts, filled in by the walk of its container.

    Width and height are as stored, before orientation. `problems` are (block, reason) pairs; a walk that meets
    damage notes it there and hands over what it has.
    """

    format: str
    mime: str
    width: int | None = None
    height: int | None = None
    bit_depth: int | None = None
    color_space: str | None = None
    frames: int | None = None
    rotation: int | None = None
    """An orientation (1 to 8) that the container itself states and that readers apply (HEIF irot and imir)."""
    exif: list[TiffBlock] = field(default_factory=list)
    xmp: list[bytes] = field(default_factory=list)
    xmp_extended: list[ExtendedXmp] = field(default_factory=list)
    iptc: list[bytes] = field(default_factory=list)
    """IPTC-IIM datasets, without their Photoshop wrapping; the first counts."""
    icc: bytes | None = None
    """The ICC profile, or its head: the description tag is all that is wanted."""
    motion_photo: bool | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)
