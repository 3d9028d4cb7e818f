"""Records in the SQLite file of the documents."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson

from worker.backends.local.database import Database
from worker.backends.local.documents import SCHEMA
from worker.errors import Refused
from worker.model import Value

_PUT = "INSERT INTO records VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at, fields = excluded.fields"
_NEWEST = "SELECT key, fields FROM records WHERE kind = ? ORDER BY at DESC, key LIMIT ?"


class LocalRecords:
    """Records in the file at `path`, which is made if need be: ports.Records. Errors as LocalDocuments."""

    def __init__(self, path: Path) -> None:
        self._file = Database(path, SCHEMA, durable=True)
        self._lock = threading.Lock()

    def put(self, kind: str, key: str, fields: Mapping[str, Value]) -> None:
        """One transaction."""
        at = fields["at"]
        if not isinstance(at, datetime):
            raise Refused(f"the record {kind}/{key} has no time")
        text = orjson.dumps(fields, option=orjson.OPT_UTC_Z).decode()
        with self._lock, self._file.transaction():
            self._file.execute(_PUT, (kind, key, at.astimezone(UTC).isoformat(timespec="microseconds"), text))

    def get(self, kind: str, key: str) -> dict[str, Value] | None:
        """The record, or None."""
        with self._lock, self._file.errors():
            query = "SELECT fields FROM records WHERE kind = ? AND key = ?"
            row = self._file.execute(query, (kind, key)).fetchone()
        return orjson.loads(row[0]) if row else None

    def newest(self, kind: str, limit: int = 100) -> Sequence[tuple[str, dict[str, Value]]]:
        """The newest first."""
        with self._lock, self._file.errors():
            rows = self._file.execute(_NEWEST, (kind, limit)).fetchall()
        return [(key, orjson.loads(fields)) for key, fields in rows]

    def drop(self, kind: str, key: str) -> None:
        """Delete it."""
        with self._lock, self._file.transaction():
            self._file.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))

    def close(self) -> None:
        """Free the file."""
        with self._lock:
            self._file.close()
