"""Few, bounded, cached ranged reads of one object: the read budget lives here.

Policy, measured on 5,840 image files: a small object whole in one read; of a larger one its head, then what the
container names; on a miss at least 64 KiB, doubling to 1 MiB while the misses follow each other.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from worker.errors import SourceUnavailable
from worker.extract.budget import Budget
from worker.extract.parts import Buffer, Unread
from worker.model import Limits, ObjectRef
from worker.ports import RangeReader

STEP = 64 * 1024
LONGEST_STEP = 1024 * 1024
NEARBY = 64 * 1024
"""Two wanted ranges closer than this are read as one: a request costs more than the bytes between them."""


class Cut(Exception):
    """The file ends before the bytes that its own structure promises."""


def require(buffer: Buffer, offset: int, length: int) -> None:
    """Raise Cut unless the bytes [offset, offset + length) lie in the buffer; reads nothing."""
    if offset < 0 or length < 0 or offset + length > buffer.size:
        raise Cut(f"{length} bytes at {offset} lie outside of the file")


def exactly(buffer: Buffer, offset: int, length: int) -> bytes:
    """The bytes [offset, offset + length), all of them. Raises Cut where the buffer ends before."""
    require(buffer, offset, length)
    return buffer.read(offset, length)


@dataclass(frozen=True, slots=True)
class BytesBuffer:
    """A Buffer over bytes that are all there."""

    data: bytes

    @property
    def size(self) -> int:
        """Length of the bytes."""
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        """The bytes [offset, offset + length) cut at the end."""
        return self.data[max(offset, 0) : max(offset + length, 0)]


@dataclass(frozen=True, slots=True)
class BytesReader:
    """A RangeReader over bytes in memory."""

    data: bytes
    ref: ObjectRef

    @classmethod
    def of(cls, data: bytes, name: str = "memory") -> "BytesReader":
        """A reader of `data` under a name of its own."""
        return cls(data, ObjectRef("memory", name, generation=1, size=len(data)))

    def read(self, offset: int, length: int) -> bytes:
        """The bytes [offset, offset + length) cut at the end."""
        return self.data[offset : offset + length]


@dataclass(order=True, slots=True)
class _Span:
    """Bytes at hand, without neighbours that overlap it."""

    start: int
    data: bytes = field(compare=False)

    @property
    def end(self) -> int:
        return self.start + len(self.data)


class Window:
    """A Buffer over an object that is read in a few ranges, within `limits.reads` and `limits.total_bytes`.

    `ranges` are the (offset, length) pairs read so far, one per request; `truncated` says that something was
    wanted and refused. `budget` is the CPU time and inflation that this object may still have. `at_hand` are the bytes
    from the beginning that are there. Raises what the reader raises, and SourceUnavailable where it delivers fewer
    bytes than it must.
    """

    def __init__(self, reader: RangeReader, limits: Limits) -> None:
        self._reader = reader
        self.limits = limits
        self.budget = Budget(limits.seconds, limits.inflated_bytes)
        self.size = reader.ref.size or 0
        self.ranges: list[tuple[int, int]] = []
        self.truncated = False
        self._bytes_left = limits.total_bytes
        self._step = STEP // 2
        self._spans: list[_Span] = []
        self.at_hand = b""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes [offset, offset + length) cut at `size`; fetches on a miss, with read-ahead."""
        end = offset + length
        if offset >= 0 and end <= len(self.at_hand):
            return self.at_hand[offset:end]
        end = min(end, self.size)
        if offset < 0 or offset >= end:
            return b""
        for start, stop in self._missing(offset, end):
            self._fetch(start, max(stop, start + self._next_step(start)), needed=stop)
        return self.at_hand[offset:end] if end <= len(self.at_hand) else self._assemble(offset, end)

    def prefetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Fetch exactly these (offset, length) ranges, near ones together, without read-ahead.

        What is beyond the budget is left out here: `read` raises Unread for it, and other ranges stay readable.
        """
        for start, end in _coalesce(ranges, self.size):
            missing = self._missing(start, end)
            with suppress(Unread):
                if missing:
                    self._fetch(missing[0][0], missing[-1][1], needed=missing[-1][1])

    def has(self, offset: int, length: int) -> bool:
        """Whether these bytes are at hand without another request."""
        return not self._missing(offset, min(offset + length, self.size))

    def _next_step(self, start: int) -> int:
        if not self.ranges:
            whole = self.size <= self.limits.whole_object
            return self.limits.whole_object if whole else self.limits.first_read
        last_start, last_length = self.ranges[-1]
        sequential = 0 <= start - (last_start + last_length) < STEP
        self._step = min(self._step * 2, LONGEST_STEP) if sequential else STEP
        return self._step

    def _missing(self, start: int, end: int) -> list[tuple[int, int]]:
        """The gaps of [start, end) that are not at hand, in order."""
        if not self._spans:
            return [(start, end)]
        gaps = []
        first = bisect_right(self._spans, start, key=lambda span: span.start) - 1
        for span in self._spans[max(first, 0) :]:
            if span.start >= end:
                break
            if span.start > start:
                gaps.append((start, span.start))
            start = max(start, span.end)
        if start < end:
            gaps.append((start, end))
        return gaps

    def _fetch(self, start: int, end: int, *, needed: int) -> None:
        """Read [start, end) in one request, cut at what the budget, the size and the next span leave."""
        following = [span.start for span in self._spans if span.start >= needed]
        end = min(end, self.size, *following[:1], start + max(self._bytes_left, 0))
        if end < needed or len(self.ranges) >= self.limits.reads:
            self.truncated = True
            raise Unread(f"bytes {start} to {needed} are beyond what may be read of one object")
        data = self._reader.read(start, end - start)
        self.ranges.append((start, end - start))
        self._bytes_left -= end - start
        if len(data) != end - start:
            raise SourceUnavailable(f"{len(data)} bytes came where {end - start} were asked for")
        self._keep(_Span(start, data))

    def _keep(self, span: _Span) -> None:
        self._spans = [old for old in self._spans if not (span.start <= old.start and old.end <= span.end)]
        insort(self._spans, span)
        if span.start == 0:
            self.at_hand = span.data

    def _assemble(self, start: int, end: int) -> bytes:
        first = bisect_right(self._spans, start, key=lambda span: span.start) - 1
        pieces = []
        for span in self._spans[first:]:
            if span.start >= end:
                break
            pieces.append(span.data[max(start - span.start, 0) : end - span.start])
        return b"".join(pieces)


class Section:
    """A part of a window that is a file of its own, such as the JPEG inside of a RAW file."""

    def __init__(self, window: Window, offset: int, length: int) -> None:
        self._window = window
        self._offset = min(max(offset, 0), window.size)
        self.size = min(max(length, 0), window.size - self._offset)
        self.limits = window.limits
        self.budget = window.budget
        self.at_hand = b""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes [offset, offset + length) of the section, cut at its end; fetches on a miss."""
        return self._window.read(self._offset + offset, min(length, self.size - offset)) if offset >= 0 else b""

    def has(self, offset: int, length: int) -> bool:
        """Whether these bytes are at hand without another request."""
        return self._window.has(self._offset + offset, min(length, self.size - offset))


View = Window | Section


def _coalesce(ranges: Iterable[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """The (offset, length) ranges as sorted (start, end) pairs within `size`, near ones as one."""
    merged: list[tuple[int, int]] = []
    for offset, length in sorted(ranges):
        start, end = max(offset, 0), min(offset + length, size)
        if start >= end:
            continue
        if merged and start - merged[-1][1] <= NEARBY:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
