"""Geohash: a position as text whose prefixes are ever larger boxes around it (Niemeyer 2008)."""

_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
LENGTH = 10
"""Characters; ten are a box of about 1.2 m by 0.6 m at the equator."""


def encode(latitude: float, longitude: float, length: int = LENGTH) -> str:
    """The geohash of a position in degrees, within [-90, 90] and [-180, 180]."""
    bits = 5 * length
    east = _cell((longitude + 180) / 360, (bits + 1) // 2)
    north = _cell((latitude + 90) / 180, bits // 2)
    mixed = 0
    for bit in range(bits):  # from the last: longitude and latitude take turns, longitude begins
        source, place = (east, north)[(bits - 1 - bit) % 2], bit // 2
        mixed |= (source >> place & 1) << bit
    return "".join(_ALPHABET[mixed >> shift & 31] for shift in range(bits - 5, -1, -5))


def _cell(share: float, bits: int) -> int:
    """The number of the cell, of 2**bits, in which a share of the whole lies; the upper edge is in the last."""
    return min(int(share * (1 << bits)), (1 << bits) - 1)
