"""What every request passes before anything looks at it: who asks, from which page, how often, how much, how long."""

import asyncio
from collections import OrderedDict
from collections.abc import MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic, perf_counter
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker import events
from worker.errors import Forbidden, WorkerError
from worker.web import problems
from worker.web.access import Access
from worker.web.problems import Problem
from worker.web.viewer import Scope as May
from worker.web.viewer import Viewer

PUBLIC = frozenset({"/healthz", "/readyz"})
"""What a load balancer asks."""
INSPECT = "/v1/inspect"
TABLES = frozenset({"/v1/batches", "/batches", "/batches/preview"})
"""Where tables of URLs are handed in."""
BY_THE_DOZEN = ("/static/", "/previews/")
"""What a browser fetches for one page; it keeps all of it, and it is not counted against a viewer."""

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # an address holds the search, and a search may hold a place
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PAGES = ("same-origin", "none")
"""What browsers say of requests that our own pages, or nobody's, began."""
_MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one request may cost, and how many a viewer may send: `rate` a second, `burst` at once."""

    body_bytes: int = 1024 * 1024
    upload_bytes: int = 25 * 1024 * 1024
    table_bytes: int = 64 * 1024 * 1024
    seconds: float = 60.0
    """Until the answer begins."""
    long_seconds: float = 300.0
    """The same for what is posted: a dry run may look at a whole bucket."""
    rate: float = 50.0
    burst: float = 200.0

    def body(self, path: str) -> int:
        """The largest body that a path takes."""
        if path in TABLES:
            return self.table_bytes + self.body_bytes  # what else the form has
        return self.upload_bytes if path == INSPECT else self.body_bytes

    def time(self, method: str) -> float:
        """How long an answer may take."""
        return self.seconds if method in _SAFE else max(self.seconds, self.long_seconds)


BOUNDS = Bounds()


class Buckets:
    """A bucket of tokens per name; the names that were quiet longest are forgotten first."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> bool:
        """Whether there was a token left."""
        now = monotonic()
        left, since = self._left.pop(name, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        self._left[name] = (left - 1 if left >= 1 else left), now
        if len(self._left) > _MOST_NAMES:
            self._left.popitem(last=False)
        return left >= 1


class Guard:
    """The application behind it sees requests of known viewers alone, as `request.state.viewer`."""

    def __init__(self, app: ASGIApp, access: Access, bounds: Bounds) -> None:
        self._app = app
        self._access = access
        self._bounds = bounds
        self._buckets = Buckets(bounds.rate, bounds.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        started = perf_counter()
        try:
            await self._guarded(scope, receive, answer)
        except Problem as problem:
            await answer.problem(problem, scope, receive)
        except Exception as error:  # noqa: BLE001 -- a bug costs one request, and is told without what it was about
            events.bug(error)
            fault = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "this is a fault of ours; it is logged")
            await answer.problem(fault, scope, receive)
        finally:
            viewer = scope.get("state", {}).get("viewer")
            route = getattr(scope.get("route"), "path", "")
            name = viewer.name if isinstance(viewer, Viewer) else ""
            events.served(scope["method"], route, int(answer.status), perf_counter() - started, name)

    async def _guarded(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        if scope["path"] in PUBLIC:
            await self._app(scope, receive, answer)
            return
        headers = Headers(scope=scope)
        _check_page(scope, headers, local=self._access.open)
        scope.setdefault("state", {})["viewer"] = await self._viewer(scope, headers)
        limited = _Limited(receive, headers, self._bounds.body(scope["path"]))
        try:
            async with asyncio.timeout(self._bounds.time(scope["method"])) as timeout:
                answer.timeout = timeout
                await self._app(scope, limited, answer)
        except TimeoutError:
            raise Problem(HTTPStatus.GATEWAY_TIMEOUT, "timeout", "this took too long; ask for less") from None

    async def _viewer(self, scope: Scope, headers: Headers) -> Viewer:
        address = f"address {(scope.get('client') or ('', 0))[0]}"
        try:
            viewer = await run_in_threadpool(self._access.viewer, headers)
        except Forbidden as error:
            self._take(address)
            raise Problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", str(error)) from error
        except WorkerError as error:
            raise problems.of(error) from error
        if not scope["path"].startswith(BY_THE_DOZEN):
            self._take(viewer.name)
        if not viewer.may(May.READ):
            raise Problem(HTTPStatus.FORBIDDEN, Forbidden.code, f"{viewer.name} may not read: it takes the scope read")
        return viewer

    def _take(self, name: str) -> None:
        if not self._buckets.take(name):
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", "that was too often; wait a little")


def _check_page(scope: Scope, headers: Headers, *, local: bool) -> None:
    """Raise where another site's page is behind the request: it would act with the viewer's rights."""
    host = headers.get("host", "")
    if local and urlsplit(f"//{host}").hostname not in _LOOPBACK:
        raise Problem(HTTPStatus.MISDIRECTED_REQUEST, Forbidden.code, "here it is called 127.0.0.1 or localhost alone")
    if scope["method"] in _SAFE:
        return
    origin = headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != host
    if foreign or headers.get("sec-fetch-site", "none") not in _PAGES:
        raise Problem(HTTPStatus.FORBIDDEN, Forbidden.code, "another site's page may not act here")


class _Limited:
    """A body that ends with a problem where it grows too long."""

    def __init__(self, receive: Receive, headers: Headers, most: int) -> None:
        self._receive = receive
        self._most = most
        self._left = most
        told = headers.get("content-length", "0")
        if not told.isdigit() or int(told) > most:
            raise self._too_long()

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._too_long()
        return message

    def _too_long(self) -> Problem:
        return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"a body has {self._most} bytes at most here")


class _Answer:
    """An answer on its way: it gets the headers, and once it has begun there is no time limit any more."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.timeout: asyncio.Timeout | None = None

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY.items():
                headers.setdefault(name, value)  # a page may know better: what shows a picture forbids it everything
            headers.setdefault("Cache-Control", "no-store")
            if self.timeout:
                self.timeout.reschedule(None)
        await self._send(message)

    async def problem(self, problem: Problem, scope: Scope, receive: Receive) -> None:
        """Say what is wrong, if nothing was said yet."""
        self.timeout = None
        if not self.status:
            await problem.response()(scope, receive, self)
