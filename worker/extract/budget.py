"""What one object may cost in CPU time and decompressed bytes, and the signals that say it is spent."""

import time
import zlib

import brotli  # type: ignore[import-untyped] # it has no annotations


class Spent(Exception):
    """The thread has used the CPU time that this object may have."""


class Oversized(Exception):
    """Parts of the file are more in number, or inflate to more, than one object may have, or do not inflate."""


class Budget:
    """CPU seconds of this thread, counted from construction, and bytes of decompressed text of one object.

    Waiting for bytes does not count, so a slow bucket never makes an image partial. Call `check` per IFD, per box or
    per 64 entries: it costs 0.1 us, and 0.6 us after the first so many seconds on the wall. Until then the thread
    cannot have used them up, and the clock of the thread, which costs a call of the system, need not be asked.
    """

    def __init__(self, seconds: float, inflated_bytes: int = 16 * 1024 * 1024) -> None:
        self._end = time.thread_time() + seconds
        self._earliest = time.monotonic() + seconds
        self._inflated_left = inflated_bytes

    def check(self) -> None:
        """Raise Spent when the time is over."""
        if time.monotonic() >= self._earliest and time.thread_time() > self._end:
            raise Spent

    def inflate(self, data: bytes) -> bytes:
        """The decompressed form of a whole zlib stream.

        Raises Oversized where it is larger than what is left for this object, broken, or cut short: half a text
        would be a wrong value.
        """
        self.check()
        stream = zlib.decompressobj()
        try:
            out = stream.decompress(data, self._inflated_left + 1)
        except zlib.error as error:
            raise Oversized("a compressed text is broken") from error
        return self._claim(out, whole=stream.eof)

    @staticmethod
    def inflate_head(data: bytes, most: int) -> bytes:
        """At most `most` first bytes of what a zlib stream inflates to; fewer where it is broken or cut short."""
        try:
            return zlib.decompressobj().decompress(data, most)
        except zlib.error:
            return b""

    def unbrotli(self, data: bytes) -> bytes:
        """The decompressed form of a whole brotli stream; raises as `inflate` does."""
        self.check()
        stream, out = brotli.Decompressor(), b""
        try:
            out = stream.process(data, output_buffer_limit=self._inflated_left + 1)
        except brotli.error as error:
            raise Oversized("a compressed text is broken") from error
        return self._claim(out, whole=stream.is_finished())

    def _claim(self, out: bytes, *, whole: bool) -> bytes:
        if len(out) > self._inflated_left:
            self._inflated_left = 0
            raise Oversized("compressed texts inflate beyond the limit")
        self._inflated_left -= len(out)
        if not whole:
            raise Oversized("a compressed text is cut short")
        return out
