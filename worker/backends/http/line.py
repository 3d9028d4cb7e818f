"""A connection to addresses that were checked, to no others, and for no longer than it may take.

urllib3 opens its socket in one place. That place is taken over: the name stays in the URL, in the `Host` header and in
TLS, which verifies it, but nobody resolves it a second time. When the time is over the socket is shut down, whatever
is being waited for: a byte a second would otherwise keep a thread for hours.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic

from urllib3.connection import HTTPConnection, HTTPSConnection

CONNECT_SECONDS = 10.0
STALL_SECONDS = 15.0
"""How long a site may say nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was taken apart; `path` is what the request line says."""

    url: str
    scheme: str
    host: str
    port: int
    path: str


class _Plain(HTTPConnection):
    """HTTP through a socket that `dial` opens."""

    dial: Callable[[], socket.socket]

    def _new_conn(self) -> socket.socket:
        """What urllib3 calls for its socket."""
        return self.dial()


class _Secure(_Plain, HTTPSConnection):
    """HTTPS likewise; the certificate must be the name's."""


@contextmanager
def connected(
    target: Target, addresses: Sequence[str], tls: ssl.SSLContext, deadline: float
) -> Iterator[HTTPConnection]:
    """A connection, closed at the end, and cut at the deadline (on the monotonic clock)."""
    connection = (
        _Secure(target.host, target.port, timeout=STALL_SECONDS, ssl_context=tls)
        if target.scheme == "https"
        else _Plain(target.host, target.port, timeout=STALL_SECONDS)
    )
    cut = _Cut(deadline)
    connection.dial = partial(_dialled, addresses, target.port, cut)
    try:
        yield connection
    finally:
        cut.disarm()
        connection.close()


def _dialled(addresses: Sequence[str], port: int, cut: "_Cut") -> socket.socket:
    """A socket to the first of the addresses that answers."""
    failure = OSError("there is no address")
    for address in addresses:
        try:
            line = socket.create_connection((address, port), CONNECT_SECONDS)
        except OSError as error:
            failure = error
        else:
            line.settimeout(STALL_SECONDS)
            cut.arm(line)
            return line
    raise failure


class _Cut:
    """Shuts a socket down at a moment, through a handle of its own that TLS does not take away."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._handle: socket.socket | None = None
        self._timer: threading.Timer | None = None

    def arm(self, line: socket.socket) -> None:
        self._handle = line.dup()
        self._timer = threading.Timer(max(0.0, self._deadline - monotonic()), self._shut)
        self._timer.daemon = True
        self._timer.start()

    def disarm(self) -> None:
        if self._timer and self._handle:
            self._timer.cancel()
            self._timer.join()
            self._handle.close()

    def _shut(self) -> None:
        if self._handle:
            with suppress(OSError):  # the other side was faster
                self._handle.shutdown(socket.SHUT_RDWR)
