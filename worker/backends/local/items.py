"""What became of each URL of a batch: documents in an SQLite file of their own, which are deleted when they expire."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import orjson

from worker.backends.local.documents import LocalDocuments
from worker.model import Status, Value
from worker.ports import Write, WriteResult

_INDEXES = (
    "CREATE INDEX IF NOT EXISTS documents_batch ON documents (bucket, status, key)",
    "CREATE INDEX IF NOT EXISTS documents_expiry ON documents (fields ->> '$.expires_at')",
)
_SWEEPS = (
    "DELETE FROM attempts WHERE key IN (SELECT key FROM documents WHERE fields ->> '$.expires_at' <= ?)",
    "DELETE FROM documents WHERE fields ->> '$.expires_at' <= ?",
)
_SWEEP_SECONDS = 600.0
_LISTED = "SELECT key, fields FROM documents WHERE bucket = ? AND status = ? AND key > ? ORDER BY key LIMIT ?"
_TALLY = "SELECT status, count(*) FROM documents WHERE bucket = ? GROUP BY status"


class LocalItems(LocalDocuments):
    """Items in the file at `path`, which is made if need be: ports.Items. Errors as LocalDocuments.

    What has expired goes when the file is opened, and every ten minutes in which something is written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with self._writing, self._writer.transaction():
            for index in _INDEXES:
                self._writer.execute(index)
        self._sweep()

    def commit(self, writes: Sequence[Write]) -> Sequence[WriteResult]:
        """As LocalDocuments, and now and then what has expired goes as well."""
        results = super().commit(writes)
        if monotonic() - self._swept >= _SWEEP_SECONDS:
            self._sweep()
        return results

    def fields(self, keys: Sequence[str]) -> Sequence[dict[str, Value] | None]:
        """One look for each."""
        with self._reading, self._reader.errors():
            query = "SELECT fields FROM documents WHERE key = ?"
            rows = [self._reader.execute(query, (key,)).fetchone() for key in keys]
        return [orjson.loads(row[0]) if row else None for row in rows]

    def listed(
        self, bucket: str, status: Status, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, dict[str, Value]]]:
        """By the index."""
        with self._reading, self._reader.errors():
            rows = self._reader.execute(_LISTED, (bucket, str(status), after, limit)).fetchall()
        return [(key, orjson.loads(fields)) for key, fields in rows]

    def tally(self, bucket: str) -> Mapping[Status, int]:
        """By the index alone."""
        with self._reading, self._reader.errors():
            rows = self._reader.execute(_TALLY, (bucket,)).fetchall()
        return {Status(status): count for status, count in rows}

    def _sweep(self) -> None:
        """Delete what has expired, and the attempts at it."""
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        with self._writing, self._writer.transaction():
            for statement in _SWEEPS:
                self._writer.execute(statement, (now,))
        self._swept = monotonic()


def items_beside(catalog: Path) -> Path:
    """The file of the items that belong to a catalog."""
    return catalog.with_name(f"{catalog.stem}-items{catalog.suffix}")
