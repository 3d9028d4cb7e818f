"""The picture itself: size as displayed, depth, colour, and what kind of photograph it is."""

from collections.abc import Mapping

from worker.extract import icc
from worker.extract.parts import Parts
from worker.model import ImageInfo, Tag

_ORIENTATION = "IFD0:Orientation"
_COLOR_SPACES = {1: "sRGB", 2: "Adobe RGB"}
_MOTION = ("XMP-GCamera:MotionPhoto", "XMP-GCamera:MicroVideo")
_LIVE = "MakerNotes:ContentIdentifier"
_SIDEWAYS = {5, 6, 7, 8}


def describe(parts: Parts, tags: Mapping[str, Tag], *, whole: bool, exif_whole: bool) -> ImageInfo:
    """ImageInfo from the container and the tags.

    Where the walk did not see the `whole` file, or the EXIF block is damaged, what is missing may have said
    otherwise; a value that hangs on it is then left out.
    """
    orientation = parts.rotation or _orientation(tags)
    width, height = _size(parts, tags, orientation, whole=whole)
    sure = whole and exif_whole
    return ImageInfo(
        format=parts.format,
        mime=parts.mime,
        width=width,
        height=height,
        orientation=orientation,
        bit_depth=parts.bit_depth,
        color_space=_color_space(tags) or (parts.color_space if sure else None),
        icc_profile=icc.description(parts.icc) if parts.icc else None,
        frames=parts.frames if sure else None,
        live_photo_id=_text(tags, _LIVE),
        motion_photo=_motion(parts, tags),
    )


def _size(
    parts: Parts, tags: Mapping[str, Tag], orientation: int | None, *, whole: bool
) -> tuple[int | None, int | None]:
    """Width and height as displayed; of a CR3, whose boxes do not state them in front, EXIF's.

    In a file that was not seen whole, a missing orientation may be a lost one, and then it is not known which side
    is the width, unless they are equal.
    """
    width, height = parts.width, parts.height
    if parts.format == "CR3" and whole:
        width, height = (_number(tags, name) for name in ("IFD0:ImageWidth", "IFD0:ImageHeight"))
    if orientation in _SIDEWAYS:
        return height, width
    if orientation is None and not whole and width != height:
        return None, None
    return width, height


def _number(tags: Mapping[str, Tag], name: str) -> int | None:
    value = tags[name].value if name in tags else None
    return value if isinstance(value, int) else None


def _orientation(tags: Mapping[str, Tag]) -> int | None:
    value = _number(tags, _ORIENTATION)
    return value if value is not None and 1 <= value <= 8 else None


def _color_space(tags: Mapping[str, Tag]) -> str | None:
    return _COLOR_SPACES.get(_number(tags, "ExifIFD:ColorSpace") or 0)


def _motion(parts: Parts, tags: Mapping[str, Tag]) -> bool | None:
    """Whether a film is attached: Google's camera marks, or what the container says."""
    for name in _MOTION:
        if name in tags and str(tags[name].value) in {"1", "True"}:
            return True
    return parts.motion_photo


def _text(tags: Mapping[str, Tag], name: str) -> str | None:
    value = tags[name].value if name in tags else None
    return value if isinstance(value, str) and value else None
