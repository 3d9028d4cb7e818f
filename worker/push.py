"""The worker behind HTTP, for Cloud Run: Pub/Sub pushes, the answer is the acknowledgement.

204 only after the document is durable. Whatever else: 4xx for what is not a push of ours, 503 for what should come
again. Pub/Sub takes any answer but 102 and 2xx as a nack.
"""

import asyncio
import base64
import binascii
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from worker import events
from worker.bootstrap import PushCheck, Wiring, open_push_check
from worker.duties import Duties, on_duty
from worker.errors import Forbidden, Misconfigured, SourceUnavailable
from worker.in_flight import ShardState
from worker.model import Message
from worker.settings import Settings
from worker.shard import BEAT_SECONDS, Order, posted

BODY_BYTES = 1024 * 1024
"""Far more than any notification; Pub/Sub itself would carry ten times that."""
_BODY_SECONDS = 10.0


class PushDelivery:
    """A push request as a delivery: settled once, the answer follows."""

    def __init__(self, message: Message, attempt: int) -> None:
        self.message = message
        self.attempt = attempt
        self.acked = False

    def ack(self) -> None:
        """Answer 204."""
        self.acked = True

    def nack(self) -> None:
        """Answer 503."""


class _Refused(Exception):
    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class PushEndpoint:
    """Answers push requests with a worker, `threads` at a time."""

    def __init__(self, wiring: Wiring, check: PushCheck, threads: int) -> None:
        self._wiring = wiring
        self._check = check
        self._pool = ThreadPoolExecutor(threads, "push")

    async def __call__(self, request: Request) -> Response:
        """One request."""
        try:
            delivery = await self._delivery(request)
        except _Refused as refused:
            events.push_refused(refused.status, str(refused))
            return PlainTextResponse(f"{refused}\n", refused.status)
        breaker = self._wiring.breaker
        if breaker.due():
            breaker.probed(None)  # this very message is the probe
        if breaker.open:
            return PlainTextResponse("backing off\n", HTTPStatus.SERVICE_UNAVAILABLE)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._wiring.worker.handle, delivery)
        return Response(status_code=HTTPStatus.NO_CONTENT if delivery.acked else HTTPStatus.SERVICE_UNAVAILABLE)

    def close(self) -> None:
        """Wait for what is in hand."""
        self._pool.shutdown()

    async def _delivery(self, request: Request) -> PushDelivery:
        if "json" not in request.headers.get("content-type", ""):
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a push request is JSON")
        loop = asyncio.get_running_loop()
        try:
            # The check may fetch certificates, so it has a thread; nothing of the body is read before it passed.
            await loop.run_in_executor(None, self._check, request.headers)
        except Forbidden as error:
            raise _Refused(HTTPStatus.FORBIDDEN, f"not authorised: {error}") from error
        except SourceUnavailable as error:
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error
        try:
            body = await asyncio.wait_for(_body(request), _BODY_SECONDS)
        except TimeoutError as error:
            raise _Refused(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time") from error
        return _parsed(body)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is over {BODY_BYTES} bytes")
    return bytes(body)


def _parsed(body: bytes) -> PushDelivery:
    try:
        push = orjson.loads(body)
        message = push["message"]
        attributes = {str(name): str(value) for name, value in (message.get("attributes") or {}).items()}
        data = base64.b64decode(message.get("data") or "", validate=True)
        attempt = int(push.get("deliveryAttempt") or 0)
        identity = str(message.get("messageId") or message.get("message_id") or "")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise _Refused(HTTPStatus.BAD_REQUEST, "the body is not a Pub/Sub push request") from error
    return PushDelivery(Message(identity, attributes, data, _time(message.get("publishTime"))), max(0, attempt))


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else None


def application(endpoint: PushEndpoint, ready: Callable[[], bool]) -> Starlette:
    """The endpoint at `/`, and the two checks of health.py."""

    def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    def readyz(_: Request) -> Response:
        wrong = HTTPStatus.SERVICE_UNAVAILABLE
        return PlainTextResponse("ok\n") if ready() else PlainTextResponse("backing off\n", wrong)

    return Starlette(
        routes=[
            Route("/", endpoint.__call__, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ]
    )


def main(order: Order) -> None:
    """The life of a push process: as a shard's, with an HTTP server for a subscription."""
    settings = order.settings
    with posted(order) as post:
        host, _, port = settings.push_address.rpartition(":")
        endpoint = PushEndpoint(post.wiring, open_push_check(settings), settings.threads)
        server = _server(application(endpoint, lambda: not post.wiring.breaker.open), host, port, settings)
        thread = threading.Thread(target=server.run, name="http", daemon=True)
        thread.start()
        events.pulling(f"http://{settings.push_address}")
        with on_duty(Duties(settings, post.wiring, post.board, order.number)):
            while not post.stopped.wait(BEAT_SECONDS) and post.alive() and thread.is_alive():
                post.board.beat(ShardState.HELD if post.wiring.breaker.open else ShardState.PULLING)
        if not thread.is_alive():
            raise Misconfigured(f"IMAGEMETA_PUSH_ADDRESS: cannot listen on {settings.push_address!r}")
        post.board.beat(ShardState.DRAINING)
        events.draining(settings.grace_seconds)
        server.should_exit = True
        thread.join(settings.grace_seconds)
        endpoint.close()
        post.wiring.close()


def _server(app: Starlette, host: str, port: str, settings: Settings) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        host=host or "0.0.0.0",  # noqa: S104 -- asked for by an address without a host, and then a token is needed
        port=int(port),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        limit_concurrency=settings.threads * 4,
        timeout_graceful_shutdown=int(settings.grace_seconds),
    )
    return uvicorn.Server(config)
