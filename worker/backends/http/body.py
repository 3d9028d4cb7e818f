"""The body of an answer, read piece by piece: never more than the cap, whatever was announced and however packed."""

import zlib

from urllib3.response import BaseHTTPResponse

from worker.errors import LimitExceeded, NotServed, SiteUnavailable

_PIECE = 64 * 1024
_RATIO = 100
"""No picture, not even a blank one, is worth packing tighter by a server; a bomb is a thousand times."""
_FREE = 1024 * 1024
"""Below this size nobody minds the ratio."""


def read_body(response: BaseHTTPResponse, cap: int) -> bytes:
    """All of it. Raises LimitExceeded beyond `cap` bytes, and what urllib3 raises where the line breaks."""
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > cap:
        raise _too_large(cap)
    unpacked = _Unpacked(response.headers.get("Content-Encoding", "identity").strip().lower(), cap)
    while piece := response.read1(_PIECE, decode_content=False):
        unpacked.add(piece)
    return unpacked.whole()


class _Unpacked:
    """Collects a body in its content encoding."""

    def __init__(self, encoding: str, cap: int) -> None:
        if encoding not in {"identity", "", "gzip", "x-gzip", "deflate"}:
            raise NotServed("it is packed in a way that was not asked for")
        self._inflate = None if encoding in {"identity", ""} else zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._cap = cap
        self._packed = 0
        self._data = bytearray()

    def add(self, piece: bytes) -> None:
        self._packed += len(piece)
        if self._inflate:
            piece = self._inflated(self._inflate, piece)
        self._data += piece
        if len(self._data) > self._cap:
            raise _too_large(self._cap)
        if len(self._data) > max(_FREE, _RATIO * self._packed):
            raise LimitExceeded(f"it unpacks to more than {_RATIO} times its size")

    def whole(self) -> bytes:
        if self._inflate and not self._inflate.eof:
            raise SiteUnavailable("what it sent is packed, and ends too early")
        return bytes(self._data)

    def _inflated(self, inflate: "zlib._Decompress", piece: bytes) -> bytes:
        try:
            return inflate.decompress(piece, self._cap + 1 - len(self._data))
        except zlib.error as error:
            raise NotServed("it is packed, and cannot be unpacked") from error


def _too_large(cap: int) -> LimitExceeded:
    return LimitExceeded(f"it is larger than {cap} bytes (IMAGEMETA_FETCH_BYTES)")
