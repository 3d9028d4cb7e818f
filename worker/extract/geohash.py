"""Geohash: a position as text whose prefixes are ever larger boxes around it (Niemeyer 2008)."""

_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
LENGTH = 10
"""Characters; ten are a box of about 1.2 m by 0.6 m at the equator."""


def encode(latitude: float, longitude: float, length: int = LENGTH) -> str:
    """The geohash of a position in degrees, within [-90, 90] and [-180, 180]."""
    bits = 5 * length
    east = _cell((longitude + 180) / 360, (bits + 1) // 2)
    north = _cell((latitude + 90) / 180, bits // 2)
    begins_odd = bits % 2 == 0  # longitude and latitude take turns, longitude has the first bit, which is the highest
    mixed = _spread(east) << begins_odd | _spread(north) << (not begins_odd)
    return "".join(_ALPHABET[mixed >> shift & 31] for shift in range(bits - 5, -1, -5))


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
