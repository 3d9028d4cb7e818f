"""A file that is sent as it is made, in constant memory; what breaks off is not taken for whole."""

import threading
from collections.abc import Generator, Mapping
from typing import Any

from anyio.to_thread import run_sync
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from worker import events
from worker.errors import Throttled, WorkerError

MOST = 8


class Turns:
    """So many files are sent at once: each takes a thread while a piece of it is made. Thread-safe."""

    def __init__(self) -> None:
        self._left = threading.Semaphore(MOST)

    def take(self) -> None:
        """Raise Throttled where too many are on their way."""
        if not self._left.acquire(blocking=False):
            raise Throttled(f"{MOST} files are being sent already; wait for one to end")

    def give_back(self) -> None:
        """One has ended."""
        self._left.release()


class Abandoned(WorkerError):
    """Whoever asked for a file does not take it any more."""

    code = "abandoned"


class Download(StreamingResponse):
    """The pieces of a file of that name, as an attachment, without a length, in one of the `turns`.

    A file that cannot be finished ends without the last chunk of its encoding, which no client takes for an end.
    `gone` is set when the client has gone, for what makes the pieces.
    """

    def __init__(
        self,
        pieces: Generator[bytes],
        name: str,
        media_type: str,
        turns: Turns,
        gone: threading.Event | None = None,
    ) -> None:
        turns.take()
        headers: Mapping[str, str] = {"Content-Disposition": f'attachment; filename="{name}"'}
        super().__init__((), headers=headers, media_type=media_type)
        self._pieces = pieces
        self._turns = turns
        self._gone = gone or threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._turns.give_back()
            self._pieces.close()

    async def listen_for_disconnect(self, receive: Receive) -> None:
        """Wait until the client has gone."""
        await super().listen_for_disconnect(receive)
        self._gone.set()

    async def stream_response(self, send: Send) -> None:
        """The head at once: a file that is made first may take longer than an answer is waited for."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            while (piece := await run_sync(self._next)) is not None:
                await send(_body(piece, more=True))
        except Abandoned:
            return
        except WorkerError as error:
            events.broken_off(error)
            return
        await send(_body(b"", more=False))

    def _next(self) -> bytes | None:
        return next((piece for piece in self._pieces if piece), None)


def _body(piece: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": piece, "more_body": more}
