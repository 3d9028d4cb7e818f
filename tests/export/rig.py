"""Documents by the thousand, and exports of them that may break off anywhere."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.fakes import FakeClock, MemoryCatalog, MemoryDocuments, MemoryRecords
from worker.catalog.query import parse
from worker.catalog.searchable import searchable
from worker.document import key_for
from worker.export.job import Export
from worker.export.series import Part, Shelved
from worker.export.source import ByKey, BySearch
from worker.exports import Wanted
from worker.model import Document, ObjectRef, Status, Value
from worker.operate.runs import Ledger, Run
from worker.outlet import Draft, Shelf
from worker.ports import Create
from worker.shelving import maker_of

FORMATS = ("csv", "tsv", "jsonl", "parquet", "geojson", "kml", "geo.txt", "sqlite")
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_CAPTIONS = ("Sunset", 'He said "no", twice', "=1+1", "two\nlines", "日本語 テスト", "a\ttab", "<b>&amp;</b>", "")


def a_picture(number: int, at: datetime | None = None, **fields: Value) -> Document:
    """The document of picture `number`: the same each time; two of three have a position."""
    chance = random.Random(number)
    ref = ObjectRef("photos", f"trip/{number:07}.jpg", 1000 + number, size=chance.randrange(10**6))
    processed = at or EPOCH + timedelta(seconds=number)
    stored: dict[str, Value] = {
        "bucket": ref.bucket,
        "name": ref.name,
        "uri": ref.uri,
        "generation": ref.generation,
        "metageneration": 1,
        "size": ref.size,
        "created": processed - timedelta(seconds=2),
        "status": "ok",
        "extractor": "1",
        "passes": 1,
        "processed_at": processed,
        "image": {"format": "JPEG", "width": 4000, "height": 3000, "orientation": 1},
        "taken": {"local": "2024-05-01T10:20:05", "offset": "+02:00", "utc": EPOCH + timedelta(minutes=number)},
        "camera": {"make": chance.choice(("Sony", "Canon", "Nikon")), "model": f"Model {number % 40}"},
        "exposure": {"iso": 100 * (1 + number % 32), "f_number": 2.8, "exposure_time": 0.004, "focal_length": 35.0},
        "text": {"title": chance.choice(_CAPTIONS), "keywords": ["alps", f"day {number % 9}"], "rating": number % 6},
        "tags": {
            "IFD0:Make": {"id": 271, "type": "ASCII", "value": "SONY", "text": "SONY"},
            "ExifIFD:FNumber": {"id": 33437, "type": "RATIONAL", "value": 2.8, "text": "2.8"},
            "GPS:GPSVersionID": {"id": 0, "type": "BYTE", "value": [2, 3, 0, 0], "text": "[2, 3, 0, 0]"},
        },
    }
    if number % 3:
        degrees = {"latitude": chance.uniform(-90, 90), "longitude": chance.uniform(-180, 180)}
        stored["position"] = {**degrees, "altitude": -12.5, "source": "GPS:GPSLatitude"}
        stored["pose"] = {"camera_yaw": 12.5, "camera_pitch": -90.0, "camera_roll": 0.0}
    stored |= fields
    stored["search"] = searchable(stored)
    return Document(key_for(ref.bucket, ref.name), ref, Status(str(stored["status"])), "1", stored)


def a_tombstone(number: int, at: datetime) -> Document:
    """The document of picture `number` after its deletion."""
    whole = a_picture(number)
    kept = {name: whole.fields[name] for name in ("bucket", "name", "uri", "generation", "metageneration", "extractor")}
    fields: dict[str, Value] = {**kept, "status": "deleted", "deleted_at": at, "processed_at": at, "passes": 1}
    fields["search"] = searchable(fields)
    return Document(whole.key, whole.ref, Status.DELETED, "1", fields)


class World:
    """Documents in memory, and exports of them to a shelf."""

    def __init__(self, shelf: Shelf, pictures: int = 0) -> None:
        self.documents = MemoryDocuments()
        self.catalog = MemoryCatalog(self.documents)
        self.records = MemoryRecords()
        self.ledger = Ledger(self.records, "somebody@somewhere")
        self.clock = FakeClock()
        self.shelf = shelf
        for number in range(pictures):
            self.put(a_picture(number))

    def put(self, document: Document) -> None:
        """Store it, in place of what was there."""
        self.documents.stored.pop(document.key, None)
        assert self.documents.commit([Create(document)]) == [None]

    def export(self, wanted: Wanted, name: str, *, shelf: Shelf | None = None, rows: int = 10) -> tuple[Run, Part]:
        """Carry it out with a checkpoint after so many rows."""
        return self.job(wanted, name, shelf=shelf, rows=rows).run()

    def job(self, wanted: Wanted, name: str, *, shelf: Shelf | None = None, rows: int = 10) -> Export:
        order = wanted.order(name)
        by_search = order.query and not order.since
        source = BySearch(self.catalog, parse(order.query)) if by_search else ByKey(self.documents)
        maker = maker_of(order.format.name)
        place, series = shelf or self.shelf, Shelved(self.records)
        return Export(order, source, place, self.ledger, series, self.clock, maker, piece_rows=rows)


class Killed(BaseException):
    """What a process does not survive."""


class Breaking:
    """A shelf at which the process dies before or after the `fuse`-th thing that is made durable on it."""

    def __init__(self, shelf: Shelf, fuse: int) -> None:
        self._shelf = shelf
        self.fuse = fuse

    def where(self, name: str = "") -> str:
        return self._shelf.where(name)

    @contextmanager
    def draft(self, name: str) -> Iterator[Draft]:
        with self._shelf.draft(name) as draft:
            yield _BreakingDraft(self, draft)

    def size(self, name: str) -> int | None:
        return self._shelf.size(name)

    def read(self, name: str) -> Iterator[bytes]:
        return self._shelf.read(name)

    def remove(self, name: str) -> None:
        self.burn(lambda: self._shelf.remove(name))

    def close(self) -> None:
        self._shelf.close()

    def burn(self, act: Callable[[], Any]) -> Any:
        self.fuse -= 1
        if self.fuse == 0:
            raise Killed
        done = act()
        self.fuse -= 1
        if self.fuse == 0:
            raise Killed
        return done


class _BreakingDraft:
    def __init__(self, shelf: Breaking, draft: Draft) -> None:
        self._shelf = shelf
        self._draft = draft
        self.size = draft.size
        self.read = draft.read
        self.workspace = draft.workspace

    def append(self, at: int, piece: bytes) -> None:
        self._shelf.burn(lambda: self._draft.append(at, piece))

    def copy(self, at: int, name: str, start: int, end: int) -> int:
        return int(self._shelf.burn(lambda: self._draft.copy(at, name, start, end)))

    def publish(self) -> None:
        self._shelf.burn(self._draft.publish)

    def publish_file(self, file: Path) -> None:
        self._shelf.burn(lambda: self._draft.publish_file(file))
