"""What every request passes before anything looks at it."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests

from tests.fakes import wait_until
from tests.web.api.client import BY_NAME, HEADER, Client
from tests.web.api.conftest import Place
from worker.backends.local.database import Database
from worker.backends.local.documents import SCHEMA
from worker.web.guard import BOUNDS, Bounds, Buckets
from worker.web.serving import served


@pytest.fixture
def local(empty: Place) -> Iterator[str]:
    """A server that nobody has to sign in to."""
    with served(empty.settings) as url:
        yield url


@pytest.mark.parametrize("path", ["/healthz", "/v1/images", "/v1/nothing", "/v1/docs", "/v1/images?limit=0"])
def test_every_answer_has_the_headers(local: str, path: str) -> None:
    headers = requests.get(local + path, timeout=10).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; img-src 'self' data: blob:;")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_health_needs_no_sign_in(empty: Place) -> None:
    with served(empty.settings, who=BY_NAME) as url:
        assert requests.get(f"{url}/healthz", timeout=10).status_code == 200
        assert requests.get(f"{url}/v1/docs", timeout=10).status_code == 401


def test_a_page_of_another_site_cannot_act(local: str) -> None:
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        reply = requests.post(f"{local}/v1/redrives", json={"dry_run": True}, headers=headers, timeout=10)
        assert reply.status_code == 403, headers
    own = {"Origin": local, "Sec-Fetch-Site": "same-origin"}
    assert requests.post(f"{local}/v1/redrives", json={"dry_run": True}, headers=own, timeout=10).status_code == 200


def test_a_name_that_leads_here_from_elsewhere_is_refused(local: str) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example"):
        assert requests.get(f"{local}/v1/images", headers={"Host": host}, timeout=10).status_code == 421
    port = urlsplit(local).port
    assert requests.get(f"http://localhost:{port}/v1/images", timeout=10).status_code == 200


def test_a_body_has_an_end(local: str) -> None:
    with closing(Client(local)) as client:
        assert client.ask("POST", "/v1/redrives", data=b"x" * (BOUNDS.body_bytes + 1)).status_code == 413
        assert client.ask("POST", "/v1/redrives", data=iter([b"x" * 1000] * 1100)).status_code == 413  # in pieces
        assert client.ask("POST", "/v1/inspect", data=b"x" * (BOUNDS.upload_bytes + 1)).status_code == 413
        assert client.ask("POST", "/v1/inspect", data=b"x" * (2 * BOUNDS.body_bytes)).status_code == 422  # no picture


def test_a_viewer_who_asks_too_often_is_told_to_wait_and_nobody_else(empty: Place) -> None:
    with served(empty.settings, who=BY_NAME, bounds=Bounds(rate=0.001, burst=3)) as url:
        with closing(Client(url, "exact")) as eager, closing(Client(url, "rounded")) as other:
            assert [eager.ask("GET", "/v1/images").status_code for _ in range(4)] == [200, 200, 200, 429]
            assert "retry-after" in eager.ask("GET", "/v1/images").headers
            assert other.ask("GET", "/v1/images").status_code == 200
        with closing(Client(url, "unknown")) as guessing:
            assert [guessing.ask("GET", "/v1/images").status_code for _ in range(4)][-1] == 429


def test_tokens_come_back() -> None:
    buckets = Buckets(rate=20.0, burst=1)
    assert buckets.take("a")
    assert not buckets.take("a")
    wait_until(lambda: buckets.take("a"))


def test_what_takes_too_long_is_a_504(empty: Place) -> None:
    with served(empty.settings, who=BY_NAME, bounds=Bounds(seconds=0.3, long_seconds=0.3)) as url:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
        connection.request("POST", "/v1/inspect", b"half", {"Content-Length": "8", HEADER: "exact"})
        with closing(connection), connection.getresponse() as answer:
            assert answer.status == 504
            assert json.loads(answer.read())["code"] == "timeout"


def test_a_store_that_does_not_answer_is_a_503(seeded: Place) -> None:
    file = seeded.folder / ".imagemeta" / "catalog.db"
    with served(seeded.settings, who=BY_NAME) as url, closing(Client(url, "exact")) as client:
        assert client.ask("GET", "/v1/runs").status_code == 200
        with closing(Database(file, SCHEMA, durable=True)) as other, other.transaction():
            reply = client.post("/v1/redrives")  # it would be written down
        assert reply.status_code == 503
        assert reply.json()["code"] == "store_unavailable"
        assert "retry-after" in reply.headers


def test_a_request_that_is_none_harms_nobody(local: str) -> None:
    port = urlsplit(local).port
    for junk in (b"\x16\x03\x01\x02\x00", b"GET /v1/images HTTP/1.1\r\n\r\n", b"GET " + b"a" * 100_000):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(junk)
            connection.settimeout(10)
            connection.recv(100)
    assert requests.get(f"{local}/v1/images", timeout=10).status_code == 200


def test_a_header_of_a_viewer_means_nothing_where_nobody_signs_in(local: str) -> None:
    assert requests.get(f"{local}/v1/runs", headers={HEADER: "nobody"}, timeout=10).status_code == 200
