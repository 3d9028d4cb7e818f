"""The parts of an export that is gone on with: what they hold, and up to which moment. A record of kind `exports`."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from worker.export.forms import FORMATS
from worker.ports import Records

KIND = "exports"


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a series: its rows and bytes, and how many of these are the format's head and tail."""

    name: str
    rows: int
    bytes: int
    head: int = 0
    tail: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """Where it lies, what was asked for, the moment up to which it is complete, and its parts, oldest first.

    `run` made the last of them. `joined`: the SHA-256 of the file that they are about to become, or the
    number of its bytes, where they are being compacted.
    """

    where: str
    asked: str
    format: str
    columns: tuple[str, ...]
    packed: bool
    at: datetime
    run: str
    parts: tuple[Part, ...] = ()
    joined: str = ""

    @property
    def rows(self) -> int:
        """Of all parts together."""
        return sum(part.rows for part in self.parts)


class Shelved:
    """Keeps series among the records, each under where it lies."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def find(self, where: str) -> Series | None:
        """The series there."""
        found = self._records.get(KIND, _key(where))
        return _series(found) if found else None

    def newest(self, limit: int = 100) -> Sequence[Series]:
        """Those that tell of the latest moment first."""
        return [_series(found) for _, found in self._records.newest(KIND, limit)]

    def keep(self, series: Series) -> None:
        """Write it down; durable on return."""
        parts = [asdict(part) for part in series.parts]
        self._records.put(KIND, _key(series.where), asdict(series) | {"parts": parts, "columns": [*series.columns]})


def name_of_part(name: str, number: int) -> str:
    """`images.csv.gz` is the first, `images.00002.csv.gz` the second."""
    if number == 1:
        return name
    plain = name.removesuffix(".gz")
    end = next((end for each in FORMATS.values() for end in each.names if end[0] == "." and plain.endswith(end)), "")
    stem = plain.removesuffix(end)
    return f"{stem}.{number:05}{name.removeprefix(stem)}"


def recent_of(name: str) -> str:
    """The hidden file of digests beside a series."""
    return f".{name}.recent"


def stale(before: Series | None, kept: Sequence[Part]) -> list[str]:
    """Files of a series that those parts do not stand for any more."""
    names = {part.name for part in kept}
    return [part.name for part in before.parts if part.name not in names] if before else []


def _series(found: dict[str, Any]) -> Series:
    known = {**found, "columns": tuple(found["columns"]), "at": datetime.fromisoformat(found["at"])}
    return Series(**{**known, "parts": tuple(Part(**part) for part in found["parts"])})


def _key(where: str) -> str:
    return hashlib.sha256(where.encode("utf-8", "surrogatepass")).hexdigest()[:32]
