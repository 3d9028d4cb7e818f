"""How many documents Firestore hands out for a search, against how many the search returns.

Firestore is Google's emulator, with a tap before it that counts what it hands out; the searches are those that are held
against all surfaces in tests/web/api/test_surfaces.py. Counting alone hands nothing out, and is a query of its own.

    python -m bench.reads [--documents 20000]
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from deploy.stack import Stack
from tests.catalog.seeded import documents
from tests.catalog.tap import Tap, tapped
from tests.web.api.test_surfaces import EVERYWHERE
from worker import logs
from worker.backends.gcp.catalog import FirestoreCatalog
from worker.backends.gcp.firestore import FirestoreDocuments
from worker.catalog.query import parse
from worker.errors import StoreUnavailable
from worker.ports import Create

PAGE = 100
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Reads:
    """What one search came to: how many match, and the documents that were handed out to know that (none where
    Firestore counts by itself); how many are on its first page, and how many were handed out for that."""

    text: str
    matching: int
    counted: int
    returned: int
    read: int


def fill(project: str, count: int) -> None:
    """Seed the collection."""
    with closing(FirestoreDocuments(project)) as store:
        made = iter(documents(count))
        while batch := [Create(each) for each in islice(made, _BATCH)]:
            _commit(store, batch)


def _commit(store: FirestoreDocuments, batch: list[Create]) -> None:
    """Until it is there: the emulator takes its time. What was written already is a conflict, and no harm."""
    for last in (False, False, True):
        try:
            store.commit(batch)
        except StoreUnavailable:
            if last:
                raise
        else:
            return


def measured(catalog: FirestoreCatalog, tap: Tap) -> Iterator[Reads]:
    """Each search in turn."""
    for text in EVERYWHERE:
        query = parse(text)
        tap.forget()
        matching, counted = catalog.count(query), tap.read
        tap.forget()
        returned = len(catalog.page(query, limit=PAGE).rows)
        yield Reads(text, matching, counted, returned, tap.read)


def main() -> None:
    """Print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--documents", type=int, default=20_000)
    count = arguments.parse_args().documents
    logs.configure("error", "console")
    with ExitStack() as stack:
        emulators = Stack(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        stack.callback(emulators.stop)
        address, tap = stack.enter_context(tapped(emulators.firestore))
        os.environ["FIRESTORE_EMULATOR_HOST"] = address
        fill("reads", count)
        catalog = stack.enter_context(closing(FirestoreCatalog("reads")))
        print(f"{'matching':>9}{'read':>7}{'page':>7}{'read':>7}  over {count:,} documents", flush=True)
        for each in measured(catalog, tap):
            figures = f"{each.matching:>9,}{each.counted:>7,}{each.returned:>7}{each.read:>7}"
            print(f"{figures}  {each.text}", flush=True)


if __name__ == "__main__":
    main()
