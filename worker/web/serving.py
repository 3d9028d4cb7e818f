"""The server: what `imagemeta serve` runs, and what `imagemeta up` runs beside its work."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from worker.errors import Misconfigured
from worker.settings import Settings
from worker.site import Site
from worker.web.access import Access, access
from worker.web.app import application
from worker.web.guard import BOUNDS, Bounds

_AT_ONCE = 200
"""Requests in hand; more are told to come again."""
_GRACE_SECONDS = 5
_JOIN_SECONDS = 30.0


def serve(settings: Settings, listening: Callable[[str], None]) -> None:
    """Serve at the settings' address until SIGTERM or SIGINT, in the main thread; `listening` is told the URL.

    Raises Misconfigured where that cannot be. A second signal ends the process at once.
    """
    stopped = threading.Event()

    def on_signal(number: int, _: object) -> None:
        stopped.set()
        signal.signal(number, signal.SIG_DFL)

    with served(settings, settings.serve_address) as url:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, on_signal)
        listening(url)
        stopped.wait()


@contextmanager
def served(
    settings: Settings, address: str = "127.0.0.1:0", who: Access | None = None, bounds: Bounds = BOUNDS
) -> Iterator[str]:
    """Serve meanwhile, in threads; the URL. Port 0 is one that is free. Who may is as the settings say, or `who`."""
    with Site(settings) as site:
        server = _server(site, who or access(site, address), bounds)
        with _listening(address) as listener:
            thread = threading.Thread(target=server.run, args=([listener],), name="serve", daemon=True)
            thread.start()
            try:
                yield _url(listener)
            finally:
                server.should_exit = True
                thread.join(_JOIN_SECONDS)


@contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    """A socket that takes connections from now on."""
    host, _, port = address.rpartition(":")
    try:
        name, kind = host.strip("[]") or None, socket.SOCK_STREAM
        family, _, _, _, place = socket.getaddrinfo(name, None, type=kind, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server((place[0], int(port)), family=family, backlog=128)
    except (OSError, ValueError, OverflowError) as error:
        raise Misconfigured(
            f"IMAGEMETA_SERVE_ADDRESS: cannot listen on {address!r} ({error}); write HOST:PORT, as 127.0.0.1:8080"
        ) from error
    with listener:
        yield listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _server(site: Site, who: Access, bounds: Bounds = BOUNDS) -> uvicorn.Server:
    config = uvicorn.Config(
        application(site, who, bounds),
        log_config=None,
        access_log=False,
        proxy_headers=False,  # whoever asks could write them
        server_header=False,
        lifespan="on",
        limit_concurrency=_AT_ONCE,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)
