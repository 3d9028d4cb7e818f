"""The API over Firestore, Pub/Sub and Cloud Storage."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.catalog.seeded import documents
from tests.conformance.test_catalog import QUERIES, REFUSED_BY_FIRESTORE, meant
from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.samples import SAMPLES
from tests.web.api.client import BY_NAME, UNHURRIED, Client
from tests.web.api.test_images import ids
from worker.backends.gcp.firestore import FirestoreDocuments
from worker.backends.gcp.pubsub import PubSubSubscription
from worker.ports import Create, Delivery
from worker.settings import Settings, load
from worker.site import Site
from worker.web import keys
from worker.web.serving import served
from worker.web.viewer import Precision, Scope


@pytest.fixture
def settings(cloud: Cloud) -> Settings:
    """Those of a set-up whose collection has the seeded documents."""
    with closing(FirestoreDocuments(cloud.project)) as store:
        assert not any(store.commit([Create(document) for document in documents()]))
    return load(
        {
            "IMAGEMETA_QUEUE": f"pubsub://{cloud.project}/{cloud.subscription}",
            "IMAGEMETA_TOPIC": f"pubsub://{cloud.project}/{cloud.topic}",
            "IMAGEMETA_DOCUMENTS": f"firestore://{cloud.project}/{cloud.database}/{cloud.collection}",
            "IMAGEMETA_API_KEYS": "true",
        }
    )


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    with served(settings, who=BY_NAME, bounds=UNHURRIED) as url:
        yield url


def test_searches_find_what_they_mean_or_are_refused(url: str) -> None:
    with closing(Client(url, "exact")) as client:
        for text in QUERIES[::3]:
            if text in REFUSED_BY_FIRESTORE:
                assert client.ask("GET", "/v1/images", params={"q": text}).status_code == 400, text
            else:
                assert set(ids(client, 50, q=text)) == meant(text), text
        facets = client.get("/v1/facets", q="has:make", names="camera,iso,status")
        assert facets["count"] == sum(pile["count"] for pile in facets["facets"]["status"])
        there = len(meant("has:position"))
        assert client.get("/v1/map", zoom=5)["count"] == there
        assert client.get("/v1/failures")["total"] == 3
        assert client.get("/v1/status")["documents"]["failed"] == 3


def test_rounded_viewers_page_through_places_without_learning_them(url: str) -> None:
    with closing(Client(url, "rounded")) as client:
        found = ids(client, 3, q="box:47,10,48,11")
        assert len(found) > 3
        page = client.get("/v1/images", q="box:47,10,48,11", limit=3)
        assert page["next"].startswith("gAAAA")  # sealed: Firestore's own holds the geohash of the last
        assert set(found) >= meant("box:47.01,10.01,47.99,10.99")


def test_keys_are_kept_in_the_database(settings: Settings) -> None:
    with Site(settings) as site:
        key, text = keys.create(site.records, "bot", frozenset({Scope.READ}), Precision.EXACT, "me")
        with served(settings) as url, closing(Client(url, **{"X-API-Key": text})) as client:
            assert client.get("/v1/images", limit=1)["images"]
            keys.revoke(site.records, key.id)
            assert client.ask("GET", "/v1/images").status_code == 401


def test_a_run_puts_its_messages_on_the_topic(url: str, cloud: Cloud) -> None:
    cloud.upload("a.jpg", SAMPLES[0].make())
    taken: list[str] = []

    def take(delivery: Delivery) -> None:
        taken.append(delivery.message.id)
        delivery.ack()

    subscription = PubSubSubscription(cloud.project, cloud.subscription, 4)
    with closing(Client(url, "exact")) as client:
        inspected = client.post("/v1/inspect", uri="gs://photos/a.jpg")
        assert inspected.json()["camera"]["make"]
        run = client.post("/v1/redrives", query="code:corrupt_image").json()["run"]
        wait_until(lambda: client.get(f"/v1/redrives/{run['id']}")["state"] == "done")
        assert client.get("/v1/runs")["runs"][0]["published"] == 1  # the other is quarantined
        subscription.start(take)
        wait_until(lambda: len(taken) >= 2)  # the upload's own, too
        subscription.stop(1)
