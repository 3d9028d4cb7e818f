"""Objects in Cloud Storage: ranged reads through `ranges`, everything else through Google's client.

The account needs `storage.objects.list` besides `storage.objects.get` (roles/storage.objectViewer has both): without
it Cloud Storage answers 403, not 404, for an object that is gone.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress

import google.auth
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud.storage import Blob, Client  # type: ignore[import-untyped] # has no types
from requests import Session
from requests.adapters import HTTPAdapter

from worker.backends.gcp.errors import translated
from worker.backends.gcp.ranges import RETRY, TIMEOUT, Ranges
from worker.errors import ObjectGone, SourceUnavailable
from worker.model import ObjectRef
from worker.ports import RangeReader

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_CONNECTIONS = 64
_PAGE_FIELDS = (
    "items(bucket,name,generation,metageneration,size,contentType,crc32c,md5Hash,storageClass,timeCreated,updated,"
    "metadata),nextPageToken"
)
_NO_NAMES = frozenset({"", ".", ".."})
"""No object can be called so, and in a URL they would mean another place."""


class CloudStorage:
    """All buckets that the account may read: an ObjectStore. Thread-safe.

    An object of a bucket that is no more is gone like any other: news of a deleted bucket must not stop the worker.
    Only `list`, which somebody asked for by the bucket's name, calls that Misconfigured."""

    def __init__(self) -> None:
        emulator = os.environ.get("STORAGE_EMULATOR_HOST")
        credentials = _anonymous() if emulator else _credentials()
        session = Session() if emulator else _authorized(credentials)
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
        self._session = session
        self._last_bucket: str | None = None
        self._ranges = Ranges(session, credentials, emulator)
        self._client = Client(project=None, credentials=credentials, _http=session)

    def open(self, ref: ObjectRef) -> AbstractContextManager[RangeReader]:
        """Asks the bucket only where the size is unknown."""
        if ref.size is not None:
            return nullcontext(_Reader(self, ref))
        known = self._facts(ref.bucket, ref.name, ref.generation)
        if known is None:
            raise _gone(ref)
        return nullcontext(_Reader(self, known))

    def live(self, bucket: str, name: str) -> ObjectRef | None:
        """One metadata request without a generation."""
        return self._facts(bucket, name, None)

    def list(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[ObjectRef]:
        """Pages of a thousand, each asked for when it is reached."""
        with translated(SourceUnavailable):
            blobs = iter(
                self._client.list_blobs(
                    bucket, prefix=prefix, start_offset=start_after, fields=_PAGE_FIELDS, timeout=TIMEOUT, retry=RETRY
                )
            )
        while (blob := _next(blobs)) is not None:
            if blob.name != start_after:  # Cloud Storage's offset includes the name itself
                yield _ref(blob)

    def probe(self) -> None:
        """Read what nobody has from the bucket that was read last: where reading works, it says so."""
        if self._last_bucket is None:
            return
        with suppress(ObjectGone):
            self.read(ObjectRef(self._last_bucket, "imagemeta-probe", generation=1, size=1), 0, 1)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._session.close()

    def read(self, ref: ObjectRef, start: int, end: int) -> bytes:
        """The bytes [start, end) of that generation, for its reader; `end` is within the object."""
        self._last_bucket = ref.bucket
        if ref.name in _NO_NAMES:
            raise _gone(ref)
        with translated(SourceUnavailable):
            try:
                return self._ranges.read(ref, start, end)
            except (FileNotFoundError, NotFound) as error:
                raise _gone(ref) from error

    def _facts(self, bucket: str, name: str, generation: int | None) -> ObjectRef | None:
        if name in _NO_NAMES:
            return None
        with translated(SourceUnavailable):
            blob = self._client.bucket(bucket).get_blob(name, generation=generation, timeout=TIMEOUT, retry=RETRY)
            return None if blob is None else _ref(blob)


class _Reader:
    """A RangeReader: every read is a request of its own."""

    def __init__(self, storage: CloudStorage, ref: ObjectRef) -> None:
        self._storage = storage
        self._size = ref.size or 0
        self.ref = ref

    def read(self, offset: int, length: int) -> bytes:
        """One request, or none where there is nothing to read."""
        end = min(offset + length, self._size)
        return self._storage.read(self.ref, offset, end) if offset < end else b""


def _anonymous() -> Credentials:
    return AnonymousCredentials()  # type: ignore[no-untyped-call] # has no types


def _authorized(credentials: Credentials) -> Session:
    return AuthorizedSession(credentials)  # type: ignore[no-untyped-call] # has no types


def _credentials() -> Credentials:
    with translated(SourceUnavailable):
        credentials, _ = google.auth.default(scopes=[_SCOPE])
        return credentials


def _next(blobs: Iterator[Blob]) -> Blob | None:
    with translated(SourceUnavailable):
        return next(blobs, None)


def _gone(ref: ObjectRef) -> ObjectGone:
    return ObjectGone(f"generation {ref.generation} of {ref.uri} is no longer there")


def _ref(blob: Blob) -> ObjectRef:
    return ObjectRef(
        bucket=blob.bucket.name,
        name=blob.name,
        generation=blob.generation,
        metageneration=blob.metageneration or 1,
        size=blob.size,
        content_type=blob.content_type,
        crc32c=blob.crc32c,
        md5=blob.md5_hash,
        storage_class=blob.storage_class,
        created=blob.time_created,
        updated=blob.updated,
        custom=blob.metadata or {},
    )
