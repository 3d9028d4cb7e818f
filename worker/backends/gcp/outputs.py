"""The images of batches, in a bucket."""

import os
from contextlib import suppress

import google.auth
from google.api_core.exceptions import PreconditionFailed
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud.storage import Client  # type: ignore[import-untyped] # has no types
from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[import-untyped] # has no types

from worker.backends.gcp.errors import translated
from worker.errors import SourceUnavailable

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_TIMEOUT = (5.0, 30.0)
_RETRY = DEFAULT_RETRY.with_timeout(20.0)


class BucketOutputs:
    """Puts images into `bucket` below `prefix`: ports.Outputs. URLs begin with `base`, or `gs://`.

    The account needs `storage.objects.create` (roles/storage.objectCreator)."""

    def __init__(self, bucket: str, prefix: str = "", base: str = "") -> None:
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._base = base.rstrip("/") if base else f"gs://{bucket}/{self._prefix}".rstrip("/")
        with translated(SourceUnavailable):
            self._client = Client(project="imagemeta", credentials=_credentials())
        self._bucket = self._client.bucket(bucket)

    def put(self, name: str, data: bytes, content_type: str) -> str:
        """One upload, on the condition that there is none: a name says what is in it."""
        blob = self._bucket.blob(self._prefix + name)
        with translated(SourceUnavailable), suppress(PreconditionFailed):
            blob.upload_from_string(
                data, content_type, if_generation_match=0, timeout=_TIMEOUT, retry=_RETRY, checksum="crc32c"
            )
        return f"{self._base}/{name}"

    def close(self) -> None:
        """Close the connections that are kept."""
        self._client.close()


def _credentials() -> Credentials:
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return AnonymousCredentials()  # type: ignore[no-untyped-call] # has no types
    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return credentials
