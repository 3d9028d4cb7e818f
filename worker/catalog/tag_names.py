"""The names that people know a tag by: ours, ExifTool's shorter ones, and those of older tools.

Ours are `Group:Name` with ExifTool's family-1 groups. `XMP:Rating` is any of the XMP groups, `EXIF:Make` any of those
of EXIF, `Make` any group at all; `Image Make`, `Exif.Photo.FNumber`, `Xmp.dc.title` are exifread's and exiv2's.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

_FAMILIES = {
    "exif": ("ifd0", "ifd1", "exififd", "gps", "interopifd", "subifd"),
    "xmp": ("xmp-",),
    "makernotes": ("makernotes",),
    "iptc": ("iptc",),
}
"""A wider group, and how the groups in it begin."""

_GROUPS = {
    "image": "ifd0",
    "thumbnail": "ifd1",
    "makernote": "makernotes",
    "interoperability": "interopifd",
    "exif": "exififd",
    "gps": "gps",
}
"""exifread's groups, before a space."""
_DOTTED = {"image": "ifd0", "thumbnail": "ifd1", "photo": "exififd", "gpsinfo": "gps", "iop": "interopifd"}
"""exiv2's, after `Exif.`"""

_NAMES = {
    "datetime": "modifydate",
    "datetimedigitized": "createdate",
    "isospeedratings": "iso",
    "photographicsensitivity": "iso",
    "exposurebiasvalue": "exposurecompensation",
    "pixelxdimension": "exifimagewidth",
    "exifimagelength": "exifimageheight",
    "pixelydimension": "exifimageheight",
    "lensspecification": "lensinfo",
    "bodyserialnumber": "serialnumber",
    "cameraownername": "ownername",
    "imagelength": "imageheight",
    "make": "make",
}
"""Names by the standard that ExifTool calls otherwise."""


def found(tags: object, name: str) -> Iterator[Mapping[str, object]]:
    """The tags of a document that go by this name."""
    if isinstance(tags, Mapping):
        groups, last = understood(name)
        for stored, tag in tags.items():
            group, _, tag_name = stored.lower().rpartition(":")
            if tag_name == last and (groups is None or group.startswith(groups)) and isinstance(tag, Mapping):
                yield tag


@lru_cache(maxsize=256)
def understood(name: str) -> tuple[tuple[str, ...] | None, str]:
    """The beginnings of the groups that are meant, None for all, and the name in the group; lower case."""
    lower = name.strip().lower()
    if ":" in lower:
        group, _, last = lower.rpartition(":")
        return _FAMILIES.get(group, (group,)), last
    parts = lower.split(".")
    if len(parts) == 3 and parts[0] in _FAMILIES:
        return _dotted(*parts)
    group, _, last = lower.partition(" ")
    if last and group in _GROUPS:
        return (_GROUPS[group],), _NAMES.get(last, last)
    return None, lower


def _dotted(family: str, group: str, last: str) -> tuple[tuple[str, ...], str]:
    if family == "xmp":
        return (f"xmp-{group}",), last
    if family == "exif" and group in _DOTTED:
        return (_DOTTED[group],), _NAMES.get(last, last)
    return _FAMILIES["makernotes" if family == "exif" else family], last
