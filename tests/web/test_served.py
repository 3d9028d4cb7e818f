"""What the console and the API ask by themselves is answered by the indexes that the stack makes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import pytest
import requests
import uvicorn

from tests.catalog.seeded import documents
from tests.catalog.serving import Recorded, lacking
from tests.web.api.conftest import Place, place
from worker import actions
from worker.actions import Options
from worker.catalog.query import parse
from worker.ports import Catalog
from worker.settings import Settings
from worker.site import Site
from worker.web.access import Access
from worker.web.app import application
from worker.web.guard import Bounds

PAGES = (
    *("/", "/images", "/images?view=table", "/map", "/plots", "/queue", "/failures", "/backfills", "/reconcile"),
    *(
        "/workers",
        "/runs",
        "/exports",
        "/exports?form=geojson",
        "/batches",
        "/failures/requeue",
        "/failures/quarantine",
    ),
    *("/map/clusters?zoom=2&box=-90,-180,90,180", "/failures/export.csv"),
)
ENDPOINTS = (
    *("/v1/images", "/v1/facets", "/v1/map?zoom=2&box=-90,-180,90,180", "/v1/failures", "/v1/failures/items"),
    *("/v1/status", "/v1/queue", "/v1/workers", "/v1/runs", "/v1/redrives", "/v1/exports", "/v1/export?format=csv"),
    "/v1/export?format=geojson",
)


class Watched(Site):
    """A set-up whose catalog remembers what it was asked."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.asked: set[str] = set()

    @cached_property
    def catalog(self) -> Catalog:
        return Recorded(super().catalog, self.asked)


@pytest.fixture
def found(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = place(tmp_path_factory.mktemp("served") / "photos")
    made.store(*documents())
    return made


@contextmanager
def serving(site: Site) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = application(site, Access(), Bounds(rate=1e6, burst=1e6))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def test_what_pages_and_endpoints_ask_has_its_indexes(found: Place) -> None:
    with Watched(found.settings) as site:
        actions.redrive(site, "", Options(), lambda _: None, release=False)
        run = site.ledger.newest()[0].id
        with serving(site) as url:
            for path in (*PAGES, f"/runs/{run}", *ENDPOINTS):
                reply = requests.get(url + path, timeout=60)
                assert reply.status_code == 200, f"{path}: {reply.text}"
    assert len(site.asked) > 12
    by_day = {text for text in site.asked if text.startswith("processed:")}  # of SQLite alone
    assert len(by_day) == 1
    assert [each for text in sorted(site.asked - by_day) for each in lacking(parse(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        *("", "make:Sony", "make:Sony,Canon status:ok has:position taken:2024", "alps", "alps make:Sony"),
        *("near:48,11,5km", "iso:>800", "iso:100 status:failed", "in:gs://photos run:r"),
    ],
)
def test_the_rule_knows_what_is_served(text: str) -> None:
    assert lacking(parse(text)) == []


@pytest.mark.parametrize("text", ["rating:5", "make:Sony iso:>800", "processed:2024", "worker:w1", "lens:RF*"])
def test_the_rule_knows_what_is_not(text: str) -> None:
    assert lacking(parse(text))
