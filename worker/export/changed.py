"""What changed since the last export, so that nothing is lost and nothing is told twice.

A document says when it was made, patched or sent through again, by the clock of whoever did it, and is durable some
seconds later. So an export looks back a little further than its last one began, and passes by what it wrote already:
of what was young then, that one left a digest each.
"""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from worker.model import Value

OVERLAP = timedelta(minutes=10)
"""Longer than from the moment that a document is given to the moment that it can be read, all clocks considered."""
HEAD = b"recent1\n"
"""What a file of digests begins with."""

_TIMES = ("processed_at", "patched_at", "redriven_at")
_NEVER = datetime.min.replace(tzinfo=UTC)
_BYTES = 8


def changed_at(fields: Mapping[str, Value]) -> datetime:
    """When the document last changed."""
    return max((datetime.fromisoformat(str(fields[name])) for name in _TIMES if fields.get(name)), default=_NEVER)


def digest(key: str, fields: Mapping[str, Value]) -> bytes:
    """Differs wherever two states of documents differ; 8 bytes."""
    told = (key, *(fields.get(name) for name in ("generation", "metageneration", "passes", "status", *_TIMES)))
    return hashlib.blake2b(repr(told).encode(), digest_size=_BYTES).digest()


class Recent:
    """The digests that an export left: eight bytes each, so that a million of them take eight megabytes."""

    def __init__(self, content: Iterable[bytes] = ()) -> None:
        whole = b"".join(content)[len(HEAD) :]
        self._known = array("Q", sorted(array("Q", whole[: len(whole) // _BYTES * _BYTES])))

    def __contains__(self, wanted: bytes) -> bool:
        if not wanted:
            return False
        (number,) = array("Q", wanted)
        place = bisect_left(self._known, number)
        return place < len(self._known) and self._known[place] == number
