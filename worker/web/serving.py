"""The server: what `imagemeta serve` runs, and what `imagemeta up` runs beside its work."""

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

_AT_ONCE = 200
"""Requests in hand; more are told to come again."""
_GRACE_SECONDS = 5
_START_SECONDS = 30.0
_LOOK_SECONDS = 0.05


def serve(settings: Settings, listening: Callable[[str], None]) -> None:
    """Serve at the settings' address until a signal; `listening` is told the URL. Raises Misconfigured where that
    cannot be."""
    with Site(settings) as site:
        server = _server(site, access(site, settings.serve_address))
        with _listening(settings.serve_address) as listener:
            listening(_url(listener))
            server.run([listener])


@contextmanager
def served(settings: Settings, address: str = "127.0.0.1:0") -> Iterator[str]:
    """Serve meanwhile, in threads; the URL. Port 0 is one that is free."""
    with Site(settings) as site, _listening(address) as listener:
        server = _server(site, access(site, address))
        thread = threading.Thread(target=server.run, args=([listener],), name="serve", daemon=True)
        thread.start()
        try:
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join(_GRACE_SECONDS + _START_SECONDS)


@contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    """A socket that takes connections from now on."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(
            host.strip("[]") or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, place = found[0][0], found[0][4]
        listener = socket.create_server(place[:2], family=family, backlog=128)
    except (OSError, ValueError, OverflowError) as error:
        raise Misconfigured(
            f"IMAGEMETA_SERVE_ADDRESS: cannot listen on {address!r} ({error}); write HOST:PORT, as 127.0.0.1:8080"
        ) from error
    with listener:
        yield listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _server(site: Site, who: Access) -> uvicorn.Server:
    config = uvicorn.Config(
        application(site, who),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        limit_concurrency=_AT_ONCE,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)
