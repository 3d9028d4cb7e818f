"""Maps: GeoJSON (RFC 7946), KML 2.2, and the `geo.txt` of photogrammetry tools. What has no position has no
place there.

In GeoJSON and KML a file of changes (`all_rows`) also tells, without a geometry, of what was deleted or lost its
position.
"""

import re
from xml.sax.saxutils import escape, quoteattr

from worker.export.columns import chosen
from worker.export.rows import as_json, flat
from worker.model import Value
from worker.outlet import Cells, Column

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DOWN = 90.0
"""From our pitch, 0 at the horizon, to that of OpenDroneMap, 0 straight down."""


class Placed:
    """What the formats of maps have in common: they look for some columns whether or not these were chosen."""

    between = b""

    def __init__(self, columns: tuple[Column, ...], needed: tuple[str, ...], *, all_rows: bool) -> None:
        self.columns = columns + tuple(each for each in chosen(needed) if each not in columns)
        self._places = {each.name: place for place, each in enumerate(self.columns)}
        self._all_rows = all_rows

    def takes(self, cells: Cells) -> bool:
        """Whether there is a position, or all that changed is told."""
        return self._all_rows or self._placed(cells)

    def refuses(self, cells: Cells) -> bool:  # noqa: ARG002 -- the protocol's
        """No."""
        return False

    def _placed(self, cells: Cells) -> bool:
        return self._number(cells, "latitude") is not None and self._number(cells, "longitude") is not None

    def _cell(self, cells: Cells, name: str) -> Value:
        return cells[self._places[name]]

    def _number(self, cells: Cells, name: str) -> float | None:
        value = self._cell(cells, name)
        if isinstance(value, str):  # a tag's number may be written as text
            try:
                return float(value)
            except ValueError:
                return None
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None


class GeoJson(Placed):
    """One FeatureCollection, a feature per line. The altitude is a property only: RFC 7946's third coordinate is a
    height above the ellipsoid, and a file tells the one above the sea."""

    head = b'{"type":"FeatureCollection","features":[\n'
    between = b",\n"
    tail = b"\n]}\n"

    def __init__(self, columns: tuple[Column, ...], *, all_rows: bool = False) -> None:
        super().__init__(columns, ("key", "latitude", "longitude"), all_rows=all_rows)
        self._properties = [(each.name, place) for place, each in enumerate(columns)]

    def row(self, cells: Cells) -> bytes:
        """A feature."""
        point = {"type": "Point", "coordinates": [self._cell(cells, "longitude"), self._cell(cells, "latitude")]}
        return as_json(
            {
                "type": "Feature",
                "id": self._cell(cells, "key"),
                "geometry": point if self._placed(cells) else None,
                "properties": {name: cells[place] for name, place in self._properties if cells[place] is not None},
            }
        )


class Kml(Placed):
    """One Document, a Placemark per row, with the columns as its ExtendedData."""

    head = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>images</name>\n'
    )
    tail = b"</Document></kml>\n"

    def __init__(self, columns: tuple[Column, ...], *, all_rows: bool = False) -> None:
        needed = ("name", "latitude", "longitude", "altitude", "taken_utc")
        super().__init__(columns, needed, all_rows=all_rows)
        self._data = [f"<Data name={quoteattr(each.name)}><value>" for each in columns]

    def row(self, cells: Cells) -> bytes:
        """A Placemark; its order of elements is the schema's."""
        name = str(self._cell(cells, "name") or "").rpartition("/")[2]
        when = self._cell(cells, "taken_utc")
        stamp = f"<TimeStamp><when>{_xml(when)}</when></TimeStamp>" if when else ""
        told = zip(self._data, cells, strict=False)
        data = "".join(f"{begin}{_xml(cell)}</value></Data>" for begin, cell in told if cell is not None)
        about = f"<ExtendedData>{data}</ExtendedData>" if data else ""
        return f"<Placemark><name>{_xml(name)}</name>{stamp}{about}{self._point(cells)}</Placemark>\n".encode()

    def _point(self, cells: Cells) -> str:
        if not self._placed(cells):
            return ""
        place = [self._number(cells, name) for name in ("longitude", "latitude", "altitude")]
        mode = "" if place[2] is None else "<altitudeMode>absolute</altitudeMode>"
        told = ",".join(_decimal(each) for each in place if each is not None)
        return f"<Point>{mode}<coordinates>{told}</coordinates></Point>"


_ANGLES = ("camera_yaw", "camera_pitch", "camera_roll")
_NORTH, _EAST, _HEIGHT = (f"tag:XMP-drone-dji:Rtk{axis}" for axis in ("StdLat", "StdLon", "StdHgt"))


class GeoTxt(Placed):
    """`name longitude latitude [altitude [yaw pitch roll [horizontal accuracy, vertical accuracy]]]`, as OpenDroneMap
    reads it: columns are told apart by their place, so a row ends where the first value is missing.

    Accuracies are there where a receiver with corrections wrote them; unknown angles before them are 0.
    """

    head = b"EPSG:4326\n"
    tail = b""

    def __init__(self) -> None:
        needed = ("name", "latitude", "longitude", "altitude", *_ANGLES, _NORTH, _EAST, _HEIGHT)
        super().__init__((), needed, all_rows=False)

    def refuses(self, cells: Cells) -> bool:
        """Whether the file's name has blanks, which would be taken for the end of it."""
        name = self._name(cells)
        return not name or name.startswith("#") or any(letter.isspace() for letter in name)

    def row(self, cells: Cells) -> bytes:
        """One line."""
        values = [self._number(cells, name) for name in ("longitude", "latitude", "altitude")]
        if values[2] is None:
            del values[2]
        else:
            values += self._attitude(cells)
        return " ".join([self._name(cells), *(_decimal(each) for each in values if each is not None)]).encode() + b"\n"

    def _name(self, cells: Cells) -> str:
        return str(self._cell(cells, "name") or "").rpartition("/")[2]

    def _attitude(self, cells: Cells) -> list[float | None]:
        yaw, pitch, roll = (self._number(cells, name) for name in _ANGLES)
        north, east, height = (self._number(cells, name) for name in (_NORTH, _EAST, _HEIGHT))
        angles: list[float | None] = []
        if yaw is not None and pitch is not None and roll is not None:
            angles = [yaw, pitch + _DOWN, roll]
        if north is not None and east is not None and height is not None:
            return [*(angles or (0.0, 0.0, 0.0)), max(north, east), height]
        return angles


def _xml(value: Value) -> str:
    if isinstance(value, int | float):
        return str(flat(value))
    return escape(_NO_XML.sub("\ufffd", str(flat(value, raw=True))))


def _decimal(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")
