"""What reading an object may cost, and what is found in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

MakerNotes = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one object may cost. Whatever is beyond is recorded as such, never guessed."""

    whole_object: int = 256 * 1024
    """Objects up to this size are read whole, in one read."""
    first_read: int = 64 * 1024
    """The first range of a larger object."""
    total_bytes: int = 4 * 1024 * 1024
    """All ranges together."""
    reads: int = 8
    """Number of ranges."""
    seconds: float = 1.0
    """CPU seconds of the thread that extracts; waiting for bytes does not count."""
    inflated_bytes: int = 16 * 1024 * 1024
    """All decompressed text of one file together (PNG zTXt, JPEG XL brob)."""
    xmp_bytes: int = 4 * 1024 * 1024
    """All XMP packets of one file together."""
    tag_bytes: int = 16 * 1024
    """A single value larger than this is left out, with its length and SHA-256 in its place."""
    makernotes: MakerNotes = "auto"


TagValue = None | bool | int | float | str | list["TagValue"] | dict[str, "TagValue"]


@dataclass(slots=True)  # not frozen: an image has up to a hundred, and freezing costs four times as much as the rest
class Tag:
    """One tag of a file: its number or path, its type in the file, the typed value, and the printable text.

    Never changed: images share tags that are alike.
    """

    id: int | str
    type: str
    value: TagValue
    text: str


class BlockStatus(StrEnum):
    """How one block of metadata (exif, xmp, iptc, ...) fared. Absent and failed are never the same."""

    OK = "ok"
    ABSENT = "absent"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Block:
    """The state of one block; `reason` is a short code and sentence where it is partial or failed."""

    status: BlockStatus
    reason: str | None = None


class Status(StrEnum):
    """How one object fared as a whole."""

    OK = "ok"
    PARTIAL = "partial"
    NONE = "none"
    """An image in which there is no metadata: an answer, not an error."""
    FAILED = "failed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """The picture itself. Width and height are in pixels as displayed, after orientation (1 to 8)."""

    format: str
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    orientation: int | None = None
    bit_depth: int | None = None
    color_space: str | None = None
    icc_profile: str | None = None
    frames: int | None = None
    """Number of frames of an animation or burst, where the container states it."""
    live_photo_id: str | None = None
    """Apple's content identifier, shared by the still and its film."""
    motion_photo: bool | None = None


@dataclass(frozen=True, slots=True)
class CaptureTime:
    """One reading of a clock: `local` is ISO 8601 without offset, `offset` is `+hh:mm` or None."""

    source: str
    local: str
    offset: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """When the picture was taken.

    `utc` is there only when an offset or GPS time is known; `precision` is year, month, day, minute, second or
    subsecond; `source` is the tag it came from; `alternatives` are the other clocks that disagree.
    """

    local: str
    source: str
    precision: str
    confidence: Literal["high", "medium", "low"]
    offset: str | None = None
    utc: datetime | None = None
    alternatives: tuple[CaptureTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """Where: degrees (north and east positive), metres above sea level (negative below), accuracy in metres.

    Latitude and longitude are None where the file's values are unusable; `flags` then says why (`zero_zero`,
    `out_of_range`, `sign_conflict`, `exif_xmp_differ`, ...).
    """

    source: str
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    accuracy: float | None = None
    geohash: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Camera:
    """The apparatus, tidied for people; the raw make and model stay in the tags."""

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    body_serial: str | None = None
    lens_serial: str | None = None


@dataclass(frozen=True, slots=True)
class Exposure:
    """How it was exposed: seconds, f-number, millimetres, EV; enumerations as their English text."""

    iso: int | None = None
    f_number: float | None = None
    exposure_time: float | None = None
    exposure_bias: float | None = None
    focal_length: float | None = None
    focal_length_35mm: float | None = None
    subject_distance: float | None = None
    flash: str | None = None
    flash_fired: bool | None = None
    metering: str | None = None
    program: str | None = None
    white_balance: str | None = None


@dataclass(frozen=True, slots=True)
class Pose:
    """A drone's attitude in degrees: camera (gimbal) and craft (flight); `relative_altitude` in metres."""

    camera_yaw: float | None = None
    camera_pitch: float | None = None
    camera_roll: float | None = None
    craft_yaw: float | None = None
    craft_pitch: float | None = None
    craft_roll: float | None = None
    relative_altitude: float | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """What people wrote, by the Metadata Working Group's precedence; rating is -1 to 5."""

    title: str | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    creator: tuple[str, ...] = ()
    copyright: str | None = None
    rating: float | None = None


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One generation of the .xmp object beside an image."""

    name: str
    generation: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """All that extraction found in one object.

    `tags` maps `Group:Name` (ExifTool's family-1 groups: `IFD0:Make`, `XMP-dc:title`, `IPTC:Keywords`) to a tag.
    `sources` says which tag each summary value came from (`camera.lens` -> `ExifIFD:LensModel`).
    `ranges` are the (offset, length) pairs that were read; `truncated` says that the budget ended before the file.
    `sidecar` is the one whose tags are among `tags`, or would be if it could be read.
    """

    image: ImageInfo
    tags: Mapping[str, Tag] = field(default_factory=dict)
    blocks: Mapping[str, Block] = field(default_factory=dict)
    taken: Taken | None = None
    position: Position | None = None
    camera: Camera | None = None
    exposure: Exposure | None = None
    pose: Pose | None = None
    text: Text | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    ranges: tuple[tuple[int, int], ...] = ()
    truncated: bool = False
    sidecar: Sidecar | None = None

    @property
    def status(self) -> Status:
        """ok, partial or none; a file of which nothing could be read raises instead."""
        states = {block.status for block in self.blocks.values()}
        if self.truncated or states & {BlockStatus.PARTIAL, BlockStatus.FAILED}:
            return Status.PARTIAL
        return Status.OK if BlockStatus.OK in states else Status.NONE
