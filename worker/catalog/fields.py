"""What can be asked for: each field's name, where a document has it, and what may be asked of it.

The table in docs/search.md is made from this one.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a field holds, and so how it is asked for."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    FLAG = "flag"
    PLACE = "place"
    """A circle or a box on the globe."""
    SCOPE = "scope"
    """`gs://bucket/prefix`"""
    PRESENCE = "presence"
    """Whether a document has a field."""


class Operator(StrEnum):
    """How a document's value must stand to the query's."""

    IS = "="
    """One of the values; a date stands for the whole day, month or year."""
    BEGINS = "*"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    BETWEEN = ".."
    """From the first value to the second, both included."""
    NEAR = "near"
    """Values: latitude and longitude of the middle, radius in metres."""
    BOX = "box"
    """Values: south, west, north, east; where west is the larger, the box crosses the date line."""
    WITHIN = "in"
    """Values: bucket, prefix of the name."""
    HAS = "has"
    """There is a value."""
    WORDS = "words"
    """All of these words, in any order, somewhere in the document's words."""


class Clock(StrEnum):
    """What the times of a field are."""

    UTC = "utc"
    """Moments. A query's time without an offset is UTC."""
    CAMERA = "camera"
    """What the clock in the camera showed: ISO 8601 text without an offset."""


ORDERED = (Operator.IS, Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST, Operator.BETWEEN)

OPERATORS: dict[Kind, tuple[Operator, ...]] = {
    Kind.TEXT: (Operator.IS, Operator.BEGINS),
    Kind.NUMBER: ORDERED,
    Kind.TIME: ORDERED,
    Kind.FLAG: (Operator.IS,),
    Kind.PLACE: (Operator.NEAR, Operator.BOX),
    Kind.SCOPE: (Operator.WITHIN,),
    Kind.PRESENCE: (Operator.HAS,),
}

_SIZES = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30, "b": 1.0}


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    `path` is where a document has the value, dotted; empty for a field that is a way to ask rather than a value. A
    `folded` text is compared without regard to case and accents. `units` are what may stand behind a number, and its
    factor. `choices` are all values there are. `also` are other names of the field.
    """

    name: str
    path: str
    kind: Kind
    help: str
    folded: bool = False
    units: tuple[tuple[str, float], ...] = ()
    choices: tuple[str, ...] = ()
    clock: Clock = Clock.UTC
    also: tuple[str, ...] = ()

    @property
    def operators(self) -> tuple[Operator, ...]:
        """What may be asked of it."""
        return OPERATORS[self.kind]


def _text(name: str, path: str, meaning: str, also: tuple[str, ...] = ()) -> Field:
    return Field(name, path, Kind.TEXT, meaning, folded=True, also=also)


def _exact(name: str, path: str, meaning: str) -> Field:
    return Field(name, path, Kind.TEXT, meaning)


def _number(name: str, path: str, meaning: str, *units: str, also: tuple[str, ...] = ()) -> Field:
    return Field(name, path, Kind.NUMBER, meaning, units=tuple((unit, 1.0) for unit in units), also=also)


_STATUSES = ("ok", "partial", "none", "failed", "deleted")

FIELDS: tuple[Field, ...] = (
    # the picture
    _text("make", "camera.make", "the camera's maker"),
    _text("model", "camera.model", "the camera's model"),
    _text("camera", "search.camera", 'maker and model together, as `camera:"Canon EOS R6"`'),
    _text("lens", "camera.lens", "the lens"),
    _number("iso", "exposure.iso", "the sensitivity"),
    _number("f", "exposure.f_number", "the aperture's f-number", also=("aperture",)),
    _number("exposure", "exposure.exposure_time", "the exposure time in seconds, as `1/250`", "s", also=("shutter",)),
    _number("focal", "exposure.focal_length", "the focal length in millimetres", "mm"),
    Field("taken", "taken.local", Kind.TIME, "when it was taken, by the camera's own clock", clock=Clock.CAMERA),
    Field("near", "", Kind.PLACE, "in a circle: `latitude,longitude,radius`, the radius in `m`, `km` or `mi`"),
    Field("box", "", Kind.PLACE, "in a rectangle: `south,west,north,east`"),
    _number("alt", "position.altitude", "the altitude in metres above the sea", "m", also=("altitude",)),
    _text("format", "image.format", "the image format, as `heic`"),
    _number("width", "image.width", "pixels, as displayed"),
    _number("height", "image.height", "pixels, as displayed"),
    Field(
        "size",
        "size",
        Kind.NUMBER,
        "the file's bytes; `kB`, `MB`, `GB`, `KiB`, `MiB`, `GiB` may follow",
        units=tuple(_SIZES.items()),
    ),
    _number("orientation", "image.orientation", "the orientation that the file states, 1 to 8"),
    _number("rating", "text.rating", "the rating, -1 to 5"),
    _text("keyword", "text.keywords", "one of the keywords", ("keywords",)),
    _text("title", "text.title", "the whole title"),
    _text("creator", "text.creator", "one of the creators"),
    _text("copyright", "text.copyright", "the whole copyright notice"),
    # any field
    Field("has", "", Kind.PRESENCE, "has a value of this field, or a `position`, `failure` or `pose`"),
    # the object
    Field("in", "", Kind.SCOPE, "in a bucket, below a prefix: `gs://bucket/prefix`"),
    _exact("bucket", "bucket", "the bucket"),
    _exact("name", "name", "the object's whole name"),
    Field("uploaded", "created", Kind.TIME, "when this generation of the object was made"),
    Field("event", "event_time", Kind.TIME, "when what the document tells of happened"),
    # how it fared
    Field("status", "status", Kind.TEXT, ", ".join(f"`{each}`" for each in _STATUSES), choices=_STATUSES),
    Field("truncated", "truncated", Kind.FLAG, "the reading budget ended before the metadata did"),
    _exact("code", "failure.code", "the failure's code"),
    _exact("stage", "failure.stage", "where it failed"),
    _exact("fingerprint", "failure.fingerprint", "the failure's fingerprint, shared by failures that are alike"),
    _number("redrives", "failure.redrives", "how often the failure was sent through again"),
    Field("quarantined", "quarantined", Kind.FLAG, "set aside, not to be read again"),
    Field("processed", "processed_at", Kind.TIME, "when the document was made"),
    _exact("extractor", "extractor", "the version of the extraction rules"),
    _exact("recipe", "recipe", "the recipe that made the document"),
    _number("passes", "passes", "how often the object was processed"),
    _exact("run", "run", "the run that made the document"),
    _exact("worker", "worker", "the worker that made the document"),
)

BY_NAME: dict[str, Field] = {name: field for field in FIELDS for name in (field.name, *field.also)}

PRESENT: dict[str, str] = {field.name: field.path for field in FIELDS if field.path} | {
    "position": "position.latitude",
    "failure": "failure.code",
    "pose": "pose",
}
"""What `has:` takes, and the path that must be there."""

ALSO_PRESENT = {"gps": "position"} | {other: field.name for field in FIELDS for other in field.also}

WORDS = Field("words", "search.words", Kind.TEXT, "words, in any of the texts")
"""What stands in a query without a field."""
TAG = Field("tag", "tags", Kind.TEXT, 'any tag: `tag:"XMP:Rating">=3`, `tag:IFD0:Make=Sony`, `tag:GPS:GPSLatitude`')
