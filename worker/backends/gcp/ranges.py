"""Ranged reads of one generation of an object, the hot path: through obstore, checked on arrival.

A ranged read costs 3,300 Python calls through Google's client and about 25 through obstore, which is Rust
(docs/performance.md). Neither checks a range against a checksum, so the request pins the generation, and the
generation, place and length of what comes back are checked here.
"""

import re
import threading
from dataclasses import dataclass
from datetime import timedelta
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import obstore
from google.api_core import exceptions as google_errors
from google.auth.credentials import Credentials
from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[import-untyped] # has no types
from obstore.auth.google import GoogleCredentialProvider
from obstore.store import GCSStore
from requests import Session

from worker.errors import BadMessage, SourceUnavailable
from worker.model import ObjectRef

if TYPE_CHECKING:  # they exist for type checkers only
    from obstore.store import ClientConfig, RetryConfig

# A read gives up after some three seconds: the queue's back-off waits better than a thread does.
TIMEOUT = (1.0, 1.5)
"""Seconds to connect, and of silence while reading."""
RETRY = DEFAULT_RETRY.with_timeout(2.0).with_delay(initial=0.1, maximum=1.0, multiplier=2.0)

_RAW = {"accept-encoding": "gzip"}
"""Else Cloud Storage inflates objects that were stored with `Content-Encoding: gzip`, and ignores the range."""
_CLIENT: Final["ClientConfig"] = {
    "connect_timeout": "1s",
    "read_timeout": "1500ms",
    "timeout": "5s",
    "default_headers": _RAW,
}
_OBSTORE_RETRY: Final["RetryConfig"] = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=2),
    "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=1), "base": 2},
}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Piece:
    """What came back for a range: bytes [start, end) of `total`, and the generation as the reply states it."""

    data: bytes
    generation: str | None
    start: int
    end: int
    total: int


class Ranges:
    """Ranged reads from any bucket; one pool of connections per bucket. Thread-safe."""

    def __init__(self, session: Session, credentials: Credentials, emulator: str | None) -> None:
        self._session = session
        self._credentials = credentials
        self._emulator = emulator
        self._stores: dict[str, GCSStore] = {}
        self._lock = threading.Lock()

    def read(self, ref: ObjectRef, start: int, end: int) -> bytes:
        """The bytes [start, end) of that generation; `end` is within the object.

        Raises the libraries' own errors, FileNotFoundError or NotFound where the generation or the bucket is not
        there, and ours where the reply is not what was asked for.
        """
        fetch = self._fast if _is_plain(ref.name) else self._exact
        return _checked(fetch(ref, start, end), ref, start, end)

    def _fast(self, ref: ObjectRef, start: int, end: int) -> Piece:
        reply = obstore.get(
            self._store(ref.bucket), ref.name, options={"range": (start, end), "version": str(ref.generation)}
        )
        meta = reply.meta
        return Piece(bytes(reply.bytes()), meta["version"], *reply.range, meta["size"])

    def _exact(self, ref: ObjectRef, start: int, end: int) -> Piece:
        """For names that obstore refuses (`a//b`) or, worse, tidies up (`/a` becomes `a`)."""
        piece: Piece = RETRY(self._request)(ref, start, end)
        return piece

    def _request(self, ref: ObjectRef, start: int, end: int) -> Piece:
        host = self._emulator or "https://storage.googleapis.com"
        url = f"{host}/download/storage/v1/b/{ref.bucket}/o/{quote(ref.name, safe='')}"
        query = {"alt": "media", "generation": str(ref.generation)}
        headers = {**_RAW, "range": f"bytes={start}-{end - 1}"}
        with self._session.get(url, params=query, headers=headers, timeout=TIMEOUT, stream=True) as reply:
            if reply.status_code >= 400:
                raise google_errors.from_http_response(reply)  # type: ignore[no-untyped-call] # has no types
            place = _CONTENT_RANGE.fullmatch(reply.headers.get("content-range", ""))
            if place is None or reply.status_code != 206:
                raise SourceUnavailable(f"{ref.uri}: a reply without a range")
            data = reply.raw.read(end - start, decode_content=False)
            if len(data) < end - start:
                raise IncompleteRead(data, end - start - len(data))  # which RETRY tries again
            return Piece(data, reply.headers.get("x-goog-generation"), int(place[1]), int(place[2]) + 1, int(place[3]))

    def _store(self, bucket: str) -> GCSStore:
        with self._lock:
            if bucket not in self._stores:
                self._stores[bucket] = self._open(bucket)
            return self._stores[bucket]

    def _open(self, bucket: str) -> GCSStore:
        if self._emulator:
            return GCSStore(
                bucket,
                config={"base_url": self._emulator, "skip_signature": True},
                client_options={**_CLIENT, "allow_http": True},
                retry_config=_OBSTORE_RETRY,
            )
        provider = GoogleCredentialProvider(self._credentials)
        return GCSStore(bucket, client_options=_CLIENT, retry_config=_OBSTORE_RETRY, credential_provider=provider)


def _is_plain(name: str) -> bool:
    """Whether obstore leaves the name as it is: printable, and each part between slashes a real one."""
    return name.isprintable() and not {"", ".", ".."}.intersection(name.split("/"))


def _checked(piece: Piece, ref: ObjectRef, start: int, end: int) -> bytes:
    if piece.generation != str(ref.generation):
        raise SourceUnavailable(f"{ref.uri}: asked for generation {ref.generation}, got {piece.generation}")
    if piece.total != ref.size:
        raise BadMessage(f"{ref.uri}: {ref.size} bytes by the notification, {piece.total} in the bucket")
    if (piece.start, piece.end) != (start, end) or len(piece.data) != end - start:
        got = f"{len(piece.data)} bytes of {piece.start} to {piece.end}"
        raise SourceUnavailable(f"{ref.uri}: asked for bytes {start} to {end}, got {got}")
    return piece.data
