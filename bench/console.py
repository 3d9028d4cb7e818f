"""How long the console's pages take over a large catalog: over HTTP, and in a real browser for the map.

CPU time is that of server and client, which neighbours on a shared machine stretch least.

The documents are those of bench/catalog.py. A search is the page with its first 48 pictures and the number of all that
match; facets are what it counts beside them; the map is painted when its first clusters are on the screen.

    python -m bench.console [--documents 200000]
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

import requests

from bench.catalog import BATCH, FILTERS, QUERIES, documents, p95
from tests.fakes import wait_until
from tests.web.console.browser import Browser, browsing
from tests.web.console.conftest import console
from tests.web.console.shelf import catalog_in
from worker import logs
from worker.backends.local.documents import LocalDocuments
from worker.ports import Create

ROUNDS = 3
PAGES = (("search", "/images", QUERIES), ("facets", "/images/facets", FILTERS), ("plots", "/plots/figures", FILTERS))


def clocked(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds of CPU, and on the clock."""
    cpu, started = time.process_time(), time.perf_counter()
    act()
    return time.process_time() - cpu, time.perf_counter() - started


def fetched(url: str, path: str, texts: tuple[str, ...]) -> tuple[list[float], list[float]]:
    """Each request's seconds of CPU, and those on the clock."""

    def get(text: str) -> None:
        assert requests.get(url + path, {"q": text}, timeout=60).status_code == 200

    get("")  # opens what is opened at the first request
    spent = [clocked(lambda: get(text)) for text in texts for _ in range(ROUNDS)]  # noqa: B023 -- called at once
    return [cpu for cpu, _ in spent], [seconds for _, seconds in spent]


def paint(browser: Browser) -> None:
    browser.open("/map")
    wait_until(lambda: browser.run("return document.querySelector('#map')?.dataset.painted"))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--documents", type=int, default=200_000)
    count = arguments.parse_args().documents
    logs.configure("error", "console")
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "pictures"
        catalog = catalog_in(folder)
        with closing(LocalDocuments(catalog / "catalog.db")) as store:
            made = documents(count)
            while batch := [Create(document) for document in islice(made, BATCH)]:
                store.commit(batch)
        os.sync()  # pages are measured, not the disk that still takes what was written
        with console(folder) as url, browsing(url) as browser:
            print(f"over {count:,} documents in SQLite")
            for name, path, texts in PAGES:
                cpu, wall = fetched(url, path, texts)
                print(f"{name:<7} p95 {p95(cpu)} of CPU, {p95(wall)} on the clock")
            for look in ("first", "second"):
                _, painted = clocked(lambda: paint(browser))
                print(f"map     {look} paint after {painted:.2f} s")


if __name__ == "__main__":
    main()
