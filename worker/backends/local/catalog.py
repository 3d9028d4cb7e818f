"""The catalog of an SQLite file: queries become SQL about its table `search`."""

# ruff: noqa: S608 -- statements are made of constants and of catalog_query's conditions, which are parametrised

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat
from pathlib import Path
from queue import LifoQueue
from typing import Any

import orjson

from worker.backends.local.catalog_query import Found, found
from worker.backends.local.database import BUSY_SECONDS, Database
from worker.backends.local.documents import SCHEMA
from worker.backends.local.search_table import COLUMN_OF, PILES
from worker.catalog.facets import FEW, Facet, chosen, ranked
from worker.catalog.matching import holds
from worker.catalog.paths import nested, picked
from worker.catalog.places import metres
from worker.catalog.query import Query, Term, parse
from worker.catalog.tag_values import Promoted, nothing_promoted
from worker.catalog.values import after_prefix
from worker.errors import QueryError
from worker.model import Value
from worker.ports import Page, Stored

PAGE = 500
"""Documents that a stream reads at once."""
_NAMES = 2000
"""Rows that `by_name` reads at once."""
_ROWS = 5000
"""Rows of the table alone that are read at once. Of more, what they are joined to is too long to be kept in reach."""
READERS = 4
"""Connections: so many searches run at once, and one that reads tags holds up nobody."""
_NEXT_PILE, _NEXT_ROW = "\x1f", "\x1e"
"""Stand in no value: folded texts have no control characters."""

Row = tuple[str, dict[str, Value]]


class LocalCatalog:
    """Catalog on the SQLite file at `path`, which LocalDocuments makes and writes. Thread-safe.

    Errors are LocalDocuments', and Misconfigured where there is no such file. A search for tags reads every document
    that the other terms leave, unless their slugs are `promoted`; all others need the table alone.
    """

    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS, promoted: Promoted = nothing_promoted) -> None:
        self._promoted = promoted
        self._readers: LifoQueue[Database] = LifoQueue()
        for _ in range(READERS):
            self._readers.put(_reader(path, busy_seconds))

    def page(self, query: Query, cursor: str = "", limit: int = 100) -> Page:
        """One statement; the cursor is the id of the last row."""
        rows = self._page(found(query, self._promoted(query)), _id_of(cursor), limit + 1)
        more = str(rows[limit - 1][0]) if len(rows) > limit else ""
        return Page(tuple((key, orjson.loads(fields)) for _, key, fields in rows[:limit]), more)

    def count(self, query: Query) -> int:
        """One statement."""
        matching = found(query, self._promoted(query))
        count: int = self._rows(f"SELECT count(*) {matching.sql}", matching.values)[0][0]
        return count

    def stream(self, query: Query, fields: Sequence[str] | None = None) -> Iterator[Row]:
        """Page by page; where columns have all that is asked for, no document is read."""
        last: int | None = None
        matching = found(query, self._promoted(query), in_order=True)
        if fields and COLUMN_OF.keys() >= set(fields):
            yield from self._narrow(matching, fields)
            return
        while rows := self._page(matching, last, PAGE):
            for last, key, text in rows:  # noqa: B007 -- the next page goes on behind the last row
                document = orjson.loads(text)
                yield key, document if fields is None else picked(document, fields)

    def facets(self, query: Query, names: Sequence[str]) -> Mapping[str, Sequence[tuple[str, int]]]:
        """Of all documents they are kept ready; else one walk through what matches."""
        facets = chosen(names)
        piles = self._counted(query, facets) if query.terms else {each.name: self._kept(each) for each in facets}
        return {facet.name: self._shown(facet, piles[facet.name]) for facet in facets}

    def by_name(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[Stored]:
        """Page by page, along the index of names."""
        end = after_prefix(prefix)
        below = "" if end is None else "AND name < ? "
        comparison, start = (">", start_after) if start_after >= prefix else (">=", prefix)
        while True:
            values = (bucket, start) if end is None else (bucket, start, end)
            rows = self._rows(
                "SELECT key, name, generation, status, extractor, coalesce(code, ''), size FROM search"
                f" WHERE bucket = ? AND name {comparison} ? {below}ORDER BY name LIMIT {_NAMES}",
                values,
            )
            yield from (Stored(*row) for row in rows)
            if len(rows) < _NAMES:
                return
            comparison, start = ">", rows[-1][1]

    def close(self) -> None:
        """Free the file."""
        for _ in range(READERS):
            self._readers.get().close()

    def _page(self, matching: Found, last: int | None, limit: int) -> list[tuple[int, str, str]]:
        """Ids, keys and documents after that id."""
        sql, values, id_ = matching
        if last is not None:
            sql, values = f"{sql} AND {id_} < ?", (*values, last)
        return self._rows(
            "SELECT page.id, page.key, documents.fields FROM"
            f" (SELECT {id_} AS id, key {sql} ORDER BY {id_} DESC LIMIT ?) AS page"
            " JOIN documents ON documents.key = page.key ORDER BY page.id DESC",
            (*values, limit),
        )

    def _narrow(self, matching: Found, fields: Sequence[str]) -> Iterator[Row]:
        """Rows of the table alone, a tenth of the work."""
        columns = ", ".join(COLUMN_OF[path] for path in fields)
        places = [tuple(path.split(".")) for path in fields]
        sql, values, id_ = matching
        last = 2**63 - 1
        statement = f"SELECT {id_}, key, {columns} {sql} AND {id_} < ? ORDER BY {id_} DESC LIMIT {_ROWS}"
        while rows := self._rows(statement, (*values, last)):
            for last, key, *cells in rows:  # noqa: B007 -- the next page goes on behind the last row
                yield key, nested(zip(places, cells, strict=True))

    def _kept(self, facet: Facet) -> Counter[str]:
        return Counter(dict(self._rows("SELECT pile, count FROM piles WHERE name = ? AND count > 0", (facet.name,))))

    def _counted(self, query: Query, facets: Sequence[Facet]) -> dict[str, Counter[str]]:
        """Sorting what matches once for each facet would take several times as long.

        Facets of few values share a column. The first chunk may come along the index of names, others never do: what
        does would be sorted anew for each.
        """
        groups = [[each] for each in facets if each.name not in FEW]
        groups += [few] if (few := [each for each in facets if each.name in FEW]) else []
        columns = "".join(f", {_joined(group)} AS group_{number}" for number, group in enumerate(groups))
        texts = "".join(f", group_concat(group_{number}, char(30))" for number in range(len(groups)))
        counts: list[Counter[str]] = [Counter() for _ in groups]
        last: int | None = 2**63 - 1
        for in_order in chain((False,), repeat(True)):
            sql, values, id_ = found(query, self._promoted(query), in_order=in_order)
            some = f"SELECT {id_} AS id{columns} {sql} AND {id_} < ? ORDER BY {id_} DESC LIMIT {_ROWS}"
            ((last, *rows),) = self._rows(f"SELECT min(id){texts} FROM ({some})", (*values, last))
            if last is None:
                break
            for count, row in zip(counts, rows, strict=True):
                count.update(row.split(_NEXT_ROW))
        return _apart(groups, counts)

    def _shown(self, facet: Facet, piles: Counter[str]) -> list[tuple[str, int]]:
        """The largest piles, as people call them."""
        largest = ranked(piles.items())
        if facet.of is facet.shown:
            return largest
        names = dict(self._rows("SELECT folded, text FROM shown WHERE name = ?", (facet.name,)))
        return ranked((names.get(pile, pile), count) for pile, count in largest)

    def _rows(self, statement: str, values: tuple[object, ...] = ()) -> list[Any]:
        reader = self._readers.get()
        try:
            with reader.errors():
                return reader.execute(statement, values).fetchall()
        finally:
            self._readers.put(reader)


def _joined(group: Sequence[Facet]) -> str:
    """A row's piles of these facets, as one text; nothing where it has none."""
    return " || char(31) || ".join(f"coalesce({PILES[facet.name]}, '')" for facet in group)


def _apart(groups: Sequence[Sequence[Facet]], counts: Sequence[Counter[str]]) -> dict[str, Counter[str]]:
    piles: dict[str, Counter[str]] = {facet.name: Counter() for group in groups for facet in group}
    for group, counted in zip(groups, counts, strict=True):
        for joined, count in counted.items():
            for facet, pile in zip(group, joined.split(_NEXT_PILE), strict=True):
                if pile:
                    piles[facet.name][pile] += count
    return piles


def _reader(path: Path, busy_seconds: float) -> Database:
    reader = Database(path, SCHEMA, durable=True, create=False, busy_seconds=busy_seconds)
    reader.define("metres", 4, metres)
    reader.define("tag_holds", 2, _tag_holds)
    return reader


def _id_of(cursor: str) -> int | None:
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdigit() and int(cursor) < 2**63):
        raise QueryError(0, "this cursor is none that a page gave; begin with the first page")
    return int(cursor)


def _tag_holds(fields: str, term: str) -> bool:
    """For SQLite: whether a document fulfils a term about a tag."""
    return holds(_term(term), orjson.loads(fields))


@lru_cache(maxsize=64)
def _term(text: str) -> Term:
    return parse(text).terms[0]
