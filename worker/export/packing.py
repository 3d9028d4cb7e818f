"""Gzip, in members that stand behind each other: what was written before a checkpoint is whole by itself."""

import gzip
import zlib
from collections.abc import Iterable, Iterator

_GZIP = 31
"""zlib's word for gzip's own frame."""


def packed(content: bytes, level: int = 6) -> bytes:
    """One member, the same for the same content; nothing for nothing."""
    return gzip.compress(content, level, mtime=0) if content else b""


def unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of members that lie in pieces of any size."""
    member = zlib.decompressobj(_GZIP)
    for piece in pieces:
        rest = piece
        while rest:
            yield member.decompress(rest)
            rest = member.unused_data
            if member.eof:
                member = zlib.decompressobj(_GZIP)


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a text that lies in pieces."""
    begun = b""
    for piece in pieces:
        *whole, begun = (begun + piece).split(b"\n")
        yield from whole
    if begun:
        yield begun
