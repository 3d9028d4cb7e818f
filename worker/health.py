"""`/healthz` and `/readyz`. Healthy means that the processes live, never that the cloud answers: an outage must not
make an instance group replace its machines. Ready means that messages are being pulled."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from worker.errors import Misconfigured

Check = Callable[[], str | None]
"""None where all is well, else what is wrong in a few words."""

_SOCKET_SECONDS = 5


class HealthServer:
    """Serves the two checks from a thread of its own. `address` is `host:port` or `:port` for every address."""

    def __init__(self, address: str, healthy: Check, ready: Check) -> None:
        host, _, port = address.rpartition(":")
        checks = {"/healthz": healthy, "/readyz": ready}
        try:
            self._server = ThreadingHTTPServer((host or "0.0.0.0", int(port)), _handler(checks))  # noqa: S104 -- asked for
        except (OSError, ValueError, OverflowError) as error:
            raise Misconfigured(f"IMAGEMETA_HEALTH: cannot listen on {address!r}: {error}") from error
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def _handler(checks: dict[str, Check]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SOCKET_SECONDS

        def do_GET(self) -> None:
            check = checks.get(self.path)
            wrong = check() if check else "not found"
            status = HTTPStatus.NOT_FOUND if check is None else HTTPStatus.SERVICE_UNAVAILABLE
            body = f"{wrong or 'ok'}\n".encode()
            self.send_response(status if wrong else HTTPStatus.OK)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Probes come every few seconds; they are not worth a line."""

    return Handler
