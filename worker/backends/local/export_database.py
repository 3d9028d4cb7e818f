"""SQLite files of exports: a table `images`, a table `tags`, and an index of their words. Datasette opens them."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from worker.errors import SourceUnavailable
from worker.outlet import Cells, Column, Kind

_TYPES = {
    Kind.INTEGER: "INTEGER",
    Kind.NUMBER: "REAL",
    Kind.FLAG: "INTEGER",
    Kind.ANY: "",
}
"""The others are TEXT: times as ISO 8601, lists and maps as JSON."""
_WORDY = ("name", "title", "description", "keywords", "creator", "make", "model", "lens")
_TAGS, _KEY = "tags", "key"
_AT_ONCE = 1000
_TABLE_OF_TAGS = (
    "CREATE TABLE tags (key TEXT NOT NULL REFERENCES images(key), name TEXT NOT NULL, value, text TEXT,"
    " PRIMARY KEY (key, name)) WITHOUT ROWID"
)


class ExportDatabase:
    """An outlet.Maker. The columns have `key`, the primary key: of several rows of a key the last one stays."""

    def make(self, file: Path, columns: Sequence[Column], rows: Iterable[Cells]) -> None:
        """One transaction in a new file, so that the same rows make the same bytes."""
        with _opened(file) as db:
            _set_up(db, columns)
            _fill(db, columns, rows)
            words = [column.name for column in columns if column.name in _WORDY]
            if words:
                listed = ", ".join(words)
                db.execute(f"CREATE VIRTUAL TABLE images_fts USING fts5({listed}, content='images')")
                db.execute("INSERT INTO images_fts (images_fts) VALUES ('rebuild')")
            db.execute("COMMIT")

    def rows(self, file: Path, columns: Sequence[Column]) -> Iterator[Cells]:
        """In the order in which they were put in."""
        shown = [column for column in columns if column.name != _TAGS]
        names = ", ".join(_quoted(column.name) for column in shown)
        with _opened(file) as db:
            for row in db.execute(f"SELECT {names} FROM images ORDER BY rowid"):  # noqa: S608 -- quoted names
                cells = {column.name: _read(column.kind, value) for column, value in zip(shown, row, strict=True)}
                cells[_TAGS] = _tags_of(db, cells[_KEY])
                yield [cells[column.name] for column in columns]


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection whose errors are ours. Nobody else has the file."""
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            yield db
    except sqlite3.DatabaseError as error:
        raise SourceUnavailable(f"the SQLite file of the export cannot be written or read: {error}") from error


def _set_up(db: sqlite3.Connection, columns: Sequence[Column]) -> None:
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -16000", "temp_store = FILE"):
        db.execute(f"PRAGMA {pragma}")  # the file has no name yet: what is broken off is made anew
    db.execute("BEGIN")
    defined = ", ".join(_defined(column) for column in columns if column.name != _TAGS)
    db.execute(f"CREATE TABLE images ({defined})")
    db.execute(_TABLE_OF_TAGS)


def _fill(db: sqlite3.Connection, columns: Sequence[Column], rows: Iterable[Cells]) -> None:
    places = [place for place, column in enumerate(columns) if column.name != _TAGS]
    names = [column.name for column in columns]
    key, tags = names.index(_KEY), names.index(_TAGS) if _TAGS in names else None
    marks = ", ".join("?" * len(places))
    more = iter(rows)
    while batch := list(islice(more, _AT_ONCE)):
        if tags is not None:
            db.executemany("DELETE FROM tags WHERE key = ?", [(row[key],) for row in batch])
        images = [[_written(columns[place].kind, row[place]) for place in places] for row in batch]
        db.executemany(f"INSERT OR REPLACE INTO images VALUES ({marks})", images)  # noqa: S608 -- question marks
        if tags is not None:
            last = {row[key]: row[tags] for row in batch}
            db.executemany("INSERT INTO tags VALUES (?, ?, ?, ?)", _tag_rows(last))


def _tag_rows(tags: dict[Any, Any]) -> Iterator[tuple[object, ...]]:
    for key, known in tags.items():
        for name, tag in (known or {}).items():
            whole = tag if isinstance(tag, dict) else {"value": tag}  # a tag may have been left out, for its size
            yield key, name, _written(Kind.ANY, whole.get("value")), whole.get("text")


def _tags_of(db: sqlite3.Connection, key: object) -> dict[str, Any] | None:
    found = db.execute("SELECT name, value, text FROM tags WHERE key = ?", (key,))
    return {name: {"value": value, "text": text} for name, value, text in found} or None


def _defined(column: Column) -> str:
    end = " NOT NULL PRIMARY KEY" if column.name == _KEY else ""
    return f"{_quoted(column.name)} {_TYPES.get(column.kind, 'TEXT')}".rstrip() + end


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _written(kind: Kind, value: Any) -> object:
    """A value as SQLite has it; whole numbers beyond 64 bits cannot come."""
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return int(value) if kind is Kind.FLAG and value is not None else value


def _read(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind in {Kind.JSON, Kind.LIST}:
        return orjson.loads(value)
    return bool(value) if kind is Kind.FLAG else value
