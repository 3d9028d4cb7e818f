"""Geohash: a position as text whose prefixes are ever larger boxes around it (Niemeyer 2008)."""

_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
LENGTH = 10
"""Characters; ten are a box of about 1.2 m by 0.6 m at the equator."""
_MOST_CELLS = 1024
"""Of a cover, before those that are neighbours by their geohash are one range."""
_AFTER = "~"
"""Sorts after all that stands in a geohash."""


def encode(latitude: float, longitude: float, length: int = LENGTH) -> str:
    """The geohash of a position in degrees, within [-90, 90] and [-180, 180]."""
    bits = 5 * length
    column, row = _cell((longitude + 180) / 360, (bits + 1) // 2), _cell((latitude + 90) / 180, bits // 2)
    return _text(_mixed(column, row, length), length)


def cover(south: float, west: float, north: float, east: float, most: int) -> list[tuple[str, str]]:
    """Ranges, first included and last not, that hold the geohash of every place in a box, and of few beside it.

    There are at most `most`. The west is not beyond the east.
    """
    for length in range(LENGTH, 0, -1):
        bits = 5 * length
        columns = [_cell((degrees + 180) / 360, (bits + 1) // 2) for degrees in (west, east)]
        rows = [_cell((degrees + 90) / 180, bits // 2) for degrees in (south, north)]
        if (columns[1] - columns[0] + 1) * (rows[1] - rows[0] + 1) <= _MOST_CELLS:
            cells = (
                _mixed(column, row, length)
                for column in range(columns[0], columns[1] + 1)
                for row in range(rows[0], rows[1] + 1)
            )
            return [(_text(first, length), _text(last, length) + _AFTER) for first, last in _runs(sorted(cells), most)]
    return [("", _AFTER)]


def _runs(numbers: list[int], most: int) -> list[tuple[int, int]]:
    """The first and the last of so many runs of numbers, with the widest gaps between them."""
    gaps = sorted(range(1, len(numbers)), key=lambda place: numbers[place - 1] - numbers[place])[: most - 1]
    begins = [0, *sorted(place for place in gaps if numbers[place] - numbers[place - 1] > 1)]
    ends = [*(place - 1 for place in begins[1:]), len(numbers) - 1]
    return [(numbers[begin], numbers[end]) for begin, end in zip(begins, ends, strict=True)]


def _mixed(east: int, north: int, length: int) -> int:
    """The number of a cell in the order of geohashes, by its column and row."""
    begins_odd = length % 2 == 0  # longitude and latitude take turns, longitude has the first bit, which is the highest
    return _spread(east) << begins_odd | _spread(north) << (not begins_odd)


def _text(mixed: int, length: int) -> str:
    return "".join(_ALPHABET[mixed >> shift & 31] for shift in range(5 * length - 5, -1, -5))


def _cell(share: float, bits: int) -> int:
    """The number of the cell, of 2**bits, in which a share of the whole lies; the upper edge is in the last."""
    return min(int(share * (1 << bits)), (1 << bits) - 1)


def _spread(number: int) -> int:
    """The bits of a number below 2**32 with a zero before each."""
    number = (number | number << 16) & 0x0000FFFF0000FFFF
    number = (number | number << 8) & 0x00FF00FF00FF00FF
    number = (number | number << 4) & 0x0F0F0F0F0F0F0F0F
    number = (number | number << 2) & 0x3333333333333333
    return (number | number << 1) & 0x5555555555555555
