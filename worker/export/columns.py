"""The table of columns, for every format: names, where the value is in a document, and what it is.

docs/export.md shows this table. A document's maps become columns of their own parts; what is open-ended is one column
of JSON; a tag is a column on demand.
"""

import difflib
from collections.abc import Sequence

from worker.errors import Misconfigured
from worker.outlet import Column, Kind

KEY = Column("key", "", Kind.TEXT, "the document's id: what rows of several parts have in common")
TAG = "tag:"
"""What a column's name begins with that is one tag's value, as `tag:IFD0:Make`."""


def _of(kind: Kind, *rows: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(name, path, kind, meaning) for name, path, meaning in rows)


def _below(parent: str, kind: Kind, *names: str, prefix: str = "") -> tuple[Column, ...]:
    """Columns called as the fields of a map are."""
    return tuple(Column(f"{prefix}{name}", f"{parent}.{name}", kind) for name in names)


TABLE: tuple[Column, ...] = (
    KEY,
    *_of(
        Kind.TEXT,
        ("bucket", "bucket", "the object's bucket"),
        ("name", "name", "the object's name"),
        ("uri", "uri", "`gs://bucket/name`"),
    ),
    *_of(
        Kind.INTEGER,
        ("generation", "generation", "which version of the object"),
        ("metageneration", "metageneration", ""),
        ("size", "size", "bytes"),
    ),
    *_of(
        Kind.TEXT,
        ("content_type", "content_type", ""),
        ("crc32c", "crc32c", "base64"),
        ("md5", "md5", "base64"),
        ("storage_class", "storage_class", ""),
    ),
    *_of(
        Kind.TIME,
        ("created", "created", "when this generation was made"),
        ("updated", "updated", "when its metadata last changed"),
    ),
    Column("custom", "custom", Kind.JSON, "the uploader's own metadata"),
    *_of(
        Kind.TEXT,
        ("status", "status", "`ok`, `partial`, `none`, `failed`; in changes also `deleted` and `unmatched`"),
    ),
    *_of(
        Kind.TIME,
        ("deleted_at", "deleted_at", "when the object went, of a deleted one"),
        ("event_time", "event_time", "when what the document tells of happened"),
        ("processed_at", "processed_at", "when the document was made"),
        ("patched_at", "patched_at", "when the bucket's facts in it last changed"),
        ("redriven_at", "redriven_at", "when an operator last sent its object through again"),
    ),
    # the picture
    *_of(Kind.TEXT, ("format", "image.format", "JPEG, HEIF, ..."), ("mime", "image.mime", "")),
    *_of(
        Kind.INTEGER,
        ("width", "image.width", "pixels, as displayed"),
        ("height", "image.height", "pixels, as displayed"),
        ("orientation", "image.orientation", "1 to 8, as the file states it"),
        ("bit_depth", "image.bit_depth", ""),
    ),
    *_below("image", Kind.TEXT, "color_space", "icc_profile"),
    *_below("image", Kind.INTEGER, "frames"),
    *_below("image", Kind.TEXT, "live_photo_id"),
    *_below("image", Kind.FLAG, "motion_photo"),
    # when
    *_of(
        Kind.TEXT,
        ("taken", "taken.local taken.offset", "the camera's clock and, where known, its offset"),
        ("taken_local", "taken.local", "the clock alone, as far as it is known: `2019`, `2019-05-01T10:20:05`"),
        ("taken_offset", "taken.offset", "`+hh:mm`"),
    ),
    Column("taken_utc", "taken.utc", Kind.TIME, "the moment, only where an offset is known"),
    *_below("taken", Kind.TEXT, "precision", "confidence", "source", prefix="taken_"),
    Column("taken_alternatives", "taken.alternatives", Kind.JSON, "other clocks that disagree"),
    # where
    *_of(
        Kind.NUMBER,
        ("latitude", "position.latitude", "degrees, north positive"),
        ("longitude", "position.longitude", "degrees, east positive"),
        ("altitude", "position.altitude", "metres above the sea"),
        ("accuracy", "position.accuracy", "metres, horizontal"),
    ),
    *_below("position", Kind.TEXT, "geohash"),
    *_below("position", Kind.TEXT, "source", prefix="position_"),
    *_below("position", Kind.LIST, "flags", prefix="position_"),
    # with what, and how
    *_of(
        Kind.TEXT,
        ("make", "camera.make", "the camera's maker, tidied"),
        ("model", "camera.model", "the camera's model, tidied"),
        ("lens", "camera.lens", ""),
        ("body_serial", "camera.body_serial", ""),
        ("lens_serial", "camera.lens_serial", ""),
    ),
    Column("iso", "exposure.iso", Kind.INTEGER, "the sensitivity"),
    *_of(
        Kind.NUMBER,
        ("f_number", "exposure.f_number", ""),
        ("exposure_time", "exposure.exposure_time", "seconds"),
        ("exposure_bias", "exposure.exposure_bias", "EV"),
        ("focal_length", "exposure.focal_length", "millimetres"),
        ("focal_length_35mm", "exposure.focal_length_35mm", "millimetres"),
        ("subject_distance", "exposure.subject_distance", "metres"),
    ),
    *_below("exposure", Kind.TEXT, "flash"),
    *_below("exposure", Kind.FLAG, "flash_fired"),
    *_below("exposure", Kind.TEXT, "metering", "program", "white_balance"),
    *_below("pose", Kind.NUMBER, "camera_yaw", "camera_pitch", "camera_roll", "craft_yaw", "craft_pitch", "craft_roll"),
    Column("relative_altitude", "pose.relative_altitude", Kind.NUMBER, "a drone's metres above its start"),
    # what people wrote
    *_of(
        Kind.TEXT,
        ("title", "text.title", ""),
        ("description", "text.description", "whole, however long"),
        ("copyright", "text.copyright", ""),
    ),
    *_of(Kind.LIST, ("keywords", "text.keywords", ""), ("creator", "text.creator", "")),
    Column("rating", "text.rating", Kind.NUMBER, "-1 to 5"),
    # how it fared
    *_of(Kind.FLAG, ("truncated", "truncated", "the reading budget ended before the metadata did")),
    Column("quarantined", "quarantined", Kind.FLAG, "its object is left alone"),
    Column("blocks", "blocks", Kind.JSON, "how each block of metadata fared"),
    Column("errors", "errors", Kind.JSON, "what went wrong"),
    *_below("failure", Kind.TEXT, "code", "stage", "frame", "fingerprint", "message", prefix="failure_"),
    *_below("failure", Kind.INTEGER, "redrives", prefix="failure_"),
    *_below("failure", Kind.TIME, "at", prefix="failure_"),
    *(Column(name, name, Kind.JSON) for name in ("attempts", "timings", "notification")),
    Column("first_bytes", "first_bytes", Kind.TEXT, "of a failed document's object, in hex"),
    *(Column(name, name, Kind.TEXT) for name in ("extractor", "recipe", "worker", "run")),
    *(Column(name, name, Kind.INTEGER) for name in ("passes", "attempt", "bytes_read")),
    *_below("sidecar", Kind.TEXT, "name", prefix="sidecar_"),
    *_below("sidecar", Kind.INTEGER, "generation", prefix="sidecar_"),
    Column("sources", "sources", Kind.JSON, "which tag each value came from"),
    Column("dropped", "dropped", Kind.JSON, "what did not fit into the document"),
)
"""All that a document may hold, but for its tags, and what the store keeps for searches (`search`, `long_texts`)."""

TAGS = Column("tags", "tags", Kind.JSON, "all tags")

DEFAULT = (
    *("key", "bucket", "name", "uri", "generation", "status"),
    *("taken", "taken_utc", "latitude", "longitude", "altitude"),
    *("make", "model", "lens", "iso", "f_number", "exposure_time", "focal_length"),
    *("format", "width", "height", "orientation", "size"),
    *("title", "description", "keywords", "creator", "copyright", "rating"),
    *("created", "processed_at", "patched_at", "deleted_at", "failure_code"),
)
"""What an export holds where nobody chooses."""

_BY_NAME = {column.name: column for column in (*TABLE, TAGS)}
_BY_PATH = {column.path: column for column in TABLE if column.path}
_ALL = "all"


def column(name: str) -> Column:
    """A column by its name, by its value's path in a document, or `tag:Group:Name`. Raises Misconfigured."""
    if found := _BY_NAME.get(name) or _BY_PATH.get(name):
        return found
    if name.startswith(TAG) and len(name) > len(TAG):
        return Column(name, f"tags\0{name.removeprefix(TAG)}\0value", Kind.ANY, "one tag's value")
    close = [] if name == TAG else difflib.get_close_matches(name, [*_BY_NAME, *_BY_PATH], 1)
    hint = f"did you mean {close[0]}?" if close else "docs/export.md lists them; a tag is written tag:IFD0:Make"
    raise Misconfigured(f"there is no column {name!r}: {hint}")


def chosen(names: Sequence[str] = DEFAULT) -> tuple[Column, ...]:
    """The columns of these names, each once; `all` stands for the whole table. Raises Misconfigured."""
    found: dict[str, Column] = {}
    for name in names:
        for each in TABLE if name == _ALL else (column(name),):
            found.setdefault(each.name, each)
    if not found:
        raise Misconfigured("no columns were named: write --columns name,make,taken or leave it out")
    return tuple(found.values())


OF_EXTRACT: tuple[Column, ...] = (
    Column("file", "file", Kind.TEXT),
    *chosen(("status", "format", "width", "height", "orientation", "size", "taken", "taken_utc")),
    *chosen(("latitude", "longitude", "altitude", "make", "model", "lens")),
    *chosen(("iso", "f_number", "exposure_time", "focal_length")),
    *chosen(("title", "description", "keywords", "creator", "copyright", "rating")),
    Column("error_code", "error.code", Kind.TEXT),
    Column("error_message", "error.message", Kind.TEXT),
)
"""The columns of `imagemeta extract --format csv`: a file is no object, and has no document yet."""
