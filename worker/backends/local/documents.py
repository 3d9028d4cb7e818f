"""Documents in an SQLite file, durable when `commit` returns: write-ahead log, synchronous=FULL.

Any number of processes and threads may share the file; SQLite lets one write at a time. `version` is a number that
the whole file counts up, so the order of versions is the order of writes.
"""

import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from worker.backends.local import search_table
from worker.backends.local.database import BUSY_SECONDS, Database, Schema
from worker.errors import Refused, StoreUnavailable
from worker.model import FailedAttempt, Head, Sidecar, Status, Value
from worker.ports import Conflict, Create, Patch, Write, WriteResult, key_of

SCHEMA = Schema(
    application_id=0x696D_646F,  # "imdo"
    migrations=(
        (
            """CREATE TABLE documents (
                key TEXT NOT NULL PRIMARY KEY,
                bucket TEXT NOT NULL,
                name TEXT NOT NULL,
                generation INTEGER NOT NULL,
                metageneration INTEGER NOT NULL,
                status TEXT NOT NULL,
                extractor TEXT NOT NULL,
                version INTEGER NOT NULL,  -- of the file's last write to this document
                stored_at TEXT NOT NULL,   -- ISO 8601, UTC
                fields TEXT NOT NULL)      -- the whole document, a JSON object""",
            "CREATE INDEX documents_status ON documents (status)",
            "CREATE TABLE versions (last INTEGER NOT NULL)",
            "INSERT INTO versions VALUES (0)",
            "CREATE TABLE strikes (key TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL)",
        ),
        (
            "DROP TABLE strikes",
            """CREATE TABLE attempts (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                key TEXT NOT NULL,
                attempt TEXT NOT NULL)     -- a FailedAttempt, a JSON object""",
            "CREATE INDEX attempts_key ON attempts (key)",
            """CREATE TABLE records (
                kind TEXT NOT NULL,
                key TEXT NOT NULL,
                at TEXT NOT NULL,          -- ISO 8601, UTC, always with microseconds: sorted as text
                fields TEXT NOT NULL,      -- the whole record, a JSON object
                PRIMARY KEY (kind, key)) WITHOUT ROWID""",
            "CREATE INDEX records_at ON records (kind, at)",
        ),
        search_table.MIGRATION,
        search_table.TAGGED,
    ),
    unavailable=StoreUnavailable,
)

_COLUMNS = ("bucket", "name", "generation", "metageneration", "status", "extractor")
"""Fields that stand in columns as well, for queries; what a document says is in its fields."""
_CREATE = "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"
_REPLACE = (
    "UPDATE documents SET bucket = ?, name = ?, generation = ?, metageneration = ?, status = ?, extractor = ?,"
    " version = ?, stored_at = ?, fields = ? WHERE key = ? AND version = ?"
)
_HEAD = (
    "SELECT generation, metageneration, status, extractor, version, coalesce(fields ->> '$.passes', 1),"
    " coalesce(fields ->> '$.quarantined', 0), fields ->> '$.sidecar.name', fields ->> '$.sidecar.generation'"
    " FROM documents WHERE key = ?"
)
_ATTEMPTS = "SELECT attempt FROM attempts WHERE key = ? ORDER BY number"
_PAGE = "SELECT key, fields FROM documents WHERE key > ? ORDER BY key LIMIT 50"

_UNWRITABLE = (KeyError, TypeError, ValueError, OverflowError, sqlite3.DataError, sqlite3.IntegrityError)
"""What Python, orjson and SQLite say of a document that they would refuse again."""
_ROOM = 1024 * 1024


class LocalDocuments:
    """DocumentStore and DocumentReader on the SQLite file at `path`, which is made if need be. Thread-safe.

    Errors: StoreUnavailable where the file stays locked for `busy_seconds` or the disk is full or failing,
    Misconfigured where it is read-only, deleted, damaged or no catalog of ours, Refused for a document that JSON or
    SQLite cannot hold.
    """

    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS) -> None:
        self._path = path
        self._writer = Database(path, SCHEMA, durable=True, busy_seconds=busy_seconds)
        self._reader = Database(path, SCHEMA, durable=True, busy_seconds=busy_seconds)
        self._writing = threading.Lock()
        self._reading = threading.Lock()

    def commit(self, writes: Sequence[Write]) -> Sequence[WriteResult]:
        """One transaction for all; a write that fails changes nothing, and the others stand."""
        with self._writing, self._writer.transaction():
            (last,) = self._writer.execute("SELECT last FROM versions").fetchone()
            results = [self._answer(write, version) for version, write in enumerate(writes, last + 1)]
            if None in results:  # otherwise nothing is written, and nothing needs to reach the disk
                self._writer.execute("UPDATE versions SET last = ?", (last + len(writes),))
        return results

    def heads(self, keys: Sequence[str]) -> Sequence[Head | None]:
        """The heads under these keys, None where there is none."""
        with self._reading, self._reader.errors():
            rows = [self._reader.execute(_HEAD, (key,)).fetchone() for key in keys]
        return [row and _head(row) for row in rows]

    def attempted(self, key: str, attempt: FailedAttempt) -> Sequence[FailedAttempt]:
        """One row more."""
        text = orjson.dumps(attempt, option=orjson.OPT_UTC_Z).decode()
        with self._writing, self._writer.transaction():
            self._writer.execute("INSERT INTO attempts (key, attempt) VALUES (?, ?)", (key, text))
            rows = self._writer.execute(_ATTEMPTS, (key,)).fetchall()
        return [_attempt(*row) for row in rows]

    def attempts(self, key: str) -> Sequence[FailedAttempt]:
        """The rows of this key."""
        with self._reading, self._reader.errors():
            rows = self._reader.execute(_ATTEMPTS, (key,)).fetchall()
        return [_attempt(*row) for row in rows]

    def forget_attempts(self, key: str) -> None:
        """Delete the rows of this key."""
        with self._writing, self._writer.transaction():
            self._writer.execute("DELETE FROM attempts WHERE key = ?", (key,))

    def probe(self) -> None:
        """Take the write lock and look for room on the disk; write nothing."""
        with self._writing, self._writer.transaction():
            free = shutil.disk_usage(self._path.parent).free
        if free < _ROOM:
            raise StoreUnavailable(f"{self._path}: the disk is full")

    def get(self, key: str) -> dict[str, Value] | None:
        """The document's fields, or None."""
        with self._reading, self._reader.errors():
            row = self._reader.execute("SELECT fields FROM documents WHERE key = ?", (key,)).fetchone()
        return orjson.loads(row[0]) if row else None

    def scan(self, start_after: str = "") -> Iterator[tuple[str, dict[str, Value]]]:
        """All documents after that key. Page by page: what is written meanwhile may or may not be seen."""
        key = start_after
        while rows := self._page(key):
            for key, fields in rows:
                yield key, orjson.loads(fields)

    def counts(self) -> dict[Status, int]:
        """How many documents there are of each status."""
        with self._reading, self._reader.errors():
            rows = self._reader.execute("SELECT status, count(*) FROM documents GROUP BY status").fetchall()
        return {Status(status): count for status, count in rows}

    def close(self) -> None:
        """Free everything."""
        with self._writing, self._reading:
            self._writer.close()
            self._reader.close()

    def _page(self, start_after: str) -> list[tuple[str, str]]:
        with self._reading, self._reader.errors():
            return self._reader.execute(_PAGE, (start_after,)).fetchall()

    def _answer(self, write: Write, version: int) -> WriteResult:
        try:
            written = self._write(write, version)
        except _UNWRITABLE as error:
            refused = Refused(f"the document {key_of(write)} cannot be stored: {error!r}")
            refused.__cause__ = error
            return refused
        return None if written else Conflict(key_of(write))

    def _write(self, write: Write, version: int) -> bool:
        """Whether the condition held. One statement changes the file, so that a failure leaves nothing behind."""
        if isinstance(write, Create):
            row = (write.document.key, *_row(write.document.fields, version))
            return self._writer.execute(_CREATE, row).rowcount == 1
        fields = self._patched(write) if isinstance(write, Patch) else write.document.fields
        if fields is None:
            return False
        row = (*_row(fields, version), key_of(write), write.version)
        return self._writer.execute(_REPLACE, row).rowcount == 1

    def _patched(self, patch: Patch) -> Mapping[str, Value] | None:
        query = "SELECT fields FROM documents WHERE key = ? AND version = ?"
        row = self._writer.execute(query, (patch.key, patch.version)).fetchone()
        return {**orjson.loads(row[0]), **patch.fields} if row else None


def _head(row: tuple[Any, ...]) -> Head:
    generation, metageneration, status, extractor, version, passes, quarantined, name, of = row
    sidecar = None if name is None else Sidecar(name, of)
    return Head(generation, metageneration, Status(status), extractor, str(version), passes, bool(quarantined), sidecar)


def _attempt(text: str) -> FailedAttempt:
    known = orjson.loads(text)
    return FailedAttempt(**known | {"time": datetime.fromisoformat(known["time"])})


def _row(fields: Mapping[str, Value], version: int) -> tuple[object, ...]:
    stored_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = orjson.dumps(fields, option=orjson.OPT_UTC_Z).decode()
    return *(fields[name] for name in _COLUMNS), version, stored_at, text
