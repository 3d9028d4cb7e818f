"""A drone's attitude, from the schemas of its makers to one: degrees, yaw from north, pitch up positive.

A camera that looks straight down has pitch -90. Old Autel firmware counts camera pitch from there (0 is down, 90 the
horizon, as Pix4D does); it is turned into the common form.
"""

from worker.extract.lookup import Sources, Tags, as_number, first, number_of, text_of
from worker.model import Pose

_AXES = ("yaw", "pitch", "roll")


def _named(template: str) -> tuple[str, ...]:
    return tuple(template.format(axis.title()) for axis in _AXES)


_CAMERA = (
    _named("XMP-drone-dji:Gimbal{}Degree"),
    _named("XMP-drone:Gimbal{}Degree"),
    _named("XMP-drone-parrot:Camera{}Degree"),
    _named("XMP-Camera:{}"),
    _named("MakerNotes:Camera{}"),
)
_CRAFT = (
    _named("XMP-drone-dji:Flight{}Degree"),
    _named("XMP-drone:Flight{}Degree"),
    _named("XMP-drone-parrot:Drone{}Degree"),
    _named("XMP-FLIR:MAV{}"),
    _named("MakerNotes:{}"),
)
_CAMERA_STRUCTURE = "XMP-drone-skydio:CameraOrientationNED"
_CRAFT_STRUCTURE = "XMP-drone-skydio:VehicleOrientationNED"
_RELATIVE_ALTITUDE = (
    "XMP-drone-dji:RelativeAltitude",
    "XMP-drone:RelativeAltitude",
    "XMP-drone-skydio:RelativeAltitude",
    "XMP-drone-parrot:RelativeAltitude",
    "XMP-FLIR:MAVRelativeAltitude",
)
_ALL = frozenset(
    (_CAMERA_STRUCTURE, _CRAFT_STRUCTURE, *_RELATIVE_ALTITUDE, *(name for names in _CAMERA + _CRAFT for name in names))
)
_DOWN_IS_ZERO = "XMP-Camera:Pitch"

Angles = tuple[float | None, float | None, float | None]
_UNKNOWN: Angles = (None, None, None)


def pose(tags: Tags) -> tuple[Pose | None, Sources]:
    """The attitude of camera and craft, and the tags they came from; None if nothing is known.

    The three angles of one body come from one maker's schema, never mixed.
    """
    sources: Sources = {}
    if _ALL.isdisjoint(tags):
        return None, sources
    camera = _angles(tags, _CAMERA, _CAMERA_STRUCTURE, "camera", sources)
    craft = _angles(tags, _CRAFT, _CRAFT_STRUCTURE, "craft", sources)
    height = first(tags, _RELATIVE_ALTITUDE, number_of)
    if height:
        sources["pose.relative_altitude"] = height[1]
    if not sources:
        return None, sources
    return Pose(*_from_horizon(tags, camera, sources), *craft, height[0] if height else None), sources


def _angles(tags: Tags, schemas: tuple[tuple[str, ...], ...], structure: str, body: str, sources: Sources) -> Angles:
    for names in schemas:
        if names[0] in tags or names[1] in tags or names[2] in tags:
            yaw, pitch, roll = (number_of(tags, name) for name in names)
            if (yaw, pitch, roll) != _UNKNOWN:
                sources.update(_told(body, (yaw, pitch, roll), names))
                return yaw, pitch, roll
    fields = tags[structure].value if structure in tags else None
    if isinstance(fields, dict):
        yaw, pitch, roll = (as_number(fields.get(axis.title())) for axis in _AXES)
        sources.update(_told(body, (yaw, pitch, roll), (structure,) * 3))
        return yaw, pitch, roll
    return _UNKNOWN


def _told(body: str, angles: Angles, names: tuple[str, ...]) -> Sources:
    """The sources of those angles that are known."""
    known = zip(_AXES, angles, names, strict=True)
    return {f"pose.{body}_{axis}": name for axis, angle, name in known if angle is not None}


def _from_horizon(tags: Tags, camera: Angles, sources: Sources) -> Angles:
    yaw, pitch, roll = camera
    autel = (text_of(tags, "IFD0:Make") or "").lower().startswith("autel")
    if pitch is not None and autel and sources["pose.camera_pitch"] == _DOWN_IS_ZERO:
        pitch -= 90
    return yaw, pitch, roll
