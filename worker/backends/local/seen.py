"""What a watcher has announced: the generation of each object it knows, in an SQLite file.

A row is written after the message is on the queue. Whatever dies in between, the message is sent twice, never not.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from worker.backends.local.database import Database, Schema
from worker.errors import SourceUnavailable

SCHEMA = Schema(
    application_id=0x696D_7365,  # "imse"
    migrations=(
        (
            "CREATE TABLE seen (name TEXT NOT NULL PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE folder (identity TEXT NOT NULL)",
        ),
    ),
    unavailable=SourceUnavailable,
)

_PAGE = 1000
_RANGE = "SELECT name, generation FROM seen WHERE name > ? AND name < ? ORDER BY name LIMIT ?"


class Seen:
    """One watcher's memory. Used by one thread."""

    def __init__(self, path: Path) -> None:
        self._db = Database(path, SCHEMA, durable=True)

    def generations(self, names: Sequence[str]) -> dict[str, int]:
        """The announced generations of those of these names that are known."""
        query = "SELECT generation FROM seen WHERE name = ?"
        with self._db.errors():
            found = ((name, self._db.execute(query, (name,)).fetchone()) for name in names)
            return {name: row[0] for name, row in found if row}

    def record(self, changes: Mapping[str, int | None]) -> None:
        """These names have these generations now, or None: they are gone."""
        gone: list[tuple[object, ...]] = [(name,) for name, generation in changes.items() if generation is None]
        here: list[tuple[object, ...]] = [
            (name, generation) for name, generation in changes.items() if generation is not None
        ]
        with self._db.transaction():
            self._db.executemany("DELETE FROM seen WHERE name = ?", gone)
            self._db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?)", here)

    def under(self, prefix: str) -> Iterator[tuple[str, int]]:
        """All known names that begin with the prefix (empty, or ending with a slash), by UTF-8 bytes, page by page."""
        after, end = prefix, prefix[:-1] + "0" if prefix else "\U0010ffff\U0010ffff"  # "0" is the byte after "/"
        while True:
            with self._db.errors():
                page = self._db.execute(_RANGE, (after, end, _PAGE)).fetchall()
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    def folder(self) -> str | None:
        """The identity of the folder at the last full look at it."""
        with self._db.errors():
            row = self._db.execute("SELECT identity FROM folder").fetchone()
        return row[0] if row else None

    def record_folder(self, identity: str) -> None:
        """The folder that was just looked at."""
        with self._db.transaction():
            self._db.execute("DELETE FROM folder")
            self._db.execute("INSERT INTO folder VALUES (?)", (identity,))

    def close(self) -> None:
        """Free the file."""
        self._db.close()
