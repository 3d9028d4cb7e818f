"""How fast a catalog in SQLite is searched, and what keeping it searchable costs.

Time is CPU time, which neighbours on a shared machine stretch least. Documents are those of one sample, with cameras,
times, places and words of their own, 5 kB each. The two arms of writing take turns, batch by batch: documents alone,
and documents with the triggers that keep the table of searches.

    python -m bench.catalog [--documents 200000]
"""

import argparse
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from tests.catalog.seeded import LENSES, UPLOADED, picture, placed, taken
from tests.samples import SAMPLES
from worker.backends.local.catalog import LocalCatalog
from worker.backends.local.documents import LocalDocuments
from worker.catalog.facets import FACETS
from worker.catalog.query import parse
from worker.extract import extract
from worker.extract.window import BytesReader
from worker.model import Camera, Document, Exposure, Limits, Text
from worker.ports import Create

QUERIES = (
    "",
    "make:sony",
    "make:sony iso:>800",
    'camera:"maker 3 model 7"',
    "iso:999",
    "taken:2024-05..2024-07",
    "-has:position",
    "near:48.1,11.5,20km",
    "box:40,0,50,20 format:jpeg",
    "status:partial",
    "word5",
    "word5 word17",
    "title",
    "keyword:word99",
    "in:gs://photos/library/7/",
    "size:>9900000 f:1.4",
    "code:corrupt_image",
    "-word5 rating:5",
)
FILTERS = ("", "make:sony", "iso:>800 has:position", "taken:2024")
BATCH = 500
ROUNDS = 5


def documents(count: int) -> Iterator[Document]:
    rng = random.Random(1)
    sample = next(sample for sample in SAMPLES if sample.name == "alps-sunrise.jpg").make()
    found = extract(BytesReader.of(sample), Limits())
    vocabulary = [f"word{number}" for number in range(3000)]
    for number in range(count):
        make = "Sony" if rng.random() < 0.3 else "Maker 3"
        then = datetime(2010, 1, 1) + timedelta(seconds=rng.randrange(15 * 365 * 86400))  # noqa: DTZ001 -- no zone
        yield picture(
            f"library/{rng.randrange(100)}/IMG_{number:07}.jpg",
            replace(
                found,
                camera=Camera(make, f"Model {rng.randrange(30)}", rng.choice(LENSES)),
                taken=taken(then.isoformat(), rng.choice(["+02:00", None])),
                position=placed(rng.gauss(48, 5), rng.gauss(11, 10)) if rng.random() < 0.4 else None,
                exposure=Exposure(rng.choice([100, 200, 400, 1600, 6400]), rng.choice([1.4, 2.8, 8.0])),
                text=Text(f"Title {number % 100}", None, tuple(rng.sample(vocabulary, 5)), rating=rng.randrange(6)),
            ),
            size=rng.randrange(10**5, 10**7),
            uploaded=UPLOADED + timedelta(seconds=number),
        )


def fill(searched: Path, alone: Path, count: int) -> tuple[float, float]:
    """Write to both; microseconds for each document."""
    with closing(LocalDocuments(searched)) as with_search, closing(LocalDocuments(alone)) as without:
        with closing(sqlite3.connect(alone)) as plain:
            for event in ("insert", "update", "delete"):
                plain.execute(f"DROP TRIGGER documents_{event}")
        spent = [0.0, 0.0]
        made = documents(count)
        while batch := [Create(document) for document in islice(made, BATCH)]:
            for arm, store in enumerate((with_search, without)):
                spent[arm] += clocked(partial(store.commit, batch))
    return spent[0] * 1e6 / count, spent[1] * 1e6 / count


def clocked(act: Callable[[], object]) -> float:
    started = time.process_time()
    act()
    return time.process_time() - started


def p95(times: list[float]) -> str:
    return f"{1e3 * sorted(times)[int(0.95 * len(times))]:.0f} ms"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--documents", type=int, default=200_000)
    count = arguments.parse_args().documents
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "searched.db"
        searched, alone = fill(path, Path(folder) / "alone.db", count)
        print(f"write  {alone:.0f} us a document alone, {searched:.0f} us to be searched")
        os.sync()  # searches are measured, not the disk that still takes what was written
        with closing(LocalCatalog(path)) as catalog:
            searches = [parse(text) for text in QUERIES for _ in range(ROUNDS)]
            pages = [clocked(partial(catalog.page, query)) for query in searches]
            counts = [clocked(partial(catalog.count, query)) for query in searches]
            filters = [parse(text) for text in FILTERS for _ in range(ROUNDS)]
            facets = [clocked(partial(catalog.facets, query, list(FACETS))) for query in filters]
            print(f"p95    page {p95(pages)}, count {p95(counts)}, all facets {p95(facets)}")
            streamed = clocked(partial(sum, (1 for _ in catalog.stream(parse(""), ["status"]))))
            named = clocked(partial(sum, (1 for _ in catalog.by_name("photos"))))
            tagged = clocked(partial(catalog.count, parse("tag:XMP:Rating>9")))
            each = [f"{spent * 1e6 / count:.0f} us" for spent in (streamed, named, tagged)]
            print(f"each   streamed {each[0]}, by name {each[1]}, looked at for a tag {each[2]}")


if __name__ == "__main__":
    main()
