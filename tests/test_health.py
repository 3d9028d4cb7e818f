"""What an instance group's probes and a load balancer see."""

import http.client

import pytest

from worker.errors import Misconfigured
from worker.health import HealthServer


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def test_healthy_and_ready_are_different_questions() -> None:
    wrong: list[str] = []
    server = HealthServer("127.0.0.1:0", lambda: None, lambda: wrong[0] if wrong else None)
    try:
        assert get(server.port, "/readyz") == (200, "ok\n")
        wrong.append("no shard pulls")
        assert get(server.port, "/readyz") == (503, "no shard pulls\n")
        assert get(server.port, "/healthz") == (200, "ok\n")
        assert get(server.port, "/etc/passwd") == (404, "not found\n")
    finally:
        server.close()


def test_a_taken_port_is_one_clear_line() -> None:
    first = HealthServer("127.0.0.1:0", lambda: None, lambda: None)
    try:
        with pytest.raises(Misconfigured, match="IMAGEMETA_HEALTH: cannot listen"):
            HealthServer(f"127.0.0.1:{first.port}", lambda: None, lambda: None)
    finally:
        first.close()


@pytest.mark.parametrize("address", ["", "nonsense", "127.0.0.1:port", "127.0.0.1:99999"])
def test_a_bad_address_is_one_clear_line(address: str) -> None:
    with pytest.raises(Misconfigured, match="IMAGEMETA_HEALTH"):
        HealthServer(address, lambda: None, lambda: None)
