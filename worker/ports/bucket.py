"""The buckets."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from worker.model import ObjectRef


class RangeReader(Protocol):
    """One generation of one object, open for reading. Used by one thread."""

    @property
    def ref(self) -> ObjectRef:
        """The object; its size is known."""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly the bytes [offset, offset + length) cut at the object's end; never fewer, never of another
        generation.

        One call is one request. Raises ObjectGone when this generation is no longer there, SourceUnavailable or
        Throttled when it could not be read now.
        """


class ObjectStore(Protocol):
    """The buckets. Thread-safe."""

    def open(self, ref: ObjectRef) -> AbstractContextManager[RangeReader]:
        """A reader pinned to `ref.generation`. May raise ObjectGone here or at the first read.

        Asks the bucket only where `ref.size` is unknown.
        """

    def live(self, bucket: str, name: str) -> ObjectRef | None:
        """The live generation with its facts, strongly consistent, or None where there is none."""

    def list(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[ObjectRef]:
        """The live objects whose name begins with `prefix` and sorts after `start_after` by UTF-8 bytes, in that
        order."""

    def probe(self) -> None:
        """Raise what a read would raise now, at the least cost; return where reading works."""
