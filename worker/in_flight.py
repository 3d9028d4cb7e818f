"""What a shard has in its hands, where the supervisor can see it even after the shard was killed.

A small shared memory map: a heartbeat, the shard's state, and one slot per thread that says which object it reads
and since when. Writing costs a microsecond and no lock is shared between the processes; a killed process leaves its
slots as they were, and that is the point.
"""

import mmap
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from time import monotonic

from worker.document import key_for
from worker.model import ObjectRef

_HEADER = struct.Struct("<dBxxxxxxxd")  # heartbeat, state, seconds of silence from the queue
_SLOT = struct.Struct("<dI128s384s")  # since when (0: free), attempt, key, URI for people
_CLOCK = struct.Struct("<d")


class ShardState(IntEnum):
    """What a shard is at."""

    STARTING = 0
    PULLING = 1
    HELD = 2
    """The breaker is open: alive, but not pulling."""
    DRAINING = 3


@dataclass(frozen=True, slots=True)
class InHand:
    """One object in the hands of a shard, since `since` on the monotonic clock; `attempt` is the queue's count."""

    key: str
    uri: str
    since: float
    attempt: int = 0


class Board:
    """The map of one shard. The shard writes, the supervisor reads. With no path it is private to this process."""

    def __init__(self, slots: int, path: Path | None = None) -> None:
        size = _HEADER.size + slots * _SLOT.size
        if path is None:
            self._map = mmap.mmap(-1, size)
        else:
            with path.open("a+b") as file:
                file.truncate(size)
                self._map = mmap.mmap(file.fileno(), size)
        self._slots = slots
        self._free = list(range(slots))
        self._lock = threading.Lock()

    # --- the shard's side

    def beat(self, state: ShardState, silence: float = 0.0) -> None:
        """I am alive, and this is what I am at."""
        _HEADER.pack_into(self._map, 0, monotonic(), state, silence)

    @contextmanager
    def working(self, ref: ObjectRef, attempt: int = 0) -> Iterator[None]:
        """Around the work on one object."""
        with self._lock:
            slot = self._free.pop()
        at = _HEADER.size + slot * _SLOT.size
        key, uri = key_for(ref.bucket, ref.name).encode(), ref.uri.encode("utf-8", "replace")
        _SLOT.pack_into(self._map, at, monotonic(), attempt, key[:128], uri[:384])
        try:
            yield
        finally:
            _CLOCK.pack_into(self._map, at, 0.0)
            with self._lock:
                self._free.append(slot)

    # --- the supervisor's side

    @property
    def heartbeat(self) -> float:
        """When the shard last said that it is alive, on the monotonic clock; 0 before the first time."""
        return float(_HEADER.unpack_from(self._map)[0])

    @property
    def state(self) -> ShardState:
        """What the shard says it is at."""
        return ShardState(_HEADER.unpack_from(self._map)[1])

    @property
    def silence(self) -> float:
        """Seconds since the shard heard from its queue."""
        return float(_HEADER.unpack_from(self._map)[2])

    def in_hand(self) -> list[InHand]:
        """The objects that the shard works on, or worked on when it ended; longest first."""
        found = []
        for slot in range(self._slots):
            since, attempt, key, uri = _SLOT.unpack_from(self._map, _HEADER.size + slot * _SLOT.size)
            if since:
                found.append(InHand(_text(key), _text(uri), since, attempt))
        return sorted(found, key=lambda item: item.since)

    def close(self) -> None:
        """Free the memory."""
        self._map.close()


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "replace")
