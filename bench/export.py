"""Exports of a million rows: memory at its peak, rows a second, and the size of the file, for each format.

Each format has a process of its own. The documents are synthetic and made as they are asked for, with the default
columns (SQLite's with all tags, four an image); two of three have a position. What a store takes to hand them over is
not in the figures. Memory is the peak of the whole process, with Python and all libraries, as the kernel counts it.

    python -m bench.export [--rows 1000000] [--format csv ...]
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from worker.backends.local.records import LocalRecords
from worker.backends.local.shelf import LocalShelf
from worker.clock import SystemClock
from worker.export.forms import FORMATS
from worker.export.job import Export
from worker.export.series import Shelved
from worker.export.source import ByKey
from worker.exports import Wanted
from worker.operate.runs import Ledger
from worker.shelving import maker_of

MOST_MEMORY = 200.0
"""Megabytes."""
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


class Synthetic:
    """A DocumentReader of so many documents that are nowhere."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def get(self, key: str) -> dict[str, Any] | None:
        return document(int(key)) if int(key) < self._rows else None

    def scan(self, start_after: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        for number in range(int(start_after) + 1 if start_after else 0, self._rows):
            yield f"{number:09}", document(number)

    def close(self) -> None:
        pass


def document(number: int) -> dict[str, Any]:
    moment = (_EPOCH + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
    name = f"trip/{number % 365:03}/{number:09}.jpg"
    fields: dict[str, Any] = {
        "bucket": "photos",
        "name": name,
        "uri": f"gs://photos/{name}",
        "generation": 1_700_000_000_000_000 + number,
        "size": 3_000_000 + number,
        "created": moment,
        "status": "ok",
        "processed_at": moment,
        "passes": 1,
        "image": {"format": "JPEG", "width": 6000, "height": 4000, "orientation": 1},
        "taken": {"local": moment[:-1], "offset": "+02:00", "utc": moment},
        "camera": {"make": "Sony", "model": f"ILCE-{number % 50}", "lens": f"FE {number % 30 + 10}mm F1.8"},
        "exposure": {"iso": 100 + number % 6400, "f_number": 2.8, "exposure_time": 0.004, "focal_length": 35.0},
        "text": {
            "title": f"Picture {number} of the trip",
            "description": f"What was seen on day {number % 365} of the trip, and written down in the evening.",
            "keywords": ["alps", f"day {number % 365}", "summer"],
            "creator": ["A. Sample"],
            "rating": number % 6,
        },
        "tags": {
            f"IFD0:Tag{place}": {
                "id": place,
                "type": "ASCII",
                "value": f"{number} {place}",
                "text": f"{number} {place}",
            }
            for place in range(4)
        },
    }
    if number % 3:
        latitude, longitude = -89.0 + number % 178_000 / 1000, -179.0 + number % 358_000 / 1000
        fields["position"] = {"latitude": latitude, "longitude": longitude, "altitude": 0.5 + number % 3000}
    return fields


def exported(form: str, rows: int) -> tuple[float, float, float, int]:
    """Peak megabytes, seconds, megabytes of the file, rows in it."""
    with tempfile.TemporaryDirectory() as folder:
        name = form if form == "geo.txt" else f"images.{form}"
        order = Wanted().order(name)
        records = LocalRecords(Path(folder) / "records.db")
        shelf, ledger = LocalShelf(Path(folder)), Ledger(records)
        begun = time.monotonic()
        job = Export(
            order, ByKey(Synthetic(rows)), shelf, ledger, Shelved(records), SystemClock(), maker_of(order.format.name)
        )
        _, part = job.run()
        seconds = time.monotonic() - begun
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, seconds, part.bytes / 1e6, part.rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--format", nargs="*", choices=FORMATS, default=list(FORMATS))
    arguments = parser.parse_args()
    print(f"{'format':8} {'rows':>9} {'file MB':>8} {'seconds':>8} {'documents/s':>11} {'peak MB':>8}")
    context = multiprocessing.get_context("spawn")
    for form in arguments.format:
        with context.Pool(1) as pool:
            peak, seconds, size, rows = pool.apply(exported, (form, arguments.rows))
        speed = arguments.rows / seconds
        print(f"{form:8} {rows:9} {size:8.1f} {seconds:8.1f} {speed:11.0f} {peak:8.1f}", flush=True)
        assert peak < MOST_MEMORY, f"{form} took {peak:.0f} MB"


if __name__ == "__main__":
    main()
