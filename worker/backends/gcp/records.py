"""Records in Firestore, in collections beside the documents', by Google's own client: they are few, and seldom."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import Client, Query

from worker.backends.gcp.errors import translated
from worker.errors import StoreUnavailable
from worker.model import Value

_SECONDS = 15.0


class FirestoreRecords:
    """Records of one database: ports.Records. A kind is the collection `<collection>_<kind>`."""

    def __init__(self, project: str, database: str = "(default)", collection: str = "images") -> None:
        nobody = AnonymousCredentials() if "FIRESTORE_EMULATOR_HOST" in os.environ else None  # type: ignore[no-untyped-call] # has no types
        self._client = Client(project=project, database=database, credentials=nobody)
        self._collection = collection

    def put(self, kind: str, key: str, fields: Mapping[str, Value]) -> None:
        """One write."""
        with translated(StoreUnavailable):
            self._kind(kind).document(key).set(dict(fields), timeout=_SECONDS)

    def get(self, kind: str, key: str) -> dict[str, Value] | None:
        """One read."""
        with translated(StoreUnavailable):
            found = self._kind(kind).document(key).get(timeout=_SECONDS)
        return _plain(found.to_dict()) if found.exists else None

    def newest(self, kind: str, limit: int = 100) -> Sequence[tuple[str, dict[str, Value]]]:
        """One query, by the index that Firestore makes of every field."""
        with translated(StoreUnavailable):
            query = self._kind(kind).order_by("at", direction=Query.DESCENDING).limit(limit)
            return [(found.id, _plain(found.to_dict())) for found in query.stream(timeout=_SECONDS)]

    def drop(self, kind: str, key: str) -> None:
        """One delete."""
        with translated(StoreUnavailable):
            self._kind(kind).document(key).delete(timeout=_SECONDS)

    def close(self) -> None:
        """Close the channel."""
        self._client.close()  # type: ignore[no-untyped-call] # has no types

    def _kind(self, kind: str) -> Any:
        return self._client.collection(f"{self._collection}_{kind}")


def _plain(value: Any) -> Any:
    """Times as ISO 8601 text, as all readers hand them out."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
