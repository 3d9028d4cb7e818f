"""Where a picture was taken: one position, its source, and what is odd about it.

Nothing is guessed: undefined, impossible and 0/0 positions are left out, with a flag that says why. True points on
the equator or the prime meridian stay. docs/positions.md has the rules as tables.
"""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from worker import geohash
from worker.extract.lookup import SIDECAR, Tags, as_number, first, number_of, text_of
from worker.extract.xmp_schema import typed
from worker.model import Position, TagValue

FAR = 100.0
"""Metres beyond which the positions of EXIF and XMP are said to differ."""
_LOWEST, _HIGHEST = -12_000.0, 100_000.0
"""Metres; an altitude beyond is a number that went wrong, not a place of a camera."""
_EARTH = 6_371_008.8

_ACCURACY = ("GPS:GPSHPositioningError", "XMP-exif:GPSHPositioningError", "XMP-Camera:GPSXYAccuracy")
_WGS84 = ("WGS-84", "WGS84", "WGS 84", "WGS-1984", "WGS 1984")


class _Point(NamedTuple):
    """A position as one block of the file states it; latitude and longitude are there together or not at all."""

    source: str
    latitude: float | None
    longitude: float | None
    altitude: float | None
    flags: tuple[str, ...]


def position(tags: Tags) -> Position | None:
    """Where the picture was taken; None if the file says nothing about it."""
    if _COORDINATES.isdisjoint(tags):
        return None
    points = [point for point in _points(tags) if point is not None]
    if not points:
        return None
    best = next((point for point in points if point.latitude is not None), points[0])
    flags = [*best.flags, *_disagreement(points)]
    if text_of(tags, "GPS:GPSStatus") == "V":
        flags.append("void")
    if (datum := text_of(tags, "GPS:GPSMapDatum")) and not datum.upper().startswith(_WGS84):
        flags.append("other_datum")
    altitude = best.altitude
    if altitude is None:
        altitude = next((point.altitude for point in points if point.altitude is not None), None)
    accuracy = first(tags, _ACCURACY, number_of)
    return Position(
        source=best.source,
        latitude=best.latitude,
        longitude=best.longitude,
        altitude=altitude,
        accuracy=accuracy[0] if accuracy and accuracy[0] > 0 else None,
        geohash=_geohash(best),
        flags=tuple(dict.fromkeys(flags)),
    )


def _geohash(point: _Point) -> str | None:
    if point.latitude is None or point.longitude is None:
        return None
    return geohash.encode(point.latitude, point.longitude)


def _points(tags: Tags) -> Iterator[_Point | None]:
    """The positions that the blocks state, in the order in which they count."""
    xmp = "XMP-exif:GPSLatitude"
    edited = xmp in tags and tags[xmp].type == SIDECAR
    if edited:
        yield _xmp(tags)
    yield _exif(tags)
    if not edited:
        yield _xmp(tags)
    for names in _DRONES:
        if names[0] in tags:
            yield _drone(tags, *names)


# --- EXIF and XMP ------------------------------------------------------------------------------------------


class _Coordinate(NamedTuple):
    """Degrees, north and east positive, or None and the reason."""

    degrees: float | None
    flag: str | None = None


def _exif(tags: Tags) -> _Point | None:
    if "GPS:GPSLatitude" not in tags and "GPS:GPSLongitude" not in tags:
        return None
    latitude = _signed(tags, "GPS:GPSLatitude", "NS")
    longitude = _signed(tags, "GPS:GPSLongitude", "EW")
    return _point("GPS:GPSLatitude", latitude, longitude, _altitude(tags, "GPS:"))


def _xmp(tags: Tags) -> _Point | None:
    if "XMP-exif:GPSLatitude" not in tags and "XMP-exif:GPSLongitude" not in tags:
        return None
    latitude = _signed(tags, "XMP-exif:GPSLatitude", "NS")
    longitude = _signed(tags, "XMP-exif:GPSLongitude", "EW")
    return _point("XMP-exif:GPSLatitude", latitude, longitude, _altitude(tags, "XMP-exif:"))


def _signed(tags: Tags, name: str, letters: str) -> _Coordinate:
    """A coordinate from its value and its hemisphere, which is a letter in the text, in the Ref tag, or a sign.

    A sign that contradicts the letter wins, flagged: it comes from software that writes every Ref as N or E.
    """
    tag = tags.get(name)
    if tag is None:
        return _Coordinate(None, "incomplete")
    degrees, letter = _degrees(tag.value)
    if degrees is None:
        return _Coordinate(None, "undefined")
    ref = (text_of(tags, f"{name}Ref") or "").upper()[:1]
    letter = letter or ref
    if letter not in tuple(letters):
        return _Coordinate(degrees if degrees < 0 else None, "ref_missing")
    if degrees < 0:
        return _Coordinate(degrees, None if letter == letters[1] else "sign_conflict")
    flag = "sign_conflict" if ref in tuple(letters) and ref != letter else None
    return _Coordinate(-degrees if letter == letters[1] else degrees, flag)


_XMP_COORDINATE = re.compile(
    r"\s*([+-]?\d{1,3}),(\d{1,3}(?:\.\d{0,20})?)(?:,(\d{1,3}(?:\.\d{0,20})?))?\s*([NSEWnsew])?\s*"
)


def _degrees(value: TagValue) -> tuple[float | None, str]:
    """Degrees, and the letter of the hemisphere if it stands with them.

    From degrees, minutes and seconds in a list or in the text `48/1 8/1 31/1`, from `48,8.52N`, or from one number.
    """
    letter = ""
    if isinstance(value, str):
        match = _XMP_COORDINATE.fullmatch(value)
        if match:
            letter = (match[4] or "").upper()
            parts: list[TagValue] = [match[1], match[2], match[3] or "0"]
        else:
            text = value.strip().upper()
            letter = text[-1:] if text[-1:] in tuple("NSEW") else ""
            parts = [typed(part, "number") for part in text.rstrip("NSEW ").split()]
    else:
        parts = value if isinstance(value, list) else [value]
    numbers = [as_number(part) for part in parts]
    if not 1 <= len(numbers) <= 3 or None in numbers:
        return None, letter
    return _sexagesimal([number for number in numbers if number is not None]), letter


def _sexagesimal(parts: list[float]) -> float:
    """Degrees from degrees, minutes and seconds; the sign is that of the degrees, also of -0."""
    size = sum(abs(part) / 60**power for power, part in enumerate(parts))
    return math.copysign(size, parts[0])


def _point(source: str, latitude: _Coordinate, longitude: _Coordinate, altitude: _Coordinate) -> _Point:
    """The point, without coordinates where either is missing, where they are no place, or where both are 0."""
    flags = [part.flag for part in (latitude, longitude, altitude) if part.flag]
    north, east = latitude.degrees, longitude.degrees
    if north is None or east is None:
        return _Point(source, None, None, altitude.degrees, tuple(flags))
    if abs(north) > 90 or abs(east) > 180:
        return _Point(source, None, None, altitude.degrees, (*flags, "out_of_range"))
    if north == 0 and east == 0:
        return _Point(source, None, None, None, (*flags, "zero_zero"))
    return _Point(source, north, east, altitude.degrees, tuple(flags))


def _altitude(tags: Tags, prefix: str) -> _Coordinate:
    """Metres above sea level, or above the ellipsoid; references 1 and 3 are below (Exif 3.0, 4.6.7.1.6)."""
    metres = number_of(tags, f"{prefix}GPSAltitude")
    if metres is None:
        return _Coordinate(None)
    if number_of(tags, f"{prefix}GPSAltitudeRef") in (1, 3):
        metres = -abs(metres)
    return _plausible(metres)


def _plausible(metres: float) -> _Coordinate:
    metres = metres or 0.0  # never -0.0, which prints as a depth
    return _Coordinate(metres) if _LOWEST <= metres <= _HIGHEST else _Coordinate(None, "altitude_out_of_range")


# --- drones ------------------------------------------------------------------------------------------------

_DRONES = (
    ("XMP-drone-dji:GpsLatitude", "XMP-drone-dji:GpsLongitude", "XMP-drone-dji:AbsoluteAltitude"),
    ("XMP-drone-dji:GpsLatitude", "XMP-drone-dji:GpsLongtitude", "XMP-drone-dji:AbsoluteAltitude"),
    ("XMP-drone-dji:GPSLatitude", "XMP-drone-dji:GPSLongitude", "XMP-drone-dji:AbsoluteAltitude"),
    ("XMP-drone-dji:GPSLatitude", "XMP-drone-dji:GPSLongtitude", "XMP-drone-dji:AbsoluteAltitude"),
    ("XMP-drone-dji:Latitude", "XMP-drone-dji:Longitude", "XMP-drone-dji:AbsoluteAltitude"),
    ("XMP-drone:GpsLatitude", "XMP-drone:GpsLongitude", "XMP-drone:AbsoluteAltitude"),
    ("XMP-drone-skydio:Latitude", "XMP-drone-skydio:Longitude", "XMP-drone-skydio:AbsoluteAltitude"),
)
"""Decimal degrees with a sign; the makers' own spelling changes with the firmware (`Longtitude`)."""

_COORDINATES = {"GPS:GPSLatitude", "GPS:GPSLongitude", "XMP-exif:GPSLatitude", "XMP-exif:GPSLongitude"}
_COORDINATES.update(latitude for latitude, _, _ in _DRONES)
"""The tags without any of which nothing is said about the place."""


def _drone(tags: Tags, latitude: str, longitude: str, altitude: str) -> _Point | None:
    north, east = number_of(tags, latitude), number_of(tags, longitude)
    if north is None or east is None:
        return None
    metres = number_of(tags, altitude)
    height = _Coordinate(None) if metres is None else _plausible(metres)
    return _point(latitude, _Coordinate(north), _Coordinate(east), height)


# --- disagreement ------------------------------------------------------------------------------------------


def _disagreement(points: list[_Point]) -> Iterator[str]:
    """Flags where the block of EXIF and one of XMP put the picture at different places."""
    exif = next((point for point in points if point.source.startswith("GPS:")), None)
    if exif is None or exif.latitude is None or exif.longitude is None:
        return
    for point in points:
        if point is exif or point.latitude is None or point.longitude is None:
            continue
        if _metres(exif.latitude, exif.longitude, point.latitude, point.longitude) > FAR:
            yield "exif_xmp_differ"
            mirrored = _metres(*map(abs, (exif.latitude, exif.longitude, point.latitude, point.longitude)))
            if mirrored <= FAR:
                yield "sign_conflict"


def _metres(north: float, east: float, other_north: float, other_east: float) -> float:
    """The distance on the sphere, by the haversine."""
    a, b = math.radians(north), math.radians(other_north)
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(other_east - east) / 2) ** 2
    return 2 * _EARTH * math.asin(math.sqrt(min(half, 1.0)))
