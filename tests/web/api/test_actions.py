"""What operators do through the API."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.catalog.seeded import failure, picture
from tests.fakes import wait_until
from tests.samples import SAMPLES
from tests.web.api.client import BY_NAME, UNHURRIED, Client
from tests.web.api.conftest import Place
from worker.backends.local.queue import queue_stats
from worker.errors import CorruptImage
from worker.site import Site
from worker.web.runner import MOST
from worker.web.serving import served


@pytest.fixture
def busy(empty: Place) -> Iterator[tuple[Place, Client]]:
    """A folder with three pictures, none of which has a document, and 250 failures and two documents besides."""
    for number in range(3):
        (empty.folder / f"new-{number}.jpg").write_bytes(SAMPLES[0].make())
    old = picture("old.jpg", recipe="0")
    empty.store(
        picture("gone.jpg"), old, *(failure(f"broken/{number}.jpg", CorruptImage("cut")) for number in range(250))
    )
    with served(empty.settings, who=BY_NAME, bounds=UNHURRIED) as url, closing(Client(url, "exact")) as client:
        yield empty, client


def waiting(place: Place) -> int:
    return queue_stats(place.folder / ".imagemeta" / "queue.db").waiting


def begun(client: Client, path: str, **body: Any) -> dict[str, Any]:
    reply = client.post(path, **body)
    assert reply.status_code == 202, reply.text
    run: dict[str, Any] = reply.json()["run"]
    return run


def ended(client: Client, path: str, **body: Any) -> dict[str, Any]:
    """The run of a POST, once it is at an end."""
    run = begun(client, path, **body)
    wait_until(lambda: client.get(f"{path}/{run['id']}")["state"] != "running")
    found: dict[str, Any] = client.get(f"{path}/{run['id']}")
    return found


def rehearsed(client: Client, path: str, **body: Any) -> Any:
    reply = client.post(path, dry_run=True, **body)
    assert reply.status_code == 200, reply.text
    assert reply.json()["dry_run"] is True
    return reply.json()["found"]


def test_a_rehearsal_says_exactly_what_the_run_then_does(busy: tuple[Place, Client]) -> None:
    place, client = busy
    for path, body, messages in (
        ("/v1/backfills", {"scope": "gs://photos/", "glob": "new-*"}, 3),
        ("/v1/redrives", {"query": "name:broken/1*"}, 111),
        ("/v1/reextractions", {"query": "-name:gone.jpg"}, 1),
        ("/v1/replays", {"since": "2020-01-01T00:00:00Z", "from_store": True}, 252),
    ):
        before = waiting(place)
        found = rehearsed(client, path, **body)
        assert found.get("messages", found.get("documents")) == messages, path
        assert waiting(place) == before
        assert client.get(path)["runs"] == []
        run = ended(client, path, **body, warm=True)
        assert (run["state"], run["published"]) == ("done", messages), path
        assert waiting(place) == before + messages
        assert client.get(path)["runs"] == [run]


def test_failures_are_set_aside_and_released(busy: tuple[Place, Client]) -> None:
    _, client = busy
    asked = {"query": "name:broken/1*"}
    assert rehearsed(client, "/v1/quarantines", **asked) == {"documents": 111}
    run = ended(client, "/v1/quarantines", **asked)
    assert (run["state"], run["published"]) == ("done", 111)
    assert rehearsed(client, "/v1/quarantines", **asked) == {"documents": 0}
    assert rehearsed(client, "/v1/redrives", **asked)["messages"] == 0
    assert rehearsed(client, "/v1/redrives", release=True, **asked)["messages"] == 111


def test_a_reconcile_tells_differences_and_mends_them(busy: tuple[Place, Client]) -> None:
    place, client = busy
    found = rehearsed(client, "/v1/reconciles", scope="gs://photos/")
    counts = {kind: found[kind] for kind in ("missing", "stale", "orphaned", "failed")}
    assert counts == {"missing": 3, "stale": 0, "orphaned": 252, "failed": 0}
    assert len(found["first"]) == 100
    assert ended(client, "/v1/reconciles", scope="gs://photos/", warm=True)["published"] == 255
    assert waiting(place) == 255


def test_the_record_says_who_did_what(busy: tuple[Place, Client]) -> None:
    _, client = busy
    ended(client, "/v1/redrives", query="name:broken/7*", cap=5, warm=True)
    [run] = client.get("/v1/runs")["runs"]
    assert (run["who"], run["action"], run["scope"]) == ("exact", "redrive", "name:broken/7*")
    assert (run["state"], run["published"]) == ("stopped", 5)
    assert "cap" in run["why"]


def test_a_run_that_is_slow_is_stopped_within_seconds_and_goes_on(busy: tuple[Place, Client]) -> None:
    _, client = busy
    asked = {"query": "code:corrupt_image", "rate": 1.0}
    run = begun(client, "/v1/redrives", **asked)
    wait_until(lambda: client.get(f"/v1/redrives/{run['id']}")["published"] == 100)
    assert client.post("/v1/redrives", **asked).status_code == 409  # it is at work
    began = time.monotonic()
    assert client.ask("DELETE", f"/v1/redrives/{run['id']}").status_code == 202
    wait_until(lambda: client.get(f"/v1/redrives/{run['id']}")["state"] == "stopped")
    assert time.monotonic() - began < 10
    assert "exact" in client.get(f"/v1/redrives/{run['id']}")["why"]
    assert client.ask("DELETE", f"/v1/redrives/{run['id']}").status_code == 409
    again = ended(client, "/v1/redrives", query="code:corrupt_image", warm=True)
    assert (again["id"], again["state"], again["published"]) == (run["id"], "done", 250)


def test_so_many_runs_are_at_work_and_no_more(busy: tuple[Place, Client]) -> None:
    _, client = busy
    runs = [begun(client, "/v1/redrives", query=f"-name:x{number}", rate=0.01) for number in range(MOST)]
    refused = client.post("/v1/redrives", query="-name:y")
    assert (refused.status_code, refused.json()["code"]) == (503, "throttled")
    for run in runs:
        client.ask("DELETE", f"/v1/redrives/{run['id']}")
    wait_until(lambda: all(each["state"] == "stopped" for each in client.get("/v1/runs")["runs"]))


def test_a_server_that_ends_writes_down_how_far_its_runs_are(empty: Place) -> None:
    empty.store(*(failure(f"broken/{number}.jpg", CorruptImage("cut")) for number in range(150)))
    with served(empty.settings, who=BY_NAME) as url, closing(Client(url, "exact")) as client:
        run = begun(client, "/v1/redrives", rate=1.0)
        wait_until(lambda: client.get(f"/v1/redrives/{run['id']}")["published"] == 100)
    with Site(empty.settings) as site:
        kept = site.ledger.found(run["id"])
    assert kept
    assert (kept.state, kept.published, kept.why) == ("stopped", 100, "the server ended")


def test_a_folder_is_paused_and_resumed(busy: tuple[Place, Client]) -> None:
    place, client = busy
    assert client.post("/v1/resume", bucket="photos").status_code == 409
    paused = client.post("/v1/pause", bucket="photos")
    assert (paused.status_code, paused.json()["who"]) == (200, "exact")
    wait_until(lambda: [each["bucket"] for each in client.get("/v1/status")["pauses"]] == ["photos"])
    assert client.post("/v1/resume", bucket="photos").status_code == 202
    wait_until(lambda: client.get("/v1/status")["pauses"] == [])
    wait_until(lambda: waiting(place) == 255)


def test_a_local_queue_cannot_go_back(busy: tuple[Place, Client]) -> None:
    _, client = busy
    reply = client.post("/v1/replays", since="24h")
    assert (reply.status_code, reply.json()["code"]) == (409, "misconfigured")
    assert "from_store" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/backfills", {"scope": "photos"}),
        ("/v1/backfills", {}),
        ("/v1/backfills", {"scope": "gs://photos", "select": "some"}),
        ("/v1/backfills", {"scope": "gs://photos", "speed": 3}),
        ("/v1/redrives", {"query": "status:ok"}),
        ("/v1/redrives", {"query": "mke:Sony"}),
        ("/v1/redrives", {"rate": 0}),
        ("/v1/redrives", {"cap": "all"}),
        ("/v1/replays", {"since": "yesterday"}),
        ("/v1/pause", {"bucket": "gs://photos"}),
    ],
)
def test_what_is_asked_for_wrongly_begins_nothing(busy: tuple[Place, Client], path: str, body: dict[str, Any]) -> None:
    _, client = busy
    assert client.post(path, **body).status_code == 400
    assert client.get("/v1/runs")["runs"] == []
