"""A place in a bucket where exports lie. On its way, a file is pieces called `NAME.part/<where they begin>`.

An object appears whole or not at all, so a piece is durable when its upload returns, and a file gets its name when its
pieces are composed, up to 32 at once, in rounds.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import google.auth
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud.storage import Blob, Bucket, Client  # type: ignore[import-untyped] # has no types
from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[import-untyped] # has no types

from worker.backends.gcp.errors import translated
from worker.errors import Misconfigured, SourceUnavailable
from worker.outlet import Draft

COMPOSED_AT_ONCE = 32
"""Cloud Storage's own limit."""
TIMEOUT = (5.0, 60.0)
RETRY = DEFAULT_RETRY.with_timeout(180.0)

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_CHUNK = 8 * 1024 * 1024


class BucketShelf:
    """An outlet.Shelf: objects of one bucket whose names begin with `prefix`."""

    def __init__(self, bucket: str, prefix: str) -> None:
        with translated(SourceUnavailable):
            emulated = "STORAGE_EMULATOR_HOST" in os.environ
            credentials = _nobody() if emulated else google.auth.default(scopes=[_SCOPE])[0]
            self._client = Client(project="none", credentials=credentials)
        self._bucket: Bucket = self._client.bucket(bucket)
        self._prefix = prefix

    def where(self, name: str = "") -> str:
        """The URL."""
        return f"gs://{self._bucket.name}/{self._prefix}{name}"

    @contextmanager
    def draft(self, name: str) -> Iterator[Draft]:
        """Not locked: two that write the same at once write the same bytes to the same places."""
        yield _BucketDraft(self._client, self._bucket, self._prefix, name)

    def size(self, name: str) -> int | None:
        """One request."""
        blob = self._found(name)
        return None if blob is None else int(blob.size)

    def read(self, name: str) -> Iterator[bytes]:
        """Range by range, all of one generation: breaks off where it is replaced meanwhile."""
        blob = self._found(name)
        if blob is None:
            raise Misconfigured(f"there is no {self.where(name)} any more: export anew, without --since")
        yield from _ranges(self._bucket.blob(blob.name, generation=blob.generation), 0, int(blob.size))

    def remove(self, name: str) -> None:
        """Delete it."""
        _delete(self._bucket.blob(self._prefix + name))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _found(self, name: str) -> Blob | None:
        with translated(SourceUnavailable):
            return self._bucket.get_blob(self._prefix + name, timeout=TIMEOUT, retry=RETRY)


class _BucketDraft:
    """Pieces in a bucket that are to become the object `name`."""

    def __init__(self, client: Client, bucket: Bucket, prefix: str, name: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._name = prefix + name
        self._parts = f"{self._name}.part/"
        self._pieces = self._found()

    def size(self) -> int:
        """Bytes of the pieces that follow each other without a gap."""
        return sum(size for _, size in self._pieces)

    def append(self, at: int, piece: bytes) -> None:
        """One upload."""
        self._cut(at)
        if piece:
            with translated(SourceUnavailable):
                self._blob(at).upload_from_string(piece, timeout=TIMEOUT, retry=RETRY)
            self._pieces.append((at, len(piece)))

    def copy(self, at: int, name: str, start: int, end: int) -> int:
        """A whole object is copied where it is; of another, its bytes go through here."""
        source = self._bucket.blob(self._prefix + name)
        with translated(SourceUnavailable):
            source.reload(timeout=TIMEOUT, retry=RETRY)
        if (start, end) == (0, source.size):
            self._cut(at)
            with translated(SourceUnavailable):
                self._rewrite(source, self._blob(at))
            self._pieces.append((at, end))
            return at + end
        for piece in _ranges(source, start, end):
            self.append(at, piece)
            at += len(piece)
        return at

    def read(self) -> Iterator[bytes]:
        """Piece by piece."""
        for at, size in self._pieces:
            yield from _ranges(self._blob(at), 0, size)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder of this machine."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)

    def publish(self) -> None:
        """Compose until there is one, which has the name; then take the pieces away."""
        blobs = [self._blob(at) for at, _ in self._pieces]
        level = 0
        while len(blobs) > COMPOSED_AT_ONCE:
            level += 1
            groups = [blobs[first : first + COMPOSED_AT_ONCE] for first in range(0, len(blobs), COMPOSED_AT_ONCE)]
            blobs = [
                self._composed(f"{self._parts}joined/{level}-{number:05}", group) for number, group in enumerate(groups)
            ]
        self._composed(self._name, blobs)
        self._clear()

    def publish_file(self, file: Path) -> None:
        """One upload, resumed where it breaks off."""
        with translated(SourceUnavailable):
            self._bucket.blob(self._name).upload_from_filename(str(file), timeout=TIMEOUT, retry=RETRY)
        self._clear()

    def _composed(self, name: str, sources: list[Blob]) -> Blob:
        made = self._bucket.blob(name)
        with translated(SourceUnavailable):
            if sources:
                made.compose(sources, timeout=TIMEOUT, retry=RETRY)
            else:
                made.upload_from_string(b"", timeout=TIMEOUT, retry=RETRY)
        return made

    def _blob(self, at: int) -> Blob:
        return self._bucket.blob(f"{self._parts}{at:015}")

    def _found(self) -> list[tuple[int, int]]:
        pieces: list[tuple[int, int]] = []
        end = 0
        with translated(SourceUnavailable):
            for blob in self._client.list_blobs(self._bucket, prefix=self._parts, timeout=TIMEOUT, retry=RETRY):
                if blob.name == f"{self._parts}{end:015}":
                    pieces.append((end, int(blob.size)))
                    end += int(blob.size)
        return pieces

    def _cut(self, at: int) -> None:
        for place, _ in self._pieces:
            if place >= at:
                _delete(self._blob(place))
        self._pieces = [(place, size) for place, size in self._pieces if place < at]

    def _clear(self) -> None:
        self._pieces = []
        with translated(SourceUnavailable):
            left = list(self._client.list_blobs(self._bucket, prefix=self._parts, timeout=TIMEOUT, retry=RETRY))
        for blob in left:
            _delete(blob)

    def _rewrite(self, source: Blob, copy: Blob) -> None:
        token, _, _ = copy.rewrite(source, timeout=TIMEOUT, retry=RETRY)
        while token:
            token, _, _ = copy.rewrite(source, token=token, timeout=TIMEOUT, retry=RETRY)


def _nobody() -> Credentials:
    return AnonymousCredentials()  # type: ignore[no-untyped-call] # has no types


def _ranges(blob: Blob, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        last = min(start + _CHUNK, end)
        with translated(SourceUnavailable):
            yield blob.download_as_bytes(start=start, end=last - 1, timeout=TIMEOUT, retry=RETRY)
        start = last


def _delete(blob: Blob) -> None:
    with translated(SourceUnavailable), suppress(NotFound):
        blob.delete(timeout=TIMEOUT, retry=RETRY)
