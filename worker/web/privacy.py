"""How exactly a viewer may know where pictures were taken: the one place that decides, for whatever is asked or shown.

Whoever may not see exact positions gets every value through `shown` and asks every question through `permitted`. What
is named as a part of a position goes; numbers that are as good as the document's own position go wherever they stand;
texts lose what is written as a place. Names of places, as people write them, are no positions.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from worker.catalog.fields import BY_NAME, TAG, Kind, Operator
from worker.catalog.places import Box, boxes_of
from worker.catalog.query import Query, Term, parse
from worker.errors import Forbidden, QueryError
from worker.web.viewer import Precision

DECIMALS = 2
GONE = "[position]"
"""What stands where a text told a place."""

_UNSEEN = frozenset({"custom", "notification", "first_bytes", "traceback", "search"})
"""Fields that nobody knows the contents of: a notification repeats the uploader's own, a file's head holds its EXIF."""
_PLAIN = frozenset({"latitude", "longitude"})
_NAMED = re.compile(
    r"(?i:gps|latitude|longti?tude|longitude|altitude|geohash|geotag|geo_?location|coordinate"
    r"|(?:^|[^a-z])(?:geo|lat|lon|lng|long|alt)$)|[a-z](?:Lat|Lon|Lng|Alt)$"
)
"""Names of tags and fields that tell where something is."""
_DEGREES = r"(?<![\d.])[-+]?\d{1,3}(?:\.\d{3,}|,\d{4,})"
_PLACE = re.compile(
    rf"{_DEGREES}(?!\d).{{1,12}}?{_DEGREES}"  # 48.13715, 11.57540
    rf"|{_DEGREES}\s*\u00b0?\s*[NSEWnsew](?![A-Za-z])"  # 48.13715N
    r"|\b(?:near|box):[^\s\"]+"  # in a search that somebody wrote down
    r"|[+-]\d{2,6}\.\d+[+-]\d{3,7}\.\d+"  # ISO 6709
    r"|\d{1,3}\s*(?:\u00b0|\u00ba|deg\b)\s*\d{1,2}(?:\.\d+)?\s*(?:['\u2032\u2019]\s*(?:\d{1,2}(?:\.\d+)?\s*(?:[\"\u2033\u201d]|'')?)?)?\s*[NSEW]?"
    r"|\d{1,3},\d{1,2}(?:\.\d+|,\d{1,2}(?:\.\d+)?)[NSEW]",  # as XMP writes it
    re.DOTALL,
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_FINE = re.compile(r"\d[.,]\d{3}")
_SCALES = (1.0, 1e5, 1e6, 1e7)
"""Degrees, and the whole numbers that stand for them."""
_CELL = 10.0**-DECIMALS
_KEY_LETTERS = 32
"""Of a document's id, before the slug of its name (document.key_for)."""
_LEAST_TEXT = 5


# --- what is shown -----------------------------------------------------------------------------------------


def shown(value: Any, precision: Precision) -> Any:
    """JSON values as this viewer may see them. Of a document, the whole is given: its position is looked for elsewhere
    in it."""
    if precision is Precision.EXACT:
        return value
    return _Sieve.of(value, precision)(value)


def seen(degrees: float, precision: Precision) -> float:
    """A latitude or longitude as this viewer may see it. Raises Forbidden where they may not at all."""
    if precision is Precision.HIDDEN:
        raise Forbidden("positions are hidden from you")
    return degrees if precision is Precision.EXACT else round(degrees, DECIMALS)


@dataclass(frozen=True, slots=True)
class _Sieve:
    """What is known of one document's place, so that it is found again: degrees without sign, and its geohash."""

    precision: Precision
    degrees: tuple[float, ...]
    geohash: re.Pattern[str] | None

    @classmethod
    def of(cls, value: object, precision: Precision) -> "_Sieve":
        found = set(_told(value, named=False))
        hashes = [re.escape(text[:5]) for text in found if isinstance(text, str)]
        degrees = tuple(number for number in found if isinstance(number, float) and number)
        return cls(precision, degrees, re.compile(rf"(?:{'|'.join(hashes)})[0-9b-z]*") if hashes else None)

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {
                self._text(name): self._field(name, each) for name, each in value.items() if self._stays(name, each)
            }
        if isinstance(value, list | tuple):
            return None if self._is_place(_sexagesimal(value)) else [self(each) for each in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and self._is_place(float(value)):
            return None if self.precision is Precision.HIDDEN or isinstance(value, int) else round(value, DECIMALS)
        return value

    def _stays(self, name: str, value: object) -> bool:
        if name in _UNSEEN:
            return False
        if name in _PLAIN and isinstance(value, int | float):
            return self.precision is Precision.ROUNDED
        return not _tells(name)

    def _field(self, name: str, value: Any) -> Any:
        if name in _PLAIN and isinstance(value, int | float):
            return round(value, DECIMALS)
        if name in ("id", "key") and isinstance(value, str) and self._text(value) != value:
            return value[:_KEY_LETTERS]  # the rest repeats the object's name
        return self(value)

    def _text(self, text: str) -> str:
        if len(text) < _LEAST_TEXT:
            return text
        text = _PLACE.sub(GONE, text)
        if self.degrees:
            text = _NUMBER.sub(lambda match: GONE if self._is_place(float(match[0])) else match[0], text)
        return self.geohash.sub(GONE, text) if self.geohash else text

    def _is_place(self, number: float | None) -> bool:
        """Whether a number is one of the document's coordinates, and more exact than may be."""
        if number is None or not math.isfinite(number):
            return False
        return any(self._is_fine(abs(number) / scale) for scale in _SCALES)

    def _is_fine(self, number: float) -> bool:
        if number > 180 or abs(number - round(number, DECIMALS)) < 1e-9:
            return False
        # Near the equator or Greenwich, coordinates are as small as exposure times.
        return any(abs(number - each) < (_CELL if each >= 1 else _CELL / 20) for each in self.degrees)


@lru_cache(maxsize=4096)
def _tells(name: str) -> bool:
    """Whether what has this name tells where something is."""
    return bool(_NAMED.search(name))


def _told(value: object, *, named: bool) -> Iterator[float | str]:
    """The coordinates and geohashes that stand under names of such."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name == "geohash" and isinstance(each, str) and len(each) > _LEAST_TEXT:
                yield each
            yield from _told(each, named=named or _tells(name))
    elif named and isinstance(value, list | tuple):
        if (degrees := _sexagesimal(value)) is not None:
            yield abs(degrees)
    elif named and isinstance(value, float) and math.isfinite(value):
        yield abs(value)


def _sexagesimal(value: object) -> float | None:
    """Degrees, where a list is degrees, minutes and seconds."""
    if not isinstance(value, list | tuple) or not 2 <= len(value) <= 3:
        return None
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
        return None
    return float(sum(abs(each) / 60**place for place, each in enumerate(value)))


# --- what is asked -----------------------------------------------------------------------------------------


def asked(text: str, precision: Precision) -> Query:
    """The query that a text means, as far as this viewer may ask it. Raises QueryError."""
    return permitted(parse(text), precision)


def permitted(query: Query, precision: Precision) -> Query:
    """The query, so that what it finds tells no more of positions than the viewer may see.

    For who sees them rounded, circles and boxes become the boxes of whole cells around them: two pictures that look
    alike are then found alike. Raises QueryError for a term that they may not ask.
    """
    if precision is Precision.EXACT:
        return query
    return Query(tuple(_coarse(term, precision) for term in query.terms))


def cells(box: Box, precision: Precision) -> Box:
    """A box, as far as this viewer may ask for it: for who sees positions rounded, one of whole cells."""
    seen(0, precision)
    if precision is Precision.EXACT:
        return box
    south, west, north, east = box
    low, high = max(_edge(south, math.floor), -90.0), min(_edge(north, math.ceil), 90.0)
    return low, max(_edge(west, math.floor), -180.0), high, min(_edge(east, math.ceil), 180.0)


def _coarse(term: Term, precision: Precision) -> Term:
    if term.operator in (Operator.NEAR, Operator.BOX):
        if precision is Precision.HIDDEN:
            raise QueryError(term.column, f"{term.field.name}: positions are hidden from you")
        boxes = boxes_of(term)  # two where the date line lies between
        south, west, north, east = cells((boxes[0][0], boxes[0][1], boxes[0][2], boxes[-1][3]), precision)
        return replace(term, field=BY_NAME["box"], operator=Operator.BOX, values=(south, west, north, east))
    if term.field.name == "alt" or (term.field is TAG and _tells(term.name)):
        raise QueryError(term.column, f"{term.name or term.field.name}: exact positions are not for you to ask for")
    if term.field.kind is Kind.TEXT and any(_FINE.search(str(value)) for value in term.values):
        raise QueryError(
            term.column, f"numbers in texts have {DECIMALS} decimals at most for you: they may be positions"
        )
    return term


def _edge(degrees: float, to: Any) -> float:
    """The next edge between two cells: what lies between two edges is rounded alike."""
    return float(round(to(degrees / _CELL - 0.5) * _CELL + _CELL / 2, DECIMALS + 1))
