"""What a stranger's URL leads to: asked for once, followed through redirects, bounded in time, bytes and trust.

For every hop the host is resolved once, its addresses are checked (address.py), and the connection goes to what was
checked (line.py): a name server that changes its mind between the two finds nobody who asks again. What is raised says
nothing about addresses, for whoever wrote the URL reads it.
"""

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException
from time import monotonic
from urllib.parse import urljoin

from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.response import BaseHTTPResponse
from urllib3.util import parse_url

from worker import __version__
from worker.backends.http.address import Guard, parsed, plainly_written
from worker.backends.http.body import read_body
from worker.backends.http.hosts import Hosts
from worker.backends.http.line import Target, connected
from worker.backends.http.waiting import asked_pause
from worker.errors import AddressRefused, BadUrl, NotServed, SiteUnavailable
from worker.ports import Fetched

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host, as text. Raises socket.gaierror where there are none."""

REDIRECTS = 5
_URL_LENGTH = 8192
_PORTS = {"http": 80, "https": 443}
_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed. Proxies invent more above 520."""
_HEADERS = {
    "User-Agent": f"imagemeta/{__version__}",
    "Accept": "image/*,*/*;q=0.5",
    "Accept-Encoding": "identity",
}
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


def system_resolver(host: str, port: int) -> Sequence[str]:
    """The operating system's."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Caps:
    """What one fetch may take: bytes of the body, seconds from the first connect to the last byte, and how many are
    under way to one host at once."""

    bytes: int = 32 * 1024 * 1024
    seconds: float = 60.0
    per_host: int = 8


class HttpFetcher:
    """Fetches: ports.Fetcher. One per process; each fetch has a connection of its own."""

    def __init__(
        self,
        guard: Guard,
        caps: Caps = Caps(),
        resolve: Resolve = system_resolver,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._caps = caps
        self._resolve = resolve
        self._tls = tls or ssl.create_default_context()
        self._hosts = Hosts(caps.per_host)

    def fetch(self, url: str) -> Fetched:
        """One attempt, redirects included. It waits for its turn at the host; the time for that does not count."""
        target = self._target(url)
        with self._hosts.turn(target.host):
            deadline = monotonic() + self._caps.seconds
            for _ in range(REDIRECTS + 1):
                answer = self._ask(target, deadline)
                if isinstance(answer, bytes):
                    return Fetched(target.url, answer)
                target = self._target(urljoin(target.url, answer))
        raise NotServed(f"it redirects more than {REDIRECTS} times")

    def _target(self, text: str) -> Target:
        """The URL, taken apart once and for all."""
        text = text.strip(" ")
        if len(text) > _URL_LENGTH or any(ord(each) < 0x20 or ord(each) == 0x7F for each in text):
            raise BadUrl(f"it is longer than {_URL_LENGTH} characters, or holds control characters")
        try:
            url = parse_url(text)
        except (LocationParseError, UnicodeError) as error:
            raise BadUrl("it cannot be understood as a URL") from error
        if url.scheme not in _PORTS:
            raise BadUrl("it begins with neither http:// nor https://")
        if not url.host:
            raise BadUrl("it names no host")
        if url.auth:
            raise BadUrl("it holds a user's name or password, which are not sent")
        port = _PORTS[url.scheme] if url.port is None else url.port
        if not self._guard.port_may_be(port):
            raise BadUrl(f"port {port} is not one of those that are fetched from (IMAGEMETA_FETCH_PORTS)")
        host = url.host.strip("[]")
        if not plainly_written(host):
            raise BadUrl(f"{host} is an address in a form that programs disagree on")
        return Target(url._replace(fragment=None).url, url.scheme, host, port, url.request_uri)

    def _addresses(self, target: Target) -> list[str]:
        """Those of the host that may be connected to."""
        try:
            found = parsed(self._resolve(target.host, target.port))
        except socket.gaierror as error:
            if error.errno in _NO_SUCH_NAME:
                raise BadUrl(f"there is no host {target.host}") from error
            raise SiteUnavailable(f"the host {target.host} could not be resolved") from error
        except (UnicodeError, ValueError) as error:
            raise BadUrl(f"{target.host} is no name of a host") from error
        except OSError as error:
            raise SiteUnavailable(f"the host {target.host} could not be resolved") from error
        allowed = [str(each) for each in found if self._guard.lets(target.host, each, target.port)]
        if not allowed:
            raise AddressRefused(f"{target.host} is not on the public internet (IMAGEMETA_FETCH_ALLOW)")
        return allowed

    def _ask(self, target: Target, deadline: float) -> bytes | str:
        """The body of the answer, or where it redirects to."""
        addresses = self._addresses(target)
        try:
            with connected(target, addresses, self._tls, deadline) as connection:
                connection.request("GET", target.path, headers=_HEADERS, preload_content=False, decode_content=False)
                with closing(connection.getresponse()) as response:
                    where = _location(target, response)
                    answer = read_body(response, self._caps.bytes) if where is None else where
            if monotonic() >= deadline:  # a line that was cut looks like the end, where no length was announced
                raise TimeoutError
            return answer
        except (HTTPError, HTTPException, OSError) as error:
            raise self._failure(target, error, deadline) from error

    def _failure(self, target: Target, error: Exception, deadline: float) -> NotServed | SiteUnavailable:
        if monotonic() >= deadline:
            return SiteUnavailable(f"{target.host} took longer than {self._caps.seconds:g} s")
        cause: BaseException | None = error
        while cause:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return NotServed(f"the certificate of {target.host} is not valid: {cause.verify_message}")
            cause = cause.__cause__ or cause.__context__
        return SiteUnavailable(f"{target.host} did not answer in full: {type(error).__name__}")


def _location(target: Target, response: BaseHTTPResponse) -> str | None:
    """Where the answer redirects to; None where its body is what was wanted."""
    status = response.status
    if status == 200:
        return None
    if status in _REDIRECTING and (location := response.headers.get("Location")):
        return location
    if status in _LATER or status >= 520:
        raise SiteUnavailable(f"{target.host} answers HTTP {status}", asked_pause(response.headers.get("Retry-After")))
    raise NotServed(f"{target.host} answers HTTP {status}")
