"""Circles and boxes on the globe."""

import math

from worker.catalog.fields import Operator
from worker.catalog.query import Term
from worker.catalog.values import EARTH

Box = tuple[float, float, float, float]
"""South, west, north, east in degrees; the west is not beyond the east."""


def boxes_of(term: Term) -> tuple[Box, ...]:
    """The boxes that hold all that a term about places asks for: one, or two where the date line lies between."""
    numbers = [float(value) for value in term.values if isinstance(value, float)]
    if term.operator is Operator.BOX:
        south, west, north, east = numbers
        return _split(south, west, north, east)
    return _around(*numbers)


def metres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The way between two places, over the globe as a sphere (the haversine formula)."""
    here, there = math.radians(latitude), math.radians(other_latitude)
    east = math.radians(other_longitude - longitude)
    half = math.sin((there - here) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(east / 2) ** 2
    return 2 * EARTH * math.asin(math.sqrt(min(1.0, half)))


def _around(latitude: float, longitude: float, radius: float) -> tuple[Box, ...]:
    """The box around a circle; a little more, so that no rounding cuts the edge off."""
    angle = radius / EARTH + 1e-9
    south, north = latitude - math.degrees(angle), latitude + math.degrees(angle)
    if south <= -90 or north >= 90:  # a pole lies in it, and all meridians meet there
        return ((max(south, -90.0), -180.0, min(north, 90.0), 180.0),)
    aside = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(latitude)))))
    return _split(south, _wrapped(longitude - aside), north, _wrapped(longitude + aside))


def _split(south: float, west: float, north: float, east: float) -> tuple[Box, ...]:
    if west <= east:
        return ((south, west, north, east),)
    return ((south, west, north, 180.0), (south, -180.0, north, east))


def _wrapped(longitude: float) -> float:
    return (longitude + 180) % 360 - 180 if abs(longitude) > 180 else longitude
