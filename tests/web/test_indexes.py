"""What the console and the API themselves ask of Firestore, its indexes serve: its emulator would answer without any.

Every page is looked at, and what every link on it leads to: what a click adds to a search is served as well.
"""

import html
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests

from tests.catalog.indexed import unserved
from tests.catalog.seeded import documents
from tests.catalog.tap import Tap, tapped
from tests.conftest import Cloud
from tests.web.api.client import BY_NAME, HEADER, UNHURRIED
from worker.backends.gcp.catalog import FirestoreCatalog
from worker.backends.gcp.firestore import FirestoreDocuments
from worker.catalog.facets import FEW
from worker.catalog.query import parse
from worker.indexes import Index
from worker.ports import Create
from worker.settings import load
from worker.web.serving import served

PAGES = ("/", "/images", "/map", "/plots", "/queue", "/failures", "/exports", "/backfills", "/workers", "/runs")
PARTS = ("/images/facets", "/images/complete?q=camera:", "/map/clusters", "/plots/figures", "/reconcile")
API = ("images", "image?uri=gs://photos/nothing.jpg", "facets", "map", "failures", "failures/items", "status", "queue")
STARTS = (*PAGES, *PARTS, *(f"/v1/{path}" for path in API))
ON_A_MAP = {"box": "47,10,49,12", "zoom": "7"}
LATER = {"/images": ("/images/facets",), "/plots": ("/plots/figures",), "/map": ("/map/clusters",)}
"""What pages fetch once they are there."""
_LINK = re.compile(r'(?:href|hx-get)="(/[^"]*)"')
_NO_PAGE = re.compile(r"/static/|/v1/docs|.*/(preview|thumb|json)\b")
_TERM = re.compile(r"-?[a-z]+:[<>]?|\.\.")


@dataclass(frozen=True)
class Served:
    """A console over seeded documents in Firestore, and the tap before its emulator."""

    url: str
    tap: Tap

    def get(self, address: str) -> str:
        """The page, or what else is there."""
        reply = requests.get(self.url + address, headers={HEADER: "exact"}, timeout=60)
        assert reply.status_code == 200, f"{address}: {reply.text}"
        return reply.text

    def post(self, address: str, fields: dict[str, str]) -> str:
        """What a form leads to."""
        with requests.Session() as session:
            session.headers[HEADER] = "exact"
            token = re.search(r'name="token" value="([^"]+)"', session.get(self.url + "/failures", timeout=60).text)
            assert token
            reply = session.post(self.url + address, {**fields, "token": token[1]}, timeout=60)
            assert reply.status_code == 200, reply.text
            return reply.text

    def unserved(self) -> list[Index]:
        """The indexes that were needed since the last time, and are not there."""
        found = [index for query in self.tap.of("images") for index in unserved(query)]
        self.tap.forget()
        return found


@pytest.fixture
def there(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with closing(FirestoreDocuments(cloud.project)) as store:
        assert not any(store.commit([Create(document) for document in documents()]))
    settings = load(
        {
            "IMAGEMETA_QUEUE": f"pubsub://{cloud.project}/{cloud.subscription}",
            "IMAGEMETA_TOPIC": f"pubsub://{cloud.project}/{cloud.topic}",
            "IMAGEMETA_DOCUMENTS": f"firestore://{cloud.project}/{cloud.database}/{cloud.collection}",
        }
    )
    with tapped(cloud.env["FIRESTORE_EMULATOR_HOST"]) as (address, tap):
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
        with served(settings, who=BY_NAME, bounds=UNHURRIED) as url:
            yield Served(url, tap)


def kind(address: str) -> tuple[str, ...]:
    """What addresses have in common that ask the same of other values."""
    parts = urlsplit(address)
    path = re.sub(r"(/images|/failures|/runs)/[0-9a-z]{12,}[^/]*", r"\1/ONE", parts.path)
    given = parse_qs(parts.query)
    return path, *sorted(given.keys() - {"view"}), *sorted(set(_TERM.findall(given.get("q", [""])[0])))


def links(page: str) -> Iterator[str]:
    """Where a page leads, and what is fetched there later, for a part of a map as well."""
    for found in _LINK.findall(page):
        address = html.unescape(found)
        if _NO_PAGE.match(address):
            continue
        yield address
        parts = urlsplit(address)
        yield from (f"{path}?{parts.query}" for path in LATER.get(parts.path, ()))
        if parts.path in ("/map", "/images"):
            query = urlencode(dict(parse_qsl(parts.query)) | ON_A_MAP)
            yield from (f"{path}?{query}" for path in ("/map/clusters", "/map/pictures"))


def test_what_pages_and_api_ask_is_indexed(there: Served) -> None:
    run = {"query": "code:corrupt_image"}
    begun = requests.post(f"{there.url}/v1/redrives", json=run, headers={HEADER: "exact"}, timeout=60)
    assert begun.status_code == 202, begun.text
    looked_at = {kind(address): address for address in STARTS}
    for page in [there.get(address) for address in STARTS]:
        looked_at = {kind(address): address for address in links(page)} | looked_at
    assert len(looked_at) > 60
    assert there.unserved() == []
    for address in looked_at.values():
        there.get(address)
        assert there.unserved() == [], address


def test_a_requeue_of_what_was_ticked_is_indexed(there: Served) -> None:
    key = re.search(r'data-href="/failures/([^"]+)"', there.get("/failures"))
    assert key
    assert "Requeue" in there.post("/failures/selected", {"key": key[1]})
    assert there.unserved() == []


def test_piles_that_are_counted_one_by_one_are_indexed(there: Served, cloud: Cloud) -> None:
    with closing(FirestoreCatalog(cloud.project, counted=0)) as catalog:
        for text in ("", 'camera:"Sony ILCE-7M4"', "has:position", "status:ok", "bucket:photos", "format:jpeg"):
            assert catalog.facets(parse(text), FEW)["status"]
            assert there.unserved() == [], text
