"""A site of pictures on loopback that behaves badly where it is told to, and keeps a log."""

import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Answer = Callable[["Visit"], None]


class Visit(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    site: "Site"

    def do_GET(self) -> None:
        with self.site.lock:
            self.site.log.append(self.path)
            self.site.headers.append(dict(self.headers))
            answer = self.site.answers.get(self.path) or self.site.default
        self.close_connection = True
        with suppress(OSError):  # who asked has gone away
            answer(self)

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silence."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is expected."""


class Site:
    """A context manager. `answers` by path; any other path gets `default`."""

    def __init__(
        self, default: Answer, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.default = default
        self.answers: dict[str, Answer] = {}
        self.log: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        self.ended = threading.Event()
        handler = type("Visit", (Visit,), {"site": self})
        self._server = _Server((host, port), handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self.host = host
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"

    def visits(self) -> Counter[str]:
        """How often each path was asked for."""
        with self.lock:
            return Counter(self.log)


# --- ways to answer ----------------------------------------------------------------------------------------


def serving(data: bytes, content_type: str = "image/jpeg", **headers: str) -> Answer:
    return lambda visit: visit.reply(200, data, Content_Type=content_type, **headers)


def status(code: int, **headers: str) -> Answer:
    return lambda visit: visit.reply(code, b"no", **headers)


def redirect(to: str, code: int = 302) -> Answer:
    return lambda visit: visit.reply(code, Location=to)


def stall(visit: Visit) -> None:
    """Say nothing, until the site is closed."""
    visit.site.ended.wait(60)


def drip(visit: Visit) -> None:
    """A byte now and then: each one keeps a careless client waiting for the next."""
    visit.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not visit.site.ended.wait(0.05):
        visit.wfile.write(b"x")
        visit.wfile.flush()


def drip_headers(visit: Visit) -> None:
    """The same, before the body."""
    visit.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not visit.site.ended.wait(0.05):
        visit.wfile.write(b"x")
        visit.wfile.flush()


def endless(visit: Visit) -> None:
    """A body that never ends, as fast as it is taken."""
    visit.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nConnection: close\r\n\r\n")
    while not visit.site.ended.is_set():
        visit.wfile.write(b"\xff\xd8" * 32768)


def truncated(data: bytes) -> Answer:
    """Half of what was announced."""

    def answer(visit: Visit) -> None:
        visit.reply(200, data[: len(data) // 2], Content_Type="image/jpeg", Content_Length=str(len(data)))

    return answer


def failing(times: int, code: int, then: Answer) -> Answer:
    """So many failures, then better."""
    left = [times]
    lock = threading.Lock()

    def answer(visit: Visit) -> None:
        with lock:
            left[0] -= 1
            fail = left[0] >= 0
        (status(code) if fail else then)(visit)

    return answer


def slowly(seconds: float, then: Answer) -> Answer:
    def answer(visit: Visit) -> None:
        time.sleep(seconds)
        then(visit)

    return answer
