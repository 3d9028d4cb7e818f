"""A Cloud Storage that serves: ranged and whole GETs over HTTP/1.1 with keep-alive, and counts what it sends.

Both paths to an object's bytes are there: the JSON API's (`/download/storage/v1/b/B/o/O?alt=media`), which
google-cloud-storage takes, and the XML API's (`/B/O`), which obstore takes.
"""

import asyncio
import base64
import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from bench.images import Image

GENERATION = 1795202746231497
"""The one generation of every object."""

_PATHS = re.compile(r"/download/storage/v1/b/[^/]+/o/([^/]+)|/[^/]+/(.+)")
_RANGE = re.compile(r"^range: *bytes=(\d+)-(\d+)\r?$", re.IGNORECASE | re.MULTILINE)
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"

Find = Callable[[str], Image | None]


@dataclass(slots=True)
class Traffic:
    """What was served: requests, and bytes of bodies."""

    reads: int = 0
    bytes: int = 0


class StorageServer:
    """Serves what `find` finds under a name; every reply comes `round_trip` seconds after its request."""

    def __init__(self, find: Find, round_trip: float) -> None:
        self.traffic = Traffic()
        self._find = find
        self._round_trip = round_trip

    async def start(self) -> str:
        """Listen; the URL for STORAGE_EMULATOR_HOST."""
        listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        listening.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(listening))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    async def _accept(self, listening: socket.socket) -> None:
        loop, conversations = asyncio.get_running_loop(), set()
        while True:
            connection, _ = await loop.sock_accept(listening)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conversation = asyncio.create_task(self._converse(connection))
            conversations.add(conversation)
            conversation.add_done_callback(conversations.discard)

    async def _converse(self, connection: socket.socket) -> None:
        """One connection: requests without a body, one after the other. Raw sockets, as they copy no large body."""
        loop, received = asyncio.get_running_loop(), b""
        with connection, suppress(ConnectionError):
            while data := await loop.sock_recv(connection, 65536):
                received += data
                while b"\r\n\r\n" in received:
                    request, _, received = received.partition(b"\r\n\r\n")
                    await asyncio.sleep(self._round_trip)
                    for piece in self._reply(request.decode("latin-1")):
                        await loop.sock_sendall(connection, piece)

    def _reply(self, request: str) -> list[bytes | memoryview]:
        """The head with the first piece of the body, and the other pieces, for a request's head."""
        url = urlsplit(request.split(" ", 2)[1])
        image = self._image(url.path, parse_qs(url.query))
        if image is None:
            return [_NOT_FOUND]
        asked = _RANGE.search(request)
        start, end = (int(asked[1]), min(int(asked[2]) + 1, image.size)) if asked else (0, image.size)
        self.traffic.reads += 1
        self.traffic.bytes += end - start
        pieces = image.pieces(start, end)
        return [_head(image, start, end, partial=asked is not None) + bytes(pieces[0]), *pieces[1:]]

    def _image(self, path: str, query: Mapping[str, list[str]]) -> Image | None:
        if query.get("generation", [str(GENERATION)]) != [str(GENERATION)]:
            return None
        found = _PATHS.fullmatch(path)
        return self._find(unquote(found[1] or found[2])) if found else None


def _head(image: Image, start: int, end: int, *, partial: bool) -> bytes:
    lines = [
        "HTTP/1.1 206 Partial Content" if partial else "HTTP/1.1 200 OK",
        "content-type: image/jpeg",
        f"content-length: {end - start}",
        *([f"content-range: bytes {start}-{end - 1}/{image.size}"] if partial else []),
        'etag: "CIm7tOfM1pADEAE="',
        "last-modified: Thu, 20 Nov 2025 19:25:46 GMT",
        f"x-goog-generation: {GENERATION}",
        "x-goog-metageneration: 1",
        f"x-goog-hash: crc32c={base64.b64encode(image.crc32c).decode()}",
        f"x-goog-stored-content-length: {image.size}",
        "x-goog-stored-content-encoding: identity",
    ]
    return "\r\n".join([*lines, "", ""]).encode()
