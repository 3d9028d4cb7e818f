"""SQLite as the local backends use it: write-ahead log, explicit transactions, versioned schemas, our errors.

A connection may be handed from thread to thread, but is used by one at a time: its owner holds a lock.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from worker.errors import Misconfigured, Transient, WorkerError

BUSY_SECONDS = 10.0
"""How long a statement waits for another process's transaction before it fails with a Transient."""

_WAL_BYTES = 64 * 1024 * 1024

_NEEDS_A_PERSON = frozenset(
    {
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
"""Primary result codes (https://sqlite.org/rescode.html) that waiting does not mend. The others pass: a lock, a full
disk, an interrupted or failed read or write."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file is for (`application_id`, so that a queue is never opened as a catalog) and how it came to be.

    `migrations` are the statements of each version, oldest first; a file is brought up to date when it is opened.
    `unavailable` is the error of a file that does not answer now.
    """

    application_id: int
    migrations: tuple[tuple[str, ...], ...]
    unavailable: type[Transient]


class Database:
    """One connection. `durable` commits survive a power cut (synchronous=FULL), others the end of any process.

    Without `create` a file that is not there is Misconfigured.
    """

    def __init__(
        self,
        path: Path,
        schema: Schema,
        *,
        durable: bool,
        create: bool = True,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.path = path
        self._schema = schema
        self._identity: tuple[int, int] | None = None
        with self.errors():
            self._connection = _connect(path, create, busy_seconds)
            try:
                self._prepare(durable=durable)
            except BaseException:
                self._connection.close()
                raise
        self._identity = self._found()

    def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Run one statement; SQLite's errors pass through, so call this inside `errors` or `transaction`."""
        return self._connection.execute(statement, parameters)

    def executemany(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        """Run one statement for each row."""
        self._connection.executemany(statement, rows)

    def define(self, name: str, arguments: int, function: Callable[..., float | bool]) -> None:
        """A function for statements: of its arguments alone, and it does not raise."""
        self._connection.create_function(name, arguments, function, deterministic=True)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and alone: no other process writes meanwhile. Raises our errors."""
        with self.errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite ends it by itself on a full disk, for example
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def errors(self) -> Iterator[None]:
        """SQLite's errors, translated. A file that was deleted or replaced would take writes, and lose them."""
        if self._identity and self._identity != self._found():
            raise Misconfigured(f"{self.path} was deleted or replaced while it was in use")
        try:
            yield
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Free the file."""
        self._connection.close()

    def _translated(self, error: sqlite3.Error) -> WorkerError:
        code = getattr(error, "sqlite_errorcode", None)  # absent where Python itself refused, as after close()
        final = code is not None and code & 0xFF in _NEEDS_A_PERSON
        return (Misconfigured if final else self._schema.unavailable)(f"{self.path}: {error}")

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _prepare(self, *, durable: bool) -> None:
        db = self._connection
        found = db.execute("PRAGMA application_id").fetchone()[0]
        empty = not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if found != self._schema.application_id and not (found == 0 and empty):
            raise Misconfigured(f"{self.path} is a database of another kind")
        _patiently(lambda: db.execute("PRAGMA journal_mode = WAL"))
        db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        db.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
        if self._version() != len(self._schema.migrations):
            self._migrate()

    def _migrate(self) -> None:
        with self.transaction():
            version = self._version()  # again: another process may have been faster
            if version > len(self._schema.migrations):
                raise Misconfigured(f"{self.path} was written by a newer version of imagemeta")
            for migration in self._schema.migrations[version:]:
                for statement in migration:
                    self.execute(statement)
            self.execute(f"PRAGMA application_id = {self._schema.application_id}")
            self.execute(f"PRAGMA user_version = {len(self._schema.migrations)}")

    def _version(self) -> int:
        version: int = self.execute("PRAGMA user_version").fetchone()[0]
        return version


def _connect(path: Path, create: bool, busy_seconds: float) -> sqlite3.Connection:
    mode = "rwc" if create else "rw"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )


def _patiently(act: Callable[[], object]) -> None:
    """Two processes that switch a new file to WAL at once: one is told "locked" without the usual wait."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            act()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
