"""Pictures on a map, as many as a screen can hold: those of one cell of a grid are one cluster."""

from dataclasses import dataclass
from time import monotonic

from worker.catalog.fields import BY_NAME, Operator
from worker.catalog.places import Box
from worker.catalog.query import Query, Term, parse
from worker.ports import Catalog
from worker.web.privacy import cells, permitted, seen
from worker.web.viewer import Precision

WORLD: Box = (-90.0, -180.0, 90.0, 180.0)
DEEPEST = 22
MOST_CELLS = 4000
"""More than a map shows well; where there are more, cells are doubled. It bounds memory."""
SECONDS = 15.0
"""After which a map has what was found so far."""
_CELLS_PER_TILE = 4
_LOOKED_AT_ONCE = 1024
_FIELDS = ("position.latitude", "position.longitude")


@dataclass(slots=True)
class Cluster:
    """Pictures that are close together: how many, their middle, the box that holds them, and the key of one."""

    key: str
    count: int
    latitude: float
    """The sum, until the cluster is finished."""
    longitude: float
    south: float
    west: float
    north: float
    east: float

    def take(self, other: "Cluster") -> None:
        """Have another's pictures too."""
        self.count += other.count
        self.latitude += other.latitude
        self.longitude += other.longitude
        self.south, self.north = min(self.south, other.south), max(self.north, other.north)
        self.west, self.east = min(self.west, other.west), max(self.east, other.east)


@dataclass(frozen=True, slots=True)
class Map:
    """The clusters, the largest first, how many pictures are in them, and whether those are all that match."""

    clusters: list[Cluster]
    count: int
    complete: bool


def clusters(catalog: Catalog, query: Query, box: Box, zoom: int, precision: Precision) -> Map:
    """What matches in a box of a map, which at zoom 0 is the whole world in 256 pixels.

    Who sees positions rounded gets clusters of rounded positions. Raises Forbidden for whom they are hidden, QueryError
    for what may not be asked.
    """
    box = cells(box, precision)
    inside = Term(BY_NAME["box"], Operator.BOX, box) if box != WORLD else parse("has:position").terms[0]
    asked = Query((*permitted(query, precision).terms, inside))
    grid, until = _Grid(360 / 2**zoom / _CELLS_PER_TILE), monotonic() + SECONDS
    complete = True
    for number, (key, fields) in enumerate(catalog.stream(asked, _FIELDS)):
        position = fields.get("position")
        if isinstance(position, dict):
            latitude, longitude = position.get("latitude"), position.get("longitude")
            if isinstance(latitude, int | float) and isinstance(longitude, int | float):
                grid.add(key, seen(latitude, precision), seen(longitude, precision))
        if number % _LOOKED_AT_ONCE == 0 and monotonic() > until:
            complete = False
            break
    found = grid.finished()
    return Map(found, sum(each.count for each in found), complete)


class _Grid:
    """Cells of so many degrees, each with its cluster."""

    def __init__(self, degrees: float) -> None:
        self._degrees = degrees
        self._found: dict[tuple[int, int], Cluster] = {}

    def add(self, key: str, latitude: float, longitude: float) -> None:
        """One picture more."""
        cell = int((latitude + 90) / self._degrees), int((longitude + 180) / self._degrees)
        known = self._found.get(cell)
        if known is None:
            self._found[cell] = Cluster(key, 1, latitude, longitude, latitude, longitude, latitude, longitude)
            if len(self._found) > MOST_CELLS:
                self._coarsen()
            return
        known.count += 1
        known.latitude += latitude
        known.longitude += longitude
        if latitude < known.south:
            known.south = latitude
        elif latitude > known.north:
            known.north = latitude
        if longitude < known.west:
            known.west = longitude
        elif longitude > known.east:
            known.east = longitude

    def finished(self) -> list[Cluster]:
        """The clusters, the largest first."""
        for each in self._found.values():
            each.latitude /= each.count
            each.longitude /= each.count
        return sorted(self._found.values(), key=lambda each: (-each.count, each.key))

    def _coarsen(self) -> None:
        self._degrees *= 2
        finer, self._found = self._found, {}
        for (row, column), cluster in finer.items():
            cell = row // 2, column // 2
            if known := self._found.get(cell):
                known.take(cluster)
            else:
                self._found[cell] = cluster
