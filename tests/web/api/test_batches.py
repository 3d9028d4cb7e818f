"""Batches through the API: a table is handed in and worked off by the worker that is there."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.batches.images import saved
from tests.batches.server import Site as WebSite
from tests.batches.server import serving, slowly, status
from tests.cli.program import started
from tests.fakes import wait_until
from tests.samples.drawing import draw
from tests.web.api.client import BY_NAME, HEADER, UNHURRIED, Client
from worker.batches.sheet import SAMPLE
from worker.local import settings_in
from worker.settings import Settings
from worker.web.serving import served

PHOTO = saved(draw(3, (320, 200)), "JPEG", quality=95)
TYPE = "Content-Type"


@pytest.fixture(scope="module")
def web() -> Iterator[WebSite]:
    """Where the images are."""
    with WebSite(serving(PHOTO)) as site:
        yield site


@pytest.fixture
def site(web: WebSite) -> WebSite:
    """The same, without what another test has asked of it."""
    web.answers.clear()
    web.log.clear()
    return web


@pytest.fixture(scope="module")
def settings(web: WebSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Those of a folder whose worker is at work."""
    folder = tmp_path_factory.mktemp("handed-in") / "photos"
    folder.mkdir()
    more = {"IMAGEMETA_FETCH_ALLOW": web.address, "IMAGEMETA_BATCH_BYTES": "200000", "IMAGEMETA_LOG_LEVEL": "error"}
    with started("up", folder, "--no-console", "--shards", "1", **more) as program:
        wait_until((folder / ".imagemeta" / "catalog.db").exists, 60)
        yield settings_in(folder, more)
        program.terminate()
        assert program.wait(30) == 0


@pytest.fixture(scope="module")
def url(settings: Settings) -> Iterator[str]:
    with served(settings, who=BY_NAME, bounds=UNHURRIED) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with closing(Client(url, "exact")) as client:
        yield client


def table(site: WebSite, *paths: str, name: str = "id") -> bytes:
    return "".join([f"{name},url\n", *(f"{number},{site.url(path)}\n" for number, path in enumerate(paths))]).encode()


def finished(client: Client, batch: str) -> dict[str, Any]:
    """The batch and its rows, once nothing is pending."""
    wait_until(lambda: client.get(f"/v1/batches/{batch}")["batch"]["pending"] == 0, 60)
    found: dict[str, Any] = client.get(f"/v1/batches/{batch}")
    return found


def output(client: Client, batch: str, **more: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.file(f"/v1/batches/{batch}/output.csv", **more).text)))


def test_the_sample_is_worked_off(client: Client, site: WebSite) -> None:
    sample = client.file("/v1/batches/sample.csv").text
    assert sample == SAMPLE
    data = sample.replace("https://www.example.com", site.url("")).encode()
    reply = client.ask("POST", "/v1/batches", files={"file": ("products.csv", data, "application/vnd.ms-excel")})
    assert reply.status_code == 201
    batch = reply.json()
    assert reply.headers["location"] == f"/v1/batches/{batch['id']}"
    assert (batch["name"], batch["who"], batch["urls"], batch["rows"]) == ("products.csv", "exact", 4, 2)
    found = finished(client, batch["id"])
    assert (found["batch"]["state"], found["batch"]["done"], found["batch"]["eta"]) == ("done", 4, 0)
    assert [len(row["urls"]) for row in found["rows"]] == [2, 2]
    assert found["next"] is None
    rows = output(client, batch["id"])
    assert [row["Product Name"] for row in rows] == ["SKU1", "SKU2"]
    for row in rows:
        for number in (1, 2):
            path = Path(row[f"Output Image Url {number}"].removeprefix("file://"))
            assert path.stat().st_size == int(row[f"Bytes After {number}"]) < len(PHOTO)
            assert ".imagemeta/batches" in str(path)
    assert client.get("/v1/images")["images"] == []
    assert client.get("/v1/batches")["batches"][0]["id"] == batch["id"]


@pytest.mark.parametrize("kind", ["text/csv", "application/octet-stream", "", "text/plain; charset=utf-8"])
def test_a_table_is_the_body_whatever_it_is_called(client: Client, site: WebSite, kind: str) -> None:
    data = table(site, "/a.jpg", name=kind.replace(",", ""))
    told = {"quality": 70, "longest": 64, "format": "webp", "metadata": "strip", "name": "mine"}
    reply = client.ask("POST", "/v1/batches", data=data, params=told, headers={TYPE: kind})
    assert reply.status_code == 201
    batch = reply.json()
    assert batch["name"] == "mine"
    assert {name: batch["policy"][name] for name in ("quality", "longest", "format", "metadata")} == {
        name: value for name, value in told.items() if name != "name"
    }
    (row,) = finished(client, batch["id"])["rows"]
    assert row["urls"][0]["output"].endswith(".webp")


def test_json_has_the_rows_themselves(client: Client, site: WebSite) -> None:
    rows = [{"Name": "=SKU1", "Photos": [site.url("/1.jpg"), site.url("/2.jpg")]}, {"Name": "b", "Price": 2.5}]
    reply = client.post("/v1/batches", rows=rows, policy={"quality": 60}, name="by hand")
    batch = reply.json()
    assert (reply.status_code, batch["urls"], batch["policy"]["quality"]) == (201, 2, 60)
    finished(client, batch["id"])
    first, second = output(client, batch["id"])
    assert (first["Name"], second["Price"], first["Status 2"]) == ("'=SKU1", "2.5", "done")
    assert output(client, batch["id"], raw=True)[0]["Name"] == "=SKU1"


def test_json_says_where_the_table_lies(client: Client, site: WebSite, settings: Settings) -> None:
    folder = Path(settings.documents.removeprefix("sqlite://")).parents[1]
    (folder / "p.csv").write_bytes(table(site, "/there.jpg"))
    reply = client.post("/v1/batches", uri="gs://photos/p.csv")
    assert (reply.status_code, reply.json()["name"]) == (201, "p.csv")
    missing = client.post("/v1/batches", uri="gs://photos/q.csv")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_who_hands_the_same_in_twice_gets_the_same_batch(client: Client, site: WebSite) -> None:
    site.answers["/slow.jpg"] = slowly(1.0, serving(PHOTO))
    first, second = (client.ask("POST", "/v1/batches", data=table(site, "/slow.jpg")) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    finished(client, first.json()["id"])
    assert client.ask("POST", "/v1/batches", data=table(site, "/slow.jpg")).status_code == 201


def test_what_failed_is_retried_and_mended(client: Client, site: WebSite) -> None:
    paths = [f"/{number}.jpg" for number in range(30)]
    for path in paths[::10]:
        site.answers[path] = status(404)
    batch = client.ask("POST", "/v1/batches", data=table(site, *paths)).json()["id"]
    assert finished(client, batch)["batch"]["failed"] == 3
    shown = client.get(f"/v1/batches/{batch}", state="failed")
    assert [(row["number"], row["urls"][0]["code"]) for row in shown["rows"]] == [
        (number, "not_served") for number in (1, 11, 21)
    ]
    before = site.visits()
    del site.answers["/0.jpg"], site.answers["/10.jpg"]
    assert client.ask("POST", f"/v1/batches/{batch}/retry-failed").json() == {"published": 3}
    wait_until(lambda: client.get(f"/v1/batches/{batch}")["batch"]["failed"] == 1, 60)
    wait_until(lambda: site.visits() - before == Counter({"/0.jpg": 1, "/10.jpg": 1, "/20.jpg": 1}))

    reply = client.post(f"/v1/batches/{batch}/mend", row=21, url=site.url("/better.jpg"))
    assert reply.status_code == 200
    wait_until(lambda: client.get(f"/v1/batches/{batch}")["batch"]["done"] == 30, 60)
    assert output(client, batch)[20]["url"] == site.url("/better.jpg")
    again = client.post(f"/v1/batches/{batch}/mend", row=21, url=site.url("/better.jpg"))
    assert (again.status_code, "has not failed" in again.json()["detail"]) == (422, True)


def test_rows_come_page_by_page(client: Client, site: WebSite) -> None:
    batch = client.ask("POST", "/v1/batches", data=table(site, *(f"/p{number}.jpg" for number in range(25)))).json()
    finished(client, batch["id"])
    numbers, more = [], {"limit": 10}
    while "cursor" not in more or more["cursor"]:
        page = client.get(f"/v1/batches/{batch['id']}", **more)
        numbers.append([row["number"] for row in page["rows"]])
        more["cursor"] = page["next"]
    assert numbers == [list(range(1, 11)), list(range(11, 21)), list(range(21, 26))]
    assert client.ask("GET", f"/v1/batches/{batch['id']}", params={"cursor": "x"}).status_code == 400


def test_what_is_cancelled_is_not_fetched(client: Client, site: WebSite) -> None:
    site.default = slowly(0.2, serving(PHOTO))
    try:
        data = table(site, *(f"/c{number}.jpg" for number in range(400)))
        batch = client.ask("POST", "/v1/batches", data=data).json()["id"]
        assert client.ask("POST", f"/v1/batches/{batch}/cancel").json()["state"] == "cancelled"
        found = client.get(f"/v1/batches/{batch}", limit=500)
        assert "cancelled" in {item["state"] for row in found["rows"] for item in row["urls"]}
        assert client.ask("POST", f"/v1/batches/{batch}/retry-failed").status_code == 422
        wait_until(lambda: client.get("/v1/queue")["backlog"]["waiting"] == 0, 60)
        assert len(site.log) < 400
    finally:
        site.default = serving(PHOTO)


@pytest.mark.parametrize(
    ("data", "status_code", "told"),
    [
        (b"", 422, "is empty"),
        (b"a,b\n1,2\n", 422, "no column holds URLs"),
        (b'url\n"http://a.test/1\n', 422, "line 2: "),
        (b"url\nhttp://a.test/" + b"x" * 200_000, 413, "at most 200000"),
        (b"url\nhttp://a.test/" + b"x" * 2_000_000, 413, "bytes"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_line(
    client: Client, data: bytes, status_code: int, told: str
) -> None:
    def ids() -> list[str]:
        return [each["id"] for each in client.get("/v1/batches")["batches"]]

    before = ids()
    for more in ({"data": data, "headers": {TYPE: "text/csv"}}, {"files": {"file": ("p.csv", data)}}):
        reply = client.ask("POST", "/v1/batches", **more)
        assert (reply.status_code, told in reply.text) == (status_code, True), reply.text
    assert ids() == before


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "either `uri` or `rows`"),
        ({"uri": "gs://b/c.csv", "rows": [{"url": "http://a.test"}]}, "either `uri` or `rows`"),
        ({"uri": "/etc/passwd"}, "uri"),
        ({"rows": []}, "rows"),
        ({"rows": [{"url": "http://a.test"}], "colour": 1}, "colour"),
        ({"rows": [{"url": "http://a.test"}], "policy": {"quality": 0}}, "policy.quality"),
        ({"rows": [{"url": {"a": 1}}]}, "rows"),
    ],
)
def test_json_that_is_wrong_is_refused(client: Client, body: dict[str, Any], told: str) -> None:
    reply = client.ask("POST", "/v1/batches", data=json.dumps(body), headers={TYPE: "application/json"})
    assert (reply.status_code, told in reply.json()["detail"]) == (400, True), reply.text


def test_a_policy_that_makes_no_sense_is_refused(client: Client, site: WebSite) -> None:
    form = {"file": ("p.csv", table(site, "/a.jpg"))}
    for fields in ({"quality": "loud"}, {"quality": "200"}, {"format": "gif"}, {"longest": "3"}):
        reply = client.ask("POST", "/v1/batches", files=form, data=fields)
        assert reply.status_code == 422, fields
    assert client.ask("POST", "/v1/batches", data=b"x", params={"quality": 101}).status_code == 400
    no_file = client.ask("POST", "/v1/batches", files={"other": ("p.csv", b"x")})
    assert (no_file.status_code, "choose a file" in no_file.json()["detail"]) == (422, True)


def test_a_batch_that_is_not_there_is_told(client: Client) -> None:
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry-failed")):
        reply = client.ask(method, f"/v1/batches/nothing{path}")
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
    reply = requests.get(f"{client.url}/v1/batches/nothing/output.csv", headers={HEADER: "exact"}, timeout=30)
    assert reply.status_code == 404


def test_it_takes_the_right_to_operate(url: str, site: WebSite) -> None:
    with closing(Client(url, "reader")) as reader:
        assert reader.ask("POST", "/v1/batches", data=table(site, "/a.jpg")).status_code == 403
        assert reader.ask("GET", "/v1/batches").status_code == 403
